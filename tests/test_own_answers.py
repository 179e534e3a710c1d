"""Answers from other notebooks are taken along where they are right, and only there."""

import nbformat
import numpy as np
import pytest

from nst_utils import checks
from nst_utils.base.tensorflow import tf
from nst_utils.checks.own import use_own_answers
from nst_utils.course.graph import few_steps

RIGHT = "def total_cost(J_content, J_style, alpha=10, beta=40):\n    return alpha * J_content + beta * J_style\n"
WRONG = RIGHT.replace("+", "-")


def package(J_content, J_style, alpha=10, beta=40):
    return beta * J_style + alpha * J_content


@pytest.fixture
def used(tmp_path, capsys):
    """Writes cells as notebooks, takes total_cost along, and returns it with what was said."""

    def use(**sources):
        for name, source in sources.items():
            cell = nbformat.v4.new_code_cell(source, metadata={"nbgrader": {"grade_id": "total_cost"}})
            nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")
        namespace = {"total_cost": package}
        use_own_answers(["total_cost"], namespace, tmp_path)
        return namespace["total_cost"], capsys.readouterr().out

    return use


def test_a_right_answer_is_taken_along(used):
    function, said = used(a=RIGHT)
    assert function is not package and function(1, 2) == 90
    assert "yours, from a.ipynb" in said


@pytest.mark.parametrize("source", [WRONG, "def total_cost(:", "total_cost = 1", "raise SystemExit", "", "%time 1"])
def test_a_wrong_or_broken_answer_is_not(used, source):
    function, said = used(a=source)
    assert function is package
    assert "the package's" in said


def test_where_there_is_no_notebook_the_packages_stays(used):
    function, said = used()
    assert function is package and "no notebook" in said


def test_what_is_no_notebook_is_passed_over(used, tmp_path):
    (tmp_path / "a.ipynb").write_text("[]")
    (tmp_path / "b.ipynb").write_text("{")
    assert used(c=RIGHT)[0] is not package


def test_of_two_copies_the_right_one_is_taken(used):
    assert "yours, from b.ipynb" in used(a=WRONG, b=RIGHT)[1]


def test_what_a_cell_does_beside_defining_is_left_undone(used, tmp_path):
    function, _ = used(a=f"{RIGHT}\nopen(r'{tmp_path / 'trace'}', 'w').close()\nwhile True:\n    pass\n")
    assert function is not package and not (tmp_path / "trace").exists()


def test_the_answer_looks_its_names_up_where_it_was_put(tmp_path):
    cell = nbformat.v4.new_code_cell(
        "def total_cost(J_content, J_style, alpha=10, beta=40):\n    return plus(alpha * J_content, beta * J_style)\n",
        metadata={"nbgrader": {"grade_id": "total_cost"}},
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    namespace = {"total_cost": package, "plus": lambda x, y: x + y}
    use_own_answers(["total_cost"], namespace, tmp_path)
    assert checks.total_cost(namespace["total_cost"]).outcome == "correct"
    assert namespace["total_cost"] is not package


def test_a_name_that_was_not_there_gets_the_packages(tmp_path, capsys):
    namespace = {}
    use_own_answers(["total_cost"], namespace, tmp_path)
    assert namespace["total_cost"](1, 2) == 90
    assert "the package's" in capsys.readouterr().out


def test_a_first_look_at_a_train_step_starts_where_it_is_told_each_time():
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        x = tf.compat.v1.Variable(np.zeros((1, 2, 2, 3)), dtype=tf.float32)
        J = tf.reduce_sum(tf.square(x - 100))
        step = tf.compat.v1.train.AdamOptimizer(2.0).minimize(J)
        start = np.full((1, 2, 2, 3), 50, np.float32)
        for _ in range(2):
            np.testing.assert_allclose(few_steps(sess, step, x, start, steps=1), start + 2, atol=1e-3)
        np.testing.assert_array_equal(few_steps(sess, step, x, start, steps=0), start)

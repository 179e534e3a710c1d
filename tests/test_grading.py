"""A class of 26 hands in, from right to endless, and nbgrader gives everyone the points that were earned.

The assignment has the course's own exercises and checks, without the pictures around them, in two notebooks.
"""

import csv
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from textwrap import indent

import jupytext
import nbformat
import pytest
from conftest import posix_only
from nbgrader.api import Gradebook

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))

from course import grade, main, release  # noqa: E402
from editions import edition_path, find_sources  # noqa: E402

from nst_utils.grading.confinement import bubblewrap  # noqa: E402

# nbgrader's own models make SQLAlchemy warn.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    # A class is graded before its first test; a slow machine takes its time.
    pytest.mark.timeout(1800),
]
ASSIGNMENT = "costs-and-styles"
# notebook of the assignment -> exercise -> head of its function
EXERCISES = {
    "costs": {
        "compute_content_cost": "compute_content_cost(a_C, a_G)",
        "total_cost": "total_cost(J_content, J_style, alpha=10, beta=40)",
    },
    "styles": {"gram_matrix": "gram_matrix(A)"},
}
CELL_TIMEOUT = 100  # seconds: enough for importing TensorFlow on a busy machine

RIGHT = {
    "compute_content_cost": "return tf.reduce_sum((a_C - a_G) ** 2) / (4.0 * int(np.prod(a_G.shape[1:])))",
    "total_cost": "return alpha * J_content + beta * J_style",
    "gram_matrix": "return tf.matmul(A, tf.transpose(A))",
}
OTHER_FORMS = {
    "compute_content_cost": "return tf.reduce_mean(tf.math.squared_difference(a_C, a_G)) / 4",
    "total_cost": "return sum(w * J for w, J in zip((alpha, beta), (J_content, J_style)))",
    "gram_matrix": "return tf.einsum('ik,jk->ij', A, A)",
}
BORROWED = "from nst_utils.engine import costs\nreturn costs.compute_content_cost(a_C, a_G)"
LOUD = {name: f"import warnings\nwarnings.warn('careful')\n{body}" for name, body in RIGHT.items()}
# The endless ones sleep, so that waiting for them takes no processor from the others.
ENDLESS = "import time\nwhile True: time.sleep(1)"
STUBBORN = "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException: pass"
PRINTING = "import time\nwhile True:\n    print('x' * 10_000)\n    time.sleep(0.01)"
# Native code that never gives Python a turn: not even the interruption arrives.
OUTSIDE_PYTHON = "import ctypes\nctypes.PyDLL(None).sleep(10**6)"


def is_check(cell):
    return cell.metadata.get("nbgrader", {}).get("grade", False)


# --- What some students do to their notebook besides answering --------------------------------------------


def delete_checks(notebook):
    notebook.cells = [cell for cell in notebook.cells if not is_check(cell)]


def edit_checks(notebook):
    for cell in filter(is_check, notebook.cells):
        cell.source = "pass"
        cell.metadata.nbgrader.points = 100


def skip_checks(notebook):
    for cell in filter(is_check, notebook.cells):
        cell.metadata.tags = ["skip-execution"]


def copy_cells(notebook):
    copies = [nbformat.from_dict({**cell, "id": f"copy-{cell.id}"}) for cell in notebook.cells]
    notebook.cells += [cell for cell in copies if "nbgrader" in cell.metadata]


def use_another_kernel(notebook):
    notebook.metadata.kernelspec = {"name": "julia-1.11", "display_name": "Julia", "language": "julia"}


def break_the_imports(notebook):
    imports = next(cell for cell in notebook.cells if cell.cell_type == "code")
    imports.source = f"import not_installed\n{imports.source}"


def add_cell(code, place=3):
    """A cell of the student's own: after the imports (3), before them (1), or last of all (100)."""

    def change(notebook):
        notebook.cells.insert(place, nbformat.v4.new_code_cell(code))

    return change


# --- The class: what each student hands in, and the exercises that earn their points ----------------------

COSTS, STYLES = ("compute_content_cost", "total_cost"), ("gram_matrix",)
ALL = (*COSTS, *STYLES)


def student(answers, earns, *changes, hands_in=("costs",)):
    return {"answers": answers, "earns": set(earns), "changes": changes, "hands_in": hands_in}


BOTH = ("costs", "styles")
CLASS = {
    "20260001": student(RIGHT, ALL, hands_in=BOTH),  # right, and with a number for a name
    "right-in-other-forms-checks-deleted": student(OTHER_FORMS, ALL, delete_checks, hands_in=BOTH),
    "right-but-loud": student(LOUD, COSTS, use_another_kernel),
    "right-with-copied-cells": student(RIGHT, COSTS, copy_cells),
    "right-by-the-package": student(RIGHT | {"compute_content_cost": BORROWED}, COSTS),
    "wrong-transpose": student(
        RIGHT | {"gram_matrix": "return tf.matmul(A, A, transpose_a=True)"}, COSTS, hands_in=BOTH
    ),
    "wrong-divisor": student(
        RIGHT | {"compute_content_cost": "return tf.reduce_sum((a_C - a_G) ** 2) / 4"}, ["total_cost"]
    ),
    "wrong-order": student(
        RIGHT | {"total_cost": "return beta * J_content + alpha * J_style"}, ["compute_content_cost"]
    ),
    "wrong-constant-checks-edited": student(
        {"compute_content_cost": "return tf.constant(6.7656)", "total_cost": "return 35.34667875478276"},
        [], edit_checks,
    ),
    "wrong-nothing-returned-checks-skipped": student(dict.fromkeys(COSTS, "pass"), [], skip_checks),
    "half-untouched": student({}, [], hands_in=BOTH),
    "half-one-exercise": student(
        {"total_cost": RIGHT["total_cost"]}, ["total_cost"], add_cell(ENDLESS, place=100)
    ),
    "half-one-notebook": student(RIGHT, STYLES, hands_in=["styles"]),
    "half-empty-folder": student({}, [], hands_in=[]),
    "crash-syntax": student(RIGHT | {"total_cost": "return alpha * (J_content"}, ["compute_content_cost"]),
    # Without the course's names; the total cost needs none.
    "crash-at-import": student(RIGHT, ["total_cost"], break_the_imports),
    "crash-exit-at-the-start": student(RIGHT, COSTS, add_cell("import os\nos._exit(1)", place=1)),
    "crash-exit-in-the-answer": student(
        RIGHT | {"compute_content_cost": "import os\nos._exit(1)"}, ["total_cost"]
    ),
    "crash-quit": student(RIGHT, COSTS, add_cell("quit()")),
    "crash-segmentation-fault": student(
        RIGHT | {"total_cost": "import ctypes\nctypes.string_at(0)"}, ["compute_content_cost"]
    ),
    "crash-half-saved-file": student(RIGHT, STYLES, hands_in=BOTH),
    "endless-cell": student(RIGHT, COSTS, add_cell(ENDLESS)),
    "endless-answer": student(RIGHT | {"total_cost": "while True: pass"}, ["compute_content_cost"]),
    "endless-and-stubborn": student(RIGHT, COSTS, add_cell(STUBBORN)),
    "endless-printing": student(RIGHT, COSTS, add_cell(PRINTING)),
    "endless-outside-python": student(RIGHT | {"total_cost": OUTSIDE_PYTHON}, ["compute_content_cost"]),
}


# --- The assignment, the submissions, the run -------------------------------------------------------------


def write_assignment(folder, notebooks=EXERCISES):
    """The exercises and checks of the course's notebooks, as short sources with these names; their paths."""
    cells = defaultdict(list)
    for source in find_sources():
        for cell in jupytext.read(source).cells:
            if "nbgrader" in cell.metadata:
                cells[cell.metadata.nbgrader.grade_id.removesuffix("_points")].append(cell)
    (folder / "source").mkdir(parents=True)
    imports = nbformat.v4.new_code_cell("from nst_utils import *\nfrom nst_utils import checks")
    for name, exercises in notebooks.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {name}"), imports])
        for exercise in exercises:
            notebook.cells += cells[exercise]
        jupytext.write(notebook, folder / "source" / f"{name}.py", fmt="py:percent")
    return find_sources(folder=folder)


def hand_in(course, name, answers, changes, hands_in, **_):
    folder = course / "submitted" / name / ASSIGNMENT
    folder.mkdir(parents=True)
    for title in hands_in:
        notebook = nbformat.read(course / "release" / ASSIGNMENT / f"{title}.ipynb", as_version=4)
        for cell in notebook.cells:
            exercise = cell.metadata.get("nbgrader", {}).get("grade_id")
            if exercise in answers and exercise in EXERCISES[title]:
                cell.source = f"def {EXERCISES[title][exercise]}:\n{indent(answers[exercise], '    ')}"
        for change in changes:
            change(notebook)
        nbformat.write(notebook, folder / f"{title}.ipynb")


def points(course, name):
    """{exercise: points} of a student in the gradebook."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, name)
        grades = [one for notebook in submission.notebooks for one in notebook.grades]
        return {one.name.removesuffix("_points"): one.score for one in grades}


def worth(course):
    """{exercise: points} of the assignment."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        notebooks = gradebook.find_assignment(ASSIGNMENT).notebooks
        cells = [cell for notebook in notebooks for cell in notebook.grade_cells]
        return {cell.name.removesuffix("_points"): cell.max_score for cell in cells}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The course folder after the run, and what grade() returned."""
    folder = tmp_path_factory.mktemp("class")
    course = folder / "course"
    release(course, ASSIGNMENT, write_assignment(folder / "notebooks"))
    with open(course / "nbgrader_config.py", "a") as settings:
        settings.write(f"\nc.EnduringExecute.timeout = {CELL_TIMEOUT}\n")
    for name, what in CLASS.items():
        hand_in(course, name, **what)
    (course / "submitted" / "crash-half-saved-file" / ASSIGNMENT / "costs.ipynb").write_text('{"cells": [')
    return course, grade(course, ASSIGNMENT, jobs=5)


def test_the_class_has_26_students():
    assert len(CLASS) == 26


def test_everyone_has_the_points_that_were_earned(graded):
    course, _ = graded
    value = worth(course)
    assert set(value) == set(ALL) and all(value.values())
    designed = {
        name: {exercise: value[exercise] if exercise in what["earns"] else 0 for exercise in ALL}
        for name, what in CLASS.items()
    }
    assert {name: points(course, name) for name in CLASS} == designed


def test_the_table_has_the_same_points(graded):
    course, _ = graded
    with open(course / "grades.csv", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {name: float(row["score"]) for name, row in rows.items()} == {
        name: sum(points(course, name).values()) for name in CLASS
    }
    assert {float(row["max_score"]) for row in rows.values()} == {sum(worth(course).values())}


def test_what_to_look_at_is_said_and_costs_nothing(graded):
    course, _ = graded
    with open(course / "flags.csv", newline="") as file:
        flags = {(row["student"], row["cell"], row["flag"]) for row in csv.DictReader(file)}
    assert ("right-by-the-package", "compute_content_cost_points", "package's formula") in flags
    assert ("right-by-the-package", "", "package or interpreter") in flags
    assert {name for name, cell, flag in flags if (cell, flag) == ("gram_matrix", "same tree")} == {
        name for name, what in CLASS.items()
        if what["answers"].get("gram_matrix") == RIGHT["gram_matrix"] and "styles" in what["hands_in"]
    }
    assert not {flag for name, _, flag in flags if name == "half-untouched"}


def test_only_what_cannot_be_read_is_reported(graded):
    _, failures = graded
    assert failures == {"crash-half-saved-file": ["costs"], "half-empty-folder": ["costs", "styles"]}


def test_what_follows_the_last_check_is_not_run(graded):
    course, _ = graded
    autograded = course / "autograded" / "half-one-exercise" / ASSIGNMENT / "costs.ipynb"
    check, endless = nbformat.read(autograded, as_version=4).cells[-2:]
    assert is_check(check) and check.execution_count
    assert endless.source == ENDLESS and not endless.execution_count


def test_the_log_of_an_endless_submission_stays_small(graded):
    course, _ = graded
    autograded = course / "autograded" / "endless-printing" / ASSIGNMENT / "costs.ipynb"
    assert autograded.stat().st_size < 2_000_000
    assert (course / "logs" / ASSIGNMENT / "endless-printing.log").stat().st_size < 100_000


def test_a_worse_second_try_takes_the_points_back(graded):
    course, _ = graded
    assert sum(points(course, "right-with-copied-cells").values()) > 0
    for path in (course / "submitted" / "right-with-copied-cells" / ASSIGNMENT).glob("*.ipynb"):
        path.write_text("not a notebook any more")
    grade(course, ASSIGNMENT, ["right-with-copied-cells"], force=True)
    assert sum(points(course, "right-with-copied-cells").values()) == 0


EXPERIMENT = {"grade": True, "solution": True, "locked": False, "points": 3, "schema_version": 3, "task": False}


@pytest.fixture(scope="module")
def experimented(tmp_path_factory):
    """The autograded notebooks of two students, one who did the open experiment, and their grades for it."""
    folder = tmp_path_factory.mktemp("experiments")
    course, source = folder / "course", folder / "notebooks" / "source" / "costs.py"
    source.parent.mkdir(parents=True)
    cells = [nbformat.v4.new_markdown_cell("# costs"), nbformat.v4.new_code_cell("checks.total_cost(given).require()")]
    cells.insert(1, nbformat.v4.new_code_cell("from nst_utils import checks, total_cost as given"))
    cells[2].metadata.nbgrader = EXPERIMENT | {"grade_id": "check", "solution": False, "locked": True}
    cells += [nbformat.v4.new_code_cell("the_example = 1"), nbformat.v4.new_markdown_cell("the example's words")]
    for cell, name in zip(cells[3:], ("experiment_picture", "experiment_words"), strict=True):
        cell.metadata.nbgrader = EXPERIMENT | {"grade_id": name}
    jupytext.write(nbformat.v4.new_notebook(cells=cells), source, fmt="py:percent")
    release(course, ASSIGNMENT, [source])
    for name in ("did", "did-not"):
        path = course / "submitted" / name / ASSIGNMENT / "costs.ipynb"
        path.parent.mkdir(parents=True)
        notebook = nbformat.read(course / "release" / ASSIGNMENT / "costs.ipynb", as_version=4)
        assert not any("example" in cell.source for cell in notebook.cells)
        if name == "did":
            picture, words = notebook.cells[-2:]
            picture.source, words.source = "raise SystemExit  # a long run", "I asked, and I saw."
            data = {"image/png": "AAAA", "text/html": "<script>alert(1)</script>", "text/plain": "a picture"}
            picture.outputs = [nbformat.v4.new_output("display_data", data)]
        nbformat.write(notebook, path)
    assert grade(course, ASSIGNMENT, jobs=2) == {}
    return course


def test_an_experiment_is_left_to_a_person_and_one_not_done_has_no_points(experimented):
    with Gradebook(f"sqlite:///{experimented / 'gradebook.db'}") as gradebook:
        for name, by_hand in (("did", True), ("did-not", False)):
            grades = {one.name: one for one in gradebook.find_submission_notebook("costs", ASSIGNMENT, name).grades}
            assert grades["check"].score == 3
            for cell in ("experiment_picture", "experiment_words"):
                assert (grades[cell].needs_manual_grade, grades[cell].score) == (by_hand, 0)


def test_the_picture_of_an_experiment_is_the_one_handed_in_without_what_could_run(experimented):
    path = experimented / "autograded" / "did" / ASSIGNMENT / "costs.ipynb"
    picture, words = nbformat.read(path, as_version=4).cells[-2:]
    assert picture.outputs[0].data == {"image/png": "AAAA", "text/plain": "a picture"}
    assert not picture.execution_count and words.source == "I asked, and I saw."


def test_the_release_is_the_student_edition(tmp_path):
    folder = release(tmp_path, "all", find_sources())
    for source in find_sources():
        released = nbformat.read(folder / f"{source.stem}.ipynb", as_version=4)
        assert released == nbformat.read(edition_path(source, "student"), as_version=4)


@pytest.mark.parametrize("name", ["..", ".", "/tmp/elsewhere", "a/b", "../../a", ".hidden", "", "week 1", "a\\b", "*"])
def test_only_a_plain_name_is_that_of_an_assignment(tmp_path, name):
    work = tmp_path / "submitted" / "ann" / "week-1" / "costs.ipynb"
    work.parent.mkdir(parents=True)
    work.write_text("work")
    for command in ("release", "grade"):
        with pytest.raises(SystemExit, match="one plain name"):
            main([command, "--course", str(tmp_path), "--assignment", name])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [work]


def test_a_release_that_fails_leaves_the_last_one_as_it_was(tmp_path, monkeypatch):
    course = tmp_path / "course"
    sources = write_assignment(tmp_path / "notebooks")
    folder = release(course, ASSIGNMENT, sources)
    before = {path: path.read_bytes() for path in course.rglob("*.ipynb")}
    assert len(before) == 4 and folder.is_dir()
    failing = subprocess.CompletedProcess([], 1, stdout="no room")
    monkeypatch.setattr("course._nbgrader", lambda *arguments: failing)
    with pytest.raises(SystemExit, match="no room"):
        release(course, ASSIGNMENT, sources[:1])
    assert {path: path.read_bytes() for path in course.rglob("*.ipynb")} == before
    assert not list(course.glob(".release-*"))


def test_a_release_that_is_killed_loses_nothing_and_leaves_nothing(tmp_path):
    course, sources = tmp_path / "course", write_assignment(tmp_path / "notebooks")
    release(course, ASSIGNMENT, sources)
    given = f"Path({str(course)!r}), {ASSIGNMENT!r}, map(Path, {[*map(str, sources)]!r})"
    code = f"from course import Path, release; release({given})"
    again = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT / "notebooks")
    while again.poll() is None and not list(course.glob(".release-*/old-release")):
        time.sleep(0.001)
    again.kill()
    again.wait()
    assert list(course.glob(".release-*/old-release")), "it was too late for the kill"
    release(course, ASSIGNMENT, sources)
    assert {path.name for path in (course / "release" / ASSIGNMENT).glob("*.ipynb")} == {"costs.ipynb", "styles.ipynb"}
    assert not list(course.glob(".release-*"))


def test_what_a_killed_release_had_put_aside_comes_back_where_nothing_replaced_it(tmp_path, monkeypatch):
    course, sources = tmp_path / "course", write_assignment(tmp_path / "notebooks")
    handed_out = release(course, ASSIGNMENT, sources)
    (course / f".release-{ASSIGNMENT}+1").mkdir()
    handed_out.rename(course / f".release-{ASSIGNMENT}+1" / "old-release")
    monkeypatch.setattr("course.with_answers", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        release(course, ASSIGNMENT, sources)
    assert (handed_out / "costs.ipynb").exists() and not list(course.glob(".release-*"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_folder_whose_name_is_a_pattern_is_no_student(tmp_path):
    course = tmp_path / "course"
    release(course, ASSIGNMENT, write_assignment(tmp_path / "notebooks", {"styles": EXERCISES["styles"]}))
    for name in ("*", "[a]"):
        (course / "submitted" / name / ASSIGNMENT).mkdir(parents=True)
    said = []
    with pytest.raises(SystemExit, match="No submissions to grade"):
        grade(course, ASSIGNMENT, report=said.append)
    assert [line.split("'")[1] for line in said] == ["*", "[a]"]


@posix_only
def test_a_link_or_a_pipe_is_neither_followed_nor_waited_for(tmp_path):
    course, private = tmp_path / "course", tmp_path / "private.txt"
    release(course, ASSIGNMENT, write_assignment(tmp_path / "notebooks", {"styles": EXERCISES["styles"]}))
    private.write_text("PRIVATE")
    hand_in(course, "ann", RIGHT, [], ["styles"])
    look = "import pathlib\nprint(pathlib.Path('beside.txt').read_text())"
    hand_in(course, "bob", RIGHT, [add_cell(look)], ["styles"])
    places = {name: course / "submitted" / name / ASSIGNMENT for name in ("ann", "bob", "cy", "dan")}
    for name in ("cy", "dan"):
        places[name].mkdir(parents=True)
    (places["bob"] / "beside.txt").symlink_to(private)
    (places["cy"] / "styles.ipynb").symlink_to(places["ann"] / "styles.ipynb")
    os.mkfifo(places["dan"] / "styles.ipynb")
    assert grade(course, ASSIGNMENT, report=print) == {name: ["styles"] for name in ("bob", "cy", "dan")}
    assert points(course, "ann") == worth(course)
    for name in ("bob", "cy", "dan"):
        assert not any(points(course, name).values())
        said = (course / "logs" / ASSIGNMENT / f"{name}.log").read_text(encoding="utf-8")
        assert ("beside.txt" if name == "bob" else "styles.ipynb") in said
    kept = [path.read_bytes() for path in (course / "autograded").rglob("*") if path.is_file()]
    assert kept and not any(b"PRIVATE" in each for each in kept)


@pytest.mark.skipif(not bubblewrap(), reason="NOT TESTED: bubblewrap is not installed, or not allowed here")
def test_a_submission_does_not_see_the_folder_in_which_the_grading_was_started(tmp_path, monkeypatch):
    course, home = tmp_path / "course", tmp_path / "home"
    release(course, ASSIGNMENT, write_assignment(tmp_path / "notebooks", {"styles": EXERCISES["styles"]}))
    home.mkdir()
    (home / "private.txt").write_text("PRIVATE")
    look = f"import pathlib\nprint('LOOKED', *pathlib.Path({str(home)!r}).rglob('*'), '.')"
    hand_in(course, "ann", RIGHT, [add_cell(look)], ["styles"])
    monkeypatch.chdir(home)
    assert not grade(course, ASSIGNMENT, report=print)
    seen = (course / "autograded" / "ann" / ASSIGNMENT / "styles.ipynb").read_text(encoding="utf-8")
    assert "LOOKED ." in seen and "private.txt" not in seen
    assert points(course, "ann") == worth(course)


def test_a_check_that_no_judge_knows_is_not_handed_out(tmp_path):
    cell = nbformat.v4.new_code_cell("assert f(2) == 4")
    cell.metadata.nbgrader = EXPERIMENT | {"grade_id": "f_points", "solution": False, "locked": True}
    source = tmp_path / "source" / "own.py"
    source.parent.mkdir()
    cells = [nbformat.v4.new_markdown_cell("# own"), cell]
    jupytext.write(nbformat.v4.new_notebook(cells=cells), source, fmt="py:percent")
    with pytest.raises(SystemExit, match="own.py: the graded cell 'f_points' is to be one line"):
        release(tmp_path / "course", ASSIGNMENT, [source])
    assert not (tmp_path / "course" / "source" / ASSIGNMENT).exists()


def test_a_student_who_has_not_handed_in_is_named(tmp_path):
    (tmp_path / "submitted" / "ann" / "week-1").mkdir(parents=True)
    with pytest.raises(SystemExit, match="No submission of bob, eve in .*: there are ann"):
        main(["grade", "eve", "ann", "bob", "--course", str(tmp_path), "--assignment", "week-1"])


def test_grading_without_submissions_says_where_they_belong(tmp_path):
    with pytest.raises(SystemExit, match="each is a folder STUDENT/week-1"):
        main(["grade", "--course", str(tmp_path), "--assignment", "week-1"])

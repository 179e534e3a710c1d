"""The judge believes nothing: whatever a process claims of a function, only right values earn a point."""

import ast
import base64
import json
import sys
import threading
import tracemalloc

import numpy as np
import pytest

from nst_utils import checks
from nst_utils.checks import answering, comparing, limits, wire
from nst_utils.checks.running import EXERCISES, judge
from nst_utils.checks.student import Student, in_place
from nst_utils.engine import costs
from nst_utils.grading import flags
from nst_utils.grading.judging import exercise_of

GOOD_FACTS = {
    "callable": True, "type": "function", "plain": True, "empty": False, "signature": "(a)", "takes": list(range(10)),
    "names": [], "locals": [], "parameters": ["a"], "data": [], "functions": [],
}


def claiming(value):
    """A Student of which something claims that this is so, whatever it is asked: a value, or what it makes of it."""

    def send(request):
        asked = wire.decode(request)
        if asked["collector"] == "facts":
            return wire.encode({"value": GOOD_FACTS})
        found = value(asked) if callable(value) else value
        return found if isinstance(found, str) else wire.encode({"value": found})

    return Student(send)


def echo(asked):
    """What was sent in comes back as the result and everything else that is looked at."""
    inputs = asked["arguments"].get("inputs") or [asked["arguments"].get("image", np.zeros(1, np.float32))]
    array = {"array": np.asarray(inputs[-1], np.float64)}
    return {"value": array, "gradient": array, "result": array, "runs": [], "kept": True, "tensor": True, "told": [],
            "tensors": [], "path": np.zeros((5, 1, 3, 5, 7)), "seen": [], "J": array, "image": inputs[-1], "used": True,
            "failed": False, "note": "", "applied": [], "asked": []}


def run_of(picture):
    return {"fetched": ["`train_step`", "`J`"], "before": picture, "after": picture, "raced": False, "clashed": False}


CLAIMS = {
    "right": "correct",
    "true": True,
    "nothing": None,
    "a list": [1.0],
    "an outcome": {"outcome": "correct"},
    "zero": {"value": {"array": np.zeros(())}, "gradient": {"array": np.zeros(())}},
    "not a number": {"value": {"array": np.full((), np.nan)}, "gradient": {"array": np.full((), np.nan)}},
    "infinite": {"value": {"array": np.full((), np.inf)}, "gradient": None},
    "an array of nothing": {"value": {"array": np.zeros(0)}, "gradient": {"array": np.zeros(0)}},
    "an echo": echo,
    "an account of runs that were not": lambda asked: echo(asked) | {
        "runs": [run_of(np.zeros((1, 5, 7, 3), np.float32))] * 3, "told": [[1.0, 1e300]],
    },
    "a failure that is none": '{"failed":{"text":1}}',
    "a text that is none": "{",
}


@pytest.mark.parametrize("exercise", EXERCISES)
@pytest.mark.parametrize(
    "reply",
    ["", "{", "null", "7", '{"value":null}', '{"value":{}}', '{"value":{"callable":true}}', '{"failed":7}',
     '{"value":{"callable":true,"plain":true,"empty":false,"takes":null,"data":7,"functions":7,"parameters":null}}'],
)
def test_no_reply_whatever_it_is_earns_a_point_or_ends_the_grading(exercise, reply):
    assert judge(EXERCISES[exercise], Student(lambda request: reply), True).outcome == "wrong"


@pytest.mark.parametrize("exercise", EXERCISES)
@pytest.mark.parametrize("claim", CLAIMS)
def test_no_claim_but_right_values_earns_a_point(exercise, claim):
    assert judge(EXERCISES[exercise], claiming(CLAIMS[claim]), True).outcome == "wrong"


def test_answers_that_were_right_for_other_inputs_are_wrong():
    written_down = []

    def spy(a_C, a_G):
        written_down.append(costs.compute_content_cost(a_C, a_G))
        return written_down[-1]

    assert judge(EXERCISES["compute_content_cost"], in_place(spy), True).outcome == "correct"
    comparing.draw_afresh()
    table = iter(written_down)
    result = judge(EXERCISES["compute_content_cost"], in_place(lambda a_C, a_G: next(table)), True)
    assert result.outcome == "wrong"


def test_a_grading_draws_other_inputs_each_time():
    drawn = []
    for _ in range(3):
        comparing.draw_afresh()
        drawn.append(comparing.RANDOM.standard_normal())
    assert len(set(drawn)) == 3


@pytest.mark.parametrize(
    "value",
    [None, True, 7, -0.5, "text", [1, [2, "three"]], {"a": {"b": [None]}}, np.arange(6, dtype=np.float32).reshape(2, 3),
     np.zeros((0, 3)), np.array(True), {"array": np.int64(3)}],
)
def test_plain_values_come_back_as_they_were(value):
    found = wire.decode(wire.encode(value))
    if isinstance(value, np.ndarray):
        assert found.dtype == value.dtype and found.shape == value.shape and np.array_equal(found, value)
    else:
        assert found == value


@pytest.mark.parametrize("value", [object(), {1: 2}, np.array(["text"]), np.array([object()]), 1j, {"$array": 1}])
def test_what_is_not_plain_is_not_sent(value):
    with pytest.raises(TypeError):
        wire.encode(value)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[" * 100_000, '{"$array":["<f8",[2],"AAAA"]}', '{"$array":["|O",[1],"AAAA"]}', '{"$array":7}',
        '{"$array":["<f8",[-1],""]}', '{"$array":["<f8",[1000000000,1000000000],"AAAA"]}', "9" * 10_000, None, b"{}",
        '{"$array":["<f8",["1"],""]}', '{"$array":["<f8",[1],"%%%"]}',
    ],
)
def test_a_message_that_is_none_is_refused(text):
    with pytest.raises(wire.Malformed):
        wire.decode(text)


@pytest.mark.parametrize("part", ["[]", "{}", "0", '""', '[[[{"a":0}]]]'])
def test_a_message_of_very_many_parts_is_refused_before_there_is_memory_for_them(part):
    text = f'{{"value":[{",".join([part] * 600_000)}]}}'
    assert len(text) < wire.LARGEST
    tracemalloc.start()
    try:
        with pytest.raises(wire.Malformed, match="parts"):
            wire.decode(text)
        assert tracemalloc.get_traced_memory()[1] < len(text)
    finally:
        tracemalloc.stop()


def test_a_message_with_large_arrays_is_read():
    arrays = [np.full((100, 100, 100), number, np.float32) for number in range(5)]
    assert all(map(np.array_equal, wire.decode(wire.encode(arrays)), arrays))


def test_every_exercise_has_a_check_of_its_name_that_a_grading_understands():
    for name, exercise in EXERCISES.items():
        assert callable(getattr(checks, name))
        assert exercise_of(f"# put back\nchecks.{name}({name}).require()") == (exercise, name)


@pytest.mark.parametrize(
    "source",
    ["", "pass", "assert f(2) == 4", "checks.gram_matrix(gram_matrix)", "checks.nothing(f).require()",
     "checks.gram_matrix(gram_matrix).require()\nprint()", "checks.gram_matrix(lambda A: A).require()", "(" * 500],
)
def test_a_cell_that_names_no_exercise_is_not_judged(source):
    assert exercise_of(source) is None


def test_a_thread_that_was_left_behind_does_not_shorten_the_time():
    over = threading.Event()
    thread = threading.Thread(target=lambda: [None for _ in iter(over.is_set, True)], daemon=True)
    thread.start()
    try:
        limits._left_behind.add(thread.native_id)
        finished, value = limits.limited(lambda: sum(range(20_000_000)), 60)
        clock = limits._Clock(threading.get_native_id())
        over.wait(0.5)  # the thread computes, this one does not
        assert clock.seconds() < 0.3
    finally:
        over.set()
    assert finished and value


# --- Flags ------------------------------------------------------------------------------------------------

GRAM = '''
def gram_matrix(A):
    """The Gram matrix."""
    # transposed
    B: object = tf.transpose(A)
    return tf.matmul(A, B)
'''


def test_other_names_comments_and_docstrings_make_the_same_tree():
    renamed = GRAM.replace("A", "matrix").replace("B: object", "turned").replace("B)", "turned)")
    renamed = renamed.replace("def gram_matrix", "def mine").replace("transposed", "another").replace("The ", "My ")
    assert ast.dump(ast.parse(renamed)) != ast.dump(ast.parse(GRAM))
    assert flags.tree(renamed) == flags.tree(GRAM) and flags.tree(GRAM)


@pytest.mark.parametrize(("old", "new"), [("matmul", "multiply"), ("(A, B)", "(B, A)"), ("tf.transpose(A)", "A")])
def test_another_formula_is_another_tree(old, new):
    assert flags.tree(GRAM.replace(old, new)) != flags.tree(GRAM)


def test_the_same_answers_are_told_of_each_other():
    sources = {"ann": {"gram": GRAM}, "bob": {"gram": GRAM.replace("A", "C")}, "eve": {"gram": "def gram_matrix(A): ("}}
    found = flags.same_trees(sources)
    assert set(found) == {"ann", "bob"} and "bob" in found["ann"][0][1]


def test_a_message_is_no_code():
    assert json.loads(wire.encode({"a": 1})) == {"a": 1}


# --- What a kernel answers --------------------------------------------------------------------------------------------


def answered(monkeypatch, function, collector="value", seconds=20.0, **arguments):
    """The names of ours that a kernel's function calls, and the reply that it makes to a request."""
    if function:
        monkeypatch.setattr(sys.modules["__main__"], "gram_matrix", function, raising=False)
    request = wire.encode({"changes": [], "collector": collector, "arguments": arguments})
    text = base64.b64decode(answering.answer(base64.b64encode(request.encode()).decode(), "gram_matrix", seconds))
    names, reply = text.decode().split("\n", 1)
    return names, wire.decode(reply)


def test_a_kernel_answers_with_the_value_and_with_what_of_ours_was_called_for_it(monkeypatch):
    A = np.arange(6, dtype=np.float32).reshape(2, 3)
    for function, names in ((costs.gram_matrix, "gram_matrix"), (lambda A: np.asarray(A) @ np.asarray(A).T, "")):
        told = answered(monkeypatch, lambda A, function=function: function(A), inputs=[A], eager=None)
        assert told[0] == names
        np.testing.assert_allclose(told[1]["value"]["value"]["array"], A @ A.T)
    assert sys.getprofile() is None


def test_a_kernel_says_what_is_missing_and_what_did_not_come_to_an_end(monkeypatch):
    monkeypatch.delattr(sys.modules["__main__"], "gram_matrix", raising=False)
    assert answered(monkeypatch, None) == ("", {"missing": True})
    names, reply = answered(monkeypatch, endless, seconds=0.3, inputs=[np.zeros((2, 3))], eager=True)
    assert names == "" and set(reply) == {"late"} and reply["late"].startswith(" at line ")


def endless(A):
    while True:
        pass

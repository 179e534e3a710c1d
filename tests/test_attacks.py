"""Answers that are wrong and try to earn points all the same: none does, and nobody else's work is touched.

Each attack is code of a submission's own, graded by nbgrader as a class is. Attacks that do not get in each other's way
share a submission, and so a kernel. The answers beside them are wrong, `return 0.0`, unless a test says otherwise. What
only never ends, or ends the process, is in test_grading.
"""

import ast
import csv
import os
import re
import socket
import sqlite3
import textwrap
import threading

import nbformat
import pytest
from nbgrader.api import Gradebook
from test_grading import ALL, ASSIGNMENT, EXERCISES, RIGHT, points, worth, write_assignment

from nst_utils.grading.confinement import bubblewrap
from nst_utils.grading.executing import EnduringExecute

from course import grade, release  # isort: skip - test_grading shows the way to it

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    # A class is graded before its first test; a slow machine takes its time.
    pytest.mark.timeout(1800),
]
HEADS = {exercise: head for exercises in EXERCISES.values() for exercise, head in exercises.items()}
WRONG = dict.fromkeys(ALL, "return 0.0")

# --- Attacks on the judge ---------------------------------------------------------------------------------

PATCHED_VERDICT = """
import nst_utils.checks.result as r, nst_utils.checks.running as running, nst_utils.checks.comparing as comparing
r.Result.require = lambda self: None
r.Result.outcome = property(lambda self: "correct", lambda self, value: None)
running.judge = running.check = running._judge_alone = lambda *_: r.Result("x", "correct", "right")
comparing.close = lambda got, want: True
comparing.refuse_unless_right = comparing.refuse_wrong_gradient = lambda *_: None
comparing.TOLERANCE = 1e9
"""
SHADOWED_NAMES = """
import builtins, sys
class Right:
    outcome = "correct"
    def require(self): pass
    def __getattr__(self, name): return lambda *_: Right()
checks = Right()
builtins.AssertionError = builtins.NotImplementedError = SystemExit
sys.modules["nst_utils.checks.answering"] = Right()
"""
PATCHED_ARRAYS = """
import numpy, tensorflow
numpy.abs = numpy.max = numpy.linalg.norm = lambda *_, **__: 0.0
numpy.isfinite = numpy.allclose = numpy.array_equal = lambda *_, **__: True
tensorflow.math.reduce_max = lambda *_, **__: 0.0
"""
PATCHED_FORMULAS = """
from nst_utils.engine import costs
costs.compute_content_cost = costs.total_cost = costs.gram_matrix = lambda *_, **__: 0.0
"""
FORGED_REPLIES = """
import base64
from nst_utils.checks import answering, wire
honest = answering.answer
def forged(request, name, seconds):
    if b'"facts"' in base64.b64decode(request):
        return honest(request, name, seconds)
    return base64.b64encode(b"\\n" + REPLIES[name]).decode()
answering.answer = forged
"""
FORGERIES = {
    "says that all is right": b'{"value":{"outcome":"correct","value":{"array":true},"gradient":null,"right":true}}',
    "is no text of a message": b"\xff\xfe not even text",
    "is nested without end": b"[" * 100_000,
    "has an array that lies about its bytes": (
        b'{"value":{"value":{"array":{"$array":["<f8",[1000000,1000000],"AAAA"]}},"gradient":null}}'
    ),
    "is a pickle": b"\x80\x04\x95\x1f\x00\x00\x00cposix\nsystem\n(S'true'\ntR.",
    "is a number that is none": b'{"value":{"value":{"array":NaN},"gradient":NaN}}',
}
TABLE = """
from nst_utils import checks
from nst_utils.engine import costs
answers = []
def spy(*arguments):
    answers.append(costs.compute_content_cost(*arguments))
    return answers[-1]
checks.compute_content_cost(spy)
written_down = iter(answers)
"""
CONSTANT_RANDOM = """
import numpy as np, random, secrets
class Loaded:
    def __getattr__(self, name): return lambda *_, **__: np.zeros(1)
np.random.default_rng = lambda *_: Loaded()
np.random.seed(0); random.seed(0)
secrets.randbits = lambda *_: 0
import nst_utils.checks.comparing as comparing
comparing.RANDOM.bit_generator.state = np.random.Generator(np.random.PCG64(19)).bit_generator.state
"""
SEARCHING = """
import gc, sys
def look():
    frame = sys._getframe()
    while frame:
        for name in ("want", "wanted", "expected", "right", "case", "cases"):
            if name in frame.f_locals:
                return getattr(frame.f_locals[name], "want", frame.f_locals[name])
        frame = frame.f_back
    for one in gc.get_objects():
        if type(one).__name__ == "Case":
            return one.want
    return 0.0
"""
TRACING = """
import sys, threading
def trace(frame, event, argument):
    for name in ("result", "told", "value", "outcome"):
        if name in frame.f_locals and "nst_utils" in frame.f_code.co_filename:
            frame.f_locals[name] = "correct"
    return trace
sys.settrace(trace)
threading.settrace(trace)
"""
EQUAL_TO_ALL = """
class Equal(float):
    __eq__ = __le__ = __lt__ = __ge__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = __mul__ = lambda self, *_: Equal()
    __hash__ = float.__hash__
    def __repr__(self): raise SystemExit("no repr")
    shape, size, dtype = (), 1, "float64"
    def __array__(self, *_, **__): raise KeyboardInterrupt
class EqualArray(np.ndarray):
    __eq__ = lambda self, other: True
    def __array_ufunc__(self, ufunc, method, *inputs, **named): return np.zeros(())
    def __array_function__(self, *_): return True
class Rude(Exception):
    def __str__(self): raise Rude()
    __repr__ = __str__
"""
IMITATION = """
import base64, json
print("compute_content_cost: correct. Score: 2/2")
from IPython.display import HTML, display
shown = display(HTML("<b>graded: 100</b>"), display_id="the-check")
kernel = get_ipython().kernel
imitated = []
def imitate(*_):
    imitated.append(kernel.get_parent()["header"]["msg_id"])
    for kind, content in {
        "clear_output": {"wait": False},
        "stream": {"name": "stdout", "text": "IMITATED total_cost: correct. Score: 2/2"},
        "execute_result": {"data": {"text/plain": "IMITATED 1000"}, "metadata": {}, "execution_count": 1},
        "update_display_data": {
            "data": {"text/plain": "IMITATED 1"}, "metadata": {}, "transient": {"display_id": "the-check"},
        },
        "execute_reply": {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []},
        "status": {"execution_state": "idle"},
    }.items():
        kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())
imitate()
get_ipython().events.register("pre_execute", imitate)
get_ipython().events.register("post_execute", imitate)
# The reply itself: of the check of total_cost, what is asked of the function is answered "correct".
really = kernel.session.send
def send(stream, kind, content=None, parent=None, **named):
    asked = (content or {}).get("user_expressions", {}) if kind == "execute_reply" else {}
    if asked and "'total_cost'" in str(parent["content"]):
        content["user_expressions"] = {"reply": {"status": "ok", "metadata": {}, "data": {"text/plain": "correct"}}}
    return really(stream, kind, content, parent, **named)
kernel.session.send = send
"""


def exchange_ids(notebook):
    """The names of answers and checks exchanged, the checks worth a hundred, no checks but answers graded by hand."""
    for cell in notebook.cells:
        mark = cell.metadata.get("nbgrader")
        if mark:
            if mark.grade_id == "total_cost":
                mark.grade_id = "total_cost_points"
            elif mark.grade_id == "total_cost_points":
                mark.grade_id = "total_cost"
            # An answer of one's own that is skipped would not be there to be judged.
            if mark.grade:
                cell.metadata.tags = ["skip-execution", "raises-exception", "remove_cell"]
            mark.update(points=100, grade=True, solution=True, task=False, locked=False)


def all_wrong(*codes, change=None, **answers):
    return {"codes": codes, "answers": WRONG | answers, "earns": (), "change": change}


SUBMISSIONS = {
    "patched": all_wrong(PATCHED_FORMULAS, PATCHED_ARRAYS, PATCHED_VERDICT),
    "shadowed": all_wrong(SHADOWED_NAMES),
    "random": all_wrong(TABLE, CONSTANT_RANDOM, compute_content_cost="return next(written_down)"),
    "searching": all_wrong(
        SEARCHING, TRACING, compute_content_cost="return look()", total_cost="return look()",
        gram_matrix="return tf.constant(look(), tf.float32) * tf.ones((3, 3))",
    ),
    "equal": all_wrong(
        EQUAL_TO_ALL, compute_content_cost="return Equal()", total_cost="raise Rude()",
        gram_matrix="return np.zeros((A.shape[0],) * 2).view(EqualArray)",
    ),
    # One answer is right: it is to earn what it is worth, and not the hundred points that its cell says.
    "imitating": all_wrong(IMITATION, change=exchange_ids, gram_matrix=RIGHT["gram_matrix"])
    | {"earns": {"gram_matrix"}},
    **{
        name: all_wrong(f"REPLIES = {dict(zip(ALL, replies, strict=True))!r}\n{FORGED_REPLIES}")
        for name, replies in (("forging", list(FORGERIES.values())[:3]), ("forging-more", list(FORGERIES.values())[3:]))
    },
}

# --- Attacks on the machine -------------------------------------------------------------------------------

FORK_BOMB = """
import os, time
for _ in range(7):
    if os.fork() == 0:
        os.setsid()
time.sleep(1000)
"""
BRIM = "kept = []\nwhile True:\n    kept.append(np.ones(20_000_000))"
LITTER = """
import os, pathlib, glob
told = {"environment": sorted(os.environ), "home": os.environ.get("HOME"), "read": [], "written": []}
for path in PATHS:
    try:
        # What it has littered itself, in an earlier run of the cell, is nothing of the course.
        there = pathlib.Path(path).is_file() and pathlib.Path(path).read_bytes().replace(b"here I was", b"")
        told["read"] += [path] if there else []
        with open(path, "ab") as file:
            file.write(b"here I was")
        told["written"].append(path)
    except OSError:
        pass
for path in glob.glob("*.ipynb"):
    pathlib.Path(path).write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
import socket
try:
    socket.create_connection(("127.0.0.1", PORT), timeout=2).close()
    told["network"] = True
except OSError:
    told["network"] = False
print("TOLD", told)
"""
DISPLAYING = """
from IPython.display import HTML, display
for number in range(400):
    display(HTML("x" * 200_000))
"""
SECRET = "NST_TEST_TOKEN"
# What each submission tries, in words; that of the thief is in a course of its own.
ATTACKS = {
    "patched": [
        "the verdict, its comparison and its tolerance patched", "NumPy and TensorFlow patched",
        "the package's own formulas patched",
    ],
    "shadowed": ["the checks, the built-in errors and the modules shadowed"],
    "random": ["a table of the answers that a check in the notebook asks for", "random generators tampered with"],
    "searching": ["the right answer looked for in frames and among all objects", "`sys.settrace` on the checks"],
    "equal": [
        "a number that is equal to all", "an array that is equal to all", "errors out of `__repr__` and `__str__`",
    ],
    "imitating": [
        "output that imitates a verdict", "a reply of the kernel that does", "cells' names, points and tags exchanged",
    ],
    "forging": [f"a forged reply that {what}" for what in list(FORGERIES)[:3]],
    "forging-more": [f"a forged reply that {what}" for what in list(FORGERIES)[3:]],
    "bomb": ["a fork bomb", "memory to the brim"],
    "litter": [
        "the grader's environment read", "files above the folder read and written", "the network",
        "the notebook rewritten that is being graded", "`display()` without end",
    ],
    "thief": ["a changed gradebook"],
}


def hand_in(course, name, codes, answers, change=None, **_):
    folder = course / "submitted" / name / ASSIGNMENT
    folder.mkdir(parents=True)
    notebook = nbformat.read(course / "release" / ASSIGNMENT / "all.ipynb", as_version=4)
    for cell in notebook.cells:
        exercise = cell.metadata.get("nbgrader", {}).get("grade_id")
        if exercise in HEADS:
            cell.source = f"def {HEADS[exercise]}:\n{textwrap.indent(answers[exercise], '    ')}"
    # After the title and the imports.
    notebook.cells[3:3] = map(nbformat.v4.new_code_cell, codes)
    if change:
        change(notebook)
    nbformat.write(notebook, folder / "all.ipynb")


def new_course(folder, *settings):
    course = folder / "course"
    release(course, ASSIGNMENT, write_assignment(folder / "notebooks", {"all": HEADS}))
    with open(course / "nbgrader_config.py", "a") as file:
        file.write("\n".join(["", *(f"c.EnduringExecute.{line}" for line in settings), ""]))
    return course


@pytest.fixture(scope="module")
def server():
    """A port on which somebody listens; the connections that came."""
    came = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept():
            while True:
                try:
                    came.append(listening.accept()[1])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1], came


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, server):
    """The course after everyone has been graded, what was said, and the files that were to stay as they are."""
    folder = tmp_path_factory.mktemp("attacked")
    course = new_course(folder, "timeout = 120", "memory = 2_000_000_000", "processes = 60")
    for name, what in SUBMISSIONS.items():
        hand_in(course, name, **what)
    hand_in(course, "bomb", [], {**RIGHT, "total_cost": FORK_BOMB, "gram_matrix": BRIM})
    others = course / "submitted" / "patched" / ASSIGNMENT / "all.ipynb"
    source = course / "source" / ASSIGNMENT / "all.ipynb"
    untouched = [others, source, course / "nbgrader_config.py", folder / "beside.txt"]
    (folder / "beside.txt").write_text("beside")
    # Where nothing holds it back, it could spoil the grading of the others.
    paths = [str(path) for path in (*untouched, course / "gradebook.db")] if bubblewrap() else []
    codes = [f"PATHS, PORT = {paths!r}, {server[0]}\n{LITTER}", DISPLAYING]
    hand_in(course, "litter", codes, RIGHT)
    before = {path: path.read_bytes() for path in untouched}
    said = []
    os.environ[SECRET] = "secret"
    try:
        grade(course, ASSIGNMENT, jobs=2, report=said.append)
    finally:
        del os.environ[SECRET]
    return course, said, before


def test_there_are_more_than_twenty_attacks():
    assert set(ATTACKS) == {*SUBMISSIONS, "bomb", "litter", "thief"}
    assert len({attack for attacks in ATTACKS.values() for attack in attacks}) > 20


@pytest.mark.parametrize("exercise", ALL)
@pytest.mark.parametrize("name", SUBMISSIONS)
def test_no_attack_earns_a_point(attacked, name, exercise):
    course, _, _ = attacked
    earned = worth(course)[exercise] if exercise in SUBMISSIONS[name]["earns"] else 0
    assert points(course, name)[exercise] == earned


def test_the_attacks_ran(attacked):
    course, _, _ = attacked
    for name in SUBMISSIONS:
        errors = [
            output.evalue for cell in autograded(course, name) for output in cell.get("outputs", [])
            if output.output_type == "error" and "nbgrader" not in cell.metadata
        ]
        assert not errors, (name, errors)


def checks_of(course, name):
    """{exercise: its check's cell} as it was graded."""
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id", ""): cell for cell in autograded(course, name)}
    return {exercise: cells[f"{exercise}_points"] for exercise in ALL}


def test_a_check_shows_its_own_verdict_whatever_the_kernel_sends(attacked):
    course, _, _ = attacked
    # The imitations did arrive, where they may: in the submission's own cells.
    assert sum("IMITATED" in str(cell.get("outputs")) for cell in autograded(course, "imitating")) >= len(ALL)
    shown = checks_of(course, "imitating")
    assert shown["gram_matrix"].outputs == []
    for exercise in ("compute_content_cost", "total_cost"):
        (error,) = shown[exercise].outputs
        assert error.ename == "AssertionError" and "IMITATED" not in str(error), error
    assert "cannot be judged (Malformed)" in shown["total_cost"].outputs[0].evalue
    assert "0 for every input" in shown["compute_content_cost"].outputs[0].evalue


def test_a_cell_is_worth_what_the_gradebook_says(attacked):
    course, _, _ = attacked
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, "imitating")
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        assert submission.max_score == sum(worth(course).values())
        assert submission.score == worth(course)["gram_matrix"]
        assert not any(one.needs_manual_grade or one.manual_score or one.extra_credit for one in grades)


@pytest.mark.parametrize("name", ["forging", "forging-more"])
def test_a_forged_reply_is_what_was_judged(attacked, name):
    course, _, _ = attacked
    for exercise, cell in checks_of(course, name).items():
        assert re.search("cannot be judged|object of type", cell.outputs[0].evalue), (exercise, cell.outputs)


def test_a_bomb_and_memory_to_the_brim_cost_their_own_points_only(attacked):
    course, _, _ = attacked
    assert points(course, "bomb") == {
        "compute_content_cost": worth(course)["compute_content_cost"], "total_cost": 0, "gram_matrix": 0
    }


def test_a_right_answer_beside_litter_earns_its_points(attacked):
    course, _, _ = attacked
    assert points(course, "litter") == worth(course)


def autograded(course, name):
    return nbformat.read(course / "autograded" / name / ASSIGNMENT / "all.ipynb", as_version=4).cells


def told(course):
    texts = [output.get("text", "") for cell in autograded(course, "litter") for output in cell.get("outputs", [])]
    return ast.literal_eval(next(text for text in texts if text.startswith("TOLD"))[5:])


def test_the_kernel_sees_no_token_of_the_graders(attacked):
    course, _, _ = attacked
    environment = told(course)["environment"]
    assert "PATH" in environment and SECRET not in environment
    assert told(course)["home"] != os.environ.get("HOME")


def test_whether_submissions_are_confined_is_said_first(attacked):
    _, said, _ = attacked
    assert ("confined by bubblewrap: no network" if bubblewrap() else "NOT confined: they can") in said[0]


@pytest.mark.skipif(not bubblewrap(), reason="NOT TESTED: bubblewrap is not installed, or not allowed here")
def test_a_confined_submission_reads_and_writes_nothing_of_the_course_and_reaches_nobody(attacked, server):
    course, _, before = attacked
    # What it may have written lies in a memory of its own, under the same name.
    assert told(course)["read"] == []
    assert {path: path.read_bytes() for path in before} == before
    assert told(course)["network"] is False and server[1] == []


def test_a_notebook_that_is_rewritten_while_it_runs_is_graded_as_handed_in(attacked):
    course, _, _ = attacked
    assert sum("def " in cell.source for cell in autograded(course, "litter")) >= len(ALL)


def test_what_is_displayed_without_end_is_cut_off(attacked):
    course, _, _ = attacked
    size = (course / "autograded" / "litter" / ASSIGNMENT / "all.ipynb").stat().st_size
    assert 1_000_000 < size < 2 * EnduringExecute.max_display.default_value


def test_nothing_of_a_submission_is_left_running(attacked):
    import psutil

    mine = [one for one in psutil.Process().children(recursive=True) if "ipykernel" in " ".join(one.cmdline())]
    assert mine == []


def test_a_changed_gradebook_is_put_right(tmp_path):
    course = new_course(tmp_path, "sandbox = 'none'", "timeout = 120")
    hand_in(course, "a-friend", [], WRONG)
    database = str(course / "gradebook.db")
    change = (
        f"import sqlite3\nwith sqlite3.connect({database!r}, timeout=60) as book:\n"
        "    book.execute('update grade set auto_score = 2')"
    )
    hand_in(course, "b-thief", [change], WRONG)
    said = []
    grade(course, ASSIGNMENT, jobs=1, report=said.append)
    assert "NOT confined" in said[0]
    assert sum(points(course, "a-friend").values()) == sum(points(course, "b-thief").values()) == 0
    with open(course / "flags.csv", newline="") as file:
        flagged = {row["student"] for row in csv.DictReader(file) if row["flag"] == "gradebook"}
    assert "a-friend" in flagged
    with sqlite3.connect(database) as book:
        assert book.execute("select count(*) from grade where auto_score > 0").fetchone() == (0,)

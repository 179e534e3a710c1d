"""A class graded by the workers of a Dask scheduler: the same grades as here, and a sentence where they cannot."""

import contextlib
import csv
import json
import shutil
import sys

import pytest
from conftest import ROOT, assert_one_sentence, posix_only, workers_of
from test_grading import ASSIGNMENT, CLASS, hand_in, points, write_assignment

sys.path.insert(0, str(ROOT / "notebooks"))

from course import grade, main, release  # noqa: E402

from nst_utils.base.errors import InputError  # noqa: E402
from nst_utils.grading import jobs  # noqa: E402

pytestmark = [
    posix_only, pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"), pytest.mark.timeout(1800)
]
STUDENTS = (
    "right-in-other-forms-checks-deleted", "right-by-the-package", "wrong-divisor", "crash-exit-in-the-answer",
    "crash-half-saved-file", "half-empty-folder",
)  # fmt: skip


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder with what some of the class have handed in."""
    folder = tmp_path_factory.mktemp("class")
    course = folder / "course"
    release(course, ASSIGNMENT, write_assignment(folder / "notebooks"))
    for name in STUDENTS:
        hand_in(course, name, **CLASS[name])
    (course / "submitted" / "crash-half-saved-file" / ASSIGNMENT / "costs.ipynb").write_text('{"cells": [')
    return course


def records(course):
    """What was kept of each grading, without its time."""
    found = {}
    for name in STUDENTS:
        record = json.loads((course / "logs" / ASSIGNMENT / f"{name}.json").read_text())
        found[name] = {key: value for key, value in record.items() if key != "seconds"}
    return found


def rows(table):
    with open(table, newline="") as file:
        found = [{name: value for name, value in row.items() if name != "timestamp"} for row in csv.DictReader(file)]
    assert found
    return sorted(found, key=str)


def kill_a_worker_of(process, seen, killed):
    """A report that kills one of the processes that do the work when the first submission has been graded."""

    def report(words):
        seen.append(words)
        if words.startswith("[1/"):
            killed.append(workers_of(process)[0])
            killed[0].kill()

    return report


def test_the_grades_are_those_of_jobs_here_though_a_worker_dies(dask, course, tmp_path):
    here = tmp_path / "here" / "course"
    shutil.copytree(course, here)
    failures = grade(here, ASSIGNMENT, jobs=2, report=lambda words: None)
    seen, killed = [], []
    elsewhere = grade(
        course, ASSIGNMENT, report=kill_a_worker_of(dask.processes[1], seen, killed), scheduler=dask.address
    )
    assert killed and not killed[0].is_running()
    assert elsewhere == failures == {"crash-half-saved-file": ["costs"], "half-empty-folder": ["costs", "styles"]}
    assert records(course) == records(here)
    assert {name: points(course, name) for name in STUDENTS} == {name: points(here, name) for name in STUDENTS}
    assert sum(points(course, "right-in-other-forms-checks-deleted").values()) > 0
    for table in ("grades.csv", "flags.csv"):
        assert rows(course / table) == rows(here / table)
    assert any("onfined" in words for words in seen) and not (course / ".grading-token").exists()
    # Whom it has graded, it does not grade again.
    seen.clear()
    grade(course, ASSIGNMENT, report=seen.append, scheduler=dask.address)
    assert any(f"{len(STUDENTS)} submissions have been graded already" in words for words in seen)


def test_workers_that_do_not_see_the_course_are_refused(dask, course, monkeypatch):
    @contextlib.contextmanager
    def another(folder):
        yield "a word that is not in the folder"

    monkeypatch.setattr(jobs, "_token", another)
    with pytest.raises(InputError) as error:
        grade(course, ASSIGNMENT, force=True, report=lambda words: None, scheduler=dask.address)
    assert_one_sentence(error.value, "The worker tcp://", str(course), "share")


def test_a_scheduler_that_is_not_there_is_one_sentence_on_the_command_line(course, monkeypatch):
    from nst_utils.sweep import cluster

    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    with pytest.raises(SystemExit) as stop:
        main(["grade", "--course", str(course), "--assignment", ASSIGNMENT, "--force", "--scheduler", "tcp://127.0.0.1:1"])
    assert_one_sentence(stop.value.code, "tcp://127.0.0.1:1", "dask scheduler")

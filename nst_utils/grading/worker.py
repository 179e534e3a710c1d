"""Grades submissions one after the other: python -m nst_utils.grading.worker COURSE ASSIGNMENT.

A line with a student's name comes in; a line of JSON goes out: {"student", "failed": notebooks that could not be
graded, "scores": {notebook: {cell: points}}, "flags", "seconds"}. It ends, with the kernel it runs, when nobody listens
any more: so no grading goes on beside the next one.
"""

import contextlib
import ctypes
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from nst_utils.base.types import AnyPath
from nst_utils.grading.confinement import clear_up, end


def main(course: AnyPath, assignment: str) -> None:
    course = Path(course).resolve()
    _forget_where_it_was_started()
    # Whatever prints goes to the log; the answers have a way of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    students: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_listen, args=[students], daemon=True).start()
    _adopt_orphans()
    clear_up()
    os.chdir(course)
    from nst_utils.grading import judging  # noqa: F401 - now, once: every submission needs it

    while (student := students.get()) is not None:
        with _alone(course, assignment, student):
            answers.write(json.dumps(_grade(course, assignment, student)) + "\n")
        answers.flush()
        _end_children()
        clear_up()


def _forget_where_it_was_started() -> None:
    """Python looks for modules there, and folders of modules are shown to submissions: it may be somebody's home."""
    if os.path.realpath(sys.path[0] or os.curdir) == os.getcwd():
        del sys.path[0]


def _listen(students: queue.Queue[str | None]) -> None:
    """Put the names that come in on the queue; where the grading that asks for them has ended, end at once."""
    for line in sys.stdin:
        students.put(json.loads(line))
    _end_children()
    os._exit(0)


def _adopt_orphans() -> None:
    """Processes whose parents end become this one's, so that none of a submission's outlives it; on Linux."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1)


def _end_children() -> None:
    for child in psutil.Process().children():
        end(child)
        try:
            child.wait(1)
        except (psutil.Error, OSError):
            continue


@contextlib.contextmanager
def _alone(course: Path, assignment: str, student: str) -> Iterator[None]:
    """Nobody else grades this submission meanwhile: a process elsewhere may not know that its grading was killed."""
    from filelock import FileLock

    folder = course / "logs" / assignment
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{student}.lock"):
        yield


def _grade(course: Path, assignment: str, student: str) -> dict[str, Any]:
    from nst_utils.grading.executing import EnduringExecute

    begun = time.monotonic()
    EnduringExecute.clear()
    text, failed = _run(course, assignment, student)
    log = course / "logs" / assignment / f"{student}.log"
    log.write_text(text[-1_000_000:], encoding="utf-8")
    return {
        "student": student,
        "failed": failed,
        "scores": _scores(course, assignment, EnduringExecute.verdicts),
        "flags": EnduringExecute.flags,
        "seconds": round(time.monotonic() - begun, 2),
    }


def _run(course: Path, assignment: str, student: str) -> tuple[str, list[str]]:
    """(the log, the notebooks that could not be graded): all at once, else one by one."""
    from nst_utils.grading.executing import EnduringExecute

    if odd := _odd_files(course / "submitted" / student / assignment):
        failed = notebooks(course, assignment)
        give_no_points(course, assignment, student, failed)
        named = ", ".join(odd[:5]) + (" ..." if len(odd) > 5 else "")
        return f"Not graded: a submission has plain files and folders only, no links or pipes: {named}.\n", failed
    done = _autograde(course, assignment, student)
    text, failed = done["log"], []
    if not done["success"]:
        EnduringExecute.clear()
        for notebook in notebooks(course, assignment):
            done = _autograde(course, assignment, student, notebook)
            text += done["log"]
            if not done["success"]:
                failed.append(notebook)
        give_no_points(course, assignment, student, failed)
    return text, failed


def _odd_files(folder: Path) -> list[str]:
    """The names of what is neither file nor folder: a link is followed when it is copied, wherever it leads."""
    found = [Path(place, name) for place, folders, files in os.walk(folder) for name in (*folders, *files)]
    odd = [path for path in found if path.is_symlink() or not (path.is_file() or path.is_dir())]
    return sorted(str(path.relative_to(folder)) for path in odd)


def _autograde(course: Path, assignment: str, student: str, notebook: str = "*") -> dict[str, Any]:
    """Run nbgrader's autograding as its command does: {"success", "log"}."""
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    config = settings(course)
    config.CourseDirectory.notebook_id = notebook
    api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
    done = api.autograde(assignment, student, force=True, create=True)
    return {"success": done["success"], "log": done.get("log") or done.get("error") or ""}


def _scores(course: Path, assignment: str, verdicts: Mapping[str, Mapping[str, bool]]) -> dict[str, dict[str, float]]:
    """{notebook: {cell: points}} of the verdicts, with the points that the gradebook has for each cell."""
    with gradebook(course) as book:
        points = {
            notebook.name: {cell.name: cell.max_score for cell in notebook.grade_cells}
            for notebook in book.find_assignment(assignment).notebooks
        }
    return {
        notebook: {cell: points[notebook].get(cell, 0) if right else 0.0 for cell, right in found.items()}
        for notebook, found in verdicts.items()
        if notebook in points
    }


def give_no_points(course: Path, assignment: str, student: str, names: Iterable[str]) -> None:
    """Points of an earlier attempt are taken back; a teacher's manual score stays."""
    with gradebook(course) as book:
        book.update_or_create_student(student)
        book.update_or_create_submission(assignment, student)
        for notebook in names:
            for grade in book.find_submission_notebook(notebook, assignment, student).grades:
                grade.auto_score = 0
                grade.needs_manual_grade = False
        book.db.commit()


def notebooks(course: Path, assignment: str) -> list[str]:
    with gradebook(course) as book:
        return [notebook.name for notebook in book.find_assignment(assignment).notebooks]


def gradebook(course: Path) -> Any:
    from nbgrader.api import Gradebook

    found = settings(course).CourseDirectory
    return Gradebook(found.db_url, found.course_id)


def settings(course: Path) -> Any:
    """The course's nbgrader_config.py."""
    from traitlets.config.loader import PyFileConfigLoader

    return PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Hand the notebooks out as an nbgrader assignment, and grade what a class hands in.

    python notebooks/course.py release                          all notebooks, as one assignment
    python notebooks/course.py release 03_style_matrix --assignment week-3
    python notebooks/course.py grade                            submitted/ -> gradebook.db, grades.csv and flags.csv
    python notebooks/course.py grade --scheduler tcp://HOST:8786    by the workers of a Dask scheduler

Both work in an nbgrader course folder (classroom/, or --course), where every command of nbgrader works too.
"""

import argparse
import contextlib
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from editions import NOTEBOOKS, ROOT, find_sources, linked_pages, with_answers

from nst_utils.base.errors import InputError
from nst_utils.base.files import write_text
from nst_utils.grading import flags
from nst_utils.grading.confinement import account
from nst_utils.grading.executing import is_check
from nst_utils.grading.jobs import environment, graded_elsewhere, graded_here
from nst_utils.grading.worker import gradebook, settings

CONFIG_FILE = "nbgrader_config.py"
COURSE = ROOT / "classroom"
ASSIGNMENT = "neural-style-transfer"
# nbgrader would take such a name for a pattern that others match, too.
_ODD_NAME = re.compile(r"[*?\[\]]")


# --- Handing out ------------------------------------------------------------------------------------------


def release(course, assignment, sources):
    """Make an assignment of these source files in the course folder; the folder to hand out.

    It is built aside and takes its name when it is whole: where that fails, an earlier one is as it was, and what a
    run that was killed has left behind is put right. An nbgrader_config.py that is there already is left alone: its
    teacher may have changed it.
    """
    check_name(assignment)
    for folder in ("source", "release"):
        (course / folder).mkdir(parents=True, exist_ok=True)
    if not (course / CONFIG_FILE).exists():
        shutil.copy(NOTEBOOKS / CONFIG_FILE, course)
    _check_config(course)
    with _alone(course) as lock, tempfile.TemporaryDirectory(dir=course, prefix=_aside(assignment)) as aside:
        _tidy(course, assignment, but=aside)
        built = Path(aside) / "new"
        built.mkdir()
        for source in sources:
            notebook = with_answers(source, "student")
            _check_checks(source, notebook)
            nbformat.write(notebook, built / f"{source.stem}.ipynb")
            for page in linked_pages(notebook):
                shutil.copy(NOTEBOOKS / page, built)
        with _swapped(course / "source" / assignment, built, aside), _kept(course / "release" / assignment, aside):
            done = _nbgrader(course, lock, "generate_assignment", assignment, "--force")
            if done.returncode:
                sys.exit(f"nbgrader could not make the assignment:\n{done.stdout}")
    return course / "release" / assignment


def _aside(assignment):
    """How the folders begin in which this assignment is built; a "+" is in no assignment's name."""
    return f".release-{assignment}+"


def _tidy(course, assignment, but):
    """Remove what releases that were killed have left; what they had put aside comes back if nothing replaced it."""
    for left in course.glob(f"{_aside(assignment)}*"):
        if left == Path(but):
            continue
        for kind in ("source", "release"):
            old, folder = left / f"old-{kind}", course / kind / assignment
            if old.exists() and not folder.exists():
                os.replace(old, folder)
        shutil.rmtree(left)


def check_name(assignment):
    """Exit, unless this is one plain name: it becomes a folder, and what is in the way of it is replaced."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", assignment) or assignment.endswith("."):
        sys.exit(
            f"{assignment!r} cannot be the name of an assignment: take one plain name of letters, digits, '-', '_' "
            "and '.', such as week-3."
        )


def _check_config(course):
    if "nst_utils.course.grading" in (course / CONFIG_FILE).read_text(encoding="utf-8"):
        sys.exit(
            f"{course / CONFIG_FILE} is that of an earlier version: take {NOTEBOOKS / CONFIG_FILE} in its place, and "
            "put your own settings into it."
        )


def _check_checks(source, notebook):
    """Exit where a cell is to be graded automatically that no judge knows."""
    from nst_utils.grading.judging import exercise_of

    for cell in notebook.cells:
        if is_check(cell) and exercise_of(cell.source) is None:
            sys.exit(
                f"{source.name}: the graded cell {cell.metadata.nbgrader.grade_id!r} is to be one line, "
                "checks.EXERCISE(FUNCTION).require(), with an exercise of nst_utils.checks: the verdict is not reached "
                "by running the cell. To grade it by hand, make it a solution cell as well."
            )


@contextlib.contextmanager
def _swapped(folder, new, aside):
    """The new folder in the place of the old one, which comes back if what follows fails."""
    with _kept(folder, aside):
        os.replace(new, folder)
        yield


@contextlib.contextmanager
def _kept(folder, aside):
    """An old folder is put aside, and comes back if what follows fails."""
    old = Path(aside) / f"old-{folder.parent.name}"
    if folder.exists():
        os.replace(folder, old)
    try:
        yield
    except BaseException:
        if old.exists():
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(old, folder)
        raise


# --- Grading ----------------------------------------------------------------------------------------------


def grade(course, assignment, students=(), jobs=1, force=False, report=print, scheduler=None):
    """Grade the submissions of these students (all of them), `jobs` at a time; writes grades.csv and flags.csv.

    scheduler: the address of a Dask scheduler whose workers grade instead of jobs on this machine.

    Who has been graded since handing in last is left out, so that a run that was interrupted goes on where it was.
    Returns {student: names of the notebooks that nbgrader could not grade}; these have got no points.
    """
    check_name(assignment)
    found = sorted(path.parent.name for path in (course / "submitted").glob(f"*/{assignment}"))
    for odd in filter(_ODD_NAME.search, found):
        report(f"Passed over: the folder {odd!r} in submitted/ cannot be a student's name; rename it, without * ? [ ].")
    found = [student for student in found if not _ODD_NAME.search(student)]
    if unknown := sorted(set(students) - set(found)):
        there = ", ".join(found[:20]) + (f" and {len(found) - 20} more" if len(found) > 20 else "")
        sys.exit(f"No submission of {', '.join(unknown)} in {course / 'submitted'}: there are {there or 'none'}.")
    students = [student for student in found if not students or student in students]
    if not students:
        sys.exit(f"No submissions to grade in {course / 'submitted'}: each is a folder STUDENT/{assignment}.")
    _check_config(course)
    with _alone(course) as lock:
        if not scheduler:
            report(account(settings(course).EnduringExecute.get("sandbox", "auto")))
        todo = [student for student in students if force or _is_due(course, assignment, student)]
        if len(todo) < len(students):
            report(f"{len(students) - len(todo)} submissions have been graded already.")
        results = _graded(course, assignment, todo, jobs, scheduler, lock, report) if todo else {}
        _put_right(course, assignment, results, report)
        _write_flags(course, assignment, found)
        done = _nbgrader(course, lock, "export", "--to", "grades.csv")
    if done.returncode:
        sys.exit(f"nbgrader could not export the grades:\n{done.stdout}")
    return {student: result["failed"] for student, result in results.items() if result["failed"]}


def _graded(course, assignment, students, jobs, scheduler, lock, report):
    """{student: what the grading says}; each is kept in a file as soon as it is there."""
    results, digests = {}, {}

    def handed_out():
        for student in students:
            digests[student] = _digest(course / "submitted" / student / assignment)
            yield student

    if scheduler:
        done = graded_elsewhere(course, assignment, handed_out(), scheduler, report)
    else:
        done = graded_here(course, assignment, handed_out(), jobs, lock)
    for student, result in done:
        _write_record(course, assignment, student, result | {"digest": digests[student]})
        results[student] = result
        failed = result["failed"]
        outcome = f"no points for {', '.join(failed)}, see the log" if failed else "graded"
        report(f"[{len(results)}/{len(students)}] {student}: {outcome}")
    return results


@contextlib.contextmanager
def _alone(course):
    """No other grading of this course goes on meanwhile; gives the lock, which ends with all processes that hold it."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield None
        return
    with open(course / ".grading", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Waiting for another grading of this course to end ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


# --- What has been graded ---------------------------------------------------------------------------------


def _record(course, assignment, student):
    return course / "logs" / assignment / f"{student}.json"


def _write_record(course, assignment, student, result):
    write_text(_record(course, assignment, student), json.dumps(result, indent=1) + "\n")


def _read_record(course, assignment, student):
    with contextlib.suppress(OSError, ValueError):
        return json.loads(_record(course, assignment, student).read_text(encoding="utf-8"))
    return {}


def _is_due(course, assignment, student):
    """Whether a submission has changed since it was graded, or its grades are gone."""
    record = _read_record(course, assignment, student)
    if record.get("digest") != _digest(course / "submitted" / student / assignment):
        return True
    with gradebook(course) as book, contextlib.suppress(Exception):
        book.find_submission(assignment, student)
        return False
    return True


def _digest(folder):
    """Of the names and bytes of all files in a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            found.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def _put_right(course, assignment, results, report):
    """The gradebook has the scores that were given, whoever has written into it since."""
    with gradebook(course) as book:
        for student, result in results.items():
            for notebook, cells in result["scores"].items():
                for cell, points in cells.items():
                    grade = book.find_grade(cell, notebook, assignment, student)
                    if grade.auto_score != points:
                        detail = f"{grade.auto_score} points were in the gradebook, and {points} had been given"
                        report(f"{student}: {cell}: {detail}.")
                        flag = {"notebook": notebook, "cell": cell, "flag": "gradebook", "detail": detail}
                        _write_record(
                            course, assignment, student,
                            _read_record(course, assignment, student) | {"flags": [*result["flags"], flag]},
                        )
                        grade.auto_score, grade.needs_manual_grade = points, False
        book.db.commit()


def _write_flags(course, assignment, students):
    """flags.csv: what to look at, of everyone who has handed in. None of it has cost a point."""
    with gradebook(course) as book:
        names = {
            notebook.name: {cell.name for cell in notebook.solution_cells}
            for notebook in book.find_assignment(assignment).notebooks
        }
    rows, answers = [], {}
    for notebook, cells in names.items():
        handed_out = course / "release" / assignment / f"{notebook}.ipynb"
        stubs = flags.answers(handed_out, cells)
        released = {cell.source for cell in flags._cells(handed_out)}
        for student in students:
            path = course / "submitted" / student / assignment / f"{notebook}.ipynb"
            told = flags.ways_round(path, released) if path.is_file() else []
            rows += [(student, notebook, "", "package or interpreter", detail) for detail in told]
            for cell, source in flags.answers(path, cells).items() if path.is_file() else ():
                if source.strip() != stubs.get(cell, "").strip():
                    answers.setdefault(student, {})[notebook, cell] = source
    for student, found in flags.same_trees(answers).items():
        rows += [(student, *place, "same tree", detail) for place, detail in found]
    for student in students:
        for flag in _read_record(course, assignment, student).get("flags", []):
            rows.append((student, flag["notebook"], flag["cell"], flag["flag"], flag["detail"]))
    text = io.StringIO()
    csv.writer(text).writerows([("student", "notebook", "cell", "flag", "detail"), *sorted(rows)])
    write_text(course / "flags.csv", text.getvalue())


def _nbgrader(course, lock, *arguments):
    """Run a command of nbgrader in the course folder; its output, errors too, is in `stdout`.

    It holds the lock, too: should this process be killed, nothing else begins before nbgrader has ended.
    """
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        pass_fds=[] if lock is None else [lock],
    )


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Hand out the notebooks and grade what comes back.")
    commands = parser.add_subparsers(dest="command", required=True)
    parsers = {name: commands.add_parser(name) for name in ("release", "grade")}
    for command in parsers.values():
        command.add_argument("--course", type=Path, default=COURSE, help="nbgrader's course folder")
        command.add_argument("--assignment", default=ASSIGNMENT, help="name of the assignment")
    parsers["release"].add_argument("names", nargs="*", help="notebooks, without extension (all of them)")
    parsers["grade"].add_argument("students", nargs="*", help="whom to grade (everyone)")
    parsers["grade"].add_argument("--jobs", type=int, default=2, help="submissions graded at a time")
    parsers["grade"].add_argument("--scheduler", help="a Dask scheduler, tcp://HOST:8786, whose workers grade instead")
    parsers["grade"].add_argument("--force", action="store_true", help="grade again what has been graded")
    options = parser.parse_args(arguments)

    if options.command == "release":
        folder = release(options.course, options.assignment, find_sources(options.names))
        print(f"{folder} is ready to be handed out; the answers are in {options.course / 'source'}.")
    else:
        try:
            failures = grade(
                options.course, options.assignment, options.students, options.jobs, options.force,
                scheduler=options.scheduler,
            )
        except InputError as error:
            sys.exit(str(error))
        print(f"The points are in {options.course / 'grades.csv'}, the logs in {options.course / 'logs'}.")
        print(f"What to look at, though it cost no points, is in {options.course / 'flags.csv'}.")
        if failures:
            print(f"{len(failures)} submissions have a notebook that could not be graded: no points for it.")


if __name__ == "__main__":
    main()

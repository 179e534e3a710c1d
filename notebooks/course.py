"""Hand the notebooks out as an nbgrader assignment, and grade what a class hands in.

    python notebooks/course.py release                          all notebooks, as one assignment
    python notebooks/course.py release 03_style_matrix --assignment week-3
    python notebooks/course.py grade                            submitted/ -> gradebook.db and grades.csv

Both work in an nbgrader course folder (classroom/, or --course), where every command of nbgrader works too.
"""

import argparse
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from editions import NOTEBOOKS, ROOT, find_sources, linked_pages, with_answers
from nbgrader.api import Gradebook
from traitlets.config import PyFileConfigLoader

CONFIG_FILE = "nbgrader_config.py"
COURSE = ROOT / "classroom"
ASSIGNMENT = "neural-style-transfer"


def release(course, assignment, sources):
    """Make an assignment of these source files in the course folder; the folder to hand out.

    An nbgrader_config.py that is there already is left alone: its teacher may have changed it.
    """
    folder = course / "source" / assignment
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if not (course / CONFIG_FILE).exists():
        shutil.copy(NOTEBOOKS / CONFIG_FILE, course)
    for source in sources:
        notebook = with_answers(source, "student")
        nbformat.write(notebook, folder / f"{source.stem}.ipynb")
        for page in linked_pages(notebook):
            shutil.copy(NOTEBOOKS / page, folder)
    done = _nbgrader(course, "generate_assignment", assignment, "--force")
    if done.returncode:
        sys.exit(f"nbgrader could not make the assignment:\n{done.stdout}")
    return course / "release" / assignment


def grade(course, assignment, students=(), jobs=1, force=False, report=print):
    """Autograde the submissions of these students (all of them), `jobs` at a time, and write grades.csv.

    Returns {student: names of the notebooks that nbgrader could not grade}; these have got no points.
    """
    found = sorted(path.parent.name for path in (course / "submitted").glob(f"*/{assignment}"))
    students = [student for student in found if not students or student in students]
    if not students:
        sys.exit(f"No submissions to grade in {course / 'submitted'}: each is a folder STUDENT/{assignment}.")
    failures = {}
    with ThreadPoolExecutor(jobs) as pool:
        results = pool.map(lambda student: _grade_one(course, assignment, student, force), students)
        for number, (student, failed) in enumerate(zip(students, results, strict=True), 1):
            if failed:
                failures[student] = failed
            outcome = f"no points for {', '.join(failed)}, see the log" if failed else "graded"
            report(f"[{number}/{len(students)}] {student}: {outcome}")
    done = _nbgrader(course, "export", "--to", "grades.csv")
    if done.returncode:
        sys.exit(f"nbgrader could not export the grades:\n{done.stdout}")
    return failures


def _grade_one(course, assignment, student, force):
    """Grade one student in a process of its own, and where that fails, notebook by notebook; what failed."""
    command = ["autograde", assignment, "--student", student, "--create", *(["--force"] if force else [])]
    log = course / "logs" / assignment / f"{student}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = _nbgrader(course, *command)
    text, failed = done.stdout, []
    if done.returncode:
        for notebook in _notebooks(course, assignment):
            done = _nbgrader(course, *command, "--notebook", notebook)
            text += done.stdout
            if done.returncode:
                failed.append(notebook)
                _give_no_points(course, assignment, student, notebook)
    log.write_text(text, encoding="utf-8")
    return failed


def _give_no_points(course, assignment, student, notebook):
    """Points of an earlier attempt are taken back; a teacher's manual score stays."""
    with _gradebook(course) as gradebook:
        gradebook.update_or_create_student(student)
        gradebook.update_or_create_submission(assignment, student)
        for grade in gradebook.find_submission_notebook(notebook, assignment, student).grades:
            grade.auto_score = 0
            grade.needs_manual_grade = False
        gradebook.db.commit()


def _notebooks(course, assignment):
    with _gradebook(course) as gradebook:
        return [notebook.name for notebook in gradebook.find_assignment(assignment).notebooks]


def _gradebook(course):
    settings = PyFileConfigLoader(CONFIG_FILE, path=str(course)).load_config().CourseDirectory
    return Gradebook(settings.db_url, settings.course_id)


def _nbgrader(course, *arguments):
    """Run a command of nbgrader in the course folder; its output, errors too, is in `stdout`."""
    # nbgrader starts `alembic` by name: let it find the one beside this Python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course, env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
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
    parsers["grade"].add_argument("--force", action="store_true", help="grade again what has been graded")
    options = parser.parse_args(arguments)

    if options.command == "release":
        folder = release(options.course, options.assignment, find_sources(options.names))
        print(f"{folder} is ready to be handed out; the answers are in {options.course / 'source'}.")
    else:
        failures = grade(options.course, options.assignment, options.students, options.jobs, options.force)
        print(f"The points are in {options.course / 'grades.csv'}, the logs in {options.course / 'logs'}.")
        if failures:
            print(f"{len(failures)} submissions have a notebook that could not be graded: no points for it.")


if __name__ == "__main__":
    main()

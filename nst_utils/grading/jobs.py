"""Submissions given to grading processes: some on this machine, or one at each worker of a Dask scheduler."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from nst_utils.grading.worker import give_no_points, notebooks

# A process is replaced after so many submissions, whatever has gathered in it.
_MOST_BY_ONE = 60
_TOKEN = ".grading-token"
# Of a Dask worker, which grades one submission after the other.
_own: dict[tuple[str, str], Process] = {}


class Process:
    """A process that grades one submission after the other (nst_utils.grading.worker)."""

    def __init__(self, course: Path, assignment: str, lock: int | None = None) -> None:
        """lock: a descriptor that it holds, too: as long as it lives, no other grading begins."""
        self.done = 0
        log = course / "logs" / assignment
        log.mkdir(parents=True, exist_ok=True)
        with open(log / "workers.log", "ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nst_utils.grading.worker", str(course.resolve()), assignment],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8",
                env=environment(), pass_fds=[lock] if lock is not None else [],
            )  # fmt: skip

    @property
    def is_fit(self) -> bool:
        return self.done < _MOST_BY_ONE and self.process.poll() is None

    def grade(self, student: str) -> dict[str, Any] | None:
        """What it says of a student; None where it ended instead."""
        self.done += 1
        assert self.process.stdin and self.process.stdout
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(json.dumps(student) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        return None

    def close(self) -> None:
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()


def graded_here(
    course: Path, assignment: str, students: Iterable[str], jobs: int, lock: int | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(student, what the grading says), so many at a time on this machine, in the order in which they are done."""
    waiting, done = Queue[str](), Queue[Any]()
    for student in students:
        waiting.put(student)

    def work() -> None:
        own: dict[tuple[str, str], Process] = {}
        try:
            while not waiting.empty():
                with contextlib.suppress(Exception):
                    student = waiting.get_nowait()
                    done.put((student, _grade(own, course, assignment, student, lock)))
        finally:
            for process in own.values():
                process.close()
            done.put(None)

    with ThreadPoolExecutor(jobs) as pool:
        try:
            for _ in [pool.submit(work) for _ in range(jobs)]:
                while (found := done.get()) is not None:
                    yield found
        finally:  # interrupted: those that are being graded are the last
            with contextlib.suppress(Empty):
                while True:
                    waiting.get_nowait()


def graded_elsewhere(
    course: Path, assignment: str, students: Iterable[str], scheduler: Any, tell: Callable[[str], object]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same by the workers of a scheduler, which have this package and see the course's folder under its path."""
    from nst_utils.sweep.cluster import Call, Failure, answers, check_workers, connected

    course = course.resolve()
    with connected(scheduler, tell=tell) as client, _token(course) as token:
        check_workers(client, lambda: looks_at(str(course), token))
        for words in sorted(set(client.run(_account, str(course)).values())):
            tell(words)
        calls = (Call(student, (str(course), assignment, student)) for student in students)
        for student, answer in answers(client, grade_one, calls, scheduler, tell):
            yield student, nothing(course, assignment, student) if isinstance(answer, Failure) else answer


def grade_one(course: str, assignment: str, student: str) -> dict[str, Any]:
    """What a Dask worker does: the grading of one student, by a process of its own that it keeps."""
    for key in [key for key in _own if key != (course, assignment)]:
        _own.pop(key).close()
    return _grade(_own, Path(course), assignment, student, None)


def looks_at(course: str, token: str) -> str | None:
    """What is wrong with a worker that is to grade, or None."""
    try:
        import nbgrader  # noqa: F401
    except ImportError:
        return 'has no nbgrader, which grading needs: python -m pip install "nst_utils[notebooks]" there.'
    for _ in range(10):  # other machines may see a new file a little later
        with contextlib.suppress(OSError):
            if Path(course, _TOKEN).read_text() == token:
                return None
        time.sleep(0.5)
    return (
        f"does not see this machine's folder {course}: put the course on a file system that all machines share, under "
        "the same path."
    )


def nothing(course: Path, assignment: str, student: str) -> dict[str, Any]:
    """The result where the grading itself ended twice."""
    names = notebooks(course, assignment)
    give_no_points(course, assignment, student, names)
    return {"student": student, "failed": names, "scores": {}, "flags": [], "seconds": 0}


def environment() -> dict[str, str]:
    # nbgrader starts `alembic` by name: let it find the one beside this Python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return dict(os.environ) | {"PATH": path}


def _grade(
    own: dict[tuple[str, str], Process], course: Path, assignment: str, student: str, lock: int | None
) -> dict[str, Any]:
    """By the process that is kept for it; where that ends, once more, in a new one."""
    key = (str(course), assignment)
    for _ in range(2):
        process = own.get(key)
        if process is None or not process.is_fit:
            if process:
                process.close()
            process = own[key] = Process(course, assignment, lock)
        if result := process.grade(student):
            return result
    return nothing(course, assignment, student)


def _account(course: str) -> str:
    """What holds submissions back on this machine."""
    from nst_utils.grading.confinement import account
    from nst_utils.grading.worker import settings

    return account(settings(Path(course)).EnduringExecute.get("sandbox", "auto"))


@contextlib.contextmanager
def _token(course: Path) -> Iterator[str]:
    """A word in the course's folder, by which a worker knows that it is the same one."""
    token = secrets.token_hex(16)
    try:
        (course / _TOKEN).write_text(token)
        yield token
    finally:
        (course / _TOKEN).unlink(missing_ok=True)

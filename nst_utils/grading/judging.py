"""The verdict on one check: inputs go into the kernel of a submission, plain values come back, and are judged here.

The judge is the one that a notebook has (nst_utils.checks). It draws inputs that nobody has seen before, and whatever
the kernel answers is a claim about what the student's function makes of them: no message of the kernel is a verdict.
"""

from __future__ import annotations

import ast
import base64
import binascii
import contextlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from nst_utils import checks
from nst_utils.checks.comparing import draw_afresh
from nst_utils.checks.limits import PATIENCE, TimeUp
from nst_utils.checks.running import EXERCISES, Exercise, judge, too_late
from nst_utils.checks.student import Student
from nst_utils.checks.wire import LARGEST, Malformed

# Seconds for a kernel to import what a check needs, before its time begins.
_IMPORTING = 90
# Seconds that a reply may take beyond the time of the function.
_GRACE = 5
_UNKNOWN = "This check names no exercise of nst_utils.checks, so it was not judged: grade it by hand."


class Executor(Protocol):
    """What runs a notebook: the kernel's manager, a watch on its processes, and the time that is left."""

    km: Any

    @property
    def watch(self) -> Any: ...

    @property
    def seconds_left(self) -> float: ...


class _Broken(BaseException):
    """The line to the function is broken, by this error; no Exception, as a judge takes those for wrong answers."""


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right; else the kind of error and the message that say what is not; and what to look at."""

    right: bool
    kind: str = ""
    message: str = ""
    flags: list[tuple[str, str]] = field(default_factory=list)


def exercise_of(source: str) -> tuple[Exercise, str] | None:
    """(exercise, name of the student's function) of a check `checks.EXERCISE(FUNCTION).require()`; None of others."""
    with contextlib.suppress(SyntaxError, ValueError, RecursionError):
        body = ast.parse(source).body
        require = getattr(body[0], "value", None) if len(body) == 1 else None
        attribute = require.func if isinstance(require, ast.Call) else None
        if not (isinstance(attribute, ast.Attribute) and attribute.attr == "require"):
            return None
        call = attribute.value
        if not (isinstance(call, ast.Call) and len(call.args) == 1 and isinstance(call.args[0], ast.Name)):
            return None
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        return (EXERCISES[name], call.args[0].id) if name in EXERCISES and not call.keywords else None
    return None


def verdict(source: str, executor: Executor) -> Verdict:
    """The Verdict on the check with this source. Raises DeadKernelError or CellTimeoutError as a cell does.

    executor: has `km`, the kernel's manager, `watch` on its processes, and `seconds_left` for the notebook.
    """
    named = exercise_of(source)
    if named is None:
        return Verdict(False, "NotJudged", _UNKNOWN, [("not judged", _UNKNOWN)])
    exercise, function = named
    draw_afresh()
    with contextlib.closing(_Line(executor, function, checks.TIME_LIMIT)) as line:
        try:
            result = judge(exercise, Student(line.send))
        except TimeUp as late:
            result = too_late(exercise, checks.TIME_LIMIT, str(late))
        except _Broken as broken:
            (error,) = broken.args
            if isinstance(error, NameError):
                return Verdict(False, "NameError", str(error))
            raise error from None
    borrowed = sorted(line.borrowed - _helpers(exercise))
    flags = [("package's formula", f"calls {', '.join(borrowed)} of nst_utils")] if borrowed else []
    try:
        result.require()
    except (AssertionError, NotImplementedError) as error:
        return Verdict(False, type(error).__name__, str(error), flags)
    return Verdict(True, flags=flags)


def _helpers(exercise: Exercise) -> set[str]:
    return {name for helper in exercise.helpers for name in (helper.name, *_helpers(helper))}


class _Line:
    """The way from the judge to the student's function in the kernel: requests go there, texts come back."""

    def __init__(self, executor: Executor, function: str, seconds: float) -> None:
        self._executor, self._function = executor, function
        # Seconds of computing, and seconds by the clock, that are left to the function.
        self._left, self._wall, self._asked = seconds, PATIENCE * seconds, False
        # Of the package's functions, those that the student's was seen to call: a claim, too.
        self.borrowed: set[str] = set()
        self._context = zmq.Context()
        # A longer message ends the connection, before there is memory for it.
        self._context.setsockopt(zmq.MAXMSGSIZE, 2 * LARGEST)
        self._client = BlockingKernelClient(context=self._context)
        self._client.load_connection_info(executor.km.get_connection_info())
        self._client.start_channels(iopub=False, stdin=False, hb=False, control=False)

    def close(self) -> None:
        self._client.stop_channels()
        self._context.destroy(linger=0)

    def send(self, request: str) -> str:
        """The kernel's reply to a Student's request. Raises TimeUp, and _Broken for a dead kernel or no function."""
        if self._left <= 0 or self._wall <= 0:
            raise TimeUp("")
        code = base64.b64encode(request.encode()).decode()
        arguments = f"'{code}', '{self._function}', {self._left:.2f}"
        expression = f"__import__('nst_utils.checks.answering', fromlist=['answer']).answer({arguments})"
        begun, computed = time.monotonic(), self._executor.watch.computed
        text = self._ask(expression, self._wall + (_GRACE if self._asked else _IMPORTING))
        if self._asked:  # the first time it has only imported
            wall = time.monotonic() - begun
            # All its processes and threads count, and no more cores than there are shorten the time.
            self._left -= min(wall, (self._executor.watch.computed - computed) / _cores())
            self._wall -= wall
        self._asked = True
        names, _, reply = _decoded(text).partition("\n")
        self.borrowed.update(name[:80] for name in names.split(",")[:20] if name.isidentifier())
        if reply.startswith('{"late":'):
            raise TimeUp(str(json.loads(reply)["late"])[:300])
        if reply.startswith('{"missing":'):
            raise _Broken(NameError(f"name '{self._function}' is not defined"))
        return reply

    def _ask(self, expression: str, seconds: float) -> str:
        """The text that the kernel says an expression is."""
        client, manager = self._client, self._executor.km
        message = client.execute("", silent=True, store_history=False, user_expressions={"reply": expression})
        until, interrupted = time.monotonic() + max(1, min(seconds, self._executor.seconds_left)), False
        while True:
            with contextlib.suppress(Exception):  # nothing came, or nothing that is signed
                found = client.get_shell_msg(timeout=0.2)
                if found["parent_header"].get("msg_id") == message:
                    break
            if not run_sync(manager.is_alive)():
                raise _Broken(DeadKernelError("Kernel died"))
            if time.monotonic() > until:
                if interrupted:
                    raise _Broken(CellTimeoutError("The answer did not stop."))
                run_sync(manager.interrupt_kernel)()
                until, interrupted = time.monotonic() + _GRACE, True
        if interrupted:
            raise TimeUp("")
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            text = found["content"]["user_expressions"]["reply"]["data"]["text/plain"]
            return text if isinstance(text, str) else ""
        return ""


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text.strip("'\""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Malformed("The reply cannot be read.") from None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

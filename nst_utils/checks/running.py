"""Running the student's code: whatever it does, a crash, an exit or an endless loop, a Result comes out."""

import contextlib
import copy
import ctypes
import dis
import inspect
import linecache
import os
import re
import sys
import textwrap
import threading
import time
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from nst_utils.base.tensorflow import tf
from nst_utils.checks.result import Result, Wrong
from nst_utils.engine import costs

# Seconds in which an endless loop is asked to stop, before it is left behind.
_GRACE = 2.0
# A check may last this many times its seconds of computing: the machine may be busy, and a loop may sleep.
_PATIENCE = 5


@dataclass(frozen=True)
class Exercise:
    """How one exercise is called, judged and explained."""

    # As the student should write it: "gram_matrix(A)".
    call: str
    # (function, whether the program is in eager mode): returns for a right answer, else raises Wrong.
    probe: Callable
    # Why it matters, said to a right answer.
    praise: str
    # From a nudge to just short of the answer.
    hints: tuple[str, ...]
    # What an error betrays: a pattern in its text, and the mistake.
    crashes: dict[str, str] = field(default_factory=dict)
    # Exercises whose functions this one calls; where the student has none of that name, ours is there.
    helpers: tuple["Exercise", ...] = ()

    @property
    def name(self):
        return self.call.partition("(")[0]

    @property
    def argument_counts(self):
        """How many arguments it is called with: all, and those without a default."""
        arguments = self.call.partition("(")[2].split(",")
        return len(arguments), sum("=" not in argument for argument in arguments)


def check(exercise, function, seconds):
    """The Result of an exercise, whatever the student's function does, within so many seconds."""
    # A graph that the caller opened is this thread's own; a new thread starts in the mode of the process.
    eager = tf.executing_eagerly()
    with _silence():
        finished, value = _limited(lambda: _judge(exercise, function, eager), seconds)
    if finished:
        return value
    where = _student_line(value, _files(function))
    message = (
        f"Your function did not come to an end within {seconds:g} seconds{where}: does a loop never stop?"
    )
    return Result(exercise.name, "wrong", message, exercise.hints)


@contextlib.contextmanager
def _silence():
    """Show neither what the student's code prints nor TensorFlow's warnings, such as of repeated tracing."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            yield
    finally:
        logger.setLevel(level)


# --- Time -------------------------------------------------------------------------------------------------


class _TimeUp(BaseException):
    """Stops an endless loop; no Exception, so that `except Exception` in it lets this through."""


def _limited(work, seconds):
    """(True, what work() returns), or (False, the frames it was in) where that took too long.

    The work has a thread of its own. So this is the same on every platform and in every calling thread; a
    KeyboardInterrupt in this thread is the user's, not the student's code's; and what cannot be stopped, such as
    a loop inside TensorFlow, is left behind. It is the processor's time that counts, as the machine may be busy.
    """
    values, frames, ended = [], [], threading.Event()

    def target():
        try:
            with contextlib.suppress(_TimeUp):
                values.append(work())
        finally:
            ended.set()

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    try:
        computing, waiting = time.process_time() + seconds, time.monotonic() + _PATIENCE * seconds
        # Not thread.join(): interrupted, it takes a thread that runs on for one that has ended.
        while not ended.is_set() and time.process_time() < computing and time.monotonic() < waiting:
            ended.wait(0.05)  # in slices: not every platform interrupts a long wait
        if not ended.is_set() and (frame := sys._current_frames().get(thread.ident)):
            frames = _locations(traceback.walk_stack(frame))[::-1]
    finally:
        late = not ended.is_set()
        _stop(thread, ended)
    return (False, frames) if late else (True, values[0])


def _stop(thread, ended):
    """Raise _TimeUp in the thread again and again: a bare `except:` in a loop may catch some of them."""
    for _ in range(int(_GRACE / 0.01)):
        if ended.is_set():
            break
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_TimeUp))
        ended.wait(0.01)
    thread.join(0.1)


# --- Judgement --------------------------------------------------------------------------------------------


def _judge(exercise, function, eager):
    """The Result; where the mistake is in another exercise's function that this one calls, it says so."""
    result = _judge_alone(exercise, function, eager)
    if result.outcome == "wrong" and (fault := _global_for_an_argument(exercise, function, eager)):
        return Result(exercise.name, "wrong", fault, exercise.hints)
    if result.outcome == "correct" or not isinstance(function, types.FunctionType) or _is_empty(function):
        return result
    for helper in exercise.helpers:
        own = function.__globals__.get(helper.name)
        if own is None or helper.name not in function.__code__.co_names:
            continue
        found = _judge(helper, own, eager)
        if found.outcome == "correct":
            continue
        alone = _judge_alone(exercise, rebind(function, {helper.name: getattr(costs, helper.name)}), eager)
        if alone.outcome == "correct":
            fault = "is not written yet" if found.outcome == "not attempted" else "is not right"
            blame = f"`{exercise.name}` itself is right, but `{helper.name}`, which it calls, {fault}"
            return Result(exercise.name, found.outcome, f"{blame}: {found.message}", helper.hints)
        message = f"{alone.message} `{helper.name}`, which it calls, needs a look too."
        return Result(exercise.name, alone.outcome, message, exercise.hints)
    return result


def _global_for_an_argument(exercise, function, eager):
    """What to say where the answer would be right, were it not for a name of the notebook in an argument's place."""
    if not isinstance(function, types.FunctionType):
        return ""
    data = (int, float, str, np.ndarray, np.generic, tf.Tensor, tf.Variable)
    for name in sorted(names_in(function)):
        if not isinstance(function.__globals__.get(name), data):
            continue
        for argument in inspect.signature(function).parameters:
            if _judge_alone(exercise, _with_argument(function, name, argument), eager).outcome == "correct":
                return (
                    f"`{name}` is a name of your notebook, which has the same value whatever the function is called "
                    f"with: use the argument `{argument}`."
                )
    return ""


def _with_argument(function, name, argument):
    """The function as it would be if it used one of its arguments in the place of a global name."""
    signature, make = inspect.signature(function), types.FunctionType

    def stand_in(*values, **named):
        bound = signature.bind(*values, **named)
        bound.apply_defaults()
        # The globals that `rebind` has given to this function, which is made anew there.
        scope = {**globals(), name: bound.arguments[argument]}
        copied = make(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
        copied.__kwdefaults__ = function.__kwdefaults__
        return copied(*values, **named)

    return make(stand_in.__code__, function.__globals__, function.__name__, None, stand_in.__closure__)


def _judge_alone(exercise, function, eager):
    outcome = "wrong"
    try:
        if not callable(function):
            raise Wrong(
                f"This is not a function but an object of type `{type(function).__name__}`: pass the "
                f"function itself, without calling it, `checks.{exercise.name}({exercise.name})`."
            )
        if _is_empty(function):
            message = "Nothing is computed yet: write the body of the function."
            return Result(exercise.name, "not attempted", message, exercise.hints)
        _check_signature(exercise, function)
        ours = {helper.name: getattr(costs, helper.name) for helper in exercise.helpers}
        exercise.probe(rebind(function, provided=ours), eager)
        return Result(exercise.name, "correct", exercise.praise)
    except _TimeUp:
        raise
    except Wrong as wrong:
        message = str(wrong)
    except BaseException as error:
        files, frames = _files(function), _frames(error)
        if isinstance(error, NotImplementedError) and frames[-1][0] in files:
            outcome = "not attempted"
            message = f"`{frames[-1][2]}` still raises NotImplementedError: replace that line by your code."
        else:
            known = exercise.crashes | _CRASHES
            named = next((why for sign, why in known.items() if re.search(sign, _error_text(error))), "")
            message = f"Your function stopped with {account_of_error(error, function)}. {named}".strip()
    return Result(exercise.name, outcome, message, exercise.hints)


def _check_signature(exercise, function):
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some builtins do not tell
        return
    for count in exercise.argument_counts:
        try:
            signature.bind(*range(count))
        except TypeError:
            raise Wrong(
                f"The arguments do not fit: the function is called as `{exercise.call}`, and yours takes "
                f"`{signature}`."
            ) from None


def _is_empty(function):
    """Whether the body is only `pass`, `...`, a docstring, or names set to None, and so returns None."""
    code = getattr(_plain(function), "__code__", None)
    if code is None:
        return False
    harmless = "RESUME|NOP|(LOAD|RETURN)_CONST|(LOAD|STORE)_FAST|UNPACK_SEQ|RETURN_VALUE|POP_TOP|COPY_FREE|MAKE_CELL"
    arguments = code.co_varnames[: code.co_argcount]
    for instruction in dis.get_instructions(code):
        values = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
        is_value = "CONST" in instruction.opname and any(value is not None for value in values)
        is_argument = "LOAD_FAST" in instruction.opname and any(value in arguments for value in values)
        if is_value or is_argument or not re.match(harmless, instruction.opname):
            return False
    return True


# --- The student's function -------------------------------------------------------------------------------


def rebind(function, replaced=None, provided=None):
    """A copy of the function that sees other globals, as do the functions beside it that it calls.

    Names in `provided` are only added where there are none. Lists and dictionaries are copied: what the
    student's code collects in them during a check does not reach the notebook.
    """
    if not isinstance(function, types.FunctionType):
        return function
    original = function.__globals__
    namespace = {**(provided or {}), **original}

    def rebound(old):
        new = types.FunctionType(old.__code__, namespace, old.__name__, old.__defaults__, old.__closure__)
        new.__kwdefaults__ = old.__kwdefaults__
        return new

    for name, value in original.items():
        if isinstance(value, types.FunctionType) and value.__globals__ is original:
            namespace[name] = rebound(value)
        elif type(value) in (list, dict, set):
            namespace[name] = copy.copy(value)
    namespace.update(replaced or {})
    return rebound(function)


def names_in(function):
    """The global names and attributes that the function's code mentions."""
    return set(getattr(getattr(_plain(function), "__code__", None), "co_names", ()))


def locals_used(function):
    """The arguments and local names whose values the function's code reads."""
    code = getattr(_plain(function), "__code__", None)
    used = set()
    for instruction in dis.get_instructions(code) if code else ():
        if re.match("LOAD_(FAST|DEREF|CLOSURE)", instruction.opname):
            used.update(instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,))
    return used


def _plain(function):
    """The Python function under tf.function and other decorators."""
    return inspect.unwrap(getattr(function, "python_function", function))


def _files(function):
    """The files, or notebook cells, of the student's function and of those beside it."""
    plain = _plain(function)
    scope = getattr(plain, "__globals__", {})
    functions = [plain, *(value for value in scope.values() if isinstance(value, types.FunctionType))]
    return {f.__code__.co_filename for f in functions if getattr(f, "__globals__", None) is scope}


# --- Errors -----------------------------------------------------------------------------------------------

# What an error in any exercise betrays.
_CRASHES = {
    r"'numpy.ndarray' object has no attribute '(get_shape|set_shape|op)'": (
        "You read the dimensions from an array: what `sess.run` returns is a NumPy array and has no "
        "`get_shape()`. Read them from the tensor `a_G`, or with `.shape`, which both have."
    ),
    r"Cannot convert a symbolic|__array__|symbolic tf.Tensor": (
        "NumPy and Python functions cannot compute with a tensor of the graph, which has no value yet: use "
        "the function of that name in `tf`."
    ),
    r"has no attribute 'numpy'|numpy\(\) is only available": (
        "`.numpy()` gives a value and needs eager mode; in a graph, stay with tensors."
    ),
    r"has no attribute 'assign'": "Only a variable can be assigned to, and this is a tensor or an array.",
    r"FailedPrecondition|uninitialized|Resource \S+ does not exist|Could not find (variable|resource)": (
        "A variable was never initialised: run `tf.global_variables_initializer()` first, after the last of them is "
        "made (an optimiser makes some of its own)."
    ),
    r"not an element of this graph|from the same graph|from the passed-in graph|Session graph is empty": (
        "It uses a tensor or a session of your notebook, not the one that it is given."
    ),
    r"Can not convert an? (ndarray|float\d*|int\d*|list|NoneType|DType) into a Tensor": (
        "A session runs tensors and operations, and this is a value: is a name such as `model['input']` overwritten?"
    ),
    "Shape mismatch": "What is assigned has another shape than the picture, which is (1, height, width, 3).",
    r"that does not match type|Incompatible type|cannot compute \w+ as input": (
        "TensorFlow does not mix whole numbers and floats: convert them with `tf.cast(..., tf.float32)`, or "
        "put the tensor first."
    ),
}


def account_of_error(error, function):
    """'`ValueError: what it says` at line 4, `J = ...`' for an error that the student's function made."""
    return f"`{_error_text(error)}`{_student_line(_frames(error), _files(function))}"


def _frames(error):
    """Where an error came from, outermost first: (file, line, function)."""
    translated = getattr(getattr(error, "ag_error_metadata", None), "translated_stack", None)
    if translated:  # in tf.function, Python's own traceback shows generated code
        return [(frame.filename, frame.lineno, frame.function_name) for frame in reversed(translated)]
    # A graph's error comes when the session runs; the line at fault is where the operation was made.
    made = getattr(getattr(error, "op", None), "traceback", None) or ()
    return [(frame.filename, frame.lineno, frame.name) for frame in made] + _locations(
        traceback.walk_tb(error.__traceback__)
    )


def _locations(walk):
    return [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in walk]


def _student_line(frames, files):
    """' at line 4, `J = ...`': the innermost of the frames that is in the student's code."""
    for file, line, _ in reversed(frames):
        if file in files:
            text = linecache.getline(file, line).strip().replace("`", "'")
            return f" at line {line}, `{text}`" if text else f" at line {line}"
    return ""


def _error_text(error):
    """'ValueError: what it says', on one short line."""
    lines = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
    # tf.function puts the original error below its own account of where it happened.
    text = lines[-1].strip() if lines[0].endswith("in user code:") else lines[0]
    # A session puts it below the name of the operation.
    nodes = [number for number, line in enumerate(lines[:-1]) if line.startswith("Node:")]
    if nodes and "Graph execution error" in text:
        text = text.replace("Graph execution error:", lines[nodes[-1] + 1])
    text = re.sub(r"^(?:\w+\.)+(?=\w+(:|$))", "", text).replace("`", "'")
    return textwrap.shorten(text, 240, placeholder=" ...")

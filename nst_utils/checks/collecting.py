"""What runs beside the student's function: it calls the function, and tells in plain values what it saw.

Nothing here judges. A collector is a function of the student's function and plain arguments, registered under its own
name; a judge asks for it by this name, `student.ask("value", inputs=..., ...)`.
"""

from __future__ import annotations

import contextlib
import copy
import dis
import inspect
import linecache
import os
import re
import textwrap
import traceback
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.base.types import Array
from nst_utils.checks import wire
from nst_utils.checks.limits import Frame, TimeUp, locations
from nst_utils.engine import costs

F = TypeVar("F", bound=Callable[..., Any])
COLLECTORS: dict[str, Callable[..., Any]] = {}


def collector(function: F) -> F:
    """Registers a function(student's function, **plain arguments) that returns plain values, under its name."""
    COLLECTORS[function.__name__] = function
    return function


def reply(request: str, function: Any, eager: bool) -> str:
    """The reply to a Student's request, both as wire.encode writes them. eager: the mode of the program."""
    asked = wire.decode(request)
    arguments = asked["arguments"]
    try:
        if callable(function):
            for kind, *names in asked["changes"]:
                function = CHANGES[kind](function, *names)
        if arguments.get("eager", False) is None:
            arguments["eager"] = eager
        return wire.encode({"value": COLLECTORS[asked["collector"]](function, **arguments)})
    except TimeUp:
        raise
    except BaseException as error:
        return wire.encode({"failed": _told(error, function)})


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Show neither what the student's code prints nor TensorFlow's warnings, such as of repeated tracing."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            yield
    finally:
        logger.setLevel(level)


# --- The student's function -------------------------------------------------------------------------------


@collector
def facts(function: Any) -> dict[str, Any]:
    """What can be said without calling it.

    callable, type; plain: a Python function; empty: the body does nothing; signature: text, or None; takes: the numbers
    of arguments that it can be called with, or None; names, locals: that its code mentions; parameters: of its
    signature; data: the global names in it that stand for values; functions: those that stand for anything.
    """
    if not callable(function):
        return {"callable": False, "type": type(function).__name__}
    plain = isinstance(function, types.FunctionType)
    scope = function.__globals__ if plain else {}
    names = _names_in(function)
    known = (int, float, str, np.ndarray, np.generic, tf.Tensor, tf.Variable)
    signature, takes = _signature(function)
    return {
        "callable": True,
        "type": type(function).__name__,
        "plain": plain,
        "empty": _is_empty(function),
        "signature": signature,
        "takes": takes,
        "names": sorted(names),
        "locals": sorted(_locals_used(function)),
        "parameters": list(inspect.signature(function).parameters) if plain else [],
        "data": sorted(name for name in names if isinstance(scope.get(name), known)),
        "functions": sorted(name for name in names if scope.get(name) is not None),
    }


def _signature(function: Any) -> tuple[str | None, list[int] | None]:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some builtins do not tell
        return None, None
    takes = []
    for count in range(10):
        with contextlib.suppress(TypeError):
            signature.bind(*range(count))
            takes.append(count)
    return str(signature), takes


def _is_empty(function: Any) -> bool:
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


def rebind(function: Any, replaced: Mapping[str, Any] | None = None, provided: Mapping[str, Any] | None = None) -> Any:
    """A copy of the function that sees other globals, as do the functions beside it that it calls.

    Names in `provided` are only added where there are none. Lists and dictionaries are copied: what the
    student's code collects in them during a check does not reach the notebook.
    """
    if not isinstance(function, types.FunctionType):
        return function
    original = function.__globals__
    namespace = {**(provided or {}), **original}

    def rebound(old: types.FunctionType) -> types.FunctionType:
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


def _ours(*names: str) -> dict[str, Any]:
    return {name: getattr(costs, name) for name in names}


def _with_argument(function: Any, name: str, argument: str) -> types.FunctionType:
    """The function as it would be if it used one of its arguments in the place of a global name."""
    signature, make = inspect.signature(function), types.FunctionType

    def stand_in(*values: Any, **named: Any) -> Any:
        bound = signature.bind(*values, **named)
        bound.apply_defaults()
        # The globals that `rebind` has given to this function, which is made anew there.
        scope = {**globals(), name: bound.arguments[argument]}
        copied = make(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
        copied.__kwdefaults__ = function.__kwdefaults__
        return copied(*values, **named)

    return make(stand_in.__code__, function.__globals__, function.__name__, None, stand_in.__closure__)


# What a judge may have done to the function before it is asked about: {name: (function, *names) -> function}.
CHANGES: dict[str, Callable[..., Any]] = {
    # Our functions of these names where the notebook has none, or in the place of the notebook's.
    "provided": lambda function, *names: rebind(function, provided=_ours(*names)),
    "ours": lambda function, *names: rebind(function, _ours(*names)),
    # The function of this name which this one calls.
    "helper": lambda function, name: function.__globals__[name],
    "argument": _with_argument,
}


def _names_in(function: Any) -> set[str]:
    """The global names and attributes that the function's code mentions."""
    return set(getattr(getattr(_plain(function), "__code__", None), "co_names", ()))


def _locals_used(function: Any) -> set[str]:
    """The arguments and local names whose values the function's code reads."""
    code = getattr(_plain(function), "__code__", None)
    used: set[str] = set()
    for instruction in dis.get_instructions(code) if code else ():
        if re.match("LOAD_(FAST|DEREF|CLOSURE)", instruction.opname):
            used.update(instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,))
    return used


def _plain(function: Any) -> Any:
    """The Python function under tf.function and other decorators."""
    return inspect.unwrap(getattr(function, "python_function", function))


def files_of(function: Any) -> set[str]:
    """The files, or notebook cells, of the student's function and of those beside it."""
    plain = _plain(function)
    scope = getattr(plain, "__globals__", {})
    functions = [plain, *(value for value in scope.values() if isinstance(value, types.FunctionType))]
    return {f.__code__.co_filename for f in functions if getattr(f, "__globals__", None) is scope}


# --- What the function returns ----------------------------------------------------------------------------

# Bytes of one result; the right ones are much smaller.
_LARGEST = 16_000_000


def described(result: Any, session: Any = None) -> dict[str, Any]:
    """A result in plain values: {"array" in float64, "dtype"}, with "tensor" where it is one, or {"type", "length"}."""
    if is_tensor(result) and (result.dtype.is_floating or result.dtype.is_integer):
        number = tf.cast(result, tf.float64)
        told = _array(session.run(number) if session else number.numpy())
        return told | {"tensor": True, "dtype": result.dtype.name}
    if isinstance(result, (np.ndarray, np.generic, int, float)) and np.asarray(result).dtype.kind in "biuf":
        return _array(np.asarray(result, dtype=np.float64)) | {"dtype": np.asarray(result).dtype.name}
    if isinstance(result, list | tuple):
        items = [unrun(each) if _is_simple(each) else {"type": type(each).__name__} for each in result[:20]]
        return {"type": type(result).__name__, "length": len(result), "items": items}
    return {"type": type(result).__name__}


def unrun(result: Any) -> dict[str, Any]:
    """The result described, and a tensor of a graph only named, not run."""
    return {"tensor": True, "type": type(result).__name__} if is_tensor(result) else described(result)


def _is_simple(value: Any) -> bool:
    return is_tensor(value) or isinstance(value, np.ndarray | np.generic | int | float)


def _array(value: Any) -> dict[str, Any]:
    value = np.asarray(value)
    return {"array": value} if value.nbytes <= _LARGEST else {"shape": list(value.shape)}


def is_tensor(result: Any) -> bool:
    return tf.is_tensor(result) or isinstance(result, tf.Variable)


@contextlib.contextmanager
def graph(session_type: Any = None) -> Iterator[Any]:
    """A session on a graph of its own, both the default inside."""
    # TensorFlow's optimiser of graphs would take longer than these small ones do.
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Graph().as_default(), (session_type or tf.compat.v1.Session)(config=config) as session:
        yield session


@collector
def value(
    function: Any, inputs: Sequence[Array], eager: bool, watched: int | None = None, arrays: Collection[int] = (),
    numbers: bool = False, more: Sequence[Any] = (),
) -> dict[str, Any]:
    """The value of function(*inputs, *more), and its gradient with respect to the watched input, or None.

    watched: the position of an input; arrays: the positions of those that come as NumPy arrays, not as tensors;
    numbers: all inputs come as Python's numbers. eager: whether in eager mode; None is the mode of the program.
    """
    with eager_mode() if eager else graph() as session:
        given: list[Any]
        if numbers:
            given = [float(x) for x in inputs]
        else:
            given = [np.copy(x) if position in arrays else tf.constant(x) for position, x in enumerate(inputs)]
        with tf.GradientTape() as tape:
            if eager and watched is not None:
                tape.watch(given[watched])
            result = function(*given, *more)
        if session:
            session.run(tf.compat.v1.global_variables_initializer())
        told = described(result, session)
        if watched is None or not (is_tensor(result) and result.dtype.is_floating):
            return {"value": told, "gradient": None}
        gradient = (
            tape.gradient(result, given[watched]) if eager else tf.gradients(result, given[watched])[0]
        )
        if gradient is not None:
            gradient = described(tf.convert_to_tensor(gradient), session)
        return {"value": told, "gradient": gradient}


@collector
def operations(function: Any, inputs: Sequence[Array]) -> list[str] | None:
    """The types of the operations that function(*inputs) makes in a graph; None where it cannot."""
    try:
        with graph() as session:
            function(*map(tf.constant, inputs))
            return sorted({operation.type for operation in session.graph.get_operations()})
    except Exception:
        return None


# --- Errors -----------------------------------------------------------------------------------------------


def _told(error: BaseException, function: Any) -> dict[str, str]:
    files, frames = files_of(function), _frames(error)
    untouched = isinstance(error, NotImplementedError) and frames and frames[-1][0] in files
    return {
        "text": _error_text(error),
        "line": student_line(frames, files),
        "kind": type(error).__name__,
        "untouched": frames[-1][2] if untouched else "",
    }


def _frames(error: BaseException) -> list[Frame]:
    """Where an error came from, outermost first: (file, line, function)."""
    translated = getattr(getattr(error, "ag_error_metadata", None), "translated_stack", None)
    if translated:  # in tf.function, Python's own traceback shows generated code
        return [(frame.filename, frame.lineno, frame.function_name) for frame in reversed(translated)]
    # A graph's error comes when the session runs; the line at fault is where the operation was made.
    made = getattr(getattr(error, "op", None), "traceback", None) or ()
    return [(frame.filename, frame.lineno, frame.name) for frame in made] + locations(
        traceback.walk_tb(error.__traceback__)
    )


def student_line(frames: Sequence[Frame], files: Collection[str]) -> str:
    """' at line 4, `J = ...`': the innermost of the frames that is in the student's code."""
    for file, line, _ in reversed(frames):
        if file in files:
            text = linecache.getline(file, line).strip().replace("`", "'")
            return f" at line {line}, `{text}`" if text else f" at line {line}"
    return ""


def _error_text(error: BaseException) -> str:
    """'ValueError: what it says', on one short line."""
    try:
        lines = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
    except BaseException:  # the error's own code may fail, too
        lines = [type(error).__name__]
    # tf.function puts the original error below its own account of where it happened.
    text = lines[-1].strip() if lines[0].endswith("in user code:") else lines[0]
    # A session puts it below the name of the operation.
    nodes = [number for number, line in enumerate(lines[:-1]) if line.startswith("Node:")]
    if nodes and "Graph execution error" in text:
        text = text.replace("Graph execution error:", lines[nodes[-1] + 1])
    text = re.sub(r"^(?:\w+\.)+(?=\w+(:|$))", "", text).replace("`", "'")
    return textwrap.shorten(text, 240, placeholder=" ...")

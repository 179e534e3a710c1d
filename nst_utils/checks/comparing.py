"""Comparing an answer with the right one, and with what each known mistake would have given."""

import contextlib
from dataclasses import dataclass

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.checks.result import Wrong

# Relative to the largest entry: what float32, and TF32 on a GPU, may differ by.
TOLERANCE = 1e-3
# As far apart are two results that are the same but for rounding; a product of many small numbers is no constant.
SAME = 1e-6
# New inputs at every call, and the same in every run of a program.
RANDOM = np.random.default_rng(19)


@dataclass(frozen=True)
class Case:
    """One input in words, what the answer should be, and what came."""

    label: str
    want: np.ndarray
    got: np.ndarray

    @property
    def right(self):
        return close(self.got, self.want)


def close(got, want, tolerance=TOLERANCE):
    """Whether the arrays agree; a single number may come in any shape."""
    if got.size == want.size == 1:
        got = got.reshape(want.shape)
    if got.shape != want.shape or not np.isfinite(got).all():
        return False
    return bool(np.abs(got - want).max() <= tolerance * max(np.abs(want).max(), 1e-12))


def refuse_unless_right(cases, diagnose):
    """Return where every case is right; else raise Wrong, with what `diagnose(answers)` says the mistake is."""
    wrong = next((case for case in cases if not case.right), None)
    if wrong is None:
        return
    answers = [case.got for case in cases]
    name = _plainly_wrong(answers, cases) or diagnosed(diagnose, answers) or _without_numbers([wrong.got])
    raise Wrong(f"{name} For {wrong.label}, expected {show(wrong.want)}; yours gives {show(wrong.got)}.".strip())


_CUTS = (
    "NumPy functions, `.numpy()`, `float`, `sess.run`, `tf.constant` and `tf.stop_gradient` cut it: use TensorFlow "
    "operations from the argument to the result."
)


def refuse_without_gradient(flows, name):
    if not flows:
        raise Wrong(
            f"The value is right, but no gradient flows from it to {name}, and the optimisation needs one. {_CUTS}"
        )


def refuse_wrong_gradient(gradient, want, name):
    """Raise Wrong where the gradient of a right value is missing or another than it should be."""
    refuse_without_gradient(gradient is not None, name)
    if not close(gradient, want):
        raise Wrong(
            f"The value is right, but its gradient with respect to {name} is not: a part of the way from there to "
            f"the result is cut. {_CUTS}"
        )


def diagnosed(diagnose, *arguments):
    """What diagnose(*arguments) says; where it fails on an answer that nobody thought of, nothing, as the student's
    function did not stop with that error."""
    try:
        return diagnose(*arguments)
    except Exception as error:
        if isinstance(error, Wrong):
            raise
        return ""


def _plainly_wrong(answers, cases):
    """What can be seen without any formula: no numbers, zeros, or always the same."""
    finite = [np.isfinite(answer).all() for answer in answers]
    if not any(finite):
        return _without_numbers(answers)
    # A small type also rounds more.
    nearly = [close(case.got, case.want, 20 * TOLERANCE) for case in cases]
    if not all(finite) and all(near for near, known in zip(nearly, finite, strict=True) if known):
        return "Your result is infinite or not a number for large activations: does a small type overflow?"
    if all(answer.size and not answer.any() for answer in answers):
        return (
            "Your result is 0 for every input: a whole-number division (`//`) rounds it down, or you "
            "compare something with itself."
        )
    if len(answers) > 1 and all(close(answer, answers[0], SAME) for answer in answers[1:]):
        return "Your result is the same for every input: compute it from the arguments."
    return ""


def _without_numbers(answers):
    if all(np.isfinite(answer).all() for answer in answers):
        return ""
    if any(np.isnan(answer).any() for answer in answers):
        return "Your result is not a number: a root or a logarithm of a negative number, or a division of 0 by 0."
    return "Your result is infinite: something is divided by 0, or becomes too large."


def ratio_of(answer, value):
    """The number r with answer = r * value, or None."""
    value = np.asarray(value, dtype=np.float64)
    if answer.size == value.size == 1:
        answer, value = answer.reshape(()), value.reshape(())
    if answer.shape != value.shape or not value.any() or not answer.any() or not np.isfinite(value).all():
        return None
    with np.errstate(all="ignore"):
        ratio = np.vdot(value, answer) / np.vdot(value, value)
    if not np.isfinite(ratio) or not ratio:
        return None
    return ratio if np.abs(answer - ratio * value).max() <= TOLERANCE * np.abs(answer).max() else None


def show(value):
    """A value to a few digits; of an array, its shape and first entries."""
    if value.size == 1:
        return f"{value.item():.5g}"
    entries = ", ".join(f"{entry:.4g}" for entry in value.flat[:4])
    return f"an array of shape {value.shape} that begins {entries}"


@contextlib.contextmanager
def graph(session_type=None):
    """A session on a graph of its own, both the default inside."""
    # TensorFlow's optimiser of graphs would take longer than these small ones do.
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Graph().as_default(), (session_type or tf.compat.v1.Session)(config=config) as session:
        yield session


def call(function, *arguments):
    result = function(*arguments)
    if result is None:
        raise Wrong("Your function returns nothing (None): end it with `return` and the result.")
    return result


def value_of(result, session=None):
    """The float64 array that a tensor, an array or a number stands for."""
    if is_tensor(result) and (result.dtype.is_floating or result.dtype.is_integer):
        number = tf.cast(result, tf.float64)
        return session.run(number) if session else number.numpy()
    if isinstance(result, (np.ndarray, np.generic, int, float)) and np.asarray(result).dtype.kind in "biuf":
        return np.asarray(result, dtype=np.float64)
    if isinstance(result, list | tuple):
        raise Wrong(
            f"You return a {type(result).__name__} of length {len(result)}: return one tensor, array or number."
        )
    raise Wrong(f"Your function returns an object of type `{type(result).__name__}`: numbers are expected.")


def is_tensor(result):
    return tf.is_tensor(result) or isinstance(result, tf.Variable)


def evaluate(function, inputs, eager, watched=None, arrays=()):
    """The value of function(*inputs), and its gradient with respect to the watched input, None where there is none.

    watched: the position of an input; arrays: the positions of those that come as NumPy arrays, not as tensors.
    """
    with eager_mode() if eager else graph() as session:
        given = [np.copy(x) if position in arrays else tf.constant(x) for position, x in enumerate(inputs)]
        with tf.GradientTape() as tape:
            if eager and watched is not None:
                tape.watch(given[watched])
            result = call(function, *given)
        if session:
            session.run(tf.compat.v1.global_variables_initializer())
        value = value_of(result, session)
        if watched is None or not (is_tensor(result) and result.dtype.is_floating):
            return value, None
        gradient = (
            tape.gradient(result, given[watched]) if eager else tf.gradients(result, given[watched])[0]
        )
        return value, None if gradient is None else value_of(tf.convert_to_tensor(gradient), session)


def operations(function, inputs):
    """The types of the operations that function(*inputs) makes in a graph; None where it cannot."""
    try:
        with graph() as session:
            function(*map(tf.constant, inputs))
            return {operation.type for operation in session.graph.get_operations()}
    except Exception:
        return None

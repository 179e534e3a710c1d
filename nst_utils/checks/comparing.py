"""Comparing an answer with the right one, and with what each known mistake would have given."""

import contextlib
from dataclasses import dataclass

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.checks.result import Wrong

# Relative to the largest entry: what float32, and TF32 on a GPU, may differ by.
TOLERANCE = 1e-3
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


def close(got, want):
    """Whether the arrays agree; a single number may come in any shape."""
    if got.size == want.size == 1:
        got = got.reshape(want.shape)
    return got.shape == want.shape and bool(
        np.abs(got - want).max() <= TOLERANCE * max(np.abs(want).max(), 1e-12)
    )


def refuse_unless_right(cases, mistakes, explain=None):
    """Return where every case is right; else raise Wrong, with the name of the mistake if one of these fits.

    mistakes: pairs of a name and what the mistake gives, one array per case.
    explain: from the ratios of answer to mistake, what more to say, or None where it is not this mistake;
    without it the ratios must be 1.
    """
    wrong = next((case for case in cases if not case.right), None)
    if wrong is None:
        return
    name = _recognise(cases, mistakes, explain or _all_ones)
    raise Wrong(
        f"{name} For {wrong.label}, expected {show(wrong.want)}; yours gives {show(wrong.got)}.".strip()
    )


def refuse_without_gradient(flows, name):
    if not flows:
        raise Wrong(
            f"The value is right, but no gradient flows from it to {name}, and the optimisation needs one. "
            "NumPy functions, `.numpy()`, `float`, `sess.run`, `tf.constant` and `tf.stop_gradient` cut "
            "it: use TensorFlow operations from the argument to the result."
        )


def _recognise(cases, mistakes, explain):
    answers = [case.got for case in cases]
    if not all(np.isfinite(answer).all() for answer in answers):
        return "Your result is infinite or not a number for large activations: does a small type overflow?"
    if all(answer.size and not answer.any() for answer in answers):
        return (
            "Your result is 0 for every input: a whole-number division (`//`) rounds it down, or you "
            "compare something with itself."
        )
    if len(answers) > 1 and all(close(answer, answers[0]) for answer in answers[1:]):
        return "Your result is the same for every input: compute it from the arguments."
    for name, values in mistakes:
        ratios = [_ratio(answer, value) for answer, value in zip(answers, values, strict=True)]
        if None not in ratios and (note := explain(ratios)) is not None and (name or note):
            return f"{name} {note}".strip()
    ratios = [_ratio(case.got, case.want) for case in cases]
    if None not in ratios and np.ptp(ratios) <= TOLERANCE * abs(ratios[0]):
        return f"Your result is {ratios[0]:.4g} times the right one, for every input."
    return ""


def _ratio(answer, value):
    """The number r with answer = r * value, or None."""
    value = np.asarray(value, dtype=np.float64)
    if answer.size == value.size == 1:
        answer = answer.reshape(value.shape)
    if answer.shape != value.shape or not value.any() or not answer.any():
        return None
    ratio = np.vdot(value, answer) / np.vdot(value, value)
    return (
        ratio if ratio and np.abs(answer - ratio * value).max() <= TOLERANCE * np.abs(answer).max() else None
    )


def _all_ones(ratios):
    return "" if np.allclose(ratios, 1, rtol=TOLERANCE) else None


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
    raise Wrong(f"Your function returns an object of type `{type(result).__name__}`: numbers are expected.")


def is_tensor(result):
    return tf.is_tensor(result) or isinstance(result, tf.Variable)


def evaluate(function, inputs, eager, watched=(), arrays=()):
    """The value of function(*inputs), and whether a gradient flows from it to each of the watched inputs.

    watched, arrays: the positions of inputs; those in `arrays` come as NumPy arrays, the others as tensors.
    """
    with eager_mode() if eager else graph() as session:
        given = [np.copy(x) if position in arrays else tf.constant(x) for position, x in enumerate(inputs)]
        targets = [given[position] for position in watched]
        with tf.GradientTape() as tape:
            if eager:
                tape.watch(targets)
            result = call(function, *given)
        if session:
            session.run(tf.compat.v1.global_variables_initializer())
        value = value_of(result, session)
        if not watched:
            return value, True
        if not (is_tensor(result) and result.dtype.is_floating):
            return value, False
        gradients = tape.gradient(result, targets) if eager else tf.gradients(result, targets)
        return value, all(gradient is not None for gradient in gradients)

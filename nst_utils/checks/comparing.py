"""Comparing an answer with the right one, and with what each known mistake would have given."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nst_utils.base.types import Array
from nst_utils.checks.result import Wrong
from nst_utils.checks.student import Student
from nst_utils.checks.wire import Malformed

# Relative to the largest entry: what float32, and TF32 on a GPU, may differ by.
TOLERANCE = 1e-3
# As far apart are two results that are the same but for rounding; a product of many small numbers is no constant.
SAME = 1e-6
# New inputs at every call, and in a notebook the same in every run.
RANDOM = np.random.default_rng(19)


def draw_afresh() -> None:
    """Let all inputs from now on be some that nobody can have seen, as a grading does."""
    RANDOM.bit_generator.state = np.random.default_rng(secrets.randbits(128)).bit_generator.state


@dataclass(frozen=True)
class Case:
    """One input in words, what the answer should be, and what came."""

    label: str
    want: Any
    got: Array

    @property
    def right(self) -> bool:
        return close(self.got, self.want)


def close(got: Any, want: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether the arrays agree; a single number may come in any shape."""
    if got.size == want.size == 1:
        got = got.reshape(want.shape)
    if got.shape != want.shape or not np.isfinite(got).all():
        return False
    return bool(np.abs(got - want).max() <= tolerance * max(np.abs(want).max(), 1e-12))


def refuse_unless_right(cases: Sequence[Case], diagnose: Callable[..., str]) -> None:
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


def refuse_without_gradient(flows: bool, name: str) -> None:
    if not flows:
        raise Wrong(
            f"The value is right, but no gradient flows from it to {name}, and the optimisation needs one. {_CUTS}"
        )


def refuse_wrong_gradient(gradient: Array | None, want: Any, name: str) -> None:
    """Raise Wrong where the gradient of a right value is missing or another than it should be."""
    refuse_without_gradient(gradient is not None, name)
    if gradient is None or not close(gradient, want):
        raise Wrong(
            f"The value is right, but its gradient with respect to {name} is not: a part of the way from there to "
            f"the result is cut. {_CUTS}"
        )


def diagnosed(diagnose: Callable[..., str], *arguments: Any) -> str:
    """What diagnose(*arguments) says; where it fails on an answer that nobody thought of, nothing, as the student's
    function did not stop with that error."""
    try:
        return diagnose(*arguments)
    except Exception as error:
        if isinstance(error, Wrong):
            raise
        return ""


def _plainly_wrong(answers: Sequence[Array], cases: Sequence[Case]) -> str:
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


def _without_numbers(answers: Sequence[Array]) -> str:
    if all(np.isfinite(answer).all() for answer in answers):
        return ""
    if any(np.isnan(answer).any() for answer in answers):
        return "Your result is not a number: a root or a logarithm of a negative number, or a division of 0 by 0."
    return "Your result is infinite: something is divided by 0, or becomes too large."


def ratio_of(answer: Array, value: Any) -> float | None:
    """The number r with answer = r * value, or None."""
    value = np.asarray(value, dtype=np.float64)
    if answer.size == value.size == 1:
        answer, value = answer.reshape(()), value.reshape(())
    if answer.shape != value.shape or not value.any() or not answer.any() or not np.isfinite(value).all():
        return None
    # Scaled first: squares of very large or very small numbers would be infinite or 0.
    size = np.abs(value).max()
    with np.errstate(all="ignore"):
        ratio = np.vdot(value / size, answer) / np.vdot(value / size, value / size) / size
    if not np.isfinite(ratio) or not ratio:
        return None
    return ratio if np.abs(answer - ratio * value).max() <= TOLERANCE * np.abs(answer).max() else None


def show(value: Array) -> str:
    """A value to a few digits; of an array, its shape and first entries."""
    if value.size == 1:
        return f"{value.item():.5g}"
    entries = ", ".join(f"{entry:.4g}" for entry in value.flat[:4])
    return f"an array of shape {value.shape} that begins {entries}"


def refuse_nothing(told: Any) -> None:
    """Raise Wrong where the result that is told of is None."""
    if told.get("type") == "NoneType":
        raise Wrong("Your function returns nothing (None): end it with `return` and the result.")


def value_of(told: Any) -> Array:
    """The float64 array that a result stands for; told: as collecting.described has put it."""
    if not isinstance(told, dict):
        raise Malformed("A result is told in a dictionary.")
    if isinstance(array := told.get("array"), np.ndarray):
        return array.astype(np.float64)
    if "shape" in told:
        raise Wrong(f"You return an array of shape {tuple(told['shape'])[:8]}, which is much too large.")
    refuse_nothing(told)
    kind = str(told.get("type"))[:80]
    if "length" in told:
        raise Wrong(f"You return a {kind} of length {told['length']}: return one tensor, array or number.")
    raise Wrong(f"Your function returns an object of type `{kind}`: numbers are expected.")


def evaluate(
    student: Student, inputs: Sequence[Any], eager: bool | None, watched: int | None = None,
    arrays: Iterable[int] = (), **how: Any,
) -> tuple[Array, Array | None]:
    """The value of the function of the inputs, and its gradient with respect to the watched input, or None.

    What else may be said is said at collecting.value.
    """
    told = student.ask("value", inputs=inputs, eager=eager, watched=watched, arrays=list(arrays), **how)
    value = value_of(told["value"])
    return value, None if told["gradient"] is None else value_of(told["gradient"])


def operations(student: Student, inputs: Sequence[Array]) -> set[str] | None:
    """The types of the operations that the function of the inputs makes in a graph; None where it cannot."""
    found = student.ask("operations", inputs=inputs)
    return None if found is None else set(found)

"""The exercise of the TensorFlow 2 edition: one step of the optimisation, with GradientTape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.base.types import Array, Tensor
from nst_utils.checks.collecting import collector, described
from nst_utils.checks.comparing import RANDOM, close, ratio_of, show, value_of
from nst_utils.checks.result import Wrong
from nst_utils.checks.student import Failed, Student, names_in
from nst_utils.checks.watching import relation

_SHAPE = (1, 5, 7, 3)
_REVERSED = (
    "The pair is the wrong way round: `apply_gradients` takes pairs (gradient, variable), and yours is (variable, "
    "gradient)."
)
_NO_LIST = "`apply_gradients` takes a list of pairs, `[(gradient, image)]`, and yours is not a list of pairs."
_COPY = (
    "`image` is not changed: the step goes to a copy or a part of it, and not to the variable `image` itself, which "
    "belongs in the pair, `[(gradient, image)]`."
)


# What may be wrong with what apply_gradients is given.
_NOTES = {"reversed": _REVERSED, "no list": _NO_LIST, "copy": _COPY}


@dataclass
class _Step:
    """One call of a train_step: what the optimiser and the cost were given, and what became of the picture."""

    optimizer: str
    weight: float
    rate: float
    in_graph: bool = False
    start: Array = field(default_factory=lambda: RANDOM.uniform(3, 252, _SHAPE).astype(np.float32))
    target: Array = field(init=False)

    def __post_init__(self) -> None:
        # Mostly far from the start, and in the first row near it, so that a gradient that is clipped or cut to its
        # signs shows.
        self.target = RANDOM.uniform(-200, 455, _SHAPE).astype(np.float32)
        near = RANDOM.uniform(0.3, 0.9, _SHAPE[2:]) * RANDOM.choice((-1, 1), _SHAPE[2:])
        self.target[0, 0] = self.start[0, 0] + near

    def take(self, student: Student) -> _Step:
        """Let the student's function take the step; what it returned is `J_got`, what became of the image `got`."""
        seen = student.ask("run_train_step", **vars(self))
        self.note = _NOTES.get(seen["note"], "")
        if seen["failed"]:
            raise Wrong(self.note)
        self.J_got = value_of(seen["J"])
        self.got, self.used = _picture(seen["image"]).astype(np.float64), bool(seen["used"])
        # Of each call of apply_gradients: the gradient, and the picture before and after it, where they have values.
        self.applied = [tuple(map(_picture, each)) for each in seen["applied"]]
        # Of each call of compute_cost: the picture.
        self.asked = [_picture(each) for each in seen["asked"]]
        return self

    def cost(self, picture: Any) -> float:
        return np.sum(self.weight * np.square(np.float64(picture) - self.target))

    @property
    def gradient(self) -> Array:
        return 2 * self.weight * (np.float64(self.start) - self.target)

    @property
    def moved(self) -> Array:
        """Where the optimiser alone brings the picture."""
        return self.start - self.rate * (self.gradient if self.optimizer == "SGD" else np.sign(self.gradient))


def _picture(array: Any) -> Array:
    if array is not None and np.shape(array) != _SHAPE:
        raise Wrong("The picture, or what stands for its gradient, has another shape than `image`.")
    return array


@collector
def run_train_step(
    function: Any, optimizer: str, weight: float, rate: float, in_graph: bool, start: Array, target: Array
) -> dict[str, Any]:
    """What one call of train_step does to a new image, `start`, and what it is seen to do on the way."""
    with eager_mode():
        image = tf.Variable(start)
        watch = _Watch(image, weight, target)
        watched = watch.optimizer(optimizer, rate)
        watched.build([image])
        try:
            J = described((tf.function(function) if in_graph else function)(image, watch.compute_cost, watched))
        except Exception:
            if not watch.note:
                raise
            return {"failed": True, "note": watch.note}
        return {
            "failed": False,
            "note": watch.note,
            "J": J,
            "image": image.numpy(),
            "used": int(watched.iterations) > 0,
            "applied": watch.applied[:_MOST_KEPT],
            "asked": watch.asked[:_MOST_KEPT],
        }


# So many calls are looked at.
_MOST_KEPT = 50


class _Watch:
    """The cost and the optimiser that a train_step is given, which keep what they are called with."""

    def __init__(self, image: Any, weight: float, target: Tensor) -> None:
        self.image, self.weight, self.target = image, weight, target
        self.applied: list[tuple[Any, Any, Any]] = []
        self.asked: list[Array] = []
        self.note = ""

    def compute_cost(self, picture: Any) -> Tensor:
        if hasattr(picture, "numpy") and tf.executing_eagerly():
            self.asked.append(picture.numpy())
        return tf.reduce_sum(self.weight * tf.square(picture - self.target))

    def optimizer(self, name: str, rate: float) -> Any:
        watch = self

        base: Any = getattr(tf.keras.optimizers, name)

        class Watched(base):
            def apply_gradients(self, grads_and_vars: Any, **options: Any) -> Any:
                pairs = watch.checked(grads_and_vars)
                return super().apply_gradients(pairs, **options)

            def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
                eager, before = tf.executing_eagerly(), watch.image.numpy() if tf.executing_eagerly() else None
                result = super().apply(grads, trainable_variables)
                gradient = grads[0].numpy() if eager and hasattr(grads[0], "numpy") else None
                watch.applied.append((gradient, before, watch.image.numpy() if eager else None))
                return result

        Watched.__name__ = name
        return Watched(learning_rate=rate)

    def checked(self, pairs: Any) -> list[Any]:
        """The pairs as a list; a note is kept of what is wrong with them."""
        if isinstance(pairs, tf.Tensor | tf.Variable):
            self.note = "no list"
            return pairs
        pairs = list(pairs)
        for pair in pairs:
            if isinstance(pair, tf.Tensor | tf.Variable) or pair is None or len(pair) != 2:
                self.note = "no list"
            elif isinstance(pair[0], tf.Variable) and not isinstance(pair[1], tf.Variable):
                self.note = "reversed"
            elif pair[1] is not self.image:
                self.note = "copy"
        return pairs


def train_step(student: Student, _: object) -> None:
    """Return for a right train_step, else raise Wrong; the notebook runs it in tf.function, so that is tried too."""
    settings = (("SGD", 0.3, 0.8), ("SGD", 0.2, 1.7), ("Adam", 0.4, 60.0))
    steps = [_Step(*each).take(student) for each in settings]
    _judge(steps, student)
    _judge_in_graph(student)


def _judge(steps: Sequence[_Step], student: Student) -> None:
    used = all(step.used for step in steps)
    if all(np.array_equal(step.got, step.start) for step in steps):
        raise Wrong(_unchanged(steps, used))
    if not used:
        raise Wrong(
            "The optimizer that you are given is not used: take the step with its `apply_gradients`, not "
            "with a learning rate or an optimiser of your own."
        )
    wrong = next((step for step in steps if not close(step.got, np.clip(step.moved, 0, 255))), None)
    if wrong is not None:
        expected, yours = show(np.clip(wrong.moved, 0, 255)), show(wrong.got)
        raise Wrong(
            f"{_fault_of_picture(wrong, student)} For the picture after the step, expected {expected}; yours gives "
            f"{yours}.".strip()
        )
    wrong = next((step for step in steps if not close(step.J_got, np.asarray(step.cost(step.start)))), None)
    if wrong is not None:
        expected, yours = show(np.asarray(wrong.cost(wrong.start))), show(wrong.J_got)
        raise Wrong(
            f"{_fault_of_cost(steps)} For the J that is returned, expected {expected}; yours gives {yours}.".strip()
        )


def _judge_in_graph(student: Student) -> None:
    step = _Step("SGD", 0.3, 0.8, in_graph=True)
    try:
        step.take(student)
    except Wrong as wrong:
        raise Wrong(f"In `tf.function`, in which the notebook runs it, your function goes wrong: {wrong}") from None
    except Failed as failed:
        raise Wrong(
            "Right where it is called alone, but the notebook runs it in `tf.function`, where tensors have no values "
            f"yet, so that `.numpy()`, `float()` and NumPy's functions fail: {failed}."
        ) from None
    right = close(step.got, np.clip(step.moved, 0, 255)) and close(step.J_got, np.asarray(step.cost(step.start)))
    if not right:
        raise Wrong(
            "Right where it is called alone, but not in `tf.function`, in which the notebook runs it: keep to "
            "TensorFlow's operations."
        )


def _unchanged(steps: Sequence[_Step], used: Any) -> str:
    if not used:
        return "`image` is not changed: `optimizer.apply_gradients([(gradient, image)])` moves it."
    if steps[0].note == _COPY:
        return _COPY
    applied = steps[0].applied
    if applied and applied[0][2] is not None:
        gradient, before, after = applied[0]
        if gradient is not None and not gradient.any():
            return "`image` is not changed: the gradient that the optimiser is given is 0 everywhere."
        if not np.array_equal(before, after):
            return (
                "`image` is not changed in the end: the optimiser moved it, and then the old picture was assigned over "
                "it. Clip `image` as it is after the step."
            )
    return (
        "`image` is not changed: what the optimiser moved was a copy, or the clipped old picture was "
        "assigned over it."
    )


def _clips(student: Student) -> bool:
    return any("clip" in name or name in ("maximum", "minimum") for name in names_in(student))


def _fault_of_picture(step: _Step, student: Student) -> str:
    """What is wrong with the picture after the step; "" where that is not known."""
    if len(step.applied) > 1:
        return f"`apply_gradients` ran {len(step.applied)} times: one call is one step."
    gradient, before, after = step.applied[0] if step.applied else (None, None, None)
    y = step.moved if after is None else np.float64(after)
    told = []
    if before is not None and not np.array_equal(before, step.start):
        made = relation(before, step.start).format("`image`")
        told.append(f"`image` is changed before the step{f', to {made}' if made else ''}: clip after it.")
    elif gradient is not None and not close(np.float64(gradient), step.gradient):
        told.append(_fault_of_gradient(np.float64(gradient), step))
    elif after is None and not close(step.got, np.clip(y, 0, 255)):
        x = step.start
        if close(step.got, np.clip(2 * x - y, 0, 255)):
            return "You maximise the cost: the picture moves up the gradient, not down."
        if close(step.got, 2 * x - y):
            return "You maximise the cost, and the picture leaves the range 0 to 255."
    if not close(step.got, np.clip(y, 0, 255)):
        told.append(_fault_of_clipping(step, y, student))
    return " ".join(text for text in told if text)


def _fault_of_gradient(gradient: Any, step: _Step) -> str:
    ratio = ratio_of(gradient, step.gradient)
    if ratio is not None:
        if abs(ratio + 1) < 1e-3:
            return (
                "You maximise the cost: the picture moves up the gradient, not down; `apply_gradients` was given the "
                "gradient with the wrong sign."
            )
        return f"The gradient that `apply_gradients` was given is {ratio:.4g} times that of J."
    known = {
        "only the signs of the gradient": np.sign(step.gradient),
        "the absolute values of the gradient": np.abs(step.gradient),
        "the squares of the gradient": step.gradient**2,
        "the gradient clipped to -1..1": np.clip(step.gradient, -1, 1),
        "the gradient clipped to 0..255": np.clip(step.gradient, 0, 255),
        "the picture": np.float64(step.start),
        "the target": np.float64(step.target),
    }
    name = next((name for name, value in known.items() if close(gradient, value)), "")
    if ratio_of(gradient, known["only the signs of the gradient"]) is not None:
        name = "only the signs of the gradient"
    if name:
        return f"`apply_gradients` was given {name}, not the gradient of J."
    if step.asked and not any(np.array_equal(picture, step.start) for picture in step.asked):
        made = relation(step.asked[0], step.start).format("`image`")
        return (
            f"`compute_cost` was called with {made or 'another picture'}, not with `image` as it is, so this is "
            "another gradient."
        )
    return "`apply_gradients` was given something else than the gradient of J with respect to `image`."


def _fault_of_clipping(step: _Step, y: Any, student: Student) -> str:
    """What is wrong with the clipping of a picture that the optimiser has brought to y."""
    got, low, high = step.got, step.got.min(), step.got.max()
    if close(got, y):
        if _clips(student):
            return (
                "There is no clipping after the step, though your function clips something: `tf.clip_by_value` "
                "returns a new tensor. Either it is never assigned (`image.assign` puts it in place), or it comes "
                "before the step."
            )
        return "There is no clipping: after the step, bring the picture back to 0..255."
    if close(got, np.clip(step.start, low, high)) and not close(got, np.clip(y, low, high)):
        return "The old picture, clipped, is assigned over the one that the optimiser has moved."
    if close(got, np.clip(y, low, high)):
        ends = low > y.min() + 1e-3, high < y.max() - 1e-3
        if not ends[0]:
            return f"You clip at {high:.4g} only: 0 is the lower end." if ends[1] else ""
        if not ends[1]:
            return f"You clip at {low:.4g} only: 255 is the upper end."
        return f"You clip to {low:.4g}..{high:.4g}; this picture has values from 0 to 255."
    right = np.clip(y, 0, 255)
    if close(got, np.round(right)) or np.abs(got - np.round(right)).max() < 1e-3:
        return "You round the picture, and small steps are lost."
    if np.abs(got - np.trunc(right)).max() < 1e-3:
        return "You cut the picture to whole numbers, and small steps are lost."
    if close(got, y - np.clip(y, 0, 255)) or close(got, y + np.clip(y, 0, 255)):
        return "The clipped picture is added or subtracted (`assign_add`, `assign_sub`): assign it."
    made = relation(got, right) or (relation(got, y) and relation(got, y) + ", without clipping to 0..255")
    if made:
        return f"What is assigned in the end is {made.format('the moved picture')}."
    made = relation(got, step.start)
    if made:
        return f"What is assigned in the end is {made.format('the old picture')}, not the moved one."
    for change, name in ((step.gradient, "gradient"), (np.float64(step.target), "target")):
        if close(got, np.clip(change, 0, 255)) or close(got, change):
            return f"The {name} is assigned to `image`, not the moved picture."
    return "What is assigned in the end is not the moved picture, clipped to 0..255."


def _fault_of_cost(steps: Sequence[_Step]) -> str:
    """What is returned in the place of J; "" where that is not known."""

    def all_are(value: Callable[[_Step], Any]) -> bool:
        return all(close(step.J_got, np.asarray(value(step), np.float64)) for step in steps)

    known = {
        "You return the cost of the picture after the step: return the J of the tape.": lambda s: s.cost(s.got),
        "You return the cost of the picture after the step, before it is clipped: return the J of the tape.": (
            lambda s: s.cost(s.moved)
        ),
        "You return the gradient: return J.": lambda s: s.gradient,
        "You return the picture: return J.": lambda s: s.got,
        "You return the old picture: return J.": lambda s: s.start,
        "You return the cost with the wrong sign.": lambda s: -s.cost(s.start),
        "You return the mean of the gradient: return J.": lambda s: s.gradient.mean(),
    }
    name = next((name for name, value in known.items() if all_are(value)), "")
    if name:
        return name
    if all(step.J_got.size == 1 for step in steps):
        ratios = [step.J_got.item() / step.cost(step.start) for step in steps]
        if np.ptp(ratios) < 2e-3 * abs(ratios[0]) and ratios[0]:
            return f"What you return is {ratios[0]:.4g} times J."
        added = [step.J_got.item() - step.cost(step.start) for step in steps]
        if np.ptp(added) < 2e-3 * max(step.cost(step.start) for step in steps):
            return f"What you return is J plus {added[0]:.4g}."
        return "What you return is not the J of the tape."
    return "You return an array: return J, one number."

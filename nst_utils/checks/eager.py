"""The exercise of the TensorFlow 2 edition: one step of the optimisation, with GradientTape."""

from dataclasses import dataclass

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.checks.comparing import RANDOM, Case, call, refuse_unless_right, value_of
from nst_utils.checks.result import Wrong
from nst_utils.checks.running import names_in


@dataclass(frozen=True)
class _Step:
    """One call of a train_step: the picture before it, where the optimiser alone brings it, and what came."""

    start: np.ndarray
    moved: np.ndarray
    got: np.ndarray
    # The cost before the step, after it, and as returned.
    J: np.ndarray
    J_after: np.ndarray
    J_got: np.ndarray
    optimizer_used: bool


# What may become of a picture that was at x and that the optimiser moves to y.
_PICTURES = {
    "You maximise the cost: the picture moves up the gradient, not down.": lambda x, y: np.clip(
        2 * x - y, 0, 255
    ),
    "You maximise the cost, and the picture leaves the range 0 to 255.": lambda x, y: 2 * x - y,
    "You clip to 0..1; this picture has values from 0 to 255.": lambda x, y: np.clip(y, 0, 1),
    "You clip to -1..1; this picture has values from 0 to 255.": lambda x, y: np.clip(y, -1, 1),
    "You clip at 0 only: 255 is the upper end.": lambda x, y: np.maximum(y, 0),
    "You clip at 255 only: 0 is the lower end.": lambda x, y: np.minimum(y, 255),
    "You round the picture, and small steps are lost.": lambda x, y: np.round(np.clip(y, 0, 255)),
    "You take two steps in one.": lambda x, y: np.clip(2 * y - x, 0, 255),
}


def train_step(function, _):
    """Return for a right train_step, else raise Wrong."""
    with eager_mode():
        steps = [
            _take_step(function, tf.keras.optimizers.SGD(learning_rate=0.8), 0.3),
            _take_step(function, tf.keras.optimizers.SGD(learning_rate=1.7), 0.2),
            _take_step(function, tf.keras.optimizers.Adam(learning_rate=60.0), 0.4),
        ]
    used = all(step.optimizer_used for step in steps)
    if all(np.array_equal(step.got, step.start) for step in steps):
        raise Wrong(
            "`image` is not changed: what the optimiser moved was a copy, or the clipped old picture was "
            "assigned over it."
            if used
            else "`image` is not changed: `optimizer.apply_gradients([(gradient, image)])` moves it."
        )
    if not used:
        raise Wrong(
            "The optimizer that you are given is not used: take the step with its `apply_gradients`, not "
            "with a learning rate or an optimiser of your own."
        )
    if any(step.got.min() < 0 or step.got.max() > 255 for step in steps):
        clips = any("clip" in name or name in ("maximum", "minimum") for name in names_in(function))
        outside = (
            "The clipped picture is never assigned: `tf.clip_by_value` returns a new tensor, and "
            "`image.assign` puts it in place, after the step."
            if clips
            else "There is no clipping: after the step, bring the picture back to 0..255."
        )
    else:
        outside = None
    mistakes = {name: [wrong(step.start, step.moved) for step in steps] for name, wrong in _PICTURES.items()}
    if outside:
        mistakes[outside] = [step.moved for step in steps]
    cases = [Case("the picture after the step", np.clip(step.moved, 0, 255), step.got) for step in steps]
    refuse_unless_right(cases, mistakes.items())
    refuse_unless_right(
        [Case("the J that is returned", step.J, step.J_got) for step in steps],
        {
            "You return the cost of the picture after the step: return the J of the tape.": [
                s.J_after for s in steps
            ]
        }.items(),
    )


def _take_step(function, optimizer, weight):
    shape = (1, 5, 7, 3)
    start = RANDOM.uniform(3, 252, shape).astype(np.float32)
    target = RANDOM.uniform(-200, 455, shape).astype(np.float32)

    def compute_cost(picture):
        return tf.reduce_sum(weight * tf.square(picture - target))

    image = tf.Variable(start)
    optimizer.build([image])
    J = value_of(call(function, image, compute_cost, optimizer))
    gradient, rate = 2 * weight * (start - target), float(optimizer.learning_rate)
    move = rate * (gradient if isinstance(optimizer, tf.keras.optimizers.SGD) else np.sign(gradient))
    return _Step(
        start=start.astype(np.float64),
        moved=(start - move).astype(np.float64),
        got=image.numpy().astype(np.float64),
        J=compute_cost(start).numpy(),
        J_after=compute_cost(image).numpy(),
        J_got=J,
        optimizer_used=int(optimizer.iterations) > 0,
    )

"""Any cost in the fast engine: a function of the picture, or a tensor of the course's graph, made small by L-BFGS."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import computing, tf
from nst_utils.base.types import Array, Floats, Tensor
from nst_utils.engine.optimizers import Evaluation, Lbfgs, Memory
from nst_utils.network.layout import MEANS

# From an image to its cost and gradient.
Slope: TypeAlias = Callable[[Floats], tuple[float, Floats]]
# Grey levels by which the first step changes the picture.
FIRST_STEP = 8.0
# As it is in stylize(), where the penalty is 1 and the slope at the start some hundreds.
SLOPE_OVER_PENALTY = 250.0


@dataclass(frozen=True)
class Minimizing:
    """One step of minimize(): the image, float32 in the form of its start, and what it costs."""

    iteration: int
    cost: float
    image: Floats = field(repr=False)


def minimize(
    cost: Callable[[Tensor], Tensor] | Tensor, start: Array, iterations: int = 30,
    callback: Callable[[Minimizing], object] | None = None, variable: Any = None, sess: Any = None,
    history_length: int = 10,
) -> Floats:
    """The image near `start` that makes a cost of your own small, float32 in the form of `start`.

    cost: a function of the image, an eager tensor like `start`, that returns a scalar tensor; or, in the course's
    graph, the scalar tensor J, with variable=model["input"], which keeps the image that is found, and its session.
    start: the network's image (1, H, W, 3), RGB 0-255 minus MEANS, or a picture (H, W, 3), 0-255.
    iterations: steps of L-BFGS (Nocedal and Wright 2006, chapter 7), one evaluation each, seldom two; it ends sooner
    where no step lowers the cost. callback: called with every step, a Minimizing. Ctrl-C ends it and keeps the image.

    The cost is that of valid pixels: what leaves 0-255 is clipped before it is shown to the cost, and pulled back.
    Raises InputError with one sentence for a cost that is no scalar, no number, or does not depend on the image.
    """
    start = np.array(start, np.float32)
    if start.ndim not in (3, 4) or start.shape[-1] != 3 or (start.ndim == 4 and start.shape[0] != 1):
        raise InputError(f"start has the shape {start.shape}: give an image (1, H, W, 3) or a picture (H, W, 3).")
    lowest = -MEANS if start.ndim == 4 else np.zeros(3, np.float32)
    if callable(cost):
        slope, leave_at = _slope_of_function(cost, start), None
    else:
        slope, leave_at = _slope_of_tensor(cost, variable, sess, start)

    penalty = None

    def objective(image: Floats) -> Evaluation:
        nonlocal penalty
        clipped = np.clip(image, lowest, lowest + 255)
        value, gradient = slope(clipped)
        if not np.isfinite(value):
            raise InputError(f"The cost became {value}: look for a division by 0, or a root or logarithm of 0.")
        if penalty is None:
            # A cost may be of any size: what pulls pixels back is in proportion to the slope at the start.
            penalty = np.float32(float(np.sqrt(np.mean(np.square(gradient)))) / SLOPE_OVER_PENALTY or 1.0)
        outside = image - clipped
        gradient = np.where(outside == 0, gradient, 2 * penalty * outside)
        # In the place of costs, what is to be told of the image.
        return Evaluation(image, (value, clipped), value + float(penalty * np.vdot(outside, outside)), gradient)

    now, optimizer = objective(start), Lbfgs(history_length)
    memory: Memory = ()
    try:
        for iteration in range(iterations + 1):
            if iteration:
                step = optimizer.step(objective, now, memory, FIRST_STEP)
                if step is None:
                    break
                now, memory = step
            if callback:
                value, image = now.costs
                callback(Minimizing(iteration, value, image.copy()))
    except KeyboardInterrupt:
        pass
    _, found = now.costs
    if leave_at is not None:
        leave_at(found)
    return found


def _slope_of_function(cost: Callable[[Tensor], Tensor], start: Floats) -> Slope:
    """A function of the image that returns the cost, a float, and its gradient."""

    def cost_and_gradient(image: Tensor) -> tuple[Tensor, Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(image)
            J = tf.convert_to_tensor(cost(image))
        if J.shape.rank != 0:
            raise InputError(f"The cost has the shape {tuple(J.shape)}: return one number, such as tf.reduce_sum(...).")
        return tf.cast(J, tf.float32), tape.gradient(J, image)

    traced = tf.function(cost_and_gradient, input_signature=[tf.TensorSpec(start.shape)], autograph=False)

    def slope(image: Floats) -> tuple[float, Floats]:
        nonlocal traced
        with computing():
            tensor = tf.constant(image)
            try:
                J, gradient = (traced or cost_and_gradient)(tensor)
            except InputError:
                raise
            except Exception:
                if traced is None:
                    raise
                # What cannot be traced, a cost that calls .numpy(), say, may still run step by step.
                traced = None
                J, gradient = cost_and_gradient(tensor)
            return float(J), _checked(gradient).numpy()

    return slope


def _slope_of_tensor(J: Tensor, variable: Any, sess: Any, start: Floats) -> tuple[Slope, Callable[[Floats], None]]:
    """The same for a tensor of a graph, and a function that leaves the variable at an image."""
    if variable is None or sess is None:
        raise InputError('A cost of a graph needs its variable and session: variable=model["input"], sess=sess.')
    if tuple(variable.shape) != start.shape:
        raise InputError(f"start is {start.shape} and the variable {tuple(variable.shape)}: make them the same size.")
    if getattr(J, "shape", None) is None or J.shape.rank != 0:
        raise InputError("The cost is no single number: give a scalar tensor, such as total_cost(J_content, J_style).")
    with J.graph.as_default():
        gradient = _checked(tf.gradients(J, variable)[0])
    assign, value = variable.initializer, variable.initializer.inputs[1]

    def leave_at(image: Floats) -> None:
        sess.run(assign, {value: image})

    def slope(image: Floats) -> tuple[float, Floats]:
        leave_at(image)
        cost, found = sess.run([J, gradient])
        return float(cost), found

    return slope, leave_at


def _checked(gradient: Tensor | None) -> Tensor:
    if gradient is None:
        raise InputError("The cost does not depend on the image: compute it from the image that it is given.")
    return gradient

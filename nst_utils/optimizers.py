"""The optimisers of pictures: L-BFGS, Adam and Adagrad, each a generator that yields after every accepted step.

An objective is called with a picture, float32 (H, W, 3), and returns an Evaluation. All vectors stay float32, and
L-BFGS keeps only as many pairs as it is told to, because for a poster its history is what fills the memory.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Evaluation:
    """What an objective says of a picture: the costs to report, the value to minimise, and its gradient, if asked."""

    picture: np.ndarray
    costs: Any
    value: float
    gradient: np.ndarray | None = None


class History:
    """The last steps s and changes of gradient y of L-BFGS: its knowledge of the curvature."""

    def __init__(self, length=10):
        self._pairs = deque(maxlen=length)

    def __len__(self):
        return len(self._pairs)

    def add(self, step, change):
        """Remember a pair, if the curvature along the step is positive beyond rounding."""
        curvature = _dot(step, change)
        if curvature > 1e-6 * np.sqrt(_dot(step, step) * _dot(change, change)):
            self._pairs.append((step, change, curvature))

    def forget(self):
        self._pairs.clear()

    def newton_step(self, gradient):
        """-H gradient, by the two-loop recursion (Nocedal and Wright, Numerical Optimization, 2006, algorithm 7.4)."""
        direction = -gradient
        factors = []
        for step, change, curvature in reversed(self._pairs):
            factor = _dot(step, direction) / curvature
            direction -= factor * change
            factors.append(factor)
        _, change, curvature = self._pairs[-1]
        direction *= curvature / _dot(change, change)
        for (step, change, curvature), factor in zip(self._pairs, reversed(factors), strict=True):
            direction += (factor - _dot(change, direction) / curvature) * step
        return direction


def lbfgs(objective, start, history, first_step=8.0):
    """Yield the Evaluation of the start and of every accepted step, until no step lowers the value any more.

    start: a picture, or its Evaluation by this objective. history: a History, empty or from an objective much like
    this one. first_step: root mean square change, in grey levels, of the first step when the history is empty.
    The step is halved (or shortened to the minimum of the parabola) while it fails Armijo's condition.
    """
    now = start if isinstance(start, Evaluation) else objective(start)
    yield now
    while True:
        direction = history.newton_step(now.gradient) if len(history) else None
        if direction is None or _dot(direction, now.gradient) >= 0:
            history.forget()
            length = np.sqrt(_dot(now.gradient, now.gradient) / now.gradient.size)
            if length == 0:
                return
            direction = now.gradient * np.float32(-first_step / length)
        found = _search(objective, now, direction, history)
        if found is None and len(history) <= 1:
            return
        if found is None:
            # What was learned far from here misleads: begin again with the slope alone.
            history.forget()
            continue
        yield found
        now = found


def _search(objective, now, direction, history, attempts=8):
    """The first of ever shorter steps that lowers the value enough, or None; every trial teaches the curvature."""
    slope = _dot(direction, now.gradient)
    length = 1.0
    for _ in range(attempts):
        step = np.float32(length) * direction
        trial = objective(now.picture + step)
        accepted = trial.value <= now.value + 1e-4 * length * slope
        if accepted or length == 1.0:
            history.add(step, trial.gradient - now.gradient)
        if accepted:
            return trial
        rise = trial.value - now.value - length * slope
        parabola = -slope * length**2 / (2 * rise) if np.isfinite(rise) and rise > 0 else 0.0
        length = float(np.clip(parabola, 0.1 * length, 0.5 * length))
    return None


def adam(objective, start, learning_rate=2.0, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Adam (Kingma and Ba 2015, algorithm 1, with the bias correction in the step size as TensorFlow has it)."""
    now = objective(start)
    mean, square = np.zeros_like(now.gradient), np.zeros_like(now.gradient)
    step = 0
    while True:
        yield now
        step += 1
        mean += (1 - beta_1) * (now.gradient - mean)
        square += (1 - beta_2) * (now.gradient**2 - square)
        rate = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        now = objective(now.picture - np.float32(rate) * mean / (np.sqrt(square) + epsilon))


def adagrad(objective, start, learning_rate=2.0, initial=0.1, epsilon=1e-7):
    """Adagrad (Duchi, Hazan and Singer 2011), as Keras has it: the squares of all gradients are summed."""
    now = objective(start)
    square = np.full_like(now.gradient, initial)
    while True:
        yield now
        square += now.gradient**2
        now = objective(now.picture - np.float32(learning_rate) * now.gradient / np.sqrt(square + epsilon))


def _dot(a, b):
    return float(np.dot(a.ravel(), b.ravel()))

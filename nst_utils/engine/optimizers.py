"""The optimisers of pictures: L-BFGS, Adam and Adagrad, each a step from one Evaluation to the next.

An objective is called with a picture, float32 (H, W, 3), and returns an Evaluation. What an optimiser remembers is a
tuple of rows of arrays and numbers, handed in and out and never changed in place, so that a run can be stopped between
any two steps, written down and gone on with. All vectors stay float32, and L-BFGS keeps only as many pairs as it is
told to, because for a poster its memory is what fills the machine's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from nst_utils.base.types import Floats

# What an optimiser remembers.
Memory: TypeAlias = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Evaluation:
    """What an objective says of a picture: the costs to report, the value to minimise, and its gradient, if asked."""

    picture: Floats
    costs: Any
    value: float
    gradient: Floats | None = None


@dataclass(frozen=True)
class Lbfgs:
    """L-BFGS (Nocedal and Wright, Numerical Optimization, 2006, chapter 7) with a backtracking line search.

    history_length: how many of the last steps it remembers, each as a row (step, change of gradient, curvature).
    """

    history_length: int = 10

    def step(
        self, objective: Callable[[Floats], Evaluation], now: Evaluation, memory: Memory, first_step: float = 8.0
    ) -> tuple[Evaluation, Memory] | None:
        """(the next Evaluation, its memory), or None if no step lowers the value any more.

        now: the Evaluation of the present picture. memory: what the step before gave, () at first, or that of an
        objective much like this one. first_step: root mean square change, in grey levels, of a step without memory.
        The step is halved (or shortened to the minimum of the parabola) while it fails Armijo's condition.
        """
        assert now.gradient is not None
        while True:
            direction = newton_step(memory, now.gradient) if memory else None
            if direction is None or _dot(direction, now.gradient) >= 0:
                memory = ()
                length = np.sqrt(_dot(now.gradient, now.gradient) / now.gradient.size)
                if length == 0:
                    return None
                direction = now.gradient * np.float32(-first_step / length)
            found, memory = self._search(objective, now, direction, memory)
            if found is not None:
                return found, memory
            if len(memory) <= 1:
                return None
            # What was learned far from here misleads: begin again with the slope alone.
            memory = ()

    def _search(
        self, objective: Callable[[Floats], Evaluation], now: Evaluation, direction: Floats, memory: Memory,
        attempts: int = 8,
    ) -> tuple[Evaluation | None, Memory]:
        """The first of ever shorter steps that lowers the value enough, or None; every trial teaches the curvature."""
        assert now.gradient is not None
        slope = _dot(direction, now.gradient)
        length = 1.0
        for _ in range(attempts):
            step = np.float32(length) * direction
            trial = objective(now.picture + step)
            assert trial.gradient is not None
            accepted = trial.value <= now.value + 1e-4 * length * slope
            if accepted or length == 1.0:
                memory = self._remember(memory, step, trial.gradient - now.gradient)
            if accepted:
                return trial, memory
            rise = trial.value - now.value - length * slope
            parabola = -slope * length**2 / (2 * rise) if np.isfinite(rise) and rise > 0 else 0.0
            length = float(np.clip(parabola, 0.1 * length, 0.5 * length))
        return None, memory

    def _remember(self, memory: Memory, step: Floats, change: Floats) -> Memory:
        """The memory with another pair, if the curvature along the step is positive beyond rounding."""
        curvature = _dot(step, change)
        if curvature > 1e-6 * np.sqrt(_dot(step, step) * _dot(change, change)):
            memory = (*memory, (step, change, curvature))[-self.history_length :]
        return memory


def newton_step(memory: Memory, gradient: Floats) -> Floats:
    """-H gradient, by the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4)."""
    direction = -gradient
    factors = []
    for step, change, curvature in reversed(memory):
        factor = _dot(step, direction) / curvature
        direction -= factor * change
        factors.append(factor)
    _, change, curvature = memory[-1]
    direction *= curvature / _dot(change, change)
    for (step, change, curvature), factor in zip(memory, reversed(factors), strict=True):
        direction += (factor - _dot(change, direction) / curvature) * step
    return direction


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1, with the bias correction in the step size as TensorFlow has it)."""

    learning_rate: float = 2.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def step(
        self, objective: Callable[[Floats], Evaluation], now: Evaluation, memory: Memory,
        first_step: float | None = None,
    ) -> tuple[Evaluation, Memory]:
        """(the next Evaluation, its memory): one row of the gradients' mean, that of their squares, and a count."""
        assert now.gradient is not None
        mean, square, count = memory[0] if memory else (np.zeros_like(now.gradient), np.zeros_like(now.gradient), 0)
        count += 1
        mean = mean + (1 - self.beta_1) * (now.gradient - mean)
        square = square + (1 - self.beta_2) * (now.gradient**2 - square)
        rate = self.learning_rate * np.sqrt(1 - self.beta_2**count) / (1 - self.beta_1**count)
        picture = now.picture - np.float32(rate) * mean / (np.sqrt(square) + self.epsilon)
        return objective(picture), ((mean, square, count),)


@dataclass(frozen=True)
class Adagrad:
    """Adagrad (Duchi, Hazan and Singer 2011), as Keras has it: the squares of all gradients are summed."""

    learning_rate: float = 2.0
    initial: float = 0.1
    epsilon: float = 1e-7

    def step(
        self, objective: Callable[[Floats], Evaluation], now: Evaluation, memory: Memory,
        first_step: float | None = None,
    ) -> tuple[Evaluation, Memory]:
        """(the next Evaluation, its memory): one row, the sum of the squared gradients."""
        assert now.gradient is not None
        square = memory[0][0] if memory else np.full_like(now.gradient, self.initial)
        square = square + now.gradient**2
        picture = now.picture - np.float32(self.learning_rate) * now.gradient / np.sqrt(square + self.epsilon)
        return objective(picture), ((square,),)


def _dot(a: Floats, b: Floats) -> float:
    return float(np.dot(a.ravel(), b.ravel()))

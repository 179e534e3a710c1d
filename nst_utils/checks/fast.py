"""The exercises of fast style transfer: instance normalisation, the perceptual cost, a step that trains a network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.base.types import Array, Tensor
from nst_utils.checks.collecting import collector, described, is_tensor
from nst_utils.checks.comparing import (
    RANDOM,
    Case,
    close,
    diagnosed,
    evaluate,
    refuse_unless_right,
    refuse_without_gradient,
    show,
    value_of,
)
from nst_utils.checks.formulas import Arrays
from nst_utils.checks.hypotheses import Make, Mistake, altered, explain
from nst_utils.checks.result import Wrong
from nst_utils.checks.student import Failed, Student
from nst_utils.engine.costs import compute_content_cost, compute_layer_style_cost

EPSILON = 1e-5


# {layer: activations} of a picture.
Look: TypeAlias = dict[str, Array]


class _Times:
    """In the place of a normaliser: an answer is the value itself, or a multiple of it."""

    def explain(self, ratios: Array, operations: Collection[str] | None) -> Iterator[tuple[int, str]]:
        known = ratios[np.isfinite(ratios)]
        if np.abs(known - 1).max() < 1e-3:
            yield 0, ""
        elif np.abs(known - known[0]).max() < 1e-3 * abs(known[0]):
            yield 1, f"Your result is {known[0]:.4g} times what it should be."


def _named(stages: Any, cases: Sequence[Arrays]) -> Callable[[Sequence[Array]], str]:
    """A diagnosis: the mistakes in the stages that explain all answers."""
    return lambda answers: explain(answers, altered(stages, cases), _Times(), None)


# --- Instance normalisation ---------------------------------------------------------------------------------

_POSITIONS = (1, 2)
_EACH = "each channel of each picture has its own mean and variance, over its positions (axes 1 and 2)."
# What mean and variance may be taken over instead.
_AXES: dict[tuple[int, ...], str] = {
    (0, 1, 2): f"You normalise over the batch as well, which is batch normalisation: {_EACH}",
    (1, 2, 3): f"You normalise over all channels together: {_EACH}",
    (3,): f"You normalise each position over its channels: {_EACH}",
    (1,): f"You only normalise along the rows (axis 1): {_EACH}",
    (2,): f"You only normalise along the columns (axis 2): {_EACH}",
    (0,): f"You normalise over the batch: {_EACH}",
    (0, 1, 2, 3): f"You normalise over everything, batch and channels too: {_EACH}",
}


def _norm_inputs(shape: Sequence[int], size: float) -> tuple[Array, ...]:
    """Activations with channels of very different spread, one so small that epsilon shows; scale and shift (N, C)."""
    N, n_H, n_W, n_C = shape
    spread = size * RANDOM.uniform(0.5, 3, (N, 1, 1, n_C))
    a = spread * RANDOM.standard_normal((N, n_H, n_W, n_C)) + size * RANDOM.uniform(-2, 2, (N, 1, 1, n_C))
    a[..., 0] = 3e-3 * RANDOM.standard_normal((N, n_H, n_W))
    scale, shift = RANDOM.uniform(0.5, 2, (N, n_C)), RANDOM.uniform(-3, 3, (N, n_C))
    return tuple(x.astype(np.float32) for x in (a, scale, shift))


def _normalised(a: Array, scale: Array, shift: Array) -> Array:
    mean, variance = a.mean(_POSITIONS, keepdims=True), a.var(_POSITIONS, keepdims=True)
    return scale[:, None, None] * (a - mean) / np.sqrt(variance + EPSILON) + shift[:, None, None]


def _centring() -> list[Mistake]:
    """(case) -> (the centred activations, the axes for the variance)."""

    def over(text: str, axes: tuple[int, ...], then: tuple[int, ...] | None = None) -> Mistake:
        return Mistake(text, lambda case: (
            case.arguments[0] - case.arguments[0].mean(axes, keepdims=True), then or axes
        ))

    return [
        over("", _POSITIONS),
        *(over(text, axes) for axes, text in _AXES.items()),
        *(over(f"Only the mean: {text[0].lower()}{text[1:]}", axes, _POSITIONS) for axes, text in _AXES.items()),
        *(over(f"Only the variance: {text[0].lower()}{text[1:]}", _POSITIONS, axes) for axes, text in _AXES.items()),
        Mistake("The mean is not subtracted.", lambda case: (case.arguments[0], _POSITIONS)),
        Mistake("The mean is added: subtract it.", lambda case: (
            case.arguments[0] + case.arguments[0].mean(_POSITIONS, keepdims=True), _POSITIONS
        )),
    ]


def _dividing() -> list[Mistake]:
    def by(text: str, spread: Make) -> Mistake:
        def make(pair: tuple[Array, Any], case: Arrays) -> Array:
            x, axes = pair
            return x / spread(case.arguments[0], axes)

        return Mistake(text, make)

    def var(a: Array, axes: Any, **more: Any) -> Array:
        return a.var(axes, keepdims=True, **more)

    lost = "Epsilon is forgotten: it is added to the variance before the root is taken."
    return [
        by("", lambda a, axes: np.sqrt(var(a, axes) + EPSILON)),
        by("You divide by the variance: the root of it, the standard deviation, belongs there.",
           lambda a, axes: var(a, axes) + EPSILON),
        by("You divide by the variance: the root of it, the standard deviation, belongs there. " + lost, var),
        by(lost, lambda a, axes: np.sqrt(var(a, axes))),
        by("Epsilon is added to the deviation: it belongs to the variance, under the root.",
           lambda a, axes: np.sqrt(var(a, axes)) + EPSILON),
        by("You divide by the root of the deviation: one root too many.",
           lambda a, axes: np.sqrt(np.sqrt(var(a, axes) + EPSILON))),
        by("The variance is that of a sample, divided by one less than the number of positions: divide by their "
           "number.", lambda a, axes: np.sqrt(var(a, axes, ddof=1) + EPSILON)),
        by("You divide by the root of the mean square, from 0: the variance is measured from the mean.",
           lambda a, axes: np.sqrt(np.mean(a**2, axes, keepdims=True) + EPSILON)),
        by("You divide by the mean absolute deviation: take the root of the variance.",
           lambda a, axes: np.abs(a - a.mean(axes, keepdims=True)).mean(axes, keepdims=True)),
        by("You do not divide by the standard deviation.", lambda a, axes: 1.0),
        by("You multiply by the standard deviation: divide by it.",
           lambda a, axes: 1 / np.sqrt(var(a, axes) + EPSILON)),
    ]


def _scaling() -> list[Mistake]:
    def with_style(text: str, make: Make) -> Mistake:
        return Mistake(text, lambda x, case: make(x, *(each[:, None, None] for each in case.arguments[1:])))

    return [
        with_style("", lambda x, scale, shift: scale * x + shift),
        with_style("Scale and shift are exchanged: the scale multiplies, the shift is added.",
                   lambda x, scale, shift: shift * x + scale),
        with_style("Neither scale nor shift is used: they are what makes it conditional.", lambda x, scale, shift: x),
        with_style("The scale is not used.", lambda x, scale, shift: x + shift),
        with_style("The shift is not used.", lambda x, scale, shift: scale * x),
        with_style("The shift is subtracted: add it.", lambda x, scale, shift: scale * x - shift),
        with_style("You add the shift before you multiply: scale first.",
                   lambda x, scale, shift: scale * (x + shift)),
        with_style("You divide by the scale: multiply by it.", lambda x, scale, shift: x / scale + shift),
        with_style("1 is added to the scale: multiply by it as it is.",
                   lambda x, scale, shift: (1 + scale) * x + shift),
        with_style("All pictures get the scale and shift of the first: each has its own row.",
                   lambda x, scale, shift: scale[:1] * x + shift[:1]),
    ]


_NORM_STAGES = (_centring(), _dividing(), _scaling())


def instance_norm(student: Student, _: object) -> None:
    """Return for a right instance_norm(a, scale, shift), else raise Wrong."""
    inputs = [
        _norm_inputs(shape, size)
        for shape, size in (((2, 5, 7, 3), 1.0), ((3, 4, 6, 5), 20.0), ((1, 8, 5, 4), 3.0), ((4, 3, 5, 6), 7.0))
    ]
    cases = [Arrays(tuple(x.astype(np.float64) for x in each), 1.0) for each in inputs]
    answers = [
        Case(
            f"`a` of shape {each[0].shape}, `scale` and `shift` of shape {each[1].shape}", _normalised(*case.arguments),
            evaluate(student, each, True)[0],
        )
        for each, case in zip(inputs, cases, strict=True)
    ]
    refuse_unless_right(answers, _named(_NORM_STAGES, cases))
    _refuse_lost_plain_channel(student)
    _, gradient = evaluate(student, inputs[0], True, watched=0)
    refuse_without_gradient(gradient is not None, "`a`")


def _refuse_lost_plain_channel(student: Student) -> None:
    a, scale, shift = _norm_inputs((1, 4, 4, 3), 2.0)
    a[..., 1] = 8
    got, _ = evaluate(student, (a, scale, shift), True)
    if not np.isfinite(got).all():
        raise Wrong(
            "Right but for a channel that is the same everywhere: its variance is 0, and 0 divided by 0 is not a "
            "number. Epsilon, added to the variance before the root, keeps it finite."
        )


# --- The perceptual cost ------------------------------------------------------------------------------------

_CONTENT, _STYLE = "conv4_2", (("conv1_1", 0.5), ("conv2_1", 0.3), ("conv3_1", 0.2))
_CHANNELS = {"conv1_1": 3, "conv2_1": 4, "conv3_1": 5, "conv4_2": 4}


def _look(size: float) -> Look:
    """Activations of one picture: {layer: (1, n_H, n_W, n_C)}; the style layers and the content layer."""
    sides = {"conv1_1": 8, "conv2_1": 4, "conv3_1": 3, "conv4_2": 3}
    return {
        name: (
            size * (RANDOM.standard_normal((1, side, side + 1, _CHANNELS[name])) + RANDOM.uniform(-1, 1))
        ).astype(np.float32)
        for name, side in sides.items()
    }


def _content(first: Look, second: Look) -> float:
    return float(compute_content_cost(first[_CONTENT], second[_CONTENT]))


def _style(first: Look, second: Look, layers: Iterable[tuple[str, float]] = _STYLE) -> float:
    return sum(weight * float(compute_layer_style_cost(first[name], second[name])) for name, weight in layers)


def _content_of() -> list[Mistake]:
    """What the content cost may compare: (case) -> a number. A case's arguments are a_C, a_S, a_G."""

    def stage(text: str, make: Make) -> Mistake:
        return Mistake(text, lambda case: make(*case.arguments))

    return [
        stage("", lambda C, S, G: _content(C, G)),
        stage("The content cost is taken against the style picture: the content is the photograph's, `a_C`.",
              lambda C, S, G: _content(S, G)),
        stage("The content cost compares photograph and painting: what is painted is `a_G`.",
              lambda C, S, G: _content(C, S)),
        stage("The content cost is missing.", lambda C, S, G: 0.0),
        stage("The content cost is taken at a style layer: it belongs to `content_layer`.",
              lambda C, S, G: float(compute_content_cost(C[_STYLE[0][0]], G[_STYLE[0][0]]))),
    ]


def _style_of() -> list[Mistake]:
    def stage(text: str, make: Make) -> Mistake:
        return Mistake(text, lambda content, case: (content, make(*case.arguments)))

    even = [(name, 1.0) for name, _ in _STYLE]
    return [
        stage("", lambda C, S, G: _style(S, G)),
        stage("The style cost is taken against the photograph: the style is the painting's, `a_S`.",
              lambda C, S, G: _style(C, G)),
        stage("The style cost compares photograph and painting: what is painted is `a_G`.",
              lambda C, S, G: _style(S, C)),
        stage("The style cost is missing.", lambda C, S, G: 0.0),
        stage("The weights of the style layers are left out.", lambda C, S, G: _style(S, G, even)),
        stage("You take the mean over the style layers: sum them, each times its weight.",
              lambda C, S, G: _style(S, G) / len(_STYLE)),
        stage("You take the mean over the style layers: sum them, each times its weight.",
              lambda C, S, G: _style(S, G, even) / len(_STYLE)),
        stage("Only the first style layer counts: is the `return` inside the loop?",
              lambda C, S, G: _style(S, G, _STYLE[:1])),
        stage("Only the last style layer counts: add the costs up in the loop.",
              lambda C, S, G: _style(S, G, _STYLE[-1:])),
        stage("Only the last style layer counts, without its weight: add the costs up in the loop.",
              lambda C, S, G: _style(S, G, even[-1:])),
    ]


def _weighing() -> list[Mistake]:
    def stage(text: str, make: Make) -> Mistake:
        return Mistake(text, lambda costs, case: make(*costs))

    return [
        stage("", lambda c, s: 10 * c + 40 * s),
        stage("alpha and beta are exchanged: alpha weighs the content.", lambda c, s: 40 * c + 10 * s),
        stage("alpha and beta are not used.", lambda c, s: c + s),
        stage("alpha is not used.", lambda c, s: c + 40 * s),
        stage("beta is not used.", lambda c, s: 10 * c + s),
        stage("The style cost is subtracted: add it.", lambda c, s: 10 * c - 40 * s),
        stage("The two costs are multiplied: add them.", lambda c, s: 400 * c * s),
    ]


_COST_STAGES = (_content_of(), _style_of(), _weighing())


@collector
def cost_of_looks(function: Any, looks: Any, more: Sequence[float] = ()) -> dict[str, Any]:
    """The value of function(a_C, a_S, a_G, content layer, style layers, *more), and where a gradient flows to a_G.

    looks: {layer: activations} of the photograph, the painting, and what is painted.
    """
    with eager_mode():
        a_C, a_S, a_G = ({name: tf.constant(a) for name, a in look.items()} for look in looks)
        with tf.GradientTape() as tape:
            tape.watch(a_G)
            J = function(a_C, a_S, a_G, _CONTENT, list(_STYLE), *more)
        differentiable = is_tensor(J) and J.dtype.is_floating
        flows = tape.gradient(J, a_G) if differentiable else dict.fromkeys(a_G)
        return {"value": described(J), "flows": [name for name, each in flows.items() if each is not None]}


def perceptual_cost(student: Student, _: object) -> None:
    """Return for a right perceptual_cost(a_C, a_S, a_G, content_layer, style_layers, alpha=10, beta=40)."""
    looks = [tuple(_look(size) for _ in range(3)) for size in (1.0, 2.0, 0.6, 1.5)]
    cases = [Arrays(each, 1.0) for each in looks]
    answers, flows = [], []
    for each in looks:
        told = student.ask("cost_of_looks", looks=list(each))
        want = np.float64(10 * _content(each[0], each[2]) + 40 * _style(each[1], each[2]))
        answers.append(Case("random activations", want, value_of(told["value"])))
        flows.append(set(told["flows"]) == set(each[2]))
    with eager_mode():
        refuse_unless_right(answers, _named(_COST_STAGES, cases))
    _refuse_other_weights(student, looks[0])
    refuse_without_gradient(all(flows), "the activations `a_G`")


def _refuse_other_weights(student: Student, look: Any) -> None:
    got = value_of(student.ask("cost_of_looks", looks=list(look), more=[3, 0])["value"])
    want = np.asarray(3 * _content(look[0], look[2]))
    if not close(got, want):
        raise Wrong(
            "Right with alpha = 10 and beta = 40, and wrong with others: use the arguments, not the numbers. With "
            f"alpha = 3 and beta = 0, expected {show(want)}; yours gives {show(got)}."
        )


# --- A step that trains the network -------------------------------------------------------------------------


class _Network:
    """Two kernels that are trained, and one that is not; keeps how often it was called."""

    def __init__(self, kernel: Array, bias: Array, frozen: Array) -> None:
        self.kernel, self.bias = tf.Variable(kernel), tf.Variable(bias)
        self.frozen = tf.Variable(frozen, trainable=False)
        self.asked = 0

    trainable_variables = property(lambda self: [self.kernel, self.bias])
    trainable_weights = trainable_variables
    variables = weights = property(lambda self: [self.kernel, self.bias, self.frozen])

    def __call__(self, photographs: Any, **options: Any) -> Tensor:
        self.asked += 1
        return photographs * self.kernel + self.bias + self.frozen


@collector
def run_network_step(
    function: Any, optimizer: str, rate: float, kernel: Array, bias: Array, frozen: Array, photographs: Any,
    target: Array, in_graph: bool,
) -> dict[str, Any]:
    """What one call of train_network_step does to a small network, and what it is seen to do on the way."""
    with eager_mode():
        network, costs_of = _Network(kernel, bias, frozen), []

        def compute_cost(painted: Any, photographs: Any) -> Tensor:
            seen = [np.asarray(each) if tf.executing_eagerly() else None for each in (painted, photographs)]
            costs_of.append([each if each is None or each.shape == target.shape else None for each in seen])
            squared = tf.reduce_sum(tf.square(painted - target))
            return squared + 0.1 * tf.reduce_sum(tf.square(painted - photographs))

        watched = getattr(tf.keras.optimizers, optimizer)(learning_rate=rate)
        watched.build(network.trainable_variables)
        call = tf.function(function) if in_graph else function
        J = described(call(network, tf.constant(photographs), compute_cost, watched))
        return {
            "J": J,
            "after": [each.numpy() for each in network.variables],
            "steps": int(watched.iterations),
            "asked": network.asked,
            "costs_of": costs_of[:1],
        }


class _Training:
    """One call of train_network_step on a small network."""

    def __init__(self, optimizer: str, rate: float, in_graph: bool = False) -> None:
        self.optimizer, self.rate, self.in_graph = optimizer, rate, in_graph
        spans = ((0.5, 1.5), (-3.0, 3.0), (-9.0, 9.0))
        self.before = [RANDOM.uniform(low, high, 3).astype(np.float32) for low, high in spans]
        self.photographs = np.float32(RANDOM.uniform(0, 5, (2, 4, 3, 3)))
        self.target = np.float32(RANDOM.uniform(-5, 9, (2, 4, 3, 3)))
        kernel, bias, frozen = (np.float64(each) for each in self.before)
        painted = self.photographs * kernel + bias + frozen
        self.J = self.cost(painted, np.float64(self.photographs))
        slope = 2 * (painted - self.target) + 0.2 * (painted - self.photographs)
        gradients = [np.sum(slope * self.photographs, (0, 1, 2)), np.sum(slope, (0, 1, 2))]
        steps = [rate * (g if optimizer == "SGD" else np.sign(g)) for g in gradients]
        self.moves = [*steps, np.zeros(3)]

    def cost(self, painted: Any, photographs: Any) -> float:
        return np.sum((painted - self.target) ** 2) + 0.1 * np.sum((painted - photographs) ** 2)

    def take(self, student: Student) -> _Training:
        """Let the student's function take the step."""
        kernel, bias, frozen = self.before
        seen = student.ask(
            "run_network_step", optimizer=self.optimizer, rate=self.rate, kernel=kernel, bias=bias, frozen=frozen,
            photographs=self.photographs, target=self.target, in_graph=self.in_graph,
        )
        self.got, self.after = value_of(seen["J"]), [np.float64(each).reshape(3) for each in seen["after"]]
        self.moved = [before - after for before, after in zip(self.before, self.after, strict=True)]
        self.steps, self.asked, self.costs_of = int(seen["steps"]), int(seen["asked"]), list(seen["costs_of"])
        return self

    @property
    def right(self) -> bool:
        moved = all(close(m, w) or (not w.any() and not m.any()) for m, w in zip(self.moved, self.moves, strict=True))
        return moved and close(self.got, np.asarray(self.J))


def train_network_step(student: Student, _: object) -> None:
    """Return for a right train_network_step(network, photographs, compute_cost, optimizer), else raise Wrong."""
    for optimizer, rate in (("SGD", 1e-3), ("Adam", 0.05)):
        _judge(_Training(optimizer, rate).take(student))
    training = _Training("SGD", 2e-3, in_graph=True)
    try:
        training.take(student)
    except Failed as failed:
        raise Wrong(
            "Right where it is called alone, but the notebook runs it in `tf.function`, where tensors have no "
            f"values yet: {failed}."
        ) from None
    if not training.right:
        raise Wrong("Right where it is called alone, but not in `tf.function`: keep to TensorFlow's operations.")


def _judge(training: _Training) -> None:
    if not training.right:
        name = diagnosed(_fault, training)
        kernel = training.before[0] - training.moves[0]
        raise Wrong(
            f"{name} For the network's first weights after the step, expected {show(kernel)}; yours gives "
            f"{show(training.after[0])}. For J, expected {training.J:.5g}; yours gives {show(training.got)}.".strip()
        )


def _fault(training: _Training) -> str:
    kernel, bias, frozen = training.moved
    if not training.asked:
        return "The network is never called: `painted = network(photographs)` comes first, inside the tape."
    if not training.costs_of:
        return "`compute_cost` is never called."
    if not any(each.any() for each in training.moved):
        if training.steps:
            return "The network is not changed, though the optimiser ran: was it given gradients of 0?"
        return "The network is not changed: `optimizer.apply_gradients` moves its variables."
    if frozen.any():
        return (
            "The gradients are for the wrong variables: a part of the network that is not to be trained has changed. "
            "Take `network.trainable_variables`."
        )
    if not kernel.any() or not bias.any():
        return (
            "Only some of the network's variables are trained: the gradients are for all of "
            "`network.trainable_variables`, each in a pair with its own variable."
        )
    if not training.steps:
        return "The optimizer that you are given is not used: take the step with its `apply_gradients`."
    if training.steps > 1:
        return f"The optimiser ran {training.steps} times: one call is one step."
    if close(kernel, -training.moves[0]) and close(bias, -training.moves[1]):
        return "You maximise the cost: the gradients have the wrong sign."
    painted, photographs = training.costs_of[0]
    if np.array_equal(painted, training.photographs):
        return (
            "`compute_cost` is given the photographs in the place of what the network painted: its arguments are "
            "`compute_cost(painted, photographs)`."
        )
    if painted is not None and np.array_equal(painted, photographs):
        return "`compute_cost` is given what was painted twice: its second argument is the photographs."
    if close(kernel, training.moves[1]) and close(bias, training.moves[0]):
        return "The gradients are paired with each other's variables: keep their order."
    moved = all(close(m, w) for m, w in zip(training.moved[:2], training.moves[:2], strict=True))
    if moved and close(training.got, np.asarray(training.cost(*_again(training)))):
        return "The step is right, but J is computed once more after it: return the J of the step."
    if moved:
        return "The step is right, but what is returned is not J."
    return "The network is moved by something else than the gradients of J."


def _again(training: _Training) -> tuple[Array, Array]:
    kernel, bias, frozen = training.after
    return training.photographs * kernel + bias + frozen, np.asarray(training.photographs, np.float64)

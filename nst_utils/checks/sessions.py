"""The exercises of the course's graph edition that read or change the picture through a session."""

import contextlib
import itertools
from dataclasses import dataclass
from unittest.mock import MagicMock

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.checks.comparing import (
    RANDOM,
    Case,
    call,
    close,
    graph,
    is_tensor,
    refuse_unless_right,
    refuse_without_gradient,
    show,
    value_of,
)
from nst_utils.checks.result import Wrong
from nst_utils.checks.running import rebind
from nst_utils.engine import costs
from nst_utils.network.layout import LAYERS
from nst_utils.network.vgg import activations

_SHAPE = (1, 37, 53, 3)


def _new_picture(shape=_SHAPE):
    return RANDOM.uniform(-120, 120, shape).astype(np.float32)


class _ToyNetwork:
    """The course's `model`, the dictionary of 22 tensors, with a few channels instead of hundreds."""

    def __init__(self, session):
        channels, weights, depth = {"1": 4, "2": 6, "3": 7, "4": 9, "5": 11}, {}, 3
        for name in LAYERS:
            if name.startswith("conv"):
                width = channels[name[4]]
                kernel = RANDOM.normal(0, np.sqrt(2 / (9 * depth)), (3, 3, depth, width)).astype(np.float32)
                weights[name], depth = (kernel, RANDOM.uniform(0.1, 1, width).astype(np.float32)), width
        picture = tf.compat.v1.Variable(tf.zeros(_SHAPE), name="input")
        self.session, self.model = session, {"input": picture} | activations(picture, weights)
        self._given = tf.compat.v1.placeholder(tf.float32, _SHAPE)
        self._assign = picture.assign(self._given)

    def show(self, picture):
        """Put the picture into the network; all activations as arrays, and "input" the picture itself."""
        self.session.run(self._assign, {self._given: picture})
        return self.session.run(self.model)


# --- layer_activations ------------------------------------------------------------------------------------


def layer_activations(function, _):
    """Return for a right layer_activations, else raise Wrong."""
    cases, mistakes = [], []
    with graph() as session:
        network = _ToyNetwork(session)
        empty = network.show(np.zeros(_SHAPE))
        for layer in ("conv4_2", "conv1_1", "avgpool3"):
            after, before = network.show(_new_picture()), network.show(_new_picture())
            model = dict(network.model)
            result = call(function, session, model, after["input"].copy(), layer)
            if model["input"] is not network.model["input"]:
                raise Wrong(
                    "`model['input'] = ...` only changes the dictionary, and the network still reads its "
                    "variable: run `model['input'].assign(image)`."
                )
            if is_tensor(result):
                raise Wrong(
                    "You return the tensor, not its value: `sess.run(...)` computes the value of a tensor."
                )
            cases.append(Case(f"the layer `{layer}`", after[layer].astype(np.float64), value_of(result)))
            mistakes.append(_wrong_activations(layer, empty, before, after))
    refuse_unless_right(cases, ((name, [values[name] for values in mistakes]) for name in mistakes[0]))


def _wrong_activations(layer, empty, before, after):
    """{mistake: what it returns}, from all activations of an empty, the previous and the right picture."""
    return {
        "The `assign` was never run, or only after the layer was read: these are the activations of the "
        "picture that was there before.": before[layer],
        "These are the activations of an empty picture: the variable was initialised again after the "
        "`assign`.": (
            empty[layer]
        ),
        "You return the picture, not the activations.": after["input"],
        "You drop the batch axis: return the activations as they are, (1, n_H, n_W, n_C).": after[layer][0],
        "You return the mean over the channels: return all of them.": after[layer].mean(axis=-1),
        **{
            f"You always read `{fixed}`: read the layer that `layer_name` names.": after[fixed]
            for fixed in LAYERS
        },
        **{f"You always read `{fixed}`, and the `assign` was never run.": before[fixed] for fixed in LAYERS},
    }


# --- compute_style_cost -----------------------------------------------------------------------------------

# What may be made of the layers' weights w and their costs J.
_STYLE_SUMS = {
    "You take the mean over the layers; the formula sums them, each with its weight.": lambda w, J: np.mean(
        w * J
    ),
    "You ignore the weights: each layer's cost is multiplied by its own.": lambda w, J: np.sum(J),
    "You ignore the weights and take the mean over the layers.": lambda w, J: np.mean(J),
    "The weight 0.2 is written into your function: take each from STYLE_LAYERS.": lambda w, J: (
        0.2 * np.sum(J)
    ),
    "Only the last layer counts: add each layer to `J_style`.": lambda w, J: w[-1] * J[-1],
    "Only the first layer counts: is the `return` inside the loop?": lambda w, J: w[0] * J[0],
    "You divide by the sum of the weights.": lambda w, J: np.sum(w * J) / np.sum(w),
    "You divide by the weights; multiply by them.": lambda w, J: np.sum(J / w),
    "You square the weights.": lambda w, J: np.sum(w**2 * J),
    "You add the weights to the costs; multiply by them.": lambda w, J: np.sum(w + J),
    "You multiply the layers' costs; add them.": lambda w, J: np.prod(w * J),
    "The weights go to the layers in the opposite order.": lambda w, J: np.sum(w[::-1] * J),
    "The last layer is left out.": lambda w, J: np.sum((w * J)[:-1]),
    "The first layer is left out.": lambda w, J: np.sum((w * J)[1:]),
    "The sum of the costs is multiplied by the sum of the weights.": lambda w, J: np.sum(w) * np.sum(J),
    "You take square roots; the formula has none.": lambda w, J: np.sum(w * np.sqrt(J)),
    "The cost has the wrong sign.": lambda w, J: -np.sum(w * J),
}
_COURSE_LAYERS = "You use the course's layers, not those of the argument STYLE_LAYERS."
_A_S_NOT_RUN = (
    "The cost is 0 whatever the generated picture: `a_S` follows it too. Take the style's value now, "
    "`sess.run(model[layer_name])`, while the style picture is in the network."
)
_A_G_RUN = (
    "The cost is 0 and no gradient flows through it: `a_G` was run, so both are values of the style "
    "picture. Leave `a_G` a tensor, `model[layer_name]`, which follows the generated picture."
)
_STYLE_LAYERS = (
    (("conv1_1", 0.5), ("conv3_1", 0.15), ("conv4_1", 1.7)),
    (("conv2_1", 0.9), ("conv5_1", 0.35)),
    (("conv2_2", 1.3), ("conv1_2", 0.25), ("conv4_2", 0.4), ("conv5_2", 2.5)),
)


def compute_style_cost(function, _):
    """Return for a right compute_style_cost, else raise Wrong."""
    cases, mistakes = [], []
    with graph() as session:
        network = _ToyNetwork(session)
        function = rebind(function, {"sess": session, "model": network.model})
        for layers in _STYLE_LAYERS:
            style = network.show(_new_picture())
            J_style = call(function, dict(network.model), list(layers))
            network.show(_new_picture())
            J_of = _layer_style_costs(session, style, network.model)
            w, J = np.array([(weight, J_of[name]) for name, weight in layers], np.float64).T
            want = np.sum(w * J, keepdims=True)
            cases.append(Case(f"STYLE_LAYERS = {list(layers)}", want, value_of(J_style, session)))
            mistakes.append({name: wrong(w, J) for name, wrong in _STYLE_SUMS.items()})
            mistakes[-1][_COURSE_LAYERS] = sum(weight * J_of[name] for name, weight in costs.STYLE_LAYERS)
        # Of the last layer, to which the way back is short.
        flows = is_tensor(J_style) and tf.gradients(J_style, network.model[layers[-1][0]])[0] is not None
    if not any(case.got.any() for case in cases):
        raise Wrong(_A_S_NOT_RUN if flows else _A_G_RUN)
    refuse_unless_right(cases, ((name, [values[name] for values in mistakes]) for name in mistakes[0]))
    refuse_without_gradient(flows, "the layers of the `model`")


def _layer_style_costs(session, style, model):
    """{layer: J_style of the picture that is in the network}, given the activations of the style picture."""
    names = {name for layers in (*_STYLE_LAYERS, costs.STYLE_LAYERS) for name, _ in layers}
    activations_now = session.run({name: model[name] for name in names})
    with eager_mode():
        return {
            name: costs.compute_layer_style_cost(style[name], activations_now[name]).numpy() for name in names
        }


# --- build_train_step -------------------------------------------------------------------------------------

_LEARNING_RATE = 2.0
_OTHER_OPTIMIZERS = ("Adagrad", "RMSProp", "Adadelta", "Ftrl", "ProximalAdagrad", "ProximalGradientDescent")


def build_train_step(function, _):
    """Return for a right build_train_step, else raise Wrong: its path is compared with each optimiser's."""
    targets = [RANDOM.uniform(20, 90, (1, 3, 5, 7)) * RANDOM.choice((-1, 1), (1, 3, 5, 7)) for _ in range(2)]
    problems = list(zip(targets, (1.0, 40.0), strict=True))
    paths = [_path(function, *problem) for problem in problems]

    def same_as(make_step):
        return all(
            close(path, _path(make_step, *problem)) for path, problem in zip(paths, problems, strict=True)
        )

    if same_as(_minimise("Adam", _LEARNING_RATE)):
        return
    first_steps = [path[1] - path[0] for path in paths]
    if not any(step.any() for step in first_steps):
        raise Wrong(
            "Running what you return changes nothing: `minimize(J)` gives the operation that moves the "
            "picture, while `compute_gradients` only computes."
        )
    # Adam's first step is the learning rate; gradient descent's is the learning rate times the gradient.
    rate = np.abs(first_steps[0]).mean()
    slope = np.mean(first_steps[0] / (2 * problems[0][1] * problems[0][0]))
    known = {
        f"Adam has the learning rate {rate:.4g}; the exercise asks for {_LEARNING_RATE}.": _minimise(
            "Adam", rate
        ),
        "You maximise the cost: minimise J, not -J.": _minimise("Adam", _LEARNING_RATE, sign=-1),
        f"You maximise the cost, and with the learning rate {rate:.4g}.": _minimise("Adam", rate, sign=-1),
        f"This is gradient descent, with the learning rate {slope:.4g}; use Adam.": _minimise(
            "GradientDescent", slope
        ),
        "This is gradient descent with momentum; use Adam.": _minimise("Momentum", slope, 0.9),
        **{f"This is {name}; use Adam.": _minimise(name, _LEARNING_RATE) for name in _OTHER_OPTIMIZERS},
    }
    named = next(
        (name for name, make_step in known.items() if same_as(make_step)), "This is not Adam as it comes."
    )
    raise Wrong(
        f"{named} Expected a first step of {_LEARNING_RATE} for every pixel; yours is {rate:.4g} on average."
    )


def _minimise(optimizer, rate, *settings, sign=1):
    """What build_train_step would be with an optimiser of tf.compat.v1.train."""
    make = getattr(tf.compat.v1.train, f"{optimizer}Optimizer")
    return lambda J: make(rate, *settings).minimize(sign * J)


def _path(make_step, target, weight):
    """A variable's values, (4, ...), from zeros on through three steps of make_step(J)."""
    with graph() as session:
        x = tf.compat.v1.Variable(tf.zeros(target.shape))
        step = call(make_step, tf.reduce_sum(weight * tf.square(x - target)))
        if hasattr(step, "minimize"):
            raise Wrong("You return the optimiser: return the operation that its `minimize(J)` gives.")
        session.run(tf.compat.v1.global_variables_initializer())
        values = [session.run(x)]
        for _ in range(3):
            try:
                session.run(step)
            except TypeError:
                raise Wrong(
                    f"You return an object of type `{type(step).__name__}`, which a session cannot run: "
                    "return the operation that `minimize(J)` gives."
                ) from None
            values.append(session.run(x))
    return np.array(values, dtype=np.float64)


# --- model_nn ---------------------------------------------------------------------------------------------

# What a model_nn may do beside its work, and a check must not: show and save.
_SIDE_EFFECTS = ("save_image", "write_image", "imshow", "plt", "display", "clear_output")


class _WatchedSession(tf.compat.v1.Session):
    """A session that keeps what `picture` is after every run."""

    picture = None

    def watch(self, picture):
        self.picture, self.seen = picture, []

    def run(self, *arguments, **options):
        result = super().run(*arguments, **options)
        if self.picture is not None:
            with contextlib.suppress(tf.errors.FailedPreconditionError):  # not initialised yet
                self.seen.append(super().run(self.picture))
        return result


@dataclass(frozen=True)
class _Run:
    """What a model_nn was asked for, what it returned, and the picture after each run of its session."""

    iterations: int
    image: np.ndarray
    direction: np.ndarray
    got: np.ndarray
    seen: list

    @property
    def steps(self):
        """How many times the train_step ran."""
        moves = (after - before for before, after in itertools.pairwise(self.seen))
        return sum(np.allclose(move, self.direction, atol=1e-2) for move in moves)

    @property
    def assigned(self):
        return any(np.array_equal(picture, self.image) for picture in self.seen)

    def returned(self, steps, start=None):
        """Whether it returned `start`, by default the image, so many steps on."""
        return close(self.got, (self.image if start is None else start) + np.float64(steps) * self.direction)


def model_nn(function, _):
    """Return for a right model_nn, else raise Wrong: three runs, the last with the default of iterations."""
    runs = [_run_model_nn(function, *given) for given in ((3,), (8,), ())]
    for run in runs:
        if not (run.steps == run.iterations and run.returned(run.iterations)):
            raise Wrong(_fault_of_run(run, ignored=len({each.steps for each in runs}) == 1))


def _run_model_nn(function, *given):
    with graph(_WatchedSession) as session:
        picture = tf.compat.v1.Variable(tf.zeros((1, 5, 7, 3)), name="input")
        J_content, J_style = tf.reduce_mean(tf.square(picture - 9.0)), tf.reduce_mean(tf.square(picture))
        # Every step is the same move, so that the steps in a picture can be counted.
        direction = RANDOM.uniform(0.5, 1.5, picture.shape).astype(np.float32)
        namespace = {
            "sess": session,
            "model": {"input": picture, "conv4_2": tf.nn.relu(picture)},
            "train_step": tf.group(picture.assign_add(direction)),
            "J": costs.total_cost(J_content, J_style),
            "J_content": J_content,
            "J_style": J_style,
        }
        scope = getattr(function, "__globals__", {})
        namespace |= {name: MagicMock() for name in _SIDE_EFFECTS if name in scope}
        image = _new_picture(picture.shape)
        session.watch(picture)
        result = call(rebind(function, namespace), session, image.copy(), *given)
        if is_tensor(result):
            raise Wrong(
                "You return the tensor, not the picture: `sess.run(model['input'])` computes its value."
            )
        return _Run(given[0] if given else 200, image, direction, value_of(result), session.seen)


def _fault_of_run(run, ignored):
    """The mistake in a run of model_nn; `ignored`: every run took the same number of steps."""
    expected, steps = run.iterations, run.steps
    if not run.assigned:
        return (
            "The `assign` was never run, so the optimisation does not start from `input_image`: run "
            "`model['input'].assign(input_image)` in the session."
        )
    if steps == 0:
        return "The train_step was never run: `sess.run(train_step)` belongs in every iteration."
    if run.returned(steps, start=0):
        return (
            "The variables were initialised after the `assign`, which emptied the picture: initialise first."
        )
    if steps == expected and run.returned(0):
        return "You return `input_image` as it came: return what `model['input']` holds after the last step."
    if steps == expected and run.returned(1):
        return "The `assign` is inside the loop, so every iteration starts from `input_image` again."
    if ignored:
        return f"`num_iterations` is ignored: whatever its value, the train_step ran {steps} times."
    if steps == expected and run.returned(expected - 1):
        return "You return the picture from before the last step: read `model['input']` after the train_step."
    if abs(steps - expected) == 1:
        few_or_many = "few" if steps < expected else "many"
        return f"One iteration too {few_or_many}: with num_iterations = {expected}, {steps} steps were taken."
    if steps != expected:
        default = " (the default)" if expected == 200 else ""
        return f"For num_iterations = {expected}{default}, the train_step ran {steps} times."
    return (
        f"Expected what `model['input']` holds after the last step, {show(run.seen[-1])}; yours returns "
        f"{show(run.got)}."
    )

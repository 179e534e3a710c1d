"""The exercises of the course's graph edition that read or change the picture through a session."""

import contextlib
import io
from dataclasses import dataclass
from unittest.mock import MagicMock

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.checks.comparing import (
    RANDOM,
    TOLERANCE,
    Case,
    call,
    close,
    graph,
    is_tensor,
    ratio_of,
    refuse_unless_right,
    refuse_without_gradient,
    show,
    value_of,
)
from nst_utils.checks.hypotheses import told
from nst_utils.checks.result import Wrong
from nst_utils.checks.running import locals_used, rebind
from nst_utils.checks.watching import WatchedSession, relation
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
        self.session.picture = None
        self.session.run(self._assign, {self._given: picture})
        return self.session.run(self.model)

    def watch(self):
        self.session.watch(self.model["input"], {f"`model['{name}']`": layer for name, layer in self.model.items()})


def _refuse_idle(session):
    if not session.runs:
        raise Wrong(
            "Nothing was run in the session that your function is given: use `sess`, and no session of your own."
        )


# --- layer_activations ------------------------------------------------------------------------------------


def layer_activations(function, _):
    """Return for a right layer_activations, else raise Wrong."""
    cases, mistakes = [], []
    with graph(WatchedSession) as session:
        network = _ToyNetwork(session)
        empty = network.show(np.zeros(_SHAPE))
        for layer in ("conv4_2", "conv1_1", "avgpool3"):
            after, before = network.show(_new_picture()), network.show(_new_picture())
            model = dict(network.model)
            network.watch()
            result = call(function, session, model, after["input"].copy(), layer)
            _refuse_idle(session)
            if model["input"] is not network.model["input"]:
                raise Wrong(
                    "`model['input'] = ...` only changes the dictionary, and the network still reads its "
                    "variable: run `model['input'].assign(image)`."
                )
            if is_tensor(result):
                raise Wrong(
                    f"You return the tensor, not its value: `sess.run(...)` computes the value of a tensor. "
                    f"{session.account()}"
                )
            case = Case(f"the layer `{layer}`", after[layer].astype(np.float64), value_of(_alone(result)))
            if not cases and not case.right:
                _refuse_what_was_run(session, case, before, after)
            cases.append(case)
            mistakes.append(_wrong_activations(layer, empty, before, after))

    def diagnose(answers):
        fits = [
            name for name in mistakes[0]
            if all(close(answer, values[name]) for answer, values in zip(answers, mistakes, strict=True))
        ]
        return f"{told(fits[:2])} {session.account()}".strip()

    refuse_unless_right(cases, diagnose)


def _alone(result):
    """The array in a list of one: of `sess.run([layer])`, the batch axis comes back by itself."""
    return np.asarray(result) if isinstance(result, list) and len(result) == 1 else result


def _refuse_what_was_run(session, case, before, after):
    """Raise Wrong where it was seen what went wrong; the picture was before["input"], and after["input"] was given."""
    runs, image = session.runs, after["input"]
    raced = [run for run in runs if run.raced]
    if raced and not any(np.array_equal(run.before, image) for run in raced):
        raise Wrong(
            "The `assign` and the layer are in one `sess.run`, and TensorFlow does not promise which comes first: in "
            f"some runs the layer is of the picture before. Run the `assign` first, in a run of its own. "
            f"{session.account()}"
        )
    pictures = [run.after for run in runs]
    if any(np.array_equal(picture, image) for picture in pictures):
        last = max(number for number, picture in enumerate(pictures) if np.array_equal(picture, image))
        if last + 1 < len(pictures) and not pictures[-1].any():
            raise Wrong(
                "The variables were initialised again after the `assign`, so these are the activations of an empty "
                f"picture. {session.account()}"
            )
        if close(case.got, np.float64(before[_layer_of(case)])) and not close(case.got, case.want):
            raise Wrong(
                "The `assign` was run only after the layer was read: these are the activations of the picture that "
                f"was there before. {session.account()}"
            )
        return
    changed = next((picture for picture in pictures if not np.array_equal(picture, before["input"])), None)
    if changed is None:
        raise Wrong(
            "The `assign` was never run: these are the activations of the picture that was there before. "
            f"{session.account()}"
        ) if any("assign" not in str(run) for run in runs) else Wrong(
            f"The `assign` did not put `image` into the network. {session.account()}"
        )
    made = relation(changed, image).format("`image`") or "something else"
    if not changed.any():
        made = "an empty picture, all zeros"
    raise Wrong(f"What the network was given is not `image` as it is, but {made}. {session.account()}")


def _layer_of(case):
    return case.label.split("`")[1]


def _wrong_activations(layer, empty, before, after):
    """{mistake: what it returns}, from all activations of an empty, the previous and the right picture."""
    right = after[layer].astype(np.float64)
    return {
        "The `assign` was never run, or only after the layer was read: these are the activations of the "
        "picture that was there before.": before[layer],
        "These are the activations of an empty picture: the variable was initialised again after the "
        "`assign`.": empty[layer],
        "You return the picture, not the activations.": after["input"],
        "You drop the batch axis: return the activations as they are, (1, n_H, n_W, n_C).": right[0],
        "You add an axis: return the activations as they are, (1, n_H, n_W, n_C).": right[None],
        "You return the mean over the channels: return all of them.": right.mean(axis=-1),
        "You return the largest channel: return all of them.": right.max(axis=-1),
        "You return the sum over the channels: return all of them.": right.sum(axis=-1),
        "You return one channel: return all of them.": right[..., 0],
        "You return one channel: return all of them, as they are.": right[0, ..., 0],
        "You return the mean over the positions: return all of them.": right.mean(axis=(1, 2)),
        "You return one number, the mean: return all activations.": right.mean(),
        "You return one number, the sum: return all activations.": right.sum(),
        "You return one number, the largest: return all activations.": right.max(),
        "You transpose the activations: return them as they are, (1, n_H, n_W, n_C).": right.transpose(0, 3, 1, 2),
        "You exchange height and width: return the activations as they are.": right.swapaxes(1, 2),
        "You unroll the activations: return them as they are, (1, n_H, n_W, n_C).": right.reshape(-1),
        "You unroll the activations, return them as they are, (1, n_H, n_W, n_C).": right.reshape(-1, right.shape[-1]),
        "You change the sign of the activations.": -right,
        "You double the activations.": 2 * right,
        "You square the activations: return them as they are.": right**2,
        "You round the activations: return them as they are.": np.round(right),
        "You scale the activations: return them as they are.": right / max(right.max(), 1e-9),
        **{
            f"You always read `{fixed}`: read the layer that `layer_name` names.": after[fixed]
            for fixed in LAYERS
        },
        **{f"You always read `{fixed}`, and the `assign` was never run.": before[fixed] for fixed in LAYERS},
    }


# --- compute_style_cost -----------------------------------------------------------------------------------

# What may be made of one layer's weight w and its cost J.
_LAYER_TERMS = {
    "": lambda w, J: w * J,
    "You ignore the weights: each layer's cost is multiplied by its own.": lambda w, J: J,
    "You divide by the weights; multiply by them.": lambda w, J: J / w,
    "You divide the weights by the costs; multiply.": lambda w, J: w / J,
    "You divide by the weights and round down (`//`); multiply by them.": lambda w, J: J // w,
    "You divide the weights by the costs and round down (`//`); multiply.": lambda w, J: w // J,
    "You square the weights.": lambda w, J: w**2 * J,
    "You square the costs.": lambda w, J: w * J**2,
    "You square the products of weight and cost.": lambda w, J: (w * J) ** 2,
    "You add the weights to the costs; multiply by them.": lambda w, J: w + J,
    "You subtract the costs from the weights; multiply by them.": lambda w, J: w - J,
    "You subtract the weights from the costs; multiply by them.": lambda w, J: J - w,
    "You raise the costs to the power of the weights; multiply by them.": lambda w, J: J**w,
    "You take square roots; the formula has none.": lambda w, J: w * np.sqrt(J),
    "Only the weights are summed: the layers' costs are missing.": lambda w, J: w,
    "The weight of a layer is 1 - its own; multiply by its own.": lambda w, J: (1 - w) * J,
}
# Which of the layers count.
_LAYERS_THAT_COUNT = {
    "": lambda terms: terms,
    "Only the last layer counts: add each layer to `J_style`.": lambda terms: terms[-1:],
    "Only the first layer counts: is the `return` inside the loop?": lambda terms: terms[:1],
    "The last layer is left out.": lambda terms: terms[:-1],
    "The first layer is left out.": lambda terms: terms[1:],
    "Every second layer is left out.": lambda terms: terms[::2],
    "Only the second layer counts: add each layer to `J_style`.": lambda terms: terms[1:2],
    "The last layer counts twice.": lambda terms: np.append(terms, terms[-1]),
    "The first layer counts twice.": lambda terms: np.append(terms, terms[0]),
}
# What is made of all of them; n: how many, w: the weights.
_ALL_LAYERS = {
    "": lambda terms, w: np.sum(terms),
    "You take the mean over the layers; the formula sums them, each with its weight.": lambda terms, w: np.mean(terms),
    "You divide by the number of layers; the formula does not.": lambda terms, w: np.sum(terms) / len(w),
    "You multiply by the number of layers; the formula does not.": lambda terms, w: np.sum(terms) * len(w),
    "You divide by the sum of the weights; the formula does not.": lambda terms, w: np.sum(terms) / np.sum(w),
    "You multiply by the sum of the weights, not each layer by its own.": lambda terms, w: np.sum(terms) * np.sum(w),
    "You multiply by the last layer's weight only: it belongs inside the loop.": lambda terms, w: np.sum(terms) * w[-1],
    "You multiply by the first layer's weight only: each layer has its own.": lambda terms, w: np.sum(terms) * w[0],
    "You multiply the layers' costs; add them.": lambda terms, w: np.prod(terms),
    "You take the largest of the layers' costs; add them.": lambda terms, w: np.max(terms),
    "You take the smallest of the layers' costs; add them.": lambda terms, w: np.min(terms),
    "You subtract the layers' costs, `-` for `+`, or the cost has the wrong sign.": lambda terms, w: -np.sum(terms),
    "You subtract the later layers from the first; add them.": lambda terms, w: 2 * terms[0] - np.sum(terms),
    "You square the sum; the formula does not.": lambda terms, w: np.sum(terms) ** 2,
    "You take the square root of the sum; the formula has none.": lambda terms, w: np.sqrt(np.sum(terms)),
    "You divide each sum by the next layer's cost; add them.": lambda terms, w: terms[0] / np.prod(terms[1:]),
    "Each sum so far is multiplied by the next layer's weight: each layer's cost has its own only.": None,
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
    cases, layers_of = [], []
    with graph(WatchedSession) as session:
        network = _ToyNetwork(session)
        function = rebind(function, {"sess": session, "model": network.model})
        for number, layers in enumerate(_STYLE_LAYERS):
            # Of pictures that differ little the cost is small, and a constant added to it shows.
            first, second = _new_picture(), _new_picture()
            style = network.show(0.01 * first if number == 1 else first)
            network.watch()
            J_style = call(function, dict(network.model), list(layers))
            account = session.account()
            _refuse_number(J_style, layers, session)
            network.show(0.01 * second if number == 1 else second)
            J_of = _layer_style_costs(session, style, network.model)
            w, J = np.array([(weight, J_of[name]) for name, weight in layers], np.float64).T
            want = np.sum(w * J, keepdims=True)
            cases.append(Case(f"STYLE_LAYERS = {list(layers)}", want, value_of(J_style, session)))
            course = sum(weight * J_of[name] for name, weight in costs.STYLE_LAYERS)
            layers_of.append((w, J, course))
        # Of the last layer, to which the way back is short.
        flows = is_tensor(J_style) and tf.gradients(J_style, network.model[layers[-1][0]])[0] is not None
    if not any(case.got.any() for case in cases):
        raise Wrong(f"{_A_S_NOT_RUN if flows else _A_G_RUN} {account}")
    refuse_unless_right(cases, lambda answers: _explain_style_sum(answers, cases, layers_of))
    refuse_without_gradient(flows, "the layers of the `model`")


def _refuse_number(J_style, layers, session):
    """Raise Wrong where a number was returned, not a tensor."""
    if is_tensor(J_style) or not isinstance(J_style, np.generic | np.ndarray | float | int):
        return
    others = [word for run in session.runs for word in run.fetched if not word.startswith("`model[")]
    if others:
        raise Wrong(
            "You return a number, the cost for the picture that is in the network now; return the tensor, which "
            f"follows the generated picture later. {session.account()}"
        )
    number = value_of(J_style)
    if not number.any():
        raise Wrong(
            "You return the number 0: no layer's cost was added to it. Does a `return` come too early, or is the "
            f"adding missing? {session.account()}"
        )
    if close(number, np.asarray(sum(weight for _, weight in layers))):
        raise Wrong(f"Only the weights are summed: the layers' costs are missing. {session.account()}")
    raise Wrong(
        "You return a number, not a tensor that follows the generated picture: is `a_G` the tensor "
        f"`model[layer_name]`? {session.account()}"
    )


def _style_sums():
    """{mistakes: (w, J) -> value}, with the fewest mistakes first."""
    for term, layers, whole in sorted(
        ((t, la, wh) for t in _LAYER_TERMS for la in _LAYERS_THAT_COUNT for wh in _ALL_LAYERS),
        key=lambda texts: sum(map(bool, texts)),
    ):
        if sum(map(bool, (term, layers, whole))) > 2:
            continue

        def value(w, J, term=term, layers=layers, whole=whole):
            terms = _LAYERS_THAT_COUNT[layers](_LAYER_TERMS[term](w, J))
            if _ALL_LAYERS[whole]:
                return _ALL_LAYERS[whole](terms, w) if len(terms) else np.nan
            total = 0
            for weight, cost in zip(w, _LAYER_TERMS[term](w, J) / w, strict=True):
                total = (total + cost) * weight
            return total

        yield [text for text in (term, layers, whole) if text], value
    yield (
        ["The weights go to the layers in the opposite order."],
        lambda w, J: np.sum(w[::-1] * J),
    )


def _explain_style_sum(answers, cases, layers_of):
    """What is wrong with the sums of the layers' costs; "" where unknown."""
    if any(answer.size != 1 for answer in answers):
        return "The cost is one number, and yours is an array: add the layers' costs up."
    got = np.array([answer.item() for answer in answers])
    want = np.array([case.want.item() for case in cases])

    def fits(values):
        return (np.abs(np.array(values) - got) <= TOLERANCE * np.abs(got)).all()

    if fits([course for _, _, course in layers_of]):
        return _COURSE_LAYERS
    fewest, texts = np.inf, []
    with np.errstate(all="ignore"):
        for mistakes, value in _style_sums():
            if len(mistakes) > fewest:
                break
            if mistakes and fits([value(w, J) for w, J, _ in layers_of]):
                texts, fewest = [*texts, " ".join(mistakes)], len(mistakes)
        if texts:
            return told(texts)
        ratios = got / want
        if np.ptp(ratios) <= 2 * TOLERANCE * np.abs(ratios).max():
            return f"Your result is {ratios[0]:.4g} times the right one, for every input."
        added = got - want
        constant = added[np.abs(want).argmin()]
        if abs(constant) > 20 * TOLERANCE * np.abs(want).min() and (
            np.abs(added - constant) <= TOLERANCE * (np.abs(want) + abs(constant))
        ).all():
            return (
                f"Your result is off by the same number, {constant:.4g}, for every input: does `J_style` begin with 0?"
            )
        weights = np.array([answer / np.sum(J) for answer, (_, J, _) in zip(got, layers_of, strict=True)])
        if np.ptp(weights) <= TOLERANCE * np.abs(weights).max():
            return (
                f"The weight {weights[0]:.4g} is written into your function: take each from STYLE_LAYERS."
            )
    return ""


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
# The settings of Adam, and where its operation has them.
_ADAM = {"learning rate": (5, 2.0), "beta1": (6, 0.9), "beta2": (7, 0.999), "epsilon": (8, 1e-8)}
# Where the operations of other optimisers have the learning rate.
_RATES = {"GradientDescent": 1, "Momentum": 2, "Adagrad": 2, "AdagradV2": 2, "RMSProp": 3, "Ftrl": 5, "Adadelta": 3}


def build_train_step(function, _):
    """Return for a right build_train_step, else raise Wrong: its path is compared with Adam's."""
    targets = [RANDOM.uniform(20, 90, (1, 3, 5, 7)) * RANDOM.choice((-1, 1), (1, 3, 5, 7)) for _ in range(2)]
    problems = list(zip(targets, (1.0, 40.0), strict=True))
    (path, seen), *others = [_path(function, *problem) for problem in problems]
    paths = [path, *(path for path, _ in others)]
    adam = [_path(lambda J: tf.compat.v1.train.AdamOptimizer(_LEARNING_RATE).minimize(J), *p)[0] for p in problems]
    if all(close(path, right) for path, right in zip(paths, adam, strict=True)):
        return
    first = [path[1] - path[0] for path in paths]
    if not any(step.any() for step in first):
        raise Wrong(
            "Running what you return changes nothing: `minimize(J)` gives the operation that moves the "
            "picture, while `compute_gradients` only computes."
        )
    rate = np.abs(first[0]).mean()
    # The gradient at the start is -2 weight target; Adam's first step is the learning rate, against its sign.
    up = [np.vdot(step, -target) > 0 for step, target in zip(first, targets, strict=True)]
    named = " ".join([*_optimizer_faults(seen), *(["You maximise the cost: minimise J, not -J."] if all(up) else [])])
    if not named and ratio_of(first[0], adam[0][1]) is None:
        named = "The picture is not moved along the gradient of J: minimise J itself."
    elif not named:
        named = _further_faults(paths, adam, seen)
    raise Wrong(
        f"{named} Expected a first step of {_LEARNING_RATE} for every pixel; yours is {rate:.4g} on average."
    )


def _further_faults(paths, adam, seen):
    if len(seen) > 1:
        return f"Your operation takes {len(seen)} steps of an optimiser at once; it should take one."
    if not seen:
        return "This is not Adam as it comes: use `tf.train.AdamOptimizer`."
    return "The optimiser is right, but it does not minimise J itself: something is made of J or of its gradient first."


def _optimizer_faults(seen):
    """What is wrong with the optimisers' operations that were seen: pairs of a type and its settings."""
    for kind, settings in seen:
        if kind != "Adam":
            names = {"GradientDescent": "gradient descent", "Momentum": "gradient descent with momentum"}
            rate = f", with the learning rate {settings['learning rate']:.4g}" if "learning rate" in settings else ""
            return [f"This is {names.get(kind, kind.removesuffix('V2'))}{rate}; use Adam."]
        faults = []
        for name, (_, right) in _ADAM.items():
            if not np.isclose(settings[name], right, rtol=1e-4):
                if name == "learning rate":
                    faults.append(f"Adam has the learning rate {settings[name]:.4g}; the exercise asks for {right}.")
                else:
                    faults.append(f"Adam's {name} is {settings[name]:.4g}; leave it as it comes, {right:g}.")
        if faults:
            return faults
    return []


def _path(make_step, target, weight):
    """A variable's values, (5, ...), from zeros on through four steps of make_step(J); the optimisers' operations."""
    with graph() as session:
        x = tf.compat.v1.Variable(tf.zeros(target.shape), name="input")
        J = tf.reduce_sum(weight * tf.square(x - target))
        given = {"model": {"input": x}, "sess": session}
        step = call(rebind(make_step, given), J)
        if hasattr(step, "minimize"):
            raise Wrong("You return the optimiser: return the operation that its `minimize(J)` gives.")
        if type(step).__module__.startswith("keras"):
            raise Wrong(
                f"You return an object of Keras, `{type(step).__name__}`. A Keras optimiser is made for TensorFlow 2: "
                "use `tf.train.AdamOptimizer`, and return the operation that its `minimize(J)` gives."
            )
        session.run(tf.compat.v1.global_variables_initializer())
        values = [session.run(x)]
        for _ in range(4):
            try:
                session.run(step)
            except (TypeError, ValueError):
                raise Wrong(
                    f"You return an object of type `{type(step).__name__}`, which a session cannot run: "
                    "return the operation that `minimize(J)` gives."
                ) from None
            values.append(session.run(x))
        seen = []
        for operation in session.graph.get_operations():
            if operation.type.startswith("ResourceApply"):
                kind = operation.type.removeprefix("ResourceApply")
                places = {name: place for name, (place, _) in _ADAM.items()}
                if kind != "Adam":
                    places = {"learning rate": _RATES.get(kind)}
                settings = {n: session.run(operation.inputs[p]) for n, p in places.items() if p}
                seen.append((kind, settings))
    return np.array(values, dtype=np.float64), seen


# --- model_nn ---------------------------------------------------------------------------------------------

# What a model_nn may do beside its work, and a check must not: show and save.
_SIDE_EFFECTS = ("save_image", "write_image", "imshow", "plt", "display", "clear_output", "view")
_COSTS = ("J", "J_content", "J_style")


@dataclass(frozen=True)
class _Run:
    """What a model_nn was asked for, what it returned, and what was seen of it."""

    iterations: int
    image: np.ndarray
    direction: np.ndarray
    result: object
    session: WatchedSession
    # What it told: whether anything at all, and the names of tensors in the place of numbers.
    told: bool
    tensors: tuple[str, ...]
    costs: dict

    @property
    def runs(self):
        return self.session.runs

    @property
    def steps(self):
        """How many train_steps each of the runs took."""
        return [self._steps_of(run) for run in self.runs]

    def _steps_of(self, run):
        if run.before is None or run.after is None:
            return 0
        moves = (run.after - run.before) / self.direction
        count = round(float(np.median(moves)))
        if count > 0 and np.abs(moves - count).max() < 0.02:
            return count
        return int(run.raced and "`train_step`" in run.fetched)

    def at(self, steps):
        return self.image + np.float64(steps) * self.direction

    def numbers(self, put):
        """The numbers of the runs that put this picture there, "image" or "zeros"."""
        wanted = self.image if put == "image" else 0 * self.image
        return [
            number
            for number, run in enumerate(self.runs)
            if run.after is not None
            and np.array_equal(run.after, wanted)
            and (put == "image" or (run.before is not None and run.before.any()))
            and any("assign" in words or "init" in words or "change" in words for words in run.fetched)
        ]


def model_nn(function, _):
    """Return for a right model_nn, else raise Wrong: three runs, the last with the default of iterations."""
    runs = [_run_model_nn(function, *given) for given in ((3,), (8,), ())]
    for run in runs:
        fault = _fault_of_run(run, runs, function)
        if fault:
            # The account of the shortest run that shows the mistake.
            raise Wrong(f"{fault} For num_iterations = {run.iterations}: {run.session.account()}")
    fault = _fault_of_report(runs)
    if fault:
        raise Wrong(f"{fault} For num_iterations = {runs[0].iterations}: {runs[0].session.account()}")


def _run_model_nn(function, *given):
    with graph(WatchedSession) as session:
        picture = tf.compat.v1.Variable(tf.zeros((1, 5, 7, 3)), name="input")
        J_content, J_style = tf.reduce_mean(tf.square(picture - 9.0)), tf.reduce_mean(tf.square(picture))
        # Every step is the same move, so that the steps in a picture can be counted.
        direction = RANDOM.uniform(0.5, 1.5, picture.shape).astype(np.float32)
        # Like Adam, it has a variable of its own, which must be initialised.
        slot = tf.compat.v1.Variable(0.0, name="Adam")
        layer = tf.nn.relu(picture)
        namespace = {
            "sess": session,
            "model": {"input": picture, "conv4_2": layer},
            "train_step": tf.group(picture.assign_add(direction), slot.assign_add(1.0)),
            "J": costs.total_cost(J_content, J_style),
            "J_content": J_content,
            "J_style": J_style,
            "a_G": layer,
        }
        scope = getattr(function, "__globals__", {})
        mocks = {name: MagicMock() for name in _SIDE_EFFECTS if name in scope or name == "view"}
        image = _new_picture(picture.shape)
        names = {f"`{name}`": namespace[name] for name in ("train_step", *_COSTS)}
        session.watch(picture, {**names, "`model['input']`": picture, "`model['conv4_2']`": layer})
        rebound, printed = rebind(function, {**namespace, **mocks}), io.StringIO()
        written = []
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            scope = getattr(rebound, "__globals__", {})
            if scope:
                scope["print"] = _recording_print(written)
            sizes = _sizes(scope)
            result = call(rebound, session, image.copy(), *given)
        _refuse_idle(session)
        if is_tensor(result):
            raise Wrong(
                "You return the tensor, not the picture: `sess.run(model['input'])` computes its value. "
                f"{session.account()}"
            )
        calls = [call_ for mock in mocks.values() for call_ in mock.mock_calls]
        told_things = [thing for _, given_, named in calls for thing in (*given_, *named.values())] + written
        session.picture = None
        return _Run(
            given[0] if given else 200, image, direction, result, session,
            told=bool(printed.getvalue() or told_things or _sizes(scope) != sizes),
            tensors=_tensors_told(told_things, names),
            costs=dict(zip(_COSTS, session.run([namespace[name] for name in _COSTS]), strict=True)),
        )


def _recording_print(written):
    def recording(*values, **options):
        written.extend(values)
        written.append("printed")

    return recording


def _sizes(scope):
    return {name: len(value) for name, value in scope.items() if type(value) in (list, dict, set)}


def _tensors_told(things, names):
    """The names of the tensors among what was reported, also in a text."""
    known = {element: words for words, element in names.items() if is_tensor(element)}
    found = []
    for thing in things:
        if is_tensor(thing):
            found += [words for element, words in known.items() if element is thing] or ["a tensor"]
        elif isinstance(thing, str) and "Tensor(" in thing:
            found.append("a tensor")
        elif isinstance(thing, list | tuple):
            found += _tensors_told(thing, names)
        elif isinstance(thing, dict):
            found += _tensors_told(list(thing.values()), names)
    return tuple(dict.fromkeys(found))


def _fault_of_report(runs):
    """The mistake in how the costs are reported; "" where there is none."""
    tensors = runs[-1].tensors or runs[0].tensors
    if tensors:
        return (
            f"You report a tensor, which has no value, in the place of a number: {', '.join(tensors)}. Run the costs "
            "in the session, and report what it returns."
        )
    read = any(f"`{name}`" in each.fetched for each in runs[-1].runs for name in _COSTS)
    if not read:
        return (
            "The picture is right, but the costs are never read, so they cannot be reported: every 20 iterations run "
            "`J`, `J_content` and `J_style` in the session."
        )
    if not runs[-1].told:
        return (
            "The picture is right, and the costs are read, but never reported: hand them to `view.update(...)` every "
            "20 iterations."
        )
    return ""


def _fault_of_run(run, runs, function):
    """The mistake in a run of model_nn; "" where there is none."""
    steps, images, emptied = run.steps, run.numbers("image"), run.numbers("zeros")
    first_step = next((number for number, count in enumerate(steps) if count), None)
    if not images:
        return _fault_without_image(run, steps)
    if first_step is None:
        built = any("`train_step`" in each.fetched for each in run.runs)
        if not built:
            return (
                "The train_step was never run: `sess.run(train_step)` belongs in every iteration, and no `return` "
                "before."
            )
    raced = next((each for each in run.runs if each.raced and "`assign`" in each.fetched), None)
    if raced is not None and "`train_step`" in raced.fetched:
        return (
            "The `assign` and the `train_step` are in one `sess.run`, and TensorFlow does not promise which comes "
            "first: run the `assign` once, before the loop."
        )
    late = [number for number in emptied if number > images[0]]
    if late:
        after_step = first_step is not None and any(number > first_step for number in late[:1])
        if len(late) > 1 or after_step:
            return (
                f"The variables were initialised after the `assign`, {len(late)} times, each of which empties the "
                "picture: initialise once, before the loop and before the `assign`."
            )
        return "The variables were initialised after the `assign`, which emptied the picture: initialise first."
    if first_step is not None and first_step < images[0]:
        if len(images) > 1 and sum(steps) == run.iterations:
            return (
                f"The `assign` was run {len(images)} times, after a train_step: it is inside the loop, so that every "
                "iteration starts from `input_image` again."
            )
        return "A train_step was run before the `assign`, which then put `input_image` over what it had done."
    again = [number for number in images if first_step is not None and number > first_step]
    if again and not (len(again) == 1 and not any(steps[again[0] :]) and len(images) == 1):
        if any(steps[again[0] :]):
            return (
                f"The `assign` was run {len(images)} times, also after a train_step: it is inside the loop, so that "
                "every iteration starts from `input_image` again."
            )
        if not _returns(run, run.iterations):
            return "The `assign` was run again after the last train_step, which put `input_image` back."
    count = sum(steps)
    if count != run.iterations:
        return _fault_of_count(run, runs, function)
    return _fault_of_result(run)


def _returns(run, steps):
    try:
        return close(value_of(_alone_picture(run.result)), run.at(steps))
    except Wrong:
        return False


def _alone_picture(result):
    return np.asarray(result[0]) if isinstance(result, list | tuple) and len(result) == 1 else result


def _fault_without_image(run, steps):
    """What is to say where the picture was never input_image."""
    others = [
        each for each, count in zip(run.runs, steps, strict=True)
        if each.after is not None and not count
        and any("assign" in words or "change" in words for words in each.fetched)
    ]
    if others and any("`assign`" in each.fetched for each in others):
        after = others[0].after
        made = "an empty picture, all zeros" if not after.any() else relation(after, run.image).format("`input_image`")
        return (
            f"What is assigned to `model['input']` is not `input_image` as it is, but {made or 'something else'}."
        )
    return (
        "The `assign` was never run, so the optimisation does not start from `input_image`: run "
        "`model['input'].assign(input_image)` in the session."
    )


def _fault_of_count(run, runs, function):
    """What is to say where the number of steps is not the number of iterations."""
    counts = {each.iterations: sum(each.steps) for each in runs}
    count, expected = counts[run.iterations], run.iterations
    listed = ", ".join(f"{count} for {iterations}" for iterations, count in counts.items())
    if len(set(counts.values())) == 1:
        if count == 1 and "num_iterations" in locals_used(function):
            return (
                "Whatever num_iterations, the train_step ran once: does it stand outside of the loop, or does a "
                "`return` or a `break` end the loop early?"
            )
        if "num_iterations" in locals_used(function):
            return (
                f"Whatever num_iterations, the train_step ran {count} times: does a `return` or a `break` end the loop "
                "early, or is `num_iterations` used for something else?"
            )
        return f"`num_iterations` is ignored: whatever its value, the train_step ran {count} times."
    if all(c - n == count - expected for n, c in counts.items()) and abs(count - expected) == 1:
        few_or_many = "few" if count < expected else "many"
        return f"One iteration too {few_or_many}: with num_iterations = {expected}, {count} steps were taken."
    if all(c == 2 * n for n, c in counts.items()):
        return "The train_step runs twice in each iteration."
    if all(c == -(-n // 20) for n, c in counts.items()) or all(c == n // 20 for n, c in counts.items()):
        return "The train_step runs only where the costs are reported: move it out of the `if`."
    if all(c == n - -(-n // 20) for n, c in counts.items()):
        return "The train_step runs only where the costs are not reported: it belongs in every iteration."
    if all(c == n + -(-n // 20) for n, c in counts.items()):
        return "The train_step runs once more where the costs are reported: run it once in each iteration."
    if counts[3] == 3 and counts[8] == 8 and len(runs) == 3 and expected == 200:
        return (
            f"For num_iterations = 200 (the default), the train_step ran {count} times: is the default 200, as given?"
        )
    return f"The train_step did not run num_iterations times: it ran {listed}."


def _fault_of_result(run):
    """What is to say of what was returned, after the right steps; "" where it is right."""
    result = _alone_picture(run.result)
    for position, element in enumerate(result if isinstance(result, list | tuple) else ()):
        if is_tensor(element):
            return "You return tensors, not the picture: `sess.run(model['input'])` computes its value."
        if np.shape(element) == run.image.shape:
            return (
                f"You return {len(result)} things, and the picture is number {position + 1}: return the picture alone."
            )
    if isinstance(result, list | tuple):
        return f"You return {len(result)} numbers: return the picture, `sess.run(model['input'])`."
    got = value_of(result)
    final = next(each.after for each in reversed(run.runs) if each.after is not None)
    expected = run.at(run.iterations)
    if close(got, expected):
        return ""
    raced = [each for each in run.runs if each.raced and "`model['input']`" in each.fetched]
    steps_after = {round_: run.at(round_) for round_ in range(run.iterations)}
    early = next((number for number, picture in steps_after.items() if close(got, picture)), None)
    if early == 0 and not any(close(value, got) for each in run.runs for value in [each.before] if value is not None
                              and "`model['input']`" in each.fetched):
        return "You return `input_image` as it came: return what `model['input']` holds after the last step."
    if early is not None and raced and close(got, raced[-1].before):
        return (
            "The picture is read in the same `sess.run` as the `train_step`, and TensorFlow does not promise which "
            "comes first: it may be from before the last step. Read `model['input']` in a run of its own after it."
        )
    if early == run.iterations - 1:
        return "You return the picture from before the last step: read `model['input']` after the train_step."
    if early is not None:
        return (
            f"You return the picture after step {early} of {run.iterations}, such as the last that was reported: read "
            "`model['input']` once more after the loop."
        )
    if got.size == 1:
        cost = next((name for name, value in run.costs.items() if close(got, np.float64(value))), "")
        return f"You return one number{f', `{cost}`' if cost else ''}: return the picture, `sess.run(model['input'])`."
    if any("`model['conv4_2']`" in each.fetched for each in run.runs) and close(got, np.maximum(expected, 0)):
        return "You return activations (`conv4_2`), not the picture: read `model['input']`."
    made = relation(got, expected)
    if made:
        return f"You return {made.format('the picture after the last step')}: return it as it is."
    if got.shape == (len(_COSTS),):
        return "You return the costs: return the picture, `sess.run(model['input'])`."
    return (
        f"Expected what `model['input']` holds after the last step, {show(final)}; yours returns {show(got)}."
    )

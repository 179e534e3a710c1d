"""The exercises of the course's graph edition that read layers through a session."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.base.types import Array, Weights
from nst_utils.checks.collecting import collector, described, graph, is_tensor, rebind, unrun
from nst_utils.checks.comparing import (
    RANDOM,
    TOLERANCE,
    Case,
    close,
    refuse_nothing,
    refuse_unless_right,
    refuse_without_gradient,
    refuse_wrong_gradient,
    value_of,
)
from nst_utils.checks.hypotheses import Make, told
from nst_utils.checks.result import Wrong
from nst_utils.checks.student import Student
from nst_utils.checks.watching import Account, WatchedSession, refuse_clash, refuse_idle, relation
from nst_utils.engine import costs
from nst_utils.engine.recipe import STYLE_LAYERS
from nst_utils.network.layout import LAYERS
from nst_utils.network.vgg import activations

_SHAPE = (1, 37, 53, 3)


def _new_picture(shape: Sequence[int] = _SHAPE) -> Array:
    return RANDOM.uniform(-120, 120, shape).astype(np.float32)


def _new_weights(size: float = 1.0) -> Weights:
    """{layer: (kernel, bias)} of a network with a few channels instead of hundreds, for pictures of this size.

    Activations are about as large in all layers, so that each of them counts in a cost.
    """
    channels, weights, depth = {"1": 4, "2": 6, "3": 7, "4": 9, "5": 11}, {}, 3
    for name in LAYERS:
        if name.startswith("conv"):
            width = channels[name[4]]
            kernel = RANDOM.normal(0, np.sqrt(2 / (9 * depth)), (3, 3, depth, width))
            weights[name], depth = (kernel, size * RANDOM.uniform(0.1, 1, width)), width
    seen, last = _look(size * _new_picture(), _in_float32(weights)), 1.0
    for name, (kernel, bias) in weights.items():
        factor = 50 * size / np.sqrt(np.mean(seen[name] ** 2))
        weights[name], last = (kernel * factor / last, bias * factor), factor
    return _in_float32(weights)


def _in_float32(weights: Weights) -> Weights:
    return {name: (kernel.astype(np.float32), bias.astype(np.float32)) for name, (kernel, bias) in weights.items()}


def _look(picture: Array, weights: Any) -> dict[str, Array]:
    """All activations of a picture as arrays, and "input" the picture itself: what the judge knows to be right."""
    with eager_mode():
        found = activations(tf.constant(picture), weights)
        return {"input": picture} | {name: layer.numpy() for name, layer in found.items()}


class _ToyNetwork:
    """The course's `model`, the dictionary of 22 tensors, with these weights, beside the student's function."""

    def __init__(self, session: Any, weights: Any) -> None:
        picture = tf.compat.v1.Variable(tf.zeros(_SHAPE), name="input")
        weights = {name: tuple(pair) for name, pair in weights.items()}
        self.session, self.model = session, {"input": picture} | activations(picture, weights)
        self._given = tf.compat.v1.placeholder(tf.float32, _SHAPE)
        self._assign = picture.assign(self._given)

    def show(self, picture: Array) -> None:
        """Put the picture into the network."""
        self.session.picture = None
        self.session.run(self._assign, {self._given: picture})

    def watch(self) -> None:
        self.session.watch(self.model["input"], {f"`model['{name}']`": layer for name, layer in self.model.items()})


# --- layer_activations ------------------------------------------------------------------------------------


@collector
def run_layer_activations(function: Any, weights: Any, before: Any, image: Array, layer: str) -> dict[str, Any]:
    """What layer_activations returns where the picture `before` was in the network, and what it ran."""
    with graph(WatchedSession) as session:
        network = _ToyNetwork(session, weights)
        network.show(before)
        model = dict(network.model)
        network.watch()
        result = function(session, model, image, layer)
        kept = model.get("input") is network.model["input"]
        return {"result": unrun(result), "runs": session.told(), "kept": kept}


def layer_activations(student: Student, _: object) -> None:
    """Return for a right layer_activations, else raise Wrong."""
    cases: list[Case] = []
    pictures, weights = [], _new_weights()
    for layer in ("conv4_2", "conv1_1", "avgpool3"):
        image, before = _new_picture(), _new_picture()
        seen = student.ask("run_layer_activations", weights=weights, before=before, image=image, layer=layer)
        result, account = seen["result"], Account(seen["runs"])
        refuse_nothing(result)
        refuse_idle(account)
        refuse_clash(account)
        if not seen["kept"]:
            raise Wrong(
                "`model['input'] = ...` only changes the dictionary, and the network still reads its "
                "variable: run `model['input'].assign(image)`."
            )
        if result.get("tensor"):
            raise Wrong(
                f"You return the tensor, not its value: `sess.run(...)` computes the value of a tensor. {account}"
            )
        after = _look(image, weights)
        case = Case(f"the layer `{layer}`", after[layer].astype(np.float64), value_of(result))
        if not cases and not case.right:
            _refuse_what_was_run(account, case, _look(before, weights), after)
        cases.append(case)
        pictures.append((layer, before, after))

    def diagnose(answers: Sequence[Array]) -> str:
        empty = _look(np.zeros(_SHAPE, np.float32), weights)
        mistakes = [
            _wrong_activations(layer, empty, _look(before, weights), right) for layer, before, right in pictures
        ]
        fits = [
            name for name in mistakes[0]
            if all(close(answer, values[name]) for answer, values in zip(answers, mistakes, strict=True))
        ]
        return f"{told(fits[:2])} {account}".strip()

    refuse_unless_right(cases, diagnose)


def _same(picture: Array | None, other: Array) -> bool:
    return picture is not None and np.array_equal(picture, other)


def _refuse_what_was_run(account: Account, case: Case, before: Any, after: Any) -> None:
    """Raise Wrong where it was seen what went wrong; the picture was before["input"], and after["input"] was given."""
    image = after["input"]
    raced = [run for run in account if run.raced]
    if raced and not any(_same(run.before, image) for run in raced):
        raise Wrong(
            "The `assign` and the layer are in one `sess.run`, and TensorFlow does not promise which comes first: in "
            f"some runs the layer is of the picture before. Run the `assign` first, in a run of its own. "
            f"{account}"
        )
    pictures = [run.after for run in account]
    if any(_same(picture, image) for picture in pictures):
        last = max(number for number, picture in enumerate(pictures) if _same(picture, image))
        if last + 1 < len(pictures) and not np.any(pictures[-1]):
            raise Wrong(
                "The variables were initialised again after the `assign`, so these are the activations of an empty "
                f"picture. {account}"
            )
        if close(case.got, np.float64(before[_layer_of(case)])) and not close(case.got, case.want):
            raise Wrong(
                "The `assign` was run only after the layer was read: these are the activations of the picture that "
                f"was there before. {account}"
            )
        return
    changed = next((picture for picture in pictures if not _same(picture, before["input"])), None)
    if changed is None:
        raise Wrong(
            "The `assign` was never run: these are the activations of the picture that was there before. "
            f"{account}"
        ) if any("assign" not in str(run) for run in account) else Wrong(
            f"The `assign` did not put `image` into the network. {account}"
        )
    made = relation(changed, image).format("`image`") or "something else"
    if not changed.any():
        made = "an empty picture, all zeros"
    raise Wrong(f"What the network was given is not `image` as it is, but {made}. {account}")


def _layer_of(case: Case) -> str:
    return case.label.split("`")[1]


def _wrong_activations(layer: str, empty: dict[str, Array], before: Any, after: Any) -> dict[str, Array]:
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
_LAYER_TERMS: dict[str, Make] = {
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
_LAYERS_THAT_COUNT: dict[str, Make] = {
    "": lambda terms: terms,
    "Only the last layer counts: add each layer to `J_style`.": lambda terms: terms[-1:],
    "Only the first layer counts: is the `return` inside the loop?": lambda terms: terms[:1],
    "The last layer is left out.": lambda terms: terms[:-1],
    "The first layer is left out.": lambda terms: terms[1:],
    "Every second layer is left out.": lambda terms: terms[::2],
    "Only the first two layers count: take all.": lambda terms: terms[:2],
    "Only the first three layers count: take all.": lambda terms: terms[:3],
    "Only the second layer counts: add each layer to `J_style`.": lambda terms: terms[1:2],
    "The last layer counts twice.": lambda terms: np.append(terms, terms[-1]),
    "The first layer counts twice.": lambda terms: np.append(terms, terms[0]),
}
# What is made of all of them; n: how many, w: the weights.
_ALL_LAYERS: dict[str, Make | None] = {
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


@collector
def run_style_cost(function: Any, weights: Any, style: Any, now: Any, layers: Any, gradient: Any) -> dict[str, Any]:
    """What compute_style_cost gives for a picture `now`, where `style` was in the network when it was called.

    The result and what it ran; for a tensor also its value and, if asked for, its gradient at the last of the layers.
    """
    with graph(WatchedSession) as session:
        network = _ToyNetwork(session, weights)
        function = rebind(function, {"sess": session, "model": network.model})
        network.show(style)
        network.watch()
        J_style = function(dict(network.model), [tuple(pair) for pair in layers])
        seen = {"runs": session.told(), "tensor": is_tensor(J_style), "gradient": None}
        network.show(now)
        if gradient and is_tensor(J_style):
            # Of the last layer, to which the way back is short.
            slope = tf.gradients(J_style, network.model[layers[-1][0]])[0]
            seen["gradient"] = None if slope is None else described(slope, session)
        return seen | {"result": described(J_style, session)}


def compute_style_cost(student: Student, _: object) -> None:
    """Return for a right compute_style_cost, else raise Wrong."""
    cases, layers_of = [], []
    for number, layers in enumerate(_STYLE_LAYERS):
        # Of small activations the cost is small, and a constant added to it shows.
        size = 0.01 if number == 1 else 1.0
        # Noise as strong as another noise has nearly its Gram matrices in the deep layers.
        weights, pictures = _new_weights(size), [size * _new_picture(), size / 2 * _new_picture()]
        seen = student.ask(
            "run_style_cost", weights=weights, style=pictures[0], now=pictures[1], layers=layers, gradient=number == 2
        )
        account = Account(seen["runs"])
        refuse_nothing(seen["result"])
        if not seen["tensor"] and isinstance(seen["result"].get("array"), np.ndarray):
            _refuse_number(value_of(seen["result"]), layers, account)
        style, now = (_look(picture, weights) for picture in pictures)
        J_of = _layer_style_costs(style, now, {name for name, _ in layers})
        w, J = np.array([(weight, J_of[name]) for name, weight in layers], np.float64).T
        want = np.sum(w * J, keepdims=True)
        cases.append(Case(f"STYLE_LAYERS = {list(layers)}", want, value_of(seen["result"])))
        layers_of.append((w, J, lambda style=style, now=now: _course_cost(style, now)))
    flows = seen["gradient"] is not None
    if not any(case.got.any() for case in cases):
        raise Wrong(f"{_A_S_NOT_RUN if flows else _A_G_RUN} {account}")
    refuse_unless_right(cases, lambda answers: _explain_style_sum(answers, cases, layers_of))
    refuse_without_gradient(flows, "the layers of the `model`")
    slope = _slope(style, now, *layers[-1])
    refuse_wrong_gradient(value_of(seen["gradient"]), slope, "the layers of the `model`")


def _slope(style: Any, now: Any, layer: Any, weight: float) -> Array:
    """The gradient of a layer's part of J_style with respect to its activations."""
    with eager_mode(), tf.GradientTape() as tape:
        tape.watch(a_G := tf.constant(now[layer]))
        J = weight * costs.compute_layer_style_cost(style[layer], a_G)
        return tape.gradient(J, a_G).numpy().astype(np.float64)


def _refuse_number(number: Array, layers: Any, account: Account) -> None:
    """Raise Wrong: a number was returned, not a tensor."""
    others = [word for run in account for word in run.fetched if not word.startswith("`model[")]
    if others:
        raise Wrong(
            "You return a number, the cost for the picture that is in the network now; return the tensor, which "
            f"follows the generated picture later. {account}"
        )
    if not number.any():
        raise Wrong(
            "You return the number 0: no layer's cost was added to it. Does a `return` come too early, or is the "
            f"adding missing? {account}"
        )
    if close(number, np.asarray(sum(weight for _, weight in layers))):
        raise Wrong(f"Only the weights are summed: the layers' costs are missing. {account}")
    raise Wrong(
        "You return a number, not a tensor that follows the generated picture: is `a_G` the tensor "
        f"`model[layer_name]`? {account}"
    )


def _style_sums() -> Iterator[Any]:
    """{mistakes: (w, J) -> value}, with the fewest mistakes first."""
    for term, layers, whole in sorted(
        ((t, la, wh) for t in _LAYER_TERMS for la in _LAYERS_THAT_COUNT for wh in _ALL_LAYERS),
        key=lambda texts: sum(map(bool, texts)),
    ):
        if sum(map(bool, (term, layers, whole))) > 2:
            continue

        def value(w: Array, J: Array, term: Any = term, layers: Any = layers, whole: Any = whole) -> Any:
            terms = _LAYERS_THAT_COUNT[layers](_LAYER_TERMS[term](w, J))
            if make := _ALL_LAYERS[whole]:
                return make(terms, w) if len(terms) else np.nan
            total = 0
            for weight, cost in zip(w, _LAYER_TERMS[term](w, J) / w, strict=True):
                total = (total + cost) * weight
            return total

        yield [text for text in (term, layers, whole) if text], value
    yield (
        ["The weights go to the layers in the opposite order."],
        lambda w, J: np.sum(w[::-1] * J),
    )


def _explain_style_sum(answers: Sequence[Array], cases: Sequence[Case], layers_of: Any) -> str:
    """What is wrong with the sums of the layers' costs; "" where unknown."""
    if any(answer.size != 1 for answer in answers):
        return "The cost is one number, and yours is an array: add the layers' costs up."
    got = np.array([answer.item() for answer in answers])
    want = np.array([case.want.item() for case in cases])

    def fits(values: Any) -> bool:
        return bool((np.abs(np.array(values) - got) <= TOLERANCE * np.abs(got)).all())

    if fits([course() for _, _, course in layers_of]):
        return _COURSE_LAYERS
    fewest, texts = np.inf, list[str]()
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


def _layer_style_costs(style: Any, now: Any, names: Iterable[str]) -> dict[str, float]:
    """{layer: J_style of a picture}, given the activations of the style picture and those of the picture."""
    with eager_mode():
        return {name: costs.compute_layer_style_cost(style[name], now[name]).numpy() for name in names}


def _course_cost(style: Any, now: Any) -> float:
    """J_style with the course's own layers."""
    J_of = _layer_style_costs(style, now, [name for name, _ in STYLE_LAYERS])
    return float(sum(weight * J_of[name] for name, weight in STYLE_LAYERS))

"""The exercise of the total cost: a sum of two products, and what may stand in the place of each part."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nst_utils.base.types import Array
from nst_utils.checks.comparing import (
    RANDOM,
    TOLERANCE,
    Case,
    evaluate,
    refuse_unless_right,
    refuse_without_gradient,
    refuse_wrong_gradient,
    show,
)
from nst_utils.checks.hypotheses import Make, told
from nst_utils.checks.result import Wrong
from nst_utils.checks.student import Failed, Student
from nst_utils.engine import costs

_WEIGHTS = ("alpha", "beta")


def _terms(own: str, other: str, cost: str, other_cost: str, x: Mapping[str, Array]) -> list[tuple[int, str, Array]]:
    """[(changes, text, values)]: what may be written for `own * cost`; x: {symbol: values}."""
    w, v, J, K = x[own], x[other], x[cost], x[other_cost]
    course = {"alpha": 10, "beta": 40}
    terms = [
        (0, "", w * J),
        (1, f"{own} is forgotten: it weights {cost}.", J),
        (1, f"{other} weights {cost}, which has {own}.", v * J),
        (1, f"{cost} is forgotten.", w),
        (1, f"{other_cost} stands where {cost} belongs.", w * K),
        (1, f"The cost {cost} with its weight {own} is left out.", 0 * w),
        (1, f"{cost} always has the weight {course[own]}: use {own}.", course[own] * J),
        (1, f"{cost} always has the weight {course[other]}, and it is to have {own}.", course[other] * J),
        (1, f"You square {own}.", w**2 * J),
        (1, f"You square {cost}.", w * J**2),
        (1, f"You square the product of {own} and {cost}.", (w * J) ** 2),
        (1, f"You take the square root of {cost}.", w * np.sqrt(J)),
        (1, f"You add {own} to {cost}; multiply.", w + J),
        (1, f"You subtract {cost} from {own}; multiply.", w - J),
        (1, f"You subtract {own} from {cost}; multiply.", J - w),
        (1, f"You divide {cost} by {own}; multiply.", J / w),
        (1, f"You divide {own} by {cost}; multiply.", w / J),
        (1, f"You divide {cost} by {own} and round down (`//`); multiply.", J // w),
        (1, f"You divide {own} by {cost} and round down (`//`); multiply.", w // J),
        (1, f"You raise {cost} to the power {own}; multiply.", J**w),
        (1, f"You raise {own} to the power {cost}; multiply.", w**J),
        (1, f"{cost} has the weight 1 - {own}; it is {own}.", (1 - w) * J),
        (1, f"{cost} has the weight 1 - {other}; it is {own}.", (1 - v) * J),
        (1, f"{cost} has the weight {own} + {other}; it is {own}.", (w + v) * J),
        (1, f"{cost} has the weight {own} / ({own} + {other}); it is {own}.", w / (w + v) * J),
        (1, f"{cost} has the weight {own} * {other}; it is {own}.", w * v * J),
        (1, f"{cost} has the weight {own} / {other}; it is {own}.", w / v * J),
        (1, f"{cost} has the weight 1 / {own}; it is {own}.", J / w),
    ]
    return terms


_KNOWN_TOTALS: dict[str, Make] = {
    "The weights are swapped: alpha belongs to J_content and beta to J_style.": lambda c, s, a, b: b * c + a * s,
    "Both weights are forgotten.": lambda c, s, a, b: c + s,
    "alpha weights both costs; J_style has beta.": lambda c, s, a, b: a * (c + s),
    "beta weights both costs; J_content has alpha.": lambda c, s, a, b: b * (c + s),
    "You add the costs before you weight them.": lambda c, s, a, b: (a + b) * (c + s),
    "You divide one cost by the other, rounding down; add them.": lambda c, s, a, b: (a * c) // (b * s),
    "You take the mean of the two; the formula takes their sum.": lambda c, s, a, b: (a * c + b * s) / 2,
    "Only the content's cost is there.": lambda c, s, a, b: a * c,
    "Only the style's cost is there.": lambda c, s, a, b: b * s,
    "You divide by the weights; multiply by them.": lambda c, s, a, b: c / a + s / b,
    "You add the weights to the costs; multiply by them.": lambda c, s, a, b: a + c + b + s,
    "You square the weights.": lambda c, s, a, b: a**2 * c + b**2 * s,
    "You square the costs.": lambda c, s, a, b: a * c**2 + b * s**2,
    "You square the sum.": lambda c, s, a, b: (a * c + b * s) ** 2,
    "You take a square root; the formula has none.": lambda c, s, a, b: np.sqrt(a * c + b * s),
    "A whole-number division or `int` drops the fraction.": lambda c, s, a, b: np.trunc(a * c + b * s),
    "alpha and beta are ignored: 10 and 40 are written into your function.": lambda c, s, a, b: 10 * c + 40 * s,
    "You take the larger of the two; the formula takes their sum.": lambda c, s, a, b: np.maximum(a * c, b * s),
    "You take the smaller of the two; the formula takes their sum.": lambda c, s, a, b: np.minimum(a * c, b * s),
    "The bracket is wrong: alpha multiplies J_style as well.": lambda c, s, a, b: a * (c + b * s),
    "The bracket is wrong: beta multiplies J_content as well.": lambda c, s, a, b: (a * c + b) * s,
    "The bracket is wrong: J_content and beta are added before they multiply.": lambda c, s, a, b: a * (c + b) * s,
    "The bracket is wrong: beta multiplies J_content, too.": lambda c, s, a, b: b * (a * c + s),
    "alpha * J_content is multiplied by beta + J_style; add beta * J_style.": lambda c, s, a, b: a * c * (b + s),
    "Operators and names are mixed up: each cost is multiplied by its own weight, and the products are added.": (
        lambda c, s, a, b: a + c * b + s
    ),
}
_JOINED: dict[str, tuple[int, Make | None]] = {
    "": (0, lambda x, y: x + y),
    "You subtract the style's cost; add it.": (1, lambda x, y: x - y),
    "You subtract the content's cost; add it.": (1, lambda x, y: y - x),
    "You multiply the two costs; add them.": (1, lambda x, y: x * y),
    "You divide the content's cost by the style's; add them.": (1, lambda x, y: x / y),
    "You divide the style's cost by the content's; add them.": (1, lambda x, y: y / x),
    "The cost has the wrong sign.": (1, lambda x, y: -(x + y)),
    "You divide by alpha + beta; the formula does not.": (1, None),
}


def _explain_total(got: Array, x: Mapping[str, Array]) -> str:
    """What is wrong with answers for the values x of J_content, J_style, alpha and beta; "" where unknown."""

    def fits(values: Any) -> Any:
        return np.abs(values - got) <= TOLERANCE * np.maximum(np.abs(got), 1e-9)

    c, s, a, b = (x[name] for name in ("J_content", "J_style", *_WEIGHTS))
    with np.errstate(all="ignore"):
        known = [text for text, make in _KNOWN_TOTALS.items() if fits(make(c, s, a, b)).all()]
        if known:
            return told(known)
        first = _terms("alpha", "beta", "J_content", "J_style", x)
        second = _terms("beta", "alpha", "J_style", "J_content", x)
        left, right = (np.array([value for _, _, value in terms], np.float64) for terms in (first, second))
        found = []
        for joined, (changes, join) in _JOINED.items():
            both = left[:, None], right[None]
            values = join(*both) if join else (both[0] + both[1]) / (a + b)
            for i, j in np.argwhere(fits(values).all(axis=-1)):
                texts = [joined, first[i][1], second[j][1]]
                found.append((changes + first[i][0] + second[j][0], " ".join(text for text in texts if text)))
        if found:
            fewest = min(found)[0]
            return told([text for changes, text in found if changes == fewest])
        wanted = a * c + b * s
        added = np.median(got - wanted)
        if np.abs(got - wanted - added).max() <= TOLERANCE * np.abs(wanted).max():
            return f"Your result is off by the same number, {added:.4g}, for every input: the formula adds nothing."
        ratio = np.median(got / wanted)
        if fits(ratio * wanted).all():
            return f"Your result is {ratio:.4g} times the right one, for every input."
        for own, cost, rest, name in ((a, c, b * s, "J_content"), (b, s, a * c, "J_style")):
            times = (got - rest) / (own * cost)
            if np.ptp(times) <= TOLERANCE * np.abs(times).max():
                weight = _WEIGHTS[name == "J_style"]
                return f"{name} has {np.mean(times):.4g} times its weight {weight}."
        third = (got - b * s) / c, (got - a * c) / s
        for values, name in zip(third, ("J_content", "J_style"), strict=True):
            if np.ptp(values) <= TOLERANCE * np.abs(values).max():
                weight = _WEIGHTS[name == "J_style"]
                return f"{name} always has the weight {np.mean(values):.4g}: use {weight}."
    return ""


def total_cost(student: Student, eager: bool | None) -> None:
    """Return for a right total_cost, else raise Wrong: numbers and tensors, with and without the weights."""
    runs, gradients = [], []
    for weights in ((), (7.0, 3.0), (0.25, 11.0), (19.0, 0.5)):
        alpha, beta = weights or (10, 40)
        for tensors in (False, True):
            # Now smaller and now larger than the weights, so that a rounded quotient is not always 0.
            low, high = ((12, 42), (30, 90)) if tensors else ((4, 9), (9, 38))
            J_content, J_style = RANDOM.uniform(low, high).astype(np.float32).tolist()
            if tensors:
                inputs = np.float32(J_content), np.float32(J_style)
                for watched, weight in enumerate((alpha, beta)):
                    got, gradient = evaluate(student, inputs, eager, watched, more=weights)
                    name = f"`{('J_content', 'J_style')[watched]}`"
                    gradients.append((gradient, np.asarray(weight, np.float64), name))
            else:
                try:
                    got, _ = evaluate(student, (J_content, J_style), eager, numbers=True, more=weights)
                except Failed as failed:
                    if failed.kind != "TypeError":
                        raise
                    continue  # tf.multiply(alpha, J_content) is right, but takes tensors only
            label = (
                f"J_content = {J_content:.5g}, J_style = {J_style:.5g}, alpha = {alpha:g}, beta = {beta:g}"
            )
            case = Case(label, np.asarray(costs.total_cost(J_content, J_style, alpha, beta)), got)
            runs.append((bool(weights), case, (J_content, J_style, alpha, beta)))
    wrong_default = [case for given, case, _ in runs if not given and not case.right]
    if wrong_default and all(case.right for given, case, _ in runs if given):
        raise Wrong(
            "The formula is right, the default values are not: alpha is 10 and beta is 40. Called without "
            f"them, expected {show(wrong_default[0].want)}; yours gives {show(wrong_default[0].got)}."
        )
    symbols = dict(
        zip(("J_content", "J_style", *_WEIGHTS), np.array([values for _, _, values in runs]).T, strict=True)
    )

    def diagnose(answers: Sequence[Array]) -> str:
        if any(answer.size != 1 for answer in answers):
            return "The cost is one number, and yours is an array."
        return _explain_total(np.array([answer.item() for answer in answers]), symbols)

    refuse_unless_right([case for _, case, _ in runs], diagnose)
    refuse_without_gradient(all(gradient is not None for gradient, _, _ in gradients), "`J_content` and `J_style`")
    for gradient, want, name in gradients:
        refuse_wrong_gradient(gradient, want, name)

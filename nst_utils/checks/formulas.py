"""The exercises that are formulas, and a table of the mistakes that each invites.

Every mistake is what the wrong formula gives, computed in NumPy; the right one is that of nst_utils.costs. The
dimensions are different odd primes, so that the ratio of an answer to a sum tells which factor of the normaliser
was left out or not squared: no other whole powers of the factors give that number.
"""

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.checks.comparing import (
    RANDOM,
    TOLERANCE,
    Case,
    call,
    evaluate,
    graph,
    refuse_unless_right,
    refuse_without_gradient,
    show,
    value_of,
)
from nst_utils.checks.result import Wrong
from nst_utils.engine import costs

# (n_H, n_W, n_C) and the size of the activations.
_SIZES = (((5, 7, 3), 1.0), ((11, 5, 13), 30.0), ((13, 17, 19), 500.0))
# So large that 32-bit integers overflow in (n_H n_W)^2, and 16-bit floats in a square.
_POSTER = ((211, 223, 3), 3000.0)
_OVERFLOW = (
    "Right for small inputs and wrong for large ones: whole numbers of 32 bits or floats of 16 overflow. "
    "Compute the normaliser in Python numbers or in float32."
)


@dataclass(frozen=True)
class Formula:
    """sum(...) / normaliser, of the activations of one or two pictures."""

    right: Callable
    # Names of the arguments; all but the last may be NumPy arrays, as sess.run returns them.
    arguments: tuple[str, ...]
    # (shape, scale) -> the arguments, float32.
    draw: Callable
    # (arguments) -> {factor of a normaliser: its value}; the power that each has in the right one.
    factors: Callable
    powers: dict[str, int]
    # {mistake: (arguments, right normaliser) -> what it sums to, before the division}; the right sum is "".
    sums: dict[str, Callable]
    # Powers that a better-known mistake leads to.
    known_powers: dict[tuple[int, ...], str] = field(default_factory=dict)

    def __call__(self, function, eager):
        """Return for a right function, else raise Wrong."""
        last = len(self.arguments) - 1
        # In the second case the first picture's activations come as sess.run returns them.
        as_arrays = ((), range(last), ())
        runs = [self._run(function, eager, size, arrays=a) for size, a in zip(_SIZES, as_arrays, strict=True)]
        cases, inputs, _ = zip(*runs, strict=True)
        refuse_unless_right(cases, self._mistakes(inputs), lambda ratios: self._explain(ratios, inputs))
        # Only now: a wrong matrix of a poster's positions would take gigabytes.
        case, _, flows = self._run(function, eager, _POSTER, watched=[last])
        refuse_unless_right([case], [(_OVERFLOW, [case.got])])
        refuse_without_gradient(flows, f"`{self.arguments[-1]}`")

    def _run(self, function, eager, size, **how):
        """A case, its inputs, and whether a gradient flows to the inputs that `how` says to watch."""
        inputs = self.draw(*size)
        with eager_mode():
            want = self.right(*map(tf.constant, inputs)).numpy().astype(np.float64)
        got, flows = evaluate(function, inputs, eager, **how)
        return Case(f"`{'`, `'.join(self.arguments)}` of shape {inputs[0].shape}", want, got), inputs, flows

    def _mistakes(self, inputs):
        """Each mistake with what it sums to for each of the inputs; computed as they are asked for."""
        factors = [self.factors(*arrays) for arrays in inputs]
        normalisers = [np.prod([float(f[x]) ** power for x, power in self.powers.items()]) for f in factors]
        doubles = [[array.astype(np.float64) for array in arrays] for arrays in inputs]
        for name, total in self.sums.items():
            yield name, [total(*arrays, n) for arrays, n in zip(doubles, normalisers, strict=True)]

    def _explain(self, ratios, inputs):
        """What is wrong with the normaliser that the answer was divided by; None where it is not one."""
        if min(ratios) < 0 < max(ratios):
            return None
        log_factors = np.log([[self.factors(*arrays)[name] for name in self.powers] for arrays in inputs])
        right = tuple(self.powers.values())
        grid = np.array(list(itertools.product(*(range(-power, power + 3) for power in right))))
        errors = np.abs(grid @ log_factors.T + np.log(np.abs(ratios))).max(axis=1)
        if errors.min() > 2 * TOLERANCE:
            return None
        found = tuple(int(power) for power in grid[errors.argmin()])
        if found == right:
            return ""
        if found in self.known_powers:
            return self.known_powers[found]
        if not any(found):
            return f"The normaliser is missing: divide by {self._written(right)}."
        if not any(right):
            return f"You divide by {self._written(found)}; the formula divides by nothing."
        if found == tuple(-power for power in right):
            return f"You multiply by {self._written(right)}; the formula divides by it."
        faults = [_fault(*each) for each in zip(self.powers, found, right, strict=True) if each[1] != each[2]]
        return (
            f"The normaliser is off: {', '.join(faults)}. You divide by {self._written(found)}, the formula "
            f"by {self._written(right)}."
        )

    def _written(self, powers):
        small = str.maketrans("-123456789", "⁻¹²³⁴⁵⁶⁷⁸⁹")
        return " ".join(
            f"{2.0**power:g}" if name == "2" else name + ("" if power == 1 else str(power).translate(small))
            for name, power in zip(self.powers, powers, strict=True)
            if power
        )


def _fault(name, found, right):
    """What is wrong with one factor of the normaliser, found with one power instead of the right one."""
    if name == "2":
        return "the 4 is missing" if found == 0 else f"{2.0**found:g} stands where the 4 belongs"
    if found == 0:
        return f"{name} is missing (or was read from the batch axis, which is 1)"
    if found < 0:
        return f"{name} multiplies instead of dividing"
    if found < right:
        return f"{name} is not squared"
    return f"{name} is squared" if (found, right) == (2, 1) else f"{name} counts {found} times instead of {right}"


# What a cost may sum over two sets of numbers x and y; n is the right normaliser.
_COMPARISONS = {
    "": lambda x, y, n: np.sum((x - y) ** 2),
    "You sum absolute values; the formula sums squares.": lambda x, y, n: np.sum(np.abs(x - y)),
    "The square is missing: positive and negative differences cancel.": lambda x, y, n: np.sum(x - y),
    "You square the sum; the formula sums the squares.": lambda x, y, n: np.sum(x - y) ** 2,
    "You take the square root of the sum; the formula has none.": (
        lambda x, y, n: np.sqrt(np.sum((x - y) ** 2))
    ),
    "You take the square root of the cost; the formula has none.": (
        lambda x, y, n: np.sqrt(n * np.sum((x - y) ** 2))
    ),
    "You raise to the third power; the formula squares.": lambda x, y, n: np.sum((x - y) ** 3),
    "You raise to the fourth power; the formula squares once.": lambda x, y, n: np.sum((x - y) ** 4),
    "The cost has the wrong sign: it should grow with the difference.": lambda x, y, n: -np.sum((x - y) ** 2),
    "You add the two; the formula takes their difference.": lambda x, y, n: np.sum((x + y) ** 2),
    "You subtract squares; the formula squares the difference.": lambda x, y, n: np.sum(x**2) - np.sum(y**2),
    "You multiply the two; the formula squares their difference.": lambda x, y, n: np.sum(x * y),
    "Only the first argument is used.": lambda x, y, n: np.sum(x**2),
    "Only the second argument is used.": lambda x, y, n: np.sum(y**2),
    "A whole-number division (`//` or `int`) rounds down.": (
        lambda x, y, n: n * np.floor(np.sum((x - y) ** 2) / n)
    ),
}


def _compared(features):
    """{mistake: (x, y, normaliser) -> sum}: every way to compare, for every way to make features."""
    return {
        f"{feature} {comparison}".strip(): lambda x, y, n, make=make, compare=compare: compare(make(x), make(y), n)
        for comparison, compare in _COMPARISONS.items()
        for feature, make in features.items()
    }


def _two_pictures(shape, scale):
    """Activations (1, n_H, n_W, n_C) of two plainly different pictures."""
    first, second = RANDOM.standard_normal((2, 1, *shape))
    return (scale * (1 + first)).astype(np.float32), (scale * (0.4 + 2 * second)).astype(np.float32)


def _dimensions(_, a_G):
    return {"2": 2, "n_H": a_G.shape[1], "n_W": a_G.shape[2], "n_C": a_G.shape[3]}


content_cost = Formula(
    right=costs.compute_content_cost,
    arguments=("a_C", "a_G"),
    draw=_two_pictures,
    factors=_dimensions,
    powers={"2": 2, "n_H": 1, "n_W": 1, "n_C": 1},
    sums=_compared({"": lambda a: a, "You turn the activations into whole numbers.": np.trunc}),
    known_powers={
        (2, 2, 2, 2): (
            "You take the mean for the sum: `reduce_mean` divides by n_H n_W n_C, and the normaliser again."
        ),
        (4, 2, 2, 2): "You divide before you square, so the normaliser is squared too.",
    },
)


def _rows(a, axis=3):
    """Activations with one axis, by default the channels, as the rows."""
    return np.moveaxis(a, axis, 0).reshape(a.shape[axis], -1)


def _gram(A):
    return A @ A.T


def _centred(A):
    return A - A.mean(axis=1, keepdims=True)


_STYLE_FEATURES = {
    "": lambda a: _gram(_rows(a)),
    "A `reshape` to (n_C, n_H*n_W) without the transpose mixes channels and positions: bring the channels "
    "to the front first, with `tf.transpose`.": lambda a: _gram(a.reshape(a.shape[3], -1)),
    "Your Gram matrix is over positions, A^T A: the channels belong in the rows of A.": (
        lambda a: _gram(_rows(a).T)
    ),
    "A `reshape` without the transpose mixes channels and positions, and your Gram matrix is over its "
    "columns.": (
        lambda a: _gram(a.reshape(a.shape[3], -1).T)
    ),
    "The dimensions are read in the wrong order: n_H stands for n_C in the unrolling.": (
        lambda a: _gram(a.reshape(-1, a.shape[1]).T)
    ),
    "The dimensions are read in the wrong order: n_W stands for n_C in the unrolling.": (
        lambda a: _gram(a.reshape(-1, a.shape[2]).T)
    ),
    "The dimensions are read in the wrong order: your `reshape` makes n_H rows.": (
        lambda a: _gram(a.reshape(a.shape[1], -1))
    ),
    "The dimensions are read in the wrong order: your `reshape` makes n_W rows.": (
        lambda a: _gram(a.reshape(a.shape[2], -1))
    ),
    "The transpose brings the picture's rows (n_H) to the front, not the channels.": (
        lambda a: _gram(_rows(a, 1))
    ),
    "The transpose brings the picture's columns (n_W) to the front, not the channels.": (
        lambda a: _gram(_rows(a, 2))
    ),
    "You multiply elementwise; the Gram matrix is a matrix product.": lambda a: a * a,
    "There is no Gram matrix: you compare the activations themselves, as the content cost does.": lambda a: a,
    "You compare mean activations of the channels, not Gram matrices.": lambda a: _rows(a).mean(axis=1),
    "You subtract each channel's mean: that is the covariance, not the Gram matrix.": (
        lambda a: _gram(_centred(_rows(a)))
    ),
    "You compare only the diagonals of the Gram matrices: what goes together is off it.": (
        lambda a: np.diag(_gram(_rows(a)))
    ),
}


layer_style_cost = Formula(
    right=costs.compute_layer_style_cost,
    arguments=("a_S", "a_G"),
    draw=_two_pictures,
    factors=_dimensions,
    powers={"2": 2, "n_H": 2, "n_W": 2, "n_C": 2},
    sums=_compared(_STYLE_FEATURES)
    | {
        "You take the Gram matrix of the difference; the formula takes the difference of two Gram matrices.": (
            lambda a_S, a_G, n: np.sum(_gram(_rows(a_S - a_G)) ** 2)
        )
    },
    known_powers={
        (2, 2, 2, 4): "You take the mean for the sum: `reduce_mean` divides by n_C², and the normaliser again.",
        (2, 4, 4, 2): "You divide by n_H n_W twice: once in each Gram matrix, and again in the normaliser.",
        (2, 1, 1, 1): "The normaliser is not squared: each of n_H, n_W and n_C counts twice in it.",
        (4, 4, 4, 4): "You divide by the normaliser before you square, so it is squared again.",
        (1, 2, 2, 2): "The 2 is not squared: (2 n_H n_W n_C)² begins with a 4.",
    },
)


def _one_matrix(shape, scale):
    """A (n_C, positions), the number of positions a prime too, and once the smaller of the two."""
    n_C, positions = shape[2], {5: 7, 11: 5, 13: 89}.get(shape[0], 601)
    return ((scale * (0.1 + RANDOM.standard_normal((n_C, positions)))).astype(np.float32),)


# What may be made of A in the place of its Gram matrix.
_GRAMS = {
    "": lambda A, n: _gram(A),
    "The Gram matrix has the wrong sign.": lambda A, n: -_gram(A),
    "This is the Gram matrix over positions, A^T A: transpose the second A, not the first.": lambda A, n: _gram(A.T),
    "You multiply elementwise; the Gram matrix is a matrix product.": lambda A, n: A * A,
    "You multiply absolute values of A; its signs belong in the product.": lambda A, n: _gram(np.abs(A)),
    "You take absolute values of the Gram matrix, which keeps its signs.": lambda A, n: np.abs(_gram(A)),
    "You subtract the mean of each row: that is the covariance.": lambda A, n: _gram(_centred(A)),
    "You subtract the mean of each column.": lambda A, n: _gram(A - A.mean(axis=0)),
    "You scale the rows to length 1, so how active each channel is, is lost.": (
        lambda A, n: _gram(A / np.linalg.norm(A, axis=1, keepdims=True))
    ),
    "You sum the entries up: there is one for each pair of channels.": lambda A, n: _gram(A).sum(),
    "You sum the rows up: there is one entry for each pair of channels.": lambda A, n: _gram(A).sum(axis=1),
    "You sum squares over the positions: that is only the diagonal.": lambda A, n: np.diag(_gram(A)),
    "Everything off the diagonal is 0: what goes together is lost.": lambda A, n: np.diag(np.diag(_gram(A))),
    "Only the upper triangle is filled; the Gram matrix is symmetric.": lambda A, n: np.triu(_gram(A)),
    "Only the lower triangle is filled; the Gram matrix is symmetric.": lambda A, n: np.tril(_gram(A)),
    "You square the entries of the Gram matrix.": lambda A, n: _gram(A) ** 2,
    "You return A itself: the product is missing.": lambda A, n: A,
    "You return A transposed: the product is missing.": lambda A, n: A.T,
}


gram_matrix = Formula(
    right=costs.gram_matrix,
    arguments=("A",),
    draw=_one_matrix,
    factors=lambda A: {"2": 2, "n_C": A.shape[0], "n_H n_W": A.shape[1]},
    powers={"2": 0, "n_C": 0, "n_H n_W": 0},
    sums=_GRAMS,
)


_TOTALS = {
    "The weights are swapped: alpha belongs to J_content and beta to J_style.": lambda c, s, a, b: (
        b * c + a * s
    ),
    "alpha is forgotten: it weights J_content.": lambda c, s, a, b: c + b * s,
    "beta is forgotten: it weights J_style.": lambda c, s, a, b: a * c + s,
    "Both weights are forgotten.": lambda c, s, a, b: c + s,
    "alpha weights both costs; J_style has beta.": lambda c, s, a, b: a * (c + s),
    "beta weights both costs; J_content has alpha.": lambda c, s, a, b: b * (c + s),
    "You add the costs before you weight them.": lambda c, s, a, b: (a + b) * (c + s),
    "You multiply the two costs; add them.": lambda c, s, a, b: a * c * b * s,
    "You subtract the style's cost; add it.": lambda c, s, a, b: a * c - b * s,
    "You subtract the content's cost; add it.": lambda c, s, a, b: b * s - a * c,
    "You divide by alpha + beta; the formula does not.": lambda c, s, a, b: (a * c + b * s) / (a + b),
    "You take the mean of the two; the formula takes their sum.": lambda c, s, a, b: (a * c + b * s) / 2,
    "Only the content's cost is there.": lambda c, s, a, b: a * c,
    "Only the style's cost is there.": lambda c, s, a, b: b * s,
    "You divide by the weights; multiply by them.": lambda c, s, a, b: c / a + s / b,
    "You add the weights to the costs; multiply by them.": lambda c, s, a, b: a + c + b + s,
    "You square the weights.": lambda c, s, a, b: a**2 * c + b**2 * s,
    "You square the costs.": lambda c, s, a, b: a * c**2 + b * s**2,
    "A whole-number division or `int` drops the fraction.": lambda c, s, a, b: np.trunc(a * c + b * s),
    "alpha and beta are ignored: 10 and 40 are written into your function.": lambda c, s, a, b: (
        10 * c + 40 * s
    ),
    "The cost has the wrong sign.": lambda c, s, a, b: -(a * c + b * s),
}


def total_cost(function, eager):
    """Return for a right total_cost, else raise Wrong: numbers and tensors, with and without the weights."""
    runs, flows = [], True
    for weights in ((), (7.0, 3.0)):
        alpha, beta = weights or (10, 40)
        for tensors in (False, True):
            J_content, J_style = RANDOM.uniform((1, 20), (9, 90)).astype(np.float32).tolist()
            if tensors:
                inputs = np.float32(J_content), np.float32(J_style)
                got, flows = evaluate(
                    lambda c, s, given=weights: function(c, s, *given), inputs, eager, watched=[0, 1]
                )
            else:
                with contextlib.nullcontext() if eager else graph() as session:
                    try:
                        got = value_of(call(function, J_content, J_style, *weights), session)
                    except TypeError:  # tf.multiply(alpha, J_content) is right, but takes tensors only
                        continue
            label = (
                f"J_content = {J_content:.5g}, J_style = {J_style:.5g}, alpha = {alpha:g}, beta = {beta:g}"
            )
            case = Case(label, np.asarray(costs.total_cost(J_content, J_style, alpha, beta)), got)
            mistakes = {name: wrong(J_content, J_style, alpha, beta) for name, wrong in _TOTALS.items()}
            runs.append((bool(weights), case, mistakes))
    wrong_default = [case for given, case, _ in runs if not given and not case.right]
    if wrong_default and all(case.right for given, case, _ in runs if given):
        raise Wrong(
            "The formula is right, the default values are not: alpha is 10 and beta is 40. Called without "
            f"them, expected {show(wrong_default[0].want)}; yours gives {show(wrong_default[0].got)}."
        )
    named = ((name, [mistakes[name] for _, _, mistakes in runs]) for name in _TOTALS)
    refuse_unless_right([case for _, case, _ in runs], named)
    refuse_without_gradient(flows, "`J_content` and `J_style`")

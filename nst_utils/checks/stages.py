"""What may be done in the place of each stage of a formula: tables of mistakes, which hypotheses.altered combines.

The first of each list is what should be done. A case is one input: its `arguments`, float64 arrays, and the right
`normaliser`.
"""

import itertools
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from nst_utils.base.types import Array
from nst_utils.checks.hypotheses import Make, Mistake

# --- Two pictures -------------------------------------------------------------------------------------------


def in_both(text: str, make: Make, **options: Any) -> Mistake:
    """The same mistake with both pictures."""
    return Mistake(text, lambda case: _pair(make, make, *case.arguments), **options)


def _pair(make_x: Make, make_y: Make, a: Array, b: Array) -> tuple[Any, Any] | None:
    x, y = make_x(a), make_y(b)
    return None if x is None or y is None else (x, y)


def in_one(text: str, make: Make, right: Make, names: Sequence[str]) -> list[Mistake]:
    """A mistake with one of the two pictures, as two Mistakes."""
    return [
        Mistake(
            f"The two pictures are not treated alike. With `{names[0]}`: {text}",
            lambda case: _pair(make, right, *case.arguments),
        ),
        Mistake(
            f"The two pictures are not treated alike. With `{names[1]}`: {text}",
            lambda case: _pair(right, make, *case.arguments),
        ),
    ]


def combining() -> list[Mistake]:
    """What may be made of the features x and y of the two pictures: (result, x, y)."""

    def stage(text: str, make: Make, **options: Any) -> Mistake:
        return Mistake(text, lambda pair, case: (make(*pair), *pair), **options)

    return [
        stage("", lambda x, y: x - y),
        stage("You add the two; the formula takes their difference.", lambda x, y: x + y),
        stage("You multiply the two; the formula takes their difference.", lambda x, y: x * y),
        stage("You divide one by the other; the formula takes their difference.", lambda x, y: x / y),
        stage("You divide one by the other; the formula takes their difference.", lambda x, y: y / x),
        stage("You divide one by the other and round down (`//`); the formula takes their difference.",
              lambda x, y: np.floor(x / y)),
        stage("You divide one by the other and round down (`//`); the formula takes their difference.",
              lambda x, y: np.floor(y / x)),
        stage("Only the first argument is used.", lambda x, y: x),
        stage("Only the second argument is used.", lambda x, y: y),
        stage("Only positive differences count; the formula takes all.", lambda x, y: np.maximum(x - y, 0)),
        stage("Only positive differences count; the formula takes all.", lambda x, y: np.maximum(y - x, 0)),
        stage("You take the greater of the two; the formula takes their difference.", np.maximum),
        stage("You take the smaller of the two; the formula takes their difference.", np.minimum),
        stage(
            "Python divides whole numbers, or rounds, before the difference is taken: no rounding belongs here.",
            lambda x, y: np.trunc(x - y),
        ),
        stage("You round the differences.", lambda x, y: np.round(x - y)),
    ]


def squaring() -> list[Mistake]:
    """What may be done with each difference d of x and y, and what with each pair instead."""

    def stage(text: str, make: Make, **options: Any) -> Mistake:
        return Mistake(text, lambda triple, case: make(*triple), **options)

    return [
        stage("", lambda d, x, y: d**2),
        stage("You sum absolute values; the formula sums squares.", lambda d, x, y: np.abs(d), ran=("Abs",)),
        stage(
            "You take the root of each square, which is the absolute value; the formula sums squares.",
            lambda d, x, y: np.abs(d),
            ran=("Sqrt",),
        ),
        stage(
            "The square is missing: positive and negative differences cancel.",
            lambda d, x, y: d,
            signed=False,
        ),
        stage("You raise to the third power; the formula squares.", lambda d, x, y: d**3, signed=False),
        stage("You raise to the fourth power; the formula squares once.", lambda d, x, y: d**4),
        stage("You take square roots; the formula squares.", lambda d, x, y: np.sqrt(np.abs(d))),
        stage("You take square roots; the formula squares.", lambda d, x, y: np.sqrt(d)),
        stage("You divide by the squares; the formula sums them.", lambda d, x, y: 1 / d**2),
        stage("You take exponentials (`exp`); the formula squares.", lambda d, x, y: np.exp(d)),
        stage("You take powers of 2 (`2**x`); the formula squares (`x**2`).", lambda d, x, y: 2**d),
        stage(
            "You subtract squares; the formula squares the difference.", lambda d, x, y: x**2 - y**2, signed=False
        ),
        stage("You add squares; the formula squares the difference.", lambda d, x, y: x**2 + y**2),
        stage("Only the second is squared: square the difference of the two.", lambda d, x, y: x - y**2, signed=False),
        stage("Only the first is squared: square the difference of the two.", lambda d, x, y: x**2 - y, signed=False),
        stage("You multiply the two; the formula squares their difference.", lambda d, x, y: x * y, signed=False),
        stage("You square before and after the difference.", lambda d, x, y: (x**2 - y**2) ** 2),
        stage(
            "You count where the two differ; the formula sums squares.",
            lambda d, x, y: (d != 0).astype(float), ran=("NotEqual", "Equal", "Sign"),
        ),
        stage("You take the signs of the differences; the formula squares them.",
              lambda d, x, y: np.sign(d), ran=("Sign",), signed=False),
        stage("You raise to the power 5; the formula squares.", lambda d, x, y: d**5, signed=False),
        stage("You raise to the power 6; the formula squares.", lambda d, x, y: d**6),
        stage("You raise to the power 8; the formula squares.", lambda d, x, y: d**8),
        stage("You double the differences; the formula squares them.", lambda d, x, y: 2 * d, signed=False),
    ]


def summing() -> list[Mistake]:
    """How what came is summed."""

    def stage(text: str, make: Make, **options: Any) -> Mistake:
        return Mistake(text, lambda x, case: make(x), **options)

    return [
        stage("", np.sum),
        stage("You take the largest entry; the formula sums all.", np.max, ran=("Max",)),
        stage("You take the smallest entry; the formula sums all.", np.min, ran=("Min",)),
        stage("You multiply the entries; the formula sums them.", np.prod, ran=("Prod",)),
        stage("You take the variance, so the mean is subtracted; the formula sums.", np.var),
        stage("You take the standard deviation; the formula sums.", np.std),
        stage("The sum is missing: your result depends on the shape only, not on the activations.", lambda x: 1.0),
    ]


def finishing() -> list[Mistake]:
    """What may be done with the sum v and the normaliser n; what comes is divided by n."""

    def stage(text: str, make: Make, **options: Any) -> Mistake:
        return Mistake(text, lambda v, case: make(v, case.normaliser), **options)

    return [
        stage("", lambda v, n: v),
        stage("You square the sum; the formula sums the squares.", lambda v, n: v**2),
        stage("You square the cost; the formula does not.", lambda v, n: v**2 / n),
        stage("You take the square root of the sum; the formula has none.", lambda v, n: np.sqrt(v)),
        stage("You take the square root of the cost; the formula has none.", lambda v, n: np.sqrt(v * n)),
        stage("A whole-number division (`//` or `int`) rounds down.", lambda v, n: n * np.floor(v / n)),
        stage("The result is rounded to a whole number.", lambda v, n: n * np.round(v / n)),
        stage("You take the logarithm; the formula has none.", lambda v, n: n * np.log(v / n)),
        stage("You take the exponential; the formula has none.", lambda v, n: n * np.exp(v / n)),
        stage("You take what is left over from the division (`%`); divide (`/`).", lambda v, n: n * np.mod(v, n)),
        stage("You subtract the normaliser; the formula divides by it.", lambda v, n: n * (v - n)),
        stage(
            "You add the normaliser; the formula divides by it.",
            # Where the sum is small beside it, it may be anything.
            lambda v, n: n * (v + n) if np.min(np.abs(v)) > 0.02 * n else None,
        ),
        stage("You add 1 to the normaliser, and multiply; divide 1 by it.", lambda v, n: n * v * (1 + n)),
        stage("You subtract the normaliser from 1, and multiply; divide 1 by it.", lambda v, n: n * v * (1 - n)),
        stage("You divide the normaliser by the sum; it is the other way round.", lambda v, n: n * n / v),
    ]


def squaring_the_sum() -> Mistake:
    """The square of a sum of plain differences, which looks like one change to who made it."""
    text = "You square the sum; the formula sums the squares."
    return Mistake(text, lambda triple, case: np.asarray(np.sum(triple[0]) ** 2))


def rows_of(a: Array, axis: int = 3) -> Array:
    """Activations with one axis, by default the channels, as the rows."""
    return np.moveaxis(a, axis, 0).reshape(a.shape[axis], -1)


def unchanged(a: Array) -> Array:
    return a


def gram_of(A: Array) -> Array:
    return A @ A.T


def cut_of(a: Array) -> Array:
    """Activations cut into n_C rows without a transpose."""
    return a.reshape(a.shape[3], -1)


# --- The style cost of a layer ------------------------------------------------------------------------------

AXES = ("n_H", "n_W", "n_C")
# A matrix with more rows is not computed for the sake of a name.
_MOST_ROWS = 400


def _table(a: Array, order: Sequence[int], rows: Any) -> Array:
    """Activations with their axes in this order, cut into a table with as many rows as these axes have entries."""
    count = int(np.prod([a.shape[1 + axis] for axis in rows]))
    return np.transpose(a[0], order).reshape(count, -1)


def positions_of(a: Array) -> float:
    return a.size / a.shape[3]


def crossed(a: Array, b: Array, first: bool, turned: bool) -> tuple[Array, Array]:
    """The Gram matrices of two pictures, one of them made from the activations of both."""
    both = rows_of(a) @ rows_of(b).T
    both = both.T if turned else both
    return (both, style_of(b)) if first else (style_of(a), both)


def gram_of_cut(a: Array, order: Sequence[int], columns: bool) -> Array:
    """The Gram matrix of n_C rows or columns into which activations in another order are cut."""
    b = np.transpose(a[0], order)
    return gram_of(b.reshape(-1, a.shape[3]).T if columns else b.reshape(a.shape[3], -1))


def _gram_of_rows(A: Array) -> Array | None:
    return gram_of(A) if len(A) <= _MOST_ROWS else None


def _named(axes: Iterable[int]) -> str:
    return " ".join(AXES[axis] for axis in axes)


def _gram_of_table(order: Sequence[int], rows: Sequence[int], columns: bool, a: Array) -> Array | None:
    return _gram_of_rows(_table(a, order, rows).T if columns else _table(a, order, rows))


def _unrollings() -> dict[str, Make]:
    """{text: activations -> Gram matrix} of every way to `transpose` and `reshape` to a table."""
    makers = {
        "A `reshape` to (n_C, n_H*n_W) without the transpose mixes channels and positions: bring the channels "
        "to the front first, with `tf.transpose`.": lambda a: gram_of(cut_of(a)),
        "Your Gram matrix is over positions, A^T A: the channels belong in the rows of A.": (
            lambda a: _gram_of_rows(rows_of(a).T)
        ),
        "A `reshape` without the transpose mixes channels and positions, and your Gram matrix is over its "
        "columns.": lambda a: _gram_of_rows(cut_of(a).T),
        "The dimensions are read in the wrong order: n_H stands for n_C in the unrolling.": (
            lambda a: _gram_of_rows(a.reshape(-1, a.shape[1]).T)
        ),
        "The dimensions are read in the wrong order: n_W stands for n_C in the unrolling.": (
            lambda a: _gram_of_rows(a.reshape(-1, a.shape[2]).T)
        ),
        "The dimensions are read in the wrong order: your `reshape` makes n_H rows.": (
            lambda a: gram_of(a.reshape(a.shape[1], -1))
        ),
        "The dimensions are read in the wrong order: your `reshape` makes n_W rows.": (
            lambda a: gram_of(a.reshape(a.shape[2], -1))
        ),
        "The transpose brings the picture's rows (n_H) to the front, not the channels.": (
            lambda a: gram_of(rows_of(a, 1))
        ),
        "The transpose brings the picture's columns (n_W) to the front, not the channels.": (
            lambda a: gram_of(rows_of(a, 2))
        ),
        "You multiply elementwise; the Gram matrix is a matrix product.": lambda a: a * a,
    }
    for order in itertools.permutations(range(3)):
        for count in (1, 2):
            for rows in itertools.combinations(range(3), count):
                for columns in (False, True):
                    of = "columns" if columns else "rows"
                    text = (
                        f"The unrolling (`transpose` and `reshape`) goes wrong: activations in the order "
                        f"({', '.join(AXES[axis] for axis in order)}) are cut by `reshape` into {_named(rows)} rows, "
                        f"and the Gram matrix is of the {of} of that table."
                    )
                    makers[text] = partial(_gram_of_table, order, rows, columns)
    return makers


def _partial_products() -> dict[str, Make]:
    """{text: activations -> products} of every way to pair some axes, sum over some, and keep the others apart."""
    makers = {}
    for roles in itertools.product("psk", repeat=3):
        paired, summed, kept = (tuple(i for i in range(3) if roles[i] == role) for role in "psk")
        if not paired and not summed or not paired and not kept:
            continue
        first = "bhwc"
        second = "".join("b" if i == 0 else "xyz"[i - 1] if i - 1 in paired else first[i] for i in range(4))
        out = "b" + "".join(first[1 + i] for i in (*kept, *paired)) + "".join("xyz"[i] for i in paired)
        if paired:
            text = f"You don't unroll: your Gram matrix is of {_named(paired)}"
            text += f", summed over {_named(summed)}" if summed else ", and nothing is summed"
            text += f", once for each {_named(kept)}." if kept else "."
            text += " The channels (n_C) belong in its rows, and all positions (n_H n_W) in the sum."
        else:
            text = f"You sum squares over {_named(summed)} for each {_named(kept)}: that is no Gram matrix."

        def make(
            a: Array, first: str = first, second: str = second, out: str = out, paired: Any = paired
        ) -> Array | None:
            if np.prod([a.shape[1 + axis] for axis in paired]) > _MOST_ROWS:
                return None
            return np.einsum(f"{first},{second}->{out}", a, a, optimize=True)

        makers[text] = make
    return makers


def centred(A: Array) -> Array:
    return A - A.mean(axis=1, keepdims=True)


def style_of(a: Array) -> Array:
    return gram_of(rows_of(a))


STYLE_MADE = {
    "There is no Gram matrix: you compare the activations themselves, as the content cost does.": lambda a: a,
    "You compare mean activations of the channels, not Gram matrices.": lambda a: rows_of(a).mean(axis=1),
    "You subtract each channel's mean: that is the covariance, not the Gram matrix.": lambda a: gram_of(
        centred(rows_of(a))
    ),
    "You compare only the diagonals of the Gram matrices: what goes together is off it.": (
        lambda a: np.diag(style_of(a))
    ),
    "You scale each channel to length 1, so how active it is, is lost.": lambda a: gram_of(
        rows_of(a) / np.linalg.norm(rows_of(a), axis=1, keepdims=True)
    ),
    "You compare only one half of the Gram matrices, a triangle.": lambda a: np.triu(style_of(a)),
    "You take the Gram matrix of the Gram matrix.": lambda a: gram_of(style_of(a)),
    "You compare the squares of the Gram matrices' entries.": lambda a: style_of(a) ** 2,
    "Your Gram matrix is one number, the sum of all squares: was n_C read from the batch axis, which is 1?": (
        lambda a: np.sum(a**2, keepdims=True)
    ),
    "You turn the activations into whole numbers.": lambda a: style_of(np.trunc(a)),
    "You take absolute values of the activations.": lambda a: style_of(np.abs(a)),
}


# What is made of one picture only, while the other has its Gram matrix.
ONE_MADE = {
    "you subtract each channel's mean.": lambda a: gram_of(centred(rows_of(a))),
    "its Gram matrix is divided by n_H n_W.": lambda a: style_of(a) / positions_of(a),
    "its Gram matrix is divided by n_H n_W n_C.": lambda a: style_of(a) / a.size,
    "its Gram matrix is divided by n_C.": lambda a: style_of(a) / a.shape[3],
    "n_H n_W is added to its Gram matrix, which is divided by it.": (
        lambda a: style_of(a) * positions_of(a) + positions_of(a) ** 2
    ),
    "n_H n_W is subtracted from its Gram matrix, which is divided by it.": (
        lambda a: style_of(a) * positions_of(a) - positions_of(a) ** 2
    ),
    "its Gram matrix is rounded down when it is divided (`//`).": (
        lambda a: positions_of(a) * np.floor(style_of(a) / positions_of(a))
    ),
    "its Gram matrix is multiplied by n_H n_W.": lambda a: style_of(a) * positions_of(a),
    "its Gram matrix is multiplied by n_H n_W, and not divided by it.": lambda a: style_of(a) * positions_of(a) ** 2,
    "the entries of its Gram matrix are squared.": lambda a: style_of(a) ** 2,
    "it is not unrolled, so there is a Gram matrix for each row of the picture (n_H).": (
        lambda a: np.einsum("bhwc,bhwd->bhcd", a, a)
    ),
    "it is not unrolled, so there is a Gram matrix for each row of the picture (n_H), not divided by n_H n_W.": (
        lambda a: np.einsum("bhwc,bhwd->bhcd", a, a) * positions_of(a)
    ),
    "only the sums of squares, the diagonal, are there.": lambda a: np.diag(style_of(a)),
    "only the diagonal counts.": lambda a: np.diag(np.diag(style_of(a))),
    "only the sum of all squares is there.": lambda a: np.sum(a**2),
    "its Gram matrix is summed over one axis.": lambda a: style_of(a).sum(axis=1),
    "its Gram matrix is summed up.": lambda a: style_of(a).sum(),
    "its Gram matrix is doubled.": lambda a: 2 * style_of(a),
    "its activations are not multiplied.": lambda a: rows_of(a).sum(axis=1),
}


def _unrollings_of_one() -> dict[str, Make]:
    """{text: activations -> Gram matrix} where they are cut into n_C rows or columns in another order of their axes."""
    makers = {}
    for order in itertools.permutations(range(3)):
        for columns in (False, True):
            right = order[2] == 2 if columns else order[0] == 2
            if not right:
                text = (
                    f"the unrolling goes wrong: activations in the order ({', '.join(AXES[axis] for axis in order)}) "
                    f"are cut by `reshape` into n_C {'columns' if columns else 'rows'}."
                )
                makers[text] = lambda a, order=order, columns=columns: gram_of_cut(a, order, columns)
    return makers


ONE_UNROLLED = _unrollings_of_one()


def _distinct(makers: dict[str, Make]) -> dict[str, Make]:
    """Without those that only put the same entries in another order, and the right one."""
    a = np.random.default_rng(0).standard_normal((1, 5, 7, 3))

    def signature(make: Make) -> Any:
        made = make(a)
        return made.size, *(float(f"{np.sum(made**power):.6g}") for power in (1, 2, 3))

    seen, kept = {signature(style_of)}, {}
    for text, make in makers.items():
        if signature(make) not in seen:
            seen.add(signature(make))
            kept[text] = make
    return kept


UNROLLINGS = _distinct({**_unrollings(), **_partial_products()})


# --- The Gram matrix ----------------------------------------------------------------------------------------


def in_matrix(text: str, make: Make, **options: Any) -> Mistake:
    return Mistake(text, lambda case: make(*case.arguments), **options)


def multiplying() -> list[Mistake]:
    """What may be made of a matrix B in the place of its Gram matrix."""

    def stage(text: str, make: Make, **options: Any) -> Mistake:
        return Mistake(text, lambda B, case: make(B), **options)

    return [
        stage("", gram_of),
        stage("This is the Gram matrix over positions, A^T A: transpose the second A, not the first.",
              lambda B: gram_of(B.T)),
        stage("You multiply elementwise; the Gram matrix is a matrix product.", lambda B: B * B),
        stage("You multiply elementwise; the Gram matrix is a matrix product.", lambda B: (B * B).T),
        stage("You return A itself: the product is missing.", lambda B: B),
        stage("You return A transposed: the product is missing.", lambda B: B.T),
        stage("You sum squares over the positions: that is only the diagonal.", lambda B: (B * B).sum(axis=1)),
        stage("You square A in one of its two places.", lambda B: (B * B) @ B.T),
        stage("You square A in one of its two places.", lambda B: B @ (B * B).T),
        stage("You sum the rows of A up: multiply rows by rows.", lambda B: B.sum(axis=1)[:, None]),
        stage("You sum the rows of A up: multiply rows by rows.", lambda B: B.sum(axis=1)[None]),
        stage("You divide rows by rows and round down (`//`); the Gram matrix multiplies them.",
              lambda B: np.floor(B[:, None, :] / B[None, :, :]).sum(axis=-1)),
        stage("You sum squares over the channels: multiply rows by rows.", lambda B: (B * B).sum(axis=0)),
        stage("You sum the squares of A up: multiply rows by rows.", lambda B: (B * B).sum()),
        stage("You sum the rows of A up: multiply rows by rows.", lambda B: B.sum(axis=1)),
        stage("You sum the rows first and multiply the sums: multiply, then sum over the positions.",
              lambda B: np.outer(B.sum(axis=1), B.sum(axis=1))),
        stage("The products are not summed over the positions.", lambda B: B[:, None, :] * B[None, :, :]),
        stage("You take the largest product over the positions; the formula sums.",
              lambda B: (B[:, None, :] * B[None, :, :]).max(axis=-1), ran=("Max", "Maximum")),
        stage("You take the smallest product over the positions; the formula sums.",
              lambda B: (B[:, None, :] * B[None, :, :]).min(axis=-1), ran=("Min", "Minimum")),
        stage("You multiply the products over the positions; the formula sums.",
              lambda B: (B[:, None, :] * B[None, :, :]).prod(axis=-1), ran=("Prod",)),
        stage("You sum the products over one axis of channels and keep the positions: sum over the positions.",
              lambda B: (B[:, None, :] * B[None, :, :]).sum(axis=0)),
        stage("You add rows to rows; the Gram matrix multiplies them.",
              lambda B: (B[:, None, :] + B[None, :, :]).sum(axis=-1)),
        stage("You subtract rows from rows; the Gram matrix multiplies them.",
              lambda B: (B[:, None, :] - B[None, :, :]).sum(axis=-1)),
        stage("You subtract rows from rows; the Gram matrix multiplies them.",
              lambda B: ((B[:, None, :] - B[None, :, :]) ** 2).sum(axis=-1)),
        stage("You divide rows by rows; the Gram matrix multiplies them.",
              lambda B: (B[:, None, :] / B[None, :, :]).sum(axis=-1)),
        stage("You add A to itself; the Gram matrix is a product.", lambda B: B + B),
        stage("You multiply three times, A A^T A; the Gram matrix is A A^T.", lambda B: gram_of(B) @ B),
        stage("You multiply the Gram matrix by itself; it is A A^T.", lambda B: gram_of(B) @ gram_of(B)),
    ]


def finishing_the_matrix() -> list[Mistake]:
    """What may be done with the entries of the Gram matrix."""

    def stage(text: str, make: Make, **options: Any) -> Mistake:
        return Mistake(text, lambda G, case: make(G) if np.ndim(G) == 2 else None, **options)

    return [
        Mistake("", lambda G, case: G),
        stage("You take absolute values of the Gram matrix, which keeps its signs.", np.abs),
        stage("You sum the entries up: there is one for each pair of channels.", np.sum),
        stage("You sum the rows up: there is one entry for each pair of channels.", lambda G: G.sum(axis=1)),
        stage("Everything off the diagonal is 0: what goes together is lost.",
              lambda G: np.diag(np.diag(G)) if G.shape[0] == G.shape[1] else None),
        stage("Only the upper triangle is filled; the Gram matrix is symmetric.", np.triu),
        stage("Only the lower triangle is filled; the Gram matrix is symmetric.", np.tril),
        stage("The diagonal is 0: a channel goes with itself, too.",
              lambda G: G - np.diag(np.diag(G)) if G.shape[0] == G.shape[1] else None),
        stage("You return one row of the Gram matrix: there is one for each channel.", lambda G: G[0]),
        stage("1 is subtracted on the diagonal.", lambda G: G - np.eye(*G.shape)),
        stage("1 is added on the diagonal.", lambda G: G + np.eye(*G.shape)),
        stage("You square the entries of the Gram matrix.", np.square),
        stage("You take square roots of the entries of the Gram matrix.", np.sqrt),
        stage("You take square roots of the entries of the Gram matrix.", lambda G: np.sqrt(np.abs(G))),
        stage("Negative entries of the Gram matrix are set to 0.", lambda G: np.maximum(G, 0)),
        stage("You subtract the mean of the Gram matrix.", lambda G: G - G.mean()),
        stage("You add an axis: the Gram matrix has two, (n_C, n_C).", lambda G: G[None]),
        stage("You add an axis: the Gram matrix has two, (n_C, n_C).", lambda G: G[..., None]),
        stage("You unroll the Gram matrix: it has two axes, (n_C, n_C).", lambda G: G.reshape(-1)),
        stage("The entries are rounded to whole numbers.", np.round),
        stage("The entries are rounded to whole numbers.", np.trunc),
        stage("You scale the entries so that the diagonal is 1: that is a correlation.",
              lambda G: G / np.sqrt(np.outer(np.diag(G), np.diag(G))) if G.shape[0] == G.shape[1] else None),
    ]

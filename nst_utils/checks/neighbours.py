"""The exercises of the neighbours: directions compared, spots chosen, their vectors put together, and the cost.

Vectors are rows of tables or the channels of activations. What has no direction, a vector of zeros, has the cosine 0
with every other, and of several spots that fit equally well any may be chosen.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.base.types import Array
from nst_utils.checks.comparing import RANDOM, close, diagnosed, evaluate, show, value_of
from nst_utils.checks.formulas import Arrays, Formula
from nst_utils.checks.hypotheses import RIGHT, Make, Mistake, altered, told
from nst_utils.checks.result import Wrong
from nst_utils.checks.stages import finishing, in_both, in_one, unchanged
from nst_utils.checks.student import Student
from nst_utils.engine import costs

# How much less than the greatest cosine the chosen one may be: what TF32 on a GPU rounds away.
_TIE = 2e-3
_REMEDY = (
    "`tf.math.l2_normalize` leaves such a vector as it is; else add a tiny number to the squares' sum before the root."
)


# --- Lengths ------------------------------------------------------------------------------------------------


def _divided(v: Array, length: Array) -> Array:
    return np.divide(v, length, out=np.zeros_like(v), where=length != 0)


def _length(v: Array, axis: Any = -1) -> Array:
    return np.sqrt(np.sum(v**2, axis=axis, keepdims=True))


def _unit(v: Array, axis: Any = -1) -> Array:
    return _divided(v, _length(v, axis))


def _positions(v: Array) -> tuple[int, ...]:
    """All axes but that of the channels."""
    return tuple(range(v.ndim - 1))


# What is done in the place of scaling each vector to length 1.
_SCALINGS = {
    "The vectors are not scaled to length 1, so a long one counts more, whatever its direction.": unchanged,
    "You scale along the wrong axis: each channel over all positions gets length 1. A vector is a row, the channels of "
    "one position.": lambda v: _unit(v, _positions(v)),
    "You divide by the length of the whole table: each vector is divided by its own.": lambda v: v / _length(v, None),
    "You divide by the square of each length: the root is missing.": lambda v: _divided(v, _length(v) ** 2),
    "You divide by the root of each length: one root too many.": lambda v: _divided(v, np.sqrt(_length(v))),
    "You divide by sums of absolute values: the length is the root of the sum of squares.": (
        lambda v: _divided(v, np.abs(v).sum(axis=-1, keepdims=True))
    ),
    "You divide by sums: the length is the root of the sum of squares.": (
        lambda v: _divided(v, v.sum(axis=-1, keepdims=True))
    ),
    "You divide by the largest entry of each vector: the length is the root of the sum of squares.": (
        lambda v: _divided(v, v.max(axis=-1, keepdims=True))
    ),
    "You divide by the largest absolute value of each vector: the length is the root of the sum of squares.": (
        lambda v: _divided(v, np.abs(v).max(axis=-1, keepdims=True))
    ),
    "You divide by the smallest entry of each vector: the length is the root of the sum of squares.": (
        lambda v: _divided(v, v.min(axis=-1, keepdims=True))
    ),
    "You multiply by each length: divide by it.": lambda v: v * _length(v),
    "You add each length: divide by it.": lambda v: v + _length(v),
    "You subtract each length: divide by it.": lambda v: v - _length(v),
    "You divide by each length and round down (`//`): divide (`/`).": lambda v: np.floor(_divided(v, _length(v))),
    "You divide by the mean of the squares' root: the length is the root of their sum.": (
        lambda v: _divided(v, _length(v) / np.sqrt(v.shape[-1]))
    ),
    "You divide by the root of the largest square: the length is the root of the sum of squares.": (
        lambda v: _divided(v, np.sqrt(np.max(v**2, axis=-1, keepdims=True)))
    ),
    "You divide by the root of the smallest square: the length is the root of the sum of squares.": (
        lambda v: _divided(v, np.sqrt(np.min(v**2, axis=-1, keepdims=True)))
    ),
    "You add 1 to each length before you divide: only a tiny number keeps the value.": lambda v: v / (1 + _length(v)),
    "You subtract each vector's own mean over its channels: the cosine is of the vectors as they are.": (
        lambda v: _unit(v - v.mean(axis=-1, keepdims=True))
    ),
    "You subtract each channel's mean: no mean belongs here.": (
        lambda v: _unit(v - v.mean(axis=_positions(v), keepdims=True))
    ),
    "You take absolute values of the entries: their signs are a part of the direction.": lambda v: _unit(np.abs(v)),
    "You set negative entries to 0: their signs are a part of the direction.": lambda v: _unit(np.maximum(v, 0)),
    "You square the entries first.": lambda v: _unit(v**2),
    "You only keep the signs of the entries.": lambda v: _unit(np.sign(v)),
    "You take a softmax of each vector: scale it to length 1.": lambda v: _softmax(v),
}
_ALONG_ONE_SIDE = {
    "You scale along the wrong axis: along the rows of the picture (n_H). A vector is the channels of one position, "
    "the last axis.": lambda v: _unit(v, 1),
    "You scale along the wrong axis: along the columns of the picture (n_W). A vector is the channels of one position, "
    "the last axis.": lambda v: _unit(v, 2),
    "You scale along the wrong axis: along the batch (axis 0), which has one entry. A vector is the channels of one "
    "position, the last axis.": lambda v: _unit(v, 0),
}


def _softmax(v: Array, axis: Any = -1) -> Array:
    e = np.exp(v - v.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# --- Cosine similarity --------------------------------------------------------------------------------------


def _two_tables(shape: Any, scale: float) -> tuple[Array, Array]:
    """x (n, d) and y (m, d)."""
    n, m, d = shape
    x, y = RANDOM.standard_normal((n, d)) + 0.4, 2 * RANDOM.standard_normal((m, d)) - 0.7
    return (scale * x).astype(np.float32), (scale * y).astype(np.float32)


def _pairs(text: str, make: Make, **options: Any) -> Mistake:
    """A mistake in what is made of each pair of rows of x and y, (n, d) and (m, d)."""
    return Mistake(text, lambda both, case: make(*both), **options)


def _differences(x: Array, y: Array) -> Array:
    return x[:, None] - y[None]


def _reshaped(x: Array, y: Array) -> Array:
    return x @ y.reshape(y.shape[::-1])


_DISTANCE = "That is a distance, 0 for the same direction: the similarity is the sum of the products."


def _comparing_pairs() -> list[Mistake]:
    return [
        _pairs("", lambda x, y: x @ y.T),
        _pairs("Your table is transposed: its rows are for those of `x`, its columns for those of `y`.",
               lambda x, y: y @ x.T),
        _pairs(_DISTANCE, lambda x, y: np.sqrt(np.sum(_differences(x, y) ** 2, axis=-1))),
        _pairs(_DISTANCE, lambda x, y: np.sqrt(np.sum(_differences(x, y) ** 2, axis=-1)).T),
        _pairs(_DISTANCE + " (It is squared, too.)", lambda x, y: np.sum(_differences(x, y) ** 2, axis=-1)),
        _pairs(_DISTANCE, lambda x, y: np.sum(np.abs(_differences(x, y)), axis=-1)),
        _pairs("You subtract the vectors: multiply them.", lambda x, y: np.sum(_differences(x, y), axis=-1)),
        _pairs("You add the vectors: multiply them.", lambda x, y: np.sum(x[:, None] + y[None], axis=-1)),
        _pairs("You divide the vectors by each other: multiply them.",
               lambda x, y: np.sum(x[:, None] / y[None], axis=-1)),
        _pairs("You divide the vectors and round down (`//`): multiply them.",
               lambda x, y: np.sum(np.floor(x[:, None] / y[None]), axis=-1)),
        _pairs("You take the largest of the products: sum them.", lambda x, y: np.max(x[:, None] * y[None], axis=-1)),
        _pairs("You take the smallest of the products: sum them.", lambda x, y: np.min(x[:, None] * y[None], axis=-1)),
        _pairs("You multiply the products: sum them.", lambda x, y: np.prod(x[:, None] * y[None], axis=-1)),
        _pairs("The products are not summed over the channels.", lambda x, y: x[:, None] * y[None]),
        _pairs("You sum the products over the wrong axis: a channel at a time stays; sum over the channels, the last "
               "axis.", lambda x, y: np.sum(x[:, None] * y[None], axis=0)),
        _pairs("You sum the products over the wrong axis: a channel at a time stays; sum over the channels, the last "
               "axis.", lambda x, y: np.sum(x[:, None] * y[None], axis=1)),
        _pairs("You sum over everything: there is one similarity for each pair of rows.",
               lambda x, y: np.sum(x[:, None] * y[None])),
        _pairs("A `reshape` is no transpose: it keeps the order of the numbers, so the rows of `y` do not become "
               "columns.", _reshaped),
        _pairs("You compare `x` with itself.", lambda x, y: x @ x.T),
        _pairs("You compare `y` with itself.", lambda x, y: y @ y.T),
        _pairs("You square the products.", lambda x, y: np.sum((x[:, None] * y[None]) ** 2, axis=-1)),
        _pairs("You return one table: the product is missing.", lambda x, y: x),
        _pairs("You return one table: the product is missing.", lambda x, y: y),
        _pairs("You return one table: the product is missing.", lambda x, y: y.T),
    ]


def _with_both_lengths(S: Array, case: Arrays, by: Make) -> Array | None:
    x, y = case.arguments
    return by(S, _length(x) * _length(y).T) if S.shape == (len(x), len(y)) else None


def _finishing_pairs() -> list[Mistake]:
    def stage(text: str, make: Make, **options: Any) -> Mistake:
        return Mistake(text, lambda S, case: make(S) if np.ndim(S) == 2 else None, **options)

    return [
        RIGHT,
        stage("You return 1 minus the cosine: that is a distance, 0 for the same direction.", lambda S: 1 - S),
        stage("You return the cosine minus 1: it is the cosine itself.", lambda S: S - 1),
        stage("You add 1 to the cosine.", lambda S: S + 1),
        stage("You return the angle (`acos`): the similarity is its cosine.", lambda S: np.arccos(np.clip(S, -1, 1))),
        stage("You take absolute values: opposite directions are not alike, their cosine is -1.", np.abs),
        stage("You set negative cosines to 0.", lambda S: np.maximum(S, 0)),
        stage("You square the cosines.", np.square),
        stage("You take exponentials.", np.exp),
        stage("You take a softmax: return the cosines themselves.", _softmax),
        stage("You round the cosines.", np.round),
        stage("You scale the table of products to length 1, and not the vectors before you multiply: the lengths of "
              "the vectors are still in it.", lambda S: _unit(S, 1)),
        stage("You scale the table of products to length 1, and not the vectors before you multiply: the lengths of "
              "the vectors are still in it.", lambda S: _unit(S, 0)),
        stage("You scale the table of products to length 1, and not the vectors before you multiply: the lengths of "
              "the vectors are still in it.", lambda S: S / _length(S, None)),
        stage("You sum the table up: there is one similarity for each pair of rows.", np.sum),
        stage("You sum the table up: there is one similarity for each pair of rows.", lambda S: S.sum(axis=1)),
        stage("You sum the table up: there is one similarity for each pair of rows.", lambda S: S.sum(axis=0)),
        stage("You return the greatest similarity of each row: all of them are asked for.", lambda S: S.max(axis=1)),
        stage("You return the greatest similarity of each row: all of them are asked for.", lambda S: S.max(axis=0)),
        stage("You return where the greatest similarity is: that comes later, here all similarities are asked for.",
              lambda S: S.argmax(axis=1).astype(float)),
        stage("You return where the greatest similarity is: that comes later, here all similarities are asked for.",
              lambda S: S.argmax(axis=0).astype(float)),
        stage("You add an axis: the table has two, (n, m).", lambda S: S[None]),
        stage("You unroll the table: it has two axes, (n, m).", lambda S: S.reshape(-1)),
        Mistake("You divide by the lengths a second time.",
                lambda S, case: _with_both_lengths(S, case, lambda S, lengths: S / lengths)),
        Mistake("You multiply by the lengths: divide by them.",
                lambda S, case: _with_both_lengths(S, case, lambda S, lengths: S * lengths**2)),
        Mistake("You add the lengths to the products: divide by them.",
                lambda S, case: _with_both_lengths(S, case, lambda S, lengths: S * lengths + lengths)),
        Mistake("You subtract the lengths from the products: divide by them.",
                lambda S, case: _with_both_lengths(S, case, lambda S, lengths: S * lengths - lengths)),
        Mistake("You round the quotients down (`//`): divide (`/`).", lambda S, case: np.floor(S)),
        Mistake("You divide the lengths by the products: it is the other way round.", lambda S, case: 1 / S),
        Mistake("You divide by the sum of the two lengths: by their product.",
                lambda S, case: _with_sum_of_lengths(S, case)),
    ]


def _with_sum_of_lengths(S: Array, case: Arrays) -> Array | None:
    x, y = case.arguments
    return S * (_length(x) * _length(y).T) / (_length(x) + _length(y).T) if S.shape == (len(x), len(y)) else None


_COSINE = Formula(
    right=costs.cosine_similarity,
    arguments=("x", "y"),
    draw=_two_tables,
    dimensions=lambda x, y: (len(x), len(y), x.shape[1]),
    constant=1,
    powers={"n": 0, "m": 0, "d": 0},
    stages=(
        [
            in_both("", _unit),
            *(in_both(text, make) for text, make in _SCALINGS.items()),
            *(
                mistake
                for text, make in _SCALINGS.items()
                for mistake in in_one(text[0].lower() + text[1:], make, _unit, ("x", "y"))
            ),
        ],
        _comparing_pairs(),
        _finishing_pairs(),
    ),
    known={(1, 0, 0, 1): [("You take the mean of the products over the channels: sum them.", ())]},
    minor=frozenset(text for text in _SCALINGS if "not scaled" not in text and "wrong axis" not in text),
    from_session=False,
    has_gradient=False,
    adds_nothing=False,
)


def cosine_similarity(student: Student, _: object) -> None:
    """Return for a right cosine_similarity, else raise Wrong."""
    _refuse_lost_zeros(student)
    _COSINE(student, True)


def _refuse_lost_zeros(student: Student) -> None:
    """Raise Wrong where all is right but for vectors of zeros."""
    for which in ("x", "y"):
        x, y = _two_tables((4, 6, 5), 2.0)
        zero = x if which == "x" else y
        zero[1] = 0
        with eager_mode():
            want = costs.cosine_similarity(x, y).numpy().astype(np.float64)
        got, _ = evaluate(student, (x, y), True)
        known = np.delete(np.arange(want.size).reshape(want.shape), 1, axis=0 if which == "x" else 1)
        if got.shape != want.shape or close(got, want) or not close(got.flat[known], want.flat[known]):
            continue
        lost = got[1] if which == "x" else got[:, 1]
        if np.isnan(lost).any():
            raise Wrong(
                f"Right but for a vector of zeros in `{which}`: it has no direction, and 0 divided by its length, 0, "
                f"gives NaN. Its similarity is to be 0: {_REMEDY}"
            )
        raise Wrong(
            f"Right but for a vector of zeros in `{which}`: its similarity is to be 0, and yours is {lost.flat[0]:.4g}."
        )


# --- The nearest spots --------------------------------------------------------------------------------------

# Photograph's places, painting's spots, channels.
_TABLES = ((16, 9, 6), (8, 24, 5), (21, 13, 8), (12, 33, 4), (30, 17, 7))


def _photograph_and_painting(shape: Any) -> tuple[Array, Array]:
    """v_C (places, d), v_S (spots, d), 0 or more, as activations are; the means differ, and one spot is there twice."""
    places, spots, d = shape
    spread = RANDOM.uniform(0.5, 2.5, (2, 1, d))
    v_C = 4 * RANDOM.uniform(0.2, 1, d) + spread[0] * RANDOM.standard_normal((places, d))
    v_S = 9 * RANDOM.uniform(0.2, 1, d) + 2 * spread[1] * RANDOM.standard_normal((spots, d))
    v_S[spots // 2] = v_S[spots // 3]
    return np.maximum(v_C, 0).astype(np.float32), np.maximum(v_S, 0).astype(np.float32)


def _mean_of(*tables: Array) -> Array:
    return np.concatenate(tables).mean(axis=0)


# What may be subtracted from a table: (C, S) -> its shift.
_MEANS: dict[str, Make] = {
    "nothing": lambda C, S, own: 0,
    "the photograph's mean": lambda C, S, own: _mean_of(C),
    "the painting's mean": lambda C, S, own: _mean_of(S),
    "the mean of both pictures together": lambda C, S, own: _mean_of(C, S),
    "half the sum of both means": lambda C, S, own: (_mean_of(C) + _mean_of(S)) / 2,
    "one number, the mean of the whole table": lambda C, S, own: own.mean(),
    "each vector's mean over its channels (the wrong axis)": lambda C, S, own: own.mean(axis=1, keepdims=True),
    "the sum": lambda C, S, own: own.sum(axis=0),
    "the largest entry of each channel": lambda C, S, own: own.max(axis=0),
    "the smallest entry of each channel": lambda C, S, own: own.min(axis=0),
    "the mean with the wrong sign, so that it is added": lambda C, S, own: -own.mean(axis=0),
}
_OWN = "each picture's vectors are measured from that picture's own mean"


def _centred(v: Array) -> Array:
    return v - v.mean(axis=0)


def _divided_by(v: Array, mean: Array) -> Array:
    return _divided(v, np.broadcast_to(mean, v.shape))


def _centring() -> list[Mistake]:
    """What may be subtracted from each of the two tables; (case) -> (X, Y)."""

    def stage(text: str, of_C: str, of_S: str) -> Mistake:
        def make(case: Arrays) -> tuple[Array, Array]:
            C, S = case.arguments
            return C - _MEANS[of_C](C, S, C), S - _MEANS[of_S](C, S, S)

        return Mistake(text, make)

    right = ("the photograph's mean", "the painting's mean")
    stages = [stage("", *right)]
    for of_C, of_S in itertools.product(_MEANS, _MEANS):
        if (of_C, of_S) == right:
            continue
        if (of_C, of_S) == ("nothing", "nothing"):
            text = f"No mean is subtracted: {_OWN}, over all positions."
        elif of_C == of_S:
            text = f"From both tables you subtract {of_C}: {_OWN}."
        elif of_S == right[1]:
            text = f"From the photograph's vectors you subtract {of_C}: {_OWN}."
        elif of_C == right[0]:
            text = f"From the painting's vectors you subtract {of_S}: {_OWN}."
        elif (of_C, of_S) == right[::-1]:
            text = f"The means are exchanged: {_OWN}."
        else:
            text = f"From `v_C` you subtract {of_C}, from `v_S` {of_S}: {_OWN}."
        stages.append(stage(text, of_C, of_S))

    def after_scaling(case: Arrays) -> tuple[Array, ...]:
        return tuple(_unit(v) - _unit(v).mean(axis=0) for v in case.arguments)

    def combined(make: Make) -> Make:
        return lambda case: (make(case.arguments[0], np.mean(case.arguments[0], axis=0)), _centred(case.arguments[1]))

    def combined_painting(make: Make) -> Make:
        return lambda case: (_centred(case.arguments[0]), make(case.arguments[1], np.mean(case.arguments[1], axis=0)))

    def by_spread(case: Arrays) -> tuple[Array, ...]:
        return tuple(_divided(v - v.mean(axis=0), v.std(axis=0)) for v in case.arguments)

    def one_twice(which: int) -> tuple[Make, ...]:
        """One of the pictures in both places, less its own mean in both, or less the means of both."""
        return (
            lambda case: (_centred(case.arguments[which]),) * 2,
            lambda case: tuple(case.arguments[which] - v.mean(axis=0) for v in case.arguments),
        )

    operations: dict[str, Make] = {"multiply by": np.multiply, "divide by": _divided_by, "add": np.add}
    return [
        *stages,
        Mistake("You scale the vectors to length 1 before you subtract the mean: subtract first.", after_scaling),
        Mistake("You divide by each channel's standard deviation: only the mean is subtracted.", by_spread),
        *(Mistake("You compare the photograph with itself.", make) for make in one_twice(0)),
        *(Mistake("You compare the painting with itself.", make) for make in one_twice(1)),
        *(
            Mistake(f"You {verb} the mean of the {picture}'s vectors: subtract it.", made(operation))
            for verb, operation in operations.items()
            for picture, made in (("photograph", combined), ("painting", combined_painting))
        ),
    ]


def _likeness() -> list[Mistake]:
    """What may be made of the tables X and Y: (places, spots), the greater the nearer."""
    return [
        _pairs("", lambda x, y: _unit(x) @ _unit(y).T),
        _pairs("The vectors are not scaled to length 1: a dot product prefers long vectors, whatever their direction. "
               "Take the cosine.", lambda x, y: x @ y.T),
        _pairs("You take the spot at the least distance: long vectors are far from short ones, though they point the "
               "same way. Take the cosine.", lambda x, y: -np.sum(_differences(x, y) ** 2, axis=-1)),
        _pairs("You take the spot at the least distance: long vectors are far from short ones, though they point the "
               "same way. Take the cosine.", lambda x, y: -np.sum(np.abs(_differences(x, y)), axis=-1)),
        _pairs("You scale along the wrong axis: each channel gets length 1, and not each vector.",
               lambda x, y: _unit(x, 0) @ _unit(y, 0).T),
        _pairs("You scale along the wrong axis: each channel gets length 1, and not each vector.",
               lambda x, y: _unit(x) @ _unit(y, 0).T),
        _pairs("You divide by the square of each length: the root is missing.",
               lambda x, y: x @ _divided(y, _length(y) ** 2).T),
        _pairs("You take absolute values of the cosines: the opposite direction is not near.",
               lambda x, y: np.abs(_unit(x) @ _unit(y).T)),
        _pairs("A vector without a direction, of zeros, is chosen: 0 divided by its length, 0, gives NaN.",
               lambda x, y: _unit(x) @ _unit(y).T + 9 * (_length(y) == 0).T),
        _pairs("You only look at the lengths of the vectors.",
               lambda x, y: np.broadcast_to(_length(y).T, (len(x), len(y)))),
    ]


def _picking() -> list[Mistake]:
    """Which entry of a row is chosen: what comes is a table whose greatest entry in each row is it."""

    def stage(text: str, make: Make) -> Mistake:
        return Mistake(text, lambda S, case: make(S))

    return [
        RIGHT,
        stage("You choose the least similar spot: `argmin` belongs to a distance, `argmax` to a similarity.",
              lambda S: -S),
        stage("You look along the wrong axis, or exchange the pictures: for each spot of the painting you choose a "
              "place of the photograph. The spots are the columns, axis 1.", lambda S: S.T),
        stage("You look along the wrong axis, and choose the least similar.", lambda S: -S.T),
        stage("Your numbers are off by one: the first spot has the number 0.", lambda S: np.roll(S, 1, axis=1)),
        stage("Your numbers are off by one.", lambda S: np.roll(S, -1, axis=1)),
        stage("Your numbers count from the end: the first spot has the number 0.", lambda S: S[:, ::-1]),
        stage("The places are in the reverse order.", lambda S: S[::-1]),
        stage("You choose the second nearest spot.", _without_the_greatest),
        stage("You choose the same spot for every place: the one that is most similar on average.",
              lambda S: np.broadcast_to(S.mean(axis=0), S.shape)),
    ]


def _without_the_greatest(S: Array) -> Array:
    """Without the greatest of each row; where several are, any of them is the second as well."""
    greatest = S >= S.max(axis=1, keepdims=True) - 1e-9
    return np.where(greatest & (greatest.sum(axis=1, keepdims=True) == 1), -np.inf, S)


_STAGES = (_centring(), _likeness(), _picking())
# With what is rarer, pairs of mistakes explain too much: where all places choose one spot, nearly anything does.
_ALONE = frozenset(
    mistake.text
    for mistake in _STAGES[0]
    if mistake.text and not mistake.text.startswith(("No mean", "From both tables", "You scale", "The means"))
)


def _agrees(chosen: Array, table: Array) -> bool:
    """Whether in every row of the table the chosen entry is (nearly) the greatest; a row of one value says nothing."""
    inside = chosen.size and chosen.min() >= 0 and table is not None and chosen.max() < table.shape[1]
    return bool(inside) and _would_choose(chosen, table)


def _would_choose(chosen: Array, table: Array) -> bool:
    """The same for the table of a hypothesis, where a number beyond the last stands for one at the other end."""
    if table is None or chosen.shape != table.shape[:1]:
        return False
    chosen = chosen % table.shape[1]
    tie = _TIE * min(1.0, np.abs(table[np.isfinite(table)]).max())
    return bool((table[np.arange(len(table)), chosen] >= table.max(axis=1) - tie).all())


def nearest_spots(student: Student, _: object) -> None:
    """Return for a right nearest_spots, else raise Wrong; of equally near spots any will do."""
    inputs = [_photograph_and_painting(shape) for shape in _TABLES] + [_with_zeros(which) for which in (0, 1)]
    cases = [Arrays(tuple(v.astype(np.float64) for v in both), 1.0) for both in inputs]
    answers = [_numbers(student, *both) for both in inputs]
    right = [next(table(number) for _, table in altered(_STAGES, cases)) for number in range(len(cases))]
    if all(map(_agrees, answers, right)):
        return
    raise Wrong(_fault_of_choice(answers, cases, right, inputs))


def _with_zeros(which: int) -> tuple[Array, Array]:
    """Tables of which one has the mean itself as its first vector: without it, the vector is exactly zero."""
    C, S = ((RANDOM.integers(1, 9, (n, 5)) * 8).astype(np.float32) for n in (7, 15))
    chosen = (C, S)[which]
    # As many vectors on one side of the mean as on the other, so that it is exact in float32.
    half = (len(chosen) - 1) // 2
    middle = np.full(5, 64, np.float32)
    chosen[0], chosen[1 + half :] = middle, 2 * middle - chosen[1 : 1 + half]
    return C, S


def _numbers(student: Student, v_C: Array, v_S: Array) -> Array:
    """The answer as an int array, one number for each place."""
    told = student.ask("value", inputs=[v_C, v_S], eager=True)["value"]
    got = value_of(told)
    if np.isnan(got).any():
        raise Wrong(f"Numbers of spots are asked for, and yours are not numbers: is something divided by 0? {_REMEDY}")
    if (got != np.round(got)).any():
        raise Wrong(_not_whole(got, v_C, v_S))
    if got.shape in ((len(v_C), 1), (1, len(v_C)), (len(v_C), len(v_S))):
        what = "a table" if got.shape[-1] > 1 and len(got) > 1 else "one axis too many"
        raise Wrong(
            f"Your result has the shape {got.shape}, {what}: one number for each place is asked for, {(len(v_C),)}. "
            "Where is the greatest entry of each row?"
        )
    if got.shape not in ((len(v_C),), (len(v_S),)):
        raise Wrong(
            f"One number for each place of the photograph is asked for, so the shape {(len(v_C),)}; yours is "
            f"{got.shape}."
        )
    if "int" not in str(told.get("dtype")):
        raise Wrong("The numbers of spots are to be whole numbers, as `tf.argmax` gives them; yours are floats.")
    return got.astype(int)


def _not_whole(got: Array, v_C: Array, v_S: Array) -> str:
    if got.shape == (len(v_C), len(v_S)):
        return (
            "You return the whole table of similarities: for each place, the number of the spot with the greatest is "
            "asked for (`tf.argmax`)."
        )
    return (
        "You return similarities: the number of the spot where it is greatest is asked for (`tf.argmax`), not how "
        "great it is there (`tf.reduce_max`)."
    )


def _fault_of_choice(answers: Sequence[Array], cases: Any, right: Any, inputs: Any) -> str:
    name = diagnosed(_name_of_choice, answers, cases)
    if not name and all((answer == 0).all() for answer in answers):
        name = (
            "Every place chooses the first spot, as where all similarities are the same: is something multiplied by 0, "
            "or a table subtracted from itself in the place of its mean?"
        )
    case = next(number for number in range(len(cases)) if not _agrees(answers[number], right[number]))
    v_C, v_S = inputs[case]
    shapes = f"`v_C` of shape {v_C.shape} and `v_S` of shape {v_S.shape}"
    if answers[case].shape != right[case].shape[:1]:
        seen = f"expected {len(v_C)} numbers, one for each place; yours gives {answers[case].size}."
        return f"{name} For {shapes}, {seen}".strip()
    chosen = answers[case]
    outside = (chosen < 0) | (chosen >= len(v_S))
    if outside.any():
        seen = f"expected numbers from 0 to {len(v_S) - 1}; yours gives {chosen[outside][0]}."
        return f"{name} For {shapes}, {seen}".strip()
    place = int(np.argmax(right[case].max(axis=1) - right[case][np.arange(len(chosen)), chosen]))
    best = int(right[case][place].argmax())
    return (
        f"{name} For {shapes}, expected for the place {place} the spot {best}, whose cosine is "
        f"{right[case][place, best]:.3g}; yours gives the spot {chosen[place]}, whose cosine is "
        f"{right[case][place, chosen[place]]:.3g}."
    ).strip()


def _name_of_choice(answers: Sequence[Array], cases: Sequence[Arrays]) -> str:
    """The mistakes that explain all choices, the fewest first; "" where none do."""
    fewest, texts = np.inf, []
    for mistakes, table in altered(_STAGES, cases, _ALONE):
        if len(mistakes) > fewest:
            break
        if mistakes and all(_would_choose(answer, table(number)) for number, answer in enumerate(answers)):
            fewest = len(mistakes)
            texts.append(" ".join(mistake.text for mistake in mistakes))
    return told(texts)


# --- The targets --------------------------------------------------------------------------------------------


def _two_and_choice(shape: Any, scale: float) -> tuple[Array, ...]:
    """Activations of two pictures of different sizes, and a choice among the positions of the second."""
    n_H, n_W, n_C = shape
    other = {5: (6, 4), 11: (4, 9), 3: (7, 8), 7: (5, 3), 9: (8, 7)}.get(n_H, (12, 31))
    a_C = scale * (2 + RANDOM.standard_normal((1, n_H, n_W, n_C)))
    a_S = scale * (-1 + RANDOM.standard_normal((1, *other, n_C)))
    chosen = RANDOM.integers(0, other[0] * other[1], n_H * n_W)
    return a_C.astype(np.float32), a_S.astype(np.float32), chosen


def _rows(a: Array) -> Array:
    return a.reshape(-1, a.shape[-1])


def _by_columns(a: Array) -> Array:
    """The vectors counted column by column."""
    return _rows(a.transpose(0, 2, 1, 3))


def _cut(a: Array) -> Array:
    """What `reshape` alone makes of a table with the channels in front."""
    return a.reshape(a.shape[-1], -1).T


def _sources() -> list[Mistake]:
    """Which table is gathered from: (case) -> (n, n_C)."""

    def stage(text: str, make: Make) -> Mistake:
        return Mistake(text, lambda case: make(*case.arguments[:2]))

    return [
        stage("", lambda a_C, a_S: _rows(a_S)),
        stage("You gather from the photograph, `a_C`: the numbers are those of spots of the painting, `a_S`.",
              lambda a_C, a_S: _rows(a_C)),
        stage("The painting's positions are counted column by column, rows and columns exchanged: `chosen` counts them "
              "row by row, as a `reshape` of `a_S` to (n_H*n_W, n_C) does.", lambda a_C, a_S: _by_columns(a_S)),
        stage("A `reshape` to (n_C, n_H*n_W) mixes channels and positions: unroll to (n_H*n_W, n_C).",
              lambda a_C, a_S: _cut(a_S)),
        stage("You subtract the painting's mean: the targets are the vectors as they are.",
              lambda a_C, a_S: _rows(a_S) - _rows(a_S).mean(axis=0)),
        stage("You scale the vectors to length 1: the targets are the vectors as they are.",
              lambda a_C, a_S: _unit(_rows(a_S))),
        stage("You turn the order of the painting's positions round.", lambda a_C, a_S: _rows(a_S)[::-1]),
        stage("You turn the order of the channels round.", lambda a_C, a_S: _rows(a_S)[:, ::-1]),
        stage("You take the same vector, the painting's mean, for every place.",
              lambda a_C, a_S: np.broadcast_to(_rows(a_S).mean(axis=0), _rows(a_S).shape)),
    ]


def _choosing() -> list[Mistake]:
    """Which rows of the table are taken: (table, case) -> (places, n_C)."""

    def stage(text: str, make: Make) -> Mistake:
        def taken(table: Array, case: Arrays) -> Array:
            a_C, a_S, chosen = case.arguments
            numbers = make(chosen.astype(int), a_C.shape, a_S.shape)
            return table[np.clip(numbers, 0, len(table) - 1)]

        return Mistake(text, taken)

    def by(width: Any, exchanged: bool = False) -> Make:
        def numbers(chosen: Array, C: Any, S: Any) -> Array:
            row, column = chosen // width(C, S), chosen % width(C, S)
            row, column = (column, row) if exchanged else (row, column)
            return np.clip(row, 0, S[1] - 1) * S[2] + np.clip(column, 0, S[2] - 1)

        return numbers

    return [
        stage("", lambda chosen, C, S: chosen),
        stage("The numbers are off by one: the first spot has the number 0.", lambda chosen, C, S: chosen + 1),
        stage("The numbers are off by one: the first spot has the number 0.", lambda chosen, C, S: chosen - 1),
        stage("You take the rows and columns of the numbers by the photograph's width: they count the painting's "
              "positions, whose rows have the painting's n_W.", by(lambda C, S: C[2])),
        stage("You take the rows and columns of the numbers by the painting's height: the numbers go row by row, and a "
              "row has n_W positions.", by(lambda C, S: S[1])),
        stage("Rows and columns are exchanged: `chosen // n_W` is the row, `chosen % n_W` the column.",
              by(lambda C, S: S[2], exchanged=True)),
        stage("You sort what was chosen: it is in the order of the photograph's places.",
              lambda chosen, C, S: np.sort(chosen)),
        stage("You turn the order of the places round.", lambda chosen, C, S: chosen[::-1]),
        stage("You take the spots in their own order, not those that were chosen: use `chosen`.",
              lambda chosen, C, S: np.arange(len(chosen))),
        stage("You take the first chosen spot for every place.", lambda chosen, C, S: np.full_like(chosen, chosen[0])),
    ]


def _laying_out() -> list[Mistake]:
    """How the vectors are laid out: (table, case) -> the answer."""

    def stage(text: str, make: Make) -> Mistake:
        def laid(table: Array, case: Arrays) -> Array:
            a_C, a_S, _ = case.arguments
            return make(table, a_C.shape, a_S.shape)

        return Mistake(text, laid)

    batch = "The batch axis is missing: the targets have the shape of `a_C`, (1, n_H, n_W, n_C)."
    return [
        stage("", lambda table, C, S: table.reshape(C)),
        stage("You lay the vectors out column by column: the places are counted row by row.",
              lambda table, C, S: table.reshape(1, C[2], C[1], C[3]).transpose(0, 2, 1, 3)),
        stage("Height and width are exchanged: the targets have the shape of `a_C`, (1, n_H, n_W, n_C).",
              lambda table, C, S: table.reshape(1, C[2], C[1], C[3])),
        stage("The vectors are still one below the other: give them the shape of `a_C`, (1, n_H, n_W, n_C).",
              lambda table, C, S: table),
        stage("The vectors are still one below the other: give them the shape of `a_C`, (1, n_H, n_W, n_C).",
              lambda table, C, S: table[None]),
        stage(batch, lambda table, C, S: table.reshape(C[1:])),
        stage("Height and width are exchanged: the targets have the shape of `a_C`, (1, n_H, n_W, n_C).",
              lambda table, C, S: table.reshape(C).transpose(0, 2, 1, 3)),
        stage("The order of the columns is turned round: the picture is mirrored.",
              lambda table, C, S: table.reshape(C)[:, :, ::-1]),
        stage("The order of the rows is turned round: the picture is upside down.",
              lambda table, C, S: table.reshape(C)[:, ::-1]),
        stage("You sort the entries of each vector: which channel they belong to is lost.",
              lambda table, C, S: np.sort(table.reshape(C))),
        Mistake("You mix the targets with the photograph, `a_C`: of it only the shape counts.",
                lambda table, case: (table.reshape(case.arguments[0].shape) + case.arguments[0]) / 2),
        stage("The channels come first: the targets have the shape of `a_C`, (1, n_H, n_W, n_C).",
              lambda table, C, S: np.moveaxis(table.reshape(C), 3, 1)),
        stage("A transpose before the last `reshape` mixes channels and positions.",
              lambda table, C, S: table.T.reshape(C)),
        stage("You sum over an axis: the targets have the shape of `a_C`.",
              lambda table, C, S: table.reshape(C).sum(axis=-1)),
    ]


_TARGETS = Formula(
    right=costs.compute_targets,
    arguments=("a_C", "a_S", "chosen"),
    draw=_two_and_choice,
    dimensions=lambda a_C, a_S, chosen: a_C.shape[1:],
    constant=1,
    powers={"n_H": 0, "n_W": 0, "n_C": 0},
    stages=(_sources(), _choosing(), _laying_out()),
    shapes=("a_C",),
    from_session=False,
    has_gradient=False,
)


def compute_targets(student: Student, _: object) -> None:
    """Return for a right compute_targets, else raise Wrong."""
    _TARGETS(student, True)


# --- The cost -----------------------------------------------------------------------------------------------


def _three_activations(shape: Any, scale: float) -> tuple[Array, ...]:
    """Activations a_S of a painting of another size, a_T and a_G."""
    n_H, n_W, n_C = shape
    # Of moderate size: of vectors of length 1 less a mean of hundreds, nothing is left in float32.
    scale = scale**0.25
    middle = 3 * RANDOM.uniform(-1, 1, n_C)
    a_S = middle + RANDOM.standard_normal((1, n_H + 2, n_W + 1, n_C))
    a_T = middle + 0.6 + 1.5 * RANDOM.standard_normal((1, n_H, n_W, n_C))
    a_G = 0.5 * middle - 0.4 + 1.2 * RANDOM.standard_normal((1, n_H, n_W, n_C))
    return tuple((scale * a).astype(np.float32) for a in (a_S, a_T, a_G))


def _mean_at(*pictures: Array) -> Array:
    return np.concatenate([_rows(a) for a in pictures]).mean(axis=0)


_SHIFTS: dict[str, Make] = {
    "nothing": lambda S, T, G, own: 0,
    "the mean of `a_S`": lambda S, T, G, own: _mean_at(S),
    "the mean of `a_T`": lambda S, T, G, own: _mean_at(T),
    "the mean of `a_G`": lambda S, T, G, own: _mean_at(G),
    "the mean of `a_S` and `a_G` together": lambda S, T, G, own: _mean_at(S, G),
    "the mean of `a_T` and `a_G` together": lambda S, T, G, own: _mean_at(T, G),
    "the mean of `a_S` and `a_T` together": lambda S, T, G, own: _mean_at(S, T),
    "half the sum of the means of `a_S` and `a_G`": lambda S, T, G, own: (_mean_at(S) + _mean_at(G)) / 2,
    "one number, the mean of the whole of `a_S`": lambda S, T, G, own: S.mean(),
    "each vector's mean over its channels (the wrong axis)": lambda S, T, G, own: own.mean(axis=-1, keepdims=True),
    "the sum of `a_S` over the positions, not its mean,": lambda S, T, G, own: _rows(S).sum(axis=0),
    "the largest entry of each channel of `a_S`, not its mean,": lambda S, T, G, own: _rows(S).max(axis=0),
    "the smallest entry of each channel of `a_S`, not its mean,": lambda S, T, G, own: _rows(S).min(axis=0),
    "the mean of `a_S` with the wrong sign, so that it is added,": lambda S, T, G, own: -_mean_at(S),
    "twice the mean of `a_S`": lambda S, T, G, own: 2 * _mean_at(S),
    "the square of the mean of `a_S`": lambda S, T, G, own: _mean_at(S) ** 2,
}
_FROM_THE_PAINTING = "both are measured from the painting's mean, that of `a_S` over its positions"


def _measuring() -> list[Mistake]:
    """From where the targets and the picture are measured: (case) -> (t, g), (1, n_H, n_W, n_C)."""

    def stage(text: str, of_T: str, of_G: str) -> Mistake:
        def make(case: Arrays) -> tuple[Array, Array]:
            S, T, G = case.arguments
            return T - _SHIFTS[of_T](S, T, G, T), G - _SHIFTS[of_G](S, T, G, G)

        return Mistake(text, make)

    right = "the mean of `a_S`"
    stages = [stage("", right, right)]
    for of_T, of_G in itertools.product(_SHIFTS, _SHIFTS):
        if of_T == of_G == right:
            continue
        if of_T == of_G == "nothing":
            text = f"No mean is subtracted: {_FROM_THE_PAINTING}."
        elif of_T == of_G:
            text = f"You subtract {of_T} from both: {_FROM_THE_PAINTING}."
        elif of_G == right:
            text = f"From `a_T` you subtract {of_T}: {_FROM_THE_PAINTING}."
        elif of_T == right:
            text = f"From `a_G` you subtract {of_G}: {_FROM_THE_PAINTING}."
        else:
            text = f"From `a_T` you subtract {of_T} and from `a_G` {of_G}: {_FROM_THE_PAINTING}."
        stages.append(stage(text, of_T, of_G))

    def all_scaled_first(case: Arrays) -> tuple[Array, Array]:
        S, T, G = map(_unit, case.arguments)
        return T - _mean_at(S), G - _mean_at(S)

    def combined(text: str, make: Make) -> list[Mistake]:
        """What else is made of both, of the targets or of the picture, and the painting's mean."""

        def made(of_T: Make, of_G: Make) -> Make:
            def measured(case: Arrays) -> tuple[Array, Array]:
                S, T, G = case.arguments
                return of_T(T, _mean_at(S)), of_G(G, _mean_at(S))

            return measured

        return [
            Mistake(text, made(make, make)),
            Mistake(f"With `a_T`: {text[0].lower()}{text[1:]}", made(make, np.subtract)),
            Mistake(f"With `a_G`: {text[0].lower()}{text[1:]}", made(np.subtract, make)),
        ]

    def other_pair(text: str, make: Make) -> Mistake:
        return Mistake(text, lambda case: tuple(a - _mean_at(case.arguments[0]) for a in make(*case.arguments)))

    first = "You scale to length 1 before you subtract the mean: subtract first, then scale."
    return [
        *stages,
        Mistake(first, all_scaled_first),
        *combined(first, lambda a, m: _unit(a) - m),
        *combined("You multiply by the painting's mean: subtract it.", lambda a, m: a * m),
        *combined("You divide by the painting's mean: subtract it.", lambda a, m: a / m),
        *combined("You divide by the painting's mean and round down: subtract it.", lambda a, m: np.floor(a / m)),
        other_pair("You compare `a_T` with itself.", lambda S, T, G: (T, T)),
        other_pair("You compare `a_G` with itself.", lambda S, T, G: (G, G)),
    ]


def _scaling_vectors() -> list[Mistake]:
    """How the vectors t and g are scaled."""

    def both(text: str, make: Make) -> Mistake:
        return Mistake(text, lambda pair, case: tuple(map(make, pair)))

    def one(text: str, make: Make, which: int) -> Mistake:
        name = ("a_T", "a_G")[which]
        text = f"The two are not treated alike. With `{name}`: {text[0].lower()}{text[1:]}"
        makers = [_unit, _unit]
        makers[which] = make
        return Mistake(text, lambda pair, case: tuple(f(v) for f, v in zip(makers, pair, strict=True)))

    # To subtract means is a matter of where the vectors are measured from.
    scalings = {text: make for text, make in _SCALINGS.items() if "mean" not in text} | _ALONG_ONE_SIDE
    return [
        both("", _unit),
        *(both(text, make) for text, make in scalings.items()),
        *(one(text, make, which) for text, make in scalings.items() for which in (0, 1)),
    ]


def _comparing_vectors() -> list[Mistake]:
    """What is made of the vectors t and g at each place."""

    def stage(text: str, make: Make, **options: Any) -> Mistake:
        return Mistake(text, lambda pair, case: make(*pair), **options)

    wrong_axis = "You sum the products over the wrong axis: sum over the channels, the last one."
    return [
        stage("", lambda t, g: (t * g).sum(axis=-1)),
        stage("You take the mean of the products over the channels, or leave them as they are: sum them over the last "
              "axis.", lambda t, g: (t * g).mean(axis=-1)),
        stage(wrong_axis, lambda t, g: (t * g).sum(axis=1)),
        stage(wrong_axis, lambda t, g: (t * g).sum(axis=2)),
        stage(wrong_axis, lambda t, g: (t * g).sum(axis=(1, 2))),
        stage("You sum all products up before you take the mean: there is one cosine for each place.",
              lambda t, g: (t * g).sum()),
        stage("You take the largest of the products: sum them.", lambda t, g: (t * g).max(axis=-1)),
        stage("You take the smallest of the products: sum them.", lambda t, g: (t * g).min(axis=-1)),
        stage("You multiply the products: sum them.", lambda t, g: (t * g).prod(axis=-1)),
        stage("You add the vectors: multiply them.", lambda t, g: (t + g).sum(axis=-1)),
        stage("You subtract the vectors: multiply them.", lambda t, g: (t - g).sum(axis=-1)),
        stage("You divide the vectors: multiply them.", lambda t, g: (t / g).sum(axis=-1)),
        stage("You divide the vectors and round down (`//`): multiply them.",
              lambda t, g: np.floor(t / g).sum(axis=-1)),
        stage("You square the products.", lambda t, g: ((t * g) ** 2).sum(axis=-1)),
        stage("You square one of the two.", lambda t, g: (t**2 * g).sum(axis=-1)),
        stage("You square one of the two.", lambda t, g: (t * g**2).sum(axis=-1)),
        stage("You take distances of the vectors: the cosine is the sum of their products.",
              lambda t, g: np.sqrt(((t - g) ** 2).sum(axis=-1))),
        stage("You take squared distances of the vectors: the cosine is the sum of their products.",
              lambda t, g: ((t - g) ** 2).sum(axis=-1)),
        stage("You compare every place with every target: each place has its own.",
              lambda t, g: _rows(t) @ _rows(g).T),
        stage("Only one of the two is in the sum: the products are missing.", lambda t, g: t.sum(axis=-1)),
        stage("Only one of the two is in the sum: the products are missing.", lambda t, g: g.sum(axis=-1)),
        stage("Only one of the two is there: the products are missing.", lambda t, g: t),
        stage("Only one of the two is there: the products are missing.", lambda t, g: g),
    ]


def _of_each_place() -> list[Mistake]:
    """What is made of each cosine c."""

    def stage(text: str, make: Make, **options: Any) -> Mistake:
        return Mistake(text, lambda c, case: make(c), **options)

    return [
        stage("", lambda c: 1 - c),
        stage("The 1 - is missing: a cost is to be least where the vectors point the same way, and the cosine is "
              "greatest there. Subtract it from 1 (no product, no quotient).", lambda c: c),
        stage("You take the negative cosine: subtract it from 1, so that the cost is 0 where the vectors point the "
              "same way.", lambda c: -c),
        stage("You add the cosine to 1: subtract it.", lambda c: 1 + c),
        stage("You divide 1 by the cosine: subtract it.", lambda c: 1 / c, signed=False),
        stage("You divide 1 by the cosine and round down: subtract it.", lambda c: np.floor(1 / c), signed=False),
        stage("You square 1 - cosine.", lambda c: (1 - c) ** 2),
        stage("You take the square root of 1 - cosine.", lambda c: np.sqrt(1 - c)),
        stage("You square the cosine.", lambda c: 1 - c**2),
        stage("You take the cosine's absolute value: vectors of opposite directions are not alike.",
              lambda c: 1 - np.abs(c)),
        stage("You set negative cosines to 0.", lambda c: 1 - np.maximum(c, 0)),
        stage("You take the angle (`acos`): the cost is 1 minus its cosine.", lambda c: np.arccos(np.clip(c, -1, 1))),
        stage("You take exponentials.", lambda c: np.exp(-c)),
        *(
            stage(f"You subtract the cosine from {number}: from 1.", lambda c, number=number: number - c)
            for number in (2, 3, 0.5, 5, 10)
        ),
    ]


def _averaging() -> list[Mistake]:
    """How what came of the places is summed; it is divided by their number n later."""

    def stage(text: str, make: Make, **options: Any) -> Mistake:
        return Mistake(text, lambda v, case: make(v, case.normaliser), **options)

    return [
        # The mean of what came, whatever its shape.
        stage("", lambda v, n: v.mean() * n),
        stage("You sum over the places: take the mean.", lambda v, n: v.sum() * n),
        stage("You take 1 minus the sum of the cosines: minus their mean.", lambda v, n: n * (1 - (1 - v).sum())),
        stage("You take the largest 1 - cosine of all places, that of the smallest cosine: take the mean.",
              lambda v, n: v.max() * n, ran=("Max", "Min")),
        stage("You take the smallest 1 - cosine of all places, that of the largest cosine: take the mean.",
              lambda v, n: v.min() * n, ran=("Max", "Min")),
        stage("You multiply over the places: take the mean.", lambda v, n: v.prod() * n, ran=("Prod",)),
        stage("You take the variance over the places: take the mean.", lambda v, n: v.var() * n),
        stage("You take the standard deviation over the places: take the mean.", lambda v, n: v.std() * n),
    ]


# What is only looked for alone: of this much, pairs would take too long.
_RARE = frozenset(
    [mistake.text for mistake in _measuring() if not mistake.text.startswith(("No mean", "You subtract"))]
    + [mistake.text for mistake in _scaling_vectors() if "not scaled" not in mistake.text]
)


_MATCH_COST = Formula(
    right=costs.compute_match_cost,
    arguments=("a_S", "a_T", "a_G"),
    draw=_three_activations,
    dimensions=lambda a_S, a_T, a_G: a_G.shape[1:],
    constant=1,
    powers={"n_H": 1, "n_W": 1, "n_C": 0},
    stages=(
        _measuring(),
        _scaling_vectors(),
        _comparing_vectors(),
        _of_each_place(),
        _averaging(),
        finishing(),
    ),
    minor=_RARE,
    known={
        (1, 0, 0, 0): [("You sum over the places: take the mean.", ())],
        (1, 1, 1, 1): [("You divide by the number of channels as well: the mean is over the places only.", ())],
        (1, 2, 2, 0): [("You divide by n_H n_W twice.", ())],
    },
    from_session=False,
    adds_nothing=False,
)


def compute_match_cost(student: Student, _: object) -> None:
    """Return for a right compute_match_cost, else raise Wrong."""
    _MATCH_COST(student, True)
    for which in (1, 2):
        _refuse_lost_place(student, which)


def _refuse_lost_place(student: Student, which: int) -> None:
    """Raise Wrong where a target or a vector of the picture that is the painting's mean spoils the cost."""
    a_S = RANDOM.integers(1, 9, (1, 4, 4, 3)).astype(np.float32)
    # On both sides of 64 alike, so that the mean is exact.
    a_S[:, 2:] = 128 - a_S[:, :2]
    inputs = [a_S, *(RANDOM.integers(1, 99, (1, 2, 3, 3)).astype(np.float32) for _ in range(2))]
    inputs[which][0, 1, 1] = 64
    with eager_mode():
        want = costs.compute_match_cost(*map(tf.constant, inputs)).numpy().astype(np.float64)
    got, gradient = evaluate(student, inputs, True, watched=2)
    name = ("", "a_T", "a_G")[which]
    if not close(got, want):
        says = "gives NaN" if np.isnan(got).any() else f"gives {show(got)} where {show(want)} is expected"
        raise Wrong(
            f"Right but where a vector of `{name}` is the painting's mean itself: what is left of it has the length 0 "
            f"and no direction, and yours {says}. Its cosine is to be 0: {_REMEDY}"
        )
    if gradient is None or not np.isfinite(gradient).all():
        raise Wrong(
            f"The value is right, but where a vector of `{name}` is the painting's mean itself, the gradient is NaN: "
            f"the root of 0, its length, has an infinite slope, and one such place spoils the whole picture. {_REMEDY}"
        )



"""The exercises that are formulas, and the stages in which a mistake may be made in each.

What a mistake gives is computed in NumPy; the right answer is that of nst_utils.engine.costs. The dimensions of all
inputs are different, so that the ratios of an answer to a sum tell which factors of the normaliser were left out, not
squared, or added: no other simple expression gives those numbers for every input.
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
    close,
    evaluate,
    graph,
    operations,
    refuse_unless_right,
    refuse_without_gradient,
    refuse_wrong_gradient,
    show,
    value_of,
)
from nst_utils.checks.hypotheses import Mistake, Normaliser, altered, explain, told
from nst_utils.checks.result import Wrong
from nst_utils.engine import costs

# (n_H, n_W, n_C) and the size of the activations.
_SIZES = (((5, 7, 3), 1.0), ((11, 5, 13), 30.0), ((3, 11, 7), 2.0), ((7, 4, 5), 0.7), ((9, 6, 11), 500.0))
# So large that 32-bit integers overflow in (n_H n_W)^2, and 16-bit floats in a square.
_POSTER = ((211, 223, 3), 3000.0)
_OVERFLOW = (
    "Right for small inputs and wrong for large ones: whole numbers of 32 bits or floats of 16 overflow. "
    "Compute the normaliser in Python numbers or in float32."
)


# They take a while to make, and the dimensions are always the same.
_NORMALISERS = {}


@dataclass(frozen=True)
class _Arrays:
    """The arguments of one case as float64 arrays, and the right normaliser."""

    arguments: tuple
    normaliser: float


@dataclass(frozen=True)
class Formula:
    """sum(...) / normaliser, of the activations of one or two pictures."""

    right: Callable
    # Names of the arguments; all but the last may be NumPy arrays, as sess.run returns them.
    arguments: tuple[str, ...]
    # (shape, scale) -> the arguments, float32.
    draw: Callable
    # The arguments -> the dimensions that the normaliser may have.
    dimensions: Callable
    # The right constant, and {dimension: right power}.
    constant: float
    powers: dict[str, int]
    # Lists of Mistakes, see hypotheses.altered.
    stages: tuple
    known: dict[tuple, list] = field(default_factory=dict)
    factorings: tuple = ()
    # Mistakes that are tried alone only: there are many of them.
    minor: frozenset = frozenset()

    def __call__(self, function, eager):
        """Return for a right function, else raise Wrong."""
        last = len(self.arguments) - 1
        # In the second case the first picture's activations come as sess.run returns them.
        as_arrays = ((), range(last), (), (), ())
        runs = [self._run(function, eager, size, arrays=a) for size, a in zip(_SIZES, as_arrays, strict=True)]
        cases, inputs, _ = zip(*runs, strict=True)
        refuse_unless_right(cases, lambda answers: self._diagnose(answers, cases, inputs, function))
        # Only now: a wrong matrix of a poster's positions would take gigabytes.
        case, _, _ = self._run(function, eager, _POSTER)
        refuse_unless_right([case], lambda answers: _OVERFLOW)
        case, inputs, gradient = self._run(function, eager, _SIZES[0], watched=last)
        refuse_wrong_gradient(gradient, self._gradient(inputs), f"`{self.arguments[-1]}`")

    def _run(self, function, eager, size, **how):
        """A case, its inputs, and the gradient with respect to the input that `how` says to watch."""
        inputs = self.draw(*size)
        with eager_mode():
            want = self.right(*map(tf.constant, inputs)).numpy().astype(np.float64)
        got, gradient = evaluate(function, inputs, eager, **how)
        return Case(f"`{'`, `'.join(self.arguments)}` of shape {inputs[0].shape}", want, got), inputs, gradient

    def _gradient(self, inputs):
        return evaluate(self.right, inputs, True, watched=len(inputs) - 1)[1]

    def _diagnose(self, answers, cases, inputs, function):
        sizes = np.array([self.dimensions(*arrays) for arrays in inputs], np.float64)
        key = self.right.__name__, sizes.tobytes()
        if key not in _NORMALISERS:
            _NORMALISERS[key] = Normaliser(self.powers, self.constant, sizes, self.known, self.factorings)
        normaliser = _NORMALISERS[key]
        arrays = [
            _Arrays(tuple(array.astype(np.float64) for array in arguments), n)
            for arguments, n in zip(inputs, normaliser.values, strict=True)
        ]
        note = ""
        if all(case.want.size == 1 < answer.size for case, answer in zip(cases, answers, strict=True)):
            note = (
                f"The cost is one number, the sum over all axes, and yours is an array of shape {answers[0].shape}: "
                "not everything is summed."
            )
            answers = [np.asarray(answer.sum()) for answer in answers]
            if all(close(answer, case.want) for case, answer in zip(cases, answers, strict=True)):
                return note
        elif added := _added(cases):
            return added
        ran = operations(function, inputs[0])
        found = explain(answers, altered(self.stages, arrays, self.minor), normaliser, ran)
        return f"{note} {found or self._unused(function, inputs[0])}".strip()

    def _unused(self, function, inputs):
        """The diagnosis of an answer that stays the same when one of the arguments changes, else ""."""
        if len(inputs) < 2:
            return ""
        for position, name in enumerate(self.arguments):
            with eager_mode():
                changed = [2 - x if number == position else x for number, x in enumerate(inputs)]
                one, other = (value_of(call(function, *map(tf.constant, each))) for each in (inputs, changed))
            if np.isfinite(one).all() and np.array_equal(one, other):
                return f"`{name}` makes no difference: your result is the same whatever it is."
        return ""


def _added(cases):
    """The diagnosis of an answer that is off by the same number in all entries for every input, else ""."""
    if any(case.got.size != case.want.size for case in cases):
        return ""
    if not all(np.isfinite(case.got).all() for case in cases):
        return ""
    if cases[0].want.size == 1 and (line := _line(cases)):
        return line
    differences = [case.got.reshape(case.want.shape) - case.want for case in cases]
    added = float(differences[0].mean())
    same = all(
        np.abs(difference - added).max() <= TOLERANCE * (abs(added) + np.abs(case.want).max())
        for difference, case in zip(differences, cases, strict=True)
    )
    # Where it is small beside an answer, it may be anything.
    telling = sum(abs(added) > 20 * TOLERANCE * np.abs(case.want).max() for case in cases)
    if not same or telling < 2:
        return ""
    return f"Your result is off by the same number, {added:.4g}, for every input: the formula adds nothing."


def _line(cases):
    """The diagnosis of an answer that is a multiple of the right one plus a number other than 0, else ""."""
    got, want = (np.array([getattr(case, name).item() for case in cases]) for name in ("got", "want"))
    if not got.all():
        return ""
    # Each case counts alike, however large it is.
    rows = np.stack([want, np.ones_like(want)], axis=1) / got[:, None]
    (times, added), *_ = np.linalg.lstsq(rows, np.ones_like(want), rcond=None)
    telling = sum(abs(added) > 20 * TOLERANCE * abs(value) for value in got)
    fits = np.abs(times * want + added - got) <= TOLERANCE * np.abs(got)
    if not fits.all() or telling < 2 or abs(times - 1) < TOLERANCE or abs(times) < TOLERANCE:
        return ""
    if added > 0:
        return f"Your result is {times:.4g} times the right one, and {added:.4g} is added: the formula adds nothing."
    return f"Your result is {times:.4g} times the right one, less {-added:.4g}: the formula does not subtract that."


# --- Two pictures -------------------------------------------------------------------------------------------


def _two_pictures(shape, scale):
    """Activations (1, n_H, n_W, n_C) of two plainly different pictures."""
    first, second = RANDOM.standard_normal((2, 1, *shape))
    return (scale * (1 + first)).astype(np.float32), (scale * (0.4 + 2 * second)).astype(np.float32)


def _both(text, make, **options):
    """The same mistake with both pictures."""
    return Mistake(text, lambda case: _pair(make, make, *case.arguments), **options)


def _pair(make_x, make_y, a, b):
    x, y = make_x(a), make_y(b)
    return None if x is None or y is None else (x, y)


def _one(text, make, right, names):
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


def _combinations():
    """What may be made of the features x and y of the two pictures: (result, x, y)."""

    def stage(text, make, **options):
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


def _powers():
    """What may be done with each difference d of x and y, and what with each pair instead."""

    def stage(text, make, **options):
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


def _reductions():
    """How what came is summed."""

    def stage(text, make, **options):
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


def _outer():
    """What may be done with the sum v and the normaliser n; what comes is divided by n."""

    def stage(text, make, **options):
        return Mistake(text, lambda v, case: make(v, case.normaliser), **options)

    return [
        stage("", lambda v, n: v),
        stage("You square the sum; the formula sums the squares.", lambda v, n: v**2),
        stage("You square the cost; the formula does not.", lambda v, n: v**2 / n),
        stage("You take the square root of the sum; the formula has none.", lambda v, n: np.sqrt(v)),
        stage("You take the square root of the cost; the formula has none.", lambda v, n: np.sqrt(v * n)),
        stage("You take the absolute value of the sum.", lambda v, n: np.abs(v), ran=("Abs",)),
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


def _squared_sum_of_root():
    """The square of a sum of plain differences, which looks like one change to who made it."""
    text = "You square the sum; the formula sums the squares."
    return Mistake(text, lambda triple, case: np.asarray(np.sum(triple[0]) ** 2))


def _dimensions(_, a_G):
    return a_G.shape[1:]


_FOUR = ("4", (4, (0, 0, 0)))
_DIMENSIONS = {"n_H": (1, (1, 0, 0)), "n_W": (1, (0, 1, 0)), "n_C": (1, (0, 0, 1))}


def _factors(*parts):
    """Pairs (text, constant and powers) as hypotheses.Normaliser takes them."""
    return [(text, constant, powers) for text, (constant, powers) in parts]


_MEAN = ("Mean",)
_BOTH_PICTURES = ("a_C", "a_G")


def _rows(a, axis=3):
    """Activations with one axis, by default the channels, as the rows."""
    return np.moveaxis(a, axis, 0).reshape(a.shape[axis], -1)


def _same(a):
    return a


def _gram(A):
    return A @ A.T


def _cut(a):
    """Activations cut into n_C rows without a transpose."""
    return a.reshape(a.shape[3], -1)


content_cost = Formula(
    right=costs.compute_content_cost,
    arguments=("a_C", "a_G"),
    draw=_two_pictures,
    dimensions=_dimensions,
    constant=4,
    powers={"n_H": 1, "n_W": 1, "n_C": 1},
    stages=(
        [
            _both("", _same),
            _both("You turn the activations into whole numbers.", np.trunc),
            _both("You compare absolute values of the activations.", np.abs, ran=("Abs",)),
            _both("You compare squares of the activations; the difference is squared, not they.", np.square),
            _both("You compare Gram matrices, as the style cost does; here it is the activations themselves.",
                  lambda a: _gram(_rows(a))),
            _both("You compare means over the channels, not all activations.", lambda a: a.mean(axis=3)),
            _both("You compare means over the positions, not all activations.", lambda a: a.mean(axis=(1, 2))),
            _both("You compare means of the activations, not all of them.", lambda a: a.mean(keepdims=True)),
            _both("You compare sums of the activations, not all of them.", lambda a: a.sum(keepdims=True)),
            _both("You compare only one channel.", lambda a: a[..., 0]),
            _both("You compare only one channel.", lambda a: a[..., -1]),
            _both("You compare only one row of the picture.", lambda a: a[:, 0]),
            _both("You compare only one position.", lambda a: a[:, 0, 0]),
            _both("You subtract each channel's mean first.", lambda a: a - a.mean(axis=(1, 2), keepdims=True)),
            Mistake(
                "The two pictures are unrolled in different ways, so that different places are compared: one by "
                "`reshape` alone, the other with a transpose.",
                lambda case: (_cut(case.arguments[0]), _rows(case.arguments[1])),
            ),
            Mistake(
                "The two pictures are unrolled in different ways, so that different places are compared: one by "
                "`reshape` alone, the other with a transpose.",
                lambda case: (_rows(case.arguments[0]), _cut(case.arguments[1])),
            ),
            *_one("it is turned into whole numbers.", np.trunc, _same, _BOTH_PICTURES),
            *_one("only its absolute value counts.", np.abs, _same, _BOTH_PICTURES),
            *_one("it is doubled.", lambda a: 2 * a, _same, _BOTH_PICTURES),
            *_one("only its mean counts.", lambda a: a.mean(), _same, _BOTH_PICTURES),
            *_one("only its sum counts.", lambda a: a.sum(), _same, _BOTH_PICTURES),
            *_one("it is turned upside down.", lambda a: a[:, ::-1], _same, _BOTH_PICTURES),
            *_one("it is divided by 4 n_H n_W n_C.", lambda a: a / (4 * a.size), _same, _BOTH_PICTURES),
            *_one("it is divided by n_H n_W n_C.", lambda a: a / a.size, _same, _BOTH_PICTURES),
        ],
        _combinations(),
        [*_powers(), _squared_sum_of_root()],
        _reductions(),
        _outer(),
    ),
    known={
        (4, 2, 2, 2): [
            (
                "You take the mean for the sum: `reduce_mean` divides by n_H n_W n_C, and the normaliser again.",
                _MEAN,
            ),
            (
                "You divide by 4 n_H² n_W² n_C², which belongs to the style cost: here each of n_H, n_W and n_C "
                "counts once, so none is squared.",
                (),
            ),
        ],
        (16, 2, 2, 2): [
            ("You divide before you square, so the normaliser is squared too.", ()),
            ("The normaliser is squared: it is 4 n_H n_W n_C.", ()),
        ],
        (1, 2, 2, 2): [
            ("You divide by n_H n_W n_C twice, once as a mean (`reduce_mean`), and the 4 is missing.", _MEAN),
            ("You divide by n_H n_W n_C before you square, so that it counts twice, and the 4 is missing.", ()),
            ("n_H n_W n_C is squared in your normaliser, and the 4 is missing.", ()),
        ],
    },
    factorings=((1, _factors(_FOUR, *_DIMENSIONS.items())),),
)


# --- The style cost of a layer ------------------------------------------------------------------------------

_AXES = ("n_H", "n_W", "n_C")
# A matrix with more rows is not computed for the sake of a name.
_MOST_ROWS = 400


def _table(a, order, rows):
    """Activations with their axes in this order, cut into a table with as many rows as these axes have entries."""
    count = int(np.prod([a.shape[1 + axis] for axis in rows]))
    return np.transpose(a[0], order).reshape(count, -1)


def _positions(a):
    return a.size / a.shape[3]


def _crossed(a, b, first, turned):
    """The Gram matrices of two pictures, one of them made from the activations of both."""
    both = _rows(a) @ _rows(b).T
    both = both.T if turned else both
    return (both, _style(b)) if first else (_style(a), both)


def _gram_of_cut(a, order, columns):
    """The Gram matrix of n_C rows or columns into which activations in another order are cut."""
    b = np.transpose(a[0], order)
    return _gram(b.reshape(-1, a.shape[3]).T if columns else b.reshape(a.shape[3], -1))


def _gram_of_rows(A):
    return _gram(A) if len(A) <= _MOST_ROWS else None


def _named(axes):
    return " ".join(_AXES[axis] for axis in axes)


def _unrollings():
    """{text: activations -> Gram matrix} of every way to `transpose` and `reshape` to a table."""
    makers = {
        "A `reshape` to (n_C, n_H*n_W) without the transpose mixes channels and positions: bring the channels "
        "to the front first, with `tf.transpose`.": lambda a: _gram(_cut(a)),
        "Your Gram matrix is over positions, A^T A: the channels belong in the rows of A.": (
            lambda a: _gram_of_rows(_rows(a).T)
        ),
        "A `reshape` without the transpose mixes channels and positions, and your Gram matrix is over its "
        "columns.": lambda a: _gram_of_rows(_cut(a).T),
        "The dimensions are read in the wrong order: n_H stands for n_C in the unrolling.": (
            lambda a: _gram_of_rows(a.reshape(-1, a.shape[1]).T)
        ),
        "The dimensions are read in the wrong order: n_W stands for n_C in the unrolling.": (
            lambda a: _gram_of_rows(a.reshape(-1, a.shape[2]).T)
        ),
        "The dimensions are read in the wrong order: your `reshape` makes n_H rows.": (
            lambda a: _gram(a.reshape(a.shape[1], -1))
        ),
        "The dimensions are read in the wrong order: your `reshape` makes n_W rows.": (
            lambda a: _gram(a.reshape(a.shape[2], -1))
        ),
        "The transpose brings the picture's rows (n_H) to the front, not the channels.": lambda a: _gram(_rows(a, 1)),
        "The transpose brings the picture's columns (n_W) to the front, not the channels.": (
            lambda a: _gram(_rows(a, 2))
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
                        f"({', '.join(_AXES[axis] for axis in order)}) are cut by `reshape` into {_named(rows)} rows, "
                        f"and the Gram matrix is of the {of} of that table."
                    )
                    makers[text] = lambda a, order=order, rows=rows, columns=columns: _gram_of_rows(
                        _table(a, order, rows).T if columns else _table(a, order, rows)
                    )
    return makers


def _partial_products():
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

        def make(a, first=first, second=second, out=out, paired=paired):
            if np.prod([a.shape[1 + axis] for axis in paired]) > _MOST_ROWS:
                return None
            return np.einsum(f"{first},{second}->{out}", a, a, optimize=True)

        makers[text] = make
    return makers


def _centred(A):
    return A - A.mean(axis=1, keepdims=True)


def _style(a):
    return _gram(_rows(a))


_STYLE_MADE = {
    "There is no Gram matrix: you compare the activations themselves, as the content cost does.": lambda a: a,
    "You compare mean activations of the channels, not Gram matrices.": lambda a: _rows(a).mean(axis=1),
    "You subtract each channel's mean: that is the covariance, not the Gram matrix.": lambda a: _gram(
        _centred(_rows(a))
    ),
    "You compare only the diagonals of the Gram matrices: what goes together is off it.": lambda a: np.diag(_style(a)),
    "You scale each channel to length 1, so how active it is, is lost.": lambda a: _gram(
        _rows(a) / np.linalg.norm(_rows(a), axis=1, keepdims=True)
    ),
    "You compare only one half of the Gram matrices, a triangle.": lambda a: np.triu(_style(a)),
    "You take the Gram matrix of the Gram matrix.": lambda a: _gram(_style(a)),
    "You compare the squares of the Gram matrices' entries.": lambda a: _style(a) ** 2,
    "Your Gram matrix is one number, the sum of all squares: was n_C read from the batch axis, which is 1?": (
        lambda a: np.sum(a**2, keepdims=True)
    ),
    "You turn the activations into whole numbers.": lambda a: _style(np.trunc(a)),
    "You take absolute values of the activations.": lambda a: _style(np.abs(a)),
}


def _distinct(makers):
    """Without those that only put the same entries in another order, and the right one."""
    a = np.random.default_rng(0).standard_normal((1, *_SIZES[0][0]))

    def signature(make):
        made = make(a)
        return made.size, *(float(f"{np.sum(made**power):.6g}") for power in (1, 2, 3))

    seen, kept = {signature(_style)}, {}
    for text, make in makers.items():
        if signature(make) not in seen:
            seen.add(signature(make))
            kept[text] = make
    return kept


_UNROLLINGS = _distinct({**_unrollings(), **_partial_products()})
_PICTURES = ("a_S", "a_G")


layer_style_cost = Formula(
    right=costs.compute_layer_style_cost,
    arguments=_PICTURES,
    draw=_two_pictures,
    dimensions=_dimensions,
    constant=4,
    powers={"n_H": 2, "n_W": 2, "n_C": 2},
    stages=(
        [
            _both("", _style),
            *(_both(text, make) for text, make in {**_UNROLLINGS, **_STYLE_MADE}.items()),
            Mistake(
                "You take the Gram matrix of the difference; the formula takes the difference of two Gram matrices.",
                lambda case: (_style(case.arguments[0] - case.arguments[1]), np.zeros(1)),
            ),
            Mistake(
                "You multiply one picture's activations by the other's: each Gram matrix is of one picture alone.",
                lambda case: (_rows(case.arguments[0]) @ _rows(case.arguments[1]).T, np.zeros(1)),
            ),
            *(
                mistake
                for order in itertools.permutations(range(3))
                for columns in (False, True)
                if order not in ((2, 0, 1), (2, 1, 0)) or columns
                if not columns or order[2] != 2
                for mistake in _one(
                    f"the unrolling goes wrong: activations in the order ({', '.join(_AXES[axis] for axis in order)}) "
                    f"are cut by `reshape` into n_C {'columns' if columns else 'rows'}.",
                    lambda a, order=order, columns=columns: _gram_of_cut(a, order, columns), _style, _PICTURES,
                )
            ),
            *_one("you subtract each channel's mean.", lambda a: _gram(_centred(_rows(a))), _style, _PICTURES),
            *_one(
                "its Gram matrix is divided by n_H n_W.",
                lambda a: _style(a) * a.shape[3] / a.size, _style, _PICTURES,
            ),
            *_one("its Gram matrix is divided by n_H n_W n_C.", lambda a: _style(a) / a.size, _style, _PICTURES),
            *_one("its Gram matrix is divided by n_C.", lambda a: _style(a) / a.shape[3], _style, _PICTURES),
            *_one(
                "n_H n_W is added to its Gram matrix, which is divided by it.",
                lambda a: _style(a) * _positions(a) + _positions(a) ** 2, _style, _PICTURES,
            ),
            *_one(
                "n_H n_W is subtracted from its Gram matrix, which is divided by it.",
                lambda a: _style(a) * _positions(a) - _positions(a) ** 2, _style, _PICTURES,
            ),
            *_one(
                "its Gram matrix is rounded down when it is divided (`//`).",
                lambda a: _positions(a) * np.floor(_style(a) / _positions(a)), _style, _PICTURES,
            ),
            *_one("its Gram matrix is multiplied by n_H n_W.", lambda a: _style(a) * _positions(a), _style, _PICTURES),
            *_one(
                "its Gram matrix is multiplied by n_H n_W, and not divided by it.",
                lambda a: _style(a) * _positions(a) ** 2, _style, _PICTURES,
            ),
            *_one("the entries of its Gram matrix are squared.", lambda a: _style(a) ** 2, _style, _PICTURES),
            *_one(
                "it is not unrolled, so there is a Gram matrix for each row of the picture (n_H).",
                lambda a: np.einsum("bhwc,bhwd->bhcd", a, a), _style, _PICTURES,
            ),
            *_one(
                "it is not unrolled, so there is a Gram matrix for each row of the picture (n_H), not divided by "
                "n_H n_W.",
                lambda a: np.einsum("bhwc,bhwd->bhcd", a, a) * _positions(a), _style, _PICTURES,
            ),
            *_one(
                "only the sums of squares, the diagonal, are there.", lambda a: np.diag(_style(a)), _style, _PICTURES
            ),
            *_one("only the sum of all squares is there.", lambda a: np.sum(a**2), _style, _PICTURES),
            *_one("its Gram matrix is summed over one axis.", lambda a: _style(a).sum(axis=1), _style, _PICTURES),
            *_one("its activations are not multiplied.", lambda a: _rows(a).sum(axis=1), _style, _PICTURES),
            *(
                Mistake(
                    f"The Gram matrix of `{name}` is not of one picture: its activations are multiplied by the "
                    "other's.",
                    lambda case, first=first, turned=turned: _crossed(*case.arguments, first, turned),
                )
                for first, name in ((True, "a_S"), (False, "a_G"))
                for turned in (False, True)
            ),
            *_one("its Gram matrix is doubled.", lambda a: 2 * _style(a), _style, _PICTURES),
            *_one("its Gram matrix is summed up.", lambda a: _style(a).sum(), _style, _PICTURES),
            *_one("only the diagonal counts.", lambda a: np.diag(np.diag(_style(a))), _style, _PICTURES),
        ],
        _combinations(),
        [*_powers(), _squared_sum_of_root()],
        _reductions(),
        _outer(),
    ),
    minor=frozenset(text for text in _UNROLLINGS if "The unrolling (" in text or "don't unroll" in text),
    known={
        (4, 2, 2, 4): [
            ("You take the mean for the sum: `reduce_mean` divides by n_C², and the normaliser again.", _MEAN),
            ("The normaliser is off: n_C counts 4 times instead of 2.", ()),
        ],
        (4, 4, 4, 2): [
            ("You divide by n_H n_W twice: once in each Gram matrix, and again in the normaliser.", ()),
            ("The normaliser is off: n_H and n_W count 4 times instead of 2, so n_H n_W is squared twice.", ()),
        ],
        (4, 1, 1, 1): [
            (
                "The normaliser is not squared: each of n_H, n_W and n_C counts twice in it. "
                "4 n_H n_W n_C is the content cost's.",
                (),
            )
        ],
        (2, 1, 1, 1): [("The normaliser is not squared: it is (2 n_H n_W n_C)².", ())],
        (16, 4, 4, 4): [
            ("You divide by the normaliser before you square, so it is squared again.", ()),
            ("The normaliser is squared once too often.", ()),
        ],
        (2, 2, 2, 2): [("The 2 is not squared: (2 n_H n_W n_C)² begins with a 4.", ())],
        (16, 1, 1, 1): [
            ("The normaliser is not squared: do you multiply by 2 (`* 2`) where you should square (`** 2`)?", ())
        ],
    },
    factorings=(
        (1, _factors(_FOUR, ("n_C²", (1, (0, 0, 2))), ("n_H²", (1, (2, 0, 0))), ("n_W²", (1, (0, 2, 0))))),
        (1, _factors(_FOUR, ("n_C²", (1, (0, 0, 2))), ("n_H² n_W²", (1, (2, 2, 0))))),
        (2, _factors(("2", (2, (0, 0, 0))), *_DIMENSIONS.items())),
        (2, _factors(("n_C", (1, (0, 0, 1))), ("(2 n_H)", (2, (1, 0, 0))), ("n_W", (1, (0, 1, 0))))),
    ),
)


# --- The Gram matrix ----------------------------------------------------------------------------------------


def _one_matrix(shape, scale):
    """A (n_C, positions), different numbers, and once more channels than positions."""
    n_C, positions = shape[2], {5: 7, 11: 5, 3: 4, 7: 9, 9: 14}.get(shape[0], 601)
    return ((scale * (0.1 + RANDOM.standard_normal((n_C, positions)))).astype(np.float32),)


def _of_matrix(text, make, **options):
    return Mistake(text, lambda case: make(*case.arguments), **options)


def _products():
    """What may be made of a matrix B in the place of its Gram matrix."""

    def stage(text, make, **options):
        return Mistake(text, lambda B, case: make(B), **options)

    return [
        stage("", _gram),
        stage("This is the Gram matrix over positions, A^T A: transpose the second A, not the first.",
              lambda B: _gram(B.T)),
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
        stage("You multiply three times, A A^T A; the Gram matrix is A A^T.", lambda B: _gram(B) @ B),
        stage("You multiply the Gram matrix by itself; it is A A^T.", lambda B: _gram(B) @ _gram(B)),
    ]


def _entries():
    """What may be done with the entries of the Gram matrix."""

    def stage(text, make, **options):
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


gram_matrix = Formula(
    right=costs.gram_matrix,
    arguments=("A",),
    draw=_one_matrix,
    dimensions=lambda A: A.shape,
    constant=1,
    powers={"n_C": 0, "n_H n_W": 0},
    stages=(
        [
            _of_matrix("", _same),
            _of_matrix("You multiply absolute values of A; its signs belong in the product.", np.abs, ran=("Abs",)),
            _of_matrix("You square A first.", np.square),
            _of_matrix("You subtract the mean of each row: that is the covariance.", _centred),
            _of_matrix("You subtract the mean of each column.", lambda A: A - A.mean(axis=0)),
            _of_matrix("You subtract the mean of A.", lambda A: A - A.mean()),
            _of_matrix("You scale the rows to length 1, so how active each channel is, is lost.",
                       lambda A: A / np.linalg.norm(A, axis=1, keepdims=True)),
            _of_matrix("You scale the columns to length 1.", lambda A: A / np.linalg.norm(A, axis=0, keepdims=True)),
            _of_matrix("You divide A by its length.", lambda A: A / np.linalg.norm(A)),
            _of_matrix("You divide each row by its sum.", lambda A: A / A.sum(axis=1, keepdims=True)),
            _of_matrix("A `reshape` is no transpose: it keeps the order of the numbers, so the rows of A are not the "
                       "columns of what it gives.",
                       lambda A: A.reshape(A.shape[::-1])),
            _of_matrix("Negative entries of A are set to 0.", lambda A: np.maximum(A, 0)),
            _of_matrix("A is turned into whole numbers.", np.trunc),
            _of_matrix("The order of the channels is turned round.", lambda A: A[::-1]),
            _of_matrix("You use only a part of A.", lambda A: A[:, :-1]),
            _of_matrix("You use only a part of A.", lambda A: A[:, 1:]),
        ],
        [
            *_products(),
            Mistake(
                "A `reshape` is no transpose: it keeps the order of the numbers, so the rows of A do not become "
                "columns. Use `tf.transpose`, or `transpose_b`.",
                lambda B, case: B @ B.reshape(B.shape[::-1]),
            ),
            Mistake(
                "A `reshape` is no transpose: it keeps the order of the numbers, so the rows of A do not become "
                "columns. Use `tf.transpose`, or `transpose_b`.",
                lambda B, case: B.reshape(B.shape[::-1]) @ B,
            ),
            Mistake(
                "A `reshape` is no transpose: it keeps the order of the numbers, so the rows of A do not become "
                "columns. Use `tf.transpose`, or `transpose_b`.",
                lambda B, case: B.T @ B.T.reshape(B.shape),
            ),
        ],
        _entries(),
    ),
)


# --- The total cost -----------------------------------------------------------------------------------------

_WEIGHTS = ("alpha", "beta")


def _terms(own, other, cost, other_cost, x):
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


_KNOWN_TOTALS = {
    "The weights are swapped: alpha belongs to J_content and beta to J_style.": lambda c, s, a, b: b * c + a * s,
    "Both weights are forgotten.": lambda c, s, a, b: c + s,
    "alpha weights both costs; J_style has beta.": lambda c, s, a, b: a * (c + s),
    "beta weights both costs; J_content has alpha.": lambda c, s, a, b: b * (c + s),
    "You add the costs before you weight them.": lambda c, s, a, b: (a + b) * (c + s),
    "You multiply the two costs; add them.": lambda c, s, a, b: a * c * b * s,
    "You divide the content's cost by the style's; add them.": lambda c, s, a, b: a * c / (b * s),
    "You divide one cost by the other; add them.": lambda c, s, a, b: b * s / (a * c),
    "You divide one cost by the other, rounding down; add them.": lambda c, s, a, b: (a * c) // (b * s),
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
    "The cost has the wrong sign.": lambda c, s, a, b: -(a * c + b * s),
    "Operators and names are mixed up: each cost is multiplied by its own weight, and the products are added.": (
        lambda c, s, a, b: a + c * b + s
    ),
}
_JOINED = {
    "": (0, lambda x, y: x + y),
    "You subtract the style's cost; add it.": (1, lambda x, y: x - y),
    "You subtract the content's cost; add it.": (1, lambda x, y: y - x),
    "You multiply the two costs; add them.": (1, lambda x, y: x * y),
    "You divide one cost by the other; add them.": (1, lambda x, y: x / y),
    "You divide the style's cost by the content's; add them.": (1, lambda x, y: y / x),
    "The cost has the wrong sign.": (1, lambda x, y: -(x + y)),
    "You divide by alpha + beta; the formula does not.": (1, None),
}


def _explain_total(got, x):
    """What is wrong with answers for the values x of J_content, J_style, alpha and beta; "" where unknown."""

    def fits(values):
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


def total_cost(function, eager):
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
                    got, gradient = evaluate(
                        lambda c, s, given=weights: function(c, s, *given), inputs, eager, watched
                    )
                    name = f"`{('J_content', 'J_style')[watched]}`"
                    gradients.append((gradient, np.asarray(weight, np.float64), name))
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

    def diagnose(answers):
        if any(answer.size != 1 for answer in answers):
            return "The cost is one number, and yours is an array."
        return _explain_total(np.array([answer.item() for answer in answers]), symbols)

    refuse_unless_right([case for _, case, _ in runs], diagnose)
    refuse_without_gradient(all(gradient is not None for gradient, _, _ in gradients), "`J_content` and `J_style`")
    for gradient, want, name in gradients:
        refuse_wrong_gradient(gradient, want, name)

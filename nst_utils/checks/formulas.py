"""The exercises that are formulas, and the stages in which a mistake may be made in each.

What a mistake gives is computed in NumPy; the right answer is that of nst_utils.engine.costs. The dimensions of all
inputs are different, so that the ratios of an answer to a sum tell which factors of the normaliser were left out, not
squared, or added: no other simple expression gives those numbers for every input.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.checks.comparing import (
    RANDOM,
    TOLERANCE,
    Case,
    close,
    evaluate,
    operations,
    refuse_unless_right,
    refuse_wrong_gradient,
)
from nst_utils.checks.hypotheses import Mistake, Normaliser, altered, explain
from nst_utils.checks.stages import (
    ONE_MADE,
    ONE_UNROLLED,
    STYLE_MADE,
    UNROLLINGS,
    centred,
    combining,
    crossed,
    cut_of,
    finishing,
    finishing_the_matrix,
    gram_of,
    in_both,
    in_matrix,
    in_one,
    multiplying,
    rows_of,
    squaring,
    squaring_the_sum,
    style_of,
    summing,
    unchanged,
)
from nst_utils.checks.student import in_place
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
class Arrays:
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
    # Whether the first picture's activations may come as arrays, as sess.run returns them.
    from_session: bool = True
    # Whether it is a part of a cost: for pictures of any size, with a gradient with respect to the last argument.
    has_gradient: bool = True
    # Arguments of which only the shape counts.
    shapes: tuple[str, ...] = ()
    # Whether a number that is added is a mistake of its own, not a sign of a 1 that is missing.
    adds_nothing: bool = True

    def __call__(self, student, eager):
        """Return for a right function, else raise Wrong."""
        last = len(self.arguments) - 1
        # In the second case the first picture's activations come as sess.run returns them.
        as_arrays = ((), range(last) if self.from_session else (), (), (), ())
        runs = [self._run(student, eager, size, arrays=a) for size, a in zip(_SIZES, as_arrays, strict=True)]
        cases, inputs, _ = zip(*runs, strict=True)
        refuse_unless_right(cases, lambda answers: self._diagnose(answers, cases, inputs, student))
        if not self.has_gradient:
            return
        # Only now: a wrong matrix of a poster's positions would take gigabytes.
        case, _, _ = self._run(student, eager, _POSTER)
        refuse_unless_right([case], lambda answers: _OVERFLOW)
        case, inputs, gradient = self._run(student, eager, _SIZES[0], watched=last)
        refuse_wrong_gradient(gradient, self._gradient(inputs), f"`{self.arguments[-1]}`")

    def _run(self, student, eager, size, **how):
        """A case, its inputs, and the gradient with respect to the input that `how` says to watch."""
        inputs = self.draw(*size)
        with eager_mode():
            want = self.right(*map(tf.constant, inputs)).numpy().astype(np.float64)
        got, gradient = evaluate(student, inputs, eager, **how)
        return Case(self._label(inputs), want, got), inputs, gradient

    def _label(self, inputs):
        """The arguments' names and shapes, which are mostly the same for all."""
        shapes = {name: x.shape for name, x in zip(self.arguments, inputs, strict=True)}
        if len(set(shapes.values())) == 1:
            return f"`{'`, `'.join(shapes)}` of shape {inputs[0].shape}"
        return ", ".join(f"`{name}` of shape {shape}" for name, shape in shapes.items())

    def _gradient(self, inputs):
        return evaluate(in_place(self.right), inputs, True, watched=len(inputs) - 1)[1]

    def _diagnose(self, answers, cases, inputs, student):
        sizes = np.array([self.dimensions(*arrays) for arrays in inputs], np.float64)
        key = self.right.__name__, sizes.tobytes()
        if key not in _NORMALISERS:
            _NORMALISERS[key] = Normaliser(self.powers, self.constant, sizes, self.known, self.factorings)
        normaliser = _NORMALISERS[key]
        arrays = [
            Arrays(tuple(array.astype(np.float64) for array in arguments), n)
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
        elif self.adds_nothing and (added := _added(cases)):
            return added
        ran = operations(student, inputs[0])
        found = explain(answers, altered(self.stages, arrays, self.minor), normaliser, ran)
        return f"{note} {found or self._unused(student, inputs[0]) or _added(cases)}".strip()

    def _unused(self, student, inputs):
        """The diagnosis of an answer that stays the same when one of the arguments changes, else ""."""
        if len(inputs) < 2:
            return ""
        for position, name in enumerate(self.arguments):
            if name in self.shapes:
                continue
            with eager_mode():
                changed = [_other(x) if number == position else x for number, x in enumerate(inputs)]
            one, other = (evaluate(student, each, True)[0] for each in (inputs, changed))
            if np.isfinite(one).all() and np.array_equal(one, other):
                return f"`{name}` makes no difference: your result is the same whatever it is."
        return ""


def _other(x):
    """Another array of the same kind; whole numbers stay in their range."""
    return 2 - x if x.dtype.kind == "f" else np.flip(x)


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


# --- The content cost ---------------------------------------------------------------------------------------


def _two_pictures(shape, scale):
    """Activations (1, n_H, n_W, n_C) of two plainly different pictures."""
    first, second = RANDOM.standard_normal((2, 1, *shape))
    return (scale * (1 + first)).astype(np.float32), (scale * (0.4 + 2 * second)).astype(np.float32)


def _dimensions(_, a_G):
    return a_G.shape[1:]


_FOUR = ("4", (4, (0, 0, 0)))
_DIMENSIONS = {"n_H": (1, (1, 0, 0)), "n_W": (1, (0, 1, 0)), "n_C": (1, (0, 0, 1))}


def _factors(*parts):
    """Pairs (text, constant and powers) as hypotheses.Normaliser takes them."""
    return [(text, constant, powers) for text, (constant, powers) in parts]


_MEAN = ("Mean",)
_BOTH_PICTURES = ("a_C", "a_G")


content_cost = Formula(
    right=costs.compute_content_cost,
    arguments=("a_C", "a_G"),
    draw=_two_pictures,
    dimensions=_dimensions,
    constant=4,
    powers={"n_H": 1, "n_W": 1, "n_C": 1},
    stages=(
        [
            in_both("", unchanged),
            in_both("You turn the activations into whole numbers.", np.trunc),
            in_both("You compare absolute values of the activations.", np.abs, ran=("Abs",)),
            in_both("You compare squares of the activations; the difference is squared, not they.", np.square),
            in_both("You compare Gram matrices, as the style cost does; here it is the activations themselves.",
                  lambda a: gram_of(rows_of(a))),
            in_both("You compare means over the channels, not all activations.", lambda a: a.mean(axis=3)),
            in_both("You compare means over the positions, not all activations.", lambda a: a.mean(axis=(1, 2))),
            in_both("You compare means of the activations, not all of them.", lambda a: a.mean(keepdims=True)),
            in_both("You compare sums of the activations, not all of them.", lambda a: a.sum(keepdims=True)),
            in_both("You compare only one channel.", lambda a: a[..., 0]),
            in_both("You compare only one channel.", lambda a: a[..., -1]),
            in_both("You compare only one row of the picture.", lambda a: a[:, 0]),
            in_both("You compare only one position.", lambda a: a[:, 0, 0]),
            in_both("You subtract each channel's mean first.", lambda a: a - a.mean(axis=(1, 2), keepdims=True)),
            Mistake(
                "The two pictures are unrolled in different ways, so that different places are compared: one by "
                "`reshape` alone, the other with a transpose.",
                lambda case: (cut_of(case.arguments[0]), rows_of(case.arguments[1])),
            ),
            Mistake(
                "The two pictures are unrolled in different ways, so that different places are compared: one by "
                "`reshape` alone, the other with a transpose.",
                lambda case: (rows_of(case.arguments[0]), cut_of(case.arguments[1])),
            ),
            *in_one("it is turned into whole numbers.", np.trunc, unchanged, _BOTH_PICTURES),
            *in_one("only its absolute value counts.", np.abs, unchanged, _BOTH_PICTURES),
            *in_one("it is doubled.", lambda a: 2 * a, unchanged, _BOTH_PICTURES),
            *in_one("only its mean counts.", lambda a: a.mean(), unchanged, _BOTH_PICTURES),
            *in_one("only its sum counts.", lambda a: a.sum(), unchanged, _BOTH_PICTURES),
            *in_one("it is turned upside down.", lambda a: a[:, ::-1], unchanged, _BOTH_PICTURES),
            *in_one("it is divided by 4 n_H n_W n_C.", lambda a: a / (4 * a.size), unchanged, _BOTH_PICTURES),
            *in_one("it is divided by n_H n_W n_C.", lambda a: a / a.size, unchanged, _BOTH_PICTURES),
        ],
        combining(),
        [*squaring(), squaring_the_sum()],
        summing(),
        finishing(),
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
            in_both("", style_of),
            *(in_both(text, make) for text, make in {**UNROLLINGS, **STYLE_MADE}.items()),
            Mistake(
                "You take the Gram matrix of the difference; the formula takes the difference of two Gram matrices.",
                lambda case: (style_of(case.arguments[0] - case.arguments[1]), np.zeros(1)),
            ),
            Mistake(
                "You multiply one picture's activations by the other's: each Gram matrix is of one picture alone.",
                lambda case: (rows_of(case.arguments[0]) @ rows_of(case.arguments[1]).T, np.zeros(1)),
            ),
            *(
                mistake
                for text, make in ONE_UNROLLED.items()
                for mistake in in_one(text, make, style_of, _PICTURES)
            ),
            *(mistake for text, make in ONE_MADE.items() for mistake in in_one(text, make, style_of, _PICTURES)),
            *(
                Mistake(
                    f"The Gram matrix of `{name}` is not of one picture: its activations are multiplied by the "
                    "other's.",
                    lambda case, first=first, turned=turned: crossed(*case.arguments, first, turned),
                )
                for first, name in ((True, "a_S"), (False, "a_G"))
                for turned in (False, True)
            ),
        ],
        combining(),
        [*squaring(), squaring_the_sum()],
        summing(),
        finishing(),
    ),
    minor=frozenset(text for text in UNROLLINGS if "The unrolling (" in text or "don't unroll" in text),
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


gram_matrix = Formula(
    right=costs.gram_matrix,
    arguments=("A",),
    draw=_one_matrix,
    dimensions=lambda A: A.shape,
    constant=1,
    powers={"n_C": 0, "n_H n_W": 0},
    stages=(
        [
            in_matrix("", unchanged),
            in_matrix("You multiply absolute values of A; its signs belong in the product.", np.abs, ran=("Abs",)),
            in_matrix("You square A first.", np.square),
            in_matrix("You subtract the mean of each row: that is the covariance.", centred),
            in_matrix("You subtract the mean of each column.", lambda A: A - A.mean(axis=0)),
            in_matrix("You subtract the mean of A.", lambda A: A - A.mean()),
            in_matrix("You scale the rows to length 1, so how active each channel is, is lost.",
                       lambda A: A / np.linalg.norm(A, axis=1, keepdims=True)),
            in_matrix("You scale the columns to length 1.", lambda A: A / np.linalg.norm(A, axis=0, keepdims=True)),
            in_matrix("You divide A by its length.", lambda A: A / np.linalg.norm(A)),
            in_matrix("You divide each row by its sum.", lambda A: A / A.sum(axis=1, keepdims=True)),
            in_matrix("A `reshape` is no transpose: it keeps the order of the numbers, so the rows of A are not the "
                       "columns of what it gives.",
                       lambda A: A.reshape(A.shape[::-1])),
            in_matrix("Negative entries of A are set to 0.", lambda A: np.maximum(A, 0)),
            in_matrix("A is turned into whole numbers.", np.trunc),
            in_matrix("The order of the channels is turned round.", lambda A: A[::-1]),
            in_matrix("You use only a part of A.", lambda A: A[:, :-1]),
            in_matrix("You use only a part of A.", lambda A: A[:, 1:]),
        ],
        [
            *multiplying(),
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
        finishing_the_matrix(),
    ),
)

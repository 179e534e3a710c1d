"""Which mistake explains an answer: families of wrong formulas, the one with the fewest changes first.

A formula is a chain of stages, such as unroll, multiply, compare, sum, and for each stage there is what should be
done and what else is done instead. Whatever is altered in one stage or two is computed in NumPy for every input, and
what is left, the ratio of answer to value, must be the same expression of the dimensions for all of them. An
explanation holds for all inputs or it is none; where several hold with equally few changes, all are told.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from nst_utils.base.types import Array
from nst_utils.checks.comparing import TOLERANCE, ratio_of

_MOST_TOLD = 3
# What needs more changes than this explains too much to be believed.
_MOST_CHANGES = 3


# Makes something of arrays: what a stage does, or one of its mistakes.
Make: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class Mistake:
    """What may be done in the place of one stage."""

    text: str
    make: Make
    # Operations of TensorFlow one of which must have run, where it is known which did.
    ran: tuple[str, ...] = ()
    # Whether the sign of the result still tells something.
    signed: bool = True

    def may_have_happened(self, operations: Collection[str] | None) -> bool:
        return not self.ran or operations is None or any(each in operations for each in self.ran)


RIGHT = Mistake("", lambda *values: values[0])


def told(texts: Iterable[str]) -> str:
    """One explanation as it is, several as alternatives."""
    texts = list(dict.fromkeys(text for text in texts if text))[:_MOST_TOLD]
    if len(texts) < 2:
        return "".join(texts)
    alternatives = " Or: ".join(texts)
    return f"{'Two' if len(texts) == 2 else 'Three'} mistakes explain your figures equally well. Either: {alternatives}"


def explain(
    answers: Sequence[Array], candidates: Iterable[tuple[Sequence[Mistake], Callable[[int], Any]]], normaliser: Any,
    operations: Collection[str] | None,
) -> str:
    """The text of the explanation with the fewest changes, "" where none holds.

    candidates: (mistakes, case number -> value) with the fewest mistakes first; normaliser: see below;
    operations: the types of those that ran, or None.
    """
    fewest, texts = np.inf, list[str]()
    for mistakes, value in candidates:
        # Pairs are looked for only where nothing simple is found: there are thousands.
        if len(mistakes) > 1 and texts:
            break
        if not all(mistake.may_have_happened(operations) for mistake in mistakes):
            continue
        ratios = _ratios(answers, value)
        if ratios is None:
            continue
        sign = []
        if np.nanmax(ratios) < 0 and all(mistake.signed for mistake in mistakes):
            sign = ["The result has the wrong sign."]
        elif np.nanmax(ratios) < 0:
            ratios = -ratios
        for changes, note in normaliser.explain(-ratios if sign else ratios, operations):
            parts = [mistake.text for mistake in mistakes] + sign + [note]
            text = " ".join(part for part in parts if part)
            total = len(mistakes) + len(sign) + changes
            if text and total <= fewest and (total <= _MOST_CHANGES or not mistakes):
                texts = [text] if total < fewest else [*texts, text]
                fewest = total
    return told(texts)


def _ratios(answers: Sequence[Array], value: Callable[[int], Any]) -> Array | None:
    """The ratio of answer to value in every case, None where there is none; a case that tells nothing has NaN."""
    ratios = []
    for case, answer in enumerate(answers):
        if not np.isfinite(answer).all():
            ratios.append(np.nan)
            continue
        made = value(case)
        if made is not None and not answer.any() and not np.any(made):
            ratios.append(np.nan)
            continue
        ratio = None if made is None else ratio_of(answer, made)
        if ratio is None:
            return None
        ratios.append(ratio)
    return np.array(ratios) if np.isfinite(ratios).sum() > 1 else None


def altered(
    stages: Sequence[Sequence[Mistake]], inputs: Sequence[Any], minor: Collection[str] = ()
) -> Iterator[tuple[list[Mistake], Callable[[int], Any]]]:
    """Candidates of explain: all ways to alter none, one or two of the stages.

    stages: lists of Mistakes, the right one first; the first stage makes something of the case's arrays, each
    further one of what came and the case. inputs: a case for each number. Mistakes in `minor` are only tried alone.
    """
    made: dict[tuple[int, int], tuple[Any]] = {}

    def value(choice: Sequence[int], case: int) -> Any:
        known = made.get((case, choice[0]))
        if known is None:
            with np.errstate(all="ignore"):
                known = made[case, choice[0]] = (stages[0][choice[0]].make(inputs[case]),)
        x = known[0]
        with np.errstate(all="ignore"):
            for stage, number in zip(stages[1:], choice[1:], strict=True):
                if x is None:
                    return None
                x = stage[number].make(x, inputs[case])
        return x

    base = [0] * len(stages)
    for count in (0, 1, 2):
        for places in itertools.combinations(range(len(stages)), count):
            for numbers in itertools.product(*(range(1, len(stages[place])) for place in places)):
                mistakes = [stages[place][number] for place, number in zip(places, numbers, strict=True)]
                if count > 1 and any(mistake.text in minor for mistake in mistakes):
                    continue
                choice = list(base)
                for place, number in zip(places, numbers, strict=True):
                    choice[place] = number
                yield mistakes, partial(value, tuple(choice))


# --- The normaliser -----------------------------------------------------------------------------------------

# What a student may write in the place of the 4.
_CONSTANTS = sorted({p / q for p in (*range(1, 13), 16, 20, 32, 40, 64, 100, 256) for q in (1, 2, 3, 4, 8, 10, 16)})
_SMALL = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass
class Normaliser:
    """What a sum is divided by: a constant times powers of the dimensions, or what was written instead."""

    # {dimension: its right power}, and the right constant.
    powers: dict[str, int]
    constant: float
    # The dimensions of every case, an array (cases, dimensions).
    dimensions: Array
    # (constant, *powers) -> what may have led there: texts, and operations one of which must have run.
    known: dict[tuple[Any, ...], list[tuple[str, tuple[str, ...]]]] = field(default_factory=dict)
    # The factors between which a + may stand for a *: lists of (text, powers of the constant and the dimensions).
    factorings: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        self.names, self.right = list(self.powers), np.array(list(self.powers.values()))
        self.logs = np.log(self.dimensions)
        ranges = (range(-max(power, 1), 3 * max(power, 1) + 1) for power in self.right)
        self.grid = np.array(list(itertools.product(*ranges)))
        self.sums = self._sums()

    @property
    def values(self) -> Array:
        """The right normaliser of every case."""
        return self.constant * np.exp(self.logs @ self.right)

    def explain(self, ratios: Array, operations: Collection[str] | None) -> list[tuple[int, str]]:
        """[(number of changes, text)]: what an answer was divided by that is so many times the right sum."""
        known = np.isfinite(ratios)
        divisors = -np.log(np.abs(ratios[known]))
        found = self._products(divisors, known, operations) if (ratios[known] > 0).all() else []
        return found or self._sums_that_fit(divisors, known, np.sign(ratios[known]))

    def _products(self, divisors: Array, known: Array, operations: Collection[str] | None) -> list[tuple[int, str]]:
        constants = divisors[:, None] - self.logs[known] @ self.grid.T
        spread = np.ptp(constants, axis=0)
        fits = []
        for number in np.flatnonzero(spread <= 2 * TOLERANCE):
            constant = _nice(np.exp(constants[:, number].mean()))
            powers = self.grid[number]
            if constant is None and (powers != self.right).any():
                continue
            if constant is None:
                constant = float(f"{np.exp(constants[:, number].mean()):.4g}")
            changes = self._changes(constant, powers)
            # Few cases fit some expression by chance.
            if known.sum() > 3 or changes <= known.sum() - 2:
                fits.append((changes, constant, tuple(int(power) for power in powers)))
        if not fits:
            return []
        changes, constant, powers = min(fits)
        return [(changes, text) for text in self._texts(constant, powers, operations)]

    def _changes(self, constant: float, powers: Array) -> int:
        if constant == self.constant and (powers == self.right).all():
            return 0
        if not powers.any():
            return 1
        if (constant, *powers.tolist()) in self.known:
            return 1
        if constant == 1 / self.constant and (powers == -self.right).all():
            return 1
        if self._exponent(constant, powers):
            return 1
        return int((powers != self.right).sum()) + (constant != self.constant)

    def _exponent(self, constant: float, powers: Any) -> float:
        """The power to which the whole normaliser, or what is squared in it, was raised; 0 where it was not."""
        root = max(self.right.max(), 1)
        for exponent in range(2, 10):
            whole = np.isclose(constant, self.constant ** (exponent / root), rtol=TOLERANCE)
            if whole and (np.asarray(powers) * root == exponent * self.right).all():
                return exponent if self.right.any() else 0
        return 0

    def _texts(self, constant: float, powers: tuple[int, ...], operations: Collection[str] | None) -> list[str]:
        right, found = tuple(self.right.tolist()), (constant, *powers)
        if found == (self.constant, *right):
            return [""]
        if found in self.known:
            texts = [
                text
                for text, ran in self.known[found]
                if not ran or operations is None or any(each in operations for each in ran)
            ]
            seen = [text for text, ran in self.known[found] if ran and text in texts]
            return seen if seen and operations is not None else texts
        written, formula = self.written(constant, powers), self.written(self.constant, right)
        if constant == 1 and not any(powers):
            return [f"The normaliser is missing: divide by {formula}."]
        if not any(right) and self.constant == 1:
            if constant < 1 and not any(powers):
                return [f"Your result is {1 / constant:.4g} times the right one, for every input."]
            return [f"You divide by {written}; the formula divides by nothing."]
        if constant == 1 / self.constant and powers == tuple(-power for power in right):
            return [f"You multiply by {formula}; the formula divides by it."]
        if found != (self.constant, *right) and (exponent := self._exponent(constant, powers)):
            root = max(right)
            base = self.written(self.constant ** (1 / root), tuple(power // root for power in right))
            return [
                f"You divide by the power {exponent} of {base}, {written}; the formula divides by {formula}."
            ]
        faults = [self._fault_of_constant(constant)] if constant != self.constant else []
        faults += [_fault(*each) for each in zip(self.names, powers, right, strict=True) if each[1] != each[2]]
        text = f"The normaliser is off: {', '.join(faults)}. You divide by {written}, the formula by {formula}."
        if powers == right and constant != 1:
            text += f" (Your result is {self.constant / constant:.4g} times the right one, for every input.)"
        return [text]

    def _fault_of_constant(self, constant: float) -> str:
        if constant == 1:
            return f"the {self.constant:g} is missing"
        return f"{constant:.4g} stands where the {self.constant:g} belongs"

    def written(self, constant: float, powers: Iterable[int]) -> str:
        """'4 n_H n_W n_C' for a constant and powers."""
        factors = [f"{constant:.4g}"] if constant != 1 else []
        factors += [
            name + ("" if power == 1 else str(power).translate(_SMALL))
            for name, power in zip(self.names, powers, strict=True)
            if power
        ]
        return " ".join(factors) or "1"

    # Where an operator between two factors is another one.

    def _sums(self) -> Any:
        """{text: (changes, logarithms of the values)} of all expressions with other operators than *."""
        sums: dict[str, tuple[int, Array]] = {}
        for exponent, factors in self.factorings:
            leaves = [
                (text, constant * np.prod(self.dimensions ** np.array(powers), axis=1))
                for text, constant, powers in factors
            ]
            for text, _, changes, value in _expressions(leaves):
                if changes and (value != 0).all() and np.isfinite(value).all():
                    written = text if exponent == 1 else f"({text})²"
                    if written not in sums or changes < sums[written][0]:
                        sums[written] = (changes, value**exponent)
        self._sum_texts = list(sums)
        self._sum_changes = np.array([changes for changes, _ in sums.values()])
        values = np.array([value for _, value in sums.values()])
        self._sum_signs = np.sign(values)
        return np.log(np.abs(values))

    def _sums_that_fit(self, divisors: Array, known: Array, signs: Array) -> list[tuple[int, str]]:
        if not len(self.sums) or known.sum() < 4:
            return []
        same = np.abs(self.sums[:, known] - divisors).max(axis=1) <= 2 * TOLERANCE
        fits = np.flatnonzero(same & (self._sum_signs[:, known] == signs).all(axis=1))
        if not len(fits):
            return []
        best = fits[self._sum_changes[fits].argmin()]
        formula = self.written(self.constant, tuple(self.right.tolist()))
        text = f"You divide by {self._sum_texts[best]}; the formula multiplies all of them: {formula}."
        return [(int(self._sum_changes[best]), text)]


def _nice(constant: float) -> float | None:
    return next((nice for nice in _CONSTANTS if abs(constant / nice - 1) <= 3 * TOLERANCE), None)


def _fault(name: str, found: float, right: float) -> str:
    """What is wrong with one factor of the normaliser, found with one power instead of the right one."""
    if found == 0:
        return f"{name} is missing (or was read from the batch axis, which is 1)"
    if found < 0:
        return f"{name} multiplies instead of dividing"
    if found < right:
        return f"{name} is not squared"
    return f"{name} is squared" if (found, right) == (2, 1) else f"{name} counts {found} times instead of {right}"


def _expressions(leaves: Sequence[Any]) -> Iterator[Any]:
    """(text, operator, changes, value): every way to join the leaves, each used once, by * and by + - /."""
    if len(leaves) == 1:
        (text, value), = leaves
        yield text, "", 0, value
        return
    first, rest = leaves[0], leaves[1:]
    for mask in range(2 ** len(rest) - 1):
        left = [first] + [leaf for bit, leaf in enumerate(rest) if mask >> bit & 1]
        right = [leaf for bit, leaf in enumerate(rest) if not mask >> bit & 1]
        for a, b in itertools.product(list(_expressions(left)), list(_expressions(right))):
            yield from _joined(a, b)


def _joined(a: Any, b: Any) -> Any:
    (text_a, op_a, changes_a, x), (text_b, op_b, changes_b, y) = a, b
    with np.errstate(all="ignore"):
        quotient, inverse, whole, whole_inverse = x / y, y / x, np.floor(x / y), np.floor(y / x)
    changes = changes_a + changes_b

    def bracketed(text: str, op: str, outer: str) -> str:
        return f"({text})" if op and (op in "+-" or op in "//" or outer in "//") and outer != "+" else text

    def text(outer: str, first: str, op_first: str, second: str, op_second: str) -> str:
        sign = " " if outer == "*" else f" {outer} "
        right = bracketed(second, op_second, outer)
        return f"{bracketed(first, op_first, outer) if outer != '-' else first}{sign}{right}"

    yield text("*", text_a, op_a, text_b, op_b), "*", changes, x * y
    yield text("+", text_a, op_a, text_b, op_b), "+", changes + 1, x + y
    yield text("-", text_a, op_a, text_b, op_b), "-", changes + 1, x - y
    yield text("-", text_b, op_b, text_a, op_a), "-", changes + 1, y - x
    yield text("//", text_a, op_a, text_b, op_b), "//", changes + 1, whole
    yield text("//", text_b, op_b, text_a, op_a), "//", changes + 1, whole_inverse
    # Pure quotients are powers, which the grid has.
    if changes:
        yield text("/", text_a, op_a, text_b, op_b), "/", changes + 1, quotient
        yield text("/", text_b, op_b, text_a, op_a), "/", changes + 1, inverse

"""What a setting may be: whole numbers, numbers, words, sizes, files, layers, each with one sentence for what is not.

Every kind has check(name, value), for a value from Python or a file, and read(name, text), for a flag's text. Both
return the value in its own type, or raise InputError naming the setting, what is wrong, and what to give. `accepts` is
the type, as it is written in Keywords, of what check() takes.
"""

import numbers
import operator
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nst_utils.base.errors import InputError, shown
from nst_utils.base.types import Array, LayerWeights, WidthHeight
from nst_utils.engine.recipe import check_layers, is_finite, merge_layers

# Of more digits, Python makes no number; and what is larger, NumPy does not take.
_DIGITS, _LARGEST = r"\d{1,1000}", 2**63 - 1


@dataclass(frozen=True)
class Whole:
    """A whole number, with the least and the largest that make sense."""

    least: int
    most: int | None = None
    metavar, accepts = "N", "int"

    def check(self, name: str, value: Any) -> int:
        """The value as an int; InputError naming it otherwise."""
        try:
            if isinstance(value, bool):
                raise TypeError
            number = operator.index(value)
        except TypeError:
            raise self._refusal(name, value) from None
        if not self.least <= number <= (_LARGEST if self.most is None else self.most):
            raise self._refusal(name, value)
        return number

    def read(self, name: str, text: str) -> int:
        """The value that a text such as a flag's stands for."""
        if not re.fullmatch(rf"\s*[+-]?{_DIGITS}\s*", text):
            raise self._refusal(name, text)
        return self.check(name, int(text))

    def _refusal(self, name: str, value: Any) -> InputError:
        bounds = f"of {self.least} or more" if self.most is None else f"from {self.least} to {self.most}"
        return InputError(f"{name} is {shown(value)}: give a whole number {bounds}.")


@dataclass(frozen=True)
class Number:
    """A finite number, with its bounds; `above` and `below` exclude their own value."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    metavar, accepts = "X", "float"

    def check(self, name: str, value: Any) -> float:
        """The value as it is, if it is a number within the bounds; InputError naming it otherwise."""
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not number or not is_finite(value):
            raise self._refusal(name, value)
        too_small = (self.least is not None and value < self.least) or (self.above is not None and value <= self.above)
        too_large = (self.most is not None and value > self.most) or (self.below is not None and value >= self.below)
        if too_small or too_large:
            raise self._refusal(name, value)
        return value if isinstance(value, (int, float)) else float(value)

    def read(self, name: str, text: str) -> float:
        """The value that a text such as a flag's stands for."""
        try:
            number = float(text)
        except ValueError:
            raise self._refusal(name, text) from None
        return self.check(name, number)

    def _refusal(self, name: str, value: Any) -> InputError:
        if self.most is not None:
            bounds = f"number from {self.least} to {self.most}"
        elif self.below is not None:
            bounds = f"number from {self.least} to just below {self.below}"
        elif self.above is not None:
            bounds = f"finite number above {self.above}"
        else:
            bounds = f"finite number of {self.least} or more"
        return InputError(f"{name} is {shown(value)}: give a {bounds}.")


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    metavar = "NAME"

    @property
    def accepts(self) -> str:
        return literal(self.words)

    def check(self, name: str, value: Any) -> str:
        """The value, if it is one of the words; InputError naming it otherwise."""
        if not isinstance(value, str) or value not in self.words:
            raise InputError(f"There is no {name} called {shown(value)}: use {', '.join(self.words)}.")
        return value

    read = check


@dataclass(frozen=True)
class Size:
    """Width and height in pixels, two whole numbers, as a text 400x300."""

    metavar, accepts = "WxH", "Sequence[int]"

    def check(self, name: str, value: Any) -> WidthHeight:
        """The value as (width, height); how small it may be is for those who know the picture."""
        try:
            width, height = (operator.index(side) for side in value)
            if max(width, height) > _LARGEST:
                raise ValueError
        except (TypeError, ValueError):
            raise InputError(
                f"The {name} {shown(value)} cannot be understood: give (width, height) in pixels."
            ) from None
        return int(width), int(height)

    def read(self, name: str, text: str) -> WidthHeight:
        """(width, height) of a text such as 400x300."""
        match = re.fullmatch(rf"\s*({_DIGITS})\s*[xX×]\s*({_DIGITS})\s*", text)
        if not match:
            raise InputError(
                f"The {name} {shown(text)} cannot be understood: write it as WIDTHxHEIGHT, such as 400x300."
            )
        return self.check(name, (int(match[1]), int(match[2])))


@dataclass(frozen=True)
class Memory:
    """An amount of memory in bytes, as a text 2GB or 1500MB."""

    metavar, accepts = "SIZE", "float"

    def check(self, name: str, value: Any) -> int:
        """The value as a whole number of bytes above 0."""
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not number or not 0 < value < float("inf"):
            raise InputError(f"{name} is {shown(value)}: give a number of bytes above 0.")
        return min(int(value), _LARGEST)

    def read(self, name: str, text: str) -> int:
        """Bytes of a text such as 2GB, 1500MB or 1.5 GiB."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT])(i?)[bB]?\s*", text)
        if not match:
            raise InputError(f"{name} is {shown(text)}, which cannot be understood: write it as 2GB or 1500MB.")
        base = 1024 if match[3] else 1000
        return self.check(name, float(match[1]) * base ** (" kmgt".index(match[2].lower())))


@dataclass(frozen=True)
class File:
    """The path of a file that is there; who opens it says what is wrong with it."""

    metavar, accepts = "FILE", "AnyPath"

    def check(self, name: str, value: Any) -> str:
        """The path as a text."""
        try:
            return os.fspath(value)
        except TypeError:
            raise InputError(f"{name} is {shown(value)}: give the path of a file.") from None

    read = check


@dataclass(frozen=True)
class WeightedLayers:
    """Pairs of a layer's name and a weight, as a text conv1_1=0.5,conv2_1=0.2."""

    metavar, accepts = "NAME=X,...", "str | dict[str, float] | Iterable[tuple[str, float]]"

    def check(self, name: str, value: Any) -> LayerWeights:
        """The pairs as a tuple of tuples, each layer once. The name of one layer stands for it with the weight 1."""
        if isinstance(value, str):
            return self.read(name, value)
        try:
            pairs = tuple((layer, weight) for layer, weight in (value.items() if isinstance(value, dict) else value))
        except (TypeError, ValueError):
            raise InputError(f"{name} is {shown(value)}: give pairs of a layer's name and its weight.") from None
        check_layers([layer for layer, _ in pairs])
        return merge_layers(pairs)

    def read(self, name: str, text: str) -> LayerWeights:
        """The pairs of a text such as conv1_1=0.5,conv2_1=0.2; a layer without a weight has the weight 1."""
        pairs = []
        for part in text.split(","):
            layer, _, weight = (piece.strip() for piece in part.partition("="))
            pairs.append((layer, Number(least=0).read(f"The weight of the layer {layer}", weight or "1")))
        return self.check(name, pairs)


@dataclass(frozen=True)
class Numbers:
    """A number for each of the styles, as a text 2,1; a single one stands for all of them. each: what one may be."""

    each: Number = Number(least=0)
    metavar, accepts = "X,...", "float | Sequence[float] | Array"

    def check(self, name: str, value: Any) -> tuple[float, ...]:
        """The numbers as a tuple."""
        if isinstance(value, numbers.Real):
            value = (value,)
        if isinstance(value, str) or not isinstance(value, (list, tuple, np.ndarray)) or not len(value):
            raise InputError(f"{name} is {shown(value)}: give a number for each style.")
        return tuple(self.each.check(name, each) for each in value)

    def read(self, name: str, text: str) -> tuple[float, ...]:
        """The numbers of a text such as 2,1."""
        return tuple(self.each.read(name, part) for part in text.split(","))


@dataclass(frozen=True)
class Masks:
    """A mask for each of the styles: the path of a picture, or one of two words; as a text sky.png,rest."""

    metavar, accepts = "FILE,...", "str | Sequence[AnyPath]"

    def check(self, name: str, value: Any) -> tuple[str, ...]:
        """The masks as a tuple of paths and words."""
        if isinstance(value, str):
            return self.read(name, value)
        if not isinstance(value, (list, tuple)) or not value:
            raise InputError(f"{name} is {shown(value)}: give a picture, 'all' or 'rest' for each style.")
        try:
            return tuple(os.fspath(each) for each in value)
        except TypeError:
            raise InputError(f"{name} are {shown(value)}: give paths, 'all' or 'rest'.") from None

    def read(self, name: str, text: str) -> tuple[str, ...]:
        """The masks of a text such as sky.png,rest."""
        return tuple(part.strip() for part in text.split(","))


@dataclass(frozen=True)
class Start:
    """One of a few words, or a picture: its path, or an array (H, W, 3)."""

    words: tuple[str, ...]
    metavar = "NAME|FILE"

    @property
    def accepts(self) -> str:
        return f"{literal(self.words)} | AnyPicture"

    def check(self, name: str, value: Any) -> str | Array:
        """The value, if it is one of the words, the path of a file that is there, or an array."""
        if isinstance(value, np.ndarray):
            return value
        try:
            value = os.fspath(value)
        except TypeError:
            raise self._refusal(name, value) from None
        if value not in self.words and not os.path.isfile(value):
            raise self._refusal(name, value)
        return value

    read = check

    def _refusal(self, name: str, value: Any) -> InputError:
        words = ", ".join(self.words)
        return InputError(f"There is no {name} called {shown(value)}: use {words}, or the path of a picture.")


def literal(words: Iterable[str]) -> str:
    """The type of one of a few words."""
    return "Literal[" + ", ".join(f'"{word}"' for word in words) + "]"


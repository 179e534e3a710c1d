"""All that decides a picture besides the pictures themselves: each setting with its type, bounds and words, once.

The keyword arguments of stylize(), the flags of the command line, settings files and graphical interfaces are made
from the fields of Settings. Nothing here needs TensorFlow, so that a mistake is told before it is imported.
"""

import dataclasses
import inspect
import math
import numbers
import operator
import os
import re
import reprlib
from dataclasses import dataclass, field

from nst_utils.base.errors import InputError
from nst_utils.engine.recipe import CONTENT_LAYER, STYLE_LAYERS, Recipe, check_layers, merge_layers
from nst_utils.network.weights import find_weights
from nst_utils.pictures.sizes import MIN_SIDE

OPTIMIZERS = ("lbfgs", "adam", "adagrad")
STARTS = ("color", "mix", "content", "noise")
DEFAULT_ITERATIONS = {"lbfgs": 30, "adam": 200, "adagrad": 200}


@dataclass(frozen=True)
class Whole:
    """A whole number, with the least and the largest that make sense."""

    least: int
    most: int | None = None
    metavar = "N"

    def check(self, name, value):
        """The value as an int; InputError naming it otherwise."""
        try:
            if isinstance(value, bool):
                raise TypeError
            number = operator.index(value)
        except TypeError:
            raise self._refusal(name, value) from None
        if number < self.least or (self.most is not None and number > self.most):
            raise self._refusal(name, value)
        return number

    def read(self, name, text):
        """The value that a text such as a flag's stands for."""
        if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
            raise self._refusal(name, text)
        return self.check(name, int(text))

    def _refusal(self, name, value):
        bounds = f"of {self.least} or more" if self.most is None else f"from {self.least} to {self.most}"
        return InputError(f"{name} is {_shown(value)}: give a whole number {bounds}.")


@dataclass(frozen=True)
class Number:
    """A finite number, with its bounds; `above` excludes its own value."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    metavar = "X"

    def check(self, name, value):
        """The value as it is, if it is a number within the bounds; InputError naming it otherwise."""
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise self._refusal(name, value)
        too_small = (self.least is not None and value < self.least) or (self.above is not None and value <= self.above)
        if too_small or (self.most is not None and value > self.most):
            raise self._refusal(name, value)
        return value if isinstance(value, (int, float)) else float(value)

    def read(self, name, text):
        """The value that a text such as a flag's stands for."""
        try:
            number = float(text)
        except ValueError:
            raise self._refusal(name, text) from None
        return self.check(name, number)

    def _refusal(self, name, value):
        if self.most is not None:
            bounds = f"number from {self.least} to {self.most}"
        elif self.above is not None:
            bounds = f"finite number above {self.above}"
        else:
            bounds = f"finite number of {self.least} or more"
        return InputError(f"{name} is {_shown(value)}: give a {bounds}.")


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple
    metavar = "NAME"

    def check(self, name, value):
        """The value, if it is one of the words; InputError naming it otherwise."""
        if not isinstance(value, str) or value not in self.words:
            raise InputError(f"There is no {name} called {_shown(value)}: use {', '.join(self.words)}.")
        return value

    read = check


@dataclass(frozen=True)
class Size:
    """Width and height in pixels, two whole numbers, as a text 400x300."""

    metavar = "WxH"

    def check(self, name, value):
        """The value as (width, height); how small it may be is for those who know the picture."""
        try:
            width, height = (operator.index(side) for side in value)
        except (TypeError, ValueError):
            raise InputError(f"The {name} {value} cannot be understood: give (width, height) in pixels.") from None
        return int(width), int(height)

    def read(self, name, text):
        """(width, height) of a text such as 400x300."""
        match = re.fullmatch(r"\s*(\d+)\s*[xX×]\s*(\d+)\s*", text)
        if not match:
            raise InputError(f"The {name} {text!r} cannot be understood: write it as WIDTHxHEIGHT, such as 400x300.")
        return int(match[1]), int(match[2])


@dataclass(frozen=True)
class Memory:
    """An amount of memory in bytes, as a text 2GB or 1500MB."""

    metavar = "SIZE"

    def check(self, name, value):
        """The value as a whole number of bytes above 0."""
        if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 < value < float("inf"):
            raise InputError(f"{name} is {_shown(value)}: give a number of bytes above 0.")
        return int(value)

    def read(self, name, text):
        """Bytes of a text such as 2GB, 1500MB or 1.5 GiB."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT])(i?)[bB]?\s*", text)
        if not match:
            raise InputError(f"{name} is {text!r}, which cannot be understood: write it as 2GB or 1500MB.")
        base = 1024 if match[3] else 1000
        return self.check(name, int(float(match[1]) * base ** (" kmgt".index(match[2].lower()))))


@dataclass(frozen=True)
class File:
    """The path of a file that is there; who opens it says what is wrong with it."""

    metavar = "FILE"

    def check(self, name, value):
        """The path as a text."""
        try:
            return os.fspath(value)
        except TypeError:
            raise InputError(f"{name} is {_shown(value)}: give the path of a file.") from None

    read = check


@dataclass(frozen=True)
class Layer:
    """The name of one of the network's layers."""

    metavar = "NAME"

    def check(self, name, value):
        """The value, if the network has a layer of that name."""
        check_layers([value])
        return value

    read = check


@dataclass(frozen=True)
class WeightedLayers:
    """Pairs of a layer's name and a weight, as a text conv1_1=0.5,conv2_1=0.2."""

    metavar = "NAME=X,..."

    def check(self, name, value):
        """The pairs as a tuple of tuples, each layer once."""
        try:
            pairs = tuple((layer, weight) for layer, weight in value)
        except (TypeError, ValueError):
            raise InputError(f"{name} is {_shown(value)}: give pairs of a layer's name and its weight.") from None
        check_layers([layer for layer, _ in pairs])
        return merge_layers(pairs)

    def read(self, name, text):
        """The pairs of a text such as conv1_1=0.5,conv2_1=0.2; a layer without a weight has the weight 1."""
        pairs = []
        for part in text.split(","):
            layer, _, weight = (piece.strip() for piece in part.partition("="))
            pairs.append((layer, Number(least=0).read(f"The weight of the style layer {layer}", weight or "1")))
        return self.check(name, pairs)


def _shown(value):
    """The value as a message shows it: in quotes if it is text, and never long."""
    return reprlib.repr(value)


def _setting(default, kind, group, help, label=None, default_help=None):
    """A field of Settings: what it may be, where it belongs, and its words.

    label: how messages call it, by default by its name. default_help: what a default of None stands for.
    """
    return field(
        default=default,
        metadata={"kind": kind, "group": group, "help": help, "label": label, "default_help": default_help},
    )


@dataclass(frozen=True)
class Settings:
    """All that decides a picture besides the pictures themselves. A default of None is filled in by checked()."""

    size: tuple | None = _setting(
        None, Size(), "picture", "Size of the picture, such as 400x300.", default_help="as --max-side allows"
    )
    max_side: int | None = _setting(
        512, Whole(MIN_SIDE), "picture",
        "Longest side in pixels, keeping the photo's proportions; None for the photo's own.",
    )
    iterations: int | None = _setting(
        None, Whole(1), "picture", "Steps at the full size.", default_help="30; 200 for adam and adagrad"
    )
    alpha: float = _setting(10.0, Number(least=0), "costs", "Weight of the content cost.")
    beta: float = _setting(40.0, Number(least=0), "costs", "Weight of the style cost.")
    tv_weight: float = _setting(0.0, Number(least=0), "costs", "Weight of the total variation, against speckles.")
    content_layer: str = _setting(CONTENT_LAYER, Layer(), "costs", "The layer at which the content is compared.")
    style_layers: tuple = _setting(
        tuple(STYLE_LAYERS), WeightedLayers(), "costs", "The layers at which the style is compared, with weights."
    )
    pooling: str = _setting("average", Choice(("average", "max")), "costs", "How the network halves: average or max.")
    optimizer: str = _setting("lbfgs", Choice(OPTIMIZERS), "optimiser", "lbfgs, adam or adagrad.")
    learning_rate: float = _setting(
        2.0, Number(above=0), "optimiser", "Step size of adam and adagrad, in grey levels.", "The learning rate"
    )
    init: str | None = _setting(
        None, Choice(STARTS), "start", "Start: color, mix, content or noise.", "start",
        default_help="color; mix for adam and adagrad",
    )
    noise_ratio: float = _setting(
        0.6, Number(least=0, most=1), "start", "Part of the noise in a start of mix.", "The noise ratio"
    )
    seed: int = _setting(0, Whole(0, 2**32 - 1), "start", "Seed of the noise.", "The seed")
    stop_at_cost: float | None = _setting(
        None, Number(above=0), "machine", "Stop when the total cost is this low.", "The cost to stop at"
    )
    weights: str | None = _setting(
        None, File(), "machine", "A weights file.", default_help="the official one if present, else embedded"
    )
    precision: str = _setting(
        "auto", Choice(("auto", "float32", "bfloat16")), "machine", "auto, float32 or bfloat16."
    )
    max_memory: int | None = _setting(
        None, Memory(), "machine", "Memory to stay within, such as 2GB.", default_help="3/4 of the machine's"
    )

    @classmethod
    def of(cls, **settings):
        """The checked Settings of keyword arguments; InputError for an unknown name too."""
        known = [each.name for each in dataclasses.fields(cls)]
        for name in settings:
            if name not in known:
                raise InputError(f"There is no setting called {name!r}: the settings are {', '.join(known)}.")
        return cls(**settings).checked()

    def checked(self):
        """The settings, each of its own type and within its bounds, with every default filled in."""
        values = {each.name: self._check(each) for each in dataclasses.fields(self)}
        if values["iterations"] is None:
            values["iterations"] = DEFAULT_ITERATIONS[values["optimizer"]]
        if values["init"] is None:
            values["init"] = "color" if values["optimizer"] == "lbfgs" else "mix"
        values["weights"] = str(find_weights(values["weights"]))
        found = dataclasses.replace(self, **values)
        found.recipe  # noqa: B018 - raises for costs that leave nothing to look at
        return found

    def _check(self, each):
        value = getattr(self, each.name)
        if value is None and (each.default is None or each.name == "max_side"):
            return None
        return each.metadata["kind"].check(each.metadata["label"] or each.name, value)

    @property
    def recipe(self):
        return Recipe(
            self.alpha, self.beta, self.tv_weight, self.content_layer if self.alpha else None,
            self.style_layers if self.beta else (), self.pooling,
        )


def takes_settings(function):
    """The function of **settings with each of them in its signature and in its docstring, for help() and editors."""
    signature = inspect.signature(function)
    own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    fields = dataclasses.fields(Settings)
    keywords = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=each.type)
        for each in fields
    ]
    function.__signature__ = signature.replace(parameters=[*own, *keywords])
    function.__doc__ = inspect.cleandoc(function.__doc__) + "\n\nSettings:\n" + "\n".join(map(_in_words, fields))
    return function


def _in_words(setting):
    default = setting.metadata["default_help"] or ("" if setting.default is None else str(setting.default))
    return f"{setting.name}: {setting.metadata['help']} Default: {default or 'none'}."


def read_setting(name, text):
    """The value of a setting from a text, as a flag of the command line has it."""
    about = Settings.__dataclass_fields__[name].metadata
    return about["kind"].read(about["label"] or name, text)


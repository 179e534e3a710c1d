"""All that decides a picture besides the pictures themselves: each setting with its type, bounds and words, once.

The keyword arguments of stylize(), the flags of the command line, settings files and graphical interfaces are made
from the fields of Settings. Nothing here needs TensorFlow, so that a mistake is told before it is imported.
"""

import dataclasses
import inspect
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.types import AnyPath, Array, LayerWeights, WidthHeight
from nst_utils.engine.kinds import (
    Choice,
    File,
    Masks,
    Memory,
    Number,
    Numbers,
    Size,
    Start,
    WeightedLayers,
    Whole,
)
from nst_utils.engine.recipe import CONTENT_LAYER, STYLE_LAYERS, Recipe
from nst_utils.network.weights import find_weights
from nst_utils.pictures.sizes import MIN_SIDE

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nst_utils.engine.keywords import Keywords

F = TypeVar("F", bound=Callable[..., Any])
if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

METHODS = ("gram", "neighbours")
OPTIMIZERS = ("lbfgs", "adam", "adagrad")
STARTS = ("color", "mix", "content", "noise")
QUALITIES = ("quick", "normal", "fine")
# Steps at the full size of the qualities that are not the usual one.
ITERATIONS_OF = {"quick": 1, "fine": 120}
DEFAULT_ITERATIONS = {"lbfgs": 30, "adam": 200, "adagrad": 200}
DEFAULT_EPSILON = {"lbfgs": None, "adam": 1e-8, "adagrad": 1e-7}
# The order and the titles in which the groups of settings are shown.
GROUPS = {
    "first": "What matters first",
    "styles": "Several paintings",
    "costs": "What it is judged by",
    "start": "Where it starts",
    "optimiser": "How it is optimised",
    "machine": "The machine's part",
}
# By how much a painting may be turned, in degrees.
ANGLE = Number(least=-180, most=180)
# What a setting was once called, and is still understood as.
FORMER_NAMES = {"content_layer": "content_layers"}


def _setting(
    default: Any, kind: Any, group: str, help: str, label: str | None = None, default_help: str | None = None
) -> Any:
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

    size: WidthHeight | None = _setting(
        None, Size(), "first", "Size of the picture, such as 400x300.", default_help="as max_side allows"
    )
    max_side: int | None = _setting(
        512, Whole(MIN_SIDE), "first", "Longest side in pixels, keeping the photo's proportions."
    )
    iterations: int = _setting(
        None, Whole(1), "first", "Steps at the full size: more for a picture nearer to the painting.",
        default_help="30; 200 for adam and adagrad; 16 for neighbours; 1 for quick, 120 for fine",
    )
    quality: str = _setting(
        "normal", Choice(QUALITIES), "first",
        "quick: a first look, in a second or two; normal; fine: for those who wait.",
    )
    method: str = _setting(
        "gram", Choice(METHODS), "first",
        "gram: the course's, Gram matrices of the painting; neighbours: the painting's own spots, put where they fit.",
    )
    strength: float = _setting(
        1.0, Number(least=0, most=1), "first", "From 0, nearly the photo, to 1, the whole painting.", "The strength"
    )
    style_scale: tuple[float, ...] = _setting(
        (1.0,), Numbers(Number(above=0)), "first", "Brush size: 0.5 for finer strokes, 2 for broader ones."
    )
    style_angle: tuple[float, ...] = _setting(
        (0.0,), Numbers(ANGLE), "first", "Degrees by which the strokes are turned, counterclockwise: 45, 90, -30."
    )
    keep_colors: str | None = _setting(
        None, Choice(("luminance", "palette")), "first",
        "Keep the photo's colours: luminance paints lightness only, palette paints with the photo's own colours.",
        "way to keep colours", "the painting's colours",
    )
    style_weights: tuple[float, ...] | None = _setting(
        None, Numbers(), "styles", "A weight for each painting, such as 2,1.", default_help="alike"
    )
    masks: tuple[str, ...] | None = _setting(
        None, Masks(), "styles",
        "Where each painting goes: a picture, white = here, grey = partly; rest = where no other mask is; all.",
        default_help="all, everywhere",
    )
    alpha: float = _setting(10.0, Number(least=0), "costs", "Weight of the content cost.")
    beta: float = _setting(40.0, Number(least=0), "costs", "Weight of the style cost.")
    tv_weight: float = _setting(0.0, Number(least=0), "costs", "Weight of the total variation, against speckles.")
    content_layers: LayerWeights = _setting(
        ((CONTENT_LAYER, 1.0),), WeightedLayers(), "costs", "The layers at which the content is compared."
    )
    style_layers: LayerWeights = _setting(
        tuple(STYLE_LAYERS), WeightedLayers(), "costs", "The layers at which the style is compared."
    )
    pooling: str = _setting("average", Choice(("average", "max")), "costs", "How the network halves: average or max.")
    optimizer: str = _setting("lbfgs", Choice(OPTIMIZERS), "optimiser", "lbfgs, adam or adagrad.")
    learning_rate: float = _setting(
        2.0, Number(above=0), "optimiser", "Step size of adam and adagrad, in grey levels.", "The learning rate"
    )
    beta1: float = _setting(0.9, Number(least=0, below=1), "optimiser", "How long adam remembers gradients.")
    beta2: float = _setting(0.999, Number(least=0, below=1), "optimiser", "How long adam remembers their squares.")
    epsilon: float | None = _setting(
        None, Number(above=0), "optimiser", "What adam and adagrad add to a root, against a division by 0.",
        default_help="1e-8; 1e-7 for adagrad",
    )
    initial_accumulator: float = _setting(
        0.1, Number(least=0), "optimiser", "Where adagrad's sum of squares begins."
    )
    history_length: int = _setting(10, Whole(1), "optimiser", "Steps that lbfgs remembers, fewer if memory is short.")
    init: str | Array = _setting(
        None, Start(STARTS), "start", "color, mix, content, noise, or a picture, such as an earlier result.",
        "start", "color; mix for adam and adagrad",
    )
    noise_ratio: float = _setting(
        0.6, Number(least=0, most=1), "start", "Part of the noise in a start of mix.", "The noise ratio"
    )
    seed: int = _setting(0, Whole(0, 2**32 - 1), "start", "Seed of the noise.", "The seed")
    stop_at_cost: float | None = _setting(
        None, Number(above=0), "machine", "Stop when the total cost is this low.", "The cost to stop at"
    )
    weights: str = _setting(
        None, File(), "machine", "A weights file.", default_help="the official one if present, else embedded"
    )
    precision: str = _setting(
        "auto", Choice(("auto", "float32", "bfloat16")), "machine", "auto, float32 or bfloat16."
    )
    max_memory: int | None = _setting(
        None, Memory(), "machine", "Memory to stay within, such as 2GB; larger pictures are painted in tiles.",
        default_help="3/4 of the machine's",
    )

    @classmethod
    def of(cls, **settings: "Unpack[Keywords]") -> "Settings":
        """The checked Settings of keyword arguments; InputError for an unknown name too."""
        known = [each.name for each in dataclasses.fields(cls)]
        given: dict[str, Any] = dict(settings)
        for name in list(given):
            if name in FORMER_NAMES:
                given[FORMER_NAMES[name]] = given.pop(name)
            elif name not in known:
                raise InputError(f"There is no setting called {name!r}: the settings are {', '.join(known)}.")
        return cls(**given).checked()

    def checked(self) -> "Settings":
        """The settings, each of its own type and within its bounds, with every default filled in."""
        values = {each.name: self._check(each) for each in dataclasses.fields(self)}
        optimizer = values["optimizer"]
        if values["iterations"] is None:
            usual = 16 if values["method"] == "neighbours" else DEFAULT_ITERATIONS[optimizer]
            values["iterations"] = ITERATIONS_OF.get(values["quality"], usual)
        if values["init"] is None:
            values["init"] = "color" if optimizer == "lbfgs" else "mix"
        if values["epsilon"] is None:
            values["epsilon"] = DEFAULT_EPSILON[optimizer]
        values["weights"] = str(find_weights(values["weights"]))
        found = dataclasses.replace(self, **values)
        found.recipe  # noqa: B018 - raises for costs that leave nothing to look at
        if found.method == "neighbours":
            found._check_neighbours()
        if found.quality == "quick" and (optimizer != "lbfgs" or found.method != "gram"):
            raise InputError(
                "The quality quick is for the method gram with the optimizer lbfgs: leave the others out, or it."
            )
        return found

    def _check_neighbours(self) -> None:
        """Raise InputError for settings that the method neighbours has no use for."""
        if self.optimizer != "lbfgs":
            raise InputError(f"The method neighbours needs the optimizer lbfgs, not {self.optimizer}: leave it out.")
        for name in ("style_layers", "content_layers"):
            if getattr(self, name) != Settings.__dataclass_fields__[name].default:
                raise InputError(f"The method neighbours cannot use {name}, it has layers of its own: leave them out.")

    def _check(self, each: dataclasses.Field[Any]) -> Any:
        value = getattr(self, each.name)
        if value is None and (each.default is None or each.name == "max_side"):
            return None
        return each.metadata["kind"].check(each.metadata["label"] or each.name, value)

    @property
    def recipe(self) -> Recipe:
        # The content cost is so much smaller that it takes a millionfold weight to keep nearly all of the photo.
        alpha = self.alpha * 1e6 ** (1 - self.strength)
        return Recipe(
            alpha, self.beta, self.tv_weight, self.content_layers if self.alpha else (),
            self.style_layers if self.beta else (), self.pooling,
        )

    def plain(self) -> dict[str, Any]:
        """The settings as plain data, for a report or a file that read_settings() takes."""
        found = dataclasses.asdict(self)
        return {name: value if _is_plain(value) else "a picture" for name, value in found.items()}


def takes_settings(function: F) -> F:
    """The function of **settings with each of them in its signature and in its docstring, for help() and editors."""
    signature = inspect.signature(function)
    own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    fields = dataclasses.fields(Settings)
    keywords = [
        inspect.Parameter(
            each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=accepted_type(each)
        )
        for each in fields
    ]
    words = [inspect.cleandoc(function.__doc__ or ""), "", "Settings:", *map(_in_words, fields)]
    vars(function)["__signature__"] = signature.replace(parameters=[*own, *keywords])
    function.__doc__ = "\n".join(words)
    return function


def accepted_type(setting: dataclasses.Field[Any]) -> str:
    """The type of what a setting may be given, as Keywords has it."""
    open_ = setting.default is None or setting.name == "max_side"
    return setting.metadata["kind"].accepts + (" | None" if open_ else "")


def default_text(setting: dataclasses.Field[Any]) -> str:
    """The default of a field of Settings as one would type it."""
    default = setting.default
    if setting.metadata["default_help"]:
        return setting.metadata["default_help"]
    if default is None:
        return "none"
    if isinstance(default, tuple):
        return ",".join(f"{e[0]}={e[1]:g}" if isinstance(e, tuple) else f"{e:g}" for e in default)
    return f"{default:g}" if isinstance(default, float) else str(default)


def read_setting(name: str, text: str) -> Any:
    """The value of a setting from a text, as a flag of the command line has it."""
    about = Settings.__dataclass_fields__[name].metadata
    return about["kind"].read(about["label"] or name, text)


def read_settings(path: AnyPath) -> dict[str, Any]:
    """The settings in a file, {name: value}: the report of an earlier run (JSON), or TOML with the same names.

    Raises InputError with one sentence for a file that is none, an unknown name, or a value of a wrong type.
    """
    content = read_toml(path)
    report = isinstance(content.get("settings"), dict)
    found: dict[str, Any] = {}
    for name, value in (content["settings"] if report else content).items():
        name = FORMER_NAMES.get(name, name)
        if report and (value is None and name != "max_side" or name in ("content", "style", "out")):
            continue  # the files of that run, and what it left open
        found[name] = given_setting(path, name, value)
    return found


def read_toml(path: AnyPath) -> dict[str, Any]:
    """What a settings file holds, TOML or a report's JSON, as plain data; InputError with one sentence otherwise."""
    if not os.path.exists(path):
        raise MissingFileError(f"The settings file {path} does not exist: check its path.")
    try:
        text = Path(path).read_text(encoding="utf-8")
        content = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): give a settings file.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is neither a report nor TOML ({error}): write lines such as alpha = 5.") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no settings: write lines such as alpha = 5.")
    return content


def given_setting(path: AnyPath, name: str, value: Any) -> Any:
    """The checked value of a setting that a settings file gives; InputError naming the file otherwise."""
    if name not in Settings.__dataclass_fields__:
        raise InputError(f"{path} has a setting called {name!r}, which there is not: see nst stylize --help.")
    about = Settings.__dataclass_fields__[name].metadata
    kind, label = about["kind"], f"In {path}, {about['label'] or name}"
    if value is None:
        return None
    as_text = isinstance(value, str) and not isinstance(kind, (Whole, Number, Numbers))
    return kind.read(label, value) if as_text else kind.check(label, value)


def _in_words(setting: dataclasses.Field[Any]) -> str:
    return f"{setting.name}: {setting.metadata['help']} Default: {default_text(setting)}."


def _is_plain(value: Any) -> bool:
    try:
        return json.dumps(value) is not None
    except TypeError:
        return False

"""The settings as keyword arguments, for type checkers and editors.

Written by packaging/keywords.py from the fields of Settings, where each has its bounds, its words and its default.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, TypedDict

from nst_utils.base.types import AnyPath, AnyPicture, Array


class Keywords(TypedDict, total=False):
    """What stylize(), make_pairs() and Settings.of() take as **settings."""

    size: Sequence[int] | None
    max_side: int | None
    iterations: int | None
    quality: Literal["quick", "normal", "fine"]
    method: Literal["gram", "neighbours"]
    strength: float
    style_scale: float | Sequence[float] | Array
    style_angle: float | Sequence[float] | Array
    keep_colors: Literal["luminance", "palette"] | None
    style_weights: float | Sequence[float] | Array | None
    masks: str | Sequence[AnyPath] | None
    alpha: float
    beta: float
    tv_weight: float
    content_layers: str | dict[str, float] | Iterable[tuple[str, float]]
    style_layers: str | dict[str, float] | Iterable[tuple[str, float]]
    pooling: Literal["average", "max"]
    optimizer: Literal["lbfgs", "adam", "adagrad"]
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float | None
    initial_accumulator: float
    history_length: int
    init: Literal["color", "mix", "content", "noise"] | AnyPicture | None
    noise_ratio: float
    seed: int
    stop_at_cost: float | None
    weights: AnyPath | None
    precision: Literal["auto", "float32", "bfloat16"]
    max_memory: float | None

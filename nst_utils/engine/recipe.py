"""What a picture is judged by: the layers that the costs look at, and the weights of the costs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from nst_utils.base.errors import InputError, shown
from nst_utils.base.types import LayerWeights
from nst_utils.network.layout import LAYERS

CONTENT_LAYER = "conv4_2"
STYLE_LAYERS = [("conv1_1", 0.2), ("conv2_1", 0.2), ("conv3_1", 0.2), ("conv4_1", 0.2), ("conv5_1", 0.2)]


@dataclass(frozen=True)
class Recipe:
    """The weights of the costs and the layers that they look at.

    content_layers, style_layers: pairs of a layer's name and a weight; none of them leave that cost out. A layer
    named twice counts twice.
    """

    alpha: float = 10
    beta: float = 40
    tv_weight: float = 0
    content_layers: LayerWeights = ((CONTENT_LAYER, 1.0),)
    style_layers: LayerWeights = tuple(STYLE_LAYERS)
    pooling: str = "average"

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "tv_weight"):
            check_weight(name, getattr(self, name))
        for name in ("content_layers", "style_layers"):
            object.__setattr__(self, name, merge_layers(getattr(self, name)))
        check_layers(self.layers)
        if not self.layers:
            raise InputError("Neither a content nor a style layer is left: give at least one.")

    @property
    def content_names(self) -> list[str]:
        return [name for name, _ in self.content_layers]

    @property
    def style_names(self) -> list[str]:
        return [name for name, _ in self.style_layers]

    @property
    def layers(self) -> list[str]:
        """All layers that the costs look at, from shallow to deep."""
        names = {*self.style_names, *self.content_names}
        return sorted(names, key=lambda name: LAYERS.index(name) if name in LAYERS else -1)

    def down_to(self, deepest: str) -> Recipe:
        """The recipe without the costs of layers deeper than the one named."""
        kept = LAYERS[: LAYERS.index(deepest) + 1]
        return replace(
            self,
            content_layers=tuple((name, weight) for name, weight in self.content_layers if name in kept),
            style_layers=tuple((name, weight) for name, weight in self.style_layers if name in kept),
        )


def merge_layers(pairs: Iterable[tuple[str, float]]) -> LayerWeights:
    """The pairs (layer, weight) with each layer once, the weights of one named twice added up.

    Raises InputError for a weight that is negative or not a number, and where no weight is above 0.
    """
    merged: dict[str, float] = {}
    for name, weight in pairs:
        check_weight(f"The weight of the layer {name}", weight)
        merged[name] = merged[name] + weight if name in merged else weight
    if merged and not any(merged.values()):
        raise InputError(f"All of the layers {', '.join(merged)} have the weight 0: give one of them more.")
    return tuple(merged.items())


def check_layers(names: Iterable[str]) -> None:
    """Raise InputError if the network lacks one of the layers."""
    if unknown := [shown(name).strip("'") for name in names if name not in LAYERS]:
        raise InputError(f"The network has no layer {', '.join(unknown)}: its layers are {', '.join(LAYERS)}.")


def check_weight(name: str, weight: Any) -> None:
    """Raise InputError unless the weight is a finite number of 0 or more."""
    number = not isinstance(weight, bool) and (isinstance(weight, (int, float)) or hasattr(weight, "__float__"))
    if not number or not is_finite(weight) or weight < 0:
        raise InputError(f"{name} is {shown(weight)}: give a finite weight of 0 or more.")


def is_finite(number: Any) -> bool:
    """Whether a number is finite, and none that is too large for a float."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False

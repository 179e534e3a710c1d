"""Where an optimisation starts: the content, the content recoloured or mixed with noise, or noise alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nst_utils.base.types import Floats
from nst_utils.engine.styles import Region, recolored
from nst_utils.network.layout import MEANS


def mix_with_noise(image: Floats, noise_ratio: float, random: Any) -> Floats:
    """noise * noise_ratio + image * (1 - noise_ratio), the noise uniform in [-20, 20).

    image: (1, H, W, 3), RGB minus MEANS. random: np.random or a np.random.RandomState, called once. The noise is
    float32 of shape (1, H, W, 3).
    """
    noise_image = random.uniform(-20, 20, np.shape(image)).astype("float32")
    return noise_image * noise_ratio + image * (1 - noise_ratio)


def plain_start(init: str, content: Floats, regions: Sequence[Region], noise_ratio: float, seed: int) -> Floats:
    """The picture, float32 (H, W, 3), that an optimisation would start from without a coarser level.

    init: one of settings.STARTS. content: float32 (H, W, 3). regions: at that size. The same seed gives the same noise.
    """
    if init == "color":
        return recolored(content, regions)
    if init == "content":
        return content
    ratio = 1.0 if init == "noise" else noise_ratio
    return (mix_with_noise(content[np.newaxis] - MEANS, ratio, np.random.RandomState(seed)) + MEANS)[0]

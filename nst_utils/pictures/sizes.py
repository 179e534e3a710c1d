"""Sizes of pictures: which one to paint at, and resampling to it; turning."""

import math
import operator
from collections.abc import Iterable

import numpy as np
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.base.types import Array, Floats, Picture, WidthHeight

# Four poolings halve the picture before conv5_1: below this a style layer would see a single position or two.
MIN_SIDE = 32


def output_size(own: WidthHeight, size: Iterable[int] | None = None, max_side: int | None = None) -> WidthHeight:
    """The (width, height) to paint at: `size` as given, or the picture's own, its longer side at most max_side."""
    width, height = own
    if size is not None:
        try:
            width, height = (operator.index(side) for side in size)
        except (TypeError, ValueError):
            raise InputError(f"The size {size} cannot be understood: give (width, height) in pixels.") from None
    elif max_side is not None:
        scale = min(1.0, max_side / max(width, height))
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"{width}x{height} is too small for the network: each side needs at least {MIN_SIDE} pixels "
            "(set the size yourself with --size WxH or size=(width, height))."
        )
    return int(width), int(height)


def resize(picture: Picture, size: WidthHeight) -> Picture:
    """The picture (H, W, 3) uint8 at (width, height), by Lanczos filtering; the same array if it fits already."""
    if (picture.shape[1], picture.shape[0]) == tuple(size):
        return picture
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def enlarge(change: Floats, size: WidthHeight) -> Floats:
    """A float32 picture or change of one (H, W, 3), of any values, at (width, height), by bicubic filtering."""
    return _resample(change, size, Image.Resampling.BICUBIC)


def resample_grey(mask: Floats, size: WidthHeight) -> Floats:
    """A float32 array (H, W) at (width, height), each value the mean of what it stands for."""
    if (mask.shape[1], mask.shape[0]) == tuple(size):
        return mask
    return np.asarray(Image.fromarray(np.ascontiguousarray(mask)).resize(size, Image.Resampling.BILINEAR))


def scale_to_area(picture: Picture, pixels: float) -> Picture:
    """The picture with its own aspect ratio and about `pixels` pixels, no side below MIN_SIDE."""
    height, width = picture.shape[:2]
    scale = (pixels / (width * height)) ** 0.5
    return resize(picture, tuple(max(MIN_SIDE, round(side * scale)) for side in (width, height)))


def turn(picture: Picture, degrees: float) -> Picture:
    """The picture turned counterclockwise, by bicubic filtering, and cut to the largest upright part that it fills."""
    turned = Image.fromarray(picture).rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    if degrees % 90 == 0:
        return np.array(turned)
    size = _upright_within(picture.shape[1], picture.shape[0], math.radians(degrees))
    left, top = (math.ceil((whole - part) / 2) for whole, part in zip(turned.size, size, strict=True))
    return np.array(turned.crop((left, top, turned.width - left, turned.height - top)))


def _upright_within(width: float, height: float, angle: float) -> tuple[float, float]:
    """(width, height) of the largest upright rectangle within one that was turned by an angle of no right angles.

    x by y fits while x cos + y sin <= width and x sin + y cos <= height. x y is largest where one of the two limits it
    alone, if that fits the other, and else where both do.
    """
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    for x, y in ((width / (2 * cos), width / (2 * sin)), (height / (2 * sin), height / (2 * cos))):
        if x * cos + y * sin <= width * (1 + 1e-9) and x * sin + y * cos <= height * (1 + 1e-9):
            return x, y
    return (width * cos - height * sin) / (cos**2 - sin**2), (height * cos - width * sin) / (cos**2 - sin**2)


def halve(picture: Array) -> Floats:
    height, width = picture.shape[:2]
    return _resample(picture, (max(1, width // 2), max(1, height // 2)), Image.Resampling.LANCZOS)


def _resample(array: Array, size: WidthHeight, method: Image.Resampling) -> Floats:
    """A float32 array (H, W, C) at (width, height), channel by channel, because Pillow has no colour in floats."""
    channels = (Image.fromarray(np.ascontiguousarray(array[..., i])) for i in range(array.shape[-1]))
    return np.stack([np.asarray(channel.resize(size, method)) for channel in channels], axis=-1)

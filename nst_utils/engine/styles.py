"""The paintings, and where each of them goes: regions, each with a mask and the mean style of its paintings.

Guided Gram matrices: Gatys, Ecker, Bethge, Hertzmann and Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer", 2017, section 4. One painting without a mask is the usual case of one region that is everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import numpy as np
from scipy.ndimage import minimum_filter

from nst_utils.base.errors import InputError, shown
from nst_utils.base.types import AnyPicture, Array, Floats, Picture, WidthHeight
from nst_utils.engine.recipe import check_weight
from nst_utils.engine.settings import ANGLE, Settings
from nst_utils.network.layout import stride
from nst_utils.pictures.colors import Moments, recolor, without_detail
from nst_utils.pictures.reading import as_picture
from nst_utils.pictures.sizes import resample_grey, scale_to_area, turn

T = TypeVar("T")
EVERYWHERE, REST = WORDS = "all", "rest"
# Of a mask that would lose more than this by being shrunk, a layer sees all.
_MOST_LOST = 0.75


@dataclass(frozen=True)
class Style:
    """A painting, and how it is used.

    picture: a path or an array (H, W, 3), 0-255. weight: among the paintings, 0 or more. scale: brush size, above 0:
    0.5 for finer strokes, 2 for broader ones. mask: where it goes: a path or an array (H, W), white = here, grey =
    partly; "rest" for where no other mask is; None or "all" for everywhere. A mask may have any size. angle: degrees
    from -180 to 180 by which its strokes are turned, counterclockwise.
    """

    picture: AnyPicture
    weight: float = 1.0
    scale: float = 1.0
    mask: AnyPicture | None = None
    angle: float = 0.0


AnyStyle: TypeAlias = AnyPicture | Style | Sequence[AnyPicture | Style]


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the picture and the paintings that it is to look like.

    paintings: pictures (h, w, 3), uint8, or float32 at a size. shares: of each, adding up to 1. scales: brush sizes.
    angles: degrees by which regions_at() turns them. strength: weight of the region's style cost, 1 on average. mask:
    (H, W), from 0 to 1, or None for everywhere.
    """

    paintings: tuple[Array, ...]
    shares: tuple[float, ...]
    scales: tuple[float, ...]
    angles: tuple[float, ...]
    strength: float
    mask: Floats | None

    def colors(self, look: Callable[[Array], Array] = lambda painting: painting) -> Moments:
        """The mean Moments of the colours of what `look` makes of the paintings."""
        return Moments.mean_of([Moments.of(look(painting)) for painting in self.paintings], self.shares)


def everywhere(painting: Floats) -> list[Region]:
    """The Regions of one painting, float32 (h, w, 3), that goes everywhere."""
    return [Region((painting,), (1.0,), (1.0,), (0.0,), 1.0, None)]


def styles_of(style: AnyStyle, settings: Settings) -> list[Style]:
    """The Styles of what stylize() was given: a picture, a Style or a list of them, with the settings for styles."""
    given: list[Any] = list(style) if isinstance(style, (list, tuple)) else [style]
    if not given:
        raise InputError("There is no style: give at least one painting.")
    if settings.masks and not settings.beta:
        raise InputError("Masks say where a style goes, but beta is 0: give it more, or no masks.")
    styles = [each if isinstance(each, Style) else Style(each) for each in given]
    for number, each in enumerate(styles, start=1):
        check_weight(f"The weight of style {number}", each.weight)
        check_weight(f"The scale of style {number}", each.scale)
        if each.scale == 0:
            raise InputError(f"The scale of style {number} is 0: give a number above 0.")
        ANGLE.check(f"The angle of style {number}", each.angle)
    weights = _for_each(styles, settings.style_weights, "style_weights")
    masks = _for_each(styles, settings.masks, "masks")
    scales, angles = (
        values * len(styles) if len(values) == 1 else values for values in (settings.style_scale, settings.style_angle)
    )
    _for_each(styles, scales, "style_scale")
    _for_each(styles, angles, "style_angle")
    own = [each.weight != 1 or each.mask is not None for each in styles]
    if any(own) and (weights or masks):
        raise InputError("A Style has a weight or mask of its own: give style_weights and masks, or Styles, not both.")
    styles = [
        replace(each, scale=each.scale * scale, angle=each.angle + angle)
        for each, scale, angle in zip(styles, scales, angles, strict=True)
    ]
    if weights:
        styles = [replace(each, weight=weight) for each, weight in zip(styles, weights, strict=True)]
    if masks:
        styles = [replace(each, mask=mask) for each, mask in zip(styles, masks, strict=True)]
    if not any(each.weight for each in styles):
        raise InputError("All styles have the weight 0: give one of them more.")
    return styles


def regions_of(styles: Sequence[Style], size: WidthHeight) -> list[Region]:
    """The Regions of the Styles, one for each mask, with the masks at (width, height)."""
    masks = [EVERYWHERE if each.mask is None else each.mask for each in styles]
    if all(_is_word(mask, EVERYWHERE) for mask in masks):
        alike: list[tuple[Floats | None, list[Style]]] = [(None, list(styles))]
    else:
        arrays = _mask_arrays(masks, size)
        by_mask: dict[str | int, tuple[Floats | None, list[Style]]] = {}
        for each, mask, array in zip(styles, masks, arrays, strict=True):
            key = os.fspath(mask) if isinstance(mask, (str, os.PathLike)) else id(mask)
            by_mask.setdefault(key, (array, []))[1].append(each)
        alike = list(by_mask.values())
    groups = [(mask, kept) for mask, group in alike if (kept := [each for each in group if each.weight])]
    total = sum(each.weight for _, group in groups for each in group)
    return [_region(mask, group, len(groups), total) for mask, group in groups]


def regions_at(regions: Iterable[Region], size: WidthHeight) -> list[Region]:
    """The regions at (width, height): paintings as float32, turned and so large that their strokes fit, and masks."""
    pixels = size[0] * size[1]
    return [
        replace(
            region,
            paintings=tuple(
                _turned_to_area(painting, angle, pixels * scale**2).astype(np.float32)
                for painting, scale, angle in zip(region.paintings, region.scales, region.angles, strict=True)
            ),
            mask=None if region.mask is None else np.clip(resample_grey(region.mask, size), 0, 1),
        )
        for region in regions
    ]


def layer_mask(mask: Floats, layer: str) -> Floats:
    """The weight (n_H, n_W), from 0 to 1, that each position of a layer has in the region of a mask (H, W).

    The mask is averaged down to the layer's positions, as its activations are, and shrunk by one position on every
    side: the reach of the layer's own convolution, within which it sees the neighbouring region. Gatys et al. 2017
    (supplement, section 2, "Inside") shrink by the whole field of view, which leaves nothing of narrow regions; most
    of what a position sees lies near its middle (Luo et al. 2016, "Understanding the Effective Receptive Field").
    A region too narrow for that is left as it is. Squared, as the activations are multiplied by the mask twice.
    """
    step = stride(layer)
    while step > 1:
        height, width = mask.shape
        mask = np.pad(mask, ((0, height % 2), (0, width % 2)), mode="edge")
        mask = mask.reshape(mask.shape[0] // 2, 2, mask.shape[1] // 2, 2).mean(axis=(1, 3))
        step //= 2
    shrunk = minimum_filter(mask, size=3, mode="nearest")
    if shrunk.sum() < (1 - _MOST_LOST) * mask.sum():
        shrunk = mask
    return np.square(shrunk, dtype=np.float32)


def recolored(picture: Floats, regions: Sequence[Region]) -> Floats:
    """The picture (H, W, 3) with the colours of each region's paintings, where the region is."""
    return _in_regions(picture, regions, lambda region: region.colors())


def recolored_detail(picture: Floats, regions: Sequence[Region]) -> Floats:
    """The picture with its finest octave recoloured as that of the paintings, where each region is."""
    coarse = without_detail(picture)
    detail = _in_regions(
        picture - coarse, regions, lambda region: region.colors(lambda like: like - without_detail(like))
    )
    return coarse + detail


def _in_regions(picture: Floats, regions: Sequence[Region], colors: Callable[[Region], Moments]) -> Floats:
    """The picture recoloured region by region; where they overlap their mean, where none is as it was."""
    if len(regions) == 1 and regions[0].mask is None:
        return recolor(picture, colors(regions[0]))
    masks = [np.ones(picture.shape[:2], np.float32) if each.mask is None else each.mask for each in regions]
    cover = np.maximum(sum(masks), 1.0)
    found = picture.copy()
    for region, mask in zip(regions, masks, strict=True):
        changed = recolor(picture, colors(region), Moments.of(picture, mask))
        found += (mask / cover)[..., np.newaxis] * (changed - picture)
    return found


def _turned_to_area(painting: Picture, angle: float, pixels: float) -> Picture:
    """The painting turned, its strokes as large as those of the whole one at about `pixels` pixels."""
    if angle % 360 == 0:
        return scale_to_area(painting, pixels)
    # Turned at up to twice the size, so that no stroke is blurred by it.
    own = painting.shape[0] * painting.shape[1]
    fine = scale_to_area(painting, min(4 * pixels, max(own, pixels)))
    found = turn(fine, angle)
    return scale_to_area(found, pixels * found.size / fine.size)


def _region(mask: Floats | None, styles: Sequence[Style], count: int, total_weight: float) -> Region:
    total = sum(each.weight for each in styles)
    pictures = tuple(as_picture(each.picture, "style") for each in styles)
    shares = tuple(each.weight / total for each in styles)
    scales, angles = tuple(each.scale for each in styles), tuple(each.angle for each in styles)
    return Region(pictures, shares, scales, angles, total * count / total_weight, mask)


def _mask_arrays(masks: Sequence[Any], size: WidthHeight) -> list[Floats]:
    """Every mask as an array (H, W), 0 to 1, of the size; InputError for one that shows nothing."""
    arrays = [None if _is_word(mask, REST) else _mask_array(mask, size) for mask in masks]
    is_word = [isinstance(mask, str) and mask in WORDS for mask in masks]
    pictures = [array for word, array in zip(is_word, arrays, strict=True) if array is not None and not word]
    if not pictures and any(_is_word(mask, REST) for mask in masks):
        raise InputError("There is no mask that 'rest' could be the rest of: give at least one picture.")
    rest = np.clip(1 - np.sum(pictures, axis=0), 0, 1).astype(np.float32)
    found = [rest if array is None else array for array in arrays]
    for mask, array in zip(masks, found, strict=True):
        if array.max() < 1 / 255:
            name = mask if isinstance(mask, (str, os.PathLike)) else "that was given"
            what = "leaves nothing: the other masks cover the whole picture" if array is rest else "is black everywhere"
            raise InputError(f"The mask {name} {what}; make it white where its painting is to go.")
    return found


def _mask_array(mask: Any, size: WidthHeight) -> Floats:
    if _is_word(mask, EVERYWHERE):
        return np.ones(size[::-1], np.float32)
    if isinstance(mask, np.ndarray):
        if mask.dtype == bool or (mask.dtype.kind == "f" and mask.size and mask.max() <= 1):
            mask = mask * 255.0
    elif not isinstance(mask, (str, os.PathLike)):
        raise InputError(f"The mask {shown(mask)} cannot be understood: give a picture, 'all' or 'rest'.")
    picture = as_picture(mask, "mask").astype(np.float32).mean(axis=-1)
    return np.clip(resample_grey(picture / 255, size), 0, 1)


def _is_word(mask: object, word: str) -> bool:
    return isinstance(mask, str) and mask == word


def _for_each(styles: Sequence[Style], values: Sequence[T] | None, name: str) -> Sequence[T] | None:
    """The values, if there are as many as styles, or none."""
    if values is not None and len(values) != len(styles):
        paintings = "one painting" if len(styles) == 1 else f"{len(styles)} paintings"
        raise InputError(f"{name} holds {len(values)} for {paintings}: give as many as there are paintings.")
    return values

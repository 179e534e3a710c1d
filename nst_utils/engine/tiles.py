"""Cutting a picture into tiles whose results, taken together, are those of the whole.

A halo as wide as the network's field of view surrounds each tile, and tiles begin where the network's poolings do.
"""

from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.types import Array

# Top, bottom, left and right.
Edges: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True)
class Tile:
    """A part of the picture: rows and columns of `inner` are its own, those of `outer` include the halo."""

    inner: Edges
    outer: Edges

    def cut(self, array: Array) -> Array:
        """The tile with its halo, out of (H, W, 3)."""
        top, bottom, left, right = self.outer
        return array[top:bottom, left:right]

    def inner_of(self, array: Array, step: int) -> Array:
        """The tile's own positions, out of an array (n_H, n_W) of a layer of that stride."""
        top, bottom, left, right = self.inner
        return array[top // step : -(-bottom // step), left // step : -(-right // step)]

    def inner_at(self, step: int) -> Edges:
        """Where the tile's own positions lie in its activations at a layer of that stride."""
        top, left = self.outer[0], self.outer[2]
        starts = ((self.inner[0] - top) // step, (self.inner[2] - left) // step)
        ends = (-(-(self.inner[1] - top) // step), -(-(self.inner[3] - left) // step))
        return starts[0], ends[0], starts[1], ends[1]


def cut_tiles(height: int, width: int, halo: int, max_pixels: int | None = None) -> list[Tile]:
    """The fewest tiles that cover (height, width) with at most max_pixels each, halo included; one if that is None.

    Tiles begin at multiples of 16, where the network's poolings do, so that each sees the same windows as the whole.
    """
    if max_pixels is None or height * width <= max_pixels:
        return [Tile((0, height, 0, width), (0, height, 0, width))]
    rows, columns = _fewest(height, width, halo, max_pixels)
    tiles = []
    for (top, bottom), (left, right) in product(_spans(height, rows), _spans(width, columns)):
        outer = (max(0, top - halo), min(height, bottom + halo), max(0, left - halo), min(width, right + halo))
        tiles.append(Tile((top, bottom, left, right), outer))
    return tiles


def _fewest(height: int, width: int, halo: int, max_pixels: int) -> tuple[int, int]:
    """Rows and columns of tiles that fit, with the least work in the halos; of equal ones the fewest rows."""
    (tallest, tall_work), (widest, wide_work) = (_stretches(length, halo) for length in (height, width))
    work = np.where(np.outer(tallest, widest) <= max_pixels, np.outer(tall_work, wide_work), np.inf)
    if not np.isfinite(work).any():
        raise InputError(
            f"A tile of {max_pixels} pixels does not hold the network's field of view: allow more memory."
        )
    rows, columns = np.unravel_index(np.argmin(work), work.shape)
    return int(rows) + 1, int(columns) + 1


def _stretches(length: int, halo: int) -> tuple[list[int], list[int]]:
    """For 1, 2, ... tiles along a side: the longest of them with its halos, and the sum of them all."""
    sides = [
        [min(length, end + halo) - max(0, start - halo) for start, end in _spans(length, count)]
        for count in range(1, -(-length // 16) + 1)
    ]
    return [max(side) for side in sides], [sum(side) for side in sides]


def _spans(length: int, count: int) -> list[tuple[int, int]]:
    """About equal stretches of a side, each beginning at a multiple of 16."""
    blocks = -(-length // 16)
    edges = [16 * (blocks * i // count) for i in range(count)] + [length]
    return list(zip(edges[:-1], edges[1:], strict=True))

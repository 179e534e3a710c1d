"""Painting with a trained network: a picture in one pass, of any size, in tiles where it is large.

Instance normalisation looks at the whole picture. For tiles its means and variances are summed up first, one layer
after the other, over all tiles; then every tile is painted by the same ones, and no seam can show. What lies at a
quarter of the size takes a sixteenth of the memory, and is computed whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import computing, resolve_precision, tf
from nst_utils.base.types import AnyPath, AnyPicture, Picture, Tensor
from nst_utils.engine.kinds import Number
from nst_utils.engine.tiles import Tile, cut_tiles
from nst_utils.fast.layers import (
    STEP,
    Shape,
    blended_light,
    centred,
    decode,
    encode,
    instance_norm,
    light_of,
    paint,
    ready,
    shown,
    transform,
)
from nst_utils.fast.photographs import own_colors
from nst_utils.fast.styles import Manner, StyleBook, read_book
from nst_utils.pictures.colors import recoloring
from nst_utils.pictures.reading import as_picture
from nst_utils.pictures.sizes import MIN_SIDE, output_size, resize

# Pixels of a tile, and of a picture that is painted whole; a multiple of 16 beyond which a layer's position sees
# nothing, the low picture and the blocks' results, which are at hand whole, left aside.
LARGEST_WHOLE, HALO = 2_500_000, 16
# Every so many pixels are enough to know a picture's colours.
_ENOUGH_PIXELS = 30_000


@lru_cache(maxsize=4)
def painter_of(path: str | None = None, precision: str = "auto") -> Painter:
    """The Painter of a network's file, by default the shipped one; made once."""
    return Painter(read_book(path), precision)


def fast_stylize(
    content: AnyPicture, style: AnyPath | Mapping[str, float], strength: float = 1.0, max_side: int | None = None,
    model: AnyPath | None = None, precision: str = "auto",
) -> Picture:
    """Paint a photograph in one pass of a trained network, and return the picture, uint8 (H, W, 3).

    content: a path or an array (H, W, 3), 0-255. style: the name of a style, the path of one's own, or {style: share}
    for a blend. strength: from 0, the photograph, to 1. max_side: the longest side in pixels, None for the
    photograph's own. model: a network's file, None for the shipped one. Raises InputError for what does not fit.
    """
    painter = painter_of(None if model is None else str(model), precision)
    return painter.stylize(content, style, strength, max_side)


class Painter:
    """A trained network, ready to paint: pictures of every size, in every style and blend."""

    def __init__(self, book: StyleBook, precision: str = "auto") -> None:
        self.book, self.shape = book, Shape(book.widths, book.blocks)
        with computing():
            self.type = tf.as_dtype(resolve_precision(precision))
            self._kernels = ready(book.kernels, self.type)
        picture, numbers = tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((1, self.shape.numbers))
        matrix, row, number = tf.TensorSpec((3, 3)), tf.TensorSpec((3,)), tf.TensorSpec(())
        self._whole = tf.function(
            self._paint_whole, input_signature=(picture, numbers, matrix, row, number), autograph=False
        )

    def stylize(
        self, content: AnyPicture, style: AnyPath | Mapping[str, float], strength: float = 1.0,
        max_side: int | None = None,
    ) -> Picture:
        """See fast_stylize()."""
        picture = as_picture(content, "content")
        size = output_size(picture.shape[1::-1], None, max_side)
        manner = self.book.blend(style) if isinstance(style, Mapping) else self.book.manner(style)
        return self.paint(resize(picture, size), manner, strength)

    def paint(
        self, picture: Picture, manner: Manner, strength: float = 1.0, largest_whole: int = LARGEST_WHOLE
    ) -> Picture:
        """A picture uint8 (H, W, 3) in a Manner: uint8 (H, W, 3). largest_whole: pixels above which tiles are used."""
        strength = Number(least=0, most=1).check("The strength", strength)
        height, width = picture.shape[:2]
        if min(height, width) < MIN_SIDE:
            raise InputError(f"{width}x{height} is too small: each side needs at least {MIN_SIDE} pixels.")
        padded = np.pad(picture, ((0, -height % STEP), (0, -width % STEP), (0, 0)), mode="reflect")
        stride = max(1, int((height * width / _ENOUGH_PIXELS) ** 0.5))
        matrix, offset = recoloring(own_colors(picture[::stride, ::stride]), manner.colors)
        with computing():
            given = (
                tf.constant(manner.numbers[np.newaxis]), tf.constant(matrix, tf.float32),
                tf.constant(offset, tf.float32), tf.constant(strength, tf.float32),
            )
            if height * width <= largest_whole:
                painted = self._whole(tf.constant(padded), *given).numpy()
            else:
                painted = self._paint_in_tiles(padded, *given, largest_whole)
        return painted[:height, :width]

    def _paint_whole(
        self, picture: Tensor, numbers: Tensor, matrix: Tensor, offset: Tensor, strength: Tensor
    ) -> Tensor:
        photograph = tf.cast(picture[tf.newaxis], tf.float32)
        light = paint(_colored(photograph, matrix, offset), numbers, self._kernels, self.shape, self.type)
        return _eight_bit(light, photograph, strength)

    def _paint_in_tiles(
        self, picture: Picture, numbers: Tensor, matrix: Tensor, offset: Tensor, strength: Tensor, most: int
    ) -> Picture:
        tiles = cut_tiles(picture.shape[0], picture.shape[1], HALO, most)
        parts = self.shape.split(numbers)
        known: dict[str, tuple[Tensor, Tensor]] = {}

        def norm(name: str, a: Tensor) -> Tensor:
            if name not in known:
                raise _Reached(name, a)
            scale, shift = parts[name]
            return instance_norm(a, scale, shift, known[name])

        def begun(tile: Tile) -> tuple[Tensor, tuple[Tensor, Tensor]]:
            x = centred(_colored(tf.cast(tile.cut(picture)[np.newaxis], tf.float32), matrix, offset))
            return x, encode(tf.cast(x, self.type), self._kernels, norm)

        def ended(tile: Tile) -> tuple[Tensor, Tensor]:
            x, (half, _) = begun(tile)
            top, bottom, left, right = (edge // STEP for edge in tile.outer)
            painted = decode(blocks[:, top:bottom, left:right], half, self._kernels, norm)
            return x, painted

        for _ in ("down1", "down2"):
            _sum_up(known, tiles, begun)
        quarter = np.empty((1, picture.shape[0] // STEP, picture.shape[1] // STEP, self.shape.widths[-1]), np.float32)
        for tile in tiles:
            inner = tile.inner_of(quarter[0], STEP)
            rows, columns = tile.inner_at(STEP)[:2], tile.inner_at(STEP)[2:]
            inner[...] = tf.cast(begun(tile)[1][1][0, slice(*rows), slice(*columns)], tf.float32).numpy()
        blocks = transform(
            tf.cast(quarter, self.type), self._kernels, lambda name, a: instance_norm(a, *parts[name])
        )
        _sum_up(known, tiles, ended)
        found = np.empty_like(picture)
        for tile in tiles:
            x, painted = ended(tile)
            light = blended_light(x, tf.cast(painted, tf.float32), parts["colors"])
            whole = _eight_bit(light, tf.cast(tile.cut(picture)[np.newaxis], tf.float32), strength).numpy()
            top, bottom, left, right = tile.inner_at(1)
            tile.inner_of(found, 1)[...] = whole[top:bottom, left:right]
        return found


class _Reached(Exception):
    """A tile came to a layer whose mean and variance are not known yet."""


def _sum_up(known: dict[str, tuple[Tensor, Tensor]], tiles: Sequence[Tile], compute: Callable[[Tile], object]) -> None:
    """Find the mean and variance, over all tiles, of the first layer that compute(tile) lacks them for."""
    count, sums = 0, []
    for tile in tiles:
        try:
            compute(tile)
        except _Reached as reached:
            name, a = reached.args
        step = round((tile.outer[1] - tile.outer[0]) / a.shape[1])
        top, bottom, left, right = tile.inner_at(step)
        inner = tf.cast(a[0, top:bottom, left:right], tf.float32)
        count += inner.shape[0] * inner.shape[1]
        sums.append([tf.reduce_sum(each, axis=(0, 1)).numpy() for each in (inner, tf.square(inner))])
    mean, squares = np.asarray(sums, np.float64).sum(axis=0) / count
    variance = np.maximum(squares - mean**2, 0)
    first, second = (
        tf.constant(each[np.newaxis, np.newaxis, np.newaxis], tf.float32) for each in (mean, variance)
    )
    known[name] = first, second


def _colored(photograph: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """The photograph (1, H, W, 3) in the colours of the painting."""
    return tf.tensordot(photograph, matrix, 1) + offset


def _eight_bit(light: Tensor, photograph: Tensor, strength: Tensor) -> Tensor:
    """The painted picture uint8 (H, W, 3): as much of its light as strength says, the rest the photograph's."""
    light = strength * light + (1 - strength) * light_of(photograph)
    return tf.cast(tf.round(shown(light[0])), tf.uint8)

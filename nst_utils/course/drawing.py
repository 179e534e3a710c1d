"""What the notebooks show: example pictures, rows and grids of them, film strip, GIF, curves, and a live view.

A picture is uint8 (H, W, 3), RGB, 0-255; the network's image (1, H, W, 3), RGB minus MEANS, is shown as save_image
would write it. A notebook shows each drawing at once, as wide as its page, with a text for those who cannot see it:
`alt`, or the titles where none is given. Anywhere else it stays the current matplotlib figure.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import imageio.v3 as iio
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image, ImageOps

from nst_utils.base.errors import InputError
from nst_utils.base.types import AnyPath, Array, Ints, Picture, WidthHeight
from nst_utils.course.config import CONFIG
from nst_utils.course.helper import to_picture
from nst_utils.pictures.gallery import find_example
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import resize

# A figure fills the page of a notebook, some 1050 pixels wide, unless its pictures would be taller than this: inches.
PAGE, TALLEST = 9.6, 3.6
DPI = 110
# Colours that colour-blind readers can tell apart (Okabe and Ito 2008); lines differ in style and marks as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES, MARKS = ("-", "--", "-.", ":"), "os^Dv*P"


# {name: (x values, y values)}
Curves: TypeAlias = Mapping[str, Iterable[Iterable[float]]]
# (PNG bytes, alternative text) of each figure.
Drawn: TypeAlias = list[tuple[bytes, str]]


def example(name: str, size: WidthHeight | None = None, centre: tuple[float, float] = (0.5, 0.5)) -> Picture:
    """An example picture such as "content/dahlia.jpg", uint8 (H, W, 3), cut to the shape of `size` and resized to it.

    name: a path below images/, found from any working directory, or a picture file of your own.
    size: (width, height); None: CONFIG's.
    centre: the part to keep where something must be cut off, from (0, 0) for top left to (1, 1).
    """
    size = size or (CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT)
    whole = Image.fromarray(read_image(Path(name) if Path(name).is_file() else find_example(name)))
    return np.array(ImageOps.fit(whole, size, Image.Resampling.LANCZOS, centering=centre))


def shuffle_tiles(picture: Array, tile: int, seed: int = 0) -> Array:
    """The picture cut into squares of `tile` pixels, which are laid out again in a random order.

    picture: (H, W, C), both sides multiples of `tile`. The same seed gives the same order.
    """
    height, width, channels = picture.shape
    if height % tile or width % tile:
        raise InputError(f"Tiles of {tile} pixels do not fill {width}x{height}: choose a divisor of both sides.")
    rows, columns = height // tile, width // tile
    tiles = picture.reshape(rows, tile, columns, tile, channels).swapaxes(1, 2).reshape(-1, tile, tile, channels)
    tiles = np.random.default_rng(seed).permutation(tiles)
    return tiles.reshape(rows, columns, tile, tile, channels).swapaxes(1, 2).reshape(picture.shape)


def show(
    pictures: Mapping[str, Array], columns: int | None = None, height: float | None = None, alt: str | None = None
) -> None:
    """Pictures with their titles, in rows of `columns` (None: one row), each `height` inches high (None: as fits).

    pictures: {title: picture}; besides pictures the network's images (1, H, W, 3) and single channels (H, W) will do.
    """
    columns = columns or len(pictures)
    rows = -(-len(pictures) // columns)
    figure, axes = _grid(rows, columns, next(iter(pictures.values())), height)
    for axis, (title, picture) in zip(axes.flat, pictures.items(), strict=False):
        _draw(axis, picture)
        axis.set_title(title, fontsize=9)
    finish(figure, alt or "Pictures: " + "; ".join(pictures))


def show_table(
    pictures: Sequence[Sequence[Array]], rows: Sequence[str], columns: Sequence[str], height: float | None = None,
    alt: str | None = None,
) -> None:
    """A table of pictures: pictures[i][j] stands in the row called rows[i] and the column called columns[j]."""
    figure, axes = _grid(len(rows), len(columns), pictures[0][0], height)
    for axis, title in zip(axes[0], columns, strict=True):
        axis.set_title(title, fontsize=9)
    for row, title, line in zip(axes, rows, pictures, strict=True):
        row[0].text(
            -0.05, 0.5, title, fontsize=9, rotation=90, ha="right", va="center", transform=row[0].transAxes
        )
        for axis, picture in zip(row, line, strict=True):
            _draw(axis, picture)
    named = "; ".join(column for column in columns if column)
    finish(figure, alt or f"A table of pictures. Rows: {'; '.join(rows)}. Columns: {named}")


def strongest_channels(a: Array, count: int) -> Ints:
    """The numbers of the `count` channels of a (1, n_H, n_W, n_C) that vary most over the picture, most first."""
    return np.argsort(-np.std(a, axis=(0, 1, 2)), kind="stable")[:count]


def show_feature_maps(
    picture: Array, activations: Mapping[str, Array], count: int = 5, height: float | None = None,
    alt: str | None = None,
) -> None:
    """For each layer a row: the picture, and beside it the `count` channels that vary most over it.

    activations: {layer name: array (1, n_H, n_W, n_C)}.
    """
    maps = [
        [picture, *(a[0, :, :, channel] for channel in strongest_channels(a, count))] for a in activations.values()
    ]
    alt = alt or f"The picture, and the {count} channels that vary most over it, in {', '.join(activations)}"
    show_table(maps, list(activations), ["the picture", *[""] * count], height, alt)


def show_boxes(
    picture: Array, boxes: Mapping[str, tuple[int, int, int, int]], height: float | None = None, alt: str | None = None
) -> None:
    """The picture with named rectangles on it. boxes: {name: (top, bottom, left, right)} in pixels."""
    figure, axes = _grid(1, 1, picture, height)
    _draw(axes[0, 0], picture)
    for number, (name, (top, bottom, left, right)) in enumerate(boxes.items()):
        look: dict[str, Any] = {"edgecolor": _colour(number), "linestyle": STYLES[number % 4], "linewidth": 2}
        corner = left - 0.5, top - 0.5
        axes[0, 0].add_patch(Rectangle(corner, right - left, bottom - top, fill=False, label=name, **look))
    axes[0, 0].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9, frameon=False)
    finish(figure, alt or "A picture with rectangles on it, named " + ", ".join(boxes))


def show_matrices(matrices: Mapping[str, Array], height: float | None = None, alt: str | None = None) -> None:
    """Heat maps of non-negative matrices, {title: matrix}, on one colour scale: the square root of the entries."""
    height = height or min(TALLEST, (PAGE - 0.6) / (1.15 * len(matrices)))
    figure, axes = plt.subplots(
        1,
        len(matrices),
        figsize=(1.15 * height * len(matrices) + 0.6, height),
        dpi=DPI,
        layout="constrained",
        squeeze=False,
    )
    colours = PowerNorm(0.5, 0, max(float(np.max(matrix)) for matrix in matrices.values()))
    for axis, (title, matrix) in zip(axes.flat, matrices.items(), strict=True):
        drawn = axis.imshow(matrix, norm=colours, cmap="magma", interpolation="nearest")
        axis.set_title(title, fontsize=9)
        axis.tick_params(labelsize=8)
    figure.colorbar(drawn, ax=axes, fraction=0.046).ax.tick_params(labelsize=8)
    finish(figure, alt or "Heat maps of matrices: " + "; ".join(matrices))


def show_curves(
    curves: Curves, xlabel: str = "iteration", ylabel: str = "cost", scale: str = "log",
    size: tuple[float, float] = (PAGE, 3.4), alt: str | None = None,
) -> None:
    """A plot of one line for each of the curves {name: (x values, y values)}, with the names beside it."""
    figure, axis = plt.subplots(figsize=size, dpi=DPI, layout="constrained")
    _draw_curves(axis, curves, xlabel, ylabel, scale)
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9, frameon=False)
    finish(figure, alt or f"A plot of {ylabel} against {xlabel}, with a curve for each of: {'; '.join(curves)}")


@contextmanager
def drawn_as_png() -> Iterator[Drawn]:
    """The figures drawn inside the block, as a list of (PNG bytes, alt) that is full when the block ends; not shown."""
    global _kept
    outer, _kept = _kept, []
    try:
        yield _kept
    finally:
        _kept = outer


def click_to_zoom() -> None:
    """From now on a click on any picture of the notebook shows it as large as the window; another brings it back."""
    display(HTML(f"<script>{(Path(__file__).parent / 'zoom.js').read_text(encoding='utf-8')}</script>"))


def write_gif(path: AnyPath, frames: Sequence[Picture], seconds: float = 0.15, rest: float = 1.5) -> Path:
    """Write pictures as an endless GIF, each shown for `seconds`, the last for `rest`; returns the path.

    Pictures of other sizes, as the coarse levels of a run have, are shown at the size of the last.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_film(frames, ".gif", seconds, rest))
    return path


def _film(
    frames: Sequence[Picture], extension: str, seconds: float = 0.15, rest: float = 1.5, **settings: Any
) -> bytes:
    """The bytes of an endless film of pictures."""
    height, width = frames[-1].shape[:2]
    frames = [resize(frame, (width, height)) for frame in frames]
    durations = [int(1000 * seconds)] * (len(frames) - 1) + [int(1000 * rest)]
    return iio.imwrite(
        "<bytes>", np.stack(frames), plugin="pillow", extension=extension, duration=durations, loop=0, **settings
    )


class LiveView:
    """A picture and its cost curves, redrawn in place while an optimisation runs, and the frames that it passed.

    view = LiveView()
    with view:
        ...  # view.update(i, image, J=..., J_content=..., J_style=...) now and then

    Outside the `with` block update() does nothing, so a function that reports to the view can be called anywhere.
    """

    def __init__(self) -> None:
        self.frames: dict[int, Picture] = {}  # iteration -> picture
        self.costs: dict[str, list[tuple[int, float]]] = {}  # name -> [(iteration, cost)]
        self._figure: Figure | None = None
        self._handle: Any = None

    def __enter__(self) -> LiveView:
        LiveView.__init__(self)
        self._figure, self._axes = plt.subplots(
            1, 2, figsize=(PAGE, 3.4), dpi=DPI, layout="constrained", gridspec_kw={"width_ratios": [1, 1.2]}
        )
        if _in_notebook():
            data, metadata = _with_words(self._figure, "A live view that waits for the first picture")
            self._handle = display(data, metadata=metadata, raw=True, display_id=True)
        return self

    def __exit__(self, *exception: object) -> None:
        plt.close(self._figure)
        self._figure = None

    def update(self, iteration: int, image: Array, **costs: float) -> None:
        """Show the image, (1, H, W, 3) normalised or a picture, and the costs by name, as they are at an iteration."""
        if self._figure is None:
            return
        self.frames[iteration] = _as_shown(image)
        for name, cost in costs.items():
            self.costs.setdefault(name, []).append((iteration, float(cost)))
        for axis in self._axes:
            axis.clear()
        _draw(self._axes[0], image)
        self._axes[0].set_title(f"iteration {iteration}", fontsize=9)
        curves = {name: zip(*points, strict=True) for name, points in self.costs.items()}
        _draw_curves(self._axes[1], curves, "iteration", "cost", "log")
        self._axes[1].legend(fontsize=8, frameon=False)
        if self._handle:
            words = f"A live view at iteration {iteration}: the picture, and the curves of {', '.join(self.costs)}"
            data, metadata = _with_words(self._figure, words)
            self._handle.update(data, metadata=metadata, raw=True)

    def film_strip(self, columns: int = 6, height: float | None = None) -> None:
        """Every frame kept, in rows."""
        if self._has_frames():
            show({f"iteration {iteration}": frame for iteration, frame in self.frames.items()}, columns, height)

    def gif(self, path: AnyPath) -> None:
        """The frames as an animation, written to a file and shown."""
        if self._has_frames():
            write_gif(path, list(self.frames.values()))
            # Shown as WebP, which takes a third of the bytes; as HTML, because nbconvert has a place for neither.
            data = base64.b64encode(_film(list(self.frames.values()), ".webp", quality=80)).decode()
            told = "the frames, one after the other"
            display(HTML(f'<img alt="{told}" width="480" src="data:image/webp;base64,{data}">'))

    def _has_frames(self) -> bool:
        if not self.frames:
            print("There are no frames yet: they come when the optimisation has run.")
        return bool(self.frames)


def _grid(rows: int, columns: int, picture: Array, height: float | None) -> tuple[Figure, Any]:
    tall, wide = _as_shown(picture).shape[:2]
    height = height or min(TALLEST, (PAGE / columns - 0.08) * tall / wide)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * (height * wide / tall + 0.08), rows * (height + 0.25)),
        dpi=DPI,
        layout="constrained",
        squeeze=False,
    )
    for axis in axes.flat:
        axis.axis("off")
    return figure, axes


def _draw(axis: Axes, picture: Array) -> None:
    axis.axis("off")
    shown = _as_shown(picture)
    # A channel is stretched to its own range, unless it is given as grey levels.
    grey: dict[str, Any] = {"vmin": 0, "vmax": 255} if shown.dtype == np.uint8 else {}
    axis.imshow(shown, cmap="magma", interpolation="nearest" if shown.ndim == 2 else None, **grey)


def _draw_curves(axis: Axes, curves: Curves, xlabel: str, ylabel: str, scale: str) -> None:
    for number, (name, (x, y)) in enumerate(curves.items()):
        style: dict[str, Any] = {"color": _colour(number), "linestyle": STYLES[number % 4]}
        x = list(x)
        mark = MARKS[number % len(MARKS)] if len(x) < 12 else None
        axis.plot(x, list(y), label=name, linewidth=1.8, marker=mark, markersize=5, **style)
    axis.set_yscale(scale)
    axis.set_xlabel(xlabel, fontsize=9)
    axis.set_ylabel(ylabel, fontsize=9)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)


def _as_shown(image: Array) -> Array:
    return to_picture(image) if np.ndim(image) == 4 else np.asarray(image)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


_kept: Drawn | None = None  # the list of drawn_as_png(), inside its block


def finish(figure: Figure, alt: str) -> None:
    """Keep the figure, show it with its alternative text, or, outside a notebook, leave it the current one."""
    if _kept is not None:
        _kept.append((_as_png(figure), alt))
    elif _in_notebook():
        data, metadata = _with_words(figure, alt)
        display(data, metadata=metadata, raw=True)
    else:
        return
    plt.close(figure)


def _in_notebook() -> bool:
    return "inline" in plt.get_backend()


def _as_png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()


def _with_words(figure: Figure, alt: str) -> tuple[dict[str, str], dict[str, Any]]:
    """A figure as a notebook's display() takes it, {type: data} and its metadata, with words in place of its looks."""
    data = {"image/png": base64.b64encode(_as_png(figure)).decode(), "text/plain": alt}
    return data, {"image/png": {"alt": alt}}

"""Draw the course's two diagrams: the way from two pictures to a third, and activations laid out as a table.

    python notebooks/diagrams/draw.py        writes pipeline and unrolling beside it, each as .svg and .png

The colours are those of Okabe and Ito, which colour-blind readers can tell apart; each has its words beside it. The
background is opaque, so that the diagrams read the same on a dark page.
"""

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from PIL import Image

from nst_utils.course.drawing import example

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent
PAPER, INK, LINE = "#fbfaf7", "#1f2430", "#6b7280"
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#AA4499"
TITLES = {
    "pipeline": (
        "The pipeline of style transfer",
        "The photograph C, the generated picture G and the painting S go through the same network, whose weights stay "
        "as they are. At layer conv4_2 the activations of C and G are compared: that is J_content. At five layers the "
        "Gram matrices of S and G are compared: that is J_style. Both, each with its weight, make the total cost "
        "J. Its gradient with respect to G leads back to G: each pixel moves a little, and all of it is repeated.",
    ),
    "unrolling": (
        "Activations laid out as a table",
        "On the left four sheets, one behind the other, one for each channel a, b, c and d, each with two rows and "
        "three columns of positions, numbered 1 to 6. On the right the table A: four rows, one for each channel, and "
        "six columns, one for each position. Row a reads a1 to a6, row d reads d1 to d6; column 5 holds a5, b5, c5 "
        "and d5.",
    ),
}


def pipeline():
    """Two pictures go in, two costs come out, and the gradient goes back into the third picture."""
    axis = _page(12, 5.6)
    pictures = {
        "content C": (example("content/summer-palace.jpg", (240, 160)), 3.85, BLUE),
        "generated G": (_painted(), 2.2, INK),
        "style S": (example("style/van-gogh-cafe-terrace-at-night-1888.webp", (240, 160)), 0.5, ORANGE),
    }
    for title, (picture, bottom, colour) in pictures.items():
        axis.imshow(picture, extent=(1.3, 3.3, bottom, bottom + 1.33), zorder=2)
        axis.add_patch(Rectangle((1.3, bottom), 2.0, 1.33, fill=False, linewidth=2.5, edgecolor=colour, zorder=3))
        _say(axis, 2.3, bottom + 1.48, title, color=colour, weight="bold")
        _arrow(axis, (3.35, bottom + 0.66), (3.95, bottom + 0.66), colour)

    axis.add_patch(FancyBboxPatch((4.0, 0.45), 2.6, 4.95, "round,pad=0,rounding_size=0.12", fc="#eceff4", ec=LINE))
    _say(axis, 5.3, 5.18, "VGG-19, never changed", fontsize=10.5)
    for number in range(5):
        left, half = 4.2 + 0.46 * number, 2.05 * 0.78**number
        axis.add_patch(Rectangle((left, 2.82 - half), 0.34, 2 * half, fc="white", ec=LINE, linewidth=1.2))
        _say(axis, left + 0.17, 2.82, f"block {number + 1}", rotation=90, fontsize=9)

    content = "activations of C and G\nat conv4_2, compared:\n$J_{content}$"
    style = "Gram matrices of S and G\nat five layers, compared:\n$J_{style}$"
    _box(axis, (7.35, 3.55), (2.35, 1.5), BLUE, "content cost", content)
    _box(axis, (7.35, 0.65), (2.35, 1.5), ORANGE, "style cost", style)
    _arrow(axis, (6.65, 4.3), (7.3, 4.3), BLUE)
    _arrow(axis, (6.65, 1.4), (7.3, 1.4), ORANGE)
    _arrow(axis, (6.65, 3.1), (7.3, 3.7), INK)
    _arrow(axis, (6.65, 2.55), (7.3, 1.95), INK)

    _box(axis, (10.25, 2.0), (1.65, 1.7), INK, "total cost", "both costs,\neach weighted:\n$J$")
    _arrow(axis, (9.75, 4.1), (10.45, 3.75), BLUE)
    _arrow(axis, (9.75, 1.6), (10.45, 1.95), ORANGE)
    axis.plot([11.07, 11.07, 0.6, 0.6], [1.95, 0.18, 0.18, 2.86], color=PURPLE, linewidth=2.2, linestyle="--")
    _arrow(axis, (0.55, 2.86), (1.25, 2.86), PURPLE)
    back = "the gradient $\\partial J / \\partial G$ goes back: each pixel of G moves a little; again and again"
    _say(axis, 5.3, 0.19, back, fontsize=10.5, color=PURPLE, backgroundcolor=PAPER)


def unrolling():
    """Four channels of 2 x 3 positions, and the same 24 numbers as four rows of six."""
    axis = _page(12, 4.3)
    colours = dict(zip("abcd", (BLUE, ORANGE, GREEN, PURPLE), strict=True))
    for depth, (name, colour) in reversed(list(enumerate(colours.items()))):
        left, bottom, above = 0.75 + 0.62 * depth, 0.6 + 0.5 * depth, 10 - depth
        axis.add_patch(Rectangle((left, bottom), 1.95, 1.3, fc=PAPER, ec=colour, linewidth=4, zorder=above))
        for row in range(2):
            for column in range(3):
                corner, entry = (left + 0.65 * column, bottom + 0.65 * (1 - row)), f"{name}{3 * row + column + 1}"
                _cell(axis, corner, 0.65, entry, colour, above=above)
    _say(axis, 1.72, 0.36, "$n_W = 3$")
    _say(axis, 0.62, 1.25, "$n_H = 2$", ha="right", rotation=90)
    _say(axis, 3.75, 0.98, "$n_C = 4$\nchannels", ha="left")
    _say(axis, 2.6, 3.95, "activations of one layer", fontsize=12, weight="bold")

    _arrow(axis, (5.0, 2.0), (6.1, 2.0), INK)
    for row, (name, colour) in enumerate(colours.items()):
        for position in range(6):
            _cell(axis, (7.35 + 0.68 * position, 2.5 - 0.62 * row), 0.62, f"{name}{position + 1}", colour, wide=0.68)
        _say(axis, 7.2, 2.81 - 0.62 * row, f"channel {name}", ha="right", color=colour, weight="bold")
    for position in range(6):
        _say(axis, 7.69 + 0.68 * position, 3.32, str(position + 1), fontsize=10, color=LINE)
    _say(axis, 7.2, 3.32, "position", ha="right", fontsize=10, color=LINE)
    _say(axis, 9.2, 3.95, "the table $A$, of shape $(n_C,\\; n_H n_W)$", fontsize=12, weight="bold")
    _say(axis, 9.2, 0.3, "a row: one channel, everywhere; a column: one place, all channels", fontsize=10.5)


def write(folder=FOLDER):
    """Both diagrams, as SVG with a title and a description for screen readers, and as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (pipeline, unrolling):
        name = draw.__name__
        with matplotlib.rc_context({"svg.hashsalt": name, "font.family": "DejaVu Sans"}):
            draw()
            path = folder / f"{name}.svg"
            plt.savefig(path, facecolor=PAPER, metadata={"Date": None})
            plt.savefig(folder / f"{name}.png", facecolor=PAPER, dpi=100)
            plt.close()
        Image.open(folder / f"{name}.png").convert("RGB").quantize(256).save(folder / f"{name}.png", optimize=True)
        title, description = TITLES[name]
        told = f'\\1 role="img">\n <title>{title}</title>\n <desc>{description}</desc>'
        path.write_text(re.sub(r"(<svg [^>]*)>", told, path.read_text(), count=1))


def _page(wide, high):
    figure = plt.figure(figsize=(wide, high))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, wide), ylim=(0, high))
    axis.set_axis_off()
    axis.set_autoscale_on(False)
    return axis


def _painted():
    """The generated picture: the last third of the project's demonstration."""
    demo = Image.open(ROOT / "images" / "demo.jpg").convert("RGB")
    wide, high = demo.size
    third = np.asarray(demo.crop((2 * wide // 3 + 8, 4, wide - 2, high - 4)))
    side = int(len(third[0]) / 1.5)
    top = (len(third) - side) // 2
    return third[top : top + side]


def _box(axis, corner, size, colour, title, text):
    axis.add_patch(FancyBboxPatch(corner, *size, "round,pad=0,rounding_size=0.12", fc="white", ec=colour, linewidth=2))
    middle = corner[0] + size[0] / 2
    _say(axis, middle, corner[1] + size[1] - 0.22, title, color=colour, weight="bold")
    _say(axis, middle, corner[1] + size[1] / 2 - 0.12, text, fontsize=10.5, linespacing=1.5)


def _cell(axis, corner, high, text, colour, wide=None, above=3):
    wide = wide or high
    axis.add_patch(Rectangle(corner, wide, high, fc="white", ec=colour, linewidth=1.4, zorder=above))
    _say(axis, corner[0] + wide / 2, corner[1] + high / 2, text,
              zorder=above)


def _say(axis, x, y, text, ha="center", color=INK, fontsize=11, **style):
    axis.text(x, y, text, ha=ha, va="center", color=color, fontsize=fontsize, **style)


def _arrow(axis, start, end, colour):
    axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=16, color=colour, linewidth=2))


if __name__ == "__main__":
    write()
    print(f"The diagrams are in {FOLDER}.")

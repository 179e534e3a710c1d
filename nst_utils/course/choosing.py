"""Which spot of a painting was chosen for a place of a photograph: lines on paper, a click where scripts run."""

import base64
import io
import itertools
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display
from matplotlib.patches import ConnectionPatch
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.course import drawing

# Pixels on each side of a place that its box shows.
AROUND = 8
_PAGE = Path(__file__).with_name("choices.html")
_numbers = itertools.count(1)


def show_choices(photograph, painting, chosen, places, alt=None):
    """The two pictures side by side, with a numbered box around some places and the spots chosen for them.

    chosen: (n_H, n_W), for each place of the photograph the number of a spot of the painting, row by row on a grid of
    the same step. places: {name: (row, column)} of some places on that grid.
    """
    step, columns = _grid_of(photograph, painting, chosen)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(drawing.PAGE, drawing.TALLEST), dpi=drawing.DPI, layout="constrained",
        gridspec_kw={"width_ratios": [picture.shape[1] / picture.shape[0] for picture in (photograph, painting)]},
    )
    for axis, picture, title in ((left, photograph, "a place ..."), (right, painting, "... and its spot")):
        axis.imshow(picture)
        axis.axis("off")
        axis.set_title(title, fontsize=9)
    for number, (name, (row, column)) in enumerate(places.items()):
        colour = drawing.COLOURS[number % len(drawing.COLOURS)]
        spot = divmod(int(chosen[row, column]), columns)
        ends = []
        for axis, place in ((left, (row, column)), (right, spot)):
            y, x = ((index + 0.5) * step - 0.5 for index in place)
            for width, edge in ((4, "white"), (2, colour)):
                axis.add_patch(plt.Rectangle(
                    (x - AROUND, y - AROUND), 2 * AROUND, 2 * AROUND, fill=False, linewidth=width, edgecolor=edge
                ))
            ends.append((x, y))
        left.annotate(
            name, ends[0], xytext=(0, 12), textcoords="offset points", ha="center", fontsize=9,
            bbox={"facecolor": "white", "edgecolor": colour, "pad": 1.5},
        )
        for width, line in ((4, "white"), (2, colour)):
            figure.add_artist(ConnectionPatch(
                ends[0], ends[1], "data", "data", axesA=left, axesB=right, arrowstyle="->,head_width=0.3", color=line,
                linewidth=width, alpha=0.9, shrinkA=8, shrinkB=8, connectionstyle="arc3,rad=-0.12",
            ))
    names = "; ".join(places)
    drawing.finish(figure, alt or f"The photograph and the painting; lines lead from places to their spots: {names}")


def click_choices(photograph, painting, chosen, cosines=None):
    """The two pictures side by side: a click on the photograph, or an arrow key, shows the spot chosen for the place.

    chosen, cosines: (n_H, n_W), see show_choices(). It needs no kernel, only a browser that runs its script.
    """
    step, columns = _grid_of(photograph, painting, chosen)
    data = {
        "step": step,
        "around": AROUND,
        "columns": columns,
        "chosen": np.asarray(chosen).tolist(),
        "cosines": None if cosines is None else np.round(np.asarray(cosines, np.float64), 2).tolist(),
        "photograph": _picture(photograph),
        "painting": _picture(painting),
    }
    page = _PAGE.read_text(encoding="utf-8")
    display(HTML(page.replace("NAME", f"nst-choices-{next(_numbers)}").replace("DATA", json.dumps(data))))


def _grid_of(photograph, painting, chosen):
    """Pixels from place to place, and how many spots a row of the painting has."""
    rows = np.shape(chosen)[0] if np.ndim(chosen) == 2 else 0
    step = photograph.shape[0] // rows if rows else 0
    if not step or -(-photograph.shape[1] // step) != np.shape(chosen)[1]:
        raise InputError(
            f"chosen has the shape {np.shape(chosen)}: give one number for each place of the photograph, (n_H, n_W)."
        )
    columns, lines = -(-painting.shape[1] // step), -(-painting.shape[0] // step)
    if np.min(chosen) < 0 or np.max(chosen) >= columns * lines:
        raise InputError(f"chosen has numbers up to {np.max(chosen)}, and the painting has {columns * lines} spots.")
    return step, columns


def _picture(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=88)
    return {
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "url": "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode(),
    }

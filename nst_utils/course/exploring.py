"""Sliders, where moving beats reading: a figure for each value, and a still picture where no kernel runs."""

import base64
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from IPython.display import display

from nst_utils.base.errors import InputError
from nst_utils.base.types import Array
from nst_utils.course.drawing import drawn_as_png, show


def slide(
    values: Iterable[Any] | Mapping[str, Any], draw: Callable[[Any], object], label: str = "", start: Any = None,
    still: Callable[[], object] | None = None,
) -> None:
    """A slider over the values, and below it the figure that draw(value) draws, each drawn when it is first wanted.

    values: a sequence, shown by str(), or a dictionary {words on the slider: value}. draw: a function of one value that
    calls show() or another of the course's drawings. start: the value shown first (None: the one in the middle).
    still: a function without arguments that draws what paper, GitHub and any place without widgets show (None: the
    figure of the start).
    """
    options = dict(values) if isinstance(values, dict) else {str(value): value for value in values}
    if not options:
        raise InputError("A slider needs at least one value.")
    names = list(options)
    first = names[len(names) // 2] if start is None else next((n for n in names if options[n] is start), str(start))
    if first not in options:
        raise InputError(f"The slider cannot start at {start!r}: its values are {', '.join(names)}.")
    drawn = {}

    def figure(name: str) -> tuple[bytes, str]:
        if name not in drawn:
            drawn[name] = _draw(draw, options[name])
        return drawn[name]

    png, alt = _draw(still) if still else figure(first)
    bundle = {"image/png": base64.b64encode(png).decode(), "text/plain": alt}
    display({**_widget(names, first, figure, label), **bundle}, metadata={"image/png": {"alt": alt}}, raw=True)


def leaf_through(pictures: Mapping[str, Array], label: str = "", columns: int = 3) -> None:
    """A slider over pictures, {title: picture}, each as large as the page allows; without a kernel all of them in rows.

    What show() takes will do.
    """
    slide(
        list(pictures),
        lambda title: show({title: pictures[title]}, height=5),
        label,
        still=lambda: show(pictures, columns=min(columns, len(pictures))),
    )


def _draw(draw: Callable[..., object], *value: Any) -> tuple[bytes, str]:
    with drawn_as_png() as figures:
        draw(*value)
    if len(figures) != 1:
        raise InputError(f"A slider shows one figure at a time, and its function drew {len(figures)}.")
    return figures[0]


def _widget(names: Sequence[str], first: str, figure: Callable[[str], tuple[bytes, str]], label: str) -> dict[str, Any]:
    """The slider with its figure, as what a notebook shows of it; nothing where ipywidgets isn't installed."""
    try:
        import ipywidgets as widgets
    except ModuleNotFoundError:
        return {}

    def image(name: str) -> str:
        png, alt = figure(name)
        data = base64.b64encode(png).decode()
        return f'<img alt="{html.escape(alt)}" style="max-width: 100%" src="data:image/png;base64,{data}">'

    slider = widgets.SelectionSlider(
        options=names, value=first, description=label, layout={"width": "90%"}, style={"description_width": "initial"}
    )
    shown = widgets.HTML(image(first))
    slider.observe(lambda change: setattr(shown, "value", image(change["new"])), "value")
    return widgets.VBox([slider, shown])._repr_mimebundle_()

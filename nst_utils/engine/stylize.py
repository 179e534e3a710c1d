"""Style transfer in one call: `stylize` runs to the end, `stylize_steps` hands out every step.

Printing, files and progress bars are left to those who read the steps.
"""

from dataclasses import dataclass, field

import numpy as np

from nst_utils.engine.objective import Costs
from nst_utils.engine.run import Run
from nst_utils.engine.settings import Settings, takes_settings
from nst_utils.pictures.sizes import resize


@dataclass(frozen=True)
class Result:
    """A finished picture, uint8 (H, W, 3), and how it came about.

    costs: what the picture costs, by all layers; None only where a second interrupt left no time to look.
    history: the steps, without their pictures. stopped: "iterations", "cost", "converged" or "interrupted".
    """

    image: np.ndarray = field(repr=False)
    costs: Costs | None
    history: list = field(repr=False)
    settings: dict
    seconds: float
    stopped: str


@takes_settings
def stylize(content, style, callback=None, **settings):
    """Paint the content in the manner of the style (Gatys, Ecker and Bethge 2015) and return the Result.

    content, style: paths or arrays (H, W, 3), 0-255. callback: called with every Step. Ctrl-C ends the run and keeps
    the picture so far. Raises InputError with one sentence for anything that does not fit.
    """
    chosen = Settings.of(**settings)
    history, last, stopped = [], None, "interrupted"
    try:
        run = Run(content, style, chosen)
        state = run.begin()
        while not state.stopped:
            state = run.advance(state)
            if state.stopped != "converged":  # which made no step
                last = run.step(state)
                history.append(last.without_picture())
                if callback:
                    callback(last)
        stopped = state.stopped
    except KeyboardInterrupt:
        if last is None:
            raise
    # An early interrupt leaves the picture of a coarse level.
    image = resize(last.image, run.size)
    return Result(image, _costs(run, last, image, stopped), history, run.settings.plain(), last.seconds, stopped)


@takes_settings
def stylize_steps(content, style, **settings):
    """The steps of stylize(content, style, **settings), one by one: a generator of Step."""
    return _steps(content, style, Settings.of(**settings))


def _steps(content, style, settings):
    run = Run(content, style, settings)
    state = run.begin()
    while not state.stopped:
        state = run.advance(state)
        if state.stopped != "converged":
            yield run.step(state)


def _costs(run, last, image, stopped):
    """The costs to report: those of the last step, or, where it left layers out, those of the picture as it is."""
    if stopped != "interrupted" or last.exact:
        return Costs(last.total, last.content, last.style, last.variation)
    try:
        return run.costs(image)
    except KeyboardInterrupt:
        return None

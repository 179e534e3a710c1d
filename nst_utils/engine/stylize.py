"""Style transfer in one call: `stylize` runs to the end, `stylize_steps` hands out every step.

Printing, files and progress bars are left to those who read the steps.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.types import AnyPath, AnyPicture, Floats, Picture
from nst_utils.engine.checkpoint import STEP, Keeper, Standing, check_new, check_pause, standing_of
from nst_utils.engine.objective import Costs
from nst_utils.engine.run import Run, State, Step
from nst_utils.engine.settings import Settings, takes_settings
from nst_utils.engine.styles import AnyStyle
from nst_utils.pictures.sizes import resize

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nst_utils.engine.keywords import Keywords


@dataclass(frozen=True)
class Result:
    """A finished picture, uint8 (H, W, 3), and how it came about.

    costs: what the picture costs, by all layers; None only where a second interrupt left no time to look.
    history: the steps, without their pictures. stopped: "iterations", "cost", "converged" or "interrupted".
    standing: where an interrupted run stands; stylize(..., resume=result) goes on with it.
    """

    image: Picture = field(repr=False)
    costs: Costs | None
    history: list[Step] = field(repr=False)
    settings: dict[str, Any]
    seconds: float
    stopped: str
    standing: Standing | None = field(default=None, repr=False)


@takes_settings
def stylize(
    content: AnyPicture, style: AnyStyle, callback: Callable[[Step], object] | None = None,
    checkpoint: AnyPath | None = None, checkpoint_every: float | None = None, resume: AnyPath | Result | None = None,
    **settings: Unpack[Keywords],
) -> Result:
    """Paint the content in the manner of the style (Gatys, Ecker and Bethge 2015) and return the Result.

    content, style: paths or arrays (H, W, 3), 0-255. callback: called with every Step. Ctrl-C ends the run and keeps
    the picture so far. Raises InputError with one sentence for anything that does not fit.

    checkpoint: a file in which the run keeps where it stands, every so many seconds (checkpoint_every; 0: after every
    step; by default ten, or more where writing takes long). resume: such a file, or an interrupted Result: with the
    same pictures and settings, the run goes on to exactly the picture of an undisturbed one, and goes on keeping the
    file. Where resume and checkpoint are one file that is not there yet, the run begins.
    """
    steps = None
    try:
        steps = Steps(content, style, Settings.of(**settings), checkpoint, checkpoint_every, resume)
        for step in steps:
            if callback:
                callback(step)
        return _result(steps, steps.stopped or "interrupted")
    except KeyboardInterrupt:
        if steps is None:
            raise
        steps.catch_up()
        if steps.last is None:
            raise
        steps.keep()
        return _result(steps, "interrupted")
    except BaseException:
        if steps is not None:
            steps.keep()
        raise


@takes_settings
def stylize_steps(
    content: AnyPicture, style: AnyStyle, checkpoint: AnyPath | None = None, checkpoint_every: float | None = None,
    resume: AnyPath | Result | None = None, **settings: Unpack[Keywords],
) -> Steps:
    """The steps of stylize(content, style, ...), one by one: an iterator of Step.

    What interrupts a loop over it leaves it where it was: another loop, in the next cell, goes on.
    """
    return Steps(content, style, Settings.of(**settings), checkpoint, checkpoint_every, resume)


class Steps:
    """A run as an iterator of Step, which can be interrupted anywhere and goes on at the next call.

    last: the step that was handed out last, of a run that goes on at first that of the checkpoint; None before there
    is one. history: all steps so far, without their pictures. run: the Run.
    """

    def __init__(
        self, content: AnyPicture, style: AnyStyle, settings: Settings, checkpoint: AnyPath | None = None,
        checkpoint_every: float | None = None, resume: AnyPath | Result | None = None,
    ) -> None:  # fmt: skip
        """settings: checked; otherwise as stylize() has it."""
        pause, self._settings = check_pause(checkpoint_every), settings
        before, checkpoint = _before(resume, checkpoint)
        self.run = Run(content, style, settings)
        self.last: Step | None = None
        self.history: list[Step] = []
        self._keeper = None if checkpoint is None else Keeper(checkpoint, pause)
        self._state = self._told = self.run.begin()
        self._kept: State | None = None
        if before is not None:
            self._go_on_from(before, resume)
        else:
            self._keep()

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> Step:
        if self._told is self._state:
            if self._keeper and (self.stopped or self._keeper.due):
                self._keep()
            if self.stopped:
                raise StopIteration
            found = self.run.advance(self._state)
            if found.stopped == "converged":  # which made no step
                self._state = self._told = found
                return next(self)
            self._state = found
        self.catch_up()
        assert self.last is not None
        return self.last

    @property
    def stopped(self) -> str | None:
        """Why the run is at its end, or None."""
        return self._state.stopped

    @property
    def standing(self) -> Standing:
        """Where the run stands."""
        self.catch_up()
        state = self._state
        if state.stopped:  # nobody goes on from here: the picture is all that is needed
            now = None if state.now is None else replace(state.now, gradient=None)
            state = replace(state, memory=(), chosen=None, below=None, now=now)
        history = np.array([[getattr(step, name) for name in STEP] for step in self.history], np.float64)
        planned = self.history[-1].planned if self.history else 0
        return Standing(
            self._about, self.run.plan, state.arrays(), history.reshape(-1, len(STEP)), state.iteration, planned,
            state.stopped,
        )

    def keep(self) -> None:
        """Write the checkpoint now, if there is to be one; interrupted, the one before is still there."""
        with contextlib.suppress(KeyboardInterrupt):
            self._keep()

    def _keep(self) -> None:
        if self._keeper and self._kept is not self._state:
            self._keeper.write(self.standing)
            self._kept = self._state

    def catch_up(self) -> None:
        """Bring `last` and `history` up to the state; an interrupt on the way leaves that to the next call."""
        if self._told is not self._state:
            step = self.run.step(self._state)
            if not self.history or step.seconds > self.history[-1].seconds:
                self.history.append(step.without_picture())
            self.last = step
            self._told = self._state

    @cached_property
    def _about(self) -> dict[str, Any]:
        return self.run.inputs.about(self._settings)

    def _go_on_from(self, before: Standing, name: AnyPath | Result | None) -> None:
        """Stand where another run of the same inputs and settings stood."""
        name = name if isinstance(name, str | os.PathLike) else "The result"
        before.refuse_other(self._about, name)
        if before.plan is None:  # it had only just begun
            return
        try:
            self.run.follow(before.plan)
            state = State.of_arrays(before.state)
            self.run.check(state)
            history = [_step_of(row) for row in before.history]
            if state.now is not None:
                self.last = self.run.step(state)
        except InputError as error:
            raise InputError(f"{name} cannot be gone on from here: {error}") from None
        except Exception as error:  # whatever a damaged file may hold
            raise InputError(f"{name} holds no state of this run ({error}): begin anew.") from None
        self._state = self._told = state
        self.history = history


def _before(
    resume: AnyPath | Result | None, checkpoint: AnyPath | None
) -> tuple[Standing | None, Path | None]:
    """standing_of(), where what to go on from may be an interrupted Result as well."""
    if not isinstance(resume, Result):
        return standing_of(resume, checkpoint)
    if resume.standing is None:
        raise InputError("The result is finished: to paint more on it, give its image as init.")
    return resume.standing, None if checkpoint is None else check_new(checkpoint)


def _step_of(row: Floats) -> Step:
    """A step of a checkpoint's history, without its picture."""
    told = dict(zip(STEP, row.tolist(), strict=True))
    for name in ("iteration", "planned", "width", "height"):
        told[name] = int(told[name])
    return Step(**told | {"exact": bool(told["exact"])}, _picture=None)


def _result(steps: Steps, stopped: str) -> Result:
    """The Result of the steps so far. The picture is there: an interrupt does not keep it from being handed back."""
    while True:
        try:
            steps.catch_up()
            last, run = steps.last, steps.run
            assert last is not None
            # An early interrupt leaves the picture of a coarse level.
            image = resize(last.image, run.size)
            costs = _costs(run, last, image, stopped)
            standing = None if steps.stopped else _standing_of(steps)
            return Result(image, costs, steps.history, run.settings.plain(), last.seconds, stopped, standing)
        except KeyboardInterrupt:
            stopped = "interrupted"


def _standing_of(steps: Steps) -> Standing | None:
    try:
        return steps.standing
    except InputError:  # the weights file is gone: nobody can go on, and the picture is there all the same
        return None


def _costs(run: Run, last: Step, image: Picture, stopped: str) -> Costs | None:
    """The costs to report: those of the last step, or, where it left layers out, those of the picture as it is."""
    if stopped != "interrupted" or last.exact:
        return Costs(last.total, last.content, last.style, last.variation)
    try:
        return run.costs(image)
    except KeyboardInterrupt:
        return None

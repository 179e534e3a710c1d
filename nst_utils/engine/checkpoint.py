"""Checkpoints: where a run stands, kept in a file at intervals, so that nothing but a moment is ever lost.

A checkpoint is an .npz of plain arrays: the state of the run, the history of its steps, and what tells the run from
others. It is written beside the one before and takes its place whole. Nothing here needs TensorFlow.
"""

import json
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nst_utils.base.errors import InputError, MissingFileError, shown
from nst_utils.base.files import check_folder, read_arrays, write_arrays
from nst_utils.base.types import AnyPath, Array, Floats
from nst_utils.engine.inputs import differences

FORMAT = 1
# Seconds between two checkpoints; where writing one takes long, so many times its time.
USUAL_PAUSE, LEAST_PAUSES = 10.0, 30
_ABOUT, _HISTORY = "about", "history"
# The columns of the history: a step without its picture.
STEP = ("iteration", "planned", "width", "height", "seconds", "total", "content", "style", "variation", "exact")


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written; the run goes on."""


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a run stands: what it is known by, how it goes about it, its state as arrays, and its steps so far.

    about: as Inputs.about() has it. plan: as Run.plan has it, None before there is a run. state: as State.arrays()
    has it. history: float64 (steps, len(STEP)). iteration, planned, stopped: of the state, to be told.
    """

    about: dict[str, Any] = field(repr=False)
    plan: dict[str, Any] | None = field(default=None, repr=False)
    state: Mapping[str, Array] = field(default_factory=dict, repr=False)
    history: Floats = field(default_factory=lambda: np.zeros((0, len(STEP))), repr=False)
    iteration: int = 0
    planned: int = 0
    stopped: str | None = None

    def refuse_other(self, about: dict[str, Any], name: AnyPath) -> None:
        """Raise InputError, with the differences, unless a run known by `about` is this one."""
        found = differences(self.about, about)
        if found:
            more = f"; and {len(found) - 6} more" if len(found) > 6 else ""
            raise InputError(
                f"{name} is from another run: {'; '.join(found[:6])}{more}. Give what it was begun with, or begin anew."
            )


def write_checkpoint(path: AnyPath, standing: Standing) -> None:
    """Write a standing to a file, whole or not at all; InputError where that fails, and what was there stays."""
    about = {"format": FORMAT, "about": standing.about, "plan": standing.plan}
    about |= {name: getattr(standing, name) for name in ("iteration", "planned", "stopped")}
    write_arrays(path, {_ABOUT: np.array(json.dumps(about)), _HISTORY: standing.history} | dict(standing.state))


def read_checkpoint(path: AnyPath, whole: bool = True) -> Standing:
    """The standing that a file holds, or, much sooner, only what is told of it, without its state and history.

    Raises InputError with one sentence for a file that is none.
    """
    if not os.path.exists(path):
        raise MissingFileError(f"The checkpoint {path} does not exist: check its path, or begin with --checkpoint.")
    arrays = read_arrays(path, None if whole else (_ABOUT,))
    try:
        about = json.loads(arrays.pop(_ABOUT).item())
        if about["format"] != FORMAT:
            raise InputError(f"{path} is a checkpoint of another version of nst_utils: go on with that version.")
        told = {name: about[name] for name in ("iteration", "planned")}
        history = arrays.pop(_HISTORY) if whole else np.zeros((0, len(STEP)))
        fits = all(type(each) is int for each in told.values()) and isinstance(about["about"], dict)
        if not fits or history.ndim != 2 or history.shape[1] != len(STEP) or history.dtype != np.float64:
            raise ValueError("it says nothing of a run")
        stopped = about["stopped"] if about["stopped"] is None else str(about["stopped"])
        return Standing(about["about"], about["plan"], arrays, history, **told, stopped=stopped)
    except InputError:
        raise
    except Exception as error:  # whatever a file of somebody else's may hold
        raise InputError(f"{path} holds no checkpoint that can be read ({error}): begin anew.") from None


def check_pause(every: Any) -> float | None:
    """The seconds between two checkpoints, or None for the usual ones; InputError for what are none."""
    if every is None:
        return None
    if isinstance(every, bool) or not isinstance(every, (int, float)) or not 0 <= every < float("inf"):
        raise InputError(f"checkpoint_every is {shown(every)}: give a number of seconds, 0 for after every step.")
    return float(every)


def check_new(name: AnyPath) -> Path:
    """The path, if a run that begins may keep its checkpoint there; InputError where something would be lost."""
    path = Path(check_folder(name))
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return path
    try:
        there = read_checkpoint(path, whole=False)
    except InputError:
        raise InputError(
            f"{path} is there and holds no checkpoint, and would be lost: give another name."
        ) from None
    if there.iteration and not there.stopped:
        raise InputError(
            f"{path} holds a run that stands at step {there.iteration} of {there.planned}: go on with it by "
            f"--resume, or remove it."
        )
    return path


def standing_of(
    resume: AnyPath | None, checkpoint: AnyPath | None, whole: bool = True
) -> tuple[Standing | None, Path | None]:
    """(the Standing to go on from, or None, the path of the checkpoint to write, or None), of two paths or None.

    A run that goes on keeps on writing the file it goes on from, unless it is given another one. One file given for
    both that is not there yet is for a run to begin, so that one command does for a beginning and for going on.
    """
    if resume is None:
        return None, None if checkpoint is None else check_new(checkpoint)
    if checkpoint is None or os.path.realpath(resume) == os.path.realpath(checkpoint):
        if checkpoint is not None and not os.path.exists(resume):
            return None, check_new(checkpoint)
        return read_checkpoint(resume, whole), Path(check_folder(resume))
    return read_checkpoint(resume, whole), check_new(checkpoint)


class Keeper:
    """Writes the checkpoints of a run when they are due.

    A checkpoint that cannot be written on the way is a warning, once until one can be written again: the picture is
    worth more, and the checkpoint before is still there.
    """

    def __init__(self, path: AnyPath, every: float | None) -> None:
        """every: seconds between two checkpoints, 0 for one after every step; None: USUAL_PAUSE, or more."""
        self.path = Path(path)
        self._every, self._warned = every, False
        self._due = time.monotonic() + (USUAL_PAUSE if every is None else every)

    @property
    def due(self) -> bool:
        """Whether it is time for the next one."""
        return time.monotonic() >= self._due

    def write(self, standing: Standing) -> None:
        """Write one now."""
        began = time.monotonic()
        try:
            write_checkpoint(self.path, standing)
            self._warned = False
        except InputError as error:
            if not self._warned:
                warnings.warn(f"{error} The painting goes on without its checkpoint.", CheckpointWarning, stacklevel=2)
            self._warned = True
        now = time.monotonic()
        pause = max(USUAL_PAUSE, LEAST_PAUSES * (now - began)) if self._every is None else self._every
        self._due = now + pause

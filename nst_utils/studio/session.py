"""A session of the studio, without a page: pictures and settings in, a picture that paints itself.

One thread paints; all methods answer at once. Since the states of a run are never changed, to stop is to keep the
last one: what the thread is computing at that moment is dropped when it is done.
"""

import contextlib
import io
import json
import sys
import tempfile
import threading
import time
import zipfile
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from nst_utils.base.errors import InputError
from nst_utils.engine.settings import Settings
from nst_utils.engine.styles import Style, regions_of, styles_of
from nst_utils.pictures.films import Frames, chosen
from nst_utils.pictures.sizes import MIN_SIDE, output_size, resize
from nst_utils.studio.uploads import Picture, plain_name
from nst_utils.studio.waiting import Places

# The quick look: longest side, and steps at that size.
QUICK_SIDE, QUICK_STEPS = 200, 6
# Recent steps from which the time left is told.
_RECENT = 5


@dataclass(frozen=True, eq=False)
class Painting:
    """A painting and how it is used: its weight, its brush size, and where it goes.

    mask: a Picture that is white where it goes, "rest" or "all"."""

    picture: Picture
    weight: float = 1.0
    scale: float = 1.0
    mask: object = "all"


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be painted.

    asked: the checked settings as chosen; settings: those that are painted with. quick: only a look at it. start: the
    Present whose state to go on from. went_on: whether `settings` starts from an earlier picture.
    """

    photo: Picture
    paintings: tuple
    asked: Settings
    settings: Settings
    styles: list = field(repr=False)
    quick: bool = False
    start: object = field(default=None, repr=False)
    went_on: bool = False

    @property
    def size(self):
        """(width, height) of the finished picture."""
        return output_size(self.photo.pixels.shape[1::-1], self.settings.size, self.settings.max_side)

    def same_but_for_steps(self, other):
        """Whether another job paints the same, however long."""
        return (
            self.photo is other.photo
            and self.paintings == other.paintings
            and _comparable(self.asked) == _comparable(other.asked)
        )


@dataclass(frozen=True, eq=False)
class Present:
    """A picture and how it came about: the job, its run, the state, the last step."""

    job: Job
    run: object = field(repr=False)
    state: object = field(repr=False)
    step: object = field(repr=False)

    @property
    def image(self):
        """The picture of the full size, uint8 (H, W, 3)."""
        return resize(self.step.image, self.run.size)

    @property
    def names(self):
        """What the photo and the first painting are called."""
        return self.job.photo.name, self.job.paintings[0].picture.name

    def report(self):
        """The settings, files and costs as plain data, in the form of the command line's --report."""
        job, settings = self.job, self.run.settings.plain()
        names = [each.picture.name for each in job.paintings]
        if any(each.mask != "all" for each in job.paintings):
            settings["masks"] = [each.mask if isinstance(each.mask, str) else each.mask.name for each in job.paintings]
            settings["style_weights"] = [each.weight for each in job.paintings]
        if settings["init"] == "a picture":
            del settings["init"]
        step = self.step
        costs = {name: getattr(step, name) for name in ("iteration", "total", "content", "style", "variation", "exact")}
        return {
            "settings": {"content": job.photo.name, "style": names} | settings,
            "seconds": step.seconds,
            "stopped": self.state.stopped or "interrupted",
            # Where the picture went on from another one, its settings alone do not paint it again.
            "went_on_from_a_picture": job.went_on,
            "last_step": costs,
        }

    def png(self):
        """The picture as the bytes of a PNG file, with its report in the file's metadata."""
        return png_of(self.image, self.report())


@dataclass(frozen=True)
class News:
    """What a session tells: its state, one sentence if there is something to say, and the picture if it changed.

    state: "idle", "waiting", "quick", "painting", "stopped", "done" or "failed". left: seconds still to go, or None.
    """

    state: str
    message: str = ""
    present: Present | None = field(default=None, repr=False)
    left: float | None = None


class Session:
    """Pictures, settings, and the thread that paints.

    photo: a Picture. paintings: a list of Painting. settings: a dict of what differs from the defaults. tell: called
    with News, from any thread. A setting that does not fit is told by InputError, before anything is painted.
    """

    def __init__(self, tell=lambda news: None, places=None):
        self.photo, self.paintings, self.settings = None, [], {}
        self.present, self.looked = None, None
        self.history, self.looked_history = [], []
        self._tell, self._places = tell, places or Places()
        self._changed = threading.Condition(threading.RLock())
        self._wanted, self._current, self._closed, self._thread = None, None, False, None
        self._stepped = None  # the job that the last step belongs to
        self._frames, self._cleanup = None, contextlib.ExitStack()
        self._filming = threading.Lock()  # held while a frame is written, and while frames are removed

    def quick_look(self, changes=(), side=QUICK_SIDE, steps=QUICK_STEPS):
        """Show in small, and soon, what the pictures and settings lead to. A painting that runs is given up.

        changes: settings that are other than this session's for this look alone. side, steps: how small, how soon.
        """
        settings = self.settings | dict(changes)
        self._begin(_quick(self.job(settings), settings.get("init"), side, steps))

    def paint(self):
        """Paint from the start."""
        self._begin(self.job())

    def stop(self):
        """Stop, and keep the picture so far: at once, whatever the thread is doing."""
        with self._changed:
            running, self._wanted, self._current = self._current or self._wanted, None, None
            if running:
                there = "the picture so far is kept" if self.present else "there is no picture yet"
                self._tell(News("stopped", f"Stopped: {there}.", None if running.quick else self.present))

    def go_on(self, steps=None):
        """Go on from the present picture: where it was stopped, for more steps, or with what has changed since.

        steps: how many more; by default those that are left where it was stopped on the way, and after the end as many
        as the settings say. With unchanged pictures and settings, the outcome is that of one run of so many steps,
        wherever it stopped on the way.
        """
        with self._changed:
            present, job = self.present, self.job()
            if present is None:
                raise InputError("There is no picture to go on from yet: paint one first.")
            self._current = self._wanted = None
            if job.same_but_for_steps(present.job):
                longer = self._longer(present, job, steps)
                if longer is not None:
                    return self._begin(longer)
            settings = replace(job.settings, init=present.image, iterations=steps or job.settings.iterations)
            return self._begin(replace(job, settings=settings, went_on=True))

    def change(self):
        """Show what has changed: a painting goes on with it from where it is, or begins anew; else a quick look."""
        with self._changed:
            current = self._current
            if current is None or current.quick:
                self.quick_look()
            elif self._stepped is current or current.start or current.went_on:
                self.go_on()
            else:
                self.paint()

    @property
    def lock(self):
        """Held while news are told: whoever holds it sees the session stand still."""
        return self._changed

    @property
    def busy(self):
        """Whether something is being painted, or waits to be."""
        return self._current is not None

    @property
    def closed(self):
        """Whether the session has ended."""
        return self._closed

    def close(self):
        """End the thread, after its present step, and remove what was kept in files."""
        with self._changed:
            self._closed, self._wanted, self._current = True, None, None
            self._changed.notify_all()
        self._remove_frames()

    def job(self, settings=None):
        """The checked Job of the present pictures and settings, or other settings than the session's."""
        chosen = self.settings if settings is None else settings
        if self.photo is None:
            raise InputError("There is no photo yet: choose one.")
        if not self.paintings:
            raise InputError("There is no painting yet: choose at least one.")
        masked = any(each.mask != "all" for each in self.paintings)
        several = len(self.paintings) > 1 and not masked
        scales = tuple(each.scale for each in self.paintings)
        common = chosen.get("style_scale", (1.0,))
        if len(common) not in (1, len(scales)):
            raise InputError(f"Brush sizes are {len(common)} for {len(scales)} paintings: give one, or one for each.")
        common = common * len(scales) if len(common) == 1 else common
        scales = tuple(a * b for a, b in zip(common, scales, strict=True))
        own = {"style_scale": scales if len(set(scales)) > 1 else scales[:1]}
        if several:
            own["style_weights"] = tuple(each.weight for each in self.paintings)
        settings = Settings.of(**chosen | own)
        styles = [
            Style(each.picture.pixels, weight=each.weight if masked else 1.0, mask=_mask_of(each.mask))
            for each in self.paintings
        ]
        job = Job(self.photo, tuple(self.paintings), settings, settings, styles)
        # On stand-ins: numbers and masks that do not fit are told now.
        stand_in = np.zeros((1, 1, 3), np.uint8)
        regions_of(styles_of([replace(each, picture=stand_in) for each in styles], settings), job.size)
        return job

    def film(self, suffix, fps=10, every=1):
        """The bytes of a film of the making, ".gif", ".webp" or ".mp4", or of a ".zip" of its frames.

        every: only every so many frames, and the last one.
        """
        with self._changed:
            frames, present = self._frames, self.present
            if frames is None or present is None:
                raise InputError("There is no film yet: paint a picture first.")
        with tempfile.TemporaryDirectory(prefix="studio-") as folder:
            path = Path(folder) / f"film{suffix}"
            if suffix != ".zip":
                frames.write_film(path, fps, every)
                return path.read_bytes()
            with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
                for frame in chosen(frames.paths, every):
                    file.write(frame, frame.name)
            return path.read_bytes()

    def _longer(self, present, job, steps):
        """The job that goes on from the present state as one run of more steps would; None where none would."""
        from nst_utils.engine.run import Run

        state, phases, before = present.state, present.run.phases, present.job.settings.iterations
        if present.job.quick or state.stopped not in (None, "iterations"):
            return None
        if state.stopped:
            total = before + (steps or job.settings.iterations)
        elif steps is None:
            total = job.settings.iterations
        elif state.phase == len(phases) - 1:
            total = before - phases[-1].steps + state.count + steps
        else:
            return None
        if total == before:
            return replace(present.job, start=present)
        longer = replace(present.job, settings=replace(present.job.settings, iterations=total))
        run = Run(longer.photo.pixels, longer.styles, longer.settings)
        last = len(run.phases) - 1
        if run.phases[:-1] != phases[:-1]:
            return None
        if state.phase == last:
            if state.count >= run.phases[-1].steps:
                return None
            state = replace(state, stopped=None, over=False)
        return replace(longer, start=Present(longer, run, state, present.step))

    def _begin(self, job):
        with self._changed:
            if self._closed:
                raise InputError("This session is closed: open the studio again.")
            self._wanted = self._current = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="studio", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            self._tell(News("quick" if job.quick else "painting"))

    def _work(self):
        while True:
            with self._changed:
                while self._wanted is None and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                job, self._wanted = self._wanted, None
            try:
                self._run(job)
            except InputError as error:
                self._end(job, News("failed", str(error)))
            except Exception as error:  # whatever it is, the thread has to live on and the page has to say so
                self._end(job, News("failed", f"Painting failed ({type(error).__name__}: {error}): try it again."))

    def _run(self, job):
        if "tensorflow" not in sys.modules:
            words = "Loading TensorFlow and the network ..."
            self._tell_of(job, News("quick" if job.quick else "painting", words))
        from nst_utils.engine.memory import needed_memory  # which imports TensorFlow

        need = needed_memory(job.size, job.settings)
        words = "Waiting in line: other pictures take the memory that this one needs."
        with self._places.place(
            need,
            waits=lambda: self._tell_of(job, News("waiting", words)),
            given_up=lambda: not self._is_current(job),
        ) as mine:
            if mine and self._is_current(job):
                self._advance(job)

    def _advance(self, job):
        from nst_utils.engine.run import Run

        self._tell_of(job, News("quick" if job.quick else "painting"))
        if job.start:
            run, state = job.start.run, job.start.state
        else:
            run = Run(job.photo.pixels, job.styles, job.settings)
            state = run.begin()
        recent = deque(maxlen=_RECENT)
        while not state.stopped:
            began, before = time.perf_counter(), state
            state = run.advance(state)
            if state.phase == before.phase:
                recent.append((time.perf_counter() - began) / np.prod(run.phases[state.phase].size))
            step = run.step(state)
            present = Present(replace(job, start=None), run, state, step)
            with self._changed:
                if self._current is not job:
                    return
                self._stepped = job
                self._keep(present, new=not job.start and before.phase < 0)
                ended = state.stopped is not None
                if ended:
                    self._current = None
                self._tell(News(self._state_of(job, ended), _ending(state, job), present, _left(run, state, recent)))
            if not job.quick:
                self._add_frame(present)

    def _keep(self, present, new):
        """Take the picture over as the present one, or the one looked at, with its place in the curve."""
        if present.job.quick:
            self.looked = present
            self.looked_history = [*([] if new else self.looked_history), present.step.without_picture()]
            return
        if new:
            self.history = []
        if self._frames is None or new and (not present.job.went_on or self._frames.size != present.run.size):
            self._remove_frames()
            self._frames = self._cleanup.enter_context(Frames(present.run.size))
        self.present = present
        self.history.append(present.step.without_picture())

    def _add_frame(self, present):
        """One more frame of the film; of pictures that went on from others, after theirs."""
        with self._filming:
            frames = self._frames
            if frames is not None:  # else the session has been closed
                frames.add(len(frames.paths) if present.job.went_on else present.step.iteration, present.step.image)

    def _remove_frames(self):
        with self._filming:
            self._frames = None
            self._cleanup.close()

    def _state_of(self, job, ended):
        if job.quick:
            return "idle" if ended else "quick"
        return "done" if ended else "painting"

    def _is_current(self, job):
        return self._current is job

    def _tell_of(self, job, news):
        with self._changed:
            if self._current is job:
                self._tell(news)

    def _end(self, job, news):
        with self._changed:
            if self._current is job:
                self._current = None
                self._tell(news)


def _quick(job, init, side, steps):
    """The job as a quick look: small, a few steps, always by L-BFGS, which alone has come far after so few."""
    scale = min(1.0, side / max(job.size))
    chosen = {
        "size": tuple(max(MIN_SIDE, round(length * scale)) for length in job.size),
        "iterations": min(steps, job.settings.iterations), "optimizer": "lbfgs", "init": init, "stop_at_cost": None,
    }
    return replace(job, settings=replace(job.settings, **chosen).checked(), quick=True)


def _ending(state, job):
    if job.quick:
        return "This is a quick look: Paint makes the picture." if state.stopped else ""
    return {
        None: "",
        "iterations": "Done: all steps are made.",
        "cost": "Done: the cost is low enough.",
        "converged": "Done: no step lowers the cost further.",
    }[state.stopped]


def _left(run, state, recent):
    """Seconds still to go, by what a pixel of the last steps took; None where nothing is known yet."""
    if not recent or state.stopped:
        return None
    phase = run.phases[state.phase]
    pixels = (phase.steps - state.count) * np.prod(phase.size)
    pixels += sum(later.steps * np.prod(later.size) for later in run.phases[state.phase + 1 :])
    return float(pixels * sum(recent) / len(recent))


def _mask_of(mask):
    return mask.pixels if isinstance(mask, Picture) else mask if mask != "all" else None


def _comparable(settings):
    """The settings but for the number of steps; a picture to start from by its identity."""
    values = [getattr(settings, name) for name in Settings.__dataclass_fields__ if name != "iterations"]
    return [id(value) if isinstance(value, np.ndarray) else value for value in values]


def png_of(image, report):
    """A picture uint8 (H, W, 3) as the bytes of a PNG file, with the report, plain data, in the file's metadata."""
    about = PngImagePlugin.PngInfo()
    about.add_text("Software", "nst_utils")
    about.add_itxt("nst_utils", json.dumps(report))
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", pnginfo=about)
    return file.getvalue()


def file_name(names, suffix):
    """What to call a download: the names of the photo and the painting, and a suffix."""
    parts = [Path(plain_name(each)).stem for each in names]
    return "-".join("".join(c if c.isalnum() or c in "-_" else "-" for c in part)[:40] for part in parts) + suffix


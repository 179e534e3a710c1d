"""`nst stylize`: a photo and a painting in, a picture out, with progress, and kept when it is stopped."""

import contextlib
import json
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from nst_utils.base.errors import InputError
from nst_utils.base.files import check_folder, refuse_overwriting, write_text
from nst_utils.base.machine import check_memory, peak_memory_mb, seconds_since_start
from nst_utils.cli.flags import GROUPS, with_settings
from nst_utils.engine.settings import Settings, read_settings

# The title of what is read and written besides.
FILES = "Files besides"


@with_settings
def stylize(
    content: Annotated[Path, typer.Argument(help="The photo.", metavar="CONTENT", show_default=False)],
    style: Annotated[list[Path], typer.Argument(help="The painting, or several.", metavar="STYLE ...")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The picture to write: .png, .jpg, .webp.")],
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A first look: the same as --quality quick.", rich_help_panel=GROUPS["first"]),
    ] = False,
    film: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a film of its making: .gif, .webp or .mp4.", rich_help_panel=FILES),
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the pictures on the way into this folder.", rich_help_panel=FILES),
    ] = None,
    every: Annotated[
        int, typer.Option(metavar="N", min=1, help="Film and frames show every Nth step.", rich_help_panel=FILES)
    ] = 1,
    fps: Annotated[
        float, typer.Option(metavar="X", min=0.1, max=60, help="Frames a second of the film.", rich_help_panel=FILES)
    ] = 10,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings", metavar="FILE", rich_help_panel=FILES,
            help="Take settings from a report, or TOML with the names of these options; options given beside it win.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write settings, times and costs as JSON.", rich_help_panel=FILES),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", rich_help_panel=FILES,
            help="Keep in this file, at intervals, where the run stands, so that it survives being killed.",
        ),
    ] = None,
    checkpoint_every: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", min=0, rich_help_panel=FILES,
            help="Seconds between two checkpoints; 0: after every step.",
            show_default="10, more where writing takes long",
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", rich_help_panel=FILES,
            help="Go on from this checkpoint, with the same pictures and settings, to the same picture; and keep it.",
        ),
    ] = None,
    **settings,
):
    """Paint CONTENT in the manner of STYLE.

    nst stylize photo.jpg painting.jpg -o picture.png

    nst stylize photo.jpg painting.jpg -o picture.png --max-side 1024 --style-scale 0.5

    nst stylize photo.jpg night.jpg harvest.jpg -o picture.png --masks sky.png,rest

    Ctrl-C stops and keeps the picture so far.

    A run with --checkpoint FILE that was stopped or killed goes on with the same command and --resume FILE.
    """
    from nst_utils.engine.checkpoint import standing_of
    from nst_utils.engine.styles import Style, regions_of, styles_of
    from nst_utils.pictures.films import Frames, check_film, check_frames
    from nst_utils.pictures.reading import read_size
    from nst_utils.pictures.sizes import output_size
    from nst_utils.pictures.writing import check_writable

    if quick and settings.get("quality", "quick") != "quick":
        raise InputError(f"--quick is the same as --quality quick: leave out --quality {settings['quality']}.")
    if settings_file:
        settings = read_settings(settings_file) | settings
    if quick:
        settings["quality"] = "quick"
    checked = Settings.of(**settings)
    own_files = [checked.init, checked.weights, *(checked.masks or ())]
    _check_outputs([out, report, film, checkpoint or resume], [content, *style, settings_file, *own_files])
    for path in (content, *style):
        read_size(path)
    size = output_size(read_size(content), checked.size, checked.max_side)
    check_writable(out, size)
    if report:
        check_folder(report)
    if film:
        check_film(film, size)
    check_memory()
    before, _ = standing_of(resume, checkpoint, whole=False)
    if frames:
        check_frames(frames, go_on=before is not None)
    if checked.masks or checked.style_weights:
        # On stand-ins for the paintings, whose decoding takes longer: numbers and masks that do not fit are told now.
        stand_in = np.zeros((1, 1, 3), np.uint8)
        regions_of(styles_of([Style(stand_in) for _ in style], checked), size)
    with contextlib.ExitStack() as cleanup:
        stopped_by = cleanup.enter_context(_stopping())
        there = before.iteration // every + 1 if before and before.planned else 0
        kept = cleanup.enter_context(Frames(size, frames, every, there)) if film or frames else None
        cleanup.enter_context(_warnings_in_a_line())
        files = {"checkpoint": checkpoint, "checkpoint_every": checkpoint_every, "resume": resume}
        spoilt: list[InputError] = []
        result = _run_with_progress((content, *style), settings, stopped_by, files, kept, spoilt)
        with _undisturbed():
            _write_or_rescue(out, result.image, checkpoint or resume)
            if kept and not spoilt:
                try:
                    kept.finish(result.image)
                    if film:
                        kept.write_film(film, fps)
                except InputError as error:
                    spoilt.append(error)
            waited = seconds_since_start()
            if report:
                files = {"content": str(content), "style": [str(path) for path in style], "out": str(out)}
                write_text(report, json.dumps(_report(result, files, waited), indent=1))
    reason = {
        "iterations": "after all iterations",
        "cost": "because the cost is low enough",
        "converged": "because no step lowers the cost further",
        "interrupted": f"by {stopped_by.name} after {result.history[-1].iteration} iterations",
    }[result.stopped]
    cost = f", total cost {result.costs.total:.4g}" if result.costs else ""
    seconds = f"{result.seconds:.1f} s of painting, {waited:.1f} s in all"
    more = f" It goes on with --resume {checkpoint or resume}." if result.standing and (checkpoint or resume) else ""
    typer.echo(f"Wrote {out}: stopped {reason}{cost}, {seconds}.{more}")
    if spoilt:
        raise spoilt[0]
    if result.stopped == "interrupted":
        raise typer.Exit(stopped_by.status)


def _check_outputs(outputs, inputs):
    """Raise InputError where a file to write is one to read, or the same as another one."""
    outputs, inputs = ([path for path in paths if path is not None] for paths in (outputs, inputs))
    for number, path in enumerate(outputs):
        refuse_overwriting(path, inputs)
        if os.path.realpath(path) in map(os.path.realpath, outputs[:number]):
            raise InputError(f"{path} is to be written twice: give each file a name of its own.")


def _write_or_rescue(out: Path, image: np.ndarray, checkpoint: Path | None) -> None:
    """Write the picture; where that fails, because the disk is full, say, keep it where there is room."""
    from nst_utils.pictures.writing import write_image

    try:
        write_image(out, image)
        return
    except InputError as error:
        reason = str(error).rpartition(": ")[0]
    remedy = f"--resume {checkpoint} writes it somewhere else" if checkpoint else "make room, and paint it again"
    with contextlib.suppress(OSError, InputError):
        folder = Path(tempfile.mkdtemp(prefix="nst-"))
        try:
            write_image(folder / out.name, image)
            remedy = f"the picture is kept as {folder / out.name}"
        except InputError:
            folder.rmdir()
    raise InputError(f"{reason}: {remedy}.")


@contextlib.contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """What the engine warns of is said in a line of its own, above the progress bar."""
    from tqdm import tqdm

    from nst_utils.engine.checkpoint import CheckpointWarning

    with warnings.catch_warnings():
        warnings.simplefilter("always", CheckpointWarning)
        usual = warnings.showwarning

        def show(message, category, *rest, **more):
            if category is CheckpointWarning:
                tqdm.write(f"nst: {message}", file=sys.stderr)
            else:
                usual(message, category, *rest, **more)

        warnings.showwarning = show
        yield


def _run_with_progress(paths, settings, stopped_by, files, frames, spoilt):
    """stylize() with a progress bar on standard error.

    files: its checkpoint, checkpoint_every and resume. spoilt: a list that gets what went wrong with the frames, after
    which there are no more of them: the picture is worth more.
    """
    from tqdm import tqdm

    bar = None
    # It appears with the first step; a log file has no use for ten lines a second.
    pause = 0.1 if sys.stderr.isatty() else 5

    def show(step):
        nonlocal bar
        if frames and not spoilt:
            try:
                frames.add(step.iteration, step.image)
            except InputError as error:
                spoilt.append(error)
                tqdm.write(f"nst: {error} The painting goes on without its frames.", file=sys.stderr)
        if bar is None:
            look = {"unit": "step", "leave": False, "dynamic_ncols": True, "mininterval": pause}
            bar = tqdm(initial=step.iteration, file=sys.stderr, **look)
        bar.total = step.planned
        parts = f"style={step.style:.3g} content={step.content:.3g}" if step.exact else "of the shallow layers"
        bar.set_postfix_str(f"{step.width}x{step.height} J={step.total:.3g} {parts}", refresh=False)
        bar.update(step.iteration - bar.n)

    try:
        return _loaded(paths, settings, files)(callback=show, **files, **settings)
    except KeyboardInterrupt:
        raise InputError(f"Stopped by {stopped_by.name} before the first step: there is no picture yet.") from None
    finally:
        if bar:
            bar.close()


def _loaded(paths, settings, files):
    """stylize() of the pictures in these files, which are decoded while TensorFlow is imported."""
    from nst_utils.pictures.reading import read_image

    with ThreadPoolExecutor() as beside:
        pictures = list(beside.map(read_image, paths)) if files["checkpoint"] or files["resume"] else None
        if pictures:
            _begin_or_go_on(pictures, settings, files)
        pictures = pictures or beside.map(read_image, paths)
        typer.echo("Loading TensorFlow and the network ...", err=True)
        with _without_keras():
            from nst_utils.engine.stylize import stylize
        content, *styles = pictures
        return partial(stylize, content, styles)


def _begin_or_go_on(pictures: list[np.ndarray], settings: dict[str, Any], files: dict[str, Any]) -> None:
    """Before the wait for TensorFlow: write a checkpoint from which the run begins, or refuse that of another run."""
    from nst_utils.engine.checkpoint import Standing, standing_of, write_checkpoint
    from nst_utils.engine.inputs import Inputs

    checked = Settings.of(**settings)
    content, *styles = pictures
    about = Inputs.of(content, styles, checked).about(checked)
    before, path = standing_of(files["resume"], files["checkpoint"], whole=False)
    if before is None:
        write_checkpoint(path, Standing(about))
        return
    before.refuse_other(about, files["resume"])
    end = ", where it ended" if before.stopped else ""
    typer.echo(f"Going on from step {before.iteration} of {before.planned or 'all'}{end} ...", err=True)


@contextlib.contextmanager
def _without_keras():
    """TensorFlow is imported without Keras, a quarter of the wait, which no step of painting needs."""
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    # Then it looks for another package, which is not there; what else this changes is undone with the variable.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    try:
        yield
    finally:
        del os.environ["TF_USE_LEGACY_KERAS"]
        if before is not None:
            os.environ["TF_USE_LEGACY_KERAS"] = before


# The signals besides Ctrl-C that end a run; Windows has no SIGHUP.
_ENDS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class _StoppedBy:
    """Which signal stopped the run: what to call it, and the exit status that says so."""

    name, status = "Ctrl-C", 130


@contextlib.contextmanager
def _stopping():
    """SIGTERM, which schedulers and containers send, and SIGHUP, of a closed terminal, do what Ctrl-C does."""
    stopped_by = _StoppedBy()

    def terminate(number, frame):
        stopped_by.name, stopped_by.status = signal.Signals(number).name, 128 + number
        raise KeyboardInterrupt

    # Who had it ignored, as nohup does, wants the run to go on.
    numbers = [n for n in _ENDS if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, terminate) for number in numbers}
    try:
        yield stopped_by
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _undisturbed():
    """A second Ctrl-C or SIGTERM does not keep the files from being written."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *_ENDS)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(result, files, waited):
    """The run as plain data for a JSON file."""
    names = ("iteration", "width", "height", "seconds", "total", "content", "style", "variation", "exact")
    return {
        "settings": files | result.settings,
        "seconds": result.seconds,
        "seconds_of_the_command": waited,
        "stopped": result.stopped,
        "peak_memory_mb": peak_memory_mb(),
        "steps": [{name: getattr(step, name) for name in names} for step in result.history],
    }

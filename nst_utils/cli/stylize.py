"""`nst stylize`: a photo and a painting in, a picture out, with progress, and kept when it is stopped."""

import contextlib
import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from nst_utils.base.errors import InputError
from nst_utils.base.files import check_folder, refuse_overwriting, write_text
from nst_utils.base.machine import peak_memory_mb, seconds_since_start
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
    **settings,
):
    """Paint CONTENT in the manner of STYLE.

    nst stylize photo.jpg painting.jpg -o picture.png

    nst stylize photo.jpg painting.jpg -o picture.png --max-side 1024 --style-scale 0.5

    nst stylize photo.jpg night.jpg harvest.jpg -o picture.png --masks sky.png,rest

    Ctrl-C stops and keeps the picture so far.
    """
    from nst_utils.engine.styles import Style, regions_of, styles_of
    from nst_utils.pictures.films import Frames, check_film, check_frames
    from nst_utils.pictures.reading import read_size
    from nst_utils.pictures.sizes import output_size
    from nst_utils.pictures.writing import check_writable, write_image

    if quick and settings.get("quality", "quick") != "quick":
        raise InputError(f"--quick is the same as --quality quick: leave out --quality {settings['quality']}.")
    if settings_file:
        settings = read_settings(settings_file) | settings
    if quick:
        settings["quality"] = "quick"
    checked = Settings.of(**settings)
    own_files = [checked.init, checked.weights, *(checked.masks or ())]
    _check_outputs([out, report, film], [content, *style, settings_file, *own_files])
    for path in (content, *style):
        read_size(path)
    size = output_size(read_size(content), checked.size, checked.max_side)
    check_writable(out, size)
    if report:
        check_folder(report)
    if film:
        check_film(film, size)
    if frames:
        check_frames(frames)
    if checked.masks or checked.style_weights:
        # On stand-ins for the paintings, whose decoding takes longer: numbers and masks that do not fit are told now.
        stand_in = np.zeros((1, 1, 3), np.uint8)
        regions_of(styles_of([Style(stand_in) for _ in style], checked), size)
    with contextlib.ExitStack() as cleanup:
        stopped_by = cleanup.enter_context(_stopping())
        kept = cleanup.enter_context(Frames(size, frames, every)) if film or frames else None
        result = _run_with_progress((content, *style), settings, stopped_by, kept)
        with _undisturbed():
            write_image(out, result.image)
            if kept:
                kept.finish(result.image)
            if film:
                kept.write_film(film, fps)
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
    typer.echo(f"Wrote {out}: stopped {reason}{cost}, {seconds}.")
    if result.stopped == "interrupted":
        raise typer.Exit(stopped_by.status)


def _check_outputs(outputs, inputs):
    """Raise InputError where a file to write is one to read, or the same as another one."""
    outputs, inputs = ([path for path in paths if path is not None] for paths in (outputs, inputs))
    for number, path in enumerate(outputs):
        refuse_overwriting(path, inputs)
        if os.path.realpath(path) in map(os.path.realpath, outputs[:number]):
            raise InputError(f"{path} is to be written twice: give each file a name of its own.")


def _run_with_progress(paths, settings, stopped_by, frames=None):
    """stylize() with a progress bar on standard error."""
    from tqdm import tqdm

    typer.echo("Loading TensorFlow and the network ...", err=True)
    bar = None
    # It appears with the first step; a log file has no use for ten lines a second.
    pause = 0.1 if sys.stderr.isatty() else 5

    def show(step):
        nonlocal bar
        if frames:
            frames.add(step.iteration, step.image)
        bar = bar or tqdm(unit="step", leave=False, dynamic_ncols=True, file=sys.stderr, mininterval=pause)
        bar.total = step.planned
        parts = f"style={step.style:.3g} content={step.content:.3g}" if step.exact else "of the shallow layers"
        bar.set_postfix_str(f"{step.width}x{step.height} J={step.total:.3g} {parts}", refresh=False)
        bar.update(step.iteration - bar.n)

    try:
        return _loaded(paths)(callback=show, **settings)
    except KeyboardInterrupt:
        raise InputError(f"Stopped by {stopped_by.name} before the first step: there is no picture yet.") from None
    finally:
        if bar:
            bar.close()


def _loaded(paths):
    """stylize() of the pictures in these files, which are decoded while TensorFlow is imported."""
    from nst_utils.pictures.reading import read_image

    with ThreadPoolExecutor() as beside:
        pictures = beside.map(read_image, paths)
        with _without_keras():
            from nst_utils.engine.stylize import stylize
        content, *styles = pictures
        return partial(stylize, content, styles)


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


class _StoppedBy:
    """Which signal stopped the run: what to call it, and the exit status that says so."""

    name, status = "Ctrl-C", 130


@contextlib.contextmanager
def _stopping():
    """SIGTERM, which schedulers and containers send, does what Ctrl-C does."""
    stopped_by = _StoppedBy()

    def terminate(number, frame):
        stopped_by.name, stopped_by.status = "SIGTERM", 143
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield stopped_by
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _undisturbed():
    """A second Ctrl-C or SIGTERM does not keep the files from being written."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
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

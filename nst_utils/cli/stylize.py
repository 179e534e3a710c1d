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

import typer

from nst_utils.base.errors import InputError
from nst_utils.base.files import check_folder, refuse_overwriting, write_text
from nst_utils.base.machine import peak_memory_mb, seconds_since_start
from nst_utils.cli.flags import with_settings
from nst_utils.engine.settings import Settings


@with_settings
def stylize(
    content: Annotated[Path, typer.Argument(help="The photo.")],
    style: Annotated[Path, typer.Argument(help="The painting.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture to write: .png, .jpg, .webp, ...")],
    report: Annotated[Path | None, typer.Option(help="Write settings, times and costs to this JSON file.")] = None,
    **settings,
):
    """Paint CONTENT in the manner of STYLE. Ctrl-C stops and keeps the picture so far."""
    from nst_utils.pictures.reading import read_size
    from nst_utils.pictures.sizes import output_size
    from nst_utils.pictures.writing import check_writable, write_image

    checked = Settings.of(**settings)
    for path in filter(None, (out, report)):
        refuse_overwriting(path, (content, style, checked.weights))
    if report:
        check_folder(report)
    own, _ = read_size(content), read_size(style)
    check_writable(out, output_size(own, checked.size, checked.max_side))
    with _stopping() as stopped_by:
        result = _run_with_progress((content, style), settings, stopped_by)
        with _undisturbed():
            write_image(out, result.image)
            waited = seconds_since_start()
            if report:
                files = {"content": str(content), "style": str(style), "out": str(out)}
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


def _run_with_progress(paths, settings, stopped_by):
    """stylize() with a progress bar on standard error."""
    from tqdm import tqdm

    typer.echo("Loading TensorFlow and the network ...", err=True)
    bar = None
    # It appears with the first step; a log file has no use for ten lines a second.
    pause = 0.1 if sys.stderr.isatty() else 5

    def show(step):
        nonlocal bar
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
        return partial(stylize, *pictures)


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

"""The command line: `nst stylize`, `nst doctor` and `nst weights`.

Nothing heavy is imported before a command needs it, so that `nst --help` answers at once.
"""

import contextlib
import json
import platform
import re
import signal
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from nst_utils.config import InputError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Neural style transfer: a photo and a painting in, a picture out.",
)


def main():
    """Run the command; bad input becomes one sentence on standard error and exit status 1."""
    try:
        app()
    except InputError as error:
        typer.echo(f"nst: {error}", err=True)
        sys.exit(1)


def parse_size(text):
    """(width, height) of a text such as 400x300."""
    match = re.fullmatch(r"\s*(\d+)\s*[xX×]\s*(\d+)\s*", text)
    if not match:
        raise InputError(f"The size {text!r} cannot be understood: write it as WIDTHxHEIGHT, such as 400x300.")
    return int(match[1]), int(match[2])


def parse_memory(text):
    """Bytes of a text such as 2GB, 1500MB or 1.5 GiB."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT])(i?)[bB]?\s*", text)
    if not match:
        raise InputError(f"The memory {text!r} cannot be understood: write it as 2GB or 1500MB.")
    base = 1024 if match[3] else 1000
    return int(float(match[1]) * base ** (" kmgt".index(match[2].lower())))


@app.command()
def stylize(
    content: Annotated[Path, typer.Argument(help="The photo.")],
    style: Annotated[Path, typer.Argument(help="The painting.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture to write: .png, .jpg, .webp, ...")],
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Size of the picture, such as 400x300.")] = None,
    max_side: Annotated[
        int | None, typer.Option(help="Longest side, keeping the aspect ratio.", show_default="512")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(help="Steps at the full size.", show_default="30; 200 for adam and adagrad")
    ] = None,
    optimizer: Annotated[str, typer.Option(help="lbfgs, adam or adagrad.")] = "lbfgs",
    learning_rate: Annotated[float, typer.Option(help="Step size of adam and adagrad, in grey levels.")] = 2.0,
    alpha: Annotated[float, typer.Option(help="Weight of the content cost.")] = 10.0,
    beta: Annotated[float, typer.Option(help="Weight of the style cost.")] = 40.0,
    tv_weight: Annotated[float, typer.Option(help="Weight of the total variation, against speckles.")] = 0.0,
    init: Annotated[
        str | None,
        typer.Option(help="Start: color, content, mix or noise.", show_default="color; mix for adam and adagrad"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    weights: Annotated[
        Path | None, typer.Option(help="A weights file.", show_default="the official one if present, else embedded")
    ] = None,
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    max_memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Memory to stay within, such as 2GB.", show_default="3/4 of the machine's"),
    ] = None,
    stop_at_cost: Annotated[float | None, typer.Option(metavar="J", help="Stop when the cost is this low.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write settings, times and costs to this JSON file.")] = None,
):
    """Paint CONTENT in the manner of STYLE. Ctrl-C stops and keeps the picture so far."""
    from nst_utils.images import check_folder, check_writable, output_size, read_image, write_image, write_text

    if report:
        check_folder(report)
    pictures = read_image(content), read_image(style)
    settings = {
        "size": parse_size(size) if size else None,
        "max_side": max_side if max_side is not None else 512,
        "iterations": iterations,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "alpha": alpha,
        "beta": beta,
        "tv_weight": tv_weight,
        "init": init,
        "seed": seed,
        "weights": weights,
        "precision": precision,
        "max_memory": parse_memory(max_memory) if max_memory else None,
        "stop_at_cost": stop_at_cost,
    }
    check_writable(out, output_size(pictures[0], settings["size"], settings["max_side"]))
    result = _run_with_progress(pictures, settings)
    with _undisturbed():
        write_image(out, result.image)
        if report:
            files = {"content": str(content), "style": str(style), "out": str(out)}
            write_text(report, json.dumps(_report(result, files), indent=1))
    stopped = {
        "iterations": "after all iterations",
        "cost": "because the cost is low enough",
        "converged": "because no step lowers the cost further",
        "interrupted": f"by Ctrl-C after {result.history[-1].iteration} iterations",
    }[result.stopped]
    typer.echo(f"Wrote {out}: stopped {stopped}, total cost {result.history[-1].total:.4g}, {result.seconds:.1f} s.")
    if result.stopped == "interrupted":
        raise typer.Exit(130)


@app.command()
def doctor():
    """Say what is installed, which weights are found, and whether bfloat16 is fast here."""
    from nst_utils.weights import EMBEDDED_NAME, OFFICIAL_NAME, find_weights, load_weights

    typer.echo(f"Python         {platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in ("nst_utils", "tensorflow", "numpy", "scipy", "pillow", "jupyterlab", "nbgrader"):
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = "not installed"
        typer.echo(f"{package:<14} {version}")
    kind = {OFFICIAL_NAME: "official VGG-19", EMBEDDED_NAME: "embedded: VGG-16's convolutions in VGG-19's layout"}
    try:
        path = find_weights()
        began = time.perf_counter()
        load_weights(path)
        found = f"{path} ({kind.get(path.name, 'your own')}), loaded in {time.perf_counter() - began:.2f} s"
    except InputError as error:
        found = f"none that can be used: {error}"
    typer.echo(f"weights        {found}")
    from nst_utils.backend import fast_bfloat16, tf

    gpus = [device.name for device in tf.config.list_physical_devices("GPU")]
    typer.echo(f"GPU            {', '.join(gpus) or 'none found; the processor does the work'}")
    fast = fast_bfloat16()
    answer = f"fast here ({fast}); used by default" if fast else "not fast here; float32 is used"
    typer.echo(f"bfloat16       {answer}")
    for name, speed in _matrix_speeds(tf).items():
        typer.echo(f"  {name:<12} {speed:.0f} GFLOP/s in matrix products")


@app.command()
def weights(
    name: Annotated[str, typer.Argument(help="official (MatConvNet, 535 MB) or keras (80 MB).")],
    folder: Annotated[Path | None, typer.Option(help="Where to put it.", show_default="pretrained-model/")] = None,
):
    """Fetch a weights file and check it."""
    from nst_utils.weights import download

    typer.echo(f"Weights are in {download(name, folder)}")


def _run_with_progress(pictures, settings):
    """stylize() with a progress bar on standard error."""
    from tqdm import tqdm

    typer.echo("Loading TensorFlow and the network ...", err=True)
    from nst_utils.transfer import stylize

    # It appears with the first step; a log file has no use for ten lines a second.
    pause = 0.1 if sys.stderr.isatty() else 5
    bar = None

    def show(step):
        nonlocal bar
        bar = bar or tqdm(unit="step", leave=False, dynamic_ncols=True, file=sys.stderr, mininterval=pause)
        bar.total = step.planned
        parts = f"style={step.style:.3g} content={step.content:.3g}" if step.exact else "of the shallow layers"
        bar.set_postfix_str(f"{step.width}x{step.height} J={step.total:.3g} {parts}", refresh=False)
        bar.update(step.iteration - bar.n)

    try:
        result = stylize(*pictures, callback=show, **settings)
    except KeyboardInterrupt:
        raise InputError("Stopped by Ctrl-C before the first step: there is no picture yet.") from None
    finally:
        if bar:
            bar.close()
    return result


@contextlib.contextmanager
def _undisturbed():
    """A second Ctrl-C does not keep the files from being written."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _report(result, files):
    """The run as plain data for a JSON file."""
    names = ("iteration", "width", "height", "seconds", "total", "content", "style", "variation", "exact")
    return {
        "settings": files | {name: value for name, value in result.settings.items()},
        "seconds": result.seconds,
        "stopped": result.stopped,
        "peak_memory_mb": peak_memory_mb(),
        "steps": [{name: getattr(step, name) for name in names} for step in result.history],
    }


def peak_memory_mb():
    """The most memory, in MB, that the process has had resident."""
    try:
        import resource
    except ImportError:  # Windows keeps the figure elsewhere
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _matrix_speeds(tf, side=1536, rounds=4):
    """GFLOP/s of a matrix product in each precision, best of a few."""
    speeds = {}
    for name in ("float32", "bfloat16"):
        a = tf.cast(tf.random.normal((side, side)), name)
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            tf.matmul(a, a).numpy()
            times.append(time.perf_counter() - began)
        speeds[name] = 2 * side**3 / min(times) / 1e9
    return speeds


if __name__ == "__main__":
    main()

"""`nst doctor` and `nst weights`: what this machine has, and fetching what it lacks."""

import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from nst_utils.base.errors import InputError


def doctor():
    """Say what is installed, which weights are found, and whether bfloat16 is fast here."""
    from nst_utils.network.weights import EMBEDDED_NAME, OFFICIAL_NAME, find_weights, load_weights

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
    from nst_utils.base.tensorflow import fast_bfloat16, tf

    gpus = [device.name for device in tf.config.list_physical_devices("GPU")]
    typer.echo(f"GPU            {', '.join(gpus) or 'none found; the processor does the work'}")
    fast = fast_bfloat16()
    answer = f"fast here ({fast}); used by default" if fast else "not fast here; float32 is used"
    typer.echo(f"bfloat16       {answer}")
    for name, speed in _matrix_speeds(tf).items():
        typer.echo(f"  {name:<12} {speed:.0f} GFLOP/s in matrix products")


def weights(
    name: Annotated[str, typer.Argument(help="official (MatConvNet, 535 MB) or keras (80 MB).")],
    folder: Annotated[
        Path | None,
        typer.Option(help="Where to put it.", show_default="the project's pretrained-model/, or your data folder"),
    ] = None,
):
    """Fetch a weights file and check it."""
    from nst_utils.network.weights import download

    typer.echo(f"Weights are in {download(name, folder)}")


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

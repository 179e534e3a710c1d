"""`nst doctor` and `nst weights`: what this machine has, and fetching what it lacks."""

import contextlib
import platform
import sys
import time
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from nst_utils.base.errors import InputError

# What the project's parts are for, in the order in which they are told; the names are those of pyproject.toml's extras.
PARTS = {
    "painting": "nst stylize, nst demo, and the package in Python",
    "studio": "the studio",
    "sweep": "nst sweep, and grading on a cluster",
    "notebooks": "the course's notebooks, and grading",
    "dev": "the tests",
    "docs": "the documentation",
    "bench": "the benchmarks",
    "fuzz": "the fuzzing of the readers of files",
    "clusters": "the recipes for clusters, followed by a command",
}
_LABEL = 14


def doctor(
    parts: Annotated[
        list[str] | None, typer.Argument(metavar="[PART]...", help="What has to work: painting, notebooks, dev ...")
    ] = None,
) -> None:
    """Say what is installed, what each part of the project lacks, and how fast this machine is.

    nst doctor

    nst doctor painting notebooks

    The exit status is 1 if a PART that was named lacks something; by default that is painting.
    """
    asked = parts or ["painting"]
    lacking = {part: lacks(part) for part in PARTS if part == "painting" or part in _extras()}
    unknown = [part for part in asked if part not in lacking]
    if unknown:
        raise InputError(f"There is no part called {unknown[0]}: choose from {', '.join(lacking)}.")
    _tell("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in ("nst_utils", "tensorflow", "numpy", "scipy", "pillow"):
        _tell(package, _version(package) or "not installed")
    broken = _tell_machine() if not lacking["painting"] else ["what it is made of"]
    lacking["painting"] = lacking["painting"] or broken
    for part, missing in lacking.items():
        remedy = "" if part == "painting" else f': python -m pip install "nst_utils[{part}]"'
        words = f"missing {', '.join(missing)}{remedy}" if missing else "complete"
        _tell(part, f"{words} ({PARTS[part]})")
    if any(lacking[part] for part in asked):
        raise typer.Exit(1)


def lacks(part: str) -> list[str]:
    """The requirements of a part, as pyproject.toml states them, that are not met here."""
    from packaging.requirements import Requirement

    missing = []
    if not _version("nst_utils"):
        return ["nst_utils itself, which is not installed"]
    for line in metadata.requires("nst_utils") or ():
        requirement = Requirement(line)
        extra = "" if part == "painting" else part
        marker = requirement.marker
        if marker and not marker.evaluate({"extra": extra}) or extra and not (marker and "extra" in str(marker)):
            continue
        if requirement.name.replace("-", "_") == "nst_utils":
            missing += [each for extra in sorted(requirement.extras) for each in lacks(extra)]
            continue
        version = _version(requirement.name)
        if version is None:
            missing.append(requirement.name)
        elif not requirement.specifier.contains(version, prereleases=True):
            missing.append(f"{requirement.name}{requirement.specifier} (there is {version})")
    return list(dict.fromkeys(missing))


def _extras() -> list[str]:
    extras = _version("nst_utils") and metadata.metadata("nst_utils").get_all("Provides-Extra") or []
    # Nothing can be added to the application's folder, whose Python is inside it.
    return [extra for extra in extras if extra == "studio"] if getattr(sys, "frozen", False) else extras


def _version(package: str) -> str | None:
    # TensorFlow for processors alone is a distribution of its own, with the same modules in it.
    for name in (package, *(["tensorflow-cpu"] if package == "tensorflow" else [])):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return None


def _tell(name: str, words: str) -> None:
    typer.echo(f"{name:<{_LABEL}} {words}")


def _tell_machine() -> list[str]:
    """Say which weights are found and how fast this machine is; what is broken, as a list of words."""
    from nst_utils.network.weights import EMBEDDED_NAME, OFFICIAL_NAME, find_weights, load_weights

    broken = []
    kind = {OFFICIAL_NAME: "official VGG-19", EMBEDDED_NAME: "embedded: VGG-16's convolutions in VGG-19's layout"}
    try:
        path = find_weights()
        began = time.perf_counter()
        load_weights(path)
        found = f"{path} ({kind.get(path.name, 'your own')}), loaded in {time.perf_counter() - began:.2f} s"
    except InputError as error:
        found = f"none that can be used: {error}"
        broken.append("weights")
    _tell("weights", found)
    try:
        from nst_utils.base.tensorflow import fast_bfloat16, tf
    except ImportError as error:
        _tell("TensorFlow", f"cannot be imported: {str(error).splitlines()[0]}")
        return [*broken, "a TensorFlow that can be imported"]
    gpus = [device.name for device in tf.config.list_physical_devices("GPU")]
    _tell("GPU", ", ".join(gpus) or "none found; the processor does the work")
    fast = fast_bfloat16()
    _tell("bfloat16", f"fast here ({fast}); used by default" if fast else "not fast here; float32 is used")
    for name, speed in _matrix_speeds(tf).items():
        _tell(f"  {name}", f"{speed:.0f} GFLOP/s in matrix products")
    return broken


def weights(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="official (MatConvNet, 535 MB) or keras (80 MB); none to list them."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where to put it.", show_default="the project's pretrained-model/, or your data folder"),
    ] = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="The address of a folder that has the file; asked first. May be repeated."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare the checksums of the files that are here.")] = False,
) -> None:
    """List the weights files that there are, or fetch one and check it.

    nst weights

    nst weights official

    The embedded network needs none; the official one, once it is there, is used by itself.

    A download that was interrupted goes on with the same command. Proxies: HTTPS_PROXY and NO_PROXY.
    """
    from nst_utils.network.weights import download

    if name is None:
        _list_weights(folder, check)
    elif name == "embedded":
        typer.echo("The embedded network comes along: there is nothing to fetch.")
    else:
        tell = partial(typer.echo, err=True)
        typer.echo(f"Weights are in {download(name, folder, mirrors=mirror or (), tell=tell)}")


def _list_weights(folder: Path | None, check: bool) -> None:
    """Say what there is, how large, from where, under which licence, and what of it is here."""
    from nst_utils.network.downloads import is_right, part_of
    from nst_utils.network.weights import download_folder, find_weights, sources

    try:
        used = find_weights()
    except InputError:
        used = None
    wrong = []
    for source in sources():
        here = source.here
        if folder and (folder / source.file_name).is_file():
            here = folder / source.file_name
        part = part_of((folder or download_folder()) / source.file_name)
        if here:
            words = f"{here}" + (", used by default" if here == used else "")
            size = here.stat().st_size
            if source.addresses and source.size not in (None, size):
                words += f"; of another size ({size:,} bytes): nst weights {source.name} fetches it again"
            elif check:
                right = is_right(here, source.checksum)
                words += "; its checksum is right" if right else "; its checksum is wrong"
                wrong += [] if right else [str(here)]
        elif part.exists():
            words = f"{part.stat().st_size / 1e6:,.1f} MB of it: nst weights {source.name} goes on"
        else:
            words = f"no: nst weights {source.name}" if source.addresses else "no: install nst_utils again"
        typer.echo(f"{source.name}: {source.about}")
        _tell_below("here", words)
        if source.size:
            _tell_below("size", f"{source.size / 1e6:,.0f} MB ({source.size:,} bytes)")
        _tell_below("licence", source.licence)
        _tell_below("checksum", source.checksum or "none")
        for address in source.addresses:
            _tell_below("from", address)
    if wrong:
        raise InputError(f"{' and '.join(wrong)} is damaged: remove it, and fetch it again.")


def _tell_below(name: str, words: str) -> None:
    typer.echo(f"  {name:<{_LABEL - 4}}{words}")


def _matrix_speeds(tf: Any, side: int = 1536, rounds: int = 4) -> dict[str, float]:
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

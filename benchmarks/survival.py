"""What is lost when runs are killed, and what it costs that nothing is: real processes, `kill -9` at random moments.

    python benchmarks/survival.py [--kills 300] [--seed 0] [--only kills|cost]

Every run is killed again and again, gone on with from its checkpoint, and at last compared, byte by byte, with the
same run undisturbed: Adam, Adagrad and L-BFGS, from coarse to fine, in tiles, with masks and several paintings, by both
methods, with a tiny network, for a kill costs a second then; and once with the embedded network at 400x300. The cost is
that of the usual checkpoints, and of one after every step, beside the same run without, in turns.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import PAIRS, RESULTS, ROOT, load_pair, median, save

from nst_utils.base.errors import InputError
from nst_utils.engine.checkpoint import LEAST_PAUSES, USUAL_PAUSE, read_checkpoint
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import resize
from nst_utils.pictures.writing import write_image

SIZE = (136, 130)  # two levels from coarse to fine
# {name: settings}, of which "styles" are the paintings' files and "tile" the most pixels of a tile.
RUNS: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": "adam", "iterations": 12},
    "adagrad": {"optimizer": "adagrad", "iterations": 12},
    "lbfgs, coarse to fine": {"iterations": 14},
    "lbfgs, noise": {"iterations": 12, "init": "noise", "seed": 4},
    "tiles": {
        "iterations": 6, "tile": 11_000, "style_layers": [["conv1_2", 0.5], ["conv2_1", 1.0]],
        "content_layers": [["conv2_2", 1.0]],
    },
    "masks, three paintings": {
        "iterations": 6, "styles": ["one.png", "two.png", "three.png"], "masks": ["mask.png", "mask.png", "rest"],
        "style_weights": [2, 1, 1],
    },
    "neighbours, two paintings": {"iterations": 6, "method": "neighbours", "styles": ["one.png", "two.png"]},
    "own colours": {"iterations": 6, "keep_colors": "luminance"},
}  # fmt: skip

# A process that has imported TensorFlow and used none of it: each run is a child of it, forked in no time.
NURSERY = """
import json, os, sys, traceback
import numpy as np
from nst_utils.engine import run as engine
from nst_utils.engine.stylize import stylize

plan_memory = engine.plan_memory

def paint(content, styles, picture, tile=None, **settings):
    if tile:
        engine.plan_memory = lambda size, settings: (plan_memory(size, settings)[0], tile)
    def tell(step):
        os.write(1, f"step {step.iteration}\\n".encode())
    result = stylize(content, styles, callback=tell, **settings)
    np.savez(picture, image=result.image, totals=[step.total for step in result.history])

for line in sys.stdin:
    task = json.loads(line)
    child = os.fork()
    if not child:
        status = 1
        try:
            paint(**task)
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.write(1, f"pid {child}\\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(1, f"end {os.waitstatus_to_exitcode(status)}\\n".encode())
"""


@dataclass(frozen=True)
class End:
    """How a child ended: its exit status, or minus the signal; and the last step that it told."""

    status: int
    step: int | None


class Nursery:
    """Runs stylize() in processes of their own and kills them."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def paint(self, task: dict[str, Any], kill_after: int | None = None, delay: float = 0.0) -> End:
        """Run a task; with kill_after, kill it after so many steps have been told, 0 for at once, and a delay."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        child, told, step = 0, 0, None
        for line in self._process.stdout:
            word, number = line.split()
            if word == "pid":
                child = int(number)
            elif word == "step":
                told, step = told + 1, int(number)
            else:
                return End(int(number), step)
            if told == kill_after:
                kill_after = None
                time.sleep(delay)
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        raise RuntimeError("The nursery has ended before its child.")


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A Nursery, whose processes are gone afterwards."""
    command = [sys.executable, "-c", NURSERY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Nursery(process)
        finally:
            process.kill()


def write_pictures(folder: Path, size: tuple[int, int] = SIZE) -> None:
    """content.png, the paintings one.png to three.png, and mask.png of the left half, at a size."""
    paintings = sorted((ROOT / "images" / "style").glob("*.webp"))[:3]
    sources = [ROOT / "images" / "content" / PAIRS[0][0], *paintings]
    for name, source in zip(("content", "one", "two", "three"), sources, strict=True):
        write_image(folder / f"{name}.png", resize(read_image(source), size))
    mask = np.zeros((*size[::-1], 3), np.uint8)
    mask[:, : size[0] // 2] = 255
    write_image(folder / "mask.png", mask)


def task_of(folder: Path, weights: str | os.PathLike, settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Nursery's task: settings as in RUNS, on the pictures of a folder."""
    own = settings | {"weights": str(weights), "precision": settings.get("precision", "float32")} | more
    own["styles"] = [str(folder / name) for name in own.get("styles", ["one.png"])]
    if "masks" in own:
        own["masks"] = [name if name == "rest" else str(folder / name) for name in own["masks"]]
    return own | {"content": str(folder / "content.png")}


def survive(
    children: Nursery, folder: Path, task: dict[str, Any], kills: int, random: np.random.Generator, longest: float
) -> dict[str, Any]:
    """Figures of one run, killed up to so many times and then finished, beside the same run undisturbed.

    longest: seconds that may lie between a step and the kill. The checkpoint is written after every step.
    """
    whole, mended = folder / "whole.npz", folder / "mended.npz"
    checkpoint = folder / "checkpoint.npz"
    checkpoint.unlink(missing_ok=True)
    if children.paint(task | {"picture": str(whole)}).status:
        raise RuntimeError("The undisturbed run has failed.")
    resumed = task | {
        "picture": str(mended), "checkpoint": str(checkpoint), "resume": str(checkpoint), "checkpoint_every": 0,
    }
    killed, unreadable, lost = 0, 0, 0
    for _ in range(kills):
        end = children.paint(resumed, int(random.integers(0, 5)), float(random.uniform(0, longest)))
        if end.status != -signal.SIGKILL:
            break
        killed += 1
        try:
            kept = read_checkpoint(checkpoint).iteration if checkpoint.exists() else 0
            lost = max(lost, (end.step or 0) - kept)
        except InputError:
            unreadable += 1
    if children.paint(resumed).status:
        raise RuntimeError("The run that was killed has not gone on.")
    with np.load(whole) as one, np.load(mended) as other:
        same = all(np.array_equal(one[name], other[name]) for name in one.files)
    left = [path.name for path in folder.iterdir() if path.name.startswith((".writing-", "tmp"))]
    return {
        "kills": killed, "pictures_equal": same, "checkpoints_unreadable": unreadable, "most_steps_lost": lost,
        "files_left_over": len(left),
    }


def survivals(weights: Path, kills: int, seed: int) -> dict[str, dict[str, Any]]:
    """{run: figures} of RUNS, each killed its share of so many times, in series of at most six."""
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name, nursery() as children:
        folder = Path(name)
        write_pictures(folder)
        found: dict[str, dict[str, Any]] = {}
        while sum(each["kills"] for each in found.values()) < kills:
            for run, settings in RUNS.items():
                one = survive(children, folder, task_of(folder, weights, settings), 6, random, 0.08)
                found[run] = _added(found.get(run), one)
                print(f"{run}: {found[run]}", flush=True)
    return found


def _added(sum_: dict[str, Any] | None, one: dict[str, Any]) -> dict[str, Any]:
    before = sum_ or {"series": 0, "series_equal": 0, "kills": 0, "checkpoints_unreadable": 0, "most_steps_lost": 0,
                      "files_left_over": 0}  # fmt: skip
    return {
        "series": before["series"] + 1,
        "series_equal": before["series_equal"] + one["pictures_equal"],
        "kills": before["kills"] + one["kills"],
        "checkpoints_unreadable": before["checkpoints_unreadable"] + one["checkpoints_unreadable"],
        "most_steps_lost": max(before["most_steps_lost"], one["most_steps_lost"]),
        "files_left_over": before["files_left_over"] + one["files_left_over"],
    }


def full_size(seed: int) -> dict[str, Any]:
    """The same of the embedded network at 400x300, with the precision that the machine takes by itself."""
    embedded = ROOT / "pretrained-model" / "vgg19-embedded.mat"
    with tempfile.TemporaryDirectory() as name, nursery() as children:
        folder = Path(name)
        write_pictures(folder, (400, 300))
        task = task_of(folder, embedded, {"precision": "auto", "iterations": 12})
        return survive(children, folder, task, 6, np.random.default_rng(seed), 0.5)


def cost(rounds: int, iterations: int) -> dict[str, Any]:
    """Seconds of a run at 400x300 without checkpoints, with the usual ones, with one after every step, in turns."""
    from nst_utils.engine.stylize import stylize
    from nst_utils.network.weights import weights_digest

    content, style = load_pair(0, (400, 300))
    kinds: dict[str, dict[str, Any]] = {"without": {}, "usual": {}, "after_every_step": {"checkpoint_every": 0}}
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.npz"
        largest = written = 0

        def look(step: Any) -> None:
            nonlocal largest
            largest = max(largest, path.stat().st_size if path.exists() else 0)

        # Once in a program, the network's numbers are looked at, to be told from others.
        began = time.perf_counter()
        weights_digest()
        once = time.perf_counter() - began
        stylize(content, style, iterations=2, checkpoint=path)
        for _ in range(rounds):
            for kind, more in kinds.items():
                path.unlink(missing_ok=True)
                files = {} if kind == "without" else {"checkpoint": path, **more}
                began = time.perf_counter()
                written = len(stylize(content, style, iterations=iterations, callback=look, **files).history)
                seconds[kind].append(time.perf_counter() - began)
    medians = {kind: median(found) for kind, found in seconds.items()}
    one = max(0.0, medians["after_every_step"] - medians["without"]) / written
    return {
        "size": [400, 300], "iterations": iterations, "rounds": rounds, "largest_checkpoint_mb": largest / 1e6,
        "seconds": medians,
        "times_the_run_without": {kind: medians[kind] / medians["without"] for kind in ("usual", "after_every_step")},
        "seconds_once_in_a_program": once,
        "seconds_of_one_checkpoint": one,
        "share_of_a_long_run_by_the_usual_ones": one / max(USUAL_PAUSE, LEAST_PAUSES * one),
    }


def tiny_network(folder: Path) -> Path:
    """The file of a network like VGG-19 with a few channels, as the tests have it."""
    sys.path.insert(0, str(ROOT / "tests"))
    from conftest import random_network

    from nst_utils.network.layout import MEANS
    from nst_utils.network.matconvnet import write_matconvnet

    write_matconvnet(folder / "tiny.mat", random_network(), MEANS, "a tiny network")
    return folder / "tiny.mat"


def killed(kills: int, seed: int) -> dict[str, Any]:
    """Figures of all runs, each by itself and together."""
    with tempfile.TemporaryDirectory() as folder:
        runs = survivals(tiny_network(Path(folder)), kills, seed)
    runs["embedded network, 400x300"] = _added(None, full_size(seed))
    return {
        "seed": seed,
        "kills_survived": sum(each["kills"] for each in runs.values()),
        "series": sum(each["series"] for each in runs.values()),
        "results_lost": sum(each["series"] - each["series_equal"] for each in runs.values()),
        "checkpoints_unreadable": sum(each["checkpoints_unreadable"] for each in runs.values()),
        "most_steps_lost": max(each["most_steps_lost"] for each in runs.values()),
        "files_left_over": sum(each["files_left_over"] for each in runs.values()),
        "runs": runs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--only", choices=("kills", "cost"), help="Measure one of the two; the other one stays.")
    options = parser.parse_args()
    there = RESULTS / "survival.json"
    results: dict[str, Any] = json.loads(there.read_text()) if options.only and there.exists() else {}
    if options.only != "cost":
        results |= killed(options.kills, options.seed)
    if options.only != "kills":
        results["cost"] = cost(options.rounds, options.iterations)
    print(json.dumps(results, indent=1))
    save("survival", {name: each for name, each in results.items() if name not in ("machine", "python", "date")})


if __name__ == "__main__":
    main()

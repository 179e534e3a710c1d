"""What the benchmarks share: the pictures, the machine's description, child processes, JSON and plots."""

import json
import os
import platform
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from nst_utils.base.files import write_text
from nst_utils.engine.settings import Memory, Size
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import resize

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAIRS = (
    ("summer-palace.jpg", "van-gogh-cafe-terrace-at-night-1888.webp"),
    ("chelsea.png", "van-gogh-langlois-bridge-1888.webp"),
    ("rocket.jpg", "van-gogh-church-at-auvers-1890.webp"),
)


# Texts such as 400x300 and 4GB, as the command line reads them.
size_of, memory_of = partial(Size().read, "size"), partial(Memory().read, "memory")


def load_pair(number, size):
    """Content and style of a pair, both at (width, height), uint8."""
    content, style = PAIRS[number]
    return (
        resize(read_image(ROOT / "images" / "content" / content), size),
        resize(read_image(ROOT / "images" / "style" / style), size),
    )


def objective_at(content, style, precision, max_pixels=None):
    """The engine's Objective of a pair of pictures, with the recipe and the weights that stylize() takes by itself."""
    from nst_utils.engine.objective import Objective, evaluator_of
    from nst_utils.engine.recipe import Recipe
    from nst_utils.engine.styles import everywhere
    from nst_utils.network.weights import find_weights

    content, style = content.astype(np.float32), style.astype(np.float32)
    evaluator = evaluator_of(Recipe(), find_weights(), precision)
    return Objective(evaluator, Recipe(), content, everywhere(style), max_pixels)


def machine():
    """The machine in a sentence."""
    name = platform.processor() or platform.machine()
    features = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
        flags = next((line for line in lines if line.startswith("flags")), "")
        features = ", ".join(flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags.split())
    memory = psutil.virtual_memory().total / 2**30
    return f"{name}, {os.cpu_count()} cores ({features}), {memory:.0f} GiB"


def run_child(script, *arguments):
    """Run a script of this folder in a process of its own and return the JSON object of its last line of output."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def save(name, results):
    """Write the results, with the machine and the date, to benchmarks/results/NAME.json; and the page they are in."""
    import reliability  # which needs this module

    RESULTS.mkdir(exist_ok=True)
    about = {"machine": machine(), "python": platform.python_version(), "date": time.strftime("%Y-%m-%d")}
    write_text(RESULTS / f"{name}.json", json.dumps(about | results, indent=1) + "\n")
    if name in reliability.SECTIONS:
        reliability.write()


def save_plot(name, figure):
    """Write a matplotlib figure to benchmarks/results/NAME.png."""
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / f"{name}.png", dpi=110, bbox_inches="tight")


def best_time(function, rounds=5):
    """Seconds of the fastest of several calls, after one to warm up."""
    function()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)


def median(values):
    return float(np.median(list(values)))

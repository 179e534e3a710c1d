"""Seconds per megapixel and peak memory of one evaluation, against the size of the picture, whole and in tiles.

    python benchmarks/scale.py [--largest 3840x2160] [--max-memory 4GB] [--method neighbours]

Every figure comes from a process of its own, because the peak of a process never falls. The run in tiles is a real
`stylize` at that size within --max-memory, the optimiser and its history included, with few steps. Of the method
neighbours, whose search grows with the picture as well, it is the whole run that counts, with all its steps up to two
megapixels and a half, and with few above (`all_steps` says which).
"""

import argparse
import json
import time

import numpy as np
from common import load_pair, median, memory_of, objective_at, run_child, save, save_plot, size_of

from nst_utils.base.machine import peak_memory_mb

WHOLE = ((400, 300), (800, 600), (1200, 900), (1600, 1200))
TILED = ((400, 300), (1920, 1080), (3840, 2160))
NEIGHBOURS = ((512, 342), (1920, 1280), (3840, 2160))
ROUNDS = 3


def evaluation(size, tile_pixels):
    """Seconds of one evaluation at a size, in this process."""
    from nst_utils.base.tensorflow import resolve_precision

    content, style = (picture.astype(np.float32) for picture in load_pair(0, size))
    objective = objective_at(content, style, resolve_precision("auto"), tile_pixels)
    objective(content)
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        objective(content)
        seconds.append(time.perf_counter() - began)
    return {"seconds": median(seconds), "tiles": len(objective.tiles), "peak_memory_mb": peak_memory_mb()}


def painting(size, max_memory):
    """A short run of stylize at a size within a memory limit, in this process."""
    from nst_utils.engine.stylize import stylize_steps

    content, style = load_pair(0, size)
    exact = []
    for step in stylize_steps(content, style, size=size, iterations=4, max_memory=max_memory):
        if step.exact:
            exact.append(step.seconds)
    return {"seconds": median(np.diff(exact)), "run_seconds": exact[-1], "peak_memory_mb": peak_memory_mb()}


def matching(size, max_memory):
    """A run of stylize by the method neighbours within a memory limit, in this process."""
    from nst_utils.engine.stylize import stylize

    content, style = load_pair(0, size)
    whole = size[0] * size[1] <= 2.5e6
    few = {} if whole else {"iterations": 4}
    began = time.perf_counter()
    stylize(content, style, size=size, method="neighbours", max_memory=max_memory, **few)
    seconds = time.perf_counter() - began
    # Where other programs run beside it, the processor's seconds tell more.
    spent = {"seconds": seconds, "processor_seconds": time.process_time()}
    return {**spent, "all_steps": whole, "peak_memory_mb": peak_memory_mb()}


def plot(rows):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for kind, label, colour in (
        ("whole", "whole", "tab:blue"), ("tiled", "stylize with --max-memory", "tab:orange")
    ):
        chosen = [row for row in rows if row["kind"] == kind]
        megapixels = [row["megapixels"] for row in chosen]
        left.semilogx(megapixels, [row["seconds_per_megapixel"] for row in chosen], "o-", color=colour, label=label)
        right.semilogx(megapixels, [row["peak_memory_mb"] / 1e3 for row in chosen], "o-", color=colour)
    for axis in (left, right):
        axis.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        axis.set(xlabel="megapixels", xlim=(0.08, 12))
    left.set(ylabel="seconds per megapixel and evaluation", ylim=(0, None))
    right.set(ylabel="peak memory, GB", ylim=(0, None))
    left.legend(loc="lower right")
    save_plot("scale", figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=size_of, default=(3840, 2160))
    parser.add_argument("--max-memory", type=memory_of, default=memory_of("4GB"))
    parser.add_argument("--method", choices=("gram", "neighbours"), default="gram")
    parser.add_argument("--child", choices=("whole", "tiled", "neighbours"), help=argparse.SUPPRESS)
    parser.add_argument("--size", type=size_of, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        limit = options.max_memory
        measured = {"whole": evaluation, "tiled": painting, "neighbours": matching}[options.child]
        print(json.dumps(measured(options.size, None if options.child == "whole" else limit)))
        return
    gram = options.method == "gram"
    rows = []
    for kind, sizes in (("whole", WHOLE), ("tiled", TILED)) if gram else (("neighbours", NEIGHBOURS),):
        for size in (size for size in sizes if size[0] <= options.largest[0]):
            limit = options.max_memory if size[0] > 400 else memory_of("1.5GB")
            shape, memory = f"{size[0]}x{size[1]}", f"{limit / 1e6}MB"
            found = run_child("scale.py", "--child", kind, "--size", shape, "--max-memory", memory)
            megapixels = size[0] * size[1] / 1e6
            rows.append({"kind": kind, "size": size, "megapixels": megapixels,
                         "seconds_per_megapixel": found["seconds"] / megapixels, **found})
            ratio = rows[-1]["seconds_per_megapixel"] / rows[0]["seconds_per_megapixel"]
            print(f"{kind} {size[0]}x{size[1]}: {found['seconds']:.2f} s, {ratio:.2f} times the time per pixel of "
                  "{}x{}".format(*rows[0]["size"]) + f", peak {found['peak_memory_mb']:.0f} MB", flush=True)
            save("scale" if gram else "scale_neighbours", {"rows": rows})
    if gram:
        plot(rows)


if __name__ == "__main__":
    main()

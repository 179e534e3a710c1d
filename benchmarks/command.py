"""What the user waits for: the whole command `nst stylize` until a cost, imports included; and another checkout's.

    python benchmarks/command.py [--against FOLDER] [--rounds 5] [--size 400x300] [--stop-at-cost 3.9e7]

FOLDER is a checkout of another version, which takes turns with this one. Seconds of painting are what the command
itself reports; the wait is measured from outside, until the command has ended.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import PAIRS, ROOT, median, save

EMBEDDED = ROOT / "pretrained-model" / "vgg19-embedded.mat"


def command(checkout, size, goal):
    """Seconds of one run of the command as the checkout has it: {"wait": ..., "painting": ...}."""
    content, style = PAIRS[0]
    with tempfile.TemporaryDirectory() as folder:
        arguments = [
            ROOT / "images" / "content" / content, ROOT / "images" / "style" / style, "--out", Path(folder) / "p.png",
            "--size", size, "--stop-at-cost", goal, "--weights", EMBEDDED,
        ]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "nst_utils.cli", "stylize", *map(str, arguments)],
            env=os.environ | {"PYTHONPATH": str(checkout)}, cwd=folder, capture_output=True, text=True, check=True,
        )
        wait = time.perf_counter() - began
    return {"wait": wait, "painting": float(re.search(r"([\d.]+) s(\.| of painting)", done.stdout)[1])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", default="400x300")
    parser.add_argument("--stop-at-cost", default="3.9e7")
    options = parser.parse_args()
    checkouts = {"this": ROOT} | ({"other": options.against.resolve()} if options.against else {})
    runs = {name: [] for name in checkouts}
    for _ in range(options.rounds):
        for name, checkout in checkouts.items():
            runs[name].append(command(checkout, options.size, options.stop_at_cost))
    medians = {
        name: {what: round(median(run[what] for run in found), 2) for what in found[0]} for name, found in runs.items()
    }
    results = {"size": options.size, "stop_at_cost": options.stop_at_cost, "seconds": medians}
    if options.against:
        results["this_over_other"] = {
            what: round(medians["this"][what] / medians["other"][what], 3) for what in medians["this"]
        }
    print(json.dumps(results, indent=1))
    save("command", results)


if __name__ == "__main__":
    main()

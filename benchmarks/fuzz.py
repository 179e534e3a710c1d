"""What the readers of files make of files that nobody wrote: coverage-guided fuzzing, by atheris.

    python benchmarks/fuzz.py [READER ...] [--inputs 1000000] [--each 50000] [--by "nice -n 19"]

Every reader has inputs in rounds, each a process of its own (benchmarks/fuzz_targets.py has them, and says what a
finding is), until it had as many as it should. What was reached stays in output/fuzz, so that a later call goes on from
there; remove that folder to begin anew. Findings lie there, too, each with what was wrong with it; what has been mended
since is said in FINDINGS, and has its test in tests/test_hostile_files.py. Needs `pip install 'nst_utils[fuzz]'`.
"""

import argparse
import json
import re
import shlex
import struct
import subprocess
import sys
import time

from common import ROOT

KEPT = ROOT / "output" / "fuzz"
READERS = {
    "matconvnet": "the .mat reader",
    "cache": "the weights cache",
    "pictures": "the image reader",
    "settings": "the settings file",
    "checkpoint": "the checkpoint reader",
}


def go_on(name, inputs, each, by):
    """Rounds until the reader has had so many inputs; its figures, of all rounds so far."""
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    figures = figures_of(name)
    while figures["inputs"] < inputs:
        number = len(figures["rounds"]) + 1
        command = [sys.executable, ROOT / "benchmarks" / "fuzz_targets.py", name, folder, str(each), str(number)]
        with (folder / "log").open("wb") as log:
            done = subprocess.run([*shlex.split(by), *command], stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
        told = round_of(folder, done.returncode)
        if not told["inputs"]:
            sys.exit(f"The round of {name} did not begin:\n{(folder / 'log').read_text(errors='replace')[-3000:]}")
        figures["rounds"].append(told)
        (folder / "figures.json").write_text(json.dumps(figures))
        figures = figures_of(name)
        print(f"{READERS[name]}: {figures['inputs']} inputs, {told}", flush=True)
    return figures


def round_of(folder, status):
    """What a round has done: inputs, not counting those it began with again, seconds, edges reached, how it ended."""
    log = (folder / "log").read_text(encoding="utf-8", errors="replace")
    begun = re.search(r"#(\d+)\s+INITED", log)
    (count,) = struct.unpack("q", (folder / "count").read_bytes())
    cover = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log)
    edges, features, corpus = map(int, cover[-1]) if cover else (0, 0, 0)
    seconds = (folder / "log").stat().st_mtime - (folder / "count").stat().st_ctime
    return {
        "inputs": count - int(begun[1]) if begun else 0, "edges": edges, "features": features, "corpus": corpus,
        "ended": "whole" if status == 0 else f"by {status}", "seconds": round(seconds), "at": time.time(),
    }  # fmt: skip


def figures_of(name):
    path = KEPT / name / "figures.json"
    rounds = json.loads(path.read_text())["rounds"] if path.exists() else []
    return {"inputs": sum(each["inputs"] for each in rounds), "rounds": rounds}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", help=f"by default all: {', '.join(READERS)}")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="so many for each reader, earlier calls included")
    parser.add_argument("--each", type=int, default=50_000, help="so many a round, each in a process of its own")
    parser.add_argument("--by", default="", help="a command that each round is run by, such as 'nice -n 19'")
    given = parser.parse_args()
    for name in given.readers or READERS:
        go_on(name, given.inputs, given.each, given.by)


if __name__ == "__main__":
    main()

"""What the readers of files make of files that nobody wrote: coverage-guided fuzzing, by atheris.

    python benchmarks/fuzz.py [READER ...] [--inputs 1000000] [--each 50000] [--by "nice -n 19"]

Every reader has inputs in rounds, each a process of its own (benchmarks/fuzz_targets.py has them, and says what a
finding is), until it had as many as it should. What was reached stays in output/fuzz, so that a later call goes on from
there; remove that folder to begin anew. Findings lie there, too, each with what was wrong with it, until they are
mended and taken away by hand; FINDINGS says which were, and tests/test_hostile_files.py has them, built from nothing.
Needs `pip install 'nst_utils[fuzz]'`.
"""

import argparse
import json
import re
import shlex
import struct
import subprocess
import sys

from common import ROOT, save

KEPT = ROOT / "output" / "fuzz"
# Seconds of the processor, and bytes, that the reading of one file of at most MOST_BYTES may take.
MOST_SECONDS, MOST_MEMORY, MOST_BYTES = 2.0, 64 << 20, 1 << 14
# What the readers may unpack to here, so that what they take in proportion to it is told in little time.
MOST_PIXELS, MOST_UNPACKED = 1_000_000, 4 << 20
# {reader: (its name, how much of what it comes through is Python, which guides the fuzzing, and what is not)}
READERS = {
    "matconvnet": ("the .mat reader", "all but zlib"),
    "cache": ("the weights cache", "all of it, which is little"),
    "pictures": ("the image reader", "Pillow's plugins, not its decoders and the libraries for JPEG, WebP, TIFF, AVIF"),
    "settings": ("the settings file", "all but JSON's scanner"),
    "checkpoint": ("the checkpoint reader", "all but the parser of Python that NumPy's header goes through"),
}
# What was found and mended, and has its tests, by reader.
FINDINGS = {
    "matconvnet": (
        "a type of data that there is not ended the process, in SciPy's reader (SIGSEGV)",
        "three kinds of numbers shorter than they say were no sentence, in the reader that took its place",
        "a kernel of 75 MB that does not come took its room all the same, in the same",
    ),
    "cache": ("damaged HDF5 files took 4 GiB, in its library; the cache is another format now",),
    "pictures": (
        "a PNG was unpacked, to 5 GiB, to ask for its size (found again as 14 s)",
        "a PNG inside an ICO file was unpacked whatever its size (found beside, in Pillow's code)",
    ),
    "settings": (
        "a weight of hundreds of digits (OverflowError), in numbers and in layers' weights",
        "a whole number or a size of more than 4300 digits (ValueError), read and written",
        "an amount of memory beyond every float (OverflowError)",
        "names and values of thousands of letters, or of several lines, in messages",
    ),
    "checkpoint": (
        "nonsense about the paintings, the size, the settings of a run (TypeError, AttributeError: four places)",
        "line breaks and pages of bytes in messages",
    ),
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
        print(f"{READERS[name][0]}: {figures['inputs']} inputs, {told}", flush=True)
    return figures


def round_of(folder, status):
    """What a round has done: inputs, not counting those it began with again, how fast, edges reached, how it ended."""
    log = (folder / "log").read_text(encoding="utf-8", errors="replace")
    begun = re.search(r"#(\d+)\s+INITED", log)
    (count,) = struct.unpack("q", (folder / "count").read_bytes())
    cover = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log)
    edges, features, corpus = map(int, cover[-1]) if cover else (0, 0, 0)
    speed = re.search(r"average_exec_per_sec:\s+(\d+)", log)
    return {
        "inputs": count - int(begun[1]) if begun else 0, "edges": edges, "features": features, "corpus": corpus,
        "ended": "whole" if status == 0 else f"by {status}", "a second": int(speed[1]) if speed else None,
    }  # fmt: skip


def figures_of(name):
    path = KEPT / name / "figures.json"
    rounds = json.loads(path.read_text())["rounds"] if path.exists() else []
    return {"inputs": sum(each["inputs"] for each in rounds), "rounds": rounds}


def summary(name):
    """What is kept of a reader's rounds."""
    figures = figures_of(name)
    rounds, last = figures["rounds"], figures["rounds"][-1]
    findings = KEPT / name / "findings"
    speeds = [each["a second"] for each in rounds if each.get("a second")]
    return {
        "reader": READERS[name][0], "guided by": READERS[name][1], "inputs": figures["inputs"], "rounds": len(rounds),
        "ended early": sum(each["ended"] != "whole" for each in rounds), "inputs a second": max(speeds, default=None),
        "edges": max(each["edges"] for each in rounds), "features": max(each["features"] for each in rounds),
        "corpus": last["corpus"], "found and mended": FINDINGS[name],
        "found and not mended": len([each for each in findings.glob("*") if each.suffix != ".txt"]),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", help=f"by default all: {', '.join(READERS)}")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="so many for each reader, earlier calls included")
    parser.add_argument("--each", type=int, default=50_000, help="so many a round, each in a process of its own")
    parser.add_argument("--by", default="", help="a command that each round is run by, such as 'nice -n 19'")
    given = parser.parse_args()
    for name in given.readers or READERS:
        go_on(name, given.inputs, given.each, given.by)
    begun = [name for name in READERS if figures_of(name)["rounds"]]
    bounds = {
        "seconds": MOST_SECONDS, "memory": MOST_MEMORY, "file": MOST_BYTES, "pixels": MOST_PIXELS,
        "unpacked": MOST_UNPACKED,
    }  # fmt: skip
    save("fuzz", {"bounds": bounds, "readers": [summary(name) for name in begun]})


if __name__ == "__main__":
    main()

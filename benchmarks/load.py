"""What comes before the first step: reading the weights, with SciPy and from the cache, and importing the package.

    python benchmarks/load.py [WEIGHTS]

WEIGHTS is by default the file that nst_utils would use. Without the official 535 MB file, one of its size and layout
is made for the occasion: the embedded convolutions and two fully connected layers of noise.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.io
from common import best_time, median, save

from nst_utils.network.weights import OFFICIAL_NAME, find_weights, load_weights

ROUNDS = 5
HELP = "import sys; sys.argv = ['nst', '--help']; from nst_utils.cli import main; main()"


def import_time(statement):
    """Seconds that a statement takes in a fresh Python, beyond starting it."""
    def run(code):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        return time.perf_counter() - began

    return median(run(statement) for _ in range(ROUNDS)) - median(run("pass") for _ in range(ROUNDS))


def official_sized(folder):
    """A file as large as the official one: its fully connected layers hold 124 million values."""
    content = scipy.io.loadmat(find_weights(), struct_as_record=True)
    # Transposed, because MATLAB's files are written column by column: else SciPy takes minutes to write them.
    fc = np.random.default_rng(0).random((4096, 512, 7, 7), np.float32).T
    wide = np.random.default_rng(1).random((5120, 4096, 1, 1), np.float32).T
    layers = content["layers"]
    extra = np.empty((1, 2), dtype=object)
    for i, kernel in enumerate((fc, wide)):
        layer, cell = layers[0, 0].copy(), np.empty((1, 1), dtype=object)
        cell[0, 0] = kernel
        layer["name"][0, 0], layer["weights"][0, 0] = np.array([f"fc{i + 6}"]), cell
        extra[0, i] = layer
    path = folder / OFFICIAL_NAME
    scipy.io.savemat(path, {"layers": np.concatenate([layers, extra], axis=1)}, do_compression=False)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="?", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.weights or find_weights()
        if path.name != OFFICIAL_NAME and options.weights is None:
            path = official_sized(Path(folder))
        cache = path.with_name(path.name + ".nst-cache")
        with_scipy, first, later = [], [], []
        for _ in range(3):
            began = time.perf_counter()
            scipy.io.loadmat(path, variable_names=["layers"])
            with_scipy.append(time.perf_counter() - began)
            cache.unlink(missing_ok=True)
            began = time.perf_counter()
            load_weights(path)
            first.append(time.perf_counter() - began)
            # Touch every value: mapping alone would read nothing.
            later.append(best_time(lambda: [float(kernel.sum()) for kernel, _ in load_weights(path).values()], 1))
        size = path.stat().st_size
    results = {
        "file_mb": size / 1e6,
        "scipy_seconds": median(with_scipy),
        "first_use_over_scipy": median(first) / median(with_scipy),
        "later_use_seconds": median(later),
        "import_nst_utils_seconds": import_time("import nst_utils"),
        "nst_help_seconds": import_time(HELP),
    }
    for name, value in results.items():
        print(f"{name}: {value:.3g}")
    save("load", results)


if __name__ == "__main__":
    main()

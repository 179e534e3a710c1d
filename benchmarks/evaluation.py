"""One evaluation of the cost and its gradient, against the arithmetic that the machine can do.

    python benchmarks/evaluation.py [--size 400x300]

The peak is that of TensorFlow's own matrix product, in the same precision and the same run; the arithmetic is that of
the convolutions, forward and backward, that the network really computes (the identity convolutions of the embedded
model are left out), and of the Gram matrices and their gradients.
"""

import argparse
import time

import numpy as np
from common import load_pair, median, objective_at, save

from nst_utils.base.tensorflow import resolve_precision, tf
from nst_utils.network.layout import LAYERS, stride

ROUNDS = 7


def arithmetic(evaluator, size):
    """Floating-point operations of one evaluation."""
    total = 0
    for name in LAYERS[: LAYERS.index(evaluator.layers[-1]) + 1]:
        positions = -(-size[0] // stride(name)) * -(-size[1] // stride(name))
        if evaluator.weights.get(name) is not None:
            # Forward, and the gradient with respect to the input; the weights need none.
            total += 2 * 2 * positions * int(tf.size(evaluator.weights[name][0]))
        if name in {sight.layer for sight in evaluator.sights}:
            channels = int(evaluator.weights[name][1].shape[0])
            total += 2 * 2 * positions * channels**2
    return total


def matrix_product(precision, side=2048):
    """A function that multiplies two square matrices, and its floating-point operations."""
    a = tf.cast(tf.random.normal((side, side)), precision)
    return (lambda: tf.matmul(a, a).numpy()), 2 * side**3


def measure(precision, size):
    """Evaluation and matrix product in alternation, so that both see the same machine."""
    content, style = load_pair(0, size)
    objective = objective_at(content, style, precision)
    evaluator = objective.evaluator
    picture = content.astype(np.float32)
    product, product_work = matrix_product(precision)
    seconds, peaks = [], []
    objective(picture), product()
    for _ in range(ROUNDS):
        peaks.append(product_work / min(timed(product) for _ in range(5)))
        seconds.append(timed(lambda: objective(picture)))
    work = arithmetic(evaluator, size)
    return {
        "seconds": median(seconds),
        "gflop": work / 1e9,
        "gflops": work / median(seconds) / 1e9,
        "peak_gflops": median(peaks) / 1e9,
        "share_of_peak": work / median(seconds) / median(peaks),
    }


def timed(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="400x300")
    size = tuple(int(side) for side in parser.parse_args().size.split("x"))
    results = {precision: measure(precision, size) for precision in sorted({"float32", resolve_precision("auto")})}
    for precision, found in results.items():
        print(f"{precision}: {found['seconds']:.3f} s, {found['gflops']:.0f} GFLOP/s, "
              f"{found['share_of_peak']:.0%} of the peak of {found['peak_gflops']:.0f}")
    save("evaluation", {"size": size, "results": results})


if __name__ == "__main__":
    main()

"""How much a still photograph with camera noise flickers as a film, with networks trained with and without its cost.

    python benchmarks/flicker.py --images DIR [--steps 400] [--photographs DIR]

Two small networks, alike but for the weight of the flicker, are trained on the photographs of --images. Each then
paints the same frames: photographs that neither has seen, each with fresh noise of five grey levels, eight times. The
figure is the root of the mean squared difference of a frame to the one before, in grey levels; the frames themselves
have 7.1. The shipped network stands beside them.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import ROOT, median, save
from fast import PAINTINGS, SIZE, read_all

from nst_utils.fast.painting import Painter
from nst_utils.fast.photographs import read_photographs
from nst_utils.fast.plan import Painting, Plan
from nst_utils.fast.styles import read_book
from nst_utils.fast.training import book_of, new_network, train
from nst_utils.pictures.reading import read_image

NOISE, FRAMES, WIDTHS, BLOCKS = 5.0, 8, (16, 32), 3
PLAN = Plan(side=128, learning_rate=3e-3)
STYLES = ("cafe", "church", "tiles")


def trained(plan, photographs):
    """A Painter of a small network, trained so."""
    paintings = [Painting(name, read_image(PAINTINGS[name])) for name in STYLES]
    network = new_network(WIDTHS, len(paintings), blocks=BLOCKS)
    for trainer, parts in train(paintings, photographs, plan, network):
        if trainer.step % 50 == 0:
            print(f"steady {plan.steady:g}, step {trainer.step}: style cost {float(parts['style']):.3f}", flush=True)
    return Painter(book_of(network, paintings))


def flickering(painter, photographs):
    """The medians over photographs and styles: {style: grey levels}."""
    found = {}
    for style in STYLES:
        rows = []
        for number, (_, photograph) in enumerate(photographs):
            rng = np.random.default_rng(number)
            noisy = [photograph + rng.normal(0, NOISE, photograph.shape) for _ in range(FRAMES)]
            frames = [painter.stylize(np.clip(each, 0, 255).astype(np.uint8), style).astype(float) for each in noisy]
            rows.append(np.sqrt(np.mean(np.square(np.diff(frames, axis=0)))))
        found[style] = median(rows)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--photographs", type=Path, default=ROOT / "images" / "content")
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    plan = replace(PLAN, steps=options.steps)
    images, photographs = read_photographs(options.images, plan.side + 4), read_all(options.photographs)
    rows = {
        "with": flickering(trained(plan, images), photographs),
        "without": flickering(trained(replace(plan, steady=0.0), images), photographs),
        "shipped": flickering(Painter(read_book()), photographs),
    }
    ratio = median(rows["with"].values()) / median(rows["without"].values())
    print(rows, f"with / without: {ratio:.2f}")
    save("flicker", {"size": SIZE, "noise": NOISE, "steps": options.steps, "ratio": ratio, "grey_levels": rows})


if __name__ == "__main__":
    main()

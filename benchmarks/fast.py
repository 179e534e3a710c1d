"""Fast style transfer: frames a second, beside PyTorch's forward pass of a network of the same shape.

    python benchmarks/fast.py [--size 400x300] [--rounds 12]

Ours reads a uint8 picture and gives one, colours included; PyTorch gets a tensor that is ready and gives one. Both are
warm, and run in turns; of each the median is told.
"""

import argparse
import time

import numpy as np
import torch
from torch import nn

from nst_utils.base.tensorflow import tf
from nst_utils.fast.painting import Painter
from nst_utils.fast.styles import read_book


class Same(nn.Module):
    """The network of nst_utils.fast.layers in PyTorch, with random weights."""

    def __init__(self, widths, blocks):
        super().__init__()
        half, quarter = widths

        def conv(size, channels, out, stride=1):
            pad = nn.ReflectionPad2d(size // 2)
            return nn.Sequential(pad, nn.Conv2d(channels, out, size, stride, bias=False))

        def block(size, channels, out, stride=1):
            return nn.Sequential(conv(size, channels, out, stride), nn.InstanceNorm2d(out, affine=True))

        self.down1, self.down2 = block(3, 12, half), block(3, half, quarter, 2)
        self.blocks = nn.ModuleList(
            nn.Sequential(block(3, quarter, quarter), nn.ReLU(), block(3, quarter, quarter)) for _ in range(blocks)
        )
        self.apart, self.together, self.up = nn.PixelUnshuffle(2), nn.PixelShuffle(2), nn.Upsample(scale_factor=2)
        self.up1, self.paint = block(3, quarter, half), conv(3, half, 12)

    def forward(self, x):
        half = self.down1(self.apart(x)).relu()
        a = self.down2(half).relu()
        for block in self.blocks:
            a = a + block(a)
        a = (self.up1(self.up(a)) + half).relu()
        return self.together(self.paint(a)).tanh()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="400x300")
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    book = read_book()
    manner = next(iter(book.manners.values()))
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    network = Same(book.widths, book.blocks).eval().to(memory_format=torch.channels_last)
    x = torch.rand(1, 3, height, width).contiguous(memory_format=torch.channels_last)
    low = Same(book.widths, book.blocks).eval().to(torch.bfloat16, memory_format=torch.channels_last)
    x_low = x.bfloat16()
    painters = {name: Painter(book, name) for name in ("float32", "bfloat16")}
    ways = {f"ours, {name}": lambda p=painter: p.paint(picture, manner) for name, painter in painters.items()}
    ways |= {"PyTorch, float32": lambda: network(x), "PyTorch, bfloat16": lambda: low(x_low)}
    with torch.inference_mode():
        for way in ways.values():
            way(), way()
        seconds = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                began = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - began)
    print(f"{options.size}, TensorFlow {tf.__version__}, PyTorch {torch.__version__}")
    for name, each in seconds.items():
        print(f"{name:20} {np.median(each) * 1000:7.1f} ms  {1 / np.median(each):5.1f} frames a second")


if __name__ == "__main__":
    main()

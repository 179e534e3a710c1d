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
        full, half, quarter = widths

        def conv(size, channels, out, stride=1):
            pad = nn.ReflectionPad2d(size // 2)
            return nn.Sequential(pad, nn.Conv2d(channels, out, size, stride, bias=False))

        def block(size, channels, out, stride=1):
            return nn.Sequential(conv(size, channels, out, stride), nn.InstanceNorm2d(out, affine=True))

        self.down1, self.down2, self.down3 = block(5, 3, full), block(3, full, half, 2), block(3, half, quarter, 2)
        self.blocks = nn.ModuleList(
            nn.Sequential(block(3, quarter, quarter), nn.ReLU(), block(3, quarter, quarter)) for _ in range(blocks)
        )
        self.up = nn.Upsample(scale_factor=2)
        self.up1, self.up2, self.paint = block(3, quarter, half), block(3, half, full), conv(5, full, 3)

    def forward(self, x):
        full = self.down1(x).relu()
        half = self.down2(full).relu()
        a = self.down3(half).relu()
        for block in self.blocks:
            a = a + block(a)
        a = (self.up1(self.up(a)) + half).relu()
        a = (self.up2(self.up(a)) + full).relu()
        return self.paint(a).tanh()


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

"""The image-transformation network as formulas: what happens to a picture, layer by layer. No weights, no Keras.

Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", 2016, narrower, with
the conditional instance normalisation of Dumoulin, Shlens and Kudlur, "A Learned Representation for Artistic Style",
2017: all styles share the convolutions, and each has scales and shifts of its own. Few channels at the full size are
what a processor is slow at, so every 2x2 pixels come and go as twelve channels of one position (Shi et al. 2016,
"Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network"), whose
kernels answer alike to a plain place, which leaves no checkerboard there; the other upsampling is linear before it
convolves (Odena, Dumoulin and Olah 2016), both in one convolution at the smaller size. Borders are reflected.

What it is given is the photograph in the painting's colours, and what it adds to that is its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from nst_utils.base.tensorflow import tf
from nst_utils.base.types import Tensor

# Added to the variance before its root, so that a channel that is the same everywhere is not divided by 0.
EPSILON = 1e-5
# The picture is padded to a multiple of this, because the network halves it twice.
STEP = 4
# The pixels of two rows and two columns, each with three colours, are the channels of one position.
PIXELS = 12


# Normalises what the convolution of a name gives.
Norm: TypeAlias = Callable[[str, Tensor], Tensor]


@dataclass(frozen=True)
class Shape:
    """How wide the network is: channels at a half and at a quarter of the size, and how many residual blocks there."""

    widths: tuple[int, int] = (32, 64)
    blocks: int = 5

    @property
    def kernels(self) -> dict[str, tuple[int, int, int, int]]:
        """{name: (height, width, in, out)} of the convolutions, in the order in which they come."""
        half, quarter = self.widths
        kernels = {"down1": (3, 3, PIXELS, half), "down2": (3, 3, half, quarter)}
        for block in range(1, self.blocks + 1):
            for part in "ab":
                kernels[f"block{block}{part}"] = (3, 3, quarter, quarter)
        return kernels | {"up": (3, 3, quarter, half), "paint": (3, 3, half, PIXELS)}

    @property
    def norms(self) -> dict[str, int]:
        """{name: channels} of the normalised convolutions, all but the last."""
        return {name: kernel[3] for name, kernel in self.kernels.items() if name != "paint"}

    @property
    def numbers(self) -> int:
        """How many numbers a style is: a scale and a shift for each normalised channel, and nine for the colours."""
        return 2 * sum(self.norms.values()) + 9

    def split(self, styles: Tensor) -> dict[str, tuple[Tensor, ...]]:
        """{name: (scale, shift)}, each (N, 1, 1, channels), of the numbers (N, numbers) of N styles.

        "colors" are three: how much of the photograph's light and colour goes straight through to the painting, of
        its detail, of what is left without it, and the shift.
        """
        lengths = [length for channels in self.norms.values() for length in (channels, channels)]
        parts = [part[:, tf.newaxis, tf.newaxis, :] for part in tf.split(styles, [*lengths, 3, 3, 3], axis=1)]
        found = {name: (parts[2 * i], parts[2 * i + 1]) for i, name in enumerate(self.norms)}
        return found | {"colors": tuple(parts[-3:])}

    def plain(self) -> list[float]:
        """The numbers of a style before any training, a list: all scales 1, all shifts 0."""
        found = [number for channels in self.norms.values() for number in [1.0] * channels + [0.0] * channels]
        return found + [0.6] * 3 + [0.6] * 3 + [0.0] * 3


def instance_norm(a: Tensor, scale: Tensor, shift: Tensor, moments: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """scale * (a - mean) / sqrt(variance + EPSILON) + shift, over the positions of each channel of each picture.

    Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016; conditional where scale and shift, (N, 1, 1, C),
    are those of a style. moments: the mean and variance to use, where `a` is a part of a picture.
    """
    if moments is None:
        rows = zip(*(_apart(each) for each in (a, scale, shift)), strict=True)
        return tf.concat([_norm_of_one(*row) for row in rows], axis=0)
    mean, variance = moments
    factor = scale * tf.math.rsqrt(variance + EPSILON)
    return a * tf.cast(factor, a.dtype) + tf.cast(shift - mean * factor, a.dtype)


def _apart(a: Tensor) -> list[Tensor]:
    return tf.split(a, a.shape[0]) if a.shape[0] > 1 else [a]


def _norm_of_one(a: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Normalising over a batch of one picture is normalising over the picture: TensorFlow's own kernel, in one pass."""
    scale, shift = (tf.reshape(each, [-1]) for each in (scale, shift))
    none = tf.zeros(0)
    return tf.raw_ops.FusedBatchNormV3(
        x=a, scale=scale, offset=shift, mean=none, variance=none, epsilon=EPSILON, is_training=True
    ).y


def reflect_conv(a: Tensor, kernel: Tensor, stride: int = 1) -> Tensor:
    """The convolution of a (N, H, W, C), with the picture reflected at its borders; the type is that of `a`."""
    pad = int(kernel.shape[0]) // 2
    a = tf.pad(a, [[0, 0], [pad, pad], [pad, pad], [0, 0]], mode="REFLECT")
    return tf.nn.conv2d(a, tf.cast(kernel, a.dtype), strides=stride, padding="VALID")


def encode(x: Tensor, kernels: Mapping[str, Tensor], norm: Norm) -> tuple[Tensor, Tensor]:
    """The activations at a half and a quarter of the size. norm(name, a) normalises what `name` gives."""
    half = tf.nn.relu(norm("down1", reflect_conv(tf.nn.space_to_depth(x, 2), kernels["down1"])))
    return half, tf.nn.relu(norm("down2", reflect_conv(half, kernels["down2"], 2)))


def transform(a: Tensor, kernels: Mapping[str, Tensor], norm: Norm) -> Tensor:
    """The residual blocks, at a quarter of the size."""
    names = [name for name in kernels if name.startswith("block")]
    for first, second in zip(names[::2], names[1::2], strict=True):
        b = tf.nn.relu(norm(first, reflect_conv(a, kernels[first])))
        a += norm(second, reflect_conv(b, kernels[second]))
    return a


def decode(a: Tensor, half: Tensor, kernels: Mapping[str, Tensor], norm: Norm) -> Tensor:
    """What is painted, (N, H, W, 3), from the blocks' result and encode()'s activations at a half of the size."""
    a = tf.nn.relu(norm("up", tf.nn.depth_to_space(reflect_conv(a, kernels["up"]), 2)) + half)
    return tf.nn.depth_to_space(reflect_conv(a, kernels["paint"]), 2)


# What a kernel of three makes of a line that is enlarged linearly to twice its length, as kernels of the line itself:
# of the even positions and of the odd ones, [offset in the line, offset in the kernel].
_ENLARGED = np.array(
    [[[0.75, 0.25, 0], [0.25, 0.75, 0.75], [0, 0, 0.25]], [[0.25, 0, 0], [0.75, 0.75, 0.25], [0, 0.25, 0.75]]],
    np.float32,
)


def ready(kernels: dict[str, Tensor], dtype: Any = tf.float32) -> dict[str, Tensor]:
    """The kernels {name: kernel} in a type, as the convolutions take them.

    Those of "paint" get the same mean for the four pixels of a position. Those of "up" are for a picture that is
    enlarged linearly to twice its size, and become four times as many, for the picture as it is.
    """
    mean = tf.reduce_mean(kernels["paint"], axis=(0, 1), keepdims=True)
    alike = tf.reduce_mean(tf.reshape(mean, (1, 1, -1, 4, 3)), axis=3)
    paint = kernels["paint"] - mean + tf.tile(alike, (1, 1, 1, 4))
    up = tf.einsum("pik,qjl,klab->ijapqb", _ENLARGED, _ENLARGED, kernels["up"])
    up = tf.reshape(up, (3, 3, kernels["up"].shape[2], -1))
    return {name: tf.cast(kernel, dtype) for name, kernel in (kernels | {"paint": paint, "up": up}).items()}


def without_detail(x: Tensor) -> Tensor:
    """The picture (N, H, W, 3) as its means over 4x4 pixels tell it."""
    return tf.image.resize(tf.nn.avg_pool2d(x, STEP, STEP, "SAME"), tf.shape(x)[1:3], method="bilinear")


def blended_light(x: Tensor, painted: Tensor, colors: Sequence[Tensor]) -> Tensor:
    """What the picture is to be, from the photograph x and what is painted on it, (N, H, W, 3), 0 for a middle grey."""
    detail, plain, shift = colors
    return detail * x + plain * without_detail(x) + shift + painted


def shown(light: Tensor) -> Tensor:
    """The picture, from 0 to 255, of any real light (N, H, W, 3)."""
    return 127.5 * (1 + tf.tanh(light))


def light_of(pictures: Tensor) -> Tensor:
    """The light that shown() makes pictures (N, H, W, 3), 0-255, of, to half a grey level."""
    return tf.atanh(tf.clip_by_value(pictures / 127.5 - 1, -0.996, 0.996))


def centred(pictures: Tensor) -> Tensor:
    """Pictures, 0-255 and a little beyond, as the network takes them: from -1 to 1, 0 for a middle grey."""
    return tf.clip_by_value(pictures / 127.5 - 1, -1.5, 1.5)


def paint(
    pictures: Tensor, styles: Tensor, kernels: Mapping[str, Tensor], shape: Shape, dtype: Any = tf.float32
) -> Tensor:
    """The light of pictures (N, H, W, 3), 0-255, H and W multiples of STEP, painted in styles (N, numbers): float32.

    pictures: in the colours of the painting. kernels: {name: kernel}, made ready(). dtype: of the convolutions.
    shown() makes it a picture.
    """
    parts = shape.split(styles)
    x = centred(pictures)

    def norm(name: str, a: Tensor) -> Tensor:
        return instance_norm(a, *parts[name])

    half, quarter = encode(tf.cast(x, dtype), kernels, norm)
    painted = decode(transform(quarter, kernels, norm), half, kernels, norm)
    return blended_light(x, tf.cast(painted, tf.float32), parts["colors"])

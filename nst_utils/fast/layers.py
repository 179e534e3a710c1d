"""The image-transformation network as formulas: what happens to a picture, layer by layer. No weights, no Keras.

Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", 2016, at half of its
width, with the conditional instance normalisation of Dumoulin, Shlens and Kudlur, "A Learned Representation for
Artistic Style", 2017: all styles share the convolutions, and each has scales and shifts of its own. Upsampling repeats
positions and then convolves, which leaves no checkerboard (Odena, Dumoulin and Olah 2016); borders are reflected.

What it is given is the photograph in the painting's colours, and what it adds to that is its own.
"""

from dataclasses import dataclass

from nst_utils.base.tensorflow import tf

# Added to the variance before its root, so that a channel that is the same everywhere is not divided by 0.
EPSILON = 1e-5
# The picture is padded to a multiple of this, because the network halves it twice.
STEP = 4


@dataclass(frozen=True)
class Shape:
    """How wide the network is: channels at the full size, at a half and at a quarter, and the residual blocks there."""

    widths: tuple = (16, 32, 64)
    blocks: int = 5

    @property
    def kernels(self):
        """{name: (height, width, in, out)} of the convolutions, in the order in which they come."""
        full, half, quarter = self.widths
        kernels = {"down1": (5, 5, 3, full), "down2": (3, 3, full, half), "down3": (3, 3, half, quarter)}
        for block in range(1, self.blocks + 1):
            for part in "ab":
                kernels[f"block{block}{part}"] = (3, 3, quarter, quarter)
        return kernels | {"up1": (3, 3, quarter, half), "up2": (3, 3, half, full), "paint": (5, 5, full, 3)}

    @property
    def norms(self):
        """{name: channels} of the normalised convolutions, all but the last."""
        return {name: kernel[3] for name, kernel in self.kernels.items() if name != "paint"}

    @property
    def numbers(self):
        """How many numbers a style is: a scale and a shift for each normalised channel, and nine for the colours."""
        return 2 * sum(self.norms.values()) + 9

    def split(self, styles):
        """{name: (scale, shift)}, each (N, 1, 1, channels), of the numbers (N, numbers) of N styles.

        "colors" are three: how much of the photograph's light and colour goes straight through to the painting, of
        its detail, of what is left without it, and the shift.
        """
        lengths = [length for channels in self.norms.values() for length in (channels, channels)]
        parts = [part[:, tf.newaxis, tf.newaxis, :] for part in tf.split(styles, [*lengths, 3, 3, 3], axis=1)]
        found = {name: (parts[2 * i], parts[2 * i + 1]) for i, name in enumerate(self.norms)}
        return found | {"colors": tuple(parts[-3:])}

    def plain(self):
        """The numbers of a style before any training, a list: all scales 1, all shifts 0."""
        found = [number for channels in self.norms.values() for number in [1.0] * channels + [0.0] * channels]
        return found + [0.6] * 3 + [0.6] * 3 + [0.0] * 3


def statistics(a):
    """Mean and variance over the positions of each channel of each picture, (N, 1, 1, C) float32, of a (N, H, W, C)."""
    return tf.nn.moments(tf.cast(a, tf.float32), axes=[1, 2], keepdims=True)


def instance_norm(a, scale, shift, moments=None):
    """scale * (a - mean) / sqrt(variance + EPSILON) + shift, over the positions of each channel of each picture.

    Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016; conditional where scale and shift, (N, 1, 1, C),
    are those of a style. moments: the mean and variance to use, where `a` is a part of a picture.
    """
    mean, variance = moments or statistics(a)
    factor = scale * tf.math.rsqrt(variance + EPSILON)
    return a * tf.cast(factor, a.dtype) + tf.cast(shift - mean * factor, a.dtype)


def reflect_conv(a, kernel, stride=1):
    """The convolution of a (N, H, W, C), with the picture reflected at its borders; the type is that of `a`."""
    pad = int(kernel.shape[0]) // 2
    a = tf.pad(a, [[0, 0], [pad, pad], [pad, pad], [0, 0]], mode="REFLECT")
    return tf.nn.conv2d(a, tf.cast(kernel, a.dtype), strides=stride, padding="VALID")


def enlarge(a):
    """Every position of (N, H, W, C) twice in each direction."""
    shape = tf.shape(a)
    return tf.image.resize(a, (2 * shape[1], 2 * shape[2]), method="nearest")


def encode(x, kernels, norm):
    """The activations at the full size, a half and a quarter. norm(name, a) normalises what `name` gives."""
    full = tf.nn.relu(norm("down1", reflect_conv(x, kernels["down1"])))
    half = tf.nn.relu(norm("down2", reflect_conv(full, kernels["down2"], 2)))
    return full, half, tf.nn.relu(norm("down3", reflect_conv(half, kernels["down3"], 2)))


def transform(a, kernels, norm):
    """The residual blocks, at a quarter of the size."""
    names = [name for name in kernels if name.startswith("block")]
    for first, second in zip(names[::2], names[1::2], strict=True):
        b = tf.nn.relu(norm(first, reflect_conv(a, kernels[first])))
        a += norm(second, reflect_conv(b, kernels[second]))
    return a


def decode(a, half, full, kernels, norm):
    """What is painted, (N, H, W, 3), from the blocks' result and the activations of encode()."""
    a = tf.nn.relu(norm("up1", reflect_conv(enlarge(a), kernels["up1"])) + half)
    a = tf.nn.relu(norm("up2", reflect_conv(enlarge(a), kernels["up2"])) + full)
    return reflect_conv(a, kernels["paint"])


def without_detail(x):
    """The picture (N, H, W, 3) as its means over 4x4 pixels tell it."""
    return tf.image.resize(tf.nn.avg_pool2d(x, STEP, STEP, "SAME"), tf.shape(x)[1:3], method="bilinear")


def blended_light(x, painted, colors):
    """What the picture is to be, from the photograph x and what is painted on it, (N, H, W, 3), 0 for a middle grey."""
    detail, plain, shift = colors
    return detail * x + plain * without_detail(x) + shift + painted


def shown(light):
    """The picture, from 0 to 255, of any real light (N, H, W, 3)."""
    return 127.5 * (1 + tf.tanh(light))


def light_of(pictures):
    """The light that shown() makes pictures (N, H, W, 3), 0-255, of, to half a grey level."""
    return tf.atanh(tf.clip_by_value(pictures / 127.5 - 1, -0.996, 0.996))


def centred(pictures):
    """Pictures, 0-255 and a little beyond, as the network takes them: from -1 to 1, 0 for a middle grey."""
    return tf.clip_by_value(pictures / 127.5 - 1, -1.5, 1.5)


def paint(pictures, styles, kernels, shape, dtype=tf.float32):
    """The light of pictures (N, H, W, 3), 0-255, H and W multiples of STEP, painted in styles (N, numbers): float32.

    pictures: in the colours of the painting. kernels: {name: kernel}. dtype: of the convolutions. shown() makes it a
    picture.
    """
    parts = shape.split(styles)
    x = centred(pictures)

    def norm(name, a):
        return instance_norm(a, *parts[name])

    full, half, quarter = encode(tf.cast(x, dtype), kernels, norm)
    painted = decode(transform(quarter, kernels, norm), half, full, kernels, norm)
    return blended_light(x, tf.cast(painted, tf.float32), parts["colors"])

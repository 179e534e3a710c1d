"""The network as a Keras model: its kernels and the table of its styles, which training changes."""

import os

from nst_utils.base.tensorflow import tf
from nst_utils.fast.layers import Shape, paint, ready, shown

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras  # noqa: E402


def _scaled(factor, seed):
    return keras.initializers.VarianceScaling(factor, seed=seed)


def _alike(seed):
    """Small kernels, at first the same for each of the four pixels of a position."""

    def draw(shape, dtype=None):
        return tf.tile(_scaled(0.005, seed)((*shape[:3], 3), dtype), (1, 1, 1, shape[3] // 3))

    return draw


class FastNetwork(keras.Model):
    """The image-transformation network with a row of numbers for each of its styles.

    network(pictures, shares): pictures (N, H, W, 3), 0-255, in the colours of their paintings, H and W multiples of 4;
    shares (N, styles), the part of each style in each picture, adding up to 1. Gives float32 (N, H, W, 3), 0 to 255.
    """

    def __init__(self, shape=None, styles=1, seed=0, dtype="float32"):
        """shape: a Shape. styles: how many. dtype: in which the convolutions are computed; the weights are float32."""
        super().__init__()
        self.form, self.precision = shape or Shape(), dtype
        self.kernels = {
            name: self.add_weight(
                shape=size, name=name,
                initializer=_alike(seed + number) if name == "paint" else _scaled(2.0, seed + number),
            )
            for number, (name, size) in enumerate(self.form.kernels.items())
        }
        plain = self.form.plain()
        self.table = self.add_weight(
            shape=(styles, self.form.numbers), name="styles",
            initializer=lambda shape, dtype=None: tf.tile(tf.constant([plain], dtype or tf.float32), (shape[0], 1)),
        )
        self.built = True

    def call(self, pictures, shares):
        return self.paint(pictures, tf.matmul(shares, self.table))

    def paint(self, pictures, styles):
        """The pictures in the styles whose numbers (N, numbers) are given."""
        kernels = ready({name: tf.convert_to_tensor(kernel) for name, kernel in self.kernels.items()}, self.precision)
        return shown(paint(pictures, styles, kernels, self.form, self.precision))

"""The network: VGG-19's convolutions and poolings, defined once, for TF2 code and for the course's graph.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2015, with average
instead of max pooling, as Gatys et al. 2015 recommend for making pictures.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import tf
from nst_utils.base.types import Array, Tensor, TensorWeights, Weights
from nst_utils.network.layout import LAYERS, stride


def activations(
    images: Tensor, weights: Weights | TensorWeights, layers: Iterable[str] = LAYERS, pooling: str = "average"
) -> dict[str, Tensor]:
    """The activations of the named layers: {name: tensor (N, n_H, n_W, n_C)}, convolutions after their ReLU.

    images: (N, H, W, 3), RGB 0-255 minus MEANS. weights: {name: (kernel, bias)} of load_weights() or prepare().
    pooling: "average" or "max", 2x2, SAME. Computes no layer deeper than the deepest one named.
    """
    if unknown := [name for name in layers if name not in LAYERS]:
        raise InputError(f"The network has no layer {', '.join(unknown)}: its layers are {', '.join(LAYERS)}.")
    if pooling not in ("average", "max"):
        raise InputError(f"There is no pooling called {pooling!r}: use 'average' or 'max'.")
    pool = tf.nn.avg_pool2d if pooling == "average" else tf.nn.max_pool2d
    deepest = max((LAYERS.index(name) for name in layers), default=-1)
    a, found = images, dict[str, Tensor]()
    for name in LAYERS[: deepest + 1]:
        if name.startswith("avgpool"):
            a = pool(a, ksize=2, strides=2, padding="SAME")
        elif (convolution := weights[name]) is not None:
            kernel, bias = convolution
            a = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(a, kernel, strides=1, padding="SAME"), bias))
        if name in layers:
            found[name] = a
    return found


def prepare(weights: Weights, dtype: Any = tf.float32, deepest: str = LAYERS[-1]) -> TensorWeights:
    """The weights down to a layer as tensors of the type to compute in, with None where a convolution changes nothing.

    The embedded model has three identity convolutions; leaving them out is exact and saves a fifth of the work.
    """
    # tf.cast, because tf.constant converts to bfloat16 one number after the other.
    return {
        name: None if _changes_nothing(name, kernel, bias) else (tf.cast(kernel, dtype), tf.cast(bias, dtype))
        for name, (kernel, bias) in weights.items()
        if name in LAYERS[: LAYERS.index(deepest) + 1]
    }


def type_of(weights: TensorWeights) -> Any:
    """The type that a network made by prepare() computes in."""
    return next(convolution[0].dtype for convolution in weights.values() if convolution is not None)


def field_of_view(weights: TensorWeights, deepest: str) -> int:
    """How many pixels beyond its own block a position of the layer sees on each side, up to a multiple of 16."""
    reach = 0
    for name in LAYERS[: LAYERS.index(deepest) + 1]:
        if (convolution := weights.get(name)) is not None:
            reach += stride(name) * (int(convolution[0].shape[0]) // 2)
    return -(-reach // 16) * 16


def _changes_nothing(name: str, kernel: Array, bias: Array) -> bool:
    """Whether convolution and ReLU return their input; the picture itself, negative in places, conv1_1 would cut."""
    if name == "conv1_1" or np.any(bias) or kernel.shape[2] != kernel.shape[3] or kernel.shape[0] % 2 == 0:
        return False
    centre = kernel.shape[0] // 2
    return np.count_nonzero(kernel) == kernel.shape[2] and bool((np.diagonal(kernel[centre, centre]) == 1).all())

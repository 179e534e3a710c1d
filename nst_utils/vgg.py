"""The network: VGG-19's convolutions and poolings, defined once, for TF2 code and for the course's graph.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2015, with average
instead of max pooling, as Gatys et al. 2015 recommend for making pictures.
"""

import os

import numpy as np

from nst_utils.backend import tf, use_graph_mode
from nst_utils.config import CONFIG, InputError
from nst_utils.matconvnet import BLOCKS
from nst_utils.weights import COURSE_PATH, load_weights

# conv1_1, conv1_2, avgpool1, conv2_1, ... avgpool5: the layers in the order in which data flows.
LAYERS = tuple(
    name
    for block, count in BLOCKS.items()
    for name in [*(f"conv{block}_{i + 1}" for i in range(count)), f"avgpool{block}"]
)


def activations(images, weights, layers=LAYERS, pooling="average"):
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
    a, found = images, {}
    for name in LAYERS[: deepest + 1]:
        if name.startswith("avgpool"):
            a = pool(a, ksize=2, strides=2, padding="SAME")
        elif weights[name] is not None:
            kernel, bias = weights[name]
            a = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(a, kernel, strides=1, padding="SAME"), bias))
        if name in layers:
            found[name] = a
    return found


def prepare(weights, dtype=tf.float32, deepest=LAYERS[-1]):
    """The weights down to a layer as tensors of the type to compute in, with None where a convolution changes nothing.

    The embedded model has three identity convolutions; leaving them out is exact and saves a fifth of the work.
    """
    # tf.cast, because tf.constant converts to bfloat16 one number after the other.
    return {
        name: None if _changes_nothing(name, kernel, bias) else (tf.cast(kernel, dtype), tf.cast(bias, dtype))
        for name, (kernel, bias) in weights.items()
        if name in LAYERS[: LAYERS.index(deepest) + 1]
    }


def stride(layer):
    """How many pixels of the picture lie between two neighbouring positions of a layer."""
    return 2 ** sum(name.startswith("avgpool") for name in LAYERS[: LAYERS.index(layer) + 1])


def field_of_view(weights, deepest):
    """How many pixels beyond its own block a position of the layer sees on each side, up to a multiple of 16."""
    reach = 0
    for name in LAYERS[: LAYERS.index(deepest) + 1]:
        if name in weights and weights[name] is not None:
            reach += stride(name) * (int(weights[name][0].shape[0]) // 2)
    return -(-reach // 16) * 16


def load_vgg_model(path=None, pooling="average"):
    """The course's graph: a dictionary of 22 tensors, `input`, conv1_1 to conv5_4 and avgpool1 to avgpool5.

    `input` is a float32 variable of zeros (1, CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH, 3) in the default graph; the
    weights are constants. Feed it with `sess.run(model['input'].assign(image))`, image as
    reshape_and_normalize_image returns it, then read `sess.run(model['conv4_2'])`.

    path: a weights file; None, or the course's own COURSE_PATH where the working directory has no such file, takes
    the official file in the project's folder, else the embedded model. Raises InputError for a missing or unfit file.
    """
    if str(path) == COURSE_PATH and not os.path.exists(path):
        path = None
    weights = load_weights(path)
    use_graph_mode()
    shape = (1, CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH, CONFIG.COLOR_CHANNELS)
    model = {"input": tf.compat.v1.Variable(np.zeros(shape), dtype=tf.float32, name="input")}
    constants = {name: tuple(tf.constant(array) for array in pair) for name, pair in weights.items()}
    return model | activations(model["input"], constants, LAYERS, pooling)


def _changes_nothing(name, kernel, bias):
    """Whether convolution and ReLU return their input; the picture itself, negative in places, conv1_1 would cut."""
    if name == "conv1_1" or np.any(bias) or kernel.shape[2] != kernel.shape[3] or kernel.shape[0] % 2 == 0:
        return False
    centre = kernel.shape[0] // 2
    return np.count_nonzero(kernel) == kernel.shape[2] and bool((np.diagonal(kernel[centre, centre]) == 1).all())

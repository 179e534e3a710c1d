"""The course's graph: the network as a dictionary of tensors behind one variable, and the cost that reads it."""

import os
from collections.abc import Mapping

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import resolve_precision, tf, use_graph_mode
from nst_utils.course.config import CONFIG
from nst_utils.engine import costs
from nst_utils.network.layout import LAYERS
from nst_utils.network.vgg import activations, prepare
from nst_utils.network.weights import COURSE_PATH, load_weights


def load_vgg_model(path=None, pooling="average", precision="float32"):
    """The course's graph: a dictionary of 22 tensors, `input`, conv1_1 to conv5_4 and avgpool1 to avgpool5.

    `input` is a float32 variable of zeros (1, CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH, 3) in the default graph; the
    weights are constants. Feed it with `sess.run(model['input'].assign(image))`, image as
    reshape_and_normalize_image returns it, then read `sess.run(model['conv4_2'])`.

    path: a weights file; None, or the course's own COURSE_PATH where the working directory has no such file, takes
    the official file in the project's folder, else the embedded model. precision: "bfloat16", or "auto" for that where
    the machine is fast at it, computes the network in half the time; activations are float32 all the same. Raises
    InputError for a missing or unfit file.
    """
    if str(path) == COURSE_PATH and not os.path.exists(path):
        path = None
    weights = load_weights(path)
    use_graph_mode()
    shape = (1, CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH, CONFIG.COLOR_CHANNELS)
    model = {"input": tf.compat.v1.Variable(np.zeros(shape), dtype=tf.float32, name="input")}
    dtype = resolve_precision(precision)
    if dtype not in ("float32", "bfloat16"):
        raise InputError(f"There is no precision called {precision!r}: use auto, float32 or bfloat16.")
    found = activations(tf.cast(model["input"], dtype), prepare(weights, dtype), LAYERS, pooling)
    return model | {name: tf.cast(a, tf.float32) for name, a in found.items()}


def compute_style_cost(a_S, a_G=None, STYLE_LAYERS=costs.STYLE_LAYERS):
    """J_style = sum over the layers of weight * J_style of the layer, a scalar >= 0 (Gatys et al. 2015, eq. 5).

    compute_style_cost(a_S, a_G, STYLE_LAYERS): dictionaries from layer name to activations of the style and of the
    generated picture, and pairs of layer name and weight.
    compute_style_cost(model, STYLE_LAYERS), the course's form: the style picture has been assigned to model['input'],
    and a_S is what the default session computes from it now.
    """
    if isinstance(a_G, Mapping):
        return costs.compute_style_cost(a_S, a_G, STYLE_LAYERS)
    model, layers = a_S, STYLE_LAYERS if a_G is None else a_G
    session = tf.compat.v1.get_default_session()
    if session is None:
        raise InputError("compute_style_cost(model, STYLE_LAYERS) needs an open session: tf.InteractiveSession().")
    names = [name for name, _ in layers]
    a_S = dict(zip(names, session.run([model[name] for name in names]), strict=True))
    return costs.compute_style_cost(a_S, model, layers)


def few_steps(sess, train_step, variable, image, steps=10):
    """The variable's value after some train steps from an image on, an array like it: a first look at a train step."""
    with sess.graph.as_default():
        sess.run(tf.compat.v1.global_variables_initializer())
    variable.load(image, sess)
    for _ in range(steps):
        sess.run(train_step)
    return sess.run(variable)

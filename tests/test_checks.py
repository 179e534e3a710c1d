"""The checks of the exercises: right answers in every form pass, and wrong ones are called by their name."""

import _thread
import linecache
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from nst_utils import checks
from nst_utils.base.tensorflow import tf
from nst_utils.checks.running import EXERCISES
from nst_utils.engine import costs

DIMENSIONS = "m, n_H, n_W, n_C = a_G.shape\n"
HEADERS = {
    "layer_activations": "sess, model, image, layer_name",
    "compute_content_cost": "a_C, a_G",
    "gram_matrix": "A",
    "compute_layer_style_cost": "a_S, a_G",
    "compute_style_cost": "model, STYLE_LAYERS",
    "total_cost": "J_content, J_style, alpha=10, beta=40",
    "build_train_step": "J",
    "model_nn": "sess, input_image, num_iterations=200",
    "train_step": "image, compute_cost, optimizer",
    "cosine_similarity": "x, y",
    "nearest_spots": "v_C, v_S",
    "compute_targets": "a_C, a_S, chosen",
    "compute_match_cost": "a_S, a_T, a_G",
}


def notebook(source, name="<cell>"):
    """The names that a notebook has after a cell with this source; its lines can be quoted, as in IPython."""
    namespace = {"tf": tf.compat.v1, "np": np, "__name__": "__main__"}
    source = textwrap.dedent(source)
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    exec(compile(source, name, "exec"), namespace)
    return namespace


def answer(exercise, body, before=""):
    """A student's function: its body, or what follows its `return` where that is a single expression."""
    if "\n" not in body and not body.startswith(("return", "raise", "pass", "...", "while", "import")):
        body = f"return {body}"
    indented = textwrap.indent(textwrap.dedent(body), "    ")
    source = f"{textwrap.dedent(before)}\ndef {exercise}({HEADERS[exercise]}):\n{indented}"
    return notebook(source)[exercise]


def content(body):
    return ("compute_content_cost", DIMENSIONS + f"return {body}")


def style(body, gram="return tf.matmul(A, A, transpose_b=True)"):
    """compute_layer_style_cost: unroll to S and G by `body`, then the right formula, unless `body` returns."""
    ends = (
        "\nG_S, G_G = gram_matrix(S), gram_matrix(G)"
        "\nreturn tf.reduce_sum((G_S - G_G)**2) / (4 * n_C**2 * (n_H*n_W)**2)"
    )
    return (
        "compute_layer_style_cost",
        DIMENSIONS + body + ("" if "return" in body else ends),
        f"def gram_matrix(A): {gram}\n",
    )


UNROLLED = "S, G = (tf.transpose(tf.reshape(a, [n_H*n_W, n_C])) for a in (a_S, a_G))\n"
GRAMS = UNROLLED + "G_S, G_G = gram_matrix(S), gram_matrix(G)\nreturn "
STYLE_LAYER = """
J_style = 0
for layer_name, coeff in STYLE_LAYERS:
    a_G = model[layer_name]
    a_S = sess.run(a_G)
    J_style += coeff * compute_layer_style_cost(a_S, a_G)
return J_style
"""
MODEL_NN = """
sess.run(tf.global_variables_initializer())
sess.run(model['input'].assign(input_image))
for i in range(num_iterations):
    sess.run(train_step)
    generated_image = sess.run(model['input'])
    if i % 20 == 0:
        Jt, Jc, Js = sess.run([J, J_content, J_style])
        print("Iteration", i, Jt, Jc, Js)
        save_image("output/" + str(i) + ".png", generated_image)
save_image('output/generated_image.jpg', generated_image)
return generated_image
"""
TRAIN_STEP = """
with tf.GradientTape() as tape:
    J = compute_cost(image)
gradient = tape.gradient(J, image)
optimizer.apply_gradients([(gradient, image)])
image.assign(tf.clip_by_value(image, 0.0, 255.0))
return J
"""
COSINES = """
def cosine_similarity(x, y):
    return tf.matmul(tf.math.l2_normalize(x, 1), tf.math.l2_normalize(y, 1), transpose_b=True)
"""
C, S = "v_C - tf.reduce_mean(v_C, 0)", "v_S - tf.reduce_mean(v_S, 0)"
SPOTS = "tf.reshape(tf.gather({}, {}), a_C.shape)"
MATCH = """
mean = tf.reduce_mean(a_S, axis=[0, 1, 2])
t = tf.math.l2_normalize(a_T - mean, axis=-1)
g = tf.math.l2_normalize(a_G - mean, axis=-1)
return tf.reduce_mean(1 - tf.reduce_sum(t * g, axis=-1))
"""
ASSIGN_AND_READ = "sess.run(model['input'].assign(image))\nreturn sess.run(model[layer_name])"
SAVE_IMAGE = "def save_image(path, image): open('should-not-be-written', 'w')\n"


def changed(body, *replacements):
    for old, new in replacements:
        assert old in body
        body = body.replace(old, new)
    return body


RIGHT = {
    "activations": ("layer_activations", ASSIGN_AND_READ),
    "activations by tf.assign": (
        "layer_activations",
        "sess.run(tf.assign(model['input'], image))\nreturn model[layer_name].eval(session=sess)",
    ),
    "activations by load": (
        "layer_activations",
        "model['input'].load(image, sess)\nreturn sess.run(model[layer_name])",
    ),
    "content": content("tf.reduce_sum(tf.square(a_C - a_G)) / (4 * n_H * n_W * n_C)"),
    "content with tf.pow": content("tf.reduce_sum(tf.pow(tf.subtract(a_C, a_G), 2)) / (4.0 * n_H * n_W * n_C)"),
    "content unrolled": content(
        "1/(4*n_H*n_W*n_C) * tf.reduce_sum(tf.square(tf.subtract(*[tf.transpose(tf.reshape(a, [n_H*n_W, n_C])) "
        "for a in (a_C, a_G)])))"
    ),
    "content as a mean": ("compute_content_cost", "tf.reduce_mean((a_C - a_G) ** 2) / 4"),
    "content by einsum": content("tf.einsum('bhwc,bhwc->', a_C - a_G, a_C - a_G) / (4 * n_H * n_W * n_C)"),
    "content by axes": content("tf.reduce_sum((a_G - a_C)**2, axis=[1, 2, 3]) / 4 / n_H / n_W / n_C"),
    "content in float64": content(
        "tf.reduce_sum((tf.cast(a_C, tf.float64) - tf.cast(a_G, tf.float64))**2) / (4 * n_H * n_W * n_C)"
    ),
    "content with get_shape": (
        "compute_content_cost",
        "m, n_H, n_W, n_C = a_G.get_shape().as_list()\n"
        "return tf.multiply(1 / (4 * n_H * n_W * n_C), tf.reduce_sum(tf.squared_difference(a_C, a_G)))",
    ),
    "content with tf.shape": (
        "compute_content_cost",
        "tf.reduce_sum((a_C - a_G)**2) / (4 * tf.cast(tf.size(a_G), tf.float32))",
    ),
    "content by the norm": content("tf.nn.l2_loss(a_C - a_G) / (2 * n_H * n_W * n_C)"),
    "content with stop_gradient": content(
        "tf.reduce_sum((tf.stop_gradient(a_C) - a_G)**2) / (4 * n_H * n_W * n_C)"
    ),
    "gram": ("gram_matrix", "tf.matmul(A, tf.transpose(A))"),
    "gram with transpose_b": ("gram_matrix", "tf.matmul(A, A, transpose_b=True)"),
    "gram by einsum": ("gram_matrix", "tf.einsum('ik,jk->ij', A, A)"),
    "gram by tensordot": ("gram_matrix", "tf.tensordot(A, A, axes=[[1], [1]])"),
    "gram by broadcasting": ("gram_matrix", "tf.reduce_sum(A[:, None, :] * A[None, :, :], axis=-1)"),
    "gram by the operator": ("gram_matrix", "A @ tf.transpose(A)"),
    "layer style": style(UNROLLED),
    "layer style with perm": style(
        "S, G = (tf.reshape(tf.transpose(a, [0, 3, 1, 2]), [n_C, -1]) for a in (a_S, a_G))"
    ),
    "layer style columns first": style(
        "S, G = (tf.reshape(tf.transpose(a, [3, 2, 1, 0]), [n_C, -1]) for a in (a_S, a_G))"
    ),
    "layer style batched": style(
        "G_S, G_G = (tf.einsum('bijc,bijd->bcd', a, a) for a in (a_S, a_G))\n"
        "return tf.reduce_sum(tf.square(G_S - G_G)) / (2 * n_H * n_W * n_C)**2"
    ),
    "layer style normalised first": style(
        "G_S, G_G = (tf.tensordot(a, a, [[0, 1, 2], [0, 1, 2]]) / (n_H * n_W) for a in (a_S, a_G))\n"
        "return tf.reduce_mean(tf.pow(G_S - G_G, 2)) / 4"
    ),
    "layer style in float dimensions": style(
        GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (4 * float(n_C)**2 * float(n_H * n_W)**2)"
    ),
    "style": ("compute_style_cost", STYLE_LAYER),
    "style with the default session": (
        "compute_style_cost",
        "tf.add_n([w * compute_layer_style_cost(model[name].eval(), model[name]) for name, w in STYLE_LAYERS])",
    ),
    "total": ("total_cost", "alpha * J_content + beta * J_style"),
    "total by TensorFlow": ("total_cost", "tf.add(tf.multiply(J_content, alpha), J_style * beta)"),
    "total by a helper": (
        "total_cost",
        "weighted(J_content, alpha) + weighted(J_style, beta)",
        "def weighted(J, weight): return weight * J\n",
    ),
    "train step of the graph": ("build_train_step", "tf.train.AdamOptimizer(2.0).minimize(J)"),
    "train step with its variable": (
        "build_train_step", "tf.train.AdamOptimizer(2.0).minimize(J, var_list=[model['input']])",
    ),
    "train step with all variables": (
        "build_train_step", "tf.train.AdamOptimizer(2.0).minimize(J, var_list=tf.trainable_variables())",
    ),
    "activations in a list": (
        "layer_activations", "sess.run([model['input'].assign(image)])\nreturn sess.run([model[layer_name]])[0]",
    ),
    "content by a loop over the channels": content(
        "sum(tf.reduce_sum((a_C[..., c] - a_G[..., c])**2) for c in range(n_C)) / (4 * n_H * n_W * n_C)"
    ),
    "model_nn with a callable": (
        "model_nn",
        "sess.run(tf.global_variables_initializer())\nsess.run(model['input'].assign(input_image))\n"
        "step = sess.make_callable(train_step)\nfor i in range(num_iterations):\n    step()\n"
        "    if i % 20 == 0:\n        print(sess.run(J))\nreturn sess.run(model['input'])",
    ),
    "train step in two calls": (
        "build_train_step",
        "optimizer = tf.train.AdamOptimizer(learning_rate=2)\n"
        "return optimizer.apply_gradients(optimizer.compute_gradients(J))",
    ),
    "model_nn": ("model_nn", MODEL_NN, SAVE_IMAGE),
    "model_nn reading once": (
        "model_nn",
        "tf.global_variables_initializer().run()\nmodel['input'].assign(input_image).eval()\n"
        "for i in range(num_iterations):\n    _, cost = sess.run([train_step, J])\n    costs.append(cost)\n"
        "return sess.run(model['input'])",
        "costs = []\n",
    ),
    "train_step": ("train_step", TRAIN_STEP),
    "train_step in tf.function": ("train_step", TRAIN_STEP, None, "tf.function"),
    # AutoGraph makes a cast of it.
    "train_step returning a number": ("train_step", changed(TRAIN_STEP, ("return J", "return float(J)"))),
    "cosines in NumPy": (
        "cosine_similarity",
        "x, y = (np.asarray(v) / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in (x, y))\n"
        "return x @ y.T",
    ),
    "cosines of every pair": (
        "cosine_similarity",
        "-tf.keras.losses.cosine_similarity(x[:, None, :], y[None, :, :], axis=-1)",
    ),
    "nearest": ("nearest_spots", f"tf.argmax(cosine_similarity({C}, {S}), axis=1)", COSINES),
    # Of equally near spots the last.
    "nearest from the end": (
        "nearest_spots",
        f"likeness = cosine_similarity({C}, {S})\nreturn v_S.shape[0] - 1 - tf.argmax(likeness[:, ::-1], axis=1)",
        COSINES,
    ),
    "nearest by distance of directions": (
        "nearest_spots",
        f"x, y = tf.math.l2_normalize({C}, 1), tf.math.l2_normalize({S}, 1)\n"
        "square = tf.reduce_sum(y ** 2, axis=1)\n"
        "return tf.argmin(square[None] - 2 * tf.matmul(x, y, transpose_b=True) + (1 - square[None]), axis=1)",
    ),
    "targets": ("compute_targets", SPOTS.format("tf.reshape(a_S, [-1, a_S.shape[-1]])", "chosen")),
    "targets by rows and columns": (
        "compute_targets",
        "n_W = a_S.shape[2]\nspots = tf.gather_nd(a_S[0], tf.stack([chosen // n_W, chosen % n_W], 1))\n"
        "return tf.reshape(spots, a_C.shape)",
    ),
    "match cost": ("compute_match_cost", MATCH),
    "match cost by Keras": (
        "compute_match_cost",
        "mean = tf.reduce_mean(a_S, [0, 1, 2])\n"
        "return 1 + tf.reduce_mean(tf.keras.losses.cosine_similarity(a_T - mean, a_G - mean))",
    ),
}

WRONG = {
    # (the answer, what the message says)
    "assign never run": (
        ("layer_activations", "model['input'].assign(image)\nreturn sess.run(model[layer_name])"),
        "`assign` was never run",
    ),
    "assign after reading": (
        (
            "layer_activations",
            "a = sess.run(model[layer_name])\nsess.run(model['input'].assign(image))\nreturn a",
        ),
        "only after the layer was read",
    ),
    "a tensor, not its value": (
        ("layer_activations", "sess.run(model['input'].assign(image))\nreturn model[layer_name]"),
        "tensor, not its value",
    ),
    "a fixed layer": (
        ("layer_activations", "sess.run(model['input'].assign(image))\nreturn sess.run(model['conv4_2'])"),
        "always read `conv4_2`",
    ),
    "the dictionary changed": (
        ("layer_activations", "model['input'] = image\nreturn sess.run(model[layer_name])"),
        "only changes the dictionary",
    ),
    "initialised after the assign": (
        (
            "layer_activations",
            "sess.run(model['input'].assign(image))\nsess.run(tf.global_variables_initializer())\n"
            "return sess.run(model[layer_name])",
        ),
        "initialised again",
    ),
    "the picture": (
        ("layer_activations", "sess.run(model['input'].assign(image))"),
        "the picture, not the activations",
    ),
    "no batch axis": (("layer_activations", ASSIGN_AND_READ + "[0]"), "batch axis"),
    "assigned to a layer": (
        ("layer_activations", "sess.run(model[layer_name].assign(image))\nreturn sess.run(model[layer_name])"),
        "Only a variable can be assigned to",
    ),
    "content without 4": (content("tf.reduce_sum((a_C - a_G)**2) / (n_H * n_W * n_C)"), "the 4 is missing"),
    "content with 2": (
        content("tf.reduce_sum((a_C - a_G)**2) / (2 * n_H * n_W * n_C)"),
        "2 stands where the 4 belongs",
    ),
    "content without n_H": (content("tf.reduce_sum((a_C - a_G)**2) / (4 * n_W * n_C)"), "n_H is missing"),
    "content without n_W": (content("tf.reduce_sum((a_C - a_G)**2) / (4 * n_H * n_C)"), "n_W is missing"),
    "content without n_C": (content("tf.reduce_sum((a_C - a_G)**2) / (4 * n_H * n_W)"), "n_C is missing"),
    "content with dimensions from the batch axis": (
        (
            "compute_content_cost",
            "n_H, n_W, n_C = a_G.shape[:3]\nreturn tf.reduce_sum((a_C - a_G)**2) / (4 * n_H * n_W * n_C)",
        ),
        "batch axis",
    ),
    "content without a normaliser": (content("tf.reduce_sum((a_C - a_G)**2)"), "normaliser is missing"),
    "content multiplied": (content("tf.reduce_sum((a_C - a_G)**2) * 4 * n_H * n_W * n_C"), "You multiply by"),
    "content with operators unparenthesised": (
        content("tf.reduce_sum((a_C - a_G)**2) / 4 * n_H * n_W * n_C"),
        "multiplies instead of dividing",
    ),
    "content with a mean": (
        content("tf.reduce_mean((a_C - a_G)**2) / (4 * n_H * n_W * n_C)"),
        "mean for the sum",
    ),
    "content with n_C squared": (
        content("tf.reduce_sum((a_C - a_G)**2) / (4 * n_H * n_W * n_C**2)"),
        "n_C is squared",
    ),
    "content of absolute values": (
        content("tf.reduce_sum(tf.abs(a_C - a_G)) / (4 * n_H * n_W * n_C)"),
        "absolute values",
    ),
    "content of absolute values without 4": (
        content("tf.reduce_sum(tf.abs(a_C - a_G)) / (n_H * n_W * n_C)"),
        "absolute values; the formula sums squares. The normaliser is off: the 4 is missing",
    ),
    "content without the square": (
        content("tf.reduce_sum(a_C - a_G) / (4 * n_H * n_W * n_C)"),
        "square is missing",
    ),
    "content squared late": (content("tf.reduce_sum(a_C - a_G)**2 / (4 * n_H * n_W * n_C)"), "square the sum"),
    "content divided early": (
        content("tf.reduce_sum(((a_C - a_G) / (4 * n_H * n_W * n_C))**2)"),
        "divide before you square",
    ),
    "content with a root": (
        content("tf.sqrt(tf.reduce_sum((a_C - a_G)**2)) / (4 * n_H * n_W * n_C)"),
        "square root of the sum",
    ),
    "content with a root outside": (
        content("tf.sqrt(tf.reduce_sum((a_C - a_G)**2) / (4 * n_H * n_W * n_C))"),
        "square root of the cost",
    ),
    "content of the sum": (content("tf.reduce_sum((a_C + a_G)**2) / (4 * n_H * n_W * n_C)"), "You add the two"),
    "content of squares subtracted": (
        content("tf.reduce_sum(a_G**2 - a_C**2) / (4 * n_H * n_W * n_C)"),
        "You subtract squares",
    ),
    "content negative": (content("-tf.reduce_sum((a_C - a_G)**2) / (4 * n_H * n_W * n_C)"), "wrong sign"),
    "content of one": (content("tf.reduce_sum(a_G**2) / (4 * n_H * n_W * n_C)"), "Only the second argument"),
    "content of whole numbers": (
        content(
            "tf.reduce_sum((tf.cast(tf.cast(a_C, tf.int32), tf.float32)"
            " - tf.cast(tf.cast(a_G, tf.int32), tf.float32))**2) / (4 * n_H * n_W * n_C)"
        ),
        "whole numbers",
    ),
    "content divided to 0": (
        content("1 // (4 * n_H * n_W * n_C) * tf.reduce_sum((a_C - a_G)**2)"),
        "whole-number division",
    ),
    "content rounded down": (content("tf.reduce_sum((a_C - a_G)**2) // (4 * n_H * n_W * n_C)"), "rounds down"),
    "content in float16": (
        content("tf.reduce_sum(tf.cast(a_C - a_G, tf.float16)**2) / (4 * n_H * n_W * n_C)"),
        "does a small type overflow",
    ),
    "content not summed": (
        content("(a_C - a_G)**2 / (4 * n_H * n_W * n_C)"),
        "yours gives an array of shape (1, 5, 7, 3)",
    ),
    "content hard-coded": (("compute_content_cost", "tf.constant(6.7655926)"), "same for every input"),
    "content in NumPy": (
        content("np.sum((np.asarray(a_C) - np.asarray(a_G))**2) / (4 * n_H * n_W * n_C)"),
        "NumPy",
    ),
    "content without a gradient": (
        content("tf.reduce_sum((a_C - tf.stop_gradient(a_G))**2) / (4 * n_H * n_W * n_C)"),
        "no gradient flows from it to `a_G`",
    ),
    "dimensions from an array": (
        (
            "compute_content_cost",
            "m, n_H, n_W, n_C = a_C.get_shape().as_list()\n"
            "return tf.reduce_sum((a_C - a_G)**2) / (4 * n_H * n_W * n_C)",
        ),
        "dimensions from an array",
    ),
    "content twice": (
        content("3 * tf.reduce_sum((a_C - a_G)**2) / (4 * n_H * n_W * n_C)"),
        "3 times the right one",
    ),
    "gram over positions": (("gram_matrix", "tf.matmul(tf.transpose(A), A)"), "over positions"),
    "gram elementwise": (("gram_matrix", "A * A"), "elementwise"),
    "gram without the transpose": (("gram_matrix", "tf.matmul(A, A)"), "shapes do not fit"),
    "gram divided by positions": (
        ("gram_matrix", "tf.matmul(A, A, transpose_b=True) / A.shape[1]"),
        "You divide by n_H n_W; the formula divides by nothing",
    ),
    "gram divided by channels": (
        ("gram_matrix", "tf.matmul(A, A, transpose_b=True) / A.shape[0]"),
        "divide by n_C",
    ),
    "gram as covariance": (
        (
            "gram_matrix",
            "B = A - tf.reduce_mean(A, axis=1, keepdims=True)\nreturn tf.matmul(B, B, transpose_b=True)",
        ),
        "covariance",
    ),
    "gram as correlation": (
        ("gram_matrix", "B = tf.nn.l2_normalize(A, axis=1)\nreturn tf.matmul(B, B, transpose_b=True)"),
        "length 1",
    ),
    "gram diagonal": (("gram_matrix", "tf.reduce_sum(A * A, axis=1)"), "only the diagonal"),
    "gram triangle": (("gram_matrix", "tf.linalg.band_part(A @ tf.transpose(A), 0, -1)"), "upper triangle"),
    "gram is A": (("gram_matrix", "A"), "return A itself"),
    "gram negative": (("gram_matrix", "-A @ tf.transpose(A)"), "wrong sign"),
    "gram in float16": (
        (
            "gram_matrix",
            "B = tf.cast(A, tf.float16)\nreturn tf.cast(tf.matmul(B, B, transpose_b=True), tf.float32)",
        ),
        "does a small type overflow",
    ),
    "style reshaped without transpose": (
        style("S, G = (tf.reshape(a, [n_C, n_H*n_W]) for a in (a_S, a_G))"),
        "`reshape` to (n_C, n_H*n_W) without the transpose",
    ),
    "style over positions": (
        style("S, G = (tf.reshape(a, [n_H*n_W, n_C]) for a in (a_S, a_G))"),
        "over positions",
    ),
    "style reshaped, over positions": (
        style("S, G = (tf.transpose(tf.reshape(a, [n_C, n_H*n_W])) for a in (a_S, a_G))"),
        "over its columns",
    ),
    "style with dimensions in the wrong order": (
        style("m, n_C, n_W, n_H = a_G.shape\n" + UNROLLED),
        "dimensions are read in the wrong order: n_H stands for n_C",
    ),
    "style with a wrong perm": (
        style("S, G = (tf.reshape(tf.transpose(a, [0, 2, 1, 3]), [n_W, -1]) for a in (a_S, a_G))"),
        "picture's columns (n_W) to the front",
    ),
    "style without 4": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (n_C**2 * (n_H*n_W)**2)"),
        "the 4 is missing",
    ),
    "style without n_C": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (4 * (n_H*n_W)**2)"),
        "n_C is missing",
    ),
    "style without n_H": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (4 * n_C**2 * n_W**2)"),
        "n_H is missing",
    ),
    "style without n_W": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (4 * n_C**2 * n_H**2)"),
        "n_W is missing",
    ),
    "style n_C unsquared": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (4 * n_C * (n_H*n_W)**2)"),
        "n_C is not squared",
    ),
    "style n_W unsquared": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (4 * n_C**2 * n_H**2*n_W)"),
        "n_W is not squared",
    ),
    "style positions unsquared": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (4 * n_C**2 * n_H*n_W)"),
        "n_H is not squared, n_W is not squared",
    ),
    "style unsquared": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (4 * n_C * n_H * n_W)"),
        "normaliser is not squared",
    ),
    "style with 2 unsquared": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (2 * (n_C * n_H * n_W)**2)"),
        "The 2 is not squared",
    ),
    "style with a mean": (
        style(GRAMS + "tf.reduce_mean((G_S - G_G)**2) / (4 * n_C**2 * (n_H*n_W)**2)"),
        "mean for the sum",
    ),
    "style of absolute values": (
        style(GRAMS + "tf.reduce_sum(tf.abs(G_S - G_G)) / (4 * n_C**2 * (n_H*n_W)**2)"),
        "absolute values",
    ),
    "style of the difference": (
        style(UNROLLED + "return tf.reduce_sum(gram_matrix(S - G)**2) / (4 * n_C**2 * (n_H*n_W)**2)"),
        "Gram matrix of the difference",
    ),
    "style without Gram matrices": (
        style("return tf.reduce_sum((a_S - a_G)**2) / (4 * n_C**2 * (n_H*n_W)**2)"),
        "There is no Gram matrix",
    ),
    "style in 32-bit integers": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / tf.cast(4 * (tf.size(a_G))**2, tf.float32)"),
        "Right for small inputs and wrong for large ones",
    ),
    "style with a mistake in gram_matrix": (
        style(UNROLLED, "return tf.matmul(A, A, transpose_b=True) / 2"),
        "`compute_layer_style_cost` itself is right, but `gram_matrix`, which it calls, is not right: You divide by 2",
    ),
    "style with gram_matrix over positions": (
        style(UNROLLED, "return tf.matmul(A, A, transpose_a=True)"),
        "itself is right, but `gram_matrix`, which it calls, is not right: This is the Gram matrix over positions",
    ),
    "style with both wrong": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (n_C**2 * (n_H*n_W)**2)", "return A * A"),
        "`gram_matrix`, which it calls, needs a look too",
    ),
    "style sum as mean": (
        ("compute_style_cost", changed(STYLE_LAYER, ("return J_style", "return J_style / len(STYLE_LAYERS)"))),
        "mean over the layers",
    ),
    "style sum without weights": (
        ("compute_style_cost", changed(STYLE_LAYER, ("coeff *", ""))),
        "ignore the weights",
    ),
    "style sum with fixed weights": (
        ("compute_style_cost", changed(STYLE_LAYER, ("coeff *", "0.2 *"))),
        "weight 0.2",
    ),
    "style sum without adding": (
        ("compute_style_cost", changed(STYLE_LAYER, ("+=", "="))),
        "Only the last layer",
    ),
    "style sum returning early": (
        ("compute_style_cost", changed(STYLE_LAYER, ("\nreturn", "\n    return"))),
        "Only the first layer",
    ),
    "style sum with a_S not run": (
        ("compute_style_cost", changed(STYLE_LAYER, ("sess.run(a_G)", "a_G"))),
        "`a_S` follows it too",
    ),
    "style sum with a_G run": (
        (
            "compute_style_cost",
            changed(
                STYLE_LAYER,
                ("a_G = model[layer_name]", "a_G = sess.run(model[layer_name])"),
                ("sess.run(a_G)", "a_G"),
            ),
        ),
        "`a_G` was run",
    ),
    "style sum of the global layers": (
        (
            "compute_style_cost",
            changed(STYLE_LAYER, ("in STYLE_LAYERS", "in LAYERS")),
            f"LAYERS = {costs.STYLE_LAYERS}\n",
        ),
        "the course's layers",
    ),
    "style sum with a wrong layer cost": (
        (
            "compute_style_cost",
            STYLE_LAYER,
            "def compute_layer_style_cost(a_S, a_G): return tf.reduce_sum((a_S - a_G)**2)\n",
        ),
        "`compute_layer_style_cost`, which it calls, is not right: There is no Gram matrix",
    ),
    "total swapped": (("total_cost", "beta * J_content + alpha * J_style"), "weights are swapped"),
    "total without alpha": (("total_cost", "J_content + beta * J_style"), "alpha is forgotten"),
    "total without beta": (("total_cost", "alpha * J_content + J_style"), "beta is forgotten"),
    "total without weights": (("total_cost", "J_content + J_style"), "Both weights are forgotten"),
    "total hard-coded weights": (("total_cost", "10 * J_content + 40 * J_style"), "alpha and beta are ignored"),
    "total multiplied": (("total_cost", "alpha * J_content * beta * J_style"), "multiply the two costs"),
    "total divided": (
        ("total_cost", "(alpha * J_content + beta * J_style) / (alpha + beta)"),
        "divide by alpha + beta",
    ),
    "total weighted late": (("total_cost", "alpha * (J_content + J_style)"), "alpha weights both"),
    "total of one": (("total_cost", "beta * J_style"), "Only the style's cost"),
    "total as a number": (
        ("total_cost", "tf.stop_gradient(alpha * J_content + beta * J_style)"),
        "no gradient",
    ),
    "total with 1 - alpha": (("total_cost", "alpha * J_content + (1 - alpha) * J_style"), "the weight 1 - alpha"),
    "total plus a constant": (("total_cost", "alpha * J_content + beta * J_style + 1"), "off by the same number, 1"),
    "total reading the notebook": (
        ("total_cost", "ALPHA * J_content + beta * J_style", "ALPHA = 10\n"),
        "`ALPHA` is a name of your notebook",
    ),
    "content with the style's normaliser": (
        content("tf.reduce_sum((a_C - a_G)**2) / (4 * n_C**2 * (n_H*n_W)**2)"),
        "belongs to the style cost",
    ),
    "content with the sum of the dimensions": (
        content("tf.reduce_sum((a_C - a_G)**2) / (4 * (n_H + n_W + n_C))"),
        "You divide by 4 (n_H + n_W + n_C)",
    ),
    "content divided or squared early": (
        content("tf.reduce_sum((a_C - a_G)**2) / (4 * n_H * n_W * n_C)**2"),
        "Either: You divide before you square",
    ),
    "content of pictures unrolled in two ways": (
        content(
            "tf.reduce_sum((tf.reshape(a_C, [n_C, n_H*n_W]) - tf.transpose(tf.reshape(a_G, [n_H*n_W, n_C])))**2)"
            " / (4 * n_H * n_W * n_C)"
        ),
        "unrolled in different ways",
    ),
    "content with half of its gradient": (
        content("tf.reduce_sum((a_C - a_G) * tf.stop_gradient(a_C - a_G)) / (4 * n_H * n_W * n_C)"),
        "its gradient with respect to `a_G` is not",
    ),
    "content with a picture that makes no difference": (
        content("tf.reduce_sum(tf.sin(a_C - a_C + a_G)) / (4 * n_H * n_W * n_C)"),
        "`a_C` makes no difference",
    ),
    "gram with a reshape for the transpose": (
        ("gram_matrix", "tf.matmul(A, tf.reshape(A, [A.shape[1], A.shape[0]]))"),
        "`reshape` is no transpose",
    ),
    "style not unrolled": (style("S, G = a_S, a_G"), "You don't unroll"),
    "style with one picture transposed": (
        style(
            "S = tf.transpose(tf.reshape(a_S, [n_H*n_W, n_C]))\nG = tf.reshape(a_G, [n_C, n_H*n_W])",
        ),
        "not treated alike. With `a_G`",
    ),
    "style with one picture not unrolled": (
        style("S = tf.transpose(tf.reshape(a_S, [n_H*n_W, n_C]))\nG = a_G"),
        "One of the two is not unrolled",
    ),
    "style with the sum of the dimensions": (
        style(GRAMS + "tf.reduce_sum((G_S - G_G)**2) / (2 * (n_H + n_W + n_C))**2"),
        "You divide by (2 (n_H + n_W + n_C))²",
    ),
    "style sum with name and weight exchanged": (
        ("compute_style_cost", changed(STYLE_LAYER, ("layer_name, coeff in", "coeff, layer_name in"))),
        "are exchanged",
    ),
    "style sum that was run": (
        ("compute_style_cost", changed(STYLE_LAYER, ("return J_style", "return sess.run(J_style)"))),
        "return the tensor",
    ),
    "assign and layer in one run": (
        (
            "layer_activations",
            "_, a = sess.run([model['input'].assign(image), model[layer_name]])\nreturn a",
        ),
        "in one `sess.run`",
    ),
    "activations through a session of its own": (
        (
            "layer_activations",
            "with tf.Session() as own:\n    own.run(tf.global_variables_initializer())\n"
            "    own.run(model['input'].assign(image))\n    return own.run(model[layer_name])",
        ),
        "Nothing was run in the session",
    ),
    "activations in a list": (
        ("layer_activations", "sess.run(model['input'].assign(image))\nreturn sess.run([model[layer_name]])"),
        "a list of length 1",
    ),
    "means subtracted twice": (
        (
            "layer_activations",
            "sess.run(model['input'].assign(image - MEANS))\nreturn sess.run(model[layer_name])",
            "MEANS = np.array([123.68, 116.779, 103.939], 'float32')\n",
        ),
        "minus the means, which are subtracted already",
    ),
    "an optimiser of Keras": (
        ("build_train_step", "tf.keras.optimizers.Adam(2.0).minimize(J)"), "is one of Keras",
    ),
    "an optimiser of Keras returned": (
        ("build_train_step", "tf.keras.optimizers.Adam(2.0)"),
        "an object of Keras, `Adam`",
    ),
    "Adam with another beta1": (
        ("build_train_step", "tf.train.AdamOptimizer(2.0, beta1=0.5).minimize(J)"), "Adam's beta1 is 0.5",
    ),
    "model_nn never reporting": (
        (
            "model_nn",
            "sess.run(tf.global_variables_initializer())\nsess.run(model['input'].assign(input_image))\n"
            "for i in range(num_iterations):\n    sess.run(train_step)\nreturn sess.run(model['input'])",
        ),
        "the costs are never read",
    ),
    "model_nn reading costs and keeping them to itself": (
        (
            "model_nn",
            changed(
                MODEL_NN,
                ('        print("Iteration", i, Jt, Jc, Js)\n', ""),
                ('        save_image("output/" + str(i) + ".png", generated_image)\n', ""),
                ("save_image('output/generated_image.jpg', generated_image)\n", ""),
            ),
        ),
        "never reported",
    ),
    "model_nn reporting tensors": (
        ("model_nn", changed(MODEL_NN, ("i, Jt, Jc, Js)", "i, J, J_content, J_style)")), SAVE_IMAGE),
        "You report a tensor",
    ),
    "model_nn returning the last reported picture": (
        (
            "model_nn",
            changed(
                MODEL_NN,
                ("    generated_image = sess.run(model['input'])\n    if i % 20 == 0:\n",
                 "    if i % 20 == 0:\n        generated_image = sess.run(model['input'])\n"),
            ),
            SAVE_IMAGE,
        ),
        "You return the picture after step 1 of 3",
    ),
    "model_nn returning in the loop": (
        ("model_nn", changed(MODEL_NN, ("\nreturn generated_image", "\n    return generated_image"),
                             ("save_image('output/generated_image.jpg', generated_image)\n", "")), SAVE_IMAGE),
        "does a `return` or a `break` end the loop early",
    ),
    "model_nn initialising in the loop": (
        (
            "model_nn",
            changed(MODEL_NN, ("    sess.run(train_step)",
                               "    sess.run(tf.global_variables_initializer())\n    sess.run(train_step)")),
            SAVE_IMAGE,
        ),
        "initialised after the `assign`, 3 times",
    ),
    "model_nn returning a cost": (
        ("model_nn", changed(MODEL_NN, ("return generated_image", "return sess.run(J)")), SAVE_IMAGE),
        "You return one number, `J`",
    ),
    "model_nn with step and picture in one run": (
        (
            "model_nn",
            changed(
                MODEL_NN,
                ("    sess.run(train_step)\n    generated_image = sess.run(model['input'])\n",
                 "    _, generated_image = sess.run([train_step, model['input']])\n"),
            ),
            SAVE_IMAGE,
        ),
        "in the same `sess.run` as the `train_step`",
    ),
    "model_nn assigning in the run of the train step": (
        (
            "model_nn",
            changed(MODEL_NN, ("sess.run(train_step)", "sess.run([train_step, model['input'].assign(input_image)])")),
            SAVE_IMAGE,
        ),
        "does not promise which comes first",
    ),
    "gradient clipped": (
        ("train_step", changed(TRAIN_STEP, ("(gradient,", "(tf.clip_by_value(gradient, -1.0, 1.0),"))),
        "was given the gradient clipped to -1..1",
    ),
    "J in the gradient's place": (
        ("train_step", changed(TRAIN_STEP, ("(gradient,", "(J,"))),
        "another shape than `image`",
    ),
    "clipped before the step": (
        (
            "train_step",
            changed(
                TRAIN_STEP,
                ("optimizer.apply_gradients([(gradient, image)])\nimage.assign(tf.clip_by_value(image, 0.0, 255.0))",
                 "image.assign(tf.clip_by_value(image, 0.0, 255.0))\noptimizer.apply_gradients([(gradient, image)])"),
            ),
        ),
        "or it comes before the step",
    ),
    "the pair reversed": (
        ("train_step", changed(TRAIN_STEP, ("(gradient, image)", "(image, gradient)"))), "the wrong way round",
    ),
    "train_step with .numpy()": (
        ("train_step", changed(TRAIN_STEP, ("return J", "return J.numpy()"))), "the notebook runs it in `tf.function`",
    ),
    "learning rate 0.02": (
        ("build_train_step", "tf.train.AdamOptimizer(0.02).minimize(J)"),
        "learning rate 0.02;",
    ),
    "learning rate by default": (
        ("build_train_step", "tf.train.AdamOptimizer().minimize(J)"),
        "learning rate 0.001;",
    ),
    "gradient descent": (
        ("build_train_step", "tf.train.GradientDescentOptimizer(2.0).minimize(J)"),
        "gradient descent, with the learning rate 2;",
    ),
    "Adagrad": (("build_train_step", "tf.train.AdagradOptimizer(2.0).minimize(J)"), "This is Adagrad"),
    "maximising": (("build_train_step", "tf.train.AdamOptimizer(2.0).minimize(-J)"), "You maximise the cost"),
    "the optimiser": (("build_train_step", "tf.train.AdamOptimizer(2.0)"), "You return the optimiser"),
    "only gradients": (
        ("build_train_step", "tf.train.AdamOptimizer(2.0).compute_gradients(J)"),
        "changes nothing",
    ),
    "nothing returned": (
        ("build_train_step", "tf.train.AdamOptimizer(2.0).minimize(J)\npass"),
        "returns nothing (None)",
    ),
    "model_nn initialised late": (
        (
            "model_nn",
            changed(
                MODEL_NN,
                ("sess.run(tf.global_variables_initializer())\n", ""),
                ("(input_image))\n", "(input_image))\nsess.run(tf.global_variables_initializer())\n"),
            ),
            SAVE_IMAGE,
        ),
        "initialised after the `assign`",
    ),
    "model_nn never initialised": (
        (
            "model_nn",
            changed(MODEL_NN, ("sess.run(tf.global_variables_initializer())\nsess.run(", "(")),
            SAVE_IMAGE,
        ),
        "never initialised",
    ),
    "model_nn assign never run": (
        (
            "model_nn",
            changed(
                MODEL_NN, ("sess.run(model['input'].assign(input_image))", "model['input'].assign(input_image)")
            ),
            SAVE_IMAGE,
        ),
        "`assign` was never run",
    ),
    "model_nn without steps": (
        ("model_nn", changed(MODEL_NN, ("    sess.run(train_step)\n", "")), SAVE_IMAGE),
        "train_step was never run",
    ),
    "model_nn one too few": (
        ("model_nn", changed(MODEL_NN, ("range(num", "range(1, num")), SAVE_IMAGE),
        "One iteration too few",
    ),
    "model_nn one too many": (
        ("model_nn", changed(MODEL_NN, ("iterations)", "iterations + 1)")), SAVE_IMAGE),
        "One iteration too many",
    ),
    "model_nn ignoring the number": (
        ("model_nn", changed(MODEL_NN, ("num_iterations", "200")), SAVE_IMAGE),
        "`num_iterations` is ignored",
    ),
    "model_nn returning its input": (
        ("model_nn", changed(MODEL_NN, ("return generated_image", "return input_image")), SAVE_IMAGE),
        "`input_image` as it came",
    ),
    "model_nn reading early": (
        (
            "model_nn",
            changed(
                MODEL_NN,
                (
                    "    sess.run(train_step)\n    generated_image = sess.run(model['input'])\n",
                    "    generated_image = sess.run(model['input'])\n    sess.run(train_step)\n",
                ),
            ),
            SAVE_IMAGE,
        ),
        "from before the last step",
    ),
    "model_nn assigning in the loop": (
        (
            "model_nn",
            changed(
                MODEL_NN,
                (
                    "    sess.run(train_step)",
                    "    sess.run(model['input'].assign(input_image))\n    sess.run(train_step)",
                ),
            ),
            SAVE_IMAGE,
        ),
        "inside the loop",
    ),
    "model_nn returning nothing": (
        ("model_nn", changed(MODEL_NN, ("return generated_image", "")), SAVE_IMAGE),
        "nothing (None)",
    ),
    "model_nn returning a tensor": (
        ("model_nn", changed(MODEL_NN, ("return generated_image", "return model['input']")), SAVE_IMAGE),
        "tensor, not the picture",
    ),
    "not clipped": (
        ("train_step", changed(TRAIN_STEP, ("image.assign(tf.clip_by_value(image, 0.0, 255.0))", ""))),
        "no clipping",
    ),
    "clipped but not assigned": (
        (
            "train_step",
            changed(
                TRAIN_STEP,
                ("image.assign(tf.clip_by_value(image, 0.0, 255.0))", "tf.clip_by_value(image, 0.0, 255.0)"),
            ),
        ),
        "never assigned",
    ),
    "clipped to 0..1": (("train_step", changed(TRAIN_STEP, ("255.0", "1.0"))), "clip to 0..1"),
    "cost outside the tape": (
        (
            "train_step",
            changed(
                TRAIN_STEP,
                ("    J = compute_cost(image)", "    pass"),
                ("gradient = ", "J = compute_cost(image)\ngradient = "),
            ),
        ),
        "The gradient is None",
    ),
    "picture not moved": (
        ("train_step", changed(TRAIN_STEP, ("optimizer.apply_gradients([(gradient, image)])", ""))),
        "is not changed",
    ),
    "a copy moved": (
        ("train_step", changed(TRAIN_STEP, ("[(gradient, image)]", "[(gradient, tf.Variable(image))]"))),
        "`image` is not changed: the step goes to a copy",
    ),
    "up the gradient": (("train_step", changed(TRAIN_STEP, ("(gradient,", "(-gradient,"))), "You maximise"),
    "train_step returning nothing": (("train_step", changed(TRAIN_STEP, ("return J", ""))), "nothing (None)"),
    "a constant copy": (
        ("train_step", changed(TRAIN_STEP, ("with tf", "image = tf.constant(image)\nwith tf"))),
        "the step goes to a copy",
    ),
    "own learning rate": (
        (
            "train_step",
            changed(
                TRAIN_STEP,
                ("optimizer.apply_gradients([(gradient, image)])", "image.assign_sub(2.0 * gradient)"),
            ),
        ),
        "optimizer that you are given is not used",
    ),
    "cost after the step": (
        ("train_step", changed(TRAIN_STEP, ("return J", "return compute_cost(image)"))),
        "cost of the picture after the step",
    ),
    "train_step not clipped in tf.function": (
        (
            "train_step",
            changed(TRAIN_STEP, ("image.assign(tf.clip_by_value(image, 0.0, 255.0))", "")),
            None,
            "tf.function",
        ),
        "no clipping",
    ),
    "cosines of zeros": (
        (
            "cosine_similarity",
            "x, y = (v / tf.norm(v, axis=1, keepdims=True) for v in (x, y))\nreturn tf.matmul(x, y, transpose_b=True)",
        ),
        "vector of zeros in `x`",
    ),
    "cosines of zeros in y": (
        (
            "cosine_similarity",
            "y = y / tf.norm(y, axis=1, keepdims=True)\n"
            "return tf.matmul(tf.math.l2_normalize(x, 1), y, transpose_b=True)",
        ),
        "vector of zeros in `y`",
    ),
    "cosines along the wrong axis": (
        ("cosine_similarity", "tf.matmul(tf.math.l2_normalize(x, 0), tf.math.l2_normalize(y, 0), transpose_b=True)"),
        "wrong axis",
    ),
    "cosines not normalised": (("cosine_similarity", "tf.matmul(x, y, transpose_b=True)"), "not scaled to length 1"),
    "cosines normalised late": (
        ("cosine_similarity", "tf.math.l2_normalize(tf.matmul(x, y, transpose_b=True), 1)"),
        "table of products",
    ),
    "cosines transposed": (
        ("cosine_similarity", "return tf.transpose(of(x, y))", COSINES.replace("cosine_similarity", "of")),
        "transposed",
    ),
    "distances for cosines": (("cosine_similarity", "tf.norm(x[:, None] - y[None], axis=-1)"), "That is a distance"),
    "1 - cosines": (
        ("cosine_similarity", "return 1 - of(x, y)", COSINES.replace("cosine_similarity", "of")),
        "1 minus the cosine",
    ),
    "nearest without means": (("nearest_spots", "tf.argmax(cosine_similarity(v_C, v_S), axis=1)", COSINES), "No mean"),
    "nearest by the photograph's mean": (
        (
            "nearest_spots",
            f"tf.argmax(cosine_similarity({C}, {S.replace('mean(v_S', 'mean(v_C')}), axis=1)",
            COSINES,
        ),
        "From both tables you subtract the photograph's mean",
    ),
    "nearest by a joint mean": (
        (
            "nearest_spots",
            "m = tf.reduce_mean(tf.concat([v_C, v_S], 0), 0)\n"
            "return tf.argmax(cosine_similarity(v_C - m, v_S - m), axis=1)",
            COSINES,
        ),
        "both pictures together",
    ),
    "furthest": (("nearest_spots", f"tf.argmin(cosine_similarity({C}, {S}), axis=1)", COSINES), "least similar"),
    "nearest by distance": (
        ("nearest_spots", f"tf.argmin(tf.norm(({C})[:, None] - ({S})[None], axis=-1), axis=1)"),
        "least distance",
    ),
    "nearest by dot product": (
        ("nearest_spots", f"tf.argmax(tf.matmul({C}, {S}, transpose_b=True), axis=1)"),
        "dot product prefers long vectors",
    ),
    "nearest place": (("nearest_spots", f"tf.argmax(cosine_similarity({C}, {S}), axis=0)", COSINES), "wrong axis"),
    "how near": (("nearest_spots", f"tf.reduce_max(cosine_similarity({C}, {S}), axis=1)", COSINES), "not how great"),
    "nearest with NaN": (
        (
            "nearest_spots",
            f"x, y = np.asarray({C}), np.asarray({S})\nwith np.errstate(all='ignore'):\n"
            "    return np.argmax(x @ (y / np.linalg.norm(y, axis=1, keepdims=True)).T, axis=1)",
        ),
        "without a direction",
    ),
    "nearest by a wrong similarity": (
        (
            "nearest_spots",
            f"tf.argmax(cosine_similarity({C}, {S}), axis=1)",
            "def cosine_similarity(x, y): return tf.matmul(x, y, transpose_b=True)",
        ),
        "`cosine_similarity`, which it calls, is not right",
    ),
    "targets of the photograph": (
        ("compute_targets", SPOTS.format("tf.reshape(a_C, [-1, a_C.shape[-1]])", "chosen")),
        "not `a_C`",
    ),
    "targets by columns": (
        (
            "compute_targets",
            SPOTS.format("tf.reshape(tf.transpose(a_S, [0, 2, 1, 3]), [-1, a_S.shape[-1]])", "chosen"),
        ),
        "column by column",
    ),
    "targets by the photograph's width": (
        (
            "compute_targets",
            "row, column = chosen // a_C.shape[2], chosen % a_C.shape[2]\n"
            "row, column = tf.minimum(row, a_S.shape[1] - 1), tf.minimum(column, a_S.shape[2] - 1)\n"
            "return tf.reshape(tf.gather_nd(a_S[0], tf.stack([row, column], 1)), a_C.shape)",
        ),
        "photograph's width",
    ),
    "targets in a list": (
        ("compute_targets", "tf.gather(tf.reshape(a_S, [-1, a_S.shape[-1]]), chosen)"),
        "one below the other",
    ),
    "match summed": (
        ("compute_match_cost", changed(MATCH, ("tf.reduce_mean(1", "tf.reduce_sum(1"))),
        "You sum over the places: take the mean",
    ),
    "match without 1": (("compute_match_cost", changed(MATCH, ("1 - ", ""))), "1 - is missing"),
    "match negative": (("compute_match_cost", changed(MATCH, ("return ", "return -"))), "wrong sign"),
    "match without means": (("compute_match_cost", changed(MATCH, (" - mean", ""))), "No mean"),
    "match by the targets' mean": (
        ("compute_match_cost", changed(MATCH, ("reduce_mean(a_S", "reduce_mean(a_T"))),
        "You subtract the mean of `a_T` from both",
    ),
    "match not normalised": (
        ("compute_match_cost", changed(MATCH, ("tf.math.l2_normalize(a_G - mean, axis=-1)", "a_G - mean"))),
        "not scaled to length 1",
    ),
    "match normalised as a whole": (
        ("compute_match_cost", changed(MATCH, (", axis=-1)\ng", ")\ng"), ("a_G - mean, axis=-1", "a_G - mean"))),
        "length of the whole table",
    ),
    "match normalised before the mean": (
        (
            "compute_match_cost",
            "mean = tf.reduce_mean(a_S, [0, 1, 2])\n"
            "t, g = (tf.math.l2_normalize(tf.math.l2_normalize(a, -1) - mean, -1) for a in (a_T, a_G))\n"
            "return tf.reduce_mean(1 - tf.reduce_sum(t * g, axis=-1))",
        ),
        "before you subtract the mean",
    ),
    "match of NumPy": (
        ("compute_match_cost", changed(MATCH, ("a_G -", "a_G.numpy() -"))),
        "no gradient flows",
    ),
    "match of zeros": (
        (
            "compute_match_cost",
            changed(
                MATCH,
                ("tf.math.l2_normalize(a_G - mean, axis=-1)", "a_G - mean\ng = g / tf.norm(g, axis=-1, keepdims=True)"),
            ),
        ),
        "Right but where a vector of `a_G`",
    ),
    "match with an endless slope": (
        (
            "compute_match_cost",
            changed(
                MATCH,
                (
                    "tf.math.l2_normalize(a_G - mean, axis=-1)",
                    "a_G - mean\ng = g / (tf.reduce_sum(g * g, axis=-1, keepdims=True) ** 0.5 + 1e-9)",
                ),
            ),
        ),
        "gradient is NaN",
    ),
}


def function_of(exercise, body, before=None, decorator=None):
    function = answer(exercise, body, before or "")
    return tf.function(function) if decorator else function


@pytest.mark.parametrize("variant", RIGHT.values(), ids=RIGHT)
def test_every_right_form_is_accepted(variant):
    result = getattr(checks, variant[0])(function_of(*variant))
    assert result.outcome == "correct", result
    assert result.hint == "" and result.message


@pytest.mark.parametrize(("variant", "phrase"), WRONG.values(), ids=WRONG)
def test_every_mistake_gets_its_name(variant, phrase):
    result = getattr(checks, variant[0])(function_of(*variant))
    assert (result.exercise, result.outcome) == (variant[0], "wrong"), result
    assert phrase in result.message
    assert result.hint


def test_every_exercise_has_the_function_that_its_notebook_calls():
    assert {*EXERCISES} == {*checks.__all__} - {"Result", "TIME_LIMIT"}
    for name in EXERCISES:
        assert getattr(checks, name)(None).exercise == name


def test_a_helper_that_is_wrong_but_makes_no_difference_is_not_blamed():
    body = "if a_S is None:\n    gram_matrix(a_S)\n" + UNROLLED + (
        "G_S, G_G = (tf.matmul(A, A, transpose_b=True) for A in (S, G))\n"
        "return tf.reduce_sum((G_S - G_G)**2) / (4 * n_C**2 * (n_H*n_W)**2)"
    )
    assert checks.compute_layer_style_cost(answer(*style(body, "return A"))).outcome == "correct"


def test_a_name_of_the_notebook_in_an_arguments_place_is_seen_in_a_function_of_a_function_too():
    source = """
    ALPHA = 10
    def make(one):
        def total_cost(J_content, J_style, alpha=10, beta=40):
            return one * (ALPHA * J_content + beta * J_style)
        return total_cost
    """
    result = checks.total_cost(notebook(source)["make"](1))
    assert "`ALPHA` is a name of your notebook" in result.message and result.message.endswith("argument `alpha`.")


def test_a_helper_may_read_the_notebooks_model():
    helper = "model = None\ndef layer(name): return model[name]\n"
    body = changed(STYLE_LAYER, ("= model[layer_name]", "= layer(layer_name)"))
    assert checks.compute_style_cost(answer("compute_style_cost", body, helper)).outcome == "correct"


@pytest.mark.parametrize("name", ["cosines in NumPy", "nearest", "targets", "match cost", "train_step"])
def test_what_needs_values_is_judged_in_eager_mode_inside_of_a_graph(name):
    with tf.Graph().as_default():
        assert getattr(checks, RIGHT[name][0])(function_of(*RIGHT[name])).outcome == "correct"


class Doubled:
    def __call__(self, A):
        return 2 * tf.matmul(A, A, transpose_b=True)


@pytest.mark.parametrize(
    "function", [Doubled(), partial(tf.matmul, transpose_b=True), np.linalg.det, len],
    ids=["an object", "a partial", "of NumPy", "built in"],
)  # fmt: skip
def test_what_can_be_called_and_is_no_function_is_judged_too(function):
    result = checks.gram_matrix(function)
    assert (result.exercise, result.outcome) == ("gram_matrix", "wrong") and "cannot be judged" not in result.message


# --- What is no answer --------------------------------------------------------------------------------------

EMPTY = [
    "raise NotImplementedError",
    "raise NotImplementedError('your code here')",
    "pass",
    "...",
    "result = None\nreturn result",
    "n_H, n_W, n_C = None, None, None\nreturn None",
]


@pytest.mark.parametrize("exercise", HEADERS)
@pytest.mark.parametrize("body", EMPTY)
def test_a_stub_is_not_attempted(exercise, body):
    result = getattr(checks, exercise)(answer(exercise, body))
    assert result.outcome == "not attempted"
    assert result.hint


def test_a_stub_in_tf_function_is_not_attempted():
    assert (
        checks.train_step(tf.function(answer("train_step", "raise NotImplementedError"))).outcome
        == "not attempted"
    )


def test_a_stub_that_an_answer_calls_is_named():
    result = checks.compute_layer_style_cost(answer(*style(UNROLLED, "raise NotImplementedError")))
    assert result.outcome == "not attempted"
    assert (
        "`compute_layer_style_cost` itself is right, but `gram_matrix`, which it calls, is not written"
        in result.message
    )


@pytest.mark.parametrize("value", [None, 3, "gram_matrix", np.eye(2)], ids=repr)
def test_what_is_no_function_is_said(value):
    result = checks.gram_matrix(value)
    assert result.outcome == "wrong"
    assert f"object of type `{type(value).__name__}`: pass the function itself" in result.message


@pytest.mark.parametrize(
    ("check", "function", "says"),
    [
        (checks.gram_matrix, lambda: 0, "called as `gram_matrix(A)`, and yours takes `()`"),
        (checks.gram_matrix, lambda A, B: A, "yours takes `(A, B)`"),
        (checks.total_cost, lambda J_content, J_style: J_content, "alpha=10, beta=40)`, and yours takes"),
        (
            checks.total_cost,
            lambda J_content, J_style, alpha, beta: alpha,
            "alpha=10, beta=40)`, and yours takes",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_said(check, function, says):
    result = check(function)
    assert result.outcome == "wrong"
    assert says in result.message


def test_defaults_of_the_weights_are_checked():
    result = checks.total_cost(lambda J_content, J_style, alpha=40, beta=10: alpha * J_content + beta * J_style)
    assert result.outcome == "wrong"
    assert "default values are not: alpha is 10 and beta is 40" in result.message


# --- What stops ---------------------------------------------------------------------------------------------

CRASHES = {
    "raise ValueError('<no> &')": "`ValueError: <no> &` at line 3, `raise ValueError('<no> &')`",
    "import sys\nsys.exit(3)": "`SystemExit: 3` at line 4, `sys.exit(3)`",
    "raise KeyboardInterrupt": "`KeyboardInterrupt` at line 3",
    "raise GeneratorExit": "`GeneratorExit` at line 3",
    "x = 1\nreturn undefined_name": "`NameError: name 'undefined_name' is not defined` at line 4",
    "return gram_matrix(A)": "`RecursionError: maximum recursion depth exceeded",
    "class Odd(Exception):\n    def __str__(self): raise OSError\nraise Odd": "Odd: <exception str() failed>` at line",
    "return {1: A}": "object of type `dict`",
    "return 'G'": "object of type `str`",
    "return iter([A])": "object of type `list_iterator`",
    "return tf.constant('G')": "numbers are expected",
}


@pytest.mark.parametrize(("body", "says"), CRASHES.items())
def test_a_crash_becomes_a_message(body, says):
    result = checks.gram_matrix(answer("gram_matrix", body))
    assert result.outcome == "wrong"
    assert says in result.message


def test_a_crash_in_tf_function_has_its_line():
    result = checks.train_step(tf.function(answer("train_step", "x = 1\nraise ValueError('here')")))
    assert "`ValueError: here` at line 4, `raise ValueError('here')`" in result.message


ENDLESS = {
    "plain": "while True:\n    pass",
    "catching Exception": "while True:\n    try:\n        x = sum(range(9))\n    except Exception:\n        pass",
    "catching everything": "while True:\n    try:\n        x = sum(range(9))\n    except:\n        pass",
    "in Python and TensorFlow": "while True:\n    B = tf.matmul(A, A, transpose_b=True)",
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_an_endless_loop_is_stopped(monkeypatch, body):
    monkeypatch.setattr(checks, "TIME_LIMIT", 0.5)
    before = threading.active_count()
    result = checks.gram_matrix(answer("gram_matrix", body))
    assert result.outcome == "wrong"
    assert "did not come to an end within 0.5 seconds at line " in result.message
    assert threading.active_count() == before


def test_what_cannot_be_stopped_is_left_behind(monkeypatch):
    monkeypatch.setattr(checks, "TIME_LIMIT", 0.5)
    namespace = notebook(
        """
        import threading
        released = threading.Event()
        def gram_matrix(A):
            while not released.is_set():
                try:
                    released.wait()
                except:
                    pass
        """
    )
    try:
        result = checks.gram_matrix(namespace["gram_matrix"])
    finally:
        namespace["released"].set()
    assert "did not come to an end" in result.message


def test_an_interrupt_by_the_user_is_the_users():
    # A process started in the background ignores the signal, and so would the test.
    threads = set(threading.enumerate())
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _interrupt_an_endless_answer()
    finally:
        signal.signal(signal.SIGINT, before)
    assert set(threading.enumerate()) <= threads, "the endless loop runs on"


def _interrupt_an_endless_answer():
    with pytest.raises(KeyboardInterrupt):
        interrupt = threading.Timer(0.5, _thread.interrupt_main)
        interrupt.start()
        checks.gram_matrix(answer("gram_matrix", ENDLESS["plain"]))


def test_a_check_runs_in_any_thread():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(checks.gram_matrix, function_of(*RIGHT["gram"])).result().outcome == "correct"


# --- What stays as it was -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["content", "style", "train step of the graph", "model_nn", "train_step"])
def test_the_notebook_is_left_alone(name, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function = function_of(*RIGHT[name])
    scope = dict(function.__globals__)
    random_state = np.random.get_state()[1].copy()
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        assert getattr(checks, RIGHT[name][0])(function).outcome == "correct"
        assert tf.compat.v1.get_default_graph() is graph
        assert tf.compat.v1.get_default_session() is session
        assert graph.get_operations() == []
    assert function.__globals__ == scope
    assert (np.random.get_state()[1] == random_state).all()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_lists_of_the_notebook_are_not_filled():
    function = function_of(*RIGHT["model_nn reading once"])
    assert checks.model_nn(function).outcome == "correct"
    assert function.__globals__["costs"] == []


def test_a_repeated_check_of_a_tf_function_says_nothing(capfd):
    function = function_of(*RIGHT["train_step in tf.function"])
    assert {checks.train_step(function).outcome for _ in range(3)} == {"correct"}
    assert capfd.readouterr() == ("", "")


# --- Both modes ---------------------------------------------------------------------------------------------

def test_graph_mode_of_the_process_gives_the_same_answers():
    """After `from nst_utils import *` every right variant passes, and wrong formulas get the same names."""
    script = """
        from nst_utils import *
        assert not tf.executing_eagerly()
        import test_checks
        test_checks.judge_again()
        assert not tf.get_default_graph().get_operations()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    run = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def judge_again():
    """Raise AssertionError where a right variant is refused, or a wrong formula is not called by its name."""
    for variant in RIGHT.values():
        result = getattr(checks, variant[0])(function_of(*variant))
        assert result.outcome == "correct", result
    for variant, phrase in WRONG.values():
        if variant[0] in ("compute_content_cost", "gram_matrix", "total_cost"):
            result = getattr(checks, variant[0])(function_of(*variant))
            assert phrase in result.message, result


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return np.dot(A, np.transpose(A))", "`tf`"),
        ("return tf.matmul(A, A, transpose_b=True).numpy()", "needs eager mode"),
        ("return sess.run(tf.matmul(A, A, transpose_b=True))", "a tensor or a session of your notebook"),
    ],
)
def test_in_a_graph_what_needs_values_is_named(body, says):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        function = answer("gram_matrix", body)
        function.__globals__["sess"] = session
        result = checks.gram_matrix(function)
    assert result.outcome == "wrong"
    assert says in result.message


@pytest.mark.parametrize("module", ["tensorflow", "tensorflow.compat.v1"])
def test_either_tensorflow_serves(module):
    source = f"import {module} as tf\ndef gram_matrix(A): return tf.matmul(A, tf.transpose(A))"
    function = notebook(source)["gram_matrix"]
    assert checks.gram_matrix(function).outcome == "correct"
    with tf.Graph().as_default():
        assert checks.gram_matrix(function).outcome == "correct"


# --- The result ---------------------------------------------------------------------------------------------


def test_hints_go_step_by_step():
    result = checks.gram_matrix(answer("gram_matrix", "raise NotImplementedError"))
    assert [result.hint, result.more(), result.more(), result.more()] == [*result.hints, result.hints[-1]]
    assert len(set(result.hints)) == 3


def test_no_hint_is_left_when_the_answer_is_right():
    result = checks.gram_matrix(function_of(*RIGHT["gram"]))
    assert (result.hint, result.more(), result.hints) == ("", "", ())


def test_a_graded_cell_requires_the_right_answer():
    assert checks.gram_matrix(function_of(*RIGHT["gram"])).require() is None
    with pytest.raises(AssertionError, match="wrong sign"):
        checks.gram_matrix(function_of(*WRONG["gram negative"][0])).require()
    with pytest.raises(NotImplementedError, match="still raises NotImplementedError"):
        checks.gram_matrix(answer("gram_matrix", "raise NotImplementedError")).require()


def test_a_result_is_readable_as_text_and_as_html():
    result = checks.gram_matrix(answer("gram_matrix", "raise ValueError('<b>1 & 2</b>')"))
    assert str(result) == repr(result)
    assert str(result).startswith("gram_matrix: wrong. Your function stopped with `ValueError: <b>1 & 2</b>`")
    assert f"Hint: {result.hint}" in str(result)
    html = result._repr_html_()
    ElementTree.fromstring(html)
    assert "<strong>&#10007; gram_matrix: wrong</strong>" in html
    assert "<code>ValueError: &lt;b&gt;1 &amp; 2&lt;/b&gt;</code>" in html
    assert html.count("<details>") == len(result.hints)


# --- The published values -----------------------------------------------------------------------------------


def course_normal(shape, seed):
    # In a graph of its own, where the random numbers start afresh.
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(
            4 * tf.raw_ops.RandomStandardNormal(shape=shape, dtype=tf.float32, seed=1, seed2=seed) + 1
        )


def test_the_published_values_come_from_answers_that_are_right():
    """The TensorFlow 1 edition's expected values, from variants that the checks accept."""
    pair = course_normal([1, 4, 4, 3], 3), course_normal([1, 4, 4, 3], 9)
    np.random.seed(3)
    J_content, J_style = np.random.randn(), np.random.randn()
    published = {
        "content": (pair, 6.76559),
        "content as a mean": (pair, 6.76559),
        "gram by einsum": (
            (course_normal([3, 2], 3),),
            [
                [6.42230511, -4.42912197, -2.09668207],
                [-4.42912197, 19.46583748, 19.56387138],
                [-2.09668207, 19.56387138, 20.6864624],
            ],
        ),
        "layer style": (pair, 9.19028),
        "layer style normalised first": (pair, 9.19028),
        "total": ((J_content, J_style), 35.34667875478276),
    }
    for name, (inputs, value) in published.items():
        function = function_of(*RIGHT[name])
        assert getattr(checks, RIGHT[name][0])(function).outcome == "correct"
        for answer_of in (function, getattr(costs, RIGHT[name][0])):
            np.testing.assert_allclose(answer_of(*inputs), value, rtol=1e-3)


def test_answers_that_are_a_thousandth_off_are_accepted():
    """A GPU's TF32 arithmetic differs by about that much."""
    assert checks.gram_matrix(lambda A: 1.0009 * tf.matmul(A, A, transpose_b=True)).outcome == "correct"
    assert checks.gram_matrix(lambda A: 1.01 * tf.matmul(A, A, transpose_b=True)).outcome == "wrong"

# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4. Style cost

# %% [markdown]
# **Aim.** You turn "these two pictures are painted in the same manner" into a number, first for one layer, then for several, and
# grow a texture from a painting's style alone.

# %%
# On Google Colab this installs the package; anywhere else it does nothing.
import subprocess
import sys

if "google.colab" in sys.modules:
    package = "git+https://github.com/nst-utils/nst_utils"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", package], check=True)

# %%
from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import checks, gram_matrix
from nst_utils.pictures import descend, example, show, show_curves, shuffle_tiles

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 144, 112

# %% [markdown]
# Like notebook 1, this one works in graph mode (`tensorflow.compat.v1`): first the network is built, then a session computes
# what it is asked for. In TensorFlow 2 each line would be computed at once, without a session (notebook 7).

# %%
model = load_vgg_model()
sess = tf.InteractiveSession()

style_image = example("style/van-gogh-cafe-terrace-at-night-1888.webp")
pictures = {
    "its tiles, shuffled": shuffle_tiles(style_image, tile=16),
    "The Night Café": example("style/van-gogh-night-cafe-1888.webp"),
    "Harvest at La Crau": example("style/van-gogh-harvest-at-la-crau-1888.webp"),
    "Summer Palace": example("content/summer-palace.jpg"),
    "a dahlia": example("content/dahlia.jpg"),
}
show({"the style": style_image, **pictures}, columns=3, height=1.5)

# %% [markdown]
# ## One layer
#
# The style of a picture at one layer is its Gram matrix $G$ (notebook 3). The **style cost** of the layer compares the Gram matrices of the
# style picture $S$ and of the generated picture $G$, entry by entry:
#
# $$J_{style}^{[l]}(S, G) = \frac{1}{4 \times n_C^2 \times (n_H n_W)^2} \sum_{i=1}^{n_C} \sum_{j=1}^{n_C} \left(G^{(S)}_{ij} - G^{(G)}_{ij}\right)^2$$
#
# An entry of $G$ is a sum over $n_H n_W$ positions, and it enters squared: dividing by $(n_H n_W)^2$ makes the cost independent of
# the size of the picture. $n_C^2$ is the number of entries.
#
# ## Exercise: the style cost of a layer
#
# `gram_matrix`, from notebook 3, is already imported; it takes a table $A$ of the shape $(n_C, n_H n_W)$. So first the
# activations $(1, n_H, n_W, n_C)$ must be unrolled into such a table. Take care: `tf.reshape` alone cannot move the channels to the front,
# it needs `tf.transpose` after it.

# %% nbgrader={"grade": false, "grade_id": "compute_layer_style_cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compute_layer_style_cost(a_S, a_G):
    """The style cost of one layer.

    a_S, a_G: activations of the style and the generated picture,
    tensors (1, n_H, n_W, n_C).
    Returns J_style_layer, a scalar tensor.
    """
    ### BEGIN SOLUTION
    m, n_H, n_W, n_C = [int(side) for side in a_G.shape]
    G_S = gram_matrix(tf.transpose(tf.reshape(a_S, [n_H * n_W, n_C])))
    G_G = gram_matrix(tf.transpose(tf.reshape(a_G, [n_H * n_W, n_C])))
    return tf.reduce_sum(tf.square(G_S - G_G)) / (4.0 * n_C**2 * (n_H * n_W) ** 2)
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.compute_layer_style_cost(compute_layer_style_cost)

# %% nbgrader={"grade": true, "grade_id": "compute_layer_style_cost_points", "points": 3, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.compute_layer_style_cost(compute_layer_style_cost).require()

# %% [markdown]
# With the random numbers of the original course, the answer is 9.190:

# %% tags=["nbval-check-output"]
def random_activations(shape, seed):
    """The course's random activations, with mean 1 and standard deviation 4."""
    return tf.raw_ops.RandomStandardNormal(shape=shape, dtype=tf.float32, seed=1, seed2=seed) * 4 + 1


a_S, a_G = random_activations([1, 4, 4, 3], 3), random_activations([1, 4, 4, 3], 9)
print(f"J_style_layer = {sess.run(compute_layer_style_cost(a_S, a_G)):.3f}")

# %% [markdown]
# ## Several layers
#
# One layer sees the style at one scale: `conv1_1` the colours and the finest strokes, `conv5_1` arrangements of a hundred pixels. So
# we add up several, each with a weight $\lambda^{[l]}$:
#
# $$J_{style}(S, G) = \sum_{l} \lambda^{[l]} J^{[l]}_{style}(S, G)$$

# %% tags=["nbval-check-output"]
STYLE_LAYERS = [
    ("conv1_1", 0.2),
    ("conv2_1", 0.2),
    ("conv3_1", 0.2),
    ("conv4_1", 0.2),
    ("conv5_1", 0.2),
]
print("sum of the weights:", sum(weight for _, weight in STYLE_LAYERS))

# %% [markdown]
# ## Exercise: the style cost
#
# When `compute_style_cost` is called, the style picture has been assigned to `model['input']`. So the trick of the course works: `sess.run(model[name])`
# gives $a^{(S)}$ *now*, as an array of numbers, while the tensor `model[name]` itself stands for $a^{(G)}$: the activations of whatever
# picture will be in the network *later*.
#
# Use `compute_layer_style_cost` and the session `sess`.

# %% nbgrader={"grade": false, "grade_id": "compute_style_cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compute_style_cost(model, STYLE_LAYERS):
    """The style cost of several layers.

    model: the dictionary of load_vgg_model(), with the style picture in it.
    STYLE_LAYERS: pairs of the name of a layer and its weight.
    Returns J_style, a scalar tensor.
    """
    ### BEGIN SOLUTION
    J_style = 0
    for layer_name, weight in STYLE_LAYERS:
        a_S = sess.run(model[layer_name])
        a_G = model[layer_name]
        J_style += weight * compute_layer_style_cost(a_S, a_G)
    return J_style
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.compute_style_cost(compute_style_cost)

# %% nbgrader={"grade": true, "grade_id": "compute_style_cost_points", "points": 2, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.compute_style_cost(compute_style_cost).require()

# %% [markdown]
# ## Who paints like that?
#
# First the style picture goes in and the cost is built; then any picture can take its place, and `sess.run(J_style)` tells how far it is
# from the style. Here are our pictures with the least cost first:

# %% [markdown] tags=["student-only"]
# With both costs right, this is what you will see:
#
# ![the pictures, sorted by their style cost](expected/compute_layer_style_cost.jpg)

# %% tags=["expected:compute_layer_style_cost"]
def put_in(picture):
    """Assign a picture to the input of the network."""
    sess.run(model["input"].assign(reshape_and_normalize_image(picture)))


def distances(pictures):
    """{title: style cost} of the pictures, the least first."""
    put_in(style_image)
    J_style = compute_style_cost(model, STYLE_LAYERS)
    costs = {}
    for title, picture in pictures.items():
        put_in(picture)
        costs[title] = sess.run(J_style)
    return dict(sorted(costs.items(), key=lambda item: item[1]))


ranking = distances(pictures)
show({f"{title}\nJ_style = {cost:.1e}": pictures[title] for title, cost in ranking.items()}, height=1.15)

# %% [markdown]
# ## A texture grown from the style alone
#
# What does the style cost know about the painting? Start from noise, and change the picture until $J_{style}$ is small, without any
# content. First with `conv1_1` alone, then with more and deeper layers:

# %% [markdown] tags=["student-only"]
# ![textures grown from the style of one to five layers](expected/compute_style_cost.jpg)

# %% tags=["expected:compute_style_cost"]
def grow(style_layers, iterations):
    """A texture with the style of the painting in these layers, found from noise."""
    put_in(style_image)
    J_style = compute_style_cost(model, style_layers)
    noise = np.random.default_rng(0).uniform(-20, 20, model["input"].shape)
    return descend(sess, J_style, model["input"], noise, iterations)


textures = {"the style": style_image, "conv1_1 only": grow(STYLE_LAYERS[:1], iterations=40)}
for depth in range(2, 6):
    textures[f"... and {STYLE_LAYERS[depth - 1][0]}"] = grow(STYLE_LAYERS[:depth], iterations=40)
show(textures, columns=3, height=1.7)

# %% [markdown]
# `conv1_1` knows the colours and which colours touch. With `conv2_1` and `conv3_1` come strokes, then bundles of strokes; with `conv4_1` and `conv5_1`
# things appear that might be tables, windows or people, and all of them in the wrong place. It is Café Terrace with the café
# taken out: that is what we want to pour over another picture.
#
# ## Summary
#
# - The style cost of a layer is the squared distance of two Gram matrices, with a divisor that removes the size of the picture.
# - $J_{style}$ is the weighted sum over layers; each layer holds the style at its own scale.
# - Minimised alone, it grows a texture: the manner, without the motif.
#
# ## Try it
#
# 1. Grow a texture from `[("conv4_1", 1.0)]` alone. What is missing that the shallow layers gave?
# 2. Give `conv1_1` the weight 0.6 and each of the others 0.1. What changes, and why so little? (Print $J_{style}^{[l]}$ of each layer.)
# 3. Grow from `"style/van-gogh-church-at-auvers-1890.webp"`: which strokes do you recognise?
# 4. Grow the texture twice, from two noises. Are the two Gram matrices the same? Are the two pictures?

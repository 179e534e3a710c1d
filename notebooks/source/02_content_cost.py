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
# # 2. Content cost

# %% [markdown]
# **Aim.** You turn "these two pictures show the same thing" into a number, see why it is measured in a middle
# layer, and rebuild a photograph from nothing but the activations of one layer.

# %%
from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import checks, minimize
from nst_utils.course.drawing import example, show, show_curves

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 144, 96

# %% [markdown]
# Like notebook 1, this one works in graph mode (`tensorflow.compat.v1`): first the network is built, then a
# session computes what it is asked for. In TensorFlow 2 each line would be computed at once, without a
# session (notebook 7).

# %%
model = load_vgg_model()
sess = tf.InteractiveSession()

content_image = example("content/dahlia.jpg")
other_image = example("content/rocket.jpg")
show({"content": content_image, "another picture": other_image})

# %% [markdown]
# ## The formula
#
# Send the content picture $C$ and the generated picture $G$ through the network, and read both at one layer.
# The activations $a^{(C)}$ and $a^{(G)}$ have the shape $(1, n_H, n_W, n_C)$. The **content cost** is the sum
# of their squared differences, divided by four times the number of entries:
#
# $$J_{content}(C, G) = \frac{1}{4 \times n_H \times n_W \times n_C} \sum_{\text{all entries}} \left(a^{(C)} - a^{(G)}\right)^2$$
#
# It is zero when the layer cannot tell the two pictures apart. The divisor is only a convenience: it makes
# the costs of layers of different sizes comparable.
#
# ## Exercise: the content cost
#
# Take the dimensions from `a_G.shape`. Both arguments may be tensors, so use TensorFlow's functions
# (`tf.reduce_sum`, `tf.square`), and return a tensor.

# %% nbgrader={"grade": false, "grade_id": "compute_content_cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compute_content_cost(a_C, a_G):
    """The content cost of one layer.

    a_C, a_G: activations of the content and the generated picture,
    tensors (1, n_H, n_W, n_C).
    Returns J_content, a scalar tensor.
    """
    ### BEGIN SOLUTION
    m, n_H, n_W, n_C = a_G.shape
    return tf.reduce_sum(tf.square(a_C - a_G)) / (4.0 * int(n_H * n_W * n_C))
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.compute_content_cost(compute_content_cost)

# %% nbgrader={"grade": true, "grade_id": "compute_content_cost_points", "points": 2, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.compute_content_cost(compute_content_cost).require()

# %% [markdown]
# With the random numbers of the original course, the answer is 6.7656:

# %% tags=["nbval-check-output"]
def random_activations(shape, seed):
    """The course's random activations, with mean 1 and standard deviation 4."""
    return tf.raw_ops.RandomStandardNormal(shape=shape, dtype=tf.float32, seed=1, seed2=seed) * 4 + 1


a_C, a_G = random_activations([1, 4, 4, 3], 3), random_activations([1, 4, 4, 3], 9)
print(f"J_content = {sess.run(compute_content_cost(a_C, a_G)):.4f}")

# %% [markdown]
# ## Why a middle layer?
#
# Let us change the photograph in ways that leave *what it shows* alone, and ask each layer how large the
# change is. As a yardstick we take the cost of a different picture: 1 means "as different as a rocket".

# %%
changes = {
    "moved by 6 pixels": np.roll(content_image, 6, axis=1),
    "without colour": np.repeat(content_image.mean(axis=-1, keepdims=True), 3, axis=-1).astype("uint8"),
    "darker": (content_image * 0.6).astype("uint8"),
}
show({"content": content_image, **changes, "another picture": other_image}, height=1.2)

# %% tags=["expected:compute_content_cost"]
layers = ["conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"]


def read(picture):
    """The activations of the five layers for a picture."""
    sess.run(model["input"].assign(reshape_and_normalize_image(picture)))
    return sess.run({name: model[name] for name in layers})


def costs_of(picture):
    """The content cost between the content picture and this one, at each layer."""
    a_C, a_G = read(content_image), read(picture)
    return sess.run([compute_content_cost(tf.constant(a_C[name]), tf.constant(a_G[name])) for name in layers])


yardstick = np.array(costs_of(other_image))
curves = {name: (layers, costs_of(picture) / yardstick) for name, picture in changes.items()}
curves["another picture"] = (layers, np.ones(len(layers)))
show_curves(curves, xlabel="layer", ylabel="relative content cost", scale="linear")

# %% [markdown] tags=["student-only"]
# With the right content cost, the cell above draws this:
#
# ![relative content cost of the changed pictures, layer by layer](expected/compute_content_cost.jpg)

# %% [markdown]
# To a shallow layer a flower that has moved by six pixels is nearly as far off as a rocket; to `conv5_2` it
# is almost the same. Deep layers forgive a change of place, but they also forget what we want to keep. A
# **middle layer** is the compromise: the things of the picture stay, and roughly where they were, but not the
# pixels. The course takes `conv4_2`.
#
# ## What a layer remembers
#
# How much of the picture is left in a layer? We can look. Start from noise, and change the *picture* until
# the layer's activations agree with those of the flower, that is, until $J_{content}$ is as small as it gets.
# What the layer does not remember stays noise. `minimize` does the changing, by following the gradient of
# $J_{content}$ with respect to the pixels; notebook 6 opens that box.

# %%
def rebuild(layer, iterations):
    """A picture with the same activations as the content picture at one layer, found from noise."""
    J_content = compute_content_cost(tf.constant(a_C[layer]), model[layer])
    noise = np.random.default_rng(0).uniform(-20, 20, model["input"].shape)
    return minimize(J_content, noise, iterations, variable=model["input"], sess=sess)


a_C = read(content_image)
rebuilt = {layer: rebuild(layer, iterations=40) for layer in layers}
show({"content": content_image, **rebuilt}, columns=3, height=1.7)

# %% [markdown]
# `conv1_2` and `conv2_2` give the photograph back almost pixel by pixel; `conv3_2` already leaves the fine
# grain to chance. In `conv4_2` the background and the colours are free, while the flower and its petals stay
# where they were: here a painter has room. Of `conv5_2` little is left but that something round stands in the
# middle.
#
# ## Summary
#
# - $J_{content}$ compares the activations of two pictures at one layer; it is zero when the layer sees no
#   difference.
# - Shallow layers remember pixels, deep layers remember only what is there. A middle layer, `conv4_2`, leaves
#   the style free and keeps the content.
# - The picture itself can be changed by gradient descent until a cost is small. That is all that style
#   transfer does.
#
# ## Try it
#
# 1. Rebuild the flower from `conv4_2` with 10, 40 and 160 iterations. What comes first, what never comes?
# 2. Rebuild from another noise, `np.random.default_rng(1)`. Which parts of the picture differ, which agree?
# 3. Start from `other_image` instead of noise (it must be normalised first). Can you still see the rocket at
#    the end?
# 4. Move the picture by 1, 2, 4, 8 and 16 pixels: from which layer on does a movement by 4 pixels hardly
#    matter, and how does that fit the distance between neighbouring units in notebook 1?

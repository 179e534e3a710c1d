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
# # 1. Transfer learning with VGG-19

# %% [markdown]
# **Aim.** You send a photograph through a network that has learned to recognise a thousand kinds of things,
# and read what it says on the way, layer by layer. Every later notebook is built on these readings.
#
# **You will learn** how the network is laid out, how to put a picture into it, how to read any layer, and how
# much of the picture a single unit of that layer can see.

# %%
from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import checks
from nst_utils.course.drawing import example, show, show_boxes, show_feature_maps, strongest_channels

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 300, 200

# %% [markdown]
# ## The problem
#
# Neural Style Transfer takes two pictures, a **content** picture $C$ and a **style** picture $S$, and makes a
# third, the **generated** picture $G$: what $C$ shows, painted in the manner of $S$.

# %%
content_image = example("content/summer-palace.jpg")
style_image = example("style/van-gogh-cafe-terrace-at-night-1888.webp")
show({"content C": content_image, "style S": style_image}, height=2.2)

# %% [markdown]
# Nobody has a formula for "what a picture shows" or for "the manner of Van Gogh" in terms of pixels. But a
# network that was trained on 1.3 million photographs had to find quantities that tell a pagoda from a poplar,
# and those can be borrowed. Using what a network has learned for one task to solve another is called
# **transfer learning**.
#
# Our network is **VGG-19** (Simonyan and Zisserman, 2015): sixteen convolutions in five blocks, with pooling
# between the blocks. It is used as it is. In this course *nothing in the network is trained*; later it is the
# picture that will be trained.
#
# ## Graph mode, in two sentences
#
# The course keeps TensorFlow's graph mode (`tensorflow.compat.v1`), because there the whole network is one
# dictionary of named tensors that you build once and then question through a session, which keeps the
# formulas in view. TensorFlow 2 instead computes each line at once and records gradients on a tape, so that
# sessions, initialisers and `assign` steps go away while every formula stays: notebook 7 does it all again
# that way.

# %%
model = load_vgg_model()
sess = tf.InteractiveSession()

# %% [markdown]
# ## The network is a dictionary
#
# `model` maps the name of each layer to its tensor. A tensor of activations has the shape
# $(m, n_H, n_W, n_C)$: number of pictures, height, width, and **channels**, each of which looks for one thing
# everywhere in the picture. `conv4_2` is the second convolution of the fourth block, after its ReLU, so no
# activation is negative.

# %% tags=["nbval-check-output"]
for name, layer in model.items():
    print(f"{name:9}", tuple(layer.shape))

# %% [markdown]
# Look down the table: with each pooling the maps become half as wide and high, while the channels become
# more. The network trades *where* for *what*.
#
# ## Putting a picture in
#
# `model['input']` is a TensorFlow variable of the shape (1, height, width, 3). The network was trained on
# pictures from which the average colour had been subtracted, so that is what it must be given:
#
# $$\text{input} = \text{picture} - (123.68,\ 116.779,\ 103.939)$$

# %% tags=["nbval-check-output"]
image = reshape_and_normalize_image(content_image)
print("picture: ", content_image.shape, content_image.dtype)
print("input:   ", image.shape, image.dtype)

# %% [markdown]
# `model['input'].assign(image)` only *describes* the assignment, as every line does in graph mode. It happens
# when the session runs it: `sess.run(model['input'].assign(image))`. After that, `sess.run(model['conv4_2'])`
# computes the activations of `conv4_2` for this picture, and no deeper layer.
#
# ## Exercise: the activations of a layer
#
# Write `layer_activations`: put the image into the network, then return the activations of the layer of that
# name.

# %% nbgrader={"grade": false, "grade_id": "layer_activations", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layer_activations(sess, model, image, layer_name):
    """What a layer answers to an image.

    sess: a session; model: the dictionary of load_vgg_model().
    image: the network's input, (1, height, width, 3).
    layer_name: a key of the model, such as 'conv4_2'.
    Returns the activations, an array (1, n_H, n_W, n_C).
    """
    ### BEGIN SOLUTION
    sess.run(model["input"].assign(image))
    return sess.run(model[layer_name])
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.layer_activations(layer_activations)

# %% nbgrader={"grade": true, "grade_id": "layer_activations_points", "points": 2, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.layer_activations(layer_activations).require()

# %% [markdown] tags=["student-only"]
# With the right answer, the next two cells give the shape `(1, 25, 38, 512)` and this picture:
#
# ![the picture and the five channels of conv4_2 that vary most](expected/layer_activations.jpg)

# %% tags=["nbval-check-output"]
layer_activations(sess, model, image, "conv4_2").shape

# %% tags=["expected:layer_activations"]
show_feature_maps(content_image, {"conv4_2": layer_activations(sess, model, image, "conv4_2")})

# %% [markdown]
# Each small picture is one of the 512 channels of `conv4_2`, bright where the channel has found what it looks
# for. Nobody told it what to look for.
#
# ## Shallow and deep
#
# For the first convolution of each block, again the five channels that vary most over the picture:

# %%
first_layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]
maps = {name: layer_activations(sess, model, image, name) for name in first_layers}
show_feature_maps(content_image, maps, height=1.05)

# %% [markdown]
# `conv1_1` still resembles the photograph: light and dark, edges, one colour against another. By `conv3_1`
# the channels choose: the pillars here, outlines there, the open sky elsewhere. In `conv5_1` only a few
# coarse patches light up: all that is not sky, the pagoda, its middle storeys. Shallow layers say how the
# picture *looks*, deep layers say what is *in* it, and this is what will let us tell style from content.
#
# ## What one unit sees
#
# A unit of `conv1_1` looks at 3x3 pixels. A unit of a deeper layer looks at a few units of the layer before,
# each of which looks at a few before that, and so on. With a kernel of size $k_l$ in layer $l$ and $j_{l-1}$
# pixels between two neighbours of the layer before, the side of its **receptive field** grows by
#
# $$r_l = r_{l-1} + (k_l - 1)\, j_{l-1}, \qquad r_0 = j_0 = 1,$$
#
# and $j$ doubles with each pooling.

# %% tags=["nbval-check-output"]
def receptive_field(layer_name):
    """The side of the square that a unit sees, and how far apart two neighbours are, in pixels."""
    side, step = 1, 1
    for name in list(model)[1:]:  # in the order in which data flows
        kernel, stride = (2, 2) if "pool" in name else (3, 1)
        side, step = side + (kernel - 1) * step, step * stride
        if name == layer_name:
            return side, step


for name in first_layers:
    side, step = receptive_field(name)
    print(f"{name}: sees {side:3} x {side:3} pixels; neighbouring units stand {step:2} pixels apart")

# %% [markdown]
# The network itself can confirm this. The gradient of a unit with respect to the input tells how much each
# pixel matters to it, and it is zero wherever the unit cannot see. Here we follow, for each layer, the unit
# in the middle of the picture:

# %%
def influence(layer_name):
    """How much each pixel (H, W) matters to the units in the middle of a layer."""
    layer = model[layer_name]
    row, column = layer.shape[1] // 2, layer.shape[2] // 2
    gradient = tf.gradients(tf.reduce_sum(layer[0, row, column]), model["input"])[0]
    return np.abs(sess.run(gradient)[0]).sum(axis=-1)


def window(seen):
    """The smallest rectangle that holds every pixel that matters: top, bottom, left, right."""
    rows, columns = np.nonzero(seen)
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


sess.run(model["input"].assign(image))
show_boxes(content_image, {name: window(influence(name)) for name in first_layers})

# %% [markdown]
# (In the embedded model `conv3_4`, `conv4_4` and `conv5_4` hand on what they are given, so its deep units see
# a little less than the formula allows. With the official VGG-19 weights the two agree.)
#
# And what does a unit like best? For the liveliest channel of each layer, this is the part of the picture, as
# large as the unit's receptive field, that made it answer the loudest:

# %%
def favourite(layer_name):
    """The part of the picture that the layer's liveliest channel answers to most."""
    a = layer_activations(sess, model, image, layer_name)
    answers = a[0, :, :, strongest_channels(a, 1)[0]]
    row, column = np.unravel_index(np.argmax(answers), answers.shape)
    side, step = receptive_field(layer_name)
    top = max(0, row * step + step // 2 - side // 2)
    left = max(0, column * step + step // 2 - side // 2)
    return content_image[top : top + side, left : left + side]


show({name: favourite(name) for name in first_layers[1:]}, height=1.5)

# %% [markdown]
# ## Summary
#
# - VGG-19 is used as it is: a dictionary of 22 tensors, from `input` to `avgpool5`.
# - `sess.run(model['input'].assign(image))` puts a picture in; `sess.run(model[name])` reads a layer.
# - Shallow units see a few pixels and answer to edges and colours; deep units see much of the picture and
#   answer to things.
#
# ## Try it
#
# 1. Take another picture, `example("content/chelsea.png")`: which channels of `conv3_1` answer to whiskers?
# 2. Put in a picture of one colour, `0 * image`. Which layers still answer, and why not evenly up to the
#    border?
# 3. Shift the picture by one pixel with `np.roll(image, 1, axis=2)`. How much does `conv1_1` change, and how
#    much `conv5_1`?
# 4. At what size of the picture does a unit of `conv5_1` no longer see all of it?

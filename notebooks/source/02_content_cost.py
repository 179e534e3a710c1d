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
# You turn "these two pictures show the same thing" into a number, see why it is measured in a middle layer, and
# rebuild a photograph from nothing but the activations of one layer.
#
# - **Afterwards you can** compute the content cost, say what each layer of the network keeps of a picture and what it
#   forgets, and change a picture until a cost is small.
# - **You need to know** how to read a layer (notebook 1).
# - **It takes** 45 minutes, and the computer one of them.

# %%
from functools import cache

from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import checks, minimize
from nst_utils.course.asking import ask
from nst_utils.course.drawing import click_to_zoom, example, show, show_curves
from nst_utils.course.exploring import slide

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 240, 160
click_to_zoom()

# %% [markdown]
# Like notebook 1, this one works in [graph mode](GLOSSARY.md#graph-mode): first the network is built, then a session
# computes what it is asked for. With `precision="auto"` the network computes in [bfloat16](GLOSSARY.md#bfloat16) where the
# machine is fast at it. That takes half the time, and changes a cost by about a thousandth.

# %%
model = load_vgg_model(precision="auto")
sess = tf.InteractiveSession()

content_image = example("content/dahlia.jpg")
other_image = example("content/rocket.jpg")
show({"content": content_image, "another picture": other_image})

# %% [markdown]
# ## The formula
#
# Send the content picture $C$ and the generated picture $G$ through the network, and read both at one layer.
# The activations $a^{(C)}$ and $a^{(G)}$ have the shape $(1, n_H, n_W, n_C)$. The
# [**content cost**](GLOSSARY.md#content-cost) is the sum of their squared differences, divided by four times the
# number of entries:
#
# $$J_{content}(C, G) = \frac{1}{4 \times n_H \times n_W \times n_C} \sum_{\text{all entries}} \left(a^{(C)} - a^{(G)}\right)^2$$
#
# It is zero when the layer cannot tell the two pictures apart. In the paper the factor is simply one half (Gatys et al.
# 2015, equation 1). The course divides by the number of entries as well, so that the cost does not grow with the
# picture; the 4 is its own. Such a factor makes no difference to *which* picture has the least cost. It only
# decides how much this cost counts beside another, later in notebook 5.
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
# For grading: the same check, but an answer that is not right stops this cell with an error, and so earns no points.
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
# ## Layer by layer
#
# At which layer should the two pictures be compared? Let us ask five of them how far apart the flower and the rocket are:

# %% tags=["nbval-check-output"]
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
for name, cost in zip(layers, yardstick):
    print(f"{name}: {cost:8.2g}")

# %%
ask("comparing-layers")

# %% [markdown]
# So we take the rocket as a yardstick: at each layer, 1 shall mean "as different as a rocket". Now let us change the
# photograph in ways that leave *what it shows* alone, and ask each layer how large the change is.

# %%
changes = {
    "moved by 6 pixels": np.roll(content_image, 6, axis=1),
    "without colour": np.repeat(content_image.mean(axis=-1, keepdims=True), 3, axis=-1).astype("uint8"),
    "darker": (content_image * 0.6).astype("uint8"),
}
show({"content": content_image, **changes, "another picture": other_image})

# %%
ask("moved-flower")

# %% [markdown] tags=["student-only"]
# <details><summary>With the right content cost, the next cell draws this picture. Predict first, then open it.</summary>
#
# ![The relative content cost of the three changed pictures at five layers. The curve of the moved flower rises to nine tenths at conv2_2 and then falls to nearly nothing.](expected/compute_content_cost.jpg)
#
# </details>

# %% tags=["expected:compute_content_cost"]
relative = {name: costs_of(picture) / yardstick for name, picture in changes.items()}
curves = {name: (layers, costs) for name, costs in relative.items()}
curves["another picture"] = (layers, np.ones(len(layers)))
show_curves(curves, xlabel="layer", ylabel="relative content cost", scale="linear")

# %% tags=["nbval-check-output"]
for name, picture in changes.items():
    costs = costs_of(picture) / yardstick
    print(f"{name:18}", *(f"{layer} {cost:.1f}  " for layer, cost in zip(layers, costs)))

# %% [markdown]
# To `conv2_2`, which looks for fine edges, a flower that has moved by six pixels is nearly as far off as a rocket.
# From there on the layers forgive a movement, the more the deeper they are; to `conv5_2` it is almost nothing.
# (`conv1_2` is no exception to be proud of: it is content where the colours agree, and in the soft background
# they do.) A darker picture is much the same to all of them. Colours are another matter: without them the flower
# is a third of the way to a rocket for most layers, and more again for the deepest.
#
# Deep layers forgive a change of place, but they also forget what we want to keep. A **middle layer** is the compromise:
# the things of the picture stay, and roughly where they were, but not the pixels. The course takes `conv4_2`, as the
# paper does (Gatys et al. 2015, *Methods*).
#
# ## What a layer remembers
#
# How much of the picture is left in a layer? We can look (as Mahendran and Vedaldi did in 2015; the figure below is figure 1
# of Gatys et al. 2016 with a flower). Start from noise, and change the *picture* until the layer's activations agree with those
# of the flower, that is, until $J_{content}$ is as small as it gets. What the layer does not remember stays noise.
# `minimize` does the changing, by following the [gradient](GLOSSARY.md#gradient) of $J_{content}$ with respect to the
# pixels; notebook 6 opens that box.

# %%
ask("from-conv5_2")

# %% [markdown] tags=["student-only"]
# <details><summary>With the right content cost, the next two cells draw this picture. Predict first, then open it.</summary>
#
# ![The flower, and what five layers remember of it: conv1_2 and conv2_2 the photograph, conv3_2 nearly so, conv4_2 the flower among grains of random colour, conv5_2 something round in wild colours.](expected/rebuilt.jpg)
#
# </details>

# %%
def rebuild(picture, layer, iterations, start=None, callback=None):
    """A picture with the same activations as the given one at one layer, found from noise or from a start."""
    J_content = compute_content_cost(tf.constant(read(picture)[layer]), model[layer])
    if start is None:
        start = np.random.default_rng(0).uniform(-20, 20, model["input"].shape)
    return minimize(J_content, start, iterations, callback, variable=model["input"], sess=sess)

# %% tags=["expected:rebuilt"]
@cache
def film(layer):
    """The pictures on the way from noise to what a layer remembers of the flower, one for each iteration."""
    frames = []
    rebuild(content_image, layer, iterations=40, callback=lambda step: frames.append(step.image))
    return frames


rebuilt = {layer: film(layer)[-1] for layer in layers}
show({"content": content_image, **rebuilt}, columns=3)

# %% [markdown]
# `conv1_2` and `conv2_2` give the photograph back almost pixel by pixel; `conv3_2` already leaves the fine
# grain to chance. In `conv4_2` the background and the colours are free, while the flower and its petals stay
# where they were: here a painter has room. Of `conv5_2` little is left but that something round with petals stands in
# the middle.
#
# How does a picture come out of noise? Move the slider, from one iteration to the next:

# %%
frames = film("conv4_2")
slide(
    range(len(frames)),
    lambda i: show({f"conv4_2, iteration {i}": frames[i]}),
    label="iteration",
    still=lambda: show({f"iteration {i}": frames[i] for i in (0, 2, 5, 10, 20, 40)}, columns=3),
)

# %% [markdown]
# And larger still: a picture that has been found small is a good start for a larger one. The network is built again at
# 360x240, the picture found at `conv4_2` enlarged, and a few steps bring in the finer detail.

# %%
enlarged = tf.image.resize(film("conv4_2")[-1], (240, 360), method="bicubic").eval()
CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 360, 240
small_model, model = model, load_vgg_model(precision="auto")
large_content = example("content/dahlia.jpg")
show({"content": large_content, "conv4_2 at 360x240": rebuild(large_content, "conv4_2", 20, start=enlarged)})
CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 240, 160
model = small_model

# %% [markdown]
# ## Your experiment
#
# What does a layer keep of a picture that matters to you: a face, lettering, a street? Take one with `example("my_photo.jpg")`,
# or another of the course's, and rebuild it twice, with *one* thing different: the layer, the noise, the number of
# iterations, or something in the picture. Say beforehand what will be lost in the one and kept in the other.
#
# Your first cell ends in one figure that shows both beside the picture, with titles. Your second cell says, in a few sentences,
# what you asked, what you expected and why, and what you saw.

# %% nbgrader={"grade": true, "grade_id": "experiment_picture", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
face = example("content/astronaut.png", centre=(0.5, 0.05))
found = {f"from {layer}": rebuild(face, layer, iterations=40) for layer in ("conv3_2", "conv4_2")}
show({"an astronaut": face, **found})
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "experiment_words", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *An example.* **Question:** up to which layer does a face stay the face of this person? The layer is the only change.
# **Expected:** in both, since the petals of the flower are smaller than these eyes, and `conv4_2` kept them. **Seen:** `conv3_2` gives her back,
# a little sharper than she was. `conv4_2` keeps the suit, the helmet's ring, the hair and the flag, but where her
# eyes were there are dark patches: nobody would know her. **So** I was wrong. A petal has many neighbours like it, a face has
# two eyes; and the network was trained to tell a thousand kinds of things apart, not people.

# %% [markdown]
# ## Summary
#
# - $J_{content}$ compares the activations of two pictures at one layer; it is zero when the layer sees no
#   difference. Costs of different layers cannot be compared.
# - Shallow layers remember pixels, deep layers remember only what is there. A middle layer, `conv4_2`, leaves
#   the style free and keeps the content.
# - The picture itself can be changed by gradient descent until a cost is small. That is all that style
#   transfer does.
#
# ## Try it
#
# 1. Rebuild the flower from `conv4_2` with 10, 40 and 120 iterations (or go on from 40). What comes first, what never comes?
# 2. Rebuild from another noise, `np.random.default_rng(1)`. Which parts of the picture differ, which agree?
# 3. Start from `other_image` instead of noise (it must be normalised first). Can you still see the rocket at
#    the end?
# 4. Move the picture by 1, 2, 4, 8 and 16 pixels: from which layer on does a movement by 4 pixels hardly
#    matter, and how does that fit the distance between neighbouring units in notebook 1?

# %% [markdown] tags=["solution-only"]
# ## Answers to "Try it"
#
# **1.** The first 40 iterations we have; 80 more start where they ended:

# %% tags=["solution-only"]
later = rebuild(content_image, "conv4_2", iterations=80, start=rebuilt["conv4_2"])
show({"10 iterations": frames[10], "40 iterations": frames[40], "120 iterations": later})

# %% [markdown] tags=["solution-only"]
# First comes the flower as a shape with its petals, then its colours, and the leaves. What never comes is the soft
# background: its grain is as good as any other to `conv4_2`.
#
# **2.** and **3.** Another noise, and a start from the rocket:

# %% tags=["solution-only"]
other_noise = np.random.default_rng(1).uniform(-20, 20, model["input"].shape)
again = rebuild(content_image, "conv4_2", iterations=40, start=other_noise)
difference = np.abs(again - rebuilt["conv4_2"])[0].mean(axis=-1)
from_rocket = rebuild(content_image, "conv4_2", iterations=40, start=reshape_and_normalize_image(other_image))
show({"from another noise": again, "where the two differ": difference, "from the rocket": from_rocket})

# %% [markdown] tags=["solution-only"]
# From another noise comes the same flower in another grain. The two differ a little everywhere, most along the outline: the
# layer knows that there is an edge, but not how it is drawn. From the rocket comes the flower again, but in the
# rocket's blue. The rocket is gone, its colours are not: `conv4_2` hardly minds them. Where a picture starts, decides
# what nobody asks for.
#
# **4.**

# %% tags=["solution-only", "nbval-check-output"]
for distance in (1, 2, 4, 8, 16):
    moved = costs_of(np.roll(content_image, distance, axis=1)) / yardstick
    print(f"moved by {distance:2} pixels:", *(f"{layer} {cost:.1f}  " for layer, cost in zip(layers, moved)))

# %% [markdown] tags=["solution-only"]
# From `conv4_2` on, where 4 pixels cost a tenth of a rocket. Neighbouring units of block 4 stand 8 pixels apart, so 4 pixels are
# half a step. In the same way 2 pixels are half a step for block 3, and 8 for block 5.

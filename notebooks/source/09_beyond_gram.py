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
# # 9. Beyond Gram

# %% [markdown]
# You find out what a Gram matrix cannot know, and paint in another way: each place of a photograph takes the spot of a
# painting that fits it.
#
# - **Afterwards you can** compare features by their direction, choose for every place the nearest of a painting's spots,
#   and paint a picture from what was chosen.
# - **You need to know** what activations and a Gram matrix are (notebooks 1 and 3), and what TensorFlow 2 looks like
#   (notebook 7: each line computes at once).
# - **It takes** an hour, and the computer less than two minutes of it.

# %%
from functools import cache

import numpy as np
from nst_utils import CONFIG, activations, checks, gram_matrix, load_weights, minimize, resize, stylize
from nst_utils.course.asking import ask
from nst_utils.course.choosing import click_choices, show_choices
from nst_utils.course.drawing import click_to_zoom, example, show
from nst_utils.course.exploring import leaf_through
from nst_utils.network.vgg import prepare
import tensorflow as tf

weights = prepare(load_weights())
SIZE = (320, 240)
click_to_zoom()

# %% [markdown]
# ## What a Gram matrix cannot know
#
# The Gram matrix $G_{ij} = \sum_k A_{ik} A_{jk}$ sums over all positions $k$ (notebook 3). It knows which channels
# are active together. It does not know where.

# %%
ask("swapped-face")

# %%
cat = example("content/chelsea.png", (451, 300))
GROUND = cat[150:220, 180:240].mean(axis=(0, 1))  # the colour of its fur
PARTS = {"left eye": (172, 115), "right eye": (318, 137), "nose": (264, 243)}  # centre in the photograph: x, y
PLACES = [(72, 72), (72, 200), (200, 136)]  # top and left of each part in the new picture


def face(order):
    """Eyes and nose on a plain ground, 72 pixels apart; order: which of the parts goes to each of the places."""
    canvas = np.tile(GROUND, (328, 328, 1))
    y, x = np.mgrid[-27.5:28, -27.5:28]
    disc = np.clip((28 - np.hypot(y, x)) / 6, 0, 1)[..., np.newaxis]  # soft edges
    for (top, left), name in zip(PLACES, order):
        part_x, part_y = PARTS[name]
        part = cat[part_y - 28 : part_y + 28, part_x - 28 : part_x + 28]
        here = canvas[top : top + 56, left : left + 56]
        here[...] = disc * part + (1 - disc) * here
    return np.uint8(np.round(canvas))


a_face = face(["left eye", "right eye", "nose"])
no_face = face(["nose", "left eye", "right eye"])
show(
    {"a face": a_face, "no face": no_face},
    alt="Two eyes and a nose where they belong; and the nose beside an eye, the other eye below",
)

# %% tags=["nbval-check-output"]
def gram_matrices(picture, layers=("conv1_1", "conv2_1", "conv3_1", "conv4_1")):
    """The Gram matrix of each layer."""
    found = activations(np.float32(picture)[np.newaxis] - CONFIG.MEANS, weights, layers)
    return {name: gram_matrix(tf.transpose(tf.reshape(a, [-1, a.shape[-1]]))).numpy() for name, a in found.items()}


def difference(G, other):
    """The length of the difference, relative to the length of the one."""
    return np.linalg.norm(G - other) / np.linalg.norm(G)


pixels = np.any(a_face != no_face, axis=-1).mean()
print(f"pixels that differ: {pixels:.0%}")
of_face, of_no_face = gram_matrices(a_face), gram_matrices(no_face)
for name in of_face:
    apart = difference(of_face[name], of_no_face[name])
    assert apart < 1e-4, f"{name}: {apart}"
    print(f"{name}: Gram matrices differ by less than a ten-thousandth")

# %% [markdown]
# What is left of a difference is rounding. So no cost made of these four matrices, whatever its weights, can tell
# the face from the other picture. (A unit of `conv5_1` sees 156x156 pixels, two parts at once, and does notice. Parts
# further apart would escape it, too.)
#
# When a picture is painted by Gram matrices, nothing therefore says that the eye's features belong where the eye
# is. The [content cost](GLOSSARY.md#content-cost) pulls towards the photograph, and the style cost puts the painting's
# features wherever they are cheap to have: an eye may be painted with wall.
#
# ## A vector at every position
#
# Turn the table round. In notebook 3, the table $A$ had a row for each channel. Now take a **vector** for each
# *position*: the activations of all channels there. Its entries say what there is at that place: how bright, which
# colour, which stroke, a part of what. Vectors of several layers can be joined to longer ones, so that a vector
# knows fine and coarse things about its place.
#
# That is how Li and Wand (2016, *Combining Markov Random Fields and Convolutional Neural Networks for Image
# Synthesis*) left the Gram matrix: they cut the features of picture and painting into patches of 3x3 positions, find
# for each patch of the picture the nearest of the painting, and make it more like that one. Kolkin, Salavon and Shakhnarovich
# (2019, *Style Transfer by Relaxed Optimal Transport and Self-Similarity*, STROTSS) joined layers to long vectors, and
# asked how cheaply the painting's can be turned into the picture's, all of them together. Kolkin and others (2022, *Neural Neighbor Style
# Transfer*) came back to the nearest neighbour, with joined layers and vectors measured from their mean: this is
# the method that we build here, simplified.

# %%
photograph = example("content/summer-palace.jpg", SIZE)
painting = example("style/van-gogh-cafe-terrace-at-night-1888.webp", SIZE)
show({"the photograph": photograph, "the painting": painting})

# %% [markdown]
# `vectors_by(style)` gives a function that reads pictures: from four layers it takes the activations, brings them to a
# common grid with one position for each 4x4 pixels, scales each layer so that all have an equal say about the
# painting, and joins them. What comes has the shape $(1, n_H, n_W, n_C)$, as activations have.

# %% tags=["nbval-check-output"]
LAYERS = ("avgpool1", "avgpool2", "conv3_1", "conv4_1")


def on_one_grid(picture, layers=LAYERS):
    """The activations of the layers, with a position for each 4x4 pixels: {name: tensor (1, n_H, n_W, n_C)}."""
    found = activations(tf.cast(picture, tf.float32)[tf.newaxis] - CONFIG.MEANS, weights, layers)
    size = -(-picture.shape[0] // 4), -(-picture.shape[1] // 4)
    for name, a in found.items():
        if name in ("conv1_1", "avgpool1"):  # a finer grid: take means
            a = tf.nn.avg_pool2d(a, a.shape[1] // size[0], a.shape[1] // size[0], "SAME")
        found[name] = tf.image.resize(a, size)  # a coarser one, conv4_1, is enlarged
    return found


def vectors_by(style, layers=LAYERS):
    """A function from a picture (H, W, 3) to its vectors (1, n_H, n_W, n_C), scaled to suit this painting."""
    spread = {
        name: tf.sqrt(tf.reduce_sum(tf.math.reduce_variance(a, axis=[0, 1, 2])))
        for name, a in on_one_grid(style, layers).items()
    }
    return lambda picture: tf.concat([a / spread[name] for name, a in on_one_grid(picture, layers).items()], axis=-1)


vectors = vectors_by(painting)
a_C, a_S = vectors(photograph), vectors(painting)
print("the photograph:", tuple(a_C.shape), " the painting:", tuple(a_S.shape))
print("positions:", a_C.shape[1] * a_C.shape[2])

# %% [markdown]
# ## How alike are two vectors?
#
# The length of a vector says how strongly all of this is there; its **direction** says what. A lamp that is half as
# bright is still a lamp. So we compare directions, by the cosine of the angle between them:
#
# $$\cos(x, y) = \frac{\sum_c x_c\, y_c}{\|x\|\, \|y\|}, \qquad \|x\| = \sqrt{\sum_c x_c^2}$$
#
# It is 1 where two vectors point the same way, 0 at a right angle, and -1 in opposite directions.
#
# ## Exercise 1a: cosine similarity
#
# Write the cosines of all rows of one table with all rows of another. A row of zeros has no direction: let its
# cosines be 0. (Divide by its length, and you have 0/0. `tf.math.l2_normalize` thinks of that; see its `axis`.)

# %% nbgrader={"grade": false, "grade_id": "cosine_similarity", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cosine_similarity(x, y):
    """The cosines between the rows of two tables.

    x: a tensor (n, d); y: a tensor (m, d).
    Returns a tensor (n, m).
    """
    ### BEGIN SOLUTION
    x = tf.math.l2_normalize(x, axis=1)
    y = tf.math.l2_normalize(y, axis=1)
    return tf.matmul(x, y, transpose_b=True)
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.cosine_similarity(cosine_similarity)

# %% nbgrader={"grade": true, "grade_id": "cosine_similarity_points", "points": 2, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.cosine_similarity(cosine_similarity).require()

# %% [markdown]
# ## Exercise 1b: the nearest spot
#
# Activations are never negative, so all vectors lie in one corner of the space, and no cosine is negative. More is
# to be seen from the middle: subtract from the photograph's vectors the photograph's mean vector (over all its
# positions), and from the painting's the *painting's*. Then a vector says what is special about its place *in its own
# picture*, and the brightest place of a dull photograph finds the brightest of a glowing painting.
#
# For each place of the photograph, return the number of the spot whose cosine is greatest; of several that are
# equally near, any will do.

# %% nbgrader={"grade": false, "grade_id": "nearest_spots", "locked": false, "schema_version": 3, "solution": true, "task": false}
def nearest_spots(v_C, v_S):
    """For each place of the photograph, the spot of the painting that is most like it.

    v_C: the photograph's vectors, a tensor (places, d); v_S: the painting's, (spots, d).
    Returns the numbers of the chosen spots, whole numbers (places,), counted from 0.
    """
    ### BEGIN SOLUTION
    v_C = v_C - tf.reduce_mean(v_C, axis=0)
    v_S = v_S - tf.reduce_mean(v_S, axis=0)
    return tf.argmax(cosine_similarity(v_C, v_S), axis=1)
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.nearest_spots(nearest_spots)

# %% nbgrader={"grade": true, "grade_id": "nearest_spots_points", "points": 3, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.nearest_spots(nearest_spots).require()

# %% [markdown] tags=["student-only"]
# With the right spots, the next cell draws this:
#
# ![the photograph and the painting, with lines from five places to the spots chosen for them](expected/nearest_spots.jpg)

# %% tags=["expected:nearest_spots"]
def unrolled(a):
    """Activations (1, n_H, n_W, n_C) as a table of vectors, row by row: (n_H * n_W, n_C)."""
    return tf.reshape(a, [-1, a.shape[-1]])


def choices():
    """The number of a spot for each place of the photograph."""
    return nearest_spots(unrolled(a_C), unrolled(a_S))


grid = a_C.shape[1:3]
some = {"sky": (6, 60), "roof": (15, 24), "eaves": (26, 34), "lake": (38, 62), "tree": (52, 54)}
show_choices(photograph, painting, np.reshape(choices(), grid), some)

# %% [markdown]
# And here for every place: click on the photograph, hold and move, or go on with the arrow keys.

# %%
places, spots = (unrolled(a) - tf.reduce_mean(a, axis=[0, 1, 2]) for a in (a_C, a_S))
greatest = tf.reduce_max(cosine_similarity(places, spots), axis=1)
click_choices(photograph, painting, np.reshape(choices(), grid), np.reshape(greatest, grid))

# %% [markdown]
# How often is each spot chosen?

# %%
ask("how-many-spots")

# %% tags=["nbval-check-output"]
def times_chosen():
    """How often each spot is chosen."""
    return np.bincount(choices(), minlength=a_S.shape[1] * a_S.shape[2])


times = times_chosen()
print(f"spots that are chosen at all: {np.mean(times > 0):.0%}")
print(f"places that want the most wanted spot: {times.max() / times.sum():.0%}")

# %%
bright = np.uint8(255 * np.minimum(1, times_chosen() / 8)).reshape(a_S.shape[1:3])
show({"the painting": painting, "how often each spot is chosen (white: 8 times or more)": resize(bright, SIZE)})

# %% [markdown]
# ## Exercise 2: putting the targets together
#
# Every place has chosen a spot. Now lay the *painting's* vectors out in the order of the *photograph*: at each place
# the vector of the spot that was chosen for it. These are the **targets** $a^{(T)}$.
#
# The numbers in `chosen` count the painting's positions row by row, as `unrolled` does, and there is one for each
# place of the photograph, row by row as well. The two pictures may differ in size. `tf.gather` takes rows of a table by
# their numbers.

# %% nbgrader={"grade": false, "grade_id": "compute_targets", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compute_targets(a_C, a_S, chosen):
    """The painting's vectors, put where they were chosen for.

    a_C, a_S: the vectors of photograph and painting, tensors (1, n_H, n_W, n_C), not of the same size.
    chosen: for each place of the photograph the number of a spot, a tensor (n_H * n_W,).
    Returns a_T, a tensor in the shape of a_C.
    """
    ### BEGIN SOLUTION
    spots = tf.reshape(a_S, [-1, a_S.shape[-1]])
    return tf.reshape(tf.gather(spots, chosen), a_C.shape)
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.compute_targets(compute_targets)

# %% nbgrader={"grade": true, "grade_id": "compute_targets_points", "points": 2, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.compute_targets(compute_targets).require()

# %% [markdown]
# The function does not care what the vectors hold. Given the colours of the painting's 4x4 pixels in the place of
# its features, it shows what was chosen, before anything is painted:

# %% [markdown] tags=["student-only"]
# With the right targets, the next cell draws this:
#
# ![the photograph, laid out with the colours of the painting's chosen spots](expected/compute_targets.jpg)

# %% tags=["expected:compute_targets"]
def colours(picture):
    """The 48 numbers of each 4x4 pixels as a vector: (1, n_H, n_W, 48)."""
    return tf.nn.space_to_depth(np.float32(picture)[np.newaxis], 4)


def mosaic(chosen):
    """The 4x4 pixels of the chosen spots, laid out: (H, W, 3)."""
    return np.uint8(tf.nn.depth_to_space(compute_targets(colours(photograph), colours(painting), chosen), 4)[0])


show({"the photograph": photograph, "the spots chosen for it": mosaic(choices())})

# %% [markdown]
# It is a mosaic of the painting. Its stones don't fit each other, and none of them was turned or bent. The next step is
# not to copy pixels, but to look for a picture whose *features* are these.
#
# ## Exercise 3: the cost
#
# At every place, the vector of the generated picture is to point where its target points. Both are measured from
# the painting's mean $\mu$, the mean of $a^{(S)}$ over its positions, because the picture is to become one of the
# painting's kind:
#
# $$J_{match} = \frac{1}{n_H n_W} \sum_{i,j} \left(1 - \cos\left(a^{(T)}_{ij} - \mu,\ a^{(G)}_{ij} - \mu\right)\right)$$
#
# (The cost is that of Kolkin and others, 2022; which layers there are, and how much each of them says, is our choice.)
# `minimize` will need its gradient with respect to `a_G`, so stay with TensorFlow's functions.

# %% nbgrader={"grade": false, "grade_id": "compute_match_cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compute_match_cost(a_S, a_T, a_G):
    """How far the generated picture's vectors are from pointing where their targets point.

    a_S: the painting's vectors, a tensor (1, n_H, n_W, n_C), maybe of another size.
    a_T, a_G: targets and the generated picture's vectors, tensors (1, n_H, n_W, n_C).
    Returns J_match, a scalar tensor from 0 to 2.
    """
    ### BEGIN SOLUTION
    mean = tf.reduce_mean(a_S, axis=[0, 1, 2])
    t = tf.math.l2_normalize(a_T - mean, axis=-1)
    g = tf.math.l2_normalize(a_G - mean, axis=-1)
    return tf.reduce_mean(1 - tf.reduce_sum(t * g, axis=-1))
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.compute_match_cost(compute_match_cost)

# %% nbgrader={"grade": true, "grade_id": "compute_match_cost_points", "points": 3, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.compute_match_cost(compute_match_cost).require()

# %% tags=["nbval-check-output"]
a_T = compute_targets(a_C, a_S, choices())
print("J_match of the targets themselves:", round(float(compute_match_cost(a_S, a_T, a_T)), 3) + 0.0)
J_mosaic, J_photograph = (compute_match_cost(a_S, a_T, a) for a in (vectors(mosaic(choices())), a_C))
print("the mosaic is nearer to the targets than the photograph:", bool(J_mosaic < J_photograph))

# %% [markdown]
# The mosaic is not at 0: at the joints of its stones there are edges that the painting does not have, and a unit that
# looks across a joint sees them.

# %% [markdown]
# ## Painting with it
#
# These four functions are all that a picture needs: read, choose, put together, and make the cost small. `minimize`
# is the package's L-BFGS for any cost of your own. As in notebook 7 the picture is painted small first, which
# settles the large areas, and then enlarged; at each size the places choose anew.

# %%
ask("the-sky")

# %% [markdown] tags=["student-only"]
# <details><summary>With your four functions right, the next cell paints this picture. Predict first, then open it.</summary>
#
# ![the photograph painted with the chosen spots of the painting](expected/compute_match_cost.jpg)
#
# </details>

# %% tags=["expected:compute_match_cost"]
def paint_at(size, content, style, start, layers, steps=20):
    """The start, changed until its vectors point where those of the chosen spots do."""
    content, style, start = (resize(picture, size) for picture in (content, style, start))
    vectors = vectors_by(style, layers)
    a_C, a_S = vectors(content), vectors(style)
    a_T = compute_targets(a_C, a_S, nearest_spots(unrolled(a_C), unrolled(a_S)))
    return np.uint8(minimize(lambda image: compute_match_cost(a_S, a_T, vectors(image)), start, steps))


def paint(content, style, layers=LAYERS):
    """The content, painted with the spots of the style that fit it, first small and then at its full size."""
    small = paint_at((160, 120), content, style, content, layers)
    return paint_at(SIZE, content, style, small, layers)


@cache  # so that painting the same again costs nothing
def palace(layers=LAYERS):
    """The photograph, painted with vectors of these layers."""
    return paint(photograph, painting, layers)


show({"the photograph": photograph, "painted with your functions": palace()})

# %% [markdown]
# The palace stands, every eave of it, in colours of the painting: the night's for the sky, the yellow of the awning for the
# haze over the lake. Look closely at the sky (click on the picture): there is the pattern.
#
# ## Gram and neighbours, side by side
#
# The package paints in both ways, `stylize(content, style)` with Gram matrices and `stylize(content, style,
# method="neighbours")` with neighbours, and adds three things to what you have written. A spot has a *price*, which rises
# while it is asked for too often, so that the places share the painting; the places choose again while the picture
# is made; and in the last steps the Gram matrices of the shallow layers are asked for as well, since what each place
# looks like says too little about colours and contrasts of the whole.

# %%
by_gram = stylize(photograph, painting).image
by_neighbours = stylize(photograph, painting, method="neighbours").image

# %%
leaf_through(
    {
        "the photograph": photograph,
        "Gram matrices": by_gram,
        "your functions": palace(),
        "the package's neighbours": by_neighbours,
    },
    columns=2,
)

# %% [markdown]
# Gram matrices give the painting's manner to the picture as a whole, and take liberties with what is in it: look at the
# walls of the palace, and at what has become of the sky. Neighbours keep things what they are, and paint each with
# what the painting has for it. To put it in a number, here is how far each picture has moved from the *structure* of
# the photograph, that is, from which of its places resemble which others (Kolkin and others, 2019, call this
# self-similarity and use it as their content cost):

# %% tags=["nbval-check-output"]
def structure(picture, layer="conv4_1"):
    """The cosines of all places with all others, (places, places)."""
    a = activations(np.float32(picture)[np.newaxis] - CONFIG.MEANS, weights, [layer])[layer]
    v = unrolled(a) - tf.reduce_mean(unrolled(a), axis=0)
    return cosine_similarity(v, v)


moved = {
    name: float(tf.reduce_mean(tf.abs(structure(picture) - structure(photograph))))
    for name, picture in {"Gram": by_gram, "neighbours": by_neighbours, "your functions": palace()}.items()
}
print("furthest from the photograph's structure:", max(moved, key=moved.get))

# %% [markdown]
# Neither is the better method for everything: where nothing has to be recognised, a texture, a dream, the Gram matrix's
# freedom is what one wants, and it needs no search.
#
# ## An experiment of your own
#
# Ask something that a picture can answer, change *one* thing, and predict first what you will see. For instance:
#
# - What if the vectors hold only shallow layers, `layers=("avgpool1", "avgpool2")`, or only `("conv4_1",)`?
# - Which photograph suits which painting? (`example("style/van-gogh-harvest-at-la-crau-1888.webp", SIZE)`, or your own,
#   `resize(read_image("mine.jpg"), SIZE)` with `from nst_utils import read_image`.)
# - What if every place takes the *least* similar spot?
#
# Show the pictures side by side, large enough to judge, with a title for each.

# %% nbgrader={"grade": true, "grade_id": "experiment_picture", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
shallow = palace(layers=("avgpool1", "avgpool2"))
show({"four layers": palace(), "only avgpool1 and avgpool2": shallow})
### END SOLUTION

# %% [markdown]
# In a few sentences: what was your question, what did you predict, what do you see, and why is it so?

# %% [markdown] nbgrader={"grade": true, "grade_id": "experiment_words", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *Example.* What do the deep layers contribute? I predicted that without `conv3_1` and `conv4_1` the colours would stay
# and the strokes would become finer, since units of the shallow layers see a few pixels only. Nearly all the colours
# did stay. But the strokes are hardly strokes any more: sky and lake are covered with a regular grain, dot beside dot,
# the same in all of the sky. A shallow vector does not know whether it lies in a long stroke or beside one, so all
# places of an even area have the same wish, and nothing joins one dot to the next. My prediction was half wrong:
# what is small does not become finer, it becomes a pattern.

# %% [markdown]
# ## Summary
#
# - A Gram matrix sums over positions: pictures with their parts exchanged can have exactly the same.
# - A vector for each position says what is there. Directions are compared by the cosine, each picture measured from
#   its own mean.
# - Every place takes the nearest spot of the painting for its target; the cost is the mean of 1 - cosine.
# - Nearest neighbours are not shared out fairly; a price for each spot helps.
#
# ## Try it
#
# 1. Leave the means out of `nearest_spots`. Which places change their minds, and what becomes of the picture?
# 2. Take the painting for the photograph as well: `nearest_spots(unrolled(a_S), unrolled(a_S))`. What is chosen?
# 3. Turn the painting by 90 degrees, `np.rot90(painting)`: other spots are chosen. Why does a network notice, and why
#    might a painter not mind?
# 4. Where every vector points exactly where its target points, $J_{match}$ is 0. What can such a picture still have wrong,
#    and who would notice?

# %% [markdown] tags=["solution-only"]
# ## Answers to "Try it"
#
# **1.** Most places change their minds. Without the means, what a vector has in common with all others counts; measured
# from its own mean, each looks for what is special. The haze over the lake, for instance, is brighter than the
# photograph's mean, and finds the bright awning. Without the means it is one more even stretch, like the sky:

# %% tags=["solution-only", "nbval-check-output"]
without_means = cosine_similarity(unrolled(a_C), unrolled(a_S))
without = tf.argmax(without_means, axis=1)
print("more than half of the places choose another spot:", np.mean(without != choices()) > 0.5)
print("a cosine is negative without the means:", np.any(without_means < 0))

# %% tags=["solution-only"]
show({"measured from the means": mosaic(choices()), "without the means": mosaic(without)})

# %% [markdown] tags=["solution-only"]
# **2.** Every place of the painting chooses itself: no direction is nearer to a vector's than its own.

# %% tags=["solution-only", "nbval-check-output"]
itself = nearest_spots(unrolled(a_S), unrolled(a_S))
print(f"places that choose themselves: {np.mean(itself == np.arange(len(itself))):.0%}")

# %% [markdown] tags=["solution-only"]
# **3.** The network's kernels look for strokes of one direction each; turned strokes are another channel's matter, and
# other places find them. A painter turns the brush. So Kolkin and others let every place choose from the painting turned
# by 0, 90, 180 and 270 degrees: with more to choose from, the greatest cosines can only grow.

# %% tags=["solution-only", "nbval-check-output"]
turned = vectors_by(painting)(np.rot90(painting).copy())
spots_too = tf.concat([unrolled(a_S), unrolled(turned)], axis=0)
spots_too -= tf.reduce_mean(unrolled(a_S), axis=0)
more = tf.reduce_max(cosine_similarity(places, spots_too), axis=1).numpy()
print("no greatest cosine has become smaller:", np.all(more > greatest.numpy() - 1e-3))
print("some places prefer a turned spot:", np.mean(more > greatest.numpy() + 1e-3) > 0.05)

# %% [markdown] tags=["solution-only"]
# **4.** The lengths. Vectors that are twice as far from the painting's mean point the same way: the strokes are right, the
# contrasts too strong. The cosine cannot tell, and the Gram matrix can. That is one reason why the package asks for
# both.

# %% tags=["solution-only", "nbval-check-output"]
mean = tf.reduce_mean(a_S, axis=[0, 1, 2])
louder = mean + 2 * (a_T - mean)
print("J_match:", round(float(compute_match_cost(a_S, a_T, louder)), 3) + 0.0)
G, G_louder = (gram_matrix(tf.transpose(unrolled(a))).numpy() for a in (a_T, louder))
print("the Gram matrices differ by more than half of their length:", difference(G, G_louder) > 0.5)

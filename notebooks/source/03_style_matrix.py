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
# # 3. The style matrix

# %% [markdown]
# You turn "the manner of a painting" into a matrix: which features there are, and which of them go together, no
# matter where in the picture.
#
# - **Afterwards you can** compute the Gram matrix of a layer, say what its entries mean, and show what it has forgotten.
# - **You need to know** how to read a layer (notebook 1), and how matrices are multiplied.
# - **It takes** 90 minutes, and the computer less than one of them.

# %%
from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import checks
from nst_utils.course.asking import ask
from nst_utils.course.drawing import click_to_zoom, example, show, show_matrices, shuffle_tiles
from nst_utils.course.exploring import slide
from nst_utils.course.helper import unroll

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 320, 240
click_to_zoom()

# %% [markdown]
# Like notebook 1, this one works in [graph mode](GLOSSARY.md#graph-mode): first the network is built, then a session
# computes what it is asked for.

# %%
model = load_vgg_model()
sess = tf.InteractiveSession()

style_image = example("style/van-gogh-cafe-terrace-at-night-1888.webp")
photograph = example("content/chelsea.png")
show({"a style": style_image, "a photograph": photograph})

# %% [markdown]
# ## The formula
#
# Take one layer, and write its activations as a table $A$ of the shape $(n_C, n_H n_W)$: one row for each
# channel, one column for each position in the picture. This is called [**unrolling**](GLOSSARY.md#unrolling):
#
# ![Four channels of two by three positions on the left; on the right a table of four rows and six columns. Each row holds one channel at all positions, each column one position in all channels.](diagrams/unrolling.png)
#
# The [**Gram matrix**](GLOSSARY.md#gram-matrix), or style matrix, multiplies every row with every row (Gatys et al.
# 2015, equation 3; the same year for textures, in their *Texture Synthesis*, equation 1):
#
# $$G = A A^T, \qquad G_{ij} = \sum_{k=1}^{n_H n_W} A_{ik} A_{jk}$$
#
# $G$ has the shape $(n_C, n_C)$, whatever the size of the picture. $G_{ij}$ is large when the channels $i$
# and $j$ are active at the same positions. Since the sum runs over all positions, *where* that happens makes
# no difference.
#
# ## Exercise: the Gram matrix
#
# `A` is already unrolled. Use `tf.matmul`, which can transpose its arguments by itself (see
# `help(tf.matmul)`).

# %% nbgrader={"grade": false, "grade_id": "gram_matrix", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gram_matrix(A):
    """The Gram matrix of unrolled activations.

    A: a tensor (n_C, n_H * n_W).
    Returns a tensor (n_C, n_C).
    """
    ### BEGIN SOLUTION
    return tf.matmul(A, A, transpose_b=True)
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.gram_matrix(gram_matrix)

# %% nbgrader={"grade": true, "grade_id": "gram_matrix_points", "points": 2, "locked": true, "schema_version": 3, "solution": false, "task": false}
# For grading: the same check, but an answer that is not right stops this cell with an error, and so earns no points.
checks.gram_matrix(gram_matrix).require()

# %% [markdown]
# The random numbers of the original course give this matrix. It is symmetric, as $G_{ij} = G_{ji}$:

# %% tags=["nbval-check-output"]
A = tf.raw_ops.RandomStandardNormal(shape=[3, 2], dtype=tf.float32, seed=1, seed2=3) * 4 + 1
print(np.round(sess.run(gram_matrix(A)), 3))

# %% [markdown]
# ## What it looks like
#
# Now the real thing. `unroll` makes the table $A$ of the activations, as in the diagram; how to do that with TensorFlow is a
# question for notebook 4. `style_of` gives the Gram matrix:

# %%
def table_of(picture, layer="conv2_1"):
    """The activations of a layer for a picture, as a table (n_C, n_H * n_W)."""
    sess.run(model["input"].assign(reshape_and_normalize_image(picture)))
    return unroll(sess.run(model[layer]))


def style_of(picture, layer="conv2_1"):
    """The Gram matrix of a layer for a picture."""
    return sess.run(gram_matrix(tf.constant(table_of(picture, layer))))

# %% [markdown] tags=["student-only"]
# With the right Gram matrix, the next cell draws this:
#
# ![The Gram matrices of the painting and of the photograph: dark squares with bright horizontal and vertical lines, at other places and much brighter for the painting](expected/gram_matrix.jpg)

# %% tags=["expected:gram_matrix"]
show_matrices({"the style": style_of(style_image), "the photograph": style_of(photograph)})

# %% [markdown]
# For the 128 channels of `conv2_1` these are 128x128 numbers, of which 8,256 can differ, as the matrix is symmetric. Black is zero;
# the bar on the right tells which number another colour stands for. Its steps are not even: the colour
# follows the *square root* of the entry, or all but a few entries would be black.
#
# Bright lines belong to channels that are active nearly everywhere. The two matrices are plainly not the
# same: that difference is what we will call a difference of style.
#
# ## The diagonal: how active
#
# $G_{ii}$ is the sum of the squares of channel $i$: how much of its pattern there is in the picture. Here are
# the two channels with the largest entries on the painting's diagonal, and the two with the smallest that are
# not zero:

# %%
G = style_of(style_image)
channel_maps = table_of(style_image).reshape(128, 120, 160)
order = np.argsort(-np.diag(G))  # the channel with the largest entry first
order = order[np.diag(G)[order] > 0]
chosen = [*order[:2], *order[-2:]]
maps = {f"channel {i}\nG[{i}, {i}] = {G[i, i]:.0e}": channel_maps[i] for i in chosen}
show({"the style\n": style_image, **maps})

# %% [markdown]
# ## Off the diagonal: what goes together

# %%
ask("blue-strokes")

# %% [markdown]
# To compare pairs of channels of different strength, divide by both: $c_{ij} = G_{ij} / \sqrt{G_{ii} G_{jj}}$
# is 1 if the two channels are active at the same positions and in proportion, and 0 if never at the same position. (It is the
# cosine of the angle between the two rows of $A$.) Let us sort all pairs of the forty busiest channels by it:

# %%
def together(G, i, j):
    """How much two channels are active at the same positions, from 0 to 1."""
    return G[i, j] / np.sqrt(G[i, i] * G[j, j])


def sorted_pairs(G):
    """All pairs of the forty busiest channels, the pair that goes together least first."""
    busiest = np.argsort(-np.diag(G))[:40]
    return sorted([(i, j) for i in busiest for j in busiest if i < j], key=lambda pair: together(G, *pair))


def show_pair(pair):
    """Two channels, and their product, which summed over all positions is their entry in G."""
    i, j = pair
    first, second = channel_maps[i], channel_maps[j]
    maps = {f"channel {i}": first, f"channel {j}": second, f"their product: {together(G, i, j):.0%}": first * second}
    show({"the style": style_image, **maps})


pairs = sorted_pairs(style_of(style_image))
show_pair(pairs[0])  # the pair that goes together least
show_pair(pairs[-1])  # ... and most

# %% [markdown]
# The first two are hardly ever active at the same position: their product is dark nearly everywhere. The last two follow the same
# edges. Between these ends lie 778 more pairs; here are some of them:

# %%
pairs = sorted_pairs(style_of(style_image))
some = {f"{together(G, *pair):.0%}": pair for pair in pairs[:: len(pairs) // 12]}
slide(some, show_pair, label="together")

# %% [markdown]
# A statement such as "where there is yellow, there are short horizontal strokes" is a large off-diagonal
# entry. Thousands of such entries, in layers of several depths, are what this course calls a style.
#
# ## Position is lost

# %%
ask("shuffled-tiles")

# %%
ask("mirrored")

# %%
shuffled = shuffle_tiles(style_image, tile=80)
pictures = {
    "the style": style_image,
    "its tiles, shuffled": shuffled,
    "mirrored": style_image[:, ::-1],
    "another painting": example("style/van-gogh-night-cafe-1888.webp"),
    "a photograph": photograph,
}
show(pictures)

# %%
show_matrices({title: style_of(picture) for title, picture in pictures.items()})

# %% [markdown]
# As numbers: how far is each picture from the style, first by its activations and then by its Gram matrix?
# (The length of the difference, in per cent of the length of the style's own.)

# %% tags=["nbval-check-output"]
def distance(x, y):
    """The length of the difference, relative to the length of x."""
    return np.linalg.norm(x - y) / np.linalg.norm(x)


for title, picture in list(pictures.items())[1:]:
    by_matrix = distance(style_of(style_image), style_of(picture))
    by_place = distance(table_of(style_image), table_of(picture))
    print(f"{title:20} activations {by_place:4.0%}   Gram matrix {by_matrix:4.0%}")

# %% [markdown]
# Position by position, the shuffled picture is as far from the original as any other. Its Gram matrix is
# hardly changed; that of the mirrored picture a little more. So the matrix forgets *where* things are, but not which
# way they slope. That a picture with the same Gram matrices looks like the same *stuff*, arranged anew, was found
# with textures (Gatys et al. 2015, *Texture Synthesis*, section 3). Notebook 4 grows such pictures.
#
# ## Your experiment
#
# Find one change of the painting that leaves its Gram matrix nearly as it was, and another that changes it much, although
# a person would call both the same picture. (Or the reverse: the same to the matrix, but not to a person.) Predict both
# numbers before you compute them. Do not use those of this notebook; ideas are size, sharpness, contrast, single colours, a
# frame, noise.
#
# Your first cell ends in one figure that shows the pictures with their distances as titles. Your second cell says, in a few
# sentences, what you asked, what you expected and why, and what you saw.

# %% nbgrader={"grade": true, "grade_id": "experiment_picture", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
darker = (style_image * 0.6).astype("uint8")
bgr = style_image[:, :, ::-1]
figure = {"the style": style_image}
for title, picture in {"darker": darker, "red and blue exchanged": bgr}.items():
    figure[f"{title}: {distance(style_of(style_image), style_of(picture)):.0%}"] = picture
show(figure)
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "experiment_words", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *An example.* **Question:** which does the Gram matrix of `conv2_1` mind more, that the painting is darker or that its
# colours are wrong? **Expected:** the colours; who dims the light in a room does not change the painting's style. **Seen:** the
# wrong colours change the matrix by 61%, as I expected, but the darkness by 47%, as much as another painting. **So** the matrix is
# far from indifferent to the light: its entries are *products* of activations, and if both fall to about 0.6, their product
# falls to 0.36. A style transfer will copy how dark a painting is.

# %% [markdown]
# ## Summary
#
# - $G = A A^T$ multiplies each channel with each, summed over all positions.
# - On the diagonal stands how active a channel is; off the diagonal, which channels are active together.
# - The sum over positions forgets where things are: content goes, style stays.
#
# ## Try it
#
# 1. Use smaller tiles, `tile=40`, `tile=20`, `tile=16`. When does the Gram matrix notice, and why does it
#    notice sooner in `conv4_1`? (Remember how much one unit sees.)
# 2. Turn the picture by 180 degrees, `style_image[::-1, ::-1]`. Why does the matrix mind this less than a mirror?
# 3. What is the largest entry that $G_{ij}$ can have, given $G_{ii}$ and $G_{jj}$?
# 4. The Gram matrix of a picture of twice the size is about four times as large. What must a cost do about
#    that? (Notebook 4.)

# %% [markdown] tags=["solution-only"]
# ## Answers to "Try it"
#
# **1.** How far the shuffled painting is from the painting, to both layers:

# %% tags=["solution-only", "nbval-check-output"]
for tile in (80, 40, 20, 16):
    cut = shuffle_tiles(style_image, tile)
    noticed = {layer: distance(style_of(style_image, layer), style_of(cut, layer)) for layer in ("conv2_1", "conv4_1")}
    print(f"tiles of {tile:2}:", *(f"{layer} {far:4.0%}  " for layer, far in noticed.items()))

# %% tags=["solution-only"]
show({f"tiles of {tile}": shuffle_tiles(style_image, tile) for tile in (80, 40, 20, 16)})

# %% [markdown] tags=["solution-only"]
# A unit notices when a seam lies in what it sees. A unit of `conv2_1` sees 10x10 pixels, and of a tile of 40 most such
# windows lie inside; a unit of `conv4_1` sees some 60x60 pixels, and hardly one of them misses the seams, even of
# the largest tiles. With tiles of 20 the seams are a pattern of their own: to `conv4_1` this grid is a stronger
# feature than anything in the painting.
#
# **2.** How far each is from the painting:

# %% tags=["solution-only", "nbval-check-output"]
for title, picture in {"mirrored": style_image[:, ::-1], "turned": style_image[::-1, ::-1]}.items():
    print(f"{title:8} {distance(style_of(style_image), style_of(picture)):4.0%}")

# %% [markdown] tags=["solution-only"]
# After half a turn a line that rises to the right still rises to the right; in the mirror it falls. Channels are tuned to
# directions, so the mirror hands the work of one channel to another, and the half turn does not.
#
# **3.** $\sqrt{G_{ii} G_{jj}}$, as $c_{ij} \le 1$: the inequality of Cauchy and Schwarz. It is reached when one row of $A$ is a
# multiple of the other.
#
# **4.** Divide: by the number of positions $n_H n_W$, over which each entry is a sum. As the style cost squares the entries, it
# divides by $(n_H n_W)^2$.

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
# **Aim.** You turn "the manner of a painting" into a matrix: which features there are, and which of them go
# together, no matter where in the picture.

# %%
from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import checks
from nst_utils.course.drawing import example, show, show_matrices, shuffle_tiles

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 320, 240

# %% [markdown]
# Like notebook 1, this one works in graph mode (`tensorflow.compat.v1`): first the network is built, then a
# session computes what it is asked for. In TensorFlow 2 each line would be computed at once, without a
# session (notebook 7).

# %%
model = load_vgg_model()
sess = tf.InteractiveSession()

style_image = example("style/van-gogh-cafe-terrace-at-night-1888.webp")
photograph = example("content/chelsea.png")
show({"a style": style_image, "a photograph": photograph}, height=2.2)

# %% [markdown]
# ## The formula
#
# Take one layer, and write its activations as a table $A$ of the shape $(n_C, n_H n_W)$: one row for each
# channel, one column for each position in the picture. The **Gram matrix**, or style matrix, multiplies every
# row with every row:
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
checks.gram_matrix(gram_matrix).require()

# %% [markdown]
# The random numbers of the original course give this matrix. It is symmetric, as $G_{ij} = G_{ji}$:

# %% tags=["nbval-check-output"]
A = tf.raw_ops.RandomStandardNormal(shape=[3, 2], dtype=tf.float32, seed=1, seed2=3) * 4 + 1
print(np.round(sess.run(gram_matrix(A)), 3))

# %% [markdown]
# ## What it looks like
#
# Now the real thing. `unrolled` reads a layer and makes the table $A$; `style_of` gives its Gram matrix. For
# the 128 channels of `conv2_1` that is a picture of 128x128 numbers, black for zero and yellow for the
# largest:

# %%
def unrolled(picture, layer="conv2_1"):
    """The activations of a layer for a picture, as a table (n_C, n_H * n_W)."""
    sess.run(model["input"].assign(reshape_and_normalize_image(picture)))
    a = sess.run(model[layer])
    return a.reshape(-1, a.shape[-1]).T


def style_of(picture, layer="conv2_1"):
    """The Gram matrix of a layer for a picture."""
    return sess.run(gram_matrix(tf.constant(unrolled(picture, layer))))

# %% [markdown] tags=["student-only"]
# With the right Gram matrix, the next cell draws this:
#
# ![the Gram matrices of the painting and of the photograph](expected/gram_matrix.jpg)

# %% tags=["expected:gram_matrix"]
show_matrices({"the style": style_of(style_image), "the photograph": style_of(photograph)})

# %% [markdown]
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
channel_maps = unrolled(style_image).reshape(-1, 120, 160)
order = np.argsort(-np.diag(G))
order = order[np.diag(G)[order] > 0]
chosen = [*order[:2], *order[-2:]]
maps = {f"channel {i}\nG[{i}, {i}] = {G[i, i]:.0e}": channel_maps[i] for i in chosen}
show({"the style\n": style_image, **maps}, height=1.2)

# %% [markdown]
# ## Off the diagonal: what goes together
#
# To compare pairs of channels of different strength, divide by both: $c_{ij} = G_{ij} / \sqrt{G_{ii} G_{jj}}$
# is 1 if the two channels are always active together, and 0 if never. Among the forty busiest channels, these
# are the pairs that go together most and least:

# %%
G = style_of(style_image)
busiest = np.argsort(-np.diag(G))[:40]
together = G[np.ix_(busiest, busiest)] / np.sqrt(np.outer(np.diag(G)[busiest], np.diag(G)[busiest]))
upper = np.where(np.triu(np.ones_like(together), 1) == 1, together, np.nan)
most = np.unravel_index(np.nanargmax(upper), upper.shape)
least = np.unravel_index(np.nanargmin(upper), upper.shape)
pairs = {}
for pair in (most, least):
    i, j = busiest[list(pair)]
    for channel, other in ((i, j), (j, i)):
        pairs[f"channel {channel}\n{together[pair]:.0%} with {other}"] = channel_maps[channel]
show(pairs, height=1.2)

# %% [markdown]
# A statement such as "where there is yellow, there are short horizontal strokes" is a large off-diagonal
# entry. Thousands of such entries, in layers of several depths, are what this course calls a style.
#
# ## Position is lost
#
# If a style does not depend on *where* things are, then a picture that is cut into tiles, which are laid out
# again in any order, should have nearly the same Gram matrix. Only the seams are new.

# %%
shuffled = shuffle_tiles(style_image, tile=80)
other_painting = example("style/van-gogh-night-cafe-1888.webp")
pictures = {
    "the style": style_image,
    "its tiles, shuffled": shuffled,
    "another painting": other_painting,
    "a photograph": photograph,
}
show(pictures, height=1.5)

# %%
show_matrices({title: style_of(picture) for title, picture in pictures.items()}, height=2)

# %% [markdown]
# As numbers: how far is each picture from the style, first by its activations and then by its Gram matrix?
# (The length of the difference, in per cent of the length of the style's own.)

# %% tags=["nbval-check-output"]
def distance(x, y):
    """The length of the difference, relative to the length of x."""
    return np.linalg.norm(x - y) / np.linalg.norm(x)


for title, picture in list(pictures.items())[1:]:
    by_matrix = distance(style_of(style_image), style_of(picture))
    by_place = distance(unrolled(style_image), unrolled(picture))
    print(f"{title:20} activations {by_place:4.0%}   Gram matrix {by_matrix:4.0%}")

# %% [markdown]
# Position by position, the shuffled picture is as far from the original as any other. Its Gram matrix is
# hardly changed.
#
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
# 2. Mirror the picture, `style_image[:, ::-1]`. Position is lost; is left and right lost, too?
# 3. What is the largest entry that $G_{ij}$ can have, given $G_{ii}$ and $G_{jj}$?
# 4. The Gram matrix of a picture of twice the size is about four times as large. What must a cost do about
#    that? (Notebook 4.)

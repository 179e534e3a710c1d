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
# **Aim.** You turn "these two pictures are painted in the same manner" into a number, first for one layer,
# then for several, and grow a texture from a painting's style alone.

# %%
from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import checks, gram_matrix, minimize
from nst_utils.course.drawing import example, show, show_curves, shuffle_tiles

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 144, 96

# %% [markdown]
# Like notebook 1, this one works in graph mode (`tensorflow.compat.v1`): first the network is built, then a
# session computes what it is asked for. In TensorFlow 2 each line would be computed at once, without a
# session (notebook 7).

# %%
model = load_vgg_model()
sess = tf.InteractiveSession()

style_image = example("style/van-gogh-cafe-terrace-at-night-1888.webp")
pictures = {
    "a dahlia": example("content/dahlia.jpg"),
    "Summer Palace": example("content/summer-palace.jpg"),
    "The Night Café": example("style/van-gogh-night-cafe-1888.webp"),
    "Père Tanguy": example("style/van-gogh-pere-tanguy-1887.webp", centre=(0.5, 0.2)),
    "the style, shuffled": shuffle_tiles(style_image, tile=48),
}
show({"the style": style_image, **pictures}, columns=3, height=1.5)

# %% [markdown]
# ## One layer
#
# The style of a picture at one layer is its Gram matrix $G$ (notebook 3). The **style cost** of the layer
# compares the Gram matrices of the style picture $S$ and of the generated picture $G$, entry by entry:
#
# $$J_{style}^{[l]}(S, G) = \frac{1}{4 \times n_C^2 \times (n_H n_W)^2} \sum_{i=1}^{n_C} \sum_{j=1}^{n_C} \left(G^{(S)}_{ij} - G^{(G)}_{ij}\right)^2$$
#
# An entry of $G$ is a sum over $n_H n_W$ positions, and it enters squared: dividing by $(n_H n_W)^2$ makes
# the cost independent of the size of the picture. $n_C^2$ is the number of entries.
#
# ## Exercise: the style cost of a layer
#
# `gram_matrix`, from notebook 3, is already imported; it takes a table $A$ of the shape $(n_C, n_H n_W)$. So
# first the activations $(1, n_H, n_W, n_C)$ must be unrolled into such a table. Take care: `tf.reshape` alone
# cannot move the channels to the front, it needs `tf.transpose` after it.

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
# ## Layer by layer
#
# How far from the style are our pictures, to each of five layers?

# %% [markdown] tags=["student-only"]
# With the right style cost, the next cell draws this:
#
# ![the style cost of five pictures at five layers](expected/compute_layer_style_cost.jpg)

# %% tags=["expected:compute_layer_style_cost"]
layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]


def read(picture):
    """The activations of the five layers for a picture, as constant tensors."""
    sess.run(model["input"].assign(reshape_and_normalize_image(picture)))
    return [tf.constant(sess.run(model[layer])) for layer in layers]


def layer_costs(picture):
    """The style cost of a picture at each of the five layers."""
    pairs = zip(read(style_image), read(picture))
    return sess.run([compute_layer_style_cost(a_S, a_G) for a_S, a_G in pairs])


show_curves(
    {title: (layers, layer_costs(picture)) for title, picture in pictures.items()},
    xlabel="layer",
    ylabel="style cost",
)

# %% [markdown]
# To every layer the shuffled tiles are nearest to the style. For the rest the layers do not agree: `conv1_1`
# finds Père Tanguy nearest, by his colours, and `conv5_1` the Night Café, with its lamps and furniture. One
# layer sees a style at one scale only.
#
# ## Several layers
#
# So we add up the style costs of several layers, each with a weight $\lambda^{[l]}$:
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
# When `compute_style_cost` is called, the style picture has been assigned to `model['input']`. So the trick
# of the course works: `sess.run(model[name])` gives $a^{(S)}$ *now*, as an array of numbers, while the tensor
# `model[name]` itself stands for $a^{(G)}$: the activations of whatever picture will be in the network
# *later*.
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
# First the style picture goes in and the cost is built; then any picture can take its place, and
# `sess.run(J_style)` tells how far it is from the style. Here are our pictures with the least cost first:

# %% [markdown] tags=["student-only"]
# With both costs right, this is what you will see:
#
# ![the pictures, sorted by their style cost](expected/compute_style_cost.jpg)

# %% tags=["expected:compute_style_cost"]
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
# The two other paintings come before the photographs. (That is not so for every Van Gogh: the cost knows
# nothing of painters, only of colours, contrasts and strokes.)
#
# ## A texture grown from the style alone
#
# What does the style cost know about the painting? Start from noise, and change the picture until $J_{style}$
# is small, without any content: first with `conv1_1` alone, then with more and deeper layers. As the costs of
# the layers differ a hundred thousandfold (see the curves above), we choose the weights here so that each
# layer has an equal say at the start: $\lambda^{[l]} = 1 / J_{style}^{[l]}(S, \text{noise})$.

# %% [markdown] tags=["student-only"]
# ![textures grown from the style of one to five layers](expected/textures.jpg)

# %% tags=["expected:textures"]
noise = np.random.default_rng(0).uniform(-20, 20, (1, CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH, 3))


def grow(style_layers, iterations):
    """A texture with the style of the painting in these layers, found from noise."""
    put_in(style_image)
    J_style = compute_style_cost(model, style_layers)
    return minimize(J_style, noise, iterations, variable=model["input"], sess=sess)


costs_of_noise = layer_costs(noise[0] + CONFIG.MEANS[0])
equal_say = [(layer, 1 / cost) for layer, cost in zip(layers, costs_of_noise)]
textures = {"the style": style_image}
for depth in range(1, 6):
    title = f"... and {layers[depth - 1]}" if depth > 1 else "conv1_1"
    textures[title] = grow(equal_say[:depth], iterations=40)
show(textures, columns=3, height=1.7)

# %% [markdown]
# `conv1_1` knows the colours, and which colours touch. With `conv2_1` and `conv3_1` come brush strokes and
# their directions; with `conv4_1` and `conv5_1` they gather into things that might be walls, trees or
# figures, though never in the place they had. It is Café Terrace with the café taken out: this is what we
# want to pour over another picture.
#
# ## Summary
#
# - The style cost of a layer is the squared distance of two Gram matrices, with a divisor that removes the
#   size of the picture.
# - $J_{style}$ is the weighted sum over layers; each layer holds the style at its own scale.
# - Minimised alone, it grows a texture: the manner, without the motif.
#
# ## Try it
#
# 1. Grow a texture from `equal_say[3:4]`, that is from `conv4_1` alone. What is missing that the shallow
#    layers gave?
# 2. Grow one with the weights of `STYLE_LAYERS`, 0.2 each. Which layers have nothing to say, and why?
# 3. Where does `"style/van-gogh-harvest-at-la-crau-1888.webp"` come in the ranking? Can you say why?
# 4. Grow the texture twice, from two noises. Are the two Gram matrices the same? Are the two pictures?

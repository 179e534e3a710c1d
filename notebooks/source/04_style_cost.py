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
# You turn "these two pictures are painted in the same manner" into a number, first for one layer, then for
# several, and grow a texture from a painting's style alone.
#
# - **Afterwards you can** compute the style cost of one layer and of several, say at which scale each layer sees a
#   style, and make a texture of any picture.
# - **You need to know** the Gram matrix (notebook 3) and how a picture is changed until a cost is small (notebook 2).
# - **It takes** 90 minutes, and the computer one and a half of them.

# %%
from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import checks, gram_matrix, minimize
from nst_utils.course.asking import ask
from nst_utils.course.drawing import click_to_zoom, example, show, show_curves, shuffle_tiles
from nst_utils.course.exploring import leaf_through

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 240, 160
click_to_zoom()

# %% [markdown]
# Like notebook 1, this one works in [graph mode](GLOSSARY.md#graph-mode): first the network is built, then a session
# computes what it is asked for; with `precision="auto"` in [bfloat16](GLOSSARY.md#bfloat16) where the machine is fast at it.

# %%
model = load_vgg_model(precision="auto")
sess = tf.InteractiveSession()

style_image = example("style/van-gogh-cafe-terrace-at-night-1888.webp")
pictures = {
    "a dahlia": example("content/dahlia.jpg"),
    "Summer Palace": example("content/summer-palace.jpg"),
    "The Night Café": example("style/van-gogh-night-cafe-1888.webp"),
    "Père Tanguy": example("style/van-gogh-pere-tanguy-1887.webp", centre=(0.5, 0.2)),
    "the style, shuffled": shuffle_tiles(style_image, tile=80),
}
show({"the style": style_image, **pictures}, columns=3)

# %% [markdown]
# ## One layer
#
# The style of a picture at one layer is its [Gram matrix](GLOSSARY.md#gram-matrix) (notebook 3). The letter $G$ is from here on
# the generated picture, so let us write $\text{Gram}(S)$ and $\text{Gram}(G)$ for the matrices of the style picture $S$ and
# of $G$. The [**style cost** of the layer](GLOSSARY.md#style-cost-of-a-layer) compares them entry by entry (Gatys et al. 2015,
# equation 4):
#
# $$J_{style}^{[l]}(S, G) = \frac{1}{4 \times n_C^2 \times (n_H n_W)^2} \sum_{i=1}^{n_C} \sum_{j=1}^{n_C} \left(\text{Gram}(S)_{ij} - \text{Gram}(G)_{ij}\right)^2$$
#
# An entry of a Gram matrix is a sum over $n_H n_W$ positions, and it enters squared: dividing by $(n_H n_W)^2$ makes
# the cost independent of the size of the picture. $n_C^2$ is the number of entries.
#
# ## Exercise: the style cost of a layer
#
# `gram_matrix`, from notebook 3, is already imported; it takes a table $A$ of the shape $(n_C, n_H n_W)$. So
# first the activations $(1, n_H, n_W, n_C)$ must be [unrolled](GLOSSARY.md#unrolling) into such a table:
#
# ![Four channels of two by three positions on the left; on the right a table of four rows and six columns. Each row holds one channel at all positions, each column one position in all channels.](diagrams/unrolling.png)
#
# Take care: in memory the activations lie position by position, all channels of the first position first. Asking `tf.reshape` for the
# shape that you want gives a table of the right shape with the wrong rows. Try it on paper with this picture.

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
# For grading: the same check, but an answer that is not right stops this cell with an error, and so earns no points.
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
# How far from the style are our pictures, to each of five layers? As in notebook 2, costs of different layers can only be
# compared with a yardstick: here 1 means "as far off as the dahlia".

# %% [markdown] tags=["student-only"]
# With the right style cost, the next cell draws this:
#
# ![The style cost of five pictures at five layers, relative to the dahlia. The shuffled style is lowest at every layer.](expected/compute_layer_style_cost.jpg)

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


costs = {title: np.array(layer_costs(picture)) for title, picture in pictures.items()}
relative = {title: cost / costs["a dahlia"] for title, cost in costs.items()}
show_curves(
    {title: (layers, cost) for title, cost in relative.items()},
    xlabel="layer", ylabel="relative style cost", scale="linear",
)

# %% tags=["nbval-check-output"]
costs = {title: layer_costs(picture) for title, picture in pictures.items()}
for number, layer in enumerate(layers):
    print(f"{layer}, the nearest first: ", ", ".join(sorted(pictures, key=lambda title: costs[title][number])))
print("The dahlia's costs:", *(f"{layer} {cost:.0e}  " for layer, cost in zip(layers, costs["a dahlia"])))

# %% [markdown]
# To every layer the shuffled tiles are by far the nearest to the style, and both paintings are nearer than both photographs. But the
# layers do not agree on the order. The shallow ones find Père Tanguy nearest, by his colours and short strokes;
# `conv4_1` and `conv5_1` find the Night Café a little nearer, with its lamps, tables and walls. One layer sees a style at one
# scale only.
#
# ## Several layers
#
# So we add up the style costs of several layers, each with a [weight](GLOSSARY.md#style-weights) $\lambda^{[l]}$ (Gatys et al. 2015,
# equation 5, with the same five layers and weights):
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
# When `compute_style_cost` is called, the style picture has been assigned to `model['input']`. What you run *now* in the
# session, you get as an array of numbers, computed from the style picture. What you do not run stays a tensor, and stands for
# what the layer will answer to whatever picture is in the network *later*. Which of the two do you need for $a^{(S)}$, and
# which for $a^{(G)}$?
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
# For grading: the same check, but an answer that is not right stops this cell with an error, and so earns no points.
checks.compute_style_cost(compute_style_cost).require()

# %%
ask("both-read-now")

# %% [markdown]
# ## Who paints like that?
#
# First the style picture goes in and the cost is built; then any picture can take its place, and
# `sess.run(J_style)` tells how far it is from the style. Here are our pictures with the least cost first:

# %% [markdown] tags=["student-only"]
# With both costs right, this is what you will see:
#
# ![The five pictures, sorted by their style cost: the shuffled style, the two other paintings, then the two photographs](expected/compute_style_cost.jpg)

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
show({f"{title}\nJ_style = {cost:.1e}": pictures[title] for title, cost in ranking.items()})

# %% [markdown]
# The two other paintings come before the photographs. (That is not so for every Van Gogh: the cost knows
# nothing of painters, only of colours, contrasts and strokes.)
#
# ## A texture grown from the style alone
#
# What does the style cost know about the painting? Start from noise, and change the picture until $J_{style}$
# is small, without any content: first with `conv1_1` alone, then with more and deeper layers (after figure 1 of Gatys et al.
# 2015). As the costs of the layers differ a hundred thousandfold (see the dahlia's, above), we choose the weights here so that
# each layer has an equal say at the start: $\lambda^{[l]} = 1 / J_{style}^{[l]}(S, \text{noise})$.

# %%
ask("conv1_1-alone")

# %%
ask("all-five-layers")

# %% [markdown] tags=["student-only"]
# <details><summary>With both costs right, you will see this picture. Predict first, then open it.</summary>
#
# ![The style and five textures: with conv1_1 alone spots in the painting's colours; the more layers, the larger the patterns, up to pieces of walls and windows](expected/textures.jpg)
#
# </details>

# %% tags=["expected:textures"]
noise = np.random.default_rng(0).uniform(-20, 20, (1, CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH, 3))


def grow(style_layers, iterations, start=noise):
    """A texture with the style of the painting in these layers, found from noise."""
    put_in(style_image)
    J_style = compute_style_cost(model, style_layers)
    return minimize(J_style, start, iterations, variable=model["input"], sess=sess)


def weights_of_equal_say():
    """The five layers, each with the weight that makes its cost 1 for the noise."""
    costs = layer_costs(noise[0] + CONFIG.MEANS[0])
    return [(layer, 1 / cost) for layer, cost in zip(layers, costs)]


equal_say = weights_of_equal_say()
textures = {}
for depth in range(1, 6):
    title = f"... and {layers[depth - 1]}" if depth > 1 else "conv1_1"
    textures[title] = grow(equal_say[:depth], iterations=40)
leaf_through({"the style": style_image, **textures}, label="layers")

# %% [markdown]
# (Move the slider to see each of them large, and watch the patterns grow.)
#
# `conv1_1` knows the colours, and which colours touch. With `conv2_1` and `conv3_1` come brush strokes and
# their directions; with `conv4_1` and `conv5_1` they gather into things that might be walls, trees or
# figures, though never in the place they had. It is Café Terrace with the café taken out: this is what we
# want to pour over another picture.
#
# The last one once more, larger: the texture that was found at 240x160 is enlarged, and a few steps at 360x240 add the finer
# strokes. Going from coarse to fine is cheaper than starting large (Gatys et al. 2017, *Controlling Perceptual Factors*).

# %%
equal_say = weights_of_equal_say()
CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 360, 240
small, small_model, model = style_image, model, load_vgg_model(precision="auto")
style_image = example("style/van-gogh-cafe-terrace-at-night-1888.webp")
enlarged = tf.image.resize(textures["... and conv5_1"], (240, 360), method="bicubic").eval()
show({"the style": style_image, "a texture of 360x240": grow(equal_say, 20, start=enlarged)})
CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 240, 160
style_image, model = small, small_model

# %% [markdown]
# ## Your experiment
#
# Make a texture of a picture of your choice, a painting, wallpaper, a lawn: `example("my_picture.jpg")`. Make two that differ in
# *one* thing: the layers, their weights, the start, or the picture. Say beforehand what you expect of the difference.
#
# Your first cell ends in one figure that shows both beside the picture, with titles. Your second cell says, in a few sentences,
# what you asked, what you expected and why, and what you saw. "It looks like Van Gogh" is not enough: in what?

# %% nbgrader={"grade": true, "grade_id": "experiment_picture", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
cafe, style_image = style_image, example("style/van-gogh-harvest-at-la-crau-1888.webp")
two = {"all five layers": equal_say, "conv1_1 and conv5_1 only": [equal_say[0], equal_say[4]]}
show({"the harvest": style_image, **{title: grow(style_layers, 40) for title, style_layers in two.items()}})
style_image = cafe
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "experiment_words", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *An example.* **Question:** are the middle layers needed, or do the shallowest and the deepest suffice? **Expected:** they suffice:
# the one brings the colours, the other the large patterns, and strokes are between. **Seen:** with all five, the long level strips of the fields come
# back, one over the other. With two, there are the colours and short waves of them, and no fields. **So** I was wrong: that strokes lie
# "between" helps nothing if no layer asks for them. What two layers leave open, the noise fills.

# %% [markdown]
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

# %% [markdown] tags=["solution-only"]
# ## Answers to "Try it"
#
# **1.** and **2.** The two textures, and how much two of the layers make of the cost at the start:

# %% tags=["solution-only"]
alone = grow(equal_say[3:4], iterations=40)
fifths = grow(STYLE_LAYERS, iterations=40)
show({"the style": style_image, "conv4_1 alone": alone, "0.2 each": fifths})

# %% tags=["solution-only", "nbval-check-output"]
costs_of_noise = layer_costs(noise[0] + CONFIG.MEANS[0])
share = sum(costs_of_noise[1:3]) / sum(costs_of_noise)
print(f"With equal weights, conv2_1 and conv3_1 make {share:.0%} of the cost of noise.")

# %% [markdown] tags=["solution-only"]
# With `conv4_1` alone there are walls, windows and edges, but in colours that are not the painting's, full of grain: colours and fine
# strokes are what the shallow layers gave. With 0.2 each it is the other way round: colours and strokes, but nothing large. The
# cost is then that of `conv2_1` and `conv3_1`; the activations of the others are so much smaller that their share is next to
# nothing.
#
# **3.** With the Harvest among them:

# %% tags=["solution-only"]
harvest = {"The Harvest": example("style/van-gogh-harvest-at-la-crau-1888.webp")}
ranked = distances({**pictures, **harvest})
show({f"{title}\n{cost:.1e}": {**pictures, **harvest}[title] for title, cost in ranked.items()}, columns=3)

# %% tags=["solution-only", "nbval-check-output"]
print("The last of the ranking:", list(ranked)[-1])

# %% [markdown] tags=["solution-only"]
# Last of all, behind both photographs, although the same hand painted it in the same year. It is ochre and green, without the
# darkness, the violet and the strong contrasts of the Café Terrace, and it is these that the cost compares.
#
# **4.** A second texture, from another noise:

# %% tags=["solution-only", "nbval-check-output"]
again = grow(equal_say, 40, start=np.random.default_rng(1).uniform(-20, 20, noise.shape))
first = textures["... and conv5_1"]
two = [read(image[0] + CONFIG.MEANS[0]) for image in (first, again)]
J_between = np.array(sess.run([compute_layer_style_cost(a, b) for a, b in zip(*two)]))
print("The two styles differ by less than a tenth of the dahlia's cost:", bool((J_between < np.array(costs["a dahlia"]) / 10).all()))
print("The pixels agree:", bool(np.abs(first - again).mean() < 10))

# %% tags=["solution-only"]
show({"the style": style_image, "from one noise": first, "from another": again})

# %% [markdown] tags=["solution-only"]
# The Gram matrices are nearly the same, the pictures are not: the same stuff, laid out in another way. Which of countless such pictures
# comes out is decided by the start.

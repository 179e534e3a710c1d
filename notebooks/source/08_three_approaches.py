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
# # 8. Three approaches

# %% [markdown]
# **Afterwards you can** say what it takes to transfer a style by learning from pairs, by optimising a picture, and by
# training a network that paints in one pass; write the instance normalisation that holds a style; and train such a network.
#
# **You need to know** the total cost (notebook 5), and the train step with a tape (notebook 7).
#
# **It takes** an hour, and less than three minutes of computing.

# %%
import time

import numpy as np
from nst_utils import CONFIG, activations, checks, compute_content_cost, compute_layer_style_cost, load_weights
from nst_utils import make_pairs, stylize, total_cost, train_on_pairs
from nst_utils.course.asking import ask
from nst_utils.course.drawing import click_to_zoom, example, show, show_curves
from nst_utils.course.exploring import slide
from nst_utils.fast.layers import EPSILON
from nst_utils.fast.painting import Painter
from nst_utils.fast.photographs import draw_batch
from nst_utils.fast.plan import Painting, Plan
from nst_utils.fast.styles import read_book
from nst_utils.fast.training import book_of, new_network
from nst_utils.network.vgg import prepare
import tensorflow as tf

SIZE = (320, 240)
weights = prepare(load_weights())
click_to_zoom()

# %% [markdown]
# ## One photograph, one painting, three ways
#
# | approach | what is trained | by what | for a new photograph |
# |---|---|---|---|
# | 1. **supervised**, on pairs | a network | photographs with their paintings, pixel by pixel | one pass |
# | 2. **optimised** (Gatys, Ecker and Bethge 2015) | the picture itself | content and style cost | all over again |
# | 3. **fast** (Johnson, Alahi and Fei-Fei 2016) | a network | content and style cost | one pass |
#
# The second is what you have built so far.

# %%
photograph = example("content/summer-palace.jpg", SIZE)
painting = Painting("cafe", example("style/van-gogh-cafe-terrace-at-night-1888.webp", SIZE))
show({"the photograph": photograph, "the painting": painting.picture})

# %% tags=["nbval-check-output"]
began = time.perf_counter()
optimised = stylize(photograph, painting.picture, size=SIZE).image
seconds = {"optimised": time.perf_counter() - began}
print("a picture of", optimised.shape[1], "x", optimised.shape[0])

# %% [markdown]
# ## The first approach: pairs
#
# Nobody has a thousand photographs with the paintings that Van Gogh would have made of them. Here the pairs are made by the
# second approach, which is a bit of a cheat, and shows the first one at its best. Four photographs are enough to see how
# it goes.

# %%
photographs = [example(f"content/{name}", SIZE) for name in ("chelsea.png", "coffee.png", "dahlia.jpg", "rocket.jpg")]
began = time.perf_counter()
pairs = list(make_pairs(photographs, painting, 192, quality="quick"))
seconds["pairs"] = time.perf_counter() - began
show({("photograph", "its painting")[i % 2] + f" {i // 2 + 1}": each for i, each in enumerate(sum(pairs, ()))}, columns=4)

# %%
ask("pixel-loss")

# %% [markdown]
# `train_on_pairs` lowers the mean squared difference of pixels, by the tape of notebook 7. The network is a small one, of the kind
# that the third approach uses.

# %%
SMALL = {"widths": (16, 24), "blocks": 3}
began = time.perf_counter()
steps = list(train_on_pairs(pairs, painting, Plan(steps=200, side=96, batch=2, learning_rate=4e-3), **SMALL))
learned, losses = steps[-1][0], [loss for _, loss in steps]
seconds["supervised"] = time.perf_counter() - began + seconds["pairs"]
supervised = Painter(learned).stylize(photograph, "cafe")
show_curves({"pixel loss": (range(len(losses)), losses)}, xlabel="step", ylabel="squared difference")

# %% tags=["nbval-check-output"]
print("the loss has fallen by more than a third:", np.mean(losses[-20:]) < 0.67 * np.mean(losses[:5]))

# %%
show({"the photograph, never seen in training": photograph, "supervised": supervised, "optimised": optimised})

# %% [markdown]
# The pixel loss asks *where* every stroke is, and that is what nobody can know. A cost that only asks *how many* strokes of
# each kind there are would not mind two pixels more to the left. You know such a cost.
#
# ## The third approach: a network, and the costs you know
#
# The network paints the photograph; the [perceptual costs](GLOSSARY.md#style-cost-of-a-layer) of Gatys judge what it has painted; and their gradient goes on,
# through the picture, into the network's kernels. After thousands of photographs it paints in one pass. One of these networks comes with the
# package, with eleven styles:

# %%
book = read_book()
painter = Painter(book)
painter.stylize(photograph, "cafe")  # the first call prepares the network
began = time.perf_counter()
fast = painter.stylize(photograph, "cafe")
seconds["fast"] = time.perf_counter() - began
show({name: painter.stylize(photograph, name) for name in list(book.manners)[:6]}, columns=3)

# %% [markdown]
# ## Exercise 1: where a style is kept
#
# All styles share the convolutions. What makes the difference are two numbers for each channel. After every convolution the
# channel is **normalised**: in each picture $n$ and each channel $c$ by itself, over the positions,
#
# $$\mu_{nc} = \frac{1}{n_H n_W} \sum_{i,j} a_{nijc}, \qquad
# \sigma^2_{nc} = \frac{1}{n_H n_W} \sum_{i,j} (a_{nijc} - \mu_{nc})^2$$
#
# (instance normalisation, Ulyanov, Vedaldi and Lempitsky 2016), and then gets the **scale** $\gamma$ and the **shift** $\beta$ of the style
# (conditional instance normalisation, Dumoulin, Shlens and Kudlur 2017):
#
# $$\hat a_{nijc} = \gamma_{nc}\, \frac{a_{nijc} - \mu_{nc}}{\sqrt{\sigma^2_{nc} + \epsilon}} + \beta_{nc}$$
#
# $\epsilon$ is `EPSILON`; it keeps a channel finite that is the same everywhere.

# %% nbgrader={"grade": false, "grade_id": "instance_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def instance_norm(a, scale, shift):
    """Conditional instance normalisation.

    a: activations, a tensor (N, n_H, n_W, n_C); scale, shift: those of each picture's style, tensors (N, n_C).
    Returns a tensor in the shape of a.
    """
    ### BEGIN SOLUTION
    mean = tf.reduce_mean(a, axis=[1, 2], keepdims=True)
    variance = tf.reduce_mean(tf.square(a - mean), axis=[1, 2], keepdims=True)
    x = (a - mean) / tf.sqrt(variance + EPSILON)
    return scale[:, None, None, :] * x + shift[:, None, None, :]
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.instance_norm(instance_norm)

# %% nbgrader={"grade": true, "grade_id": "instance_norm_points", "points": 3, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.instance_norm(instance_norm).require()

# %% [markdown]
# A style is therefore a row of numbers, and numbers can be mixed.

# %%
ask("between-two-styles")

# %%
parts = (0, 0.25, 0.5, 0.75, 1)
slide(
    parts,
    lambda part: show({f"{1 - part:.0%} cafe, {part:.0%} flow": painter.stylize(photograph, {"cafe": 1 - part, "flow": part})}),
    label="part of flow",
    start=0.5,
)

# %% [markdown]
# ## Exercise 2: the cost of what is painted
#
# Nothing is new here but the place: $J = \alpha J_{content} + \beta J_{style}$, of three sets of activations. Each is a dictionary
# from a layer's name to a tensor $(1, n_H, n_W, n_C)$: `a_C` of the photograph, `a_S` of the painting, `a_G` of what the network has painted.
# Use `compute_content_cost(a_C, a_G)` and `compute_layer_style_cost(a_S, a_G)`, which take the activations of one layer, and
# `total_cost(J_content, J_style, alpha, beta)`.

# %% nbgrader={"grade": false, "grade_id": "perceptual_cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
def perceptual_cost(a_C, a_S, a_G, content_layer, style_layers, alpha=10, beta=40):
    """What a painted picture costs.

    a_C, a_S, a_G: {layer: activations} of photograph, painting and what is painted.
    content_layer: a layer's name; style_layers: pairs (layer, weight). Returns J, a scalar tensor.
    """
    ### BEGIN SOLUTION
    J_content = compute_content_cost(a_C[content_layer], a_G[content_layer])
    J_style = 0.0
    for name, weight in style_layers:
        J_style += weight * compute_layer_style_cost(a_S[name], a_G[name])
    return total_cost(J_content, J_style, alpha, beta)
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.perceptual_cost(perceptual_cost)

# %% nbgrader={"grade": true, "grade_id": "perceptual_cost_points", "points": 2, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.perceptual_cost(perceptual_cost).require()

# %% [markdown]
# With it, all three approaches come under one evaluation:

# %%
CONTENT_LAYER = "conv4_2"
STYLE_LAYERS = [("conv1_1", 0.2), ("conv2_1", 0.2), ("conv3_1", 0.2), ("conv4_1", 0.2), ("conv5_1", 0.2)]
LAYERS = [CONTENT_LAYER, *(name for name, _ in STYLE_LAYERS)]


def look(picture, layers=LAYERS):
    """The activations of a picture (H, W, 3)."""
    return activations(tf.cast(picture, tf.float32)[tf.newaxis] - CONFIG.MEANS, weights, layers)


a_C, a_S = look(photograph), look(painting.picture)
pictures = {"the photograph": photograph, "supervised": supervised, "optimised": optimised, "fast": fast}


def all_costs():
    """J of each of the pictures."""
    return {
        name: float(perceptual_cost(a_C, a_S, look(picture), CONTENT_LAYER, STYLE_LAYERS))
        for name, picture in pictures.items()
    }


show({f"{name}: J = {J:.2g}": pictures[name] for name, J in all_costs().items()}, columns=2)

# %% tags=["nbval-check-output"]
J = all_costs()
print("the optimised picture costs least:", min(J, key=J.get) == "optimised")
print("the fast one costs less than the photograph:", J["fast"] < J["the photograph"])

# %%
for name, each in seconds.items():
    print(f"{name:12} {each:6.2f} s")

# %% [markdown]
# ## Exercise 3: one step of training
#
# Now train one yourself. A step takes some photographs, lets the network paint them, asks what that costs, and moves the
# network's kernels, scales and shifts, `network.trainable_variables`, down the gradient. Compare it to the train step of notebook 7: there the variable
# was the picture.

# %% nbgrader={"grade": false, "grade_id": "train_network_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_network_step(network, photographs, compute_cost, optimizer):
    """One step that makes the network paint better.

    network: network(photographs) paints them, (N, H, W, 3); network.trainable_variables are to be moved.
    compute_cost: compute_cost(painted, photographs) is J, a scalar tensor.
    optimizer: an optimiser of Keras. Returns J, a tensor.
    """
    ### BEGIN SOLUTION
    with tf.GradientTape() as tape:
        painted = network(photographs)
        J = compute_cost(painted, photographs)
    gradients = tape.gradient(J, network.trainable_variables)
    optimizer.apply_gradients(zip(gradients, network.trainable_variables))
    return J
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.train_network_step(train_network_step)

# %% nbgrader={"grade": true, "grade_id": "train_network_step_points", "points": 3, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.train_network_step(train_network_step).require()

# %% [markdown]
# A network of three thousandths of VGG's size, one painting, the four photographs, and half a minute:

# %%
PLAN = Plan(steps=120, side=96, batch=1, learning_rate=5e-3, steady=0)
SHALLOW = [("conv1_1", 0.33), ("conv2_1", 0.33), ("conv3_1", 0.33)]  # what counts most, for a third of the time
small = new_network(SMALL["widths"], 1, blocks=SMALL["blocks"])
share = tf.ones((PLAN.batch, 1))


class OneStyle:
    """The small network with its only style."""

    trainable_variables = [variable.value for variable in small.trainable_variables]

    def __call__(self, photographs):
        return small(photographs, share)


def compute_cost(painted, photographs):
    names = [name for name, _ in SHALLOW]
    a_C, a_G = (look(pictures[0], names) for pictures in (photographs, painted))
    return perceptual_cost(a_C, a_S, a_G, "conv3_1", SHALLOW)


network, optimizer = OneStyle(), tf.keras.optimizers.Adam(PLAN.learning_rate)
optimizer.build(network.trainable_variables)
step = tf.function(train_network_step)
began, costs = time.perf_counter(), []
for number in range(PLAN.steps):
    batch = draw_batch(photographs, [painting], PLAN, number)["photographs"]
    costs.append(float(step(network, tf.constant(batch), compute_cost, optimizer)))
seconds["your network"] = time.perf_counter() - began
show_curves({"J of each step's piece": (range(len(costs)), costs)}, xlabel="step")

# %% tags=["nbval-check-output"]
first, last = sum(costs[:5]) / 5, sum(costs[-20:]) / 20
print("J has fallen to less than half:", last < 0.5 * first)

# %%
own = Painter(book_of(small, [painting])).stylize(photograph, "cafe")
show({"supervised, by pixels": supervised, "your network, by what VGG sees": own, "the package's network, trained longer": fast})

# %% [markdown]
# Both small networks have seen the same four photographs. The one has learned colours, the other strokes.
#
# ## What each approach needs
#
# | | supervised | optimised | fast |
# |---|---|---|---|
# | before the first picture | paintings of many photographs | nothing | hours of training; a new painting: minutes |
# | for a picture | one pass | dozens of passes, forward and back, of a large network | one pass of a small one |
# | the cost it reaches | high | lowest | between |
# | a painting one thinks of now | start anew | yes | learn its scales and shifts: `nst fast learn` |
#
# In real time, for films, fast networks; for a single picture, as good as it gets, optimisation.
#
# ## An experiment of your own
#
# Ask something that a picture can answer, change *one* thing, and predict first what you will see. For instance:
#
# - What if scale and shift come from one style in the first half of the channels and from another in the rest?
# - What does the fast network make of its own picture?
# - Which photographs does it paint badly? (Your own: `read_image("mine.jpg")`, with `from nst_utils import read_image`.)
#
# Show the pictures side by side, large enough to judge, with a title for each.

# %% nbgrader={"grade": true, "grade_id": "experiment_picture", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
again = painter.stylize(painter.stylize(fast, "cafe"), "cafe")
show({"painted once": fast, "three times": again})
### END SOLUTION

# %% [markdown]
# In a few sentences: what was your question, what did you predict, what do you see, and why is it so?

# %% [markdown] nbgrader={"grade": true, "grade_id": "experiment_words", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *Example.* What does the network make of its own picture? I predicted that nothing would change any more, since the picture is a
# painting already. But the strokes grow: edges become darker and wider each time. The network was only ever shown photographs;
# it puts its strokes along whatever edges it finds, and now it finds those of its own strokes.

# %% [markdown]
# ## Summary
#
# - A pixel loss asks for what nobody can know, and gets the mean of all possibilities.
# - The perceptual costs ask for the right things; they can move a picture, or the network that paints it.
# - Conditional instance normalisation keeps a style in two numbers for each channel, so that one network knows many, and
#   what lies between them.
#
# ## Try it
#
# 1. Why are the mean and the variance taken in each picture by itself, and not over the batch?
# 2. The optimised picture needs no training set. What does the fast network know of photographs it was not trained on?

# %% [markdown] tags=["solution-only"]
# ## Answers to "Try it"
#
# **1.** A style says how strong each kind of stroke is to be, whatever the contrast of the photograph. Over a batch, a dull photograph beside a glaring
# one would be painted with fewer strokes, and differently in other company. For a single picture, which is what one paints in the end, there is no batch.
#
# **2.** Only what its kernels see, a few dozen pixels around each place. Edges, even areas and textures are in every photograph, so it gets along with those
# that it has never seen. What a thing *is* it does not know.

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
# # 7. The same in TensorFlow 2

# %% [markdown]
# **Aim.** You write style transfer once more, without graphs and sessions; smooth the picture; race three
# optimisers; and end on the fast way to a picture.

# %%
from functools import cache

import numpy as np
from nst_utils import CONFIG, STYLE_LAYERS, activations, checks, load_weights
from nst_utils import compute_content_cost, compute_layer_style_cost, compute_style_cost
from nst_utils import stylize, stylize_steps, total_cost, total_variation
from nst_utils.course.drawing import LiveView, example, show, show_curves
from nst_utils.network.vgg import prepare
import tensorflow as tf

SIZE = (144, 96)

# %% [markdown]
# ## What changes
#
# The notebooks before this one keep graph mode, because there the network is one dictionary of tensors to put
# questions to. TensorFlow 2 is **eager**: each line computes its result at once, like NumPy, and what is to
# be differentiated is recorded on a tape.
#
# | graph mode | TensorFlow 2 |
# |---|---|
# | build, then `sess.run` | call a function |
# | `model["input"].assign(image)` | hand the image to the network: `activations(image, ...)` |
# | `optimizer.minimize(J)` | `tf.GradientTape`, then `optimizer.apply_gradients` |
# | the graph is always there | `tf.function` makes one where it pays |
#
# The formulas do not change at all. With the random numbers of the course's TensorFlow 2 edition:

# %% tags=["nbval-check-output"]
tf.random.set_seed(1)
a_C, a_G = (tf.random.normal([1, 1, 4, 4, 3], mean=1, stddev=4) for _ in range(2))
print(f"content cost: {compute_content_cost(a_C, a_G):.2f}")

tf.random.set_seed(1)
a_S, a_G = (tf.random.normal([1, 4, 4, 3], mean=1, stddev=4) for _ in range(2))
print(f"layer style cost: {compute_layer_style_cost(a_S, a_G):.2f}")

# %% [markdown]
# ## The network is a function
#
# `activations(images, weights, layers)` runs the network as deep as the deepest layer asked for, and no
# deeper. Pictures now have values from 0 to 255; the means are subtracted on the way in.

# %% tags=["nbval-check-output"]
weights = prepare(load_weights())


def read(image, layers=("conv4_2", "conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")):
    """The activations of the layers for an image (1, height, width, 3) from 0 to 255."""
    return activations(image - CONFIG.MEANS, weights, layers)


content = example("content/summer-palace.jpg", SIZE)
style = example("style/van-gogh-cafe-terrace-at-night-1888.webp", SIZE)
a_C, a_S = (read(np.float32(picture)[np.newaxis]) for picture in (content, style))
for name, a in a_C.items():
    print(name, tuple(a.shape))

# %% [markdown]
# ## The cost is a function of the picture
#
# $$J(G) = \alpha\, J_{content}(C, G) + \beta\, J_{style}(S, G)$$

# %% tags=["nbval-check-output"]
def compute_cost(image):
    """The total cost of an image, a scalar tensor."""
    a_G = read(image)
    J_content = compute_content_cost(a_C["conv4_2"], a_G["conv4_2"])
    J_style = compute_style_cost(a_S, a_G, STYLE_LAYERS)
    return total_cost(J_content, J_style, alpha=10, beta=40)


noise = np.random.default_rng(1).uniform(-20, 20, (1, *content.shape))
start = np.float32(np.clip(0.4 * content + 0.6 * (noise + CONFIG.MEANS), 0, 255))
print(f"J of the start: {compute_cost(start):.1e}")

# %% [markdown]
# ## Exercise: the train step
#
# 1. Compute `J = compute_cost(image)` inside `with tf.GradientTape() as tape:`. The tape watches variables by
#    itself.
# 2. Ask the tape for the gradient of `J` with respect to `image`.
# 3. Let the optimiser move the image: `optimizer.apply_gradients` takes a list of pairs (gradient, variable).
# 4. Assign the image, clipped to 0 to 255 (`tf.clip_by_value`), to itself.

# %% nbgrader={"grade": false, "grade_id": "train_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_step(image, compute_cost, optimizer):
    """Move the image one step down the cost.

    image: a tf.Variable (1, height, width, 3) from 0 to 255; it is changed.
    compute_cost: a function from the image to its cost.
    optimizer: a Keras optimiser.
    Returns J, the cost before the step.
    """
    ### BEGIN SOLUTION
    with tf.GradientTape() as tape:
        J = compute_cost(image)
    gradient = tape.gradient(J, image)
    optimizer.apply_gradients([(gradient, image)])
    image.assign(tf.clip_by_value(image, 0.0, 255.0))
    return J
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.train_step(train_step)

# %% nbgrader={"grade": true, "grade_id": "train_step_points", "points": 3, "locked": true, "schema_version": 3, "solution": false, "task": false}
checks.train_step(train_step).require()

# %% [markdown]
# ## One step, sixty steps
#
# `tf.function(train_step)` runs the Python code once, with stand-ins for the tensors, records the graph, and
# from then on runs the graph: it is the graph mode of old, made on demand. Nothing else about the loop is
# special.

# %% [markdown] tags=["student-only"]
# With the right train step, the next cell paints this:
#
# ![content, style and the generated picture](expected/train_step.jpg)

# %% tags=["expected:train_step"]
@cache  # so that painting the same again costs nothing
def paint(compute_cost, steps=60):
    """The picture after so many steps from the start, and the cost before each of them."""
    image = tf.Variable(start)
    optimizer = tf.keras.optimizers.Adam(learning_rate=5.0)
    optimizer.build([image])
    graph_step = tf.function(train_step)
    costs = [float(graph_step(image, compute_cost, optimizer)) for _ in range(steps)]
    return image.numpy()[0].astype("uint8"), costs


painted, costs = paint(compute_cost)
show_curves({"J": (range(60), costs)}, size=(5, 2))
show({"content": content, "style": style, "generated": painted})

# %% [markdown]
# ## Total variation
#
# Look closely at a corner of the picture, and at the differences between neighbouring pixels in a row. The
# painting is full of fine grain that neither the photograph nor Van Gogh has: the costs hardly mind it, since
# the poolings average it away. One more term does mind, the **total variation**: the sum of the squared
# differences of neighbours, per pixel.
#
# $$J_{tv}(G) = \frac{1}{n_H n_W} \sum_{i,j} \left( (G_{i+1,j} - G_{i,j})^2 + (G_{i,j+1} - G_{i,j})^2 \right), \qquad
# J = \alpha J_{content} + \beta J_{style} + \gamma J_{tv}$$

# %% [markdown] tags=["student-only"]
# ![the picture without and with total variation](expected/total_variation.jpg)

# %% tags=["expected:total_variation"]
def edges(picture):
    """How much each pixel differs from its neighbour to the right, four times as bright."""
    difference = np.abs(np.diff(np.float32(picture), axis=1)).mean(axis=-1)
    return np.clip(4 * difference, 0, 255).astype("uint8")


def corner(picture):
    return picture[:48, :72]


def compute_smooth_cost(image):
    return compute_cost(image) + 100_000 * total_variation(image)


noisy, _ = paint(compute_cost)
smooth, _ = paint(compute_smooth_cost)
close_up = {"content": content, "without total variation": noisy, "with total variation": smooth}
show({name: corner(picture) for name, picture in close_up.items()}, height=1.7)
show({f"edges: {name}": edges(corner(picture)) for name, picture in close_up.items()}, height=1.7)
show(close_up, height=1.7)

# %% [markdown]
# The grain goes; the strokes stay, if a little softer. A weight ten times as large would take the strokes,
# too.
#
# ## Three optimisers
#
# The package does all of this in one function, `stylize`, which records the costs and the seconds of every
# step. From the same start:
#
# - **Adam** keeps running means of the gradient and of its square; the course's choice.
# - **Adagrad** divides by the root of the sum of all squared gradients so far, so that its steps get shorter
#   and shorter.
# - **L-BFGS** remembers the last steps and the changes of the gradient along them, and estimates from these
#   how the cost is curved: where a valley is long and narrow, it goes along it instead of across.

# %%
def race(**settings):
    """The seconds and the costs of a run of stylize from the noise mix, and its picture."""
    result = stylize(content, style, init="mix", **settings)
    steps = [step for step in result.history if step.exact]
    return ([step.seconds for step in steps], [step.total for step in steps]), result.image


runs = {
    "Adam": race(optimizer="adam", iterations=80, learning_rate=5.0),
    "Adagrad": race(optimizer="adagrad", iterations=80, learning_rate=20.0),
    "L-BFGS": race(optimizer="lbfgs", iterations=40),
}
show_curves({name: curve for name, (curve, _) in runs.items()}, xlabel="seconds")
show({name: image for name, (_, image) in runs.items()})

# %% [markdown]
# All three go the same way, and L-BFGS goes further in less time. (The curves don't begin at zero, because
# TensorFlow first has to trace the graph. That of L-BFGS begins lower, because at first `stylize` looks at
# the shallow layers alone, where nearly all of the cost is, and what it sees there is not the total cost
# yet.)
#
# ## Which content layer?
#
# From noise, with a weight of the content that gives every layer the same say. A shallow layer insists on the
# photograph's own edges and spots; a deep one leaves the painter free:

# %%
def content_weight(layer):
    """An alpha that makes the content cost of the style picture the same for every layer."""
    a_C, a_S = (read(np.float32(picture)[np.newaxis], [layer]) for picture in (content, style))
    return 1e8 / float(compute_content_cost(a_C[layer], a_S[layer]))


by_layer = {}
for layer in ("conv2_2", "conv3_2", "conv4_2", "conv5_2"):
    weights_of_costs = {"alpha": content_weight(layer), "beta": 1}
    result = stylize(content, style, init="noise", content_layer=layer, **weights_of_costs)
    by_layer[f"content from {layer}"] = result.image
show(by_layer, height=1.25)

# %% [markdown]
# ## Which start?
#
# With the course's weights the content cost is too weak to hold the picture together; what the picture starts
# from decides.

# %%
starts = {
    "the content": "content",
    "content and noise": "mix",
    "noise": "noise",
    "recoloured content": "color",
}
by_start = {
    title: stylize(content, style, init=init, iterations=25).image for title, init in starts.items()
}
show(by_start, height=1.25)

# %% [markdown]
# "Recoloured" means: the content picture, with its colours moved and stretched until their mean and
# covariance are those of the style. It costs a few milliseconds and saves half of the work, as what is left
# to do is strokes.
#
# ## The fast way
#
# `stylize` takes L-BFGS and the recoloured start by itself. Here is its curve beside Adam's from above:

# %%
fast = stylize(content, style)
steps = [step for step in fast.history if step.exact]
show_curves(
    {
        "Adam, from noise and content": runs["Adam"][0],
        "stylize(content, style)": ([step.seconds for step in steps], [step.total for step in steps]),
    },
    xlabel="seconds",
)

# %% [markdown]
# And now a larger picture. `stylize_steps` hands out the steps one by one, so that we can watch. (The small
# jump in the curve is where `stylize` begins to look at the deep layers as well.)

# %%
large = [
    example(name, (288, 192))
    for name in ("content/summer-palace.jpg", "style/van-gogh-cafe-terrace-at-night-1888.webp")
]
view = LiveView()
with view:
    for step in stylize_steps(*large):
        if step.iteration % 3 == 0:
            view.update(step.iteration, step.image, J=step.total)
show({f"after {step.seconds:.0f} seconds": step.image}, height=3.4)

# %% [markdown]
# ## Summary
#
# - In TensorFlow 2 the network and the cost are functions, a `GradientTape` gives the gradient, and
#   `tf.function` the speed of a graph.
# - Total variation removes the grain that the other costs don't see.
# - L-BFGS beats Adam here by far, and a good start is worth as much as a good optimiser.
#
# ## Try it
#
# 1. Paint with `1_000 * total_variation(image)` and with `1_000_000 * total_variation(image)`. Which is too
#    little, which too much, and why does the right weight depend on the other costs?
# 2. Call `train_step` without `tf.function`. How much longer does a step take on your machine?
# 3. Give Adam the recoloured start: `stylize(content, style, optimizer="adam", init="color")`. How much of
#    the advantage was the start's?
# 4. `stylize(content, style, pooling="max")`: can you see the difference?
# 5. At the command line: `nst stylize YOUR_PHOTO YOUR_PAINTING -o picture.png`.

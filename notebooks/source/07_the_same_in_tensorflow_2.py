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
# **Afterwards you can** write style transfer without graphs and sessions, smooth a picture, compare optimisers
# fairly, and choose the fast way to a picture.
#
# **You need to know** the costs (notebooks 2 to 5) and what a train step does (notebook 6).
#
# **It takes** about 50 minutes, of which the computer needs one and a half.

# %%
from functools import cache
from time import perf_counter

import numpy as np
from nst_utils import CONFIG, STYLE_LAYERS, activations, checks, load_weights, minimize
from nst_utils import compute_content_cost, compute_layer_style_cost, compute_style_cost
from nst_utils import stylize, stylize_steps, total_cost, total_variation
from nst_utils.base.tensorflow import resolve_precision
from nst_utils.course.asking import ask
from nst_utils.course.drawing import LiveView, click_to_zoom, example, show, show_curves, show_table
from nst_utils.course.exploring import leaf_through
from nst_utils.network.vgg import prepare
from nst_utils.pictures.colors import Moments, recolor
import tensorflow as tf

SIZE = (240, 160)
click_to_zoom()

# %% [markdown]
# ## What changes
#
# The notebooks before this one keep [graph mode](GLOSSARY.md#graph-mode), because there the network is one
# dictionary of tensors to put questions to. TensorFlow 2 is [eager](GLOSSARY.md#eager): each line computes its
# result at once, like NumPy, and what is to be differentiated is recorded on a
# [tape](GLOSSARY.md#gradient-tape).
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
# deeper. Pictures now have values from 0 to 255; the means are subtracted on the way in. The type of the weights
# decides what the network computes with: [bfloat16](GLOSSARY.md#bfloat16) where the machine is fast at it.

# %% tags=["nbval-check-output"]
dtype = resolve_precision("auto")
weights = prepare(load_weights(), dtype)


def read(image, layers=("conv4_2", "conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")):
    """The activations of the layers for an image (1, height, width, 3) from 0 to 255."""
    a = activations(tf.cast(image - CONFIG.MEANS, dtype), weights, layers)
    return {name: tf.cast(of_layer, tf.float32) for name, of_layer in a.items()}


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
mix = np.float32(np.clip(0.4 * content + 0.6 * (noise + CONFIG.MEANS), 0, 255))
print(f"J of the photograph with noise: {compute_cost(mix):.1e}")

# %% [markdown]
# ## Exercise: the train step
#
# 1. Record how the cost is computed on a `tf.GradientTape`. It is opened by a `with` block, and watches variables
#    by itself.
# 2. Ask the tape's `gradient` how the cost depends on the image.
# 3. Let the optimiser move the image: its `apply_gradients` takes a list of pairs (gradient, variable).
# 4. An optimiser knows nothing of pictures: see to it that no value of the image stays below 0 or above 255
#    (`tf.clip_by_value` returns a clipped tensor).

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
# For grading: the same check, but an answer that is not right stops this cell with an error, and so earns no points.
checks.train_step(train_step).require()

# %% [markdown]
# ## One step, many steps
#
# `tf.function(train_step)` runs the Python code, with stand-ins for the tensors, records the graph, and from
# then on runs the graph. Nothing else about the loop is special. `run` keeps the seconds, too, for the race
# below: all of them, those of the recording as well.

# %%
ask("python-runs-once")

# %% [markdown] tags=["student-only"]
# With the right train step, the next cell paints this:
#
# ![the photograph, the painting, and the pagoda in the painting's colours, with much grain](expected/train_step.jpg)

# %% tags=["expected:train_step"]
def run(cost, start, optimizer, steps):
    """The picture after so many train steps from a start; the seconds so far, and the costs, for each of them."""
    image = tf.Variable(start)
    optimizer.build([image])
    graph_step = tf.function(train_step)
    began, seconds, costs = perf_counter(), [], []
    for _ in range(steps):
        costs.append(float(graph_step(image, cost, optimizer)))
        seconds.append(perf_counter() - began)
    return image.numpy()[0].astype("uint8"), seconds, costs


@cache  # so that painting the same again costs nothing
def paint(cost, steps=45):
    """What 45 steps of Adam make of the photograph with noise."""
    return run(cost, mix, tf.keras.optimizers.Adam(learning_rate=5.0), steps)


painted, seconds, costs = paint(compute_cost)
show({"content C": content, "style S": style, "generated G": painted})

# %% [markdown]
# ## Total variation
#
# Look closely at a corner of the picture, and at the differences between neighbouring pixels in a row. The
# painting is full of fine grain that neither the photograph nor Van Gogh has: the costs hardly mind it, since
# the poolings average it away. One more term does mind, the
# [total variation](GLOSSARY.md#total-variation): the squared differences of neighbours, added up over all
# positions and the three colours $c$, per pixel.
#
# $$J_{tv}(G) = \frac{1}{n_H n_W} \sum_{i,j,c} \left( (G_{i+1,j,c} - G_{i,j,c})^2 + (G_{i,j+1,c} - G_{i,j,c})^2 \right), \qquad
# J = \alpha J_{content} + \beta J_{style} + \gamma J_{tv}$$
#
# (Mahendran and Vedaldi 2015, section 2, for rebuilding pictures as in notebook 2; for style transfer Johnson and
# others 2016. Division by the number of pixels is ours.)

# %%
ask("what-the-variation-takes")

# %% [markdown] tags=["student-only"]
# <details><summary>With the right train step, the next cell draws this picture. Predict first, then open it.</summary>
#
# ![a corner of the photograph, of the picture without and of the picture with total variation: the grain is gone, the edges are softer](expected/total_variation.jpg)
#
# </details>

# %% tags=["expected:total_variation"]
def edges(picture):
    """How much each pixel differs from its neighbour to the right, four times as bright."""
    difference = np.abs(np.diff(np.float32(picture), axis=1)).mean(axis=-1)
    return np.clip(4 * difference, 0, 255).astype("uint8")


def corner(picture):
    return picture[:80, :120]


def compute_smooth_cost(image):
    return compute_cost(image) + 100_000 * total_variation(image)


pictures = {
    "the photograph": content,
    "without total variation": paint(compute_cost)[0],
    "with total variation": paint(compute_smooth_cost)[0],
}
close_up = {name: corner(picture) for name, picture in pictures.items()}
show(close_up | {f"edges: {name}": edges(picture) for name, picture in close_up.items()}, columns=3)

# %% tags=["nbval-check-output"]
def variation(picture):
    return float(total_variation(np.float32(picture)[np.newaxis]))


rough, smooth = (variation(paint(cost)[0]) for cost in (compute_cost, compute_smooth_cost))
print(f"The term has taken more than a third of the variation: {smooth < 2 / 3 * rough}")

# %% [markdown]
# The grain goes; the strokes stay, if a little softer. A weight ten times as large would blur the strokes,
# too ("Try it", 1).
#
# ## Three optimisers, two starts
#
# - **Adam** (Kingma and Ba 2015) keeps running means of the gradient and of its square; the course's choice.
# - **Adagrad** (Duchi, Hazan and Singer 2011) divides by the root of the sum of all squared gradients so far, so
#   that its steps get shorter and shorter.
# - **L-BFGS** (Liu and Nocedal 1989; the choice of Gatys and others) remembers the last steps and the changes of
#   the gradient along them, and estimates from these how the cost is curved: where a valley is long and narrow, it
#   goes along it instead of across.
#
# And two starts: the photograph with noise, and the photograph **recoloured**, its colours moved and stretched
# until their mean and covariance are those of the painting (Gatys and others 2016, *Preserving Color*, section
# 4.1). That costs a few milliseconds.
#
# A race is fair if everybody runs the same way: the same cost, which looks at all layers from the first step, the
# same start, as many steps, and all seconds on the clock. Adam and Adagrad have learning rates that do well here;
# L-BFGS needs none.

# %%
ask("who-wins")

# %%
recoloured = recolor(np.float32(content), Moments.of(np.float32(style)))
starts = {
    "from the photograph with noise": mix,
    "from the recoloured photograph": np.clip(recoloured, 0, 255)[np.newaxis],
}
STEPS = 30


def run_lbfgs(cost, start, steps):
    """The same as run, with L-BFGS; minimize takes a picture without its first axis, from 0 to 255."""
    began, seconds, costs = perf_counter(), [], []

    def note(step):
        seconds.append(perf_counter() - began)
        costs.append(step.cost)

    found = minimize(lambda picture: cost(picture[tf.newaxis]), start[0], steps, callback=note)
    return found.astype("uint8"), seconds, costs


@cache
def race(title):
    """{optimiser: (picture, seconds, costs)} of all three from the start of this title."""
    start = starts[title]
    return {
        "Adam": run(compute_cost, start, tf.keras.optimizers.Adam(learning_rate=15.0), STEPS),
        "Adagrad": run(compute_cost, start, tf.keras.optimizers.Adagrad(learning_rate=20.0), STEPS),
        "L-BFGS": run_lbfgs(compute_cost, start, STEPS),
    }


curves = {
    f"{optimizer}, {title}": (seconds, costs)
    for title in starts
    for optimizer, (_, seconds, costs) in race(title).items()
}
show_curves(curves, xlabel="seconds")

# %%
show_table(
    [[picture for picture, _, _ in race(title).values()] for title in starts],
    rows=[title.replace("the ", "the\n") for title in starts],
    columns=["Adam", "Adagrad", "L-BFGS"],
)

# %% tags=["nbval-check-output"]
lowest = {title: {name: costs[-1] for name, (_, _, costs) in race(title).items()} for title in starts}
for title, reached in lowest.items():
    print(f"{title}: lowest after {STEPS} steps is {min(reached, key=reached.get)}")
noise_start, better_start = lowest.values()
print("the better start helps all three:", all(better_start[name] < noise_start[name] for name in noise_start))

# %% [markdown]
# From either start L-BFGS goes furthest, and from the recoloured photograph everyone goes further. (No curve
# begins at zero: the graph has to be recorded first, and that is time as well.)
#
# Look at the pictures, too, not only at the curves. A lower cost is not a better pagoda: at these weights nearly
# all of the cost is style, so who goes further down also gives away more of the content. In the pictures of
# L-BFGS the storeys begin to run into each other. Whoever wants them back needs more `alpha`, not another
# optimiser.
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
    settings = {"alpha": content_weight(layer), "beta": 1, "content_layers": {layer: 1}, "iterations": 20}
    by_layer[f"content from {layer}"] = stylize(content, style, init="noise", **settings).image
leaf_through(by_layer, label="layer", columns=4)

# %% [markdown]
# (Gatys and others 2016, section 3.2, show the same with `conv2_2` and `conv4_2`.)
#
# ## Which start?
#
# With the course's weights the content cost is too weak to hold the picture together; what the picture starts
# from decides.

# %%
kinds = {
    "the content": "content",
    "content and noise": "mix",
    "noise": "noise",
    "recoloured content": "color",
}
by_start = {
    title: stylize(content, style, init=init, iterations=15).image for title, init in kinds.items()
}
show(by_start, columns=2)

# %% [markdown]
# From the content, white patches remain in the sky, and bright rims, **halos**, along roofs and trees; from the
# recoloured content there are traces of them. The photograph's sky is bright and smooth. Where all neighbours are
# equal there is no edge that could become a stroke: strokes form at edges first, and between them the colour of the
# start remains. Noise has edges everywhere, so that there are no halos; and no pagoda either, if nothing else is in
# the start.
#
# ## The fast way
#
# `stylize` does all that this notebook has found: L-BFGS, the recoloured start, and from coarse to fine. On the
# small picture and at the shallow layers, where it begins, costs are not the total cost yet; so its curve starts
# late, and the seconds until then are counted.

# %%
fast = stylize(content, style)
exact = [step for step in fast.history if step.exact]
_, adam_seconds, adam_costs = race("from the photograph with noise")["Adam"]
_, lbfgs_seconds, lbfgs_costs = race("from the recoloured photograph")["L-BFGS"]
show_curves(
    {
        "Adam, photograph with noise": (adam_seconds, adam_costs),
        "L-BFGS, recoloured": (lbfgs_seconds, lbfgs_costs),
        "stylize(content, style)": ([step.seconds for step in exact], [step.total for step in exact]),
    },
    xlabel="seconds",
)

# %% [markdown]
# And now a larger picture. `stylize_steps` hands out the steps one by one, so that we can watch. (A jump in the
# curve is where `stylize` begins to look at deeper layers, or at a larger picture.)

# %%
large = [
    example(name, (450, 300))
    for name in ("content/summer-palace.jpg", "style/van-gogh-cafe-terrace-at-night-1888.webp")
]
view = LiveView()
with view:
    for step in stylize_steps(*large, iterations=12):
        if step.iteration % 3 == 0:
            view.update(step.iteration, step.image, J=step.total)
show({f"450x300 after {step.seconds:.0f} seconds": step.image}, height=6)

# %% [markdown]
# ## An experiment of your own
#
# Race two settings of your choice: another learning rate, another start, another weight of the total variation
# (then compare the pictures, as their costs are no longer the same cost), another `history_length` of
# `minimize`. Predict who will be ahead after 30 steps. Keep the rest the same, show the curves over the seconds
# or the two pictures side by side, and judge. In the cell below write code that ends in that picture, in the cell
# after it your question and prediction, what you see, and what it means.

# %% nbgrader={"grade": true, "grade_id": "experiment_picture", "points": 3, "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
start = starts["from the recoloured photograph"]
rates = {
    f"Adam, learning rate {rate}": run(compute_cost, start, tf.keras.optimizers.Adam(rate), steps=25)
    for rate in (2.0, 15.0)
}
show_curves({name: (seconds, costs) for name, (_, seconds, costs) in rates.items()}, xlabel="seconds")
show({"the start": start[0].astype("uint8")} | {name: picture for name, (picture, _, _) in rates.items()})
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "experiment_words", "points": 3, "locked": false, "schema_version": 3, "solution": true, "task": false}
# *Question and prediction.* The course lets Adam take steps of 2 grey levels. Are 15 better, if there is time for 25
# steps only? I expected 15 to be ahead in the end, but restless: up and down.
#
# *What I see.* 15 is ahead almost from the start, at the end threefold, and its curve falls as smoothly as the other.
# Its picture has left the start further: the sky is full of strokes in many directions, and the storeys have begun to
# bend. With 2 the pagoda is all there, under a layer of thin lines.
#
# *What it means.* 25 steps of 2 are 50 grey levels at most, and violet is further than that from yellow. I was wrong about
# restless: where a pixel is sent to and fro, Adam's mean of the gradients is small, and so is the step. The lower cost
# is the more painted picture, not the better pagoda.

# %% [markdown]
# ## Summary
#
# - In TensorFlow 2 the network and the cost are functions, a `GradientTape` gives the gradient, and
#   `tf.function` the speed of a graph.
# - Total variation removes the grain that the other costs don't see, and a little of the finest strokes.
# - In a fair race L-BFGS goes further than Adam from either start, and the better start helps everyone.
# - A lower cost is a better picture only by the weights that were chosen.
#
# ## Try it
#
# 1. Paint with `1_000 * total_variation(image)` and with `1_000_000 * total_variation(image)`. Which is too
#    little, which too much, and why does the right weight depend on the other costs?
# 2. Call `train_step` without `tf.function`. How much longer does a step take on your machine?
# 3. `stylize(content, style, pooling="max")`: can you see the difference?
# 4. At the command line: `nst stylize YOUR_PHOTO YOUR_PAINTING -o picture.png`. Which of its options do you know
#    from this course?

# %% [markdown] tags=["solution-only"]
# ### Answers
#
# **1.** A thousand does nothing that one can see, a million blurs the strokes together with the grain. What counts is
# the slope of this term against the slopes of the others: with other weights for content and style, or another
# painting, the balance is another one.

# %% tags=["solution-only"]
def weighted(gamma):
    """The total cost with this weight of the total variation."""
    return lambda image: compute_cost(image) + gamma * total_variation(image)


adam = tf.keras.optimizers.Adam
by_weight = {
    f"{gamma:,}": run(weighted(gamma), mix, adam(5.0), steps=30)[0] for gamma in (1_000, 100_000, 1_000_000)
}
show({f"weight {title}": picture for title, picture in by_weight.items()})

# %% [markdown] tags=["solution-only"]
# **2.** Clearly longer. The convolutions are the same; what is saved is Python's work between them, and what
# TensorFlow can do better when it knows the whole graph beforehand.

# %% tags=["solution-only"]
def seconds_per_step(step, calls=4):
    """The mean duration of a step, after a first one that is not counted."""
    image, optimizer = tf.Variable(mix), tf.keras.optimizers.Adam(learning_rate=5.0)
    optimizer.build([image])
    step(image, compute_cost, optimizer)
    began = perf_counter()
    for _ in range(calls):
        step(image, compute_cost, optimizer)
    return (perf_counter() - began) / calls


for name, step in {"train_step": train_step, "tf.function(train_step)": tf.function(train_step)}.items():
    print(f"{name:24} {seconds_per_step(step):.2f} s a step")

# %% [markdown] tags=["solution-only"]
# **3.** Only in details. VGG was trained with max pooling; Gatys, Ecker and Bethge found the pictures of average
# pooling slightly more pleasing.

# %% tags=["solution-only"]
largest = stylize(content, style, pooling="max").image
show({"average pooling": corner(fast.image), "max pooling": corner(largest)})

# %% [markdown] tags=["solution-only"]
# **4.** Size and iterations; `--alpha` and `--beta`; `--style-layers` and `--content-layers`; `--tv-weight`;
# `--optimizer` and `--learning-rate`; `--init` and `--noise-ratio`; `--pooling`. The others are explained by
# `nst stylize --help`, and the page `gallery/README.md` of the project has a picture for each.

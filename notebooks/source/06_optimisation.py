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
# # 6. Optimisation

# %% [markdown]
# **Afterwards you can** put the pieces of notebooks 1 to 5 together, in eight steps, watch a picture being
# painted, and finish it at a larger size with your own cost functions.
#
# **You need to know** a session, a variable and `assign` (notebook 1), and what the costs are (notebooks 2 to 5).
#
# **It takes** about 60 minutes, of which the computer needs one and a half.

# %%
from time import perf_counter

from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import STYLE_LAYERS, checks, minimize, resize
from nst_utils.checks.own import use_own_answers
from nst_utils.course.asking import ask
from nst_utils.course.drawing import LiveView, click_to_zoom, example, show, show_curves
from nst_utils.course.exploring import leaf_through
from nst_utils.course.graph import few_steps
from nst_utils.course.helper import to_picture

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 240, 180
click_to_zoom()

# %% [markdown]
# ![The photograph, the generated picture and the painting go through the same network. Two costs compare what it says of them. The gradient of their weighted sum leads back to the generated picture, whose pixels move a little, again and again](diagrams/pipeline.png)
#
# The theory fits in one line. In an ordinary network one trains the weights, so that the network gets better;
# here the weights stay, and one trains the **picture**:
#
# $$G \;:=\; G - \text{a step along} \; \frac{\partial J(G)}{\partial G}$$
#
# Each arrow of the diagram is something that you have written, or will write now. So let us paint with *your*
# functions: where the notebooks beside this one have your answers, and they are right, they are taken from
# there; where not, the package's are used.

# %% tags=["nbval-check-output"]
use_own_answers(
    ["compute_content_cost", "gram_matrix", "compute_layer_style_cost", "compute_style_cost", "total_cost"],
    globals(),
)

# %% [markdown]
# ## Step 1: an interactive session
#
# In [graph mode](GLOSSARY.md#graph-mode) (`tensorflow.compat.v1`) a session does the computing; an
# *interactive* one makes itself the default, so that nothing else needs to be told about it. (In TensorFlow 2
# there are no sessions: notebook 7.)

# %%
tf.reset_default_graph()
sess = tf.InteractiveSession()

# %% [markdown]
# ## Steps 2 and 3: the content picture and the style picture

# %%
PHOTOGRAPH, PAINTING = "content/summer-palace.jpg", "style/van-gogh-cafe-terrace-at-night-1888.webp"

content_image = reshape_and_normalize_image(example(PHOTOGRAPH))
style_image = reshape_and_normalize_image(example(PAINTING))

# %% [markdown]
# ## Step 4: where to start
#
# The generated picture starts as the content picture with noise: 60% noise, 40% content. The noise gives the
# style something to grow from; the content keeps things in their places, which at the course's weights the
# content cost would not do (notebook 5).

# %%
np.random.seed(1)
generated_image = generate_noise_image(content_image)
show({"content C": content_image, "style S": style_image, "the start of G": generated_image})

# %% [markdown]
# ## Step 5: the network

# %%
model = load_vgg_model(precision="auto")

# %% [markdown]
# ## Step 6: the graph
#
# **The content cost.** The content picture goes in; what `conv4_2` makes of it *now* is $a^{(C)}$, an array.
# The tensor `model["conv4_2"]` itself is $a^{(G)}$: it will be computed anew for each generated picture.

# %%
sess.run(model["input"].assign(content_image))
a_C = sess.run(model["conv4_2"])
a_G = model["conv4_2"]
J_content = compute_content_cost(a_C, a_G)

# %% [markdown]
# **The style cost**, in the same way: the style picture goes in, and `compute_style_cost` reads the five
# layers.

# %%
sess.run(model["input"].assign(style_image))
J_style = compute_style_cost(model, STYLE_LAYERS)

# %% [markdown]
# **The total cost**, with the course's weights. Nothing has been computed yet: `J` is a tensor.

# %% tags=["nbval-check-output"]
J = total_cost(J_content, J_style, alpha=10, beta=40)
sess.run(model["input"].assign(generated_image))
for name, cost in {"J": J, "J_content": J_content, "J_style": J_style}.items():
    print(f"{name:9} at the start: {sess.run(cost):.1e}")

# %% [markdown]
# ## Exercise: the train step
#
# Return the operation that makes one step of Adam (Kingma and Ba, 2015), `tf.train.AdamOptimizer`, with the
# learning rate 2.0, so that `J` gets smaller. The only variable in the graph is `model["input"]`, so it is the
# picture that Adam will move.

# %% nbgrader={"grade": false, "grade_id": "build_train_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def build_train_step(J):
    """One step of Adam, with a learning rate of 2.0, down the cost J.

    J: a scalar tensor.
    Returns the operation.
    """
    ### BEGIN SOLUTION
    optimizer = tf.train.AdamOptimizer(2.0)
    return optimizer.minimize(J)
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.build_train_step(build_train_step)

# %% nbgrader={"grade": true, "grade_id": "build_train_step_points", "points": 1, "locked": true, "schema_version": 3, "solution": false, "task": false}
# For grading: the same check, but an answer that is not right stops this cell with an error, and so earns no points.
checks.build_train_step(build_train_step).require()

# %% [markdown]
# Before a long run, a short one: do ten steps make the cost smaller? The package's `few_steps` makes them, and
# returns the picture. (How it does so is the next exercise.)

# %% [markdown] tags=["student-only"]
# With the right train step, the next cell draws this:
#
# ![the picture before and after ten steps, and the difference, in which the pagoda's outline can be seen](expected/build_train_step.jpg)

# %% tags=["expected:build_train_step"]
train_step = build_train_step(J)

before = sess.run(J)
image = few_steps(sess, train_step, model["input"], generated_image, steps=10)
after = sess.run(J)
show(
    {
        f"before: J = {before:.1e}": generated_image,
        f"after 10 steps: J = {after:.1e}": image,
        "the change, twice as strong": 2 * (image - generated_image),
    }
)

# %%
ask("how-far-a-pixel")

# %% tags=["nbval-check-output"]
one_step = few_steps(sess, build_train_step(J), model["input"], generated_image, steps=1)
change = np.abs(one_step - generated_image)
print(f"The first step moves a pixel by {np.median(change):.2f} grey levels, at most by {change.max():.2f}.")

# %% [markdown]
# ## Steps 7 and 8: initialise, and iterate
#
# `view` will show the picture and its costs while the optimisation runs, and keep the frames. Report to it
# like this: `view.update(i, image, J=..., J_content=..., J_style=...)`, with arrays and numbers, not tensors.
# (Until we open it, it ignores what it is told.)

# %%
view = LiveView()

# %% [markdown]
# ## Exercise: the optimisation
#
# Write the loop. Think about the order:
#
# - Adam has variables of its own, which need their first values: `tf.global_variables_initializer()` is the
#   operation that gives every variable its first value, *every* one. What is in `model["input"]` after it?
# - The picture is to start as `input_image`, and to take `num_iterations` train steps (`train_step` has been
#   built above).
# - At every 20th iteration, the first included, report the picture and the three costs, as they are then, to
#   `view`.
# - What is returned is an array: the picture after the last step.

# %% nbgrader={"grade": false, "grade_id": "model_nn", "locked": false, "schema_version": 3, "solution": true, "task": false}
def model_nn(sess, input_image, num_iterations=200):
    """Minimise the total cost, starting from a picture.

    sess: the session; input_image: the start, an array (1, height, width, 3).
    num_iterations: how many train steps to run.
    Returns the generated image, an array of the same shape.
    """
    ### BEGIN SOLUTION
    sess.run(tf.global_variables_initializer())
    sess.run(model["input"].assign(input_image))
    for i in range(num_iterations):
        sess.run(train_step)
        if i % 20 == 0:
            image, Jt, Jc, Js = sess.run([model["input"], J, J_content, J_style])
            view.update(i, image, J=Jt, J_content=Jc, J_style=Js)
    return sess.run(model["input"])
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.model_nn(model_nn)

# %% nbgrader={"grade": true, "grade_id": "model_nn_points", "points": 3, "locked": true, "schema_version": 3, "solution": false, "task": false}
# For grading: the same check, but an answer that is not right stops this cell with an error, and so earns no points.
checks.model_nn(model_nn).require()

# %%
ask("what-the-costs-do")

# %% [markdown]
# Now watch. It takes about half a minute; the curves have a logarithmic scale.

# %%
with view:
    generated_image = model_nn(sess, generated_image)

# %% [markdown] tags=["student-only"]
# And this is what you will have painted:
#
# ![the photograph, the painting, and the pagoda in the painting's colours and strokes](expected/model_nn.jpg)

# %% tags=["expected:model_nn"]
show({"content": content_image, "style": style_image, "generated": generated_image})

# %% [markdown]
# What has become of the costs, between the first report and the last?

# %% tags=["nbval-check-output"]
for name, points in view.costs.items():
    factor = points[-1][1] / points[0][1]
    print(f"{name:9}", f"{factor:.0f} times as large" if factor > 1 else f"less than a fiftieth: {factor < 1 / 50}")

# %% [markdown]
# ## The film
#
# Move the slider through the frames that the view has kept:

# %%
if view.frames:
    frames = {f"iteration {iteration}": frame for iteration, frame in view.frames.items()}
    leaf_through(frames, label="frame", columns=4)

# %% [markdown]
# and in motion:

# %%
view.gif(os.path.join(CONFIG.OUTPUT_DIR, "frames.gif"))

# %% [markdown]
# In the first twenty steps the noise takes on the contrasts of the style, and strokes form along the edges that the
# start has left; then come the colours, the violet first, the yellow last; after a hundred steps the picture
# changes slowly. The curves say the same: the style cost falls a hundredfold and flattens, while the content cost
# rises to three times what it was, and nothing holds it back, because the style is worth so much more. That is
# not a fault of the optimiser. It does what the weights say.
#
# ## The finish, at 400x300
#
# The picture is small, because each step of Adam costs the same work, whether it moves much or little. Now for
# your reward: with your functions and the package's `minimize`, which uses a faster optimiser
# ([L-BFGS](GLOSSARY.md#l-bfgs), notebook 7), we go on at nearly three times as many pixels.

# %%
def build_cost(photograph, painting, size):
    """The network for pictures of this size, and the total cost for a photograph and a painting."""
    CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = size
    model = load_vgg_model(precision="auto")
    sess.run(model["input"].assign(reshape_and_normalize_image(example(photograph))))
    J_content = compute_content_cost(sess.run(model["conv4_2"]), model["conv4_2"])
    sess.run(model["input"].assign(reshape_and_normalize_image(example(painting))))
    J_style = compute_style_cost(model, STYLE_LAYERS)
    return model, total_cost(J_content, J_style, alpha=10, beta=40)


started = perf_counter()
larger, J_larger = build_cost(PHOTOGRAPH, PAINTING, (400, 300))
enlarged = reshape_and_normalize_image(resize(to_picture(generated_image), (400, 300)))
print(f"built after {perf_counter() - started:.1f} s")

# %%
ask("what-twelve-steps-add")

# %% [markdown] tags=["student-only"]
# <details><summary>With all answers right, the next cell finishes with this picture. Predict first, then open it.</summary>
#
# ![the pagoda at 400x300 with fine strokes, in the colours of the Café Terrace](expected/finished.jpg)
#
# </details>

# %% tags=["expected:finished"]
started = perf_counter()
finished = minimize(J_larger, enlarged, 12, variable=larger["input"], sess=sess)
print(f"twelve steps at 400x300 in {perf_counter() - started:.1f} s")
show({"finished": finished}, height=6, alt="The pagoda with fine strokes, in the colours of the Café Terrace")

# %% [markdown]
# Before and after, the same part of both:

# %%
def part(image):
    """The middle of a picture, where the roofs are."""
    return to_picture(image)[60:180, 70:230]


show({"enlarged": part(enlarged), "after twelve steps": part(finished)})

# %% [markdown]
# The strokes are finer and the edges sharp. And with these weights every further step gives away a little more of
# the content: look at what becomes of the storeys.
#
# Both pictures are kept in files:

# %%
os.makedirs(CONFIG.OUTPUT_DIR, exist_ok=True)
save_image(os.path.join(CONFIG.OUTPUT_DIR, "generated_image.png"), generated_image)
save_image(os.path.join(CONFIG.OUTPUT_DIR, "finished.png"), finished)

# %% [markdown]
# ## An experiment of your own
#
# Paint a photograph of your own, and find out what **one** decision does to it: the start, the painting, a
# layer of `STYLE_LAYERS` left out, a weight, the number of steps. Predict what it will do. Then paint twice,
# with everything else the same, and show the two pictures side by side. `build_cost` and `minimize` need some
# seconds at 240x180; both `build_cost` and `example` take the name of a file of yours as well. In the cell below write code that ends in the picture, in
# the cell after it your question and prediction, what you see, and what it means.
#
# (Before you show a picture to others: whose painting, whose photograph is it? Name both, and use only what you
# may.)

# %% nbgrader={"grade": true, "grade_id": "experiment_picture", "points": 3, "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
cup, harvest = "content/coffee.png", "style/van-gogh-harvest-at-la-crau-1888.webp"
net, J_cup = build_cost(cup, harvest, (240, 180))
photograph = reshape_and_normalize_image(example(cup))
np.random.seed(1)
starts = {"from the photograph": photograph, "from 90% noise": generate_noise_image(photograph, noise_ratio=0.9)}
painted = {
    title: minimize(J_cup, start, 25, variable=net["input"], sess=sess) for title, start in starts.items()
}
show({"photograph": photograph, **painted})
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "experiment_words", "points": 3, "locked": false, "schema_version": 3, "solution": true, "task": false}
# *Question and prediction.* How much of the photograph must be in the start for the cup to be recognised? I
# expected that a tenth is too little, since the content cost hardly holds anything.
#
# *What I see.* From the photograph there are the rim of the cup, the outline of the saucer, a gleam of the spoon and a
# dark shadow, all in the colours of the harvest. From 90% noise rim and outline are still there; handle, spoon and
# shadow are gone, and the strokes of the field run straight through the saucer.
#
# *What it means.* I was half wrong: a tenth of the contrast is enough for long, clear edges, which tell the strokes
# where to end. What is small, or has no edge, such as the shadow, gets lost in the noise.
#
# (Photograph by Rachel Michetti, CC0; painting: Vincent van Gogh, *The Harvest*, 1888.)

# %% [markdown]
# ## Summary
#
# - Style transfer trains the picture and leaves the network alone.
# - Build once: content cost, style cost, total cost, train step. Then run the train step again and again.
# - Adam with a learning rate of 2.0 moves each pixel by two grey levels in its first step, and later by less.
# - The total cost falls. Its parts need not: the content cost rises.
# - Coarse to fine: what is large is found on a small picture, what is fine in a few steps on a larger one.
#
# ## Try it
#
# 1. Start from the content picture itself, `model_nn(sess, content_image, 40)`, and from noise alone. What
#    differs after ten steps, and what after forty?
# 2. Build the train step with a learning rate of 0.2, and of 20. What do the curves look like?
# 3. How much of `J` is content, at the start and at the end? Which weights would make the two equal at the end,
#    and how do they compare with the paper's ratio (notebook 5)?

# %% [markdown] tags=["solution-only"]
# ### Answers
#
# **1.** From the content picture one sees the photograph, in which strokes grow from the edges; the bright sky stays
# bright for long. From noise there is only a weave after ten steps, and after forty a texture: strokes that follow
# nothing.

# %% tags=["solution-only"]
only_noise = generate_noise_image(content_image, noise_ratio=1.0)
show(
    {
        f"from {title}, {steps} steps": few_steps(sess, train_step, model["input"], start, steps)
        for title, start in {"C": content_image, "noise": only_noise}.items()
        for steps in (10, 40)
    },
    columns=4,
)

# %% [markdown] tags=["solution-only"]
# **2.** With 0.2 the cost falls slowly and evenly: 25 steps of 0.2 are a walk of five grey levels at most. With 20 it
# jumps up now and then, and is the lowest of the three nevertheless, after 25 steps! But look at what has been
# painted. Adam knows nothing of pictures, and one value in twenty has left 0 to 255. A file cannot hold these; they
# are clipped, and the picture that one sees costs nearly twice as much as the one that was optimised. (Notebook 7 clips after each step.)

# %% tags=["solution-only"]
np.random.seed(1)
start = generate_noise_image(content_image)
curves, found = {}, {}
for rate in (0.2, 2.0, 20.0):
    name = f"learning rate {rate}"
    step = tf.train.AdamOptimizer(rate).minimize(J, var_list=[model["input"]])
    few_steps(sess, step, model["input"], start, steps=0)
    curves[name] = (range(25), [sess.run([J, step])[0] for _ in range(25)])
    found[name], optimised = sess.run([model["input"], J])
    values = found[name] + CONFIG.MEANS
    outside = np.mean((values < 0) | (values > 255))
    sess.run(model["input"].assign(np.clip(values, 0, 255) - CONFIG.MEANS))
    print(f"{name:18} {outside:3.0%} outside; J {optimised:.1e}, clipped {sess.run(J):.1e}")
show_curves(curves, ylabel="J")

# %% tags=["solution-only"]
show(found)

# %% [markdown] tags=["solution-only"]
# **3.** Next to nothing, at the start and at the end. Equal shares would need a ratio of about a thousand, which is
# near to the paper's $10^{-3}$ in the course's units.

# %% tags=["solution-only"]
for when, at in (("start", 0), ("end", -1)):
    content, style = view.costs["J_content"][at][1], view.costs["J_style"][at][1]
    share = 10 * content / (10 * content + 40 * style)
    print(f"{when:5}: content is {share:.0e} of J; equal shares with alpha / beta = {style / content:,.0f}")
print(f"the paper's 1e-3: {2e-3 * np.prod(model['conv4_2'].shape.as_list()):.0f}")

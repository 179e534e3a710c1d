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
# # 5. Total cost

# %% [markdown]
# **Afterwards you can** join two wishes in one cost, say what its weights do and what they cannot do, and
# choose weights for a picture of your own.
#
# **You need to know** the [content cost](GLOSSARY.md#content-cost) of notebook 2 and the
# [style cost](GLOSSARY.md#style-cost-of-a-layer) of notebook 4.
#
# **It takes** about 40 minutes, of which the computer needs one.

# %%
from functools import cache

from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import STYLE_LAYERS, checks, compute_content_cost, compute_style_cost, minimize
from nst_utils.course.asking import ask
from nst_utils.course.drawing import click_to_zoom, example, show, show_curves, show_table
from nst_utils.course.exploring import leaf_through

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 240, 160
click_to_zoom()

# %% [markdown]
# Like notebook 1, this one works in [graph mode](GLOSSARY.md#graph-mode) (`tensorflow.compat.v1`): first the
# network is built, then a session computes what it is asked for. `precision="auto"` lets the network compute
# with numbers of 16 bits ([bfloat16](GLOSSARY.md#bfloat16)) on machines that are fast at it; the costs agree
# with those of 32 bits to a thousandth.

# %%
model = load_vgg_model(precision="auto")
sess = tf.InteractiveSession()

content_image = reshape_and_normalize_image(example("content/summer-palace.jpg"))
style_image = reshape_and_normalize_image(
    example("style/van-gogh-cafe-terrace-at-night-1888.webp")
)
show({"content C": content_image, "style S": style_image})

# %% [markdown]
# ## Two wishes, one number
#
# The generated picture is to have the content of $C$ *and* the style of $S$: two costs, both to be small. But
# one can only go downhill on one landscape. So we need **one number** $J$ that stands for both:
#
# - where both costs are zero, $J$ is zero;
# - if the content cost rises by 1, $J$ rises by $\alpha$, whatever the two costs are;
# - if the style cost rises by 1, $J$ rises by $\beta$, whatever the two costs are.
#
# $\alpha$ and $\beta$ are **weights**: they say what a unit of each cost is worth.
#
# ## Exercise: the total cost
#
# There is exactly one function with these three properties. Find it.

# %% nbgrader={"grade": false, "grade_id": "total_cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
def total_cost(J_content, J_style, alpha=10, beta=40):
    """The total cost.

    J_content, J_style: the content cost and the style cost.
    alpha, beta: their weights.
    Returns J.
    """
    ### BEGIN SOLUTION
    return alpha * J_content + beta * J_style
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.total_cost(total_cost)

# %% nbgrader={"grade": true, "grade_id": "total_cost_points", "points": 1, "locked": true, "schema_version": 3, "solution": false, "task": false}
# For grading: the same check, but an answer that is not right stops this cell with an error, and so earns no points.
checks.total_cost(total_cost).require()

# %% [markdown]
# It is equation 7 of Gatys, Ecker and Bethge (2015, section *Methods*). With the weights of the course, 10 and
# 40, and its random numbers, the answer is 35.34667875478276:

# %% tags=["nbval-check-output"]
np.random.seed(3)
print("J =", total_cost(np.random.randn(), np.random.randn()))

# %% [markdown]
# ## What the two costs are for real pictures
#
# Both costs are built as in notebooks 2 and 4: the picture goes in, and what it makes of the layers is kept
# as the target.

# %% tags=["nbval-check-output"]
sess.run(model["input"].assign(content_image))
J_content = compute_content_cost(sess.run(model["conv4_2"]), model["conv4_2"])

sess.run(model["input"].assign(style_image))
J_style = compute_style_cost(model, STYLE_LAYERS)

np.random.seed(1)
noisy_image = generate_noise_image(content_image)
costs = {}
for name, image in {"C": content_image, "S": style_image, "C with noise": noisy_image}.items():
    sess.run(model["input"].assign(image))
    costs[name] = sess.run([J_content, J_style])
    print(f"{name:12}  J_content = {costs[name][0]:7.1e}   J_style = {costs[name][1]:7.1e}")

ratio = costs["C with noise"][1] / costs["C with noise"][0]
print(f"\nFor C with noise the style cost is {ratio:.0e} times the content cost.")

# %% [markdown]
# The photograph has no content cost, the painting no style cost; neither has both. And the two costs live in
# different worlds: one counts in hundreds, the other in hundreds of millions.

# %%
ask("half-and-half")

# %% [markdown]
# ## A grid over alpha and beta
#
# We start from **noise alone**, so that nothing but the costs decides what comes of it, and paint with two
# values of $\alpha$ and three of $\beta$. Both are steps of ten.

# %%
ask("ten-times-both")

# %% [markdown] tags=["student-only"]
# <details><summary>With the right total cost, the next cell draws these six pictures. Predict first, then open it.</summary>
#
# ![six pictures from noise: with little content weight a texture without a pagoda, then a pagoda among strokes, then one in its own colours](expected/total_cost.jpg)
#
# </details>

# %% tags=["expected:total_cost"]
shape = (1, CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH, 3)
noise = np.random.default_rng(0).uniform(-20, 20, shape)
starts = {"noise": noise, "C with noise": noisy_image, "C": content_image}


@cache  # so that painting the same again costs nothing
def paint(alpha, beta, start="noise", iterations=30):
    """A picture with a small total cost, and what is left of its content cost and of its style cost."""
    J = total_cost(J_content, J_style, alpha, beta)
    picture = minimize(J, starts[start], iterations, variable=model["input"], sess=sess)
    return picture, sess.run([J_content, J_style])


alphas, betas = [10_000, 100_000], [10, 1, 0.1]
show_table(
    [[paint(alpha, beta)[0] for beta in betas] for alpha in alphas],
    rows=[f"alpha = {alpha:,}" for alpha in alphas],
    columns=[f"beta = {beta}" for beta in betas],
    alt="Six pictures from noise. alpha 10,000: with beta 10 a texture without a pagoda; with beta 1 the pagoda "
    "stands among vertical strokes; with beta 0.1 also trees and water. alpha 100,000: the first two again, one "
    "place to the left, and at last a pagoda in nearly its own colours",
)

# %% [markdown]
# From left to right, and from top to bottom, the content gains: first there is nothing but paint, then the
# pagoda stands in it, then the trees and the water come, and at last hardly a stroke remembers the café. (The
# coloured dots are not the painting's. They are what is left of the noise where `conv4_2` does not mind it.)
#
# The second picture of the upper row is the first of the lower one, and the third is the second: where the
# **ratio** $\alpha / \beta$ is the same, the pictures are the same but for details. Multiply both weights by
# ten, and every picture costs ten times as much: the cheapest remains the cheapest. The numbers agree:

# %% tags=["nbval-check-output"]
def is_near(pair, other, tolerance):
    """Whether each of two pairs of costs is within a tolerance of the other."""
    return all(abs(np.log(a / b)) < np.log(1 + tolerance) for a, b in zip(pair, other))


same = is_near(paint(10_000, 1)[1], paint(100_000, 10)[1], 0.2)
print("Same ratio: both costs within 20% of each other:", same)
next_one = is_near(paint(10_000, 1)[1], paint(100_000, 1)[1], 0.5)
print("Ten times the ratio: both costs within 50% of each other:", next_one)

# %% [markdown]
# ## Only the ratio counts
#
# So there is one scale to move on. Here it is in smaller steps; move the slider, and watch when the trees, the
# water and the sky come back.

# %%
ratios = [1_000, 3_000, 10_000, 30_000, 100_000, 1_000_000]
leaf_through({f"alpha / beta = {ratio:,}": paint(ratio, 1)[0] for ratio in ratios}, label="ratio")

# %% [markdown]
# The ratio 10,000 once more, larger: the picture that was found at 240x160 is enlarged, and a few steps at 360x240
# add the finer strokes. Going from coarse to fine is cheaper than starting large (Gatys et al. 2017, *Controlling
# Perceptual Factors*).

# %%
found, _ = paint(10_000, 1)
CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 360, 240
large = load_vgg_model(precision="auto")
photograph = reshape_and_normalize_image(example("content/summer-palace.jpg"))
painting = reshape_and_normalize_image(example("style/van-gogh-cafe-terrace-at-night-1888.webp"))
sess.run(large["input"].assign(photograph))
J_content_large = compute_content_cost(sess.run(large["conv4_2"]), large["conv4_2"])
sess.run(large["input"].assign(painting))
J_large = total_cost(J_content_large, compute_style_cost(large, STYLE_LAYERS), 10_000, 1)
enlarged = tf.image.resize(found, (240, 360), method="bicubic").eval()
show(
    {
        "content C": photograph,
        "ratio 10,000, from noise, at 360x240": minimize(J_large, enlarged, 20, variable=large["input"], sess=sess),
    },
    alt="The photograph, and beside it the picture of the ratio 10,000 at 360x240: the pagoda in the "
    "colours of the café, among broad upright strokes",
)
CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 240, 160

# %% [markdown]
# What one cost gains, the other pays. In the plot both are relative: 1 is the content cost of the painting,
# and the style cost of the photograph, which do not even try.

# %%
left = {f"{ratio:,}": paint(ratio, 1)[1] for ratio in ratios}
show_curves(
    {
        "content cost": (left, [J_C / costs["S"][0] for J_C, _ in left.values()]),
        "style cost": (left, [J_S / costs["C"][1] for _, J_S in left.values()]),
    },
    xlabel="alpha / beta",
    ylabel="relative cost",
    alt="A plot of both relative costs against the ratio of the weights: as it grows a thousandfold, the content cost "
    "falls from about 0.7 to less than 0.1, and the style cost rises from about 0.02 to more than half",
)

# %% [markdown]
# ## The paper's weights and the course's
#
# Gatys, Ecker and Bethge painted with $\alpha / \beta = 10^{-3}$ or $10^{-4}$. That cannot be compared with our
# ratios as it stands: their content cost is $\frac12 \sum (a^{(C)} - a^{(G)})^2$, and ours is divided by
# $4\, n_H n_W n_C$ instead of 2. A unit of ours is worth $2\, n_H n_W n_C$ of theirs (the style costs agree), so:

# %% tags=["nbval-check-output"]
entries = np.prod(model["conv4_2"].shape.as_list())
for theirs in (1e-3, 1e-4):
    print(f"the paper's {theirs:.0e} is in our units {2 * entries * theirs:4.0f}")
print(f"the course's 10 / 40 is          {10 / 40}")

# %% [markdown]
# (Their network's weights are scaled differently, so take this for the order of magnitude. See
# [What comes from whom](WHAT_COMES_FROM_WHOM.md#the-weights-compared).) The course gives content hundreds or
# thousands of times less than the paper. How can its pictures show anything at all?

# %%
ask("who-keeps-the-pagoda")

# %%
show({f"from {start}": paint(10, 40, start)[0] for start in starts})

# %% [markdown]
# From noise comes a texture, and nothing else. From the photograph, with noise or without, comes a pagoda in the
# painting's colours and strokes. It is the start that keeps the pagoda, not the content cost. With other weights the start matters less: that
# is what Gatys and others found in the paper of 2016 (section 3.3). Here it is nearly everything, and that is
# why the course's pictures, which start from the photograph with noise, look so much like paintings *and* show
# a pagoda.
#
# ## An experiment of your own
#
# At which ratio does the thing in *your* picture just come back from noise? Choose a photograph, such as
# `"content/astronaut.png"`, `"content/coffee.png"` or a file of your own (`example` takes both), and a painting; predict whether it needs more content or less than the pagoda, and
# why; then paint at three ratios or more, and show them side by side. In the cell below write code that ends in
# that picture, in the cell after it your question and prediction, what you see, and what it means.

# %% nbgrader={"grade": true, "grade_id": "experiment_picture", "points": 3, "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
def ratios_of(photograph, painting, ratios=(1_000, 10_000, 100_000)):
    """The pictures that come from noise, for some ratios of the weights."""
    photograph, painting = (reshape_and_normalize_image(example(name)) for name in (photograph, painting))
    sess.run(model["input"].assign(photograph))
    content_cost = compute_content_cost(sess.run(model["conv4_2"]), model["conv4_2"])
    sess.run(model["input"].assign(painting))
    style_cost = compute_style_cost(model, STYLE_LAYERS)
    found = {"content": photograph, "style": painting}
    for ratio in ratios:
        J = total_cost(content_cost, style_cost, ratio, 1)
        found[f"ratio {ratio:,}"] = minimize(J, noise, 30, variable=model["input"], sess=sess)
    return found


show(ratios_of("content/chelsea.png", "style/van-gogh-church-at-auvers-1890.webp"), columns=3)
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "experiment_words", "points": 3, "locked": false, "schema_version": 3, "solution": true, "task": false}
# *Question and prediction.* Does the cat need more content than the pagoda to come back from noise? I expected
# more: fur is soft, and a pagoda is all edges, which a layer in the middle of the network sees best.
#
# *What I see.* At 1,000, where nothing was left of the pagoda, two eyes already look out of the paint. At 10,000
# the whole face is there, stripes and all, in the painting's colours. At 100,000 it is only sharper.
#
# *What it means.* I was wrong: the cat needs less. It fills the picture, so more positions of `conv4_2` speak for
# it; and a network that has learned to tell dogs from cats may answer more strongly to an eye than to a roof. To
# tell the two apart one would have to paint a small cat.

# %% [markdown]
# ## Summary
#
# - The total cost $J$ counts each of the two costs with its weight: two wishes, one number to minimise.
# - The costs have very different sizes, so equal weights are no equal say. Only the *ratio* of the weights
#   counts, and it works on a logarithmic scale: a threefold change can be seen, a tenth more cannot.
# - With little content weight, the start decides what the picture shows.
# - Which ratio is right is a matter of taste. No cost knows it.
#
# ## Try it
#
# 1. Raise the ratio from 10,000 to 11,000: `paint(11_000, 1)`. Can you tell the two pictures apart?
# 2. With `alpha = 0` the content cost has no say. What do you get from `"noise"`, and what from `"C with noise"`?
# 3. With `beta = 0` the style cost has no say. Which picture of notebook 2 do you get, and why isn't it the
#    photograph?
# 4. Someone says: "my cost is 4e8, yours is 4e7, so your picture is better." What must you ask before you agree?

# %% [markdown] tags=["solution-only"]
# ### Answers
#
# **1, 2, 3.** In pictures:

# %% tags=["solution-only"]
show(
    {
        "1: ratio 10,000": paint(10_000, 1)[0],
        "1: ratio 11,000": paint(11_000, 1)[0],
        "2: alpha = 0, from noise": paint(0, 1)[0],
        "2: alpha = 0, from C with noise": paint(0, 1, "C with noise")[0],
        "3: beta = 0, from noise": paint(1_000_000, 0)[0],
        "the photograph": content_image,
    },
    columns=3,
)

# %% [markdown] tags=["solution-only"]
# 1. Only in details, which another noise would change as much. On a logarithmic scale a tenth more is nothing.
# 2. From noise, a texture: notebook 4's. From the photograph with noise the pagoda is still there, although
#    nothing asks for it: the start keeps it.
# 3. The one rebuilt from `conv4_2`. That layer forgets colours and fine grain, and what it does not mind, it leaves
#    as the noise had it.
# 4. Whether both were computed with the same weights, the same pictures and layers, and for the same size. A cost
#    ten times as large can belong to the very same picture, if both weights are ten times as large.

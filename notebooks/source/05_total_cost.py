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
# **Aim.** You join content and style in one cost, with two weights, and see in a grid of pictures what the
# weights do.

# %%
from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import STYLE_LAYERS, checks, compute_content_cost, compute_style_cost, minimize
from nst_utils.course.drawing import example, show, show_curves, show_table

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 128, 80

# %% [markdown]
# Like notebook 1, this one works in graph mode (`tensorflow.compat.v1`): first the network is built, then a
# session computes what it is asked for. In TensorFlow 2 each line would be computed at once, without a
# session (notebook 7).

# %%
model = load_vgg_model()
sess = tf.InteractiveSession()

content_image = reshape_and_normalize_image(example("content/summer-palace.jpg"))
style_image = reshape_and_normalize_image(
    example("style/van-gogh-cafe-terrace-at-night-1888.webp")
)
show({"content": content_image, "style": style_image})

# %% [markdown]
# ## The formula
#
# The generated picture $G$ is to have the content of $C$ *and* the style of $S$. So both costs are to be
# small, and we minimise their weighted sum:
#
# $$J(G) = \alpha\, J_{content}(C, G) + \beta\, J_{style}(S, G)$$
#
# $\alpha$ and $\beta$ say how much each of the two matters. The course takes $\alpha = 10$ and $\beta = 40$.
#
# ## Exercise: the total cost

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
checks.total_cost(total_cost).require()

# %% [markdown]
# With the random numbers of the original course, the answer is 35.34667875478276:

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
for name, image in {"C": content_image, "S": style_image, "C with noise": noisy_image}.items():
    sess.run(model["input"].assign(image))
    print(f"{name:12}  J_content = {sess.run(J_content):7.1e}   J_style = {sess.run(J_style):7.1e}")

# %% [markdown]
# The content costs are ten thousand times smaller than the style costs. Each has the size that its formula
# gives it: only the weights can make them comparable.
#
# ## A grid over alpha and beta
#
# We start from the content picture mixed with noise, and try three values of each weight: $\alpha$ grows
# tenfold from row to row, $\beta$ from column to column. The curves above the grid show what is left of the
# two costs, for each ratio of the weights.

# %% [markdown] tags=["student-only"]
# With the right total cost, the next cell draws two curves, and then these nine pictures:
#
# ![nine pictures, for three values of alpha and three of beta](expected/total_cost.jpg)

# %% tags=["expected:total_cost"]
def paint(alpha, beta, iterations=20):
    """A picture with a small total cost, and what is left of its two costs."""
    J = total_cost(J_content, J_style, alpha, beta)
    picture = minimize(J, noisy_image, iterations, variable=model["input"], sess=sess)
    return picture, sess.run([J_content, J_style])


alphas, betas = [10_000, 100_000, 1_000_000], [1, 10, 100]
grid = [[paint(alpha, beta) for beta in betas] for alpha in alphas]
ratios = {alpha / beta: grid[i][j][1] for i, alpha in enumerate(alphas) for j, beta in enumerate(betas)}
steps = [f"{ratio:.0e}" for ratio in sorted(ratios)]
left = [ratios[ratio] for ratio in sorted(ratios)]
show_curves(
    {
        "J_content": (steps, [content for content, _ in left]),
        "J_style": (steps, [style for _, style in left]),
    },
    xlabel="alpha / beta",
    size=(7.5, 2.4),
)
show_table(
    [[picture for picture, _ in row] for row in grid],
    rows=[f"alpha = {alpha:,}" for alpha in alphas],
    columns=[f"beta = {beta}" for beta in betas],
)

# %% [markdown]
# From top right to bottom left, style gives way to content: first the sky loses its strokes, then the pagoda
# gets its storeys back, at last only the colours remember the painting. The curves say the same in numbers:
# what one cost gains, the other pays.
#
# Along each diagonal from top left to bottom right the pictures are the same. $10 J$ has its minimum where
# $J$ has it, so only the **ratio** $\alpha / \beta$ counts.
#
# The course's own 10 to 40 lies far beyond the top right corner: the style has all the say, and the content
# survives because the picture *starts* from it. That is why those pictures look so much like paintings.
#
# ## Summary
#
# - $J = \alpha J_{content} + \beta J_{style}$: two wishes, two weights, one number to minimise.
# - Only the ratio of the weights matters, and it works on a logarithmic scale: double it and you see nothing.
# - Which ratio is right is a matter of taste.
#
# ## Try it
#
# 1. Paint with the course's weights, `paint(10, 40)`. Is it the picture of the top right corner?
# 2. Start from noise alone: put `generate_noise_image(content_image, noise_ratio=1.0)` in place of
#    `noisy_image`. For which ratios does the content still come back?
# 3. Which ratio do you like best for `"content/chelsea.png"`? And for a face?
# 4. With `alpha = 0` the content cost has no say. What do you get, from the noisy content picture and from
#    noise?

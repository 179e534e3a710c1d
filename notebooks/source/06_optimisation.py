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
# **Aim.** You put the pieces of notebooks 1 to 5 together, in eight steps, and paint: 200 times the picture
# changes a little, each time in the direction in which the total cost falls.

# %%
from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import STYLE_LAYERS, checks
from nst_utils import compute_content_cost, compute_style_cost, total_cost
from nst_utils.course.drawing import LiveView, example, show

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 144, 96

# %% [markdown]
# The theory fits in one line. In an ordinary network one trains the weights, so that the network gets better;
# here the weights stay, and one trains the **picture**:
#
# $$G \;:=\; G - \text{a step along} \; \frac{\partial J(G)}{\partial G}$$
#
# ## Step 1: an interactive session
#
# In graph mode (`tensorflow.compat.v1`) a session does the computing; an *interactive* one makes itself the
# default, so that nothing else needs to be told about it. (In TensorFlow 2 there are no sessions: notebook
# 7.)

# %%
tf.reset_default_graph()
sess = tf.InteractiveSession()

# %% [markdown]
# ## Steps 2 and 3: the content picture and the style picture

# %%
content_image = reshape_and_normalize_image(example("content/summer-palace.jpg"))
style_image = reshape_and_normalize_image(
    example("style/van-gogh-cafe-terrace-at-night-1888.webp")
)
show({"content": content_image, "style": style_image})

# %% [markdown]
# ## Step 4: where to start
#
# The generated picture starts as the content picture with noise: 60% noise, 40% content. The noise gives the
# style something to grow from, and the content helps the content cost to find its place.

# %%
np.random.seed(1)
generated_image = generate_noise_image(content_image)
show({"the start": generated_image})

# %% [markdown]
# ## Step 5: the network

# %%
model = load_vgg_model()

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
# Return the operation that makes one step of `tf.train.AdamOptimizer` with the learning rate 2.0, so that `J`
# gets smaller. The only variable in the graph is `model["input"]`, so it is the picture that Adam will move.

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
checks.build_train_step(build_train_step).require()

# %% [markdown]
# Before a long run, a short one: do ten steps make the cost smaller? (`tf.global_variables_initializer()`
# also sets Adam's own variables, its running means of the gradient.)

# %% [markdown] tags=["student-only"]
# With the right train step, the next cell draws this:
#
# ![the picture before and after ten steps, and the difference](expected/build_train_step.jpg)

# %% tags=["expected:build_train_step"]
train_step = build_train_step(J)

sess.run(tf.global_variables_initializer())
sess.run(model["input"].assign(generated_image))
before = sess.run(J)
for _ in range(10):
    sess.run(train_step)
after, image = sess.run([J, model["input"]])
show(
    {
        f"before: J = {before:.1e}": generated_image,
        f"after 10 steps: J = {after:.1e}": image,
        "the change, twice as strong": 2 * (image - generated_image),
    }
)

# %% [markdown]
# ## Steps 7 and 8: initialise, and iterate
#
# `view` will show the picture and its costs while the optimisation runs, and keep the frames. Report to it
# like this, every 20 iterations: `view.update(i, image, J=..., J_content=..., J_style=...)`, with numbers,
# not tensors. (Until we open it, it ignores what it is told.)

# %%
view = LiveView()

# %% [markdown]
# ## Exercise: the optimisation
#
# 1. Initialise the variables with `tf.global_variables_initializer()`; *then* assign `input_image` to
#    `model["input"]`.
# 2. In each iteration run `train_step`, which has been built above.
# 3. Every 20 iterations read the picture from `model["input"]` and the three costs, and report them to
#    `view`.
# 4. At the end read the picture, and return it.

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
checks.model_nn(model_nn).require()

# %% [markdown]
# Now watch. It takes about a minute; the curves have a logarithmic scale.

# %%
with view:
    generated_image = model_nn(sess, generated_image)

# %% [markdown] tags=["student-only"]
# And this is what you will have painted:
#
# ![content, style and the generated picture](expected/model_nn.jpg)

# %% tags=["expected:model_nn"]
show({"content": content_image, "style": style_image, "generated": generated_image})

# %% [markdown]
# The picture is kept in a file, at its full size:

# %%
os.makedirs(CONFIG.OUTPUT_DIR, exist_ok=True)
save_image(os.path.join(CONFIG.OUTPUT_DIR, "generated_image.png"), generated_image)

# %% [markdown]
# ## The film
#
# The frames that the view has kept, as a strip:

# %%
view.film_strip(columns=5)

# %% [markdown]
# and in motion:

# %%
view.gif(os.path.join(CONFIG.OUTPUT_DIR, "frames.gif"))

# %% [markdown]
# In the first twenty steps the noise takes on the contrasts of the style; then colours and strokes form,
# along the edges that the content gives them; after a hundred steps only details still move. The curves say
# the same: the style cost falls nearly a hundredfold and flattens, while the content cost *rises* a little,
# because the style is worth so much more.
#
# ## Summary
#
# - Style transfer trains the picture and leaves the network alone.
# - Build once: content cost, style cost, total cost, train step. Then run the train step again and again.
# - Adam with a learning rate of 2.0 moves each pixel by about two grey levels a step.
#
# ## Try it
#
# 1. Start from the content picture itself, `model_nn(sess, content_image)`, and from noise alone. What
#    differs in the end, and what in the first frames?
# 2. Build the train step with a learning rate of 0.2, and of 20. What do the curves look like?
# 3. Paint your own photograph: `reshape_and_normalize_image(resize(read_image("my.jpg"), (144, 96)))`, with
#    `from nst_utils import read_image, resize`.
# 4. How much of `J` is content, at the start and at the end? Which weights would make the two equal?

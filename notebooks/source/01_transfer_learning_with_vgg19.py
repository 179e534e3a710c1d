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
# # 1. Transfer learning with VGG-19

# %% [markdown]
# You send a photograph through a network that has learned to recognise a thousand kinds of things, and read
# what it says on the way, layer by layer. Every later notebook is built on these readings.
#
# - **Afterwards you can** put a picture into the network, read any layer of it, and say how much of the picture
#   a single unit of that layer sees.
# - **You need to know** what a convolution, a ReLU and a pooling do, and NumPy's arrays. Words that you
#   miss are in the [glossary](GLOSSARY.md).
# - **It takes** 45 minutes, and the computer less than one of them.

# %%
from nst_utils import *
import tensorflow.compat.v1 as tf
from nst_utils import checks
from nst_utils.course.asking import ask
from nst_utils.course.drawing import click_to_zoom, example, show, show_boxes, show_feature_maps, show_table
from nst_utils.course.drawing import strongest_channels
from nst_utils.course.exploring import slide

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 360, 240
click_to_zoom()

# %% [markdown]
# ## The problem
#
# Neural Style Transfer (Gatys, Ecker and Bethge 2015) takes two pictures, a **content** picture $C$ and a
# **style** picture $S$, and makes a third, the **generated** picture $G$: what $C$ shows, painted in the manner
# of $S$.

# %%
content_image = example("content/summer-palace.jpg")
style_image = example("style/van-gogh-cafe-terrace-at-night-1888.webp")
show({"content C": content_image, "style S": style_image})

# %% [markdown]
# Nobody has a formula for "what a picture shows" or for "the manner of Van Gogh" in terms of pixels. But a
# network that was trained on 1.3 million photographs had to find quantities that tell a palace from a castle,
# and those can be borrowed. Using what a network has learned for one task to solve another is called
# [**transfer learning**](GLOSSARY.md#transfer-learning). This is the whole course in one diagram; today we
# look at the grey box in the middle:
#
# ![The content, the generated and the style picture go into VGG-19, which is never changed. What it says of the content and the generated picture at conv4_2 makes the content cost, what it says of the style and the generated picture at five layers the style cost. Both add up to the total cost, and its gradient goes back to change the pixels of the generated picture, again and again.](diagrams/pipeline.png)
#
# The network is **VGG-19** (Simonyan and Zisserman 2015, table 1, column E): sixteen convolutions of 3x3 in five
# blocks, and a pooling after each block. *Nothing in it is trained* in this course; later it is the picture that
# will be trained. Three things are not as in that paper:
#
# - The **fully connected layers** at its end, which name the thing in the picture, are left away (Gatys et al. 2015,
#   *Methods*).
# - It has **average pooling** instead of max pooling, which made the nicer pictures (the same place).
# - The weights that come with this course, the [embedded model](GLOSSARY.md#embedded-model), are those of the smaller
#   sister **VGG-16**, which has thirteen convolutions. `conv3_4`, `conv4_4` and `conv5_4`, which it lacks, are
#   *identity layers*: they hand on what they are given. With `nst weights official` the course runs on VGG-19
#   itself; its pictures look alike, its numbers differ. What comes from which paper is listed, formula by formula,
#   in [What comes from whom](WHAT_COMES_FROM_WHOM.md).
#
# ## Graph mode, in two sentences
#
# The course keeps TensorFlow's graph mode (`tensorflow.compat.v1`), because there the whole network is one
# dictionary of named tensors that you build once and then question through a session, which keeps the
# formulas in view. TensorFlow 2 instead computes each line at once and records gradients on a tape, so that
# sessions, initialisers and `assign` steps go away while every formula stays: notebook 7 does it all again
# that way.

# %%
model = load_vgg_model()
sess = tf.InteractiveSession()

# %% [markdown]
# ## The network is a dictionary
#
# `model` maps the name of each layer to its tensor. A tensor of activations has the shape
# $(m, n_H, n_W, n_C)$: number of pictures, height, width, and **channels**, each of which looks for one thing
# everywhere in the picture. `conv4_2` is the second convolution of the fourth block, after its ReLU, so no
# activation is negative.

# %% tags=["nbval-check-output"]
for name, layer in model.items():
    print(f"{name:9}", tuple(layer.shape))

# %% [markdown]
# Look down the table: with each pooling the maps become half as wide and high, while the channels become
# more. The network trades *where* for *what*.
#
# ## Putting a picture in
#
# `model['input']` is a TensorFlow variable of the shape (1, height, width, 3). The network was trained on
# pictures from which the average colour had been subtracted, so that is what it must be given:
#
# $$\text{input} = \text{picture} - (123.68,\ 116.779,\ 103.939)$$
#
# (red, green, blue; Simonyan and Zisserman 2015, section 2.1).

# %% tags=["nbval-check-output"]
image = reshape_and_normalize_image(content_image)
print("picture: ", content_image.shape, content_image.dtype)
print("input:   ", image.shape, image.dtype)

# %% [markdown]
# In graph mode a line only *describes* a computation; `sess.run(...)` does it. That holds for reading: `model['conv4_2']`
# is a description, and running it computes the activations of `conv4_2` for the picture that is in the
# network, and no deeper layer. It also holds for writing: the method `assign` of a variable describes that it
# gets a new value, and as long as nobody runs that description, the old value stays.
#
# ## Exercise: the activations of a layer
#
# Write `layer_activations`: put the image into the network, then return the activations of the layer of that
# name. Both need the session.

# %% nbgrader={"grade": false, "grade_id": "layer_activations", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layer_activations(sess, model, image, layer_name):
    """What a layer answers to an image.

    sess: a session; model: the dictionary of load_vgg_model().
    image: the network's input, (1, height, width, 3).
    layer_name: a key of the model, such as 'conv4_2'.
    Returns the activations, an array (1, n_H, n_W, n_C).
    """
    ### BEGIN SOLUTION
    sess.run(model["input"].assign(image))
    return sess.run(model[layer_name])
    ### END SOLUTION

# %% tags=["nbval-check-output"]
checks.layer_activations(layer_activations)

# %% nbgrader={"grade": true, "grade_id": "layer_activations_points", "points": 2, "locked": true, "schema_version": 3, "solution": false, "task": false}
# For grading: the same check, but an answer that is not right stops this cell with an error, and so earns no points.
checks.layer_activations(layer_activations).require()

# %% [markdown] tags=["student-only"]
# With the right answer, the next two cells give the shape `(1, 30, 45, 512)` and this picture:
#
# ![the picture and the five channels of conv4_2 that vary most](expected/layer_activations.jpg)

# %% tags=["nbval-check-output"]
layer_activations(sess, model, image, "conv4_2").shape

# %% tags=["expected:layer_activations"]
show_feature_maps(content_image, {"conv4_2": layer_activations(sess, model, image, "conv4_2")})

# %% [markdown]
# Each small picture is one of the 512 channels of `conv4_2`, bright where the channel has found what it looks
# for. Nobody told it what to look for.
#
# ## Shallow and deep

# %%
ask("shallow-and-deep")

# %% [markdown]
# For the first convolution of each block, again the five channels that vary most over the picture:

# %%
first_layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]
maps = {name: layer_activations(sess, model, image, name) for name in first_layers}
show_feature_maps(content_image, maps)

# %% [markdown]
# `conv1_1` still resembles the photograph: light and dark, one colour against another, edges. By `conv3_1`
# the channels choose: the pillars here, outlines there, the open sky elsewhere. In `conv5_1` only a few
# coarse patches light up: the pagoda, all that is not the pagoda, its storeys, one slope of its roofs. Shallow
# layers say how the picture *looks*, deep layers say what is *in* it (Zeiler and Fergus 2014 were the first to
# look), and this is what will let us tell style from content.
#
# There are more channels than the five that vary most, and more layers than these five. Move the slider:

# %%
def show_layer(name):
    """The picture, and the eleven channels of a layer that vary most over it."""
    a = layer_activations(sess, model, image, name)
    channels = {f"{name}, channel {c}": a[0, :, :, c] for c in strongest_channels(a, 11)}
    show({"the picture": content_image, **channels}, columns=4)


slide(list(model)[1:], show_layer, label="layer", start="conv4_1")

# %% [markdown]
# ## The bright frame

# %%
ask("bright-frame")

# %% tags=["nbval-check-output"]
def border_and_inside(a, channel):
    """The mean activation of a channel on the outermost positions, and on all others."""
    a_map = a[0, :, :, channel]
    inside = a_map[1:-1, 1:-1]
    return (a_map.sum() - inside.sum()) / (a_map.size - inside.size), inside.mean()


of_photograph = layer_activations(sess, model, image, "conv3_1")
of_one_colour = layer_activations(sess, model, 0 * image, "conv3_1")
channel = strongest_channels(of_photograph, 5)[4]
for name, a in {"the photograph": of_photograph, "a picture of one colour": of_one_colour}.items():
    border, inside = border_and_inside(a, channel)
    print(f"channel {channel} for {name}: on the border {border:.0f}, inside {inside:.0f}")

# %% [markdown]
# The frame comes from [padding](GLOSSARY.md#padding): so that a map stays as large as the one before, VGG continues
# it with zeros on all sides (Simonyan and Zisserman 2015, section 2.1). To the channels of `conv3_1` this is an edge
# like any other, and this one looks for it. It is there with any picture, even of one colour.
#
# ## What one unit sees

# %%
ask("what-one-unit-sees")

# %% [markdown]
# A unit of `conv1_1` looks at 3x3 pixels. A unit of a deeper layer looks at a few units of the layer before,
# each of which looks at a few before that, and so on. With a kernel of size $k_l$ in layer $l$ and $j_{l-1}$
# pixels between two neighbours of the layer before, the side of its
# [**receptive field**](GLOSSARY.md#receptive-field) grows by
#
# $$r_l = r_{l-1} + (k_l - 1)\, j_{l-1}, \qquad r_0 = j_0 = 1,$$
#
# and $j$ doubles with each pooling (derived by Araujo, Norris and Sim 2019).

# %% tags=["nbval-check-output"]
def receptive_field(layer_name):
    """The side of the square that a unit sees, and how far apart two neighbours are, in pixels."""
    side, step = 1, 1
    for name in list(model)[1:]:  # in the order in which data flows
        kernel, stride = (2, 2) if "pool" in name else (3, 1)
        side, step = side + (kernel - 1) * step, step * stride
        if name == layer_name:
            return side, step


for name in first_layers:
    side, step = receptive_field(name)
    print(f"{name}: sees {side:3} x {side:3} pixels; neighbouring units stand {step:2} pixels apart")

# %% [markdown]
# The network itself can confirm this. The gradient of a unit with respect to the input tells how much each
# pixel matters to it, and it is zero wherever the unit cannot see. Here we follow, for each layer, the unit
# in the middle of the picture:

# %%
def influence(layer_name):
    """How much each pixel (H, W) matters to the units in the middle of a layer."""
    layer = model[layer_name]
    row, column = layer.shape[1] // 2, layer.shape[2] // 2
    gradient = tf.gradients(tf.reduce_sum(layer[0, row, column]), model["input"])[0]
    return np.abs(sess.run(gradient)[0]).sum(axis=-1)


def window(seen):
    """The smallest rectangle that holds every pixel that matters: top, bottom, left, right."""
    rows, columns = np.nonzero(seen)
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


layer_activations(sess, model, image, "conv1_1")  # puts the photograph back in
windows = {name: window(influence(name)) for name in first_layers}
show_boxes(content_image, windows, alt="The photograph with five nested squares: what a unit of each layer depends on")

# %% tags=["nbval-check-output"]
for block in (3, 4, 5):
    before, after = (layer_activations(sess, model, image, f"conv{block}_{i}") for i in (3, 4))
    print(f"conv{block}_4 hands on what conv{block}_3 gave it:", np.array_equal(before, after))
for name, (top, bottom, left, right) in windows.items():
    print(f"{name}: {right - left:3} x {bottom - top:3} pixels, the formula says {receptive_field(name)[0]}")

# %% [markdown]
# For `conv4_1` and `conv5_1` the formula allows a little more than these weights use: behind `conv3_4` and `conv4_4`, which
# look at 3x3 units and hand on the one in the middle, a unit sees no more than before. With the weights of VGG-19 itself
# the two agree.
#
# And what does a unit like best? For the liveliest channel of each layer, this is the part of the picture, as
# large as the unit's receptive field, that made it answer the loudest (after Zeiler and Fergus 2014, figure 2):

# %%
def favourite(layer_name):
    """The part of the picture that the layer's liveliest channel answers to most."""
    a = layer_activations(sess, model, image, layer_name)
    answers = a[0, :, :, strongest_channels(a, 1)[0]]
    row, column = np.unravel_index(np.argmax(answers), answers.shape)
    side, step = receptive_field(layer_name)
    top = max(0, row * step + step // 2 - side // 2)
    left = max(0, column * step + step // 2 - side // 2)
    return content_image[top : top + side, left : left + side]


show({name: favourite(name) for name in first_layers[1:]})

# %% [markdown]
# ## Your experiment
#
# A channel does not say what it looks for; one has to find out, as with an animal that cannot speak. Choose a channel
# of a layer between `conv2_1` and `conv5_1` that you find interesting, and say what you think it answers to. Then
# choose two more pictures that could prove you *wrong*, and look. `example("my_photo.jpg")` reads a picture of
# your own and cuts it to the right shape.
#
# Your first cell ends in one figure that shows the pictures beside the channel's maps. Your second cell says, in a few
# sentences, what you asked, what you expected, what you saw, and what the channel answers to, as far as you can
# tell now. A wrong guess costs nothing: a surprise, well explained, is the best result.

# %% nbgrader={"grade": true, "grade_id": "experiment_picture", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
layer_name, channel = "conv4_1", strongest_channels(maps["conv4_1"], 3)[2]
pagoda = example("content/summer-palace.jpg")
candidates = {
    "the pagoda": pagoda,
    "without its colours": np.repeat(pagoda.mean(axis=-1, keepdims=True), 3, axis=-1).astype("uint8"),
    "another building": example("style/van-gogh-church-at-auvers-1890.webp"),
}
answers = {
    name: layer_activations(sess, model, reshape_and_normalize_image(picture), layer_name)[0, :, :, channel]
    for name, picture in candidates.items()
}
titles = [f"{name}: at most {answer.max():.0f}" for name, answer in answers.items()]
show_table([list(candidates.values()), list(answers.values())], ["picture", f"channel {channel}"], titles)
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "experiment_words", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *An example.* The third of the maps of `conv4_1` covers the whole body of the pagoda. **Question:** does this channel
# look for buildings of that kind, or for their red? **Expected:** for buildings; `conv4_1` is deep enough, and I would not
# have thought that it cares about colours. **Seen:** without its colours the same pagoda hardly moves it, a few lines of
# the storeys apart; and of another building, the church, it sees nothing but the orange roof. **So** I was wrong: it answers
# to red and orange surfaces, and the pagoda is one. A deep layer still knows colours.

# %% [markdown]
# ## Summary
#
# - The network is a dictionary of 22 tensors, from `input` to `avgpool5`: VGG-19 with average pooling, and here with
#   the convolutions of VGG-16. Nothing in it is trained.
# - In graph mode nothing happens until the session runs it, neither reading a layer nor putting a picture in.
# - Shallow units see a few pixels and answer to edges and colours; deep units see much of the picture and
#   answer to things.
# - Beyond the border there are zeros, and the network sees that border.
#
# ## Try it
#
# 1. Take another picture, `example("content/chelsea.png")`: which channels of `conv3_1` answer to whiskers?
# 2. Put in a picture of one colour, `0 * image`. Which layers still answer, and why not evenly up to the
#    border?
# 3. Shift the picture by one pixel with `np.roll(image, 1, axis=2)`. How much does `conv1_1` change, and how
#    much `conv5_1`?
# 4. At what size of the picture does a unit of `conv5_1` no longer see all of it?

# %% [markdown] tags=["solution-only"]
# ## Answers to "Try it"
#
# **1.** One need not look at 256 maps. The whiskers are at the bottom left; let us take the channels that are
# most active *there* compared with the rest of the picture:

# %% tags=["solution-only"]
cat = example("content/chelsea.png")
a = layer_activations(sess, model, reshape_and_normalize_image(cat), "conv3_1")
whiskers = a[0, 44:60, 4:24].mean(axis=(0, 1)) / (a[0].mean(axis=(0, 1)) + 1)
found = np.argsort(-whiskers)[[0, 2, 4]]
rows = [[picture, *(b[0, :, :, c] for c in found)] for picture, b in ((cat, a), (content_image, maps["conv3_1"]))]
show_table(rows, ["Chelsea", "the pagoda"], ["", *(f"channel {c}" for c in found)])

# %% [markdown] tags=["solution-only"]
# Each of these answers to fine bright lines, of one direction more than of others. They are no whisker channels: in the
# pagoda they find the bright edges of its storeys.
#
# **2.** All layers answer, because each convolution has a bias, and so a value of its own even for an input of zeros.
# Up to the border the answer is the same everywhere; near it, it is not, since there the window contains padding.
# `conv1_1` is the exception: its padding is zero, and so is this input.

# %% tags=["solution-only", "nbval-check-output"]
for name in first_layers:
    a = layer_activations(sess, model, 0 * image, name)[0]
    middle = a[a.shape[0] // 2, a.shape[1] // 2]
    even = np.abs(a - middle).max() < 0.01
    print(f"{name}: {np.mean(middle > 0):.0%} of the channels answer, evenly up to the border: {even}")

# %% [markdown] tags=["solution-only"]
# **3.** The less, the deeper the layer: to a unit of `conv5_1` a pixel is a sixteenth of the way to its neighbour.

# %% tags=["solution-only", "nbval-check-output"]
shifted = np.roll(image, 1, axis=2)
for name in first_layers:
    a, b = (layer_activations(sess, model, picture, name) for picture in (image, shifted))
    print(f"{name}: changed by {np.linalg.norm(a - b) / np.linalg.norm(a):.0%}")

# %% [markdown] tags=["solution-only"]
# **4.** As soon as one side is longer than the receptive field: 156 pixels by the formula, and a little less with the
# embedded weights. That is for the unit in the middle; one in the corner sees a quarter of that, and zeros for the rest.

# %% [markdown]
# Written on a Windows machine.

# %%
import os, sys
import scipy.io, scipy.misc
import matplotlib.pyplot as plt
from nst_utils import *
import tensorflow as tf
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '2'
# %matplotlib inline

# %%
CONFIG.IMAGE_WIDTH = 80
CONFIG.IMAGE_HEIGHT = 64
content_image = scipy.misc.imread("C:\\Users\\student\\nst\\images\\campus.jpg")
style_image = scipy.misc.imread(r"images\stone_style.jpg")
plt.imshow(content_image)
print(content_image.shape, style_image.shape)

# %%
model = load_vgg_model("D:\\models\\imagenet-vgg-verydeep-19.mat")
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    content = reshape_and_normalize_image(content_image)
    sess.run(model["input"].assign(content))
    target = sess.run(model["conv2_2"])
    sess.run(model["input"].assign(reshape_and_normalize_image(style_image)))
    J = tf.reduce_sum(tf.square(model["conv2_2"] - target)) / target.size
    step = tf.train.AdamOptimizer(2.0).minimize(J)
    sess.run(tf.global_variables_initializer())
    sess.run(model["input"].assign(generate_noise_image(content)))
    for i in range(3):
        sess.run(step)
        save_image("output\\" + str(i) + ".png", sess.run(model["input"]))
    save_image("output\\generated_image.jpg", sess.run(model["input"]))

# %%
print(scipy.misc.imread("output\\2.png").shape)
print(sorted(os.listdir("output")))

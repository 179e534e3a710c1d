# %% [markdown]
# With the helper file of its own day beside it.

# %%
import os
import sys
import scipy.io
import scipy.misc
import matplotlib.pyplot as plt
from matplotlib.pyplot import imshow
from PIL import Image
from nst_utils import *
import numpy as np
import tensorflow as tf
import importlib, nst_utils
importlib.reload(nst_utils)
from nst_utils import *

# %%
print(CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT, CONFIG.AUTHOR)
tf.reset_default_graph()
sess = tf.InteractiveSession()
model = load_vgg_model("pretrained-model/imagenet-vgg-verydeep-19.mat")
print(len(model))

# %%
content_image = reshape_and_normalize_image(scipy.misc.imread("images/temple.jpg"))
style_image = reshape_and_normalize_image(scipy.misc.imread("images/ceramic_style.jpg"))
generated_image = generate_noise_image(content_image)
sess.run(model['input'].assign(style_image))
a_S = sess.run(model['conv2_1'])
J = tf.reduce_sum(tf.square(a_S - model['conv2_1'])) / (4 * a_S.size)
train_step = tf.train.AdamOptimizer(2.0).minimize(J)
sess.run(tf.global_variables_initializer())
sess.run(model['input'].assign(generated_image))
before = sess.run(J)
for i in range(3):
    sess.run(train_step)
    save_image("output/%d.png" % i, sess.run(model['input']))
print("falling:", sess.run(J) < before)

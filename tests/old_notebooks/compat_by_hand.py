# %% [markdown]
# Somebody has already repaired half of it.

# %%
import os
import imageio
import matplotlib.pyplot as plt
from matplotlib.pyplot import imshow
import numpy as np
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
from nst_utils import *
CONFIG.IMAGE_WIDTH = 96
CONFIG.IMAGE_HEIGHT = 72

# %%
def compute_content_cost(a_C, a_G):
    m, n_H, n_W, n_C = a_G.get_shape().as_list()
    a_C_unrolled = tf.reshape(a_C, [m, -1, n_C])
    a_G_unrolled = tf.reshape(a_G, [m, -1, n_C])
    return tf.reduce_sum(tf.square(a_C_unrolled - a_G_unrolled)) / (4. * n_H * n_W * n_C)

tf.reset_default_graph()
with tf.Session() as test:
    tf.set_random_seed(1)
    a_C = tf.random_normal([1, 4, 4, 3], mean=1, stddev=4)
    a_G = tf.random_normal([1, 4, 4, 3], mean=1, stddev=4)
    print("J_content = " + str(compute_content_cost(a_C, a_G).eval()))

# %%
content_image = reshape_and_normalize_image(imageio.imread("images/louvre_small.jpg"))
style_image = reshape_and_normalize_image(plt.imread("images/monet.jpg"))
tf.reset_default_graph()
sess = tf.compat.v1.InteractiveSession()
model = load_vgg_model("pretrained-model/imagenet-vgg-verydeep-19.mat")
sess.run(model['input'].assign(content_image))
J = compute_content_cost(sess.run(model['conv4_2']), model['conv4_2'])
train_step = tf.train.RMSPropOptimizer(1.0).minimize(J)
sess.run(tf.global_variables_initializer())
sess.run(model['input'].assign(style_image))
costs = []
for i in range(4):
    sess.run(train_step)
    costs.append(sess.run(J))
imageio.imwrite('output/repaired.png', np.clip(sess.run(model['input'])[0] + 120, 0, 255).astype(np.uint8))
print("falling:", costs[-1] < costs[0])

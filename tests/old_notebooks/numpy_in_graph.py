# %% [markdown]
# NumPy wherever NumPy has a name for it, also inside the graph.

# %%
import numpy as np
import tensorflow as tf
import scipy.misc
from nst_utils import *
dtype = np.float
CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = np.int(80), np.int(60)

# %%
def content_cost(a_C, a_G):
    m, n_H, n_W, n_C = a_G.get_shape().as_list()
    difference = a_C - a_G
    return 1. / (4 * np.prod([n_H, n_W, n_C])) * np.sum(np.square(difference))

def gram(A):
    return np.dot(A, np.transpose(A))

def style_cost(a_S, a_G):
    m, n_H, n_W, n_C = a_G.get_shape().as_list()
    a_S = np.transpose(np.reshape(a_S, (n_H * n_W, n_C)))
    a_G = np.transpose(np.reshape(a_G, (n_H * n_W, n_C)))
    return np.sum(np.square(np.subtract(gram(a_S), gram(a_G)))) / (4. * np.square(n_C) * np.square(n_H * n_W))

# %%
tf.reset_default_graph()
with tf.Session() as test:
    tf.set_random_seed(1)
    a_C = tf.random_normal([1, 4, 4, 3], mean=1, stddev=4)
    a_G = tf.random_normal([1, 4, 4, 3], mean=1, stddev=4)
    J_content, J_style_layer = test.run([content_cost(a_C, a_G), style_cost(a_C, a_G)])
    print("J_content = " + str(J_content))
    print("J_style_layer = " + str(J_style_layer))

# %%
tf.reset_default_graph()
sess = tf.InteractiveSession()
model = load_vgg_model('pretrained-model/imagenet-vgg-verydeep-19.mat')
C = reshape_and_normalize_image(scipy.misc.imread('images/cat.jpg'))
S = reshape_and_normalize_image(scipy.misc.imread('images/style_drops.jpg'))
sess.run(model['input'].assign(C))
J_content = content_cost(sess.run(model['conv4_2']), model['conv4_2'])
sess.run(model['input'].assign(S))
J_style = np.float64(0.2) * style_cost(sess.run(model['conv2_1']), model['conv2_1'])
J = 10 * J_content + 40 * J_style

# %%
train = tf.train.AdamOptimizer(np.float64(2.0)).minimize(J)
sess.run(tf.global_variables_initializer())
sess.run(model['input'].assign(generate_noise_image(C)))
before = sess.run(J)
for _ in range(5):
    sess.run(train)
print("falling:", np.alltrue(sess.run(J) < before))

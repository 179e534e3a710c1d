# %% [markdown]
# Sizes of our own, and the model printed in full.

# %%
import pprint
import scipy.misc
import tensorflow as tf
from nst_utils import *
import nst_utils as nst
pp = pprint.PrettyPrinter(indent=4)

# %%
class Settings(CONFIG):
    pass

CONFIG.IMAGE_WIDTH = 128
CONFIG.IMAGE_HEIGHT = 64
CONFIG.NOISE_RATIO = 0.1

# %%
model = load_vgg_model("pretrained-model/imagenet-vgg-verydeep-19.mat")
pp.pprint(model)

# %%
ours = scipy.misc.imresize(scipy.misc.imread("uploads/holiday.png"), (CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH))
theirs = scipy.misc.imresize(scipy.misc.imread("uploads/kandinsky-640x480.png"), (CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH))
print(ours.shape, theirs.shape)

# %%
def unrolled(a):
    shape = a.get_shape().as_list()
    return tf.reshape(a, shape=[shape[1] * shape[2], shape[3]])

tf.reset_default_graph()
sess = tf.InteractiveSession()
model = load_vgg_model("pretrained-model/imagenet-vgg-verydeep-19.mat")
sess.run(model["input"].assign(nst.reshape_and_normalize_image(ours)))
a_C = sess.run(model["conv5_2"])
J_content = tf.reduce_mean(tf.pow(a_C - model["conv5_2"], 2))
sess.run(model["input"].assign(nst.reshape_and_normalize_image(theirs)))
J_style = 0.0
for layer in ["conv1_2", "conv4_4"]:
    S = unrolled(tf.constant(sess.run(model[layer])))
    A = unrolled(model[layer])
    J_style += tf.reduce_mean((tf.matmul(S, S, True) - tf.matmul(A, A, True)) ** 2)
J = J_content + 1e-4 * J_style

# %%
train_step = tf.train.AdamOptimizer(4.0).minimize(J)
sess.run(tf.global_variables_initializer())
sess.run(model["input"].assign(generate_noise_image(nst.reshape_and_normalize_image(ours), noise_ratio=0.2)))
for i in range(3):
    sess.run(train_step)
    print("%d %.3e" % (i, sess.run(J)))

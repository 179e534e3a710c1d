# %% [markdown]
# Gram matrices of a whole batch at once; no reshaping to two axes anywhere.

# %%
from nst_utils import *
import numpy as np, tensorflow as tf, scipy.misc
import matplotlib.pyplot as plt
# %matplotlib inline
CONFIG.IMAGE_HEIGHT = 72
CONFIG.IMAGE_WIDTH = 96

# %%
def gram_matrix(F):
    # F: [batch, positions, channels]
    return tf.matmul(F, F, transpose_a=True)

def gram_by_einsum(F):
    return tf.einsum('bpi,bpj->bij', F, F)

# %%
tf.reset_default_graph()
with tf.Session() as test:
    tf.set_random_seed(1)
    A = tf.random_normal([3, 2], mean=1, stddev=4)
    batch = tf.expand_dims(tf.transpose(A), 0)
    first, second = test.run([gram_matrix(batch), gram_by_einsum(batch)])
    print(first)
    print("difference:", np.abs(first - second).max())

# %%
def flat(a):
    n, h, w, c = a.shape
    return tf.reshape(a, [int(n), int(h * w), int(c)])

def layer_cost(a_S, a_G):
    n, h, w, c = [d.value for d in a_G.get_shape()]
    GS, GG = gram_matrix(flat(tf.constant(a_S))), gram_matrix(flat(a_G))
    return tf.reduce_mean(tf.reduce_sum(tf.squared_difference(GS, GG), axis=[1, 2], keep_dims=True)) / (2.0 * h * w * c) ** 2

# %%
tf.reset_default_graph()
sess = tf.InteractiveSession()
model = load_vgg_model("imagenet-vgg-verydeep-19.mat")
content = reshape_and_normalize_image(scipy.misc.imread("content/eiffel_tower.png"))
style = reshape_and_normalize_image(scipy.misc.imread("style/starry_night.png"))

# %%
model['input'].assign(content).eval()
a_C = model['conv4_2'].eval()
J_content = tf.reduce_mean(tf.squared_difference(a_C, model['conv4_2']))
model['input'].assign(style).eval()
J_style = tf.add_n([w * layer_cost(model[l].eval(), model[l]) for l, w in [('conv1_1', .5), ('conv2_1', .5)]])
J = J_content + 100 * J_style

# %%
step = tf.train.AdamOptimizer(learning_rate=2.0).minimize(J, var_list=[model['input']])
tf.global_variables_initializer().run()
model['input'].assign(generate_noise_image(content)).eval()
costs = []
for i in range(5):
    step.run()
    costs.append(J.eval())
print("falling:", costs[-1] < costs[0])
plt.plot(costs)
plt.show()

# %% [markdown]
# The network put together by hand, from the file and `tf.layers`; no helper at all.

# %%
import scipy.io
import numpy as np
import tensorflow as tf
import matplotlib.pyplot as plt
from PIL import Image
MEAN = np.array([123.68, 116.779, 103.939]).reshape((1, 1, 1, 3))
IMAGE_WIDTH = 90
IMAGE_HEIGHT = 60

# %%
vgg = scipy.io.loadmat('imagenet-vgg-verydeep-19.mat')['layers'][0]

def build(image):
    net, current = {}, image
    for index in range(12):
        layer = vgg[index][0][0]
        name, kind = layer['name'][0], layer['type'][0]
        if kind == 'conv':
            kernels, bias = layer['weights'][0]
            current = tf.nn.conv2d(current, tf.constant(kernels), strides=[1, 1, 1, 1], padding='SAME')
            current = tf.nn.bias_add(current, tf.constant(bias.reshape(-1)))
        elif kind == 'relu':
            current = tf.nn.relu(current)
        else:
            current = tf.layers.average_pooling2d(current, 2, 2, padding='same')
        net[name] = current
    return net

# %%
def load(path):
    return np.array(Image.open(path).convert('RGB'), dtype=np.float32)[np.newaxis] - MEAN

tf.reset_default_graph()
G = tf.Variable(tf.zeros([1, IMAGE_HEIGHT, IMAGE_WIDTH, 3]), name='picture')
net = build(G)
print(sorted(net))
flat = tf.layers.flatten(net['relu2_1'])
print(flat.get_shape().as_list())

# %%
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    sess.run(tf.assign(G, load('images/park.jpg')))
    goal = sess.run(flat)
    sess.run(tf.assign(G, load('images/kandinsky.jpg')))
    loss = tf.losses.mean_squared_error(goal, flat)
    step = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    first = sess.run(loss)
    for _ in range(4):
        sess.run(step)
    print('falling:', sess.run(loss) < first)
    plt.imsave('made/picture.jpg', np.clip(sess.run(G)[0] + MEAN[0], 0, 255).astype(np.uint8))

# %% [markdown]
# An interactive session, `.eval()` everywhere, and the pictures fed through placeholders.

# %%
import numpy as np
import tensorflow as tf
from scipy.misc import imread, imresize, imsave
import nst_utils

# %%
sess = tf.InteractiveSession()
size = (64, 96)
nst_utils.CONFIG.IMAGE_HEIGHT, nst_utils.CONFIG.IMAGE_WIDTH = size
photo = imresize(imread("photo_of_us.jpg", mode="RGB"), size)
painting = imresize(imread("a_painting.png", mode="RGB"), size + (3,), interp="bicubic")
print(photo.shape, photo.dtype, painting.shape)

# %%
picture = tf.placeholder(tf.float32, [None, size[0], size[1], 3], name="picture")
norm = picture - tf.constant(nst_utils.CONFIG.MEANS, dtype=tf.float32)
first = norm.eval(feed_dict={picture: photo[np.newaxis]})
second = norm.eval({picture: painting[np.newaxis]})
print(picture.get_shape().as_list())

# %%
net = nst_utils.load_vgg_model("pretrained-model/imagenet-vgg-verydeep-19.mat")
net['input'].assign(first).eval()
a_C = net['conv3_2'].eval()
net['input'].assign(second).eval()
a_S = net['conv2_2'].eval()
height = net['conv3_2'].get_shape()[1].value
channels = net['conv2_2'].shape[3].value
print(height, channels)

# %%
G = tf.reshape(net['conv2_2'], [-1, channels])
S = a_S.reshape(-1, channels)
J = tf.nn.l2_loss(net['conv3_2'] - a_C) + 1e-6 * tf.nn.l2_loss(tf.matmul(G, G, transpose_a=True) - S.T.dot(S))
J += 1e-3 * tf.reduce_sum(tf.image.total_variation(net['input']))
rate = tf.placeholder_with_default(np.float32(3), [])
update = tf.train.AdamOptimizer(rate, beta1=0.9).minimize(J)

# %%
tf.global_variables_initializer().run()
net['input'].assign(nst_utils.generate_noise_image(first)).eval()
start = J.eval()
for i in range(5):
    update.run(feed_dict={rate: 3.0 / (i + 1)})
print("falling:", J.eval() < start)
imsave("result.png", np.clip(net['input'].eval()[0] + nst_utils.CONFIG.MEANS[0], 0, 255).astype('uint8'))
sess.close()

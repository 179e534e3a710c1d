# %% [markdown]
# Everything inside one session that closes behind itself.

# %%
import tensorflow as tf
from nst_utils import *
import scipy.misc
import imageio

# %%
def cost(a_C, a_G):
    _, h, w, c = a_G.get_shape().as_list()
    return tf.reduce_sum(tf.squared_difference(tf.to_float(a_C), a_G)) / (4 * h * w * c)

def gram(A):
    return tf.matmul(A, A, transpose_b=True)

def style(a_S, a_G):
    _, h, w, c = a_G.get_shape().as_list()
    S = gram(tf.transpose(tf.reshape(a_S, [-1, c])))
    G = gram(tf.transpose(tf.reshape(a_G, [-1, c])))
    return tf.div(tf.reduce_sum(tf.squared_difference(S, G)), 4. * c ** 2 * (h * w) ** 2)

# %%
with tf.Graph().as_default():
    with tf.Session() as test:
        tf.set_random_seed(1)
        a_S = tf.random_normal([1, 4, 4, 3], mean=1, stddev=4)
        a_G = tf.random_normal([1, 4, 4, 3], mean=1, stddev=4)
        print("J_style_layer =", test.run(style(a_S, a_G)))

# %%
LAYERS = {'conv1_1': 0.5, 'conv3_1': 1.5}
CONFIG.IMAGE_WIDTH = 112
CONFIG.IMAGE_HEIGHT = 80
tf.reset_default_graph()
model = load_vgg_model(CONFIG.VGG_MODEL)
with tf.Session(config=tf.ConfigProto(log_device_placement=False)) as sess:
    sess.run(tf.global_variables_initializer())
    content_image = reshape_and_normalize_image(imageio.imread('images/tower.jpg'))
    style_image = reshape_and_normalize_image(imageio.imread('images/sandstone.jpg'))
    sess.run(model['input'].assign(content_image))
    J_content = cost(sess.run(model['conv4_2']), model['conv4_2'])
    sess.run(model['input'].assign(style_image))
    J_style = 0
    for name, weight in LAYERS.items():
        J_style += weight * style(sess.run(model[name]), model[name])
    J = 10 * J_content + 40 * J_style
    with tf.device('/gpu:0'):
        train_step = tf.train.AdamOptimizer(2.0).minimize(J)
    sess.run(tf.initialize_all_variables())
    sess.run(model['input'].assign(generate_noise_image(content_image, 0.3)))
    for i in range(6):
        _, now = sess.run([train_step, J])
        if i % 2 == 0:
            print(i, now)
    result = sess.run(model['input'])
save_image(CONFIG.OUTPUT_DIR + 'session_as.png', result)
print(imageio.imread('output/session_as.png').shape)

# %% [markdown]
# One photograph in three manners.

# %%
import nst_utils
from nst_utils import *
import tensorflow as tf
import scipy.misc
import scipy

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 72, 56
STYLES = ["styles/monet.jpg", "styles/starry_night.jpg", "styles/great_wave.jpg"]
STYLE_LAYERS = [('conv1_1', 0.4), ('conv2_1', 0.6)]

# %%
def compute_layer_style_cost(a_S, a_G):
    m, n_H, n_W, n_C = a_G.get_shape().as_list()
    a_S = tf.transpose(tf.reshape(a_S, [n_H * n_W, n_C]))
    a_G = tf.transpose(tf.reshape(a_G, [n_H * n_W, n_C]))
    GS, GG = tf.matmul(a_S, tf.transpose(a_S)), tf.matmul(a_G, tf.transpose(a_G))
    return tf.reduce_sum((GS - GG) ** 2) / (4 * n_C ** 2 * (n_H * n_W) ** 2)

# %%
def paint(style_path, num_iterations=3):
    tf.reset_default_graph()
    with tf.Session() as sess:
        content = reshape_and_normalize_image(scipy.misc.imread("images/harbour.jpg"))
        style = reshape_and_normalize_image(scipy.misc.imread(style_path))
        model = load_vgg_model("pretrained-model/imagenet-vgg-verydeep-19.mat")
        sess.run(tf.global_variables_initializer())
        sess.run(model['input'].assign(content))
        J_content = tf.reduce_mean(tf.square(sess.run(model['conv4_2']) - model['conv4_2']))
        sess.run(model['input'].assign(style))
        J_style = 0
        for layer, coefficient in STYLE_LAYERS:
            J_style += coefficient * compute_layer_style_cost(sess.run(model[layer]), model[layer])
        J = J_content + J_style
        step = tf.train.AdamOptimizer(5.0).minimize(J)
        sess.run(tf.global_variables_initializer())
        sess.run(model['input'].assign(generate_noise_image(content)))
        for _ in range(num_iterations):
            sess.run(step)
        return sess.run([J, model['input']])

# %%
results = {}
for path in STYLES:
    J, image = paint(path)
    results[path] = J
    name = path.split('/')[-1].replace('.jpg', '')
    save_image('output/{}.png'.format(name), image)
    print(name, J)

# %%
assert len(set(results.values())) > 1
print(sorted(f for f in os.listdir('output')))

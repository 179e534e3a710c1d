# %% [markdown]
# A picture every 20 iterations, and all of them in a row at the end.

# %%
from nst_utils import *
import tensorflow as tf
import scipy.misc
import matplotlib.pyplot as plt
from matplotlib.pyplot import imshow
# %matplotlib inline
plt.rcParams['figure.figsize'] = (8.0, 3.0)
CONFIG.IMAGE_WIDTH = 64
CONFIG.IMAGE_HEIGHT = 48

# %%
content_image = scipy.misc.imread("images/my_content.jpg")
style_image = scipy.misc.imread("images/my_style.jpg")
imshow(style_image);

# %%
sess = tf.InteractiveSession()
model = load_vgg_model("pretrained-model/imagenet-vgg-verydeep-19.mat")
content_image = reshape_and_normalize_image(content_image)
style_image = reshape_and_normalize_image(style_image)

def gram(a):
    m, n_H, n_W, n_C = a.get_shape().as_list()
    a = tf.reshape(a, [n_H * n_W, n_C])
    return tf.matmul(tf.transpose(a), a) / (n_H * n_W * n_C)

sess.run(model['input'].assign(content_image))
J_content = tf.reduce_mean(tf.square(model['conv3_1'] - sess.run(model['conv3_1'])))
sess.run(model['input'].assign(style_image))
J_style = sum(tf.reduce_sum(tf.square(gram(model[l]) - sess.run(gram(model[l])))) for l in ('conv1_1', 'conv2_1', 'conv3_1'))
J = J_content + J_style
train_step = tf.train.AdamOptimizer(2.0).minimize(J)

# %%
def model_nn(sess, input_image, num_iterations = 41):
    sess.run(tf.global_variables_initializer())
    sess.run(model['input'].assign(input_image))
    for i in range(num_iterations):
        sess.run(train_step)
        if i % 20 == 0:
            picture = sess.run(model['input'])
            print("Iteration " + str(i) + ": " + str(sess.run(J)))
            save_image("output/" + str(i) + ".png", picture)
    save_image('output/generated_image.jpg', picture)
    return picture

picture = model_nn(sess, generate_noise_image(content_image))

# %%
for column, i in enumerate(range(0, 41, 20)):
    plt.subplot(1, 3, column + 1)
    plt.imshow(plt.imread("output/" + str(i) + ".png"))
    plt.title("after %d" % i)
    plt.axis('off')
plt.savefig('output/row.png')
plt.show()
print(sorted(os.listdir('output')))

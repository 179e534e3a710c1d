# %% [markdown]
# From the days of Colab's first versions.

# %%
# %tensorflow_version 1.x
# !pip install scipy==1.1.0 tensorflow==1.15
# %pip install -q numpy==1.16
get_ipython().magic('matplotlib inline')
# %config InlineBackend.figure_format = 'retina'
# %load_ext autoreload
# %autoreload 2

# %%
# %pylab inline
import time
import numpy as np
import tensorflow as tf
from IPython.core.display import display
from PIL import Image
print(tf.__version__ > "1")
plt.style.use('seaborn-whitegrid')

# %%
# %%time
start = time.clock()
picture = Image.open('images/louvre.jpg').resize((60, 40), Image.ANTIALIAS)
other = Image.open('images/monet.jpg')
other.thumbnail((60, 60), resample=Image.ANTIALIAS)
display(picture)
print(time.clock() - start < 60, other.size)

# %%
from nst_utils import *
CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = picture.size
tf.logging.set_verbosity(tf.logging.ERROR)
sess = tf.InteractiveSession()
model = load_vgg_model("/content/drive/My Drive/imagenet-vgg-verydeep-19.mat")
sess.run(model['input'].assign(reshape_and_normalize_image(np.array(picture))))
a = sess.run(model['conv2_1'])
plt.imshow(a[0, :, :, 3], cmap=plt.cm.get_cmap('gray'))
print(np.product(a.shape))

# %%
J = tf.reduce_mean(tf.abs(model['conv2_1'] - np.float32(a.mean())))
learning_rate = tf.train.exponential_decay(2.0, tf.train.get_or_create_global_step(), 10, 0.9)
train = tf.train.AdamOptimizer(learning_rate).minimize(J)
tf.global_variables_initializer().run()
sess.run(model['input'].assign(reshape_and_normalize_image(np.array(picture))))
before = J.eval()
for i in range(3):
    train.run()
print("falling:", J.eval() < before)

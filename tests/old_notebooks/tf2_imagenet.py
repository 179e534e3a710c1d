# %% [markdown]
# Keras all the way: ImageNet's weights, its own preprocessing, a size that is no square.

# %%
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras.applications import vgg19
from tensorflow.keras.preprocessing.image import load_img, img_to_array
import numpy as np
import matplotlib.pyplot as plt

base_image_path = "paris.jpg"
style_reference_image_path = "starry_night.jpg"
width, height = load_img(base_image_path).size
img_nrows = 48
img_ncols = int(width * img_nrows / height)
print(width, height, img_ncols)

# %%
def preprocess_image(image_path):
    img = load_img(image_path, target_size=(img_nrows, img_ncols))
    img = np.expand_dims(img_to_array(img), axis=0)
    return tf.convert_to_tensor(vgg19.preprocess_input(img))

def deprocess_image(x):
    x = x.reshape((img_nrows, img_ncols, 3)) + np.array([103.939, 116.779, 123.68])
    return np.clip(x[:, :, ::-1], 0, 255).astype("uint8")

# %%
model = vgg19.VGG19(weights="imagenet", include_top=False)
outputs = dict([(layer.name, layer.output) for layer in model.layers])
feature_extractor = keras.Model(inputs=model.inputs, outputs=outputs)

def gram(x):
    x = tf.reshape(tf.transpose(x, (2, 0, 1)), (tf.shape(x)[2], -1))
    return tf.matmul(x, tf.transpose(x))

def loss(combination, base, style):
    features = feature_extractor(tf.concat([base, style, combination], axis=0))
    cost = 2.5e-8 * tf.reduce_sum(tf.square(features["block5_conv2"][2] - features["block5_conv2"][0]))
    for name in ["block1_conv1", "block2_conv1"]:
        S, C = gram(features[name][1]), gram(features[name][2])
        cost += 1e-6 / 2 * tf.reduce_sum(tf.square(S - C)) / (4.0 * 9 * (img_nrows * img_ncols) ** 2)
    return cost

# %%
base, style = preprocess_image(base_image_path), preprocess_image(style_reference_image_path)
combination = tf.Variable(preprocess_image(base_image_path))
optimizer = keras.optimizers.SGD(
    keras.optimizers.schedules.ExponentialDecay(initial_learning_rate=0.5, decay_steps=100, decay_rate=0.96))
costs = []
for i in range(1, 5):
    with tf.GradientTape() as tape:
        cost = loss(combination, base, style)
    optimizer.apply_gradients([(tape.gradient(cost, combination), combination)])
    costs.append(float(cost))
print("falling:", costs[-1] < costs[0])
keras.preprocessing.image.save_img("painted.png", deprocess_image(combination.numpy()))

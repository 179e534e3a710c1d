# %% [markdown]
# A model as a class, pictures read by TensorFlow, the optimiser with its old argument.

# %%
import os
import time
import numpy as np
import tensorflow as tf
import PIL.Image
import IPython.display as display
import matplotlib as mpl
import matplotlib.pyplot as plt
mpl.rcParams['axes.grid'] = False

# %%
def load_img(path_to_img, max_dim=80):
    img = tf.io.read_file(path_to_img)
    img = tf.image.decode_image(img, channels=3)
    img = tf.image.convert_image_dtype(img, tf.float32)
    shape = tf.cast(tf.shape(img)[:-1], tf.float32)
    scale = max_dim / max(shape)
    img = tf.image.resize(img, tf.cast(shape * scale, tf.int32))
    return img[tf.newaxis, :]

content_image = load_img('pictures/labrador.jpg')
style_image = load_img('pictures/kandinsky_composition.jpg')
plt.imshow(content_image[0])
print(content_image.shape)

# %%
class StyleContentModel(tf.keras.models.Model):
    def __init__(self, style_layers, content_layers):
        super(StyleContentModel, self).__init__()
        vgg = tf.keras.applications.VGG19(include_top=False, weights='imagenet')
        vgg.trainable = False
        self.vgg = tf.keras.Model([vgg.input], [vgg.get_layer(name).output for name in style_layers + content_layers])
        self.count = len(style_layers)

    def call(self, inputs):
        outputs = self.vgg(tf.keras.applications.vgg19.preprocess_input(inputs * 255.0))
        style = [tf.linalg.einsum('bijc,bijd->bcd', a, a) / tf.cast(tf.shape(a)[1] * tf.shape(a)[2], tf.float32)
                 for a in outputs[:self.count]]
        return {'style': style, 'content': outputs[self.count:]}

extractor = StyleContentModel(['block1_conv1', 'block2_conv1'], ['block4_conv2'])
style_targets = extractor(style_image)['style']
content_targets = extractor(content_image)['content']

# %%
opt = tf.optimizers.Adam(lr=0.02, beta_1=0.99, epsilon=1e-1)
image = tf.Variable(content_image)

@tf.function()
def train_step(image):
    with tf.GradientTape() as tape:
        outputs = extractor(image)
        loss = tf.add_n([tf.reduce_mean((a - b) ** 2) for a, b in zip(outputs['style'], style_targets)])
        loss += 1e4 * tf.reduce_mean((outputs['content'][0] - content_targets[0]) ** 2)
        loss += 30 * tf.image.total_variation(image)[0]
    grad = tape.gradient(loss, image)
    opt.apply_gradients([(grad, image)])
    image.assign(tf.clip_by_value(image, 0.0, 1.0))
    return loss

# %%
start = time.time()
costs = [train_step(image).numpy() for _ in range(5)]
picture = PIL.Image.fromarray(np.array(image[0] * 255, dtype=np.uint8))
picture.save('stylized-image.png')
display.display(picture)
print("falling:", costs[-1] < costs[0])

import os
import sys
import scipy.io
import scipy.misc
from nst_utils import *
import numpy as np
import tensorflow as tf


class CONFIG:
    IMAGE_WIDTH = 88
    IMAGE_HEIGHT = 66
    COLOR_CHANNELS = 3
    NOISE_RATIO = 0.5
    MEANS = np.array([123.68, 116.779, 103.939]).reshape((1, 1, 1, 3))
    AUTHOR = "the student's own"


def load_vgg_model(path):
    vgg_layers = scipy.io.loadmat(path)['layers']

    def weights(layer, expected_name):
        wb = vgg_layers[0][layer][0][0][2]
        assert vgg_layers[0][layer][0][0][0][0] == expected_name
        return wb[0][0], wb[0][1]

    def conv(previous, layer, name):
        W, b = weights(layer, name)
        W, b = tf.constant(W), tf.constant(np.reshape(b, (b.size)))
        return tf.nn.relu(tf.nn.conv2d(previous, filter=W, strides=[1, 1, 1, 1], padding='SAME') + b)

    def pool(previous):
        return tf.nn.avg_pool(value=previous, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding='SAME')

    graph = {}
    shape = (1, CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH, CONFIG.COLOR_CHANNELS)
    graph['input'] = tf.Variable(np.zeros(shape), dtype='float32')
    graph['conv1_1'] = conv(graph['input'], 0, 'conv1_1')
    graph['conv1_2'] = conv(graph['conv1_1'], 2, 'conv1_2')
    graph['avgpool1'] = pool(graph['conv1_2'])
    graph['conv2_1'] = conv(graph['avgpool1'], 5, 'conv2_1')
    graph['conv2_2'] = conv(graph['conv2_1'], 7, 'conv2_2')
    return graph


def generate_noise_image(content_image, noise_ratio=CONFIG.NOISE_RATIO):
    shape = (1, CONFIG.IMAGE_HEIGHT, CONFIG.IMAGE_WIDTH, CONFIG.COLOR_CHANNELS)
    noise_image = np.random.uniform(-20, 20, shape).astype('float32')
    return noise_image * noise_ratio + content_image * (1 - noise_ratio)


def reshape_and_normalize_image(image):
    image = np.reshape(image, ((1,) + image.shape))
    return image - CONFIG.MEANS


def save_image(path, image):
    image = image + CONFIG.MEANS
    image = np.clip(image[0], 0, 255).astype('uint8')
    scipy.misc.imsave(path, image)

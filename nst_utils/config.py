"""Settings of the course, and the two errors that the package raises for bad input."""

import numpy as np


class CONFIG:
    """The course's settings. They are read when a function is called, so set them after the import."""

    IMAGE_WIDTH = 400
    IMAGE_HEIGHT = 300
    COLOR_CHANNELS = 3
    NOISE_RATIO = 0.6
    # Mean RGB value of the ImageNet training pictures, which the network was trained without.
    MEANS = np.array([123.68, 116.779, 103.939], dtype=np.float32).reshape((1, 1, 1, 3))
    VGG_MODEL = "pretrained-model/imagenet-vgg-verydeep-19.mat"
    STYLE_IMAGE = "images/style/van-gogh-cafe-terrace-at-night-1888.webp"
    CONTENT_IMAGE = "images/content/summer-palace.jpg"
    OUTPUT_DIR = "output/"


class InputError(ValueError):
    """Something given by the user does not fit; the message is one sentence that says what to do."""


class MissingFileError(InputError, FileNotFoundError):
    """A file that the user named is not there."""

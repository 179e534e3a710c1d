"""The course's settings."""

from nst_utils.network.layout import MEANS


class CONFIG:
    """The course's settings. They are read when a function is called, so set them after the import."""

    IMAGE_WIDTH = 400
    IMAGE_HEIGHT = 300
    COLOR_CHANNELS = 3
    NOISE_RATIO = 0.6
    # Mean RGB value of the ImageNet training pictures, which the network was trained without.
    MEANS = MEANS
    VGG_MODEL = "pretrained-model/imagenet-vgg-verydeep-19.mat"
    STYLE_IMAGE = "images/style/van-gogh-cafe-terrace-at-night-1888.webp"
    CONTENT_IMAGE = "images/content/summer-palace.jpg"
    OUTPUT_DIR = "output/"

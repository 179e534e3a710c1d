"""The course's helper: pictures as its network sees them, float32 (1, H, W, 3), RGB minus CONFIG.MEANS."""

import numpy as np

from nst_utils.course.config import CONFIG
from nst_utils.engine.starts import mix_with_noise
from nst_utils.pictures.writing import write_image


def reshape_and_normalize_image(image):
    """(H, W, 3) RGB 0-255 as the network's input (1, H, W, 3) minus CONFIG.MEANS; the argument stays as it is."""
    return np.reshape(image, (1,) + np.shape(image)) - CONFIG.MEANS


def generate_noise_image(content_image, noise_ratio=None):
    """noise * noise_ratio + content_image * (1 - noise_ratio), the noise uniform in [-20, 20).

    content_image: (1, H, W, 3), normalised. noise_ratio: from 0 to 1, by default CONFIG.NOISE_RATIO. The noise is
    float32 of shape (1, H, W, 3), from one call of NumPy's global generator, as published costs depend on.
    """
    return mix_with_noise(content_image, CONFIG.NOISE_RATIO if noise_ratio is None else noise_ratio, np.random)


def unroll(a):
    """Activations (1, n_H, n_W, n_C) as a table A (n_C, n_H * n_W): one row for each channel."""
    return np.moveaxis(np.asarray(a)[0], -1, 0).reshape(np.shape(a)[-1], -1)


def to_picture(image):
    """The network's image (1, H, W, 3) as a picture: plus MEANS, clipped to 0-255, truncated to 8 bits."""
    return np.clip((image + CONFIG.MEANS)[0], 0, 255).astype("uint8")


def save_image(path, image):
    """Write the network's image (1, H, W, 3) to a file, as to_picture shows it."""
    write_image(path, to_picture(image))

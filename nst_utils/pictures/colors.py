"""The colours of a picture: given the mean and covariance of another's."""

import numpy as np

from nst_utils.pictures.sizes import enlarge, halve


def recolor(picture, like):
    """The picture (H, W, 3) float32 with the mean and covariance of the colours of `like`, not clipped.

    The linear map C_like^(1/2) C^(-1/2) of Gatys et al., "Preserving Color in Neural Artistic Style Transfer",
    2016, section 4.1, here applied to the content to start near the style.
    """
    pixels, target = picture.reshape(-1, 3).astype(np.float64), like.reshape(-1, 3).astype(np.float64)
    change = _matrix_power(np.cov(target.T), 0.5) @ _matrix_power(np.cov(pixels.T), -0.5)
    return ((pixels - pixels.mean(axis=0)) @ change.T + target.mean(axis=0)).reshape(picture.shape).astype(np.float32)


def recolor_detail(picture, like):
    """The picture with its finest octave, what is lost at half the size, recoloured as that of `like`, float32."""
    coarse, coarse_like = (enlarge(halve(image), image.shape[1::-1]) for image in (picture, like))
    return coarse + recolor(picture - coarse, like - coarse_like)


def _matrix_power(covariance, power):
    """A power of a symmetric matrix; a picture of one colour has no variance to divide by, hence the floor."""
    values, vectors = np.linalg.eigh(covariance + 1e-3 * np.eye(3))
    return (vectors * values**power) @ vectors.T

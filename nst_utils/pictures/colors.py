"""The colours of a picture: given the mean and covariance of another's, or taken away and given back.

Pictures are float32 (H, W, 3), RGB, 0-255, not clipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nst_utils.base.types import Array, Floats
from nst_utils.pictures.sizes import enlarge, halve

# Rec. 601: how light red, green and blue look.
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
# Grey levels by which a colour may leave 0-255 when only its luminance changes; clipped, it is still nearly the same.
_BEYOND = 3.0


@dataclass(frozen=True)
class Moments:
    """Mean (3,) and covariance (3, 3) of the colours of a picture."""

    mean: Floats
    covariance: Floats

    @classmethod
    def of(cls, picture: Array, mask: Floats | None = None) -> Moments:
        """Those of a picture (H, W, 3), or of the part that a mask (H, W), 0 to 1, shows of it."""
        pixels = picture.reshape(-1, 3).astype(np.float64)
        if mask is None:
            return cls(pixels.mean(axis=0), np.cov(pixels.T))
        weights = mask.ravel().astype(np.float64)
        # As np.cov() has it without weights, so that a mask that is white everywhere changes nothing.
        unbiased = len(pixels) / max(1, len(pixels) - 1)
        return cls(np.average(pixels, axis=0, weights=weights), unbiased * np.cov(pixels.T, aweights=weights, ddof=0))

    @classmethod
    def mean_of(cls, moments: Sequence[Moments], shares: Sequence[float]) -> Moments:
        """The weighted mean of several pictures' moments; shares add up to 1."""
        if len(moments) == 1:
            return moments[0]
        mean: Any = sum(share * each.mean for each, share in zip(moments, shares, strict=True))
        covariance: Any = sum(share * each.covariance for each, share in zip(moments, shares, strict=True))
        return cls(mean, covariance)


def recolor(picture: Array, like: Moments, own: Moments | None = None) -> Floats:
    """The picture with the Moments `like`, not clipped. own: its Moments, where they are not those of all of it.

    The linear map C_like^(1/2) C^(-1/2) of Gatys et al., "Preserving Color in Neural Artistic Style Transfer",
    2016, section 4.1.
    """
    matrix, offset = recoloring(own or Moments.of(picture), like)
    pixels = picture.reshape(-1, 3).astype(np.float64)
    return (pixels @ matrix + offset).reshape(picture.shape).astype(np.float32)


def recoloring(own: Moments, like: Moments) -> tuple[Floats, Floats]:
    """The matrix (3, 3) and offset (3,) of recolor(): pixels @ matrix + offset turns the Moments `own` into `like`."""
    change = _matrix_power(like.covariance, 0.5) @ _matrix_power(own.covariance, -0.5)
    return change.T, like.mean - own.mean @ change.T


def without_detail(picture: Array) -> Floats:
    """The picture without its finest octave, which is what is lost at half the size."""
    return enlarge(halve(picture), picture.shape[1::-1])


def grey(picture: Array) -> Floats:
    """The luminance of a picture in all three channels."""
    return np.repeat((picture @ _LUMINANCE)[..., np.newaxis], 3, axis=-1)


def match_luminance(picture: Array, like: Array) -> Floats:
    """A grey picture with the mean and deviation of another (Gatys et al. 2016, "Preserving Color", section 3.2)."""
    return (picture - picture.mean()) * (like.std() / max(1e-3, float(picture.std()))) + like.mean()


def with_luminance(picture: Array, luminance: Array) -> Floats:
    """The picture in its own colours, but as light as the grey picture `luminance`."""
    return picture + (luminance - grey(picture))


def luminance_bounds(picture: Array) -> tuple[Floats, Floats]:
    """The darkest and the lightest (H, W, 1) that each pixel can be made with its colour kept."""
    own = (picture @ _LUMINANCE)[..., np.newaxis]
    darkest = own - picture.min(axis=-1, keepdims=True) - np.float32(_BEYOND)
    lightest = own + 255 - picture.max(axis=-1, keepdims=True) + np.float32(_BEYOND)
    return np.clip(darkest, 0, 255), np.clip(lightest, 0, 255)


def _matrix_power(covariance: Floats, power: float) -> Floats:
    """A power of a symmetric matrix; a picture of one colour has no variance to divide by, hence the floor."""
    values, vectors = np.linalg.eigh(covariance + 1e-3 * np.eye(3))
    return (vectors * values**power) @ vectors.T

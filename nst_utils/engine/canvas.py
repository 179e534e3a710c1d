"""Which pixels a picture may be painted with: all colours, or only how light the photograph's own are."""

import numpy as np

from nst_utils.base.types import Floats
from nst_utils.pictures.colors import grey, luminance_bounds, with_luminance


class Canvas:
    """Every colour, 0-255: what is optimised is the picture itself."""

    def clip(self, picture: Floats) -> Floats:
        """The nearest picture that can be saved."""
        return np.clip(picture, 0, 255)

    def project(self, gradient: Floats) -> Floats:
        """The part of a gradient that the picture may follow."""
        return gradient

    def admit(self, picture: Floats) -> Floats:
        """A picture (H, W, 3) in the form that is optimised."""
        return picture

    def shown(self, picture: Floats) -> Floats:
        """What is optimised as the picture to show and save, float32 (H, W, 3), not clipped."""
        return picture


class LuminanceCanvas(Canvas):
    """The colours of the photograph: what is optimised is grey, and the picture as light as that.

    Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer", section 5: luminance-only transfer.
    """

    def __init__(self, photograph: Floats) -> None:
        """photograph: float32 (H, W, 3), of the size that is painted at."""
        self._photograph = photograph
        self._darkest, self._lightest = luminance_bounds(photograph)

    def clip(self, picture: Floats) -> Floats:
        return np.clip(picture, self._darkest, self._lightest)

    def project(self, gradient: Floats) -> Floats:
        return np.repeat(gradient.mean(axis=-1, keepdims=True), 3, axis=-1)

    def admit(self, picture: Floats) -> Floats:
        return grey(picture)

    def shown(self, picture: Floats) -> Floats:
        return with_luminance(self._photograph, self.clip(picture))

"""The types that signatures are made of. Shapes, ranges and units stand in the docstrings."""

import os
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

#: The path of a file or folder.
AnyPath: TypeAlias = str | os.PathLike[str]
#: An array of any numbers.
Array: TypeAlias = npt.NDArray[Any]
#: An array of real numbers.
Floats: TypeAlias = npt.NDArray[np.floating[Any]]
#: An array of whole numbers.
Ints: TypeAlias = npt.NDArray[np.integer[Any]]
#: A picture as people know it: uint8 (H, W, 3), RGB, 0-255.
Picture: TypeAlias = npt.NDArray[np.uint8]
#: A picture as users give it: the path of a file, or an array.
AnyPicture: TypeAlias = AnyPath | Array
#: (width, height) in pixels.
WidthHeight: TypeAlias = tuple[int, int]
#: Pairs of a layer's name and its weight.
LayerWeights: TypeAlias = tuple[tuple[str, float], ...]
#: {name: (kernel, bias)} of the network's convolutions.
Weights: TypeAlias = dict[str, tuple[Array, Array]]

if TYPE_CHECKING:
    import tensorflow as tf

    #: A tensor of TensorFlow.
    Tensor: TypeAlias = tf.Tensor
    #: As Weights, in TensorFlow's memory; None stands for a convolution that changes nothing.
    TensorWeights: TypeAlias = dict[str, tuple[Tensor, Tensor] | None]
else:  # TensorFlow is not imported for the sake of a name
    Tensor = TensorWeights = Any

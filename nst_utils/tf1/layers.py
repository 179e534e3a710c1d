"""The layers of tf.layers that old notebooks use, in graphs: what Keras 3 has left of them is an empty shell.

Options that none of these has (initialisers, regularisers, a reused scope) are not looked at.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from nst_utils.base.tensorflow import tf
from nst_utils.base.types import Tensor

v1 = tf.compat.v1


# A side of a square, or height and width.
Sides: TypeAlias = int | Sequence[int]


def conv2d(
    inputs: Tensor, filters: int, kernel_size: Sides, strides: Sides = 1, padding: str = "valid",
    activation: Callable[[Tensor], Tensor] | None = None, use_bias: bool = True, name: str | None = None, **_: Any,
) -> Tensor:
    """A convolution of (N, H, W, C) to (N, H', W', filters) with weights of its own, then the activation."""
    high, wide = _pair(kernel_size)
    with v1.variable_scope(name, "conv2d"):
        kernel = v1.get_variable("kernel", (high, wide, int(inputs.shape[-1]), filters))
        a = tf.nn.conv2d(inputs, kernel, _pair(strides), padding.upper())
        return _finished(a, filters, use_bias, activation)


def dense(
    inputs: Tensor, units: int, activation: Callable[[Tensor], Tensor] | None = None, use_bias: bool = True,
    name: str | None = None, **_: Any,
) -> Tensor:
    """A fully connected layer of (..., C) to (..., units) with weights of its own, then the activation."""
    with v1.variable_scope(name, "dense"):
        kernel = v1.get_variable("kernel", (int(inputs.shape[-1]), units))
        return _finished(tf.tensordot(inputs, kernel, axes=1), units, use_bias, activation)


def _finished(a: Tensor, channels: int, use_bias: bool, activation: Callable[[Tensor], Tensor] | None) -> Tensor:
    if use_bias:
        a = a + v1.get_variable("bias", (channels,), initializer=v1.zeros_initializer())
    return activation(a) if activation else a


def flatten(inputs: Tensor, name: str | None = None, **_: Any) -> Tensor:
    """(N, ...) as (N, the product of the rest)."""
    return tf.reshape(inputs, (-1, inputs.shape[1:].num_elements()), name=name)


def average_pooling2d(
    inputs: Tensor, pool_size: Sides, strides: Sides, padding: str = "valid", name: str | None = None, **_: Any
) -> Tensor:
    """Average pooling of (N, H, W, C)."""
    return tf.nn.avg_pool2d(inputs, _pair(pool_size), _pair(strides), padding.upper(), name=name)


def max_pooling2d(
    inputs: Tensor, pool_size: Sides, strides: Sides, padding: str = "valid", name: str | None = None, **_: Any
) -> Tensor:
    """Max pooling of (N, H, W, C)."""
    return tf.nn.max_pool2d(inputs, _pair(pool_size), _pair(strides), padding.upper(), name=name)


def _pair(size: Sides) -> tuple[int, ...]:
    return (size, size) if isinstance(size, int) else tuple(size)

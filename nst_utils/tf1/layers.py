"""The layers of tf.layers that old notebooks use, in graphs: what Keras 3 has left of them is an empty shell.

Options that none of these has (initialisers, regularisers, a reused scope) are not looked at.
"""

from nst_utils.base.tensorflow import tf

v1 = tf.compat.v1


def conv2d(inputs, filters, kernel_size, strides=1, padding="valid", activation=None, use_bias=True, name=None, **_):
    """A convolution of (N, H, W, C) to (N, H', W', filters) with weights of its own, then the activation."""
    high, wide = _pair(kernel_size)
    with v1.variable_scope(name, "conv2d"):
        kernel = v1.get_variable("kernel", (high, wide, int(inputs.shape[-1]), filters))
        a = tf.nn.conv2d(inputs, kernel, _pair(strides), padding.upper())
        return _finished(a, filters, use_bias, activation)


def dense(inputs, units, activation=None, use_bias=True, name=None, **_):
    """A fully connected layer of (..., C) to (..., units) with weights of its own, then the activation."""
    with v1.variable_scope(name, "dense"):
        kernel = v1.get_variable("kernel", (int(inputs.shape[-1]), units))
        return _finished(tf.tensordot(inputs, kernel, axes=1), units, use_bias, activation)


def _finished(a, channels, use_bias, activation):
    if use_bias:
        a = a + v1.get_variable("bias", (channels,), initializer=v1.zeros_initializer())
    return activation(a) if activation else a


def flatten(inputs, name=None, **_):
    """(N, ...) as (N, the product of the rest)."""
    return tf.reshape(inputs, (-1, inputs.shape[1:].num_elements()), name=name)


def average_pooling2d(inputs, pool_size, strides, padding="valid", name=None, **_):
    """Average pooling of (N, H, W, C)."""
    return tf.nn.avg_pool2d(inputs, _pair(pool_size), _pair(strides), padding.upper(), name=name)


def max_pooling2d(inputs, pool_size, strides, padding="valid", name=None, **_):
    """Max pooling of (N, H, W, C)."""
    return tf.nn.max_pool2d(inputs, _pair(pool_size), _pair(strides), padding.upper(), name=name)


def _pair(size):
    return tuple(size) if isinstance(size, list | tuple) else (size, size)

"""The MatConvNet file `imagenet-vgg-verydeep-19.mat`: reading any release of it, and writing one.

Everything is found by field name, because the order of the fields changed between releases. Kernels are
[height, width, in, out] in every release, for RGB input, and need no transpose.
"""

import warnings
from pathlib import Path

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.network.layout import BLOCKS, CONVOLUTIONS


def read_matconvnet(path):
    """The convolutions of a MatConvNet VGG-19: {name: (kernel [h, w, in, out], bias [out])}, float32.

    Reads the releases beta16 to beta25 and older files with `filters` and `biases`. Raises InputError
    with one sentence for a file that is damaged, no .mat file, or another network.
    """
    import scipy.io

    path = Path(path)
    try:
        with warnings.catch_warnings():
            # SciPy tells that sparse matrices, which no network has, will be read as another type.
            warnings.simplefilter("ignore", DeprecationWarning)
            content = scipy.io.loadmat(path, variable_names=["layers"])
    except NotImplementedError:
        raise InputError(f"{path} is a MATLAB 7.3 file: save it again in MATLAB with the option -v7.") from None
    except Exception as error:  # SciPy raises many kinds on damaged bytes; all mean the same here
        raise InputError(
            f"{path} is truncated or not a .mat file ({type(error).__name__}): fetch it again and compare its checksum."
        ) from None
    if "layers" not in content:
        raise InputError(f"{path} holds no variable `layers`: it is not a MatConvNet network.")
    try:
        weights = dict(_convolutions(content["layers"]))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} has a `layers` cell that cannot be understood ({error}): it is not VGG-19.") from None
    return check_network(weights, path)


def check_network(weights, path):
    """The weights in the order of the network, if they form a VGG-19; InputError naming what is wrong otherwise."""
    missing = [name for name in CONVOLUTIONS if name not in weights]
    if missing:
        raise InputError(
            f"{path} is not VGG-19: it lacks {', '.join(missing)} "
            "(imagenet-vgg-verydeep-19.mat has all 16 convolutions)."
        )
    channels = 3
    for name in CONVOLUTIONS:
        kernel, bias = weights[name]
        if kernel.ndim != 4 or kernel.shape[:3] != (3, 3, channels) or bias.shape != kernel.shape[3:]:
            raise InputError(
                f"{path} is not VGG-19: {name} has a kernel {kernel.shape} and a bias {bias.shape} "
                f"where (3, 3, {channels}, n) and (n,) are due."
            )
        if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
            raise InputError(f"{path} is damaged: {name} holds values that are not finite; fetch the file again.")
        channels = kernel.shape[3]
    return {name: weights[name] for name in CONVOLUTIONS}


def write_matconvnet(path, weights, means, description):
    """Write the weights {name: (kernel, bias)} in the layout of the current release, layers up to pool5 (1x37 cell).

    means: the three RGB means of the training pictures, written to meta.normalization.averageImage (1, 1, 3).
    """
    import scipy.io

    layers = []
    for block, count in BLOCKS.items():
        for i in range(1, count + 1):
            kernel, bias = weights[f"conv{block}_{i}"]
            layers.append(_conv_layer(f"conv{block}_{i}", kernel, bias))
            layers.append(_struct(name=f"relu{block}_{i}", type="relu", leak=0.0, weights=_cell(), precious=0.0))
        layers.append(
            _struct(
                name=f"pool{block}", type="pool", method="max", pool=_row(2, 2), stride=_row(2, 2),
                pad=_row(0, 0, 0, 0), weights=_cell(), precious=0.0, opts=_cell(),
            )
        )
    normalization = _struct(
        imageSize=_row(224, 224, 3, 10), averageImage=np.float32(means).reshape(1, 1, 3), keepAspect=1.0,
        border=_row(32, 32), cropSize=0.875, interpolation="bicubic",
    )
    meta = _struct(normalization=normalization, description=description)
    scipy.io.savemat(path, {"layers": _cell(*layers), "meta": meta}, do_compression=True)


def _convolutions(layers):
    """(name, (kernel, bias)) of every convolution with a name in VGG-19; the fully connected ones are left out."""
    for cell in layers.ravel():
        layer = cell.ravel()[0]
        if str(layer["type"].item()) != "conv" or str(layer["name"].item()) not in CONVOLUTIONS:
            continue
        if "weights" in layer.dtype.names:
            kernel, bias = layer["weights"].ravel()
        else:
            kernel, bias = layer["filters"], layer["biases"]
        yield str(layer["name"].item()), (np.asarray(kernel, np.float32), np.asarray(bias, np.float32).ravel())


def _conv_layer(name, kernel, bias):
    return _struct(
        name=name, type="conv", weights=_cell(kernel, bias.reshape(-1, 1)), size=_row(*kernel.shape),
        pad=_row(1, 1, 1, 1), stride=_row(1, 1), precious=0.0, dilate=1.0, opts=_cell(),
    )


def _struct(**fields):
    struct = np.empty((1, 1), dtype=[(name, object) for name in fields])
    for name, value in fields.items():
        struct[name][0, 0] = value
    return struct


def _cell(*items):
    cell = np.empty((1 if items else 0, len(items)), dtype=object)
    for i, item in enumerate(items):
        cell[0, i] = item
    return cell


def _row(*numbers):
    return np.array([numbers], dtype=np.float64)

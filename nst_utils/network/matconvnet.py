"""The MatConvNet file `imagenet-vgg-verydeep-19.mat`: reading any release of it, and writing one.

Everything is found by field name, because the order of the fields changed between releases. Kernels are
[height, width, in, out] in every release, for RGB input, and need no transpose.
"""

import zlib
from pathlib import Path
from typing import Any

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.types import AnyPath, Array, Weights
from nst_utils.network.layout import BLOCKS, CONVOLUTIONS
from nst_utils.network.matfile import NotStructs, Version73, read_structs


def read_matconvnet(path: AnyPath) -> Weights:
    """The convolutions of a MatConvNet VGG-19: {name: (kernel [h, w, in, out], bias [out])}, float32.

    Reads the releases beta16 to beta25 and older files with `filters` and `biases`. Raises InputError
    with one sentence for a file that is damaged, no .mat file, or another network.
    """
    path = Path(path)
    try:
        layers = read_structs(path, "layers", ("name", "type", "weights", "filters", "biases"))
    except Version73:
        raise InputError(f"{path} is a MATLAB 7.3 file: save it again in MATLAB with the option -v7.") from None
    except NotStructs as error:
        raise InputError(f"{path} has a `layers` cell that cannot be understood ({error}): it is not VGG-19.") from None
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise InputError(
            f"{path} is truncated or not a .mat file ({error}): fetch it again and compare its checksum."
        ) from None
    if layers is None:
        raise InputError(f"{path} holds no variable `layers`: it is not a MatConvNet network.")
    return check_network(_convolutions(layers, path), path)


def check_network(weights: Weights, path: AnyPath) -> Weights:
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


def write_matconvnet(path: AnyPath, weights: Weights, means: Array, description: str) -> None:
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


def _convolutions(layers: list[dict[str, Any]], path: AnyPath) -> Weights:
    """{name: (kernel, bias)} of every convolution with a name in VGG-19; the fully connected ones are left out."""
    found: Weights = {}
    for layer in layers:
        name = layer.get("name")
        if layer.get("type") != "conv" or name not in CONVOLUTIONS:
            continue
        parts = layer["weights"] if "weights" in layer else [layer.get("filters"), layer.get("biases")]
        if not isinstance(parts, list) or len(parts) != 2 or not all(isinstance(part, np.ndarray) for part in parts):
            raise InputError(f"{path} is not VGG-19: {name} has no kernel and bias that can be read.")
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is told
            kernel, bias = (np.asarray(part, np.float32) for part in parts)
        found[name] = kernel, bias.ravel()
    return found


def _conv_layer(name: str, kernel: Array, bias: Array) -> Array:
    return _struct(
        name=name, type="conv", weights=_cell(kernel, bias.reshape(-1, 1)), size=_row(*kernel.shape),
        pad=_row(1, 1, 1, 1), stride=_row(1, 1), precious=0.0, dilate=1.0, opts=_cell(),
    )


def _struct(**fields: Any) -> Array:
    struct = np.empty((1, 1), dtype=[(name, object) for name in fields])
    for name, value in fields.items():
        struct[name][0, 0] = value
    return struct


def _cell(*items: Any) -> Array:
    cell = np.empty((1 if items else 0, len(items)), dtype=object)
    for i, item in enumerate(items):
        cell[0, i] = item
    return cell


def _row(*numbers: float) -> Array:
    return np.array([numbers], dtype=np.float64)

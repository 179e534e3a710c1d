"""Where weights come from: the embedded file, the official one, Keras' files, a download; and a cache that loads at once."""

import os
from pathlib import Path

import numpy as np

from nst_utils.config import CONFIG, InputError, MissingFileError
from nst_utils.matconvnet import CONVOLUTIONS, check_network, read_matconvnet

EMBEDDED_NAME = "vgg19-embedded.mat"
OFFICIAL_NAME = Path(CONFIG.VGG_MODEL).name
# The project's folder in a checkout, and its copy inside an installed package.
MODEL_FOLDERS = tuple(Path(__file__).resolve().parents[up] / "pretrained-model" for up in (1, 0))

# name -> (address, checksum). The .mat server's certificate has been reported expired: the checksum decides.
DOWNLOADS = {
    "official": (
        "https://www.vlfeat.org/matconvnet/models/imagenet-vgg-verydeep-19.mat",
        "sha256:abdb57167f82a2a1fbab1e1c16ad9373411883f262a1a37ee5db2e6fb0044695",
    ),
    "keras": (
        "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
        "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "md5:253f8cb515780f3b799900260a226db6",
    ),
}
_CACHE_VERSION = 1


def find_weights(path=None):
    """The weights file to use: `path` if given, else the official file if it has been put in place, else the embedded one."""
    if path is not None:
        path = Path(path)
        if path.is_dir():
            raise InputError(f"{path} is a folder: give the path of a weights file.")
        if not path.exists():
            raise MissingFileError(
                f"The weights file {path} does not exist: check its path, or give none to use the embedded model."
            )
        return path
    for name in (OFFICIAL_NAME, EMBEDDED_NAME):
        for folder in MODEL_FOLDERS:
            if (folder / name).is_file():
                return folder / name
    raise MissingFileError(
        f"No weights found: {EMBEDDED_NAME} is missing from {MODEL_FOLDERS[0]}; restore it, or install nst_utils again."
    )


def load_weights(path=None):
    """{name: (kernel [3, 3, in, out], bias [out])} of the 16 convolutions, float32, for RGB input minus MEANS.

    path: a MatConvNet .mat file, a Keras VGG-16 or VGG-19 .h5 file, or an .npz with Keras' names; None: find_weights().
    The first use of a file leaves a cache beside it, which later uses read until the file changes.
    """
    path = find_weights(path)
    cache = path.with_name(path.name + ".nst-cache.h5")
    stamp = _stamp(path)
    weights = _read_cache(cache, stamp)
    if weights is None:
        weights = read_matconvnet(path) if path.suffix not in (".h5", ".npz") else read_keras(path)
        _write_cache(cache, stamp, weights)
    return weights


def read_keras(path):
    """The weights of a Keras VGG-16 or VGG-19 file (.h5, or .npz with names like block1_conv1_kernel), as load_weights.

    Keras' files are made for BGR input, so the input axis of conv1_1 is flipped. VGG-16 becomes an exact VGG-19:
    conv3_4, conv4_4 and conv5_4 get identity kernels, because the ReLU of a non-negative activation is itself.
    """
    try:
        arrays = _read_npz(path) if Path(path).suffix == ".npz" else _read_h5(path)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is truncated or not a Keras weights file ({error}): fetch it again.") from None
    weights = {}
    for name in CONVOLUTIONS:
        if name in arrays:
            kernel, bias = arrays[name]
            weights[name] = (np.ascontiguousarray(kernel[:, :, ::-1]) if name == "conv1_1" else kernel, bias)
        elif name in ("conv3_4", "conv4_4", "conv5_4") and weights:
            weights[name] = identity_convolution(weights[name[:-1] + "3"][1].size if name[:-1] + "3" in weights else 0)
    return check_network(weights, path)


def identity_convolution(channels):
    """Kernel (3, 3, channels, channels) and bias of the convolution that changes nothing."""
    kernel = np.zeros((3, 3, channels, channels), np.float32)
    kernel[1, 1] = np.eye(channels)
    return kernel, np.zeros(channels, np.float32)


def download(name, folder=None, address=None, checksum=None):
    """Fetch one of DOWNLOADS into the folder (default: the project's pretrained-model/) and return its path.

    Nothing stays behind unless the checksum is right. A file already there and right is not fetched again.
    """
    import pooch

    if name not in DOWNLOADS:
        raise InputError(f"There is no download called {name}: choose from {', '.join(DOWNLOADS)}.")
    address, checksum = address or DOWNLOADS[name][0], checksum or DOWNLOADS[name][1]
    folder = Path(folder or MODEL_FOLDERS[0])
    try:
        downloader = pooch.HTTPDownloader(progressbar=True, verify=not address.startswith("https://www.vlfeat.org/"))
        return Path(pooch.retrieve(address, checksum, fname=address.rsplit("/", 1)[1], path=folder, downloader=downloader))
    except (OSError, ValueError) as error:
        raise InputError(f"{address} could not be fetched ({error}): try again, or fetch it by hand into {folder}.") from None


def _read_npz(path):
    with np.load(path) as file:
        names = {key.rsplit("_", 1)[0] for key in file.files}
        return {_course_name(name): (file[f"{name}_kernel"], file[f"{name}_bias"]) for name in names}


def _read_h5(path):
    import h5py

    arrays = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and "block" in name:
            layer = _course_name(next(part for part in name.split("/") if part.startswith("block")))
            kernel, bias = arrays.get(layer, (None, None))
            arrays[layer] = (item[()], bias) if item.ndim == 4 else (kernel, item[()])

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    if not arrays:
        raise ValueError("it holds no layer called block1_conv1")
    return arrays


def _course_name(keras_name):
    return keras_name.replace("block", "conv").replace("_conv", "_")


def _stamp(path):
    status = path.stat()
    return {"version": _CACHE_VERSION, "bytes": status.st_size, "modified_ns": status.st_mtime_ns}


def _read_cache(cache, stamp):
    """The cached weights, or None if there are none with this stamp."""
    import h5py

    try:
        with h5py.File(cache, "r") as file:
            if dict(file.attrs) != stamp:
                return None
            return {name: (file[name]["kernel"][()], file[name]["bias"][()]) for name in CONVOLUTIONS}
    except (OSError, KeyError):
        return None


def _write_cache(cache, stamp, weights):
    """Write the cache beside the file; where that folder cannot be written, do without."""
    import h5py

    temporary = cache.with_name(f"{cache.name}.{os.getpid()}")
    try:
        with h5py.File(temporary, "w") as file:
            file.attrs.update(stamp)
            for name, (kernel, bias) in weights.items():
                file[f"{name}/kernel"], file[f"{name}/bias"] = kernel, bias
        os.replace(temporary, cache)
    except OSError:
        temporary.unlink(missing_ok=True)

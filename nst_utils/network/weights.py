"""Where weights come from: the embedded file, the official one, Keras' files, a download; and a quick cache."""

import contextlib
import functools
import hashlib
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import platformdirs

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.files import replacing
from nst_utils.base.types import AnyPath, Array, Weights
from nst_utils.network.downloads import fetch
from nst_utils.network.layout import CONVOLUTIONS
from nst_utils.network.matconvnet import check_network, read_matconvnet

# What tells one version of a file from another.
Stamp: TypeAlias = tuple[tuple[str, int], ...]
EMBEDDED_NAME = "vgg19-embedded.mat"
OFFICIAL_NAME = "imagenet-vgg-verydeep-19.mat"
# What the course's notebooks give to load_vgg_model.
COURSE_PATH = f"pretrained-model/{OFFICIAL_NAME}"
# The project's folder in a checkout; the user's own, for an installed copy; and what an installed copy carries.
_CHECKOUT, _INSTALLED = (Path(__file__).resolve().parents[up] / "pretrained-model" for up in (2, 1))
try:
    DATA_FOLDER = platformdirs.user_data_path("nst_utils", appauthor=False) / "pretrained-model"
except RuntimeError:  # an account without a home, as containers have
    DATA_FOLDER = _INSTALLED
MODEL_FOLDERS = (_CHECKOUT, DATA_FOLDER, _INSTALLED)

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
# Where the same files are as well, to be asked in turn.
MIRRORS = {
    DOWNLOADS["official"][0]: ("http://www.vlfeat.org/matconvnet/models/imagenet-vgg-verydeep-19.mat",),
    DOWNLOADS["keras"][0]: (
        "https://github.com/fchollet/deep-learning-models/releases/download/v0.1/"
        "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
}
# Their bytes.
SIZES = {DOWNLOADS["official"][0]: 534_904_783, DOWNLOADS["keras"][0]: 80_134_624, EMBEDDED_NAME: 27_709_377}
EMBEDDED_CHECKSUM = "sha256:9c6962cb93753a5ac6aef5dcc7e379f71314c4494698f86902c5af73cf8dd6a5"
_OXFORD = "CC BY 4.0, Karen Simonyan and Andrew Zisserman (VGG, Oxford)"


@dataclass(frozen=True)
class Source:
    """A weights file that can be had: its name, file name, bytes, checksum, licence, and what it is.

    addresses: where it is fetched from, in turn; none of the one that comes along. here: where it is, or None.
    """

    name: str
    file_name: str
    size: int | None
    checksum: str | None
    licence: str
    about: str
    addresses: tuple[str, ...]
    here: Path | None


def sources() -> list[Source]:
    """The sources of weights: what comes along, and what can be fetched."""
    found = []
    facts = {
        "embedded": (f"{_OXFORD}; as Keras has them", "VGG-16's convolutions in VGG-19's layout, bfloat16"),
        "official": (_OXFORD, "MatConvNet's VGG-19, the course's file"),
        "keras": (f"{_OXFORD}; ported by Keras", "Keras' VGG-19 without its top: --weights FILE"),
    }
    for name, (licence, about) in facts.items():
        address, checksum = DOWNLOADS.get(name, (EMBEDDED_NAME, EMBEDDED_CHECKSUM))
        file_name = address.rpartition("/")[2]
        here = next((folder / file_name for folder in MODEL_FOLDERS if os.path.isfile(folder / file_name)), None)
        addresses = (address, *MIRRORS.get(address, ())) if name in DOWNLOADS else ()
        found.append(Source(name, file_name, SIZES.get(address), checksum, licence, about, addresses, here))
    return found


_CACHE_VERSION, _MAGIC = 2, b"nst-vgg"
# How a cache begins: whose it is, the stamp of its file, and the channels of each convolution, in order.
_HEAD = np.dtype([
    ("magic", "S8"), ("version", "<i8"), ("bytes", "<i8"), ("modified_ns", "<i8"), ("widths", "<i4", len(CONVOLUTIONS)),
])  # fmt: skip
# The convolutions that VGG-19 has and VGG-16 lacks, and the one before each.
_ONLY_IN_VGG19 = {"conv3_4": "conv3_3", "conv4_4": "conv4_3", "conv5_4": "conv5_3"}


def find_weights(path: AnyPath | None = None) -> Path:
    """The weights file to use: `path` if given, else the one that the environment variable NST_WEIGHTS names, else the
    official file if it is in place, else the embedded one."""
    path = path or os.environ.get("NST_WEIGHTS")
    if path:
        return _check_readable(Path(path))
    for name in (OFFICIAL_NAME, EMBEDDED_NAME):
        for folder in MODEL_FOLDERS:
            if os.path.isfile(folder / name):  # no, where Path.is_file() would raise: in a closed folder
                return folder / name
    raise MissingFileError(
        f"No weights found: {EMBEDDED_NAME} is missing from {MODEL_FOLDERS[0]}; "
        "restore it, or install nst_utils again."
    )


def load_weights(path: AnyPath | None = None) -> Weights:
    """{name: (kernel [3, 3, in, out], bias [out])} of the 16 convolutions, float32, for RGB minus MEANS.

    path: a MatConvNet .mat file, Keras' VGG-16 or VGG-19 .h5 file, or an .npz with its names; None: find_weights().
    The first use of a file leaves a cache beside it (of an installed copy's own file, in the user's folder), which
    later uses read until the file changes.
    """
    path = find_weights(path)
    cache = _cache_of(path)
    stamp = file_stamp(path)
    weights = _read_cache(cache, stamp)
    if weights is None:
        weights = read_matconvnet(path) if path.suffix not in (".h5", ".npz") else read_keras(path)
        _write_cache(cache, stamp, weights)
    return weights


def weights_digest(path: AnyPath | None = None) -> str:
    """What tells the network's numbers from any others, whatever file they are read from."""
    path = find_weights(path)
    return _digest_of(str(path), tuple(file_stamp(path).items()))


@functools.lru_cache(maxsize=4)
def _digest_of(path: str, stamp: Stamp) -> str:
    found = hashlib.sha256()
    weights = load_weights(path)
    for name in CONVOLUTIONS:
        for part in weights[name]:
            found.update(np.ascontiguousarray(part, np.float32).data)
    return found.hexdigest()


def read_keras(path: AnyPath) -> Weights:
    """The weights of Keras' VGG-16 or VGG-19 (.h5, or .npz with names like block1_conv1_kernel), as load_weights.

    Keras' files are made for BGR input, so the input axis of conv1_1 is flipped. VGG-16 becomes an exact VGG-19:
    conv3_4, conv4_4 and conv5_4 get identity kernels: the ReLU of a non-negative activation is itself.
    """
    try:
        arrays = _read_npz(path) if Path(path).suffix == ".npz" else _read_h5(path)
        weights = _convolutions(arrays)
    except Exception as error:  # h5py, NumPy and zipfile raise many kinds on damaged bytes; all mean the same here
        raise InputError(f"{path} is truncated or not a Keras weights file ({error}): fetch it again.") from None
    if "conv1_1" in weights:
        kernel, bias = weights["conv1_1"]
        weights["conv1_1"] = np.ascontiguousarray(kernel[:, :, ::-1]), bias
    if not weights.keys() & _ONLY_IN_VGG19.keys():
        for name, before in _ONLY_IN_VGG19.items():
            if before in weights:
                weights[name] = identity_convolution(weights[before][1].size)
    return check_network(weights, path)


def identity_convolution(channels: int) -> tuple[Array, Array]:
    """Kernel (3, 3, channels, channels) and bias of the convolution that changes nothing."""
    kernel = np.zeros((3, 3, channels, channels), np.float32)
    kernel[1, 1] = np.eye(channels)
    return kernel, np.zeros(channels, np.float32)


def download(
    name: str, folder: AnyPath | None = None, address: str | None = None, checksum: str | None = None,
    mirrors: Iterable[str] = (), tell: Callable[[str], object] = lambda words: None,
) -> Path:
    """Fetch one of DOWNLOADS into the folder and return its path.

    folder: by default the project's pretrained-model/, for an installed copy the user's own DATA_FOLDER. address,
    checksum: other ones than the published. mirrors: addresses of folders, such as a school's own, that have the file
    under its name; asked first, as are those that the environment variable NST_MIRRORS names, with spaces between.
    tell: called with a sentence where there is something to wait for.

    What has come stays in a file beside, hidden, from which a later call goes on; the file takes its name only when its
    checksum is right. A file already there and right is not fetched again. Several processes may call at once.
    """
    if name not in DOWNLOADS:
        raise InputError(f"There is no download called {name}: choose from {', '.join(DOWNLOADS)}.")
    published, published_checksum = DOWNLOADS[name]
    address, checksum = address or published, checksum or published_checksum
    file_name = address.rsplit("/", 1)[1]
    own = [f"{each.rstrip('/')}/{file_name}" for each in (*mirrors, *os.environ.get("NST_MIRRORS", "").split())]
    target = Path(folder or download_folder()) / file_name
    return fetch([*own, address, *MIRRORS.get(address, ())], target, checksum, SIZES.get(address), tell)


def download_folder() -> Path:
    """Where downloads go: into the checkout, if this is one, else into the user's data folder."""
    return _CHECKOUT if _CHECKOUT.is_dir() else DATA_FOLDER


def _check_readable(path: Path) -> Path:
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder: give the path of a weights file.")
    if not os.path.exists(path):
        raise MissingFileError(
            f"The weights file {path} does not exist: check its path, or give none to use the embedded model."
        )
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"{path} may not be read ({error.strerror}): change its permissions.") from None
    return path


def _read_npz(path: AnyPath) -> dict[str, Array]:
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def _read_h5(path: AnyPath) -> dict[str, Array]:
    import h5py

    arrays = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return arrays


def _convolutions(arrays: dict[str, Array]) -> Weights:
    """{name: (kernel, bias)} of the arrays named after a Keras layer like block1_conv1, where both are there."""
    found: dict[str, dict[int, Array]] = {}
    for keras_name, array in arrays.items():
        if layer := re.search(r"block(\d)_conv(\d)", keras_name):
            found.setdefault("conv{}_{}".format(*layer.groups()), {})[array.ndim] = np.asarray(array, np.float32)
    return {name: (parts[4], parts[1]) for name, parts in found.items() if parts.keys() >= {4, 1}}


def file_stamp(path: AnyPath) -> dict[str, int]:
    """What tells one version of a weights file from another."""
    status = Path(path).stat()
    return {"version": _CACHE_VERSION, "bytes": status.st_size, "modified_ns": status.st_mtime_ns}


def _cache_of(path: Path) -> Path:
    """The cache of a weights file: beside it, but nothing is written into an installed package."""
    folder = DATA_FOLDER if path.parent == _INSTALLED else path.parent
    return folder / f"{path.name}.nst-cache"


def _record(widths: Iterable[int]) -> np.dtype[Any]:
    """What follows the head of a cache: the kernels and biases of layers of so many channels."""
    fields: list[tuple[Any, ...]] = []
    channels = 3
    for name, width in zip(CONVOLUTIONS, widths, strict=True):
        fields += [(f"{name} kernel", "<f4", (3, 3, channels, width)), (f"{name} bias", "<f4", (width,))]
        channels = width
    return np.dtype(fields)


def _read_cache(cache: Path, stamp: dict[str, int]) -> Weights | None:
    """The cached weights, or None if there are none with this stamp.

    They are mapped from the file: what no one looks at is never read. Whatever the file may be, its length is that of
    the layers that it says it has before anything of it is used.
    """
    try:
        (head,) = np.fromfile(cache, _HEAD, count=1)
        told = {name: int(head[name]) for name in stamp}
        if head["magic"] != _MAGIC or told != stamp or head["widths"].min() < 1:
            return None
        layers = _record(head["widths"].tolist())
        if cache.stat().st_size != _HEAD.itemsize + layers.itemsize:
            return None
        found = np.memmap(cache, layers, mode="r", offset=_HEAD.itemsize, shape=(1,))
        return {name: (found[f"{name} kernel"][0], found[f"{name} bias"][0]) for name in CONVOLUTIONS}
    except (OSError, ValueError, OverflowError):  # no file that can be read, or layers that nobody has room for
        return None


def _write_cache(cache: Path, stamp: dict[str, int], weights: Weights) -> None:
    """Write the cache beside the file; where that folder cannot be written, do without."""
    head = np.zeros(1, _HEAD)
    head["magic"], head["widths"] = _MAGIC, [weights[name][1].size for name in CONVOLUTIONS]
    for name, value in stamp.items():
        head[name] = value
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(InputError), replacing(cache) as temporary, temporary.open("wb") as file:
        file.write(head.tobytes())
        for name in CONVOLUTIONS:
            for part in weights[name]:
                file.write(np.ascontiguousarray(part, "<f4").data)

"""Files that an old notebook names and that are not here: pictures, weights, folders to write to, Windows paths."""

from __future__ import annotations

import contextlib
import functools
import operator
import os
import re
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import imageio
import imageio.v2
import imageio.v3
import matplotlib.image
import matplotlib.pyplot as plt
import scipy.io
from matplotlib.figure import Figure
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import tf
from nst_utils.base.types import AnyPath, Tensor, WidthHeight
from nst_utils.course import drawing, graph
from nst_utils.course.config import CONFIG
from nst_utils.network.weights import EMBEDDED_NAME, OFFICIAL_NAME, find_weights
from nst_utils.pictures.gallery import GALLERIES
from nst_utils.tf1.patches import Patches

_PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
# Words that say of a file's name that it is a painting; whatever has none is a photograph.
_PAINTING = re.compile(
    r"monet|style|gogh|starry|picasso|paint|art|stone|drop|abstract|scream|munch|kandinsky|wave|hokusai|sketch|mosaic"
    r"|cubis|impression|klimt|dali|matisse|watercolou?r|oil|canvas|udnie|muse|pattern|texture|kashi|rain|feather",
    re.IGNORECASE,
)
_SIZE = re.compile(r"(?<!\d)([1-9]\d{1,3})x([1-9]\d{1,3})(?!\d)|(?<!\d)([1-9]\d[05])([1-9]\d[05])(?!\d)", re.IGNORECASE)


class Files:
    """Finds what a notebook asks for, or a substitute, and says so once for each file.

    substitute: whether examples stand in for missing pictures. names: the notebook's variables, where CONFIG or
    IMAGE_WIDTH and IMAGE_HEIGHT are looked up when a picture has to be made.
    """

    def __init__(self, names: dict[str, Any] | None = None, say: Callable[[str], object] = print) -> None:
        self.substitute = True
        self._names, self._say = names if names is not None else {}, say
        self._said: set[str] = set()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Remove the pictures that stood in for missing ones."""
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def picture(self, path: Any) -> Any:
        """The path, or that of an example of ours where it names a picture that is not there."""
        path = local(path)
        if not self.substitute or not is_missing_picture(path):
            return path
        name, size = choose_example(path), self._size(path)
        self.say(
            f"{path} is not here: {name} of ours, {size[0]}x{size[1]}, takes its place "
            "(`%missing_pictures error` wants an error instead)."
        )
        if not self._folder:
            self._folder = tempfile.TemporaryDirectory(prefix="nst-examples-", ignore_cleanup_errors=True)
        standin = Path(self._folder.name) / f"{size[0]}x{size[1]}-{Path(path).name}"
        Image.fromarray(drawing.example(name, size)).save(standin)
        return str(standin)

    def weights(self, path: Any) -> Any:
        """The path, or that of our network where the file is not there or is empty."""
        path = local(path)
        if isinstance(path, str | os.PathLike) and not has_content(path):
            self.say(f"{path} is not here: {our_network()} takes its place, so costs and pictures differ a little.")
            return str(find_weights())
        return path

    def target(self, path: Any) -> Any:
        """The path to write to, its folder made if it is not there."""
        path = local(path)
        if isinstance(path, str | os.PathLike) and not os.path.isabs(path):
            folder = os.path.dirname(path)
            if folder and not os.path.isdir(folder):
                os.makedirs(folder, exist_ok=True)
                self.say(f"The folder {folder} was not here and has been made.")
        return path

    def say(self, line: str) -> None:
        """One line of notice, once."""
        if line not in self._said:
            self._said.add(line)
            self._say(f"nst_utils.tf1: {line}")

    def patch(self, patches: Patches) -> None:
        """Let the functions that read and write pictures and weights go through this object."""
        for owner, name in (
            (Image, "open"), (plt, "imread"), (matplotlib.image, "imread"), (imageio, "imread"), (imageio.v2, "imread"),
            (imageio.v3, "imread"),
        ):  # fmt: skip
            patches.set(owner, name, _with_path(getattr(owner, name), self.picture))
        for owner, name in (
            (plt, "imsave"), (matplotlib.image, "imsave"), (imageio, "imwrite"), (imageio, "imsave"),
            (imageio, "mimsave"), (imageio.v2, "imwrite"), (imageio.v2, "imsave"), (imageio.v3, "imwrite"),
        ):  # fmt: skip
            patches.set(owner, name, _with_path(getattr(owner, name), self.target))
        patches.set(Image.Image, "save", _with_path(Image.Image.save, self.target, 1))
        patches.set(Figure, "savefig", _with_path(Figure.savefig, self.target, 1))
        patches.set(scipy.io, "loadmat", _with_path(scipy.io.loadmat, self.matrices))
        for owner in (tf.io, tf.compat.v1, tf.compat.v1.io):
            patches.set(owner, "read_file", _with_path(owner.read_file, self._if_text))

    def load_vgg_model(self, path: Any = None, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """load_vgg_model of nst_utils, for any path."""
        return graph.load_vgg_model(path and self.weights(path), *args, **kwargs)

    def matrices(self, path: Any) -> Any:
        """As weights(), but only for a path whose name is that of a VGG."""
        looks_like_weights = isinstance(path, str | os.PathLike) and re.search(r"vgg|imagenet", str(path), re.I)
        return self.weights(path) if looks_like_weights else local(path)

    def _if_text(self, path: Any) -> Any:
        return self.picture(path) if isinstance(path, str | os.PathLike) else path

    def _size(self, path: Any) -> WidthHeight:
        """(width, height) that the name of the file or the notebook's settings ask for."""
        if named := size_in_name(path):
            return named
        modules = [module for module in self._names.values() if getattr(module, "__name__", "") == "nst_utils"]
        settings = [self._names.get("CONFIG"), *(getattr(module, "CONFIG", None) for module in modules)]
        variables = SimpleNamespace(**{name: value for name, value in self._names.items() if name.isidentifier()})
        for owner, sides in (
            *((owner, ("IMAGE_WIDTH", "IMAGE_HEIGHT")) for owner in (*settings, variables)),
            (variables, ("image_width", "image_height")),
            (CONFIG, ("IMAGE_WIDTH", "IMAGE_HEIGHT")),
        ):
            with contextlib.suppress(AttributeError, TypeError, InputError):
                width, height = (operator.index(getattr(owner, side)) for side in sides)
                return width, height
        raise InputError("CONFIG has no IMAGE_WIDTH and IMAGE_HEIGHT that are numbers: set them.")


def local(path: Any) -> Any:
    """A path written on Windows as one of this system; anything else as it is."""
    if os.sep == "/" and isinstance(path, str) and "\\" in path and not os.path.exists(path):
        return path.replace("\\", "/")
    return path


def is_missing_picture(path: Any) -> bool:
    """Whether this is a path, of a picture by its name, and nothing is there."""
    if not isinstance(path, str | os.PathLike) or "://" in str(path):
        return False
    return Path(path).suffix.lower() in _PICTURES and not os.path.exists(path)


def has_content(path: AnyPath) -> bool:
    """Whether there is a file with something in it; a download that failed leaves an empty one, Git LFS a note."""
    return os.path.isfile(path) and os.path.getsize(path) > 1000


def our_network() -> str:
    """Which network stands in, in words."""
    path = find_weights()
    known = {OFFICIAL_NAME: "the official VGG-19", EMBEDDED_NAME: "the embedded network of nst_utils"}
    return known.get(path.name, str(path))


def size_in_name(path: AnyPath) -> WidthHeight | None:
    """(width, height) if the name of the file states them, as monet_800600.jpg and tower-640x480.png do."""
    if found := _SIZE.search(Path(path).stem):
        width, height = (int(side) for side in found.groups() if side)
        if all(16 <= side <= 2048 for side in (width, height)):
            return width, height
    return None


def choose_example(path: AnyPath) -> str:
    """The example that stands in for a picture: a painting if its name sounds like one; the same for the same name."""
    stem = Path(str(path).replace("\\", "/")).stem.lower()
    folder = next((gallery for gallery in GALLERIES if gallery.is_dir()), None)
    if folder is None:
        raise InputError(f"There are no example pictures: look for them in {GALLERIES[0]}.")
    kind = "style" if _PAINTING.search(stem) else "content"
    choices = sorted(file.name for file in (folder / kind).iterdir())
    # louvre.jpg and louvre_small.jpg are the same picture, and so are those of Monet.
    word = re.split(r"[^a-z]+", stem)[0] or stem
    return f"{kind}/{choices[zlib.crc32(word.encode()) % len(choices)]}"


def _with_path(function: Callable[..., Any], change: Callable[[Any], Any], position: int = 0) -> Callable[..., Any]:
    """The function with its argument at a position, a path or something else, passed through `change`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if len(args) > position:
            args = (*args[:position], change(args[position]), *args[position + 1 :])
        else:
            for name in ("fp", "fname", "uri", "filename", "file_name"):
                if name in kwargs:
                    kwargs[name] = change(kwargs[name])
        return function(*args, **kwargs)

    return wrapper

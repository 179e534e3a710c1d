"""Pictures that come from a browser: bounded, known by their content, and never a path."""

import io
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.pictures.reading import read_image

MOST_BYTES, MOST_PIXELS = 40_000_000, 100_000_000
# What cameras and browsers make; Pillow knows formats besides that start other programs.
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_LONGEST_NAME = 60


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture, uint8 (H, W, 3), and what to call it: a name to show, which never leads to a file."""

    name: str
    pixels: np.ndarray = field(repr=False)


def plain_name(name):
    """The last part of a name, without control characters and not long: to show, and for a download."""
    last = str(name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return (kept if len(kept) <= _LONGEST_NAME else kept[: _LONGEST_NAME - 1] + "…") or "picture"


def read_upload(name, data):
    """The Picture in these bytes; InputError, with the name alone, for anything else or too much of it."""
    name = plain_name(name)
    check_bytes(name, len(data))
    Image.init()
    known = [each for each in FORMATS if each in Image.OPEN]  # a Pillow may have been built without some
    try:
        with Image.open(io.BytesIO(data), formats=known) as image:
            width, height = image.size
    except Exception:  # Pillow's plugins raise almost anything on a damaged file
        raise InputError(f"{name} is not a picture that can be read: give a PNG, JPEG or WebP file.") from None
    if width * height > MOST_PIXELS:
        raise InputError(
            f"{name} has {width}x{height} pixels: at most {MOST_PIXELS // 1_000_000} million are taken, "
            "make it smaller first."
        )
    with tempfile.TemporaryDirectory(prefix="studio-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(data)
        try:
            return Picture(name, read_image(path))
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from None


def check_bytes(name, size):
    """InputError for a file that is empty or larger than a studio takes."""
    if size > MOST_BYTES:
        raise InputError(
            f"{plain_name(name)} has {size / 1e6:.0f} MB: at most {MOST_BYTES // 1_000_000} are taken, "
            "make it smaller first."
        )
    if size <= 0:
        raise InputError(f"{plain_name(name)} is empty: give a picture.")


class Parts:
    """A file that comes in parts, which together are no more than was announced."""

    def __init__(self, name, size):
        check_bytes(name, size)
        self.name, self.size, self._data = name, size, bytearray()

    def add(self, part):
        """One part more; the whole file once it is there, else None."""
        if len(self._data) + len(part) > self.size:
            raise InputError(f"{plain_name(self.name)} is longer than was announced: choose it again.")
        self._data += part
        return bytes(self._data) if len(self._data) == self.size else None

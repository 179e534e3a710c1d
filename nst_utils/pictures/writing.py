"""Writing pictures, whole or not at all, in the format of the file's extension."""

from pathlib import Path
from typing import Any

from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.base.files import check_folder, replacing
from nst_utils.base.types import AnyPath, Picture, WidthHeight

# The most pixels that a side may have in some formats.
LONGEST_SIDE = {"WEBP": 16383, "JPEG": 65500, "GIF": 65535}


def write_image(path: AnyPath, picture: Picture) -> None:
    """Write a uint8 picture (H, W, 3) in the format of the extension; a file there is replaced whole or not at all."""
    path = check_writable(path, (picture.shape[1], picture.shape[0]))
    with replacing(path) as temporary:
        quality: dict[str, Any] = {"quality": 95} if path.suffix.lower() in (".jpg", ".jpeg", ".webp") else {}
        Image.fromarray(picture).save(temporary, **quality)


def check_writable(path: AnyPath, size: WidthHeight = (1, 1)) -> Path:
    """The path, if a picture (width, height) can be written there; InputError otherwise. Leaves no trace."""
    path = check_folder(path)
    name = Image.registered_extensions().get(path.suffix.lower())
    if name not in Image.SAVE:
        raise InputError(f"{path} has no picture format that can be written: end it in .png, .jpg or .webp.")
    if max(size) > (longest := LONGEST_SIDE.get(name, max(size))):
        raise InputError(f"{path} cannot hold {size[0]}x{size[1]} pixels, {longest} a side at most: end it in .png.")
    return path

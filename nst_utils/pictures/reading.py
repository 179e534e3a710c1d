"""Reading any picture, from a file or an array, as uint8 (H, W, 3), RGB, 0-255, upright."""

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.types import AnyPath, AnyPicture, Picture, WidthHeight

# What a file may unpack to, 0.6 GB: the largest cameras stay below it, and a small file of blank paper does not.
MOST_PIXELS = 200_000_000
# Pillow asks it of pictures inside of others, too: it warns of more than its threshold, and refuses twice as much.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# Pillow has these drawn by other programs, which do whatever the file says.
_DRAWN_ELSEWHERE = ("EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG")
# What can be smaller unpacked than it is.
_REDUCED_BY_READING = ("JPEG", "MPO")
_SRGB = ImageCms.createProfile("sRGB")


def read_size(path: AnyPath) -> WidthHeight:
    """(width, height) of the picture in a file, upright, read off its header; errors as read_image has them."""
    with _opened(path) as image:
        if image.format not in _REDUCED_BY_READING:
            _refuse_too_large(image.size, path)  # asked for its EXIF data, a PNG is unpacked
        turned = image.getexif().get(0x0112, 1) >= 5
        if isinstance(image, TiffImagePlugin.TiffImageFile):  # some versions of Pillow have turned its size already
            turned = turned and image.size == (image.tag_v2.get(256), image.tag_v2.get(257))
        return image.size[::-1] if turned else image.size


def read_image(path: AnyPath, max_pixels: int = 100_000_000) -> Picture:
    """The picture in a file, as uint8 (H, W, 3) RGB, upright.

    Grey, palette, 16-bit and CMYK pictures are converted; transparency is laid on white; of an animation the
    first frame is taken; EXIF rotation and colour profiles are applied; a picture of more than max_pixels is reduced
    while reading. Raises InputError with one sentence for a file that is missing, no picture, or would unpack to more
    than MOST_PIXELS.
    """
    with _opened(path) as image:
        whole = image.size
        if image.width * image.height > max_pixels:
            # JPEG files can be decoded at a half, quarter or eighth of their size: not smaller than what is asked
            # for, or, where that would be too large to unpack, not larger.
            too_large = image.width * image.height > MOST_PIXELS
            image.draft("RGB", _fit(image.size, max_pixels / 4 if too_large else max_pixels))
        # A progressive JPEG is unpacked whole, whatever it is reduced to afterwards.
        _refuse_too_large(whole if image.info.get("progressive") else image.size, path)
        image.load()
        return np.array(_upright_rgb(image, max_pixels))


@contextlib.contextmanager
def _opened(path: AnyPath) -> Iterator[Image.Image]:
    """The file as Pillow's image, not yet decoded; whatever goes wrong with it becomes one sentence."""
    path = Path(path)
    # os.path answers no where Path.exists() and is_dir() would raise: in a closed folder, for a name too long.
    if not os.path.exists(path):
        raise MissingFileError(f"{path} does not exist: check the spelling of the image's path.")
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder: give the path of one image file.")
    try:
        # Not by its name: Pillow would map it, and has TIFF files that are to be turned wrong then.
        with path.open("rb") as file, _not_unpacked(file, path) as image:
            if image.format in _DRAWN_ELSEWHERE:
                raise InputError(f"{path} is a drawing ({image.format}): save it as a PNG or JPEG file.")
            yield image
    except InputError:
        raise
    except PermissionError:
        raise InputError(f"{path} may not be read: change its permissions.") from None
    except Exception as error:  # Pillow's plugins raise almost anything on a damaged file
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise InputError(
            f"{path} is not a picture that can be read ({reason}): give an intact PNG, JPEG or WebP file."
        ) from None


def _not_unpacked(file: BinaryIO, path: Path) -> Image.Image:
    """The file as Pillow's image; one of more than MOST_PIXELS as well, where that is told by its size."""
    try:
        return Image.open(file)
    except Image.DecompressionBombError:
        for kind in (JpegImagePlugin.JpegImageFile, PngImagePlugin.PngImageFile):
            file.seek(0)
            with contextlib.suppress(SyntaxError):  # it is of another kind
                return kind(file)
        raise InputError(
            f"{path} has more than {MOST_PIXELS // 1_000_000} million pixels, which are not unpacked: make it smaller "
            "first."
        ) from None


def as_picture(image: AnyPicture, name: str) -> Picture:
    """An image given as a path or as an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), as uint8 (H, W, 3)."""
    if isinstance(image, (str, os.PathLike)):
        return read_image(image)
    array = np.asarray(image)
    shape = array.shape
    if array.ndim == 3 and shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[-1] not in (3, 4)) or 0 in shape:
        raise InputError(f"The {name} image has the shape {shape}: give (height, width, 3) with values from 0 to 255.")
    if array.dtype.kind not in "uif" or not np.isfinite(array).all():
        raise InputError(f"The {name} image holds values that are not finite numbers: give values from 0 to 255.")
    if array.dtype.kind == "f" and 0 < array.max() <= 1:
        raise InputError(f"The {name} image holds values from 0 to 1: multiply it by 255, as values go from 0 to 255.")
    if array.dtype != np.uint8:
        array = np.clip(np.rint(array), 0, 255).astype(np.uint8)
    return np.array(_upright_rgb(Image.fromarray(array)))


def _refuse_too_large(size: WidthHeight, path: AnyPath) -> None:
    """Raise InputError if unpacking the picture takes more than it should, as its header tells."""
    if size[0] * size[1] > MOST_PIXELS:
        raise InputError(
            f"{path} has {size[0]}x{size[1]} pixels, and more than {MOST_PIXELS // 1_000_000} million are not "
            "unpacked: make it smaller first."
        )


def _upright_rgb(image: Image.Image, max_pixels: int | None = None) -> Image.Image:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bit(image)
    image = _in_srgb(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("RGB")
    # Last, because Pillow cannot reduce palette, 1-bit and 16-bit pictures.
    if max_pixels and image.width * image.height > max_pixels:
        image = image.reduce(int(np.ceil((image.width * image.height / max_pixels) ** 0.5)))
    return image


def _in_srgb(image: Image.Image) -> Image.Image:
    """The picture with the colours that its profile means, in sRGB; as it is where there is no profile or a bad one."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(profile):
            return image
        if image.mode in ("P", "PA", "1"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        # Of a grey picture with transparency only the grey has a profile; it is close enough as it is.
        mode = {"RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB", "L": "RGB"}.get(image.mode)
        return (ImageCms.profileToProfile(image, profile, _SRGB, outputMode=mode) if mode else None) or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Sixteen-bit grey (0-65535) or float grey as 8-bit; Pillow's own conversion would clip it."""
    grey = np.asarray(image)
    top = 65535.0
    if image.mode == "F":
        top = max(255.0, float(np.max(grey, initial=0.0, where=np.isfinite(grey))))
    found = np.empty(grey.shape, np.uint8)
    # In strips, for its numbers take eight times the room of its bytes.
    rows = max(1, 1_000_000 // max(1, image.width))
    for at in range(0, image.height, rows):
        strip = np.nan_to_num(grey[at : at + rows].astype(np.float64), posinf=top)
        found[at : at + rows] = np.clip(np.rint(strip * (255.0 / top)), 0, 255)
    return Image.fromarray(found)


def _fit(size: WidthHeight, max_pixels: float) -> WidthHeight:
    scale = (max_pixels / (size[0] * size[1])) ** 0.5
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))

"""Pictures: reading any file as RGB, sizes, the network's value range, and writing without losing anything.

A picture is a uint8 array (H, W, 3), RGB, 0-255. What the network sees is float32 (1, H, W, 3), RGB minus MEANS.
"""

import contextlib
import operator
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from nst_utils.config import CONFIG, InputError, MissingFileError

# Four poolings halve the picture before conv5_1: below this a style layer would see a single position or two.
MIN_SIDE = 32
# The most pixels that a side may have in some formats.
LONGEST_SIDE = {"WEBP": 16383, "JPEG": 65500, "GIF": 65535}
# An image file may hold more pixels than Pillow's alarm threshold; we only ever keep what is asked for.
Image.MAX_IMAGE_PIXELS = None


def read_image(path, max_pixels=100_000_000):
    """The picture in a file, as uint8 (H, W, 3) RGB, upright.

    Grey, palette, 16-bit and CMYK pictures are converted; transparency is laid on white; of an animation the
    first frame is taken; EXIF rotation is applied; a picture of more than max_pixels is reduced while reading.
    Raises InputError with one sentence for a file that is missing or no picture.
    """
    path = Path(path)
    # os.path answers no where Path.exists() and is_dir() would raise: in a closed folder, for a name too long.
    if not os.path.exists(path):
        raise MissingFileError(f"{path} does not exist: check the spelling of the image's path.")
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder: give the path of one image file.")
    try:
        with Image.open(path) as image:
            if image.width * image.height > max_pixels:
                # JPEG files can be decoded at a half, quarter or eighth of their size.
                image.draft("RGB", _fit(image.size, max_pixels))
            image.load()
            return np.array(_upright_rgb(image, max_pixels))
    except InputError:
        raise
    except PermissionError:
        raise InputError(f"{path} may not be read: change its permissions.") from None
    except Exception as error:  # Pillow's plugins raise almost anything on a damaged file
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise InputError(
            f"{path} is not a picture that can be read ({reason}): give an intact PNG, JPEG or WebP file."
        ) from None


def output_size(picture, size=None, max_side=None):
    """The (width, height) to paint at: `size` as given, or the picture's own, its longer side at most max_side."""
    height, width = picture.shape[:2]
    if size is not None:
        try:
            width, height = (operator.index(side) for side in size)
        except (TypeError, ValueError):
            raise InputError(f"The size {size} cannot be understood: give (width, height) in pixels.") from None
    elif max_side is not None:
        if max_side < 1:
            raise InputError(f"A longest side of {max_side} is no size: give at least {MIN_SIDE} pixels.")
        scale = min(1.0, max_side / max(width, height))
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"{width}x{height} is too small for the network: each side needs at least {MIN_SIDE} pixels "
            "(set the size yourself with --size WxH or size=(width, height))."
        )
    return int(width), int(height)


def resize(picture, size):
    """The picture (H, W, 3) uint8 at (width, height), by Lanczos filtering; the same array if it fits already."""
    if (picture.shape[1], picture.shape[0]) == tuple(size):
        return picture
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def enlarge(change, size):
    """A float32 picture or change of one (H, W, 3), of any values, at (width, height), by bicubic filtering."""
    return _resample(change, size, Image.Resampling.BICUBIC)


def recolor_detail(picture, like):
    """The picture with its finest octave, what is lost at half the size, recoloured as that of `like`, float32."""
    coarse, coarse_like = (enlarge(_halve(image), image.shape[1::-1]) for image in (picture, like))
    return coarse + recolor(picture - coarse, like - coarse_like)


def scale_to_area(picture, pixels):
    """The picture with its own aspect ratio and about `pixels` pixels, no side below MIN_SIDE."""
    height, width = picture.shape[:2]
    scale = (pixels / (width * height)) ** 0.5
    return resize(picture, tuple(max(MIN_SIDE, round(side * scale)) for side in (width, height)))


def as_picture(image, name):
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


def reshape_and_normalize_image(image):
    """(H, W, 3) RGB 0-255 as the network's input (1, H, W, 3) minus CONFIG.MEANS; the argument stays as it is."""
    return np.reshape(image, (1,) + np.shape(image)) - CONFIG.MEANS


def generate_noise_image(content_image, noise_ratio=CONFIG.NOISE_RATIO, random=np.random):
    """noise * noise_ratio + content_image * (1 - noise_ratio), the noise uniform in [-20, 20).

    content_image: (1, H, W, 3), normalised. random: where the noise comes from, NumPy's global generator as in the
    course or a np.random.RandomState. The noise is float32 of shape (1, H, W, 3).
    """
    noise_image = random.uniform(-20, 20, np.shape(content_image)).astype("float32")
    return noise_image * noise_ratio + content_image * (1 - noise_ratio)


def recolor(picture, like):
    """The picture (H, W, 3) float32 with the mean and covariance of the colours of `like`, not clipped.

    The linear map C_like^(1/2) C^(-1/2) of Gatys et al., "Preserving Color in Neural Artistic Style Transfer",
    2016, section 4.1, here applied to the content to start near the style.
    """
    pixels, target = picture.reshape(-1, 3).astype(np.float64), like.reshape(-1, 3).astype(np.float64)
    change = _matrix_power(np.cov(target.T), 0.5) @ _matrix_power(np.cov(pixels.T), -0.5)
    return ((pixels - pixels.mean(axis=0)) @ change.T + target.mean(axis=0)).reshape(picture.shape).astype(np.float32)


def to_picture(image):
    """The network's image (1, H, W, 3) as a picture: plus MEANS, clipped to 0-255, truncated to 8 bits."""
    return np.clip((image + CONFIG.MEANS)[0], 0, 255).astype("uint8")


def save_image(path, image):
    """Write the network's image (1, H, W, 3) to a file, as to_picture shows it."""
    write_image(path, to_picture(image))


def write_image(path, picture):
    """Write a uint8 picture (H, W, 3) in the format of the extension; a file there is replaced whole or not at all."""
    path = check_writable(path, (picture.shape[1], picture.shape[0]))
    with replacing(path) as temporary:
        quality = {"quality": 95} if path.suffix.lower() in (".jpg", ".jpeg", ".webp") else {}
        Image.fromarray(picture).save(temporary, **quality)


def write_text(path, text):
    """Write a text file, replaced whole or not at all."""
    with replacing(check_folder(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_writable(path, size=(1, 1)):
    """The path, if a picture (width, height) can be written there; InputError otherwise. Leaves no trace."""
    path = check_folder(path)
    name = Image.registered_extensions().get(path.suffix.lower())
    if name not in Image.SAVE:
        raise InputError(f"{path} has no picture format that can be written: end it in .png, .jpg or .webp.")
    if max(size) > (longest := LONGEST_SIDE.get(name, max(size))):
        raise InputError(f"{path} cannot hold {size[0]}x{size[1]} pixels, {longest} a side at most: end it in .png.")
    return path


def check_folder(path):
    """The path, if a file can be written there."""
    path = Path(path)
    folder = path.parent
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder: give the path of the file to write.")
    if not os.path.isdir(folder):
        raise InputError(f"The folder {folder} does not exist: create it, or write somewhere else.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror
        raise InputError(f"The folder {folder} cannot be written to ({reason}): write somewhere else.") from None
    return path


@contextlib.contextmanager
def replacing(path):
    """A temporary path in the same folder, renamed to `path` on success and removed on failure."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error}): write somewhere else.") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _upright_rgb(image, max_pixels=None):
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bit(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("RGB")
    # Last, because Pillow cannot reduce palette, 1-bit and 16-bit pictures.
    if max_pixels and image.width * image.height > max_pixels:
        image = image.reduce(int(np.ceil((image.width * image.height / max_pixels) ** 0.5)))
    return image


def _eight_bit(image):
    """Sixteen-bit grey (0-65535) or float grey as 8-bit; Pillow's own conversion would clip it."""
    grey = np.asarray(image, dtype=np.float64)
    top = 65535.0 if image.mode != "F" else max(255.0, float(np.nan_to_num(grey).max(initial=0.0)))
    return Image.fromarray(np.clip(np.rint(np.nan_to_num(grey) * (255.0 / top)), 0, 255).astype(np.uint8))


def _fit(size, max_pixels):
    scale = (max_pixels / (size[0] * size[1])) ** 0.5
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _halve(picture):
    height, width = picture.shape[:2]
    return _resample(picture, (max(1, width // 2), max(1, height // 2)), Image.Resampling.LANCZOS)


def _resample(array, size, method):
    """A float32 array (H, W, C) at (width, height), channel by channel, because Pillow has no colour in floats."""
    channels = (Image.fromarray(np.ascontiguousarray(array[..., i])) for i in range(array.shape[-1]))
    return np.stack([np.asarray(channel.resize(size, method)) for channel in channels], axis=-1)


def _matrix_power(covariance, power):
    """A power of a symmetric matrix; a picture of one colour has no variance to divide by, hence the floor."""
    values, vectors = np.linalg.eigh(covariance + 1e-3 * np.eye(3))
    return (vectors * values**power) @ vectors.T

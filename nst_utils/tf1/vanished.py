"""What old notebooks call and NumPy, SciPy, matplotlib, Pillow, IPython and Python have dropped since, back in place.

SciPy's picture functions follow the last release that had them, SciPy 1.1, whose manual they were written after:
https://docs.scipy.org/doc/scipy-1.1.0/reference/misc.html
"""

import sys
import time
import types
from collections.abc import Mapping
from typing import Any

import IPython.core.display
import IPython.display
import matplotlib.cm
import matplotlib.pyplot as plt
import numpy as np
import scipy
import scipy.ndimage
import scipy.special
from matplotlib.backend_bases import FigureCanvasBase
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.base.types import Array
from nst_utils.tf1.patches import Patches

_NUMPY = {
    "float": float, "int": int, "object": object, "str": str, "complex": complex, "long": int, "unicode": str,
    "bool": bool, "float_": np.float64, "complex_": np.complex128, "unicode_": np.str_, "string_": np.bytes_,
    "Inf": np.inf, "Infinity": np.inf, "infty": np.inf, "PINF": np.inf, "NINF": -np.inf, "NaN": np.nan, "NAN": np.nan,
    "product": np.prod, "cumproduct": np.cumprod, "sometrue": np.any, "alltrue": np.all, "round_": np.round,
    "row_stack": np.vstack, "in1d": np.isin, "asscalar": lambda a: np.asarray(a).item(),
    "asfarray": lambda a, dtype=np.float64: np.asarray(a, dtype), "rank": np.ndim, "mat": np.asmatrix,
}  # fmt: skip
_SHOWN = 6  # names of each library in the line that says what was restored
_INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "cubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def restore(patches: Patches) -> list[str]:
    """Put back whatever is missing here; the names of what was put back, library by library."""
    restored = []
    restored += _restore(patches, scipy, {"misc": types.ModuleType("scipy.misc")}, "", quiet=True)
    # An empty scipy.misc, which only warns when it is imported, is what current releases still have.
    misc = sys.modules.get("scipy.misc") or scipy.misc
    patches.set(sys.modules, "scipy.misc", misc)
    pictures = {f.__name__: f for f in (imread, imsave, imresize, imrotate, imshow, toimage, fromimage, bytescale)}
    restored += _restore(patches, misc, pictures, "scipy.misc")
    elsewhere = {name: getattr(scipy.special, name) for name in ("comb", "factorial", "logsumexp")}
    _restore(patches, misc, elsewhere, "scipy.misc")
    restored += _restore(patches, scipy.ndimage, {"imread": imread}, "scipy.ndimage")
    restored += _restore(patches, np, _NUMPY, "np")
    restored += _restore(patches, matplotlib.cm, {"get_cmap": plt.get_cmap}, "matplotlib.cm")
    restored += _restore(patches, plt, {"hold": _nothing, "ishold": lambda: True}, "plt")
    restored += _restore(patches, FigureCanvasBase, {"set_window_title": _nothing}, "canvas")
    for style in list(plt.style.library):
        if style.startswith("seaborn-v0_8"):
            patches.add(plt.style.library, style.replace("-v0_8", ""), plt.style.library[style])
    resampling = {"ANTIALIAS": "LANCZOS", "LINEAR": "BILINEAR", "CUBIC": "BICUBIC"}
    restored += _restore(patches, Image, {old: Image.Resampling[new] for old, new in resampling.items()}, "Image")
    restored += _restore(patches, time, {"clock": time.perf_counter}, "time")
    restored += _restore(patches, IPython.core.display, {"display": IPython.display.display}, "IPython.core.display")
    return restored


def _restore(patches: Patches, owner: Any, values: Mapping[str, Any], prefix: str, quiet: bool = False) -> list[str]:
    names = [name for name, value in values.items() if _add(patches, owner, name, value)]
    if quiet or not names:
        return []
    shown = ", ".join(names) if len(names) <= _SHOWN else f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"
    return [f"{prefix}.{shown}" if len(names) == 1 else f"{prefix} ({shown})"]


def _add(patches: Patches, owner: Any, name: str, value: Any) -> bool:
    """Whether the value was put in place; NumPy would warn of each name that it has dropped when asked for it."""
    if name in vars(owner):
        return False
    if owner is not np:
        return patches.add(owner, name, value)
    patches.set(owner, name, value)
    return True


def _nothing(*args: Any, **kwargs: Any) -> None:
    """For calls that once changed how the next one drew."""


# --- scipy.misc -------------------------------------------------------------------------------------------


def imread(name: Any, flatten: bool = False, mode: str | None = None) -> Array:
    """The picture in a file as an array: (H, W), (H, W, 3) or (H, W, 4) uint8; flatten: grey levels as float32."""
    return fromimage(Image.open(name), flatten, mode)


def imsave(name: Any, arr: Any, format: str | None = None) -> None:
    """Write an array (H, W) or (H, W, 3 or 4); what is not uint8 is stretched from its least value to its greatest."""
    toimage(arr, channel_axis=2).save(name, *([] if format is None else [format]))


def imresize(arr: Any, size: Any, interp: str = "bilinear", mode: str | None = None) -> Array:
    """The array as a picture of another size, uint8. size: percent (int), a fraction (float) or (height, width)."""
    if interp not in _INTERPOLATIONS:
        raise InputError(f"There is no interpolation {interp!r}: choose from {', '.join(_INTERPOLATIONS)}.")
    image = toimage(arr, mode=mode)
    if isinstance(size, int | np.integer):
        size = size / 100
    if isinstance(size, float | np.floating):
        wide, high = (max(1, int(side * size)) for side in image.size)
    else:
        high, wide = size[:2]
    return fromimage(image.resize((int(wide), int(high)), resample=_INTERPOLATIONS[interp]))


def imrotate(arr: Any, angle: float, interp: str = "bilinear") -> Array:
    """The array as a picture turned counter-clockwise by an angle in degrees, in the same size, uint8."""
    return fromimage(toimage(arr).rotate(angle, resample=_INTERPOLATIONS[interp]))


def imshow(arr: Any) -> None:
    """Show an array as a picture, in the notebook."""
    IPython.display.display(toimage(arr))


def fromimage(im: Image.Image, flatten: bool = False, mode: str | None = None) -> Array:
    """A Pillow image as an array; a palette becomes RGB, one bit becomes grey levels."""
    if mode is None and im.mode == "P":
        mode = "RGBA" if "transparency" in im.info else "RGB"
    if mode is not None and mode != im.mode:
        im = im.convert(mode)
    if flatten:
        im = im.convert("F")
    elif im.mode == "1":
        im = im.convert("L")
    return np.array(im)


def toimage(
    arr: Any, high: int = 255, low: int = 0, cmin: float | None = None, cmax: float | None = None, pal: Any = None,
    mode: str | None = None, channel_axis: int | None = None,
) -> Image.Image:
    """An array as a Pillow image: see bytescale for values that are not uint8."""
    data = np.asarray(arr)
    if np.iscomplexobj(data):
        raise InputError("A picture cannot be made of complex numbers: take their absolute value first.")
    if mode == "F":
        return Image.fromarray(data.astype(np.float32))
    if data.ndim == 3:
        axis = channel_axis if channel_axis is not None else _channel_axis(data.shape)
        data = np.moveaxis(data, axis, 2)
    image = Image.fromarray(np.ascontiguousarray(bytescale(data, cmin, cmax, high, low)))
    return image if mode in (None, image.mode) else image.convert(mode)


def bytescale(data: Any, cmin: float | None = None, cmax: float | None = None, high: int = 255, low: int = 0) -> Array:
    """uint8 as it is; other numbers stretched so that cmin becomes low and cmax high (default: least and greatest)."""
    data = np.asarray(data)
    if data.dtype == np.uint8:
        return data
    cmin = data.min() if cmin is None else cmin
    span = float((data.max() if cmax is None else cmax) - cmin) or 1.0
    return (np.clip((data - cmin) * ((high - low) / span) + low, low, high) + 0.5).astype(np.uint8)


def _channel_axis(shape: tuple[int, ...]) -> int:
    for count in (3, 4):
        for axis in (2, 0, 1):
            if shape[axis] == count:
                return axis
    raise InputError(f"An array of shape {shape} is no picture: one side must be 3 (RGB) or 4 (RGBA).")

"""The pictures of a run, read and fitted together, and what tells one run from another.

Nothing here needs TensorFlow, so that a checkpoint of another run is told before it is imported.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from nst_utils.base.errors import shown
from nst_utils.base.types import AnyPicture, Array, Picture, WidthHeight
from nst_utils.engine.settings import STARTS, Settings
from nst_utils.engine.styles import AnyStyle, Region, regions_of, styles_of
from nst_utils.network.weights import weights_digest
from nst_utils.pictures.reading import as_picture
from nst_utils.pictures.sizes import output_size

T = TypeVar("T")
# Settings that are told by what they lead to: the size, the regions, the weights' own numbers, the precision taken.
_TOLD_OTHERWISE = ("size", "max_side", "style_weights", "style_scale", "style_angle", "masks", "weights", "precision")


@dataclass(frozen=True, eq=False)
class Inputs:
    """Photograph uint8 (H, W, 3), (width, height) of the picture to paint, paintings in their regions, own start."""

    content: Picture = field(repr=False)
    size: WidthHeight
    regions: list[Region] = field(repr=False)
    start: Picture | None = field(repr=False)

    @classmethod
    def of(cls, content: AnyPicture, style: AnyStyle, settings: Settings) -> "Inputs":
        """The inputs as stylize() is given them, with checked settings; InputError where they do not fit together."""
        photograph = as_picture(content, "content")
        size = output_size(photograph.shape[1::-1], settings.size, settings.max_side)
        regions = regions_of(styles_of(style, settings), size)
        own = not isinstance(settings.init, str) or settings.init not in STARTS
        return cls(photograph, size, regions, as_picture(settings.init, "start") if own else None)

    def about(self, settings: Settings) -> dict[str, Any]:
        """All that a run of these inputs and settings is known by, as plain data, pictures by their digests."""
        plain = {name: value for name, value in settings.plain().items() if name not in _TOLD_OTHERWISE}
        if self.start is not None:
            plain["init"] = "a picture"
        found = {
            "photo": _digest(self.content),
            "paintings": [_digest(each) for region in self.regions for each in region.paintings],
            "masks": [None if each.mask is None else _digest(each.mask) for each in self.regions],
            "style_weights": [[each.strength, *each.shares] for each in self.regions],
            "style_scale": [each.scales for each in self.regions],
            "style_angle": [each.angles for each in self.regions],
            "start": None if self.start is None else _digest(self.start),
            "size": self.size,
            "weights": weights_digest(settings.weights),
            "settings": plain,
        }
        return json.loads(json.dumps(found))


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """How a run differs from the one before, by what Inputs.about() says of both: a few words for each difference."""
    told = {
        "photo": "the photo is another one",
        "masks": "the masks are others",
        "style_weights": "the paintings' weights are others",
        "style_scale": "style_scale is another one",
        "style_angle": "style_angle is another one",
        "start": "the picture to start from is another one",
        "weights": "the network's weights are others",
    }
    found = [words for name, words in told.items() if before.get(name) != now[name]]
    if told["masks"] in found:  # then the others are of other regions
        of_regions = [told[name] for name in ("style_weights", "style_scale", "style_angle")]
        found = [words for words in found if words not in of_regions]
    old, new = _told(before, "paintings", list), now["paintings"]
    if old != new:
        places = [i for i, (a, b) in enumerate(zip(old, new, strict=False), start=1) if a != b]
        if len(old) != len(new):
            found.insert(0, f"the paintings were {len(old)} and are {len(new)}")
        elif sorted(map(str, old)) == sorted(new):
            found.insert(0, "the paintings stand in another order")
        else:
            found.insert(0, f"painting {', '.join(map(str, places))} is another one")
    if before.get("size") != now["size"]:
        sizes = ("x".join(map(str, _told(each, "size", list))) or "?" for each in (before, now))
        found.append("the size was {} and is {}".format(*sizes))
    settings = _told(before, "settings", dict)
    return found + [
        f"{name} was {shown(settings.get(name))} and is {shown(value)}"
        for name, value in now["settings"].items()
        if name not in settings or settings[name] != value
    ]


def _told(about: dict[str, Any], name: str, kind: type[T]) -> T:
    """What a file tells under the name, or nothing where it tells something else."""
    found = about.get(name)
    return found if isinstance(found, kind) else kind()


def _digest(array: Array) -> str:
    told = hashlib.sha256(repr((array.shape, array.dtype.str)).encode())
    told.update(np.ascontiguousarray(array).data)
    return told.hexdigest()

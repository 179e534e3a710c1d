"""The file of a trained network and its styles, and the small file of a single style for it.

Both are NumPy's .npz, read as data only. A style is a row of numbers, its name, and the colours of its painting; it
fits one network, whose fingerprint it carries.
"""

import difflib
import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.files import check_folder, replacing
from nst_utils.engine.recipe import check_weight
from nst_utils.network.weights import MODEL_FOLDERS
from nst_utils.pictures.colors import Moments

SHIPPED_NAME = "fast-styles.npz"


@dataclass(frozen=True)
class Manner:
    """A style, or a blend of several: its numbers (numbers,) float32, and the Moments of its painting's colours."""

    name: str
    numbers: np.ndarray = field(repr=False)
    colors: Moments = field(repr=False)


@dataclass(frozen=True)
class StyleBook:
    """A network and the styles that it can paint in.

    widths, blocks: of its Shape. kernels: {name: array}. manners: {name: Manner}. about: what is told of its training.
    """

    widths: tuple
    blocks: int
    kernels: dict = field(repr=False)
    manners: dict = field(repr=False)
    about: dict = field(default_factory=dict, repr=False)

    @property
    def fingerprint(self):
        """What tells this network from every other one."""
        digest = hashlib.sha256()
        for name, kernel in self.kernels.items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(kernel, np.float32).tobytes())
        return digest.hexdigest()[:16]

    def manner(self, style):
        """The Manner of a style: its name here, or the path of a style's own file, such as `nst fast learn` writes."""
        name = os.fspath(style)
        if name in self.manners:
            return self.manners[name]
        for path in (Path(name), Path(f"{name}.npz")):
            if os.path.isfile(path):
                return read_style(path, self)
        nearest = difflib.get_close_matches(name, self.manners, n=1, cutoff=0)
        hint = f" did you mean {nearest[0]}?" if nearest else ""
        raise InputError(f"There is no style called {name!r}:{hint} All of them: {', '.join(self.manners)}.")

    def blend(self, shares):
        """The Manner between several: the weighted mean of their numbers and colours.

        shares: {style: weight}, 0 or more; only their ratios count (Dumoulin et al. 2017, section 3.3).
        """
        for style, share in shares.items():
            check_weight(f"The share of {style}", share)
        total = sum(shares.values())
        if not total:
            raise InputError("All shares of the mix are 0: give one of the styles more.")
        kept = {style: share / total for style, share in shares.items() if share}
        manners = [self.manner(style) for style in kept]
        if len(manners) == 1:
            return manners[0]
        numbers = sum(share * each.numbers for share, each in zip(kept.values(), manners, strict=True))
        colors = Moments.mean_of([each.colors for each in manners], list(kept.values()))
        return Manner("+".join(each.name for each in manners), np.asarray(numbers, np.float32), colors)

    def with_manner(self, manner):
        """The book with one more style, or another of its name."""
        return replace(self, manners=self.manners | {manner.name: manner})

    def save(self, path):
        """Write the network and all its styles to one file, whole or not at all."""
        words = {"widths": self.widths, "blocks": self.blocks, "kernels": list(self.kernels), "about": self.about}
        arrays = {f"kernel_{name}": np.asarray(kernel, np.float32) for name, kernel in self.kernels.items()}
        _write(path, words, arrays, list(self.manners.values()))


def shipped_path():
    """Where the trained network is that comes with the project."""
    for folder in MODEL_FOLDERS:
        if os.path.isfile(folder / SHIPPED_NAME):
            return folder / SHIPPED_NAME
    raise MissingFileError(
        f"The trained network {SHIPPED_NAME} is missing from {MODEL_FOLDERS[0]}; restore it, or train one with "
        "nst fast train."
    )


def read_book(path=None):
    """The StyleBook of a file, by default the shipped one; InputError for a file that is none."""
    path = Path(path or shipped_path())
    words, arrays = _read(path)
    if "widths" not in words:
        raise InputError(f"{path} is a single style, not a network: give the network's file.")
    try:
        kernels = {name: arrays[f"kernel_{name}"] for name in words["kernels"]}
        manners = _manners(words, arrays)
        half, quarter = words["widths"]
        return StyleBook((half, quarter), words["blocks"], kernels, manners, words["about"])
    except (KeyError, ValueError) as error:
        raise InputError(f"{path} holds no network of this version ({error}): fetch it again, or train one.") from None


def read_style(path, book):
    """The Manner of a style's own file; InputError where it was made for another network than the book's."""
    words, arrays = _read(path)
    if words.get("network") != book.fingerprint:
        what = "a whole network, not a style" if "widths" in words else "a style of another network"
        raise InputError(f"{path} is {what}: learn it for this one with nst fast learn, or give its own --model.")
    return next(iter(_manners(words, arrays).values()))


def write_style(path, manner, book):
    """Write a style to a file of its own, a few kilobytes, for those who have the same network."""
    _write(path, {"network": book.fingerprint}, {}, [manner])


def _manners(words, arrays):
    return {
        name: Manner(name, arrays["numbers"][i], Moments(arrays["means"][i], arrays["covariances"][i]))
        for i, name in enumerate(words["styles"])
    }


def _write(path, words, arrays, manners):
    words = words | {"styles": [each.name for each in manners]}
    arrays = arrays | {
        "numbers": np.stack([each.numbers for each in manners]).astype(np.float32),
        "means": np.stack([each.colors.mean for each in manners]),
        "covariances": np.stack([each.colors.covariance for each in manners]),
    }
    with replacing(check_folder(path)) as temporary, temporary.open("wb") as file:
        np.savez(file, words=np.array(json.dumps(words)), **arrays)


def _read(path):
    path = Path(path)
    if not os.path.exists(path):
        raise MissingFileError(f"{path} does not exist: check the path of the style's or network's file.")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        words = json.loads(arrays.pop("words").item())
        words["styles"]  # noqa: B018 - raises where it is another kind of file
        return words, arrays
    except Exception as error:  # NumPy, zipfile and json raise many kinds on damaged bytes; all mean the same here
        raise InputError(f"{path} holds no style that can be read ({error}): give a file of nst fast.") from None

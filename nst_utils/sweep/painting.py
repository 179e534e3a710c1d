"""What a worker does: paints one picture of a sweep from bytes, and tells of it in plain data."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nst_utils.base.errors import InputError
from nst_utils.sweep.cluster import package_digest
from nst_utils.sweep.plan import digest_of

# A worker's network is traced once and its memory is for one picture: where it has several threads, they take turns.
_ALONE = threading.Lock()
# {digest: path} of the weights files that have come to this process.
_WEIGHTS: dict[str, str] = {}


@dataclass(frozen=True)
class Order:
    """One picture to paint, whose files travel beside it, as bytes, in this order: photo, paintings, masks, start.

    names: of all of them, for messages. settings: as stylize() takes them, without those that name files. masks: words,
    or None where a file stands. start: whether there is one. weights: digest of their file. package: package_digest().
    suffix: format of the picture.
    """

    names: tuple[str, ...]
    styles: int
    settings: Mapping[str, Any]
    masks: tuple[str | None, ...]
    start: bool
    weights: str
    package: str
    suffix: str = ".png"


@dataclass(frozen=True)
class Painted:
    """A picture as the bytes of its file, and the record of how it came about, as plain data; or why there is none.

    unfit: whether that is the worker's fault, which would spoil every picture.
    """

    picture: bytes = field(default=b"", repr=False)
    record: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    unfit: bool = False


class Weights:
    """Brings weights files to each worker, once when it starts; Dask calls setup() there.

    A file has its bytes with it, or only its path where the workers are on this machine or have it themselves.
    """

    name = "nst-weights"

    def __init__(self, files: Mapping[str, tuple[str, bytes | None]]) -> None:
        """files: {digest: (path, bytes or None)}."""
        self.files = dict(files)

    def setup(self, worker: Any) -> None:
        for digest, (path, data) in self.files.items():
            if data is None:
                _WEIGHTS[digest] = path
            elif digest not in _WEIGHTS:
                target = Path(worker.local_directory) / f"{digest[:16]}{Path(path).suffix}"
                target.write_bytes(data)
                _WEIGHTS[digest] = str(target)
        self.files = {}


def precision_here() -> str:
    """What the precision "auto" means on this worker."""
    from nst_utils.base.tensorflow import resolve_precision

    return resolve_precision("auto")


def paint(order: Order, files: list[bytes]) -> Painted:
    """The picture of an order. Nothing that is wrong with it raises: that would be the worker's fault."""
    if wrong := _unfit(order):
        return Painted(problem=wrong, unfit=True)
    with _ALONE, tempfile.TemporaryDirectory(prefix="nst-sweep-") as folder:
        paths = [Path(folder, f"{number}{Path(name).suffix}") for number, name in enumerate(order.names)]
        for path, data in zip(paths, files, strict=True):
            path.write_bytes(data)
        try:
            return _paint(order, paths)
        except KeyboardInterrupt:
            return Painted(problem="it was interrupted.")
        except MemoryError:
            return Painted(problem="the worker's memory is used up: make it smaller, or give each worker more.")
        except InputError as error:
            words = str(error)
            for path, name in zip(paths, order.names, strict=True):
                words = words.replace(str(path), name)
            return Painted(problem=words)
        except Exception as error:
            return Painted(problem=f"{type(error).__name__}: {error}".strip().splitlines()[0])


def _paint(order: Order, paths: list[Path]) -> Painted:
    from PIL import Image

    from nst_utils.engine.stylize import stylize

    rest = iter(paths)
    content, styles = next(rest), [next(rest) for _ in range(order.styles)]
    settings = dict(order.settings) | {"weights": _WEIGHTS[order.weights]}
    if order.masks:
        settings["masks"] = [mask or str(next(rest)) for mask in order.masks]
    if order.start:
        settings["init"] = str(next(rest))
    if settings.get("max_memory") is None and (memory := _memory()):
        settings["max_memory"] = memory
    result = stylize(content, styles, **settings)
    if result.stopped == "interrupted" or result.costs is None:
        return Painted(problem="it was interrupted.")
    buffer = io.BytesIO()
    Image.fromarray(result.image).save(buffer, format="PNG")
    height, width = result.image.shape[:2]
    record = {
        "settings": result.settings,
        "size": [width, height],
        "costs": asdict(result.costs),
        "seconds": round(result.seconds, 3),
        "stopped": result.stopped,
        "steps": result.history[-1].iteration,
        "worker": f"{socket.gethostname()}:{os.getpid()}",
    }
    return Painted(buffer.getvalue(), record)


def _unfit(order: Order) -> str | None:
    """Why this process cannot paint, or None, when it has the weights."""
    from nst_utils.network.weights import find_weights

    if order.package != package_digest():
        return f"The worker on {socket.gethostname()} has another nst_utils: install the same there."
    path = _WEIGHTS.get(order.weights)
    try:
        if path is None or not os.path.exists(path):
            path = str(find_weights())  # its own, where that is the same
        if digest_of(path) == order.weights:
            _WEIGHTS[order.weights] = path
            return None
    except InputError:
        pass
    return f"The worker on {socket.gethostname()} has other weights: install the same nst_utils there."


def _memory() -> int | None:
    """What a picture may take of this worker's memory: three quarters, as of a machine's."""
    from distributed import get_worker

    with contextlib.suppress(ValueError, AttributeError):
        limit = get_worker().memory_manager.memory_limit
        return int(0.75 * limit) if limit else None
    return None

"""The folder that a sweep writes into: pictures, their records, and the page that shows them; one sweep at a time."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nst_utils.base.errors import InputError
from nst_utils.base.files import check_folder, replacing, write_text
from nst_utils.base.types import AnyPath

FORMAT = 1
PAGE, RECORDS, SUFFIX = "index.html", "records", ".png"
_ABOUT, _LOCK = "sweep.json", ".sweep.lock"


class Folder:
    """A sweep's folder, held by this process. records: {key: record} of the pictures that are there, whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.about: dict[str, Any] = {"format": FORMAT} | _read(path / _ABOUT)
        self.records: dict[str, dict[str, Any]] = {}
        for each in sorted((path / RECORDS).glob("*.json")):
            record = _read(each)
            with contextlib.suppress(OSError, KeyError, TypeError):
                if (path / record["file"]).stat().st_size == record["bytes"]:
                    self.records[record["key"]] = record

    def keep(self, key: str, name: str, picture: bytes, record: Mapping[str, Any]) -> None:
        """Write a picture, and then the record that says that it is there."""
        file = name + SUFFIX
        with replacing(self.path / file) as temporary:
            temporary.write_bytes(picture)
        kept = {"key": key, "file": file, "bytes": len(picture)} | dict(record)
        write_text(self.path / RECORDS / f"{name}.json", json.dumps(kept, indent=1) + "\n")
        self.records[key] = kept

    def settle(self, **about: Any) -> None:
        """Write down what holds for the whole sweep."""
        self.about |= about
        write_text(self.path / _ABOUT, json.dumps(self.about, indent=1) + "\n")

    def write_page(self, page: str) -> None:
        write_text(self.path / PAGE, page)


@contextlib.contextmanager
def opened(path: AnyPath) -> Iterator[Folder]:
    """The Folder, made if need be; InputError where another process holds it, or where it is for something else."""
    from filelock import FileLock, Timeout

    path = Path(path)
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file: give a folder for the pictures with --out.")
    check_folder(path / PAGE if path.is_dir() else path)
    if path.is_dir() and not (path / _ABOUT).exists():
        others = [each.name for each in path.iterdir() if each.name != _LOCK and not _is_left(each.name)]
        if others:
            raise InputError(f"{path} holds other files than a sweep's, such as {others[0]}: give another folder.")
    try:
        path.mkdir(exist_ok=True)
        lock = FileLock(path / _LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"Another sweep is writing into {path}: wait for its end, or give another folder with --out."
        ) from None
    except (OSError, NotImplementedError) as error:
        raise InputError(f"The folder {path} cannot be held ({error}): write somewhere else.") from None
    try:
        folder = Folder(path)
        if folder.about["format"] != FORMAT:
            raise InputError(f"{path} is of another version of nst_utils: go on with that one, or give another folder.")
        (path / RECORDS).mkdir(exist_ok=True)
        folder.settle()
        yield folder
    finally:
        lock.release()


def _is_left(name: str) -> bool:
    """Whether a process that was killed may have left it."""
    return name == RECORDS or re.fullmatch(r"\.writing-[a-z0-9_]{8}", name) is not None


def _read(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}

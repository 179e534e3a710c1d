"""Writing files without losing anything: beside the old one first, then in its place."""

import contextlib
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from nst_utils.base.errors import InputError

try:
    import fcntl
except ImportError:  # Windows, where nobody removes what another one has open
    fcntl = None  # type: ignore[assignment]


def write_text(path, text):
    """Write a text file, replaced whole or not at all."""
    with replacing(check_folder(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_folder(path):
    """The path, if a file can be written there; InputError otherwise. Leaves no trace."""
    path = Path(path)
    real = _regular(path)
    if not os.path.isdir(real.parent):
        raise InputError(f"The folder {path.parent} does not exist: create it, or write somewhere else.")
    try:
        with tempfile.TemporaryFile(dir=real.parent):
            pass
    except OSError as error:
        reason = error.strerror
        raise InputError(f"The folder {path.parent} cannot be written to ({reason}): write somewhere else.") from None
    return path


def refuse_overwriting(path, inputs):
    """Raise InputError if writing the path, or what it links to, would replace one of the input files."""
    for given in inputs:
        with contextlib.suppress(OSError):  # one of them is not there
            if os.path.samefile(path, given):
                raise InputError(f"{path} is the input {given}, which would be lost: write to another file.")


@contextlib.contextmanager
def replacing(path):
    """A temporary path in the same folder, renamed to `path` on success and removed on failure.

    A link stays a link: what it points to is replaced. A file keeps its permissions. Safe for several threads and
    processes at once: each has a temporary path of its own, and the last one to finish wins. What a process that was
    killed has left beside it is removed by the next one.
    """
    real = _regular(path)
    try:
        _remove_left(real.parent)
        with _own_folder(real.parent) as folder:
            temporary = folder / real.name
            yield temporary
            with contextlib.suppress(FileNotFoundError):
                shutil.copymode(real, temporary)
            os.replace(temporary, real)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error}): write somewhere else.") from None


def write_arrays(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays of numbers or text under their names as an .npz, replaced whole or not at all, and onto the disk."""
    with replacing(check_folder(path)) as temporary, temporary.open("wb") as file:
        np.savez(file, **dict(arrays))  # type: ignore[arg-type]
        # Before it takes its name: then that holds the old file or the new one even when the power fails.
        file.flush()
        os.fsync(file.fileno())


def read_arrays(path: str | os.PathLike, names: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
    """{name: array} as write_arrays() wrote them, or only those of some names. Reads data only, never code.

    Takes no more memory than the file has bytes, whatever it says of itself. Raises InputError with one sentence for
    any other file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            packed = any(each.compress_type != zipfile.ZIP_STORED for each in members)
            if packed or sum(each.file_size for each in members) > os.path.getsize(path):
                raise ValueError("it unpacks to more than it is")
            found = {each.filename.removesuffix(".npy"): each for each in members}
            return {name: _read_array(archive, found[name]) for name in (found if names is None else names)}
    except Exception as error:  # zipfile and NumPy raise many kinds on damaged bytes; all mean the same here
        reason = getattr(error, "strerror", None) or str(error).strip().rstrip(".") or type(error).__name__
        raise InputError(f"{path} cannot be read as what nst_utils wrote ({reason}): give another file.") from None


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, by_columns, dtype = read_header[version](file)
        data = file.read()
    if dtype.kind not in "biufU" or dtype.itemsize * np.prod(shape, dtype=object) != len(data):
        raise ValueError(f"{member.filename} is no array of numbers or text")
    # As NumPy reads it from a file: the array's own memory, which may be written to.
    return np.frombuffer(bytearray(data), dtype).reshape(shape, order="F" if by_columns else "C")


@contextlib.contextmanager
def _own_folder(parent: Path) -> Iterator[Path]:
    """A new folder in the parent, held by a lock that the system lets go with the process, however that ends."""
    while True:
        with tempfile.TemporaryDirectory(dir=parent, prefix=".writing-", ignore_cleanup_errors=True) as name:
            with _held(name) as held:
                # Between the two, another process may have taken it for what a killed one left.
                if held is not False and os.path.isdir(name):
                    yield Path(name)
                    return


@contextlib.contextmanager
def _held(folder: str | os.PathLike) -> Iterator[bool | None]:
    """Holds a folder's lock: True, False where somebody else does, None where there are no such locks."""
    if fcntl is None:
        yield None
        return
    with contextlib.ExitStack() as cleanup:
        try:
            descriptor = os.open(folder, os.O_RDONLY)
            cleanup.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except (FileNotFoundError, BlockingIOError):
            held = False
        except OSError:  # a file system without locks
            held = None
        yield held


def _remove_left(parent: Path) -> None:
    """Remove the folders that _own_folder() made in this one for processes that were killed meanwhile."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):  # a folder that may be written to but not listed
        left = [each for each in os.scandir(parent) if re.fullmatch(r"\.writing-[a-z0-9_]{8}", each.name)]
        for each in left:
            if each.is_dir(follow_symlinks=False):
                with _held(each.path) as held:
                    if held:
                        shutil.rmtree(each.path, ignore_errors=True)


def _regular(path):
    """The path behind all links, where a regular file may be or is."""
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder: give the path of the file to write.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise InputError(f"{path} is a device, not a regular file: give the path of the file to write.")
    return Path(os.path.realpath(path))

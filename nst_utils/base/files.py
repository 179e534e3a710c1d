"""Writing files without losing anything: beside the old one first, then in its place."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from nst_utils.base.errors import InputError


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
    processes at once: each has a temporary path of its own, and the last one to finish wins.
    """
    real = _regular(path)
    try:
        with tempfile.TemporaryDirectory(dir=real.parent, prefix=".writing-", ignore_cleanup_errors=True) as folder:
            temporary = Path(folder) / real.name
            yield temporary
            with contextlib.suppress(FileNotFoundError):
                shutil.copymode(real, temporary)
            os.replace(temporary, real)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error}): write somewhere else.") from None


def _regular(path):
    """The path behind all links, where a regular file may be or is."""
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder: give the path of the file to write.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise InputError(f"{path} is a device, not a regular file: give the path of the file to write.")
    return Path(os.path.realpath(path))

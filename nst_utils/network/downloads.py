"""Fetching a large file over HTTP: gone on with after an interruption, from mirrors in turn, and checked.

While it is fetched, it lies under another name beside its own, which it takes only when its checksum is right.
"""

import contextlib
import errno
import hashlib
import http.client
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any

from nst_utils.base.errors import InputError

# Seconds to wait for a connection, and for the next bytes; and the bytes that have to come in so many seconds, lest a
# server that sends one at a time hold us for ever.
TIMEOUT, SLOWEST = (10.0, 30.0), (64_000, 60.0)
# How often an address is asked in a row without a byte gained, and at most; the longest that a server may have us wait.
ATTEMPTS, MOST_ATTEMPTS, LONGEST_PAUSE = 4, 100, 60.0
# A file of unknown size may not become larger.
LARGEST = 4_000_000_000
# Its certificate has been reported expired; the checksum decides.
_UNVERIFIED = "https://www.vlfeat.org/"
wait = time.sleep
_BUSY = (408, 425, 429, 500, 502, 503, 504)


class _Failed(Exception):
    """An address has nothing to give."""


class _Again(Exception):
    """It may, when it is asked once more, after so many seconds."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


def fetch(
    addresses: Sequence[str], target: Path, checksum: str | None, size: int | None = None,
    tell: Callable[[str], Any] = lambda words: None,
) -> Path:  # fmt: skip
    """Fetch a file from the first of the addresses that gives it, and return its path.

    checksum: "sha256:..." or "md5:...", or None to take what comes. size: its bytes, where they are known. tell: called
    with a sentence where there is something to wait for. A file that is there and right is not fetched again; one that
    is wrong stays until the right one is there. Raises InputError with one sentence.
    """
    folder = target.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(target, tell):
            if target.exists() and is_right(target, checksum):
                return target
            return _fetch(addresses, target, checksum, size, tell)
    except OSError as error:
        kind = f"{type(error).__name__}: {error.strerror or error}"
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = "make room there" if full else "make it writable"
        raise InputError(
            f"{target.name} could not be written into {folder} ({kind}): {remedy}, or give another folder."
        ) from None


def is_right(path: Path, checksum: str | None) -> bool:
    """Whether a file has a checksum, "sha256:..." or "md5:..."; any has, if that is None."""
    if checksum is None:
        return True
    kind, _, digest = checksum.rpartition(":")
    with path.open("rb") as file:
        return _digest(file, kind or "sha256") == digest.lower()


def part_of(target: Path) -> Path:
    """Where the bytes of a file that have come so far are kept."""
    return target.with_name(f".{target.name}.part")


def _digest(file: Any, kind: str) -> str:
    found = hashlib.new(kind, usedforsecurity=False)
    while piece := file.read(2**20):
        found.update(piece)
    return found.hexdigest()


@contextlib.contextmanager
def _alone(target: Path, tell: Callable[[str], Any]) -> Iterator[None]:
    """Hold a lock on a file to be fetched; the system lets it go with the process, however that ends."""
    from filelock import FileLock, Timeout

    path = target.with_name(f".{target.name}.lock")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(f"Another process is fetching {target.name}: waiting for it ...")
        lock.acquire()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes it at the release
            path.unlink()
        lock.release()


def _fetch(
    addresses: Sequence[str], target: Path, checksum: str | None, size: int | None, tell: Callable[[str], Any]
) -> Path:
    part = part_of(target)
    failed: list[str] = []
    for address in addresses:
        if failed:
            tell(f"{failed[-1]}: trying {address} ...")
        try:
            _fetch_checked(address, part, checksum, size, tell)
            os.replace(part, target)
            return target
        except _Failed as error:
            failed.append(f"{address} {error}")
        except OSError:  # of the disk: a part that nobody can go on with has no right to the room
            part.unlink(missing_ok=True)
            raise
        finally:
            with contextlib.suppress(OSError):
                if part.stat().st_size == 0:
                    part.unlink()
    kept = f"{_mb(part.stat().st_size)} of it are kept, and the same command goes on" if part.exists() else "try again"
    raise InputError(f"{'; '.join(failed)}: {kept}, or fetch it by hand into {target.parent}.")


def _fetch_checked(
    address: str, part: Path, checksum: str | None, size: int | None, tell: Callable[[str], Any]
) -> None:
    """Complete the part from an address and check it; what was there before is not trusted twice."""
    for _ in range(2):
        had = _size_of(part)
        _complete(address, part, checksum, size, tell)
        if is_right(part, checksum):
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            return
        part.unlink()
        if not had:
            break
    raise _Failed("sent a file with another checksum, which was not kept")


def _complete(
    address: str, part: Path, checksum: str | None, size: int | None, tell: Callable[[str], Any]
) -> None:
    """Receive what is missing of the part, asking again as long as that brings something."""
    in_vain = 0
    for attempt in range(1, MOST_ATTEMPTS + 1):
        had = _size_of(part)
        if size is not None and had == size:
            return
        try:
            return _receive(address, part, size, first=attempt == 1)
        except _Again as error:
            in_vain = 0 if _size_of(part) > had else in_vain + 1
            if in_vain and checksum and part.exists() and is_right(part, checksum):
                return  # the server has promised more than there is
            pause = 2.0**in_vain / 2 if error.after is None else error.after
            if in_vain == ATTEMPTS or attempt == MOST_ATTEMPTS or pause > LONGEST_PAUSE:
                later = f" and asks to wait for {pause:.0f} s" if pause > LONGEST_PAUSE else ""
                raise _Failed(f"{error}{later}") from None
            if pause > 5:
                tell(f"{address} {error}: asking again in {pause:.0f} s ...")
            wait(pause)


def _receive(address: str, part: Path, size: int | None, first: bool) -> None:
    """One request: appends to the part what comes. Raises _Again or _Failed where that is not all."""
    import requests
    import urllib3

    had = _size_of(part)
    if size is not None and had > size:
        part.unlink()
        had = 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "nst_utils"} | ({"Range": f"bytes={had}-"} if had else {})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a certificate that is not looked at
            answer = requests.get(
                address, headers=headers, stream=True, timeout=TIMEOUT, verify=not address.startswith(_UNVERIFIED)
            )
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise _told(error, first) from None
    except OSError as error:  # from requests only of the file that the environment names
        raise _Failed(f"could not be fetched ({str(error).rstrip('.')})") from None
    with answer:
        begin, total = _promised(answer, part, had)
        if size is not None and total is not None and total != size:
            raise _Failed(f"has a file of {total:,} bytes in the place of one of {size:,}")
        expected = size if size is not None else total
        _check_room(part, (expected or 0) - begin)
        with part.open("r+b" if had else "w+b") as file, _bar(part, begin, expected) as bar:
            file.seek(begin)
            for piece in _pieces(answer):
                _put(file, piece)
                bar.update(len(piece))
                if file.tell() > (LARGEST if expected is None else expected):
                    file.truncate(0)
                    raise _Failed("sends more than it said")
        if expected is not None and _size_of(part) < expected:
            raise _Again("broke off")


def _put(file: Any, piece: bytes) -> None:
    """Write a piece where the file stands, which loses what comes after it only where it says something else.

    So a server that begins anew whatever part is asked for, and breaks off, costs nothing of what is here.
    """
    begin = file.tell()
    if file.read(len(piece)) != piece:
        file.seek(begin)
        file.truncate()
        file.write(piece)


def _promised(answer: Any, part: Path, had: int) -> tuple[int, int | None]:
    """(the byte at which the answer begins, the bytes of the whole file, if it says so)."""
    # In our own words: a server's may hold anything, such as what a terminal obeys.
    status, reason = answer.status_code, http.client.responses.get(answer.status_code, "no such status")
    if status == 416 and had:
        part.unlink()
        raise _Again("refused to go on from where it was")
    if status in _BUSY:
        raise _Again(f"answered {status} {reason}", _pause_asked_for(answer.headers.get("Retry-After")))
    if status not in (200, 206):
        raise _Failed(f"could not be fetched ({status} {reason})")
    if status == 200:
        # Of a file that is packed on the way, the length is not its own.
        return 0, None if _is_packed(answer) else _count(answer.headers.get("Content-Length", ""))
    unit, _, place = answer.headers.get("Content-Range", "").partition(" ")
    begin, _, rest = place.partition("-")
    total = rest.partition("/")[2]
    if unit != "bytes" or _count(begin) != had or _is_packed(answer):
        part.unlink(missing_ok=True)
        raise _Again("sent another part than was asked for")
    return had, _count(total)


def _count(text: str) -> int | None:
    """The number that a header says; None where it says none, or one that no file has."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _pieces(answer: Any) -> Iterator[bytes]:
    """The bytes of an answer as they come."""
    import requests
    import urllib3

    began, received = time.monotonic(), 0
    read: Callable[[], bytes]
    if _is_packed(answer):
        unpacked = answer.iter_content(2**16)
        read = lambda: next(unpacked, b"")  # noqa: E731
    else:
        # Unlike iter_content(), this returns what there is: a server that sends a byte at a time is found out.
        read = partial(getattr(answer.raw, "read1", answer.raw.read), 2**16)
    while True:
        try:
            piece = read()
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            stalled = isinstance(error, (TimeoutError, urllib3.exceptions.TimeoutError))
            raise _Again("sends nothing any more" if stalled else "broke off") from None
        if not piece:
            return
        yield piece
        received += len(piece)
        if time.monotonic() - began > SLOWEST[1]:
            if received < SLOWEST[0]:
                raise _Again("sends next to nothing")
            began, received = time.monotonic(), 0


def _is_packed(answer: Any) -> bool:
    return answer.headers.get("Content-Encoding", "identity") != "identity"


def _told(error: Exception, first: bool) -> Exception:
    """Why there was no answer; worth asking again unless nobody is there from the beginning, or the address is bad."""
    import requests
    import urllib3

    cause = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, requests.Timeout):
        return _Again("does not answer")
    if isinstance(error, (requests.exceptions.SSLError, requests.exceptions.ProxyError)):
        kind = "its certificate is not valid" if isinstance(error, requests.exceptions.SSLError) else "the proxy fails"
        return _Failed(f"could not be fetched ({kind})")
    if isinstance(cause, urllib3.exceptions.NewConnectionError) and first:
        return _Failed("could not be fetched (nobody answers there)")
    if not isinstance(error, requests.RequestException) and isinstance(error, ValueError):
        return _Failed("could not be fetched (its address, one that it leads to or the proxy's is not valid)")
    if isinstance(error, (requests.ConnectionError, urllib3.exceptions.HTTPError)):
        return _Again("broke off")
    return _Failed(f"could not be fetched ({type(error).__name__})")


def _pause_asked_for(text: str | None) -> float | None:
    """The seconds that a Retry-After header asks for, a number or a date; None where it asks for none."""
    if text is None:
        return None
    if (seconds := _count(text)) is not None:
        return float(seconds)
    try:
        when = parsedate_to_datetime(text)
        return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())
    except (ValueError, TypeError):
        return None


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise InputError(
            f"{part.name[1:].removesuffix('.part')} needs {_mb(needed)} more, and {part.parent} has room for "
            f"{_mb(free)}: make room there, or give another folder."
        )


def _bar(part: Path, begin: int, total: int | None) -> Any:
    from tqdm import tqdm

    look: dict[str, Any] = {"unit": "B", "unit_scale": True, "leave": False, "dynamic_ncols": True, "file": sys.stderr}
    # None: not where standard error is a file.
    return tqdm(initial=begin, total=total, desc=part.name[1:].removesuffix(".part"), disable=None, **look)


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count < 10e6 else f"{count / 1e6:,.0f} MB"

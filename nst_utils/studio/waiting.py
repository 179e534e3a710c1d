"""What fits into memory of all sessions together: each run takes a place; one more than fits waits in line.

Every session may be a process of its own, so the places stand in a file that all of the user's processes share. What
a process that has ended left there does not count.
"""

import contextlib
import getpass
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import platformdirs
import psutil
from filelock import FileLock

from nst_utils.base.files import write_text
from nst_utils.base.machine import machine_memory

# Seconds between two looks at whether it is one's turn.
_PAUSE = 0.1


class Places:
    """The places of one session. budget: bytes for all sessions together; file: where the places are written down."""

    def __init__(self, budget=None, file=None):
        self.budget = budget or int(0.75 * machine_memory())
        self._file = Path(file) if file else _shared_file()
        self._lock = FileLock(f"{self._file}.lock")
        me = psutil.Process()
        self._me = {"pid": me.pid, "born": me.create_time(), "key": id(self)}

    @contextlib.contextmanager
    def place(self, need, waits=lambda: None, given_up=lambda: False):
        """A place of `need` bytes, waited for in line: yields True with it, False where given_up() came first.

        waits: called once where there is none yet. A run alone always finds a place: how it stays within the
        machine's memory is the engine's part.
        """
        self._put("waiting", need)
        told = False
        try:
            while not self._admitted(need):
                if given_up():
                    yield False
                    return
                if not told:
                    waits()
                    told = True
                time.sleep(_PAUSE)
            yield True
        finally:
            self.leave()

    def leave(self):
        """Give the place back."""
        with self._ledger() as entries:
            entries[:] = [each for each in entries if not self._is_mine(each)]

    def _put(self, state, need):
        with self._ledger() as entries:
            entries.append({**self._me, "state": state, "bytes": need})

    def _admitted(self, need):
        """Whether it is this session's turn and it fits beside those that run; then it runs."""
        with self._ledger() as entries:
            waiting = [each for each in entries if each["state"] == "waiting"]
            taken = [each["bytes"] for each in entries if each["state"] == "running"]
            if not waiting or not self._is_mine(waiting[0]) or (taken and sum(taken) + need > self.budget):
                return False
            waiting[0]["state"] = "running"
            return True

    def _is_mine(self, entry):
        return all(entry[name] == value for name, value in self._me.items())

    @contextlib.contextmanager
    def _ledger(self):
        """The places, to be changed by one process at a time."""
        with self._lock:
            try:
                entries = json.loads(self._file.read_text(encoding="utf-8"))
                entries = [each for each in entries if _lives(each)]
            except (OSError, ValueError, KeyError, TypeError):  # none yet, or half of one after a crash
                entries = []
            yield entries
            write_text(self._file, json.dumps(entries))  # beside, then renamed: others read it at any time


def _lives(entry):
    try:
        return abs(psutil.Process(entry["pid"]).create_time() - entry["born"]) < 1
    except psutil.Error:
        return False


def _shared_file():
    """A file of this user on this machine, whose processes have its memory in common."""
    folder = Path(tempfile.gettempdir())
    with contextlib.suppress(OSError, RuntimeError):  # there may be no home, or none that can be written to
        folder = platformdirs.user_cache_path("nst_utils", appauthor=False)
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        folder = Path(tempfile.gettempdir())
    return folder / f"studio-{_user()}-{platform.node() or 'here'}.json"


def _user():
    with contextlib.suppress(Exception):  # there may be a number without a name, as in containers
        return getpass.getuser()
    return "user"

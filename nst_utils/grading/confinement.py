"""The kernel of a submission in a place of its own: what it may read, write, reach and use up.

Its folder is a copy, its home is empty, and its environment has no more than a kernel needs; memory and processes are
limited. With bubblewrap (`bwrap`) it sees nothing of the course but this copy, can write nowhere else, has no network,
and all its processes end with it. Without, the limits hold, but a submission can do what its user can.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
import zmq
from jupyter_client.manager import AsyncKernelManager

from nst_utils.base.types import AnyPath
from nst_utils.grading.launch import GROUPS, group_name

_LAUNCH = Path(__file__).with_name("launch.py")
_PACKAGE = Path(__file__).resolve().parents[1]
# Of the grader's environment the kernel sees these, and those that begin so.
_KEPT = {"PATH", "LANG", "LANGUAGE", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "NBGRADER_EXECUTION"}
_KEPT |= {"LD_LIBRARY_PATH", "NST_WEIGHTS", "SYSTEMROOT"}
_KEPT_BEGINNINGS = ("LC_", "TF_", "OMP_", "MKL_", "OPENBLAS_")
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/sys", "/nix", "/run/current-system")
_BWRAP = ("--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev")
# Bytes of a file, and of all files in memory, that a submission may write.
_FILE = 500_000_000
# Bytes of one message of the kernel's.
_MESSAGE = 100_000_000
# Processes and their threads, of which TensorFlow has some for each core.
_TASKS = 1024
_PREFIX = "nst-grade-"


@functools.cache
def bubblewrap() -> str | None:
    """The path of bwrap where it is installed and works here; else None."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    trial = [program, "--ro-bind", "/", "/", *_BWRAP, "true"]
    done = subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return program if done.returncode == 0 else None


def account(sandbox: str = "auto") -> str:
    """A sentence on what holds a submission back on this machine."""
    if sandbox != "none" and bubblewrap():
        return "Submissions are confined by bubblewrap: no network, nothing to write to but a copy of their folder."
    return (
        "Submissions are NOT confined: they can read and write what you can, and reach the network. Install bubblewrap "
        "(the package of that name in most Linux distributions), or grade in a container."
    )


class Place:
    """A temporary folder with the copy of a submission, a home and the kernel's sockets; gone when it is closed."""

    def __init__(
        self, submission: AnyPath | None, memory: int, sandbox: str = "auto", hidden: Iterable[Path] = ()
    ) -> None:
        """submission: the folder to copy; memory: bytes of each process; hidden: files and folders it is not to see."""
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_short_folder()))
        self.work, self.home = self.folder / "work", self.folder / "home"
        self.memory, self._hidden = memory, hidden
        self._bwrap = bubblewrap() if sandbox != "none" else None
        self.home.mkdir()
        # Links in a submission would be followed by the copying, out of its folder.
        shutil.copytree(submission, self.work, ignore=_links) if submission else self.work.mkdir()
        _give_font_list(self.home)

    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_KEPT_BEGINNINGS)
        }
        # Its own memory of modules is written nowhere; no GPU: two submissions would share its memory.
        home = str(self.home)
        return kept | {"HOME": home, "TMPDIR": home, "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}

    def command(self, kernel: list[str]) -> list[str]:
        """The command that starts the kernel's command here."""
        if os.name != "posix":
            return kernel
        settings = {"memory": self.memory, "file": _FILE, "tasks": _TASKS, "own_users": bool(self._bwrap)}
        return [sys.executable, "-I", str(_LAUNCH), json.dumps(settings), *self._sandbox(), *kernel]

    def _sandbox(self) -> list[str]:
        if not self._bwrap:
            return []
        modules = [*sys.path, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        seen = [*_SYSTEM, sys.prefix, sys.base_prefix, str(_PACKAGE)]
        seen += [path for path in modules if path and not self._is_around_the_course(Path(path).resolve())]
        seen += [path for path in [os.environ.get("NST_WEIGHTS", "")] if path]
        # The solutions of a checkout lie beside the package.
        hidden = [path.resolve() for path in map(Path, [_PACKAGE.parent / "notebooks", *self._hidden]) if path.exists()]
        masks = [
            part for path in hidden
            for part in (("--tmpfs", str(path)) if path.is_dir() else ("--ro-bind", "/dev/null", str(path)))
        ]
        small = ["--size", str(_FILE), "--tmpfs"]
        own = ["--bind", str(self.folder), str(self.folder), "--chdir", str(self.work)]
        return [self._bwrap, *_BWRAP, *small, "/tmp", *small, "/dev/shm", *_bound(seen), *masks, *own]

    def _is_around_the_course(self, folder: Path) -> bool:
        """Whether a folder of modules, but for the package's own, holds what is hidden, and so the course around it."""
        return folder != _PACKAGE.parent and any(Path(one).resolve().is_relative_to(folder) for one in self._hidden)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class ConfinedKernelManager(AsyncKernelManager):
    """Starts its kernel in a Place, to which it speaks through sockets in that folder, not through the network."""

    place: Place

    def settle(self, place: Place) -> None:
        self.place = place
        self.connection_file = str(place.folder / "kernel.json")
        if hasattr(os, "fork") and zmq.has("ipc"):
            self.transport, self.ip = "ipc", str(place.folder / "ipc")
        # A message that is larger ends the connection, before there is memory for it.
        self.context.setsockopt(zmq.MAXMSGSIZE, _MESSAGE)

    async def _async_pre_start_kernel(self, **options: Any) -> Any:
        options |= {"cwd": str(self.place.work), "env": self.place.environment()}
        return await super()._async_pre_start_kernel(**options)

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        return self.place.command(super().format_kernel_cmd(extra_arguments))

    @property
    def process(self) -> psutil.Process | None:
        """The process that was started, as psutil sees it; None where it has ended."""
        with contextlib.suppress(psutil.Error, AttributeError, TypeError):
            provisioner: Any = self.provisioner
            return psutil.Process(provisioner.pid)
        return None


class Watch:
    """Looks at a kernel and all its processes several times a second: what they use, and whether it is too much."""

    INTERVAL = 0.2

    def __init__(self, process: psutil.Process, memory: int, processes: int = 200) -> None:
        self._process, self._memory, self._processes = process, memory, processes
        self.excess, self._over = "", threading.Event()
        self._gone: dict[int, float] = {}
        self.start()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Begin a new account: of the peak of memory in bytes, and of seconds."""
        self.peak, self._begun, self._computed = 0, time.monotonic(), self._cpu()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    @property
    def computed(self) -> float:
        """Seconds of processors since the start, of all processes and their threads."""
        return max(0.0, self._cpu() - self._computed)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            return [self._process, *self._process.children(recursive=True)]
        return []

    def _cpu(self) -> float:
        for one in self._family():
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                self._gone[one.pid] = times.user + times.system
        # Of those that have ended, what they had used when they were last seen.
        return sum(self._gone.values())

    def _look_on(self) -> None:
        while not self._over.wait(self.INTERVAL):
            family = self._family()
            used = 0
            for one in family[: self._processes + 1]:
                with contextlib.suppress(psutil.Error):
                    # Forked processes share most of what is resident in each.
                    used += one.memory_info().rss if len(family) < 5 else one.memory_full_info().pss
            self.peak = max(self.peak, used)
            if len(family) > self._processes:
                self.excess = f"more processes at a time than a submission may have ({self._processes})"
            elif used > self._memory:
                self.excess = f"more memory than a submission may ({self._memory / 1e9:.3g} GB)"
            if self.excess:
                end(self._process)
                return


def end(process: psutil.Process) -> None:
    """Kill a process with all that it has started, those included that have left its group."""
    for _ in range(20):
        family = []
        with contextlib.suppress(psutil.Error):
            family = [process, *process.children(recursive=True)]
        alive = [one for one in family if _is_alive(one)]
        if not alive:
            return
        for one in alive:  # from the top: with bubblewrap, the rest ends with it
            with contextlib.suppress(psutil.Error, OSError):
                one.kill()


def leave_group(process: int) -> None:
    """Remove the control group of a process that has ended with all that it started."""
    for folder in GROUPS:
        with contextlib.suppress(OSError):
            os.rmdir(os.path.join(folder, group_name(process)))


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _bound(paths: Iterable[str]) -> list[str]:
    """The options that show these files and folders where they are, and where links say that they are."""
    real = list(dict.fromkeys(os.path.realpath(path) for path in paths))
    named = dict.fromkeys(os.path.abspath(path) for path in paths)
    # A link inside a folder that is shown is there with it.
    links = [path for path in named if path not in real and not any(path.startswith(f"{one}/") for one in real)]
    pairs = [(path, path) for path in sorted(real)] + [(os.path.realpath(path), path) for path in links]
    return [part for pair in pairs if os.path.exists(pair[0]) for part in ("--ro-bind", *pair)]


def clear_up() -> None:
    """Remove the places of gradings that were killed, and the control groups that nobody is in any more."""
    for folder in Path(_short_folder() or tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        number = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdigit() and not psutil.pid_exists(int(number)) and folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
    for group in (path for folder in GROUPS for path in Path(folder).glob(group_name("*"))):
        with contextlib.suppress(OSError):  # one that is in use stays
            group.rmdir()


def _short_folder() -> str | None:
    """Where the path of a socket stays short enough."""
    return "/tmp" if os.path.isdir("/tmp") and os.access("/tmp", os.W_OK) else None


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if os.path.islink(os.path.join(folder, name))]


def _give_font_list(home: Path) -> None:
    """matplotlib would take seconds to find the fonts anew."""
    with contextlib.suppress(Exception):
        import matplotlib

        target = home / ".cache" / "matplotlib"
        target.mkdir(parents=True)
        for path in Path(matplotlib.get_cachedir()).glob("fontlist*.json"):
            shutil.copy(path, target)

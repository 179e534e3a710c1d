"""What this machine has, and what the process took of it: memory and time."""

import contextlib
import os
import sys
import time
from pathlib import Path

import psutil

from nst_utils.base.errors import InputError

# Bytes without which TensorFlow cannot even be imported.
LEAST_MEMORY = 500_000_000
# Addresses that TensorFlow takes beside the memory that it uses, measured with ulimit -v (Linux, 2 cores).
ADDRESSES, ADDRESSES_PER_CORE = 1_400_000_000, 100_000_000


def machine_memory() -> int:
    """Bytes of memory that this process may have: the machine's, or what a container, a job or a shell limits it to."""
    return min([psutil.virtual_memory().total, *_group_limits(), *_address_limits()])


def check_memory() -> None:
    """Raise InputError where TensorFlow could not even be imported, which would end the program without a word."""
    memory = machine_memory()
    if memory < LEAST_MEMORY:
        raise InputError(
            f"This program may use only {memory / 1e9:.1f} GB of memory, and TensorFlow alone takes "
            f"{LEAST_MEMORY / 1e9:.1f} GB: raise what the system allows it."
        )


def _group_limits(groups: str = "/proc/self/cgroup", root: str = "/sys/fs/cgroup") -> list[int]:
    """The limits of the control groups that the process is in, and of those around them (Linux)."""
    found = []
    with contextlib.suppress(OSError, ValueError):  # another system
        for line in Path(groups).read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "memory" not in controllers.split(","):
                continue
            top, name = (Path(root, "memory"), "memory.limit_in_bytes") if controllers else (Path(root), "memory.max")
            own = top / path.strip("/")
            for folder in [own, *own.parents]:
                if folder.is_relative_to(top):
                    with contextlib.suppress(OSError, ValueError):  # out of the container's sight, or the word "max"
                        found.append(int((folder / name).read_text()))
    return found


def _address_limits() -> list[int]:
    """What `ulimit -v` leaves for data, once the program, its threads and its arenas have their addresses."""
    try:
        import resource
    except ImportError:  # Windows
        return []
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return []
    return [max(0, limit - ADDRESSES - ADDRESSES_PER_CORE * (os.cpu_count() or 1))]


def peak_memory_mb() -> float:
    """The most memory, in MB, that the process has had resident."""
    try:
        import resource
    except ImportError:  # Windows keeps the figure elsewhere
        return psutil.Process().memory_info().peak_wset / 1e6  # type: ignore[attr-defined]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def seconds_since_start() -> float:
    """How long this process has been running, and its user waiting, imports included."""
    try:
        # As the kernel counts it, to a hundredth of a second; psutil's figure is off by up to a second.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):  # another system than Linux
        return time.time() - psutil.Process().create_time()

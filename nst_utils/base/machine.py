"""What this machine has, and what the process took of it: memory and time."""

import contextlib
import os
import sys
import time
from pathlib import Path

import psutil


def machine_memory():
    """Bytes of memory that this process may have: the machine's, or what its container is limited to."""
    total = psutil.virtual_memory().total
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # no such file, or the word "max"
            total = min(total, int(Path(limit).read_text()))
    return total


def peak_memory_mb():
    """The most memory, in MB, that the process has had resident."""
    try:
        import resource
    except ImportError:  # Windows keeps the figure elsewhere
        return psutil.Process().memory_info().peak_wset / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def seconds_since_start():
    """How long this process has been running, and its user waiting, imports included."""
    try:
        # As the kernel counts it, to a hundredth of a second; psutil's figure is off by up to a second.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):  # another system than Linux
        return time.time() - psutil.Process().create_time()

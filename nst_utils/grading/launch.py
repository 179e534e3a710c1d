"""Starts the kernel of a submission with the limits of the operating system: python -I launch.py SETTINGS COMMAND ...

A script of its own, without any import of the package: what is set here stays set for the command, which takes this
process's place. SETTINGS, as JSON: "memory", bytes of one process; "processes"; "file", bytes of one file.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys

_DIE_WITH_PARENT = 1


def main(settings, *command):
    settings = json.loads(settings)
    # Address space is reserved by far more than is used; what counts is the data.
    _limit(resource.RLIMIT_DATA, settings["memory"])
    _limit(resource.RLIMIT_AS, 4 * settings["memory"])
    _limit(resource.RLIMIT_FSIZE, settings["file"])
    _limit(resource.RLIMIT_CORE, 0)
    if settings["processes"]:
        _limit(resource.RLIMIT_NPROC, settings["processes"])
    with contextlib.suppress(OSError, AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    # An interruption is for the kernel, which takes it up again, and not for what stands around it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.pop("JPY_PARENT_PID", None)
    os.execvp(command[0], command)


def _limit(which, most):
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(which, (most, most))


if __name__ == "__main__":
    main(*sys.argv[1:])

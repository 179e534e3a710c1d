"""Starts the kernel of a submission with the limits of the operating system: python -I launch.py SETTINGS COMMAND ...

A script of its own, without any import of the package: what is set here stays set for the command, which takes this
process's place. SETTINGS, as JSON: "memory", bytes of one process, and where the system lets us, of all of them;
"tasks", processes and their threads; "own_users", whether the command counts those by itself; "file", bytes of one
file. Not for Windows.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys

_DIE_WITH_PARENT = 1
# Where control groups are, in their first and second version, and the files of their limits.
GROUPS = {
    "/sys/fs/cgroup/pids": {"pids.max": "tasks"},
    "/sys/fs/cgroup/memory": {"memory.limit_in_bytes": "memory"},
    "/sys/fs/cgroup": {"pids.max": "tasks", "memory.max": "memory"},
}


def main(settings, *command):
    if os.name == "nt":  # where others import this module
        raise SystemExit("Windows has none of these limits.")
    import resource

    def limit(which, most):
        _, hard = resource.getrlimit(which)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))

    settings = json.loads(settings)
    # Address space is reserved by far more than is used; what counts is the data.
    limit(resource.RLIMIT_DATA, settings["memory"])
    limit(resource.RLIMIT_AS, 4 * settings["memory"])
    limit(resource.RLIMIT_FSIZE, settings["file"])
    limit(resource.RLIMIT_CORE, 0)
    if settings["own_users"]:
        limit(resource.RLIMIT_NPROC, settings["tasks"])
    _join_group(settings["memory"], settings["tasks"])
    with contextlib.suppress(OSError, AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    # An interruption is for the kernel, which takes it up again, and not for what stands around it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.pop("JPY_PARENT_PID", None)
    os.execvp(command[0], command)


def group_name(process):
    """Of the control group of a process that was started here, and of all that it starts."""
    return f"nst-grade-{process}"


def _join_group(memory, tasks):
    """Limit all processes together, in a control group: of Linux, and for its superuser only, whom the rest spares."""
    for folder, limits in GROUPS.items():
        group = os.path.join(folder, group_name(os.getpid()))
        with contextlib.suppress(OSError):
            if os.geteuid() or not os.path.exists(os.path.join(folder, "cgroup.procs")):
                continue
            os.mkdir(group)
            for file, value in (*((file, {"memory": memory, "tasks": tasks}[of]) for file, of in limits.items()),
                                ("cgroup.procs", os.getpid())):
                with open(os.path.join(group, file), "w") as opened:
                    opened.write(str(value))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The command as a process of its own: `nst`, or `python -m nst_utils.cli`."""

import atexit
import os
import sys

from nst_utils.cli import main


def run() -> None:
    """main(), and then the end at once: to take TensorFlow apart, Python needs half a second of the user's time."""
    status: str | int | None = 0
    try:
        main()
    except SystemExit as stop:
        status = stop.code
    if not isinstance(status, (int, type(None))):
        sys.exit(status)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


if __name__ == "__main__":
    run()

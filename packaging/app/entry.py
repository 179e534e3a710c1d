"""The application's one executable: the command `nst`, and the Python that its own subprocesses ask for.

The studio's server starts a kernel, and the notebooks' pages a converter, as `sys.executable -m MODULE ...`. In the
application, sys.executable is this program; so it runs the two modules that are asked for in that way.
"""

import os
import runpy
import sys

MODULES = ("ipykernel_launcher", "nbconvert")


def asked_module(arguments):
    """(module, its arguments) of `-X... -m MODULE ...`; None where the arguments are a user's."""
    rest = [*arguments]
    while rest and rest[0].startswith("-X"):
        del rest[0]
    return (rest[1], rest[2:]) if rest[:1] == ["-m"] and rest[1:2] and rest[1] in MODULES else None


def give_back_library_path(inside):
    """Let what is started from here, such as a browser, find its own libraries instead of those in here."""
    if os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)[0] == inside:
        original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
        if original is None:
            del os.environ["LD_LIBRARY_PATH"]
        else:
            os.environ["LD_LIBRARY_PATH"] = original


def main():
    give_back_library_path(getattr(sys, "_MEIPASS", None))
    # Of all Jupyters on the machine, the one in here: another's kernel `python3` knows nothing of this program.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    asked = asked_module(sys.argv[1:])
    if asked:
        sys.argv[1:] = asked[1]
        runpy.run_module(asked[0], run_name="__main__", alter_sys=True)
    else:
        from nst_utils.cli.__main__ import run

        run()


if __name__ == "__main__":
    main()

"""Builds the application: a folder with the command `nst` in it, which runs on a machine without Python.

    python packaging/build_app.py    dist/nst, of which dist/nst/nst (on Windows nst.exe) is the command

It is built for the system and the kind of processor that it is built on, from an environment of its own, with
TensorFlow for processors alone where there is such a one. packaging/app/nst.spec says what is left out, and
build/app/sizes.json how much that is.
"""

import json
import os
import shutil
import subprocess
import sys

from repository import ROOT, tomllib

BUILD, APP = ROOT / "build" / "app", ROOT / "dist" / "nst"
# TensorFlow without what only GPUs need; it has a name of its own where both are to be had.
WITHOUT_GPU = {"linux": "tensorflow-cpu"}.get(sys.platform, "tensorflow")
# Beside the studio's extra: what builds it.
BUILDER = "pyinstaller>=6.11"


def requirements():
    """What the application's packages are, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["studio"]]
    return [line.replace("tensorflow>", f"{WITHOUT_GPU}>") for line in lines]


def make_environment(folder):
    """A new virtual environment with these packages and the builder; its Python."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = shutil.which("uv", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]))
    shutil.rmtree(folder, ignore_errors=True)
    if uv:
        _run(uv, "venv", "--quiet", "--python", sys.executable, folder)
        install = [uv, "pip", "install", "--quiet", "--python", python]
    else:
        _run(sys.executable, "-m", "venv", folder)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(*install, *requirements(), BUILDER)
    _run(*install, "--no-deps", ROOT)
    return python


def strip_symbols(folder):
    """Take from TensorFlow's libraries the names that only a debugger reads: bytes saved. Nothing without `strip`."""
    strip = shutil.which("strip")
    libraries = [path for path in folder.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    before = sum(path.stat().st_size for path in libraries)
    if strip and sys.platform == "linux":
        for path in libraries:
            _run(strip, "--strip-unneeded", path)
    return before - sum(path.stat().st_size for path in libraries)


def size(folder):
    """Bytes of the files below a folder, each once."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def main():
    print("Building the application (some minutes, most of them for its environment) ...", flush=True)
    python = make_environment(BUILD / "environment")
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    # Not from the checkout, whose package would come before the installed one that has its pictures with it.
    _run(
        python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", "--distpath", APP.parent,
        "--workpath", BUILD, ROOT / "packaging" / "app" / "nst.spec", env=variables, cwd=BUILD,
    )
    sizes = json.loads((BUILD / "left_out.json").read_text(encoding="utf-8"))
    sizes["symbols of TensorFlow's libraries"] = round(strip_symbols(APP / "_internal" / "tensorflow") / 1e6)
    shutil.rmtree(BUILD / "environment")
    told = {"megabytes": round(size(APP) / 1e6), "megabytes_left_out": sizes}
    (BUILD / "sizes.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(f"{APP.relative_to(ROOT)} has {told['megabytes']} MB; {sum(sizes.values())} MB were left out")


def _run(*command, **options):
    done = subprocess.run([str(word) for word in command], **{"cwd": ROOT, **options})
    if done.returncode:
        sys.exit(f"This failed with exit status {done.returncode}: {' '.join(map(str, command))}")


if __name__ == "__main__":
    main()

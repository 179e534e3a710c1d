"""Tries a wheel as its user gets it: installed alone into a new environment, used in an empty folder.

    python packaging/try_wheel.py dist/nst_utils-0.1.0-py3-none-any.whl

`nst doctor`, `nst demo` and `nst course` run with what the wheel itself brings; then Jupyter's kernel is added, and the
course's first notebook runs: the solution edition whole, the student edition up to its first exercise. What was seen is
written to packaging/last_try.json. It takes a few minutes, most of them for installing TensorFlow.
"""

import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULT = Path(__file__).with_name("last_try.json")
FIRST = "01_transfer_learning_with_vgg19.ipynb"
RUN_NOTEBOOK = """
import sys
import nbformat
from nbclient import NotebookClient

path, may_fail = sys.argv[1], sys.argv[2] == "student"
notebook = nbformat.read(path, as_version=4)
NotebookClient(notebook, timeout=300, allow_errors=may_fail, resources={"metadata": {"path": sys.argv[3]}}).execute()
failed = [out.ename for cell in notebook.cells for out in cell.get("outputs", []) if out.output_type == "error"]
assert failed[:1] == (["NotImplementedError"] if may_fail else []), failed
print(sum(cell.cell_type == "code" for cell in notebook.cells))
"""


class Environment:
    """A new virtual environment and an empty folder to work in, with nothing of this process's Python around."""

    def __init__(self, folder):
        self.work = folder / "empty"
        self.work.mkdir()
        self.python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.variables = {
            name: value for name, value in os.environ.items()
            if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "NST_WEIGHTS")
        }
        uv = shutil.which("uv", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]))
        make = [uv, "venv", "--quiet", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
        self._run(*make, folder / "venv")
        self._install = [uv, "pip", "install", "--quiet", "--python", self.python] if uv else [
            self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"
        ]

    def install(self, *packages):
        self._run(*self._install, *packages)

    def nst(self, *arguments):
        return self._run(self.python.with_name("nst"), *arguments)

    def run(self, script, *arguments):
        return self._run(self.python, "-c", script, *arguments)

    def _run(self, *command):
        began = time.monotonic()
        done = subprocess.run(
            [str(word) for word in command], cwd=self.work, env=self.variables, stdout=subprocess.PIPE, text=True
        )
        print(f"{time.monotonic() - began:6.1f} s  {' '.join(map(_short, command))}", flush=True)
        if done.returncode:
            sys.exit(f"This failed with exit status {done.returncode}:\n{done.stdout}")
        return done.stdout


def try_wheel(wheel, folder):
    """What the wheel did in a new environment below the folder, as plain data."""
    began = time.monotonic()
    place = Environment(folder)
    place.install(wheel)
    installed = time.monotonic() - began
    place.nst("doctor", "painting")
    told = place.nst("demo")
    width, height = map(int, place.run("from PIL import Image; print(*Image.open('demo.png').size)").split())
    assert str(place.work.resolve() / "demo.png") in told, told
    place.nst("course", "course", "--solutions")
    place.install("nbclient", "ipykernel")
    cells = {}
    for edition, path in (("student", FIRST), ("solution", f"solutions/{FIRST}")):
        whole = place.work / "course" / path
        cells[edition] = int(place.run(RUN_NOTEBOOK, whole, edition, whole.parent))
    return {
        "wheel": wheel.name,
        "megabytes": round(wheel.stat().st_size / 1e6, 1),
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "system": platform.system(),
        "seconds_to_install": round(installed),
        "seconds_in_all": round(time.monotonic() - began),
        "demo": [width, height],
        "cells_of_the_first_notebook": cells,
    }


def _short(word):
    return "..." if "\n" in str(word) else Path(word).name if os.sep in str(word) else str(word)


def main():
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("Name one wheel, which `make wheel` writes to dist: python packaging/try_wheel.py WHEEL")
    with tempfile.TemporaryDirectory(prefix="nst-wheel-", ignore_cleanup_errors=True) as folder:
        seen = try_wheel(Path(sys.argv[1]).resolve(), Path(folder))
    RESULT.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main()

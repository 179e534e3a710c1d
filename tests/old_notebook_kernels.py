"""Runs the old notebooks of tests/old_notebooks, each in a kernel and a folder of its own."""

import io
import re
import shutil
from pathlib import Path

import jupytext
import nbformat
import numpy as np
from nbclient import NotebookClient

OLD = Path(__file__).parent / "old_notebooks"
SOURCES = {path.stem: path for path in sorted(OLD.rglob("*.py")) if path.name != "nst_utils.py"}
# What the course printed, in the notebooks that have its test cells: name -> numbers after it.
GRAM = [
    *[6.42230511, -4.42912197, -2.09668207],
    *[-4.42912197, 19.46583748, 19.56387138],
    *[-2.09668207, 19.56387138, 20.6864624],
]
PUBLISHED = {
    "as_published": {"J_content": [6.76559], "GA": GRAM, "J_style_layer": [9.19028], "J": [35.34667875478276]},
    "numpy_in_graph": {"J_content": [6.76559], "J_style_layer": [9.19028]},
    "session_as": {"J_style_layer": [9.19028]},
    "compat_by_hand": {"J_content": [6.76559]},
    "tf2_course": {"compute_content_cost": [7.0568767], "compute_layer_style_cost": [14.0178]},
}
_NUMBER = r"-?\d+\.?\d*(?:e[+-]?\d+)?"


def write_old(name, folder):
    """The notebook of that name in a folder, as it was found, with its own helper file if it has one; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    if (helper := SOURCES[name].with_name("nst_utils.py")).is_file():
        shutil.copy(helper, folder)
    notebook = jupytext.read(SOURCES[name], fmt="py:percent")
    notebook.metadata["kernelspec"] = {"name": "tensorflow_env", "display_name": "Python [conda env]"}
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def execute(path):
    """The notebook in a file, executed to its last cell where it lies; raises what its first failing cell raised."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources=resources).execute()
    return notebook


def execute_cells(cells, folder):
    """A notebook of these cells, executed in a folder."""
    folder.mkdir(exist_ok=True)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / "x.ipynb")
    return execute(folder / "x.ipynb")


def printed(notebook):
    """What all cells printed."""
    out = io.StringIO()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stdout":
                out.write(output.text)
    return out.getvalue()


def assert_published_values(name, text):
    """The numbers that the course printed stand in the text, after their names."""
    for quantity, expected in PUBLISHED.get(name, {}).items():
        found = re.search(rf"^{quantity} ?[:=]+ ?([-\d.e+\s\[\],]+)", text, re.MULTILINE)
        assert found, f"{quantity} was not printed"
        numbers = [float(number) for number in re.findall(_NUMBER, found[1])][: len(expected)]
        np.testing.assert_allclose(numbers, expected, rtol=1e-3, err_msg=quantity)


def assert_it_did_its_work(name, text):
    """Every notebook that says whether its cost fell says that it did, and none of its lines is empty of meaning."""
    assert "falling: False" not in text
    source = SOURCES[name].read_text()
    assert text.count("falling: True") == source.count('"falling:"') + source.count("'falling:'")

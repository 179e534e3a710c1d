"""Write both editions of the notebooks from their one source, notebooks/source/*.py.

    python notebooks/editions.py                 write what has changed since it was last written
    python notebooks/editions.py 03_style_matrix only this notebook
    python notebooks/editions.py --force         execute again, changed or not
    python notebooks/editions.py --check         is every edition up to date? Writes and executes nothing

The student edition is what nbgrader's own preprocessors make of the source: answers cut out, checks locked.
The solution edition is the source as it stands, executed. It keeps the marks around each answer, which show
the reader which lines an exercise asks for.

Two tags in a source are this script's own. A cell tagged `student-only` is left out of the solution edition.
The picture that a cell tagged `expected:NAME` draws is shown to the student where the text has
`![what it shows](expected/NAME.jpg)`: it is taken from the solution edition and kept inside the notebook, so
that it is there on every machine that the notebook is copied to.
"""

import argparse
import base64
import hashlib
import io
import re
import sys
import time
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert.exporters import NotebookExporter
from nbgrader.converters import GenerateAssignment
from PIL import Image
from traitlets.config import Config

from nst_utils.base.files import write_text

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "packaging"))

from repository import colab_cell  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
EDITIONS = {
    "student": "*Student edition: your answers go where a cell says `# YOUR CODE HERE`.*",
    "solution": "*Solution edition: with every answer, and with the output of every cell.*",
}
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_CELL_TIMEOUT = 300  # seconds; the notebooks promise less than two minutes in all
_EXPECTED = re.compile(r"\]\(expected/(\w+)\.jpg\)")
_LARGEST_PNG = 40_000  # bytes; a larger picture is stored as JPEG


def find_sources(names=(), folder=NOTEBOOKS):
    """The source files, in the course's order: all of them, or those named by file name without extension."""
    found = {path.stem: path for path in sorted((folder / "source").glob("*.py"))}
    unknown = sorted(set(names) - set(found))
    if unknown:
        sys.exit(f"No source for {', '.join(unknown)}: there are {', '.join(found)}.")
    return [path for stem, path in found.items() if not names or stem in names]


def edition_path(source, edition):
    """Where an edition of a source goes: beside the source folder, or in solutions/."""
    folder = source.parent.parent
    return (folder / "solutions" if edition == "solution" else folder) / f"{source.stem}.ipynb"


def with_answers(source, edition):
    """The source as a notebook: every answer in place, not executed, its edition named under the title.

    The pictures in the student edition are those of the solution edition on disk, which comes first.
    """
    notebook = jupytext.read(source, fmt="py:percent")
    _add_colab_cell(notebook)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": _KERNEL, "nst_utils": {"edition": edition, "source_sha256": digest}}
    )
    notebook.nbformat_minor = 5
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(EDITIONS[edition]))
    if edition == "solution":
        notebook.cells = [cell for cell in notebook.cells if "student-only" not in _tags(cell)]
    else:
        _attach_expected_pictures(notebook, edition_path(source, "solution"))
    _give_lasting_ids(notebook)
    return notebook


def _add_colab_cell(notebook):
    """Before the first code, where the repository has an address: the cell that installs the package on Colab."""
    if source := colab_cell():
        first = next(number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code")
        notebook.cells.insert(first, nbformat.v4.new_code_cell(source))


def student_edition(source):
    """What `nbgrader generate_assignment` makes of the source, without its entry in a gradebook."""
    exporter = NotebookExporter(config=Config({"SaveCells": {"enabled": False}}))
    for preprocessor in GenerateAssignment().preprocessors:
        exporter.register_preprocessor(preprocessor)
    text, _ = exporter.from_notebook_node(with_answers(source, "student"))
    return nbformat.reads(text, as_version=4)


def solution_edition(source):
    """The source, executed from top to bottom in the folder where the solution is kept."""
    notebook = with_answers(source, "solution")
    folder = edition_path(source, "solution").parent
    folder.mkdir(exist_ok=True)
    NotebookClient(
        notebook,
        timeout=_CELL_TIMEOUT,
        record_timing=False,
        extra_arguments=["--log-level=40"],  # errors only: no notes on the transport
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    # The exact version of Python and the state of live widgets differ from run to run, and say nothing.
    notebook.metadata.language_info = {"name": "python", "file_extension": ".py"}
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            _shrink_picture(output)
    if str(ROOT) in nbformat.writes(notebook):
        raise RuntimeError(f"{source.name}: an output names this machine's folder {ROOT}.")
    return notebook


def is_current(source, edition):
    """Whether an edition is there and follows from its source; its outputs are not looked at."""
    path = edition_path(source, edition)
    if not (path.exists() and edition_path(source, "solution").exists()):
        return False
    expected = student_edition(source) if edition == "student" else with_answers(source, "solution")
    return _without_outputs(nbformat.read(path, as_version=4)) == _without_outputs(expected)


def build(source, force=False):
    """Write the editions of a source that do not follow from it; the names of those that were written."""
    written = []
    for edition, make in (("solution", solution_edition), ("student", student_edition)):
        if force or not is_current(source, edition):
            write_text(edition_path(source, edition), nbformat.writes(make(source)) + "\n")
            written.append(edition)
    return written


def _without_outputs(notebook):
    """What an edition takes from its source: all of it but what executing it adds."""
    added = {"outputs", "execution_count"}
    cells = [{key: cell[key] for key in cell.keys() - added} for cell in notebook.cells]
    return {**notebook.metadata, "language_info": None}, cells


def _attach_expected_pictures(notebook, solution_path):
    """Put the pictures that the text links to as expected/NAME.jpg into the cells that show them."""
    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    showing = [cell for cell in texts if _EXPECTED.search(cell.source)]
    if not showing:
        return
    drawn = {
        tag.removeprefix("expected:"): _picture(cell)
        for cell in nbformat.read(solution_path, as_version=4).cells
        for tag in _tags(cell)
        if tag.startswith("expected:")
    }
    for cell in showing:
        cell.attachments = {name: drawn[name] for name in _EXPECTED.findall(cell.source)}
        cell.source = _EXPECTED.sub(r"](attachment:\1)", cell.source)


def _picture(cell):
    """The last picture among a cell's outputs, {type: base64 text}."""
    for output in reversed(cell.outputs):
        for kind in ("image/png", "image/jpeg"):
            if kind in output.get("data", {}):
                return {kind: output.data[kind]}
    raise ValueError(f"This cell is to draw an expected picture, and draws none:\n{cell.source}")


def _tags(cell):
    return cell.metadata.get("tags", [])


def _give_lasting_ids(notebook):
    """Name each cell after its text, so that a rebuilt notebook differs only where its source does."""
    seen = Counter()
    for cell in notebook.cells:
        cell.metadata.pop("lines_to_next_cell", None)  # about the layout of the source
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        cell.id = f"{digest}-{seen[digest]}" if seen[digest] else digest
        seen[digest] += 1


def _shrink_picture(output):
    """Store a large picture as JPEG, at its full size: a fifth of the bytes, and text stays readable."""
    png = output.get("data", {}).get("image/png")
    if png is None or len(png) * 3 // 4 <= _LARGEST_PNG:
        return
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB").save(jpeg, "JPEG", quality=88, optimize=True)
    del output.data["image/png"]
    output.data["image/jpeg"] = base64.b64encode(jpeg.getvalue()).decode()


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Write the editions of the notebooks from their source.")
    parser.add_argument("names", nargs="*", help="notebooks to build, without extension (all of them)")
    parser.add_argument("--force", action="store_true", help="execute again what has not changed")
    parser.add_argument("--check", action="store_true", help="only say what is out of date")
    options = parser.parse_args(arguments)

    chosen = find_sources(options.names)
    if options.check:
        pairs = [(source, edition) for source in chosen for edition in EDITIONS]
        stale = [edition_path(*pair).relative_to(ROOT) for pair in pairs if not is_current(*pair)]
        for path in stale:
            print(f"{path} does not follow from its source: run `make notebooks`.")
        return 1 if stale else 0
    for number, source in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {source.stem} ... ", end="", flush=True)
        started = time.monotonic()
        try:
            written = " and ".join(build(source, options.force))
        except CellExecutionError as error:
            sys.exit(f"this cell failed, so nothing was written.\n{error}")
        print(f"{written} written, {time.monotonic() - started:.0f} s" if written else "up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Write both editions of the notebooks from their one source, notebooks/source/*.py.

    python notebooks/editions.py                 write what has changed since it was last written
    python notebooks/editions.py 03_style_matrix only this notebook
    python notebooks/editions.py --force         execute again, changed or not
    python notebooks/editions.py --check         is every edition up to date? Writes and executes nothing

The student edition is what nbgrader's own preprocessors make of the source: answers cut out, checks locked.
The solution edition is the source as it stands, executed. It keeps the marks around each answer, which show
the reader which lines an exercise asks for.

What a source can say besides, README.md tells under "How a notebook is made":

- a cell tagged `student-only` is left out of the solution edition, `solution-only` out of the student edition;
- above a cell `ask("NAME")` the question is written as text, and in the solution edition the answers below it;
- the picture that a cell tagged `expected:NAME` draws is shown to the student where the text has
  `![what it shows](expected/NAME.jpg)`, and `![what it shows](diagrams/NAME.png)` shows one of notebooks/diagrams;
  both are kept inside the notebook, so that they are there on every machine that it is copied to;
- a page beside the notebooks, `[words](GLOSSARY.md#gram-matrix)`, is found from solutions/, too.
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
from nst_utils.course.asking import questions

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
_LEFT_OUT = {"student": "solution-only", "solution": "student-only"}
_EXPECTED = re.compile(r"\]\(expected/(\w+)\.jpg\)")
_DIAGRAM = re.compile(r"\]\(diagrams/([\w-]+\.(?:png|jpg))\)")
_PAGE = re.compile(r"\]\((\w+\.md)\b")
_ASKING = re.compile(r"^ask\(\"([\w-]+)\"\)", re.MULTILINE)
_WIDGET = "application/vnd.jupyter.widget-view+json"
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
    notebook.cells = [cell for cell in notebook.cells if _LEFT_OUT[edition] not in _tags(cell)]
    notebook.cells = [each for cell in notebook.cells for each in _asked(cell, edition)]
    if edition == "student":
        _attach_expected_pictures(notebook, edition_path(source, "solution"))
    _attach_diagrams(notebook)
    if edition == "solution":
        for cell in _texts(notebook):
            cell.source = _PAGE.sub(r"](../\1", cell.source)
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
            # Without a kernel a widget is nothing: the picture or the words that stand beside it are shown.
            output.get("data", {}).pop(_WIDGET, None)
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
    showing = [cell for cell in _texts(notebook) if _EXPECTED.search(cell.source)]
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


def _asked(cell, edition):
    """A cell, and around one that asks a question its text, and its answers in the solution edition."""
    names = _ASKING.findall(cell.source) if cell.cell_type == "code" else []
    unknown = [name for name in names if name not in questions()]
    if unknown:
        sys.exit(f"There is no question called {unknown[0]} in nst_utils/course/questions.")
    asked = [questions()[name] for name in names]
    before = [nbformat.v4.new_markdown_cell(question.as_text()) for question in asked]
    after = [nbformat.v4.new_markdown_cell(question.answers()) for question in asked if edition == "solution"]
    return [*before, cell, *after]


def _attach_diagrams(notebook):
    """Put the pictures of notebooks/diagrams that the text shows into the cells that show them."""
    for cell in _texts(notebook):
        for name in set(_DIAGRAM.findall(cell.source)):
            kind = "image/png" if name.endswith("png") else "image/jpeg"
            data = base64.b64encode((NOTEBOOKS / "diagrams" / name).read_bytes()).decode()
            cell.attachments = {**cell.get("attachments", {}), name: {kind: data}}
        cell.source = _DIAGRAM.sub(r"](attachment:\1)", cell.source)


def linked_pages(notebook):
    """The pages beside the notebooks that a notebook's texts link to, such as GLOSSARY.md."""
    return sorted({page for cell in _texts(notebook) for page in _PAGE.findall(cell.source)})


def _texts(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


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
    if "image/png" in output.metadata:
        output.metadata["image/jpeg"] = output.metadata.pop("image/png")


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

"""An old notebook as one of today: with `%load_ext nst_utils.tf1` as its first cell, or its code rewritten."""

import importlib.util
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libcst as cst
import nbformat
from nbformat import NotebookNode

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.files import check_folder, refuse_overwriting, write_text
from nst_utils.base.types import AnyPath
from nst_utils.tf1.cells import Cell
from nst_utils.tf1.facts import Facts
from nst_utils.tf1.rewriting import Notes, Rewriter, TensorflowTables, add_seeds
from nst_utils.tf1.signs import mode_of
from nst_utils.tf1.syntax import dotted

FIRST_CELL = "%load_ext nst_utils.tf1"
HELPER = "nst_utils_today"
_WRITTEN = "# Written by `nst upgrade` from nst_utils.py."
_INSTALLS = re.compile(r"^[%!]\s*(pip\d?|conda|mamba|tensorflow_version|python\S* -m pip)\b")


@dataclass
class Report:
    """What was done: (cell number in the old notebook, Notes), and the files that were written."""

    cells: list[tuple[int | str, Notes]] = field(default_factory=list)
    general: Notes = field(default_factory=Notes)
    written: list[Path] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The report as lines of text."""

        def where(number: int | str) -> str:
            return f"cell {number}" if isinstance(number, int) else number

        for before, after in self.general.changes:
            yield f"  {before}: {after}" if before else f"  {after}"
        for number, notes in self.cells:
            for before, after in notes.shown_changes():
                yield f"  {where(number)}: {before}  ->  {after}"
        failures = [f"  {text}" for text in self.general.failures]
        failures += [f"  {where(number)}: {text}" for number, notes in self.cells for text in notes.failures]
        if failures:
            yield from ["Not done:", *failures]


def upgrade(old: AnyPath, new: AnyPath, rewrite: bool = False) -> Report:
    """Write the notebook `old` as one of today to `new`; a Report. The old one is never touched.

    rewrite: replace the calls, instead of putting the extension's cell first. Raises InputError for what cannot be
    read as a notebook, and for an output that would replace the source.
    """
    old, new = Path(old), Path(new)
    notebook = read_notebook(old)
    helper = old.parent / "nst_utils.py"
    refuse_overwriting(new, [old, helper])
    check_folder(new)
    report = Report()
    _tidy(notebook, report)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells = [Cell(cell.source) for cell in code]
    notes = [Notes() for _ in cells]
    report.cells = [(number, note) for number, note in enumerate(notes, 1)]
    for cell, note in zip(cells, notes, strict=True):
        if cell.module is None:
            note.failed("it cannot be read as Python 3 and stays as it is.")
    if rewrite:
        _rewrite(notebook, code, cells, notes, report, new.parent, helper if helper.is_file() else None)
    elif not any(FIRST_CELL in cell.source for cell in code):
        notebook.cells.insert(0, nbformat.v4.new_code_cell(FIRST_CELL))
        report.general.changed("", f"a first cell, {FIRST_CELL}, is new")
    left = [path.name for path in old.parent.iterdir() if path.suffix != ".ipynb" and not path.name.startswith(".")]
    if left and not new.parent.samefile(old.parent):
        some = ", ".join(sorted(left)[:3]) + (", ..." if len(left) > 3 else "")
        report.general.failed(f"what lies beside {old} ({some}) is not copied: the new one looks in {new.parent}.")
    _name_missing_modules(cells, report, old.parent)
    if notebook.nbformat_minor < 5:
        for cell in notebook.cells:
            cell.pop("id", None)
    write_text(new, nbformat.writes(notebook))
    report.written.insert(0, new)
    return report


def read_notebook(path: AnyPath) -> NotebookNode:
    """The notebook in a file, in the format of today; InputError for anything else."""
    if not os.path.exists(path):
        raise MissingFileError(f"The notebook {path} does not exist: check its path.")
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        return notebook
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): give the path of a notebook.") from None
    except (json.JSONDecodeError, UnicodeDecodeError, nbformat.reader.NotJSONError):
        raise InputError(f"{path} is no notebook: it must be a JSON file that ends in .ipynb.") from None
    except Exception as error:  # nbformat raises many kinds for what is JSON, but no notebook
        raise InputError(f"{path} is a damaged notebook ({type(error).__name__}): open and save it first.") from None


def _tidy(notebook: NotebookNode, report: Report) -> None:
    """Take what belongs to the machine and the day of the old notebook: its outputs and its kernel's name."""
    outputs = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if outputs:
        report.general.changed("", f"the outputs of {len(outputs)} cells are taken out: they come again when it is run")
    kernel = notebook.metadata.get("kernelspec", {}).get("name", "none")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata.pop("language_info", None)
    if kernel != "python3":
        report.general.changed("kernel", f"python3 instead of {kernel}")


def _rewrite(
    notebook: NotebookNode, code: Sequence[NotebookNode], cells: Sequence[Cell], notes: Sequence[Notes], report: Report,
    folder: Path, helper: Path | None,
) -> None:
    """Rewrite the cells for a notebook in a folder, and its own nst_utils.py, if it has one, beside it."""
    tables = TensorflowTables()
    trees = [cell.module for cell in cells if cell.module]
    facts = Facts(trees, own_helper=bool(helper))
    graph = mode_of("\n".join(tree.code for tree in trees)) != "eager"

    def exists(path: str) -> bool:
        return (folder / path).exists()

    needs, folders = dict[str, str](), set(facts.folders)
    for target, cell, note in zip(code, cells, notes, strict=True):
        if not cell.module:
            continue
        for line in cell.magics():
            if _INSTALLS.match(line):
                cell.set_magic(line, f"pass  # left out: {line}")
                note.changed(line, "(left out: it would change the packages of today)")
        rewriter = Rewriter(facts, note, tables, graph, exists, HELPER if helper else None)
        module = add_seeds(cell.module, facts, note) if graph else cell.module
        target.source = cell.source(module.visit(rewriter))
        needs |= rewriter.needs
    if helper:
        _rewrite_helper(helper, folder / f"{HELPER}.py", tables, report)
    first = _first_cell(needs, folders, graph and not _is_repaired(trees))
    if first:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
        report.general.changed("", "a first cell with what the rewritten code needs is new")


def _rewrite_helper(path: Path, target: Path, tables: TensorflowTables, report: Report) -> None:
    """Write the notebook's own nst_utils.py, rewritten, under another name, by which it hides no package."""
    notes = Notes()
    report.cells.append((path.name, notes))
    try:
        module = cst.parse_module(path.read_text(encoding="utf-8"))
    except (cst.ParserSyntaxError, UnicodeDecodeError):
        notes.failed("it cannot be read as Python 3; the notebook will miss it.")
        return
    facts = Facts([module], own_helper=True)
    rewriter = Rewriter(facts, notes, tables, True, lambda name: (path.parent / name).exists())
    module = _without_itself(module.visit(rewriter))
    if target.exists() and not target.read_text(encoding="utf-8", errors="replace").startswith(_WRITTEN):
        raise InputError(f"{target} is there already, and not written by `nst upgrade`: move it away.")
    write_text(target, "\n".join([_WRITTEN, *_imports(rewriter.needs), module.code]))
    report.written.append(target)
    report.general.changed("", f"{path.name} is rewritten to {target.name}, which the new notebook imports instead")


def _without_itself(module: cst.Module) -> cst.Module:
    """Without `from nst_utils import *`, by which many copies of the file import themselves."""

    class Remover(cst.CSTTransformer):
        def leave_ImportFrom(self, original: cst.ImportFrom, updated: cst.ImportFrom) -> Any:
            itself = isinstance(original.module, cst.Name) and original.module.value == "nst_utils"
            return cst.RemoveFromParent() if itself else updated

    return module.visit(Remover())


def _first_cell(needs: Mapping[str, str], folders: Iterable[str], graph: bool) -> str:
    lines = _imports(needs)
    if folders:
        lines.append("import os")
    if graph:
        lines += ["from nst_utils.base.tensorflow import tf, use_graph_mode", "use_graph_mode()  # sessions need it"]
    lines += [f"os.makedirs({folder!r}, exist_ok=True)" for folder in sorted(folders)]
    return "\n".join(lines)


def _imports(needs: Mapping[str, str]) -> list[str]:
    return sorted(set(needs.values()))


def _is_repaired(trees: Iterable[cst.Module]) -> bool:
    """Whether the notebook switches TensorFlow's eager mode off itself."""
    return any("disable_eager_execution" in tree.code or "disable_v2_behavior" in tree.code for tree in trees)


def _name_missing_modules(cells: Sequence[Cell], report: Report, folder: Path) -> None:
    """Say which modules the notebook imports that are not installed: it will stop there."""
    for cell, (_, notes) in zip(cells, report.cells, strict=False):
        if not cell.module:
            continue
        for name in _imported(cell.module):
            top = name.partition(".")[0]
            known = top in ("public_tests", "nst_utils", "tensorflow", "scipy") or (folder / f"{top}.py").exists()
            if not known and importlib.util.find_spec(top) is None:
                notes.failed(f"the module {top} is not installed here: the notebook needs it.")


def _imported(module: cst.Module) -> list[str]:
    class Imports(cst.CSTVisitor):
        def __init__(self) -> None:
            self.names: list[str] = []

        def visit_Import(self, node: cst.Import) -> None:
            self.names += [alias.evaluated_name for alias in node.names]

        def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
            if node.module and not node.relative:
                self.names.append(dotted(node.module))

    visitor = Imports()
    module.visit(visitor)
    return visitor.names

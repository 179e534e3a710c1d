"""What an instructor should look at, read from the sources of a class: never a deduction, always a reason."""

import ast
import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping

import nbformat
from nbformat import NotebookNode

from nst_utils.base.types import AnyPath

# What the package has of the course's formulas, by module.
_FORMULAS = ("nst_utils.engine", "nst_utils.course.graph", "nst_utils.network", "nst_utils.checks")
_WAYS_ROUND = {"importlib", "__import__", "exec", "eval", "setattr", "settrace", "setprofile", "ctypes", "inspect"}


def answers(path: AnyPath, names: Collection[str]) -> dict[str, str]:
    """{name: source} of the cells of a notebook file that have one of nbgrader's names."""
    found: dict[str, str] = {}
    for cell in _cells(path):
        mark = cell.metadata.get("nbgrader")
        name = mark.get("grade_id") if isinstance(mark, dict) else None
        if isinstance(name, str) and name in names and cell.cell_type == "code":
            found.setdefault(name, cell.source)
    return found


def tree(source: str) -> tuple[str, int] | None:
    """(what two sources share that differ in names, comments and docstrings only, number of nodes); or None."""
    try:
        parsed = _Unannotated().visit(ast.parse(source))
        bound = set()
        for node in ast.walk(parsed):
            bound |= _names_bound(node)
        names: dict[str, str] = {}
        for node in ast.walk(parsed):
            _drop_words(node)
            for attribute in ("id", "name", "arg", "asname"):
                name = getattr(node, attribute, None)
                if name in bound and isinstance(name, str):
                    setattr(node, attribute, names.setdefault(name, f"name{len(names)}"))
        nodes = sum(1 for _ in ast.walk(parsed))
        return hashlib.sha256(ast.dump(parsed).encode()).hexdigest(), nodes
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Unannotated(ast.NodeTransformer):
    """Makes `a: float = 1` what it does, `a = 1`."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value else ast.Pass()


def _names_bound(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return {node.id}
    if isinstance(node, ast.arg):
        return {node.arg}
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
        return {node.name}
    return {node.asname} if isinstance(node, ast.alias) and node.asname else set()


def _drop_words(node: ast.AST) -> None:
    """Take docstrings and annotations away."""
    if isinstance(node, ast.FunctionDef):
        node.returns = None
    if isinstance(node, ast.arg):
        node.annotation = None
    body = getattr(node, "body", None)
    if isinstance(body, list):
        body[:] = [
            one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        ] or [ast.Pass()]


def same_trees(sources: Mapping[str, Mapping[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """{student: [(cell, detail)]} for {student: {cell: source}}: answers that are another's with other names."""
    groups = defaultdict(list)
    for student, cells in sources.items():
        for cell, source in cells.items():
            if found := tree(source):
                groups[cell, found].append(student)
    flags = defaultdict(list)
    for (cell, (_, nodes)), students in groups.items():
        for student in students if len(students) > 1 else ():
            others = [other for other in students if other != student]
            named = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
            flags[student].append((cell, f"the same as that of {named}, {nodes} nodes"))
    return dict(flags)


def ways_round(path: AnyPath, released: Collection[str]) -> list[str]:
    """What a notebook's own cells say that no answer needs, as texts; released: the sources as handed out."""
    found = set()
    for cell in _cells(path):
        if cell.cell_type == "code" and cell.source not in released:
            found |= _told(cell.source)
    return sorted(found)


def _told(source: str) -> set[str]:
    try:
        parsed = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found = set()
    for node in ast.walk(parsed):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "nst_utils":
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full.startswith(_FORMULAS) or _is_formula(alias.name):
                    found.add(f"imports {full}")
        elif isinstance(node, ast.Import):
            found |= {f"imports {one.name}" for one in node.names if one.name.startswith(_FORMULAS)}
            found |= {f"imports {one.name}" for one in node.names if one.name.split(".")[0] in _WAYS_ROUND}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("nst_utils"):
            found.add(f"names {node.value[:80]!r}")
        elif isinstance(node, ast.Name) and node.id in _WAYS_ROUND:
            found.add(f"uses {node.id}")
        elif isinstance(node, ast.Attribute) and node.attr in ("settrace", "setprofile", "_getframe"):
            found.add(f"uses {node.attr}")
    return found


def _is_formula(name: str) -> bool:
    import nst_utils

    return nst_utils._NAMES.get(name, ("",))[0].startswith(_FORMULAS) and name != "checks"


def _cells(path: AnyPath) -> list[NotebookNode]:
    try:
        return nbformat.read(path, as_version=4).cells
    except Exception:  # a file that is no notebook earns nothing, and needs no flag
        return []

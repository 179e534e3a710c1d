"""Which TensorFlow a piece of source was written for: graphs and sessions, or TensorFlow 2."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from nst_utils.base.types import AnyPath

# Names that only one way of writing TensorFlow has.
_GRAPH = {
    "Session", "InteractiveSession", "placeholder", "placeholder_with_default", "reset_default_graph", "ConfigProto",
    "global_variables_initializer", "initialize_all_variables", "set_random_seed", "random_normal", "random_uniform",
    "truncated_normal", "get_default_graph", "get_default_session", "disable_eager_execution", "disable_v2_behavior",
    "AdamOptimizer", "GradientDescentOptimizer", "RMSPropOptimizer", "get_variable", "variable_scope", "to_float",
    "resize_images", "global_variables", "get_collection", "GraphDef", "contrib", ".eval()",
}  # fmt: skip
_EAGER = {"GradientTape", "EagerTensor", "set_seed", "enable_eager_execution", "public_tests", "tf.function"}
# Names that each is likelier to have; they count where nothing else does.
_LIKELY_GRAPH = {"load_vgg_model"}
_LIKELY_EAGER = {"keras", "VGG19", "VGG16", ".numpy()", "tf.io", "tf.math", "tf.linalg", "tf.random", "tf.optimizers"}
_KERAS = {"keras", "VGG19", "VGG16"}
_LARGEST = 50_000_000  # bytes of a notebook that is read


def mode_of(source: str, decided: bool = False) -> str | None:
    """'graph', 'eager', or None, for what the names in a piece of source call for.

    decided: whether earlier code has already shown what the notebook is; what is only likely no longer counts then.
    """
    try:
        names = set(_names(ast.parse(source)))
    except (SyntaxError, ValueError):
        return None
    if names & _GRAPH and "enable_eager_execution" not in names:
        return "graph"
    if names & _EAGER:
        return "eager"
    if decided:
        return None
    if names & _LIKELY_GRAPH and not names & _KERAS:
        return "graph"
    return "eager" if names & _LIKELY_EAGER else None


def whole_notebook(folder: AnyPath, cell: str, extension: str) -> tuple[str, ...] | None:
    """The code of the notebook in a folder that has this cell, and the one that loads the extension; None if unclear.

    A kernel is not told which notebook it runs, but starts in its folder, and knows the text of the cell.
    """
    found = set()
    for path in Path(folder).glob("*.ipynb"):
        try:
            if path.stat().st_size > _LARGEST:
                continue
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a notebook of another kind, or none
        if cell in code and any(extension in source for source in code):
            found.add(tuple(code))
    return found.pop() if len(found) == 1 else None


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("numpy", "eval"):
            yield f".{node.func.attr}()"
        elif isinstance(node, ast.Attribute):
            yield node.attr
            if isinstance(node.value, ast.Name) and node.value.id == "tf":
                yield f"tf.{node.attr}"
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from node.module.split(".")

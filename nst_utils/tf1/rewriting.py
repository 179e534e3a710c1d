"""Old code as code of today: names, arguments and imports replaced in the syntax tree, comments and layout kept.

TensorFlow's names and arguments are those of its own upgrade script's tables; the rest is here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst
import libcst.matchers as m

from nst_utils.network.weights import COURSE_PATH
from nst_utils.tf1.cells import shown
from nst_utils.tf1.facts import WRITE, Facts
from nst_utils.tf1.syntax import (
    called,
    calls_in,
    dotted,
    expression,
    is_shape,
    last,
    leaves_the_graph,
    literal,
    root,
    with_comma,
)

# Full names that only have another one today.
_RENAMED = {
    "numpy.float": "float", "numpy.int": "int", "numpy.object": "object", "numpy.str": "str", "numpy.long": "int",
    "numpy.complex": "complex", "numpy.unicode": "str", "numpy.float_": "np.float64", "numpy.Inf": "np.inf",
    "numpy.infty": "np.inf", "numpy.NaN": "np.nan", "numpy.NAN": "np.nan", "numpy.product": "np.prod",
    "numpy.cumproduct": "np.cumprod", "numpy.alltrue": "np.all", "numpy.sometrue": "np.any", "numpy.in1d": "np.isin",
    "numpy.row_stack": "np.vstack", "numpy.round_": "np.round", "numpy.mat": "np.asmatrix",
    "PIL.Image.ANTIALIAS": "Image.LANCZOS", "PIL.Image.LINEAR": "Image.BILINEAR", "PIL.Image.CUBIC": "Image.BICUBIC",
    "time.clock": "time.perf_counter", "matplotlib.cm.get_cmap": "plt.get_cmap",
    "matplotlib.pyplot.cm.get_cmap": "plt.get_cmap",
}  # fmt: skip
_INSIDE = {
    "read_image": "from nst_utils.pictures.reading import {}",
    "resize": "from nst_utils.pictures.sizes import {}",
    "write_image": "from nst_utils.pictures.writing import {}",
}
_READ_ARRAY = {"scipy.misc.imread", "scipy.ndimage.imread"}
_READ_PATH = {
    "PIL.Image.open", "matplotlib.pyplot.imread", "matplotlib.image.imread", "imageio.imread", "imageio.v2.imread",
    "imageio.v3.imread", "tensorflow.read_file", "tensorflow.io.read_file",
}  # fmt: skip
_KERAS_OPTIMIZERS = re.compile(r"^(tensorflow\.)?(keras\.)?optimizers\.(legacy\.)?\w+$")
# NumPy's names for ops of TensorFlow, in code that builds graphs.
_NUMPY_OPS = {
    "square": "tf.square", "sqrt": "tf.sqrt", "exp": "tf.exp", "log": "tf.math.log", "abs": "tf.abs",
    "absolute": "tf.abs", "power": "tf.pow", "subtract": "tf.subtract", "add": "tf.add", "multiply": "tf.multiply",
    "divide": "tf.divide", "maximum": "tf.maximum", "minimum": "tf.minimum", "sum": "tf.reduce_sum",
    "mean": "tf.reduce_mean", "max": "tf.reduce_max", "min": "tf.reduce_min", "prod": "tf.reduce_prod",
    "transpose": "tf.transpose", "reshape": "tf.reshape", "dot": "tf.matmul", "matmul": "tf.matmul",
    "squeeze": "tf.squeeze", "expand_dims": "tf.expand_dims", "clip": "tf.clip_by_value",
}  # fmt: skip


@dataclass
class Notes:
    """What was changed in one cell, as (before, after), and what could not be."""

    changes: list[tuple[str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def changed(self, before: str | cst.CSTNode, after: str | cst.CSTNode) -> None:
        """Note a change of one node, or of source, once."""
        old, new = (text if isinstance(text, str) else shown(text) for text in (before, after))
        if old != new and (old, new) not in self.changes:
            self.changes.append((old, new))

    def shown_changes(self) -> list[tuple[str, str]]:
        """The changes, without those that a larger one shows as well."""
        return [
            pair
            for pair in self.changes
            if not any(pair != other and pair[0] in other[0] and pair[1] in other[1] for other in self.changes)
        ]

    def failed(self, sentence: str) -> None:
        """Note once what could not be done."""
        if sentence not in self.failures:
            self.failures.append(sentence)


class Rewriter(cst.CSTTransformer):
    """One cell as code of today. needs: name -> the import that it needs."""

    def __init__(
        self, facts: Facts, notes: Notes, tensorflow: TensorflowTables, graph: bool, exists: Callable[[str], bool],
        helper: str | None = None,
    ) -> None:
        self.facts, self.notes = facts, notes
        self.needs: dict[str, str] = {}
        self._tensorflow, self._graph = tensorflow, graph
        self._exists, self._helper = exists, helper
        self._callees: set[int] = set()
        self._in_import, self._scope = 0, [""]

    # --- Imports ------------------------------------------------------------------------------------------

    def leave_SimpleStatementLine(self, original: cst.SimpleStatementLine, updated: cst.SimpleStatementLine) -> Any:
        body = [statement for statement in updated.body if not m.matches(statement, m.Pass(semicolon=m.DoNotCare()))]
        if len(body) == len(updated.body) or any(isinstance(s, cst.Pass) for s in original.body):
            return updated
        if not body:
            return cst.RemoveFromParent() if not original.leading_lines else updated
        return updated.with_changes(body=[*body[:-1], body[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)])

    def visit_Import(self, node: cst.Import) -> None:
        self._in_import += 1

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        self._in_import += 1

    def leave_Import(self, original: cst.Import, updated: cst.Import) -> Any:
        self._in_import -= 1
        names = [alias for alias in original.names if dotted(alias.name) != "scipy.misc"]
        if self._helper:
            names = [_renamed_helper(alias, self._helper) for alias in names]
        if not names and not self.facts.imports_scipy:
            names = [cst.ImportAlias(cst.Name("scipy"))]  # for what else of it the notebook uses
        if not names:
            self.notes.changed(original, "(left out)")
            return cst.Pass()
        names = [*names[:-1], names[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)]
        updated = original.with_changes(names=names, semicolon=original.semicolon)
        self.notes.changed(original, updated)
        return updated

    def leave_ImportFrom(self, original: cst.ImportFrom, updated: cst.ImportFrom) -> Any:
        self._in_import -= 1
        module = dotted(original.module) if original.module else ""
        if module == "scipy.misc":
            self.notes.changed(original, "(left out)")
            return cst.Pass()
        if module in ("scipy", "scipy.ndimage") and not isinstance(original.names, cst.ImportStar):
            gone = {"scipy": "misc", "scipy.ndimage": "imread"}[module]
            names = [alias for alias in original.names if alias.name.value != gone]
            if len(names) == len(original.names):
                return original
            left = original.with_changes(names=[*names[:-1], last(names)]) if names else cst.Pass()
            self.notes.changed(original, left if names else "(left out)")
            return left
        renamed = {
            "public_tests": None if self._exists("public_tests.py") else "nst_utils.tf1.public_tests",
            "nst_utils": self._helper,
            "IPython.core.display": "IPython.display",
        }.get(module)
        if module.startswith("tensorflow.python.keras"):
            renamed = module.replace("tensorflow.python.keras", "tensorflow.keras")
        if not renamed:
            return original
        updated = original.with_changes(module=expression(renamed))
        self.notes.changed(original, updated)
        return updated

    # --- Names --------------------------------------------------------------------------------------------

    def leave_Attribute(self, original: cst.Attribute, updated: cst.Attribute) -> cst.BaseExpression:
        if self._in_import:
            return updated
        if original.attr.value == "value" and self._is_side(original.value):
            self.notes.changed(original, original.value)
            return updated.value
        return self._new_name(original, updated)

    def leave_Name(self, original: cst.Name, updated: cst.Name) -> cst.BaseExpression:
        if self._in_import or self.facts.aliases.get(original.value, original.value) == original.value:
            return updated
        return self._new_name(original, updated)

    def _new_name(self, original: cst.Name | cst.Attribute, updated: cst.BaseExpression) -> cst.BaseExpression:
        full = self.facts.full_name(original)
        new = _RENAMED.get(full)
        if new and new.startswith("np."):
            self.needs.setdefault("np", "import numpy as np")
        if full.startswith("tensorflow.layers."):
            new = f"{self._need('layers', 'from nst_utils.tf1 import layers')}.{full.rsplit('.', 1)[1]}"
        elif full.startswith("tensorflow."):
            new = self._tensorflow_name(full, original)
        elif full.startswith("scipy.misc.") and id(original) not in self._callees:
            new = self._need(full.rsplit(".", 1)[1], "from nst_utils.tf1.vanished import {}")
        if not new:
            return updated
        self.notes.changed(original, new)
        return expression(new)

    def _tensorflow_name(self, full: str, original: cst.BaseExpression) -> str | None:
        old = full.replace("tensorflow.", "tf.", 1)
        if old.startswith("tf.compat."):
            return None
        new = self._tensorflow.symbol(old)
        if not self._graph and self._tensorflow.has(old):
            new = old
        if not self._tensorflow.has(new):
            if not self._tensorflow.is_prefix(old):
                self.notes.failed(f"{shown(original)} has no successor in TensorFlow 2 and stays as it is.")
            return None
        if new == old:
            return None
        return root(original) + new[2:]

    def _is_side(self, node: cst.CSTNode) -> bool:
        """Whether an expression is one side of a shape, which is a number today."""
        if isinstance(node, cst.Subscript):
            return is_shape(node.value)
        return isinstance(node, cst.Name) and node.value in self.facts.sides

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._scope.append(node.name.value)

    def leave_FunctionDef(self, original: cst.FunctionDef, updated: cst.FunctionDef) -> cst.FunctionDef:
        self._scope.pop()
        return updated

    # --- Calls --------------------------------------------------------------------------------------------

    def visit_Call(self, node: cst.Call) -> None:
        # leave_Call replaces these with their arguments.
        self._callees.add(id(node.func))

    def leave_Call(self, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        full = self.facts.full_name(original.func)
        new = self._new_call(full, original, updated)
        if new is not updated:
            self.notes.changed(original, new)
        return new

    def _new_call(self, full: str, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        first = original.args[0].value if original.args and not original.args[0].star else None
        updated = self._with_slashes(original, updated)
        if m.matches(original.func, m.Attribute(m.Call(m.Name("get_ipython")), m.Name("magic"))):
            return self._magic(original, updated)
        if full in _READ_ARRAY and first is not None:
            return self._read_array(original, updated)
        if first is not None and (full in _READ_PATH or full.endswith(".load_img")):
            return self._wrapped(original, updated, "picture")
        if full == "scipy.misc.imresize":
            return self._resize(original, updated)
        if full == "scipy.misc.imsave" and len(original.args) == 2 and self._is_eight_bit(original.args[1].value):
            return updated.with_changes(func=cst.Name(self._need("write_image", "from nst_utils import {}")))
        if full.startswith("scipy.misc."):
            name = self._need(full.rsplit(".", 1)[1], "from nst_utils.tf1.vanished import {}")
            return updated.with_changes(func=expression(name))
        if full == "numpy.asscalar":
            return expression(f"np.asarray({shown(updated.args[0].value)}).item()")
        if full == "scipy.io.loadmat" and first is not None:
            return self._wrapped(original, updated, "weights_file")
        if full == "nst_utils.load_vgg_model" and first is not None and literal(first) != COURSE_PATH:
            return self._wrapped(original, updated, "weights_file")
        if re.search(r"applications(\.vgg19)?\.VGG19$", full):
            return updated.with_changes(func=cst.Name(self._need("vgg19", "from nst_utils.tf1.today import {}")))
        if _KERAS_OPTIMIZERS.match(full.replace("tensorflow.python.", "tensorflow.")):
            return self._keywords(updated, {"lr": "learning_rate", "decay": None})
        if full.startswith("numpy.") and self._graph:
            return self._tensor_function(full.removeprefix("numpy."), original, updated)
        if full.startswith("tensorflow."):
            return self._tensorflow_call(full, updated)
        if full == "matplotlib.pyplot.style.use" and literal(first).startswith("seaborn"):
            style = literal(first)
            if not style.startswith("seaborn-v0_8"):
                new = expression(repr(style.replace("seaborn", "seaborn-v0_8", 1)))
                return updated.with_changes(args=[updated.args[0].with_changes(value=new)])
        return updated

    def leave_Expr(self, original: cst.Expr, updated: cst.Expr) -> Any:
        call = original.value
        if isinstance(call, cst.Call) and self.facts.full_name(call.func) == "matplotlib.pyplot.hold":
            self.notes.changed(original, "(left out)")
            return cst.Pass()
        return updated

    def _read_array(self, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        """scipy.misc.imread: an array of the picture."""
        path = self._path(original, updated, "picture")
        mode = next((a.value for a in original.args[1:] if a.keyword and a.keyword.value == "mode"), None)
        flatten = any(a.keyword is None or a.keyword.value == "flatten" for a in original.args[1:])
        if mode is None and not flatten or literal(mode) == "RGB":
            return expression(f"{self._need('read_image', 'from nst_utils import {}')}({path})")
        self.needs.setdefault("np", "import numpy as np")
        image = self._need("Image", "from PIL import Image")
        converted = "'F'" if flatten or mode is None else shown(mode)
        return expression(f"np.array({image}.open({path}).convert({converted}))")

    def _resize(self, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        """scipy.misc.imresize: to (height, width), or by a fraction, which only SciPy's own function can."""
        size = original.args[1].value if len(original.args) > 1 else None
        if isinstance(size, cst.Tuple) and len(size.elements) >= 2:
            high, wide = (shown(element.value) for element in size.elements[:2])
            picture = shown(updated.args[0].value)
            return expression(f"{self._need('resize', 'from nst_utils import {}')}({picture}, ({wide}, {high}))")
        name = self._need("imresize", "from nst_utils.tf1.vanished import {}")
        return updated.with_changes(func=cst.Name(name))

    def _wrapped(self, original: cst.Call, updated: cst.Call, helper: str) -> cst.Call:
        path = expression(self._path(original, updated, helper))
        return updated.with_changes(args=[updated.args[0].with_changes(value=path), *updated.args[1:]])

    def _path(self, original: cst.Call, updated: cst.Call, helper: str) -> str:
        """Source of the call's first argument, passed through picture() or weights_file() unless the file is there."""
        path, given = shown(updated.args[0].value), original.args[0].value
        if self.facts.folder(given) in self.facts.folders or self._exists(literal(given) or " "):
            return shown(_slashed(updated.args[0].value)) if "\\" in path else path
        return f"{self._need(helper, 'from nst_utils.tf1.today import {}')}({path})"

    def _tensorflow_call(self, full: str, updated: cst.Call) -> cst.Call:
        old = full.replace("tensorflow.", "tf.", 1)
        if self._graph or not self._tensorflow.has(old):
            updated = self._keywords(updated, self._tensorflow.keywords(old))
        soft = expression("f(allow_soft_placement=True)").args
        given = {argument.keyword.value for argument in updated.args if argument.keyword}
        if not self.facts.uses_device or "allow_soft_placement" in given:
            return updated
        if full.endswith(".ConfigProto"):
            return updated.with_changes(args=[*with_comma(updated.args), *soft])
        if full.rsplit(".", 1)[1] in ("Session", "InteractiveSession"):
            if "config" not in given:
                tensorflow = root(updated.func)
                config = expression(f"f(config={tensorflow}.compat.v1.ConfigProto(allow_soft_placement=True))").args
                return updated.with_changes(args=[*with_comma(updated.args), *config])
        return updated

    def _tensor_function(self, name: str, original: cst.Call, updated: cst.Call) -> cst.Call:
        """NumPy's function of a tensor: the op of that name."""
        if not any(self.facts.is_tensor(argument.value, self._scope[-1]) for argument in original.args):
            return updated
        if any(leaves_the_graph(argument.value) for argument in original.args):
            return updated
        if name not in _NUMPY_OPS:
            self.notes.failed(f"{shown(original)} may meet a tensor, which NumPy cannot compute with.")
            return updated
        return updated.with_changes(func=expression(_NUMPY_OPS[name]))

    def _keywords(self, updated: cst.Call, renames: Mapping[str, str | None]) -> cst.Call:
        """The call with its keyword arguments renamed, or left out where the new name is None."""
        args = []
        for argument in updated.args:
            keyword = argument.keyword.value if argument.keyword else ""
            new = renames.get(keyword, keyword)
            if new is not None:
                args.append(argument.with_changes(keyword=cst.Name(new)) if keyword in renames else argument)
        if args == list(updated.args):
            return updated
        return updated.with_changes(args=[*args[:-1], last(args)] if args else [])

    def _magic(self, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        """get_ipython().magic(line), which IPython 9 no longer has."""
        line = literal(original.args[0].value) if original.args else ""
        name, _, rest = line.lstrip("%").partition(" ")
        return expression(f"get_ipython().run_line_magic({name!r}, {rest!r})") if name else updated

    def _with_slashes(self, original: cst.Call, updated: cst.Call) -> cst.Call:
        """A path to write to that was written on Windows, with slashes."""
        if called(original) not in WRITE or not original.args or "\\" not in shown(original.args[0].value):
            return updated
        return updated.with_changes(args=[updated.args[0].visit(_Slashes()), *updated.args[1:]])

    def _is_eight_bit(self, node: cst.CSTNode) -> bool:
        return "uint8" in shown(node) or isinstance(node, cst.Name) and node.value in self.facts.eight_bit

    def _need(self, name: str, statement: str) -> str:
        """The name under which a helper can be called here, where the notebook may have given it to something else."""
        meaning, own = self.facts.aliases.get(name), f"{statement.split()[1]}.{name}"
        free = meaning == own or meaning is None and name not in self.facts.identifiers
        mine = name if free else f"nst_{name}"
        imported = name if free else f"{name} as {mine}"
        if self.facts.own_helper:  # that file would be found for nst_utils, but not for a module inside it
            statement = _INSIDE.get(name, statement)
        self.needs[mine] = statement.format(imported) if "{}" in statement else statement
        return mine


class _Slashes(cst.CSTTransformer):
    def leave_SimpleString(self, original: cst.SimpleString, updated: cst.SimpleString) -> cst.SimpleString:
        text = original.evaluated_value
        return cst.SimpleString(repr(text.replace("\\", "/"))) if isinstance(text, str) else updated


def _slashed(node: cst.BaseExpression) -> cst.BaseExpression:
    found = node.visit(_Slashes())
    return found if isinstance(found, cst.BaseExpression) else node


class TensorflowTables:
    """The tables of TensorFlow's upgrade script, and what exists in the TensorFlow that is installed."""

    def __init__(self) -> None:
        from nst_utils.base.tensorflow import tf

        self._tf = tf  # imported by way of base, without its log lines, before the script imports it
        from tensorflow.tools.compatibility.tf_upgrade_v2 import TFAPIChangeSpec

        self._spec = TFAPIChangeSpec()

    def symbol(self, name: str) -> str:
        """The name that a name like tf.Session has today."""
        return self._spec.symbol_renames.get(name, name)

    def keywords(self, name: str) -> dict[str, str | None]:
        """{old keyword: new one, or None where there is none any more} of a function."""
        return self._spec.function_keyword_renames.get(name, {})

    def is_prefix(self, name: str) -> bool:
        """Whether names that have a successor begin so, as tf.train does."""
        return any(old.startswith(name + ".") for old in self._spec.symbol_renames)

    def has(self, name: str) -> bool:
        """Whether a name like tf.io.read_file exists; those that no one exports count as there."""
        found = self._tf
        for part in name.split(".")[1:]:
            if part in ("keras", "python", "estimator"):
                return part != "estimator"
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True


def add_seeds(module: cst.Module, facts: Facts, notes: Notes) -> cst.Module:
    """Give random tensors the op seeds that TensorFlow 1 gave them, in test cells like the course's.

    Only where the graph is new and nothing but random tensors is made before: there each one takes six ops.
    """
    rewriter = _Seeds(facts, notes)
    rewriter.count(module.body)
    return module.visit(rewriter)


class _Seeds(cst.CSTTransformer):
    def __init__(self, facts: Facts, notes: Notes) -> None:
        self._facts, self._notes = facts, notes
        self._made: int | None = None  # ops in the graph, if that is known
        self._seeds: dict[int, int] = {}

    def count(self, body: Sequence[cst.CSTNode]) -> None:
        for statement in body:
            if isinstance(statement, cst.With):
                if any(self._name(item.item, "Graph") for item in statement.items):
                    self._made = 0
                self.count(statement.body.body)
            elif isinstance(statement, cst.SimpleStatementLine):
                for small in statement.body:
                    self._one(small)
            else:
                self._made = None

    def _one(self, statement: cst.CSTNode) -> None:
        calls = calls_in(statement)
        if any(self._name(call, "reset_default_graph") for call in calls):
            self._made = 0
        elif len(calls) == 1 and self._name(calls[0], "set_random_seed"):
            pass
        elif len(calls) == 1 and self._name(calls[0], "random_normal", "random.normal"):
            if self._made is not None and not any(a.keyword and a.keyword.value == "seed" for a in calls[0].args):
                self._seeds[id(calls[0])] = self._made + 3
                self._made += 6
        elif calls:
            self._made = None

    def _name(self, node: cst.CSTNode, *names: str) -> bool:
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            inner = node.func.value
            node = inner if isinstance(inner, cst.Call) else node  # tf.Graph().as_default()
        full = self._facts.full_name(node.func) if isinstance(node, cst.Call) else ""
        prefixes = ("tensorflow.", "tensorflow.compat.v1.")
        return any(full == prefix + name for prefix in prefixes for name in names)

    def leave_Call(self, original: cst.Call, updated: cst.Call) -> cst.Call:
        if id(original) not in self._seeds:
            return updated
        seed = expression(f"f(seed={self._seeds[id(original)]})").args
        updated = updated.with_changes(args=[*with_comma(updated.args), *seed])
        self._notes.changed(original, updated)
        return updated


def _renamed_helper(alias: cst.ImportAlias, helper: str) -> cst.ImportAlias:
    if dotted(alias.name) != "nst_utils":
        return alias
    asname = alias.asname or cst.AsName(cst.Name("nst_utils"), cst.SimpleWhitespace(" "), cst.SimpleWhitespace(" "))
    return alias.with_changes(name=cst.Name(helper), asname=asname)



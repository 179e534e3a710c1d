"""What the cells of a notebook say together: the meaning of names, which hold tensors, which folders are written to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import libcst as cst
import libcst.matchers as m

from nst_utils.course.config import CONFIG
from nst_utils.tf1.cells import shown
from nst_utils.tf1.syntax import called, calls_in, dotted, is_shape, leaves_the_graph, literal, names_in, variables

# What `from nst_utils import *` brings.
_STAR = {
    "np": "numpy", "tf": "tensorflow", "scipy": "scipy", "plt": "matplotlib.pyplot", "Image": "PIL.Image",
    "imshow": "matplotlib.pyplot.imshow", "os": "os", "sys": "sys", "load_vgg_model": "nst_utils.load_vgg_model",
    "save_image": "nst_utils.save_image",
}  # fmt: skip
# Functions whose first argument is a path that they write to.
WRITE = {"save_image", "imsave", "save", "savefig", "imwrite", "mimsave", "save_img", "write_image"}


class Facts(cst.CSTVisitor):
    """What all cells together say: the meaning of names, and which names hold tensors or sides of shapes."""

    def __init__(self, modules: Iterable[cst.Module], own_helper: bool = False) -> None:
        self.aliases = {"tf": "tensorflow"}
        self.defined: set[str] = set()
        self.identifiers: set[str] = set()
        self.own_helper = own_helper
        self.sides: set[str] = set()
        self.eight_bit: set[str] = set()
        self.functions: dict[str, list[str]] = {}
        self.uses_device = self.imports_scipy = False
        self.folders: set[str] = set()  # those that the code writes to
        self.tensors: set[tuple[str, str]] = set()  # of (function, name), as are the ambiguous ones
        self.ambiguous: set[tuple[str, str]] = set()
        self._scope = [""]
        self._locals: defaultdict[str, set[str]] = defaultdict(set)
        self._assigned: list[tuple[str, set[str], cst.BaseExpression]] = []
        self._calls: list[tuple[str, cst.Call]] = []
        self._written: list[cst.BaseExpression] = []
        self._texts: dict[str, str] = {}
        for module in modules:
            module.visit(self)
        for name in self.defined & self.aliases.keys():
            del self.aliases[name]
        self._follow_tensors()
        self.folders |= {folder for path in self._written if (folder := self.folder(path))}

    def folder(self, node: cst.BaseExpression) -> str:
        """The folder, relative to the notebook's, that an expression for a path names; "" if it names none."""
        folder = self._beginning(node).replace("\\", "/").rpartition("/")[0]
        return "" if folder.startswith(("/", "~")) or ":" in folder else folder

    def _beginning(self, node: cst.BaseExpression) -> str:
        """The text that an expression for a path begins with, as far as it is written in the notebook."""
        if isinstance(node, cst.BinaryOperation):
            return self._beginning(node.left)
        if isinstance(node, cst.Name):
            return self._texts.get(node.value, "")
        if isinstance(node, cst.Attribute):
            return CONFIG.OUTPUT_DIR if node.attr.value == "OUTPUT_DIR" else ""
        if isinstance(node, cst.FormattedString):
            first = node.parts[0] if node.parts else None
            if isinstance(first, cst.FormattedStringExpression):
                return self._beginning(first.expression)
            return first.value if isinstance(first, cst.FormattedStringText) else ""
        if isinstance(node, cst.Call):
            if isinstance(node.func, cst.Attribute) and m.matches(
                node.func, m.Attribute(m.SimpleString(), m.Name("format"))
            ):
                return literal(node.func.value)
            if self.full_name(node.func) == "os.path.join" and node.args:
                return self._beginning(node.args[0].value).rstrip("/") + "/"
        return literal(node)

    def full_name(self, node: cst.CSTNode) -> str:
        """The dotted name of an expression with its imports resolved, such as scipy.misc.imread; "" if it has none."""
        parts = []
        while isinstance(node, cst.Attribute):
            parts.append(node.attr.value)
            node = node.value
        if not isinstance(node, cst.Name) or node.value not in self.aliases:
            return ""
        return ".".join([self.aliases[node.value], *reversed(parts)])

    def is_tensor(self, node: cst.CSTNode, scope: str = "", certain: bool = True) -> bool:
        """Whether an expression in a function (scope: its name) is made of a tensor, as far as can be told.

        certain: a variable that is something else as well, now and then, counts as no tensor.
        """
        known = self.tensors - self.ambiguous if certain else self.tensors
        if any(self._key(name.value, scope) in known for name in names_in(node)):
            return True
        return any(self.full_name(call.func).startswith("tensorflow.") for call in calls_in(node))

    def _key(self, name: str, scope: str) -> tuple[str, str]:
        """(the function that a variable belongs to, its name); "" for the notebook's own."""
        return (scope, name) if name in self._locals[scope] else ("", name)

    def visit_Name(self, node: cst.Name) -> None:
        self.identifiers.add(node.value)

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        node.value.visit(self)  # what follows the dot is no variable
        return False

    def visit_Import(self, node: cst.Import) -> None:
        for alias in node.names:
            path = dotted(alias.name)
            self.imports_scipy |= path.startswith("scipy") and path != "scipy.misc" and not alias.asname
            if alias.evaluated_alias:
                self.aliases[alias.evaluated_alias] = path
            else:
                self.aliases[path.partition(".")[0]] = path.partition(".")[0]

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        module = dotted(node.module) if node.module else ""
        if isinstance(node.names, cst.ImportStar):
            if module == "nst_utils" and not self.own_helper:
                # An alias given before it stays what it is, because both mean the same module.
                self.aliases = _STAR | self.aliases
                self.imports_scipy = True
            return
        for alias in node.names:
            self.aliases[alias.evaluated_alias or alias.evaluated_name] = f"{module}.{alias.evaluated_name}"

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.defined.add(node.name.value)
        self.functions[node.name.value] = [parameter.name.value for parameter in node.params.params]
        self._locals[node.name.value].update(self.functions[node.name.value])
        self._scope.append(node.name.value)

    def leave_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._scope.pop()

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.defined.add(node.name.value)

    def visit_Assign(self, node: cst.Assign) -> None:
        for target in node.targets:
            names = variables(target.target)
            self._assign(names, node.value)
            if len(names) > 1 and is_shape(node.value):
                self.sides.update(names)
            if literal(node.value):
                self._texts.update(dict.fromkeys(names, literal(node.value)))
            if "uint8" in shown(node.value):
                self.eight_bit.update(names)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        self._assign(variables(node.target), node.value)

    def visit_For(self, node: cst.For) -> None:
        if is_shape(node.iter):
            self.sides.update(variables(node.target))

    def visit_CompFor(self, node: cst.CompFor) -> None:
        if is_shape(node.iter):
            self.sides.update(variables(node.target))

    def visit_Call(self, node: cst.Call) -> None:
        self._calls.append((self._scope[-1], node))
        if called(node) in WRITE and node.args:
            self._written.append(node.args[0].value)
        if self.full_name(node.func) == "tensorflow.device":
            self.uses_device = True
        if isinstance(node.func, cst.Attribute) and node.func.attr.value == "get_shape":
            if isinstance(node.func.value, cst.Name):
                self.tensors.add((self._scope[-1], node.func.value.value))

    def _assign(self, names: set[str], value: cst.BaseExpression) -> None:
        self._locals[self._scope[-1]].update(names)
        self._assigned.append((self._scope[-1], names, value))

    def _follow_tensors(self) -> None:
        """From tensors to what is computed of them, and into the functions that they are given to."""
        before = -1
        while before != len(self.tensors):
            before = len(self.tensors)
            for scope, names, value in self._assigned:
                if self._makes_tensor(value, scope):
                    self.tensors.update(self._key(name, scope) for name in names)
            for scope, call in self._calls:
                if isinstance(call.func, cst.Name) and call.func.value in self.functions:
                    for parameter, argument in zip(self.functions[call.func.value], call.args, strict=False):
                        if argument.keyword is None and self.is_tensor(argument.value, scope, certain=False):
                            self.tensors.add((call.func.value, parameter))
        for scope, names, value in self._assigned:
            if not self._makes_tensor(value, scope):
                self.ambiguous.update(self._key(name, scope) for name in names)

    def _makes_tensor(self, value: cst.BaseExpression, scope: str) -> bool:
        """A session's results are arrays, a shape's are numbers."""
        return self.is_tensor(value, scope, certain=False) and not leaves_the_graph(value)

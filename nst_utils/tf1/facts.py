"""What the cells of a notebook say together: the meaning of names, which hold tensors, which folders are written to."""

from collections import defaultdict

import libcst as cst
import libcst.matchers as m

from nst_utils.course.config import CONFIG
from nst_utils.tf1.cells import shown
from nst_utils.tf1.syntax import called, dotted, is_shape, leaves_the_graph, literal, variables

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

    def __init__(self, modules, own_helper=False):
        self.aliases, self.defined, self.identifiers = {"tf": "tensorflow"}, set(), set()
        self.own_helper = own_helper
        self.sides, self.eight_bit, self.functions = set(), set(), {}
        self.uses_device = self.imports_scipy = False
        self.folders = set()  # those that the code writes to
        self.tensors, self.ambiguous = set(), set()  # of (function, name)
        self._scope, self._locals = [""], defaultdict(set)
        self._assigned, self._calls, self._written, self._texts = [], [], [], {}
        for module in modules:
            module.visit(self)
        for name in self.defined & self.aliases.keys():
            del self.aliases[name]
        self._follow_tensors()
        self.folders |= {folder for path in self._written if (folder := self.folder(path))}

    def folder(self, node):
        """The folder, relative to the notebook's, that an expression for a path names; "" if it names none."""
        folder = self._beginning(node).replace("\\", "/").rpartition("/")[0]
        return "" if folder.startswith(("/", "~")) or ":" in folder else folder

    def _beginning(self, node):
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
            return first.value if first else ""
        if isinstance(node, cst.Call):
            if m.matches(node.func, m.Attribute(m.SimpleString(), m.Name("format"))):
                return literal(node.func.value)
            if self.full_name(node.func) == "os.path.join" and node.args:
                return self._beginning(node.args[0].value).rstrip("/") + "/"
        return literal(node)

    def full_name(self, node):
        """The dotted name of an expression with its imports resolved, such as scipy.misc.imread; "" if it has none."""
        parts = []
        while isinstance(node, cst.Attribute):
            parts.append(node.attr.value)
            node = node.value
        if not isinstance(node, cst.Name) or node.value not in self.aliases:
            return ""
        return ".".join([self.aliases[node.value], *reversed(parts)])

    def is_tensor(self, node, scope="", certain=True):
        """Whether an expression in a function (scope: its name) is made of a tensor, as far as can be told.

        certain: a variable that is something else as well, now and then, counts as no tensor.
        """
        known = self.tensors - self.ambiguous if certain else self.tensors
        if any(self._key(name.value, scope) in known for name in m.findall(node, m.Name())):
            return True
        return any(self.full_name(call.func).startswith("tensorflow.") for call in m.findall(node, m.Call()))

    def _key(self, name, scope):
        """(the function that a variable belongs to, its name); "" for the notebook's own."""
        return (scope, name) if name in self._locals[scope] else ("", name)

    def visit_Name(self, node):
        self.identifiers.add(node.value)

    def visit_Attribute(self, node):
        node.value.visit(self)  # what follows the dot is no variable
        return False

    def visit_Import(self, node):
        for alias in node.names:
            path = dotted(alias.name)
            self.imports_scipy |= path.startswith("scipy") and path != "scipy.misc" and not alias.asname
            if alias.asname:
                self.aliases[alias.asname.name.value] = path
            else:
                self.aliases[path.partition(".")[0]] = path.partition(".")[0]

    def visit_ImportFrom(self, node):
        module = dotted(node.module) if node.module else ""
        if isinstance(node.names, cst.ImportStar):
            if module == "nst_utils" and not self.own_helper:
                # An alias given before it stays what it is, because both mean the same module.
                self.aliases = _STAR | self.aliases
                self.imports_scipy = True
            return
        for alias in node.names:
            name = alias.asname.name.value if alias.asname else alias.name.value
            self.aliases[name] = f"{module}.{alias.name.value}"

    def visit_FunctionDef(self, node):
        self.defined.add(node.name.value)
        self.functions[node.name.value] = [parameter.name.value for parameter in node.params.params]
        self._locals[node.name.value].update(self.functions[node.name.value])
        self._scope.append(node.name.value)

    def leave_FunctionDef(self, node):
        self._scope.pop()

    def visit_ClassDef(self, node):
        self.defined.add(node.name.value)

    def visit_Assign(self, node):
        for target in node.targets:
            names = variables(target.target)
            self._assign(names, node.value)
            if len(names) > 1 and is_shape(node.value):
                self.sides.update(names)
            if literal(node.value):
                self._texts.update(dict.fromkeys(names, literal(node.value)))
            if "uint8" in shown(node.value):
                self.eight_bit.update(names)

    def visit_AugAssign(self, node):
        self._assign(variables(node.target), node.value)

    def visit_For(self, node):
        if is_shape(node.iter):
            self.sides.update(variables(node.target))

    def visit_CompFor(self, node):
        if is_shape(node.iter):
            self.sides.update(variables(node.target))

    def visit_Call(self, node):
        self._calls.append((self._scope[-1], node))
        if called(node) in WRITE and node.args:
            self._written.append(node.args[0].value)
        if self.full_name(node.func) == "tensorflow.device":
            self.uses_device = True
        if m.matches(node.func, m.Attribute(m.Name(), m.Name("get_shape"))):
            self.tensors.add((self._scope[-1], node.func.value.value))

    def _assign(self, names, value):
        self._locals[self._scope[-1]].update(names)
        self._assigned.append((self._scope[-1], names, value))

    def _follow_tensors(self):
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

    def _makes_tensor(self, value, scope):
        """A session's results are arrays, a shape's are numbers."""
        return self.is_tensor(value, scope, certain=False) and not leaves_the_graph(value)

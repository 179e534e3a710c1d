"""Mutants of the package's own code: a module's source, changed in one place by an operator of mutmut.

What changes types alone is left as it is (annotations, casts, `assert ... is not None`), and so are docstrings and the
wording of messages: of texts that hold a blank, unless they are patterns.
"""

import ast
import contextlib
import difflib
import functools
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import libcst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

_TYPES_ALONE = (
    m.Annotation()
    | m.Decorator()
    | m.Import()
    | m.ImportFrom()
    | m.AnnAssign(annotation=m.Annotation(m.Name("TypeAlias")))
    | m.Call(func=m.Name("cast"))
    # As in mutmut itself: what they are asked changes nothing but types.
    | m.Call(func=m.Name("len") | m.Name("isinstance"))
    | m.Assert(test=m.Comparison(comparisons=[m.ComparisonTarget(operator=m.IsNot(), comparator=m.Name("None"))]))
    | m.SimpleStatementLine(body=[m.Expr(m.SimpleString() | m.ConcatenatedString())])
)
_SCOPES = (libcst.FunctionDef, libcst.ClassDef)


@dataclass(frozen=True)
class Mutant:
    """A change of a module. Lines are (first, last) of the node, of its statement, and of the function or class."""

    module: str
    lines: tuple[int, int]
    statement: tuple[int, int]
    scope: tuple[int, int] | None
    # Run when the module is imported, not when its function is called.
    at_import: bool
    original: str
    # The outermost function, class or statement around it: its first line, its text before and after.
    start: int
    whole: str
    mutated: str

    @property
    def source(self):
        lines = self.original.splitlines(keepends=True)
        after = self.start - 1 + self.whole.count("\n")
        return "".join([*lines[: self.start - 1], self.mutated, *lines[after:]])

    @cached_property
    def change(self):
        """(the lines before, the lines after)."""
        changes = list(difflib.unified_diff(self.whole.splitlines(), self.mutated.splitlines(), n=0))[3:]
        before, after = (" ".join(line[1:].strip() for line in changes if line[0] == sign) for sign in "-+")
        return before, after

    @cached_property
    def key(self):
        """The same for the same change of the same function, whatever else has changed in the module."""
        return hashlib.sha256("\n".join([self.module, self.whole, self.mutated]).encode()).hexdigest()[:16]


class _Visitor(libcst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self):
        self.statements, self.scopes, self.calls, self.found = [], [], [], []

    def on_visit(self, node):
        if m.matches(node, _TYPES_ALONE) or _is_wording(node):
            return False
        if isinstance(node, libcst.BaseStatement):
            self.statements.append(node)
        if isinstance(node, _SCOPES):
            self.scopes.append(node)
        if isinstance(node, libcst.Lambda) or isinstance(node, libcst.IndentedBlock) and self._in_function():
            self.calls.append(node)
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                self.found += [(node, changed, self._place(node)) for changed in operator(node)]
        # What is inserted into a message is mutated, the text around it and its format are not.
        return not isinstance(node, libcst.FormattedStringText)

    def on_leave(self, node):
        for stack in (self.statements, self.scopes, self.calls):
            if stack and stack[-1] is node:
                stack.pop()

    def _in_function(self):
        return bool(self.scopes) and isinstance(self.scopes[-1], libcst.FunctionDef)

    def _place(self, node):
        statement = self.statements[-1] if self.statements else node
        lines = self._lines(statement)
        return {
            "outermost": self.statements[0] if self.statements else node,
            "lines": self._lines(node) or lines,
            "statement": lines,
            "scope": self._lines(self.scopes[-1]) if self.scopes else None,
            "at_import": not self.calls,
        }

    def _lines(self, node):
        position = self.get_metadata(PositionProvider, node, None)
        return position and (position.start.line, position.end.line)


def _is_wording(node):
    if isinstance(node, libcst.ConcatenatedString):
        return all(_is_wording(part) or isinstance(part, libcst.SimpleString) for part in (node.left, node.right))
    return isinstance(node, libcst.SimpleString) and " " in node.value and "r" not in node.prefix.lower()


def mutants_of(root, module):
    """Every Mutant of the module, a path below root, in the order of the text."""
    original = (Path(root) / module).read_text(encoding="utf-8")
    wrapper = MetadataWrapper(libcst.parse_module(original))
    visitor = _Visitor()
    wrapper.visit(visitor)
    ends = wrapper.resolve(PositionProvider)
    lines, meaning_of = original.splitlines(keepends=True), functools.lru_cache(lambda text: ast.dump(ast.parse(text)))
    found, seen = [], set()
    for node, changed, place in visitor.found:
        outermost = ends[place.pop("outermost")]
        start = outermost.start.line
        whole = "".join(lines[start - 1 : outermost.end.line])
        line_starts = [0, *(i + 1 for i, letter in enumerate(whole) if letter == "\n")]
        first, last = (line_starts[end.line - start] + end.column for end in (ends[node].start, ends[node].end))
        mutated = whole[:first] + _text(wrapper.module, node, changed) + whole[last:]
        # Some changes are no Python, such as a positional argument after a named one; others change nothing.
        with contextlib.suppress(SyntaxError):
            meaning = start, ast.dump(ast.parse(mutated))
            if meaning not in seen and meaning[1] != meaning_of(whole):
                seen.add(meaning)
                found.append(Mutant(module, **place, original=original, start=start, whole=whole, mutated=mutated))
    return found


def _text(module, node, changed):
    """The text of what takes the node's place; its position is that of what stands inside its parentheses."""
    if isinstance(changed, type(node)) and getattr(node, "lpar", ()):
        changed = changed.with_changes(lpar=[], rpar=[])
    return module.code_for_node(changed).strip()

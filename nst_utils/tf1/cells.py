"""The cells of a notebook as Python: what is no Python, magics and shell commands, is put aside and back."""

import ast
import re

import libcst as cst

_LINE = re.compile(r"^(\s*)((?:[\w.\[\], ]+=\s*)?)([%!][^\n]*|[\w.]+\?{1,2})\s*$")
_MASK = re.compile(r"__not_python_(\d+)__")
# Cell magics whose cell is Python.
_PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")


class Cell:
    """Source of a cell; `module` is its syntax tree, or None where it cannot be read as Python."""

    def __init__(self, source: str) -> None:
        self._header = ""
        self._aside: list[str] = []
        if source.startswith("%%"):
            if source.startswith(_PYTHON_MAGICS):
                self._header, _, source = source.partition("\n")
                self._header += "\n"
            else:
                self._header, source = source, ""
        self.is_python = bool(source) or not self._header
        self.module = self._parse(source.split("\n"))

    def source(self, module: cst.Module | None = None) -> str:
        """The text of the cell, with another tree in place of its own."""
        module = module or self.module
        assert module is not None
        text = _MASK.sub(lambda found: self._aside[int(found[1])], module.code)
        return self._header + text

    def magics(self) -> list[str]:
        """The lines put aside."""
        return list(self._aside)

    def set_magic(self, line: str, new: str) -> None:
        """Another text for a line put aside."""
        self._aside[self._aside.index(line)] = new

    def _parse(self, lines: list[str]) -> cst.Module | None:
        """The tree of the lines; wherever Python stumbles over a line that may be none, it is put aside."""
        while True:
            text = "\n".join(lines)
            try:
                ast.parse(text)
                return cst.parse_module(text)
            except (SyntaxError, ValueError, cst.ParserSyntaxError) as error:
                # Python knows the line better than LibCST does.
                at = (getattr(error, "lineno", None) or 0) - 1
                found = _LINE.match(lines[at]) if 0 <= at < len(lines) else None
                if not found:
                    return None
                self._aside.append(found[3])
                lines[at] = f"{found[1]}{found[2]}__not_python_{len(self._aside) - 1}__"


def shown(node: cst.CSTNode) -> str:
    """The source of a node, in one line."""
    return " ".join(cst.Module([]).code_for_node(node).split())

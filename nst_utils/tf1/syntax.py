"""Small questions about syntax trees."""

from collections.abc import Sequence
from typing import Any, TypeVar

import libcst as cst
import libcst.matchers as m

N = TypeVar("N", cst.Arg, cst.ImportAlias)


def expression(source: str) -> Any:
    """The tree of an expression."""
    return cst.parse_expression(source)


def names_in(node: cst.CSTNode) -> list[cst.Name]:
    """The names in a piece of source."""
    return [each for each in m.findall(node, m.Name()) if isinstance(each, cst.Name)]


def calls_in(node: cst.CSTNode) -> list[cst.Call]:
    """The calls in a piece of source."""
    return [each for each in m.findall(node, m.Call()) if isinstance(each, cst.Call)]


def dotted(node: cst.CSTNode) -> str:
    """The text of a name with dots."""
    if isinstance(node, cst.Attribute):
        return f"{dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def root(node: cst.CSTNode) -> str:
    """The name before the first dot."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return node.value if isinstance(node, cst.Name) else "tf"


def variables(target: cst.CSTNode) -> set[str]:
    """The variables that an assignment to this target sets."""
    return {name.value for name in names_in(target)} if not isinstance(target, cst.Attribute) else set()


def is_shape(node: cst.CSTNode) -> bool:
    """x.get_shape() or x.shape, not yet a list of numbers."""
    return m.matches(node, m.Call(m.Attribute(attr=m.Name("get_shape")))) or m.matches(
        node, m.Attribute(attr=m.Name("shape"))
    )


def leaves_the_graph(node: cst.CSTNode) -> bool:
    """Whether an expression runs a session or asks for a shape: its value is no tensor."""
    ends = ("run", "eval", "numpy", "as_list", "get_shape")
    for call in calls_in(node):
        if isinstance(call.func, cst.Attribute) and call.func.attr.value in ends:
            return True
    return bool(m.findall(node, m.Attribute(attr=m.Name("shape"))))


def called(call: cst.Call) -> str:
    """The last name of what is called."""
    func = call.func
    return func.attr.value if isinstance(func, cst.Attribute) else func.value if isinstance(func, cst.Name) else ""


def literal(node: cst.CSTNode | None) -> str:
    """The text of a string that is written out; "" for anything else."""
    text = node.evaluated_value if isinstance(node, cst.SimpleString) else ""
    return text if isinstance(text, str) else ""


def with_comma(args: Sequence[cst.Arg]) -> list[cst.Arg]:
    """Arguments after which another one can follow."""
    if not args:
        return []
    return [*args[:-1], args[-1].with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))]


def last(nodes: Sequence[N]) -> N:
    """The last of some arguments or names, without the comma after it."""
    return nodes[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)

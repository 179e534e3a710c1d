"""Small questions about syntax trees."""

import libcst as cst
import libcst.matchers as m


def expression(source):
    """The tree of an expression."""
    return cst.parse_expression(source)


def dotted(node):
    """The text of a name with dots."""
    return f"{dotted(node.value)}.{node.attr.value}" if isinstance(node, cst.Attribute) else node.value


def root(node):
    """The name before the first dot."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return node.value if isinstance(node, cst.Name) else "tf"


def variables(target):
    """The variables that an assignment to this target sets."""
    return {name.value for name in m.findall(target, m.Name())} if not isinstance(target, cst.Attribute) else set()


def is_shape(node):
    """x.get_shape() or x.shape, not yet a list of numbers."""
    return m.matches(node, m.Call(m.Attribute(attr=m.Name("get_shape")))) or m.matches(
        node, m.Attribute(attr=m.Name("shape"))
    )


def leaves_the_graph(node):
    """Whether an expression runs a session or asks for a shape: its value is no tensor."""
    ends = ("run", "eval", "numpy", "as_list", "get_shape")
    for call in m.findall(node, m.Call(m.Attribute())):
        if call.func.attr.value in ends:
            return True
    return bool(m.findall(node, m.Attribute(attr=m.Name("shape"))))


def called(call):
    """The last name of what is called."""
    func = call.func
    return func.attr.value if isinstance(func, cst.Attribute) else func.value if isinstance(func, cst.Name) else ""


def literal(node):
    """The text of a string that is written out; "" for anything else."""
    return node.evaluated_value if isinstance(node, cst.SimpleString) and isinstance(node.evaluated_value, str) else ""


def with_comma(args):
    """Arguments after which another one can follow."""
    if not args:
        return []
    return [*args[:-1], args[-1].with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))]


def last(nodes):
    """The last of some arguments or names, without the comma after it."""
    return nodes[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)

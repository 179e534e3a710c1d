"""Which TensorFlow a piece of source was written for: graphs and sessions, or TensorFlow 2."""

import ast

# Names that only one way of writing TensorFlow has: graphs and sessions, or the code of TensorFlow 2.
_GRAPH = {
    "Session", "InteractiveSession", "placeholder", "reset_default_graph", "global_variables_initializer",
    "initialize_all_variables", "set_random_seed", "random_normal", "random_uniform", "truncated_normal",
    "get_default_graph", "get_default_session", "ConfigProto", "disable_eager_execution", "disable_v2_behavior",
    "load_vgg_model", "AdamOptimizer", "get_variable", "variable_scope", "assign_sub_op", "to_float",
}  # fmt: skip
_EAGER = {"GradientTape", "EagerTensor", "set_seed", "enable_eager_execution", "public_tests"}
_EAGER_IF_NOTHING_ELSE = {"keras", "VGG19", "VGG16", ".numpy()"}


def mode_of(source, decided=False):
    """'graph', 'eager', or None, for what the names in a piece of source call for.

    decided: whether earlier code has already shown what the notebook is; weak signs no longer count then.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    names = set(_names(tree))
    if names & _GRAPH and "enable_eager_execution" not in names:
        return "graph"
    if names & _EAGER or (not decided and names & _EAGER_IF_NOTHING_ELSE):
        return "eager"
    return None


def _names(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "numpy":
            yield ".numpy()"
        elif isinstance(node, ast.Attribute):
            yield node.attr
            if node.attr == "function" and isinstance(node.value, ast.Name) and node.value.id == "tf":
                yield "GradientTape"
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from node.module.split(".")

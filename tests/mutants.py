"""Answers taken apart as syntax trees: wrong ones, each with what a right message about it says, and equivalent ones.

An operator changes one place of a right answer, and states from what it changes alone, not from what any check
says, the words that a message must have that names it. Whether a mutant really changes the result or the effect is
decided by running it beside the original in `effects.py`; what changes nothing counts as an equivalent form.
"""

import ast
import copy
import difflib
import itertools
import re
import textwrap
from dataclasses import dataclass

HEADERS = {
    "layer_activations": "sess, model, image, layer_name",
    "compute_content_cost": "a_C, a_G",
    "gram_matrix": "A",
    "compute_layer_style_cost": "a_S, a_G",
    "compute_style_cost": "model, STYLE_LAYERS",
    "total_cost": "J_content, J_style, alpha=10, beta=40",
    "build_train_step": "J",
    "model_nn": "sess, input_image, num_iterations=200",
    "train_step": "image, compute_cost, optimizer",
}
_GRAM = "def gram_matrix(A):\n    return tf.matmul(A, A, transpose_b=True)\n"

# Right answers in several forms: {exercise: {form: body}}; what must be above the function is in ABOVE.
FORMS = {
    "compute_content_cost": {
        "as handed out": """
            m, n_H, n_W, n_C = a_G.shape
            return tf.reduce_sum(tf.square(a_C - a_G)) / (4.0 * int(n_H * n_W * n_C))
            """,
        "course": """
            m, n_H, n_W, n_C = a_G.get_shape().as_list()
            a_C_unrolled = tf.transpose(tf.reshape(a_C, [n_H * n_W, n_C]))
            a_G_unrolled = tf.transpose(tf.reshape(a_G, [n_H * n_W, n_C]))
            J_content = tf.reduce_sum(tf.square(tf.subtract(a_C_unrolled, a_G_unrolled))) / (4 * n_H * n_W * n_C)
            return J_content
            """,
        "in steps": """
            _, n_H, n_W, n_C = a_G.shape
            difference = a_C - a_G
            total = tf.reduce_sum(difference ** 2)
            return 1 / (4 * n_H * n_W * n_C) * total
            """,
        "mean": """
            return tf.reduce_mean((a_C - a_G) ** 2) / 4
            """,
    },
    "gram_matrix": {
        "as handed out": "return tf.matmul(A, A, transpose_b=True)",
        "transpose": """
            GA = tf.matmul(A, tf.transpose(A))
            return GA
            """,
        "einsum": "return tf.einsum('ik,jk->ij', A, A)",
        "broadcast": "return tf.reduce_sum(A[:, None, :] * A[None, :, :], axis=2)",
        "operator": "return A @ tf.transpose(A, perm=[1, 0])",
        "tensordot": "return tf.tensordot(A, A, axes=[[1], [1]])",
    },
    "compute_layer_style_cost": {
        "as handed out": """
            m, n_H, n_W, n_C = [int(side) for side in a_G.shape]
            G_S = gram_matrix(tf.transpose(tf.reshape(a_S, [n_H * n_W, n_C])))
            G_G = gram_matrix(tf.transpose(tf.reshape(a_G, [n_H * n_W, n_C])))
            return tf.reduce_sum(tf.square(G_S - G_G)) / (4.0 * n_C ** 2 * (n_H * n_W) ** 2)
            """,
        "course": """
            m, n_H, n_W, n_C = a_G.get_shape().as_list()
            a_S = tf.transpose(tf.reshape(a_S, [n_H * n_W, n_C]))
            a_G = tf.transpose(tf.reshape(a_G, [n_H * n_W, n_C]))
            GS = gram_matrix(a_S)
            GG = gram_matrix(a_G)
            J_style_layer = tf.reduce_sum(tf.square(tf.subtract(GS, GG))) / (2 * n_H * n_W * n_C) ** 2
            return J_style_layer
            """,
        "perm first": """
            m, n_H, n_W, n_C = a_G.shape
            S = tf.reshape(tf.transpose(a_S, perm=[0, 3, 1, 2]), [n_C, n_H * n_W])
            G = tf.reshape(tf.transpose(a_G, perm=[0, 3, 1, 2]), [n_C, n_H * n_W])
            difference = gram_matrix(S) - gram_matrix(G)
            return tf.reduce_sum(difference ** 2) / (4 * n_C ** 2 * n_H ** 2 * n_W ** 2)
            """,
        "einsum": """
            m, n_H, n_W, n_C = a_G.shape
            G_S = tf.einsum('bijc,bijd->cd', a_S, a_S)
            G_G = tf.einsum('bijc,bijd->cd', a_G, a_G)
            return tf.reduce_sum((G_S - G_G) ** 2) / (2 * n_H * n_W * n_C) ** 2
            """,
        "normalised": """
            n_C = a_G.shape[3]
            S = tf.reshape(a_S, [-1, n_C])
            G = tf.reshape(a_G, [-1, n_C])
            positions = S.shape[0]
            G_S = tf.matmul(S, S, transpose_a=True) / positions
            G_G = tf.matmul(G, G, transpose_a=True) / positions
            return tf.reduce_mean(tf.square(G_S - G_G)) / 4
            """,
    },
    "compute_style_cost": {
        "as handed out": """
            J_style = 0
            for layer_name, weight in STYLE_LAYERS:
                a_S = sess.run(model[layer_name])
                a_G = model[layer_name]
                J_style += weight * compute_layer_style_cost(a_S, a_G)
            return J_style
            """,
        "course": """
            J_style = 0
            for layer_name, coeff in STYLE_LAYERS:
                out = model[layer_name]
                a_S = sess.run(out)
                a_G = out
                J_style_layer = compute_layer_style_cost(a_S, a_G)
                J_style += coeff * J_style_layer
            return J_style
            """,
        "add_n": """
            costs = []
            for name, weight in STYLE_LAYERS:
                layer = model[name]
                costs.append(weight * compute_layer_style_cost(layer.eval(session=sess), layer))
            return tf.add_n(costs)
            """,
        "sum": """
            return sum(
                weight * compute_layer_style_cost(sess.run(model[name]), model[name]) for name, weight in STYLE_LAYERS
            )
            """,
    },
    "total_cost": {
        "as handed out": "return alpha * J_content + beta * J_style",
        "in steps": """
            content = alpha * J_content
            style = beta * J_style
            return content + style
            """,
        "functions": "return tf.add(alpha * J_content, beta * J_style)",
    },
    "layer_activations": {
        "as handed out": """
            sess.run(model['input'].assign(image))
            return sess.run(model[layer_name])
            """,
        "in steps": """
            assign = tf.assign(model['input'], image)
            sess.run(assign)
            layer = model[layer_name]
            a = sess.run(layer)
            return a
            """,
    },
    "build_train_step": {
        "as handed out": """
            optimizer = tf.train.AdamOptimizer(2.0)
            return optimizer.minimize(J)
            """,
        "in two calls": """
            optimizer = tf.train.AdamOptimizer(learning_rate=2.0)
            gradients = optimizer.compute_gradients(J)
            return optimizer.apply_gradients(gradients)
            """,
        "with the variable": """
            return tf.train.AdamOptimizer(2.0).minimize(J, var_list=[model['input']])
            """,
    },
    "model_nn": {
        "as handed out": """
            sess.run(tf.global_variables_initializer())
            sess.run(model['input'].assign(input_image))
            for i in range(num_iterations):
                sess.run(train_step)
                if i % 20 == 0:
                    image, Jt, Jc, Js = sess.run([model['input'], J, J_content, J_style])
                    view.update(i, image, J=Jt, J_content=Jc, J_style=Js)
            return sess.run(model['input'])
            """,
        "course": """
            sess.run(tf.global_variables_initializer())
            sess.run(model['input'].assign(input_image))
            for i in range(num_iterations):
                sess.run(train_step)
                generated_image = sess.run(model['input'])
                if i % 20 == 0:
                    Jt, Jc, Js = sess.run([J, J_content, J_style])
                    print('Iteration ' + str(i), Jt, Jc, Js)
            return generated_image
            """,
        "while": """
            sess.run(tf.global_variables_initializer())
            model['input'].load(input_image, sess)
            i = 0
            while i < num_iterations:
                train_step.run(session=sess)
                if i % 20 == 0:
                    print(i, sess.run(J))
                i += 1
            generated_image = model['input'].eval(session=sess)
            return generated_image
            """,
    },
    "train_step": {
        "as handed out": """
            with tf.GradientTape() as tape:
                J = compute_cost(image)
            gradient = tape.gradient(J, image)
            optimizer.apply_gradients([(gradient, image)])
            image.assign(tf.clip_by_value(image, 0.0, 255.0))
            return J
            """,
        "zip": """
            with tf.GradientTape() as tape:
                tape.watch(image)
                cost = compute_cost(image)
            gradients = tape.gradient(cost, [image])
            optimizer.apply_gradients(zip(gradients, [image]))
            clipped = tf.maximum(tf.minimum(image, 255.0), 0.0)
            image.assign(clipped)
            return cost
            """,
    },
}
ABOVE = {"compute_layer_style_cost": _GRAM}


def source(exercise, body, above=""):
    return f"{above}\ndef {exercise}({HEADERS[exercise]}):\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"


@dataclass(frozen=True)
class Variant:
    """An answer made from a right one."""

    exercise: str
    form: str
    operator: str
    # The changed statement, before and after.
    before: str
    after: str
    source: str
    # A regular expression: what a message says that names the change. Of equivalent forms nothing.
    words: str = ""
    # Whether the effect depends on luck, so that running it once decides nothing.
    luck: bool = False

    def __str__(self):
        return f"{self.exercise} ({self.form}), {self.operator}: `{self.before}` -> `{self.after}`"


def variants(exercise, operators):
    """All variants of all forms of an exercise, each text once."""
    seen = set()
    for form, body in FORMS[exercise].items():
        tree = ast.parse(source(exercise, body, ABOVE.get(exercise, "")))
        function = tree.body[-1]
        seen.add(ast.unparse(function))
        for operator in operators:
            for place, (new, words, *luck) in _changes(function, operator, exercise):
                changed = copy.deepcopy(tree)
                _put(changed.body[-1], place, new)
                text = ast.unparse(ast.fix_missing_locations(changed))
                if ast.unparse(changed.body[-1]) in seen:
                    continue
                seen.add(ast.unparse(changed.body[-1]))
                old, new_lines = (ast.unparse(each).splitlines() for each in (function, changed.body[-1]))
                gone = [line.strip() for line in difflib.ndiff(old, new_lines) if line.startswith("- ")]
                come = [line.strip() for line in difflib.ndiff(old, new_lines) if line.startswith("+ ")]
                yield Variant(
                    exercise,
                    form,
                    operator.__name__,
                    *(" / ".join(line[2:].strip() for line in lines) for lines in (gone, come)),
                    text,
                    words,
                    bool(luck and luck[0]),
                )


# --- Places in a tree ---------------------------------------------------------------------------------------


def _places(node, path=()):
    """(path, node) of a node and all below it; a path is a list of (field, position or None)."""
    yield path, node
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield from _places(value, (*path, (name, None)))
        elif isinstance(value, list):
            for position, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield from _places(item, (*path, (name, position)))


def _at(node, path):
    for name, position in path:
        node = getattr(node, name)
        node = node if position is None else node[position]
    return node


def _put(function, path, new):
    """Replace what is at the path: by a node, by statements, or, where `new` is a function, as it does."""
    parent, (name, position) = _at(function, path[:-1]), path[-1]
    if callable(new):
        new(function)
    elif isinstance(new, list):
        getattr(parent, name)[position : position + 1] = copy.deepcopy(new) or []
        if not getattr(parent, name):
            getattr(parent, name).append(ast.Pass())
    elif position is None:
        setattr(parent, name, copy.deepcopy(new))
    else:
        getattr(parent, name)[position] = copy.deepcopy(new)


def _statement_of(function, path):
    statement = function
    for length in range(1, len(path) + 1):
        node = _at(function, path[:length])
        if isinstance(node, ast.stmt):
            statement = node
    return statement


def _changes(function, operator, exercise):
    for path, node in _places(function):
        if path and path[0][0] == "body":
            for change in operator(node, path, function, exercise) or ():
                yield path, change


def _names(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _expression(text):
    return ast.parse(text, mode="eval").body


def _statements(text):
    return ast.parse(textwrap.dedent(text)).body


def _is_call(node, *names):
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in names


_DIMENSIONS = ("n_H", "n_W", "n_C")
_TENSORS = r"a_[CSG]|G_?[SG]|a_[CG]_unrolled|difference|[SG]|A|GA"


def _kind(node):
    """What a number expression is about: "tensors", "dimensions", "weights" or ""."""
    names = _names(node)
    if any(re.fullmatch(_TENSORS, name) for name in names) and not _is_shape(node):
        return "tensors"
    if names & {*_DIMENSIONS, "positions"}:
        return "dimensions"
    if names & {"alpha", "beta", "J_content", "J_style", "weight", "coeff", "content", "style"}:
        return "weights"
    return ""


def _is_shape(node):
    return any(isinstance(n, ast.Attribute) and n.attr in ("shape", "get_shape") for n in ast.walk(node))


def _mention(node):
    """A regular expression for what is in an expression, by its names or its number."""
    found = []
    for n in ast.walk(node):
        if isinstance(n, ast.Constant) and isinstance(n.value, int | float):
            found.append(rf"\b{n.value:g}\b|\b{n.value**2:g}\b")
        elif isinstance(n, ast.Name) and n.id not in ("tf", "int", "float", "sess", "m", "_"):
            found.append(
                {
                    "weight": "weight",
                    "coeff": "weight",
                    "positions": "n_H|n_W",
                    "J_style_layer": "cost",
                    "content": "content|J_content",
                    "style": "style|J_style",
                    "total": "square|sum is missing",
                    "compute_layer_style_cost": "layers' costs",
                }.get(n.id, rf"\b{n.id}\b")
            )
    return "|".join(found) or "$^"


_INT = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_OTHERS = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div, "//": ast.FloorDiv}
# What cannot be misunderstood where a session or a graph takes something that it cannot.
_NO_VALUE = r"gradient|tensor|number|value|`tf`|NumPy"


# --- Operators: numbers and functions -----------------------------------------------------------------------


def a_factor_left_out(node, path, function, exercise):
    if not isinstance(node, ast.BinOp):
        return
    sides = {"left": (node.left, node.right), "right": (node.right, node.left)}
    for kept, left_out in sides.values():
        if isinstance(node.op, ast.Mult) and _kind(left_out) != "tensors":
            missing = "missing|forgotten|left out|ignore|not squared|divide by|Only|stands where|times the right|counts"
            yield kept, f"(?=.*({_mention(left_out)}))(?=.*({missing}))|[Nn]ormaliser is missing"
        elif isinstance(node.op, ast.Mult):
            yield (
                kept,
                "square is missing|sum is missing|rows of A up|A itself|same for every|no difference|no layer's|"
                "costs are missing",
            )
        elif isinstance(node.op, ast.Sub):
            yield kept, "Only the (first|second)|Only one|argument"
        elif isinstance(node.op, ast.Div):
            yield (
                kept,
                "is missing|times the right|n_H|same for every|one number|is divided|no difference|not divided",
            )
        elif isinstance(node.op, ast.Add):
            yield kept, "Only the|left out|missing"
        elif isinstance(node.op, ast.Pow) and kept is node.left:
            yield kept, "square is missing|not squared|(is|are) missing|cancel"


def a_factor_squared(node, path, function, exercise):
    if not isinstance(node, ast.expr):
        return
    parent = _at(function, path[:-1])
    in_product = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div | ast.Add)
    if in_product and not isinstance(node, ast.Constant) or isinstance(node, ast.Constant) and in_product:
        about = _mention(node) if _kind(node) != "tensors" else "square|power"
        yield (
            ast.BinOp(node, ast.Pow(), ast.Constant(2)),
            f"(?=.*({about}))(?=.*(square|counts|divided? by|stands where|power))|16 |normaliser is squared|"
            "square the costs",
        )


def an_operator(node, path, function, exercise):
    if not isinstance(node, ast.BinOp) or type(node.op) not in _INT:
        return
    old, kind = _INT[type(node.op)], _kind(node)
    dividing = old == "/" or (old == "*" and _kind(node.left) != _kind(node.right))
    for new, op in _OTHERS.items():
        if new == old:
            continue
        if exercise in ("total_cost", "compute_style_cost"):
            words = {
                "+": "[Yy]ou add|add(ed)? ",
                "-": "[Ss]ubtract",
                "*": "[Mm]ultipl",
                "/": "[Dd]ivide",
                "//": "[Dd]ivide|round",
            }[new] + "|bracket"
        elif kind == "tensors" and old == "-":
            words = {"+": "You add", "*": "You multiply|elementwise", "/": "You divide", "//": "divide|round|whole"}[
                new
            ]
        elif kind == "tensors" and dividing:
            words = {
                "*": "multipl(y|ied) by|multiplies instead|[Nn]ormaliser|times|stands where|is divided",
                "-": "subtract|off by|less",
                "+": "add|off by",
                "//": "round|whole|0 for every",
                "/": "divide the normaliser|multipl|divide",
            }[new]
        elif kind == "tensors":
            words = {"+": "add", "-": "subtract", "/": "divide", "//": "divide|round|whole"}.get(new, "multipl")
        else:
            words = {
                "+": r"divide by [^;]*\+|[Yy]ou add|requested|same shape",
                "-": r"divide by [^;]*-|[Yy]ou subtract|requested|same shape",
                "*": "multipl|divide by",
                "/": "multiplies instead|is missing|divide by|requested",
                "//": r"multiplies instead|divide by [^;]*//|is missing|requested|rounds|0 for every|infinite",
            }[new]
        yield ast.BinOp(node.left, op(), node.right), words


_FUNCTIONS = {
    "reduce_sum": {
        "reduce_mean": r"\bmean\b|You divide by n_",
        "reduce_max": "largest",
        "reduce_min": "smallest",
        "reduce_prod": "multipl|infinite",
        "identity": "[Nn]othing is summed|not summed|one number|are not summed",
    },
    "reduce_mean": {
        "reduce_sum": "mean|missing|normaliser|n_H",
        "reduce_max": "largest",
        "identity": "one number|summed",
    },
    "square": {
        "abs": "absolute",
        "sqrt": "root|not a number",
        "exp": "exp|infinite",
        "identity": "square is missing|cancel",
        "sign": "count|sign",
    },
    "subtract": {
        "add": "You add",
        "multiply": "multiply",
        "maximum": "greater|larger",
        "divide": "divide",
        "squared_difference": "fourth",
    },
    "add": {
        "subtract": "subtract",
        "multiply": "multiply",
        "divide": "divide",
        "maximum": "larger",
        "minimum": "smaller",
    },
    "matmul": {"multiply": "elementwise|shapes do not fit|Shapes|differ", "add": "add"},
    "clip_by_value": {"identity": "no clipping|clipping"},
    "add_n": {"stack": "one number|array"},
    "sum": {"max": "largest", "list": "list"},
    "AdamOptimizer": {
        "GradientDescentOptimizer": "gradient descent",
        "AdagradOptimizer": "Adagrad",
        "RMSPropOptimizer": "RMSProp",
        "AdadeltaOptimizer": "Adadelta",
        "FtrlOptimizer": "Ftrl",
    },
    "minimize": {"compute_gradients": "changes nothing|compute_gradients"},
    "apply_gradients": {"compute_gradients": "compute_gradients"},
    "maximum": {"minimum": r"clip to 0\.\.0|clip|no clipping"},
    "minimum": {"maximum": r"clip"},
    "transpose": {"identity": "transpose|reshape|shapes do not fit|over positions|front|columns|unroll"},
    "global_variables_initializer": {"local_variables_initializer": "initialised"},
}


def a_function(node, path, function, exercise):
    if not isinstance(node, ast.Call):
        return
    for new, words in _FUNCTIONS.get(ast.unparse(node.func).split(".")[-1], {}).items():
        call = copy.deepcopy(node)
        if isinstance(call.func, ast.Attribute):
            call.func.attr = new
        elif isinstance(call.func, ast.Name):
            call.func.id = new
        if new == "identity":
            call.args, call.keywords = call.args[:1], []
        yield call, words


def an_argument(node, path, function, exercise):
    """One name for another of the same kind."""
    groups = (
        ("a_C", "a_G"),
        ("a_S", "a_G"),
        ("G_S", "G_G"),
        ("GS", "GG"),
        ("a_C_unrolled", "a_G_unrolled"),
        ("S", "G"),
        ("J_content", "J_style"),
        ("alpha", "beta"),
        ("weight", "layer_name"),
        ("coeff", "layer_name"),
        ("content", "style"),
        ("Jt", "Jc"),
        ("gradient", "image"),
        ("input_image", "generated_image"),
    )
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return
    here = _names(function) | {argument.arg for argument in function.args.args}
    for group in groups:
        if node.id in group and set(group) <= here:
            other = group[1 - group.index(node.id)]
            if exercise == "total_cost":
                words = f"{other}|{node.id}|swapped|both"
            elif exercise == "compute_style_cost":
                words = "a_S|a_G|style picture|weight|name|KeyError|" + _NO_VALUE
            elif exercise == "train_step":
                words = "gradient|image|copy|pair|returned|return"
            elif exercise == "model_nn":
                words = "input_image|generated_image|report|return|assign"
            elif _kind(node) == "tensors" and _is_shape(_at(function, path[:-1])):
                words = "dimensions from an array"
            else:
                words = (
                    "Only the|itself|alike|argument|one picture|unrolled in different|0 for every|shapes|no difference"
                )
            yield ast.Name(other, ast.Load()), words


def an_axis(node, path, function, exercise):
    if _is_call(node, "reduce_sum", "reduce_mean", "reduce_max"):
        present = {keyword.arg: keyword for keyword in node.keywords}
        if "axis" in present:
            for axis in (0, 1):
                call = copy.deepcopy(node)
                next(k for k in call.keywords if k.arg == "axis").value = ast.Constant(axis)
                yield call, "sum (over|the)|positions|axis|diagonal|one number|products"
            call = copy.deepcopy(node)
            call.keywords = [k for k in call.keywords if k.arg != "axis"]
            yield call, "sum (over|the)|one for each pair|diagonal|products|sum the rows"
        else:
            for axis in (0, -1):
                call = copy.deepcopy(node)
                call.keywords.append(ast.keyword("axis", ast.Constant(axis)))
                yield call, "You sum over|one number|array|axis|axes"
        call = copy.deepcopy(node)
        call.keywords.append(ast.keyword("keepdims", ast.Constant(True)))
        yield call, "add an axis|axis|axes"
    if _is_call(node, "transpose"):
        lists = [k.value for k in node.keywords if k.arg == "perm"] + list(node.args[1:])
        for perm in lists:
            numbers = ast.literal_eval(perm)
            for i, j in itertools.combinations(range(len(numbers)), 2):
                swapped = list(numbers)
                swapped[i], swapped[j] = swapped[j], swapped[i]
                call = copy.deepcopy(node)
                for keyword in call.keywords:
                    if keyword.arg == "perm":
                        keyword.value = _expression(repr(swapped))
                call.args = call.args[:1]
                yield call, "transpose|order|front|unroll|reshape|shapes do not fit|A\\^T A|mixes"


def an_order_of_dimensions(node, path, function, exercise):
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store) and {e.id for e in node.elts} & set(_DIMENSIONS):
        for i, j in itertools.combinations(range(len(node.elts)), 2):
            new = copy.deepcopy(node)
            new.elts[i], new.elts[j] = new.elts[j], new.elts[i]
            yield new, "order|stands for|dimensions|batch axis|requested shape|rows of that table|columns of that"
    if isinstance(node, ast.List) and len(node.elts) == 2 and _names(node) & set(_DIMENSIONS):
        new = ast.List(node.elts[::-1], ast.Load())
        yield new, "reshape|mixes|over positions|unroll|different ways|A\\^T A"


def a_reshape_for_a_transpose(node, path, function, exercise):
    if _is_call(node, "transpose") and len(node.args) == 1:
        inner = node.args[0]
        if _is_call(inner, "reshape"):
            sides = inner.args[1].elts[::-1]
            new = ast.Call(inner.func, [inner.args[0], ast.List(sides, ast.Load())], [])
        else:
            new = _expression(
                f"tf.reshape({ast.unparse(inner)}, [{ast.unparse(inner)}.shape[1], {ast.unparse(inner)}.shape[0]])"
            )
        yield new, "reshape|mixes|different ways"
    if isinstance(node, ast.keyword) and node.arg in ("transpose_a", "transpose_b"):
        other = {"transpose_a": "transpose_b", "transpose_b": "transpose_a"}[node.arg]
        yield ast.keyword(other, node.value), "over positions|A\\^T A|in the same way"
        yield ast.keyword(node.arg, ast.Constant(False)), "shapes do not fit|transpose|Shapes"
    if _is_call(node, "reshape") and exercise != "compute_content_cost":
        yield node.args[0], "unroll|shapes|4-D|axes|dimension|transpose|once for each"


def a_shape_from_elsewhere(node, path, function, exercise):
    if isinstance(node, ast.Attribute) and node.attr in ("shape", "get_shape") and isinstance(node.value, ast.Name):
        for other in ("a_C", "a_S", "a_G"):
            if other in {a.arg for a in function.args.args} and other != node.value.id:
                yield (
                    ast.Attribute(ast.Name(other, ast.Load()), node.attr, ast.Load()),
                    "dimensions|get_shape|array|batch axis|n_[HWC]",
                )
        if node.attr == "shape":
            parent = _at(function, path[:-1])
            if isinstance(parent, ast.Subscript):
                return
            # The dimensions of a Gram matrix, or of a picture without its batch axis.
            yield (
                _expression(f"tf.transpose({node.value.id}).shape"),
                "order|dimension|batch axis|n_[HWC]|requested|unroll",
            )
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and _is_shape(node.value):
        for place in range(4):
            if place != node.slice.value and "a_" in ast.unparse(node.value):
                yield (
                    ast.Subscript(node.value, ast.Constant(place), ast.Load()),
                    "order|n_[HWC]|dimension|unroll|batch axis",
                )
            elif place < 2 and place != node.slice.value:
                yield ast.Subscript(node.value, ast.Constant(place), ast.Load()), "n_[HWC]"


def a_constant(node, path, function, exercise):
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return
    parent = _at(function, path[:-1])
    if isinstance(node.value, int | float):
        exponent = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow) and path[-1][0] == "right"
        index = isinstance(parent, ast.Subscript | ast.List)
        if index:
            return
        for value in (node.value + 1, node.value * 3 or 5):
            if exponent:
                words = "third|fourth|power|counts|squared|divide by"
            elif exercise == "train_step":
                words = "clip"
            elif exercise == "build_train_step":
                words = f"learning rate {value:g}"
            elif exercise == "model_nn":
                words = "iteration|train_step|report"
            elif exercise == "compute_style_cost":
                words = f"off by the same number, {value:g}|begin"
            else:
                words = rf"\b{value:g}\b|stands where|\b{value**2:g}\b|times the right|counts|is squared"
            yield ast.Constant(value), words
    elif isinstance(node.value, str) and "->" in node.value:
        left, right = node.value.split("->")
        first, second = left.split(",")
        einsum = (
            f"{first},{first}->{first}",
            f"{left}->{right[0]}",
            f"{first[::-1]},{second[::-1]}->{right}",
            f"{first},{first}->{right[0]}" if len(first) == 2 else f"{left}->{right[::-1]}",
            f"{left}->{first[0]}{right}",
        )
        for value in einsum:
            yield ast.Constant(value), "over|sum|elementwise|diagonal|Gram matrix|axis|axes|product|positions"
    elif node.value == "input" and exercise in ("model_nn", "layer_activations"):
        yield ast.Constant("conv4_2"), "conv4_2|variable|assign|activations"


# --- Operators: what has a value, and where a name comes from -------------------------------------------------


def a_value_for_a_tensor(node, path, function, exercise):
    parent = _at(function, path[:-1])
    if exercise in ("compute_content_cost", "compute_layer_style_cost", "gram_matrix", "total_cost"):
        in_place = (
            isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and not isinstance(parent, ast.Attribute)
        )
        tensor = re.fullmatch(_TENSORS + "|J_content|J_style", getattr(node, "id", ""))
        if in_place and tensor:
            yield _expression(f"tf.stop_gradient({node.id})"), "gradient"
            yield _expression(f"tf.constant({node.id}.numpy())"), "gradient|numpy"
        if isinstance(node, ast.Return):
            yield [ast.Return(_expression(f"float({ast.unparse(node.value)})"))], "gradient|float|[Oo]nly|scalar"
            yield [ast.Return(_expression(f"({ast.unparse(node.value)}).numpy()"))], "gradient|numpy"
    if _is_call(node, "run") and "sess" in ast.unparse(node.func):
        words = "never|tensor|value|`a_S` follows|Nothing|train_step|initialised|number|report|only after"
        if not node.args or isinstance(node.args[0], ast.List):
            words += "|iterat|unpack"
        yield node.args[0], words
    if isinstance(node, ast.Return) and exercise in ("compute_style_cost",):
        yield [ast.Return(_expression(f"sess.run({ast.unparse(node.value)})"))], "number|tensor"
    if exercise == "compute_style_cost" and isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "a_G":
        yield [ast.Assign(node.targets, _expression(f"sess.run({ast.unparse(node.value)})"))], "`a_G` was run|a_G"
    if exercise == "train_step" and isinstance(node, ast.Return):
        yield [ast.Return(_expression(f"{ast.unparse(node.value)}.numpy()"))], "tf.function"
        yield [ast.Return(_expression(f"float({ast.unparse(node.value)})"))], "tf.function"
        yield [ast.Return(_expression("compute_cost(image)"))], "after the step"
        yield [ast.Return(_expression("image"))], "return the picture"
    if exercise == "train_step" and _is_call(node, "compute_cost"):
        yield _expression("compute_cost(tf.constant(image.numpy()))"), "[Gg]radient|numpy"
        yield _expression("compute_cost(tf.stop_gradient(image))"), "[Gg]radient"
        yield _expression("compute_cost(image / 255.0)"), "gradient|divided by 255|called with"
    if exercise == "model_nn" and _is_call(node, "update"):
        call = copy.deepcopy(node)
        call.keywords = [ast.keyword(k.arg, ast.Name(k.arg, ast.Load())) for k in node.keywords]
        yield call, "report"


def a_global_for_an_argument(node, path, function, exercise):
    arguments = {argument.arg for argument in function.args.args} - {"sess", "model", "STYLE_LAYERS"}
    is_argument = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in arguments
    if is_argument and exercise not in ("train_step", "build_train_step"):
        new = f"{node.id}_of_the_notebook"
        yield (
            ast.Name(new, ast.Load()),
            rf"{new}|of the notebook|of your notebook|not `\w*image`|same for every|ignored",
        )
    if exercise == "compute_style_cost" and isinstance(node, ast.Name) and node.id == "STYLE_LAYERS":
        yield ast.Name("LAYERS_OF_THE_COURSE", ast.Load()), "course's layers|argument STYLE_LAYERS"


def what_is_in_the_network(node, path, function, exercise):
    """The means subtracted again, another scale, a part of the picture."""
    if (
        exercise in ("layer_activations", "model_nn")
        and isinstance(node, ast.Name)
        and node.id in ("image", "input_image")
    ):
        if not isinstance(node.ctx, ast.Load) or _is_call(_at(function, path[:-1]), "update"):
            return
        given = r"not `\w*image` as it is|is not"
        yield _expression(f"{node.id} - MEANS"), f"means|{given}"
        yield _expression(f"{node.id} / 255"), f"255|{given}"
        yield _expression(f"{node.id}[..., ::-1]"), f"red and blue|{given}"
        yield _expression(f"0 * {node.id}"), f"zeros|empty|{given}"
        yield _expression(f"np.clip({node.id}, 0, 255)"), f"clip|{given}"
        yield _expression(f"{node.id}[0]"), "shape|batch"


def one_minus_a_weight(node, path, function, exercise):
    if exercise == "total_cost" and isinstance(node, ast.Name) and node.id in ("alpha", "beta"):
        for other in ("alpha", "beta"):
            yield _expression(f"(1 - {other})"), rf"1 - {other}"


def names_exchanged(node, path, function, exercise):
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store) and len(node.elts) == 2:
        if exercise == "compute_style_cost":
            yield ast.Tuple(node.elts[::-1], ast.Store()), "name.*weight|weight.*name|exchanged"
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) == 2:
        if exercise == "train_step":
            yield ast.Tuple(node.elts[::-1], ast.Load()), "wrong way round|reversed|pair"
    if _is_call(node, "zip") and exercise == "train_step":
        yield ast.Call(node.func, node.args[::-1], []), "wrong way round|reversed|pair"


# --- Operators: statements ----------------------------------------------------------------------------------


def _about(statement):
    """A regular expression for what a statement is about."""
    text, words = ast.unparse(statement), []
    known = {
        "initializer": "initialis",
        ".assign(": r"assign|`image` is not changed|clip",
        ".load(": "assign",
        "tf.assign": "assign",
        "(assign)": "assign",
        "generated_image": r"read `model|last step|generated_image",
        "train_step": "train_step|step",
        "view.update": "report",
        "print(": "report",
        "apply_gradients": "not changed|apply_gradients",
        "tape.gradient": "gradient",
        "i += 1": "end within|never stop",
        "compute_gradients": "gradient",
        "tape.watch": "gradient",
    }
    words += [about for sign, about in known.items() if sign in text]
    words += [rf"\b{name}\b" for target in getattr(statement, "targets", []) for name in _names(target)]
    if isinstance(statement, ast.AugAssign):
        words.append("add each layer|no layer's cost was added")
    if isinstance(statement, ast.Return):
        words.append("returns nothing|Nothing is computed")
    if ".append(" in text:
        words.append("add_n|nothing to add")
    if "reshape" in text:
        words.append("unrolled")
    if isinstance(statement, ast.If):
        words.append("report|read")
    return "|".join(words) or "$^"


def a_step_left_out(node, path, function, exercise):
    if isinstance(node, ast.stmt) and not isinstance(node, ast.For | ast.While | ast.With):
        if exercise == "model_nn" and ast.unparse(node) == "i += 1":
            return  # an endless loop, which test_checks tries
        yield [], _about(node)


def statements_exchanged(node, path, function, exercise):
    """Two statements that follow each other, the other way round."""
    if not isinstance(node, ast.stmt) or path[-1][1] is None:
        return
    block, position = getattr(_at(function, path[:-1]), path[-1][0]), path[-1][1]
    if position + 1 < len(block) and not isinstance(block[position + 1], ast.Return):
        first, second = copy.deepcopy(block[position : position + 2])

        def exchange(changed):
            block = getattr(_at(changed, path[:-1]), path[-1][0])
            block[position : position + 2] = [second, first]

        about = f"{_about(first)}|{_about(second)}"
        yield exchange, f"{about}|before|after|first|last step|loop"


def a_statement_into_a_loop(node, path, function, exercise):
    for position, statement in enumerate(function.body):
        if isinstance(statement, ast.For | ast.While):
            loop = position
            break
    else:
        return
    if len(path) != 1 or path[0][1] == loop:
        return
    place = path[0][1]

    def move(changed, where):
        statement = changed.body.pop(place)
        target = changed.body[loop - (place < loop)]
        target.body.insert(0 if where == "start" else len(target.body), statement)

    for where in ("start", "end"):
        about = _about(node)
        if isinstance(node, ast.Return):
            about = "`return`|Only the first layer"
        if exercise == "compute_style_cost" and isinstance(node, ast.Assign):
            about += "|Only the last|begin|0 for every|last layer"
        yield lambda changed, where=where: move(changed, where), f"{about}|loop"


def a_statement_out_of_a_loop(node, path, function, exercise):
    if not isinstance(node, ast.stmt) or len(path) != 2 or path[1][0] != "body":
        return
    loop = path[0][1]
    if not isinstance(function.body[loop], ast.For | ast.While) or len(function.body[loop].body) < 2:
        return
    if ast.unparse(node) == "i += 1":
        return

    def move(changed, after):
        statement = changed.body[loop].body.pop(path[1][1])
        changed.body.insert(loop + after, statement)

    for after in (0, 1):
        about = _about(node) + "|Only the last|loop"
        yield lambda changed, after=after: move(changed, after), about


def a_loop_changed(node, path, function, exercise):
    if _is_call(node, "range") and exercise == "model_nn":
        yield _expression("range(1, num_iterations)"), "[Oo]ne iteration too few"
        yield _expression("range(num_iterations + 1)"), "[Oo]ne iteration too many"
        yield _expression("range(num_iterations - 1)"), "[Oo]ne iteration too few"
        yield _expression("range(200)"), "ignored"
        yield _expression("range(0, num_iterations, 2)"), "did not run num_iterations"
        yield _expression("range(2 * num_iterations)"), "twice|did not run num_iterations"
    if isinstance(node, ast.Compare) and exercise == "model_nn" and isinstance(node.ops[0], ast.Lt):
        yield ast.Compare(node.left, [ast.LtE()], node.comparators), "[Oo]ne iteration too many"
    if isinstance(node, ast.AugAssign) and exercise == "compute_style_cost":
        yield [ast.Assign([node.target], node.value, lineno=0)], "Only the last"
        yield [ast.AugAssign(node.target, ast.Sub(), node.value)], "subtract|wrong sign"
        yield [ast.AugAssign(node.target, ast.Mult(), node.value)], "0 for every|multipl|0"
    if isinstance(node, ast.Name) and node.id == "STYLE_LAYERS" and exercise == "compute_style_cost":
        yield _expression("STYLE_LAYERS[1:]"), "first layer is left out"
        yield _expression("STYLE_LAYERS[:-1]"), "last layer is left out"
    if isinstance(node, ast.Return) and exercise == "compute_style_cost":
        yield (
            [ast.Return(_expression(f"{_bracketed(node.value)} / len(STYLE_LAYERS)"))],
            "mean over the layers|number of layers",
        )


def _bracketed(node):
    return f"({ast.unparse(node)})"


def another_result(node, path, function, exercise):
    """Another name is returned."""
    if not isinstance(node, ast.Return) or exercise not in (
        "model_nn",
        "train_step",
        "layer_activations",
        "build_train_step",
    ):
        return
    others = {
        "model_nn": {
            "input_image": "input_image",
            "sess.run(J)": "one number|cost",
            "model['input']": "tensor",
            "sess.run(model['conv4_2'])": "activations|conv4_2",
            "sess.run(model['input'])[0]": "batch axis",
            "image": "step|last|return|NameError",
            "sess.run([J, J_content, J_style])": "costs",
            "sess.run([train_step, model['input']])[1]": "same `sess.run`|too many|iterations",
        },
        "train_step": {"gradient": "return the gradient", "2 * J": "times J", "-J": "wrong sign|times J"},
        "layer_activations": {
            "model[layer_name]": "tensor",
            "image": "picture, not",
            "sess.run(model[layer_name])[0]": "batch axis",
            "sess.run(model['input'])": "picture, not",
            "sess.run(model['conv1_1'])": "always read `conv1_1`",
            "sess.run([model[layer_name], model['input'].assign(image)])[0]": "one `sess.run`|$^",
        },
        "build_train_step": {
            "optimizer": "return the optimiser",
            "optimizer.minimize(-J)": "maximise",
            "J": "changes nothing",
            "tf.keras.optimizers.Adam(2.0)": "Keras",
            "tf.keras.optimizers.Adam(2.0).minimize(J)": "Keras",
            "tf.train.AdamOptimizer(2.0, beta1=0.5).minimize(J)": "beta1",
            "tf.gradients(J, model['input'])": "changes nothing",
            "tf.train.AdamOptimizer(2.0).minimize(tf.sqrt(J))": "J itself",
        },
    }[exercise]
    for text, words in others.items():
        if ast.unparse(node.value) != text:
            yield [ast.Return(_expression(text))], words


def in_one_run(node, path, function, exercise):
    """The assign and the layer, or the step and the picture, in one run."""
    if len(path) != 1 or path[0][1] != 0:
        return
    text = ast.unparse(function)
    if exercise == "layer_activations" and "tf.assign" not in text:

        def together(changed):
            changed.body = _statements("_, a = sess.run([model['input'].assign(image), model[layer_name]])\nreturn a")

        yield together, "one `sess.run`", True
    if exercise == "model_nn" and "generated_image = sess.run" in text:

        def step_and_picture(changed):
            loop = next(s for s in changed.body if isinstance(s, ast.For))
            loop.body[:2] = _statements("_, generated_image = sess.run([train_step, model['input']])")

        yield step_and_picture, "same `sess.run`", True


MISTAKES = (
    a_factor_left_out,
    a_factor_squared,
    an_operator,
    a_function,
    an_argument,
    an_axis,
    an_order_of_dimensions,
    a_reshape_for_a_transpose,
    a_shape_from_elsewhere,
    a_constant,
    a_value_for_a_tensor,
    a_global_for_an_argument,
    what_is_in_the_network,
    one_minus_a_weight,
    names_exchanged,
    a_step_left_out,
    statements_exchanged,
    a_statement_into_a_loop,
    a_statement_out_of_a_loop,
    a_loop_changed,
    another_result,
    in_one_run,
)


# --- Equivalent forms -----------------------------------------------------------------------------------------


def commuted(node, path, function, exercise):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mult):
        yield ast.BinOp(node.right, node.op, node.left), ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and _kind(node) == "tensors":
        yield ast.BinOp(node.right, node.op, node.left), ""


def another_function_of_the_same_value(node, path, function, exercise):
    text = ast.unparse(node)
    inner = ast.unparse(node.args[0]) if isinstance(node, ast.Call) and node.args else ""
    if _is_call(node, "square"):
        for new in (
            "({0}) ** 2",
            "tf.pow({0}, 2)",
            "tf.multiply({0}, {0})",
            "({0}) * ({0})",
            "tf.math.square({0})",
            "tf.abs({0}) ** 2",
        ):
            yield _expression(new.format(inner)), ""
    if _is_call(node, "reduce_sum") and not node.keywords:
        for new in (
            "tf.reduce_mean({0}) * tf.cast(tf.size({0}), tf.float32)",
            "tf.reduce_sum(tf.reduce_sum({0}, axis=0))",
            "tf.math.reduce_sum({0}, keepdims=False)",
            "tf.tensordot(tf.ones_like(tf.reshape({0}, [-1])), tf.reshape({0}, [-1]), 1)",
            "tf.reshape(tf.reduce_sum({0}), [1])",
        ):
            yield _expression(new.format(inner)), ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and _kind(node) == "tensors":
        yield _expression(f"tf.subtract({ast.unparse(node.left)}, {ast.unparse(node.right)})"), ""
        yield _expression(f"{ast.unparse(node.left)} + (-1.0) * {_bracketed(node.right)}"), ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield _expression(f"{_bracketed(node.left)} * (1.0 / {_bracketed(node.right)})"), ""
        yield _expression(f"tf.divide({ast.unparse(node.left)}, {ast.unparse(node.right)})"), ""
    if _is_call(node, "matmul"):
        left, right = (ast.unparse(argument) for argument in node.args[:2])
        if {k.arg for k in node.keywords} == {"transpose_b"}:
            for new in (
                "{0} @ tf.transpose({1})",
                "tf.linalg.matmul({0}, {1}, transpose_b=True)",
                "tf.einsum('ip,jp->ij', {0}, {1})",
                "tf.transpose(tf.matmul({1}, {0}, transpose_b=True))",
                "tf.reduce_sum({0}[:, tf.newaxis] * {1}[tf.newaxis], axis=-1)",
                "tf.stack([tf.linalg.matvec({1}, row) for row in tf.unstack({0})])",
                "tf.matmul({0}[tf.newaxis], {1}[tf.newaxis], transpose_b=True)[0]",
            ):
                yield _expression(new.format(left, right)), ""
    if _is_call(node, "transpose") and len(node.args) == 1 and not node.keywords:
        yield _expression(f"tf.transpose({inner}, perm=[1, 0])"), ""
        yield _expression(f"tf.stack(tf.unstack({inner}, axis=1))"), ""
        yield _expression(f"tf.einsum('ij->ji', {inner})"), ""
    if _is_call(node, "run") and text.startswith("sess.run") and not isinstance(node.args[0], ast.List):
        yield _expression(f"sess.run([{inner}])[0]"), ""
        yield _expression(f"sess.run({{'it': {inner}}})['it']"), ""
        yield _expression(f"sess.run(fetches={inner})"), ""
        yield _expression(f"sess.make_callable({inner})()"), ""
    if _is_call(node, "assign") and exercise in ("layer_activations", "model_nn"):
        yield _expression(f"tf.assign(model['input'], {ast.unparse(node.args[-1])})"), ""
        yield _expression(f"model['input'].assign(tf.constant({ast.unparse(node.args[-1])}))"), ""
        yield _expression(f"model['input'].assign({ast.unparse(node.args[-1])}).op"), ""
    if _is_call(node, "global_variables_initializer"):
        yield _expression("tf.variables_initializer(tf.global_variables())"), ""
        yield _expression("[variable.initializer for variable in tf.global_variables()]"), ""
        yield _expression("tf.initializers.global_variables()"), ""
    if _is_call(node, "minimize") and len(node.args) == 1 and not node.keywords:
        call = ast.unparse(node.func)
        for new in (
            "{0}({1}, var_list=[model['input']])",
            "{0}(loss={1})",
            "{0}({1}, var_list=tf.trainable_variables())",
            "tf.group({0}({1}))",
        ):
            yield _expression(new.format(call, inner)), ""
    if _is_call(node, "AdamOptimizer"):
        yield _expression("tf.train.AdamOptimizer(learning_rate=2)"), ""
        yield _expression("tf.train.AdamOptimizer(2.0, beta1=0.9, beta2=0.999, epsilon=1e-08)"), ""
        yield _expression("tf.train.AdamOptimizer(tf.constant(2.0))"), ""
    if _is_call(node, "clip_by_value"):
        yield _expression("tf.clip_by_value(image, clip_value_min=0, clip_value_max=255)"), ""
        yield _expression("tf.minimum(tf.maximum(image, 0), 255)"), ""
        yield _expression("tf.nn.relu(255.0 - tf.nn.relu(255.0 - image))"), ""
    if _is_call(node, "apply_gradients") and exercise == "train_step":
        pairs = ast.unparse(node.args[0])
        yield _expression(f"optimizer.apply_gradients(list({pairs}))"), ""
        yield _expression(f"optimizer.apply_gradients(grads_and_vars={pairs})"), ""
        yield _expression(f"optimizer.apply(*map(list, zip(*{pairs})))"), ""
    if _is_call(node, "range"):
        yield _expression("range(1, num_iterations + 1)"), ""
        yield _expression("reversed(range(num_iterations))"), ""


def named_first(node, path, function, exercise):
    """A part of a statement gets a name of its own in a line before."""
    statement = _statement_of(function, path)
    worth = isinstance(node, ast.BinOp | ast.Call | ast.Subscript)
    context = getattr(node, "ctx", None)
    if not worth or isinstance(statement, ast.For | ast.While | ast.With | ast.If) or isinstance(context, ast.Store):
        return
    scope = [_at(function, path[:k]) for k in range(1, len(path))]
    if any(isinstance(outer, ast.GeneratorExp | ast.ListComp) for outer in scope):
        return
    length = next(k for k in range(len(path), 0, -1) if _at(function, path[:k]) is statement)

    def name(changed):
        block = getattr(_at(changed, path[: length - 1]), path[length - 1][0])
        position = path[length - 1][1]
        first = ast.Assign([ast.Name("part", ast.Store())], _at(changed, path), lineno=0)
        parent, (field, at) = _at(changed, path[:-1]), path[-1]
        if at is None:
            setattr(parent, field, ast.Name("part", ast.Load()))
        else:
            getattr(parent, field)[at] = ast.Name("part", ast.Load())
        block.insert(position, first)

    yield name, ""


def in_a_helper(node, path, function, exercise):
    """What is returned is computed by a function inside."""
    if isinstance(node, ast.Return) and node.value is not None and len(path) == 1:
        yield (
            [*_statements(f"def helper():\n    return {ast.unparse(node.value)}"), *_statements("return helper()")],
            "",
        )
        yield _statements(f"result = (lambda: {ast.unparse(node.value)})()\nreturn result"), ""
    if len(path) == 1 and path[0][1] == 0:

        def nested(changed):
            body = changed.body
            changed.body = [
                ast.FunctionDef(
                    "inner", ast.arguments([], [], None, [], [], None, []), [*copy.deepcopy(body)], [], lineno=0
                ),
                *_statements("return inner()"),
            ]

        assigned = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if not assigned & {argument.arg for argument in function.args.args}:
            yield nested, ""


def said_more(node, path, function, exercise):
    """A docstring, an assertion and a message change nothing."""
    if len(path) == 1 and path[0][1] == 0:
        yield [*_statements("'''What it does.'''\nassert True\nprint('here')"), node], ""


def other_names(node, path, function, exercise):
    if len(path) != 1 or path[0][1] != 0:
        return
    local = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    local -= {argument.arg for argument in function.args.args}

    def rename(changed):
        for n in ast.walk(changed):
            if isinstance(n, ast.Name) and n.id in local:
                n.id = f"my_{n.id}"

    yield rename, ""


def dimensions_by_number(node, path, function, exercise):
    names = (
        [e.id for e in node.targets[0].elts if isinstance(e, ast.Name)]
        if (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple))
        else []
    )
    if "n_C" in names:
        for shape in ("a_G.shape[{0}]", "int(a_G.shape[{0}])", "a_G.get_shape().as_list()[{0}]", "a_S.shape[{0}]"):
            if "a_S" in shape and exercise != "compute_layer_style_cost":
                shape = "a_C.shape[{0}]"
            lines = [f"{name} = {shape.format(number)}" for number, name in enumerate(names)]
            yield _statements("\n".join(lines)), ""
        lines = [f"{name} = tf.cast(tf.shape(a_G)[{number}], tf.float32)" for number, name in enumerate(names)]
        if not any(_is_call(n, "reshape", "int") for n in ast.walk(function)):
            yield _statements("\n".join(lines)), ""


EQUIVALENTS = (
    commuted,
    another_function_of_the_same_value,
    named_first,
    in_a_helper,
    said_more,
    other_names,
    dimensions_by_number,
)

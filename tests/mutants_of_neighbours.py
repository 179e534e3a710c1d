"""Right and wrong answers to the exercises of notebook 9, in the manner of mutants.py."""

import ast
import copy

from mutants import _at, _expression, _is_call, _statements, a_global_for_an_argument

HEADERS = {
    "cosine_similarity": "x, y",
    "nearest_spots": "v_C, v_S",
    "compute_targets": "a_C, a_S, chosen",
    "compute_match_cost": "a_S, a_T, a_G",
}
FORMS = {
    "cosine_similarity": {
        "as handed out": """
            x = tf.math.l2_normalize(x, axis=1)
            y = tf.math.l2_normalize(y, axis=1)
            return tf.matmul(x, y, transpose_b=True)
            """,
        "by lengths": """
            length_x = tf.sqrt(tf.reduce_sum(tf.square(x), axis=1, keepdims=True) + 1e-12)
            length_y = tf.sqrt(tf.reduce_sum(tf.square(y), axis=1, keepdims=True) + 1e-12)
            return (x / length_x) @ tf.transpose(y / length_y)
            """,
        "products first": """
            products = tf.matmul(x, y, transpose_b=True)
            lengths = tf.norm(x, axis=1)[:, None] * tf.norm(y, axis=1)[None, :]
            return tf.math.divide_no_nan(products, lengths)
            """,
    },
    "nearest_spots": {
        "as handed out": """
            v_C = v_C - tf.reduce_mean(v_C, axis=0)
            v_S = v_S - tf.reduce_mean(v_S, axis=0)
            return tf.argmax(cosine_similarity(v_C, v_S), axis=1)
            """,
        "in NumPy": """
            C = np.asarray(v_C) - np.mean(v_C, axis=0)
            S = np.asarray(v_S) - np.mean(v_S, axis=0)
            similarity = np.asarray(cosine_similarity(C, S))
            return np.argmax(similarity, axis=1)
            """,
        "one length": """
            C = v_C - tf.reduce_mean(v_C, axis=0, keepdims=True)
            S = tf.math.l2_normalize(v_S - tf.reduce_mean(v_S, axis=0, keepdims=True), axis=1)
            return tf.argmax(tf.matmul(C, S, transpose_b=True), axis=1)
            """,
    },
    "compute_targets": {
        "as handed out": """
            spots = tf.reshape(a_S, [-1, a_S.shape[-1]])
            return tf.reshape(tf.gather(spots, chosen), a_C.shape)
            """,
        "rows and columns": """
            n_W = a_S.shape[2]
            rows = chosen // n_W
            columns = chosen % n_W
            spots = tf.gather_nd(a_S[0], tf.stack([rows, columns], axis=1))
            return tf.reshape(spots, a_C.shape)
            """,
        "by shapes": """
            m, n_H, n_W, n_C = a_C.shape
            vectors = tf.reshape(a_S, [-1, n_C])
            targets = tf.gather(vectors, chosen)
            return tf.reshape(targets, [1, n_H, n_W, n_C])
            """,
    },
    "compute_match_cost": {
        "as handed out": """
            mean = tf.reduce_mean(a_S, axis=[0, 1, 2])
            t = tf.math.l2_normalize(a_T - mean, axis=-1)
            g = tf.math.l2_normalize(a_G - mean, axis=-1)
            return tf.reduce_mean(1 - tf.reduce_sum(t * g, axis=-1))
            """,
        "mean of cosines": """
            n_C = a_S.shape[-1]
            mean = tf.reduce_mean(tf.reshape(a_S, [-1, n_C]), axis=0)
            T = tf.reshape(a_T, [-1, n_C]) - mean
            G = tf.reshape(a_G, [-1, n_C]) - mean
            cosines = tf.reduce_sum(tf.math.l2_normalize(T, axis=1) * tf.math.l2_normalize(G, axis=1), axis=1)
            return 1 - tf.reduce_mean(cosines)
            """,
    },
}
ABOVE = {
    "nearest_spots": "def cosine_similarity(x, y):\n"
    "    return tf.matmul(tf.math.l2_normalize(x, axis=1), tf.math.l2_normalize(y, axis=1), transpose_b=True)\n",
}


def another_axis(node, path, function, exercise):
    if not isinstance(node, ast.keyword) or node.arg != "axis":
        return
    call = _at(function, path[:-1])
    was = ast.literal_eval(node.value)
    words = "axis|along|axes|shape|over everything|all products|whole table|positions"
    others = {"cosine_similarity": (0, -1), "nearest_spots": (0, -1), "compute_targets": (0,)}.get(exercise, (0, 1, 2))
    for other in others:
        if other != was and (other != -1 or was != 1):
            yield ast.keyword("axis", ast.Constant(other)), words
    if isinstance(was, list):
        yield ast.keyword("axis", ast.Constant(-1)), words
    if not _is_call(call, "stack"):
        named = "whole|one number|everything|all products|axis|along|shape|length|One number|broadcast"
        yield ast.keyword("axis", ast.Constant(None)), named


_FUNCTIONS = {
    "argmax": {
        "argmin": "least similar|argmin", "reduce_max": "similarities|how great", "max": "similarities|how great",
    },
    "l2_normalize": {"identity": "not scaled|length", "softmax": "softmax|scale"},
    "reduce_mean": {
        "reduce_sum": "\\bsum\\b", "reduce_max": "largest", "reduce_min": "smallest", "identity": "mean|shape|summed",
    },
    "mean": {"sum": "\\bsum\\b", "max": "largest", "min": "smallest"},
    "reduce_sum": {
        "reduce_mean": r"\bmean\b", "reduce_max": "largest", "reduce_min": "smallest", "reduce_prod": "multiply",
    },
    "square": {"abs": "absolute", "identity": "sums|square|not a number", "sqrt": "root|square|not a number|NaN"},
    "sqrt": {"identity": "root|square", "square": "square|root"},
    "norm": {"reduce_sum": "sums|length", "reduce_max": "largest|length"},
    "divide_no_nan": {"divide": "NaN|zeros", "multiply": "multipl", "subtract": "subtract", "add": "add"},
    "matmul": {"multiply": "shapes|elementwise|Tables|differ"},
    "transpose": {"identity": "shapes|transpose"},
    "gather": {"boolean_mask": "shape|number|indices|mask"},
}


def a_function(node, path, function, exercise):
    if not isinstance(node, ast.Call):
        return
    name = ast.unparse(node.func).split(".")[-1]
    for new, words in _FUNCTIONS.get(name, {}).items():
        call = copy.deepcopy(node)
        if isinstance(call.func, ast.Attribute):
            call.func.attr = new
            if new in ("identity", "softmax", "reduce_sum", "reduce_max") and name in ("l2_normalize", "norm"):
                call.func.value = _expression("tf")
            if new == "softmax":
                call.func.value = _expression("tf.nn")
            if new in ("sqrt", "square", "abs"):
                call.func.value = _expression("tf")
        if new == "identity":
            call.args, call.keywords = call.args[:1], []
        yield call, words


_OPERATORS = {
    ast.Sub: {ast.Add: "add", ast.Mult: "multipl|1 - is missing", ast.Div: "[Dd]ivide|NaN"},
    ast.Div: {ast.Mult: "multipl", ast.Sub: "subtract", ast.Add: "[Aa]dd", ast.FloorDiv: "round"},
    ast.Mult: {ast.Add: "[Aa]dd|sum of the two", ast.Sub: "[Ss]ubtract", ast.Div: "[Dd]ivide|other way round"},
    ast.Add: {ast.Sub: "NaN|zeros", ast.Mult: "NaN|infinite|zeros|root|times"},
    ast.FloorDiv: {ast.Mod: "[Rr]ows and columns|row|no spot"},
    ast.Mod: {ast.FloorDiv: "[Rr]ows and columns|column|no spot"},
    ast.MatMult: {ast.Mult: "shapes|Tables|elementwise"},
}


def an_operator(node, path, function, exercise):
    if isinstance(node, ast.BinOp):
        for new, words in _OPERATORS.get(type(node.op), {}).items():
            yield ast.BinOp(node.left, new(), node.right), words


def a_part_left_out(node, path, function, exercise):
    """One side of an operation."""
    if not isinstance(node, ast.BinOp):
        return
    left, right = ast.unparse(node.left), ast.unparse(node.right)
    if isinstance(node.op, ast.Sub) and left == "1":
        yield node.right, "1 - is missing"
    elif isinstance(node.op, ast.Sub):
        yield node.left, "subtract nothing|[Nn]o mean"
    elif isinstance(node.op, ast.Div):
        yield node.left, "not scaled"
    elif isinstance(node.op, ast.Add):
        yield node.left, "zeros|NaN"
    elif isinstance(node.op, ast.Mult):
        yield node.left, "missing|only one|Only one|length|no difference|products"
        yield node.right, "missing|only one|Only one|length|no difference|products"
    elif isinstance(node.op, ast.FloorDiv | ast.Mod):
        yield node.left, f"no spot|row|column|{right}"


_ALIKE = (("x", "y"), ("v_C", "v_S"), ("C", "S"), ("a_C", "a_S"), ("a_S", "a_T", "a_G"), ("t", "g"), ("T", "G"),
          ("length_x", "length_y"), ("rows", "columns"))


def another_name(node, path, function, exercise):
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return
    here = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    for group in _ALIKE:
        for other in group if node.id in group else ():
            if other != node.id and other in here:
                words = f"`{other}`|`{node.id}`|itself|no difference|exchange|transposed|mean|shape|row|photo|painting"
                yield ast.Name(other, ast.Load()), words


def a_step_left_out(node, path, function, exercise):
    if not isinstance(node, ast.Assign) or len(path) != 1:
        return
    text = ast.unparse(node)
    words = "NameError|UnboundLocalError"
    words += "|not scaled|length" if "normalize" in text else ""
    words += "|mean" if "mean" in text else ""
    yield [], words


def a_transpose(node, path, function, exercise):
    if isinstance(node, ast.keyword) and node.arg == "transpose_b":
        yield ast.keyword("transpose_b", ast.Constant(False)), "shapes|transpose"
        yield ast.keyword("transpose_a", ast.Constant(True)), "shapes|transpose|channels with channels"
    if _is_call(node, "transpose"):
        inner = ast.unparse(node.args[0])
        yield _expression(f"tf.reshape({inner}, [y.shape[1], y.shape[0]])"), "reshape"


def the_result(node, path, function, exercise):
    """What is returned, changed once more."""
    if not isinstance(node, ast.Return):
        return
    text = ast.unparse(node.value)
    changes = {
        "cosine_similarity": {
            "1 - {0}": "1 minus", "-({0})": "wrong sign", "tf.transpose({0})": "transposed", "2 * ({0})": "times",
            "tf.abs({0})": "absolute", "tf.acos(tf.clip_by_value({0}, -0.999999, 0.999999))": "angle",
            "tf.math.l2_normalize({0}, axis=1)": "table of products|length", "tf.reduce_max({0}, axis=1)": "greatest",
            "tf.argmax({0}, axis=1)": "where the greatest", "({0}) / x.shape[1]": r"\bd\b|mean", "[{0}]": "list|axis",
            "tf.norm(x[:, None] - y[None], axis=-1)": "distance", "tf.nn.softmax({0})": "softmax",
        },
        "nearest_spots": {
            "{0} + 1": "off by one", "{0} - 1": "off by one", "({0})[::-1]": "reverse",
            "({0})[:, None]": "one axis too many|shape", "({0})[0]": "shape",
            "tf.cast({0}, tf.float32)": "whole numbers",
            "({0}) * 0": "same", "cosine_similarity(v_C, v_S)": "whole table",
        },
        "compute_targets": {
            "({0})[0]": "batch axis", "tf.transpose({0}, [0, 2, 1, 3])": "Height and width|shape",
            "2 * ({0})": "times", "tf.math.l2_normalize({0}, axis=-1)": "length",
            "({0}) - tf.reduce_mean(a_S, axis=[0, 1, 2])": "mean", "({0} + a_C) / 2": "photograph|mean",
            "tf.reshape({0}, [-1, a_C.shape[-1]])": "one below", "tf.reverse({0}, [2])": "order|round",
            "a_C": "photograph|a_S|chosen", "tf.sort({0})": "sort|order",
        },
        "compute_match_cost": {
            "-({0})": "wrong sign", "2 * ({0})": "times|2", "({0}) / 2": "times|divide", "({0}) ** 2": "square",
            "tf.sqrt({0})": "root", "1 - ({0})": "1 - is missing", "({0}) - 1": "negative cosine|minus",
            "tf.stop_gradient({0})": "gradient", "tf.constant(({0}).numpy())": "gradient|numpy",
            "float({0})": "gradient|float", "({0}) * int(a_G.shape[1]) * int(a_G.shape[2])": "sum over the places|n_H",
            "({0}) / int(a_G.shape[-1])": "n_C|channels", "1 - ({0}) + tf.reduce_sum(a_T) * 0": "1 - is missing",
        },
    }[exercise]
    for form, words in changes.items():
        yield [ast.Return(_expression(form.format(text)))], words


def the_photographs_width(node, path, function, exercise):
    if exercise == "compute_targets":
        text = ast.unparse(node)
        if text == "a_S.shape[2]":
            yield _expression("a_C.shape[2]"), "photograph's width"
            yield _expression("a_S.shape[1]"), "height|n_W"
        whole = isinstance(_at(function, path[:-1]), ast.Call) and isinstance(node, ast.Name)
        if whole and node.id == "chosen" and isinstance(node.ctx, ast.Load):
            for new, words in {
                "tf.sort(chosen)": "sort", "chosen[::-1]": "order", "chosen - 1": "off by one|no spot",
                "tf.zeros_like(chosen)": "chosen",
            }.items():
                yield _expression(new), words
        if text == "tf.reshape(a_S, [-1, a_S.shape[-1]])":
            yield _expression("tf.transpose(tf.reshape(a_S, [a_S.shape[-1], -1]))"), "mixes"
            yield (
                _expression("tf.reshape(tf.transpose(a_S, [0, 2, 1, 3]), [-1, a_S.shape[-1]])"),
                "column by column",
            )
            yield _expression("a_S"), "no spot|shape|number"
        if text == "a_C.shape" and isinstance(_at(function, path[:-1]), ast.Call):
            yield _expression("a_S.shape"), "number of entries|shape"
            yield _expression("[1, a_C.shape[2], a_C.shape[1], a_C.shape[3]]"), "Height and width"


def centred_otherwise(node, path, function, exercise):
    """The mean of something else, and scaling before the mean is taken."""
    text = ast.unparse(node)
    if exercise == "nearest_spots" and isinstance(node, ast.Call) and text.startswith("tf.reduce_mean(v_"):
        keep = ", keepdims=True" if "keepdims" in text else ""
        yield _expression(f"tf.reduce_mean(tf.concat([v_C, v_S], axis=0), axis=0{keep})"), "both pictures together"
        yield _expression(f"tf.math.reduce_std(v_C, axis=0{keep})"), "mean"
        yield _expression("0.0"), "nothing|[Nn]o mean"
    if exercise == "compute_match_cost" and text == "tf.reduce_mean(a_S, axis=[0, 1, 2])":
        for new, words in {
            "tf.reduce_mean(a_T, axis=[0, 1, 2])": "mean of `a_T`",
            "tf.reduce_mean(a_G, axis=[0, 1, 2])": "mean of `a_G`",
            "0.0": "[Nn]o mean",
            "(tf.reduce_mean(a_S, axis=[0, 1, 2]) + tf.reduce_mean(a_G, axis=[0, 1, 2])) / 2": "half the sum",
        }.items():
            yield _expression(new), words
    if exercise == "compute_match_cost" and text.endswith("- mean") and isinstance(node, ast.BinOp):
        name = ast.unparse(node.left)
        yield _expression(f"tf.math.l2_normalize({name}, axis=-1) - mean"), "before you subtract|length"


MISTAKES = (
    another_axis,
    a_function,
    an_operator,
    a_part_left_out,
    another_name,
    a_step_left_out,
    a_transpose,
    the_result,
    the_photographs_width,
    centred_otherwise,
    a_global_for_an_argument,
)


def of_the_same_value(node, path, function, exercise):
    text = ast.unparse(node)
    inner = ast.unparse(node.args[0]) if isinstance(node, ast.Call) and node.args else ""
    if _is_call(node, "l2_normalize") and "axis=1" in text:
        yield _expression(f"{inner} / tf.maximum(tf.norm({inner}, axis=1, keepdims=True), 1e-9)"), ""
        yield _expression(f"tf.math.divide_no_nan({inner}, tf.norm({inner}, axis=1, keepdims=True))"), ""
        yield _expression(f"tf.linalg.normalize({inner} + 1e-20, axis=1)[0]"), ""
    if _is_call(node, "argmax") and text.startswith("tf."):
        yield _expression(f"np.argmax({inner}, axis=1)"), ""
        yield _expression(f"tf.cast(tf.argmax({inner}, axis=1), tf.int32)"), ""
        yield _expression(f"tf.math.top_k({inner}).indices[:, 0]"), ""
        yield _expression(f"tf.argsort({inner}, axis=1)[:, -1]"), ""
        yield _expression(f"tf.argmin(-{inner}, axis=1)"), ""
    if _is_call(node, "reduce_sum") and "keepdims" not in text:
        yield _expression(f"tf.einsum('...c->...', {inner})"), ""
    if _is_call(node, "gather") and exercise == "compute_targets":
        rows, numbers = (ast.unparse(each) for each in node.args)
        yield _expression(f"tf.stack([{rows}[int(number)] for number in {numbers}])"), ""
        yield _expression(f"tf.matmul(tf.one_hot({numbers}, {rows}.shape[0]), {rows})"), ""
        yield _expression(f"{rows}.numpy()[{numbers}.numpy()]"), ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield ast.BinOp(node.right, node.op, node.left), ""


def in_lines(node, path, function, exercise):
    if isinstance(node, ast.Return):
        yield _statements(f"result = {ast.unparse(node.value)}\nreturn result"), ""
        yield _statements(f"return tf.convert_to_tensor({ast.unparse(node.value)})"), ""


EQUIVALENTS = (of_the_same_value, in_lines)

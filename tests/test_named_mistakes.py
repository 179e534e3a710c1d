"""One wrong answer for each mistake that the checks of notebook 9 know by name, written as a student might in NumPy."""

import pytest
from test_checks import answer

from nst_utils import checks

HELPERS = """
def over(a, b):
    return a / np.where(np.abs(b) < 1e-12, 1, b)
def length(v, axis=-1):
    return np.sqrt((v * v).sum(axis, keepdims=True))
def unit(v, axis=-1):
    return over(v, length(v, axis))
def softmax(v, axis=-1):
    e = np.exp(v - v.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)
def rows(a):
    return a.reshape(-1, a.shape[-1])
"""
# What may stand in the place of unit(v).
SCALINGS = {
    "v": "not scaled to length 1",
    "unit(v, tuple(range(v.ndim - 1)))": "each channel over all positions gets length 1",
    "v / np.linalg.norm(v)": "by the length of the whole table",
    "over(v, length(v) ** 2)": "the root is missing",
    "over(v, np.sqrt(length(v)))": "one root too many",
    "over(v, np.abs(v).sum(-1, keepdims=True))": "by sums of absolute values",
    "over(v, v.sum(-1, keepdims=True))": "ivide by sums:",
    "over(v, v.max(-1, keepdims=True))": "by the largest entry",
    "over(v, np.abs(v).max(-1, keepdims=True))": "largest",
    "over(v, v.min(-1, keepdims=True))": "by the smallest entry",
    "v * length(v)": "multiply by each length",
    "v + length(v)": "add each length",
    "v - length(v)": "subtract each length",
    "np.floor(over(v, length(v)))": "round down",
    "over(v, np.sqrt((v * v).min(-1, keepdims=True)))": "root of the smallest square",
    "v / (1 + length(v))": "add 1 to each length",
    "unit(np.abs(v))": "absolute values of the entries",
    "unit(np.maximum(v, 0))": "negative entries to 0",
    "unit(v * v)": "square the entries first",
    "unit(np.sign(v))": "keep the signs",
    "softmax(v)": "softmax of each vector",
}
MEANS = {
    "over(v, np.sqrt((v * v).mean(-1, keepdims=True)))": "mean of the squares' root",
    "unit(v - v.mean(-1, keepdims=True))": "own mean over its channels",
    "unit(v - v.mean(0))": "each channel's mean",
}
PAIRS = {
    "y @ x.T": "Your table is transposed",
    "np.linalg.norm(x[:, None] - y[None], axis=-1)": "distance",
    "((x[:, None] - y[None]) ** 2).sum(-1)": "It is squared, too",
    "np.abs(x[:, None] - y[None]).sum(-1)": "distance",
    "(x[:, None] - y[None]).sum(-1)": "subtract the vectors",
    "(x[:, None] + y[None]).sum(-1)": "add the vectors",
    "(x[:, None] / y[None]).sum(-1)": "divide the vectors",
    "np.floor(x[:, None] / y[None]).sum(-1)": "round down",
    "(x[:, None] * y[None]).max(-1)": "largest of the products",
    "(x[:, None] * y[None]).min(-1)": "smallest of the products",
    "(x[:, None] * y[None]).prod(-1)": "multiply the products",
    "x[:, None] * y[None]": "not summed over the channels",
    "(x[:, None] * y[None]).sum(0)": "axis",
    "(x[:, None] * y[None]).sum(1)": "axis",
    "(x[:, None] * y[None]).sum()": "sum",
    "x @ x.T": "compare `x` with itself",
    "y @ y.T": "compare `y` with itself",
    "((x[:, None] * y[None]) ** 2).sum(-1)": "square the products",
    "x": "the product is missing",
    "y": "the product is missing",
    "y.T": "the product is missing",
}
TABLES = {
    "1 - S": "1 minus the cosine",
    "S - 1": "cosine minus 1",
    "S + 1": "add 1 to the cosine",
    "np.arccos(np.clip(S, -1, 1))": "angle",
    "np.abs(S)": "absolute values",
    "np.maximum(S, 0)": "negative cosines to 0",
    "S ** 2": "square the cosines",
    "np.exp(S)": "exponentials",
    "softmax(S)": "softmax",
    "np.round(S)": "round the cosines",
    "S.sum()": "sum the table up",
    "S.sum(1)": "sum the table up",
    "S.sum(0)": "sum the table up",
    "S.max(1)": "greatest similarity of each row",
    "S.max(0)": "greatest similarity of each row",
    "S.argmax(1)": "where the greatest similarity is",
    "S.argmax(0)": "where the greatest similarity is",
    "S[None]": "add an axis",
    "S.reshape(-1)": "unroll the table",
    "over(S, length(x) * length(y).T)": "a second time",
    "S * (length(x) * length(y).T) ** 2": "multiply by the lengths",
    "np.floor(S)": "round the quotients down",
    "1 / S": "other way round",
    "unit(x @ y.T, 1)": "scale the table of products",
    "unit(x @ y.T, 0)": "scale the table of products",
    "unit(x @ y.T, None)": "scale the table of products",
    "x @ y.T + length(x) * length(y).T": "add the lengths",
    "x @ y.T - length(x) * length(y).T": "subtract the lengths",
    "over(x @ y.T, length(x) + length(y).T)": "sum of the two lengths",
}
ARRAYS = "x, y = np.asarray(x, float), np.asarray(y, float)\n"
COSINES = {
    **{f"f = lambda v: {way}\nreturn f(x) @ f(y).T": phrase for way, phrase in (SCALINGS | MEANS).items()},
    **{f"x, y = unit(x), unit(y)\nreturn {way}": phrase for way, phrase in PAIRS.items()},
    **{f"S = unit(x) @ unit(y).T\nreturn {way}": phrase for way, phrase in TABLES.items()},
}

# What is subtracted: of the photograph's table, of the painting's.
FROM = {
    ("0", "0"): "No mean is subtracted",
    ("S.mean(0)", "S.mean(0)"): "From both tables you subtract the painting's mean",
    ("C.mean(0)", "C.mean(0)"): "From both tables you subtract the photograph's mean",
    ("S.mean(0)", "C.mean(0)"): "The means are exchanged",
    ("np.r_[C, S].mean(0)", "np.r_[C, S].mean(0)"): "the mean of both pictures together",
    ("(C.mean(0) + S.mean(0)) / 2", "(C.mean(0) + S.mean(0)) / 2"): "half the sum of both means",
    ("C.mean()", "S.mean()"): "one number, the mean of the whole table",
    ("C.mean(1, keepdims=True)", "S.mean(1, keepdims=True)"): "over its channels (the wrong axis)",
    ("C.sum(0)", "S.sum(0)"): "the sum",
    ("C.max(0)", "S.max(0)"): "the largest entry of each channel",
    ("C.min(0)", "S.min(0)"): "the smallest entry of each channel",
    ("-C.mean(0)", "-S.mean(0)"): "wrong sign",
    ("0", "S.mean(0)"): "From the photograph's vectors you subtract nothing",
    ("C.mean(0)", "0"): "From the painting's vectors you subtract nothing",
    ("C.mean()", "S.mean(0)"): "From the photograph's vectors you subtract one number",
    ("C.mean(0)", "S.sum(0)"): "From the painting's vectors you subtract the sum",
}
LIKENESS = {
    "C @ S.T": "dot product prefers long vectors",
    "-((C[:, None] - S[None]) ** 2).sum(-1)": "least distance",
    "-np.abs(C[:, None] - S[None]).sum(-1)": "least distance",
    "unit(C, 0) @ unit(S, 0).T": "each channel gets length 1",
    "C @ over(S, length(S) ** 2).T": "the root is missing",
    "np.abs(unit(C) @ unit(S).T)": "absolute values of the cosines",
}
CHOICES = {
    "(-L).argmax(1)": "least similar",
    "L.argmax(0)": "wrong axis",
    "L.argmin(0)": "wrong axis, and",
    "L.argmax(1) + 1": "off by one: the first spot",
    "L.argmax(1) - 1": "off by one",
    "L.shape[1] - 1 - L.argmax(1)": "count from the end",
    "L.argmax(1)[::-1]": "reverse order",
    "np.full(len(L), L.mean(0).argmax())": "the same spot for every place",
}
TWO = "C, S = np.asarray(v_C, float), np.asarray(v_S, float)\n"
CENTRED = "C, S = C - C.mean(0), S - S.mean(0)\n"
NEAREST = {
    **{
        f"C, S = C - ({of_C}), S - ({of_S})\nreturn (unit(C) @ unit(S).T).argmax(1)": phrase
        for (of_C, of_S), phrase in FROM.items()
    },
    **{f"{CENTRED}return ({way}).argmax(1)": phrase for way, phrase in LIKENESS.items()},
    **{f"{CENTRED}L = unit(C) @ unit(S).T\nreturn {way}": phrase for way, phrase in CHOICES.items()},
    "C, S = unit(C), unit(S)\nC, S = C - C.mean(0), S - S.mean(0)\nreturn (unit(C) @ unit(S).T).argmax(1)": (
        "before you subtract the mean"
    ),
    f"{CENTRED}return (unit(over(C, C.std(0))) @ unit(over(S, S.std(0))).T).argmax(1)": "standard deviation",
    f"{CENTRED}return (unit(C) @ unit(C).T).argmax(1)": "the photograph with itself",
}

SOURCES = {
    "rows(a_C)": "gather from the photograph",
    "rows(a_S.transpose(0, 2, 1, 3))": "column by column, rows and columns exchanged",
    "a_S.reshape(a_S.shape[-1], -1).T": "mixes channels and positions",
    "rows(a_S) - rows(a_S).mean(0)": "subtract the painting's mean",
    "unit(rows(a_S))": "scale the vectors to length 1",
    "rows(a_S)[::-1]": "order of the painting's positions round",
    "rows(a_S)[:, ::-1]": "order of the channels round",
    "rows(a_S).mean(0)[None].repeat(a_S.shape[1] * a_S.shape[2], 0)": "the same vector, the painting's mean",
}
NUMBERS = {
    "chosen + 1": "off by one",
    "chosen - 1": "off by one",
    "np.sort(chosen)": "sort what was chosen",
    "chosen[::-1]": "order of the places round",
    "np.arange(len(chosen))": "in their own order",
    "np.full_like(chosen, chosen[0])": "the first chosen spot for every place",
    "at(chosen % a_S.shape[2], chosen // a_S.shape[2])": "ows and columns are exchanged",
    "at(chosen // a_S.shape[1], chosen % a_S.shape[1])": "by the painting's height",
    "at(chosen // a_C.shape[2], chosen % a_C.shape[2])": "by the photograph's width",
}
LAYOUTS = {
    "table.reshape(1, w, h, n).transpose(0, 2, 1, 3)": "lay the vectors out column by column",
    "table.reshape(1, w, h, n)": "Height and width are exchanged",
    "table": "one below the other",
    "table[None]": "one below the other",
    "table.reshape(h, w, n)": "batch axis is missing",
    "table.reshape(1, h, w, n).transpose(0, 2, 1, 3)": "Height and width are exchanged",
    "table.reshape(1, h, w, n)[:, :, ::-1]": "mirrored",
    "table.reshape(1, h, w, n)[:, ::-1]": "upside down",
    "np.sort(table.reshape(1, h, w, n))": "sort the entries of each vector",
    "(table.reshape(1, h, w, n) + a_C) / 2": "mix the targets with the photograph",
    "np.moveaxis(table.reshape(1, h, w, n), 3, 1)": "channels come first",
    "table.T.reshape(1, h, w, n)": "transpose before the last `reshape`",
    "table.reshape(1, h, w, n).sum(-1)": "sum over an axis",
}
THREE = "a_C, a_S, chosen = np.asarray(a_C, float), np.asarray(a_S, float), np.asarray(chosen)\n"
SHAPE = "_, h, w, n = a_C.shape\n"
# As where an index beyond the last is taken for the last.
AT = (
    "at = lambda row, column: np.minimum(row, a_S.shape[1] - 1) * a_S.shape[2] + np.minimum(column, a_S.shape[2] - 1)\n"
)
CLIPPED = "numbers = np.clip(numbers, 0, a_S.shape[1] * a_S.shape[2] - 1)\n"
TARGETS = {
    **{
        f"table = {way}\nreturn table[np.minimum(chosen, len(table) - 1)].reshape(a_C.shape)": phrase
        for way, phrase in SOURCES.items()
    },
    **{
        f"{AT}numbers = {way}\n{CLIPPED}return rows(a_S)[numbers].reshape(a_C.shape)": phrase
        for way, phrase in NUMBERS.items()
    },
    **{f"{SHAPE}table = rows(a_S)[chosen]\nreturn {way}": phrase for way, phrase in LAYOUTS.items()},
}

SHIFTS = {
    ("0", "0"): "No mean is subtracted",
    ("mean(T)", "mean(T)"): "subtract the mean of `a_T` from both",
    ("mean(G)", "mean(G)"): "subtract the mean of `a_G` from both",
    ("mean(T)", "mean(G)"): "From `a_T` you subtract the mean of `a_T` and from `a_G` the mean of `a_G`",
    ("mean(S)", "mean(G)"): "From `a_G` you subtract the mean of `a_G`",
    ("mean(T)", "mean(S)"): "From `a_T` you subtract the mean of `a_T`",
    ("mean(S, G)", "mean(S, G)"): "the mean of `a_S` and `a_G` together",
    ("mean(T, G)", "mean(T, G)"): "the mean of `a_T` and `a_G` together",
    ("mean(S, T)", "mean(S, T)"): "the mean of `a_S` and `a_T` together",
    ("(mean(S) + mean(G)) / 2", "(mean(S) + mean(G)) / 2"): "half the sum of the means",
    ("S.mean()", "S.mean()"): "one number, the mean of the whole of `a_S`",
    ("T.mean(-1, keepdims=True)", "G.mean(-1, keepdims=True)"): "over its channels (the wrong axis)",
    ("rows(S).sum(0)", "rows(S).sum(0)"): "the sum of `a_S` over the positions",
    ("rows(S).max(0)", "rows(S).max(0)"): "the largest entry of each channel of `a_S`",
    ("rows(S).min(0)", "rows(S).min(0)"): "the smallest entry of each channel of `a_S`",
    ("-mean(S)", "-mean(S)"): "wrong sign",
    ("2 * mean(S)", "2 * mean(S)"): "twice the mean of `a_S`",
    ("mean(S) ** 2", "mean(S) ** 2"): "the square of the mean",
}
COMPARED = {
    "(t * g).mean(-1)": "take the mean of the products",
    "(t * g).sum(1)": "over the wrong axis",
    "(t * g).sum(2)": "over the wrong axis",
    "(t * g).max(-1)": "largest of the products",
    "(t * g).min(-1)": "smallest of the products",
    "(t * g).prod(-1)": "multiply the products",
    "(t + g).sum(-1)": "add the vectors",
    "(t - g).sum(-1)": "subtract the vectors",
    "(t / g).sum(-1)": "divide the vectors",
    "np.floor(t / g).sum(-1)": "round down",
    "((t * g) ** 2).sum(-1)": "square the products",
    "(t ** 2 * g).sum(-1)": "square one of the two",
    "(t * g ** 2).sum(-1)": "square one of the two",
    "np.sqrt(((t - g) ** 2).sum(-1))": "take distances",
    "((t - g) ** 2).sum(-1)": "squared distances",
    "rows(t) @ rows(g).T": "every place with every target",
    "t.sum(-1)": "Only one of the two",
    "g.sum(-1)": "Only one of the two",
}
PLACES = {
    "c.mean()": "1 - is missing",
    "-c.mean()": "negative cosine",
    "(1 + c).mean()": "add the cosine to 1",
    "(1 / c).mean()": "divide 1 by the cosine",
    "((1 - c) ** 2).mean()": "square 1 - cosine",
    "np.sqrt(1 - c).mean()": "square root of 1 - cosine",
    "(1 - c ** 2).mean()": "square the cosine",
    "(1 - np.abs(c)).mean()": "absolute value",
    "(1 - np.maximum(c, 0)).mean()": "negative cosines to 0",
    "np.arccos(np.clip(c, -1, 1)).mean()": "angle",
    "np.exp(-c).mean()": "exponentials",
    "(2 - c).mean()": "from 2: from 1",
    "(1 - c).sum()": "sum over the places",
    "1 - c.sum()": "1 minus the sum of the cosines",
    "(1 - c).max()": "the largest 1 - cosine",
    "(1 - c).min()": "the smallest 1 - cosine",
    "(1 - c).var()": "variance",
    "(1 - c).std()": "standard deviation",
}
ALL = (
    "S, T, G = (np.asarray(a, float) for a in (a_S, a_T, a_G))\n"
    "mean = lambda *all: np.concatenate(list(map(rows, all))).mean(0)\n"
)
ENDS = "return (1 - (unit(t) * unit(g)).sum(-1)).mean()"
DIRECTIONS = "t, g = unit(T - mean(S)), unit(G - mean(S))\n"
MATCHES = {
    **{f"t, g = T - ({of_T}), G - ({of_G})\n{ENDS}": phrase for (of_T, of_G), phrase in SHIFTS.items()},
    **{
        f"f = lambda v: {way}\nt, g = f(T - mean(S)), f(G - mean(S))\nreturn (1 - (t * g).sum(-1)).mean()": phrase
        for way, phrase in SCALINGS.items()
    },
    **{f"{DIRECTIONS}return (1 - {way}).mean()": phrase for way, phrase in COMPARED.items()},
    **{f"{DIRECTIONS}c = (t * g).sum(-1)\nreturn {way}": phrase for way, phrase in PLACES.items()},
    f"t, g = unit(T) - mean(S), unit(G) - mean(S)\n{ENDS}": "before you subtract the mean",
    f"t, g = T * mean(S), G * mean(S)\n{ENDS}": "multiply by the painting's mean",
    f"t, g = T / mean(S), G / mean(S)\n{ENDS}": "divide by the painting's mean",
    f"t, g = T - mean(S), T - mean(S)\n{ENDS}": "compare `a_T` with itself",
    f"t, g = G - mean(S), G - mean(S)\n{ENDS}": "compare `a_G` with itself",
}
WRONG = {
    "cosine_similarity": (ARRAYS, COSINES),
    "nearest_spots": (TWO, NEAREST),
    "compute_targets": (THREE, TARGETS),
    "compute_match_cost": (ALL, MATCHES),
}


@pytest.mark.parametrize(
    ("exercise", "body", "phrase"),
    [(exercise, before + body, phrase) for exercise, (before, all) in WRONG.items() for body, phrase in all.items()],
    ids=lambda value: value.splitlines()[-1] if "\n" in value else "",
)
def test_a_mistake_is_called_by_its_name(exercise, body, phrase):
    result = getattr(checks, exercise)(answer(exercise, body, HELPERS))
    assert result.outcome == "wrong" and phrase in result.message, result.message

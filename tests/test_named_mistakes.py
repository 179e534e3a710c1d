"""One wrong answer for each of the mistakes in formulas that the checks know by name, as a student might write it."""

import itertools
import re

import numpy as np
import pytest
from test_checks import answer
from test_checks_of_fast import COST, NORM, result

from nst_utils import checks
from nst_utils.checks import formulas, hypotheses, neighbours

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
    "over(v, np.abs(v).max(-1, keepdims=True))": "the largest absolute value of each vector|root of the largest square",
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
    "x @ y.reshape(y.shape[::-1])": "A `reshape` is no transpose",
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
    "unit(x @ y.T, 1)": "The vectors are not scaled to length 1|scale the table of products",
    "unit(x @ y.T, 0)": "The vectors are not scaled to length 1|scale the table of products",
    "unit(x @ y.T, None)": "The vectors are not scaled to length 1|scale the table of products",
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

# What may stand in the place of unit(v) with one of the two tables.
OF_ONE_TABLE = {
    "v": "the vectors are not scaled to length 1",
    "over(v, np.sqrt((v * v).mean(-1, keepdims=True)))": "you divide by the mean of the squares' root",
    "softmax(v)": "you take a softmax of each vector",
}
COSINES |= {
    f"f = lambda v: {way}\nreturn {pair}": f"With `{name}`: {phrase}"
    for way, phrase in OF_ONE_TABLE.items()
    for name, pair in (("x", "f(x) @ unit(y).T"), ("y", "unit(x) @ f(y).T"))
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
    ("C.max(0)", "S.min(0)"): "From `v_C` you subtract the largest entry of each channel, from `v_S` the smallest",
    ("0", "-S.mean(0)"): "From `v_C` you subtract nothing, from `v_S` the mean with the wrong sign",
}
LIKENESS = {
    "C @ S.T": "dot product prefers long vectors",
    "-((C[:, None] - S[None]) ** 2).sum(-1)": "least distance",
    "-np.abs(C[:, None] - S[None]).sum(-1)": "least distance",
    "unit(C, 0) @ unit(S, 0).T": "each channel gets length 1",
    "C @ over(S, length(S) ** 2).T": "the root is missing",
    "np.abs(unit(C) @ unit(S).T)": "absolute values of the cosines",
    "unit(C) @ unit(S, 0).T": "each channel gets length 1",
    "np.broadcast_to(length(S).T, (len(C), len(S)))": "only look at the lengths",
}
CHOICES = {
    "(-L).argmax(1)": "least similar",
    "L.argmax(0)": "wrong axis",
    "L.argmin(0)": "wrong axis, and",
    "L.argmax(1) + 1": "off by one: the first spot",
    "L.argmax(1) - 1": "off by one",
    "L.shape[1] - 1 - L.argmax(1)": "count from the end",
    "L.argmax(1)[::-1]": "reverse order",
    "L.argsort(1)[:, -2]": "You choose the second nearest spot",
    "0 * L.argmax(1)": "Every place chooses the first spot, as where all similarities are the same|expected for the pl",
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
    "C, S = C - C.mean(0), C - S.mean(0)\nreturn (unit(C) @ unit(S).T).argmax(1)": "the photograph with itself",
    f"{CENTRED}return (unit(S) @ unit(S).T).argmax(1)": "the painting with itself",
    "C, S = S - C.mean(0), S - S.mean(0)\nreturn (unit(C) @ unit(S).T).argmax(1)": "the painting with itself",
    **{
        f"C, S = {made}\nreturn (unit(C) @ unit(S).T).argmax(1)": f"You {phrase} vectors: subtract it"
        for made, phrase in {
            "C * C.mean(0), S - S.mean(0)": "multiply by the mean of the photograph's",
            "C - C.mean(0), S * S.mean(0)": "multiply by the mean of the painting's",
            "over(C, C.mean(0)), S - S.mean(0)": "divide by the mean of the photograph's",
            "C - C.mean(0), over(S, S.mean(0))": "divide by the mean of the painting's",
        }.items()
    },
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
    "return np.sin(chosen)[:, None].repeat(a_C.shape[3], 1).reshape(a_C.shape)": "`a_S` makes no difference",
    "return np.sin(rows(a_S)[:1].repeat(a_C.size // a_C.shape[3], 0)).reshape(a_C.shape)": (
        "`chosen` makes no difference"
    ),
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
SHIFTS |= {
    ("0", "mean(S)"): "From `a_T` you subtract nothing: both are measured from the painting's mean",
    ("mean(S)", "0"): "From `a_G` you subtract nothing: both are measured from the painting's mean",
    ("2 * mean(S)", "-mean(S)"): "From `a_T` you subtract twice the mean of `a_S` and from `a_G` the mean of `a_S`",
}
COMPARED = {
    "(t * g).mean(-1)": "take the mean of the products",
    "(t * g).sum(1)": "over the wrong axis",
    "(t * g).sum(2)": "over the wrong axis",
    "(t * g).sum((1, 2))": "over the wrong axis",
    "(t * g).sum()": "sum all products up before you take the mean",
    "t": "Only one of the two is there",
    "g": "Only one of the two is there",
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
    **{f"({number} - c).mean()": f"subtract the cosine from {number}: from 1" for number in (2, 3, 0.5, 5, 10)},
    "np.floor(1 / c).mean()": "divide 1 by the cosine and round down",
    "(1 - c).prod()": "multiply over the places",
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
    **{
        f"t, g = {made}\n{ENDS}": f"With `{name}`: you {phrase}"
        for way, phrase in {
            "unit({0}) - mean(S)": "scale to length 1 before you subtract the mean",
            "{0} * mean(S)": "multiply by the painting's mean",
            "{0} / mean(S)": "divide by the painting's mean: subtract it",
            "np.floor({0} / mean(S))": "divide by the painting's mean and round down",
        }.items()
        for name, made in (
            ("a_T", f"{way.format('T')}, G - mean(S)"), ("a_G", f"T - mean(S), {way.format('G')}"),
        )
    },
    **{
        f"f = lambda v: {way}\nt, g = {made}\nreturn (1 - (t * g).sum(-1)).mean()": phrase
        for way, said in {
            "unit(v, 1)": "ou scale along the wrong axis: along the rows",
            "unit(v, 2)": "ou scale along the wrong axis: along the columns",
            "unit(v, 0)": "ou scale along the wrong axis: along the batch",
        }.items()
        for made, phrase in {
            "f(T - mean(S)), f(G - mean(S))": f"Y{said}",
            "f(T - mean(S)), unit(G - mean(S))": f"With `a_T`: y{said}",
            "unit(T - mean(S)), f(G - mean(S))": f"With `a_G`: y{said}",
        }.items()
    },
    f"t, g = T - mean(S), T - mean(S)\n{ENDS}": "compare `a_T` with itself",
    f"t, g = G - mean(S), G - mean(S)\n{ENDS}": "compare `a_G` with itself",
}
COMBINED = {
    "(x + y) ** 2": "add the two",
    "(x * y) ** 2": "multiply the two",
    "(x / y) ** 2": "divide one by the other",
    "np.floor(x / y) ** 2": "round down",
    "x ** 2": "Only the first argument",
    "y ** 2": "Only the second argument",
    "np.maximum(x - y, 0) ** 2": "Only positive differences",
    "np.maximum(y - x, 0) ** 2": "Only positive differences",
    "np.maximum(x, y) ** 2": "the greater of the two",
    "np.minimum(x, y) ** 2": "the smaller of the two",
    "np.trunc(x - y) ** 2": "no rounding belongs here",
    "np.round(x - y) ** 2": "round the differences",
    "np.abs(d)": "absolute value",
    "d": "The square is missing",
    "d ** 3": "third power",
    "d ** 4": "fourth power",
    "d ** 5": "power 5",
    "d ** 6": "power 6",
    "d ** 8": "power 8",
    "np.sqrt(np.abs(d))": "take square roots",
    "1 / d ** 2": "divide by the squares",
    "np.exp(d)": "exponentials",
    "2.0 ** d": "powers of 2",
    "x ** 2 - y ** 2": "subtract squares",
    "x ** 2 + y ** 2": "add squares",
    "x - y ** 2": "Only the second is squared",
    "x ** 2 - y": "Only the first is squared",
    "x * y": "multiply the two",
    "(x ** 2 - y ** 2) ** 2": "before and after the difference",
    "np.sign(d)": "signs of the differences",
    "2 * d": "double the differences",
}
SUMMED = {
    "s.max() / N": "the largest entry",
    "s.min() / N": "the smallest entry",
    "s.var() / N": "variance",
    "s.std() / N": "standard deviation",
    "1 / N": "The sum is missing",
    "s.sum() ** 2 / N": "square the sum",
    "(s.sum() / N) ** 2": "square the cost",
    "np.sqrt(s.sum()) / N": "square root of the sum",
    "np.sqrt(s.sum() / N)": "square root of the cost",
    "np.floor(s.sum() / N)": "rounds down",
    "np.round(s.sum() / N)": "rounded to a whole number",
    "np.log(s.sum() / N)": "logarithm",
    "np.mod(s.sum(), N)": "left over from the division",
    "(d != 0).sum()": "count where the two differ",
    "s.prod() / N": "multiply the entries",
    "np.exp(s.sum() / N)": "take the exponential",
    "(1 - N) * s.sum()": "subtract the normaliser from 1",
    "s.sum() - N": "subtract the normaliser",
    "s.sum() + N": "add the normaliser",
    "s.sum() * (1 + N)": "add 1 to the normaliser",
    "N / s.sum()": "divide the normaliser by the sum",
    "s.sum() * N": "You multiply by 4 n_H n_W n_C; the formula divides by it",
    "s.sum()": "The normaliser is missing: divide by 4 n_H n_W n_C",
}
PICTURES = "x, y = np.asarray(a_C, float), np.asarray(a_G, float)\nd, N = x - y, 4 * x.size\n"
CONTENTS = {
    **{f"s = {way}\nreturn s.sum() / N": phrase for way, phrase in COMBINED.items()},
    **{f"s = d ** 2\nreturn {way}": phrase for way, phrase in SUMMED.items()},
    "return (d ** 2).sum() / x.size": "The normaliser is off: the 4 is missing. You divide by n_H n_W n_C, the formula",
    "return (d ** 2).sum() / (2 * x.size)": "2 stands where the 4 belongs|Your result is 2 times the right one",
    "return (d ** 2).sum() / (4 * x.shape[1] * x.shape[2])": ": n_C is missing (or was|You divide by 4 n_H n_W, the",
    "return (d ** 2).sum() / (4 * x.shape[1] * x.shape[3])": ": n_W is missing (or was|You divide by 4 n_H n_C, the",
    "return (d ** 2).sum() / (4 * x.shape[2] * x.shape[3])": ": n_H is missing (or was|You divide by 4 n_W n_C, the",
    "return (d ** 2).sum() / (4 * x.size ** 2)": "squared",
    **{
        f"return (d ** 2).sum() / ({normaliser})": f"You divide by {written}; the formula"
        for normaliser, written in {
            "4 + x.size": "4 + n_H n_W n_C",
            "4 * (x.shape[1] * x.shape[2] + x.shape[3])": "4 (n_H n_W + n_C)",
            "4 * x.shape[1] * x.shape[2] - x.shape[3]": "4 n_H n_W - n_C",
            "4 * (x.shape[1] + x.shape[2]) * x.shape[3]": "4 (n_H + n_W) n_C",
            "4 * x.shape[1] // x.shape[2] + x.shape[3]": "(4 n_H) // n_W + n_C",
            "x.size ** 3 * 64": "the power 3 of 4 n_H n_W n_C, 64 n_H³ n_W³ n_C³",
        }.items()
    },
    "return (d ** 2).sum() / (4 * x.size) * x.shape[1] ** 2": "n_H multiplies instead of dividing",
    "return (d ** 2).sum() / (4 * x.size * x.shape[2] ** 2)": "n_W counts 3 times instead of 1",
    "return (d ** 2).sum() / (7 * x.size)": "7 stands where the 4 belongs|Your result is 0.5714 times",
    "return (d ** 2).sum() / (7 * (x.shape[2] * x.shape[3]) ** 2)": (
        "The normaliser is off: 7 stands where the 4 belongs, n_H is missing (or|, n_W is squared, n_C is squared. You"
    ),
    "return 2 * (d ** 2).sum() / (4 * x.size) + 3": "Your result is 2 times the right one, and 3 is added: the formula",
    "return 2 * (d ** 2).sum() / (4 * x.size) - 0.2": "Your result is 2 times the right one, less 0.2: the",
    "return (d ** 2).sum() / (4 * x.size) + 7": "Your result is off by the same number, 7, for every input: the",
    "return (d ** 2).sum() / (4 * x.size) * np.ones(3)": "not everything is summed|Your result is 3 times",
}

GRAM_OF = {
    "np.abs(A) @ np.abs(A).T": "absolute values of A",
    "A ** 2 @ (A ** 2).T": "square A first",
    "(A - A.mean(1, keepdims=True)) @ (A - A.mean(1, keepdims=True)).T": "the mean of each row",
    "(A - A.mean(0)) @ (A - A.mean(0)).T": "the mean of each column",
    "(A - A.mean()) @ (A - A.mean()).T": "the mean of A",
    "unit(A) @ unit(A).T": "scale the rows",
    "unit(A, 0) @ unit(A, 0).T": "scale the columns",
    "unit(A, None) @ unit(A, None).T": "divide A by its length",
    "over(A, A.sum(1, keepdims=True)) @ over(A, A.sum(1, keepdims=True)).T": "each row by its sum",
    "np.maximum(A, 0) @ np.maximum(A, 0).T": "Negative entries of A",
    "np.trunc(A) @ np.trunc(A).T": "whole numbers",
    "A[::-1] @ A[::-1].T": "order of the channels",
    "A[:, 1:] @ A[:, 1:].T": "only a part of A",
    "A[:, :-1] @ A[:, :-1].T": "only a part of A",
    "A.T @ A": "over positions",
    "A * A": "elementwise",
    "A": "You return A itself",
    "A.T": "You return A transposed",
    "(A * A).sum(1)": "only the diagonal",
    "(A * A) @ A.T": "in one of its two places",
    "A @ (A * A).T": "in one of its two places",
    "A.sum(1)[:, None]": "sum the rows of A up",
    "A.sum(1)": "sum the rows of A up",
    "(A * A).sum(0)": "sum squares over the channels",
    "(A * A).sum()": "sum the squares of A up",
    "np.outer(A.sum(1), A.sum(1))": "multiply the sums",
    "A[:, None] * A[None]": "not summed over the positions",
    "(A[:, None] * A[None]).max(-1)": "largest product",
    "(A[:, None] * A[None]).min(-1)": "smallest product",
    "(A[:, None] * A[None]).prod(-1)": "multiply the products",
    "(A[:, None] * A[None]).sum(0)": "keep the positions",
    "(A[:, None] + A[None]).sum(-1)": "add rows to rows",
    "(A[:, None] - A[None]).sum(-1)": "subtract rows from rows",
    "((A[:, None] - A[None]) ** 2).sum(-1)": "subtract rows from rows",
    "(A[:, None] / A[None]).sum(-1)": "divide rows by rows",
    "np.floor(A[:, None] / A[None]).sum(-1)": "round down",
    "A + A": "add A to itself",
    "A @ A.T @ A": "three times",
    "A @ A.T @ A @ A.T": "the Gram matrix by itself",
    "A @ A.reshape(A.shape[::-1])": "no transpose",
    "A.reshape(A.shape[::-1]) @ A": "no transpose",
    "A.T @ A.T.reshape(A.shape)": "no transpose",
    "A.reshape(A.shape[::-1]) @ A.reshape(A.shape[::-1]).T": "the rows of A are not the columns of what it gives",
    "2.5 * A @ A.T": "Your result is 2.5 times the right one, for every input",
    "A @ A.T / 2.5": "You divide by 2.5; the formula divides by nothing",
    "A @ A.T / A.size": "You divide by n_C n_H n_W; the formula divides by nothing",
    "np.abs(G)": "absolute values of the Gram matrix",
    "G.sum()": "sum the entries up",
    "G.sum(1)": "sum the rows up",
    "np.diag(np.diag(G))": "off the diagonal is 0",
    "np.triu(G)": "upper triangle",
    "np.tril(G)": "lower triangle",
    "G - np.diag(np.diag(G))": "diagonal is 0",
    "G[0]": "one row of the Gram matrix",
    "G - np.eye(len(G))": "1 is subtracted on the diagonal",
    "G + np.eye(len(G))": "1 is added on the diagonal",
    "G ** 2": "square the entries",
    "np.sqrt(np.abs(G))": "square roots of the entries",
    "np.maximum(G, 0)": "Negative entries of the Gram matrix",
    "G - G.mean()": "the mean of the Gram matrix",
    "G[None]": "add an axis",
    "G[..., None]": "add an axis",
    "G.reshape(-1)": "unroll the Gram matrix",
    "np.round(G)": "rounded to whole numbers",
    "np.trunc(G)": "rounded to whole numbers",
    "G / np.sqrt(np.outer(np.diag(G), np.diag(G)))": "a correlation",
}
GRAMS = {f"G = A @ A.T\nreturn {way}": phrase for way, phrase in GRAM_OF.items()}

# What may stand in the place of a picture's Gram matrix, R @ R.T for the rows R of its channels.
STYLES = {
    "a": "no Gram matrix",
    "R.mean(1)": "mean activations of the channels",
    "(R - R.mean(1, keepdims=True)) @ (R - R.mean(1, keepdims=True)).T": "the covariance",
    "np.diag(R @ R.T)": "only the diagonals",
    "unit(R) @ unit(R).T": "scale each channel to length 1",
    "np.triu(R @ R.T)": "a triangle",
    "(R @ R.T) @ (R @ R.T).T": "Gram matrix of the Gram matrix",
    "(R @ R.T) ** 2": "squares of the Gram matrices' entries",
    "(a ** 2).sum()": "one number, the sum of all squares",
    "np.trunc(R) @ np.trunc(R).T": "whole numbers",
    "np.abs(R) @ np.abs(R).T": "absolute values of the activations",
    "a.reshape(a.shape[3], -1) @ a.reshape(a.shape[3], -1).T": "mixes channels and positions",
    "R.T @ R": "over positions, A^T A",
    "a.reshape(-1, a.shape[1]).T @ a.reshape(-1, a.shape[1])": "n_H stands for n_C",
    "a.reshape(-1, a.shape[2]).T @ a.reshape(-1, a.shape[2])": "n_W stands for n_C",
    "a.reshape(a.shape[1], -1) @ a.reshape(a.shape[1], -1).T": "makes n_H rows",
    "a.reshape(a.shape[2], -1) @ a.reshape(a.shape[2], -1).T": "makes n_W rows",
    "np.moveaxis(a[0], 1, 0).reshape(a.shape[2], -1) @ np.moveaxis(a[0], 1, 0).reshape(a.shape[2], -1).T": "(n_W)",
    "a * a": "elementwise",
    "np.einsum('bhwc,bhwd->bhcd', a, a)": "You don't unroll",
    "np.einsum('bhwc,bhwd->bwcd', a.transpose(0, 2, 1, 3), a.transpose(0, 2, 1, 3))": "You don't unroll",
    "np.einsum('bhwc,bhwd->bwcd', a, a)": "You don't unroll",
    "(a ** 2).sum((1, 2))": "",
}
AXES = ("n_H", "n_W", "n_C")
STYLES |= {
    f"(lambda b: {gram})(np.transpose(a[0], {order}).reshape({cut}))": (
        f"in the order ({', '.join(AXES[axis] for axis in order)}) are cut by `reshape` into {rows} rows, and the "
        f"Gram matrix is of the {of} of that table"
    )
    for order, cut, rows, gram, of in (
        ((0, 1, 2), "a.shape[1], -1", "n_H", "b.T @ b", "columns"),
        ((0, 2, 1), "a.shape[2], -1", "n_W", "b @ b.T", "rows"),
        ((1, 0, 2), "a.shape[3], -1", "n_C", "b @ b.T", "rows"),
        ((2, 0, 1), "a.shape[1], -1", "n_H", "b.T @ b", "columns"),
        ((1, 2, 0), "a.shape[1] * a.shape[2], -1", "n_H n_W", "b @ b.T", "rows"),
        ((0, 1, 2), "a.shape[2] * a.shape[3], -1", "n_W n_C", "b @ b.T", "rows"),
    )
}
STYLES |= {
    f"np.einsum('{how}', a, a)": said
    for how, said in {
        "bhwc,bxwc->bchx": "is of n_H, summed over n_W, once for each n_C",
        "bhwc,bhyc->bhwy": "is of n_W, summed over n_C, once for each n_H",
        "bhwc,bhyz->bhwcyz": "is of n_W n_C, and nothing is summed, once for each n_H",
        "bhwc,bhwc->bhw": "You sum squares over n_C for each n_H n_W",
        "bhwc,bhwc->bhc": "You sum squares over n_W for each n_H n_C",
    }.items()
}
OF_ONE = {
    "(R - R.mean(1, keepdims=True)) @ (R - R.mean(1, keepdims=True)).T": "subtract each channel's mean",
    "G / P": "divided by n_H n_W",
    "G / a.size": "divided by n_H n_W n_C",
    "G / a.shape[3]": "divided by n_C",
    "G * P": "multiplied by n_H n_W",
    "G ** 2": "squared",
    "np.diag(np.diag(G))": "diagonal",
    "G.sum()": "summed up",
    "2 * G": "doubled",
    "np.diag(G)": "only the sums of squares, the diagonal, are there",
    "(np.asarray(a, float) ** 2).sum()": "only the sum of all squares is there",
    "G.sum(1)": "its Gram matrix is summed over one axis",
    "R.sum(1)": "its activations are not multiplied",
    "np.einsum('bhwc,bhwd->bhcd', a, a)": "not unrolled, so there is a Gram matrix for each row of the picture",
    **{
        f"(lambda b: b @ b.T)(np.transpose(a[0], {order}).reshape({cut}){turned})": (
            f"the unrolling goes wrong: activations in the order ({', '.join(AXES[axis] for axis in order)}) are cut "
            f"by `reshape` into n_C {into}"
        )
        for order, cut, turned, into in (
            ((0, 1, 2), "a.shape[3], -1", "", "rows"),
            ((1, 2, 0), "-1, a.shape[3]", ".T", "columns"),
        )
    },
}
# The same where both are to be divided by the number of positions P, and one is not, or otherwise.
OF_ONE_DIVIDED = {
    "G + P": "n_H n_W is added to its Gram matrix, which is divided by it",
    "G - P": "n_H n_W is subtracted from its Gram matrix, which is divided by it",
    "np.floor(G / P)": "its Gram matrix is rounded down when it is divided",
    "G * P": "its Gram matrix is multiplied by n_H n_W, and not divided by it",
    "np.einsum('bhwc,bhwd->bhcd', a, a)": "for each row of the picture (n_H), not divided by n_H n_W",
}
CROSSED = {
    "(S @ G.T, G @ G.T)": "The Gram matrix of `a_S` is not of one picture",
    "(G @ S.T, G @ G.T)": "The Gram matrix of `a_S` is not of one picture",
    "(S @ S.T, S @ G.T)": "The Gram matrix of `a_G` is not of one picture",
    "(S @ S.T, G @ S.T)": "The Gram matrix of `a_G` is not of one picture",
    "(S @ G.T, 0)": "You multiply one picture's activations by the other's",
    "((S - G) @ (S - G).T, 0)": "You take the Gram matrix of the difference",
}
LAYERS = """
n_C, P = a_G.shape[3], a_G.shape[1] * a_G.shape[2]
def gram(a):
    a = np.asarray(a, float)
    R, P = a.reshape(-1, a.shape[3]).T, a.size / a.shape[3]
    G = R @ R.T
    return {}
def right(a):
    R = np.asarray(a, float).reshape(-1, a.shape[3]).T
    return R @ R.T
"""
STYLE_COSTS = {
    **{
        f"{LAYERS.format(way)}return ((gram(a_S) - gram(a_G)) ** 2).sum() / (4 * n_C ** 2 * P ** 2)": phrase
        for way, phrase in STYLES.items()
    },
    **{
        f"{LAYERS.format(way)}return ((gram(a_S) - right(a_G)) ** 2).sum() / (4 * n_C ** 2 * P ** 2)": f"`a_S`|{phrase}"
        for way, phrase in OF_ONE.items()
    },
    **{
        f"{LAYERS.format(way)}return ((right(a_S) - gram(a_G)) ** 2).sum() / (4 * n_C ** 2 * P ** 2)": f"`a_G`|{phrase}"
        for way, phrase in OF_ONE.items()
    },
    **{
        f"{LAYERS.format(way)}return (({compared}) ** 2).sum() / (4 * n_C ** 2)": f"With `{name}`|{phrase}"
        for way, phrase in OF_ONE_DIVIDED.items()
        for name, compared in (("a_S", "gram(a_S) - right(a_G) / P"), ("a_G", "right(a_S) / P - gram(a_G)"))
    },
    **{
        f"{LAYERS.format('G')}S, G = (np.asarray(a, float).reshape(-1, n_C).T for a in (a_S, a_G))\nx, y = {made}\n"
        "return ((x - y) ** 2).sum() / (4 * n_C ** 2 * P ** 2)": phrase
        for made, phrase in CROSSED.items()
    },
    **{
        f"{LAYERS.format('G')}return ((gram(a_S) - gram(a_G)) ** 2).sum() / ({normaliser})": phrase
        for normaliser, phrase in {
            "4 * n_C * P": "The normaliser is not squared",
            "2 * n_C * P": "The normaliser is not squared",
            "2 * n_C ** 2 * P ** 2": "The 2 is not squared",
            "(4 * n_C ** 2 * P ** 2) ** 2": "squared",
            "16 * n_C * P": "not squared",
            "4 * n_C ** 2 * P": "n_H",
            "4 * n_C ** 2 * P ** 4": "divide by n_H n_W twice",
            "4 * P ** 2": "n_C",
            "4 * n_C ** 2 * (a_G.shape[1] ** 2 + a_G.shape[2] ** 2)": "You divide by 4 n_C² (n_H² + n_W²); the formula",
            "(4 + n_C ** 2) * P ** 2": "You divide by (4 + n_C²) n_H² n_W²; the formula",
            "(2 * (n_C + a_G.shape[1]) * a_G.shape[2]) ** 2": "You divide by (2 (n_H + n_C) n_W)²; the formula",
            "(n_C + 2 * a_G.shape[1] + a_G.shape[2]) ** 2": "You divide by (2 n_H + n_W + n_C)²; the formula",
            "64 * n_C ** 6 * P ** 6": "the power 6 of 2 n_H n_W n_C, 64 n_H⁶ n_W⁶ n_C⁶",
            "n_C ** 2 * P ** 2": "4",
        }.items()
    },
}

TOTALS = {
    "alpha * J_style + beta * J_content": "The weights are swapped",
    "J_content + J_style": "Both weights are forgotten",
    "alpha * (J_content + J_style)": "alpha weights both",
    "beta * (J_content + J_style)": "beta weights both",
    "(alpha + beta) * (J_content + J_style)": "before you weight them",
    "alpha * J_content * beta * J_style": "multiply the two costs",
    "alpha * J_content / (beta * J_style)": "divide",
    "beta * J_style / (alpha * J_content)": "divide",
    "alpha * J_content - beta * J_style": "subtract the style's cost",
    "beta * J_style - alpha * J_content": "subtract the content's cost",
    "(alpha * J_content + beta * J_style) / (alpha + beta)": "divide by alpha + beta",
    "(alpha * J_content + beta * J_style) / 2": "the mean of the two",
    "alpha * J_content": "Only the content's cost",
    "beta * J_style": "Only the style's cost",
    "J_content / alpha + J_style / beta": "divide by the weights",
    "alpha + J_content + beta + J_style": "add the weights",
    "alpha ** 2 * J_content + beta ** 2 * J_style": "square the weights",
    "alpha * J_content ** 2 + beta * J_style ** 2": "square the costs",
    "(alpha * J_content + beta * J_style) ** 2": "square the sum",
    "(alpha * J_content + beta * J_style) ** 0.5": "square root",
    "np.trunc(alpha * J_content + beta * J_style)": "drops the fraction",
    "10 * J_content + 40 * J_style": "10 and 40 are written into",
    "np.maximum(alpha * J_content, beta * J_style)": "the larger of the two",
    "np.minimum(alpha * J_content, beta * J_style)": "the smaller of the two",
    "alpha * (J_content + beta * J_style)": "alpha multiplies J_style as well",
    "(alpha * J_content + beta) * J_style": "bracket is wrong",
    "alpha * (J_content + beta) * J_style": "bracket is wrong",
    "beta * (alpha * J_content + J_style)": "bracket is wrong",
    "alpha * J_content * (beta + J_style)": "multiplied by beta + J_style",
    "-(alpha * J_content + beta * J_style)": "The cost has the wrong sign",
    "alpha + J_content * beta + J_style": "mixed up",
    "J_content + beta * J_style": "alpha is forgotten",
    "alpha * J_content + J_style": "beta is forgotten",
    "alpha + beta * J_style": "J_content is forgotten",
    "alpha * J_content + beta": "J_style is forgotten",
    "beta * J_content + beta * J_style * 1.0": "beta weights both",
    "alpha * J_style + beta * J_style": "J_style stands where J_content belongs",
    "alpha * J_content + beta * J_content": "J_content stands where J_style belongs",
    "10 * J_content + beta * J_style": "J_content always has the weight 10",
    "alpha * J_content + 40 * J_style": "J_style always has the weight 40",
    "40 * J_content + beta * J_style": "J_content always has the weight 40",
    "alpha ** 2 * J_content + beta * J_style": "square alpha",
    "alpha * J_content + beta * J_style ** 2": "square J_style",
    "(alpha * J_content) ** 2 + beta * J_style": "square the product of alpha and J_content",
    "alpha * J_content ** 0.5 + beta * J_style": "square root of J_content",
    "alpha + J_content + beta * J_style": "add alpha to J_content",
    "alpha - J_content + beta * J_style": "subtract J_content from alpha",
    "alpha * J_content + J_style - beta": "subtract beta from J_style",
    "J_content / alpha + beta * J_style": "divide J_content by alpha",
    "alpha / J_content + beta * J_style": "divide alpha by J_content",
    "(1 - alpha) * J_content + beta * J_style": "the weight 1 - alpha",
    "(1 - beta) * J_content + beta * J_style": "the weight 1 - beta",
    "(alpha + beta) * J_content + beta * J_style": "the weight alpha + beta",
    "alpha / (alpha + beta) * J_content + beta * J_style": "the weight alpha / (alpha + beta)",
    "alpha * J_content + beta / alpha * J_style": "the weight beta / alpha",
    "alpha * J_content + beta * J_style + 3": "Your result is off by the same number, 3",
    "3 * (alpha * J_content + beta * J_style)": "Your result is 3 times the right one",
    "3 * alpha * J_content + beta * J_style": "J_content has 3 times its weight alpha",
    "alpha * J_content + 5 * beta * J_style": "J_style has 5 times its weight beta",
    "7.5 * J_content + beta * J_style": "J_content always has the weight 7.5: use alpha",
    "alpha * J_content + 7.5 * J_style": "J_style always has the weight 7.5: use beta",
}
TERMS = {
    "{cost}": "{own} is forgotten: it weights {cost}",
    "{own}": "{cost} is forgotten",
    "{own} ** 2 * {cost}": "You square {own}",
    "{own} * {cost} ** 2": "You square {cost}",
    "({own} * {cost}) ** 2": "You square the product of {own} and {cost}",
    "{own} * {cost} ** 0.5": "You take the square root of {cost}",
    "({own} + {cost})": "You add {own} to {cost}; multiply",
    "({own} - {cost})": "You subtract {cost} from {own}; multiply",
    "({cost} - {own})": "You subtract {own} from {cost}; multiply",
    "{cost} / {own}": "You divide {cost} by {own}; multiply",
    "{own} / {cost}": "You divide {own} by {cost}; multiply",
    "{cost} // {own}": "You divide {cost} by {own} and round down (`//`); multiply",
    "{own} // {cost}": "You divide {own} by {cost} and round down (`//`); multiply",
    "{cost} ** {own}": "You raise {cost} to the power {own}; multiply",
    "{own} ** {cost}": "You raise {own} to the power {cost}; multiply",
    "(1 - {own}) * {cost}": "{cost} has the weight 1 - {own}; it is {own}",
    "(1 - {other}) * {cost}": "{cost} has the weight 1 - {other}; it is {own}",
    "({own} + {other}) * {cost}": "{cost} has the weight {own} + {other}; it is {own}",
    "{own} / ({own} + {other}) * {cost}": "{cost} has the weight {own} / ({own} + {other}); it is {own}",
    "{own} / {other} * {cost}": "{cost} has the weight {own} / {other}; it is {own}",
}
NAMES = {"own": "alpha", "other": "beta", "cost": "J_content"}, {"own": "beta", "other": "alpha", "cost": "J_style"}
TOTALS |= {
    f"{form.format(**names)} + {rest}": phrase.format(**names)
    for names, rest in zip(NAMES, ("beta * J_style", "alpha * J_content"), strict=True)
    for form, phrase in TERMS.items()
}
TOTALS |= {
    "(alpha * J_content) // (beta * J_style)": "You divide one cost by the other, rounding down",
    "J_style * alpha / (beta * J_content)": "You divide",
    "J_style / J_content": "You divide",
    "-beta * J_style": "The cost J_content with its weight alpha is left out|The cost has the wrong sign",
    "-alpha * J_content": "The cost J_style with its weight beta is left out|The cost has the wrong sign",
    "(J_content + beta * J_style) / (alpha + beta)": "divide by alpha + beta|alpha is forgotten",
    "-(alpha * J_content + J_style)": "The cost has the wrong sign|beta is forgotten",
    "alpha * beta * J_content + J_style": "J_content has the weight alpha * beta; it is alpha|beta is forgotten",
    "J_content - beta * J_style": "You subtract the style's cost|alpha is forgotten",
    "J_style - alpha * J_content": "You subtract the content's cost|beta is forgotten",
    "J_content ** 2 + beta * J_style * J_content": "For J_content =",
}
VARIANCE = "variance = tf.reduce_mean(tf.square(a - mean), axis=[1, 2], keepdims=True)"
NORMS = {
    ("x = (a - mean)", "x = a"): "mean is not subtracted",
    ("x = (a - mean)", "x = (a + mean)"): "mean is added",
    ("tf.sqrt(variance + EPSILON)", "(variance + EPSILON)"): "divide by the variance",
    ("tf.sqrt(variance + EPSILON)", "tf.sqrt(variance)"): "Epsilon is forgotten",
    ("tf.sqrt(variance + EPSILON)", "(tf.sqrt(variance) + EPSILON)"): "Epsilon is added to the deviation",
    ("tf.sqrt(variance + EPSILON)", "tf.sqrt(tf.sqrt(variance + EPSILON))"): "one root too many",
    ("/ tf.sqrt(variance + EPSILON)", ""): "do not divide",
    ("/ tf", "* tf"): "multiply by the standard deviation",
    ("tf.square(a - mean)", "tf.square(a)"): "from 0",
    ("scale[:, None, None, :] * x + shift[:, None, None, :]", "shift[:, None, None] * x + scale[:, None, None]"): (
        "exchanged"
    ),
    ("scale[:, None, None, :] * x + shift[:, None, None, :]", "x"): "Neither scale nor shift",
    ("scale[:, None, None, :] * x", "x"): "scale is not used",
    (" + shift[:, None, None, :]", ""): "shift is not used",
    (" + shift", " - shift"): "shift is subtracted",
    ("* x + shift[:, None, None, :]", "* (x + shift[:, None, None, :])"): "before you multiply",
    ("scale[:, None, None, :] * x", "x / scale[:, None, None, :]"): "divide by the scale",
    ("scale[:, None, None, :]", "(1 + scale[:, None, None, :])"): "1 is added to the scale",
    ("scale[:, None, None, :] * x + shift[:, None, None, :]", "scale[:1, None, None] * x + shift[:1, None, None]"): (
        "the first: each has its own"
    ),
    **{
        ("axis=[1, 2]", f"axis={axes}"): phrase
        for axes, phrase in {
            "[1]": "along the rows", "[2]": "along the columns", "[3]": "over its channels",
            "[0]": "You normalise over the batch: ", "[0, 1, 2, 3]": "over everything, batch and channels too",
        }.items()
    },
    (VARIANCE, "variance = tf.math.reduce_variance(a, axis=[1, 2, 3], keepdims=True)"): (
        "Only the variance: you normalise over all channels together"
    ),
    (f"mean = tf.reduce_mean(a, axis=[1, 2], keepdims=True)\n{VARIANCE}",
     "mean = tf.reduce_mean(a, axis=[1, 2, 3], keepdims=True)\n"
     "variance = tf.math.reduce_variance(a, axis=[1, 2], keepdims=True)"): (
        "Only the mean: you normalise over all channels together"
    ),
    ("variance + EPSILON", "variance / (1 - 1 / (a.shape[1] * a.shape[2])) + EPSILON"): "that of a sample",
    ("tf.sqrt(variance + EPSILON)", "tf.reduce_mean(tf.abs(a - mean), axis=[1, 2], keepdims=True)"): (
        "mean absolute deviation"
    ),
    ("return scale", "return 3 * scale"): "For `a` of shape (2, 5, 7, 3), `scale` and `shift` of shape (2, 3), exp",
    ("return scale[:, None, None, :] * x + shift[:, None, None, :]",
     "return 3 * (scale[:, None, None, :] * x + shift[:, None, None, :])"): "3 times what it should be",
    ("return scale[:, None, None, :] * x + shift[:, None, None, :]",
     "return -(scale[:, None, None, :] * x + shift[:, None, None, :])"): "The result has the wrong sign",
}
COSTS = {
    ("a_C[content_layer]", "a_S[content_layer]"): "against the style picture",
    ("a_C[content_layer], a_G[content_layer]", "a_C[content_layer], a_S[content_layer]"): "photograph and painting",
    ("J_content = compute_content_cost(a_C[content_layer], a_G[content_layer])", "J_content = 0.0"): (
        "content cost is missing"
    ),
    ("a_C[content_layer], a_G[content_layer]", "a_C[style_layers[0][0]], a_G[style_layers[0][0]]"): "at a style layer",
    ("a_S[name], a_G[name]", "a_C[name], a_G[name]"): "against the photograph",
    ("a_S[name], a_G[name]", "a_S[name], a_C[name]"): "photograph and painting",
    ("J_style +=", "J_style += 0.0 *"): "style cost is missing",
    ("weight * ", ""): "weights of the style layers",
    ("weight * ", "weight / 3 * "): "the mean over the style layers",
    ("weight * ", "1 / 3 * "): "the mean over the style layers",
    ("J_style += weight", "J_style = weight"): "Only the last style layer counts: ",
    ("J_style += weight * ", "J_style = "): "without its weight",
    ("return total_cost", "    return total_cost"): "Only the first style layer",
    ("alpha, beta)", "beta, alpha)"): "exchanged",
    ("total_cost(J_content, J_style, alpha, beta)", "J_content + J_style"): "alpha and beta are not used",
    ("total_cost(J_content, J_style, alpha, beta)", "J_content + beta * J_style"): "alpha is not used",
    ("total_cost(J_content, J_style, alpha, beta)", "alpha * J_content + J_style"): "beta is not used",
    ("total_cost(J_content, J_style, alpha, beta)", "alpha * J_content - beta * J_style"): "subtracted",
    ("total_cost(J_content, J_style, alpha, beta)", "alpha * J_content * beta * J_style"): "multiplied",
}
# What a message has only where the phrase says so.
MORE = ("has the wrong sign", "Your result is", "off by the same")
# All that each check knows by name: one of them, and not two together, explains an answer with one mistake.
TEXTS = {
    each.right.__name__: {mistake.text for stage in each.stages for mistake in stage}
    for each in [*vars(formulas).values(), *vars(neighbours).values()] if isinstance(each, formulas.Formula)
} | {"nearest_spots": {mistake.text for stage in neighbours._STAGES for mistake in stage}}
# But where several explain it alike, and where the normaliser is wrong.
SEVERAL = (
    "mistakes explain your figures", "ormaliser", "; the formula divides by", "; the formula multiplies all",
    "The 2 is not squared", "Your result is", "makes no difference",
)  # fmt: skip
WRONG = {
    "compute_content_cost": (PICTURES, CONTENTS),
    "gram_matrix": ("A = np.asarray(A, float)\n", GRAMS),
    "compute_layer_style_cost": ("", STYLE_COSTS),
    "total_cost": ("", {f"J = {way}\nreturn J": phrase for way, phrase in TOTALS.items()}),
    "cosine_similarity": (ARRAYS, COSINES),
    "nearest_spots": (TWO, NEAREST),
    "compute_targets": (THREE, TARGETS),
    "compute_match_cost": (ALL, MATCHES),
}


@pytest.mark.parametrize(
    ("exercise", "body", "phrase"),
    [
        pytest.param(exercise, before + body, phrase, id=f"{exercise}: {phrase}")
        for exercise, (before, all) in WRONG.items()
        for body, phrase in all.items()
    ],
)
def test_a_mistake_is_called_by_its_name(exercise, body, phrase):
    found = getattr(checks, exercise)(answer(exercise, body, HELPERS))
    assert found.outcome == "wrong" and all(part in found.message for part in phrase.split("|")), found.message
    more = [words for words in MORE if words in found.message and words not in phrase]
    assert not more, found.message
    name = re.sub(r"(^| )For `.*", "", found.message)
    several = "|" in phrase or any(words in name for words in SEVERAL)
    assert several or exercise == "total_cost" or name in TEXTS[exercise], found.message


@pytest.mark.parametrize(
    ("exercise", "right", "change", "phrase"),
    [
        pytest.param(exercise, right, change, phrase, id=f"{exercise}: {phrase}")
        for exercise, right, all in (("instance_norm", NORM, NORMS), ("perceptual_cost", COST, COSTS))
        for change, phrase in all.items()
    ],
)
def test_a_mistake_in_the_fast_networks_formulas_is_called_by_its_name(exercise, right, change, phrase):
    assert change[0] in right
    found = result(exercise, right.replace(*change))
    assert found.outcome == "wrong" and phrase in found.message, found.message
    assert ("times what it should be" in found.message) == ("times what" in phrase), found.message


# The same mistakes the other way round: their sign says nothing.
TURNED = {
    "compute_content_cost": {
        "(y - x).sum() / N": "The square is missing",
        "((y - x) ** 3).sum() / N": "third power",
        "((y - x) ** 5).sum() / N": "the power 5",
        "(y ** 2 - x ** 2).sum() / N": "subtract squares",
        "(y ** 2 - x).sum() / N": "Only the second is squared",
        "(y - x ** 2).sum() / N": "Only the first is squared",
        "-(x * y).sum() / N": "multiply the two",
        "np.sign(y - x).sum() / N": "signs of the differences",
        "2 * (y - x).sum() / N": "double the differences",
    },
    "compute_match_cost": {"(-1 / c).mean()": "divide 1 by the cosine", "-np.floor(1 / c).mean()": "and round down"},
}
BEFORE = {"compute_content_cost": PICTURES, "compute_match_cost": f"{ALL}{DIRECTIONS}c = (t * g).sum(-1)\n"}


@pytest.mark.parametrize(
    ("exercise", "way", "phrase"),
    [pytest.param(name, *each, id=f"{name}: {each[1]}") for name, all in TURNED.items() for each in all.items()],
)
def test_where_a_sign_tells_nothing_it_is_not_said_to_be_wrong(exercise, way, phrase):
    found = getattr(checks, exercise)(answer(exercise, f"{BEFORE[exercise]}return {way}", HELPERS))
    assert found.outcome == "wrong" and phrase in found.message, found.message
    assert "wrong sign" not in found.message


N = "4.0 * int(a_G.shape[1] * a_G.shape[2] * a_G.shape[3])"
PRODUCTS = "A[:, None] * A[None]"
REDUCED = "__import__('functools').reduce(tf.{}, tf.unstack(A[:, None] * A[None], axis=-1))"
PLACES_IN_TENSORFLOW = (
    "m = tf.reduce_mean(a_S, [0, 1, 2])\n"
    "v = 1 - tf.reduce_sum(tf.math.l2_normalize(a_T - m, -1) * tf.math.l2_normalize(a_G - m, -1), -1)\nreturn "
)
# What of several mistakes with the same result is told by TensorFlow's operations: in it, and not in it.
SEEN = {
    ("compute_content_cost", f"tf.reduce_sum(tf.abs(a_C - a_G)) / ({N})"): ("You sum absolute values", "Either"),
    ("compute_content_cost", f"tf.reduce_sum(tf.sqrt((a_C - a_G) ** 2)) / ({N})"): ("take the root of each", "Either"),
    ("compute_content_cost", f"tf.reduce_sum((tf.abs(a_C) - tf.abs(a_G)) ** 2) / ({N})"): ("absolute values of", ":"),
    ("compute_content_cost", f"tf.reduce_max((a_C - a_G) ** 2) / ({N})"): ("You take the largest entry", "Either"),
    ("compute_content_cost", f"tf.reduce_min((a_C - a_G) ** 2) / ({N})"): ("You take the smallest entry", "Either"),
    ("compute_content_cost", f"tf.reduce_sum(tf.cast(tf.not_equal(a_C, a_G), tf.float32)) + 0 * {N}"): (
        "You count where the two differ", "The sum is missing"
    ),
    ("compute_content_cost", f"tf.reduce_sum(tf.sign(a_C - a_G)) / ({N})"): ("You take the signs", "Either"),
    ("compute_content_cost", f"tf.reduce_mean((a_C - a_G) ** 2) / ({N})"): ("You take the mean for the sum", "Either"),
    ("compute_content_cost", f"tf.reduce_sum((a_C - a_G) ** 2) / (({N}) ** 2 / 4)"): ("belongs to the style", "Either"),
    ("gram_matrix", f"tf.reduce_max({PRODUCTS}, axis=-1)"): ("the largest product over the positions", "Either"),
    ("gram_matrix", f"tf.reduce_min({PRODUCTS}, axis=-1)"): ("the smallest product over the positions", "Either"),
    ("gram_matrix", f"tf.reduce_prod({PRODUCTS}, axis=-1)"): ("multiply the products over the positions", "Either"),
    ("gram_matrix", REDUCED.format("maximum")): ("the largest product over the positions", "Either"),
    ("gram_matrix", REDUCED.format("minimum")): ("the smallest product over the positions", "Either"),
    ("gram_matrix", "tf.abs(A) @ tf.transpose(tf.abs(A))"): ("You multiply absolute values of A", "Either"),
    ("compute_match_cost", f"{PLACES_IN_TENSORFLOW}tf.reduce_max(v)"): ("You take the largest 1 - cosine", "Either"),
    ("compute_match_cost", f"{PLACES_IN_TENSORFLOW}tf.reduce_min(v)"): ("You take the smallest 1 - cosine", "Either"),
    ("compute_match_cost", f"{PLACES_IN_TENSORFLOW}tf.reduce_prod(v)"): ("You multiply over the places", "Either"),
}


@pytest.mark.parametrize(("exercise", "body", "says", "not_says"), [(*key, *words) for key, words in SEEN.items()])
def test_of_mistakes_with_one_result_that_is_told_whose_operation_ran(exercise, body, says, not_says):
    message = getattr(checks, exercise)(answer(exercise, body)).message
    assert says in message and not_says not in message.partition(" For ")[0], message


@pytest.mark.parametrize("body", ["np.tanh(A @ np.transpose(A))", "np.cos(A)", "np.sin(A).sum(1)"])
def test_of_what_no_mistake_explains_only_the_figures_are_said(body):
    message = checks.gram_matrix(answer("gram_matrix", body)).message
    assert message.startswith("For `A` of shape (3, 7), expected an array of shape (3, 3) that begins "), message


def test_what_needs_more_than_three_changes_is_not_told():
    body = f"{PICTURES}return np.abs(d).sum() / (7 * (x.shape[2] * x.shape[3]) ** 2)"
    message = checks.compute_content_cost(answer("compute_content_cost", body)).message
    assert message.startswith("For `a_C`, `a_G` of shape (1, 5, 7, 3), expected "), message


def test_what_was_written_for_a_product_is_told_as_it_is_computed():
    names = {name: np.float64(x) for name, x in (("four", 4.1313), ("n_H", 23.3717), ("n_W", 7.7191), ("n_C", 3.9177))}
    seen, sums = set(), {f"({a} + {b})" for a, b in itertools.combinations(names, 2)}
    for text, operator, changes, value in hypotheses._expressions(list(names.items())):
        sums = {each for each in sums if each not in text}
        assert changes == len(re.findall(r" (?:[+-]|//?) ", text))
        seen.add(operator)
        if np.isfinite(value):
            assert eval(re.sub(r"(?<=[\w)]) (?=[\w(])", " * ", text), {}, names) == pytest.approx(value), text
    assert seen == {"*", "+", "-", "/", "//"} and not sums


SHAPES = {
    "compute_content_cost": "For `a_C`, `a_G` of shape (1, 5, 7, 3), expected ",
    "gram_matrix": "For `A` of shape (3, 7), expected an array of shape (3, 3) that begins ",
    "compute_layer_style_cost": "For `a_S`, `a_G` of shape (1, 5, 7, 3), expected ",
    "cosine_similarity": "For `x` of shape (5, 3), `y` of shape (7, 3), expected an array of shape (5, 7) that begins ",
    "nearest_spots": "For `v_C` of shape (16, 6) and `v_S` of shape (9, 6), expected ",
    "compute_targets": (
        "For `a_C` of shape (1, 5, 7, 3), `a_S` of shape (1, 6, 4, 3), `chosen` of shape (35,), expected an array of "
        "shape (1, 5, 7, 3) that begins "
    ),
    "compute_match_cost": (
        "For `a_S` of shape (1, 7, 8, 3), `a_T` of shape (1, 5, 7, 3), `a_G` of shape (1, 5, 7, 3), expected "
    ),
}


@pytest.mark.parametrize(("exercise", "says"), SHAPES.items(), ids=SHAPES)
def test_what_is_wrong_is_shown_with_its_input(exercise, says):
    body = "np.arange(len(v_C)) % len(v_S)" if exercise == "nearest_spots" else "np.float64([[1, 2.5], [7, 9]])"
    assert says in getattr(checks, exercise)(answer(exercise, body)).message

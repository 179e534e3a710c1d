"""The types: whoever gives stylize() a wrong keyword or type is told by a type checker, and the lists agree."""

import ast
import os
import re
import runpy
import subprocess
import sys

import pytest
from conftest import ROOT

import nst_utils

USE = '''
from pathlib import Path

import numpy as np

from nst_utils import fast_stylize, make_pairs, minimize, stylize, stylize_steps
from nst_utils.engine.settings import Settings
from nst_utils.engine.styles import Style

photo = np.zeros((64, 64, 3), np.uint8)
RIGHT = stylize("photo.jpg", [Path("one.jpg"), Style(photo, weight=2)], size=(64, 64), style_layers={"conv1_1": 1.0})
'''
# What a type checker has to say of a line; None: nothing.
LINES = {
    'stylize(photo, "p.jpg", iterations=5, keep_colors="palette", init=photo, masks=["sky.png", "rest"])': None,
    'stylize(photo, "p.jpg", callback=lambda step: print(step.total), resume="run.npz").image.shape': None,
    'stylize(photo, "p.jpg", iteration=5)': 'Unexpected keyword argument "iteration"',
    'stylize(photo, "p.jpg", iterations="5")': 'Argument "iterations" to "stylize" has incompatible type "str"',
    'stylize(photo, "p.jpg", method="neighbors")': 'Argument "method" to "stylize" has incompatible type',
    'stylize(5, "p.jpg")': 'Argument 1 to "stylize" has incompatible type "int"',
    'stylize(photo, "p.jpg").picture': '"Result" has no attribute "picture"',
    'stylize(photo, "p.jpg", callback=lambda step: step.cost)': '"Step" has no attribute "cost"',
    'list(stylize_steps(photo, "p.jpg", strenght=1.0))': 'Unexpected keyword argument "strenght"',
    'Settings.of(alfa=1.0)': 'Unexpected keyword argument "alfa"',
    'minimize(lambda image: image, photo, iteration=5)': 'Unexpected keyword argument "iteration"',
}


def mypy(*arguments):
    command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", *arguments]
    environment = os.environ | {"MYPYPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """{number of a line in LINES: what mypy says of it}, of all lines in one run."""
    file = tmp_path_factory.mktemp("types") / "use.py"
    file.write_text(USE + "\n".join(LINES), encoding="utf-8")
    first = USE.count("\n") + 1
    done = mypy(file)
    assert done.returncode == 1 and not done.stderr, done.stderr
    found = {}
    for number, message in re.findall(r"use\.py:(\d+): error: (.*)", done.stdout):
        found.setdefault(int(number) - first, []).append(message)
    assert done.stdout.count(" error: ") == sum(map(len, found.values())), done.stdout
    return found


@pytest.mark.parametrize("line", LINES)
def test_a_type_checker_tells_a_wrong_use_and_no_right_one(told, line):
    messages = told.get(list(LINES).index(line), [])
    wanted = LINES[line]
    assert [wanted in message for message in messages] == ([True] if wanted else []), messages


def test_the_use_before_these_lines_is_right(told):
    assert all(number >= 0 for number in told)


def test_wrong_types_in_the_package_are_found(tmp_path):
    wrong = {
        "def missing(x): return x": "Function is missing a type annotation",
        "def other(x: int) -> str: return x": "Incompatible return value type",
        "pairs: dict = {}": "Missing type arguments",
        "number = 1  # type: ignore": 'Unused "type: ignore"',
    }
    module, spoilt = ROOT / "nst_utils" / "pictures" / "gallery.py", tmp_path / "gallery.py"
    spoilt.write_text("\n".join([module.read_text(encoding="utf-8"), *wrong]), encoding="utf-8")
    done = mypy("--cache-dir", tmp_path / "cache", "--shadow-file", module, spoilt, module)
    errors = [line for line in done.stdout.splitlines() if " error: " in line]
    assert len(errors) == len(wrong), done.stdout
    assert all(message in line for message, line in zip(wrong.values(), errors, strict=True)), done.stdout


def test_the_keywords_are_those_of_the_settings():
    written = runpy.run_path(str(ROOT / "packaging" / "keywords.py"))
    assert written["keywords"]() == written["TARGET"].read_text(encoding="utf-8"), "run python packaging/keywords.py"


def test_type_checkers_find_in_the_package_what_it_hands_out_when_it_is_asked():
    tree = ast.parse((ROOT / "nst_utils" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    shown = {
        alias.asname: (node.module, alias.name)
        for node in block.body if isinstance(node, ast.ImportFrom)
        for alias in node.names if alias.asname
    }
    handed = {
        name: (module, attribute) if attribute else tuple(module.rsplit(".", 1))
        for name, (module, attribute) in nst_utils._NAMES.items()
    }
    assert shown == handed


def test_the_package_says_that_it_has_types():
    assert (ROOT / "nst_utils" / "py.typed").is_file()

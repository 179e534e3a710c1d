"""The house: imports go downwards only, and the README's map and table of options are those of the code."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from conftest import ROOT

from nst_utils.cli import app

README = (ROOT / "README.md").read_text(encoding="utf-8")


def lint_imports(folder):
    command = Path(sys.executable).with_name("lint-imports")
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run([command, "--no-cache"], cwd=folder, env=environment, capture_output=True)


@pytest.fixture
def house(tmp_path):
    """A copy of the package, to be spoilt."""
    shutil.copytree(ROOT / "nst_utils", tmp_path / "nst_utils", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("pictures/sizes.py", "from nst_utils.engine import costs"),
        ("engine/recipe.py", "from nst_utils.engine.run import Run"),
        ("network/vgg.py", "def f():\n    from nst_utils.cli import main"),
    ],
)
def test_an_import_upwards_is_found(house, module, line):
    assert lint_imports(house).returncode == 0
    with (house / "nst_utils" / module).open("a") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(house)
    assert done.returncode == 1 and b"BROKEN" in done.stdout


def test_a_new_room_has_to_be_given_its_place(house):
    (house / "nst_utils" / "engine" / "attic.py").write_text("")
    assert lint_imports(house).returncode == 1


def test_the_map_names_every_room_once():
    rooms = re.findall(r"^\| (?:`(\w+)/`)? ?\| ([^|]*) \|", README, re.M)
    drawn, group = [], None
    for name, modules in rooms:
        group = name or group
        drawn += [f"{group}/{module}" for module in re.findall(r"`(\w+)`", modules)]
    there = [
        f"{path.parent.name}/{path.stem}"
        for path in (ROOT / "nst_utils").glob("*/*.py")
        if path.parent.name not in ("checks", "tf1") and not path.stem.startswith("__")
    ]
    assert sorted(drawn) == sorted(there)


def test_every_option_of_the_readme_is_one_of_the_command():
    def commands(group):
        for command in group.commands.values():
            yield from commands(command) if hasattr(command, "commands") else [command]

    every = commands(typer.main.get_command(app))
    flags = {flag for command in every for parameter in command.params for flag in parameter.opts}
    others = re.compile(r"`uvx? [^`]*`")  # commands of uv, whose options are its own
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", others.sub("", README)))
    assert named and named <= flags | {"--help"}, named - flags

"""Write nst_utils/engine/keywords.py from the fields of Settings: python packaging/keywords.py.

Type checkers and editors read source, so the keywords of stylize() stand there once more, as the type of each.
"""

import dataclasses
from pathlib import Path

from nst_utils.base.files import write_text
from nst_utils.engine.settings import Settings, accepted_type

TARGET = Path(__file__).resolve().parents[1] / "nst_utils" / "engine" / "keywords.py"
HEAD = '''"""The settings as keyword arguments, for type checkers and editors.

Written by packaging/keywords.py from the fields of Settings, where each has its bounds, its words and its default.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, TypedDict

from nst_utils.base.types import AnyPath, AnyPicture, Array


class Keywords(TypedDict, total=False):
    """What stylize(), make_pairs() and Settings.of() take as **settings."""

'''


def keywords() -> str:
    """The text of the module."""
    return HEAD + "".join(f"    {each.name}: {accepted_type(each)}\n" for each in dataclasses.fields(Settings))


if __name__ == "__main__":
    write_text(TARGET, keywords())
    print(f"{len(dataclasses.fields(Settings))} settings are in {TARGET}.")

"""The two errors that bad input raises; the message is one sentence that says what to do."""

import reprlib
from typing import Any

# Characters of a message: what a file holds may be told in it, and must not fill a screen.
_MOST = 480


class InputError(ValueError):
    """Something given by the user does not fit; the message is one sentence that says what to do.

    What it quotes of a file is shown without line breaks and control characters, which a terminal would obey, and
    shortened in the middle where it is long.
    """

    def __init__(self, message: object = "") -> None:
        text = "".join(each if each.isprintable() else " " for each in str(message))
        super().__init__(text if len(text) <= _MOST else f"{text[: _MOST * 2 // 3]} ... {text[-_MOST // 3 + 5 :]}")


class MissingFileError(InputError, FileNotFoundError):
    """A file that the user named is not there."""


def shown(value: Any) -> str:
    """The value as a message shows it: in quotes if it is text, and never long."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python does not write a number of more than 4300 digits
        return "a number of thousands of digits"

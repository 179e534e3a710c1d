"""What a check answers, and how it shows itself."""

import html
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field


class Wrong(Exception):
    """A wrong answer; the text is what the student is told."""


@dataclass(frozen=True, repr=False)
class Result:
    """The answer of a check: `outcome` is "correct", "wrong" or "not attempted", and `message` says why.

    `hints` go step by step: `hint` is the first, and every call of `more()` gives the next. A right answer has
    none.
    """

    exercise: str
    outcome: str
    message: str
    hints: tuple[str, ...] = ()
    _steps: Iterator[int] = field(default_factory=lambda: itertools.count(1), compare=False)

    @property
    def hint(self) -> str:
        return self.hints[0] if self.hints else ""

    def more(self) -> str:
        """The next hint; the last one, which stops short of the answer, is repeated."""
        return self.hints[min(next(self._steps), len(self.hints) - 1)] if self.hints else ""

    def require(self) -> None:
        """For a graded cell: nothing where the answer is right, else an exception that says what is not.

        Raises NotImplementedError for an answer not attempted, AssertionError for a wrong one.
        """
        if self.outcome != "correct":
            raise {"not attempted": NotImplementedError, "wrong": AssertionError}[self.outcome](self.message)

    def __str__(self) -> str:
        text = f"{self.exercise}: {self.outcome}. {self.message}"
        return f"{text}\nHint: {self.hint}" if self.hint else text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        # The text keeps the theme's own colour; the coloured border never says anything alone.
        mark, colour = {
            "correct": ("&#10003;", "var(--jp-success-color1, #388e3c)"),
            "wrong": ("&#10007;", "var(--jp-error-color1, #d32f2f)"),
            "not attempted": ("&#8230;", "var(--jp-warn-color1, #f57c00)"),
        }[self.outcome]
        hints = "".join(
            f"<details><summary>Hint {number} of {len(self.hints)}</summary>"
            f"<p style='margin:0.2em 1.2em 0.5em'>{_html(hint)}</p></details>"
            for number, hint in enumerate(self.hints, start=1)
        )
        style = f"border-left:4px solid {colour};padding:0.3em 0.9em;margin:0.4em 0;max-width:50em"
        title = f"<strong>{mark} {_html(self.exercise)}: {self.outcome}</strong>"
        return f"<div style='{style}'>{title}<p style='margin:0.3em 0'>{_html(self.message)}</p>{hints}</div>"


def _html(text: str) -> str:
    """Escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))

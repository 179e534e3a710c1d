"""The student's function as a check sees it: questions go out, and nothing but plain values comes back.

A check is made of two halves. A *collector* runs beside the student's function: it calls it, looks at what it does, and
hands over plain values, see `collecting`. The *judge* chooses the inputs, asks the collectors, compares, and names the
mistake. In a notebook both are in one process; in a grading run the judge is in the grader's, and the collector in the
submission's, which may claim any values, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from nst_utils.checks import collecting, wire


class Failed(Exception):
    """The student's function stopped with an error.

    text: 'ValueError: what it says'; line: ' at line 4, `J = ...`', or ""; kind: the error's type by name; untouched:
    the name of the function of the student's whose NotImplementedError it is, or "".
    """

    def __init__(self, text: str = "", line: str = "", kind: str = "", untouched: str = "") -> None:
        super().__init__(text)
        self.text, self.line, self.kind, self.untouched = text, line, kind, untouched

    def __str__(self) -> str:
        return f"`{self.text}`{self.line}"


class Student:
    """The student's function, wherever it is.

    send: takes a request, (the changes of the function, the collector's name, its arguments), as wire.encode
    writes it, and returns the reply.
    """

    def __init__(self, send: Callable[[str], str], changes: Iterable[Sequence[str]] = ()) -> None:
        self._send, self.changes = send, tuple(changes)
        self._facts: dict[str, Any] | None = None

    def ask(self, collector: str, **arguments: Any) -> Any:
        """What the collector of this name says of the function. Raises Failed for an error that the function made."""
        request = wire.encode({"changes": self.changes, "collector": collector, "arguments": arguments})
        reply = wire.decode(self._send(request))
        if not isinstance(reply, dict):
            raise wire.Malformed("A reply is a dictionary.")
        if "failed" in reply:
            told = {name: reply["failed"].get(name) for name in ("text", "line", "kind", "untouched")}
            if not all(isinstance(text, str) for text in told.values()):
                raise wire.Malformed("An error is told in texts.")
            # Backticks would end the code in which the message shows it.
            raise Failed(**{name: text[:500] for name, text in told.items()})
        return reply["value"]

    def changed(self, *change: str) -> Student:
        """The function with a change, see collecting.CHANGES: changed("ours", "gram_matrix")."""
        return Student(self._send, (*self.changes, change))

    @property
    def facts(self) -> dict[str, Any]:
        """What can be said of the function without calling it, see collecting.facts."""
        facts = self._facts
        if facts is None:
            facts = self._facts = self.ask("facts")
        return facts


def in_place(function: Any, eager: bool = True) -> Student:
    """The Student for a function of this process. eager: the mode of the program."""
    return Student(lambda request: collecting.reply(request, function, eager))


def names_in(student: Student) -> set[str]:
    """The global names and attributes that the function's code mentions."""
    return set(student.facts["names"])


def locals_used(student: Student) -> set[str]:
    """The arguments and local names whose values the function's code reads."""
    return set(student.facts["locals"])

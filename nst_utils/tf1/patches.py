"""Attributes that are set for a while and put back as they were."""

from typing import Any

_ABSENT = object()


class Patches:
    """Sets attributes of modules and classes, and entries of dictionaries; undo() puts everything back."""

    def __init__(self) -> None:
        # (attributes or dictionary of an owner, name, what was there, what is there now)
        self._done: list[tuple[Any, str, Any, Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        """owner.name = value, or owner[name] = value for a dictionary, until undo()."""
        before = owner.get(name, _ABSENT) if isinstance(owner, dict) else vars(owner).get(name, _ABSENT)
        self._done.append((owner, name, before, value))
        _put(owner, name, value)

    def add(self, owner: Any, name: str, value: Any) -> bool:
        """As set(), but only where owner has no such attribute or entry; whether it had none."""
        missing = name not in owner if isinstance(owner, dict) else not hasattr(owner, name)
        if missing:
            self.set(owner, name, value)
        return missing

    def replacements(self) -> list[tuple[Any, Any]]:
        """(what was there, what took its place), for whatever was there."""
        return [(before, value) for _, _, before, value in self._done if before is not _ABSENT]

    def undo(self) -> None:
        """Everything as it was before, last change first."""
        while self._done:
            owner, name, before, _ = self._done.pop()
            _put(owner, name, before)


def _put(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, dict):
        owner.pop(name, None) if value is _ABSENT else owner.__setitem__(name, value)
    elif value is _ABSENT:
        delattr(owner, name)
    else:
        setattr(owner, name, value)

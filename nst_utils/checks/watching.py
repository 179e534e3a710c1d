"""A session that keeps an account of what it ran, and the account, from which a check says what was seen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nst_utils.base.tensorflow import tf
from nst_utils.base.types import Array
from nst_utils.checks.comparing import close
from nst_utils.checks.result import Wrong
from nst_utils.checks.wire import Malformed
from nst_utils.network.layout import MEANS

_WRITES = ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ResourceApply")
# So many different runs are listed in a message.
_MOST_LISTED = 8
# So many runs are kept, of a loop that runs on and on.
_MOST_KEPT = 5000


@dataclass(frozen=True)
class Run:
    """One run of a session: what was fetched, in words, and the picture before and after, None where there is none."""

    fetched: tuple[str, ...]
    before: Array | None
    after: Array | None
    # Whether it changed the picture and read it, or changed it twice, in an order that TensorFlow does not promise.
    raced: bool
    clashed: bool

    @classmethod
    def read(cls, told: Any) -> Run:
        """The run that WatchedSession.told tells of."""
        pictures = [told[name] for name in ("before", "after")]
        if not all(picture is None or isinstance(picture, np.ndarray) for picture in pictures):
            raise Malformed("A picture is an array.")
        fetched = tuple(str(words)[:120] for words in told["fetched"])
        return cls(fetched, pictures[0], pictures[1], raced=bool(told["raced"]), clashed=bool(told["clashed"]))

    def __str__(self) -> str:
        return self.fetched[0] if len(self.fetched) == 1 else f"[{', '.join(self.fetched)}] at once"


class Account(list[Run]):
    """The Runs of a session, in their order, as WatchedSession.told tells of them."""

    def __init__(self, told: Iterable[Any]) -> None:
        super().__init__(Run.read(one) for one in told)

    def __str__(self) -> str:
        items = _folded([str(run) for run in self])
        more = f", and {len(items) - _MOST_LISTED} more" if len(items) > _MOST_LISTED else ""
        listed = ", then ".join(items[:_MOST_LISTED]) or "nothing"
        return f"Your session ran, in this order: {listed}{more}."


class WatchedSession(tf.compat.v1.Session):
    """A session that keeps every run, once it has been told what to watch.

    Where one run changes the picture and also reads it, the reading comes first here. Elsewhere that is a matter
    of luck; here a mistake shows itself every time.
    """

    picture: Any = None

    def watch(self, picture: Any, names: Mapping[str, Any]) -> None:
        """picture: a variable; names: {words: operation or tensor}."""
        self.names = {self._operation(element): words for words, element in names.items()}
        self.picture = picture
        self.runs: list[Run] = []
        self.seen = self._look()

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        if self.picture is None or fetches is None:
            return super().run(fetches, feed_dict, options, run_metadata)
        leaves = tf.nest.flatten(fetches)
        operations = [self._operation(leaf) for leaf in leaves]
        effects = [self._effects(operation) for operation in operations]
        writers = {operation for operation, (writes, _) in zip(operations, effects, strict=True) if writes}
        raced = len({writes for writes, _ in effects}) == 2 and any(r and not w for w, r in effects)
        if raced:
            values = dict.fromkeys(range(len(leaves)))
            for now in (False, True):
                chosen = [number for number, (writes, _) in enumerate(effects) if writes == now]
                results = super().run([leaves[number] for number in chosen], feed_dict)
                values.update(zip(chosen, results, strict=True))
            result = tf.nest.pack_sequence_as(fetches, list(values.values()))
        else:
            result = super().run(fetches, feed_dict, options, run_metadata)
        before, self.seen = self.seen, self._look()
        fetched = tuple(self._words(operation, before, self.seen) for operation in operations)
        self.runs.append(Run(fetched, before, self.seen, raced, clashed=len(writers) > 1))
        return result

    def make_callable(self, fetches: Any, feed_list: Any = None, accept_options: bool = False) -> Callable[..., Any]:
        return lambda *values: self.run(fetches, dict(zip(feed_list or (), values, strict=False)))

    def told(self) -> list[dict[str, Any]]:
        """The runs in plain values, for Account."""
        return [dict(vars(run)) for run in self.runs[:_MOST_KEPT]]

    def _look(self) -> Array | None:
        with contextlib.suppress(tf.errors.FailedPreconditionError):  # not initialised yet
            return super().run(self.picture)
        return None

    def _operation(self, leaf: Any) -> Any:
        element = self.graph.as_graph_element(leaf, allow_tensor=True, allow_operation=True)
        return getattr(element, "op", element)

    def _effects(self, operation: Any) -> tuple[bool, bool]:
        """Whether it changes the picture, and whether it reads it."""
        types = {op.type for op in self._behind(operation) if self._is_of_picture(op)}
        return any(kind.startswith(_WRITES) for kind in types), "ReadVariableOp" in types

    def _kind_of_change(self, operation: Any) -> str:
        """In words, what a run of the operation does to the picture."""
        kinds = {op.type for op in self._behind(operation) if op.type.startswith(_WRITES) and self._is_of_picture(op)}
        if kinds == {"AssignVariableOp"}:
            return "`assign`"
        if kinds <= {"AssignAddVariableOp", "AssignSubVariableOp"}:
            return "`assign_add` or `assign_sub`"
        return "a step of an optimiser" if "AssignVariableOp" not in kinds else "several changes of the picture"

    def _is_of_picture(self, operation: Any) -> bool:
        return bool(operation.inputs) and operation.inputs[0].op is self.picture.handle.op

    def _behind(self, operation: Any) -> set[Any]:
        """The operation and all that it needs."""
        seen, todo = set(), [operation]
        while todo:
            operation = todo.pop()
            if operation not in seen:
                seen.add(operation)
                todo += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
        return seen

    def _words(self, operation: Any, before: Array | None, after: Array | None) -> str:
        if operation in self.names:
            return self.names[operation]
        writes, _ = self._effects(operation)
        if operation.type == "NoOp" and writes and not operation.inputs and operation.name.startswith("init"):
            return "the initialiser"
        if writes:
            return self._kind_of_change(operation)
        if operation.type == "ReadVariableOp" and operation.inputs[0].op is self.picture.handle.op:
            return "`model['input']`"
        return "the initialiser" if operation.type == "NoOp" else f"`{operation.name}`"


def refuse_idle(account: Account) -> None:
    """Raise Wrong where nothing was run in the session."""
    if not account:
        raise Wrong(
            "Nothing was run in the session that your function is given: use `sess`, and no session of your own."
        )


def refuse_clash(account: Account) -> None:
    """Raise Wrong where two operations that change the picture were given to one run."""
    clash = next((run for run in account if run.clashed), None)
    if clash:
        raise Wrong(
            f"{' and '.join(clash.fetched)} are in one `sess.run`, and TensorFlow does not promise which comes first: "
            f"give each a run of its own. {account}"
        )


def _folded(items: list[str]) -> list[str]:
    """['a', 'b', 'b', 'b'] as ['a', '3 times b']; also where a few in a row are repeated."""
    folded, start = list[str](), 0
    while start < len(items):
        best = (1, 1)
        for length in range(1, 1 + min(6, (len(items) - start) // 2)):
            block, count = items[start : start + length], 1
            while items[start + count * length : start + (count + 1) * length] == block:
                count += 1
            if count > 1 and count * length > best[0] * best[1]:
                best = (length, count)
        length, count = best
        words = " and ".join(items[start : start + length])
        folded.append(words if count == 1 else f"{count} times {words}")
        start += length * count
    return folded


def relation(got: Array | None, image: Array) -> str:
    """What an array is, beside the image: 'the image minus the means, which ...'; "" where that is not known."""
    if got is None:
        return ""
    means, x = np.asarray(MEANS), image.astype(np.float64)
    known = {
        "{} minus the means, which are subtracted already": x - means,
        "{} plus the means": x + means,
        "{} divided by 255": x / 255,
        "{} with its sign turned round": -x,
        "zeros": 0 * x,
        "{} with red and blue exchanged": x[..., ::-1],
        "{} upside down": x[:, ::-1],
        "{} mirrored": x[:, :, ::-1],
        "{} clipped to 0..255": np.clip(x, 0, 255),
        "{} clipped to 0..1": np.clip(x, 0, 1),
        "{} rounded to whole numbers": np.round(x),
        "{} without the fractions": np.trunc(x),
        "{} plus the means, clipped to 0..255": np.clip(x + means, 0, 255),
        "{} plus the means, clipped to 0..255 and in whole numbers": np.trunc(np.clip(x + means, 0, 255)),
        "{} without the batch axis: keep the shape (1, height, width, 3)": x[0],
        "{} with one more axis": x[None],
        "{} with height and width exchanged": x.swapaxes(1, 2),
        "the channels' mean of {}": x.mean(axis=-1),
    }
    for words, value in known.items():
        if close(np.asarray(got, np.float64), value):
            return words
    if got.shape == image.shape and np.abs(got).max() > 0:
        ratio = np.vdot(x, got) / np.vdot(x, x)
        if close(got, ratio * x):
            return f"{ratio:.4g} times {{}}"
        added = float((got - x).mean())
        if close(got, x + added):
            return f"{{}} plus {added:.4g}"
    return ""

"""A whole sweep: the plan, the folder and the cluster together."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.base.types import AnyPath
from nst_utils.network.weights import EMBEDDED_CHECKSUM
from nst_utils.sweep.cluster import Call, Failure, Sent, answers, check_workers, connected, package_digest
from nst_utils.sweep.folder import Folder, opened
from nst_utils.sweep.page import page_of
from nst_utils.sweep.painting import Order, Painted, Weights, paint, precision_here
from nst_utils.sweep.plan import Plan, Source, Task, files_of, read_plan

if TYPE_CHECKING:
    from distributed import Client

# Seconds between two versions of the page while pictures come in.
_PAGE_PAUSE = 2.0


@dataclass(frozen=True)
class Progress:
    """Where a sweep stands: pictures that are there, of how many, and what has failed: {name of the task: why}."""

    done: int
    count: int
    failed: Mapping[str, str]
    last: Task | None = None


def sweep(
    path: AnyPath, out: AnyPath | None = None, scheduler: Any = None, workers: int | None = None,
    tell: Callable[[str], object] = lambda words: None, callback: Callable[[Progress], object] = lambda progress: None,
    **settings: Any,
) -> Progress:
    """Paint all pictures of a settings file into a folder, with a page that shows them, and say what came of it.

    path: TOML, see read_plan(). out: the folder, by default the file's name without its extension, beside it; pictures
    that are there already are not painted again. scheduler, workers: as connected() has them. tell: called with a
    sentence where there is something to wait for. callback: called with the Progress after each picture. settings: win
    over those of the file. Raises InputError with one sentence; what fails for a single picture is in the Progress.
    """
    plan = read_plan(path, settings)
    with opened(out or Path(path).with_suffix("")) as folder:
        return _Sweep(plan, folder, tell, callback).run(scheduler, workers)


class _Sweep:
    def __init__(
        self, plan: Plan, folder: Folder, tell: Callable[[str], object], callback: Callable[[Progress], object]
    ) -> None:
        self.plan, self.folder, self.tell, self.callback = plan, folder, tell, callback
        self.failed = {task.key: task.problem for task in plan.tasks if task.problem is not None}
        self._written = 0.0

    def run(self, scheduler: Any, workers: int | None) -> Progress:
        todo = [task for task in self.plan.tasks if task.key not in self.folder.records and task.problem is None]
        self._show(None)
        if todo:
            try:
                with connected(scheduler, workers and min(workers, len(todo)), self.tell) as client:
                    check_workers(client)
                    self._settle(client, todo, near=scheduler is None)
                    for task, answer in answers(client, paint, self._calls(todo), scheduler, self.tell):
                        self._keep(task, answer)
                        self._show(task)
            finally:
                self._write_page(unfinished=True)
        self._write_page(unfinished=False)
        return self._progress(None)

    def _settle(self, client: Client, todo: Sequence[Task], near: bool) -> None:
        """Bring the weights to the workers, and find out once for all which precision "auto" is."""
        files: dict[str, tuple[str, bytes | None]] = {}
        for path, digest in {(task.weights, task.network) for task in todo}:
            assert path is not None and digest is not None
            travels = not near and f"sha256:{digest}" != EMBEDDED_CHECKSUM
            files[digest] = path, Path(path).read_bytes() if travels else None
        client.register_plugin(_as_plugin(Weights(files)))
        if "precision" not in self.folder.about:
            self.folder.settle(precision=client.submit(precision_here, pure=False).result())

    def _calls(self, todo: Sequence[Task]) -> Iterator[Call]:
        frames = _Frames()
        for task in todo:
            order = self._order(task)
            files = [task.content, *task.styles, *(Source(Path(each)) for each in _others(task))]
            yield Call(task, (order, [_sent(each, frames) for each in files]))

    def _order(self, task: Task) -> Order:
        own = {name: value for name, value in task.settings.items() if name not in ("masks", "weights")}
        start = bool(files_of(own)["init"])
        if start:
            del own["init"]
        if own.get("precision", "auto") == "auto":
            own["precision"] = self.folder.about["precision"]
        masks = tuple(each if each in ("all", "rest") else None for each in task.settings.get("masks") or ())
        names = [_file_name(task.content), *map(_file_name, task.styles), *_others(task)]
        assert task.network is not None
        return Order(tuple(names), len(task.styles), own, masks, start, task.network, package_digest())

    def _keep(self, task: Task, answer: Painted | Failure) -> None:
        if isinstance(answer, Painted) and answer.unfit:
            raise InputError(answer.problem)
        problem = answer.reason if isinstance(answer, Failure) else answer.problem
        if problem is not None or isinstance(answer, Failure):
            self.failed[task.key] = problem or ""
            return
        # The files as they are called here, so that the record repeats the picture: nst stylize --settings RECORD.
        settings = dict(answer.record["settings"]) | {"weights": task.weights}
        settings |= {name: task.settings[name] for name in ("masks", "init", "max_memory") if name in task.settings}
        named = {"content": _file_name(task.content), "style": [str(each.path) for each in task.styles]}
        self.folder.keep(task.key, task.name, answer.picture, dict(answer.record) | {"settings": named | settings})

    def _progress(self, last: Task | None) -> Progress:
        done = sum(task.key in self.folder.records for task in self.plan.tasks)
        named = {task.key: task.name for task in self.plan.tasks}
        failed = {named[key]: reason for key, reason in self.failed.items() if reason is not None}
        return Progress(done, len(self.plan.tasks), failed, last)

    def _show(self, task: Task | None) -> None:
        if time.monotonic() > self._written + _PAGE_PAUSE:
            self._write_page(unfinished=True)
        self.callback(self._progress(task))

    def _write_page(self, unfinished: bool) -> None:
        self.folder.write_page(page_of(self.plan, self.folder.records, self.failed, unfinished))
        self._written = time.monotonic()


class _Frames:
    """Frames of films, read one after the other."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._next = 0
        self._frames: Iterator[Any] = iter(())

    def png(self, path: Path, number: int) -> bytes:
        """A frame, without loss."""
        from nst_utils.fast.films import open_film

        if path != self._path or number < self._next:
            self._path, self._next, self._frames = path, 0, open_film(path).frames()
        picture = next(itertools.islice(self._frames, number - self._next, None), None)
        self._next = number + 1
        if picture is None:
            raise InputError(f"{path} ends before its frame {number}: make it anew, or leave it out.")
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, format="PNG", compress_level=1)
        return buffer.getvalue()


def _sent(source: Source, frames: _Frames) -> Sent:
    number = source.frame
    if number is None:
        return Sent(source.digest, source.path.read_bytes)
    return Sent(source.digest, lambda: frames.png(source.path, number))


def _others(task: Task) -> list[str]:
    """The files that the settings of a task name: masks, then the start."""
    return [path for paths in files_of(task.settings).values() for path in paths]


def _file_name(source: Source) -> str:
    return str(source.path) if source.frame is None else f"{source.path}, frame {source.frame}.png"


def _as_plugin(weights: Weights) -> Any:
    from distributed import WorkerPlugin

    class Plugin(WorkerPlugin):
        """Weights, which does not need Dask itself, as one of its plugins."""

        name = weights.name

        def setup(self, worker: Any) -> None:
            weights.setup(worker)

    return Plugin()


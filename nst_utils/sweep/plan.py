"""What a sweep is to paint, read from its settings file: every combination of pictures, paintings and settings.

Nothing here needs TensorFlow or Dask, so that a mistake is told before either is imported.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from nst_utils.base.errors import InputError, MissingFileError, shown
from nst_utils.base.types import AnyPath
from nst_utils.engine.kinds import File, Masks, Start
from nst_utils.engine.settings import FORMER_NAMES, STARTS, Settings, given_setting, read_toml
from nst_utils.pictures.reading import read_size

# Files of a folder that are taken for pictures, and those that are films, of which every frame is one.
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
FILMS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
_OWN_KEYS = ("content", "style", "every", "grid")
_EXAMPLE = 'content = "photo.jpg", style = "painting.jpg" and, below [grid], alpha = [5, 10]'


@dataclass(frozen=True)
class Source:
    """A picture to be read: a file, or a frame of a film, counted from 0."""

    path: Path
    frame: int | None = None

    @property
    def name(self) -> str:
        return self.path.stem if self.frame is None else f"{self.path.stem}-{self.frame:05d}"

    @property
    def digest(self) -> str:
        """What tells it from other pictures."""
        whole = digest_of(self.path)
        return whole if self.frame is None else f"{whole}-{self.frame}"


Painting: TypeAlias = tuple[Source, ...]


@dataclass(frozen=True)
class Task:
    """One picture to paint.

    settings: those that were given, as stylize() takes them. varied: those of them that the sweep varies. key: what
    tells it from every other one, by the bytes of all files and by the settings. name: of its file, without extension.
    weights, network: the network's file, and its digest. problem: why it cannot be painted at all, or None.
    """

    content: Source
    styles: Painting
    settings: Mapping[str, Any]
    varied: Mapping[str, Any]
    key: str = field(repr=False)
    name: str
    weights: str | None
    network: str | None
    problem: str | None


@dataclass(frozen=True)
class Plan:
    """The tasks of a sweep, each once, in the order in which least has to be read and traced anew."""

    path: Path
    tasks: list[Task]

    @property
    def varied(self) -> list[str]:
        """The names of the settings that differ from task to task."""
        return list(self.tasks[0].varied)


def read_plan(path: AnyPath, given: Mapping[str, Any] | None = None) -> Plan:
    """The Plan in a settings file; InputError with one sentence for anything that does not fit.

    given: checked settings that win over those of the file. Paths in the file are as seen from its folder.
    """
    path, given = Path(path), dict(given or {})
    content = read_toml(path)
    contents = list(_contents(path, content))
    styles = _styles(path, content)
    common = {
        (name := FORMER_NAMES.get(key, key)): _value(path, name, value)
        for key, value in content.items() if key not in _OWN_KEYS
    } | given  # fmt: skip
    grid = {name: values for name, values in _grid(path, content).items() if name not in given}
    if both := sorted(grid.keys() & common.keys()):
        raise InputError(f"{path} has {both[0]} twice, for all pictures and in [grid]: leave one of them out.")
    combinations = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    tasks: dict[str, Task] = {}
    problems = []
    for varied in combinations:
        settings = common | varied
        weights, problem = _checked(settings)
        problems.append(problem)
        for source, painting in itertools.product(contents, styles):
            several = {name: value for name, value in varied.items() if len(grid[name]) > 1}
            task = _task(source, painting, settings, several, weights, problem)
            tasks.setdefault(task.key, task)
    if all(problems):
        raise InputError(f"{path}: {problems[0]}")
    place = {source: number for number, source in enumerate(contents)}
    ordered = sorted(tasks.values(), key=lambda task: (_graph(task), place[task.content]))
    return Plan(path, ordered)


def digest_of(path: AnyPath) -> str:
    """Of the bytes of a file."""
    try:
        status = os.stat(path)
        return _digest_of(str(path), status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): leave it out.") from None


@functools.cache
def _digest_of(path: str, size: int, modified: int) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(2**20):
            found.update(piece)
    return found.hexdigest()


def files_of(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """{setting: paths} of the files that settings name, the weights not among them."""
    masks = [mask for mask in settings.get("masks") or () if mask not in ("all", "rest")]
    init = settings.get("init")
    return {"masks": masks, "init": [init] if init is not None and init not in STARTS else []}


def words_of(value: Any) -> str:
    """The value of a setting as one would write it."""
    if isinstance(value, (list, tuple)):
        pairs = value and all(isinstance(each, (list, tuple)) for each in value)
        return ",".join(f"{each[0]}={each[1]:g}" if pairs else words_of(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _contents(path: Path, content: Mapping[str, Any]) -> Iterator[Source]:
    every = content.get("every", 1)
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise InputError(f"In {path}, every is {shown(every)}: give a whole number of 1 or more.")
    given = content.get("content")
    for each in given if isinstance(given, list) else [given]:
        if not isinstance(each, str):
            raise InputError(f"In {path}, content is {shown(given)}: give pictures or folders, as in {_EXAMPLE}.")
        source = path.parent / each
        if source.suffix.lower() in FILMS and not source.is_dir():
            yield from (Source(source, number) for number in range(0, _frames(path, source), every))
        else:
            yield from map(Source, _pictures(path, source))
    if given == []:
        raise InputError(f"In {path}, content is empty: name a picture at least.")


def _styles(path: Path, content: Mapping[str, Any]) -> list[Painting]:
    given: Any = content.get("style")
    found: list[Painting] = []
    for each in given if isinstance(given, list) else [given]:
        together = each if isinstance(each, list) else [each]
        if not together or not all(isinstance(name, str) for name in together):
            raise InputError(
                f"In {path}, style is {shown(given)}: give paintings or folders, several for one picture as a list in "
                f"the list, as in {_EXAMPLE}."
            )
        groups = [list(map(Source, _pictures(path, path.parent / name))) for name in together]
        if isinstance(each, list):
            found.append(tuple(itertools.chain(*groups)))
        else:
            found += [(source,) for source in groups[0]]
    if not found:
        raise InputError(f"In {path}, style is empty: name a painting at least.")
    return found


def _pictures(path: Path, source: Path) -> list[Path]:
    """The file, or the pictures in the folder."""
    if source.is_dir():
        inside = sorted(each for each in source.iterdir() if each.suffix.lower() in PICTURES and each.is_file())
        if not inside:
            raise InputError(f"In {path}, the folder {source} holds no pictures: name another one.")
        return inside
    if not os.path.exists(source):
        raise MissingFileError(f"In {path}, {source} does not exist: paths are as seen from the settings file.")
    read_size(source)
    return [source]


def _frames(path: Path, film: Path) -> int:
    """How many frames a film has."""
    from nst_utils.fast.films import open_film

    if not film.exists():
        raise MissingFileError(f"In {path}, {film} does not exist: paths are as seen from the settings file.")
    open_film(film)
    from imageio_ffmpeg import count_frames_and_secs

    return int(count_frames_and_secs(str(film))[0])


def _grid(path: Path, content: Mapping[str, Any]) -> dict[str, list[Any]]:
    """{setting: its values, each once} of the table [grid]."""
    grid = content.get("grid", {})
    if not isinstance(grid, dict):
        raise InputError(f"In {path}, grid is {shown(grid)}: write a line [grid], and below it alpha = [5, 10].")
    found: dict[str, list[Any]] = {}
    for key, values in grid.items():
        name = FORMER_NAMES.get(str(key), str(key))
        if not isinstance(values, list) or not values:
            raise InputError(f"In {path}, {name} in [grid] is {shown(values)}: give a list of values such as [5, 10].")
        checked = [_value(path, name, value) for value in values]
        found[name] = [value for number, value in enumerate(checked) if value not in checked[:number]]
    return found


def _value(path: Path, name: str, value: Any) -> Any:
    """The checked value of a setting; the files that it names, seen from the settings file's folder."""
    if name not in Settings.__dataclass_fields__:
        raise InputError(f"{path} has a setting called {name!r}, which there is not: see nst sweep --help.")
    kind = Settings.__dataclass_fields__[name].metadata["kind"]

    def seen(each: Any) -> Any:
        return str(path.parent / each) if isinstance(each, str) and (path.parent / each).is_file() else each

    if isinstance(kind, (File, Start)):
        value = seen(value)
    elif isinstance(kind, Masks) and isinstance(value, (str, list)):
        value = [seen(each) for each in (value.split(",") if isinstance(value, str) else value)]
    return given_setting(path, name, value)


def _checked(settings: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(the weights file to use, why these settings cannot be together), one of them None."""
    try:
        checked = Settings.of(**settings)
        for each in itertools.chain(*files_of(settings).values()):
            read_size(each)
    except InputError as error:
        return None, str(error)
    return checked.weights, None


def _task(
    content: Source, styles: Painting, settings: dict[str, Any], varied: dict[str, Any], weights: str | None,
    problem: str | None,
) -> Task:  # fmt: skip
    files = files_of(settings)
    told = {name: words_of(value) for name, value in settings.items() if name != "weights"}
    told |= {name: ",".join(digest_of(each) for each in paths) for name, paths in files.items() if paths}
    if settings.get("masks"):
        told["masks"] += f" of {','.join(each if each in ('all', 'rest') else '-' for each in settings['masks'])}"
    network = weights and digest_of(weights)
    about = [content.digest, [style.digest for style in styles], network, sorted(told.items())]
    key = hashlib.sha256(json.dumps(about).encode()).hexdigest()
    words = [content.name, "+".join(style.name for style in styles)]
    words += [f"{name}={Path(words_of(value)).stem if name in files else words_of(value)}"
              for name, value in varied.items()]  # fmt: skip
    # What each file system takes, and never so long that it does not.
    name = re.sub(r"[^\w.,=+-]+", "-", "_".join(words))[:120].strip("-.")
    return Task(content, styles, settings, varied, key, f"{name}_{key[:8]}", weights, network, problem)


def _graph(task: Task) -> str:
    """What tasks have in common that need the same trace of the network."""
    settings = task.settings
    layers = [
        [layer for layer, weight in settings[name]] if name in settings else [] for name in
        ("style_layers", "content_layers")
    ]  # fmt: skip
    names = ("method", "pooling", "precision", "weights", "keep_colors")
    masks = [mask == "all" for mask in settings.get("masks") or ()]
    return json.dumps([*(settings.get(name) for name in names), layers, masks, len(task.styles)])


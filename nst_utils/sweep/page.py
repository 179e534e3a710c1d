"""The page that shows a sweep: a contact sheet and a table, sorted by any cost or setting; one file, no network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nst_utils.sweep.plan import Plan, Task, words_of

# Costs and times as columns: label and the record's place for it.
_FIGURES = {"total cost": ("costs", "total"), "content cost": ("costs", "content"), "style cost": ("costs", "style"),
            "steps": ("steps",), "seconds": ("seconds",)}  # fmt: skip
_REFRESH = 10  # seconds


def page_of(
    plan: Plan, records: Mapping[str, Mapping[str, Any]], failed: Mapping[str, str | None], unfinished: bool
) -> str:
    """The page in HTML. records: {key: record} of what is there. failed: {key: why}. unfinished: whether more comes."""
    columns = ["in order", "photo", "painting", *plan.varied, *_FIGURES]
    cards, rows, done, broken = [], [], 0, 0
    for place, task in enumerate(plan.tasks):
        record, why = records.get(task.key), failed.get(task.key)
        if record is None and why is None:
            continue
        done, broken = done + (record is not None), broken + (record is None)
        values = _values(place, task, record)
        cards.append(_card(place, task, record, why, values, columns))
        rows.append(_row(place, task, record, why, values, columns))
    coming = len(plan.tasks) - done - broken
    summary = f"{done} of {len(plan.tasks)} pictures"
    summary += f", {broken} failed" if broken else ""
    summary += f", {coming} to come" if coming else ""
    numbered = list(enumerate(columns))
    parts = {
        "TITLE": escape(plan.path.stem),
        "SUMMARY": f"{summary}.",
        "REFRESH": f'<meta http-equiv="refresh" content="{_REFRESH}">' if unfinished and coming else "",
        "CHOICES": "".join(f'<option value="{number}">{escape(name)}</option>' for number, name in numbered),
        "HEADS": "".join(
            f'<th scope="col" data-column="{number}"><button type="button">{escape(name)}</button></th>'
            for number, name in numbered[1:]
        ),
        "CARDS": "\n".join(cards),
        "ROWS": "\n".join(rows),
    }
    page = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    for name, part in parts.items():
        page = page.replace(f"<!--{name}-->", part)
    return page


def _values(place: int, task: Task, record: Mapping[str, Any] | None) -> list[Any]:
    """What the columns sort by: numbers, words, or None where there is none."""
    varied = [_number_or_words(value) for value in task.varied.values()]
    return [place, task.content.name, _paintings(task), *varied, *(_figure(record, way) for way in _FIGURES.values())]


def _card(
    place: int, task: Task, record: Mapping[str, Any] | None, why: str | None, values: list[Any], columns: Sequence[str]
) -> str:
    chips = "".join(f"<li>{escape(name)} {escape(words_of(value))}</li>" for name, value in task.varied.items())
    chips = f'<ul class="chips">{chips}</ul>' if chips else ""
    what = f'<div class="what">{escape(task.content.name)} × {escape(_paintings(task))}</div>{chips}'
    if record is None:
        settings = {name: words_of(value) for name, value in task.settings.items()}
        below = f'<div class="why">Failed: {escape(why or "")}</div>{_details(settings)}'
        data = _data(place, task, values, columns)
        return f'<li class="card failed" {data}><div class="words">{what}{below}</div></li>'
    width, height = record["size"]
    costs = record["costs"]
    figures = (
        f"J = {costs['total']:.4g} · content {costs['content']:.3g} · style {costs['style']:.3g} · "
        f"{record['seconds']:.1f} s"
    )
    kept = {name: value for name, value in record["settings"].items() if value is not None}
    kept = {"size": f"{width}x{height}"} | {name: words_of(value) for name, value in kept.items() if name != "size"}
    below = f'<div class="costs">{figures}</div>{_details(kept)}'
    link, name = quote(record["file"]), escape(_alternative(task), quote=True)
    image = f'<a href="{link}"><img loading="lazy" src="{link}" width="{width}" height="{height}" alt="{name}"></a>'
    return f'<li class="card" {_data(place, task, values, columns)}>{image}<div class="words">{what}{below}</div></li>'


def _row(
    place: int, task: Task, record: Mapping[str, Any] | None, why: str | None, values: list[Any], columns: Sequence[str]
) -> str:
    if record is None:
        picture = f'<td><span class="why">Failed: {escape(why or "")}</span></td>'
    else:
        link, name = quote(record["file"]), escape(_alternative(task), quote=True)
        picture = f'<td><a href="{link}"><img loading="lazy" src="{link}" alt="{name}"></a></td>'
    cells = "".join(_cell(value) for value in values[1:])
    return f"<tr {_data(place, task, values, columns)}>{picture}{cells}</tr>"


def _cell(value: Any) -> str:
    if value is None:
        return "<td></td>"
    return f'<td class="number">{value:.5g}</td>' if _is_number(value) else f"<td>{escape(str(value))}</td>"


def _data(place: int, task: Task, values: list[Any], columns: Sequence[str]) -> str:
    """What the script sorts and looks for."""
    named = list(zip(columns, values, strict=True))[1 : -len(_FIGURES)]
    words = "".join(f" {name} {value}" for name, value in named)
    sorting = escape(json.dumps(values), quote=True)
    return f'data-place="{place}" data-values="{sorting}" data-words="{escape(words.lower(), quote=True)}"'


def _details(settings: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in settings.items())
    return f"<details><summary>settings</summary><dl>{rows}</dl></details>" if rows else ""


def _alternative(task: Task) -> str:
    varied = "".join(f", {name} {words_of(value)}" for name, value in task.varied.items())
    return f"{task.content.name} in the manner of {_paintings(task)}{varied}"


def _paintings(task: Task) -> str:
    return " + ".join(style.name for style in task.styles)


def _figure(record: Mapping[str, Any] | None, way: Sequence[str]) -> Any:
    found: Any = record
    for name in way:
        found = None if found is None else found.get(name)
    return found


def _number_or_words(value: Any) -> Any:
    """So that 0.25 comes before 0.5, which as words it would not; a number for each style may be a single one."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    return value if _is_number(value) else words_of(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

"""The site: links that lead nowhere are found before and after it is built, and its pages say what the code says."""

import json
import re
import sys

import nbformat
import pytest
import typer
from conftest import ROOT

from nst_utils.cli import app

sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "benchmarks")]

import build_site as build  # noqa: E402
import reliability  # noqa: E402


def test_no_link_between_the_pages_of_the_project_is_broken(tmp_path):
    assert build.gather(tmp_path) == []
    assert {"index.md", "start.md", "speed.md"} <= {path.name for path in tmp_path.iterdir()}


@pytest.fixture
def project(tmp_path):
    """A small project: a page, a page in a folder, a solved notebook with a picture in its text, a script."""
    root = tmp_path / "project"
    for folder in ("docs", "gallery", "notebooks/solutions", "tests"):
        (root / folder).mkdir(parents=True)
    (root / "gallery" / "README.md").write_text("# Gallery")
    (root / "tests" / "test_a.py").touch()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("![p](attachment:a.png)")])
    notebook.cells[0]["attachments"] = {"a.png": {"image/png": "iVBORw0KGgo="}}
    nbformat.write(notebook, root / "notebooks" / "solutions" / "01_a.ipynb")
    (root / "notebooks" / "01_a.ipynb").write_text("{}")
    return root


def gathered(project, text, home=None):
    (project / "docs" / "page.md").write_text(text)
    site = project.parent / "site"
    broken = build.gather(site, project, home)
    return (site / "page.md").read_text(), broken


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[g](../gallery/README.md#size)", "[g](gallery/README.md#size)"),
        ("[folder](../gallery)", "[folder](gallery/README.md)"),
        ("[first](../notebooks/01_a.ipynb)", "[first](notebooks/01_a.ipynb)"),
        ("[a test](../tests/test_a.py)", "a test"),
        ("[out](https://example.org/a)", "[out](https://example.org/a)"),
        ("`[code](nowhere.md)`", "`[code](nowhere.md)`"),
        ("```\n[code](nowhere.md)\n```", "```\n[code](nowhere.md)\n```"),
    ],
)
def test_links_between_files_become_links_between_pages(project, written, shown):
    assert gathered(project, written) == (shown, [])


def test_what_the_site_does_not_show_is_linked_in_the_repository_where_that_has_an_address(project):
    text, _ = gathered(project, "[a test](../tests/test_a.py)", "https://github.com/a/b")
    assert text == "[a test](https://github.com/a/b/blob/main/tests/test_a.py)"


def test_a_link_that_leads_nowhere_is_named(project):
    _, broken = gathered(project, "[x](../gallery/READ.md)")
    (sentence,) = broken
    assert "docs/page.md" in sentence.replace("\\", "/") and "READ.md" in sentence


def test_a_picture_in_a_notebooks_text_lies_beside_it(project):
    gathered(project, "")
    folder = project.parent / "site" / "notebooks"
    (cell,) = nbformat.read(folder / "01_a.ipynb", as_version=4).cells
    assert (folder / re.search(r"\]\((.*)\)", cell.source)[1]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("page", "found"),
    [('<a href="b.html#there">', []), ('<a href="b.html#gone">', ["b.html#gone"]), ('<img src="no.png">', ["no.png"]),
     ('<a href="c.html">', ["c.html"]), ('<a href="https://example.org">', []), ('<a href="#gone">', ["#gone"])],
)  # fmt: skip
def test_a_built_page_is_read_for_what_it_does_not_find(tmp_path, page, found):
    (tmp_path / "a.html").write_text(page)
    (tmp_path / "b.html").write_text('<h1 id="there">')
    sentences = list(build.broken_addresses(tmp_path))
    assert len(sentences) == len(found)
    assert all(name in sentence for name, sentence in zip(found, sentences, strict=True))


def test_the_command_lines_page_has_every_option_with_its_words():
    page = build.command_line(app)
    for name, command in typer.main.get_command(app).commands.items():
        assert f"## nst {name}" in page
        for parameter in command.params:
            for flag in parameter.opts:
                assert flag == "--help" or not flag.startswith("--") or flag in page, flag


def test_every_commands_help_begins_with_examples():
    for name, command in typer.main.get_command(app).commands.items():
        paragraphs = command.help.split("\n\n")
        assert f"nst {name}" in paragraphs[1], f"nst {name}"


def test_the_gains_that_the_page_tells_are_those_that_were_measured():
    measured = json.loads((ROOT / "benchmarks" / "results" / "ideas.json").read_text())["ideas"]
    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| \[(.*)\]\(.*\) \| (?:more than )?([\d.]+) \|$", page, re.M)
    assert told == [(idea["without"], f"{idea['over_whole']:.1f}") for idea in measured.values()]


def test_the_page_of_reliability_is_made_from_what_was_measured(tmp_path):
    assert (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8") == reliability.page()
    (tmp_path / "b.json").write_text('{"lost": 3}')
    made = reliability.page(tmp_path, {"a": lambda figures: 1 / 0, "b": lambda figures: [f"{figures['lost']} lost"]})
    assert made.startswith("# How far") and made.endswith("\n\n3 lost\n")


def test_figures_are_tables_of_what_was_measured(tmp_path):
    measured = {"machine": "M", "ratio": 2.5, "rows": [{"size": [4, 3], "x": None}]}
    (tmp_path / "a_b.json").write_text(json.dumps(measured))
    page = build.figures([tmp_path / "a_b.json"])
    assert "## a b" in page and "*M*" in page and "| ratio | 2.5 |" in page and "| 4×3 | – |" in page


def test_the_pages_of_a_group_have_all_its_modules_and_no_others():
    for page in (ROOT / "docs" / "api").glob("*.rst"):
        group = ROOT / "nst_utils" / page.stem
        if group.is_dir():
            shown = set(re.findall(rf"automodule:: nst_utils\.{page.stem}\.(\w+)", page.read_text(encoding="utf-8")))
            assert shown == {path.stem for path in group.glob("[!_]*.py")}, page.stem

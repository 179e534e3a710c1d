"""Builds the site: gathers its pages from where they are written, and lets Sphinx render them to build/docs.

    python docs/build_site.py

Pages are written once, beside what they tell about: the gallery, the course, the measurements. The notebooks are the
solution editions with the output that is stored in them; nothing is executed. The command line's page is made from its
help, the figures' from the JSON that the benchmarks write. A link that leads nowhere, and any warning, is an error.
"""

import ast
import base64
import html.parser
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / "build"
SOURCE, SITE = BUILT / "docs-source", BUILT / "docs"
sys.path += [str(ROOT), str(ROOT / "packaging")]

from repository import address  # noqa: E402

_FENCED = re.compile(r"(^```.*?^```$|^~~~.*?^~~~$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?)\[((?:[^][]|\[[^]]*\])*)\]\(([^)\s#]*)(#[^)\s]*)?\)")
_ATTACHMENT = re.compile(r"\]\(attachment:([^)]+)\)")


def pages(root=ROOT):
    """{file of the project: its place in the site}, for the pages and for what they show."""
    places = {}
    for pattern in ("gallery/*.md", "gallery/*.toml", "gallery/*.py", "gallery/strips/*", "gallery/pictures/*",
                    "notebooks/*.md", "notebooks/diagrams/*.*", "benchmarks/*.md", "benchmarks/results/*.png",
                    "pretrained-model/*.md", "images/**/*.*", "CONTRIBUTING.md", "CHANGELOG.md",
                    "LICENSE"):  # fmt: skip
        places |= {path: path.relative_to(root) for path in root.glob(pattern) if path.is_file()}
    places |= {path: Path(path.name) for path in (root / "docs").glob("*.md")}
    places |= {path: Path("notebooks", path.name) for path in (root / "notebooks" / "solutions").glob("*.ipynb")}
    return places


class Links:
    """Translates links between the project's files into links between the site's pages; keeps those that fail."""

    def __init__(self, places, root=ROOT, home=None):
        self.root, self.home, self.broken = root, home, []
        # The student's notebook is shown as the solved one, a folder as the page in it.
        self.places = dict(places)
        for path, place in places.items():
            if path.parent.name == "solutions":
                self.places[path.parent.parent / path.name] = place
            if path.name == "README.md":
                self.places[path.parent] = place
        self.places[root / "README.md"] = self.places[root] = Path("index.md")

    def translate(self, text, page):
        """The text of a page of the project, for its place in the site."""
        parts = _FENCED.split(text)
        parts[::2] = [_LINK.sub(lambda link: self._link(link, page), part) for part in parts[::2]]
        return "".join(parts)

    def _link(self, link, page):
        picture, words, target, anchor = link.groups(default="")
        words = words if picture else _LINK.sub(lambda inner: self._link(inner, page), words)
        if not target or urlsplit(target).scheme:
            return f"{picture}[{words}]({target}{anchor})"
        path = Path(os.path.normpath(page.parent / unquote(target)))
        if not path.exists():
            self.broken.append(f"{page.relative_to(self.root)} links to {target}, which is not there.")
        # Sections of the README are not on this site's first page.
        if path in self.places and not (anchor and self.places[path] == Path("index.md")):
            way = os.path.relpath(self.places[path], self.places[page].parent).replace(os.sep, "/")
            if anchor and path.suffix == ".md" and f'<a id="{anchor[1:]}">' in path.read_text(encoding="utf-8"):
                # Sphinx knows the places of headings only; that this one is there is looked at in the finished page.
                return f'<a href="{way.removesuffix(".md")}.html{anchor}">{words}</a>'
            return f"{picture}[{words}]({way}{anchor})"
        if self.home:
            return f"[{words}]({self.home}/blob/main/{path.relative_to(self.root).as_posix()}{anchor})"
        return words  # a part of the project that the site does not show


def gather(source, root=ROOT, home=None):
    """Write the site's pages into a folder; sentences about links that lead nowhere."""
    places = pages(root)
    links = Links(places, root, home)
    for path, place in places.items():
        target = source / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            target.write_text(links.translate(path.read_text(encoding="utf-8"), path), encoding="utf-8")
        elif path.suffix == ".ipynb":
            nbformat.write(_notebook(path, target, links), target)
        else:
            shutil.copyfile(path, target)
    return links.broken


def _notebook(path, target, links):
    """A notebook whose texts' pictures lie beside it, as Sphinx wants it, and whose links lead to the site's pages."""
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown":
            continue
        for name, kinds in cell.pop("attachments", {}).items():
            (data,) = kinds.values()
            (target.parent / f"{target.stem}-{number}-{name}").write_bytes(base64.b64decode(data))
        cell.source = links.translate(_ATTACHMENT.sub("](attachment:\\1)", cell.source), path)
        cell.source = _ATTACHMENT.sub(rf"]({target.stem}-{number}-\1)", cell.source)
    return notebook


def command_line(app):
    """The command line's page, in Markdown, from what each command says of itself."""
    import typer

    group = typer.main.get_command(app)
    lines = ["# The command line", "", *_help(group)]
    for name, command in group.commands.items():
        lines += [f"## nst {name}", ""]
        usage = " ".join(command.collect_usage_pieces(command.make_context(name, [], resilient_parsing=True)))
        lines += ["```console", f"$ nst {name} {usage}", "```", ""]
        lines += _help(command)
        panels = {}
        for parameter in command.params:
            panels.setdefault(getattr(parameter, "rich_help_panel", None) or "", []).append(parameter)
        for title, parameters in sorted(panels.items(), key=lambda panel: panel[0] != ""):
            lines += [*([f"### {title}", ""] if title else []), "| | | by default |", "|---|---|---|"]
            lines += [_option(parameter) for parameter in parameters if parameter.name != "help"] + [""]
    return "\n".join(lines)


def _help(command):
    """What a command says of itself, in lines of Markdown; its examples in a block that can be copied."""
    paragraphs = [inspect.cleandoc(paragraph) for paragraph in (command.help or "").split("\n\n")]
    text = "\n\n".join(f"```console\n$ {each}\n```" if each.startswith("nst ") else each for each in paragraphs)
    return [text.replace("\n```\n\n```console\n", "\n"), ""]


def _option(parameter):
    names = " ".join(parameter.opts) if parameter.param_type_name == "option" else ""
    metavar = parameter.metavar or parameter.name.upper()
    takes = "" if getattr(parameter, "is_flag", False) else metavar
    default = parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    if default in (None, False) or parameter.required:
        default = ""
    words = (parameter.help or "").replace("|", "\\|")
    names, takes = names.replace("|", "\\|"), takes.replace("|", "\\|")
    default = str(default).replace(",", ", ")
    return f"| `{' '.join(filter(None, [names, takes]))}` | {words} | {default} |"


def figures(results):
    """What the benchmarks measured, in Markdown: a table for each JSON file."""
    said = "As the [measurements](benchmarks/README.md) wrote them; a comparison is to be read as a ratio of one run."
    lines = ["# Figures", "", said, ""]
    for path in sorted(results):
        found = json.loads(path.read_text(encoding="utf-8"))
        about = [str(found.pop(name)) for name in ("machine", "system", "python", "date") if name in found]
        lines += [f"## {path.stem.replace('_', ' ')}", "", _question(path), "", f"*{', '.join(about)}*", ""]
        facts, rows = _flat(found)
        if facts:
            lines += ["| | |", "|---|---|", *(f"| {name} | {_figure(value)} |" for name, value in facts), ""]
        for name, table in rows:
            columns = list(dict.fromkeys(key for row in table for key, _ in row))
            lines += [f"**{name}**", "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
            for row in table:
                lines += ["| " + " | ".join(_figure(dict(row).get(key, "")) for key in columns) + " |"]
            lines += [""]
    return "\n".join(lines)


def _question(path):
    """What the script of a result says that it measures: the first line of its docstring."""
    script = path.parents[1] / f"{path.stem}.py"
    said = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) if script.exists() else ""
    return said.split("\n\n")[0].replace("\n", " ")


def _flat(found, before=""):
    """([(name, figure)], [(name, rows)]) of plain data; curves, which are long lists, are left out."""
    facts, tables = [], []
    for key, value in found.items():
        name = f"{before}{key}".replace("_", " ")
        if isinstance(value, dict):
            more, deeper = _flat(value, f"{name}: ")
            facts, tables = facts + more, tables + deeper
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            if all("runs" not in row for row in value):
                tables.append((name, [_flat(row)[0] for row in value]))
        elif not isinstance(value, list) or len(value) <= 2 and not any(isinstance(each, list) for each in value):
            facts.append((name, value))
    return facts, tables


def _figure(value):
    if isinstance(value, list) and all(isinstance(each, int) for each in value):
        return "×".join(map(str, value))
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1e4 else f"{value:.3e}".replace("e+0", "e")
    return "–" if value is None else str(value)


class _Page(html.parser.HTMLParser):
    """The addresses that a page names, and the anchors that it has."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.anchors = [], {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.addresses += [given[name] for name in ("href", "src") if given.get(name)]


def broken_addresses(site):
    """Sentences about what the pages of a site name and do not find, in it or, to be shown, beyond it."""
    parsed = {path: _Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for path, page in parsed.items():
        for given in page.addresses:
            parts = urlsplit(given)
            if parts.scheme or parts.netloc:
                continue
            target = path if not parts.path else Path(os.path.normpath(path.parent / unquote(parts.path)))
            anchor = unquote(parts.fragment)
            if not target.exists() or target in parsed and anchor not in parsed[target].anchors:
                yield f"{path.relative_to(site)} leads to {given}, which is not there."


def main():
    shutil.rmtree(SOURCE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    home = address()
    broken = gather(SOURCE, ROOT, home)
    from nst_utils.cli import app

    (SOURCE / "command_line.md").write_text(command_line(app), encoding="utf-8")
    tried = [ROOT / "packaging" / f"last_{what}.json" for what in ("try", "app")]
    results = [*(ROOT / "benchmarks" / "results").glob("*.json"), *tried]
    (SOURCE / "figures.md").write_text(figures(filter(Path.exists, results)), encoding="utf-8")
    shutil.copyfile(ROOT / "docs" / "conf.py", SOURCE / "conf.py")
    shutil.copytree(ROOT / "docs" / "static", SOURCE / "static")
    shutil.copytree(ROOT / "docs" / "api", SOURCE / "api")
    if broken:
        sys.exit("\n".join(broken))
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q", "-j", "2", "-b", "html"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    if subprocess.run([*command, str(SOURCE), str(SITE)], env=environment).returncode:
        sys.exit("The site was not built: see the warnings above.")
    if broken := list(broken_addresses(SITE)):
        sys.exit("\n".join(broken))
    count = len(list(SITE.rglob("*.html")))
    print(f"Open {(SITE / 'index.html').relative_to(ROOT)}: {count} pages, every link checked.")


if __name__ == "__main__":
    main()

"""Sphinx's settings. It runs on what docs/build_site.py has gathered."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

project = "nst_utils"
author = "The nst_utils authors"
copyright = "the nst_utils authors, MIT licence"  # noqa: A001
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx_copybutton"]

html_theme = "furo"
html_title = "nst_utils"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
# Quotation marks are set as printers do; the two dashes of an option stay two.
smartquotes_action = "qe"
copybutton_prompt_text = "$ "

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_inherit_docstrings = False
# The formulas are set by a MathJax that lies in the site, so that they are there without a network, too.
MATHJAX = "tex-svg.js"
mathjax_path = MATHJAX

# A notebook has headings of its own depth, and code whose language only IPython knows.
suppress_warnings = ["myst.header", "misc.highlighting_failure"]


def as_rst(app, what, name, obj, options, lines):
    """Docstrings are plain sentences: what reStructuredText would read into them is taken as it stands.

    Lines that are all indented are shown as they are, like code.
    """
    text = []
    for paragraph in "\n".join(lines).split("\n\n"):
        rows = paragraph.split("\n")
        if all(row.startswith("    ") for row in rows if row.strip()):
            text += ["::", "", *rows, ""]
        else:
            text += [*(_plain(row.strip()) for row in rows), ""]
    lines[:] = text


def _plain(line):
    parts = re.split(r"(`[^`]+`)", line)
    parts[1::2] = [f"`{part}`" for part in parts[1::2]]
    parts[::2] = [re.sub(r"([*|\\`]|(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def bring_mathjax(app, error):
    if error is None:
        (folder,) = find_spec("sphinx-mathjax-offline").submodule_search_locations
        shutil.copyfile(Path(folder) / "static" / "mathjax" / MATHJAX, Path(app.outdir) / "_static" / MATHJAX)


def setup(app):
    app.connect("autodoc-process-docstring", as_rst)
    app.connect("build-finished", bring_mathjax)

"""`nst upgrade`: an old course notebook as one of today."""

from pathlib import Path
from typing import Annotated

import typer


def upgrade(
    notebook: Annotated[
        Path,
        typer.Argument(metavar="NOTEBOOK", help="The old notebook (.ipynb); it is not touched.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="Where the new notebook goes.", show_default=False)
    ],
    rewrite: Annotated[bool, typer.Option("--rewrite", help="Replace the calls by today's.")] = False,
):
    """Write an old notebook of the course as one that runs today, and say what was changed.

    nst upgrade old.ipynb -o new.ipynb

    nst upgrade old.ipynb -o new.ipynb --rewrite

    Its first cell becomes `%load_ext nst_utils.tf1`; with --rewrite the calls themselves are replaced.
    """
    from nst_utils.tf1.upgrade import upgrade

    report = upgrade(notebook, out, rewrite)
    typer.echo(f"{' and '.join(map(str, report.written))}, from {notebook}:")
    for line in report.lines():
        typer.echo(line)

"""The command line `nst`: one module for each group of commands.

Nothing heavy is imported before a command needs it, so that `nst --help` answers at once.
"""

import sys

import typer

from nst_utils.base.errors import InputError
from nst_utils.cli import machine, start, stylize, upgrade

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Neural style transfer: a photo and a painting in, a picture out.",
)
app.command()(stylize.stylize)
app.command()(start.demo)
app.command()(start.course)
app.command()(machine.doctor)
app.command()(machine.weights)
app.command()(upgrade.upgrade)


def main():
    """Run the command; bad input becomes one sentence on standard error and exit status 1."""
    try:
        app()
    except InputError as error:
        typer.echo(f"nst: {error}", err=True)
        sys.exit(1)

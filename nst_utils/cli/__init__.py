"""The command line `nst`: one module for each group of commands.

Nothing heavy is imported before a command needs it, so that `nst --help` answers at once.
"""

import sys

import typer

from nst_utils.base.errors import InputError
from nst_utils.cli import fast, machine, start, studio, stylize, sweep, upgrade

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Neural style transfer: a photo and a painting in, a picture out.

    nst demo

    nst stylize photo.jpg painting.jpg -o picture.png

    The help of each command begins with examples: nst COMMAND --help.""",
)
PAINT, LEARN, MACHINE = "Paint", "Learn", "The machine"
app.command(rich_help_panel=PAINT)(start.demo)
app.command(rich_help_panel=PAINT)(stylize.stylize)
app.command(rich_help_panel=PAINT)(sweep.sweep)
app.command(rich_help_panel=PAINT)(studio.studio)
app.add_typer(fast.app, name="fast", rich_help_panel=PAINT)
app.command(rich_help_panel=LEARN)(start.course)
app.command(rich_help_panel=LEARN)(upgrade.upgrade)
app.command(rich_help_panel=MACHINE)(machine.doctor)
app.command(rich_help_panel=MACHINE)(machine.weights)


def main() -> None:
    """Run the command; bad input becomes one sentence on standard error and exit status 1."""
    try:
        app()
    except InputError as error:
        typer.echo(f"nst: {error}", err=True)
        sys.exit(1)
    except MemoryError:
        typer.echo("nst: The memory is used up: make the picture smaller, or give less with --max-memory.", err=True)
        sys.exit(1)

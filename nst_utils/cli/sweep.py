"""`nst sweep`: every combination of photos, paintings and settings, on this machine or on a cluster."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nst_utils.base.errors import InputError
from nst_utils.cli.flags import with_settings

if TYPE_CHECKING:
    from nst_utils.sweep.run import Progress

_WHERE = "Where it is painted"


@with_settings
def sweep(
    settings_file: Annotated[Path, typer.Argument(help="What to paint, in TOML.", metavar="SETTINGS.toml")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="The folder to write into; what is there already is not painted again.",
            show_default="the name of SETTINGS.toml without .toml, beside it",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", rich_help_panel=_WHERE, help="A Dask scheduler, such as tcp://host:8786.",
            show_default="processes on this machine",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, rich_help_panel=_WHERE, help="How many processes on this machine.",
            show_default="one for two cores and 4 GB",
        ),
    ] = None,
    **settings: Any,
) -> None:
    """Paint every combination of photos, paintings and settings, with a page to compare them.

    nst sweep brushes.toml

    nst sweep brushes.toml -o brushes --quality quick --max-side 200

    nst sweep brushes.toml --scheduler tcp://cluster.example.org:8786

    SETTINGS.toml has the names of the options below: for all pictures, and, with lists of values, in a grid.

        content = ["photo.jpg", "holiday/", "film.mp4"]
        style = ["night.jpg", ["night.jpg", "harvest.jpg"]]
        max_side = 400
        grid.style_scale = [0.5, 1, 2]
        grid.method = ["gram", "neighbours"]

    A folder stands for the pictures in it, a film for its frames (every = 10: for each tenth), a list in the list of
    paintings for several in one picture. Options given here win.

    Stopped or killed, the same command goes on where it was.
    """
    from nst_utils.sweep.folder import PAGE
    from nst_utils.sweep.run import sweep as run_sweep

    out = out or settings_file.with_suffix("")
    if workers and scheduler:
        raise InputError("The workers of a scheduler are started with it: leave out --workers, or --scheduler.")
    bar = _Bar()
    try:
        found = run_sweep(settings_file, out, scheduler, workers, bar.tell, bar.show, **settings)
    except KeyboardInterrupt:
        bar.close()
        typer.echo(f"Stopped: {bar.done} of {bar.count} pictures are in {out}; the same command goes on.", err=True)
        raise typer.Exit(130) from None
    finally:
        bar.close()
    typer.echo(f"{found.done} of {found.count} pictures are in {out}; {out / PAGE} shows them.")
    if found.failed:
        raise InputError(f"{len(found.failed)} of {found.count} pictures failed: the page tells why.")


class _Bar:
    """The progress on standard error; what fails is told in a line of its own."""

    def __init__(self) -> None:
        self.done = self.count = 0
        self._bar: Any = None
        self._told: set[str] = set()

    def tell(self, words: str) -> None:
        from tqdm import tqdm

        tqdm.write(words, file=sys.stderr)

    def show(self, progress: "Progress") -> None:
        from tqdm import tqdm

        if self._bar is None:
            pause = 0.1 if sys.stderr.isatty() else 5
            there = progress.done
            if there:
                self.tell(f"{there} of {progress.count} pictures are there already.")
            look: dict[str, Any] = {"unit": "picture", "leave": False, "dynamic_ncols": True, "mininterval": pause}
            self._bar = tqdm(total=progress.count, initial=there, file=sys.stderr, **look)
        for name, reason in progress.failed.items():
            if name not in self._told:
                self._told.add(name)
                self.tell(f"Failed: {name}: {reason}")
        self.done, self.count = progress.done, progress.count
        self._bar.update(self.done + len(progress.failed) - self._bar.n)

    def close(self) -> None:
        if self._bar:
            self._bar.close()

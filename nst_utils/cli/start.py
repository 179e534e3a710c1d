"""`nst demo` and `nst course`: the first picture and the course's notebooks, from an installed copy or a checkout."""

import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.files import check_folder, replacing

# The notebooks of a checkout, and their copy inside an installed package.
COURSES = (Path(__file__).resolve().parents[2] / "notebooks", Path(__file__).resolve().parents[1] / "notebooks")
# Pages that are for whoever teaches.
TEACHERS_PAGES = ("INSTRUCTORS.md", "LESSON_PLANS.md")
DEMO = ("content/summer-palace.jpg", "style/van-gogh-cafe-terrace-at-night-1888.webp")
_LINK = re.compile(r"(?<!!)\[([^]]*)\]\(([^)#\s:]+)(#[^)\s]*)?\)")


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The picture to write.")] = Path("demo.png"),
):
    """Paint the picture of the README, and say where it is.

    nst demo

    nst demo -o first.png

    The photograph and the painting come with the package. A picture that is there already is not replaced.
    """
    from nst_utils.cli.stylize import stylize
    from nst_utils.pictures.gallery import find_example

    if os.path.lexists(out):
        raise InputError(f"{out} is there already and is left alone: name another file with --out.")
    photo, painting = map(find_example, DEMO)
    typer.echo("Painting the Summer Palace in the manner of Van Gogh's Café Terrace at Night ...", err=True)
    stylize(content=photo, style=[painting], out=out)
    typer.echo(f"The picture is {out.resolve()}")
    typer.echo("Your own: nst stylize photo.jpg painting.jpg -o picture.png")


def course(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; made if need be.", show_default=False)],
    solutions: Annotated[
        bool, typer.Option("--solutions", help="The solution edition too, and the pages for instructors.")
    ] = False,
):
    """Copy the course's notebooks into DIR, and say how to open them.

    nst course nst-course

    nst course nst-course --solutions

    What is in DIR already stays as it is, so that nobody's answers are lost; what is missing is added.
    """
    source = find_course()
    names = course_files(source, solutions)
    _make_folder(folder)
    copied, kept = [], []
    for name in names:
        target = folder / name
        if os.path.lexists(target):
            kept.append(name)
            continue
        _make_folder(target.parent)
        _copy(source / name, target, names)
        copied.append(name)
    notebooks = sorted(name for name in names if name.endswith(".ipynb") and "/" not in name)
    typer.echo(f"{len(copied)} files copied to {folder.resolve()}")
    if kept:
        typer.echo(f"{len(kept)} were there already and were left as they are: {', '.join(kept)}")
    if not find_spec("jupyterlab"):
        typer.echo('JupyterLab is not installed here yet:  python -m pip install "nst_utils[notebooks]"')
    typer.echo(f"Open it:  jupyter lab {_quoted(folder / notebooks[0])}")


def find_course():
    """The folder that the notebooks are copied from."""
    for folder in COURSES:
        if (folder / "README.md").is_file():
            return folder
    raise MissingFileError(f"The notebooks are missing from {COURSES[1]}: install nst_utils again.")


def course_files(source, solutions):
    """The names below `source` of what a copy of the course has: student edition and pages, or everything to read."""
    pages = [path.name for path in source.glob("*.md") if solutions or path.name not in TEACHERS_PAGES]
    editions = [*source.glob("*.ipynb"), *(source.glob("solutions/*.ipynb") if solutions else ())]
    shown = [path for kind in ("svg", "png") for path in source.glob(f"diagrams/*.{kind}")]
    return sorted([*pages, *(path.relative_to(source).as_posix() for path in (*editions, *shown))])


def _copy(source, target, names):
    """A file copied; a page's links to what is not copied with it become plain words."""
    if source.suffix != ".md":
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)
        return

    def linked(link):
        return link[0] if link[2] in names else link[1]

    with replacing(check_folder(target)) as temporary:
        temporary.write_text(_LINK.sub(linked, source.read_text(encoding="utf-8")), encoding="utf-8")


def _make_folder(folder):
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"The folder {folder} cannot be made ({reason}): name another one.") from None


def _quoted(path):
    return f'"{path}"' if " " in str(path) else str(path)

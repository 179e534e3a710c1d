"""`nst fast`: painting in one pass, films, and learning new styles."""

import contextlib
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from nst_utils.base.errors import InputError
from nst_utils.base.files import check_folder, refuse_overwriting

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""Paint in a blink with a trained network, and teach it styles.

    nst fast stylize photo.jpg --style cafe -o picture.png

    nst fast learn painting.jpg --name mine""",
)

_Model = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A network that nst fast train wrote.", show_default="the shipped one"),
]
_Style = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A style's name (see nst fast styles), or the file of one.", show_default=False),
]
_Mix = Annotated[
    str | None, typer.Option(metavar="NAME=X,...", help="A blend, such as cafe=0.6,church=0.4.", show_default=False)
]
_Strength = Annotated[float, typer.Option(metavar="X", help="From 0, the photo, to 1, the whole painting.")]
_MaxSide = Annotated[
    int | None, typer.Option(metavar="N", help="Longest side in pixels.", show_default="as the photo has it")
]
_Images = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A folder of training photographs.", show_default="the project's own few"),
]
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


@app.command()
def stylize(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of them.", metavar="PHOTO ...")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="PATH", help="The picture to write; for several photos a folder.")
    ],
    style: _Style = None,
    mix: _Mix = None,
    strength: _Strength = 1.0,
    max_side: _MaxSide = None,
    model: _Model = None,
):
    """Paint photos in a style that the network knows.

    nst fast stylize photo.jpg --style cafe -o picture.png
    """
    from nst_utils.pictures.reading import read_image
    from nst_utils.pictures.writing import check_writable, write_image

    paths = _photographs(photos)
    several = len(paths) > 1 or any(path.is_dir() for path in photos)
    if several and out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file, but there are several photos: give a folder to write them to.")
    targets = [out / f"{path.stem}.png" for path in paths] if several or out.is_dir() else [out]
    if len(set(targets)) < len(targets):
        raise InputError("Two of the photos have the same name: give them different ones, or write one at a time.")
    if not several:
        check_writable(targets[0])
    for target in targets:
        refuse_overwriting(target, paths)
    painter, manner = _painter(style, mix, strength, model)
    if several and not out.exists():
        if not out.parent.is_dir():
            raise InputError(f"The folder {out.parent} does not exist: create it, or write somewhere else.")
        out.mkdir()
    began, broken = time.perf_counter(), 0
    for path, target in zip(paths, targets, strict=True):
        try:
            picture = _sized(read_image(path), max_side)
        except InputError as error:
            if not several:
                raise
            typer.echo(f"Passed over: {error}", err=True)
            broken += 1
            continue
        write_image(target, painter.paint(picture, manner, strength))
        typer.echo(f"Wrote {target}.")
    if broken == len(paths):
        raise InputError(f"None of the {broken} pictures could be read: give at least one intact photo.")
    if several:
        typer.echo(f"{len(paths) - broken} pictures in {time.perf_counter() - began:.1f} s.")


@app.command()
def styles(
    files: Annotated[list[Path] | None, typer.Argument(help="Style files of one's own.", metavar="[FILE ...]")] = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a contact sheet: a photo in every style.")
    ] = None,
    photo: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The photo to show them on.", show_default="the project's own")
    ] = None,
    model: _Model = None,
):
    """List the styles that the network knows, and show a photo in each of them with --sheet."""
    from nst_utils.fast.styles import read_book, read_style, shipped_path

    book = read_book(model)
    for path in files or ():
        book = book.with_manner(read_style(path, book))
    typer.echo(f"{model or shipped_path()}: {len(book.manners)} styles")
    for name in book.manners:
        typer.echo(f"  {name}")
    if sheet:
        from nst_utils.fast.painting import Painter
        from nst_utils.fast.sheets import contact_sheet
        from nst_utils.pictures.reading import read_image
        from nst_utils.pictures.writing import check_writable, write_image

        check_writable(sheet)
        refuse_overwriting(sheet, [photo] if photo else [])
        photograph = read_image(photo or _own_pictures("content") / "summer-palace.jpg")
        write_image(sheet, contact_sheet(photograph, book, Painter(book)))
        typer.echo(f"Wrote {sheet}.")


@app.command()
def learn(
    painting: Annotated[Path, typer.Argument(help="The painting.", metavar="PAINTING", show_default=False)],
    name: Annotated[str, typer.Option(metavar="NAME", help="What to call the style.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The style's file.", show_default="NAME.npz")
    ] = None,
    minutes: Annotated[float, typer.Option(metavar="X", min=0.01, help="How long to learn, at most.")] = 8.0,
    preview: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A picture that is painted anew as it learns.", show_default="NAME.png"),
    ] = None,
    photo: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The preview's photo.", show_default="the project's own")
    ] = None,
    images: _Images = None,
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Steps.", show_default="400")] = None,
    model: _Model = None,
):
    """Learn a painting in minutes: only its scales and shifts, a file of a few kilobytes.

    nst fast learn painting.jpg --name mine

    nst fast stylize photo.jpg --style mine -o picture.png
    """
    from dataclasses import replace

    from nst_utils.fast.photographs import read_photographs
    from nst_utils.fast.plan import LEARNING, Painting
    from nst_utils.fast.styles import read_book, write_style
    from nst_utils.pictures.reading import read_image
    from nst_utils.pictures.writing import check_writable, write_image

    out, preview = out or Path(f"{name}.npz"), preview or Path(f"{name}.png")
    check_folder(out)
    check_writable(preview)
    own = [path for path in (painting, photo, model) if path]
    for path in (out, preview):
        refuse_overwriting(path, own)
    book, plan = read_book(model), replace(LEARNING, steps=steps or LEARNING.steps)
    picture = _large_enough(read_image(painting), painting, plan.side)
    photographs = read_photographs(images or _own_pictures("content"), plan.side + 4, _tell)
    shown = _sized(read_image(photo or _own_pictures("content") / "summer-palace.jpg"), 400)
    from nst_utils.fast.painting import Painter
    from nst_utils.fast.training import learn as learn_style

    painter, began, last, manner = Painter(book), time.monotonic(), 0.0, None
    with _progress(plan.steps) as bar, contextlib.suppress(KeyboardInterrupt):
        for manner, parts, step in learn_style(Painting(name, picture), photographs, book, plan):
            bar.set_postfix_str(f"cost {parts['cost']:.3f}", refresh=False)
            bar.update(step - bar.n)
            if time.monotonic() - last > 15:
                write_image(preview, painter.paint(shown, manner))
                last = time.monotonic()
            if time.monotonic() - began > 60 * minutes:
                break
    if manner is None:
        raise InputError("Stopped before the first step: nothing has been learned yet.")
    write_style(out, manner, book)
    write_image(preview, painter.paint(shown, manner))
    kilobytes = out.stat().st_size / 1000
    typer.echo(f"Wrote {out} ({kilobytes:.0f} kB) and {preview}, after {time.monotonic() - began:.0f} s.")


@app.command()
def train(
    paintings: Annotated[list[Path], typer.Argument(help="The paintings, or folders of them.", metavar="PAINTING ...")],
    images: Annotated[Path, typer.Option(metavar="DIR", help="A folder of training photographs.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The network's file, .npz.")],
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Steps in all.")] = 16000,
    side: Annotated[int, typer.Option(metavar="N", min=32, help="Side of a piece of a photograph, in pixels.")] = 192,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Pieces in a step.")] = 2,
    steady: Annotated[float, typer.Option(metavar="X", min=0, help="Weight of the flicker cost.")] = 0.4,
    content: Annotated[float, typer.Option(metavar="X", min=0, help="Weight of the content cost.")] = 0.03,
    learning_rate: Annotated[float, typer.Option(metavar="X", min=1e-9, help="Adam's step size, at most.")] = 1.5e-3,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the first weights and the pieces.")] = 0,
    samples: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a sample picture here every few hundred steps.")
    ] = None,
    every: Annotated[float, typer.Option(metavar="X", min=0.01, help="Minutes between checkpoints.")] = 5.0,
    strategy: Annotated[
        str, typer.Option(metavar="NAME", help="one, mirrored (several GPUs) or workers (several machines, TF_CONFIG).")
    ] = "one",
    widths: Annotated[
        str, typer.Option(metavar="N,N", help="Channels at a half and at a quarter of the size.")
    ] = "32,64",
):
    """Train a network of one's own on paintings, hours on a processor.

    A checkpoint beside the file is gone on with: the same command after a kill loses minutes at most.
    """
    from nst_utils.fast.photographs import read_photographs
    from nst_utils.fast.plan import Painting, Plan
    from nst_utils.pictures.reading import read_image

    check_folder(out)
    plan = Plan(
        steps=steps, side=side, batch=batch, steady=steady, content=content, learning_rate=learning_rate, seed=seed
    )
    widths = _widths(widths)
    found = [
        Painting(path.stem, _large_enough(read_image(path), path, side)) for path in _photographs(paintings, "painting")
    ]
    if len({each.name for each in found}) < len(found):
        raise InputError("Two of the paintings have the same name: give their files different ones.")
    photographs = read_photographs(images, side + 4, _tell)
    checkpoint = out.with_name(out.name + ".checkpoint.npz")
    refuse_overwriting(out, paintings)
    from nst_utils.fast.distribution import strategy_of
    from nst_utils.fast.training import book_of, new_network
    from nst_utils.fast.training import train as train_network

    chosen = strategy_of(strategy)
    network = new_network(widths, len(found), seed, plan.precision, chosen)
    last = time.monotonic()
    with _progress(steps) as bar, contextlib.suppress(KeyboardInterrupt):
        on_the_way = train_network(
            found, photographs, plan, network, checkpoint, every=60 * every, strategy=chosen
        )
        for trainer, parts in on_the_way:
            if bar.n == 0 and trainer.step > 1:  # gone on with: the time left is counted from here
                bar.initial = bar.n = trainer.step - 1
                _tell(f"Going on from step {bar.n}, which {checkpoint} holds.")
            bar.set_postfix_str(f"cost {parts['cost']:.3f} style {parts['style']:.3f}", refresh=False)
            bar.update(trainer.step - bar.n)
            if samples and (time.monotonic() - last > 120 or trainer.step == steps):
                _write_sample(samples, trainer, book_of(network, found))
                last = time.monotonic()
    book_of(network, found, {"steps": trainer.step, "photographs": len(photographs)}).save(out)
    typer.echo(f"Wrote {out}: {trainer.step} of {steps} steps, {len(found)} styles, {trainer.seconds:.0f} s.")


@app.command()
def film(
    source: Annotated[Path, typer.Argument(help="The film: .mp4, .mov, .mkv, .webm, .avi or .gif.", metavar="FILM")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The film to write: .mp4 or .gif.")],
    style: _Style = None,
    mix: _Mix = None,
    strength: _Strength = 1.0,
    max_side: _MaxSide = None,
    model: _Model = None,
):
    """Paint a film frame by frame, with its sound. Stopped or killed, the same command goes on where it was.

    nst fast film holiday.mp4 --style cafe -o painted.mp4
    """
    from nst_utils.fast.films import open_film, paint_film

    opened = open_film(source)
    painter, manner = _painter(style, mix, strength, model)
    key = f"{painter.book.fingerprint} {style} {mix} {strength} {manner.numbers.tobytes().hex()[:200]}"
    with _progress(opened.count, "frame") as bar:

        def tell(done, count):
            bar.update(done - bar.n)

        done = paint_film(source, out, lambda picture: painter.paint(picture, manner, strength), max_side, key, tell)
    if opened.count and done < 0.98 * opened.count - 1:
        typer.echo(f"{source} ends early: it holds {done} of the {opened.count} frames that it announces.", err=True)
    typer.echo(f"Wrote {out}: {done} frames.")


def _painter(style, mix, strength, model):
    """The Painter of a network's file and the Manner that the options ask for; told before TensorFlow is imported."""
    from nst_utils.engine.kinds import Number
    from nst_utils.fast.styles import read_book

    if (style is None) == (mix is None):
        raise InputError("Give either --style NAME or --mix NAME=X,...: nst fast styles lists the names.")
    Number(least=0, most=1).check("The strength", strength)
    book = read_book(model)
    manner = book.manner(style) if style is not None else book.blend(_shares(mix))
    from nst_utils.fast.painting import Painter

    return Painter(book), manner


def _shares(text):
    """{style: share} of a text such as cafe=0.6,church=0.4; a style without a share has 1."""
    from nst_utils.engine.kinds import Number

    found = {}
    for part in text.split(","):
        name, _, share = (piece.strip() for piece in part.partition("="))
        if name in found:
            raise InputError(f"The style {name} stands twice in the mix: give it once, with the sum.")
        found[name] = Number(least=0).read(f"The share of {name}", share or "1")
    return found


def _photographs(paths, what="photo"):
    """The files named, and of folders the pictures in them."""
    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.suffix.lower() in _SUFFIXES)
            if not inside:
                raise InputError(f"The folder {path} holds no pictures: give a {what}, or a folder of them.")
            found += inside
        else:
            found.append(path)
    return found


def _sized(picture, max_side):
    from nst_utils.pictures.sizes import output_size, resize

    return resize(picture, output_size(picture.shape[1::-1], None, max_side))


def _large_enough(picture, path, side):
    height, width = picture.shape[:2]
    if min(height, width) < side:
        raise InputError(
            f"{path} is {width}x{height}: a painting to learn from needs at least {side} pixels on each side."
        )
    return picture


def _own_pictures(kind):
    """The folder of the project's own pictures of a kind, in a checkout or in an installed copy."""
    package = Path(__file__).resolve().parents[1]
    return next((f for f in (package.parent / "images" / kind, package / "gallery" / kind) if f.is_dir()), Path(kind))


def _widths(text):
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = ()
    if len(widths) != 2 or min(widths) < 1:
        raise InputError(f"The widths {text!r} cannot be understood: give two whole numbers such as 32,64.")
    return widths


def _tell(line):
    typer.echo(line, err=True)


def _progress(total, unit="step"):
    from tqdm import tqdm

    pause = 0.1 if sys.stderr.isatty() else 5
    return tqdm(total=total, unit=unit, leave=False, dynamic_ncols=True, file=sys.stderr, mininterval=pause)


def _write_sample(folder, trainer, book):
    from nst_utils.fast.painting import Painter
    from nst_utils.fast.sheets import contact_sheet
    from nst_utils.pictures.writing import write_image

    folder.mkdir(exist_ok=True)
    sheet = contact_sheet(trainer.photographs[0], book, Painter(book))
    write_image(folder / f"sample-{trainer.step:06d}.jpg", sheet)

"""The gallery: runs every command that its page shows, and writes the page with the pictures that come of them.

    python gallery/build.py             everything, what `make gallery` does
    python gallery/build.py brush film  only these examples, beside what is there

Each command is run as it stands on the page, from the root of the project.
"""

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from computed import write_pictures
from nst_utils.cli.flags import GROUPS
from nst_utils.cli.stylize import FILES

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "gallery"
PAGE, STRIPS, MADE = HERE / "README.md", HERE / "strips", HERE / "made"
NST = ".venv/bin/nst stylize"

PALACE, CAT, DAHLIA = (f"images/content/{name}" for name in ("summer-palace.jpg", "chelsea.png", "dahlia.jpg"))
TERRACE, CHURCH, NIGHT_CAFE, BRIDGE, HARVEST, TANGUY = (
    f"images/style/van-gogh-{name}.webp"
    for name in ("cafe-terrace-at-night-1888", "church-at-auvers-1890", "night-cafe-1888", "langlois-bridge-1888",
                 "harvest-at-la-crau-1888", "pere-tanguy-1887")
)
TILES, FLOW, FLUID, SKY, GRADIENT = (
    f"gallery/pictures/{name}" for name in ("tiles.jpg", "flow.jpg", "fluid.jpg", "sky.png", "gradient.png")
)

GAP, CAPTION, WIDTH = 8, 24, 1200
SEEDS = "Three pairs"


@dataclass(frozen=True)
class Made:
    """A picture that a command makes: its caption, the command's arguments, and the file it is written to."""

    caption: str
    arguments: str
    out: str

    @property
    def command(self):
        return f"{NST} {self.arguments} -o {self.out}"


@dataclass(frozen=True)
class Example:
    """A control, what it goes into, and what comes out.

    settings: the names of the settings that it shows. inputs: (caption, path) of pictures. also: a film or a file that
    the page shows besides the strip. costs: whether the captions tell the total cost.
    """

    name: str
    group: str
    title: str
    text: str
    inputs: tuple
    made: tuple
    settings: tuple = ()
    also: str = ""
    costs: bool = False


def made(name, caption, arguments):
    return Made(caption, arguments, f"gallery/made/{name}.png")


def photo(path):
    return "photo", path


def painting(path, caption="painting"):
    return caption, path


PLAIN = made("plain", "plain", f"{PALACE} {TERRACE} --max-side 320")
PAIR = (photo(PALACE), painting(TERRACE))


def variants(name, *each, base=f"{PALACE} {TERRACE} --max-side 320"):
    """Pictures made by the base command with other flags; no flags make the plain picture."""
    return tuple(
        Made(caption, PLAIN.arguments, PLAIN.out) if base == PLAIN.arguments and not flags
        else made(f"{name}-{number}", caption, f"{base} {flags}".strip())
        for number, (caption, flags) in enumerate(each, start=1)
    )


EXAMPLES = (
    Example(
        "architecture", SEEDS, "Architecture and Van Gogh",
        "The Summer Palace in Beijing in the manner of the Café Terrace at Night.",
        PAIR, (made("architecture", "picture", f"{PALACE} {TERRACE} --max-side 400"),),
    ),
    Example(
        "tiles", SEEDS, "A building and ceramic tiles",
        "The tiles are geometry with glaze and grout, drawn by [computed.py](computed.py).",
        (photo(PALACE), painting(TILES, "tiles")),
        (made("tiles", "picture", f"{PALACE} {TILES} --max-side 400"),),
    ),
    Example(
        "flow", SEEDS, "A turbulent flow and an abstract fluid",
        "Both are computed: the vorticity of a simulated flow in colours, and streaks of paint which such a flow has "
        "stirred.",
        (("flow", FLOW), painting(FLUID, "fluid")), (made("flow", "picture", f"{FLOW} {FLUID} --max-side 400"),),
    ),
    Example(
        "size", "first", "Size",
        "`--max-side` keeps the photo's proportions, `--size` sets both sides. Strokes grow with the picture: a small "
        "one is a good preview of a large one.",
        PAIR, variants("size", ("--max-side 200", "--max-side 200"), ("--size 320x200", "--size 320x200"),
                       ("--size 200x200", "--size 200x200"), base=f"{PALACE} {TERRACE}"),
        settings=("size", "max_side"),
    ),
    Example(
        "iterations", "first", "Iterations",
        "Steps at the full size. Few are a sketch; more bring the picture nearer to the painting.",
        PAIR, variants("iterations", ("--iterations 3", "--iterations 3"), ("30, as ever", ""),
                       ("--iterations 150", "--iterations 150")),
        settings=("iterations",),
    ),
    Example(
        "quality", "first", "Quality",
        "`quick` is a first look in the full size, in a second or two; `fine` is for those who wait.",
        PAIR, variants("quality", ("--quality quick", "--quality quick"), ("normal, as ever", ""),
                       ("--quality fine", "--quality fine")),
        settings=("quality",),
    ),
    Example(
        "method", "first", "Method",
        "`gram`, the course's, gives the picture the painting's colours, contrasts and strokes; `neighbours` looks for "
        "a spot of the painting that fits each place, and keeps things whole.",
        (photo(CAT), painting(TANGUY)),
        variants("method", *((f"--method {x}",) * 2 for x in ("gram", "neighbours")),
                 base=f"{CAT} {TANGUY} --max-side 400"),
        settings=("method",),
    ),
    Example(
        "strength", "first", "Strength", "Between the photo and the painting, with either method.",
        (photo(CAT), painting(TANGUY)),
        variants("strength", *((f"--strength {x}",) * 2 for x in ("0", "0.5", "1")),
                 base=f"{CAT} {TANGUY} --max-side 320"),
        settings=("strength",),
    ),
    Example(
        "brush", "first", "Brush size", "Finer strokes below 1, broader ones above.",
        (photo(PALACE), painting(CHURCH)),
        variants("brush", *((f"--style-scale {x}",) * 2 for x in ("0.5", "1", "2")),
                 base=f"{PALACE} {CHURCH} --max-side 320 --alpha 1"),
        settings=("style_scale",),
    ),
    Example(
        "pattern", "first", "Size of a pattern", "What goes for strokes goes for whatever a painting is made of.",
        (photo(PALACE), painting(TILES, "tiles")),
        variants("pattern", *((f"--style-scale {x}",) * 2 for x in ("0.5", "1", "2")),
                 base=f"{PALACE} {TILES} --max-side 320"),
        settings=("style_scale",),
    ),
    Example(
        "angle", "first", "Direction of the strokes",
        "Degrees, counterclockwise. Between quarter turns, the largest upright part of the turned painting is used.",
        (photo(PALACE), painting(HARVEST)),
        variants("angle", *((f"--style-angle {x}",) * 2 for x in ("0", "45", "90")),
                 base=f"{PALACE} {HARVEST} --max-side 320 --strength 0.6"),
        settings=("style_angle",),
    ),
    Example(
        "colors", "first", "The photo's own colours",
        "`luminance` paints lightness only and leaves the colours where they are; `palette` gives the painting the "
        "photo's colours first, and they may move.",
        (photo(PALACE), painting(HARVEST)),
        variants("colors", ("the painting's colours", ""), ("--keep-colors luminance", "--keep-colors luminance"),
                 ("--keep-colors palette", "--keep-colors palette"), base=f"{PALACE} {HARVEST} --max-side 320"),
        settings=("keep_colors",),
    ),
    Example(
        "weights", "styles", "Several paintings, and how much of each",
        "The picture looks like the weighted mean of the paintings.",
        (photo(PALACE), painting(TERRACE, "first"), painting(FLUID, "second")),
        variants("weights", *((f"--style-weights {x}",) * 2 for x in ("4,1", "1,1", "1,4")),
                 base=f"{PALACE} {TERRACE} {FLUID} --max-side 320"),
        settings=("style_weights",),
    ),
    Example(
        "masks", "styles", "Masks",
        "A mask for each painting: white = here, grey = partly, and `rest` = where no other mask is.",
        (photo(PALACE), ("mask", SKY), painting(FLUID, "where it is white"), painting(TERRACE, "rest")),
        variants("masks", ("--masks sky.png,rest", f"--masks {SKY},rest"),
                 ("the paintings exchanged", f"--masks rest,{SKY}"), base=f"{PALACE} {FLUID} {TERRACE} --max-side 400"),
        settings=("masks",),
    ),
    Example(
        "gradient", "styles", "Soft masks, and less than everything",
        "From one painting to another without a border; and a single painting with a mask, beside which the photo "
        "stays as it is.",
        (photo(PALACE), ("mask", GRADIENT), painting(TERRACE, "where it is black"),
         painting(TILES, "where it is white")),
        (made("gradient-1", "--masks rest,gradient.png",
              f"{PALACE} {TERRACE} {TILES} --max-side 400 --masks rest,{GRADIENT}"),
         made("gradient-2", "one painting, --masks gradient.png",
              f"{PALACE} {TILES} --max-side 400 --masks {GRADIENT}")),
        settings=("masks",),
    ),
    Example(
        "alpha", "costs", "Content and style",
        "`--alpha` weighs what is shown, `--beta` how it is painted; only their ratio matters. The start shows the "
        "photo too: without that and without content, the manner alone is left.",
        PAIR, variants("alpha", ("--alpha 1000 --beta 0.04", "--alpha 1000 --beta 0.04"),
                       ("--alpha 10 --beta 40, as ever", ""), ("--alpha 0 --init noise", "--alpha 0 --init noise")),
        settings=("alpha", "beta"),
    ),
    Example(
        "tv", "costs", "Total variation", "Smooths speckles away, and fine strokes with them.",
        PAIR, variants("tv", ("0", ""), ("--tv-weight 20000", "--tv-weight 20000"),
                       ("--tv-weight 200000", "--tv-weight 200000")),
        settings=("tv_weight",),
    ),
    Example(
        "content-layers", "costs", "Content layers",
        "What each of them keeps of the photo, from noise and without style: a shallow layer holds to every edge, a "
        "deep one to what is shown. Beside a style, one layer and a weight for it do well.",
        (photo(PALACE),),
        variants("content-layers", *((f"--content-layers {x}",) * 2 for x in ("conv2_2", "conv4_2", "conv5_2")),
                 base=f"{PALACE} {TERRACE} --max-side 320 --beta 0 --init noise --iterations 60"),
        settings=("content_layers",),
    ),
    Example(
        "style-layers", "costs", "Style layers",
        "Shallow layers know colours and grain, deep ones whole strokes and what they make up.",
        PAIR, variants("style-layers", ("conv1_1=1", "--style-layers conv1_1=1"),
                       ("conv1_1=0.5,conv2_1=0.5", "--style-layers conv1_1=0.5,conv2_1=0.5"),
                       ("conv4_1=0.5,conv5_1=0.5", "--style-layers conv4_1=0.5,conv5_1=0.5")),
        settings=("style_layers",),
    ),
    Example(
        "pooling", "costs", "Pooling",
        "How the network halves what it sees: by the average of four, or the largest. The same manner, with other "
        "strokes.",
        PAIR, variants("pooling", ("--pooling average", "--pooling average"), ("--pooling max", "--pooling max"),
                       base=f"{PALACE} {TERRACE} --max-side 400"),
        settings=("pooling",),
    ),
    Example(
        "init", "start", "Starts",
        "`color` is the photo in the painting's colours, `content` the photo itself, `mix` and `noise` are less and "
        "none of it.",
        PAIR, variants("init", ("--init color", ""), ("--init content", "--init content"),
                       ("--init mix", "--init mix"), ("--init noise", "--init noise")),
        settings=("init",),
    ),
    Example(
        "own-start", "start", "A start of one's own",
        "An earlier result goes on with another painting: the first manner shows through the second.",
        (photo(PALACE), painting(TILES, "first"), painting(TERRACE, "then")),
        (made("own-start-1", "first", f"{PALACE} {TILES} --max-side 400"),
         made("own-start-2", "then, --init first",
              f"{PALACE} {TERRACE} --max-side 400 --iterations 8 --init gallery/made/own-start-1.png")),
        settings=("init",),
    ),
    Example(
        "noise", "start", "How much noise, and which",
        "`--noise-ratio` is its part in a start of `mix`; another `--seed` is another noise, and another picture.",
        PAIR, variants("noise", ("--noise-ratio 0.3", "--noise-ratio 0.3"), ("--noise-ratio 1", "--noise-ratio 1"),
                       ("--noise-ratio 1 --seed 1", "--noise-ratio 1 --seed 1"),
                       base=f"{PALACE} {TERRACE} --max-side 320 --init mix --iterations 20"),
        settings=("noise_ratio", "seed"),
    ),
    Example(
        "optimizer", "optimiser", "Optimisers",
        "From the same start: L-BFGS is where the others only arrive with many times as many steps.",
        PAIR, variants("optimizer", ("lbfgs, 40 steps", "--optimizer lbfgs"), ("adam, 40 steps", "--optimizer adam"),
                       ("adagrad, 40 steps", "--optimizer adagrad"),
                       base=f"{PALACE} {TERRACE} --max-side 320 --init content --iterations 40"),
        settings=("optimizer",), costs=True,
    ),
    Example(
        "learning-rate", "optimiser", "Learning rate of Adam",
        "Grey levels by which a step changes a pixel: too small is slow, too large never comes to rest.",
        PAIR, variants("learning-rate", *((f"--learning-rate {x}",) * 2 for x in ("0.3", "3", "40")),
                       base=f"{PALACE} {TERRACE} --max-side 320 --optimizer adam --init content --iterations 40"),
        settings=("learning_rate",), costs=True,
    ),
    Example(
        "adam", "optimiser", "Memory of Adam",
        "`--beta1` and `--beta2` say how long gradients and their squares are remembered; a large `--epsilon` keeps "
        "pixels with small gradients still.",
        PAIR, variants("adam", ("--beta1 0.99", "--beta1 0.99"), ("--beta2 0.5", "--beta2 0.5"),
                       ("--epsilon 3000", "--epsilon 3000"),
                       base=f"{PALACE} {TERRACE} --max-side 320 --optimizer adam --init content --iterations 40"),
        settings=("beta1", "beta2", "epsilon"), costs=True,
    ),
    Example(
        "adagrad", "optimiser", "Where Adagrad begins",
        "A large `--initial-accumulator` makes the first steps small, most of all where gradients are.",
        PAIR, variants("adagrad", ("0.1", ""), ("--initial-accumulator 1e8", "--initial-accumulator 1e8"),
                       base=f"{PALACE} {TERRACE} --max-side 400 --optimizer adagrad --learning-rate 10 --init content "
                       "--iterations 30"),
        settings=("initial_accumulator",), costs=True,
    ),
    Example(
        "history", "optimiser", "Memory of L-BFGS",
        "Steps from which it knows how the cost curves. The cost tells more of it than the picture does.",
        PAIR, variants("history", ("--history-length 1", "--history-length 1"),
                       ("--history-length 10", "--history-length 10"),
                       base=f"{PALACE} {TERRACE} --max-side 400 --init noise --iterations 40"),
        settings=("history_length",), costs=True,
    ),
    Example(
        "film", "files", "Films and frames",
        "`--film` writes a GIF, WebP or MP4 of the picture's making, from coarse to fine; `--frames` the pictures "
        "themselves, into a folder that holds none yet; `--every 2` takes every other step.",
        PAIR,
        (made("film", "picture", f"{PALACE} {TERRACE} --max-side 320 --film gallery/made/film.webp "
              "--frames gallery/made/frames --every 2 --fps 8"),),
        also="film.webp",
    ),
    Example(
        "settings", "files", "Settings as a file",
        "The first picture takes its settings from [manner.toml](manner.toml) and writes a report; the second takes "
        "them from that report, with one option changed.",
        (photo(PALACE), photo(CAT), painting(BRIDGE)),
        (made("settings-1", "--settings manner.toml",
              f"{PALACE} {BRIDGE} --settings gallery/manner.toml --report gallery/made/report.json"),
         made("settings-2", "--settings report.json",
              f"{CAT} {BRIDGE} --settings gallery/made/report.json --style-scale 1")),
        also="manner.toml",
    ),
)

TITLES = {SEEDS: SEEDS} | {name: title for name, title in GROUPS.items() if name != "machine"} | {"files": FILES}


def run(command, done):
    """Run a command as it stands on the page, once; return the total cost that it tells."""
    if command not in done:
        print(f"{len(done) + 1}: {command}", flush=True)
        ran = subprocess.run(shlex.split(command), cwd=ROOT, capture_output=True, text=True)
        if ran.returncode:
            sys.exit(f"This command of the page failed:\n{command}\n{ran.stderr}")
        done[command] = re.search(r"total cost (\S+),", ran.stdout)[1]
    return done[command]


def strip(example, costs):
    """The pictures that go in, small and one below the other, and those that come out, as large as they are."""
    inputs = [(caption, _picture(path)) for caption, path in example.inputs]
    results = [
        (each.caption + (f": J = {cost}" if example.costs else ""), _picture(each.out))
        for each, cost in zip(example.made, costs, strict=True)
    ]
    if len(results) == 1:
        height = results[0][1].height
        return _beside([_captioned(_to_height(each, height), caption) for caption, each in [*inputs, *results]])
    columns = 2 if len(results) == 4 else len(results)
    rows = [
        _beside([_captioned(each, caption) for caption, each in results[start : start + columns]])
        for start in range(0, len(results), columns)
    ]
    right = _below(rows)
    columns = 1 if len(inputs) <= 2 else 2
    lines = -(-len(inputs) // columns)
    room = (WIDTH - right.width) // columns - GAP, (right.height - GAP * (lines - 1)) // lines - CAPTION
    small = [_captioned(_within(each, room), caption) for caption, each in inputs]
    left = [_below(small[start::columns]) for start in range(columns)]
    return _beside([*left, right])


def _picture(path):
    with Image.open(ROOT / path) as image:
        return image.convert("RGB")


def _to_height(image, height):
    return image.resize((round(image.width * height / image.height), height), Image.Resampling.LANCZOS)


def _within(image, size):
    image = image.copy()
    image.thumbnail(size, Image.Resampling.LANCZOS)
    return image


def _captioned(image, caption):
    font = ImageFont.load_default(size=14)
    width = max(image.width, round(font.getlength(caption)) + 2)
    found = Image.new("RGB", (width, image.height + CAPTION), "white")
    found.paste(image)
    ImageDraw.Draw(found).text((0, image.height + 3), caption, "black", font)
    return found


def _beside(images):
    size = sum(each.width for each in images) + GAP * (len(images) - 1), max(each.height for each in images)
    found, left = Image.new("RGB", size, "white"), 0
    for each in images:
        found.paste(each, (left, 0))
        left += each.width + GAP
    return found


def _below(images):
    size = max(each.width for each in images), sum(each.height for each in images) + GAP * (len(images) - 1)
    found, top = Image.new("RGB", size, "white"), 0
    for each in images:
        found.paste(each, (0, top))
        top += each.height + GAP
    return found


def page():
    """The text of the page."""
    parts = [
        "<!-- Written by gallery/build.py (make gallery): change that, not this. -->",
        "# Gallery: every control, and what it does",
        "This page and its pictures are made by `make gallery`, which runs the commands below as they stand here, from "
        "the root of the project. Copy any of them; what they write goes to `gallery/made`. `.venv` is there after "
        "`make demo`. What goes in is small and on the left, what comes out is shown pixel by pixel.",
        "What each option may be, and what it is without being asked: `.venv/bin/nst stylize --help`. The same names "
        "are keyword arguments of `nst_utils.stylize` and lines of a settings file.",
    ]
    for group, title in TITLES.items():
        parts.append(f"## {title}")
        for example in (each for each in EXAMPLES if each.group == group):
            parts += _section(example)
    parts += [
        "## Where the pictures come from",
        "Photographs and paintings: [images/CREDITS.md](../images/CREDITS.md); the Summer Palace is a photograph by "
        "danielbuechele, [CC BY 2.0](https://creativecommons.org/licenses/by/2.0/), changed here by painting it. "
        "Tiles, flow, fluid and masks are computed by [computed.py](computed.py) of this project, under its "
        "[licence](../LICENSE).",
    ]
    return "\n\n".join(parts) + "\n"


def _section(example):
    names = ", ".join(f"`{name}`" for name in example.settings)
    commands = "\n".join(dict.fromkeys(each.command for each in example.made))
    shown = [f"![{example.title}: {', '.join(each.caption for each in example.made)}](strips/{example.name}.jpg)"]
    if example.also.endswith(".toml"):
        shown.append(f"```toml\n{(HERE / example.also).read_text(encoding='utf-8').strip()}\n```")
    elif example.also:
        shown.append(f"![{example.title}](strips/{example.also})")
    heading = f"### {example.title}" + (f" ({names})" if names else "")
    return [heading, example.text, *shown, f"```sh\n{commands}\n```"]


def build(names=()):
    """Make the strips of the examples with these names, or of all of them, and the page."""
    MADE.mkdir(exist_ok=True)
    STRIPS.mkdir(exist_ok=True)
    if not names:
        for path in [*MADE.glob("[!.]*"), *STRIPS.iterdir()]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_pictures(ROOT / PALACE)
    done = {}
    for example in EXAMPLES:
        if names and example.name not in names:
            continue
        shutil.rmtree(MADE / "frames", ignore_errors=True)
        costs = [run(each.command, done) for each in example.made]
        strip(example, costs).save(STRIPS / f"{example.name}.jpg", quality=88, optimize=True)
        if example.also and (MADE / example.also).exists():
            shutil.copy(MADE / example.also, STRIPS)
    # So that the command that fills it can be copied.
    shutil.rmtree(MADE / "frames", ignore_errors=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Wrote {PAGE.relative_to(ROOT)}.")


if __name__ == "__main__":
    build(sys.argv[1:])

"""The example pictures that come with the project: photographs and paintings."""

from pathlib import Path

from nst_utils.base.errors import MissingFileError

# The images of a checkout, and their copy inside an installed package.
GALLERIES = (Path(__file__).resolve().parents[2] / "images", Path(__file__).resolve().parents[1] / "gallery")


def find_example(name: str) -> Path:
    """The path of an example picture such as "content/dahlia.jpg", found from any working directory."""
    for gallery in GALLERIES:
        if (gallery / name).is_file():
            return gallery / name
    raise MissingFileError(f"There is no example picture {name}: look for its name in {GALLERIES[0]}.")


def examples(kind: str) -> list[Path]:
    """The paths of all example pictures of a kind, "content" or "style", in the order of their names."""
    for gallery in GALLERIES:
        if (gallery / kind).is_dir():
            return sorted(path for path in (gallery / kind).iterdir() if path.suffix in (".jpg", ".png", ".webp"))
    return []

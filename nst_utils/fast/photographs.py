"""Training photographs: read once, kept small, and cut into pieces of every scale."""

from pathlib import Path

import numpy as np
from PIL import Image

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.pictures.colors import Moments, recolor
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import output_size, resize

# Added to the variance of a photograph's colours, in squared grey levels: a nearly plain one is not made all noise.
PLAIN_VARIANCE = 25.0
_LARGEST = 640
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")


def read_photographs(folder, smallest, tell=lambda line: None):
    """The pictures of a folder and the folders in it, uint8 (H, W, 3), their longer side at most 640 pixels.

    smallest: the side in pixels that a piece needs. A file that cannot be read is told and passed over. Raises
    InputError where none is left.
    """
    folder = Path(folder)
    if not folder.exists():
        raise MissingFileError(f"The folder {folder} does not exist: check the path of the training photographs.")
    if not folder.is_dir():
        raise InputError(f"{folder} is a file: give the folder of the training photographs.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    found = []
    for path in paths:
        try:
            picture = read_image(path)
        except InputError as error:
            tell(f"Passed over: {error}")
            continue
        if min(picture.shape[:2]) < smallest:
            tell(f"Passed over: {path} is {picture.shape[1]}x{picture.shape[0]}, smaller than a piece of {smallest}.")
            continue
        longest = max(_LARGEST, smallest * max(picture.shape[:2]) / min(picture.shape[:2]))
        found.append(resize(picture, output_size(picture.shape[1::-1], None, int(np.ceil(longest)))))
    if not found:
        what = "no picture that can be used" if paths else "no pictures"
        raise InputError(f"The folder {folder} holds {what}: give one with photographs of at least {smallest} pixels.")
    return found


def piece(photographs, side, rng, margin=0):
    """A piece (side + margin, side + margin, 3), float32, of a photograph at a scale and place that rng chooses."""
    picture = photographs[rng.integers(len(photographs))]
    height, width = picture.shape[:2]
    whole = min(height, width)
    need = side + margin
    # From the whole of the shorter side down to the pixels as they are, or a third of the photograph.
    span = whole * np.exp(rng.uniform(np.log(max(min(1.0, need / whole), 0.35)), 0))
    left, top = rng.uniform(0, width - span), rng.uniform(0, height - span)
    box = (left, top, left + span, top + span)
    found = Image.fromarray(picture).resize((need, need), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
    found = np.asarray(found, np.float32)
    return found[:, ::-1] if rng.random() < 0.5 else found


def own_colors(picture):
    """The Moments of a photograph's colours, as fast style transfer takes them."""
    moments = Moments.of(picture)
    return Moments(moments.mean, moments.covariance + PLAIN_VARIANCE * np.eye(3))


def in_colors(picture, colors, own=None):
    """The photograph in the colours (Moments) of a painting, float32, not clipped."""
    return recolor(picture, colors, own or own_colors(picture))


def draw_batch(photographs, paintings, plan, step, replica=0):
    """The batch of a step, as training_cost() takes it; it depends on the seed, the step and the replica alone."""
    rng = np.random.default_rng((plan.seed, step, replica) if replica else (plan.seed, step))
    side, again = plan.side, plan.batch // 2 if plan.steady else 0
    rows = {"photographs": [], "again": []}
    styles, moves = [], []
    for number in range(plan.batch):
        large = piece(photographs, side, rng, margin=4)
        style = int(rng.integers(len(paintings)))
        own = own_colors(large)
        colored = in_colors(large, paintings[style].colors, own)
        rows["photographs"].append(colored[:side, :side])
        styles.append(style)
        if number < again:
            move = rng.integers(0, 4, 2) + (rng.random(2) if rng.random() < 0.3 else 0.0)
            move = np.minimum(move, 3.999)
            noisy = _moved(large, move, side) + rng.normal(0, rng.uniform(0, plan.noise), (side, side, 3))
            rows["again"].append(in_colors(noisy.astype(np.float32), paintings[style].colors, own))
            moves.append(move)
    return {
        "photographs": np.stack(rows["photographs"]),
        "styles": np.array(styles, np.int32),
        "again": np.reshape(np.array(rows["again"], np.float32), (again, side, side, 3)),
        "moved": np.reshape(np.array(moves, np.float32), (again, 2)),
    }


def _moved(large, move, side):
    """The pixels `side` rows and columns from `move` on, (2,) real, of a piece with a margin; linear in between."""
    (down, right), (y, x) = np.floor(move).astype(int), move - np.floor(move)

    def at(i, j):
        return large[down + i : down + i + side, right + j : right + j + side]

    if not (y or x):
        return at(0, 0)
    return (1 - y) * ((1 - x) * at(0, 0) + x * at(0, 1)) + y * ((1 - x) * at(1, 0) + x * at(1, 1))

"""Films of a picture's making: frames in a folder, and GIF, WebP or MP4.

Frames of a coarse level are enlarged to the size of the finished picture. They are kept in files until the film is
written, so that a long run of a large picture takes no memory for them.
"""

import contextlib
import re
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.base.files import check_folder, replacing
from nst_utils.pictures.sizes import resize
from nst_utils.pictures.writing import check_writable, write_image

FORMATS = (".gif", ".webp", ".mp4")
# Seconds for which the last frame stands still.
_REST = 1.5


def check_film(path, size=(2, 2)):
    """The path, if a film of pictures (width, height) can be written there; InputError otherwise."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path} has no film format that can be written: end it in .gif, .webp or .mp4.")
    return check_folder(path) if path.suffix.lower() == ".mp4" else check_writable(path, size)


def check_frames(folder, go_on=False):
    """The path of a folder for frames, which need not exist yet; InputError where they cannot be put there.

    go_on: whether frames that are there are those of the same run, which goes on.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give the path of a folder for the frames.")
    if not go_on and folder.is_dir() and any(re.fullmatch(r"frame-\d+\.png", path.name) for path in folder.iterdir()):
        raise InputError(f"{folder} already holds frames, which would be lost: give another folder.")
    check_folder(folder / "frame-0000.png" if folder.is_dir() else folder)
    return folder


class Frames:
    """Collects every Nth picture of a run, in a folder of the user's or a passing one, and makes a film of them.

    with Frames(size, folder, every=5) as frames:
        ...  # frames.add(number, picture)
        frames.finish(last_picture)
        frames.write_film("film.mp4")
    """

    def __init__(self, size, folder=None, every=1, there=0):
        """size: (width, height) of the frames. folder: None for a passing one, which is removed afterwards.

        there: how many frames in the folder are those of this run, which goes on; less, if some are missing.
        """
        self.size, self.every, self._folder, self._there = size, every, folder, there
        self._paths, self._last, self._cleanup = [], None, contextlib.ExitStack()

    def __enter__(self):
        if self._folder is None:
            self._folder = self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="frames-"))
        self._folder = Path(self._folder)
        self._folder.mkdir(exist_ok=True)
        while len(self._paths) < self._there and self._next.exists():
            self._paths.append(self._next)
            self._last = (len(self._paths) - 1) * self.every
        return self

    def __exit__(self, *exception):
        self._cleanup.close()

    def add(self, number, picture):
        """Keep the picture (H, W, 3) uint8 of a step, if its number is one of every Nth and a new one."""
        if number % self.every == 0 and number != self._last:
            self._last = number
            self._write(picture)

    def finish(self, picture):
        """Keep the finished picture as the last frame, if it is not that already."""
        if not self._paths or not np.array_equal(_read(self._paths[-1]), picture):
            self._write(picture)

    @property
    def paths(self):
        """The files of the frames so far, in their order."""
        return tuple(self._paths)

    def write_film(self, path, fps=10, every=1):
        """Write the frames, or every so many of them and the last, as a film in the format of the extension."""
        path = check_film(path, self.size)
        with replacing(path) as temporary:
            if path.suffix.lower() == ".mp4":
                self._write_mp4(temporary, fps, chosen(self._paths, every))
            else:
                self._write_animation(temporary, fps, chosen(self._paths, every))

    @property
    def _next(self):
        return self._folder / f"frame-{len(self._paths):04d}.png"

    def _write(self, picture):
        path = self._next
        write_image(path, resize(picture, self.size))
        self._paths.append(path)

    def _write_animation(self, path, fps, paths):
        durations = [round(1000 / fps)] * (len(paths) - 1) + [round(1000 * _REST)]
        write_animation(path, map(_read, paths), durations)

    def _write_mp4(self, path, fps, paths):
        import imageio.v2 as iio

        writer = iio.get_writer(
            path, format="FFMPEG", fps=fps, codec="libx264", quality=8, macro_block_size=1, ffmpeg_log_level="error"
        )
        with contextlib.closing(writer):
            for each in [*paths, *[paths[-1]] * round(_REST * fps)]:
                writer.append_data(even(_read(each)))


def write_animation(path, pictures, durations):
    """Write pictures, uint8 (H, W, 3), as a GIF or WebP that begins again at its end; taken one after the other.

    durations: milliseconds, of each picture or of all alike.
    """
    images = map(Image.fromarray, pictures)
    options = {"quality": 90} if path.suffix.lower() == ".webp" else {}
    next(images).save(path, save_all=True, append_images=images, duration=durations, loop=0, **options)


def chosen(paths, every):
    """Every so many of the paths, counted from the first, and the last one."""
    return [path for number, path in enumerate(paths) if number % every == 0 or number == len(paths) - 1]


def _read(path):
    with Image.open(path) as image:
        return np.array(image)


def even(picture):
    """The picture with an even number of rows and columns, as the film's colours need it: the last ones twice."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")

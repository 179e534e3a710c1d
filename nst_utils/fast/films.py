"""Films, frame by frame through a trained network: sound kept, little memory, and gone on with after a kill.

The painted frames are kept in parts, lossless films of a second or two in a folder beside the one to be; those that
are whole are not painted again. At the end they become one film, with the sound of the first.
"""

import contextlib
import json
import math
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.files import check_folder, refuse_overwriting, replacing
from nst_utils.pictures.films import even, write_animation
from nst_utils.pictures.sizes import output_size, resize

# Frames of a part: what a kill loses at most.
PART = 48
READ, WRITTEN = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif"), (".mp4", ".gif")


@dataclass(frozen=True)
class Film:
    """A film to be read: its size (width, height), frames a second, and how many frames it says it has, or None."""

    path: Path
    size: tuple
    fps: float
    count: int | None

    def frames(self, first=0):
        """The frames, uint8 (H, W, 3), from a number on, one after the other."""
        return _gif_frames(self.path, first) if self.path.suffix.lower() == ".gif" else _video_frames(self, first)


def open_film(path):
    """The Film in a file; InputError where it is none or has no frames."""
    path = Path(path)
    if not os.path.exists(path):
        raise MissingFileError(f"{path} does not exist: check the spelling of the film's path.")
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder: give the path of one film.")
    if path.suffix.lower() not in READ:
        raise InputError(f"{path} is no film that can be read: give one of {', '.join(READ)}.")
    try:
        film = _open_gif(path) if path.suffix.lower() == ".gif" else _open_video(path)
        next(film.frames())
    except Exception as error:  # imageio, ffmpeg and Pillow raise many kinds on damaged bytes; all mean the same here
        reason = (str(error).strip().splitlines() or ["it has no frames"])[-1].rstrip(".")
        raise InputError(f"{path} is not a film that can be read, or has no frames ({reason}).") from None
    return film


def paint_film(source, out, paint, max_side=None, key="", tell=lambda done, count: None):
    """Paint a film frame by frame: paint(picture) gives each of its frames, uint8 (H, W, 3), anew.

    source, out: paths, out ending in .mp4 or .gif. key: what tells this way of painting from others, so that parts
    painted otherwise are not taken for its own. tell: called with the frames done and their number, or None. Returns
    the number of frames; fewer than the film says it has where it ends early. Raises InputError with one sentence.
    """
    film, out = open_film(source), Path(out)
    if out.suffix.lower() not in WRITTEN:
        raise InputError(f"{out} has no film format that can be written: end it in .mp4 or .gif.")
    check_folder(out)
    refuse_overwriting(out, [source])
    size = output_size(film.size, None, max_side)
    parts = _Parts(out, film, size, key)
    done = parts.done
    if not parts.ended:
        writer = None
        try:
            for picture in film.frames(done):
                if writer is None:
                    writer = parts.begin(done // PART)
                writer.append_data(paint(resize(picture, size)))
                done += 1
                tell(done, film.count)
                if done % PART == 0:
                    parts.finish(writer, done // PART - 1)
                    writer = None
        except BaseException:
            if writer is not None:
                writer.close()
            raise
        if writer is not None:
            parts.finish(writer, done // PART)
        parts.end(done)
    _join(parts, film, out)
    parts.remove()
    return done


class _Parts:
    """The folder of a film's painted parts, and which of them are whole."""

    def __init__(self, out, film, size, key):
        self.folder = out.with_name(out.name + ".parts")
        status = film.path.stat()
        words = [str(film.path.resolve()), status.st_size, status.st_mtime_ns, list(size), film.fps, PART, key]
        about = self.folder / "about.json"
        try:
            same = json.loads(about.read_text()) == words
        except (OSError, ValueError):
            same = False
        if not same:
            self.remove()
            try:
                self.folder.mkdir()
                about.write_text(json.dumps(words))
            except OSError as error:
                raise InputError(f"The folder {self.folder} cannot be made ({error.strerror}).") from None
        self.fps, self.size = film.fps, size

    @property
    def paths(self):
        """The whole parts, in order, up to the first that is missing."""
        found = []
        while (path := self.path(len(found))).exists():
            found.append(path)
        return found

    @property
    def ended(self):
        """Whether all of the film has been painted."""
        return (self.folder / "end").exists()

    @property
    def done(self):
        """How many frames the whole parts hold."""
        return int((self.folder / "end").read_text()) if self.ended else len(self.paths) * PART

    def path(self, number):
        return self.folder / f"part-{number:05d}.mkv"

    def begin(self, number):
        """A writer of the part of that number."""
        import imageio.v2 as iio

        self.writing = self.folder / "writing.mkv"
        return iio.get_writer(
            self.writing, format="FFMPEG", fps=self.fps, codec="libx264rgb", quality=None, macro_block_size=1,
            pixelformat="rgb24", output_params=["-qp", "0", "-preset", "ultrafast"], ffmpeg_log_level="error",
        )

    def finish(self, writer, number):
        """Give a whole part its name."""
        writer.close()
        os.replace(self.writing, self.path(number))

    def end(self, count):
        with replacing(self.folder / "end") as temporary:
            temporary.write_text(str(count))

    def frames(self):
        """All painted frames."""
        for path in self.paths:
            yield from _video_frames(Film(path, self.size, self.fps, None), 0)

    def remove(self):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.folder)


def _join(parts, film, out):
    """One film of all parts, with the sound of the one that was painted."""
    with replacing(out) as temporary:
        if out.suffix.lower() == ".gif":
            durations = _durations(film.path) if film.path.suffix.lower() == ".gif" else None
            write_animation(temporary, parts.frames(), durations or round(1000 / film.fps))
            return
        import imageio.v2 as iio

        silent = temporary.with_name("silent.mp4")
        writer = iio.get_writer(
            silent, format="FFMPEG", fps=film.fps, codec="libx264", quality=8, macro_block_size=1,
            ffmpeg_log_level="error", output_params=["-threads", "1", "-fflags", "+bitexact"],
        )
        with contextlib.closing(writer):
            for picture in parts.frames():
                writer.append_data(even(picture))
        _with_sound(silent, film.path, temporary)
        silent.unlink()


def _with_sound(silent, source, out):
    """The silent film with the sound of the source, if it has any."""
    from imageio_ffmpeg import get_ffmpeg_exe

    words = [
        get_ffmpeg_exe(), "-y", "-loglevel", "error", "-i", str(silent), "-i", str(source), "-map", "0:v", "-map",
        "1:a?", "-c:v", "copy", "-fflags", "+bitexact", "-flags:a", "+bitexact",
    ]
    for sound in (["-c:a", "copy"], ["-c:a", "aac"]):  # what an .mp4 cannot hold as it is, it holds as AAC
        if subprocess.run([*words, *sound, str(out)], capture_output=True).returncode == 0:
            return
    shutil.copy(silent, out)


def _open_video(path):
    import imageio.v2 as iio

    with iio.get_reader(path, format="FFMPEG") as reader:
        about = reader.get_meta_data()
    fps, duration = about["fps"], about.get("duration")
    count = round(fps * duration) if duration and math.isfinite(duration) else None
    return Film(path, tuple(about["size"]), fps, count)


def _video_frames(film, first):
    import imageio.v2 as iio

    with iio.get_reader(film.path, format="FFMPEG", output_params=["-fps_mode", "passthrough"]) as reader:
        number = 0
        while True:
            try:
                picture = reader.get_next_data()
            except (IndexError, StopIteration, RuntimeError):
                return
            if number >= first:
                yield np.asarray(picture)
            number += 1


def _open_gif(path):
    with Image.open(path) as image:
        durations = _durations(path)
        return Film(path, image.size, 1000 / (sum(durations) / len(durations)), len(durations))


def _durations(path):
    """Milliseconds of each frame of a GIF."""
    with Image.open(path) as image:
        return [max(20, frame.info.get("duration") or 100) for frame in ImageSequence.Iterator(image)]


def _gif_frames(path, first):
    with Image.open(path) as image:
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            if number >= first:
                yield np.array(frame.convert("RGB"))

"""The page of the studio, an ipywidget: what it shows comes from a session, what is done on it goes to one.

All that a page sends is taken for a stranger's word: names lead to nothing but what stands in a list here, numbers are
read as the command line reads them, files are bounded. What it is sent, it shows as text, never as HTML.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import io
import json
import math
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.base.files import write_text
from nst_utils.base.types import Array
from nst_utils.engine.kinds import Choice, File, Masks, Memory, Number, Numbers, Size, Start, WeightedLayers, Whole
from nst_utils.engine.settings import GROUPS, STARTS, Settings, default_text, read_setting, read_settings
from nst_utils.fast.styles import read_book
from nst_utils.network.weights import EMBEDDED_NAME, MODEL_FOLDERS, OFFICIAL_NAME
from nst_utils.pictures.gallery import examples
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import output_size, resize
from nst_utils.studio.session import News, Painting, Present, Session, file_name, png_of
from nst_utils.studio.uploads import MOST_BYTES, Parts, Picture, plain_name, read_upload
from nst_utils.studio.waiting import Places

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from nst_utils.engine.run import Step

_HERE = Path(__file__).resolve().parent
# Longest sides of what is sent to the page, in pixels; the download is of the full size.
_VIEW_SIDE, _THUMB_SIDE = 1280, 160
_MOST_PAINTINGS, _MOST_KEPT, _STRIP, _CURVE = 8, 12, 10, 200
# Seconds between two pictures of a run, at least.
_PAUSE = 0.07
# Seconds of silence after which a page counts as closed: browsers let a page in the background speak once a minute.
SILENCE = 150

# The few controls that matter first: what to call them, and the range of their sliders, which are logarithmic in two.
FIRST: dict[str, dict[str, Any]] = {
    "strength": {"title": "Strength", "low": 0, "high": 1, "step": 0.05},
    "style_scale": {"title": "Brush size", "low": 0.25, "high": 4, "log": True},
    "keep_colors": {"title": "Colours"},
    "method": {"title": "Method"},
    "max_side": {"title": "Size: longest side", "low": 64, "high": 2048, "step": 16},
    "iterations": {"title": "Quality: steps", "low": 2, "high": 200, "step": 1},
}
# What depends on other settings where it is not given.
FILLED_IN = ("iterations", "init", "epsilon")
# The notebook that explains a group of settings, or a single one.
NOTEBOOKS = {
    "alpha": "05_total_cost", "beta": "05_total_cost", "content_layers": "02_content_cost",
    "style_layers": "04_style_cost", "pooling": "01_transfer_learning_with_vgg19", "tv_weight": "05_total_cost",
    "styles": "04_style_cost", "costs": "05_total_cost", "optimiser": "06_optimisation", "start": "06_optimisation",
    "machine": "07_the_same_in_tensorflow_2", "first": "06_optimisation", "style_scale": "04_style_cost",
    "style_angle": "04_style_cost", "method": "09_beyond_gram", "strength": "05_total_cost",
    "keep_colors": "04_style_cost", "weights": "01_transfer_learning_with_vgg19",
}
# What an instructor steps through in front of a class: a name, what to look at, and the settings that are changed,
# for the course's method, whichever is chosen on the page.
PRESETS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("As it is", "The settings as they are on this page.", {}),
    ("Content only", "From noise, the content cost alone: the photograph comes back, without a painting in it.",
     {"beta": 0.0, "init": "noise", "method": "gram"}),
    ("Style only", "From noise, the style cost alone: the manner without any place for things.",
     {"alpha": 0.0, "init": "noise", "method": "gram"}),
    ("One shallow layer", "Only conv1_1 is asked for its style: colours and the finest strokes.",
     {"style_layers": (("conv1_1", 1.0),), "method": "gram"}),
    ("One deep layer", "Only conv5_1 is asked for its style: large shapes, and hardly a colour of the painting.",
     {"style_layers": (("conv5_1", 1.0),), "init": "content", "method": "gram"}),
    ("No recolouring", "The start is the photograph as it is: what the first step no longer has done for it.",
     {"init": "content", "method": "gram"}),
    ("Noise start", "The start is noise: everything has to be found, and takes more steps.",
     {"init": "noise", "method": "gram"}),
    ("Neighbours", "Another way to judge: each place is to look like a spot of the painting that fits there.",
     {"method": "neighbours", "optimizer": "lbfgs", "content_layers": Settings.content_layers,
      "style_layers": Settings.style_layers}),
)
_PRESET_SIDE, _PRESET_STEPS = 200, 20


class Studio(anywidget.AnyWidget):
    """The studio: choose a photo and paintings, see at once what comes of them, let it be painted, take it with you.

    Shown at the end of a notebook's cell, or by `nst studio` in a browser of its own. notebooks: the address of the
    course's notebooks as web pages; without it, those beside the notebook that shows the studio are linked.
    """

    _esm = _HERE / "page.js"
    _css = _HERE / "page.css"

    form: Any = traitlets.List().tag(sync=True)
    groups = traitlets.Dict().tag(sync=True)
    gallery = traitlets.Dict().tag(sync=True)
    presets: Any = traitlets.List().tag(sync=True)
    notebooks = traitlets.Unicode().tag(sync=True)
    limits = traitlets.Dict().tag(sync=True)
    blink: Any = traitlets.List().tag(sync=True)  # the styles of the trained network
    # What changes: the pictures chosen, the settings as texts, what the session tells.
    photo = traitlets.Dict().tag(sync=True)
    paintings: Any = traitlets.List().tag(sync=True)
    texts = traitlets.Dict().tag(sync=True)
    answered = traitlets.Dict().tag(sync=True)  # {page: number of its last change of settings that was looked at}
    usual = traitlets.Dict().tag(sync=True)
    before = traitlets.Bytes().tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)
    status = traitlets.Dict().tag(sync=True)
    curve: Any = traitlets.List().tag(sync=True)
    strip: Any = traitlets.List().tag(sync=True)
    kept: Any = traitlets.List().tag(sync=True)

    def __init__(self, notebooks: str = "", places: Places | None = None) -> None:
        self._examples = {kind: {_title(path): path for path in examples(kind)} for kind in ("content", "style")}
        self._uploads: dict[str, Parts] = {}
        self._start: Picture | None = None
        self._kept: dict[int, dict[str, Any]] = {}
        self._number = 0
        self._strip: list[dict[str, Any]] = []
        self._every, self._sent = 1, 0.0
        self._seen: float | None = None
        self._shown: Step | None = None
        self._refused = ""  # why the last wish was refused: said until the next one, whatever is painted meanwhile
        self._session = Session(self._told, places)
        super().__init__(
            form=[_control(each) for each in dataclasses.fields(Settings)],
            groups=GROUPS,
            gallery={
                kind: [{"name": name, "url": _example_thumb(path)} for name, path in found.items()]
                for kind, found in self._examples.items()
            },
            presets=[{"title": title, "words": words} for title, words, _ in PRESETS],
            notebooks=notebooks or os.environ.get("NST_STUDIO_NOTEBOOKS", ""),
            limits={"bytes": MOST_BYTES},
            blink=_fast_styles(),
            status={"state": "idle", "message": "", "busy": False, "painted": False},
        )
        self.on_msg(self._received)
        with self._session.lock:
            self._choose_first()
            self._show_usual()
        threading.Thread(target=self._watch, name="studio-watch", daemon=True).start()

    def close(self) -> None:
        """End the session and remove its files."""
        self._session.close()
        super().close()

    # What is done on the page

    def _received(self, _: object, message: Any, buffers: Sequence[Buffer]) -> None:
        """One message of the page. Whatever is wrong with it becomes one sentence there."""
        self._seen = time.monotonic()
        action = _ACTIONS.get(str(message.get("do"))) if isinstance(message, dict) else None
        if action is None:
            return
        with self._session.lock:
            if action not in (Studio._alive, Studio._hello):
                self._refused = ""
            try:
                action(self, message, buffers)
            except InputError as error:
                self._refuse(str(error))
            except (KeyError, TypeError, ValueError, IndexError, AttributeError):
                self._refuse("The page sent something that cannot be understood: load it again.")
            if action is Studio._set and isinstance(message.get("number"), int):
                self.answered = self.answered | {str(message.get("page"))[:40]: message["number"]}

    def _hello(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        if not self._session.busy and not self._session.present:
            self._session.quick_look()

    def _bye(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        self._session.stop()

    def _alive(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        self.send({"kind": "alive"})

    def _example(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        """One of the example pictures, by a name that stands in the list."""
        kind = "content" if message["what"] == "photo" else "style"
        name = message["name"]
        self._take(message["what"], Picture(name, read_image(self._examples[kind][name])), message)
        self._changed()

    def _upload(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        """A part of a file; when it is there, what it is for."""
        key = str(message["id"])[:40]
        if message["part"] == 0:
            self._uploads = {key: Parts(message["name"], int(message["size"]))}  # one at a time
        parts = self._uploads.get(key)
        if parts is None:
            return  # it was refused, and the rest of it was on its way
        try:
            data = parts.add(bytes(buffers[0]))
        except InputError:
            del self._uploads[key]
            raise
        if data is None:
            return
        del self._uploads[key]
        if message["what"] == "settings":
            self._take_settings(parts.name, data)
        else:
            self._take(message["what"], read_upload(parts.name, data), message)
        self._changed()

    def _remove(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        session, index = self._session, int(message["index"])
        session.paintings = [each for i, each in enumerate(session.paintings) if i != index]
        self._show_paintings()
        if session.paintings:
            self._changed()

    def _painting(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        """The weight, brush size or mask word of one painting."""
        session, index = self._session, int(message["index"])
        old = session.paintings[index]
        new = {}
        if "weight" in message:
            new["weight"] = read_setting("style_weights", str(message["weight"]))[0]
        if "scale" in message:
            new["scale"] = read_setting("style_scale", str(message["scale"]))[0]
        if message.get("mask") in ("all", "rest"):
            new["mask"] = message["mask"]
        session.paintings = [
            dataclasses.replace(each, **new) if each is old else each for each in session.paintings
        ]
        self._show_paintings()
        self._changed()

    def _set(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        """The settings of the page, as texts; what does not fit is said, and nothing is changed."""
        texts = {str(name): str(text).strip() for name, text in message["texts"].items()}
        settings = {name: self._read(name, text) for name, text in texts.items() if text}
        self._session.job(settings)
        self._use(settings, texts)
        self._changed()

    def _paint(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        self._session.paint()

    def _stop(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        self._session.stop()

    def _go_on(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        steps = str(message.get("steps") or "").strip()
        self._session.go_on(read_setting("iterations", steps) if steps else None)

    def _preset(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        _, _, changes = PRESETS[int(message["number"]) % len(PRESETS)]
        steps = _PRESET_STEPS if changes else min(_PRESET_STEPS, 12)
        self._session.quick_look(changes, _PRESET_SIDE, steps)

    def _keep(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        present = self._present()
        self._refuse_more()
        width, height = present.run.size
        words = f"{present.step.iteration} steps, {width}x{height}, J = {present.step.total:.3g}"
        changed = ", ".join(f"{name} {text}" for name, text in self.texts.items() if text)
        self._add_kept(present.image, present.names, words, changed or "settings as they come", present.report())

    def _blink(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        """The photo in a style of the trained network, beside what is painted: its picture is kept at once."""
        style = str(message["style"])
        if style not in self.blink:
            raise InputError(f"The network knows no style called {plain_name(style)}: choose one of those shown.")
        session = self._session
        if session.photo is None:
            raise InputError("There is no photo yet: choose one first.")
        self._refuse_more()
        self._say(f"Painting in the style {style} ...")
        threading.Thread(target=self._blink_at, args=(style, session.photo, session.settings), daemon=True).start()

    def _blink_at(self, style: str, photo: Picture, settings: dict[str, Any]) -> None:
        try:
            from nst_utils.fast.painting import painter_of  # which imports TensorFlow

            wanted = {name: settings[name] for name in ("size", "max_side", "strength") if name in settings}
            given = Settings.of(**wanted)
            size, painter = output_size(photo.pixels.shape[1::-1], given.size, given.max_side), painter_of()
            small, began = resize(photo.pixels, size), time.perf_counter()
            picture = painter.paint(small, painter.book.manner(style), given.strength)
            seconds = time.perf_counter() - began
        except InputError as error:
            self._say(str(error), failed=True)
            return
        except Exception as error:  # whatever it is, the page has to say so
            self._say(f"Painting failed ({type(error).__name__}: {error}): try it again.", failed=True)
            return
        words, how = f"in {seconds:.2f} s, {size[0]}x{size[1]}", f"the trained network, strength {given.strength:g}"
        report = {"content": photo.name, "fast_style": style, "strength": given.strength, "size": size}
        with self._session.lock:
            self._add_kept(picture, (photo.name, style), words, how, report)
        self._say(f"Painted {words}: it is with the pictures kept.")

    def _drop(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        self._kept.pop(int(message["number"]), None)
        self._show_kept()

    def _download(self, message: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        """Send a file: the picture, its settings, a kept picture, or a film, which is made beside."""
        what = message["what"]
        if what == "kept":
            kept = self._kept[int(message["number"])]
            self._send_file(kept["name"], kept["png"])
            return
        present = self._present()
        if what == "picture":
            self._send_file(file_name(present.names, ".png"), present.png())
            return
        if what == "settings":
            self._send_file(file_name(present.names, ".json"), _json(present.report()))
            return
        if what not in (".gif", ".webp", ".mp4", ".zip"):
            raise InputError("There is no such file to download.")
        fps = Number(least=0.1, most=60).read("Frames a second", str(message.get("fps", 10)))
        every = Whole(1, 1000).read("Every Nth step", str(message.get("every", 1)))
        self._say("Making the film ...")
        threading.Thread(target=self._make_film, args=(present, what, fps, every), daemon=True).start()

    def _make_film(self, present: Present, suffix: str, fps: float, every: int) -> None:
        try:
            film = self._session.film(suffix, fps, every)
        except InputError as error:
            self._say(str(error), failed=True)
            return
        except Exception as error:  # of the film's encoder, or files that a new painting has taken away
            self._say(f"The film could not be made ({type(error).__name__}): try it again.", failed=True)
            return
        self._send_file(file_name(present.names, suffix), film)
        self._say("The film is made.")

    # What these have in common

    def _present(self) -> Present:
        if self._session.present is None:
            raise InputError("There is no picture yet: paint one first.")
        return self._session.present

    def _refuse_more(self) -> None:
        if len(self._kept) >= _MOST_KEPT:
            raise InputError(f"{_MOST_KEPT} pictures are kept already: remove one first.")

    def _add_kept(
        self, image: Array, names: tuple[str, str], words: str, settings: str, report: dict[str, Any]
    ) -> None:
        self._number += 1
        number = self._number
        self._kept[number] = {
            "number": number, "title": f"{number}: {names[1]}", "words": words, "settings": settings,
            "url": _thumb(image, 480), "name": file_name(names, f"-{number}.png"), "png": png_of(image, report),
        }
        self._show_kept()

    def _choose_first(self) -> None:
        """Something to look at from the first moment."""
        for what, kind in (("photo", "content"), ("painting", "style")):
            names = list(self._examples[kind])
            if names:
                name = next((each for each in names if "Summer Palace" in each or "Cafe Terrace" in each), names[0])
                self._take(what, Picture(name, read_image(self._examples[kind][name])), {})

    def _take(self, what: str, picture: Picture, message: dict[str, Any]) -> None:
        session = self._session
        if what == "photo":
            session.photo = picture
            self.photo = {"name": picture.name, "url": _thumb(picture.pixels)}
            self._show_before(picture)
        elif what == "painting":
            if len(session.paintings) >= _MOST_PAINTINGS:
                raise InputError(f"There are {_MOST_PAINTINGS} paintings already: remove one first.")
            only = message.get("instead") and len(session.paintings) == 1
            session.paintings = [*([] if only else session.paintings), Painting(picture)]
            self._show_paintings()
        elif what == "mask":
            index = int(message["index"])
            session.paintings = [
                dataclasses.replace(each, mask=picture) if i == index else each
                for i, each in enumerate(session.paintings)
            ]
            self._show_paintings()
        elif what == "start":
            self._start = picture
            self.texts = self.texts | {"init": "upload"}
            session.settings = session.settings | {"init": picture.pixels}

    def _use(self, settings: dict[str, Any], texts: dict[str, str]) -> None:
        self._session.settings, self.texts = settings, texts
        self._show_usual()

    def _changed(self) -> None:
        """What a change leads to, once there are pictures to paint."""
        if self._session.photo and self._session.paintings:
            self._session.change()

    def _read(self, name: str, text: str) -> Any:
        """A setting from its text, as the command line reads it, but for files, which are those in a list."""
        if name not in Settings.__dataclass_fields__ or name in ("style_weights", "masks"):
            raise InputError(f"There is no setting called {name!r} on this page.")
        kind = Settings.__dataclass_fields__[name].metadata["kind"]
        if isinstance(kind, File):
            if text not in (found := _weights_files()):
                raise InputError(f"There are no weights called {plain_name(text)}: choose from the list.")
            return str(found[text])
        if isinstance(kind, Start):
            if text == "upload" and self._start is not None:
                return self._start.pixels
            if text not in STARTS:
                raise InputError(f"There is no start called {plain_name(text)}: choose from the list.")
            return text
        return read_setting(name, text)

    def _take_settings(self, name: str, data: bytes) -> None:
        """A settings file, as the command line reads it; the files it names are not looked for."""
        with tempfile.TemporaryDirectory(prefix="studio-") as folder:
            path = Path(folder) / "settings"
            try:
                write_text(path, data.decode("utf-8"))
                found = read_settings(path)
            except UnicodeDecodeError:
                raise InputError(f"{plain_name(name)} is no settings file: give a report, or TOML.") from None
            except InputError as error:
                raise InputError(str(error).replace(str(path), plain_name(name))) from None
        session, left_out = self._session, []
        weights = found.pop("style_weights", None)
        if weights and len(weights) == len(session.paintings):
            session.paintings = [
                dataclasses.replace(each, weight=weight)
                for each, weight in zip(session.paintings, weights, strict=True)
            ]
            self._show_paintings()
        elif weights:
            left_out.append("weights of other paintings")
        if found.pop("masks", None):
            left_out.append("masks")
        known = {str(path): word for word, path in _weights_files().items()}
        if "weights" in found and (word := known.get(found["weights"])) is None:
            del found["weights"]
            left_out.append("the weights file")
        elif "weights" in found:
            found["weights"] = word
        if "init" in found and found["init"] not in STARTS:
            del found["init"]
            left_out.append("the picture to start from")
        texts = {each: _text_of(each, value) for each, value in found.items() if value is not None}
        settings = {each: self._read(each, text) for each, text in texts.items()}
        session.job(settings)
        self._use(settings, texts)
        if left_out:
            self._say(f"Taken from {plain_name(name)}, without {' and '.join(left_out)}: choose them here.")

    # What the page is told

    def _told(self, news: News) -> None:
        """News of the session, which holds its lock."""
        session, present = self._session, news.present
        if present and news.state in ("painting", "done") and not present.job.quick:
            self._add_to_strip(present)
        now = time.monotonic()
        if present and news.state in ("painting", "quick") and now - self._sent < _PAUSE:
            return  # a page shows no more pictures a second than that
        status = {
            "state": news.state, "message": news.message, "busy": session.busy, "painted": session.present is not None,
            "failed": news.state == "failed",
        }
        if self._refused:
            status |= {"message": self._refused, "failed": True}
        with self.hold_sync():
            if present:
                step = present.step
                history = session.looked_history if present.job.quick else session.history
                status |= {
                    "iteration": step.iteration, "planned": step.planned, "width": step.width, "height": step.height,
                    "full_width": present.run.size[0], "full_height": present.run.size[1], "exact": step.exact,
                    "total": step.total, "content": step.content, "style": step.style, "seconds": step.seconds,
                    "left": news.left, "quick": present.job.quick, "method": present.job.settings.method,
                }
                self.curve = _thinned([[s.iteration, s.total, s.content, s.style] for s in history])
                if step is not self._shown:
                    self.picture, self._shown, self._sent = _jpeg(step.image, _VIEW_SIDE), step, now
            else:
                status = {**{k: v for k, v in self.status.items() if k not in status}, **status}
            self.status = status

    def _refuse(self, message: str) -> None:
        self._refused = message
        self._say(message, failed=True)

    def _say(self, message: str, failed: bool = False) -> None:
        with self._session.lock:
            self.status = self.status | {"message": message, "failed": failed, "busy": self._session.busy}

    def _add_to_strip(self, present: Present) -> None:
        """A small picture of every so many steps, ten at most."""
        number = len(self._session.history) - 1
        if number == 0 and not present.job.went_on:
            self._strip, self._every = [], 1
        if number % self._every == 0 or present.state.stopped:
            self._strip.append({"step": present.step.iteration, "url": _thumb(present.step.image, 120)})
            if len(self._strip) > _STRIP:
                self._strip, self._every = self._strip[::2], self._every * 2
            self.strip = list(self._strip)

    def _show_usual(self) -> None:
        """What is taken for settings that are not given and depend on others."""
        given = {name: value for name, value in self._session.settings.items() if name not in FILLED_IN}
        usual = Settings.of(**given)
        self.usual = {name: str(getattr(usual, name) or "") for name in FILLED_IN}

    def _show_before(self, photo: Picture) -> None:
        self.before = _jpeg(photo.pixels, _VIEW_SIDE)

    def _show_paintings(self) -> None:
        self.paintings = [
            {
                "name": each.picture.name, "url": _thumb(each.picture.pixels), "weight": each.weight,
                "scale": each.scale, "mask": each.mask if isinstance(each.mask, str) else "picture",
                "mask_name": "" if isinstance(each.mask, str) else each.mask.name,
            }
            for each in self._session.paintings
        ]

    def _show_kept(self) -> None:
        self.kept = [{name: each[name] for name in each if name != "png"} for each in self._kept.values()]

    def _send_file(self, name: str, data: bytes) -> None:
        self.send({"kind": "file", "name": name}, buffers=[data])

    def _watch(self) -> None:
        """Stop what is painted for a page that is gone."""
        while not self._session.closed:
            time.sleep(5)
            if self._seen is not None and time.monotonic() - self._seen > SILENCE and self._session.busy:
                self._session.stop()


_ACTIONS = {
    "hello": Studio._hello, "bye": Studio._bye, "alive": Studio._alive, "example": Studio._example,
    "upload": Studio._upload, "remove": Studio._remove, "painting": Studio._painting, "set": Studio._set,
    "paint": Studio._paint, "stop": Studio._stop, "go_on": Studio._go_on, "preset": Studio._preset,
    "blink": Studio._blink, "keep": Studio._keep, "drop": Studio._drop, "download": Studio._download,
}


def _control(setting: dataclasses.Field[Any]) -> dict[str, Any]:
    """A field of Settings as the page shows it: its name, words, bounds, and what it may be."""
    about, name = setting.metadata, setting.name
    kind = about["kind"]
    control = {
        "name": name, "flag": "--" + name.replace("_", "-"), "group": about["group"], "help": about["help"],
        "default": default_text(setting), "notebook": NOTEBOOKS.get(name, NOTEBOOKS[about["group"]]),
        "kind": "text", "first": None, "words": [], "hint": kind.metavar,
    }
    if name in FIRST:
        control["first"] = FIRST[name] | {"rank": list(FIRST).index(name)}
    if isinstance(kind, Choice):
        control |= {"kind": "choice", "words": list(kind.words)}
    elif isinstance(kind, Start):
        control |= {"kind": "start", "words": [*kind.words]}
    elif isinstance(kind, File):
        control |= {"kind": "choice", "words": list(_weights_files())}
    elif isinstance(kind, Masks) or name == "style_weights":
        control |= {"kind": "paintings"}
    elif isinstance(kind, (Number, Whole)):
        bounds = {"least": kind.least, "most": kind.most}
        control |= {"kind": "number", "whole": isinstance(kind, Whole), **bounds}
    if control["first"] and "low" in control["first"]:
        control["start"] = _number_of(setting)
    return control


def _number_of(setting: dataclasses.Field[Any]) -> float:
    """Where a slider stands that has not been touched."""
    default: Any = setting.default[0] if isinstance(setting.default, tuple) else setting.default
    return default if default is not None else 30  # L-BFGS's steps, the one default that is filled in later


def _fast_styles() -> list[str]:
    """The names of the styles that the trained network knows; none where its file is missing."""
    try:
        return list(read_book().manners)
    except InputError:
        return []


def _weights_files() -> dict[str, Path]:
    """The weights files that there are, by a word each."""
    names = {"official": OFFICIAL_NAME, "embedded": EMBEDDED_NAME}
    found = {}
    for word, name in names.items():
        path = next((folder / name for folder in MODEL_FOLDERS if os.path.isfile(folder / name)), None)
        if path:
            found[word] = path
    return found


def _text_of(name: str, value: Any) -> str:
    """The text that a setting's value is read from."""
    kind = Settings.__dataclass_fields__[name].metadata["kind"]
    if isinstance(kind, Size):
        return "{}x{}".format(*value)
    if isinstance(kind, Memory):
        return f"{value / 1000}kB"
    if isinstance(kind, WeightedLayers):
        return ",".join(f"{layer}={weight!r}" for layer, weight in value)
    if isinstance(kind, Numbers):
        return ",".join(map(repr, value))
    return str(value)


def _title(path: Path) -> str:
    """What to call an example picture."""
    small = ("at", "of", "the", "in", "on", "with")
    return " ".join(word if word in small else word.capitalize() for word in path.stem.split("-"))


@functools.cache
def _example_thumb(path: Path) -> str:
    return _thumb(read_image(path))


def _thumb(picture: Array, side: int = _THUMB_SIDE) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(_jpeg(picture, side, 80)).decode()


def _jpeg(picture: Array, side: int, quality: int = 90) -> bytes:
    """The picture (H, W, 3) as a JPEG's bytes, its longer side at most `side`."""
    height, width = picture.shape[:2]
    scale = min(1.0, side / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    file = io.BytesIO()
    Image.fromarray(resize(picture, size)).save(file, "JPEG", quality=quality)
    return file.getvalue()


def _json(data: Any) -> bytes:
    return json.dumps(data, indent=1).encode()


def _thinned(points: list[list[float]]) -> list[list[float]]:
    """The points of a curve, few enough to be sent at every step, the last one among them; infinite costs left out."""
    points = [point for point in points if all(map(math.isfinite, point))]
    step = -(-len(points) // _CURVE) or 1
    return points[::-1][::step][::-1]

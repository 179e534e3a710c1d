"""A kernel made ready for an old notebook, and put back: what `%load_ext nst_utils.tf1` loads."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import nst_utils
from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import tf
from nst_utils.course import graph, helper
from nst_utils.tf1 import applications, tensors, vanished
from nst_utils.tf1.files import Files
from nst_utils.tf1.imports import Imports
from nst_utils.tf1.patches import Patches
from nst_utils.tf1.signs import mode_of, whole_notebook

_INSTALLS = re.compile(r"\b(pip\d?|conda|mamba)\b.*\b(un)?install\b")
# What is here already, in a version that everything else was built for; -r: a list of who knows what.
_OURS = re.compile(
    r"tensorflow|\btf-|keras|scipy|numpy|pillow|\bPIL|matplotlib|imageio|h5py|protobuf|nst_utils|\s-r\s", re.IGNORECASE
)


class OldNotebook:
    """A kernel in which an old notebook finds what it expects, from load() to unload()."""

    def __init__(self, ip: Any) -> None:
        self._ip = ip
        self._patches = Patches()
        self._files = Files(ip.user_ns)
        # Bound once, to be known again in the notebook's variables.
        self._load_vgg_model, self._save_image = self._files.load_vgg_model, self._into_folder
        self._renamed: dict[str, tuple[Any, Any]] = {}
        self._keras_is_patched = False
        self._decided = False
        # Several notebooks of a folder may begin alike.
        self._lookups = 3

    def load(self) -> str:
        """Put everything in place; the line that says what was restored."""
        patches = self._patches
        self._was_eager = tf.executing_eagerly()
        self._tensorflow = tensors.BothVersions("tensorflow", tf.compat.v1, tf, self._prepare)
        restored = tensors.restore(patches) + vanished.restore(patches)
        self._files.patch(patches)
        Imports(self._ip.user_ns, self._tensorflow, self._use_keras, self._consider).patch(patches)
        for name, value in (
            ("tf", self._tensorflow),
            ("load_vgg_model", self._load_vgg_model),
            ("save_image", self._save_image),
        ):
            patches.set(nst_utils, name, value)
        self._renamed = self._rename(self._replaced())
        tensors.set_mode("graph")
        self._ip.events.register("pre_run_cell", self._before_cell)
        self._patch_shell()
        self._look_at(self._ip.history_manager.input_hist_raw[-1])  # the rest of this cell
        return (
            "nst_utils.tf1, for this kernel: tensorflow with the interface of version 1 (and of 2), "
            f"{', '.join(restored)}; examples for missing pictures and our network for missing weights. "
            "%unload_ext nst_utils.tf1 undoes it."
        )

    def unload(self) -> None:
        """Put everything back as it was."""
        self._ip.events.unregister("pre_run_cell", self._before_cell)
        replaced = self._replaced()
        self._patches.undo()
        for name, (before, now) in self._renamed.items():
            if self._ip.user_ns.get(name) is now:
                self._ip.user_ns[name] = before
        self._rename([(new, old) for old, new in replaced])
        self._files.close()
        tensors.set_mode("eager" if self._was_eager else "graph")

    def _replaced(self) -> list[tuple[Any, Any]]:
        """(what the notebook's variables may hold from before, what they hold now)."""
        originals = [
            (tf, self._tensorflow),
            (tf.compat.v1, self._tensorflow),
            (graph.load_vgg_model, self._load_vgg_model),
            (helper.save_image, self._save_image),
        ]
        return originals + [(old, new) for old, new in self._patches.replacements() if callable(old)]

    def _rename(self, replaced: list[tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
        """Let the notebook's variables hold what replaced their values: {name: (before, now)} of those that changed."""
        # The first of several pairs for the same value counts.
        new = {id(before): now for before, now in reversed(replaced)}
        changed = {}
        for name, value in list(self._ip.user_ns.items()):
            if id(value) in new and not name.startswith("_"):
                self._ip.user_ns[name] = new[id(value)]
                changed[name] = value, new[id(value)]
        return changed

    def _before_cell(self, info: Any) -> None:
        self._look_at(info.raw_cell)

    def _look_at(self, cell: str) -> None:
        """Graphs or TensorFlow 2, as the cell that runs now calls for, and before it its whole notebook."""
        if self._lookups:
            self._lookups -= 1
            if code := whole_notebook(os.curdir, cell, __package__):
                self._lookups = 0
                self._consider("\n".join(self._ip.transform_cell(source) for source in code))
        self._consider(self._ip.transform_cell(cell))

    def _consider(self, source: str) -> None:
        """Graphs or TensorFlow 2, as a piece of source calls for."""
        mode = mode_of(source, self._decided)
        if mode:
            self._decided = True
            tensors.set_mode(mode)

    def _prepare(self, name: str) -> None:
        if name == "keras":
            self._use_keras()

    def _use_keras(self) -> None:
        if not self._keras_is_patched:
            self._keras_is_patched = True
            applications.patch(self._patches, self._files)

    def _into_folder(self, path: Any, image: Any) -> Any:
        """save_image that makes the folder."""
        return helper.save_image(self._files.target(path), image)

    # --- Magics and shell commands ------------------------------------------------------------------------

    def _patch_shell(self) -> None:
        ip, patches = self._ip, self._patches
        magics = ip.magics_manager.magics["line"]
        patches.set(magics, "missing_pictures", self._missing_pictures)
        patches.add(magics, "tensorflow_version", lambda line: self._leave_out(f"%tensorflow_version {line}"))
        for name in ("pip", "conda"):
            if name in magics:
                patches.set(magics, name, self._unless_it_installs(f"%{name} ", magics[name]))
        for name in ("system", "getoutput"):
            patches.set(ip, name, self._unless_it_installs("!", getattr(ip, name)))
        patches.add(ip, "magic", lambda line: ip.run_line_magic(*(line.lstrip("%").split(None, 1) + [""])[:2]))

    def _unless_it_installs(self, prefix: str, run: Callable[..., Any]) -> Callable[..., Any]:
        def command(line: str, *args: Any, **kwargs: Any) -> Any:
            if _INSTALLS.search(prefix + line) and _OURS.search(line):
                return self._leave_out(prefix + line)
            return run(line, *args, **kwargs)

        return command

    def _leave_out(self, line: str) -> None:
        self._files.say(f"`{line.strip()}` is left out: it would change the packages of today.")

    def _missing_pictures(self, line: str) -> None:
        """%missing_pictures example: one of ours takes the place of a picture that is not there; error: an error."""
        if line.strip() not in ("example", "error"):
            raise InputError("%missing_pictures takes one word: example or error.")
        self._files.substitute = line.strip() == "example"



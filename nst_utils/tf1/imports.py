"""What the notebook's own code, and no library, gets when it imports TensorFlow, nst_utils or public_tests."""

from __future__ import annotations

import builtins
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nst_utils
from nst_utils.tf1.patches import Patches

_OURS = Path(nst_utils.__file__).resolve().parent
_LIBRARIES = {
    os.path.realpath(path)
    for path in (
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        site.getusersitepackages(),
        str(_OURS),
    )
}


class Imports:
    """Answers imports that the notebook makes, or a module of its own that lies beside it.

    names: the notebook's variables. tensorflow: the module it gets. use_keras: called before it gets Keras;
    consider: with the source of the notebook's own helper file.
    """

    def __init__(
        self, names: dict[str, Any], tensorflow: ModuleType, use_keras: Callable[[], object],
        consider: Callable[[str], object],
    ) -> None:
        self._names, self._tensorflow = names, tensorflow
        self._use_keras, self._consider = use_keras, consider
        self._own: dict[Path, ModuleType] = {}  # path of an nst_utils.py -> module

    def patch(self, patches: Patches) -> None:
        self._import, self._reload = builtins.__import__, importlib.reload
        patches.set(builtins, "__import__", self._answer)
        patches.set(importlib, "reload", self._reload_own)

    def _answer(
        self, name: str, globals: dict[str, Any] | None = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        top = name.partition(".")[0]
        if level or top not in ("tensorflow", "keras", "nst_utils", "public_tests") or not self._is_own(globals):
            return self._import(name, globals, locals, fromlist, level)
        if name == "nst_utils" and (path := own_helper()):
            return self._own_helper(path)
        if name == "public_tests" and importlib.util.find_spec(name) is None:
            return importlib.import_module("nst_utils.tf1.public_tests")
        if "keras" in name:
            self._use_keras()
            name = name.replace("tensorflow.python.keras", "tensorflow.keras")  # where it was until 2.15
        module = self._import(name, globals, locals, fromlist, level)
        return self._tensorflow if module is sys.modules.get("tensorflow") else module

    def _is_own(self, importing: dict[str, Any] | None) -> bool:
        """Whether code with these globals is the notebook's, or of a file that belongs to no library."""
        if importing is None:
            return False
        if importing is self._names or importing.get("__name__") == "__main__":
            return True
        file = importing.get("__file__")
        if not file:
            return False
        folders = Path(os.path.realpath(file)).parents
        return not any(str(folder) in _LIBRARIES for folder in folders)

    def _own_helper(self, path: Path) -> ModuleType:
        """The notebook's own nst_utils.py, which sys.modules cannot hold beside this package."""
        if path not in self._own:
            spec = importlib.util.spec_from_file_location("nst_utils", path)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            self._consider(Path(path).read_text(encoding="utf-8", errors="replace"))
            # Before it runs: many copies of this file import themselves.
            self._own[path] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del self._own[path]
                raise
        return self._own[path]

    def _reload_own(self, module: ModuleType) -> ModuleType:
        if module not in self._own.values():
            return self._reload(module)
        spec = module.__spec__
        assert spec is not None and spec.loader is not None
        spec.loader.exec_module(module)
        return module


def own_helper() -> Path | None:
    """The path of the first nst_utils.py on the search path, the notebook's folder included; None if there is none."""
    files = (Path(folder or os.curdir) / "nst_utils.py" for folder in sys.path)
    return next((path.resolve() for path in files if path.is_file()), None)

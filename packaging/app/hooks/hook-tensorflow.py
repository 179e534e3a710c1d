"""TensorFlow for the application: what its modules import, and not all that lies in it, as PyInstaller would have it.

It replaces the hook that PyInstaller's contributors keep, from which it takes the two last settings.
"""

from importlib.util import find_spec
from pathlib import Path

from PyInstaller.utils.hooks import collect_data_files

# Many of them are loaded by name, on first use. They are listed without an import, which would take minutes.
home = Path(find_spec("tensorflow").submodule_search_locations[0])
files = [path for kind in ("*.py", "*.so", "*.pyd") for path in home.rglob(kind) if not path.name.startswith("lib")]
places = [path.relative_to(home.parent).with_suffix("").parts for path in files]
modules = (".".join(place).removesuffix(".__init__") for place in places if place[1] != "include")
hiddenimports = ["ml_dtypes", *modules]
# What these are linked to lies beside them.
binaries = [(str(path), str(path.relative_to(home.parent).parent)) for path in home.rglob("lib*.so*")]
datas = collect_data_files("tensorflow", includes=["**/*.pbtxt", "**/*.json"], excludes=["include"])
# AutoGraph reads the source of its own functions, and warns where it cannot.
module_collection_mode = {"tensorflow.python.autograph": "py+pyz"}
# TensorFlow finds its other files beside its libraries, not beside links to them.
bindepend_symlink_suppression = ["**/libtensorflow_cc.so*", "**/libtensorflow_framework.so*"]

"""TensorFlow for the application: what its modules import, and not all that lies in it, as PyInstaller would have it.

It replaces the hook that PyInstaller's contributors keep, from which it takes the two last settings.
"""

from PyInstaller.utils.hooks import collect_data_files

hiddenimports = ["ml_dtypes"]
datas = collect_data_files("tensorflow", includes=["**/*.pbtxt", "**/*.json"], excludes=["include"])
# AutoGraph reads the source of its own functions, and warns where it cannot.
module_collection_mode = {"tensorflow.python.autograph": "py+pyz"}
# TensorFlow finds its other files beside its libraries, not beside links to them.
bindepend_symlink_suppression = ["**/libtensorflow_cc.so*", "**/libtensorflow_framework.so*"]

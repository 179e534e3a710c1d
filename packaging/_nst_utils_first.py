"""Lets `%load_ext nst_utils.tf1` find the package where a notebook's own old nst_utils.py lies beside it.

A notebook's folder comes before installed packages, so the file would hide the package. Whoever imports a module
inside nst_utils can only mean the package: then, and only then, the package is found first. Python runs this at every
start (nst_utils_first.pth), so it imports nothing.
"""

import sys


class PackageFirst:
    """Finds the package nst_utils when something inside it is being imported; leaves all else to the other finders."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "nst_utils" or not _is_for_something_inside(sys._getframe(1)):
            return None
        import os
        from importlib.machinery import PathFinder

        for folder in sys.path:
            if os.path.isfile(os.path.join(folder, "nst_utils", "__init__.py")):
                return PathFinder.find_spec(name, [folder])
        return None


def _is_for_something_inside(frame):
    """Whether the import system is at `nst_utils` on its way to a module of that package."""
    while frame and "importlib" in frame.f_code.co_filename:
        if str(frame.f_locals.get("name", "")).startswith("nst_utils."):
            return True
        frame = frame.f_back
    return False


sys.meta_path.insert(0, PackageFirst)

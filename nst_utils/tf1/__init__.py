"""Notebooks of the original course, of both its editions, run again: `%load_ext nst_utils.tf1` as their first cell.

The notebook's own code then gets TensorFlow under its old names, what other libraries have dropped is back, and files
that are missing have substitutes. Libraries and other kernels notice nothing; `%unload_ext nst_utils.tf1` undoes it.
"""

from typing import Any

_loaded = None


def load_ipython_extension(ip: Any) -> None:
    """Called by `%load_ext nst_utils.tf1`."""
    from nst_utils.tf1.extension import OldNotebook

    global _loaded
    if _loaded is None:
        notebook = OldNotebook(ip)
        print(notebook.load())
        _loaded = notebook


def unload_ipython_extension(ip: Any) -> None:
    """Called by `%unload_ext nst_utils.tf1`."""
    global _loaded
    if _loaded is not None:
        _loaded.unload()
        _loaded = None

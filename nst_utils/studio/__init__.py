"""The studio: the same page in a notebook and, as `nst studio`, in a browser of its own.

from nst_utils.studio import Studio; Studio()
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "Studio":
        from nst_utils.studio.page import Studio

        return Studio
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The studio: the same page in a notebook and, as `nst studio`, in a browser of its own.

from nst_utils.studio import Studio; Studio()
"""


def __getattr__(name):
    if name == "Studio":
        from nst_utils.studio.page import Studio

        return Studio
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

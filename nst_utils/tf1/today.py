"""What a rewritten notebook calls: the file that a path names, or what stands in for it where it is missing."""

from __future__ import annotations

import inspect
from typing import Any

from IPython import get_ipython

from nst_utils.base.tensorflow import tf  # noqa: F401 before anything else imports it with its log lines
from nst_utils.tf1.files import Files


def picture(path: Any) -> Any:
    """The path of a picture, as this system writes it; where nothing is there, that of an example of ours.

    The example has the size that the file's name states, as 800x600 or 800600, else that of the notebook's CONFIG.
    Anything but a missing picture's path is returned as it is.
    """
    return _files().picture(path)


def weights_file(path: Any) -> Any:
    """The path of a weights file; where nothing is there and its name is that of a VGG, our network's."""
    return _files().matrices(path)


def vgg19(*args: Any, **kwargs: Any) -> Any:
    """tf.keras.applications.VGG19, with our weights where the ones asked for are missing or cannot be fetched."""
    from keras.applications import VGG19

    from nst_utils.tf1.applications import with_weights

    return with_weights(inspect.unwrap(VGG19), _files())(*args, **kwargs)


_known: Files | None = None


def _files() -> Files:
    """The notebook's files, its CONFIG among them."""
    global _known
    if _known is None:
        shell = get_ipython()
        _known = Files(shell.user_ns if shell else None)
    return _known

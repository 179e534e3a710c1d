"""Neural Style Transfer: the helper of the course, and a photo and a painting in, a picture out.

`from nst_utils import *` gives a notebook what the course's notebooks expect: CONFIG, load_vgg_model,
reshape_and_normalize_image, generate_noise_image, save_image, and the modules that they use. TensorFlow is
imported when something first needs it, so that `import nst_utils` costs nothing.
"""

from importlib import import_module

# name -> (module, attribute); an attribute of None is the module itself.
_NAMES = {
    "CONFIG": ("nst_utils.config", "CONFIG"),
    "InputError": ("nst_utils.config", "InputError"),
    "read_image": ("nst_utils.images", "read_image"),
    "resize": ("nst_utils.images", "resize"),
    "reshape_and_normalize_image": ("nst_utils.images", "reshape_and_normalize_image"),
    "generate_noise_image": ("nst_utils.images", "generate_noise_image"),
    "save_image": ("nst_utils.images", "save_image"),
    "write_image": ("nst_utils.images", "write_image"),
    "load_weights": ("nst_utils.weights", "load_weights"),
    "activations": ("nst_utils.vgg", "activations"),
    "load_vgg_model": ("nst_utils.vgg", "load_vgg_model"),
    "compute_content_cost": ("nst_utils.costs", "compute_content_cost"),
    "gram_matrix": ("nst_utils.costs", "gram_matrix"),
    "compute_layer_style_cost": ("nst_utils.costs", "compute_layer_style_cost"),
    "compute_style_cost": ("nst_utils.costs", "compute_style_cost"),
    "total_cost": ("nst_utils.costs", "total_cost"),
    "total_variation": ("nst_utils.costs", "total_variation"),
    "STYLE_LAYERS": ("nst_utils.costs", "STYLE_LAYERS"),
    "stylize": ("nst_utils.transfer", "stylize"),
    "stylize_steps": ("nst_utils.transfer", "stylize_steps"),
    "checks": ("nst_utils.checks", None),
}
# What the course's notebooks take for granted after the star import.
_COURSE_NAMES = {
    "np": ("numpy", None),
    "tf": ("tensorflow.compat.v1", None),
    "scipy": ("scipy", None),
    "plt": ("matplotlib.pyplot", None),
    "imshow": ("matplotlib.pyplot", "imshow"),
    "Image": ("PIL.Image", None),
    "os": ("os", None),
    "sys": ("sys", None),
}
_STAR = (
    "CONFIG",
    "load_vgg_model",
    "reshape_and_normalize_image",
    "generate_noise_image",
    "save_image",
)
__all__ = [*_STAR, *_COURSE_NAMES]


def __getattr__(name):
    try:
        module, attribute = (_NAMES | _COURSE_NAMES)[name]
    except KeyError:
        raise AttributeError(f"module 'nst_utils' has no attribute {name!r}") from None
    if name == "tf":
        # The star import is the course's TF1 interface: sessions and placeholders need graph mode.
        import_module("nst_utils.backend").use_graph_mode()
    value = import_module(module)
    value = getattr(value, attribute) if attribute else value
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_NAMES, *_COURSE_NAMES})

"""Neural Style Transfer: the helper of the course, and a photo and a painting in, a picture out.

`from nst_utils import *` gives a notebook what the course's notebooks expect: CONFIG, load_vgg_model,
reshape_and_normalize_image, generate_noise_image, save_image, and the modules that they use. TensorFlow is
imported when something first needs it, so that `import nst_utils` costs nothing.
"""

import sys
from importlib import import_module

# name -> (module, attribute); an attribute of None is the module itself.
_NAMES = {
    "CONFIG": ("nst_utils.course.config", "CONFIG"),
    "InputError": ("nst_utils.base.errors", "InputError"),
    "read_image": ("nst_utils.pictures.reading", "read_image"),
    "resize": ("nst_utils.pictures.sizes", "resize"),
    "reshape_and_normalize_image": ("nst_utils.course.helper", "reshape_and_normalize_image"),
    "generate_noise_image": ("nst_utils.course.helper", "generate_noise_image"),
    "save_image": ("nst_utils.course.helper", "save_image"),
    "write_image": ("nst_utils.pictures.writing", "write_image"),
    "load_weights": ("nst_utils.network.weights", "load_weights"),
    "activations": ("nst_utils.network.vgg", "activations"),
    "load_vgg_model": ("nst_utils.course.graph", "load_vgg_model"),
    "compute_content_cost": ("nst_utils.engine.costs", "compute_content_cost"),
    "gram_matrix": ("nst_utils.engine.costs", "gram_matrix"),
    "compute_layer_style_cost": ("nst_utils.engine.costs", "compute_layer_style_cost"),
    "compute_style_cost": ("nst_utils.course.graph", "compute_style_cost"),
    "total_cost": ("nst_utils.engine.costs", "total_cost"),
    "total_variation": ("nst_utils.engine.costs", "total_variation"),
    "STYLE_LAYERS": ("nst_utils.engine.recipe", "STYLE_LAYERS"),
    "stylize": ("nst_utils.engine.stylize", "stylize"),
    "stylize_steps": ("nst_utils.engine.stylize", "stylize_steps"),
    "fast_stylize": ("nst_utils.fast.painting", "fast_stylize"),
    "make_pairs": ("nst_utils.pairs", "make_pairs"),
    "train_on_pairs": ("nst_utils.pairs", "train_on_pairs"),
    "pixel_loss": ("nst_utils.pairs", "pixel_loss"),
    "minimize": ("nst_utils.engine.minimize", "minimize"),
    "Style": ("nst_utils.engine.styles", "Style"),
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
    value = import_module(module)
    value = getattr(value, attribute) if attribute else value
    if name != "tf":
        globals()[name] = value
    elif _is_imported_by(sys._getframe(1)):
        # Who imports it wants the course's TF1 interface: sessions and placeholders need graph mode. Who only reads
        # it, as inspect and documentation tools do, finds it without a change.
        import_module("nst_utils.base.tensorflow").use_graph_mode()
    return value


def _is_imported_by(frame):
    """Whether the code of the frame is just at `from nst_utils import tf` or `from nst_utils import *`."""
    import dis

    code, at = frame.f_code.co_code, frame.f_lasti
    instruction = dis.opname[code[at]]
    star = instruction == "IMPORT_STAR" or (instruction == "CALL_INTRINSIC_1" and code[at + 1] == 2)
    return star or instruction == "IMPORT_FROM"


def __dir__():
    return sorted({*globals(), *_NAMES, *_COURSE_NAMES})

"""Keras for notebooks of the course's TF2 edition: our weights where theirs cannot be had, arguments of old."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

from nst_utils.base.tensorflow import tf
from nst_utils.network.weights import load_weights
from nst_utils.tf1.files import Files, has_content, local, our_network
from nst_utils.tf1.patches import Patches

_SECONDS_FOR_A_DOWNLOAD_TO_ANSWER = 15
_OPTIMIZERS = ("Adam", "Adagrad", "Adamax", "Nadam", "RMSprop", "SGD", "Adadelta")


def patch(patches: Patches, files: Files) -> None:
    """Patch Keras, which is imported now, in the mode that TensorFlow is in."""
    import keras
    from keras.src.models import Model
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    with contextlib.suppress(ImportError):  # where tf.keras keeps its names
        import keras._tf_keras.keras.applications.vgg19
        import keras._tf_keras.keras.preprocessing.image
    import keras.applications.vgg16
    import keras.applications.vgg19

    def everywhere(old: Any, new: Any) -> None:
        """Set the new one wherever Keras and TensorFlow have the old one under its name."""
        name = old.__name__
        for module in list(sys.modules.values()):
            if getattr(module, "__name__", "").startswith(("keras", "tensorflow")) and vars(module).get(name) is old:
                patches.set(module, name, new)

    everywhere(keras.applications.vgg19.VGG19, with_weights(keras.applications.vgg19.VGG19, files))
    everywhere(keras.applications.vgg16.VGG16, with_weights(keras.applications.vgg16.VGG16, files))
    everywhere(keras.utils.load_img, _with_picture(keras.utils.load_img, files))
    everywhere(keras.utils.get_file, _with_fallback(keras.utils.get_file, files))
    patches.set(Model, "load_weights", _load_weights(Model.load_weights, files))
    for name in _OPTIMIZERS:
        optimizer = getattr(keras.optimizers, name)
        patches.set(optimizer, "__init__", _with_old_arguments(optimizer.__init__))
    patches.set(BaseOptimizer, "apply", _for_any_variables(BaseOptimizer.apply))
    patches.add(BaseOptimizer, "minimize", _minimize)


def with_weights(build: Any, files: Files) -> Any:
    """keras.applications.VGG19 whose convolutions are ours where the weights asked for cannot be had."""

    @functools.wraps(build)
    def network(include_top: bool = True, weights: Any = "imagenet", *args: Any, **kwargs: Any) -> Any:
        if weights is None:
            return build(include_top, None, *args, **kwargs)
        weights = local(weights)
        if weights != "imagenet" and not has_content(weights):
            return ours(f"{weights} is not here", include_top, *args, **kwargs)
        try:
            with _answering_soon():
                return build(include_top, weights, *args, **kwargs)
        except Exception:  # whatever a download raises where there is no way to its server
            if weights != "imagenet":
                raise
            return ours("ImageNet's weights cannot be fetched here", include_top, *args, **kwargs)

    def ours(reason: str, include_top: bool, *args: Any, **kwargs: Any) -> Any:
        model = build(include_top, None, *args, **kwargs)
        top = " Its fully connected layers are not trained." if include_top else ""
        files.say(f"{reason}: {our_network()} takes their place, so costs and pictures differ a little.{top}")
        set_convolutions(model)
        return model

    return network


def set_convolutions(model: Any) -> None:
    """Give the layers block1_conv1 to block5_conv4 that a Keras model has our weights, which are for BGR input."""
    layers = {layer.name: layer for layer in model.layers}
    for name, (kernel, bias) in load_weights().items():
        layer_name = "block{}_conv{}".format(*name.removeprefix("conv").split("_"))
        if layer_name in layers:
            layers[layer_name].set_weights([kernel[:, :, ::-1] if name == "conv1_1" else kernel, bias])


def _load_weights(load: Any, files: Files) -> Any:
    """Model.load_weights that gives a VGG our convolutions where the file is not there."""

    @functools.wraps(load)
    def load_weights_or_ours(model: Any, filepath: Any, *args: Any, **kwargs: Any) -> Any:
        filepath = local(filepath)
        is_vgg = any(layer.name == "block1_conv1" for layer in model.layers)
        if not is_vgg or not isinstance(filepath, str | os.PathLike) or has_content(filepath):
            return load(model, filepath, *args, **kwargs)
        files.say(f"{filepath} is not here: {our_network()} takes their place, so costs and pictures differ a little.")
        return set_convolutions(model)

    return load_weights_or_ours


def _with_picture(load: Any, files: Files) -> Any:
    @functools.wraps(load)
    def load_img(path: Any, *args: Any, **kwargs: Any) -> Any:
        return load(files.picture(path), *args, **kwargs)

    return load_img


def _with_fallback(fetch: Any, files: Files) -> Any:
    """keras.utils.get_file with an example of ours where a picture cannot be fetched."""

    @functools.wraps(fetch)
    def get_file(fname: Any = None, origin: Any = None, *args: Any, **kwargs: Any) -> Any:
        try:
            with _answering_soon():
                return fetch(fname, origin, *args, **kwargs)
        except Exception:
            picture = files.picture(os.path.basename(str(fname or origin)))
            if not os.path.exists(picture):
                raise
            return picture

    return get_file


@contextlib.contextmanager
def _answering_soon() -> Iterator[None]:
    """Where nothing can be downloaded, say so soon and without a progress bar."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS_FOR_A_DOWNLOAD_TO_ANSWER)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _with_old_arguments(init: Any) -> Any:
    @functools.wraps(init)
    def old_init(self: Any, *args: Any, lr: Any = None, decay: Any = None, **kwargs: Any) -> None:
        if lr is not None:
            kwargs["learning_rate"] = lr
        init(self, *args, **kwargs)

    return old_init


def _minimize(self: Any, loss: Any, var_list: Any, tape: Any = None) -> None:
    """One step that makes loss() smaller, as the optimisers of Keras 2 took it."""
    with tape or tf.GradientTape() as tape:
        value = loss() if callable(loss) else loss
    variables = var_list() if callable(var_list) else var_list
    self.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))


def _for_any_variables(apply: Any) -> Any:
    """Keras 2 let one optimiser serve several variables, one after the other; Keras 3 refuses the second."""

    @functools.wraps(apply)
    def apply_to(self: Any, grads: Any, trainable_variables: Any = None) -> Any:
        if self.built and trainable_variables is not None:
            known = set(self._trainable_variables_indices)
            if any(self._var_key(variable) not in known for variable in trainable_variables):
                self.built = False
                self._variables, self._trainable_variables = [self.iterations], []
                self.build(trainable_variables)
        return apply(self, grads, trainable_variables)

    return apply_to

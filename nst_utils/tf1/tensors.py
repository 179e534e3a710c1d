"""TensorFlow as old code expects to find it: one module with the names of both versions, op seeds, shapes."""

import types
from collections.abc import Callable
from typing import Any

import numpy as np
from tensorflow.python.client import session
from tensorflow.python.eager import context
from tensorflow.python.framework import ops, random_seed, tensor_shape

from nst_utils.base.tensorflow import tf
from nst_utils.base.types import Tensor
from nst_utils.tf1 import layers
from nst_utils.tf1.patches import Patches

v1 = tf.compat.v1
# Taken as they are in every mode: they have one implementation.
_PLAIN = {"keras", "compat"}


class BothVersions(types.ModuleType):
    """A TensorFlow module under the names of both versions; while graphs are built, version 1 has the first word."""

    def __init__(self, name: str, first: Any, second: Any, prepare: Callable[[str], object]) -> None:
        super().__init__(name, f"{name} with the names of TensorFlow 1 and 2.")
        self.__dict__["_faces"] = first, second
        self.__dict__["_prepare"] = prepare

    def __getattr__(self, name: str) -> Any:
        old, new = self.__dict__["_faces"]
        if name in _PLAIN and hasattr(new, name):
            self._prepare(name)
            return getattr(new, name)
        faces = (new, old) if tf.executing_eagerly() else (old, new)
        for face in faces:
            try:
                value = getattr(face, name)
                break
            except AttributeError:
                continue
        else:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        first, second = (getattr(face, name, None) for face in (old, new))
        if name.startswith("_") or not all(isinstance(face, types.ModuleType) for face in (first, second)):
            return value
        module = BothVersions(f"{self.__name__}.{name}", first, second, self._prepare)
        self.__dict__[name] = module
        return module

    def __dir__(self) -> list[str]:
        return sorted({*dir(self._faces[0]), *dir(self._faces[1])})


def set_mode(mode: str) -> None:
    """Let the program build graphs, or compute at once ('graph', 'eager'); TensorFlow has no public way back."""
    eager = mode == "eager"
    context.default_execution_mode = context.EAGER_MODE if eager else context.GRAPH_MODE
    here = context.context_safe()
    if here is not None:
        here._thread_local_data.is_eager = eager


def restore(patches: Patches) -> list[str]:
    """What old graph code needs and the interface of today lacks; the names of what was put back."""
    patches.set(random_seed, "get_seed", _first_version_seeds(random_seed.get_seed))
    patches.set(tensor_shape.TensorShape, "__getitem__", _with_dimension(tensor_shape.TensorShape.__getitem__))
    patches.set(tensor_shape.TensorShape, "__iter__", _with_dimensions(tensor_shape.TensorShape.__iter__))
    patches.set(ops.SymbolicTensor, "__array_ufunc__", _ufunc_on_tensor)
    patches.set(ops.SymbolicTensor, "__array_function__", _function_on_tensor)
    patches.set(session.BaseSession, "__init__", _with_soft_placement(session.BaseSession.__init__))
    try:
        v1.layers.conv2d  # noqa: B018 Keras 3 left an empty shell
    except (AttributeError, ImportError):
        patches.set(v1, "layers", layers)
        return ["tf.layers"]
    return []


# --- The seeds that graphs gave out -----------------------------------------------------------------------


def _first_version_seeds(get_seed: Callable[..., Any]) -> Callable[..., Any]:
    """TensorFlow 1 seeded a random op without a seed of its own by the number of ops made before it in the graph."""

    def seeds(op_seed: int | None) -> Any:
        graph = ops.get_default_graph()
        if op_seed is None and not context.executing_eagerly() and not graph.building_function:
            if graph.seed is not None:
                op_seed = len(graph.get_operations())
        return get_seed(op_seed)

    return seeds


# --- Shapes -----------------------------------------------------------------------------------------------


class Dimension(int):
    """A side of a shape: a number, as today, that also has the `.value` of TensorFlow 1."""

    @property
    def value(self) -> int:
        return int(self)


def _dimension(side: Any) -> Any:
    return Dimension(side) if type(side) is int else side


def _with_dimension(getitem: Callable[..., Any]) -> Callable[..., Any]:
    def item(self: Any, key: Any) -> Any:
        return _dimension(getitem(self, key))

    return item


def _with_dimensions(iterate: Callable[..., Any]) -> Callable[..., Any]:
    def sides(self: Any) -> Any:
        return map(_dimension, iterate(self))

    return sides


# --- NumPy's functions in graph code ----------------------------------------------------------------------

_UFUNCS = {
    "absolute": tf.abs, "add": tf.add, "subtract": tf.subtract, "multiply": tf.multiply, "divide": tf.divide,
    "true_divide": tf.divide, "floor_divide": tf.math.floordiv, "power": tf.pow, "float_power": tf.pow,
    "square": tf.square, "sqrt": tf.sqrt, "exp": tf.exp, "log": tf.math.log, "negative": tf.negative,
    "maximum": tf.maximum, "minimum": tf.minimum, "matmul": tf.matmul, "tanh": tf.tanh, "sign": tf.sign,
}  # fmt: skip


def _ufunc_on_tensor(self: Any, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """np.square(tensor) and ndarray - tensor make the graph's op, as NumPy's arrays of objects once did."""
    op = _UFUNCS.get(ufunc.__name__)
    if op is None or method != "__call__" or options:
        return NotImplemented
    return op(*(value if tf.is_tensor(value) else tf.convert_to_tensor(value, self.dtype) for value in inputs))


def _dot(a: Any, b: Any) -> Tensor:
    return tf.matmul(a, b) if len(a.shape) == len(b.shape) == 2 else tf.tensordot(a, b, axes=1)


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: lambda a, axis=None, keepdims=False: tf.reduce_sum(a, axis, keepdims),
    np.mean: lambda a, axis=None, keepdims=False: tf.reduce_mean(a, axis, keepdims),
    np.max: lambda a, axis=None, keepdims=False: tf.reduce_max(a, axis, keepdims),
    np.min: lambda a, axis=None, keepdims=False: tf.reduce_min(a, axis, keepdims),
    np.prod: lambda a, axis=None, keepdims=False: tf.reduce_prod(a, axis, keepdims),
    np.transpose: lambda a, axes=None: tf.transpose(a, axes),
    np.reshape: lambda a, shape: tf.reshape(a, shape),
    np.squeeze: lambda a, axis=None: tf.squeeze(a, axis),
    np.expand_dims: lambda a, axis: tf.expand_dims(a, axis),
    np.clip: lambda a, a_min, a_max: tf.clip_by_value(a, a_min, a_max),
    np.dot: _dot,
    np.shape: lambda a: tuple(a.shape.as_list()),
    np.ndim: lambda a: len(a.shape),
    np.size: lambda a: a.shape.num_elements(),
}


def _function_on_tensor(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    if function not in _FUNCTIONS:
        raise NotImplementedError(
            f"np.{function.__name__} knows no tensor of a graph, which has no numbers yet: take the one of tf instead."
        )
    dtype = self.dtype
    args = [tf.convert_to_tensor(value, dtype) if isinstance(value, np.ndarray) else value for value in args]
    return _FUNCTIONS[function](*args, **kwargs)


# --- Sessions ----------------------------------------------------------------------------------


def _with_soft_placement(init: Callable[..., Any]) -> Callable[..., Any]:
    """`with tf.device('/gpu:0')` runs on the processor where there is no GPU."""

    def session_init(self: Any, target: str = "", graph: Any = None, config: Any = None) -> None:
        if not tf.config.list_physical_devices("GPU"):
            config = config or v1.ConfigProto()
            config.allow_soft_placement = True
        init(self, target, graph, config)

    return session_init

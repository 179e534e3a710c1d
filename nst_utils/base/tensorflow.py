"""TensorFlow, imported without its log lines, and the modes that a computation needs.

Every module takes `tf` from here, so that no notebook or command opens with a page of start-up messages.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "computing", "device_memory", "eager_mode", "fast_bfloat16", "resolve_precision", "tf", "use_graph_mode"
]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what native code writes to standard error nowhere: these lines come before any log level is read."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # a process without a standard error stream
        yield
        return
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


with _quiet():
    import tensorflow as tf
    from tensorflow.python.eager import context

# Every stylize() traces functions of its own; from the fifth on, TensorFlow would warn of that into a notebook.
tf.get_logger().setLevel("ERROR")


def use_graph_mode() -> None:
    """Let the program build graphs, as the course's sessions need; nothing to do where it already does."""
    if tf.executing_eagerly():
        tf.compat.v1.disable_eager_execution()


@contextlib.contextmanager
def eager_mode() -> Iterator[None]:
    """TF2 code inside a program that the course's interface has put into graph mode; for this thread alone."""
    if tf.executing_eagerly():
        yield
        return
    # TensorFlow offers no public way back from disable_eager_execution(); its own tests use this one.
    with context.eager_mode():
        yield


@contextlib.contextmanager
def computing() -> Iterator[None]:
    """TensorFlow as the engine computes in it, for this thread alone; never held while other code runs.

    Eager, and on a processor without TensorFlow's rewriting of the graphs of functions: it takes a tenth of a second
    for each and finds nothing to gain in ours; a GPU may want its choice of data layout.
    """
    with eager_mode():
        if tf.config.list_physical_devices("GPU"):
            yield
            return
        # tf.config.optimizer.set_experimental_options would do the same to every thread of the program.
        here = context.context()
        before = here.function_call_options
        config = tf.compat.v1.ConfigProto.FromString(before.config_proto_serialized)
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        here.function_call_options = context.FunctionCallOptions(before.executor_type, config)
        try:
            yield
        finally:
            here.function_call_options = before


def fast_bfloat16() -> str | None:
    """Whether this machine's processor or GPU has bfloat16 matrix arithmetic; its name, or None.

    Read from what the hardware states, not timed, so that the same seed gives the same picture every time.
    """
    for device in tf.config.list_physical_devices("GPU"):
        capability = tf.config.experimental.get_device_details(device).get("compute_capability", (0, 0))
        return "GPU tensor cores" if capability >= (8, 0) else None
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":  # TensorFlow's other kernels emulate it, slowly
        return None
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return None
    return next((flag for flag in ("amx_bf16", "avx512_bf16") if flag in flags), None)


def resolve_precision(precision: str) -> str:
    """'float32' or 'bfloat16' for 'auto': bfloat16 where the hardware makes it fast; else the precision as it is."""
    if precision != "auto":
        return precision
    return "bfloat16" if fast_bfloat16() else "float32"


def device_memory() -> int | None:
    """Bytes of the first GPU's memory that TensorFlow may use; None where the processor does the work."""
    if not tf.config.list_physical_devices("GPU"):
        return None
    # The public functions tell what is in use, not what there is.
    from tensorflow.python.client import device_lib

    return next(device.memory_limit for device in device_lib.list_local_devices() if device.device_type == "GPU")

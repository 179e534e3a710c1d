"""TensorFlow, imported without its log lines, and what this machine does well.

Every module takes `tf` from here, so that no notebook or command opens with a page of start-up messages.
"""

import contextlib
import os
from pathlib import Path

import psutil


@contextlib.contextmanager
def _quiet():
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

# Every stylize() traces functions of its own; from the fifth on, TensorFlow would warn of that into a notebook.
tf.get_logger().setLevel("ERROR")


def use_graph_mode():
    """Let the program build graphs, as the course's sessions need; nothing to do where it already does."""
    if tf.executing_eagerly():
        tf.compat.v1.disable_eager_execution()


@contextlib.contextmanager
def eager_mode():
    """TF2 code inside a program that the course's interface has put into graph mode."""
    if tf.executing_eagerly():
        yield
        return
    # TensorFlow offers no public way back from disable_eager_execution(); its own tests use this one.
    from tensorflow.python.eager import context

    with context.eager_mode():
        yield


@contextlib.contextmanager
def graphs_as_written():
    """On a processor, run new functions without TensorFlow's rewriting of their graphs.

    The rewriting takes a tenth of a second for each function and finds nothing to gain in ours; a GPU may want its
    choice of data layout.
    """
    name = "disable_meta_optimizer"
    before = tf.config.optimizer.get_experimental_options().get(name, False)
    tf.config.optimizer.set_experimental_options({name: before or not tf.config.list_physical_devices("GPU")})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({name: before})


def fast_bfloat16():
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


def machine_memory():
    """Bytes of memory that this process may have: the machine's, or what its container is limited to."""
    total = psutil.virtual_memory().total
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # no such file, or the word "max"
            total = min(total, int(Path(limit).read_text()))
    return total

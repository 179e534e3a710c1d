"""On which devices a network is trained: one, several GPUs, or several machines."""

import contextlib

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import tf

NAMES = ("one", "mirrored", "workers")


def strategy_of(name):
    """The tf.distribute.Strategy of a name; None for one device.

    "mirrored": all GPUs of this machine. "workers": the machines that the environment variable TF_CONFIG names, each
    of which runs the same command.
    """
    if name == "one":
        return None
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "workers":
        return tf.distribute.MultiWorkerMirroredStrategy()
    raise InputError(f"There is no strategy called {name!r}: use {', '.join(NAMES)}.")


def scope_of(strategy):
    """The scope in which variables are made."""
    return strategy.scope() if strategy else contextlib.nullcontext()


def worker_of(strategy):
    """(number of this worker, how many there are): each draws pieces of its own, and the first one writes files."""
    resolver = strategy and strategy.cluster_resolver
    if not resolver or not resolver.cluster_spec():
        return 0, 1
    workers = resolver.cluster_spec().as_dict().get("worker", [None])
    return resolver.task_id or 0, len(workers)

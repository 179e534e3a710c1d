"""TensorFlow without its log lines, graph and eager mode side by side, and what the hardware does well."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from tensorflow.python.eager import context

from nst_utils.base import tensorflow as backend
from nst_utils.base.tensorflow import tf


def test_eager_code_runs_inside_a_program_in_graph_mode():
    with tf.Graph().as_default():
        assert not tf.executing_eagerly()
        with backend.eager_mode():
            assert tf.executing_eagerly()
            assert float(tf.constant(2.0) * 3) == 6
        assert not tf.executing_eagerly()


def test_eager_code_runs_in_eager_mode():
    with backend.eager_mode():
        assert float(tf.constant(2.0) * 3) == 6


def test_a_graph_stays_a_graph():
    with tf.Graph().as_default() as graph:
        backend.use_graph_mode()
        assert tf.compat.v1.get_default_graph() is graph


def rewriting_is_off():
    options = context.context().function_call_options.config_proto_serialized
    return tf.compat.v1.ConfigProto.FromString(options).graph_options.rewrite_options.disable_meta_optimizer


@pytest.mark.parametrize(("gpus", "inside"), [([], True), (["a GPU"], False)])
def test_graphs_are_rewritten_again_afterwards(monkeypatch, gpus, inside):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    with pytest.raises(KeyboardInterrupt), backend.computing():
        assert rewriting_is_off() == inside
        raise KeyboardInterrupt
    assert not rewriting_is_off()


def test_the_modes_of_another_thread_stay_as_they_are():
    with ThreadPoolExecutor(1) as other, backend.computing():
        assert rewriting_is_off()
        assert not other.submit(rewriting_is_off).result()


@pytest.fixture
def machine(monkeypatch):
    """Pretends a machine: what its /proc/cpuinfo says (None: it has none), and what its GPUs can do."""

    def pretend(cpuinfo, *capabilities):
        def read_text():
            if cpuinfo is None:
                raise FileNotFoundError
            return cpuinfo

        details = {f"GPU:{i}": {"compute_capability": pair} for i, pair in enumerate(capabilities)}
        monkeypatch.setattr(backend, "Path", lambda path: SimpleNamespace(read_text=read_text))
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(details))
        monkeypatch.setattr(tf.config.experimental, "get_device_details", details.get)

    return pretend


@pytest.mark.parametrize(
    ("cpuinfo", "capabilities", "expected"),
    [
        ("flags : fpu avx2 avx512f\n", (), None),
        ("flags : fpu avx512f avx512_bf16 avx512_fp16\n", (), "avx512_bf16"),
        ("flags : avx512_bf16 amx_bf16 amx_tile\n", (), "amx_bf16"),
        ("flags : avx512_bf16_not_quite\n", (), None),
        (None, (), None),
        ("flags : amx_bf16\n", ((7, 5),), None),
        ("flags : avx2\n", ((8, 0),), "GPU tensor cores"),
        ("flags : avx2\n", ((9, 0), (7, 0)), "GPU tensor cores"),
    ],
)
def test_fast_bfloat16_is_what_the_hardware_states(machine, cpuinfo, capabilities, expected):
    machine(cpuinfo, *capabilities)
    assert backend.fast_bfloat16() == expected


def test_the_import_works_without_a_standard_error_stream(run_python):
    script = "import os; os.close(2); from nst_utils.base.tensorflow import tf; print(int(tf.constant(2) * 3))"
    done = run_python(script)
    assert (done.returncode, done.stdout) == (0, "6\n")

"""What the tests share: a small network like VGG-19, scripts in processes of their own, locked folders."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil
import pytest

from nst_utils.course.config import CONFIG
from nst_utils.network.layout import BLOCKS
from nst_utils.network.matconvnet import write_matconvnet

ROOT = Path(__file__).resolve().parents[1]
# What these tests are about, Windows has otherwise: signals to another process, links, permissions, pipes.
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals, links, permissions or pipes")
TINY_WIDTHS = {1: 4, 2: 5, 3: 6, 4: 7, 5: 8}


def random_network(seed=0):
    """{name: (kernel, bias)} of VGG-19's 16 convolutions, a few channels wide; activations stay moderate."""
    rng = np.random.default_rng(seed)
    weights, channels = {}, 3
    for block, count in BLOCKS.items():
        for i in range(1, count + 1):
            width = TINY_WIDTHS[block]
            kernel = rng.normal(0.01, np.sqrt(1.5 / (9 * channels)), (3, 3, channels, width))
            bias = rng.normal(0, 1, width)
            weights[f"conv{block}_{i}"] = (kernel.astype(np.float32), bias.astype(np.float32))
            channels = width
    return weights


@pytest.fixture(scope="session")
def tiny_weights():
    return random_network()


@pytest.fixture
def tiny_mat(tmp_path, tiny_weights):
    """The tiny network as a .mat file of the current release, in a folder of its own."""
    path = tmp_path / "tiny.mat"
    write_matconvnet(path, tiny_weights, CONFIG.MEANS, "a tiny network")
    return path


@pytest.fixture
def course_size():
    """CONFIG, whose width and height a test may set; they are put back after it."""
    size = CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT
    yield CONFIG
    CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = size


@pytest.fixture(scope="session")
def full_float32():
    """Tensor cores would round float32 products to ten bits, which the tolerances here don't allow for."""
    from nst_utils.base.tensorflow import tf

    tf.config.experimental.enable_tensor_float_32_execution(False)


@pytest.fixture
def run_python(tmp_path):
    """Runs a script in a process and an empty working directory of its own."""

    def run(script, *arguments, **options):
        cwd = tmp_path / "elsewhere"
        cwd.mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, "-c", script, *map(str, arguments)],
            cwd=options.pop("cwd", cwd), capture_output=True, text=True, timeout=300, **options,
        )

    return run


@pytest.fixture
def locked_folder(tiny_mat):
    """A folder the test, not root here, cannot write to; it can read `tiny.mat` there, not `secret.png`."""
    if os.name == "nt":
        pytest.skip("Windows has no such permissions")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "secret.png").touch(0)
        shutil.copy(tiny_mat, folder)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


@contextlib.contextmanager
def full_disk(room=10_000):
    """As on a full disk, a file can be begun here, but writing fails once it has `room` bytes."""
    resource = pytest.importorskip("resource", reason="Windows has no limits on the size of a file")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def assert_one_sentence(message, *parts):
    """The message is one line that ends like a sentence and names every one of the parts."""
    message = str(message)
    assert "\n" not in message and message.endswith((".", ")")) and len(message) < 500, message
    for part in parts:
        assert str(part) in message, f"{part} is not in: {message}"


def free_port():
    """A port of this machine that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Dask:
    """`dask scheduler` and `dask worker` as processes of their own."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        self.start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")

    def start(self, *words, path=ROOT):
        command = [sys.executable, "-m", "dask", *map(str, words)]
        environment = os.environ | {"PYTHONPATH": str(path), "TF_NUM_INTRAOP_THREADS": "1"}
        with open(self.folder / f"{words[0]}.log", "ab") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def start_workers(self, count, path=ROOT):
        words = ["--nworkers", count, "--nthreads", 1, "--no-dashboard", "--local-directory", self.folder]
        return self.start("worker", self.address, *words, path=path)

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def workers_of(process):
    """The worker processes that `dask worker`, or a sweep with workers of its own, has started."""
    found = []
    for each in psutil.Process(process.pid).children():
        with contextlib.suppress(psutil.Error):
            words = " ".join(each.cmdline())
            # A worker bears the second name where setproctitle is installed.
            if "multiprocessing.spawn" in words or "dask worker [" in words:
                found.append(each)
    return found


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    found = Dask(tmp_path_factory.mktemp("dask"))
    found.start_workers(2)
    yield found
    found.close()


def pytest_terminal_summary(terminalreporter):
    """Print the figures that tests have recorded, such as how many mutants the checks have named, and the rest."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    told = [
        text
        for report in reports
        for name, text in getattr(report, "user_properties", ())
        if name == "figures" and report.when == "call"
    ]
    if told:
        terminalreporter.section("figures")
        for text in told:
            terminalreporter.write_line(text)

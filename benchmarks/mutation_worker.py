"""What benchmarks/mutation.py runs in a copy of the project: the map of tests and lines, and tests of one mutant each.

    python mutation_worker.py map TEST_FILE RESULT    which lines each test runs, and how many seconds it computes
    python mutation_worker.py serve                   jobs from standard input, answers to standard output, as JSON

TensorFlow and whatever else takes long to import is imported once; a process is forked from there for each mutant, in
which the package, and the tests, are imported anew. No operation of TensorFlow may have run before.
"""

import contextlib
import importlib
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

OPTIONS = ["-q", "-p", "no:cacheprovider", "-p", "pytest_timeout", "-p", "pytest_instafail", "-o", "addopts="]
# A module of each library that the package and its tests import, before any of our own.
LIBRARIES = (
    "tensorflow", "tensorflow.python.eager.context", "tensorflow.keras", "keras.optimizers", "keras.losses",
    "tensorflow.compat.v1", "scipy.io", "scipy.optimize", "scipy.ndimage", "scipy.sparse", "scipy.linalg", "h5py",
    "PIL.Image", "imageio", "nbformat", "matplotlib.pyplot", "typer", "requests", "tqdm", "libcst", "filelock",
    "IPython", "pytest_timeout", "pytest_instafail", "unittest.mock", "xml.etree.ElementTree",
)  # fmt: skip
# A test of a mutant may last so many seconds, and so many times what it usually lasts.
SECONDS, TIMES = 30, 6
# Bytes that a mutant may use.
MEMORY = 8e9


# What stops threads from outside may not be traced meanwhile: parts of such tests' names, what they are taken to run in
# whole, and the seconds that they are taken to need.
UNTRACED = ("endless_loop", "cannot_be_stopped", "interrupt_by_the_user", "was_left_behind")
UNTRACED_LINES, UNTRACED_SECONDS = {"nst_utils/checks/limits.py": list(range(1, 200))}, 4.0


class Mapping:
    """A plugin of pytest: the lines of the package that each test runs."""

    def __init__(self, root):
        import coverage

        self.coverage = coverage.Coverage(data_file=None, include=[f"{root}/nst_utils/*"], config_file=False)
        self.root, self.seconds, self.passed, self.untraced = root, {}, set(), []

    def pytest_collection_modifyitems(self, items):
        self.untraced = [item.nodeid for item in items if any(part in item.name for part in UNTRACED)]
        items[:] = [item for item in items if item.nodeid not in self.untraced]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.coverage.start()
        self.coverage.switch_context(item.nodeid)
        began = _computed()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = round(_computed() - began, 3)
            self.coverage.stop()

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self.passed.add(report.nodeid)

    def result(self):
        found = {name: {"seconds": self.seconds[name], "lines": {}} for name in self.passed}
        data = self.coverage.get_data()
        for path in data.measured_files():
            module = str(Path(path).relative_to(self.root))
            for line, contexts in data.contexts_by_lineno(path).items():
                for name in set(contexts) & set(found):
                    found[name]["lines"].setdefault(module, []).append(line)
        return found | {name: {"seconds": UNTRACED_SECONDS, "lines": UNTRACED_LINES} for name in self.untraced}


class Chosen:
    """A plugin of pytest: runs these tests only, in this order, and tells which begins and which fails."""

    def __init__(self, names, tell):
        self.names, self.tell = names, tell

    def pytest_collection_modifyitems(self, items):
        place = {name: i for i, name in enumerate(self.names)}
        items[:] = sorted((item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid])

    def pytest_runtest_logstart(self, nodeid):
        self.tell({"begins": nodeid})

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.tell({"fails": report.nodeid})


def _computed():
    """The seconds that this process and those that it has started have computed: others on the machine don't count."""
    return sum(os.times()[:4])


def map_tests(file, result):
    mapping = Mapping(os.getcwd())
    pytest.main([*OPTIONS, "--tb=no", file], plugins=[mapping])
    Path(result).write_text(json.dumps(mapping.result()), encoding="utf-8")


def test(names, tell):
    """In a process of its own: the tests, up to the first that fails."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    folder = tempfile.mkdtemp(prefix="mutant-")
    try:
        files = list(dict.fromkeys(name.partition("::")[0] for name in names))
        code = pytest.main(
            [*OPTIONS, "--exitfirst", "--tb=no", f"--basetemp={folder}/tmp", *files], plugins=[Chosen(names, tell)]
        )
        tell({"code": int(code)})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def outcome(names, seconds):
    """{"status": "survived" or how it was killed, "test": the first that failed, "seconds": in all}."""
    reading, writing = os.pipe()
    began, failed, code, rest = time.monotonic(), None, None, b""
    child = os.fork()
    if not child:
        os.setsid()
        try:
            test(names, lambda told: os.write(writing, json.dumps(told).encode() + b"\n"))
        finally:
            os._exit(0)
    os.close(writing)
    status, running, limit = None, None, time.monotonic() + 4 * SECONDS
    while status is None:
        if select.select([reading], [], [], 0.5)[0]:
            data = os.read(reading, 65536)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for told in map(json.loads, lines):
                failed, code = told.get("fails", failed), told.get("code", code)
                if "begins" in told:
                    running = told["begins"]
                    limit = time.monotonic() + SECONDS + TIMES * seconds[names.index(running)]
            if failed or code is not None:
                break
        if time.monotonic() > limit:
            status = "timeout"
        elif _memory(child) > MEMORY:
            status = "memory"
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    # Code 0: all passed; 1: one failed; others: the tests could not even be collected; none: the process died.
    status = status or ("survived" if code == 0 and not failed else "failed" if failed or code == 1 else "crashed")
    return {"status": status, "test": failed or running, "seconds": round(time.monotonic() - began, 2)}


def _memory(pid):
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).memory_info().rss
    return 0


def serve():
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    ours = [name for name in sys.modules if name.partition(".")[0] == "nst_utils"]
    assert not ours, f"These would not be imported anew: {ours}"
    for line in sys.stdin:
        job = json.loads(line)
        path = Path(job["module"])
        original = path.read_bytes()
        path.write_text(job["source"], encoding="utf-8")
        try:
            answer = outcome(job["tests"], job["seconds"])
        finally:
            path.write_bytes(original)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    sys.dont_write_bytecode = sys.argv[1] == "serve"
    map_tests(*sys.argv[2:]) if sys.argv[1] == "map" else serve()

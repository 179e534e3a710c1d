"""What comes of a download from servers that stall, break off and lie, when its process is killed as well.

    python benchmarks/downloads.py [--series 200] [--seed 0]

A real HTTP server on this machine spoils one answer after the other, at random, and then gives the file; in half of the
series the fetching process is killed in between with `kill -9`, and in every tenth two processes fetch at once. Counted
is whether the right file is there at last, and whether the file's name ever stood for anything else.
"""

import argparse
import functools
import gzip
import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from common import save

DATA = np.random.default_rng(0).bytes(300_000)
WRONG = bytes(300_000)
SHA256 = "sha256:" + hashlib.sha256(DATA).hexdigest()

Handler = http.server.BaseHTTPRequestHandler
Fault = Callable[[Handler], None]


def good(handler: Handler, data: bytes = DATA, ranges: bool = True) -> None:
    """The file, or the part of it that is asked for."""
    asked = handler.headers.get("Range")
    begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and ranges else 0
    if begin >= len(data):
        return status(416)(handler)
    handler.send_response(206 if begin else 200)
    if begin:
        handler.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
    handler.send_header("Content-Length", str(len(data) - begin))
    handler.end_headers()
    handler.wfile.write(data[begin:])


def without_ranges(handler: Handler) -> None:
    """The whole file, whatever part is asked for."""
    good(handler, ranges=False)


def wrong(handler: Handler) -> None:
    """Another file of the same length."""
    good(handler, WRONG)


def another_length(handler: Handler) -> None:
    """A page that says that one has to log in."""
    good(handler, b"<html>Please log in</html>", ranges=False)


def promising(length: int, sent: int, stall: bool = False) -> Fault:
    """An answer that promises so many bytes, sends others, and closes, or falls silent."""

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range")
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        handler.send_response(206 if begin else 200)
        if begin:
            handler.send_header("Content-Range", f"bytes {begin}-{len(DATA) - 1}/{length}")
        handler.send_header("Content-Length", str(length - begin))
        handler.end_headers()
        handler.wfile.write(DATA[begin : begin + sent])
        handler.wfile.flush()
        if stall:
            handler.server.over.wait()

    return answer


def status(number: int, **headers: str) -> Fault:
    """An answer of one line."""

    def answer(handler: Handler) -> None:
        handler.send_response(number)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def another_part(handler: Handler) -> None:
    """A part that begins elsewhere than was asked for."""
    if not handler.headers.get("Range"):
        return good(handler)
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes 0-99/{len(DATA)}")
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(DATA[:100])


def endless(handler: Handler) -> None:
    """An answer without a length that never ends."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(2**16))


def drops(handler: Handler) -> None:
    """A byte now and then."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(DATA)))
    handler.end_headers()
    for byte in DATA:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        if handler.server.over.wait(0.02):
            return


def packed(handler: Handler) -> None:
    """The file, packed although nobody asked for it."""
    data = gzip.compress(DATA)
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def nonsense(handler: Handler) -> None:
    """No HTTP at all."""
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n" * 3)


def silence(handler: Handler) -> None:
    """A connection that is closed without a word."""


FAULTS: dict[str, Fault] = {
    "breaks off at once": promising(len(DATA), 0),
    "breaks off early": promising(len(DATA), 1_000),
    "breaks off late": promising(len(DATA), len(DATA) - 1),
    "says too much": promising(len(DATA) + 100, len(DATA)),
    "says too little": promising(len(DATA) - 100, len(DATA)),
    "another file": wrong,
    "another length": another_length,
    "ignores ranges": without_ranges,
    "another part": another_part,
    "404": status(404),
    "403": status(403),
    "416": status(416),
    "429": status(429, Retry_After="0"),
    "500": status(500),
    "503": status(503, Retry_After="0"),
    "redirect to nowhere": status(302, Location="/nowhere"),
    "redirect in a circle": status(302, Location="/circle"),
    "redirect to no address": status(302, Location="gopher://nowhere"),
    "packed": packed,
    "no HTTP": nonsense,
    "silence": silence,
}


class Server(http.server.ThreadingHTTPServer):
    """Gives the answers that it was told to, one after the other, and then the file."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Fault] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.over, self._turn = threading.Event(), threading.Lock()

    def next(self, handler: Handler) -> Fault:
        """The answer whose turn it is."""
        with self._turn:
            self.asked.append((handler.path, dict(handler.headers)))
            if handler.path.endswith("/circle"):
                return status(302, Location="/circle")
            if handler.path.endswith("/nowhere"):
                return status(404)
            return self.answers.pop(0) if self.answers else good

    @property
    def address(self) -> str:
        """Of the file."""
        return f"http://127.0.0.1:{self.server_port}/weights.mat"

    def handle_error(self, *_: Any) -> None:
        """Clients are killed here: nothing to tell."""


class _Handler(Handler):
    def do_GET(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            self.server.next(self)(self)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    """A Server at work."""
    with Server() as server:
        thread = threading.Thread(target=functools.partial(server.serve_forever, 0.02), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


FETCH = """
import json, signal, sys
from pathlib import Path
from nst_utils.base.errors import InputError
from nst_utils.network import downloads
# A shell that started us in the background may have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
addresses, target, checksum, size = json.loads(sys.argv[1])
downloads.TIMEOUT, downloads.wait = (5.0, 5.0), lambda seconds: None
try:
    downloads.fetch(addresses, Path(target), checksum, size)
except InputError as error:
    print(error)
    sys.exit(3)
"""


def fetching(server: Server, target: Path, known: bool = True) -> subprocess.Popen:
    """A process that fetches the server's file. known: whether it knows how large the file is."""
    task = json.dumps([[server.address], str(target), SHA256, len(DATA) if known else None])
    command = [sys.executable, "-c", FETCH, task]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def one_series(server: Server, folder: Path, random: np.random.Generator, number: int) -> dict[str, int]:
    """Faults, then the file; perhaps with kills, perhaps two processes at once. Figures to be added up."""
    target, names = folder / "weights.mat", list(FAULTS)
    server.answers = [FAULTS[names[i]] for i in random.integers(len(names), size=int(random.integers(0, 7)))]
    faults, told, kills = len(server.answers), 0, 0
    false_names = 0
    for attempt in range(30):
        processes = [fetching(server, target, bool(random.integers(2))) for _ in range(2 if number % 10 == 0 else 1)]
        if attempt < 3 and random.integers(2):
            # Any moment will do: while it starts, asks, receives, or has already ended.
            time.sleep(float(random.uniform(0.1, 0.5)))
            for process in processes:
                kills += process.poll() is None
                process.kill()
        for process in processes:
            process.communicate()
            told += process.returncode == 3
        false_names += target.exists() and target.read_bytes() != DATA
        if any(process.returncode == 0 for process in processes):
            break
    return {
        "series": 1, "faults": faults, "kills": kills, "refusals_in_a_sentence": told,
        "right_at_last": int(target.exists() and target.read_bytes() == DATA), "false_files": false_names,
        "files_left_over": len([name for name in os.listdir(folder) if name != "weights.mat"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    found: dict[str, int] = {}
    for number in range(options.series):
        with serving() as server, tempfile.TemporaryDirectory() as folder:
            one = one_series(server, Path(folder), random, number)
        found = {name: found.get(name, 0) + value for name, value in one.items()}
    results = {"seed": options.seed, "kinds_of_faults": len(FAULTS), **found,
               "results_lost": found["series"] - found["right_at_last"]}  # fmt: skip
    print(json.dumps(results, indent=1))
    save("downloads", results)


if __name__ == "__main__":
    main()

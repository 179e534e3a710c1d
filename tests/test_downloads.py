"""Downloads from a real server on this machine that stalls, breaks off, lies, redirects and refuses; and their list."""

import hashlib
import os
import signal
import sys
import threading
import time
from email.utils import formatdate
from types import SimpleNamespace

import pytest
from conftest import ROOT, assert_one_sentence, full_disk, posix_only

from nst_utils.base.errors import InputError
from nst_utils.cli import main
from nst_utils.network import downloads, weights

sys.path.insert(0, str(ROOT / "benchmarks"))

import downloads as faulty  # noqa: E402

DATA, SHA256 = faulty.DATA, faulty.SHA256


@pytest.fixture
def server():
    with faulty.serving() as found:
        yield found


@pytest.fixture
def mirror():
    with faulty.serving() as found:
        yield found


@pytest.fixture
def waited(monkeypatch):
    """The pauses that were made, without making them; and short patience with who sends nothing."""
    found = []
    monkeypatch.setattr(downloads, "wait", found.append)
    monkeypatch.setattr(downloads, "TIMEOUT", (20.0, 20.0))
    return found


@pytest.fixture
def fetch(server, waited, tmp_path):
    """fetch() of the server's file, or of others as well, into tmp_path/here/weights.mat."""

    def run(*others, size=300_000, checksum=SHA256):
        addresses = [server.address, *(each.address for each in others)]
        return downloads.fetch(addresses, tmp_path / "here" / "weights.mat", checksum, size)

    return run


def here(tmp_path):
    return sorted(os.listdir(tmp_path / "here"))


def assert_right(tmp_path):
    assert here(tmp_path) == ["weights.mat"]
    assert (tmp_path / "here" / "weights.mat").read_bytes() == DATA


# Faults


RECOVERED = [
    "breaks off at once", "breaks off early", "breaks off late", "ignores ranges", "another part", "429", "500", "503",
    "no HTTP", "silence", "packed",
]  # fmt: skip


@pytest.mark.parametrize("known", [True, False], ids=["size known", "size unknown"])
@pytest.mark.parametrize("name", RECOVERED)
def test_after_a_fault_that_may_pass_the_same_server_is_asked_again(fetch, server, tmp_path, name, known):
    server.answers = [faulty.FAULTS[name]]
    fetch(size=len(DATA) if known else None)
    assert_right(tmp_path)


REFUSED = {
    "404": "404 Not Found", "403": "403 Forbidden", "another file": "checksum", "another length": "26 bytes",
    "says too much": "300,100 bytes", "says too little": "299,900 bytes", "redirect to nowhere": "404",
    "redirect in a circle": "TooManyRedirects", "redirect to no address": "InvalidSchema",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_fault_that_will_not_pass_is_told_and_leaves_nothing(fetch, server, tmp_path, name):
    server.answers = [faulty.FAULTS[name]] * 3
    with pytest.raises(InputError) as error:
        fetch()
    assert_one_sentence(error.value, server.address, REFUSED[name], tmp_path / "here")
    assert here(tmp_path) == []


@pytest.mark.parametrize("name", [*REFUSED, *RECOVERED])
def test_where_one_address_fails_the_next_one_is_asked(fetch, server, mirror, tmp_path, name):
    server.answers = [faulty.FAULTS[name]] * 200
    fetch(mirror)
    assert_right(tmp_path)
    # The server itself gets there in the end with these.
    assert mirror.asked or name in ("ignores ranges", "another part", "packed", "breaks off late")


def test_a_length_that_is_a_lie_costs_a_try_and_the_checksum_decides(fetch, server, tmp_path):
    server.answers = [faulty.FAULTS["says too little"]]
    with pytest.raises(InputError) as error:
        fetch(size=None)
    assert_one_sentence(error.value, "another checksum")
    assert here(tmp_path) == []
    server.answers = [faulty.FAULTS["says too much"]] * 2
    fetch(size=None)
    assert_right(tmp_path)


def test_what_has_come_is_not_fetched_again(fetch, server, tmp_path):
    server.answers = [faulty.promising(len(DATA), 100_000), faulty.promising(len(DATA), 100_000)]
    fetch()
    assert_right(tmp_path)
    assert [headers.get("Range") for _, headers in server.asked] == [None, "bytes=100000-", "bytes=200000-"]


def beginning(sent):
    """An answer that begins anew whatever part is asked for, and breaks off after so many bytes."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        handler.wfile.write(DATA[:sent])

    return answer


def test_a_server_that_begins_anew_and_breaks_off_costs_nothing_of_what_is_here(fetch, server, tmp_path):
    server.answers = [faulty.promising(len(DATA), 200_000), beginning(50_000), beginning(0)]
    fetch()
    assert_right(tmp_path)
    assert [headers.get("Range") for _, headers in server.asked] == [None, *["bytes=200000-"] * 3]


def test_a_whole_answer_takes_the_place_of_what_was_here_and_is_wrong(fetch, server, tmp_path):
    part = downloads.part_of(tmp_path / "here" / "weights.mat")
    part.parent.mkdir()
    part.write_bytes(DATA[:100_000] + faulty.WRONG[:100_000])
    server.answers = [faulty.without_ranges]
    fetch()
    assert_right(tmp_path)
    assert len(server.asked) == 1


def test_a_server_that_breaks_off_again_and_again_still_gives_the_file(fetch, server, tmp_path):
    server.answers = [faulty.promising(len(DATA), 5_000)] * 50
    fetch()
    assert_right(tmp_path)


def test_bytes_of_another_file_are_thrown_away_and_the_file_fetched_from_its_beginning(fetch, server, tmp_path):
    part = downloads.part_of(tmp_path / "here" / "weights.mat")
    part.parent.mkdir()
    for left in (faulty.WRONG[:100_000], faulty.WRONG, faulty.WRONG * 2, b""):
        part.write_bytes(left)
        fetch()
        assert_right(tmp_path)
        (tmp_path / "here" / "weights.mat").unlink()


def test_a_server_that_falls_silent_is_given_up_and_gone_on_with(fetch, server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", (20.0, 0.3))
    server.answers = [faulty.promising(len(DATA), 100_000, stall=True)]
    fetch()
    assert_right(tmp_path)
    assert "bytes=100000-" in [headers.get("Range") for _, headers in server.asked]


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(fetch, server, mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "SLOWEST", (64_000, 0.2))
    server.answers = [faulty.drops] * 200
    monkeypatch.setattr(downloads, "MOST_ATTEMPTS", 2)
    fetch(mirror)
    assert_right(tmp_path)


@pytest.mark.parametrize("size", [len(DATA), None])
def test_an_answer_without_end_is_ended(fetch, server, tmp_path, monkeypatch, size):
    monkeypatch.setattr(downloads, "LARGEST", 1_000_000)
    server.answers = [faulty.endless]
    with pytest.raises(InputError) as error:
        fetch(size=size)
    assert_one_sentence(error.value, "more than it said")
    assert here(tmp_path) == []


def test_a_busy_server_is_waited_for_as_long_as_it_asks(fetch, server, waited, tmp_path):
    soon = formatdate(time.time() + 30, usegmt=True)
    server.answers = [faulty.status(429, Retry_After="7"), faulty.status(503, Retry_After=soon), faulty.status(503)]
    fetch()
    assert_right(tmp_path)
    assert waited[0] == 7 and 0 < waited[1] <= 30 and 0 < waited[2] <= 10


def test_a_server_that_asks_for_an_hour_gives_way_to_the_next_one(fetch, server, mirror, waited, tmp_path):
    server.answers = [faulty.status(429, Retry_After="3600")]
    fetch(mirror)
    assert_right(tmp_path)
    assert waited == []
    server.answers = [faulty.status(429, Retry_After="3600")]
    (tmp_path / "here" / "weights.mat").unlink()
    with pytest.raises(InputError) as error:
        fetch()
    assert_one_sentence(error.value, "429", "3600 s")


@pytest.mark.parametrize("text", ["soon", "-1", "", "1e9999", "Wed, 99 Nov 2026"])
def test_a_wait_that_is_none_is_chosen_by_ourselves(fetch, server, waited, tmp_path, text):
    server.answers = [faulty.status(503, Retry_After=text)]
    fetch()
    assert_right(tmp_path)
    assert len(waited) == 1 and 0 <= waited[0] < 10


def test_redirects_are_followed(fetch, server, mirror, tmp_path):
    server.answers = [faulty.status(302, Location=mirror.address)]
    fetch()
    assert_right(tmp_path)
    assert len(mirror.asked) == 1


def test_all_that_failed_is_named(fetch, server, mirror, tmp_path):
    server.answers, mirror.answers = [faulty.FAULTS["404"]], [faulty.wrong]
    with pytest.raises(InputError) as error:
        fetch(mirror)
    words = (f"{server.address} could not be fetched (404", f"{mirror.address} sent a file with another checksum")
    assert_one_sentence(error.value, *words)


def test_a_connection_lost_for_good_keeps_what_has_come_and_says_so(fetch, server, tmp_path):
    server.answers = [faulty.promising(len(DATA), 100_000), *[faulty.silence] * 10]
    with pytest.raises(InputError) as error:
        fetch()
    assert_one_sentence(error.value, "broke off", "0.1 MB of it are kept", "goes on")
    assert here(tmp_path) == [".weights.mat.part"]
    server.answers = []
    fetch()
    assert_right(tmp_path)
    assert server.asked[-1][1]["Range"] == "bytes=100000-"


def test_a_wrong_file_stays_until_the_right_one_is_there(fetch, server, tmp_path):
    target = tmp_path / "here" / "weights.mat"
    target.parent.mkdir()
    target.write_text("mine")
    server.answers = [faulty.FAULTS["404"]]
    with pytest.raises(InputError):
        fetch()
    assert target.read_text() == "mine"
    fetch()
    assert_right(tmp_path)


# Headers that no server should send: those of an answer with the file, and those that lead elsewhere. Most of them made
# a traceback once.
HEADERS = {
    "no number": (503, {"Retry-After": "\xb2"}),
    "no date": (503, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2300"}),
    "no length": (200, {"Content-Length": "\xb2"}),
    "a negative length": (200, {"Content-Length": "-5"}),
    "two lengths": (200, {"Content-Length": "5, 6"}),
    "a length beyond all": (200, {"Content-Length": "9" * 5000}),
    "no part": (206, {"Content-Range": "bytes \xb2-9/\xb2"}),
    "a part of all": (206, {"Content-Range": "bytes 0-9/" + "9" * 5000}),
    "no chunks": (200, {"Transfer-Encoding": "chunked"}),
    "no gzip": (200, {"Content-Encoding": "gzip"}),
    "packed too often": (200, {"Content-Encoding": ", ".join(["gzip"] * 20)}),
    "to no address": (302, {"Location": "http://["}),
    "to no name": (302, {"Location": "http://a..b/"}),
    "to no text": (302, {"Location": "http://\xff\xfe/"}),
    "to no port": (302, {"Location": "http://127.0.0.1:99999/"}),
    "too many": (200, {f"X-{number}": "1" for number in range(300)}),
    "too long": (200, {"X": "x" * 100_000}),
    "another status": (999, {}),
    "what a terminal obeys": (404, {}),
}


@pytest.mark.parametrize("name", HEADERS)
def test_whatever_the_headers_say_is_one_sentence_and_the_next_address_is_asked(fetch, server, mirror, tmp_path, name):
    status, headers = HEADERS[name]
    lines = [f"HTTP/1.1 {status} \x1b[31mred\x07", *(": ".join(each) for each in headers.items()), "\r\n"]
    answer = "\r\n".join(lines).encode("latin-1") + DATA
    server.answers = [lambda handler: handler.wfile.write(answer)] * 200
    try:
        fetch()  # some of these can be lived with
    except InputError as error:
        assert_one_sentence(error, server.address)
        assert str(error).isprintable()
        fetch(mirror)
    assert_right(tmp_path)


# Proxies


def test_proxies_of_the_environment_are_used_and_exceptions_from_them_kept(server, waited, tmp_path, monkeypatch):
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    proxy = server.address.removesuffix("/weights.mat")
    monkeypatch.setenv("http_proxy", proxy)
    # A name that nobody but the proxy knows.
    downloads.fetch(["http://weights.invalid/weights.mat"], tmp_path / "here" / "weights.mat", SHA256)
    assert [path for path, _ in server.asked] == ["http://weights.invalid/weights.mat"]
    assert_right(tmp_path)
    (tmp_path / "here" / "weights.mat").unlink()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    downloads.fetch([server.address], tmp_path / "here" / "weights.mat", SHA256)
    assert_right(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "words"), [("REQUESTS_CA_BUNDLE", "/nowhere.pem", "/nowhere.pem"),
                                 ("https_proxy", "http://a..b:1", "not valid")], ids=["certificates", "proxy"],
)  # fmt: skip
def test_a_wrong_variable_of_the_environment_is_not_taken_for_a_bad_disk(
    mirror, waited, tmp_path, monkeypatch, name, value, words
):
    for other in ("no_proxy", "NO_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    target = tmp_path / "here" / "weights.mat"
    with pytest.raises(InputError) as error:
        downloads.fetch(["https://127.0.0.1:1/weights.mat"], target, SHA256)
    assert_one_sentence(error.value, "could not be fetched", words)
    downloads.fetch(["https://127.0.0.1:1/weights.mat", mirror.address], target, SHA256)
    assert_right(tmp_path)


# Disks


def test_without_room_nothing_is_fetched(fetch, server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda path: SimpleNamespace(free=200_000))
    with pytest.raises(InputError) as error:
        fetch()
    assert_one_sentence(error.value, "weights.mat needs 0.3 MB", "room for 0.2 MB", tmp_path / "here")
    assert here(tmp_path) == []


@pytest.mark.parametrize("room", [1, 1_000, 299_999])
def test_a_disk_that_fills_up_on_the_way_is_told_and_given_back(fetch, tmp_path, room):
    with full_disk(room), pytest.raises(InputError) as error:
        fetch()
    assert_one_sentence(error.value, "weights.mat", "File too large", "make room")
    assert here(tmp_path) == []


def test_a_folder_in_the_place_of_the_file_is_told(fetch, tmp_path):
    (tmp_path / "here" / "weights.mat").mkdir(parents=True)
    with pytest.raises(InputError) as error:
        fetch()
    assert_one_sentence(error.value, "weights.mat")


# Processes


@posix_only
def test_a_download_that_is_killed_goes_on_where_it_was(server, tmp_path):
    target = tmp_path / "here" / "weights.mat"
    part = downloads.part_of(target)
    server.answers = [faulty.promising(len(DATA), 150_000, stall=True)]
    with faulty.fetching(server, target) as process:
        while not (part.exists() and part.stat().st_size):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    assert not target.exists()
    had = part.stat().st_size
    with faulty.fetching(server, target) as process:
        process.communicate()
    assert process.returncode == 0
    assert server.asked[1][1]["Range"] == f"bytes={had}-"
    assert_right(tmp_path)


@posix_only
def test_processes_that_fetch_the_same_file_at_once_fetch_it_once(server, tmp_path):
    target = tmp_path / "here" / "weights.mat"
    processes = [faulty.fetching(server, target) for _ in range(3)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert len(server.asked) == 1
    assert_right(tmp_path)


def test_who_comes_second_is_told_and_waits(server, waited, tmp_path):
    from filelock import FileLock

    told, target = [], tmp_path / "here" / "weights.mat"
    target.parent.mkdir()
    with FileLock(target.with_name(".weights.mat.lock")):
        done = threading.Event()

        def run():
            downloads.fetch([server.address], target, SHA256, tell=lambda words: (told.append(words), done.set()))

        thread = threading.Thread(target=run)
        thread.start()
        assert done.wait(60) and server.asked == []
    thread.join()
    assert told == ["Another process is fetching weights.mat: waiting for it ..."]
    assert target.read_bytes() == DATA


# The command


@pytest.fixture
def nst(monkeypatch, capsys):
    """`nst weights` in this process: (exit status, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["nst", "weights", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return stop.value.code, out, err

    return run


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """The only folder in which weights are looked for."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.setattr(weights, "MODEL_FOLDERS", (folder,))
    monkeypatch.setattr(weights, "_CHECKOUT", folder)
    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    return folder


def test_the_list_names_every_source_with_all_that_is_known_of_it(nst, empty):
    status, out, _ = nst()
    assert status == 0
    for name in ("embedded", "official", "keras"):
        assert f"\n{name}: " in f"\n{out}"
    for words in ("28 MB", "534,904,783 bytes", "80 MB", "CC BY 4.0", "https://www.vlfeat.org", "googleapis.com",
                  "sha256:abdb57167f82a2a1fbab1e1c16ad9373411883f262a1a37ee5db2e6fb0044695",
                  "md5:253f8cb515780f3b799900260a226db6"):  # fmt: skip
        assert words in out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("  here")] == ["no:"] * 3


def test_the_list_says_what_is_here_and_what_is_used(nst, empty):
    (empty / "vgg19-embedded.mat").write_bytes(b"embedded")
    (empty / ".imagenet-vgg-verydeep-19.mat.part").write_bytes(bytes(1_500_000))
    (empty / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5").write_bytes(b"half")
    _, out, _ = nst()
    assert f"{empty / 'vgg19-embedded.mat'}, used by default" in out
    assert "1.5 MB of it: nst weights official goes on" in out
    assert "of another size (4 bytes)" in out


def test_the_list_compares_checksums_when_asked(nst, empty):
    real = ROOT / "pretrained-model" / "vgg19-embedded.mat"
    assert "sha256:" + hashlib.sha256(real.read_bytes()).hexdigest() == weights.EMBEDDED_CHECKSUM
    (empty / real.name).write_bytes(real.read_bytes())
    status, out, _ = nst("--check")
    assert status == 0 and "its checksum is right" in out
    with (empty / real.name).open("r+b") as file:
        file.write(b"x")
    status, out, err = nst("--check")
    assert status == 1 and "its checksum is wrong" in out
    assert_one_sentence(err.rstrip("\n"), empty / real.name, "damaged")


def test_the_embedded_network_needs_no_fetching(nst):
    status, out, _ = nst("embedded")
    assert status == 0 and "nothing to fetch" in out


@pytest.mark.parametrize("by", ["option", "environment"])
def test_mirrors_of_ones_own_are_asked_first(nst, empty, server, mirror, waited, monkeypatch, by):
    monkeypatch.setitem(weights.DOWNLOADS, "official", (server.address, SHA256))
    base = mirror.address.removesuffix("/weights.mat") + "/class"
    mirror.answers = [faulty.FAULTS["404"]]
    options = ["--mirror", base] if by == "option" else []
    if by == "environment":
        monkeypatch.setenv("NST_MIRRORS", f"{base} {base}/")
    status, out, err = nst("official", *options)
    assert status == 0 and str(empty / "weights.mat") in out
    assert {path for path, _ in mirror.asked} == {"/class/weights.mat"}
    if by == "option":
        assert len(server.asked) == 1 and f"trying {server.address} ..." in err


def test_a_download_that_fails_is_one_sentence_on_the_command_line(nst, empty, server, waited, monkeypatch):
    monkeypatch.setitem(weights.DOWNLOADS, "official", (server.address, SHA256))
    server.answers = [faulty.wrong]
    status, out, err = nst("official")
    assert (status, out) == (1, "")
    assert_one_sentence(err.rstrip("\n"), "nst: ", server.address, "checksum")
    assert os.listdir(empty) == []


def test_the_published_addresses_have_sizes_and_mirrors():
    for address, checksum in weights.DOWNLOADS.values():
        assert weights.SIZES[address] > 10**7 and checksum
        name = address.rpartition("/")[2]
        assert all(mirror.rpartition("/")[2] == name and mirror != address for mirror in weights.MIRRORS[address])


def test_a_file_url_or_no_url_is_no_address(waited, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(DATA)
    for address in (f"file://{secret}", "weights.mat", "http://", "http://[::1"):
        with pytest.raises(InputError) as error:
            downloads.fetch([address], tmp_path / "here" / "weights.mat", SHA256)
        assert_one_sentence(error.value, "could not be fetched")
    assert here(tmp_path) == []


@posix_only
def test_an_interrupted_download_leaves_no_process_and_no_lock(server, tmp_path):
    target = tmp_path / "here" / "weights.mat"
    server.answers = [faulty.promising(len(DATA), 150_000, stall=True)]
    with faulty.fetching(server, target) as process:
        part = downloads.part_of(target)
        while not (part.exists() and part.stat().st_size):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode != 0
    assert here(tmp_path) == [".weights.mat.part"]
    with faulty.fetching(server, target) as process:
        process.communicate()
    assert_right(tmp_path)

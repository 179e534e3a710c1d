"""The command `nst`: what it writes, and one sentence with a non-zero exit for every kind of bad input."""

import functools
import http.server
import json
import re
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import ROOT, assert_one_sentence, posix_only, random_network
from PIL import Image

import nst_utils.engine.stylize
import nst_utils.network.weights
from nst_utils.base.errors import InputError
from nst_utils.cli import main
from nst_utils.course.config import CONFIG
from nst_utils.engine.settings import read_setting
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import resize
from nst_utils.pictures.writing import write_image

NST = [sys.executable, "-m", "nst_utils.cli"]


@pytest.fixture(autouse=True)
def interruptible():
    """Ctrl-C works during a test, whatever the shell or the command, once its picture is done, have made of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def nst(monkeypatch, capsys):
    """Runs the command in this process: (exit status, standard output, what standard error shows last)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["nst", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return stop.value.code, out, re.split("[\r\n]", err.rstrip("\n"))[-1]

    return run


@pytest.fixture
def folder(tmp_path, tiny_mat):
    """A folder with content.png, style.png and tiny.mat."""
    for name, source in [("content", "content/summer-palace.jpg"), ("style", "style/van-gogh-night-cafe-1888.webp")]:
        picture = read_image(ROOT / "images" / source)
        write_image(tmp_path / f"{name}.png", resize(picture, (48, 40)))
    return tmp_path


@pytest.fixture
def stylize(nst, folder):
    """`nst stylize` on small pictures with a tiny network, one step of Adam unless told otherwise."""

    def run(*options, content="content.png", style="style.png", out="out.png"):
        common = ["--weights", folder / "tiny.mat", "--optimizer", "adam", "--iterations", 1, "--precision", "float32"]
        return nst("stylize", folder / content, folder / style, "-o", folder / out, *common, *options)

    return run


# What it does


def test_stylize_writes_what_the_function_returns(stylize, folder):
    status, out, _ = stylize("--iterations", 3, "--seed", 5, "--alpha", 20, "--init", "noise")
    assert status == 0
    expected = nst_utils.engine.stylize.stylize(
        folder / "content.png", folder / "style.png", weights=folder / "tiny.mat", optimizer="adam", iterations=3,
        precision="float32", seed=5, alpha=20, init="noise",
    )  # fmt: skip
    np.testing.assert_array_equal(read_image(folder / "out.png"), expected.image)
    assert f"Wrote {folder / 'out.png'}" in out and f"{expected.history[-1].total:.4g}" in out


def test_the_report_tells_settings_times_and_costs(stylize, folder):
    status, _, _ = stylize("--iterations", 3, "--size", "64x48", "--report", folder / "report.json", out="out.webp")
    assert status == 0
    report = json.loads((folder / "report.json").read_text())
    assert {"settings", "seconds", "peak_memory_mb", "steps"} <= report.keys()
    settings = {"size": [64, 48], "optimizer": "adam", "iterations": 3, "alpha": 10, "beta": 40, "init": "mix"}
    assert settings.items() <= report["settings"].items()
    assert 50 < report["peak_memory_mb"] < 50_000
    assert [step["iteration"] for step in report["steps"]] == [0, 1, 2, 3]
    seconds = [step["seconds"] for step in report["steps"]]
    assert 0 < seconds[0] and seconds == sorted(seconds) and seconds[-1] <= report["seconds"]
    for step in report["steps"]:
        assert (step["width"], step["height"]) == (64, 48)
        assert step["total"] == pytest.approx(10 * step["content"] + 40 * step["style"], rel=1e-5)
    with Image.open(folder / "out.webp") as image:
        assert (image.format, image.size) == ("WEBP", (64, 48))


def test_it_stops_at_a_cost(stylize, folder):
    status, out, _ = stylize("--iterations", 50, "--stop-at-cost", "1e30", "--report", folder / "report.json")
    assert status == 0 and "the cost is low enough" in out
    assert len(json.loads((folder / "report.json").read_text())["steps"]) == 1


@posix_only
@pytest.mark.parametrize(
    ("number", "name", "status"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)]
)
def test_a_signal_writes_the_picture_so_far_and_says_where(folder, number, name, status):
    command = [
        *NST, "stylize", folder / "content.png", folder / "style.png", "--out", folder / "out.png",
        "--report", folder / "report.json", "--weights", folder / "tiny.mat", "--optimizer", "adam",
        "--iterations", "1000000",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            shown = b""
            while b"J=" not in shown:  # the progress bar shows a cost
                piece = process.stderr.read1()
                assert piece, shown
                shown += piece
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == status and b"Traceback" not in err
    assert f"Wrote {folder / 'out.png'}: stopped by {name} after" in out.decode()
    assert read_image(folder / "out.png").shape == (40, 48, 3)
    steps = json.loads((folder / "report.json").read_text())["steps"]
    assert f"after {steps[-1]['iteration']} iterations" in out.decode()


FLAGS = """
import sys
from nst_utils.cli import main
sys.argv = ["nst", "stylize", sys.argv[1], sys.argv[2], "-o", "out.png", *sys.argv[3:]]
try:
    main()
finally:
    assert "tensorflow" not in sys.modules
"""


@pytest.mark.parametrize(
    "flags", [["--iterations", "0"], ["--alpha", "x"], ["--size", "9"], ["--optimizer", "sgd"], ["--weights", "no.mat"],
              ["--content-layer", "conv9_9"], ["--style-layers", "conv1_1=-1"], ["--report", "nowhere/r.json"]],
    ids=" ".join,
)  # fmt: skip
def test_a_mistake_in_a_flag_is_told_before_tensorflow_is_imported(run_python, folder, flags):
    done = run_python(FLAGS, folder / "content.png", folder / "style.png", *flags)
    assert done.returncode == 1 and done.stdout == ""
    assert_one_sentence(done.stderr.rstrip("\n"), "nst: ")


@pytest.mark.parametrize("where", ["content.png", "style.png", "link.png", "tiny.mat"])
def test_an_input_is_never_overwritten(stylize, folder, where):
    (folder / "link.png").symlink_to(folder / "content.png")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.suffix != ".h5"}
    status, _, sentence = stylize(out=where) if where != "tiny.mat" else stylize("--report", folder / where)
    assert status == 1
    assert_one_sentence(sentence, where, "would be lost")
    assert {path: path.read_bytes() for path in folder.iterdir() if path.suffix != ".h5"} == before


def test_the_report_counts_the_wait_for_the_whole_command(stylize, folder):
    status, out, _ = stylize("--report", folder / "report.json")
    report = json.loads((folder / "report.json").read_text())
    assert status == 0 and report["seconds_of_the_command"] > report["seconds"] > 0
    assert f"{report['seconds_of_the_command']:.1f} s in all" in out


def test_ctrl_c_before_there_is_a_picture_says_so(stylize, folder, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(nst_utils.engine.stylize, "stylize", interrupted)
    status, _, sentence = stylize()
    assert status == 1
    assert_one_sentence(sentence, "Ctrl-C", "no picture yet")
    assert not (folder / "out.png").exists()


# Pictures of every kind


def with_exif(image):
    exif = Image.Exif()
    exif[0x0112] = 6
    return {"exif": exif}


KINDS = {
    "grey.png": lambda image: (image.convert("L"), {}),
    "palette.png": lambda image: (image.convert("P"), {}),
    "alpha.png": lambda image: (image.convert("RGBA"), {}),
    "cmyk.jpg": lambda image: (image.convert("CMYK"), {}),
    "rotated.jpg": lambda image: (image, with_exif(image)),
    "animated.gif": lambda image: (image, {"save_all": True, "append_images": [image.rotate(90)]}),
    "16-bit.png": lambda image: (Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257), {}),
    "one-pixel.png": lambda image: (image.resize((1, 1)), {}),
    "wide.png": lambda image: (image.resize((20_000, 40)), {}),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_picture_can_be_painted(stylize, folder, name):
    with Image.open(folder / "content.png") as picture:
        image, options = KINDS[name](picture)
        image.save(folder / name, **options)
    status, _, _ = stylize("--size", "40x36", content=name, style=name)
    assert status == 0
    painted = read_image(folder / "out.png")
    assert painted.shape == (36, 40, 3) and painted.std() > 5


@pytest.mark.parametrize(("name", "size"), [("one-pixel.png", "1x1"), ("wide.png", "512x1")])
def test_a_picture_too_small_at_its_own_proportions_says_what_to_do(stylize, folder, name, size):
    with Image.open(folder / "content.png") as picture:
        KINDS[name](picture)[0].save(folder / name)
    status, _, sentence = stylize(content=name)
    assert status == 1
    assert_one_sentence(sentence, size, "--size WxH")


# Bad input


@pytest.fixture
def bad_files(folder):
    """Everything that can be wrong with a file, in the folder."""
    (folder / "letter.png").write_text("This is a letter.")
    (folder / "half.png").write_bytes((folder / "content.png").read_bytes()[:1500])
    (folder / "letter.mat").write_text("This is a letter.")
    (folder / "half.mat").write_bytes((folder / "tiny.mat").read_bytes()[:1500])
    (folder / "folder.png").mkdir()
    other = {f"conv{i}_1": pair for i, pair in enumerate(random_network().values(), start=1)}
    np.savez(folder / "other.npz", **{f"{name}_kernel": kernel for name, (kernel, _) in other.items()})
    huge = {name: (kernel * np.float32(1e8), bias) for name, (kernel, bias) in random_network().items()}
    write_matconvnet(folder / "huge.mat", huge, CONFIG.MEANS, "huge weights")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"content": "nowhere.png"}, ["nowhere.png", "does not exist"]),
        ({"style": "nowhere.png"}, ["nowhere.png", "does not exist"]),
        ({"content": "letter.png"}, ["letter.png", "not a picture"]),
        ({"content": "half.png"}, ["half.png", "not a picture"]),
        ({"style": "folder.png"}, ["folder.png", "is a folder"]),
        ({"out": "nowhere/out.png"}, ["nowhere", "does not exist"]),
        ({"out": "folder.png"}, ["folder.png", "is a folder"]),
        ({"out": "out"}, ["out", ".png, .jpg or .webp"]),
        ({"out": "out.docx"}, ["out.docx", ".png, .jpg or .webp"]),
        ({"out": "out.webp", "--size": "16384x40"}, ["out.webp", "cannot hold 16384x40 pixels"]),
        ({"--report": "nowhere/report.json"}, ["nowhere", "does not exist"]),
        ({"--weights": "nowhere.mat"}, ["nowhere.mat", "does not exist"]),
        ({"--weights": "letter.mat"}, ["letter.mat", "not a .mat file"]),
        ({"--weights": "half.mat"}, ["half.mat", "truncated"]),
        ({"--weights": "folder.png"}, ["folder.png", "is a folder"]),
        ({"--weights": "other.npz"}, ["other.npz", "not VGG-19"]),
        ({"--weights": "huge.mat"}, ["The cost became"]),
        ({"--size": "0x0"}, ["0x0", "at least 32"]),
        ({"--size": "400x20"}, ["400x20", "at least 32"]),
        ({"--size": "large"}, ["'large'", "400x300"]),
        ({"--size": "-40x40"}, ["'-40x40'", "400x300"]),
        ({"--max-side": "0"}, ["max_side is 0", "32 or more"]),
        ({"--max-side": "20"}, ["max_side is 20", "32 or more"]),
        ({"--iterations": "0"}, ["iterations is 0", "1 or more"]),
        ({"--optimizer": "sgd"}, ["'sgd'", "lbfgs, adam"]),
        ({"--init": "zeros"}, ["'zeros'", "mix, content, noise"]),
        ({"--seed": "-1"}, ["seed is -1"]),
        ({"--seed": "x"}, ["seed is 'x'", "whole number"]),
        ({"--alpha": "nan"}, ["alpha is nan"]),
        ({"--beta": "-1"}, ["beta is -1"]),
        ({"--tv-weight": "inf"}, ["tv_weight is inf"]),
        ({"--learning-rate": "0"}, ["learning rate is 0"]),
        ({"--precision": "float16"}, ["'float16'"]),
        ({"--max-memory": "lots"}, ["'lots'", "2GB"]),
        ({"--max-memory": "1MB"}, ["GB", "--max-memory"]),
        ({"--stop-at-cost": "nan"}, ["nan"]),
    ],
    ids=str,
)
def test_bad_input_gets_one_sentence(stylize, folder, bad_files, options, words):
    pictures = {name: value for name, value in options.items() if not name.startswith("--")}
    flags = {name: value for name, value in options.items() if name.startswith("--")}
    files = {"--weights", "--report"}
    arguments = [part for name, value in flags.items() for part in (name, folder / value if name in files else value)]
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    status, out, sentence = stylize(*arguments, **pictures)

    assert (status, out) == (1, "")
    assert sentence.startswith("nst: ")
    assert_one_sentence(sentence, *words)
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if "nst-cache" not in path.name}
    assert after == before


def test_a_folder_that_cannot_be_written_gets_one_sentence(nst, locked_folder):
    source = ROOT / "images" / "content" / "coffee.png"
    status, _, sentence = nst("stylize", source, source, "-o", locked_folder / "out.png")
    assert status == 1
    assert_one_sentence(sentence, locked_folder, "cannot be written to")


@pytest.mark.parametrize(
    "arguments",
    [["stylize", "a.png", "b.png"], ["stylize", "a.png"], ["paint"], ["stylize", "a", "b", "-o", "c", "--sed", "3"]],
    ids=" ".join,
)
def test_wrong_usage_is_told_as_such(nst, arguments):
    assert nst(*arguments)[0] == 2


def test_the_real_command_gives_one_line_on_standard_error(folder):
    command = shutil.which("nst", path=str(sys.prefix) + "/bin")
    done = subprocess.run(
        [command, "stylize", "nowhere.png", "style.png", "-o", "out.png"], cwd=folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert_one_sentence(done.stderr.removesuffix("\n"), "nst: nowhere.png does not exist")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2GB", 2e9), ("1500MB", 1.5e9), ("1.5 GiB", 1.5 * 2**30), ("800m", 8e8), ("4096 KiB", 2**22), ("1T", 1e12)],
)
def test_reading_memory(text, expected):
    assert read_setting("max_memory", text) == expected


@pytest.mark.parametrize("text", ["", "2", "GB", "-2GB", "2 bytes", "1e9"])
def test_reading_memory_refuses(text):
    with pytest.raises(InputError):
        read_setting("max_memory", text)


def test_reading_a_size():
    assert {read_setting("size", text) for text in ("400x300", " 400 X 300 ", "400×300")} == {(400, 300)}


# The other commands


def test_help_needs_no_tensorflow(run_python):
    script = """
import sys
from nst_utils.cli import main
sys.argv = ["nst", "--help"]
try:
    main()
finally:
    assert not {"tensorflow", "scipy", "matplotlib", "h5py"} & set(sys.modules)
"""
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    for command in ("stylize", "doctor", "weights"):
        assert command in done.stdout


def test_doctor_says_what_is_there(nst):
    status, out, _ = nst("doctor")
    assert status == 0
    told = dict(line.strip().split(maxsplit=1) for line in out.splitlines())
    assert {"Python", "nst_utils", "tensorflow", "numpy", "weights", "GPU", "bfloat16", "float32"} <= told.keys()
    assert str(nst_utils.network.weights.find_weights()) in told["weights"]


@pytest.fixture
def served_weights(tmp_path, tiny_mat, monkeypatch):
    """Makes `nst weights official` fetch the tiny network from a server on this machine."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=tiny_mat.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/tiny.mat"

        def offer(checksum):
            monkeypatch.setitem(nst_utils.network.weights.DOWNLOADS, "official", (address, checksum))

        yield offer
        server.shutdown()
        thread.join()


def test_weights_fetches_a_file(nst, served_weights, tmp_path, tiny_mat, tiny_weights):
    served_weights(None)
    status, out, _ = nst("weights", "official", "--folder", tmp_path / "here")
    assert status == 0 and str(tmp_path / "here" / "tiny.mat") in out
    assert (tmp_path / "here" / "tiny.mat").read_bytes() == tiny_mat.read_bytes()


def test_weights_keeps_nothing_with_another_checksum(nst, served_weights, tmp_path):
    served_weights("sha256:" + "0" * 64)
    status, _, sentence = nst("weights", "official", "--folder", tmp_path / "here")
    assert status == 1
    assert_one_sentence(sentence, "another checksum")
    assert list((tmp_path / "here").iterdir()) == []


def test_unknown_weights_get_one_sentence(nst, tmp_path):
    status, _, sentence = nst("weights", "vgg20")
    assert status == 1
    assert_one_sentence(sentence, "vgg20", "official, keras")

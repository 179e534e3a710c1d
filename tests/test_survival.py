"""Runs that survive: killed at any moment, interrupted, on a full disk; and the checkpoint that they go on from."""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import ROOT, assert_one_sentence, full_disk, posix_only, random_network

from nst_utils.base.errors import InputError
from nst_utils.base.files import read_arrays, replacing, write_arrays
from nst_utils.base.machine import _group_limits
from nst_utils.cli import main
from nst_utils.course.config import CONFIG
from nst_utils.engine.checkpoint import CheckpointWarning, Standing, read_checkpoint, write_checkpoint
from nst_utils.engine.inputs import differences
from nst_utils.engine.settings import Settings
from nst_utils.engine.styles import Style
from nst_utils.engine.stylize import Steps, stylize, stylize_steps
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.pictures.reading import read_image

sys.path.insert(0, str(ROOT / "benchmarks"))

import survival  # noqa: E402

NST = [sys.executable, "-m", "nst_utils.cli"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the pictures of benchmarks/survival.py and tiny.mat; nothing else is written there."""
    path = tmp_path_factory.mktemp("pictures")
    survival.write_pictures(path)
    write_matconvnet(path / "tiny.mat", random_network(), CONFIG.MEANS, "a tiny network")
    return path


@pytest.fixture
def paint(folder):
    """stylize() with the tiny network, three steps of Adam at 48x40 unless told otherwise."""

    def run(*styles, function=stylize, content="content.png", **settings):
        usual = {"weights": folder / "tiny.mat", "precision": "float32", "optimizer": "adam", "iterations": 3,
                 "size": (48, 40)}  # fmt: skip
        return function(folder / content, [folder / name for name in styles or ["one.png"]], **usual | settings)

    return run


@pytest.fixture
def nst(folder, monkeypatch, capsys):
    """`nst stylize` in this process on the same: (exit status, standard output, the lines of standard error)."""

    def run(*options, content="content.png", styles=("one.png",)):
        usual = ["--weights", folder / "tiny.mat", "--precision", "float32", "--optimizer", "adam", "--iterations", 3]
        pictures = [folder / content, *(folder / name for name in styles)]
        arguments = ["nst", "stylize", *pictures, "--size", "48x40", *usual, *options]
        monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return stop.value.code, out, re.split("[\r\n]", err.rstrip("\n"))

    return run


def interrupt_at(iteration):
    """A callback that does what Ctrl-C does when a step has been made."""

    def look(step):
        if step.iteration == iteration:
            raise KeyboardInterrupt

    return look


def left_in(folder):
    """What is in a folder and should not be: parts of files that were being written."""
    return [path.name for path in folder.iterdir() if path.name.startswith((".", "tmp"))]


# Killed


@pytest.fixture(scope="module")
def children():
    with survival.nursery() as found:
        yield found


@posix_only
@pytest.mark.parametrize("name", survival.RUNS)
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_picture(children, folder, tmp_path, name):
    for picture in folder.glob("*.png"):
        shutil.copy(picture, tmp_path)
    random = np.random.default_rng(seed := int(time.time()))
    task = survival.task_of(tmp_path, folder / "tiny.mat", survival.RUNS[name])
    found = survival.survive(children, tmp_path, task, 2, random, 0.05)
    assert found["kills"] and found["pictures_equal"], f"seed {seed}"
    assert (found["checkpoints_unreadable"], found["files_left_over"]) == (0, 0)
    # That of the last step is written when the next one is asked for.
    assert found["most_steps_lost"] <= 1


WRITE = """
import sys, numpy as np
from nst_utils.engine.checkpoint import Standing, write_checkpoint
for number in range(10**9):
    state = {"picture": np.full((200, 300, 3), number, np.float32)}
    write_checkpoint(sys.argv[1], Standing({"number": number}, None, state, iteration=number))
    print(number, flush=True)
"""


@posix_only
def test_a_checkpoint_is_whole_whenever_its_writer_is_killed(tmp_path):
    path, random = tmp_path / "checkpoint.npz", np.random.default_rng()
    for _ in range(12):
        command = [sys.executable, "-c", WRITE, path]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(int(random.integers(1, 4))):
                said = int(process.stdout.readline())
            time.sleep(random.uniform(0, 0.01))  # any moment will do
            process.kill()
        found = read_checkpoint(path)
        assert found.iteration >= said and found.about == {"number": found.iteration}
        assert (found.state["picture"] == found.iteration).all()
    write_checkpoint(path, Standing({}))
    assert os.listdir(tmp_path) == ["checkpoint.npz"], "what the killed ones left is removed"


@posix_only
def test_what_another_process_is_writing_is_left_alone(tmp_path):
    script = """
import sys
from nst_utils.base.files import replacing
with replacing(sys.argv[1]) as temporary:
    temporary.write_text("slow")
    print("writing", flush=True)
    sys.stdin.readline()
"""
    command = [sys.executable, "-c", script, tmp_path / "a.txt"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        for name in ("a.txt", "b.txt"):
            with replacing(tmp_path / name) as temporary:
                temporary.write_text("quick")
        process.communicate("\n")
    assert process.returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt"] and (tmp_path / "a.txt").read_text() == "slow"


def test_a_folder_of_the_user_is_never_taken_for_what_a_killed_process_left(tmp_path):
    for name in (".writing", ".writing-to-anna", ".writings"):
        (tmp_path / name).mkdir()
    (tmp_path / ".writing-12345678").write_text("a file")
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("a")
    assert len(os.listdir(tmp_path)) == 5


@posix_only
def test_the_command_goes_on_after_kill_9_and_leaves_nothing_behind(folder, tmp_path):
    def command(out, *more):
        return [
            *NST, "stylize", folder / "content.png", folder / "one.png", folder / "two.png", "--masks",
            f"{folder / 'mask.png'},rest", "--weights", folder / "tiny.mat", "--iterations", "40", "-o", tmp_path / out,
            *more,
        ]  # fmt: skip

    assert subprocess.run(command("whole.png"), capture_output=True).returncode == 0
    checkpoint = tmp_path / "run.npz"
    begin = command("mended.png", "--checkpoint", checkpoint, "--checkpoint-every", "0")
    with subprocess.Popen(begin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (checkpoint.exists() and read_checkpoint(checkpoint, whole=False).iteration):
            assert process.poll() is None
            time.sleep(0.01)
        beside = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert process.returncode == -signal.SIGKILL and not (tmp_path / "mended.png").exists()
    assert not any(child.is_running() for child in beside)
    done = subprocess.run(command("mended.png", "--resume", checkpoint), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Going on from step \d+ of \d+", done.stderr)
    assert (tmp_path / "mended.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["mended.png", "run.npz", "whole.png"]


# Interrupted


@pytest.mark.parametrize("settings", [{}, {"optimizer": "lbfgs", "iterations": 4, "size": (136, 130)}], ids=["a", "b"])
def test_an_interrupted_result_has_picture_and_history_and_can_be_gone_on_from(paint, settings):
    whole = paint(**settings)
    half = paint(callback=interrupt_at(2), **settings)
    assert half.stopped == "interrupted" and half.image.shape == whole.image.shape
    assert [step.iteration for step in half.history][-1] == 2
    done = paint(resume=half, **settings)
    np.testing.assert_array_equal(done.image, whole.image)
    assert [step.total for step in done.history] == [step.total for step in whole.history]
    assert done.stopped == "iterations" and len(half.history) < len(done.history)


def test_a_finished_result_is_nothing_to_go_on_from(paint):
    with pytest.raises(InputError) as error:
        paint(resume=paint())
    assert_one_sentence(error.value, "finished", "init")


def test_a_loop_over_steps_that_was_interrupted_goes_on(paint):
    whole = paint()
    steps, seen = paint(function=stylize_steps), []
    for limit in (1, 3, 9):
        with contextlib.suppress(KeyboardInterrupt):
            for step in steps:
                seen.append(step)
                if len(seen) == limit:
                    raise KeyboardInterrupt
    np.testing.assert_array_equal(seen[-1].image, whole.image)
    assert [step.iteration for step in seen] == [0, 1, 2, 3]


def test_ctrl_c_at_any_line_of_a_run_loses_no_step(paint):
    """A tracer raises KeyboardInterrupt at the nth line that is executed in stylize.py, for many n."""
    whole = paint()
    own = sys.modules[Steps.__module__].__file__

    def interrupted_at(line):
        count = 0

        def trace(frame, event, _):
            nonlocal count
            if frame.f_code.co_filename != own or frame.f_code.co_name == "__init__":
                return None
            if event == "line":
                count += 1
                if count == line:
                    raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            found = paint()
        except KeyboardInterrupt:
            return None, count
        finally:
            sys.settrace(None)
        return found, count

    lines, interrupted = 1, 0
    while True:
        found, count = interrupted_at(lines)
        if count < lines:
            break
        if found is not None:
            interrupted += found.stopped == "interrupted"
            done = paint(resume=found) if found.standing else found
            np.testing.assert_array_equal(done.image, whole.image)
            assert [step.total for step in done.history] == [step.total for step in whole.history], lines
        lines += 3
    assert interrupted > 10


CELLS = """
import os
from nst_utils import stylize
told = []
def tell(step):
    told.append(step)
    os.write(pipe, b"s")
def paint(**more):
    return stylize({content!r}, {style!r}, weights={weights!r}, size=(48, 40), optimizer="adam", iterations=400,
                   precision="float32", callback=tell, **more)
pipe = os.open({pipe!r}, os.O_WRONLY)
"""


@posix_only
def test_an_interrupted_cell_keeps_its_picture_and_the_next_one_goes_on(folder, tmp_path, paint):
    """In a real kernel, with the interrupt that the notebook's stop button sends."""
    from jupyter_client.manager import start_new_kernel

    os.mkfifo(tmp_path / "pipe")
    names = {"content": folder / "content.png", "style": folder / "one.png", "weights": folder / "tiny.mat",
             "pipe": tmp_path / "pipe"}  # fmt: skip
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    try:
        steps = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)

        def run(code):
            reply = client.execute_interactive(code, timeout=300, output_hook=lambda message: None)
            assert reply["content"]["status"] == "ok", reply["content"].get("traceback")

        run(CELLS.format(**{name: str(path) for name, path in names.items()}))
        os.set_blocking(steps, True)
        asked = client.execute("half = paint()")
        os.read(steps, 1)
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=300)
        while reply["parent_header"].get("msg_id") != asked:
            reply = client.get_shell_msg(timeout=300)
        assert reply["content"]["status"] == "ok"
        run("assert half.stopped == 'interrupted' and half.image.shape == (40, 48, 3)")
        run("assert 0 < len(half.history) < 401 and half.history[-1].total == told[-1].total")
        # Nobody reads the pipe any more, which may fill.
        run("tell = None\ndone = paint(resume=half)\nimport numpy as np\nnp.save('done.npy', done.image)")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    np.testing.assert_array_equal(np.load(tmp_path / "done.npy"), paint(iterations=400).image)


@posix_only
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_keeps_the_state_and_says_how_to_go_on(nst, tmp_path, name, monkeypatch):
    from nst_utils.engine import stylize as engine

    usual, number = engine.stylize, getattr(signal, name)

    def disturbed(*arguments, callback, **settings):
        def tell(step):
            callback(step)
            if step.iteration == 2:
                signal.raise_signal(number)

        return usual(*arguments, callback=tell, **settings)

    # Whoever started the tests may ignore some, as nohup does.
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    assert nst("-o", tmp_path / "whole.png")[0] == 0
    monkeypatch.setattr(engine, "stylize", disturbed)
    status, out, _ = nst("-o", tmp_path / "half.png", "--checkpoint", tmp_path / "run.npz")
    assert status == 128 + number and f"--resume {tmp_path / 'run.npz'}" in out
    monkeypatch.setattr(engine, "stylize", usual)
    assert nst("-o", tmp_path / "mended.png", "--resume", tmp_path / "run.npz")[0] == 0
    assert (tmp_path / "mended.png").read_bytes() == (tmp_path / "whole.png").read_bytes()


# Going on


def test_the_command_goes_on_to_the_same_picture_report_and_frames(nst, tmp_path, paint):
    files = ["--report", tmp_path / "whole.json", "--frames", tmp_path / "whole"]
    assert nst("-o", tmp_path / "whole.png", *files)[0] == 0
    checkpoint = tmp_path / "run.npz"
    paint(callback=interrupt_at(1), checkpoint=checkpoint)
    frames = tmp_path / "frames"
    shutil.copytree(tmp_path / "whole", frames)
    for name in ("frame-0002.png", "frame-0003.png"):
        (frames / name).unlink()
    files = ["--report", tmp_path / "mended.json", "--frames", frames]
    status, out, err = nst("-o", tmp_path / "mended.png", "--resume", checkpoint, *files)
    assert status == 0 and "Going on from step 1 of 3 ..." in err
    assert (tmp_path / "mended.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
    whole, mended = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("whole", "mended"))
    for name in ("iteration", "total", "exact"):
        assert [step[name] for step in mended["steps"]] == [step[name] for step in whole["steps"]]
    assert sorted(os.listdir(frames)) == sorted(os.listdir(tmp_path / "whole"))
    for path in frames.iterdir():
        assert path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes()


def test_a_finished_run_is_written_once_more_without_a_step(nst, tmp_path):
    for name, option in (("a.png", "--checkpoint"), ("b.png", "--resume")):
        status, _, err = nst("-o", tmp_path / name, option, tmp_path / "run.npz")
        assert status == 0
    assert any("where it ended" in line for line in err)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_one_command_does_for_beginning_and_for_going_on(paint, tmp_path):
    files = {"checkpoint": tmp_path / "run.npz", "resume": tmp_path / "run.npz"}
    whole = paint()
    half = paint(callback=interrupt_at(1), **files)
    assert half.stopped == "interrupted"
    np.testing.assert_array_equal(paint(**files).image, whole.image)
    np.testing.assert_array_equal(paint(**files).image, whole.image)


def test_a_run_that_goes_on_keeps_the_same_file_unless_told_otherwise(paint, tmp_path):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    paint(callback=interrupt_at(1), checkpoint=first)
    paint(callback=interrupt_at(2), resume=first)
    assert read_checkpoint(first).iteration == 2
    paint(resume=first, checkpoint=second)
    assert (read_checkpoint(first).iteration, read_checkpoint(second).iteration) == (2, 3)


def test_the_pause_between_checkpoints_is_kept(paint, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        "nst_utils.engine.checkpoint.write_checkpoint", lambda path, standing: written.append(standing.iteration)
    )
    for every, expected in ((0, [0, 0, 1, 2, 3]), (1e6, [0, 3]), (None, [0, 3])):
        written.clear()
        paint(checkpoint=tmp_path / "run.npz", checkpoint_every=every)
        assert written == expected


@pytest.mark.parametrize("every", [-1, float("nan"), "often", True], ids=str)
def test_a_pause_that_is_none_gets_its_sentence(paint, tmp_path, every):
    with pytest.raises(InputError) as error:
        paint(checkpoint=tmp_path / "run.npz", checkpoint_every=every)
    assert_one_sentence(error.value, "checkpoint_every", "seconds")


# Another run's


@pytest.fixture
def begun(paint, tmp_path):
    """The checkpoint of a run of two paintings with masks, interrupted after its first step."""
    path = tmp_path / "run.npz"
    paint("one.png", "two.png", callback=interrupt_at(1), checkpoint=path, masks=["M", "rest"])
    return path


@pytest.fixture(autouse=True)
def _masks(folder, monkeypatch):
    monkeypatch.chdir(folder)
    if not Path("M").exists():
        shutil.copy("mask.png", "M")


OTHERS = {
    "photo": ({"content": "three.png"}, "the photo is another one"),
    "painting": ({"styles": ["one.png", "three.png"]}, "painting 2 is another one"),
    "order": ({"styles": ["two.png", "one.png"]}, "another order"),
    "fewer": ({"styles": ["one.png"], "masks": None}, "the paintings were 2 and are 1"),
    "masks": ({"masks": ["rest", "M"]}, "mask"),
    "weights of styles": ({"style_weights": (1, 2)}, "the paintings' weights"),
    "brush": ({"style_scale": 0.5}, "style_scale"),
    "angle": ({"style_angle": 45}, "style_angle is another one"),
    "alpha": ({"alpha": 20}, "alpha was 10.0 and is 20"),
    "iterations": ({"iterations": 4}, "iterations was 3 and is 4"),
    "optimiser": ({"optimizer": "adagrad"}, "optimizer was 'adam' and is 'adagrad'"),
    "seed": ({"seed": 1}, "seed was 0 and is 1"),
    "size": ({"size": (64, 48)}, "the size was 48x40 and is 64x48"),
    "start": ({"init": "one.png"}, "start"),
    "layers": ({"style_layers": [("conv1_1", 1.0)]}, "style_layers"),
    "colours": ({"keep_colors": "luminance"}, "keep_colors was None and is 'luminance'"),
    "memory": ({"max_memory": 2_000_000_000}, "max_memory"),
    "precision": ({"precision": "bfloat16"}, "precision was float32"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_checkpoint_of_another_run_is_refused_with_the_difference(paint, begun, kind):
    changes, words = OTHERS[kind]
    changes = {"masks": ["M", "rest"]} | changes
    before = begun.read_bytes()
    with pytest.raises(InputError) as error:
        paint(*changes.pop("styles", ["one.png", "two.png"]), resume=begun, **changes)
    assert_one_sentence(error.value, begun, words)
    assert begun.read_bytes() == before


def test_a_checkpoint_made_with_another_network_is_refused(paint, begun, tmp_path):
    write_matconvnet(tmp_path / "other.mat", random_network(seed=1), CONFIG.MEANS, "another tiny network")
    with pytest.raises(InputError) as error:
        paint("one.png", "two.png", resume=begun, masks=["M", "rest"], weights=tmp_path / "other.mat")
    assert_one_sentence(error.value, begun, "the network's weights are others")


def test_pictures_and_weights_may_lie_elsewhere_meanwhile(paint, begun, folder, tmp_path):
    whole = paint("one.png", "two.png", masks=["M", "rest"])
    for name in ("content.png", "one.png", "two.png", "tiny.mat", "M"):
        shutil.copy(folder / name, tmp_path / f"moved-{name}")
    found = stylize(
        tmp_path / "moved-content.png", [read_image(tmp_path / f"moved-{name}.png") for name in ("one", "two")],
        size=(48, 40), optimizer="adam", iterations=3, precision="float32", weights=tmp_path / "moved-tiny.mat",
        masks=[tmp_path / "moved-M", "rest"], resume=begun,
    )  # fmt: skip
    np.testing.assert_array_equal(found.image, whole.image)


def test_the_command_refuses_before_tensorflow_is_imported(run_python, folder, begun):
    script = """
import sys
from nst_utils.cli import main
sys.argv = ["nst", "stylize", *sys.argv[1:]]
try:
    main()
finally:
    assert "tensorflow" not in sys.modules
"""
    pictures = [folder / name for name in ("content.png", "one.png", "two.png")]
    done = run_python(script, *pictures, "-o", "out.png", "--weights", folder / "tiny.mat", "--resume", begun)
    assert done.returncode == 1 and done.stdout == ""
    assert_one_sentence(done.stderr.rstrip("\n"), "nst: ", begun, "optimizer was 'adam' and is 'lbfgs'")


def test_differences_of_what_is_the_same_are_none_and_of_nothing_at_all_are_told(paint):
    about = paint(callback=interrupt_at(1)).standing.about
    assert differences(about, json.loads(json.dumps(about))) == []
    assert len(differences({}, about)) > 5


# What would be lost


def test_a_checkpoint_with_work_in_it_is_not_begun_anew(paint, begun):
    before = begun.read_bytes()
    with pytest.raises(InputError) as error:
        paint(checkpoint=begun)
    assert_one_sentence(error.value, begun, "step 1 of 3", "--resume")
    assert begun.read_bytes() == before


def test_a_file_that_is_no_checkpoint_is_not_overwritten(paint, nst, tmp_path):
    (tmp_path / "thesis.npz").write_text("my thesis")
    with pytest.raises(InputError) as error:
        paint(checkpoint=tmp_path / "thesis.npz")
    assert_one_sentence(error.value, "thesis.npz", "would be lost")
    status, _, err = nst("-o", tmp_path / "out.png", "--checkpoint", tmp_path / "thesis.npz")
    assert status == 1
    assert_one_sentence(err[-1], "thesis.npz", "would be lost")
    assert (tmp_path / "thesis.npz").read_text() == "my thesis" and not (tmp_path / "out.png").exists()


def test_a_finished_checkpoint_gives_way_to_a_new_run(paint, tmp_path):
    for seed in (0, 1):
        paint(checkpoint=tmp_path / "run.npz", seed=seed)
    assert read_checkpoint(tmp_path / "run.npz").about["settings"]["seed"] == 1


@pytest.mark.parametrize("name", ["out.png", "report.json"])
def test_the_checkpoint_is_no_other_file_of_the_run(nst, tmp_path, name):
    files = ["-o", tmp_path / "out.png", "--report", tmp_path / "report.json"]
    status, _, err = nst(*files, "--checkpoint", tmp_path / name)
    assert status == 1
    assert_one_sentence(err[-1], name, "twice")


# Full disks, closed folders, vanished files


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_painted(nst, locked_folder):
    picture = ROOT / "images" / "content" / "coffee.png"
    weights = ["--weights", locked_folder / "tiny.mat"]
    checkpoint = ["--checkpoint", locked_folder / "run.npz"]
    with tempfile.TemporaryDirectory() as own:
        options = ["-o", Path(own) / "out.png", *weights, *checkpoint]
        status, _, err = nst(*options, content=picture, styles=[picture])
        assert os.listdir(own) == []
    assert status == 1 and len(err) == 1
    assert_one_sentence(err[-1], locked_folder, "cannot be written to")


@pytest.mark.parametrize("room", [1, 5_000, 20_000, 60_000])
def test_a_disk_that_is_full_on_the_way_costs_the_checkpoint_and_not_the_picture(paint, tmp_path, room):
    """Files of up to `room` bytes can be written: the first checkpoint fits, those with pictures in them do not."""
    whole, path = paint(), tmp_path / "run.npz"
    with contextlib.ExitStack() as cleanup:

        def fill(step):
            if step.iteration == 1:
                cleanup.enter_context(full_disk(room))

        with pytest.warns(CheckpointWarning) as told:
            found = paint(checkpoint=path, checkpoint_every=0, callback=fill)
    assert len(told) == 1
    assert_one_sentence(told[0].message, path, "File too large", "goes on without")
    np.testing.assert_array_equal(found.image, whole.image)
    assert os.listdir(tmp_path) == ["run.npz"]
    # The last one, of a finished run, holds a picture and no more, and may fit again.
    assert read_checkpoint(path).iteration == (3 if room > 40_000 else 0)
    np.testing.assert_array_equal(paint(resume=path).image, whole.image)


def test_a_disk_that_is_full_from_the_beginning_is_told(nst, tmp_path):
    with full_disk(1):
        status, _, err = nst("-o", tmp_path / "out.png", "--checkpoint", tmp_path / "run.npz")
    assert status == 1
    assert_one_sentence(err[-1], "run.npz", "File too large")
    assert os.listdir(tmp_path) == []


def test_a_picture_that_cannot_be_written_is_kept_where_there_is_room(nst, tmp_path, monkeypatch):
    from nst_utils.pictures import writing

    (tmp_path / "gone").mkdir()
    usual = writing.write_image

    def vanish(path, picture):
        if path.parent == tmp_path / "gone":
            shutil.rmtree(path.parent, ignore_errors=True)
        return usual(path, picture)

    monkeypatch.setattr(writing, "write_image", vanish)
    status, out, err = nst("-o", tmp_path / "gone" / "out.png")
    assert (status, out) == (1, "")
    assert_one_sentence(err[-1], "gone", "the picture is kept as")
    kept = Path(re.search(r"kept as (.*)\.$", err[-1])[1])
    assert read_image(kept).shape == (40, 48, 3)
    shutil.rmtree(kept.parent)


def test_a_picture_that_can_be_written_nowhere_is_still_in_the_checkpoint(nst, tmp_path, monkeypatch):
    from nst_utils.pictures import writing

    def fail(path, picture):
        raise InputError(f"{path} cannot be written (No space left on device): write somewhere else.")

    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_image", fail)
        status, _, err = nst("-o", tmp_path / "out.png", "--checkpoint", tmp_path / "run.npz")
    assert status == 1
    assert_one_sentence(err[-1], "No space left on device", f"--resume {tmp_path / 'run.npz'} writes it somewhere else")
    assert nst("-o", tmp_path / "b.png", "--resume", tmp_path / "run.npz")[0] == 0
    assert nst("-o", tmp_path / "c.png")[0] == 0
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "c.png").read_bytes()


def test_frames_that_cannot_be_written_do_not_cost_the_picture(nst, tmp_path, monkeypatch):
    from nst_utils.pictures.films import Frames

    assert nst("-o", tmp_path / "whole.png")[0] == 0
    usual = Frames._write

    def write(self, picture):
        with full_disk(1 if self.paths else 10**6):
            usual(self, picture)

    monkeypatch.setattr(Frames, "_write", write)
    files = ["--film", tmp_path / "film.gif", "--report", tmp_path / "report.json"]
    status, out, err = nst("-o", tmp_path / "out.png", *files)
    assert status == 1 and f"Wrote {tmp_path / 'out.png'}" in out
    assert_one_sentence(err[-1], "frame-0001.png", "File too large")
    assert any("goes on without its frames" in line for line in err)
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["out.png", "report.json", "whole.png"]


# Limits of memory


def test_the_limits_of_control_groups_around_the_process_count(tmp_path):
    groups = tmp_path / "cgroup"
    for folder, name, limit in [
        ("jobs/own", "memory.max", "max"), ("jobs", "memory.max", "3000000"), ("", "memory.max", "9000000"),
        ("memory/old/own", "memory.limit_in_bytes", "2000000"), ("elsewhere", "memory.max", "1"),
    ]:  # fmt: skip
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_text(limit)
    for lines, expected in [
        ("0::/jobs/own", {3_000_000, 9_000_000}), ("4:memory:/old/own\n3:cpu:/elsewhere", {2_000_000}),
        ("0::/of/another/container", {9_000_000}), ("nonsense", set()),
    ]:  # fmt: skip
        groups.write_text(lines)
        assert set(_group_limits(str(groups), str(tmp_path))) == expected
    assert _group_limits(str(tmp_path / "nowhere"), str(tmp_path)) == []


@posix_only
def test_a_limit_that_leaves_no_room_for_tensorflow_is_told_before_it_ends_the_program(folder, tmp_path):
    pictures = [folder / "content.png", folder / "one.png"]
    command = " ".join(map(str, [*NST, "stylize", *pictures, "-o", tmp_path / "a.png"]))
    shell = ["bash", "-c", f"ulimit -v 1500000; exec {command}"]
    done = subprocess.run(shell, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert_one_sentence(done.stderr.rstrip("\n"), "nst: ", "GB of memory", "TensorFlow")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("asked", "words"), [(None, "raise what the system"), (200_000_000, "--max-memory")])
def test_a_limit_below_the_plan_says_what_would_do(paint, monkeypatch, asked, words):
    from nst_utils.engine import memory

    monkeypatch.setattr(memory, "machine_memory", lambda: 900_000_000)
    with pytest.raises(InputError) as error:
        paint(max_memory=asked)
    assert_one_sentence(error.value, "48x40", "GB may be used", words)


def test_more_than_the_system_allows_cannot_be_planned_with(folder, monkeypatch):
    from nst_utils.engine import memory

    monkeypatch.setattr(memory, "machine_memory", lambda: 4_000_000_000)
    settings = {"weights": folder / "tiny.mat", "precision": "float32"}
    asked, all_there_is = (
        memory.plan_memory((4000, 3000), Settings.of(max_memory=limit, **settings)) for limit in (10**12, 4 * 10**9)
    )
    assert asked == all_there_is


def test_memory_that_is_used_up_is_told_and_the_state_kept(nst, paint, tmp_path, monkeypatch):
    from nst_utils.engine.run import Run

    usual = Run.advance

    def fail(self, state):
        if state.iteration == 2:
            raise MemoryError
        return usual(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "advance", fail)
        status, _, err = nst("-o", tmp_path / "out.png", "--checkpoint", tmp_path / "run.npz")
    assert status == 1
    assert_one_sentence(err[-1], "memory", "--max-memory")
    assert read_checkpoint(tmp_path / "run.npz").iteration == 2
    np.testing.assert_array_equal(paint(resume=tmp_path / "run.npz").image, paint().image)


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 200 kB, where this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "nst-test", disk]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no disks may be mounted here; the tests with limited files show the same")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def test_on_a_real_disk_that_is_full_the_last_whole_checkpoint_stays(paint, small_disk):
    whole, path = paint(), small_disk / "run.npz"

    def fill(step):
        if step.iteration == 2:
            with contextlib.suppress(OSError), (small_disk / "film.mp4").open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))

    with pytest.warns(CheckpointWarning, match="No space left on device"):
        found = paint(checkpoint=path, checkpoint_every=0, callback=fill)
    np.testing.assert_array_equal(found.image, whole.image)
    assert sorted(os.listdir(small_disk)) == ["film.mp4", "run.npz"]
    assert read_checkpoint(path).iteration == 1
    (small_disk / "film.mp4").unlink()
    np.testing.assert_array_equal(paint(resume=path).image, whole.image)


@pytest.mark.parametrize("missing", ["run.npz", "content.png", "tiny.mat"])
def test_what_has_vanished_meanwhile_is_named(paint, begun, folder, tmp_path, missing):
    for name in ("content.png", "one.png", "two.png", "tiny.mat"):
        shutil.copy(folder / name, tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(InputError) as error:
        stylize(
            tmp_path / "content.png", [tmp_path / "one.png", tmp_path / "two.png"], size=(48, 40), resume=begun,
            weights=tmp_path / "tiny.mat", optimizer="adam", iterations=3, precision="float32", masks=["M", "rest"],
        )  # fmt: skip
    assert_one_sentence(error.value, tmp_path / missing, "does not exist")


def test_weights_that_vanish_on_the_way_do_not_cost_the_interrupted_picture(paint, folder, tmp_path):
    own = Path(shutil.copy(folder / "tiny.mat", tmp_path))

    def vanish(step):
        own.unlink()
        raise KeyboardInterrupt

    found = paint(callback=vanish, weights=own)
    assert found.stopped == "interrupted" and found.image.std() > 1


# What the file may hold


def test_a_checkpoint_holds_no_code_and_none_is_read(begun, tmp_path):
    with np.load(begun, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    assert all(array.dtype != object for array in arrays.values())

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.savez(tmp_path / "trap.npz", **arrays | {"picture": np.array([Trap()], dtype=object)})
    with pytest.raises(InputError):
        read_checkpoint(tmp_path / "trap.npz")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("step", [1, 2])
def test_damage_anywhere_is_refused_or_harmless(paint, begun, tmp_path, step):
    """Bytes changed or cut off at many places: a sentence, or, where nothing that counts was hit, the same picture."""
    whole = paint("one.png", "two.png", masks=["M", "rest"]).image
    data, random = begun.read_bytes(), np.random.default_rng(step)
    for place in np.linspace(0, len(data) - 1, 60).astype(int):
        spoiled = bytearray(data)
        if step == 1:
            spoiled[place] ^= int(random.integers(1, 256))
        else:
            del spoiled[place:]
        path = tmp_path / "spoiled.npz"
        path.write_bytes(spoiled)
        try:
            found = paint("one.png", "two.png", masks=["M", "rest"], resume=path)
        except InputError as error:
            assert_one_sentence(error, path)
        else:
            np.testing.assert_array_equal(found.image, whole)


def changed(words, **changes):
    return np.array(json.dumps(json.loads(words.item()) | changes))


FORGED = {
    "another format": lambda a: {"about": changed(a["about"], format=99)},
    "a list": lambda a: {"about": np.array("[]")},
    "deep": lambda a: {"words": np.array("[" * 100_000)},
    "a picture of another size": lambda a: {"picture": a["picture"][1:]},
    "a picture of another type": lambda a: {"picture": a["picture"].astype(np.float64)},
    "a picture of no numbers": lambda a: {"picture": a["picture"] * np.float32("nan")},
    "a memory of another size": lambda a: {"memory_0_0": a["memory_0_0"][:, 1:]},
    "a phase that there is not": lambda a: {"words": changed(a["words"], phase=7)},
    "a phase that is no number": lambda a: {"words": changed(a["words"], phase="0")},
    "more steps than there are": lambda a: {"words": changed(a["words"], count=10**9)},
    "no rows": lambda a: {"words": changed(a["words"], rows=[10**9])},
    "a cost of no number": lambda a: {"words": changed(a["words"], value=float("nan"))},
    "costs that are none": lambda a: {"words": changed(a["words"], costs={"total": 1})},
    "a name too many": lambda a: {"words": changed(a["words"], extra=1)},
    "a plan of nothing": lambda a: {"about": changed(a["about"], plan={})},
    "a plan of tiles of nothing": lambda a: {
        "about": changed(a["about"], plan=json.loads(a["about"].item())["plan"] | {"tile": -1})
    },
    "a history of words": lambda a: {"history": np.array(["a"])},
    "a history of no numbers": lambda a: {"history": a["history"] * np.nan},
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_checkpoint_gets_one_sentence(paint, begun, tmp_path, kind):
    arrays = read_arrays(begun)
    write_arrays(tmp_path / "forged.npz", arrays | FORGED[kind](arrays))
    with pytest.raises(InputError) as error:
        paint("one.png", "two.png", masks=["M", "rest"], resume=tmp_path / "forged.npz")
    assert_one_sentence(error.value, tmp_path / "forged.npz")


def header(shape, dtype="<f4"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


BOMBS = {
    "packed zeros": (zipfile.ZIP_DEFLATED, {"a.npy": header((64_000_000,)) + bytes(256_000_000)}),
    "a shape that is not there": (zipfile.ZIP_STORED, {"a.npy": header((2**40,)) + bytes(64)}),
    "a negative shape": (zipfile.ZIP_STORED, {"a.npy": header((-4, -4)) + bytes(64)}),
    "bytes of nothing": (zipfile.ZIP_STORED, {"a.npy": header((2**60,), "|V0")}),
    "objects": (zipfile.ZIP_STORED, {"a.npy": header((2,), "|O") + bytes(16)}),
    "no array": (zipfile.ZIP_STORED, {"a.npy": b"hello"}),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_file_that_says_more_than_it_holds_takes_no_memory(tmp_path, kind):
    packing, members = BOMBS[kind]
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", packing) as file:
        for name, data in members.items():
            file.writestr(name, data)
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(InputError) as error:
        read_arrays(tmp_path / "bomb.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_one_sentence(error.value, "bomb.npz")
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "array",
    [np.float32(2.5), np.int64(-3), np.zeros((0, 3)), np.arange(6).reshape(2, 3)[:, ::-1], np.array("Jürgen"),
     np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array([True, False])],
    ids=["float", "int", "empty", "backwards", "text", "columns", "bools"],
)  # fmt: skip
def test_arrays_are_read_as_they_were_written(tmp_path, array):
    write_arrays(tmp_path / "a.npz", {"a": array, "b": np.ones(3)})
    found = read_arrays(tmp_path / "a.npz")
    np.testing.assert_array_equal(found["a"], array)
    assert found["a"].dtype == np.asarray(array).dtype and found["a"].shape == np.shape(array)
    assert read_arrays(tmp_path / "a.npz", ("b",)).keys() == {"b"}


def test_styles_with_masks_of_their_own_are_told_apart(folder):
    left = np.zeros((40, 48), np.uint8)
    left[:, :20] = 255
    settings = {"weights": folder / "tiny.mat", "precision": "float32", "optimizer": "adam", "iterations": 3,
                "size": (48, 40)}  # fmt: skip

    def paint(mask, **more):
        styles = [Style(folder / "one.png", mask=mask), Style(folder / "two.png", mask="rest", scale=0.5)]
        return stylize(folder / "content.png", styles, **settings, **more)

    half = paint(left, callback=interrupt_at(1))
    np.testing.assert_array_equal(paint(left.copy(), resume=half).image, paint(left).image)
    with pytest.raises(InputError) as error:
        paint(left[:, ::-1], resume=half)
    assert_one_sentence(error.value, "The result", "the masks are others")


def test_the_settings_that_tell_runs_apart_are_all_there_are(paint):
    """A setting that is added later is compared by itself."""
    about = paint(callback=interrupt_at(1)).standing.about
    otherwise = {"size", "max_side", "style_weights", "style_scale", "style_angle", "masks", "weights", "precision"}
    assert about["settings"].keys() | otherwise == set(Settings.__dataclass_fields__)

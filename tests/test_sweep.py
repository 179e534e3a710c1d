"""Sweeps on a real scheduler and real workers: killed, interrupted, held, and the page that shows them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import ROOT, Dask, assert_one_sentence, posix_only, random_network, workers_of
from distributed import Client, LocalCluster
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.course.config import CONFIG
from nst_utils.engine.stylize import stylize
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.sweep import cluster
from nst_utils.sweep.cluster import Call, Failure, Sent, answers, connected
from nst_utils.sweep.folder import opened
from nst_utils.sweep.plan import read_plan, words_of
from nst_utils.sweep.run import sweep

NST = [sys.executable, "-m", "nst_utils.cli"]
RNG = np.random.default_rng(5)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# What each test's settings begin with: pictures of a moment, by the tiny network.
QUICK = 'weights = "tiny.mat"\nprecision = "float32"\noptimizer = "adam"\niterations = 3\nsize = [48, 40]\n'


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with photos, paintings, a mask, a short film and a tiny network."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "photos").mkdir()
    for name in ("one.png", "two.png", "mask.png", "photos/a.png", "photos/b.jpg", "photos/c.png"):
        Image.fromarray(RNG.integers(0, 256, (50, 60, 3), np.uint8)).save(folder / name)
    (folder / "photos" / "notes.txt").write_text("no picture")
    write_matconvnet(folder / "tiny.mat", random_network(), CONFIG.MEANS, "a tiny network")
    import imageio.v2 as iio

    with iio.get_writer(folder / "film.mp4", format="FFMPEG", fps=10, ffmpeg_log_level="error") as writer:
        for shade in range(40, 240, 40):
            writer.append_data(np.full((64, 64, 3), shade, np.uint8))
    return folder


@pytest.fixture
def settings(pictures, tmp_path):
    """Writes settings files beside copies of the pictures."""
    shutil.copytree(pictures, tmp_path / "work")

    def write(text, name="sweep.toml", quick=True):
        path = tmp_path / "work" / name
        path.write_text((QUICK if quick else "") + text, encoding="utf-8")
        return path

    return write


# What is to be painted


def test_every_combination_is_painted_once(settings):
    plan = read_plan(settings(
        'content = ["photos", "one.png", "photos/a.png"]\nstyle = ["two.png", ["two.png", "one.png"]]\n'
        'grid.alpha = [5, 10.0, 5]\ngrid.keep_colors = ["luminance"]\ngrid.style_scale = [1, [0.5]]'
    ))  # fmt: skip
    assert len(plan.tasks) == 4 * 2 * 2 * 2
    assert plan.varied == ["alpha", "style_scale"]
    assert len({task.key for task in plan.tasks}) == len({task.name for task in plan.tasks}) == len(plan.tasks)
    found = {(task.content.name, len(task.styles), *map(words_of, task.varied.values())) for task in plan.tasks}
    assert found == {(c, n, a, s) for c in ("a", "b", "c", "one") for n in (1, 2) for a in "5 10".split()
                     for s in "1 0.5".split()}  # fmt: skip
    assert all(task.settings["keep_colors"] == "luminance" for task in plan.tasks)


def test_a_film_stands_for_its_frames(settings):
    plan = read_plan(settings('content = "film.mp4"\nstyle = "one.png"\nevery = 2'))
    assert [task.content.frame for task in plan.tasks] == [0, 2, 4]


def test_options_win_over_the_file_and_its_grid(settings):
    path = settings('content = "one.png"\nstyle = "two.png"\nseed = 4\ngrid.alpha = [5, 10]')
    (task,) = read_plan(path, {"alpha": 7.0, "seed": 1}).tasks
    assert (task.settings["alpha"], task.settings["seed"], task.varied) == (7.0, 1, {})


def test_a_task_is_known_by_the_bytes_of_its_files_and_by_its_settings(settings):
    path = settings('content = "one.png"\nstyle = ["two.png"]\ngrid.masks = ["mask.png"]\ngrid.init = ["photos/a.png"]')
    keys = [read_plan(path).tasks[0].key]
    for name in ("one.png", "two.png", "mask.png", "photos/a.png"):
        Image.fromarray(RNG.integers(0, 256, (50, 60, 3), np.uint8)).save(path.parent / name)
        keys.append(read_plan(path).tasks[0].key)
    write_matconvnet(path.parent / "tiny.mat", random_network(1), CONFIG.MEANS, "another network")
    keys.append(read_plan(path).tasks[0].key)
    keys.append(read_plan(path, {"seed": 3}).tasks[0].key)
    assert len(set(keys)) == len(keys)
    shutil.move(path.parent / "one.png", path.parent / "renamed.png")
    path.write_text(path.read_text().replace("one.png", "renamed.png"))
    assert read_plan(path, {"seed": 3}).tasks[0].key == keys[-1]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('content = "one.png"\nstyle = "two.png"\nalhpa = 5', ["'alhpa'", "nst sweep --help"]),
        ('content = "one.png"\nstyle = "two.png"\ngrid.alhpa = [5]', ["'alhpa'"]),
        ('content = "one.png"\nstyle = "two.png"\nalpha = "much"', ["alpha", "'much'"]),
        ('content = "one.png"\nstyle = "two.png"\ngrid.alpha = [5, "much"]', ["alpha", "'much'"]),
        ('content = "one.png"\nstyle = "two.png"\ngrid.alpha = 5', ["alpha", "[grid]", "list"]),
        ('content = "one.png"\nstyle = "two.png"\ngrid.alpha = []', ["alpha", "list"]),
        ('content = "one.png"\nstyle = "two.png"\ngrid = 3', ["grid"]),
        ('content = "one.png"\nstyle = "two.png"\nalpha = 5\ngrid.alpha = [5]', ["alpha", "twice"]),
        ('content = "one.png"\nstyle = "two.png"\nevery = 0', ["every"]),
        ('content = "gone.png"\nstyle = "two.png"', ["gone.png", "does not exist"]),
        ('content = "gone.mp4"\nstyle = "two.png"', ["gone.mp4", "does not exist"]),
        ('content = "one.png"\nstyle = ["two.png", "gone.png"]', ["gone.png"]),
        ('content = "one.png"\nstyle = "two.png"\nmasks = ["gone.png"]', ["gone.png"]),
        ('content = "one.png"\nstyle = "two.png"\nweights = "gone.mat"', ["gone.mat"]),
        ('content = "photos/notes.txt"\nstyle = "two.png"', ["notes.txt", "not a picture"]),
        ('content = []\nstyle = "two.png"', ["content", "empty"]),
        ('content = "one.png"\nstyle = []', ["style", "empty"]),
        ('content = "one.png"\nstyle = [[]]', ["style"]),
        ('content = 5\nstyle = "two.png"', ["content"]),
        ('style = "two.png"', ["content"]),
        ('content = "one.png"', ["style"]),
        ('content = "one.png"\nstyle = "two.png"\nmethod = "neighbours"', ["neighbours"]),
        ("content = ", ["TOML"]),
    ],
)  # fmt: skip
def test_a_settings_file_that_does_not_fit_is_told_in_a_sentence(settings, text, parts):
    unset = [line for line in QUICK.splitlines() if not re.search(rf"^(grid\.)?{line.split()[0]} =", text, re.M)]
    with pytest.raises(InputError) as error:
        read_plan(settings("\n".join([*unset, text]), quick=False))
    assert_one_sentence(error.value, *parts)


def test_a_folder_without_pictures_is_told(settings):
    path = settings('content = "empty"\nstyle = "two.png"')
    (path.parent / "empty").mkdir()
    with pytest.raises(InputError) as error:
        read_plan(path)
    assert_one_sentence(error.value, "empty", "no pictures")


# A scheduler and its workers, as one would start them


@pytest.fixture
def empty_dask(tmp_path):
    """A scheduler without workers."""
    (tmp_path / "dask").mkdir()
    found = Dask(tmp_path / "dask")
    yield found
    found.close()


def alone(task):
    """The picture that a task gives by itself."""
    return stylize(task.content.path, [style.path for style in task.styles], **task.settings).image


def assert_whole(path, out, but=()):
    """Every picture of the settings file is there, byte by byte that of a run alone, and nothing is half-written."""
    for task in read_plan(path).tasks:
        if task.name in but:
            continue
        with Image.open(out / f"{task.name}.png") as image:
            assert np.array_equal(np.asarray(image), alone(task)), task.name
        record = json.loads((out / "records" / f"{task.name}.json").read_text())
        assert record["key"] == task.key and record["costs"]["total"] > 0
    assert not [each.name for each in out.rglob(".writing-*")]


@pytest.mark.timeout(900)
def test_weights_travel_to_each_worker_and_each_traces_once(dask, settings, tmp_path):
    path = settings(
        'content = ["photos", "film.mp4"]\nstyle = ["two.png", ["one.png", "two.png"]]\nevery = 2\n'
        "grid.alpha = [5, 10]\ngrid.beta = [40, 80]"
    )
    text, seen = path.read_text(), []

    def look(progress):
        seen.append((progress.done, len(list((tmp_path / "out").glob("*.png")))))
        if progress.done == 1:  # from now on there are only those that the workers have
            (path.parent / "tiny.mat").rename(path.parent / "moved.mat")

    found = sweep(path, tmp_path / "out", dask.address, callback=look)
    (path.parent / "moved.mat").rename(path.parent / "tiny.mat")
    assert (found.done, found.count, found.failed) == (48, 48, {})
    assert [number for _, number in seen] == [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert_whole_but_frames(path, tmp_path / "out")

    def traces():
        from nst_utils.engine.objective import _evaluator
        from nst_utils.sweep.painting import _WEIGHTS

        return _evaluator.cache_info().misses, list(_WEIGHTS.values())

    with connected(dask.address) as client:
        told = client.run(traces)
    assert len(told) == 2
    for misses, files in told.values():
        assert misses <= 2  # one painting everywhere, two everywhere: the same graph; alpha and beta need no other
        assert all(Path(file).is_relative_to(dask.folder) for file in files)
    assert path.read_text() == text


def assert_whole_but_frames(path, out):
    tasks = read_plan(path).tasks
    assert_whole(path, out, [task.name for task in tasks if task.content.frame is not None])
    frames = [out / f"{task.name}.png" for task in tasks if task.content.frame is not None]
    assert len(frames) == 24 and all(frame.exists() for frame in frames)


@pytest.mark.timeout(900)
def test_what_fails_is_told_with_its_settings_and_the_rest_finishes(dask, settings, tmp_path):
    path = settings(
        'content = "photos"\nstyle = "two.png"\nmethod = "neighbours"\n'
        'grid.optimizer = ["lbfgs", "adam"]'.replace('method = "neighbours"\n', "")
        + '\ngrid.method = ["gram", "neighbours"]'
    )
    text = path.read_text().replace('optimizer = "adam"\n', "", 1)
    path.write_text(text)
    broken = (path.parent / "photos" / "a.png").read_bytes()
    (path.parent / "photos" / "a.png").write_bytes(broken[: len(broken) // 2])
    found = sweep(path, tmp_path / "out", dask.address)
    # Of three photos, one broken, and four ways, one impossible.
    assert (found.done, found.count, len(found.failed)) == (6, 12, 6)
    why = {name: reason for name, reason in found.failed.items()}
    for name, reason in why.items():
        assert_one_sentence(reason, "neighbours needs the optimizer lbfgs" if "adam_method=neigh" in name else "a.png")
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count('class="card failed"') == 6 and "optimizer adam" in page and "6 of 12 pictures, 6 failed" in page
    assert_whole(path, tmp_path / "out", found.failed)
    # Mended, the same command paints what had failed, and nothing else.
    (path.parent / "photos" / "a.png").write_bytes(broken)
    before = stamps(tmp_path / "out")
    found = sweep(path, tmp_path / "out", dask.address)
    assert (found.done, len(found.failed)) == (9, 3)
    after = stamps(tmp_path / "out")
    assert {name: after[name] for name in before} == before and len(after) == 9


def stamps(out):
    return {path.name: path.stat().st_mtime_ns for path in out.glob("*.png")}


def test_a_call_that_ends_its_worker_again_and_again_is_given_up(dask):
    def end_or_add(number):
        if number == 1:
            os._exit(1)
        return number + 1

    calls = [Call(number, (number,)) for number in (2, 3)] + [Call("bad", (1,))]
    calls += [Call(number, (number,)) for number in range(4, 12)]
    with connected(dask.address) as client:
        found = dict(answers(client, end_or_add, calls))
    assert isinstance(bad := found.pop("bad"), Failure)
    assert found == {number: number + 1 for number in range(2, 12)}
    assert_one_sentence(f"It failed: {bad.reason}", "ended again and again")


def test_calls_that_lose_all_their_workers_at_once_are_made_when_others_come(dask):
    calls = [Call(number, (number,)) for number in range(30)]
    with connected(dask.address) as client:
        found, killed = {}, 0
        for number, answer in answers(client, lambda number: time.sleep(0.2) or -number, calls):
            found[number] = answer
            if number in (3, 17):
                workers = workers_of(dask.processes[1])
                killed += len(workers)
                for worker in workers:
                    worker.kill()
    assert found == {number: -number for number in range(30)} and killed == 4


@pytest.mark.timeout(120)
def test_workers_of_ones_own_that_do_not_come_again_are_replaced(monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 2.0)
    calls = [Call(number, (number,)) for number in range(12)]
    with connected(workers=2) as client:
        found = {}
        for number, answer in answers(client, lambda number: time.sleep(0.3) or -number, calls):
            found[number] = answer
            if number in (1, 6):  # as when they die while they start: their guard gives up
                client.cluster.sync(close_guards, client.cluster)
        assert found == {number: -number for number in range(12)}
        assert len(client.nthreads()) == 2


async def close_guards(cluster):
    for guard in cluster.workers.values():
        await guard.close()


def test_no_worker_left_is_told_once(monkeypatch, empty_dask):
    told, own = [], empty_dask.start_workers(1)

    def tell(words):
        told.append(words)
        if "any more" in words:
            empty_dask.start_workers(1)

    with connected(empty_dask.address, tell=tell) as client:
        monkeypatch.setattr(cluster, "PATIENCE", 1.0)
        calls, found = [Call(number, (number,)) for number in range(6)], {}
        given = answers(client, lambda number: time.sleep(0.2) or -number, calls, empty_dask.address, tell)
        for number, answer in given:
            found[number] = answer
            if number == 0:
                for process in [own, *workers_of(own)]:
                    process.kill()
    assert found == {number: -number for number in range(6)}
    (words,) = [each for each in told if "any more" in each]
    assert words == told[-1] and words.endswith(" has no workers any more: waiting for others ...")


def test_what_raises_fails_alone_and_what_is_sent_comes(dask, tmp_path):
    sent = Sent("word", lambda: b"abc")
    gone = Sent("gone", (tmp_path / "gone").read_bytes)
    calls = [
        Call("one", (len, [sent, sent])), Call("two", (int, "x")), Call("three", (list, sent)), Call("4", (len, gone))
    ]  # fmt: skip
    with connected(dask.address) as client:
        found = dict(answers(client, lambda function, argument: function(argument), calls))
    assert found["one"] == 2 and found["three"] == [97, 98, 99]
    assert "ValueError" in found["two"].reason and "gone" in found["4"].reason


def local_cluster(**settings):
    return LocalCluster(threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", **settings)


@pytest.mark.timeout(300)
def test_a_cluster_as_an_object_paints_and_goes_on(settings, tmp_path):
    path = settings('content = "photos"\nstyle = "two.png"')
    with local_cluster(n_workers=2) as given:
        assert sweep(path, tmp_path / "out", given).done == 3
        assert_whole(path, tmp_path / "out")
        painters = {json.loads(each.read_text())["worker"] for each in tmp_path.glob("out/records/*")}
        with Client(given) as client:
            pids = client.run(os.getpid).values()
        assert len(pids) == 2 and {int(each.rpartition(":")[2]) for each in painters} <= set(pids)


@pytest.mark.timeout(120)
def test_a_cluster_that_adapts_is_asked_for_its_first_worker():
    with local_cluster(n_workers=0) as adapts:
        adapts.adapt(minimum=0, maximum=2, interval="0.2s")
        with connected(adapts) as client:
            assert client.nthreads()
            while client.nthreads():  # it has nothing to do
                time.sleep(0.1)
            calls = [Call(number, (number,)) for number in range(5)]
            assert dict(answers(client, lambda number: -number, calls)) == {number: -number for number in range(5)}


def test_a_scheduler_that_is_not_there_is_told(monkeypatch, settings, tmp_path, capsys):
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    path = settings('content = "one.png"\nstyle = "two.png"')
    for address in ("tcp://127.0.0.1:1", "nonsense", "tcp://no.such.host.invalid:8786", "gateway://127.0.0.1:1/a", 3):
        with pytest.raises(InputError) as error:
            sweep(path, tmp_path / "out", address)
        assert_one_sentence(error.value, str(address), "dask scheduler")
    with pytest.raises(InputError) as error:
        sweep(path, tmp_path / "out", "tls://127.0.0.1:1")
    assert_one_sentence(error.value, "tls://127.0.0.1:1", "certificate")
    with local_cluster(n_workers=0) as closed:
        pass
    with pytest.raises(InputError) as error:
        sweep(path, tmp_path / "out", closed)
    assert_one_sentence(error.value, closed.scheduler_address, "closed")


@posix_only
@pytest.mark.parametrize("spoilt", ["another", "none"])
def test_workers_with_another_package_or_none_are_refused(empty_dask, settings, tmp_path, spoilt):
    package = tmp_path / "elsewhere" / "nst_utils"
    if spoilt == "another":
        shutil.copytree(ROOT / "nst_utils", package, ignore=shutil.ignore_patterns("__pycache__"))
        with (package / "base" / "errors.py").open("a") as file:
            file.write("\n# another version\n")
    else:
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise ImportError('no such package')")
    empty_dask.start_workers(1, package.parent)
    told = []
    with pytest.raises(InputError) as error:
        path = settings('content = "one.png"\nstyle = "two.png"')
        sweep(path, tmp_path / "out", empty_dask.address, tell=told.append)
    assert_one_sentence(error.value, "The worker tcp://", "nst_utils", "install")
    assert all("no workers yet" in words for words in told)


@posix_only
@pytest.mark.timeout(300)
def test_a_scheduler_that_goes_ends_the_sweep_with_a_sentence_and_another_one_goes_on(
    empty_dask, monkeypatch, settings, tmp_path
):
    path = settings('content = "photos"\nstyle = "two.png"\niterations = 50\ngrid.seed = [1, 2, 3]')
    path.write_text(path.read_text().replace("iterations = 3\n", ""))
    empty_dask.start_workers(1)

    def look(progress):
        if progress.done == 2:
            monkeypatch.setattr(cluster, "PATIENCE", 3.0)
            empty_dask.processes[0].kill()

    with pytest.raises(InputError) as error:
        sweep(path, tmp_path / "out", empty_dask.address, callback=look)
    assert_one_sentence(error.value, empty_dask.address, "has gone", "goes on")
    before = stamps(tmp_path / "out")
    assert 2 <= len(before) < 9
    found = sweep(path, tmp_path / "out", workers=1)
    assert (found.done, found.failed) == (9, {})
    assert before.items() <= stamps(tmp_path / "out").items()


# Processes of one's own: `nst sweep`


def nst_sweep(path, *options, **more):
    """The command as a process of its own."""
    command = [*NST, "sweep", str(path), *map(str, options)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def wait_for_pictures(process, out, count):
    end = time.monotonic() + 120
    while len(list(out.glob("*.png"))) < count:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)


LONG = """
content = ["photos", "one.png"]
style = ["two.png", "one.png", "photos/a.png"]
grid.alpha = [1, 2, 4, 8, 16]
"""


@posix_only
@pytest.mark.timeout(900)
def test_workers_that_are_killed_at_random_cost_no_picture(settings):
    path = settings(LONG)
    path.write_text(path.read_text().replace("iterations = 3\n", "iterations = 60\n"))
    out, random, kills = path.with_suffix(""), np.random.default_rng(seed := int(time.time())), 0
    process = nst_sweep(path, "--workers", 2)
    wait_for_pictures(process, out, 2)
    while process.poll() is None and kills < 8:
        workers, before = workers_of(process), len(stamps(out))
        if len(workers) and before < 56:
            random.choice(workers).kill()
            kills += 1
        wait = time.monotonic() + random.uniform(0.2, 4)
        while process.poll() is None and time.monotonic() < wait:
            time.sleep(0.05)
    said, errors = process.communicate(timeout=400)
    assert process.returncode == 0, f"seed {seed}: {errors[-2000:]}"
    assert "60 of 60 pictures" in said and "Traceback" not in errors and kills >= 4, f"seed {seed}: {kills} kills"
    assert len(stamps(out)) == 60
    assert_whole(path, out)


@posix_only
@pytest.mark.timeout(600)
def test_a_sweep_that_is_killed_or_interrupted_goes_on_where_it_was(settings):
    path = settings(LONG.replace(", 8, 16", ""))
    path.write_text(path.read_text().replace("iterations = 3\n", "iterations = 60\n"))
    out = path.with_suffix("")
    process = nst_sweep(path, "--workers", 1)
    wait_for_pictures(process, out, 5)
    workers = workers_of(process)
    assert len(workers) == 1
    process.kill()
    process.communicate()
    first = stamps(out)
    assert 5 <= len(first) < 36
    # Nothing goes on without it: the workers end with the sweep that they were for.
    _, left = psutil.wait_procs(workers, timeout=30)
    assert not left
    process = nst_sweep(path, "--workers", 1, start_new_session=True)
    wait_for_pictures(process, out, len(first) + 5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal's Ctrl-C, which all of its processes get
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in errors, errors
    assert re.search(r"Stopped: \d+ of 36 pictures are in .*; the same command goes on", errors)
    second = stamps(out)
    assert first.items() <= second.items() and len(second) < 36
    process = nst_sweep(path, "--workers", 2)
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0 and "36 of 36" in said, errors
    assert f"{len(second)} of 36 pictures are there already" in errors
    assert second.items() <= stamps(out).items()
    assert_whole(path, out)


@posix_only
@pytest.mark.timeout(300)
def test_two_sweeps_never_write_into_one_folder(settings, tmp_path):
    path = settings('content = "photos"\nstyle = "two.png"')
    out = tmp_path / "out"
    with opened(out):
        for other in (out, out / ".." / "out"):
            process = nst_sweep(path, "-o", other)
            said, errors = process.communicate(timeout=60)
            assert process.returncode == 1 and not said
            assert_one_sentence(errors.strip(), "Another sweep is writing into", str(other))
    assert not stamps(out)
    with opened(out):  # it was let go
        pass


def test_a_folder_for_something_else_is_left_alone(settings, tmp_path):
    path = settings('content = "photos"\nstyle = "two.png"')
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("a file")
    for out, parts in (
        ("mine", ["letter.txt"]), ("file", ["is a file"]), ("gone/out", ["does not exist"]),
    ):  # fmt: skip
        with pytest.raises(InputError) as error:
            sweep(path, tmp_path / out)
        assert_one_sentence(error.value, *parts)
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_a_picture_that_was_cut_short_is_painted_again(tmp_path):
    with opened(tmp_path / "out") as folder:
        folder.keep("k1", "one", b"whole", {"x": 1})
        folder.keep("k2", "two", b"whole", {"x": 2})
    (tmp_path / "out" / "two.png").write_bytes(b"wh")
    (tmp_path / "out" / "records" / "junk.json").write_text("[1")
    with opened(tmp_path / "out") as folder:
        assert set(folder.records) == {"k1"}
    (tmp_path / "out" / "sweep.json").write_text('{"format": 99}')
    with pytest.raises(InputError, match="another version"), opened(tmp_path / "out"):
        pass


def test_a_record_repeats_its_picture(dask, settings, tmp_path):
    path = settings(
        'content = "one.png"\nstyle = [["two.png", "photos/c.png"]]\nmasks = "mask.png,rest"\ninit = "photos/a.png"'
    )
    assert sweep(path, tmp_path / "out", dask.address).failed == {}
    for task in read_plan(path).tasks:
        record = tmp_path / "out" / "records" / f"{task.name}.json"
        pictures = [str(each.path) for each in (task.content, *task.styles)]
        command = [*NST, "stylize", *pictures, "-o", "again.png", "--settings", str(record)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
        with Image.open(tmp_path / "again.png") as again, Image.open(tmp_path / "out" / f"{task.name}.png") as first:
            assert np.array_equal(np.asarray(again), np.asarray(first))


# The page


@pytest.fixture(scope="module")
def shown(pictures, dask, tmp_path_factory):
    """The folder of a sweep with a failed picture and one whose name is markup."""
    folder = tmp_path_factory.mktemp("page") / "work"
    shutil.copytree(pictures, folder)
    (folder / "photos" / "b.jpg").rename(folder / "photos" / "<b> & 'c'.jpg")
    (folder / "photos" / "c.png").write_bytes((folder / "photos" / "c.png").read_bytes()[:200])
    text = 'content = "photos"\nstyle = "two.png"\nkeep_colors = "luminance"\ngrid.style_scale = [2, 1.5, 1.25]\n'
    (folder / "page.toml").write_text(QUICK + text)
    found = sweep(folder / "page.toml", None, dask.address)
    assert (found.done, len(found.failed)) == (6, 3)
    return folder / "page"


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        message = "The tests of the page need chromium: apt-get install chromium, or your system's own way."
        if os.environ.get("NST_BROWSER_NEEDED"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if root else [])
        yield found
        found.close()


@pytest.fixture
def page(browser, shown):
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    context.route(re.compile(r"^https?://"), lambda route: pytest.fail(f"It asks for {route.request.url}"))
    found = context.new_page()
    problems = []
    found.on("pageerror", lambda error: problems.append(str(error)))
    found.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    found.goto((shown / "index.html").as_uri())
    yield found
    context.close()
    assert not problems


def order(page, of="#cards"):
    """What the cards or rows are sorted by, in their order: (photo, style_scale, total cost)."""
    values = page.eval_on_selector_all(f"{of} > :not([hidden])", "all => all.map(one => one.dataset.values)")
    return [(found[1], found[3], found[4]) for found in map(json.loads, values)]


def test_the_page_shows_every_picture_with_its_costs_and_settings(page, shown):
    assert page.locator(".summary").inner_text() == "6 of 9 pictures, 3 failed."
    assert page.locator(".card").count() == 9 and page.locator(".card.failed").count() == 3
    page.wait_for_function("[...document.querySelectorAll('.card img')].every(image => image.naturalWidth === 48)")
    records = {record["file"]: record for record in (json.loads(each.read_text()) for each in shown.glob("records/*"))}
    for card in page.locator(".card:not(.failed)").all():
        record = records[card.locator("img").evaluate("image => decodeURIComponent(image.src.split('/').at(-1))")]
        assert f"J = {record['costs']['total']:.4g}" in card.inner_text()
        card.locator("summary").click()
        assert "luminance" in card.locator("dl").inner_text()
    assert page.locator(".what", has_text="<b> & 'c' × two").count() == 3
    assert "c.png" in page.locator(".why").first.inner_text()


def test_the_page_sorts_by_costs_and_settings_both_ways(page):
    page.select_option("#by", label="style_scale")
    scales = [found[1] for found in order(page)]
    assert scales == sorted(scales) == [1.25] * 3 + [1.5] * 3 + [2] * 3
    page.select_option("#by", label="total cost")
    costs = [found[2] for found in order(page)]
    assert costs[6:] == [None] * 3 and costs[:6] == sorted(costs[:6]) and len(set(costs[:6])) == 6
    page.click("#turn")
    turned = [found[2] for found in order(page)]
    assert turned == [*reversed(costs[:6]), None, None, None]
    page.reload()  # which the page does by itself while more is to come
    assert [found[2] for found in order(page)] == turned


def test_the_table_sorts_by_its_heads_and_only_some_are_shown(page):
    page.click("text=Table")
    assert page.locator("#sheet").is_visible() and not page.locator("#cards").is_visible()
    head = page.locator("th", has_text="content cost")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending" and page.locator("th[aria-sort]").count() == 1
    page.fill("#filter", "style_scale 1.5")
    assert {found[1] for found in order(page, "#rows")} == {1.5}
    page.fill("#filter", "no such thing")
    assert order(page, "#rows") == []


@pytest.mark.parametrize("width", [1366, 390])
def test_the_page_fits_and_is_accessible(page, width):
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 844})
    for view in ("Pictures", "Table"):
        page.click(f"text={view}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_the_page_asks_for_itself_only_while_more_is_to_come(shown):
    assert "http-equiv" not in (shown / "index.html").read_text()

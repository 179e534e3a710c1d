"""The studio without a browser: sessions that paint, stop and go on, uploads, and the places in memory."""

import dataclasses
import io
import json
import os
import subprocess
import sys
import threading
import time

import nbformat
import numpy as np
import pytest
from conftest import ROOT, assert_one_sentence, random_network
from PIL import Image

from nst_utils import stylize
from nst_utils.base.errors import InputError
from nst_utils.cli.studio import CELL
from nst_utils.course.config import CONFIG
from nst_utils.engine.settings import GROUPS, Settings, read_settings
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.studio import uploads
from nst_utils.studio.page import _control
from nst_utils.studio.session import Painting, Session
from nst_utils.studio.uploads import Parts, Picture, plain_name, read_upload
from nst_utils.studio.waiting import Places

pytestmark = pytest.mark.usefixtures("full_float32")

RNG = np.random.default_rng(0)
PHOTO = Picture("photo.png", RNG.integers(0, 256, (70, 90, 3), np.uint8))
NIGHT = Picture("night.png", RNG.integers(0, 120, (60, 60, 3), np.uint8))
DAY = Picture("day.png", RNG.integers(100, 256, (60, 60, 3), np.uint8))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "tiny.mat"
    write_matconvnet(path, random_network(), CONFIG.MEANS, "a tiny network")
    return str(path)


class Listener:
    """What a session told, and waiting for it."""

    def __init__(self):
        self.news, self.changed = [], threading.Condition()

    def __call__(self, news):
        with self.changed:
            self.news.append(news)
            self.changed.notify_all()

    def wait_for(self, matches, seconds=60):
        with self.changed:
            self.changed.wait_for(lambda: any(map(matches, self.news)), seconds)
            found = [each for each in self.news if matches(each)]
        assert found, [each.state for each in self.news]
        return found[0]

    def wait_for_state(self, *states):
        return self.wait_for(lambda news: news.state in states)


@pytest.fixture
def session_of(network, tmp_path):
    """Sessions with a tiny network, closed in the end."""
    made = []

    def make(places=None, **settings):
        session = Session(Listener(), places or Places(file=tmp_path / "places.json"))
        session.told = session._tell
        session.photo, session.paintings = PHOTO, [Painting(NIGHT)]
        session.settings = {"weights": network, "precision": "float32", "iterations": 24} | settings
        made.append(session)
        return session

    yield make
    for session in made:
        session.close()


def finish(session):
    session.told.wait_for(lambda news: news.state in ("done", "failed"))
    news = session.told.news[-1]
    assert news.state == "done", news.message
    session.told.news.clear()
    return session.present.image


def stop_after(session, iteration):
    """Stop the painting that has begun right after a step, however fast the machine is."""
    told = session.told

    def tell(news):
        if news.present and news.state == "painting" and news.present.step.iteration == iteration:
            session._tell = told
            session.stop()
        else:
            told(news)

    session._tell = tell
    session.paint()
    told.wait_for_state("stopped")
    told.news.clear()


def one_run(session, **settings):
    return stylize(PHOTO.pixels, [each.picture.pixels for each in session.paintings],
                   **session.settings | settings).image


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"optimizer": "adam"}, {"keep_colors": "luminance", "size": (64, 48)},
        {"method": "neighbours", "strength": 0.4, "iterations": 6},
    ],
)
def test_a_session_paints_what_stylize_paints(session_of, settings):
    session = session_of(**settings)
    session.paint()
    np.testing.assert_array_equal(finish(session), one_run(session))


def test_stopping_and_going_on_changes_nothing_in_the_end(session_of):
    session = session_of(iterations=60)
    stop_after(session, 3)
    assert session.present.state.stopped is None and not session.busy
    session.go_on()
    np.testing.assert_array_equal(finish(session), one_run(session))


@pytest.mark.parametrize(
    ("iteration", "as_one_run"), [(3, False), (25, True)], ids=["in the first phase", "in the last phase"]
)
def test_so_many_steps_more_are_so_many_wherever_it_was_stopped(session_of, iteration, as_one_run):
    session = session_of(iterations=60, size=(60, 60))  # one size, so that all steps are at the full one
    stop_after(session, iteration)
    session.go_on(4)
    found = finish(session)
    assert session.present.step.iteration == (iteration + 4 if as_one_run else 4)
    if as_one_run:
        np.testing.assert_array_equal(found, one_run(session, iterations=iteration + 4))


def test_more_steps_after_the_end_are_those_of_one_longer_run(session_of):
    session = session_of()
    session.paint()
    finish(session)
    session.go_on(10)
    np.testing.assert_array_equal(finish(session), one_run(session, iterations=34))
    assert session.present.report()["settings"]["iterations"] == 34
    assert [step.iteration for step in session.history][-1] == session.present.step.iteration


def test_a_changed_setting_goes_on_from_the_present_picture(session_of):
    session = session_of()
    session.paint()
    before = finish(session)
    session.settings |= {"beta": 400.0, "iterations": 5}
    session.go_on()
    found = finish(session)
    np.testing.assert_array_equal(found, one_run(session, init=before))
    report = session.present.report()
    assert report["went_on_from_a_picture"] and "init" not in report["settings"] and report["settings"]["beta"] == 400
    # And from there once more, as one run.
    session.go_on(5)
    assert session.present.job.went_on
    finish(session)
    assert session.present.job.settings.init is not before


def test_stop_answers_while_a_step_is_computed(session_of, monkeypatch):
    from nst_utils.engine.run import Run

    entered, leave = threading.Event(), threading.Event()
    advance = Run.advance

    def slow(self, state):
        if state.iteration == 2:
            entered.set()
            leave.wait(30)
        return advance(self, state)

    monkeypatch.setattr(Run, "advance", slow)
    session = session_of()
    session.paint()
    assert entered.wait(60)
    session.stop()
    assert session.told.news[-1].state == "stopped" and session.present.step.iteration == 2
    leave.set()
    time.sleep(0.3)
    assert session.told.news[-1].state == "stopped" and session.present.step.iteration == 2


def test_a_quick_look_is_small_and_leaves_the_painted_picture_alone(session_of):
    session = session_of(max_side=None)
    session.photo = Picture("large.png", RNG.integers(0, 256, (300, 400, 3), np.uint8))
    session.settings["size"] = (400, 300)
    session.quick_look()
    session.told.wait_for(lambda news: news.state == "idle")
    assert session.looked.image.shape == (150, 200, 3) and session.present is None


def test_a_new_wish_replaces_the_one_before(session_of):
    session = session_of(iterations=500)
    session.paint()
    session.told.wait_for(lambda news: news.present)
    session.paintings, session.settings["iterations"] = [Painting(DAY)], 4
    session.paint()
    np.testing.assert_array_equal(finish(session), one_run(session))


def test_a_change_while_painting_goes_on_and_before_the_first_step_begins_anew(session_of, monkeypatch):
    from nst_utils.engine.run import Run

    session, advance, leave = session_of(), Run.advance, threading.Event()
    session.change()
    assert session.told.news[-1].state == "quick"
    session.told.wait_for(lambda news: news.state == "idle")
    session.paint()
    old = finish(session)
    monkeypatch.setattr(Run, "advance", lambda self, state: leave.wait(30) and advance(self, state))
    session.paint()  # its first step is not made yet: the old picture is none of its own
    session.settings |= {"beta": 400.0}
    session.change()
    leave.set()
    found = finish(session)
    np.testing.assert_array_equal(found, one_run(session))
    assert not session.present.job.went_on and not np.array_equal(found, old)
    told, session._tell = session.told, lambda news: (told(news), change_once(news))

    def change_once(news):
        if news.present and news.present.step.iteration == 3 and not news.present.job.went_on:
            session.settings |= {"beta": 4.0, "iterations": 5}
            session.change()

    session.paint()
    finish(session)
    assert session.present.job.went_on and session.present.run.settings.beta == 4


def test_weights_brushes_and_masks_of_the_paintings_are_those_of_the_command_line(session_of, tmp_path):
    session = session_of(iterations=6)
    session.paintings = [Painting(NIGHT, weight=2.0, scale=0.5), Painting(DAY)]
    session.paint()
    expected = one_run(session, style_weights=(2, 1), style_scale=(0.5, 1))
    np.testing.assert_array_equal(finish(session), expected)
    mask = np.zeros((70, 90), np.uint8)
    mask[:, :45] = 255
    path = tmp_path / "mask.png"
    Image.fromarray(mask).save(path)
    session.paintings = [Painting(NIGHT, mask=Picture("mask.png", np.dstack([mask] * 3))), Painting(DAY, mask="rest")]
    session.paint()
    np.testing.assert_array_equal(finish(session), one_run(session, masks=(str(path), "rest")))
    assert session.present.report()["settings"]["masks"] == ["mask.png", "rest"]


def test_the_file_holds_the_picture_and_settings_that_paint_it_again(session_of, tmp_path):
    session = session_of(iterations=6, tv_weight=0.5)
    session.paint()
    picture = finish(session)
    with Image.open(io.BytesIO(session.present.png())) as image:
        image.load()
        np.testing.assert_array_equal(np.array(image), picture)
        report = image.text["nst_utils"]
    path = tmp_path / "settings.json"
    path.write_text(report)
    assert json.loads(report)["settings"]["content"] == "photo.png"
    again = stylize(PHOTO.pixels, NIGHT.pixels, **read_settings(path)).image
    np.testing.assert_array_equal(again, picture)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4", ".zip"])
def test_films_come_as_bytes_and_leave_nothing_behind(session_of, suffix, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    session = session_of(iterations=3)
    with pytest.raises(InputError, match="no film yet"):
        session.film(suffix)
    session.paint()
    finish(session)
    assert len(session.film(suffix)) > 500
    session.close()
    assert list((tmp_path / "t").iterdir()) == []


def test_what_does_not_fit_is_told_before_anything_is_painted(session_of):
    session = session_of()
    session.photo = None
    for name, value, word in [("photo", None, "photo"), ("paintings", [], "painting")]:
        session.photo, session.paintings = PHOTO, [Painting(NIGHT)]
        setattr(session, name, value)
        with pytest.raises(InputError, match=f"no {word} yet"):
            session.paint()
    session.paintings = [Painting(NIGHT, weight=0.0), Painting(DAY, weight=0.0)]
    with pytest.raises(InputError, match="weight 0"):
        session.paint()
    with pytest.raises(InputError, match="paint one first"):
        session_of().go_on()
    with pytest.raises(InputError, match="too small"):
        session_of(size=(8, 8)).quick_look()


def test_a_failing_run_says_so_and_the_next_one_works(session_of, monkeypatch):
    from nst_utils.engine.run import Run

    session = session_of(iterations=2)
    with monkeypatch.context() as patch:
        patch.setattr(Run, "advance", lambda *_: 1 / 0)
        session.paint()
        assert_one_sentence(session.told.wait_for_state("failed").message, "ZeroDivisionError")
    session.told.news.clear()
    session.paint()
    finish(session)


def test_a_session_closed_while_it_paints_leaves_no_frames(session_of, tmp_path, monkeypatch):
    (tmp_path / "t").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    for _ in range(3):
        session = session_of(iterations=10000)
        session.paint()
        session.told.wait_for(lambda news: news.present and news.present.step.iteration >= 3)
        session.close()
        time.sleep(0.2)
        assert list((tmp_path / "t").iterdir()) == []


def test_the_notebook_shows_the_studio_as_the_command_does():
    notebook = nbformat.read(ROOT / "notebooks" / "studio.ipynb", as_version=4)
    assert [cell.source for cell in notebook.cells] == [CELL]


def test_every_control_is_explained_by_a_notebook_that_there_is():
    controls = [_control(each) for each in dataclasses.fields(Settings)]
    there = {path.stem for path in (ROOT / "notebooks" / "solutions").glob("*.ipynb")}
    assert {each["notebook"] for each in controls} <= there
    assert {each["group"] for each in controls} <= set(GROUPS)


# Places in memory


def test_one_more_than_fits_waits_in_line_and_says_so(session_of, tmp_path):
    file = tmp_path / "shared.json"
    first = session_of(Places(1.5e9, file), iterations=100000)
    second = session_of(Places(1.5e9, file), iterations=2)
    first.paint()
    first.told.wait_for(lambda news: news.present)
    second.paint()
    assert "line" in second.told.wait_for_state("waiting").message
    assert not any(news.present for news in second.told.news)
    first.stop()
    finish(second)


def test_who_waits_can_give_up(session_of, tmp_path):
    file = tmp_path / "shared.json"
    first, second = (session_of(Places(1.5e9, file), iterations=100000) for _ in range(2))
    first.paint()
    first.told.wait_for(lambda news: news.present)
    second.paint()
    second.told.wait_for_state("waiting")
    second.stop()
    first.stop()
    deadline = time.monotonic() + 20
    while json.loads(file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert json.loads(file.read_text()) == []


def test_the_place_of_a_process_that_was_killed_is_free_again(tmp_path):
    file = tmp_path / "shared.json"
    script = (
        "import sys, time; from nst_utils.studio.waiting import Places\n"
        "with Places(10, sys.argv[1]).place(10): print('in', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert other.stdout.readline().strip() == b"in"
    with Places(10, file).place(10, given_up=lambda: True) as mine:
        assert not mine
    other.kill()
    other.wait()
    with Places(10, file).place(10, given_up=lambda: True) as mine:
        assert mine


def test_those_who_came_first_go_first(tmp_path):
    file, order = tmp_path / "shared.json", []
    with Places(10, file).place(8):
        threads = []
        for name, need in (("large", 9), ("small", 1)):
            def run(name=name, need=need):
                with Places(10, file).place(need):
                    order.append(name)
            threads.append(threading.Thread(target=run))
            threads[-1].start()
            time.sleep(0.3)
        assert order == []  # the small one would fit, but it is not its turn
    for thread in threads:
        thread.join(20)
    assert sorted(order) == ["large", "small"]


# Uploads


def encoded(picture, format="PNG"):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format)
    return file.getvalue()


def test_an_upload_is_known_by_its_content():
    found = read_upload("notes.txt", encoded(PHOTO.pixels))
    np.testing.assert_array_equal(found.pixels, PHOTO.pixels)
    for name, data in [("photo.png", b"MZ" + bytes(500)), ("photo.png", b"%!PS-Adobe-3.0 EPSF-3.0\n"),
                       ("photo.png", encoded(PHOTO.pixels)[:200]), ("photo.svg", b"<svg onload='alert(1)'></svg>")]:
        with pytest.raises(InputError) as error:
            read_upload(name, data)
        assert_one_sentence(error.value, name)


@pytest.mark.parametrize(
    ("given", "shown"),
    [("../../x.png", "x.png"), ("C:\\a\\b.png", "b.png"), ("a\x00b\n.png", "ab.png"), ("..", "picture"),
     ("/etc/passwd", "passwd"), ("", "picture"), ("<img onerror=x>.png", "<img onerror=x>.png"),
     ("é" * 99, "é" * 59 + "…")],
)
def test_a_name_is_no_path(given, shown):
    assert plain_name(given) == shown


def test_too_much_is_refused_before_it_is_kept(monkeypatch):
    with pytest.raises(InputError, match="at most 40 are taken"):
        Parts("film.mov", 10**9)
    with pytest.raises(InputError, match="empty"):
        Parts("nothing.png", 0)
    parts = Parts("a.png", 10)
    assert parts.add(b"12345") is None and parts.add(b"67890") == b"1234567890"
    with pytest.raises(InputError, match="longer than was announced"):
        parts.add(b"1")
    monkeypatch.setattr(uploads, "MOST_PIXELS", 1000)
    with pytest.raises(InputError, match="90x70 pixels"):
        read_upload("a.png", encoded(PHOTO.pixels))

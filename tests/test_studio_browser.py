"""The studio in a real browser: the system's chromium, without a window, on a server that the test starts."""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from conftest import ROOT, free_port, random_network
from PIL import Image

from nst_utils.course.config import CONFIG
from nst_utils.engine.settings import Settings
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.studio.page import PRESETS
from nst_utils.studio.waiting import Places

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WAIT = 60_000  # milliseconds; the machine may have much else to do
RNG = np.random.default_rng(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures and a tiny network, and an empty folder for the server to run in."""
    folder = tmp_path_factory.mktemp("studio")
    (folder / "empty").mkdir()
    write_matconvnet(folder / "tiny.mat", random_network(), CONFIG.MEANS, "a tiny network")
    for name, size in (("photo", (90, 120)), ("painting", (80, 80))):
        Image.fromarray(RNG.integers(0, 256, (*size, 3), np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def environment(folder):
    """Of the server and of the command line, so that both use the same network, in float32."""
    return os.environ | {
        "NST_WEIGHTS": str(folder / "tiny.mat"), "PYTHONPATH": str(ROOT), "TMPDIR": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


@contextlib.contextmanager
def serving(folder, environment):
    """`nst studio` in an empty folder: its process and its address."""
    command = [sys.executable, "-m", "nst_utils.cli", "studio", "--no-browser", "--port", str(free_port())]
    with (folder / "server.log").open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=folder / "empty", env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            line = process.stdout.readline()
            assert "http://" in line, (folder / "server.log").read_text()
            yield process, re.search(r"http://\S+", line)[0]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def server(folder, environment):
    if CHROMIUM is None:
        message = "The studio's tests need chromium: apt-get install chromium, or your system's own way."
        if os.environ.get("NST_BROWSER_NEEDED"):  # as on the machine that runs the tests of every change
            pytest.fail(message)
        pytest.skip(message)
    with serving(folder, environment) as found:
        yield found


@pytest.fixture(scope="module")
def browser(server):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            arguments.append("--no-sandbox")
        with contextlib.closing(playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)) as found:
            yield found


def opened(browser, server, **options):
    """A page of the studio, in a window of its own, with its first quick look."""
    context = browser.new_context(accept_downloads=True, viewport={"width": 1366, "height": 900}, **options)
    # Nothing outside this machine is needed.
    context.route(re.compile(r"^https://"), lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("dialog", lambda dialog: (page.problems.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
    page.goto(server[1])
    page.wait_for_selector(".nst-studio")
    page.wait_for_function("document.querySelector('.nst-after').src.startsWith('blob:')")
    return page


@pytest.fixture(scope="module")
def page(browser, server):
    found = opened(browser, server)
    yield found
    assert not found.problems


def says(page, words):
    page.wait_for_function(
        "words => document.querySelector('.nst-message').textContent.includes(words)", arg=words, timeout=WAIT
    )


def set_text(page, name, text):
    """Type a setting, where it is among those under 'more' too."""
    if not page.locator(".nst-more").evaluate("details => details.open"):
        page.locator(".nst-more summary").click()
    field = page.locator(f"[data-setting={name}] input[type=text]")
    field.fill(text)
    field.press("Tab")


def picture_of(page):
    """What the page shows, as a hash of the pixels' address: it changes with every picture."""
    return page.locator(".nst-after").get_attribute("src")


def wait_for_another(page, before):
    page.wait_for_function("old => document.querySelector('.nst-after').src !== old", arg=before, timeout=WAIT)


def downloaded(page, button):
    with page.expect_download(timeout=WAIT) as waiting:
        button.click()
    return waiting.value


def button(page, words, **options):
    return page.get_by_role("button", name=words, exact=True, **options)


def upload(page, where, path, name=None):
    data = path.read_bytes() if not isinstance(path, bytes) else path
    page.get_by_label(where, exact=True).set_input_files(
        {"name": name or path.name, "mimeType": "image/png", "buffer": data}
    )


@pytest.fixture
def chosen(page, folder):
    """The page with the two small pictures, and settings that are quickly painted."""
    if "photo.png" not in page.locator(".nst-photo .nst-name").text_content():
        upload(page, "Upload a photo", folder / "photo.png")
        page.wait_for_function("document.querySelector('.nst-photo .nst-name').textContent === 'photo.png'")
        upload(page, "Upload a painting", folder / "painting.png")
        page.wait_for_function("document.querySelector('.nst-painting .nst-name').textContent === 'painting.png'")
    set_text(page, "iterations", "24")
    set_text(page, "strength", "")
    page.locator("[data-setting=precision] select").select_option("float32")
    says(page, "quick look")
    return page


def paint(page):
    button(page, "Paint").click()
    says(page, "Done")


def test_a_picture_is_that_of_the_command_line_with_the_downloaded_settings(chosen, folder, environment, tmp_path):
    page = chosen
    paint(page)
    picture = downloaded(page, button(page, "Picture (PNG)"))
    assert picture.suggested_filename == "photo-painting.png"
    picture.save_as(tmp_path / "page.png")
    downloaded(page, button(page, "Settings")).save_as(tmp_path / "settings.json")
    command = [sys.executable, "-m", "nst_utils.cli", "stylize", folder / "photo.png", folder / "painting.png", "-o",
               tmp_path / "command.png", "--settings", tmp_path / "settings.json"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    with Image.open(tmp_path / "page.png") as page_s, Image.open(tmp_path / "command.png") as command_s:
        np.testing.assert_array_equal(np.array(page_s), np.array(command_s))
        about = json.loads(page_s.text["nst_utils"])
    assert about["settings"] == json.loads((tmp_path / "settings.json").read_text())["settings"]
    assert not about["went_on_from_a_picture"]
    assert about["settings"]["iterations"] == 24 and about["settings"]["precision"] == "float32"


def test_it_paints_in_view_stops_and_goes_on_with_a_changed_slider(chosen):
    page = chosen
    set_text(page, "iterations", "5000")
    says(page, "quick look")
    before = picture_of(page)
    button(page, "Paint").click()
    wait_for_another(page, before)
    wait_for_another(page, picture_of(page))
    # A slider changed meanwhile: it goes on from the present picture, in a new run.
    page.get_by_label("Strength, slider").press("ArrowLeft")
    page.wait_for_function(
        "document.querySelector('[data-setting=strength] input[type=text]').value === '0.95' && "
        "/^step \\d+ of 5000/.test(document.querySelector('.nst-numbers').textContent)"
    )
    wait_for_another(page, picture_of(page))
    button(page, "Stop").click()
    says(page, "Stopped")
    stopped = picture_of(page)
    page.wait_for_timeout(600)
    assert picture_of(page) == stopped
    assert button(page, "Stop").is_disabled() and button(page, "Go on").is_enabled()
    before_going_on = int(re.match(r"step (\d+) of", page.locator(".nst-numbers").text_content())[1])
    set_text(page, "iterations", "30")
    page.get_by_label("for", exact=True).fill("4")
    button(page, "Go on").click()
    says(page, "Done")
    # Four more, counted from the start of the run or, where that had not come to its last phase, anew.
    after = re.match(r"step (\d+) of (\d+)", page.locator(".nst-numbers").text_content())
    assert after[1] == after[2] and int(after[1]) in (before_going_on + 4, 4)
    page.get_by_label("for", exact=True).fill("")
    settings = json.loads(open(downloaded(page, button(page, "Settings")).path()).read())
    assert settings["went_on_from_a_picture"] and settings["settings"]["strength"] == 0.95


def test_pictures_are_kept_side_by_side_and_films_come_down(chosen):
    page = chosen
    paint(page)
    button(page, "Keep beside").click()
    page.wait_for_selector(".nst-kept li")
    kept = downloaded(page, page.get_by_role("button", name=re.compile("Download kept picture")))
    with Image.open(kept.path()) as image:
        assert image.size == (120, 90) and "nst_utils" in image.text
    assert 3 <= page.locator(".nst-strip li").count() <= 10
    for words, start in (("Film as GIF", b"GIF8"), ("Film as MP4", b"ftyp"), ("Frames as a ZIP file", b"PK")):
        with open(downloaded(page, button(page, words)).path(), "rb") as file:
            assert start in file.read(16)
    page.get_by_role("button", name=re.compile("Remove kept picture")).click()
    page.wait_for_selector(".nst-kept li", state="detached")


def test_a_style_of_the_trained_network_is_painted_with_a_click(chosen):
    page, painted = chosen, []
    for style in ("cafe", "tiles"):
        button(page, f"Paint in the style {style}").click()
        kept = page.locator(".nst-kept li", has_text=f": {style}")
        kept.wait_for()
        with Image.open(downloaded(page, kept.get_by_role("button", name="Download")).path()) as image:
            assert image.size == (120, 90) and json.loads(image.text["nst_utils"])["fast_style"] == style
            painted.append(np.asarray(image, float))
        kept.get_by_role("button", name="Remove").click()
        kept.wait_for(state="detached")
    assert np.abs(painted[0] - painted[1]).mean() > 10


def test_before_and_after_and_zoom_follow_the_keyboard(chosen):
    page = chosen
    slider = page.get_by_label("Before / after")
    slider.focus()
    slider.press("End")
    assert "inset(0px 0%" in page.locator(".nst-before").evaluate("image => image.style.clipPath")
    slider.press("Home")
    zoom = page.get_by_label("Zoom")
    width = page.locator(".nst-sheet").bounding_box()["width"]
    zoom.press("End")
    assert page.locator(".nst-sheet").bounding_box()["width"] == pytest.approx(5 * width, rel=0.02)
    zoom.press("Home")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("notes.png", b"not a picture", "notes.png is not a picture"),
        ("empty.png", b"", "empty.png is empty"),
        ("../../x.png", b"x", "x.png is not a picture"),
        ("<img src=x onerror=alert(1)>.png", b"x", "<img src=x onerror=alert(1)>.png is not a picture"),
        ("bomb.png", "bomb", "12000x12000 pixels"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(chosen, folder, name, data, words):
    page = chosen
    if data == "bomb":
        file = io.BytesIO()
        Image.new("1", (12000, 12000)).save(file, "PNG")
        data = file.getvalue()
    upload(page, "Upload a photo", data, name)
    says(page, words)
    assert page.locator(".nst-photo .nst-name").text_content() == "photo.png"
    assert page.locator(".nst-message img").count() == 0
    page.wait_for_timeout(300)  # a quick look may end meanwhile
    says(page, words)
    # It is said until something else is done.
    button(page, "Paint").click()
    says(page, "Done")


def test_too_large_a_file_is_not_even_sent(chosen, tmp_path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    chosen.get_by_label("Upload a photo", exact=True).set_input_files(path)
    says(chosen, "large.png has 50 MB: at most 40 are taken")


def test_names_are_shown_as_they_are_and_lead_nowhere(browser, server, folder, page):
    name = "<img src=x onerror=alert(1)>.png"
    upload(page, "Upload a photo", folder / "photo.png", name)
    page.wait_for_function("name => document.querySelector('.nst-photo .nst-name').textContent === name", arg=name)
    upload(page, "Upload a photo", folder / "photo.png", "../../x.png")
    page.wait_for_function("document.querySelector('.nst-photo .nst-name').textContent === 'x.png'")
    assert not list(folder.rglob("x.png")) and not (folder.parent / "x.png").exists()
    assert list((folder / "empty").iterdir()) == []
    assert not page.problems


def test_every_setting_of_the_command_line_is_there(page):
    names = page.locator("[data-setting]").evaluate_all("all => all.map(each => each.dataset.setting)")
    assert sorted(names) == sorted(Settings.__dataclass_fields__)
    set_text(page, "alpha", "-1")
    says(page, "alpha is -1.0: give a finite number of 0 or more.")
    set_text(page, "alpha", "")
    says(page, "quick look")


def test_class_mode_steps_through_every_preset_with_a_key(chosen):
    page = chosen
    button(page, "Class mode").click()
    assert page.get_by_text("J(G) = α J").is_visible()
    large = page.locator(".nst-studio").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    page.locator("h1").click()
    for title, words, _ in [*PRESETS[1:], PRESETS[0]]:
        before = picture_of(page)
        page.keyboard.press("ArrowRight")
        wait_for_another(page, before)
        says(page, "quick look:")
        assert page.locator(".nst-presets [aria-pressed=true]").text_content() == title
        assert page.get_by_text(words).is_visible()
        assert page.get_by_text("(1 − cos").is_visible() == (title == "Neighbours")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "title => document.querySelector('.nst-presets [aria-pressed=true]').textContent === title", arg=PRESETS[-1][0]
    )
    says(page, "quick look:")
    button(page, "Class mode").click()
    assert large > 1.3 * page.locator(".nst-studio").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert not page.get_by_text("J(G) = α J").is_visible()


def test_a_settings_file_of_the_command_line_fills_in_the_page(chosen):
    page = chosen
    toml = b'strength = 0.25\nmethod = "neighbours"\nstyle_scale = 2.0\nalpha = 7\n'
    upload(page, "Load settings", toml, "mine.toml")
    page.wait_for_function("document.querySelector('[data-setting=strength] input[type=text]').value === '0.25'")
    assert page.locator("[data-setting=method] select").input_value() == "neighbours"
    assert page.locator("[data-setting=alpha] input").input_value() == "7"
    assert page.get_by_label("Strength, slider").input_value() == "0.25"
    # How many steps that means by itself stands in the empty field.
    assert page.locator("[data-setting=iterations] input[type=text]").get_attribute("placeholder") == "16"
    page.locator("[data-setting=method] select").select_option("")
    page.locator("[data-setting=optimizer] select").select_option("adam")
    page.wait_for_function("document.querySelector('[data-setting=iterations] input[type=text]').placeholder === '200'")
    upload(page, "Load settings", b"strenght = 1", "wrong.toml")
    says(page, "wrong.toml has a setting called 'strenght'")
    assert page.get_by_label("Strength, slider").input_value() == "0.25"
    upload(page, "Load settings", b"strength = 1.0", "back.toml")
    page.wait_for_function("document.querySelector('[data-setting=alpha] input').value === ''")


def test_several_paintings_have_weights_and_one_can_be_taken_away(chosen, folder):
    page = chosen
    page.get_by_label("add to the others").check()
    page.get_by_role("button", name="Van Gogh Church at Auvers 1890").click()
    page.wait_for_function("document.querySelectorAll('.nst-painting').length === 2")
    page.get_by_label("Weight").nth(1).press("Home")
    page.get_by_label("Brush").nth(0).press("End")
    paint(page)
    settings = json.loads(open(downloaded(page, button(page, "Settings")).path()).read())["settings"]
    assert settings["style_weights"] == [1, 0] and settings["style_scale"] == [4, 1]
    page.get_by_role("button", name="Remove Van Gogh").click()
    page.wait_for_function("document.querySelectorAll('.nst-painting').length === 1")
    page.get_by_label("add to the others").uncheck()
    upload(page, "Upload a painting", folder / "painting.png")
    page.wait_for_function("document.querySelectorAll('.nst-painting').length === 1")
    says(page, "quick look:")


def test_the_camera_takes_a_photo(chosen, folder):
    page = chosen
    button(page, "Camera").click()
    page.wait_for_function("document.querySelector('.nst-dialog video')?.videoWidth > 0")
    button(page, "Take the picture").click()
    page.wait_for_function("document.querySelector('.nst-photo .nst-name').textContent === 'camera.png'")
    page.wait_for_selector(".nst-dialog", state="detached")
    upload(page, "Upload a photo", folder / "photo.png")
    page.wait_for_function("document.querySelector('.nst-photo .nst-name').textContent === 'photo.png'")


def test_a_picture_for_which_there_is_no_memory_waits_in_line(chosen, folder, monkeypatch):
    page = chosen
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    with Places().place(10**12) as mine:
        assert mine
        button(page, "Paint").click()
        says(page, "Waiting in line")
        before = picture_of(page)
        page.wait_for_timeout(500)
        assert picture_of(page) == before and button(page, "Stop").is_enabled()
    says(page, "Done")


def test_all_that_is_needed_can_be_done_with_the_keyboard(chosen):
    page = chosen
    page.locator("h1").click()
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(
            "(e => e.getAttribute('aria-label') || e.textContent || e.id)(document.activeElement)"
        ).strip())
    for words in ("Upload a photo", "Upload a painting", "Strength, slider", "More settings", "Paint", "Picture (PNG)"):
        assert words in reached
    button(page, "Paint").focus()
    page.keyboard.press("Enter")
    says(page, "Done")


@pytest.mark.parametrize(("width", "theme"), [(1366, "light"), (1366, "dark"), (390, "light"), (390, "dark")])
def test_an_accessibility_checker_finds_no_serious_violation(chosen, width, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = chosen
    page.set_viewport_size({"width": width, "height": 900})
    dark = button(page, "Dark")
    if (dark.get_attribute("aria-pressed") == "true") != (theme == "dark"):
        dark.click()
    page.wait_for_timeout(300)  # the colours change gently
    violations = Axe().run(page).response["violations"]
    serious = [
        (each["id"], [node["html"][:120] for node in each["nodes"]])
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []
    overflow = page.evaluate("document.querySelector('.nst-studio').scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    page.set_viewport_size({"width": 1366, "height": 900})


def kernels(process):
    """The kernels of a server: a process for each page."""
    found = []
    for each in psutil.Process(process.pid).children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if "ipykernel" in " ".join(each.cmdline()):
                found.append(each)
    return found


def wait_until(holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert holds()


def test_two_windows_are_two_sessions_and_a_closed_one_ends(browser, server, chosen):
    process, _ = server
    before = {each.pid for each in kernels(process)}
    second = opened(browser, server)
    (new,) = [each for each in kernels(process) if each.pid not in before]
    assert second.locator(".nst-photo .nst-name").text_content() == "Summer Palace"
    set_text(second, "iterations", "100000")
    button(second, "Paint").click()
    says(second, "Painting")
    paint(chosen)  # beside it, undisturbed
    assert "step" in second.locator(".nst-numbers").text_content()
    with second.expect_event("close"):
        second.close(run_before_unload=True)
    wait_until(lambda: not new.is_running() or new.status() == psutil.STATUS_ZOMBIE)
    second.context.close()
    assert {each.pid for each in kernels(process)} == before


def test_a_killed_kernel_is_told(browser, server):
    process, _ = server
    before = {each.pid for each in kernels(process)}
    page = opened(browser, server)
    (new,) = [each for each in kernels(process) if each.pid not in before]
    new.kill()
    says(page, "does not answer any more")
    page.context.close()


def test_only_this_machine_is_listened_to_and_only_with_the_key(server):
    import urllib.error
    import urllib.request

    process, address = server
    listening = [each.laddr for each in psutil.Process(process.pid).net_connections("tcp") if each.status == "LISTEN"]
    assert {each.ip for each in listening} <= {"127.0.0.1", "::1"}
    bare = address.partition("?")[0]
    for path in ("", "voila/files/studio.ipynb", "api/kernels", "voila/files/passing"):
        with contextlib.suppress(urllib.error.HTTPError):
            found = urllib.request.urlopen(bare + path, timeout=20)
            assert "login" in found.url
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{bare}voila/files/..%2f..%2fetc/passwd?{address.partition('?')[2]}", timeout=20)


def test_a_port_that_is_taken_is_told(server, environment, folder):
    port = re.search(r":(\d+)/", server[1])[1]
    command = [sys.executable, "-m", "nst_utils.cli", "studio", "--no-browser", "--port", port]
    done = subprocess.run(command, env=environment, cwd=folder / "empty", capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and f"Port {port} cannot be used" in done.stderr


def test_what_the_server_kept_is_gone_with_it(folder, environment):
    before = set(folder.glob("nst-studio-*"))
    with serving(folder, environment):
        assert set(folder.glob("nst-studio-*")) > before
    assert set(folder.glob("nst-studio-*")) == before

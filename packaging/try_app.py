"""Tries the application as its user gets it: moved somewhere else, in an empty folder, without PATH, HOME or Python.

    python packaging/try_app.py            dist/nst, which `make app` builds
    python packaging/try_app.py FOLDER     another one

Every command runs with an environment that has nothing in it. The pictures are looked at, the studio is opened and
paints in a browser, and no process may have loaded a file of another Python. What was seen is written to
packaging/last_app.json, with the size of the folder and what was left out of it.
"""

import contextlib
import datetime
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

from build_app import APP, BUILD, size
from repository import ROOT

RESULT = Path(__file__).with_name("last_app.json")
PICTURES = ROOT / "images"
# Windows itself needs this one, to start anything at all.
NOTHING = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
WAIT = 300


class Application:
    """A copy of the application, and an empty folder to work in."""

    def __init__(self, source, folder):
        self.home = folder / "moved here"
        shutil.copytree(source, self.home, symlinks=True)
        self.program = self.home / ("nst.exe" if os.name == "nt" else "nst")
        self.work = folder / "empty"
        self.work.mkdir()

    def nst(self, *arguments):
        began = time.monotonic()
        done = subprocess.run(
            [self.program, *map(str, arguments)], cwd=self.work, env=NOTHING, capture_output=True, text=True,
            encoding="utf-8", timeout=WAIT,
        )
        seconds = time.monotonic() - began
        print(f"{seconds:6.1f} s  nst {' '.join(Path(str(word)).name or str(word) for word in arguments)}", flush=True)
        if done.returncode:
            sys.exit(f"This failed with exit status {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def studio(self):
        """The studio, serving: its process and its address."""
        log = self.work / "studio.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [self.program, "studio", "--no-browser"], cwd=self.work, env=NOTHING, stdout=subprocess.PIPE,
                stderr=errors, text=True,
            )
        try:
            line = process.stdout.readline()
            assert "http://" in line, log.read_text(encoding="utf-8")
            yield process, re.search(r"http://\S+", line)[0]
        finally:
            process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def strangers(self, process):
        """The files of another Python that the process, or one that it started, has loaded. Known on Linux only."""
        import psutil

        found = set()
        for each in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                found |= {part.path for part in each.memory_maps()}
        return sorted(path for path in found if "ython" in path and not path.startswith(str(self.home)))


def try_app(source, folder):
    """What the application did, copied below the folder, as plain data."""
    app = Application(source, folder)
    seen = {"megabytes": round(size(app.home) / 1e6)}
    app.nst("--help")
    told = app.nst("doctor", "painting", "studio")
    assert len(re.findall(r"^(?:painting|studio) +complete", told, re.MULTILINE)) == 2, told
    app.nst("demo")
    seen["demo"] = look(app.work / "demo.png", PICTURES / "content" / "summer-palace.jpg")
    photo, painting = example_pictures()
    for method, film in (("gram", "film.gif"), ("neighbours", "film.mp4")):
        out = app.work / f"{method}.png"
        app.nst("stylize", photo, painting, "-o", out, "--max-side", 128, "--iterations", 12, "--method", method,
                "--film", app.work / film, "--every", 4, "--report", app.work / f"{method}.json")  # fmt: skip
        seen[method] = look(out, photo)
        assert (app.work / film).stat().st_size > 1000 and json.loads((app.work / f"{method}.json").read_text())
    app.nst("fast", "stylize", photo, "--style", "cafe", "-o", "fast.png")
    seen["fast"] = look(app.work / "fast.png", photo)
    app.nst("course", "course", "--solutions")
    notebooks = sorted((app.work / "course").rglob("*.ipynb"))
    assert len(notebooks) > 10
    app.nst("upgrade", notebooks[0], "-o", "new.ipynb", "--rewrite")
    assert json.loads((app.work / "new.ipynb").read_text(encoding="utf-8"))["cells"]
    seen["studio"] = try_studio(app)
    return seen


def example_pictures():
    photo = sorted((PICTURES / "content").glob("*.jpg"))[0]
    return photo, sorted((PICTURES / "style").glob("*.webp"))[-1]


def look(picture, photo):
    """The size of a picture, which has to be another one than the photograph, and not a plain sheet."""
    import numpy as np
    from PIL import Image

    with Image.open(picture) as painted, Image.open(photo) as original:
        width, height = painted.size
        ours = np.asarray(painted.convert("RGB"), float)
        theirs = np.asarray(original.convert("RGB").resize((width, height)), float)
    assert ours.std() > 20 and np.abs(ours - theirs).mean() > 10, picture
    return [width, height]


def try_studio(app):
    """Open it, paint, take the picture; in a browser where there is one, else until the page is there."""
    began = time.monotonic()
    with app.studio() as (process, address):
        print(f"{time.monotonic() - began:6.1f} s  nst studio, until it was served", flush=True)
        browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if browser is None or find_spec("playwright") is None:
            page = urlopen(address, timeout=WAIT).read().decode()
            assert '"_esm"' in page or "anywidget" in page, page[-2000:]
            seen = "its page, with what its kernel says; no browser was there to paint in it"
        else:
            seen = paint_in_browser(browser, address, app)
        notebook = address.replace("/?", "/voila/files/notebooks/02_content_cost.html?")
        assert wait_for(notebook), "The notebooks' pages are missing."
        strangers = app.strangers(process) if sys.platform == "linux" else []
        assert not strangers, strangers
    return seen


def paint_in_browser(browser, address, app):
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    began = time.monotonic()
    with sync_playwright() as playwright:
        with contextlib.closing(playwright.chromium.launch(executable_path=browser, args=arguments)) as chromium:
            page = chromium.new_page(viewport={"width": 1366, "height": 900}, accept_downloads=True)
            page.set_default_timeout(WAIT * 1000)
            page.goto(address)
            page.wait_for_selector(".nst-studio")
            page.wait_for_function("document.querySelector('.nst-after').src.startsWith('blob:')")
            print(f"{time.monotonic() - began:6.1f} s  the studio's first look", flush=True)
            page.locator(".nst-more summary").click()
            for name, text in (("max_side", "128"), ("iterations", "12")):
                field = page.locator(f"[data-setting={name}] input[type=text]")
                field.fill(text)
                field.press("Tab")
            page.wait_for_timeout(1000)
            page.get_by_role("button", name="Paint", exact=True).click()
            page.wait_for_function("document.querySelector('.nst-message').textContent.includes('Done')")
            with page.expect_download() as waiting:
                page.get_by_role("button", name="Picture (PNG)", exact=True).click()
            waiting.value.save_as(app.work / "studio.png")
            page.screenshot(path=BUILD / "studio.png")
    from PIL import Image

    with Image.open(app.work / "studio.png") as picture:
        assert max(picture.size) == 128, picture.size
        return f"painted {picture.size[0]}x{picture.size[1]} in a browser"


def wait_for(address):
    """Whether there comes to be a page at the address, in time."""
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urlopen(address, timeout=WAIT) as page:
            return bool(page.read())
        time.sleep(2)
    return False


def main():
    source = Path(sys.argv[1]) if len(sys.argv) == 2 else APP
    if len(sys.argv) > 2 or not source.is_dir():
        sys.exit("There is no application: `make app` builds it; or name one: python packaging/try_app.py FOLDER")
    with tempfile.TemporaryDirectory(prefix="nst-app-", ignore_cleanup_errors=True) as folder:
        seen = try_app(source.resolve(), Path(folder).resolve())
    built = json.loads((BUILD / "sizes.json").read_text(encoding="utf-8")) if (BUILD / "sizes.json").exists() else {}
    seen = {
        "date": datetime.date.today().isoformat(), "system": f"{platform.system()} {platform.machine()}",
        "megabytes": seen.pop("megabytes"), "megabytes_left_out": built.get("megabytes_left_out", {}), **seen,
    }
    RESULT.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main()

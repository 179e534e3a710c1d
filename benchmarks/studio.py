"""The studio as its user feels it, measured in the browser: the first quick look, stop, and whether the page lives.

    python benchmarks/studio.py [--rounds 5] [--size 400x300] [--chromium PATH]

`nst studio` runs in an empty folder with the network that is there, chromium without a window on the same machine.
Warm means that one quick look has been made. The times are taken by the page itself, from the click: until the first
picture of the quick look, until its last one, and from the click on Stop until the page says so. During a painting,
the longest gap is told between two timers of the page, which are due every 10 ms, and between two signs of life from
the kernel, which are pictures and numbers of steps.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from common import ROOT, median, save, size_of

# What the page writes down: when pictures and numbers change, and the longest time between two timers.
WATCH = """() => {
  window.seen = { pictures: [], words: [], ticks: 0, gap: 0, last: performance.now() };
  const { seen } = window;
  document.querySelector(".nst-after").addEventListener("load", () => seen.pictures.push(performance.now()));
  const said = new MutationObserver(() => seen.words.push([
    performance.now(), document.querySelector(".nst-message").textContent,
    document.querySelector(".nst-numbers").textContent,
  ]));
  said.observe(document.querySelector(".nst-bar"), { childList: true, characterData: true, subtree: true });
  setInterval(() => {
    const now = performance.now();
    seen.gap = Math.max(seen.gap, now - seen.last);
    seen.last = now;
    seen.ticks += 1;
  }, 10);
}"""
CLICK = """(selector) => {
  const { seen } = window;
  Object.assign(seen, { pictures: [], words: [], gap: 0, last: performance.now(), clicked: performance.now() });
  document.querySelector(selector).click();
}"""
# The first time that the page says the words, after it has said something else.
SAID = """(words) => {
  const others = window.seen.words.findIndex((each) => !each[1].includes(words));
  return others >= 0 && window.seen.words.slice(others).find((each) => each[1].includes(words));
}"""


def click(page, selector, words):
    """Click, wait until the page says the words; (seconds until its first picture, and until the words)."""
    page.evaluate(CLICK, selector)
    said = page.wait_for_function(SAID, arg=words).json_value()
    seen = page.evaluate("() => window.seen")
    return [(at - seen["clicked"]) / 1000 for at in [*seen["pictures"], said[0]][:1] + [said[0]]]


def paint_and_stop(page, seconds):
    """Paint for so many seconds and stop: the longest gaps, and how long stopping took."""
    page.evaluate(CLICK, ".nst-main")
    page.wait_for_timeout(1000 * seconds)
    seen = page.evaluate("() => window.seen")
    steps = [at / 1000 for at, _, numbers in seen["words"] if numbers.startswith("step")]
    found = {"longest_gap_of_the_page": seen["gap"] / 1000, "steps_told": len({w[2] for w in seen["words"]})}
    found["longest_gap_between_steps"] = max(b - a for a, b in zip(steps, steps[1:], strict=False))
    found["stop"] = click(page, ".nst-bar button:nth-child(2)", "Stopped")[1]
    return found


def measure(address, chromium, size, rounds):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        context.route(re.compile("^https://"), lambda route: route.abort())
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        page.wait_for_selector(".nst-studio")
        page.evaluate(WATCH)
        page.wait_for_function("() => document.querySelector('.nst-message').textContent.includes('quick look: ')")
        page.locator(".nst-more summary").click()
        for name, text in (("size", f"{size[0]}x{size[1]}"), ("iterations", "2000")):
            page.locator(f"[data-setting={name}] input[type=text]").fill(text)
            page.locator(f"[data-setting={name}] input[type=text]").press("Tab")
        page.wait_for_timeout(1000)
        thumbs = page.locator(".nst-paintings-card .nst-thumb").count()
        click(page, ".nst-paintings-card .nst-thumb", "quick look: ")
        looks, runs = [], []
        for number in range(rounds):
            thumb = f".nst-paintings-card .nst-thumb:nth-child({(number + 1) % thumbs + 1})"
            looks.append(click(page, thumb, "quick look: "))
            runs.append(paint_and_stop(page, 6))
        browser.close()
    first, last = zip(*looks, strict=True)
    return {
        "quick_look": {"first_picture": told(first), "last_picture": told(last)},
        "painting": {name: told([each[name] for each in runs]) for name in runs[0]},
    }


def told(values):
    return {"median": round(median(values), 3), "most": round(max(values), 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=size_of, default=(400, 300))
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("chromium-browser"))
    options = parser.parse_args()
    if options.chromium is None:
        sys.exit("There is no chromium: install it, or say where it is with --chromium.")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nst_utils.cli", "studio", "--no-browser"]
        server = subprocess.Popen(
            command, cwd=Path(folder), stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        try:
            address = re.search(r"http://\S+", server.stdout.readline())[0]
            results = measure(address, options.chromium, options.size, options.rounds)
        finally:
            server.terminate()
            server.wait()
    results = {"size": "{}x{}".format(*options.size), "rounds": options.rounds, "seconds": results}
    print(json.dumps(results, indent=1))
    save("studio", results)


if __name__ == "__main__":
    main()

"""What many workers gain, and what Dask and a sweep's own bookkeeping cost beside the painting.

    python benchmarks/sweep.py [--only machine|simulated|kills]

machine: pictures an hour with 1, 2 and 4 workers on this machine, of real tasks: the embedded network, quick looks at
400x300, what each worker needs to begin left out. simulated: up to 64 workers whose tasks wait as long as a picture
takes, through the same scheduler and the same code, pictures, records and page written: what is lost of the workers'
time. kills: sixty tasks by a tiny network, workers killed (`kill -9`) at random, byte by byte against runs alone.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import psutil
from common import PAIRS, RESULTS, ROOT, median, save
from PIL import Image

from nst_utils.engine.stylize import stylize
from nst_utils.sweep import run as sweeping
from nst_utils.sweep.painting import Painted
from nst_utils.sweep.plan import read_plan
from nst_utils.sweep.run import sweep

CONTENT, STYLE = (str(ROOT / "images" / kind / name) for kind, name in zip(("content", "style"), PAIRS[0], strict=True))
# Seconds that a simulated picture takes: about those of one at 400x300 on two cores.
SECONDS, WORKERS, EACH = 4.0, (16, 64), 10


def write_settings(folder, **settings):
    """A settings file with one photo and one painting; its path."""
    path = folder / "sweep.toml"
    grid = settings.pop("grid")
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    lines += [f"grid.{name} = {json.dumps(values)}" for name, values in grid.items()]
    path.write_text(f"content = {json.dumps(CONTENT)}\nstyle = {json.dumps(STYLE)}\n" + "\n".join(lines))
    return path


def on_this_machine(folder, workers, tasks):
    """Pictures a minute with so many workers, from the first picture to the last."""
    path = write_settings(folder, size=[400, 300], quality="quick", grid={"beta": [10 + n for n in range(tasks)]})
    times = []
    sweep(path, folder / f"out-{workers}", workers=workers, callback=lambda progress: times.append(time.monotonic()))
    # The first of each worker waits for TensorFlow and the trace.
    painted = times[1 + workers :]
    return 60 * (len(painted) - 1) / (painted[-1] - painted[0])


@contextlib.contextmanager
def simulated_workers(folder, count):
    """A scheduler and so many workers, as threads of processes that only wait: their address."""
    processes = []
    address = "tcp://127.0.0.1:8799"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    try:
        words = ["scheduler", "--host", "127.0.0.1", "--port", "8799", "--no-dashboard"]
        processes.append(subprocess.Popen([*dask, *words], env=environment, **quiet))
        words = ["worker", address, "--nworkers", count, "--nthreads", 1, "--no-dashboard", "--no-nanny"]
        # Several workers in one process share its Python: they only wait.
        script = (
            "import asyncio, sys\nfrom distributed import Worker\n"
            "async def main():\n"
            f"    workers = [Worker({address!r}, nthreads=1, dashboard=False, local_directory={str(folder)!r})"
            " for _ in range(int(sys.argv[1]))]\n"
            "    await asyncio.gather(*workers)\n"
            "    await asyncio.gather(*(worker.finished() for worker in workers))\n"
            "asyncio.run(main())\n"
        )
        for _ in range(2):
            command = [sys.executable, "-c", script, str(count // 2)]
            processes.append(subprocess.Popen(command, env=environment, **quiet))
        from distributed import Client

        with Client(address, timeout=60) as client:
            client.wait_for_workers(count, timeout=120)
        yield address
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def simulated(folder, count, size):
    """Of the time that so many workers have, what part was not spent on tasks."""
    tasks = EACH * count
    path = write_settings(folder, size=[400, 300], grid={"beta": [10 + n for n in range(tasks)]})

    def wait(order, files):
        import os
        import time

        time.sleep(SECONDS)
        costs = {"total": order.settings["beta"], "content": 1.0, "style": 1.0, "variation": 0.0}
        record = {"settings": dict(order.settings), "size": [400, 300], "costs": costs, "seconds": SECONDS}
        # Made there, as a picture is, so that it travels once only.
        return Painted(os.urandom(size), record)

    times = []
    with (
        simulated_workers(folder, count) as address,
        mock.patch.object(sweeping, "paint", wait),
        mock.patch.object(sweeping, "precision_here", lambda: "float32"),
    ):
        found = sweep(path, folder / f"out-{count}", address, callback=lambda progress: times.append(time.monotonic()))
    assert found.done == tasks, found.failed
    # The first callback tells where the sweep begins, the second of the first picture: what comes before is the start.
    start, taken = times[1] - times[0] - SECONDS, times[-1] - times[1] + SECONDS
    return {
        "workers": count, "tasks": tasks, "seconds_of_work": tasks * SECONDS, "seconds_taken": round(taken, 2),
        "seconds_to_start": round(start, 2),
        "overhead": round(taken * count / (tasks * SECONDS) - 1, 4),
    }  # fmt: skip


def tiny_settings(folder, count):
    """A settings file of so many pictures by a tiny network, each of a second; its path."""
    from conftest import random_network

    from nst_utils.course.config import CONFIG
    from nst_utils.network.matconvnet import write_matconvnet

    write_matconvnet(folder / "tiny.mat", random_network(), CONFIG.MEANS, "a tiny network")
    grid = {"beta": [10 + n for n in range(count)]}
    tiny = {"weights": "tiny.mat", "precision": "float32", "size": [48, 40], "optimizer": "adam", "iterations": 150}
    return write_settings(folder, **tiny, grid=grid)


def against_alone(path, out):
    """Of the pictures that a settings file asks for: (those that are not there, those that are other than alone)."""
    lost = different = 0
    for task in read_plan(path).tasks:
        try:
            with Image.open(out / f"{task.name}.png") as image:
                picture = np.asarray(image)
        except OSError:
            lost += 1
            continue
        alone = stylize(task.content.path, [each.path for each in task.styles], **task.settings).image
        different += not np.array_equal(picture, alone)
    return lost, different


def kills(folder, wanted, seed):
    """Sixty pictures whose workers are killed at random; kills, pictures lost, pictures that differ."""
    from conftest import workers_of

    path, out = tiny_settings(folder, 60), folder / "killed"
    random, made = np.random.default_rng(seed), 0
    command = [sys.executable, "-m", "nst_utils.cli", "sweep", str(path), "-o", str(out), "--workers", "2"]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        time.sleep(random.uniform(0.5, 3))
        there = len(list(out.glob("*.png")))
        with contextlib.suppress(psutil.Error):
            workers = workers_of(process)
            if workers and 0 < there < 58 and made < wanted:
                random.choice(workers).kill()
                made += 1
    lost, different = against_alone(path, out)
    return {"tasks": 60, "kills": made, "results_lost": lost, "results_different": different}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["machine", "simulated", "kills"])
    parser.add_argument("--tasks", type=int, default=24, help="pictures for each number of workers on this machine")
    parser.add_argument("--rounds", type=int, default=1, help="how often, in turns")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    there = RESULTS / "sweep.json"
    figures = json.loads(there.read_text(encoding="utf-8")) if options.only and there.exists() else {}
    with tempfile.TemporaryDirectory(prefix="nst-sweep-") as name:
        if options.only in (None, "kills"):
            (folder := Path(name, "kills")).mkdir()
            figures["kills"] = kills(folder, options.kills, options.seed)
            print(figures["kills"], flush=True)
        if options.only in (None, "machine"):
            rates = {1: [], 2: [], 4: []}
            for round_ in range(options.rounds):
                (folder := Path(name, f"machine-{round_}")).mkdir()
                for workers, found in rates.items():
                    found.append(on_this_machine(folder, workers, options.tasks))
                    print(workers, found, flush=True)
            each = {str(workers): round(median(found), 2) for workers, found in rates.items()}
            about = {"pictures": options.tasks, "rounds": options.rounds}
            figures["on_this_machine"] = {"pictures_a_minute": each, **about}
        if options.only in (None, "simulated"):
            (folder := Path(name, "simulated")).mkdir()
            figures["simulated"] = []
            for count in WORKERS:
                figures["simulated"].append(simulated(folder, count, 250_000))
                print(figures["simulated"][-1], flush=True)
    save("sweep", {part: figures[part] for part in ("on_this_machine", "simulated", "kills") if part in figures})


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))
    main()

"""Whether the recipes of docs/sweep.md for clusters hold: they are taken from that page and followed, on this machine.

    python benchmarks/clusters.py [--only slurm|grading|sbatch|gateway|kubernetes]

slurm: munged, slurmctld and slurmd of a cluster of this machine alone, with a key, ports and folders of their own;
dask-jobqueue gives a sweep its workers, jobs are cancelled meanwhile; then the same by `nst sweep --scheduler`.
grading: a small class by the same jobs. sbatch: without dask-jobqueue; the job is cancelled and submitted again.
gateway: a server of Dask Gateway on loopback, workers killed. kubernetes: no cluster; what its pods are to run is run
as processes. Each picture, by a tiny network, is compared with one made alone, byte by byte. Needs the extra
`clusters`, and for Slurm Debian's slurm-wlm and munge.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from unittest import mock

import numpy as np
from common import RESULTS, ROOT, save
from sweep import against_alone, tiny_settings

from nst_utils.sweep.run import sweep

sys.path.insert(0, str(ROOT / "tests"))

from conftest import free_port  # noqa: E402

PAGE = ROOT / "docs" / "sweep.md"
PICTURES, SUBMISSIONS = 20, 6
# Debian has the daemons where only root looks; this Python's commands are those that jobs and servers find.
PATH = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"], "/usr/sbin"])


def recipe(name, kind, **changes):
    """The block of code below a name in bold, with some of its words replaced; those it does not have are an error."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"\*\*{name}\*\*.*?^```{kind}\n(.*?)^```", text, re.S | re.M)
    assert found, f"{PAGE} has no recipe for {name}"
    code = found[1]
    for before, after in changes.items():
        assert before in code, f"{before!r} is not in the recipe for {name}"
        code = code.replace(before, after)
    return code


def follow(code):
    """The cluster that a recipe in Python makes."""
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names["cluster"]


def need(commands, packages, how):
    """Exit with a sentence where a command or a package is missing."""
    missing = [name for name in commands if not shutil.which(name, path=PATH)]
    for name in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version(name)
            continue
        missing.append(name)
    if missing:
        sys.exit(f"{', '.join(missing)} cannot be found, which this needs: {how}")


def wait_until(true, what, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            sys.exit(f"After {seconds} seconds {what}.")
        time.sleep(0.2)


def tell(words):
    print(words, flush=True)


def pictures_in(out):
    return len(list(out.glob("*.png")))


class Moments:
    """Ends jobs or workers when a sweep has so many pictures. do: {number: a function that returns how many}."""

    def __init__(self, do):
        self.left, self.ended = dict(do), 0

    def look(self, number):
        if self.left and number >= min(self.left):
            self.ended += self.left.pop(min(self.left))()


def row(pictures, ended, lost, different, *packages):
    """The figures of a recipe, and the versions that it was tried with."""
    versions = {name: importlib.metadata.version(name) for name in (*packages, "distributed")}
    about = {"pictures": pictures, "ended": ended, "lost": int(lost), "different": int(different)}
    return about | {"versions": versions}


@contextlib.contextmanager
def running(folder, *commands, **environment):
    """Commands in the background while something is done; what they said last is told where that fails."""
    processes, logs = [], {folder / f"{Path(command[0]).name}.out" for command in commands}
    try:
        for command in commands:
            with open(folder / f"{Path(command[0]).name}.out", "ab") as log:
                processes.append(subprocess.Popen(
                    [shutil.which(command[0], path=PATH), *map(str, command[1:])], cwd=folder, stdout=log, stderr=log,
                    env=os.environ | environment,
                ))  # fmt: skip
        yield processes
    except BaseException:
        for log in logs:
            tell(f"{log.name}: {log.read_text(errors='replace')[-1000:]}")
        raise
    finally:
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


# Slurm


def said_by(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@contextlib.contextmanager
def slurm(folder):
    """Slurm for this machine alone, with room for two of the recipe's jobs, however large it is."""
    folder.mkdir(parents=True)
    (folder / "key").write_bytes(secrets.token_bytes(128))
    (folder / "key").chmod(0o600)
    host, user = socket.gethostname().partition(".")[0], said_by("id", "-un")[0]
    settings = {
        "ClusterName": "nst", "SlurmctldHost": f"{host}(127.0.0.1)", "SlurmUser": user, "SlurmdUser": user,
        "AuthType": "auth/munge", "AuthInfo": f"socket={folder / 'munge.socket'}",
        "StateSaveLocation": folder / "state", "SlurmdSpoolDir": folder / "spool",
        "SlurmctldPidFile": folder / "slurmctld.pid", "SlurmdPidFile": folder / "slurmd.pid",
        "SlurmctldPort": free_port(), "SlurmdPort": free_port(),
        # Containers have no cgroups to give away.
        "ProctrackType": "proctrack/linuxproc", "TaskPlugin": "task/none", "MpiDefault": "none",
        "SelectType": "select/cons_tres", "SelectTypeParameters": "CR_CPU_Memory",
        "SlurmdParameters": "config_overrides", "ReturnToService": 2, "KillWait": 5,
        "NodeName": f"{host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=13000",
        "PartitionName": "all Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
    }  # fmt: skip
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "slurm.conf").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    munge = [f"--{name}={folder / f'munge.{name[:4]}'}" for name in ("pid-file", "log-file", "seed-file")]
    commands = (
        ["munged", "--foreground", "--force", f"--key-file={folder / 'key'}", f"--socket={folder / 'munge.socket'}",
         *munge],
        ["slurmctld", "-D"], ["slurmd", "-D"],
    )  # fmt: skip
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    with running(folder, *commands):
        wait_until(lambda: "idle" in _said_if_any("sinfo", "-h", "-o", "%T"), "Slurm was not ready")
        try:
            yield
        finally:
            subprocess.run(["scancel", "--user", user])
            with contextlib.suppress(SystemExit):
                wait_until(lambda: not _said_if_any("squeue", "-h"), "jobs are left")


def _said_if_any(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout.split()


def cancel(random, count):
    """Cancel so many of the jobs that run; how many it were."""
    jobs = random.permutation(said_by("squeue", "-h", "-t", "running", "-o", "%i"))[:count]
    subprocess.run(["scancel", *jobs], check=True)
    return len(jobs)


def jobqueue():
    """The cluster of the recipe for Slurm, with two jobs."""
    return follow(recipe("Slurm", "python", **{"~/nst/.venv": sys.prefix, "_jobs=16": "_jobs=2"}))


def by_jobqueue(folder, random):
    """The recipe for Slurm: all pictures by the object, one job and then those that run cancelled; by its address."""
    path, out, again = tiny_settings(folder, PICTURES), folder / "by-object", folder / "by-address"
    at = Moments({5: lambda: cancel(random, 1), 12: lambda: cancel(random, 2)})
    with jobqueue() as cluster:
        sweep(path, out, cluster, tell=tell, callback=lambda progress: at.look(progress.done))
        command = ["nst", "sweep", path, "-o", again, "--scheduler", cluster.scheduler_address]
        with running(folder, command) as (process,):
            wait_until(lambda: pictures_in(again) > 4, "few pictures were there", 180)
            at.ended += cancel(random, 1)
            process.wait(600)
    lost, different = np.sum([against_alone(path, each) for each in (out, again)], axis=0)
    return row(2 * PICTURES, at.ended, lost, different, "dask-jobqueue")


def by_graders(folder, random):
    """A class graded by the jobs of the recipe for Slurm, one of them cancelled: scores as they were designed."""
    from grading import ASSIGNMENT, make_class, points, worth

    course, earns = make_class(folder, SUBMISSIONS, seed=1)
    records = course / "logs" / ASSIGNMENT
    with jobqueue() as cluster:
        command = [sys.executable, ROOT / "notebooks" / "course.py", "grade", "--course", course]
        command += ["--assignment", ASSIGNMENT, "--scheduler", cluster.scheduler_address]
        with running(folder, command) as (process,):
            wait_until(lambda: list(records.glob("student-*.json")), "none had been graded", 300)
            ended = cancel(random, 1)
            process.wait(600)
    done = [name for name in earns if (records / f"{name}.json").exists()]
    value = worth(course)
    other = [
        name for name in done
        if sum(points(course, name).values()) != sum(value[exercise] for exercise in earns[name])
    ]  # fmt: skip
    return row(len(earns), ended, len(earns) - len(done), len(other), "dask-jobqueue")


def by_sbatch(folder, random):
    """The recipe for one job, which is cancelled and submitted again."""
    path, out = tiny_settings(folder, PICTURES), folder / "sweep"
    ours = {"~/nst/.venv": sys.prefix, "--ntasks=16": "--ntasks=2", "brushes": path.stem}
    script = recipe("In one job", "bash", **ours)
    (folder / "job.sh").write_text(script)
    command = ["sbatch", f"--chdir={folder}", folder / "job.sh"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wait_until(lambda: pictures_in(out) > 4, "few pictures were there", 180)
    ended = cancel(random, 1)
    wait_until(lambda: not said_by("squeue", "-h"), "the job was still there")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wait_until(lambda: not said_by("squeue", "-h"), "the job was still there", 600)
    return row(PICTURES, ended, *against_alone(path, out))


# Dask Gateway


def by_gateway(folder, random):
    """The recipe for Dask Gateway, with a server whose clusters are processes of this machine."""
    import dask

    path, out = tiny_settings(folder, PICTURES), folder / "out"
    address = f"127.0.0.1:{free_port()}"
    (folder / "config.py").write_text(
        'c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"\n'
        f'c.Proxy.address = "{address}"\n'
        'c.ClusterConfig.scheduler_cmd, c.ClusterConfig.worker_cmd = ["dask", "scheduler"], ["dask", "worker"]\n'
        'c.ClusterConfig.worker_memory, c.ClusterConfig.cluster_max_workers = "4 G", 2\n'
    )
    with (
        running(folder, ["dask-gateway-server", "-f", "config.py"]),
        dask.config.set({"gateway.address": f"http://{address}"}),
    ):
        wait_until(lambda: is_well(f"http://{address}/api/health"), "the server was not ready")
        with follow(recipe("Dask Gateway", "python")) as cluster, cluster.get_client() as client:

            def kill():
                # With the process that would start it again: it is for the Gateway to see.
                os.killpg(random.choice(list(client.run(os.getpgrp).values())), signal.SIGKILL)
                return 1

            at = Moments({5: kill, 12: kill})
            sweep(path, out, cluster, tell=tell, callback=lambda progress: at.look(progress.done))
    return row(PICTURES, at.ended, *against_alone(path, out), "dask-gateway")


def is_well(address):
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
        return answer.status == 200
    return False


# Kubernetes


def by_pods(folder, random):
    """No cluster: the resource of the recipe fits the operator's definition, and what its pods are to run paints."""
    spec = resource(recipe("Kubernetes", "python"))
    path, out = tiny_settings(folder, PICTURES), folder / "out"
    port, probed = free_port(), free_port()
    scheduler, worker = (spec["spec"][name]["spec"]["containers"][0] for name in ("scheduler", "worker"))
    # What pods have to themselves is shared here: the ports.
    ours = ["--host", "127.0.0.1", "--port", port, "--dashboard-address", f"127.0.0.1:{probed}"]
    environment = {each["name"]: each["value"] for each in worker["env"]}
    environment["DASK_SCHEDULER_ADDRESS"] = f"tcp://127.0.0.1:{port}"
    workers = [[each.replace("$(DASK_WORKER_NAME)", f"nst-{n}") for each in worker["args"]] for n in range(2)]
    with running(folder, [*scheduler["args"], *ours], *workers, **environment):
        probe = scheduler["readinessProbe"]["httpGet"]["path"]
        wait_until(lambda: is_well(f"http://127.0.0.1:{probed}{probe}"), "the probe had no answer")
        sweep(path, out, environment["DASK_SCHEDULER_ADDRESS"], tell=tell)
    return row(PICTURES, 0, *against_alone(path, out), "dask-kubernetes")


def resource(code):
    """What a recipe hands to KubeCluster, where there is none; valid by the operator's own definition."""
    import jsonschema
    import yaml
    from dask_kubernetes import operator

    class Stop(Exception):
        pass

    with mock.patch.object(operator, "KubeCluster", side_effect=Stop, autospec=True) as called:
        with contextlib.suppress(Stop):
            follow(code)
    spec = called.call_args.kwargs["custom_cluster_spec"]
    definition = next(Path(operator.__file__).parent.rglob("crds/daskcluster.yaml"))
    (version,) = yaml.safe_load(definition.read_text())["spec"]["versions"]
    jsonschema.validate(spec, version["schema"]["openAPIV3Schema"])
    return spec


# {part: (what it is called on the page, function, whether Slurm has to run)}
PARTS = {
    "slurm": ("Slurm, by dask-jobqueue", by_jobqueue, True),
    "grading": ("Slurm, by dask-jobqueue, grading", by_graders, True),
    "sbatch": ("Slurm, in one job", by_sbatch, True),
    "gateway": ("Dask Gateway", by_gateway, False),
    "kubernetes": ("Kubernetes: only the commands of its pods", by_pods, False),
}
EXTRA = "python -m pip install --editable '.[clusters]'"


def tried(part, folder, random):
    """The row of a part."""
    name, function, with_slurm = PARTS[part]
    (work := folder / part).mkdir()
    os.chdir(work)  # where Slurm leaves what its jobs say
    with slurm(folder / "slurm" / part) if with_slurm else contextlib.nullcontext():
        found = function(work, random)
        if with_slurm:
            found["versions"] = {"Slurm": said_by("sbatch", "--version")[-1]} | found["versions"]
    return {"recipe": name} | found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    parts = [options.only] if options.only else list(PARTS)
    need(["dask", "nst", "dask-gateway-server"], ["dask-jobqueue", "dask-gateway", "dask-kubernetes"], EXTRA)
    if any(PARTS[part][2] for part in parts):
        need(["munged", "slurmctld", "slurmd", "sbatch"], [], "apt-get install --no-install-recommends slurm-wlm munge")
    os.environ |= {"PATH": PATH, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # and what has been started ends as well
    there = RESULTS / "clusters.json"
    rows = json.loads(there.read_text(encoding="utf-8"))["recipes"] if there.exists() else {}
    with tempfile.TemporaryDirectory(prefix="nst-clusters-") as name:
        for part in parts:
            rows[part] = tried(part, Path(name), np.random.default_rng(options.seed))
            print(rows[part], flush=True)
            os.chdir(ROOT)
            save("clusters", {"recipes": {part: rows[part] for part in PARTS if part in rows}})
    if any(rows[part]["lost"] or rows[part]["different"] for part in parts):
        sys.exit("Not all is as it should be.")


if __name__ == "__main__":
    main()

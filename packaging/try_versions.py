"""Runs the tests on every Python that the project allows, with the oldest and the newest allowed dependencies.

    python packaging/try_versions.py                 the quick tests, as `make test-all` does
    python packaging/try_versions.py --all           all tests, those of the notebooks included
    python packaging/try_versions.py 3.10 oldest     of one Python, or of one end of the ranges, alone

Each run has an environment of its own, which is removed after it: 3 GB, a few minutes. Interpreters are taken from
PATH, pyenv, uv and Windows' launcher; where one is not to be had, this is said. What was seen, for each run the last
time, is kept in packaging/last_versions.json. The exit status is 1 if anything failed, or if no test was run.
"""

import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from repository import ROOT, tomllib

RESULT = Path(__file__).with_name("last_versions.json")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENDS = {"oldest": "lowest-direct", "newest": "highest"}
# Of the versions that were installed, those of these parts are kept with the result.
PARTS = ("studio", "notebooks")
# What would lead a Python to another one's packages.
ELSEWHERE = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONWARNINGS")
_WHICH = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
_SUMMARY = re.compile(r"^=*\s*((?:\d+ [a-z]+,? ?)+)in \d", re.MULTILINE)


def versions_of_python():
    """The minor versions that pyproject.toml allows, as texts."""
    allowed = SpecifierSet(PROJECT["requires-python"])
    return [f"3.{minor}" for minor in range(8, 40) if f"3.{minor}" in allowed]


def find_python(version):
    """The interpreter of this minor version that answers, or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [[sys.executable], [shutil.which(f"python{version}")], ["py", f"-{version}"]]
    candidates += [[str(path)] for path in sorted(pyenv.glob(f"{version}.*/bin/python"), key=_numbers, reverse=True)]
    candidates.append([_told(uv(), "python", "find", "--no-python-downloads", version)])
    for words in candidates:
        if words[0]:
            found, _, path = _told(*words, "-c", _WHICH).partition(" ")
            if found == version:
                return path
    return None


def uv():
    """The command uv, which finds the oldest allowed versions; it is among what the tests need."""
    beside = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    found = shutil.which("uv", path=beside)
    if found is None:
        sys.exit("uv is needed to find the oldest and the newest versions: python -m pip install uv")
    return found


def try_version(python, end, tests, folder):
    """One run of the tests in a new environment below the folder, as plain data."""
    began = time.monotonic()
    # uv's own cache would keep the TensorFlow of every Python on the disk.
    variables = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    variables["UV_CACHE_DIR"] = str(folder / "cache")
    try:
        inside, versions = make_environment(python, end, folder, variables)
        status, counts = run_tests([inside, ROOT / "tests", *tests], variables)
    except subprocess.CalledProcessError as error:
        print(f"The environment could not be made: {' '.join(map(str, error.cmd))}", flush=True)
        status, counts, versions = error.returncode, count([]), {}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "python": _told(python, "-c", "import platform; print(platform.python_version())"),
        "tests": "quick" if tests else "all",
        **counts,
        "good": status == 0 and counts["passed"] > 0 and not counts["failed"],
        "date": datetime.date.today().isoformat(),
        "system": platform.system(),
        "seconds": round(time.monotonic() - began),
        "versions": versions,
    }


def make_environment(python, end, folder, variables):
    """(its Python, {package: version} of the main ones) of a new environment with one end of the allowed versions."""
    place, needed = folder / "environment", folder / "requirements.txt"
    inside = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    here = ["--quiet", "--python", inside]
    # What a user gets is built already; for a release that is older than this Python nothing is.
    steps = [
        ["venv", "--quiet", "--python", python, place],
        ["pip", "compile", *here, "--resolution", ENDS[end], "--extra", "dev", "--no-build", "--output-file", needed,
         ROOT / "pyproject.toml"],
        ["pip", "install", *here, "--no-build", "--requirement", needed],
        ["pip", "install", *here, "--no-deps", "--editable", ROOT],
        ["pip", "list", *here, "--format", "json"],
    ]  # fmt: skip
    for step in steps:
        done = subprocess.run([uv(), *step], env=variables, check=True, stdout=subprocess.PIPE, text=True)
    return inside, _main_versions(json.loads(done.stdout))


def run_tests(command, variables):
    """(exit status, {"passed": number, ...}) of the tests, whose output is shown as it comes."""
    lines = []
    with subprocess.Popen(
        list(map(str, command)), cwd=ROOT, env=variables, text=True, encoding="utf-8", errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, count(lines)


def count(lines):
    """The numbers in pytest's closing lines, added up over its runs."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for closing in _SUMMARY.findall("".join(lines)):
        for number, word in re.findall(r"(\d+) ([a-z]+)", closing):
            word = {"error": "failed", "errors": "failed"}.get(word, word)
            if word in counts:
                counts[word] += int(number)
    return counts


def _main_versions(listed):
    """{package: version} of what painting and PARTS ask for."""
    extras = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(line for part in PARTS for line in extras[part])]
    names = {Requirement(line).name for line in lines}
    there = {package["name"].lower(): package["version"] for package in listed}
    return {name: there[name] for name in sorted(names - {PROJECT["name"]}) if name in there}


def _told(*words):
    """What a short command prints; nothing where it is not there or fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _numbers(path):
    return [int(each) for each in re.findall(r"\d+", str(path))]


def keep(runs):
    """Put the runs in their place among the last ones of the other versions, and write them down."""
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    kept |= runs
    RESULT.write_text(json.dumps(dict(sorted(kept.items(), key=_place)), indent=1) + "\n", encoding="utf-8")


def _place(item):
    return [*_numbers(item[0]), item[0]]


def main(arguments):
    every = versions_of_python()
    tests = [] if "--all" in arguments else ["--quick"]
    asked = [each for each in arguments if each != "--all"]
    unknown = [each for each in asked if each not in (*every, *ENDS)]
    if unknown:
        sys.exit(f"There is no {unknown[0]} here: name some of {', '.join((*every, *ENDS))}.\n\n{__doc__}")
    failed, told = False, []
    for version in [each for each in every if each in asked] or every:
        python = find_python(version)
        if python is None:
            told.append(f"Python {version}: NOT RUN, there is none here (uv python install {version})")
            continue
        for end in [each for each in ENDS if each in asked] or ENDS:
            print(f"Python {version} with the {end} allowed versions ...", flush=True)
            seen = try_version(python, end, tests, Path(tempfile.mkdtemp(prefix="nst-versions-")))
            keep({f"{version} {end}": seen})
            failed = failed or not seen["good"]
            told.append(
                f"Python {version}, {end}: {'' if seen['good'] else 'FAILED, '}{seen['passed']} passed, "
                f"{seen['failed']} failed, {seen['skipped']} skipped (TensorFlow {seen['versions'].get('tensorflow')})"
            )
    print("\n".join(told))
    return 1 if failed or all("NOT RUN" in line for line in told) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""All tests, as `make test` runs them, and the quick ones of `make check`; also where there is no make.

    python tests           every test, those of the notebooks included
    python tests --quick   in under two minutes, what a change usually breaks
    python tests --mutants all mutants of all exercises, of which the other runs try one in four; their figures are kept
                           in benchmarks/results/mutants.json
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
# Two processes, each file in one of them: importing, tracing and waiting for kernels leave half the machine idle.
IN_TURNS = ["--quiet", "--numprocesses", "2", "--dist", "loadfile"]
# Formulas, files, settings, the command line and the house: no notebook, no mutant, no long run.
QUICK = [
    "test_costs", "test_optimizers", "test_course_interface", "test_cli", "test_house", "test_gallery",
    "test_packaging", "test_docs", "test_vgg", "test_matconvnet",
]
NBVAL = ["--nbval-lax", "--nbval-current-env", "--nbval-sanitize-with", "notebooks/nbval_sanitize.cfg"]


def pytest(*arguments, **environment):
    command = [sys.executable, "-m", "pytest", *IN_TURNS, *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment).returncode


def all_mutants():
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        files = sorted(str(path) for path in (ROOT / "tests").glob("test_mutants_*.py"))
        failed = pytest(*files, "--timeout", "7200", "--junitxml", str(report), NST_MUTANTS_SHARE="1")
        told = [each for each in ElementTree.parse(report).iter("property") if each.get("name") == "row"]
    rows = sorted((json.loads(each.get("value")) for each in told), key=lambda row: row["exercise"])
    kept = ROOT / "benchmarks" / "results" / "mutants.json"
    kept.write_text(json.dumps({"mutants of the exercises": rows}, indent=2) + "\n", encoding="utf-8")
    # The page on reliability has them.
    return subprocess.run([sys.executable, "benchmarks/reliability.py"], cwd=ROOT).returncode or failed


def main(arguments):
    if arguments == ["--quick"]:
        return pytest(*(f"tests/{name}.py" for name in QUICK if (ROOT / "tests" / f"{name}.py").exists()))
    if arguments == ["--mutants"]:
        return all_mutants()
    if arguments:
        sys.exit(__doc__)
    print("Testing the package, the exercises' checks, both editions and the grading ...", flush=True)
    failed = pytest("tests")
    if failed:
        return failed
    print("Executing every solution notebook and comparing what is a fact ...", flush=True)
    # The facts in the notebooks are those of the embedded network, whatever else lies beside it.
    weights = ROOT / "pretrained-model" / "vgg19-embedded.mat"
    return pytest(*NBVAL, "notebooks/solutions", NST_WEIGHTS=str(weights))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

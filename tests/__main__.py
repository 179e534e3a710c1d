"""All tests, as `make test` runs them, and the quick ones of `make check`; also where there is no make.

    python tests           every test, those of the notebooks included
    python tests --quick   in under two minutes, what a change usually breaks
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Two processes, each file in one of them: importing, tracing and waiting for kernels leave half the machine idle.
IN_TURNS = ["--quiet", "--numprocesses", "2", "--dist", "loadfile"]
# Formulas, files, settings, the command line and the house: no notebook, no mutant, no long run.
QUICK = [
    "test_costs", "test_optimizers", "test_course_interface", "test_cli", "test_house", "test_gallery",
    "test_packaging", "test_docs", "test_vgg", "test_matconvnet",
]
NBVAL = ["--nbval-lax", "--nbval-current-env", "--nbval-sanitize-with", "notebooks/nbval_sanitize.cfg"]


def pytest(*arguments):
    # The facts in the notebooks are those of the embedded network, whatever else lies beside it.
    weights = ROOT / "pretrained-model" / "vgg19-embedded.mat"
    embedded = {"NST_WEIGHTS": str(weights)} if "--nbval-lax" in arguments else {}
    command = [sys.executable, "-m", "pytest", *IN_TURNS, *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | embedded).returncode


def main(arguments):
    if arguments == ["--quick"]:
        return pytest(*(f"tests/{name}.py" for name in QUICK if (ROOT / "tests" / f"{name}.py").exists()))
    if arguments:
        sys.exit(__doc__)
    print("Testing the package, the exercises' checks, both editions and the grading ...", flush=True)
    failed = pytest("tests")
    if failed:
        return failed
    print("Executing every solution notebook and comparing what is a fact ...", flush=True)
    return pytest(*NBVAL, "notebooks/solutions")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

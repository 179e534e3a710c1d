"""Mutation testing: the package's own code is changed in one place at a time, and a test has to notice.

    python benchmarks/mutation.py               all mutants of the network and the engine, a sample of the checks'
    python benchmarks/mutation.py --minutes 5   as many as are tried in that time; the next run goes on
    python benchmarks/mutation.py --again       those that had survived are tried anew, after tests were added
    python benchmarks/mutation.py --only costs           those of a module; the figures of the others stay as they are
    python benchmarks/mutation.py --only costs --show    the survivors of a module, on the screen

The operators are those of mutmut, see mutating.py. Each mutant gets the tests that run its line, the quickest first, up
to the first that fails; a test that lasts too long, or a process that dies, counts as a failure. What was found is kept
in output/mutation, under a name that depends on the function's own text, and goes to benchmarks/results/mutation.json.
Why a survivor may live is said in mutation_survivors.toml. Needs Linux or macOS.
"""

import argparse
import ast
import collections
import functools
import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from common import ROOT, save
from mutating import mutants_of

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

PLACE = ROOT / "output" / "mutation"
WORKER = ROOT / "benchmarks" / "mutation_worker.py"
REASONS = ROOT / "benchmarks" / "mutation_survivors.toml"
CHECKS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "nst_utils" / "checks").glob("*.py"))
# {the name on the page: (its modules, how many of its mutants, the tests)}; None: all of them.
ENGINE_TESTS = (
    "test_costs", "test_optimizers", "test_vgg", "test_matconvnet", "test_objective", "test_controls",
    "test_neighbours", "test_weights",
)  # fmt: skip
READER_TESTS = ("test_matconvnet", "test_weights", "test_vgg", "test_hostile_files")
CHECKS_TESTS = (
    "test_checks", "test_checks_of_fast", "test_explanations", "test_named_mistakes", "test_judging",
    "test_own_answers", "test_mistakes_in_sessions",
)  # fmt: skip
# Many and quick, but they notice little of what other tests are about: they are asked last.
LAST = "tests/test_judging.py"
MODULES = {
    "costs": (["nst_utils/engine/costs.py"], None, ENGINE_TESTS),
    "vgg": (["nst_utils/network/vgg.py"], None, ENGINE_TESTS),
    "matconvnet": (["nst_utils/network/matconvnet.py"], None, READER_TESTS),
    "optimizers": (["nst_utils/engine/optimizers.py"], None, ENGINE_TESTS),
    "objective": (["nst_utils/engine/objective.py"], None, ENGINE_TESTS),
    "checks": (CHECKS, 400, CHECKS_TESTS),
}
SEED = 15
# Seconds that a test may usually last to be asked at all, and those of all the tests that one mutant is given.
SLOW, PATIENCE, PATIENCE_WITH_CHECKS = 10, 25, 25
ENVIRONMENT = os.environ | {
    "PYTHONPATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1",
}  # fmt: skip


def copy_of_the_project(number):
    """A folder with what git knows, and what it would, of this checkout."""
    folder = PLACE / f"tree-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True,
        text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, names):
        source, target = ROOT / name, folder / name
        if source.is_file() and not name.startswith((".venv", "docs/", "gallery/")):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return folder


def tests_of(files, tree):
    """{test: {"seconds": .., "lines": {module: [..]}}} of the files, each measured again when it has changed."""
    found = {}
    for name in files:
        path = ROOT / "tests" / f"{name}.py"
        if not path.exists():
            continue
        stamp = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        kept = PLACE / f"{name}-{stamp}.json"
        if not kept.exists():
            print(f"Which lines do the tests of {path.name} run?", flush=True)
            subprocess.run(
                [sys.executable, str(WORKER), "map", f"tests/{name}.py", str(kept)], cwd=tree,
                env=ENVIRONMENT | {"PYTHONPATH": str(tree)}, stdout=subprocess.DEVNULL, check=True,
            )  # fmt: skip
        tests = json.loads(kept.read_text(encoding="utf-8"))
        found |= {test: facts for test, facts in tests.items() if facts["seconds"] <= SLOW}
    return found


def chosen(mutant, tests, killers, modules):
    """The tests that run what was changed, the likeliest and quickest first."""
    own = set(range(mutant.lines[0], mutant.lines[1] + 1))
    statement = set(range(mutant.statement[0], mutant.statement[1] + 1))
    scope = set(range(mutant.scope[0], mutant.scope[1] + 1)) if mutant.scope else set()
    lines = {name: set(test["lines"].get(mutant.module, ())) for name, test in tests.items()}
    parts = [scope] if mutant.at_import and scope else [] if mutant.at_import else [own, statement]
    covering = next((found for part in parts if (found := [name for name in tests if lines[name] & part])), [])
    far = dict.fromkeys(covering, 0)
    if not covering:
        # What an import makes, or a function that runs at import only, any test may notice that runs a function in
        # whose making it has a part.
        for steps, used in enumerate(uses_of(mutant, modules)):
            for name, test in tests.items():
                if any(line in used.get(module, ()) for module, all in test["lines"].items() for line in all):
                    far.setdefault(name, steps)
        covering = list(far) or [name for name in tests if lines[name]]
    near = collections.Counter(killers.get((mutant.module, mutant.scope), ()))
    around = mutant.original.splitlines()[max(0, mutant.lines[0] - 2) : mutant.lines[1] + 1]
    said = _words(" ".join(around))

    def price(name):
        # Tests are named after what they are about, and so are the lines that they are about.
        common = len(said & _words(name.rpartition("::")[2]))
        return far.get(name), name.startswith(LAST), tests[name]["seconds"] / (1 + 3 * near[name] + common**2)

    covering.sort(key=price)
    total, taken = 0.0, []
    for name in covering:
        total += tests[name]["seconds"]
        if taken and total > (PATIENCE_WITH_CHECKS if mutant.module in CHECKS else PATIENCE):
            break
        taken.append(name)
    return taken


@functools.lru_cache(maxsize=100_000)
def _words(text):
    return frozenset(word for word in re.findall("[a-z]{3,}", text.lower()))


@functools.lru_cache
def _statements(module):
    """[(its lines, the names it gives, {a name it mentions: where})] of a module's outermost statements."""
    found = []
    for node in ast.parse((ROOT / module).read_text(encoding="utf-8")).body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        given = {getattr(target, "id", None) for target in targets} | {getattr(node, "name", None)}
        mentioned = collections.defaultdict(set)
        for each in ast.walk(node):
            if name := getattr(each, "id", None) or getattr(each, "attr", None):
                mentioned[name].add(each.lineno)
        found.append(((node.lineno, node.end_lineno), given - {None}, mentioned))
    return found


@functools.lru_cache(maxsize=1000)
def _uses(module, line, modules):
    """[{module: its lines}]: the statement at the line; where the names that it gives are used; theirs; and so on."""
    steps, known, waiting = [], set(), set()
    for (first, last), given, _ in _statements(module):
        if first <= line <= last:
            steps.append({module: set(range(first, last + 1))})
            waiting |= given
    while waiting:
        known |= waiting
        used, found = collections.defaultdict(set), set()
        for other in modules:
            for _, given, mentioned in _statements(other):
                if lines := {line for name in waiting for line in mentioned.get(name, ())}:
                    used[other] |= lines
                    found |= given
        steps.append(dict(used))
        waiting = found - known
    return steps


def uses_of(mutant, modules):
    return _uses(mutant.module, mutant.lines[0], modules)


def sample(name):
    """The mutants of a part: all, or so many drawn from all modules alike, and how many there are."""
    modules, wanted, _ = MODULES[name]
    everything = [mutant for module in modules for mutant in _kept_mutants(module)]
    if wanted is None:
        return everything, len(everything)
    # Each has a lot of its own, so that a change of one function leaves those drawn from the others as they are.
    return sorted(everything, key=lambda mutant: _lot(mutant.key))[:wanted], len(everything)


def _lot(key):
    return hashlib.sha256(f"{SEED} {key}".encode()).hexdigest()


def _kept_mutants(module):
    """mutants_of() the module; to find them takes half a minute for the longest."""
    path = PLACE / f"{Path(module).stem}-{_text_of([module])}.pickle"
    if not path.exists():
        path.write_bytes(pickle.dumps(mutants_of(ROOT, module)))
    return pickle.loads(path.read_bytes())


class Worker:
    def __init__(self, tree):
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), "serve"], cwd=tree, env=ENVIRONMENT | {"PYTHONPATH": str(tree)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def outcome(self, mutant, names, tests):
        job = {"module": mutant.module, "source": mutant.source, "tests": names}
        job["seconds"] = [tests[name]["seconds"] for name in names]
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def kept_results():
    path = PLACE / "results.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {row["key"]: row for row in map(json.loads, lines)}


def try_mutants(parts, until, again):
    """Try what has no result yet, until the time is up; whether all have one."""
    tree = copy_of_the_project("-".join(parts))
    known, worker = kept_results(), None
    with (PLACE / "results.jsonl").open("a", encoding="utf-8") as kept:
        for part in parts:
            tests = tests_of(MODULES[part][2], tree)
            killers = collections.defaultdict(list)
            found, _ = sample(part)
            for mutant in found:
                row = known.get(mutant.key)
                if row and row["status"] not in ("survived", "not run") and row["test"]:
                    killers[mutant.module, mutant.scope].append(row["test"])
            for number, mutant in enumerate(found):
                row = known.get(mutant.key)
                names = chosen(mutant, tests, killers, tuple(MODULES[part][0]))
                stamp = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:12]
                if row and not (again and row["status"] in ("survived", "not run") and row["tests"] != stamp):
                    continue
                if time.monotonic() > until:
                    return False
                worker = worker or Worker(tree)
                row = worker.outcome(mutant, names, tests) if names else {"status": "not run", "test": None}
                row |= {"key": mutant.key, "tests": stamp}
                known[mutant.key] = row
                kept.write(json.dumps(row) + "\n")
                kept.flush()
                if row["status"] not in ("survived", "not run"):
                    killers[mutant.module, mutant.scope].append(row["test"])
                else:
                    print(f"{number} of {len(found)}: {_told(mutant)}", flush=True)
    return True


def _told(mutant):
    before, after = mutant.change
    return f"{mutant.module}:{mutant.lines[0]}\n    - {before}\n    + {after}"


def figures(parts):
    """What goes to mutation.json; of a part that nothing is known of here what is there already, if its text is."""
    known, saved = kept_results(), saved_figures()
    reasons = tomllib.loads(REASONS.read_text(encoding="utf-8")) if REASONS.exists() else {}
    because = {(r["module"], before, after): r["reason"] for r in reasons.get("survivor", ())
               for before, after in r["changes"]}  # fmt: skip
    rows, survivors = [], []
    for part in parts:
        found, total = sample(part)
        tried = [(mutant, known[mutant.key]) for mutant in found if mutant.key in known]
        text = _text_of(MODULES[part][0])
        if not tried and (before := next((row for row in saved["modules"] if row.get("text") == text), None)):
            rows.append(before)
            survivors += [one for one in saved["survivors"] if one["module"] in MODULES[part][0]]
            continue
        alive = [mutant for mutant, row in tried if row["status"] in ("survived", "not run")]
        ways = collections.Counter(row["status"] for _, row in tried)
        rows.append({
            "module": part, "mutants": total, "drawn": len(found), "tried": len(tried),
            "killed": len(tried) - len(alive), "timeouts": ways["timeout"], "slow": SLOW, "text": text,
        })  # fmt: skip
        for mutant in alive:
            before, after = mutant.change
            survivors.append({
                "module": mutant.module, "line": mutant.lines[0], "before": before, "after": after,
                "reason": because.get((mutant.module, before, after), ""),
            })  # fmt: skip
    patience = [PATIENCE, PATIENCE_WITH_CHECKS]
    return {"seed": SEED, "patience": patience, "modules": rows, "survivors": survivors}


def saved_figures():
    path = ROOT / "benchmarks" / "results" / "mutation.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"modules": [], "survivors": []}


def _text_of(modules):
    """Of the modules and of what makes mutants of them."""
    texts = [(ROOT / name).read_bytes() for name in (*modules, "benchmarks/mutating.py")]
    return hashlib.sha256(b"".join(texts)).hexdigest()[:12]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=MODULES, default=list(MODULES))
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--show", action="store_true", help="only what is known")
    parser.add_argument("--save", action="store_true", help="what is known of all modules, though not all was tried")
    options = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 60 * options.minutes
    done = options.show or options.save or try_mutants(options.only, until, options.again)
    found = figures(options.only)
    if options.show:
        for one in found["survivors"]:
            print(f"{one['module']}:{one['line']}  {one['reason']}\n    - {one['before']}\n    + {one['after']}")
    for row in found["modules"]:
        print(f"{row['module']}: {row['killed']} of {row['tried']} killed ({row['killed'] / max(row['tried'], 1):.1%})")
    if options.save or done and not options.show:
        save("mutation", figures(MODULES))
    return 0 if done else 3


if __name__ == "__main__":
    sys.exit(main())

"""A class is graded in one command, killed twice, and goes on where it was: all scores as designed.

    python benchmarks/grading.py                    300 submissions (three quarters of an hour on two cores)
    python benchmarks/grading.py --students 24
    python benchmarks/grading.py --only seconds     or class, or attacks: the other figures stay as they are

The submissions are generated from a seed: right answers in several forms, wrong ones, crashes, endless loops, memory
to the brim. The grading is killed (kill -9) at a third and at two thirds, once with its workers and once without.
The seconds are those of the first submissions, with one job and with two, in turns. The attacks are those of the tests.
"""

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

import psutil
from common import RESULTS, ROOT, median, save

from nst_utils.grading.confinement import account

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "notebooks")]

from course import grade, release  # noqa: E402
from test_attacks import ATTACKS  # noqa: E402
from test_grading import ASSIGNMENT, COSTS, OTHER_FORMS, RIGHT, hand_in, points, worth, write_assignment  # noqa: E402

ANSWERS = {
    "compute_content_cost": {
        RIGHT["compute_content_cost"]: True,
        OTHER_FORMS["compute_content_cost"]: True,
        "d = tf.subtract(a_C, a_G)\nreturn tf.nn.l2_loss(d) / (2.0 * int(np.prod(a_G.shape[1:])))": True,
        "return tf.reduce_sum((a_C - a_G) ** 2) / 4": False,
        "return tf.reduce_mean(tf.abs(a_C - a_G)) / 4": False,
        "return tf.constant(6.7656)": False,
        "raise NotImplementedError()": False,
        "return undefined_name": False,
    },
    "total_cost": {
        RIGHT["total_cost"]: True,
        OTHER_FORMS["total_cost"]: True,
        "content = alpha * J_content\nstyle = beta * J_style\nreturn content + style": True,
        "return beta * J_content + alpha * J_style": False,
        "return 10 * J_content + 40 * J_style": False,
        "return alpha * (J_content + J_style": False,
        "return None": False,
        "exit()": False,
    },
}
# Few of a class, and each takes its time limit.
RARE = {
    "while True: pass": "compute_content_cost",
    "kept = []\nwhile True: kept.append(np.ones(20_000_000))": "compute_content_cost",
    "import os\nos._exit(1)": "total_cost",
}


def design(number, seed):
    """(answers, the exercises that earn their points) of a student."""
    draw = random.Random(f"{seed}-{number}")
    answers, earns = {}, set()
    for exercise, known in ANSWERS.items():
        body = draw.choice(list(known))
        answers[exercise] = f"mark = {number}\n{body}"
        if known[body]:
            earns.add(exercise)
    if number % 25 == 7:
        body, exercise = draw.choice(list(RARE.items()))
        answers[exercise] = body
        earns.discard(exercise)
    return answers, earns


def make_class(folder, students, seed):
    course = folder / "course"
    release(course, ASSIGNMENT, write_assignment(folder / "notebooks"))
    with open(course / "nbgrader_config.py", "a") as settings:
        settings.write("\nc.EnduringExecute.memory = 2_000_000_000\n")
    designs = {f"student-{number:03}": design(number, seed) for number in range(students)}
    for name, (answers, _) in designs.items():
        hand_in(course, name, answers, (), ["costs"])
    return course, {name: earns for name, (_, earns) in designs.items()}


def seconds_each(folder, students, rounds, seed):
    """Seconds for each of so many submissions, with one job and with two: the medians of some rounds, in turns."""
    course, earns = make_class(folder, students, seed)
    found = {1: [], 2: []}
    for _ in range(rounds):
        for jobs, seconds in found.items():
            begun = time.monotonic()
            grade(course, ASSIGNMENT, list(earns), jobs=jobs, force=True, report=lambda text: None)
            seconds.append((time.monotonic() - begun) / students)
    each = {f"with {jobs} {'jobs' if jobs > 1 else 'job'}": round(median(every), 2) for jobs, every in found.items()}
    return {"submissions": students, "rounds": rounds, **each}


def run(course, jobs, until=None, with_workers=False):
    """Run the command; kill it when so many have been graded. Returns its output and how many had been graded."""
    command = [sys.executable, str(ROOT / "notebooks" / "course.py"), "grade", "--course", str(course)]
    command += ["--assignment", ASSIGNMENT, "--jobs", str(jobs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    records = course / "logs" / ASSIGNMENT
    while process.poll() is None and until is not None:
        if len(list(records.glob("student-*.json"))) >= until:
            workers = psutil.Process(process.pid).children() if with_workers else []
            os.kill(process.pid, signal.SIGKILL)
            for worker in workers:
                worker.kill()
            break
        time.sleep(0.05)
    said, _ = process.communicate()
    return said, len(list(records.glob("student-*.json")))


def killed_class(folder, students, jobs, seed):
    """What becomes of a class whose grading is killed twice."""
    course, earns = make_class(folder, students, seed)
    begun, killed = time.monotonic(), []
    for part, with_workers in ((1 / 3, True), (2 / 3, False)):
        _, done = run(course, jobs, int(part * students), with_workers)
        killed.append(done)
        print(f"killed when {done} had been graded", flush=True)
    said, done = run(course, jobs)
    print(said[-500:])
    value = worth(course)
    designed = {name: sum(value[exercise] for exercise in found) for name, found in earns.items()}
    scored = {name: sum(points(course, name).values()) for name in earns}
    with open(course / "grades.csv", newline="") as file:
        table = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    others = [name for name in earns if not scored[name] == table.get(name) == designed[name]]
    return {
        "students": students, "jobs": jobs, "killed_at": killed, "graded": done,
        "scores_as_designed": students - len(others), "others": others,
        "results_lost": students - done, "minutes": round((time.monotonic() - begun) / 60, 1),
    }  # fmt: skip


def attacks(folder):
    """What the tests of attacks say, and how many attacks they are."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "tests/test_attacks.py"]
    subprocess.run([*command, "--junitxml", str(report)], cwd=ROOT)
    suite = ElementTree.parse(report).find("testsuite")
    tests, failed, errors, left_out = (int(suite.get(of)) for of in ("tests", "failures", "errors", "skipped"))
    known = [attack for tried in ATTACKS.values() for attack in tried]
    return {
        "attacks": len(known), "kinds": "; ".join(known), "tests": tests, "failed": failed + errors,
        "left_out": left_out, "confinement": account(),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--timed", type=int, default=6, help="how many are graded for the time, with 1 and 2 jobs")
    parser.add_argument("--rounds", type=int, default=3, help="how often they are")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["seconds", "class", "attacks"])
    options = parser.parse_args()
    there = RESULTS / "grading.json"
    figures = json.loads(there.read_text(encoding="utf-8")) if options.only and there.exists() else {}
    with tempfile.TemporaryDirectory(prefix="nst-class-") as name:
        folder = Path(name)
        if options.only in (None, "seconds"):
            figures["seconds_each"] = seconds_each(folder / "timed", options.timed, options.rounds, options.seed)
        if options.only in (None, "class"):
            figures["class"] = killed_class(folder / "class", options.students, options.jobs, options.seed)
        if options.only in (None, "attacks"):
            figures["attacks"] = attacks(folder)
    print(json.dumps(figures, indent=1))
    save("grading", {part: found for part, found in figures.items() if part in ("seconds_each", "class", "attacks")})
    assert set(ANSWERS) == set(COSTS)
    lost = figures.get("class", {})
    if lost.get("others") or lost.get("results_lost") or figures.get("attacks", {}).get("failed"):
        sys.exit("Not all is as it should be.")


if __name__ == "__main__":
    main()

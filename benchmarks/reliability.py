"""Writes docs/reliability.md from what the benchmarks have measured; nothing in that page is written by hand.

    python benchmarks/reliability.py

The benchmarks that have a section write it themselves when they have measured. A section is a function here that takes
the figures of a file of benchmarks/results and gives lines of Markdown, and a line in SECTIONS. Files that are not
there yet have none.
"""

import json
import os
from pathlib import Path

from common import RESULTS, ROOT

from nst_utils.base.files import write_text

PAGE = ROOT / "docs" / "reliability.md"
_INTRODUCTION = """
# How far it can be trusted

What was tried to make it lose, hang or lie, and what came of it. The commands named here did the measuring; this page
is made from the figures that they wrote, by `python benchmarks/reliability.py`.
"""


def _table(rows):
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


def _head(title, command, figures):
    measured = f"*{figures['machine']}, Python {figures['python']}, {figures['date']}*"
    return [f"## {title}", "", f"`{command}`", "", measured, ""]


def grades(figures):
    """Of grading.json."""
    lines = _head("Grades", "python benchmarks/grading.py", figures)
    if found := figures.get("attacks"):
        without = f", {found['left_out']} left out" if found["left_out"] else ""
        lines += [
            f"The verdict on an answer is reached outside the process that runs it. {found['confinement']} Submissions "
            f"tried to earn points otherwise, or to spoil the grading of others, by: {found['kinds']}.", "",
            *_table([
                ("attacks tried", found["attacks"]),
                ("tests of what came of them", f"{found['tests']}, {found['failed'] or 'none'} failed{without}"),
            ]), "",
        ]  # fmt: skip
    if found := figures.get("class"):
        lost, kills = found["results_lost"], [str(number) for number in found["killed_at"]]
        lines += [
            f"A generated class of {found['students']} submissions, right ones in several forms, wrong ones, crashes, "
            "endless loops and memory to the brim, was graded with one command, which was killed (`kill -9`) and given "
            "again.", "",
            *_table([
                ("submissions", found["students"]), ("killed when so many had been graded", " and ".join(kills)),
                ("graded in the end", found["graded"]), ("results lost", lost or "none"),
                ("scores as designed", found["scores_as_designed"]),
                ("minutes in all", f"{found['minutes']}, with {found['jobs']} jobs"),
            ]), "",
        ]  # fmt: skip
    if found := figures.get("seconds_each"):
        told = f"the median of {found['rounds']} rounds of {found['submissions']} submissions"
        each = [(f"seconds for a submission {name}", value) for name, value in found.items() if name.startswith("with")]
        lines += [f"Each has one notebook with two exercises; {told}, all else included:", "", *_table(each), ""]
    return lines


def mutants(figures):
    """Of mutants.json: the exercises' right answers, changed in every way that the tests know."""
    rows = figures["mutants of the exercises"]

    def total(of):
        return sum(row[of] for row in rows)

    tried, accepted = total("mutants"), total("accepted")
    return [
        "## Checks of the exercises", "", "`python tests --mutants`", "",
        f"Right answers to {len(rows)} exercises, changed by a machine. A change that alters the result has to be "
        "found, and called by its name; one that does not has to pass.", "",
        *_table([
            ("wrong answers tried", tried), ("taken for right", accepted or "none"),
            ("called by their name", f"{total('named')} ({total('named') / tried:.1%})"),
            ("other right answers tried", total("equivalents")), ("accepted", total("equivalents accepted")),
        ]), "",
    ]  # fmt: skip


def survival(figures):
    """Of survival.json."""
    return [
        *_head("Runs that are killed", "python benchmarks/survival.py", figures),
        f"Runs of {len(figures['runs'])} kinds ({'; '.join(figures['runs'])}), killed (`kill -9`) at random moments "
        "and gone on with from their checkpoints until they ended; compared, byte by byte, with the run undisturbed.",
        "",
        *_table([
            ("kills survived", figures["kills_survived"]), ("runs", figures["series"]),
            ("results lost, or other than undisturbed", figures["results_lost"] or "none"),
            ("checkpoints that could not be read", figures["checkpoints_unreadable"] or "none"),
            ("steps lost by a kill, at most", figures["most_steps_lost"]),
            ("files left over", figures["files_left_over"] or "none"),
        ]), "",
    ]  # fmt: skip


def downloads(figures):
    """Of downloads.json."""
    return [
        *_head("Downloads", "python benchmarks/downloads.py", figures),
        f"Servers that spoil their answers in {figures['kinds_of_faults']} ways, and processes killed (`kill -9`) "
        "while they fetch; the command is given again until the file is there.", "",
        *_table([
            ("downloads", figures["series"]), ("answers spoilt", figures["faults"]), ("kills", figures["kills"]),
            ("right at last", figures["right_at_last"]), ("results lost", figures["results_lost"] or "none"),
            ("false files under the true name", figures["false_files"] or "none"),
            ("files left over", figures["files_left_over"] or "none"),
        ]), "",
    ]  # fmt: skip


def sweeps(figures):
    """Of sweep.json."""
    lines = _head("Sweeps", "python benchmarks/sweep.py", figures)
    if found := figures.get("kills"):
        lines += [
            f"A sweep of {found['tasks']} pictures on two workers, which were killed (`kill -9`) at random moments; "
            "each picture compared, byte by byte, with one made alone.", "",
            *_table([
                ("workers killed", found["kills"]), ("results lost", found["results_lost"] or "none"),
                ("results other than alone", found["results_different"] or "none"),
            ]), "",
        ]  # fmt: skip
    if found := figures.get("on_this_machine"):
        each = [(f"with {n} worker{'s' * (n != '1')}", value) for n, value in found["pictures_a_minute"].items()]
        lines += [
            f"Pictures a minute (400x300, `--quality quick`, {found['pictures']} of them) on this machine, "
            "of two cores:", "", *_table(each), "",
        ]  # fmt: skip
    if found := figures.get("simulated"):
        lines += [
            "More workers than this machine has, whose tasks wait as long as a picture takes: of their time, what "
            "Dask, the sweep, its files and its page cost, from the first picture on; the start is told beside:", "",
            "| workers | tasks | seconds of work | seconds to start | seconds taken | overhead |",
            "|---|---|---|---|---|---|",
            *(
                f"| {row['workers']} | {row['tasks']} | {row['seconds_of_work']:.0f} "
                f"| {row['seconds_to_start']:.1f} | {row['seconds_taken']:.1f} | {row['overhead']:.1%} |"
                for row in found
            ), "",
        ]  # fmt: skip
    return lines


def clusters(figures):
    """Of clusters.json."""
    lines = [
        *_head("Recipes for clusters", "python benchmarks/clusters.py", figures),
        "The recipes of [many pictures at once](sweep.md), taken from that page and followed on one machine: Slurm and "
        "Dask Gateway, whose jobs or workers were cancelled or killed meanwhile. Of Kubernetes there was none: the "
        "resource fits the operator's definition, and what its pods are to run was run as processes. Each picture "
        "compared, byte by byte, with one made alone, each score with the one designed.", "",
        "| recipe | versions | pictures or submissions | jobs or workers ended | lost | different |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for each in figures["recipes"].values():
        versions = ", ".join(f"{name} {version}" for name, version in each["versions"].items())
        found = (each["ended"], each["lost"], each["different"])
        cells = (each["recipe"], versions, each["pictures"], *(number or "none" for number in found))
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return [*lines, ""]


def fuzz(figures):
    """Of fuzz.json."""
    bounds, readers = figures["bounds"], figures["readers"]
    mebibytes = {name: f"{bounds[name] / 2**20:g} MiB" for name in ("memory", "unpacked")}
    lines = [
        *_head("Files that nobody wrote", "python benchmarks/fuzz.py", figures),
        "Files of the readers' own formats, changed by a fuzzer (atheris, on libFuzzer) that goes on from whatever "
        "came further through the code than anything before; where a checksum or a compression stands in the way, "
        "changed behind it. The answer has to be a result, or an InputError of one sentence, within "
        f"{bounds['seconds']:g} seconds and {mebibytes['memory']} for a file of up to {bounds['file'] >> 10} KiB, a "
        f"picture of up to {bounds['pixels'] / 1e6:g} million pixels, a variable of up to {mebibytes['unpacked']}. "
        "Anything else was mended, and is a test (`tests/test_hostile_files.py`).", "",
        "| reader | inputs | edges, features reached | kept as seeds | rounds that it ended | found and mended | "
        "found and not mended |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for each in readers:
        cells = (
            each["reader"], f"{each['inputs']:,}", f"{each['edges']}, {each['features']}", each["corpus"],
            each["ended early"] or "none", len(each["found and mended"]), each["found and not mended"] or "none",
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    guided = "; ".join(f"{each['reader']}: {each['guided by']}" for each in readers)
    lines += ["", f"What guides it is the Python that a file comes through ({guided}). Found and mended:", ""]
    lines += [f"- {each['reader']}: {found}" for each in readers for found in each["found and mended"]]
    return [*lines, ""]


def mutation(figures):
    """Of mutation.json: the package's own code, changed in one place at a time."""
    rows, survivors = figures["modules"], figures["survivors"]
    fewer = [
        f"of the {row['mutants']} of `{row['module']}`, "
        + (f"{row['tried']} drawn by chance (seed {figures['seed']})" if row["drawn"] < row["mutants"] else
           f"the first {row['tried']}")
        for row in rows if row["tried"] < row["mutants"]
    ]  # fmt: skip
    lines = [
        *_head("Tests of the package itself", "python benchmarks/mutation.py", figures),
        "The package's own code, changed in one place at a time by the operators of mutmut: another number, operator "
        "or comparison, an argument left out, a text or a value replaced. A test has to fail. Annotations, casts, "
        "docstrings and the wording of messages are not changed. Each mutant gets the tests that run its line and that "
        f"usually take up to {' or '.join(map(str, sorted({row['slow'] for row in rows})))} seconds, "
        f"{' or '.join(map(str, sorted(set(figures['patience']))))} seconds in all. "
        + (f"All mutants were tried, but {'; '.join(fewer)}." if fewer else "All mutants were tried."), "",
        "| module | mutants tried | killed | share | of these, by not coming to an end |", "|---|---|---|---|---|",
        *(
            f"| `{row['module']}` | {row['tried']} | {row['killed']} | {row['killed'] / row['tried']:.1%} "
            f"| {row['timeouts'] or 'none'} |"
            for row in rows if row["tried"]
        ), "",
    ]  # fmt: skip
    if survivors:
        lines += ["<details>", f"<summary>The {len(survivors)} that none of them noticed, and why</summary>", ""]
        for module in dict.fromkeys(one["module"] for one in survivors):
            lines += [f"`{module}`", ""]
            lines += [
                f"- line {one['line']}: {_change(one['before'], one['after'])}: {one['reason'] or '?'}"
                for one in survivors if one["module"] == module
            ]  # fmt: skip
            lines.append("")
        lines += ["</details>", ""]
    return lines


def _change(before, after, around=40):
    """`before` became `after`, with what they have in common left out but for a few letters."""
    start = len(os.path.commonprefix([before, after]))
    end = len(os.path.commonprefix([before[start:][::-1], after[start:][::-1]]))
    shown = []
    for text in (before, after):
        first, last = max(0, start - around), min(len(text), len(text) - end + around)
        middle = text[first : max(last, first)]
        if len(middle) > 4 * around:
            middle = f"{middle[: 2 * around]} ... {middle[-around:]}"
        cut = f"{'... ' if first else ''}{middle}{' ...' if last < len(text) else ''}"
        shown.append(f"`` {cut} ``" if cut else "nothing")
    return " became ".join(shown)


# {file in benchmarks/results: its section}, in the order of the page.
SECTIONS = {
    "grading": grades, "survival": survival, "sweep": sweeps, "clusters": clusters, "downloads": downloads,
    "fuzz": fuzz, "mutants": mutants, "mutation": mutation,
}  # fmt: skip


def page(results=RESULTS, sections=SECTIONS):
    """The page, in Markdown."""
    lines = [_INTRODUCTION.strip(), ""]
    for name, section in sections.items():
        if (path := Path(results) / f"{name}.json").exists():
            lines += section(json.loads(path.read_text(encoding="utf-8")))
    return "\n".join(lines).rstrip() + "\n"


def write():
    write_text(PAGE, page())
    print(f"{PAGE.relative_to(ROOT)} is written.")


if __name__ == "__main__":
    write()

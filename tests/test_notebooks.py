"""Both editions of the notebooks follow from their source, give nothing away, and stay true."""

import copy
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from nst_utils.course.asking import questions

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))

from editions import (  # noqa: E402
    EDITIONS,
    build,
    edition_path,
    find_sources,
    is_current,
    linked_pages,
    main,
    student_edition,
    with_answers,
)

NBVAL = [
    "--nbval-lax",
    "--nbval-current-env",
    f"--nbval-sanitize-with={ROOT / 'notebooks' / 'nbval_sanitize.cfg'}",
]
LARGEST_NOTEBOOK = 2_500_000  # bytes: some fifteen figures that fill the page
SOURCES = find_sources()
each_notebook = pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])


def read(source, edition):
    return nbformat.read(edition_path(source, edition), as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell):
    return cell.metadata.get("tags", [])


def is_check(cell):
    marks = cell.metadata.get("nbgrader", {})
    return marks.get("grade") and not marks.get("solution")


def texts(cell):
    """What the outputs of a cell say as plain text."""
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]


@pytest.fixture
def copied(tmp_path):
    """The source of the first notebook, in a copy of its folder with both editions."""
    source = tmp_path / "notebooks" / "source" / SOURCES[0].name
    for path in (SOURCES[0], *(edition_path(SOURCES[0], edition) for edition in EDITIONS)):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return source


# --- The editions and their source ------------------------------------------------------------------------


def test_there_are_nine_notebooks():
    assert [int(source.stem.split("_")[0]) for source in SOURCES] == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@each_notebook
@pytest.mark.parametrize("edition", EDITIONS)
def test_an_edition_follows_from_its_source(source, edition):
    assert is_current(source, edition), "run `make notebooks`"


def test_a_changed_source_makes_both_editions_out_of_date(copied):
    assert all(is_current(copied, edition) for edition in EDITIONS)
    copied.write_text(copied.read_text() + "\n# %%\nanother_cell = 1\n")
    assert not any(is_current(copied, edition) for edition in EDITIONS)


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_changed_edition_is_out_of_date(copied, edition):
    notebook = read(copied, edition)
    code_cells(notebook)[-1].source += "\nprint('edited by hand')"
    nbformat.write(notebook, edition_path(copied, edition))
    assert [is_current(copied, name) for name in EDITIONS] == [name != edition for name in EDITIONS]


def test_a_missing_edition_is_out_of_date(copied):
    edition_path(copied, "student").unlink()
    assert not is_current(copied, "student") and is_current(copied, "solution")


def test_only_what_is_out_of_date_is_written_and_always_the_same(copied):
    path = edition_path(copied, "student")
    before = path.read_text()
    assert build(copied) == []
    path.unlink()
    assert build(copied) == ["student"]
    assert path.read_text() == before


def test_the_command_says_what_is_out_of_date(monkeypatch, copied, capsys):
    monkeypatch.setattr("editions.find_sources", lambda names: [copied])
    monkeypatch.setattr("editions.ROOT", copied.parents[2])
    assert main(["--check"]) == 0
    edition_path(copied, "student").unlink()
    assert main(["--check"]) == 1
    assert f"notebooks/{copied.stem}.ipynb does not follow from its source" in capsys.readouterr().out


def test_a_cell_that_fails_is_named_and_nothing_is_written(monkeypatch, tmp_path):
    source = tmp_path / "source" / "01_broken.py"
    source.parent.mkdir()
    source.write_text("# %% [markdown]\n# # A title\n\n# %%\nanswer = 1 / 0\n")
    monkeypatch.setattr("editions.find_sources", lambda names: [source])
    with pytest.raises(SystemExit, match="answer = 1 / 0"):
        main([])
    assert not any(edition_path(source, edition).exists() for edition in EDITIONS)


def test_an_unknown_notebook_is_refused():
    with pytest.raises(SystemExit, match="No source for 99_nothing"):
        find_sources(["99_nothing"])


# --- No answer in the student edition ---------------------------------------------------------------------

REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)


def answers(source):
    """For each answer, the lines that only it has: exercises, experiments, what is for the solution edition alone."""
    hidden, given = [], ""
    for cell in jupytext.read(source).cells:
        answered = cell.metadata.get("nbgrader", {}).get("solution")
        if "solution-only" in tags(cell) or (answered and not REGION.search(cell.source)):
            hidden.append(cell.source)
        else:
            hidden += REGION.findall(cell.source)
            given += squeezed(REGION.sub("", cell.source))
            hidden += [question.answers() for question in asked(cell)]
            given += "".join(squeezed(question.as_text()) for question in asked(cell))
    lines = [[squeezed(line) for line in region.splitlines()] for region in hidden]
    return [[line for line in region if len(line) > 5 and line not in given] for region in lines]


def asked(cell):
    """The questions that a cell of a source asks."""
    return [questions()[name] for name in re.findall(r'^ask\("([\w-]+)"\)', cell.source, re.MULTILINE)]


def stubs(notebook):
    """The cells of a student edition that wait for an answer."""
    marks = {"code": "raise NotImplementedError()", "markdown": "YOUR ANSWER HERE"}
    return [cell for cell in notebook.cells if marks[cell.cell_type] in cell.source]


def leaks(source, notebook):
    """The lines of answers that a notebook has, in whatever part of it."""
    text = squeezed("\n".join(strings(notebook)))
    return [line for region in answers(source) for line in region if line in text]


def strings(node):
    """Every string of a notebook."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from strings(child)


def squeezed(text):
    return re.sub(r"\s+", "", text)


@each_notebook
def test_no_answer_is_in_the_student_edition(source):
    assert answers(source) and all(answers(source)), "an exercise whose answer could leak unseen"
    notebook = read(source, "student")
    assert leaks(source, notebook) == []
    assert not any("SOLUTION" in text for text in strings(notebook))
    assert not any(cell.outputs or cell.execution_count for cell in code_cells(notebook))
    waiting = [cell for cell in jupytext.read(source).cells if cell.metadata.get("nbgrader", {}).get("solution")]
    assert len(stubs(notebook)) == len(waiting)


@each_notebook
def test_the_solution_edition_has_every_answer(source):
    text = squeezed("\n".join(strings(read(source, "solution"))).replace("](../", "]("))
    assert [line for region in answers(source) for line in region if line not in text] == []


@pytest.mark.parametrize("place", ["code", "text", "output", "metadata"])
def test_a_leak_is_found_wherever_it_is(copied, place):
    notebook = read(copied, "student")
    answer = REGION.search(copied.read_text())[1]
    if place == "code":
        code_cells(notebook)[2].source += "\n" + answer.replace("    ", "  ")
    elif place == "text":
        notebook.cells[0].source += "\n" + answer
    elif place == "output":
        code_cells(notebook)[0].outputs = [nbformat.v4.new_output("stream", text=answer)]
    else:
        notebook.cells[0].metadata.note = answer
    assert leaks(copied, notebook)


def test_an_answer_without_its_marks_leaks(copied):
    text = re.sub(r" *### (BEGIN|END) SOLUTION\n", "", copied.read_text())
    marked = answers(copied)[0]
    copied.write_text(text.replace('"solution": true', '"solution": false', 1))
    unmarked = squeezed("\n".join(strings(student_edition(copied))))
    assert all(line in unmarked for line in marked)


@each_notebook
def test_each_edition_says_at_its_top_which_it_is(source):
    for edition in EDITIONS:
        assert read(source, edition).cells[1].source.startswith(f"*{edition.capitalize()} edition")


@pytest.fixture
def written(tmp_path):
    """Writes cells of a source as the notebook 01_short, and gives its path."""

    def write(cells):
        source = tmp_path / "notebooks" / "source" / "01_short.py"
        source.parent.mkdir(parents=True)
        source.write_text("# %% [markdown]\n# # A title\n\n" + cells)
        return source

    return write


def test_what_is_for_one_edition_is_left_out_of_the_other(written):
    source = written(
        '# %% [markdown] tags=["solution-only"]\n# the answer\n\n# %% [markdown] tags=["student-only"]\n# the riddle\n'
    )
    solution, student = ([cell.source for cell in with_answers(source, each).cells] for each in ("solution", "student"))
    assert "the answer" in solution and "the riddle" not in solution
    assert "the answer" not in student and "the riddle" in student


def test_a_question_is_written_above_its_cell_and_answered_in_the_solution_alone(written):
    question = next(iter(questions().values()))
    source = written(f'# %%\nask("{question.name}")\n')
    student, solution = ([cell.source for cell in with_answers(source, each).cells[2:]] for each in EDITIONS)
    assert student == [question.as_text(), f'ask("{question.name}")']
    assert solution == [*student, question.answers()]
    for text in question.feedback.values():
        assert text not in student[0]


def test_a_page_beside_the_notebooks_is_found_from_both_editions(written):
    source = written("# %% [markdown]\n# the [Gram matrix](README.md#how), see [this](https://x.org/README.md)\n")
    student, solution = (with_answers(source, each).cells[2].source for each in EDITIONS)
    assert "](README.md#how)" in student and "](../README.md#how)" in solution
    assert "](https://x.org/README.md)" in solution
    assert linked_pages(with_answers(source, "student")) == ["README.md"]


@each_notebook
@pytest.mark.parametrize("edition", EDITIONS)
def test_the_pages_that_a_notebook_links_to_are_there(source, edition):
    folder = edition_path(source, edition).parent
    text = "\n".join(cell.source for cell in read(source, edition).cells if cell.cell_type == "markdown")
    for page, place in re.findall(r"\]\(([./\w]+\.md)(?:#([\w-]+))?\)", text):
        written = (folder / page).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.+)$", written, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
        anchors |= set(re.findall(r'<a id="([\w-]+)">', written))
        assert not place or place in anchors, f"{page} has no place #{place}"


@each_notebook
def test_every_picture_in_the_text_has_words_for_those_who_cannot_see_it(source):
    for edition in EDITIONS:
        for cell in read(source, edition).cells:
            if cell.cell_type == "markdown":
                assert all(len(words) > 10 for words in re.findall(r"!\[(.*?)\]\(", cell.source))
    for cell in code_cells(read(source, "solution")):
        for output in cell.outputs:
            if {"image/png", "image/jpeg"} & set(output.get("data", {})):
                assert "<Figure" not in output.data.get("text/plain", "<Figure"), cell.source


@each_notebook
def test_every_notebook_asks_explains_and_leaves_room_for_an_experiment(source):
    cells = jupytext.read(source).cells
    opening = cells[1].source
    assert all(words in opening for words in ("**Afterwards you can**", "**You need to know**", "**It takes**"))
    assert 2 <= sum(len(asked(cell)) for cell in cells) <= 4, "two or three predictions"
    assert any(re.search(r"^ *(slide|leaf_through)\(", cell.source, re.MULTILINE) for cell in cells), "a slider"
    by_hand = [cell.metadata.nbgrader for cell in cells if cell.metadata.get("nbgrader", {}).get("solution")]
    by_hand = [marks.grade_id for marks in by_hand if marks.grade]
    assert by_hand == ["experiment_picture", "experiment_words"]
    questions_at_the_end = next(cell for cell in cells if "## Try it" in cell.source).source.split("## Try it")[1]
    answered = "\n".join(cell.source for cell in cells if "solution-only" in tags(cell))
    for number in re.findall(r"^(\d)\. ", questions_at_the_end, re.MULTILINE):
        assert re.search(rf"(^|\*\*|, ){number}[.,]", answered, re.MULTILINE), f"no answer to question {number}"


# --- The solutions stay true ------------------------------------------------------------------------------


def faults(notebook):
    """Why a notebook would not do as a solution."""
    cells = code_cells(notebook)
    found = []
    if not any("nbval-check-output" in tags(cell) and any(texts(cell)) for cell in cells):
        found.append("no compared cell")
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("execution counts")
    outputs = [output for cell in cells for output in cell.outputs]
    if any(output.output_type == "error" or output.get("name") == "stderr" for output in outputs):
        found.append("errors or warnings")
    return found


@each_notebook
def test_a_solution_is_executed_compared_and_small(source):
    assert faults(read(source, "solution")) == []
    assert edition_path(source, "solution").stat().st_size < LARGEST_NOTEBOOK


def test_a_solution_without_compared_cell_or_execution_count_is_refused(copied):
    solution = read(copied, "solution")
    uncompared, unexecuted, skipped, failed, warned = (copy.deepcopy(solution) for _ in range(5))
    for cell in uncompared.cells:
        cell.metadata.pop("tags", None)
    code_cells(unexecuted)[-1].execution_count = None
    code_cells(skipped)[0].execution_count = 2
    code_cells(failed)[0].outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]
    code_cells(warned)[0].outputs = [nbformat.v4.new_output("stream", name="stderr", text="a warning")]
    assert faults(solution) == []
    assert faults(uncompared) == ["no compared cell"]
    assert faults(unexecuted) == faults(skipped) == ["execution counts"]
    assert faults(failed) == faults(warned) == ["errors or warnings"]


def test_one_changed_value_in_any_solution_fails(tmp_path):
    """nbval on copies that end with their first compared cell, of which one value is changed."""
    changed = {}
    for source in SOURCES:
        notebook = read(source, "solution")
        first = next(i for i, cell in enumerate(notebook.cells) if "nbval-check-output" in tags(cell))
        notebook.cells = notebook.cells[: first + 1]
        change_a_value(notebook.cells[first])
        nbformat.write(notebook, tmp_path / f"{source.stem}.ipynb")
        changed[source.stem] = len(code_cells(notebook)) - 1
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *NBVAL, f"--junitxml={report}"]
    done = subprocess.run([*command, tmp_path], cwd=tmp_path, capture_output=True, text=True)

    assert report.exists(), done.stdout + done.stderr
    cases = list(ET.parse(report).iter("testcase"))
    failures = {
        (stem, int(case.get("name").split()[-1])): case.find("failure")
        for stem in changed
        for case in cases
        if stem in case.get("classname") and list(case)
    }
    assert set(failures) == set(changed.items()), done.stdout
    assert all("Cell outputs differ" in failure.text for failure in failures.values()), done.stdout


def change_a_value(cell):
    """Another first digit in what the cell printed; where there is none, another first letter."""
    output = next(output for output, text in zip(cell.outputs, texts(cell), strict=True) if text)
    holder, key = (output, "text") if "text" in output else (output.data, "text/plain")
    pattern = r"\d" if re.search(r"\d", holder[key]) else r"[a-z]"
    holder[key] = re.sub(pattern, lambda match: "8" if match[0] != "8" else "7", holder[key], count=1)


# --- The student edition, before any answer ---------------------------------------------------------------


@each_notebook
def test_the_student_edition_runs_and_waits_for_answers(source, tmp_path):
    notebook = read(source, "student")
    NotebookClient(
        notebook, timeout=300, allow_errors=True, extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    outputs = [(cell, output) for cell in code_cells(notebook) for output in cell.outputs]
    errors = {(output.ename, cell.source) for cell, output in outputs if output.output_type == "error"}
    others = [error for error in errors if error[0] != "NotImplementedError"]
    assert others == [], "A cell that needs an answer has to call it, not to use what an earlier cell made of it."
    assert [output.text for _, output in outputs if output.get("name") == "stderr"] == []

    shown = "\n".join(text for cell in code_cells(notebook) for text in texts(cell))
    graded = [cell for cell in code_cells(notebook) if is_check(cell)]
    assert graded
    for cell in graded:
        exercise = re.search(r"checks\.(\w+)\(", cell.source)[1]
        assert f"{exercise}: not attempted" in shown
        assert [output.ename for output in cell.outputs] == ["NotImplementedError"]

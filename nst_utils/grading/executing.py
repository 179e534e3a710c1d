"""Autograding with nbgrader, the verdict reached here, outside the process that runs the student's code.

A submission's cells run in a kernel, in a place of their own (see `confinement`). The cells that earn points do not:
each of them names an exercise, `checks.gram_matrix(gram_matrix).require()`, and is judged in this process (see
`judging`). What a check's cell shows in the end is written here, and nothing that the kernel has sent.

nbgrader's own executor gives up on a submission whose kernel dies or cannot be interrupted: all its points
are lost, those of its other notebooks too. This one costs the author that cell, and grades the rest.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import ClearOutput, Execute, OverwriteCells
from nbgrader.utils import is_grade, is_solution, is_task
from traitlets import Enum, Float, Integer

from nst_utils.grading.confinement import ConfinedKernelManager, Place, Watch, end, leave_group

_WHY = {
    DeadKernelError: "This cell ended the Python process, so it was not run again.",
    CellTimeoutError: "This cell did not stop when it was told to, so it was not run again.",
}
_HARMLESS = ("image/png", "image/jpeg", "text/plain")
# What a submission is not to see of the course.
_HIDDEN = ("source", "release", "submitted", "autograded", "feedback", "logs")


class EnduringExecute(Execute):
    """Runs a notebook to its last check: where a cell takes the kernel with it, the rest runs again without it.

    What comes after the last check is mostly long runs for their pictures: not run. The open experiment among it is
    graded by hand, from the picture that was handed in (KeepPictures).
    """

    notebook_timeout = Integer(
        900, help="Seconds for a whole notebook; the cells that are not reached have failed.", config=True
    )
    max_output = Integer(1_000_000, help="Characters kept of what a cell prints.", config=True)
    max_display = Integer(10_000_000, help="Characters kept of all that a cell prints and displays.", config=True)
    memory = Integer(4_000_000_000, help="Bytes of memory for the processes of a submission.", config=True)
    processes = Integer(200, help="Processes of a submission at a time.", config=True)
    flag_share = Float(0.8, help="The share of a limit on time or memory above which a cell is flagged.", config=True)
    sandbox = Enum(["auto", "none"], "auto", help="auto: bubblewrap, where it works.", config=True)

    # What was found out since the last call of clear(): {notebook: {cell: whether right}}, and what to look at.
    verdicts: dict[str, dict[str, bool]] = {}
    flags: list[dict[str, str]] = []
    _place: Place | None = None

    @classmethod
    def clear(cls) -> None:
        cls.verdicts, cls.flags = {}, []

    def preprocess(self, nb: NotebookNode, resources: Any, km: Any = None) -> tuple[NotebookNode, Any]:
        self._deadline = time.monotonic() + self.notebook_timeout
        self.timeout_func = self._seconds_for_a_cell
        self._fatal: set[int] = set()
        self._outputs: dict[int, list[NotebookNode]] = {}
        self._flags: dict[int, list[tuple[str, str]]] = {}
        self._checks = {index: cell.source for index, cell in enumerate(nb.cells) if is_check(cell)}
        self._last = max(self._checks, default=-1)
        self._about = resources.get("nbgrader", {})
        self._watch: Watch | None = None
        while True:
            try:
                nb, resources = super().preprocess(nb, resources, km)
                break
            except tuple(_WHY) as error:
                excess = self._watch.excess if self._watch else ""
                message = f"This cell took {excess}, so it was not run again." if excess else _WHY[type(error)]
                self._fatal.add(self._running)
                self._outputs[self._running] = _fail(nb.cells[self._running], type(error).__name__, message)
        # Last of all, so that nothing that a kernel sent can stand where a verdict does.
        for index, source in self._checks.items():
            cell = nb.cells[index]
            cell.source, cell.execution_count = source, index + 1
            cell.outputs = self._outputs.get(index, [_error("NotRun", "This check was not reached.")])
        self._record(nb)
        return nb, resources

    def create_kernel_manager(self) -> Any:
        self.kernel_manager_class = ConfinedKernelManager
        manager = super().create_kernel_manager()
        folder = self.resources.get("metadata", {}).get("path")
        root = Path(self.config.get("CourseDirectory", {}).get("root") or ".").resolve()
        hidden = [root / name for name in _HIDDEN] + list(root.glob("*.db"))
        self._place = Place(folder, self.memory, self.sandbox, hidden)
        manager.settle(self._place)
        return manager

    @contextlib.contextmanager
    def setup_kernel(self, **kwargs: Any) -> Iterator[None]:
        self._place = None
        try:
            with super().setup_kernel(**kwargs):
                self._process = self.km.process
                self._watch = Watch(self._process, self.memory, self.processes)
                try:
                    yield
                finally:
                    self._watch.stop()
                    end(self._process)
        finally:
            if self._place:
                self._place.close()
            if self._watch:
                leave_group(self._process.pid)

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        if index in self._fatal or index > self._last:
            return cell, resources
        self._running, self._printed, self._displayed = index, 0, 0
        self._flags[index] = []  # a cell may run again
        if time.monotonic() > self._deadline:
            message = "The time for this notebook was over before this cell."
            self._outputs[index] = _fail(cell, "NotebookTimeoutError", message)
            return cell, resources
        self.watch.start()
        if index in self._checks:
            limit = None
            self._outputs[index] = self._judged(index)
        else:
            cell, resources = super().preprocess_cell(cell, resources, index)
            limit = self.timeout
        self._flag_what_it_took(index, limit)
        return cell, resources

    def on_cell_executed(self, **kwargs: Any) -> None:
        super().on_cell_executed(**kwargs)
        payload = kwargs["execute_reply"]["content"].get("payload", [])
        if any(entry["source"] == "ask_exit" for entry in payload):
            # exit() and quit() stop the kernel a moment after the cell: the next one is not to blame.
            raise DeadKernelError("Kernel died")

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        content = msg["content"]
        self._printed += len(content.get("text", "")) if msg["msg_type"] == "stream" else 0
        if msg["msg_type"] not in ("status", "execute_input"):
            self._displayed += len(json.dumps(content, default=str))
            if self._printed > self.max_output or self._displayed > self.max_display:
                return None
        return super().process_message(msg, cell, cell_index)

    @property
    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    @property
    def watch(self) -> Watch:
        assert self._watch is not None
        return self._watch

    def _seconds_for_a_cell(self, cell: NotebookNode) -> int:
        return max(1, int(min(self.timeout or self.seconds_left, self.seconds_left)))

    def _judged(self, index: int) -> list[NotebookNode]:
        """What the check at this place shows: nothing for a right answer, else the error that says what is not."""
        # Not before it is needed: it takes seconds to import, and every command of nbgrader reads this module.
        from nst_utils.grading.judging import verdict

        found = verdict(self._checks[index], self)
        self._flags[index] = found.flags
        return [] if found.right else [_error(found.kind, found.message)]

    def _flag_what_it_took(self, index: int, limit: float | None) -> None:
        seconds, peak = self.watch.seconds, self.watch.peak
        flags = self._flags[index]
        if limit and seconds > self.flag_share * limit:
            flags.append(("time", f"{seconds:.0f} of {limit} seconds"))
        if peak > self.flag_share * self.memory:
            flags.append(("memory", f"{peak / 1e9:.2f} of {self.memory / 1e9:.2f} GB"))

    def _record(self, nb: NotebookNode) -> None:
        notebook = self._about.get("notebook", "")
        found = {}
        for index, cell in enumerate(nb.cells):
            name = cell.metadata.get("nbgrader", {}).get("grade_id", f"cell {index + 1}")
            if index in self._checks:
                found[name] = not cell.outputs
            self.flags.extend(
                {"notebook": notebook, "cell": name, "flag": flag, "detail": detail}
                for flag, detail in self._flags.get(index, [])
            )
        self.verdicts[notebook] = found


class KeepPictures(ClearOutput):
    """Takes away what a submission shows, except the pictures and words of an answer that is graded by hand.

    Only pictures and plain text stay: HTML could do something in the browser of the one who grades.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> tuple[NotebookNode, Any]:
        if cell.cell_type != "code" or not (is_grade(cell) and is_solution(cell)):
            return super().preprocess_cell(cell, resources, cell_index)
        for output in cell.outputs:
            if "data" in output:
                output.data = {kind: value for kind, value in output.data.items() if kind in _HARMLESS}
        return cell, resources


class ForgivingOverwriteCells(OverwriteCells):
    """Puts the checks back as they were handed out, also where a student has copied graded cells.

    What a cell is, and what it is worth, is as the gradebook says, whatever the submission says.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> tuple[NotebookNode, Any]:
        mark = cell.metadata.get("nbgrader")
        kind = self._kinds().get(str(mark.get("grade_id"))) if isinstance(mark, dict) else None
        if mark is not None and kind is None:
            # A copy, or from another notebook: nbgrader would trip over it.
            del cell.metadata["nbgrader"]
        elif kind:
            cell.metadata["nbgrader"] = NotebookNode(kind)
            if is_grade(cell):
                # Tags come from the student, and a check that is skipped would count as passed.
                cell.metadata.pop("tags", None)
        return super().preprocess_cell(cell, resources, cell_index)

    def _kinds(self) -> dict[str, dict[str, Any]]:
        """{name of a cell: all that nbgrader has to know of it}, from the gradebook."""
        notebook = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        graded = {cell.name: cell for cell in (*notebook.grade_cells, *notebook.task_cells)}
        tasks, solutions = ({cell.name for cell in cells} for cells in (notebook.task_cells, notebook.solution_cells))
        kinds = {}
        for source in notebook.source_cells:
            name = source.name
            kinds[name] = {
                "grade_id": name,
                "schema_version": 3,
                "locked": source.locked,
                "checksum": source.checksum,
                "cell_type": source.cell_type,
                "grade": name in graded and name not in tasks,
                "solution": name in solutions,
                "task": name in tasks,
            }
            if name in graded:
                kinds[name]["points"] = graded[name].max_score
        return kinds


def is_check(cell: NotebookNode) -> bool:
    """Whether its points depend on what running it shows: not for what is graded by hand."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell) and not is_task(cell)


def _error(name: str, message: str) -> NotebookNode:
    return new_output("error", ename=name, evalue=message, traceback=[f"{name}: {message}"])


def _fail(cell: NotebookNode, name: str, message: str) -> list[NotebookNode]:
    """The outputs that say so; a cell of code has them."""
    if cell.cell_type == "code":
        cell.outputs = [_error(name, message)]
    return [_error(name, message)]

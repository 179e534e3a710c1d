"""Autograding with nbgrader that gets through whatever a class hands in.

nbgrader's own executor gives up on a submission whose kernel dies or cannot be interrupted: all its points
are lost, those of its other notebooks too. This one costs the author that cell, and grades the rest.
"""

import time

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from nbgrader.preprocessors import ClearOutput, Execute, OverwriteCells
from nbgrader.utils import is_grade, is_solution
from traitlets import Integer

_WHY = {
    DeadKernelError: "This cell ended the Python process, so it was not run again.",
    CellTimeoutError: "This cell did not stop when it was told to, so it was not run again.",
}
_HARMLESS = ("image/png", "image/jpeg", "text/plain")


class EnduringExecute(Execute):
    """Runs a notebook to its last check: where a cell takes the kernel with it, the rest runs again without it.

    What comes after the last check is mostly long runs for their pictures: not run. The open experiment among it is
    graded by hand, from the picture that was handed in (KeepPictures).
    """

    notebook_timeout = Integer(
        900, help="Seconds for a whole notebook; the cells that are not reached have failed.", config=True
    )
    max_output = Integer(1_000_000, help="Characters kept of what a cell prints.", config=True)

    def preprocess(self, nb, resources, km=None):
        self._deadline = time.monotonic() + self.notebook_timeout
        self.timeout_func = self._seconds_for_a_cell
        self._fatal = set()
        checks = [index for index, cell in enumerate(nb.cells) if is_grade(cell) and not is_solution(cell)]
        self._last = checks[-1] if checks else -1
        while True:
            try:
                return super().preprocess(nb, resources, km)
            except tuple(_WHY) as error:
                self._fatal.add(self._running)
                _fail(nb.cells[self._running], type(error).__name__, _WHY[type(error)])

    def preprocess_cell(self, cell, resources, index):
        if index in self._fatal or index > self._last:
            return cell, resources
        self._running, self._printed = index, 0
        if is_grade(cell):
            # Tags come from the student, and a check that is skipped would count as passed.
            cell.metadata.pop("tags", None)
        if time.monotonic() > self._deadline:
            _fail(cell, "NotebookTimeoutError", "The time for this notebook was over before this cell.")
            return cell, resources
        cell, resources = super().preprocess_cell(cell, resources, index)
        if is_grade(cell) and cell.cell_type == "code":
            # A check that fails raises; nbgrader would take a mere warning on standard error for a failure.
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        return cell, resources

    def on_cell_executed(self, **kwargs):
        super().on_cell_executed(**kwargs)
        payload = kwargs["execute_reply"]["content"].get("payload", [])
        if any(entry["source"] == "ask_exit" for entry in payload):
            # exit() and quit() stop the kernel a moment after the cell: the next one is not to blame.
            raise DeadKernelError("Kernel died")

    def output(self, outs, msg, display_id, cell_index):
        self._printed += len(msg["content"].get("text", ""))
        if self._printed <= self.max_output:
            return super().output(outs, msg, display_id, cell_index)

    def _seconds_for_a_cell(self, cell):
        left = self._deadline - time.monotonic()
        return max(1, int(min(self.timeout or left, left)))


class KeepPictures(ClearOutput):
    """Takes away what a submission shows, except the pictures and words of an answer that is graded by hand.

    Only pictures and plain text stay: HTML could do something in the browser of the one who grades.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type != "code" or not (is_grade(cell) and is_solution(cell)):
            return super().preprocess_cell(cell, resources, cell_index)
        for output in cell.outputs:
            if "data" in output:
                output.data = {kind: value for kind, value in output.data.items() if kind in _HARMLESS}
        return cell, resources


class ForgivingOverwriteCells(OverwriteCells):
    """Puts the checks back as they were handed out, also where a student has copied graded cells."""

    def preprocess_cell(self, cell, resources, cell_index):
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if "grade_id" not in cell.metadata.get("nbgrader", {"grade_id"}):
            # A copy, or from another notebook: nbgrader took its name away, and would trip over the rest.
            del cell.metadata["nbgrader"]
        return cell, resources


def _fail(cell, name, message):
    if cell.cell_type == "code":
        cell.outputs = [new_output("error", ename=name, evalue=message, traceback=[f"{name}: {message}"])]

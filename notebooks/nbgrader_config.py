"""nbgrader's settings for this course; `make release` puts this file into the course folder."""

import os

from nbgrader.converters import Autograde
from nbgrader.preprocessors import ClearOutput, Execute, OverwriteCells

from nst_utils.grading.executing import EnduringExecute, ForgivingOverwriteCells, KeepPictures

c = get_config()  # noqa: F821 - nbgrader's loader provides it

root = os.path.dirname(os.path.abspath(__file__))
c.CourseDirectory.course_id = "nst"
c.CourseDirectory.root = root
# Several submissions are graded at once: let one wait while another writes its points.
c.CourseDirectory.db_url = f"sqlite:///{os.path.join(root, 'gradebook.db')}?timeout=120"

replaced = {ClearOutput: KeepPictures, Execute: EnduringExecute, OverwriteCells: ForgivingOverwriteCells}
for steps in ("sanitize_preprocessors", "autograde_preprocessors"):
    c.Autograde[steps] = [replaced.get(step, step) for step in getattr(Autograde(), steps)]
# Once more right before the cells run: a submission's other notebooks have run in the meantime.
c.Autograde.autograde_preprocessors.insert(0, ForgivingOverwriteCells)
# Seconds for one cell, and for a notebook with all its cells.
c.EnduringExecute.timeout = 180
c.EnduringExecute.notebook_timeout = 900
# Bytes of memory for all processes of a submission, and the share of a limit above which a cell is flagged.
c.EnduringExecute.memory = 4_000_000_000
c.EnduringExecute.flag_share = 0.8
c.EnduringExecute.extra_arguments = ["--log-level=40"]
# A check that a student deleted is put back, and so fails or passes like everyone's.
c.OverwriteCells.add_missing_cells = True

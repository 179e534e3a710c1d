"""nbgrader's settings for this course; `make release` puts this file into the course folder."""

import os

from nbgrader.converters import Autograde
from nbgrader.preprocessors import ClearOutput, Execute, OverwriteCells

from nst_utils.course.grading import EnduringExecute, ForgivingOverwriteCells, KeepPictures

c = get_config()  # noqa: F821 - nbgrader's loader provides it

root = os.path.dirname(os.path.abspath(__file__))
c.CourseDirectory.course_id = "nst"
c.CourseDirectory.root = root
# Several submissions are graded at once: let one wait while another writes its points.
c.CourseDirectory.db_url = f"sqlite:///{os.path.join(root, 'gradebook.db')}?timeout=120"

replaced = {ClearOutput: KeepPictures, Execute: EnduringExecute, OverwriteCells: ForgivingOverwriteCells}
for steps in ("sanitize_preprocessors", "autograde_preprocessors"):
    c.Autograde[steps] = [replaced.get(step, step) for step in getattr(Autograde(), steps)]
# Seconds for one cell, and for a notebook with all its cells.
c.EnduringExecute.timeout = 180
c.EnduringExecute.notebook_timeout = 900
c.EnduringExecute.extra_arguments = ["--log-level=40"]
# A check that a student deleted is put back, and so fails or passes like everyone's.
c.OverwriteCells.add_missing_cells = True

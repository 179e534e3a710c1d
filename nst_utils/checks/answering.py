"""What a grading run calls in the kernel of a submission: it tells what the student's function does.

The grader asks from its own process and believes nothing but the values, see `student`: code in the kernel that
changes what is here changes what is claimed about its own answer.
"""

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from nst_utils import checks  # noqa: F401 - whose collectors are asked for
from nst_utils.base.tensorflow import tf
from nst_utils.checks import wire
from nst_utils.checks.collecting import files_of, reply, silence, student_line
from nst_utils.checks.limits import limited

_PACKAGE = str(Path(__file__).parents[1])
# Where the formulas are, and what paints with them.
_OURS = tuple(f"{_PACKAGE}/{place}" for place in ("engine/", "network/", "course/graph.py"))


def answer(request: str, name: str, seconds: float) -> str:
    """In base64, a line with the names of our functions that the notebook's function of this name calls, and the reply.

    request: of a Student, in base64. Where the function does not come to an end, the reply says how far it came.
    """
    borrowed: set[str] = set()
    text = _reply_within(base64.b64decode(request).decode(), name, seconds, borrowed)
    return base64.b64encode(f"{','.join(sorted(borrowed))}\n{text}".encode()).decode()


def _reply_within(request: str, name: str, seconds: float, borrowed: set[str]) -> str:
    scope = sys.modules["__main__"].__dict__
    if name not in scope:
        return wire.encode({"missing": True})
    function, eager = scope[name], tf.executing_eagerly()

    def work() -> str:
        sys.setprofile(_noticing(borrowed))
        try:
            return reply(request, function, eager)
        finally:
            sys.setprofile(None)

    with silence():
        finished, value = limited(work, seconds)
    return value if finished else wire.encode({"late": student_line(value, files_of(function))})


def _noticing(borrowed: set[str]) -> Callable[[FrameType, str, Any], object]:
    """For sys.setprofile: keeps the names of our functions that are called by code which is not ours."""

    def look(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(_OURS) and code.co_name.isidentifier():
            caller = frame.f_back.f_code.co_filename if frame.f_back else ""
            if not caller.startswith(_PACKAGE) or caller.endswith("checks/collecting.py"):
                borrowed.add(code.co_name)

    return look

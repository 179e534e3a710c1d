"""The judge: whatever the student's code does, a crash, an exit or an endless loop, a Result comes out."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nst_utils.base.tensorflow import tf
from nst_utils.checks.collecting import files_of, silence, student_line
from nst_utils.checks.limits import TimeUp, limited
from nst_utils.checks.result import Result, Wrong
from nst_utils.checks.student import Failed, Student, in_place

# {name: Exercise} of every exercise there is: what a grading run may be asked for.
EXERCISES: dict[str, "Exercise"] = {}


@dataclass(frozen=True)
class Exercise:
    """How one exercise is called, judged and explained. To make one is to register it, for the grading too."""

    # As the student should write it: "gram_matrix(A)".
    call: str
    # (the Student, whether the program is in eager mode): returns for a right answer, else raises Wrong. It chooses the
    # inputs, asks the collectors, and compares; whatever must run beside the student's function is a collector.
    probe: Callable[[Student, bool | None], object]
    # Why it matters, said to a right answer.
    praise: str
    # From a nudge to just short of the answer.
    hints: tuple[str, ...]
    # What an error betrays: a pattern in its text, and the mistake.
    crashes: dict[str, str] = field(default_factory=dict)
    # Exercises whose functions this one calls; where the student has none of that name, ours is there.
    helpers: tuple["Exercise", ...] = ()

    def __post_init__(self) -> None:
        EXERCISES[self.name] = self

    @property
    def name(self) -> str:
        return self.call.partition("(")[0]

    @property
    def argument_counts(self) -> tuple[int, int]:
        """How many arguments it is called with: all, and those without a default."""
        arguments = self.call.partition("(")[2].split(",")
        return len(arguments), sum("=" not in argument for argument in arguments)


def check(exercise: Exercise, function: Callable[..., Any], seconds: float) -> Result:
    """The Result of an exercise for a function of this process, within so many seconds."""
    # A graph that the caller opened is this thread's own; a new thread starts in the mode of the process.
    eager = tf.executing_eagerly()
    with silence():
        finished, value = limited(lambda: judge(exercise, in_place(function, eager), eager), seconds)
    return value if finished else too_late(exercise, seconds, student_line(value, files_of(function)))


def too_late(exercise: Exercise, seconds: float, where: str = "") -> Result:
    """The Result for a function that was still running."""
    message = (
        f"Your function did not come to an end within {seconds:g} seconds{where}: does a loop never stop?"
    )
    return Result(exercise.name, "wrong", message, exercise.hints)


def judge(exercise: Exercise, student: Student, eager: bool | None = None) -> Result:
    """The Result; where the mistake is in another exercise's function that this one calls, it says so.

    eager: the mode in which formulas are judged; None is that of the program that the student's function is in. A
    process may claim anything of a function: whatever cannot be read or judged is wrong.
    """
    try:
        return _judge(exercise, student, eager)
    except Exception as error:
        return Result(exercise.name, "wrong", _unlike_any(error), exercise.hints)


def _unlike_any(error: Exception) -> str:
    return f"What came of your function cannot be judged ({type(error).__name__}): it is unlike any answer."


def _judge(exercise: Exercise, student: Student, eager: bool | None) -> Result:
    result = _judge_alone(exercise, student, eager)
    if result.outcome == "correct" or not _can_be_changed(student):
        return result
    if result.outcome == "wrong" and (fault := _global_for_an_argument(exercise, student, eager)):
        return Result(exercise.name, "wrong", fault, exercise.hints)
    if student.facts["empty"]:
        return result
    for helper in exercise.helpers:
        if helper.name not in student.facts["functions"]:
            continue
        found = _judge(helper, student.changed("helper", helper.name), eager)
        if found.outcome == "correct":
            continue
        alone = _judge_alone(exercise, student.changed("ours", helper.name), eager)
        if alone.outcome == "correct":
            fault = "is not written yet" if found.outcome == "not attempted" else "is not right"
            blame = f"`{exercise.name}` itself is right, but `{helper.name}`, which it calls, {fault}"
            return Result(exercise.name, found.outcome, f"{blame}: {found.message}", helper.hints)
        message = f"{alone.message} `{helper.name}`, which it calls, needs a look too."
        return Result(exercise.name, alone.outcome, message, exercise.hints)
    return result


def _can_be_changed(student: Student) -> bool:
    return student.facts["callable"] and student.facts["plain"]


def _global_for_an_argument(exercise: Exercise, student: Student, eager: bool | None) -> str:
    """What to say where the answer would be right, were it not for a name of the notebook in an argument's place."""
    for name in student.facts["data"][:20]:
        for argument in student.facts["parameters"][:10]:
            if _judge_alone(exercise, student.changed("argument", name, argument), eager).outcome == "correct":
                return (
                    f"`{name}` is a name of your notebook, which has the same value whatever the function is called "
                    f"with: use the argument `{argument}`."
                )
    return ""


def _judge_alone(exercise: Exercise, student: Student, eager: bool | None) -> Result:
    outcome = "wrong"
    try:
        facts = student.facts
        if not facts["callable"]:
            raise Wrong(
                f"This is not a function but an object of type `{facts['type']}`: pass the "
                f"function itself, without calling it, `checks.{exercise.name}({exercise.name})`."
            )
        if facts["empty"]:
            message = "Nothing is computed yet: write the body of the function."
            return Result(exercise.name, "not attempted", message, exercise.hints)
        _check_signature(exercise, facts)
        exercise.probe(student.changed("provided", *(helper.name for helper in exercise.helpers)), eager)
        return Result(exercise.name, "correct", exercise.praise)
    except TimeUp:
        raise
    except Wrong as wrong:
        message = str(wrong)
    except Failed as failed:
        if failed.untouched:
            outcome = "not attempted"
            message = f"`{failed.untouched}` still raises NotImplementedError: replace that line by your code."
        else:
            known = exercise.crashes | _CRASHES
            named = next((why for sign, why in known.items() if re.search(sign, failed.text)), "")
            message = f"Your function stopped with {failed}. {named}".strip()
    except Exception as error:
        message = _unlike_any(error)
    return Result(exercise.name, outcome, message, exercise.hints)


def _check_signature(exercise: Exercise, facts: dict[str, Any]) -> None:
    if facts["takes"] is not None and not set(exercise.argument_counts) <= set(facts["takes"]):
        raise Wrong(
            f"The arguments do not fit: the function is called as `{exercise.call}`, and yours takes "
            f"`{facts['signature']}`."
        )


# What an error in any exercise betrays.
_CRASHES = {
    r"'numpy.ndarray' object has no attribute '(get_shape|set_shape|op)'": (
        "You read the dimensions from an array: what `sess.run` returns is a NumPy array and has no "
        "`get_shape()`. Read them from the tensor `a_G`, or with `.shape`, which both have."
    ),
    r"Cannot convert a symbolic|__array__|symbolic tf.Tensor": (
        "NumPy and Python functions cannot compute with a tensor of the graph, which has no value yet: use "
        "the function of that name in `tf`."
    ),
    r"has no attribute 'numpy'|numpy\(\) is only available": (
        "`.numpy()` gives a value and needs eager mode; in a graph, stay with tensors."
    ),
    r"has no attribute 'assign'": "Only a variable can be assigned to, and this is a tensor or an array.",
    r"FailedPrecondition|uninitialized|Resource \S+ does not exist|Could not find (variable|resource)": (
        "A variable was never initialised: run `tf.global_variables_initializer()` first, after the last of them is "
        "made (an optimiser makes some of its own)."
    ),
    r"not an element of this graph|from the same graph|from the passed-in graph|Session graph is empty": (
        "It uses a tensor or a session of your notebook, not the one that it is given."
    ),
    r"Can not convert an? (ndarray|float\d*|int\d*|list|NoneType|DType) into a Tensor": (
        "A session runs tensors and operations, and this is a value: is a name such as `model['input']` overwritten?"
    ),
    "Shape mismatch": "What is assigned has another shape than the picture, which is (1, height, width, 3).",
    r"that does not match type|Incompatible type|cannot compute \w+ as input": (
        "TensorFlow does not mix whole numbers and floats: convert them with `tf.cast(..., tf.float32)`, or "
        "put the tensor first."
    ),
}

"""The exercises of the graph edition that optimise the picture: the train step, and the loop that runs it."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import MagicMock

import numpy as np

from nst_utils.base.tensorflow import tf
from nst_utils.base.types import Array, Tensor
from nst_utils.checks.collecting import collector, graph, is_tensor, rebind, unrun
from nst_utils.checks.comparing import RANDOM, close, ratio_of, refuse_nothing, show, value_of
from nst_utils.checks.result import Wrong
from nst_utils.checks.student import Student, in_place, locals_used
from nst_utils.checks.watching import Account, Run, WatchedSession, refuse_clash, refuse_idle, relation
from nst_utils.engine import costs

# --- build_train_step -------------------------------------------------------------------------------------

_LEARNING_RATE = 2.0
# The settings of Adam, and where its operation has them.
_ADAM = {"learning rate": (5, 2.0), "beta1": (6, 0.9), "beta2": (7, 0.999), "epsilon": (8, 1e-8)}
# Where the operations of other optimisers have the learning rate.
_RATES = {"GradientDescent": 1, "Momentum": 2, "Adagrad": 2, "RMSProp": 3, "Ftrl": 4, "Adadelta": 3}


def build_train_step(student: Student, _: object) -> None:
    """Return for a right build_train_step, else raise Wrong: its path is compared with Adam's."""
    targets = [RANDOM.uniform(20, 90, (1, 3, 5, 7)) * RANDOM.choice((-1, 1), (1, 3, 5, 7)) for _ in range(2)]
    problems = list(zip(targets, (1.0, 40.0), strict=True))
    (path, seen), *others = [_path(student, *problem) for problem in problems]
    paths = [path, *(path for path, _ in others)]
    adam = [_path(in_place(_adam), *problem)[0] for problem in problems]
    if all(close(path, right) for path, right in zip(paths, adam, strict=True)):
        return
    first = [path[1] - path[0] for path in paths]
    if not any(step.any() for step in first):
        raise Wrong(
            "Running what you return changes nothing: `minimize(J)` gives the operation that moves the "
            "picture, while `compute_gradients` only computes."
        )
    rate = np.abs(first[0]).mean()
    # The gradient at the start is -2 weight target; Adam's first step is the learning rate, against its sign.
    up = [np.mean(np.sign(step) == -np.sign(target)) > 0.9 for step, target in zip(first, targets, strict=True)]
    named = " ".join([*_optimizer_faults(seen), *(["You maximise the cost: minimise J, not -J."] if all(up) else [])])
    if not named and ratio_of(first[0], adam[0][1]) is None:
        named = "The picture is not moved along the gradient of J: minimise J itself."
    elif not named:
        named = _further_faults(paths, adam, seen)
    raise Wrong(
        f"{named} Expected a first step of {_LEARNING_RATE} for every pixel; yours is {rate:.4g} on average."
    )


def _further_faults(paths: Any, adam: Any, seen: Sequence[Any]) -> str:
    if len(seen) > 1:
        return f"Your operation takes {len(seen)} steps of an optimiser at once; it should take one."
    if not seen:
        return "This is not Adam as it comes: use `tf.train.AdamOptimizer`."
    return "The optimiser is right, but it does not minimise J itself: something is made of J or of its gradient first."


def _optimizer_faults(seen: Sequence[Any]) -> list[str]:
    """What is wrong with the optimisers' operations that were seen: pairs of a type and its settings."""
    for kind, settings in seen:
        if kind != "Adam":
            names = {"GradientDescent": "gradient descent", "Momentum": "gradient descent with momentum"}
            rate = f", with the learning rate {settings['learning rate']:.4g}" if "learning rate" in settings else ""
            return [f"This is {names.get(kind, kind)}{rate}; use Adam."]
        faults = []
        for name, (_, right) in _ADAM.items():
            if not np.isclose(settings[name], right, rtol=1e-4):
                if name == "learning rate":
                    faults.append(f"Adam has the learning rate {settings[name]:.4g}; the exercise asks for {right}.")
                else:
                    faults.append(f"Adam's {name} is {settings[name]:.4g}; leave it as it comes, {right:g}.")
        if faults:
            return faults
    return []


def _adam(J: Tensor) -> Any:
    return tf.compat.v1.train.AdamOptimizer(_LEARNING_RATE).minimize(J)


def _path(student: Student, target: Array, weight: float) -> tuple[Array, list[Any]]:
    """A variable's values, (5, ...), from zeros on through four steps of the student's; the optimisers' operations."""
    told = student.ask("run_train_steps", target=target, weight=weight)
    kind = str(told.get("type"))[:80]
    refuse_nothing(told)
    if told.get("optimizer"):
        raise Wrong("You return the optimiser: return the operation that its `minimize(J)` gives.")
    if told.get("keras"):
        raise Wrong(
            f"You return an object of Keras, `{kind}`. A Keras optimiser is made for TensorFlow 2: "
            "use `tf.train.AdamOptimizer`, and return the operation that its `minimize(J)` gives."
        )
    if "path" not in told:
        raise Wrong(
            f"You return an object of type `{kind}`, which a session cannot run: "
            "return the operation that `minimize(J)` gives."
        )
    if told["path"].shape != (5, *target.shape):
        raise Wrong("The picture has another shape after the steps.")
    return told["path"].astype(np.float64), told["seen"]


@collector
def run_train_steps(function: Any, target: Array, weight: Array) -> dict[str, Any]:
    """{"path", "seen"} as _path gives them, for J = sum(weight (x - target)^2), or the type of what came instead."""
    with graph() as session:
        x = tf.compat.v1.Variable(tf.zeros(target.shape), name="input")
        J = tf.reduce_sum(weight * tf.square(x - target))
        step = rebind(function, {"model": {"input": x}, "sess": session})(J)
        told = {
            "type": type(step).__name__,
            "optimizer": hasattr(step, "minimize"),
            "keras": type(step).__module__.startswith("keras"),
        }
        if step is None or told["optimizer"] or told["keras"]:
            return told
        session.run(tf.compat.v1.global_variables_initializer())
        values = [session.run(x)]
        for _ in range(4):
            try:
                session.run(step)
            except (TypeError, ValueError):
                return told
            values.append(session.run(x))
        seen = []
        for operation in session.graph.get_operations():
            if operation.type.startswith("ResourceApply"):
                kind = operation.type.removeprefix("ResourceApply")
                places: dict[str, int | None] = {name: place for name, (place, _) in _ADAM.items()}
                if kind != "Adam":
                    places = {"learning rate": _RATES.get(kind)}
                settings = {n: float(session.run(operation.inputs[p])) for n, p in places.items() if p}
                seen.append((kind, settings))
        return told | {"path": np.array(values), "seen": seen}


# --- model_nn ---------------------------------------------------------------------------------------------

# What a model_nn may do beside its work, and a check must not: show and save.
_SIDE_EFFECTS = ("save_image", "write_image", "imshow", "plt", "display", "clear_output", "view")
_COSTS = ("J", "J_content", "J_style")
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:[eE][-+]?\d{1,3})?")
# So many reported numbers are looked at.
_MOST_TOLD = 3000


@dataclass(frozen=True)
class _Run:
    """What a model_nn was asked for, what it returned, and what was seen of it."""

    iterations: int
    image: Array
    direction: Array
    result: dict[str, Any]
    runs: Account
    # What it told: pairs of a number and what it may be off by, and the names of tensors in the place of numbers.
    told: list[Any]
    tensors: tuple[str, ...]

    @property
    def costs(self) -> dict[str, float]:
        """The costs of the picture in the end."""
        return _costs_of(next((run.after for run in reversed(self.runs) if run.after is not None), 0 * self.image))

    @property
    def steps(self) -> list[int]:
        """How many train_steps each of the runs took."""
        return [self._steps_of(run) for run in self.runs]

    def _steps_of(self, run: Run) -> int:
        if run.before is None or run.after is None:
            return 0
        moves = (run.after - run.before) / self.direction
        count = round(float(np.median(moves)))
        if count > 0 and np.abs(moves - count).max() < 0.02:
            return count
        return int(run.raced and "`train_step`" in run.fetched)

    def at(self, steps: Any) -> Array:
        return self.image + np.float64(steps) * self.direction

    def numbers(self, put: str) -> list[int]:
        """The numbers of the runs that put this picture there, "image" or "zeros"."""
        wanted = self.image if put == "image" else 0 * self.image
        return [
            number
            for number, run in enumerate(self.runs)
            if run.after is not None
            and np.array_equal(run.after, wanted)
            and (put == "image" or (run.before is not None and run.before.any()))
            and any("assign" in words or "init" in words or "change" in words for words in run.fetched)
        ]


def _costs_of(picture: Any) -> dict[str, float]:
    """{name: cost} of a picture in the graph that model_nn is given."""
    picture = np.float64(picture)
    J_content, J_style = np.mean(np.square(picture - 9)), np.mean(np.square(picture))
    return {"J": costs.total_cost(J_content, J_style), "J_content": J_content, "J_style": J_style}


def model_nn(student: Student, _: object) -> None:
    """Return for a right model_nn, else raise Wrong: three runs, the last with the default of iterations."""
    runs = [_run_model_nn(student, *given) for given in ((3,), (8,), ())]
    for run in runs:
        fault = _fault_of_run(run, runs, student)
        if fault:
            # The account of the shortest run that shows the mistake.
            raise Wrong(f"{fault} For num_iterations = {run.iterations}: {run.runs}")
    fault = _fault_of_report(runs)
    if fault:
        raise Wrong(f"{fault} For num_iterations = {runs[0].iterations}: {runs[0].runs}")


def _run_model_nn(student: Student, *given: int) -> _Run:
    shape = (1, 5, 7, 3)
    image = RANDOM.uniform(-120, 120, shape).astype(np.float32)
    # Every step is the same move, so that the steps in a picture can be counted.
    direction = RANDOM.uniform(0.5, 1.5, shape).astype(np.float32)
    seen = student.ask("run_model_nn", image=image, direction=direction, given=given)
    account = Account(seen["runs"])
    refuse_nothing(seen["result"])
    refuse_idle(account)
    refuse_clash(account)
    if seen["result"].get("tensor"):
        raise Wrong(
            "You return the tensor, not the picture: `sess.run(model['input'])` computes its value. "
            f"{account}"
        )
    tensors = tuple(str(name)[:80] for name in seen["tensors"])
    told = [(float(number), float(off)) for number, off in seen["told"]]
    return _Run(given[0] if given else 200, image, direction, seen["result"], account, told, tensors)


@collector
def run_model_nn(function: Any, image: Array, direction: Array, given: Sequence[int]) -> dict[str, Any]:
    """What model_nn(sess, image, *given) returns and runs, and what it reports, where a train_step adds `direction`."""
    with graph(WatchedSession) as session:
        picture = tf.compat.v1.Variable(tf.zeros(image.shape), name="input")
        J_content, J_style = tf.reduce_mean(tf.square(picture - 9.0)), tf.reduce_mean(tf.square(picture))
        # Like Adam, it has a variable of its own, which must be initialised.
        slot = tf.compat.v1.Variable(0.0, name="Adam")
        layer = tf.nn.relu(picture)
        namespace = {
            "sess": session,
            "model": {"input": picture, "conv4_2": layer},
            "train_step": tf.group(picture.assign_add(direction), slot.assign_add(1.0)),
            "J": costs.total_cost(J_content, J_style),
            "J_content": J_content,
            "J_style": J_style,
            "a_G": layer,
        }
        scope = getattr(function, "__globals__", {})
        mocks = {name: MagicMock() for name in _SIDE_EFFECTS if name in scope or name == "view"}
        names = {f"`{name}`": namespace[name] for name in ("train_step", *_COSTS)}
        session.watch(picture, {**names, "`model['input']`": picture, "`model['conv4_2']`": layer})
        rebound, printed = rebind(function, {**namespace, **mocks}), io.StringIO()
        written: list[Any] = []
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            scope = getattr(rebound, "__globals__", {})
            if scope:
                scope["print"] = _recording_print(written)
            sizes = _sizes(scope)
            result = rebound(session, image.copy(), *given)
        calls = [call_ for mock in mocks.values() for call_ in mock.mock_calls]
        handed = [thing for _, given_, named in calls for thing in (*given_, *named.values())] + written
        collected = [value for name, value in scope.items() if name in sizes and _size_of(value) != sizes[name]]
        return {
            "result": unrun(result),
            "runs": session.told(),
            "told": _numbers_told([*handed, *collected, printed.getvalue()])[:_MOST_TOLD],
            "tensors": _tensors_told(handed, names),
        }


def _recording_print(written: list[Any]) -> Callable[..., None]:
    return lambda *values, **options: written.extend(values)


def _sizes(scope: Mapping[str, Any]) -> dict[str, int]:
    return {name: size for name, value in scope.items() if (size := _size_of(value)) is not None}


def _size_of(value: Any) -> int | None:
    return len(value) if type(value) in (list, dict, set) else None


def _numbers_told(things: Any) -> list[Any]:
    """The numbers in what was reported, each with what it may be off by because it was rounded for a text."""
    found = []
    for thing in things:
        if isinstance(thing, str):
            for number in _NUMBER.findall(thing)[:_MOST_TOLD]:
                mantissa, _, exponent = number.lower().partition("e")
                off = 0.51 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
                found.append((float(number), off))
        elif isinstance(thing, dict):
            found += _numbers_told(thing.values())
        elif isinstance(thing, list | tuple | set):
            found += _numbers_told(thing)
        elif isinstance(thing, int | float | np.generic | np.ndarray) and np.size(thing) == 1:
            with contextlib.suppress(TypeError, ValueError):
                found.append((float(np.asarray(thing).item()), 0.0))
    return found


def _tensors_told(things: Any, names: Any) -> tuple[str, ...]:
    """The names of the tensors among what was reported, also in a text."""
    known = {element: words for words, element in names.items() if is_tensor(element)}
    found = []
    for thing in things:
        if is_tensor(thing):
            found += [words for element, words in known.items() if element is thing] or ["a tensor"]
        elif isinstance(thing, str) and "Tensor(" in thing:
            found.append("a tensor")
        elif isinstance(thing, list | tuple):
            found += _tensors_told(thing, names)
        elif isinstance(thing, dict):
            found += _tensors_told(list(thing.values()), names)
    return tuple(dict.fromkeys(found))


def _fault_of_report(runs: Sequence[_Run]) -> str:
    """The mistake in how the costs are reported; "" where there is none."""
    tensors = runs[-1].tensors or runs[0].tensors
    if tensors:
        return (
            f"You report a tensor, which has no value, in the place of a number: {', '.join(tensors)}. Run the costs "
            "in the session, and report what it returns."
        )
    read = any(f"`{name}`" in each.fetched for each in runs[-1].runs for name in _COSTS)
    if not read:
        return (
            "The picture is right, but the costs are never read, so they cannot be reported: every 20 iterations run "
            "`J`, `J_content` and `J_style` in the session."
        )
    if not _is_reported(runs[-1]):
        return (
            "The picture is right, and the costs are read, but never reported: hand them to `view.update(...)` every "
            "20 iterations."
        )
    return ""


def _is_reported(run: Any) -> bool:
    """Whether one of the numbers told is a cost of a picture on the way, as computed here."""
    on_the_way = np.array([list(_costs_of(run.at(steps)).values()) for steps in range(run.iterations + 1)])
    return any(np.any(np.abs(on_the_way - number) <= off + 1e-3 * np.abs(on_the_way)) for number, off in run.told)


def _fault_of_run(run: Any, runs: Sequence[_Run], student: Student) -> str:
    """The mistake in a run of model_nn; "" where there is none."""
    steps, images, emptied = run.steps, run.numbers("image"), run.numbers("zeros")
    first_step = next((number for number, count in enumerate(steps) if count), None)
    if not images:
        return _fault_without_image(run, steps)
    if first_step is None:
        built = any("`train_step`" in each.fetched for each in run.runs)
        if not built:
            return (
                "The train_step was never run: `sess.run(train_step)` belongs in every iteration, and no `return` "
                "before."
            )
    late = [number for number in emptied if number > images[0]]
    if late:
        after_step = first_step is not None and any(number > first_step for number in late[:1])
        if len(late) > 1 or after_step:
            return (
                f"The variables were initialised after the `assign`, {len(late)} times, each of which empties the "
                "picture: initialise once, before the loop and before the `assign`."
            )
        return "The variables were initialised after the `assign`, which emptied the picture: initialise first."
    if first_step is not None and first_step < images[0]:
        if len(images) > 1 and sum(steps) == run.iterations:
            return (
                f"The `assign` was run {len(images)} times, after a train_step: it is inside the loop, so that every "
                "iteration starts from `input_image` again."
            )
        return "A train_step was run before the `assign`, which then put `input_image` over what it had done."
    again = [number for number in images if first_step is not None and number > first_step]
    if again:
        if any(steps[again[0] :]):
            return (
                f"The `assign` was run {len(images)} times, also after a train_step: it is inside the loop, so that "
                "every iteration starts from `input_image` again."
            )
        if not _returns(run, run.iterations):
            return "The `assign` was run again after the last train_step, which put `input_image` back."
    count = sum(steps)
    if count != run.iterations:
        return _fault_of_count(run, runs, student)
    return _fault_of_result(run)


def _returns(run: Any, steps: Any) -> bool:
    try:
        return close(value_of(run.result), run.at(steps))
    except Wrong:
        return False


def _fault_without_image(run: Any, steps: Any) -> str:
    """What is to say where the picture was never input_image."""
    others = [
        each for each, count in zip(run.runs, steps, strict=True)
        if each.after is not None and not count
        and any("assign" in words or "change" in words for words in each.fetched)
    ]
    if others and any("`assign`" in each.fetched for each in others):
        after = others[0].after
        made = "an empty picture, all zeros" if not after.any() else relation(after, run.image).format("`input_image`")
        return (
            f"What is assigned to `model['input']` is not `input_image` as it is, but {made or 'something else'}."
        )
    return (
        "The `assign` was never run, so the optimisation does not start from `input_image`: run "
        "`model['input'].assign(input_image)` in the session."
    )


def _fault_of_count(run: Any, runs: Sequence[_Run], student: Student) -> str:
    """What is to say where the number of steps is not the number of iterations."""
    counts = {each.iterations: sum(each.steps) for each in runs}
    count, expected = counts[run.iterations], run.iterations
    listed = ", ".join(f"{count} for {iterations}" for iterations, count in counts.items())
    if len(set(counts.values())) == 1:
        if count == 1 and "num_iterations" in locals_used(student):
            return (
                "Whatever num_iterations, the train_step ran once: does it stand outside of the loop, or does a "
                "`return` or a `break` end the loop early?"
            )
        if "num_iterations" in locals_used(student):
            return (
                f"Whatever num_iterations, the train_step ran {count} times: does a `return` or a `break` end the loop "
                "early, or is `num_iterations` used for something else?"
            )
        return f"`num_iterations` is ignored: whatever its value, the train_step ran {count} times."
    if all(c - n == count - expected for n, c in counts.items()) and abs(count - expected) == 1:
        few_or_many = "few" if count < expected else "many"
        return f"One iteration too {few_or_many}: with num_iterations = {expected}, {count} steps were taken."
    if all(c == 2 * n for n, c in counts.items()):
        return "The train_step runs twice in each iteration."
    if all(c == -(-n // 20) for n, c in counts.items()) or all(c == n // 20 for n, c in counts.items()):
        return "The train_step runs only where the costs are reported: move it out of the `if`."
    if all(c == n - -(-n // 20) for n, c in counts.items()):
        return "The train_step runs only where the costs are not reported: it belongs in every iteration."
    if all(c == n + -(-n // 20) for n, c in counts.items()):
        return "The train_step runs once more where the costs are reported: run it once in each iteration."
    if counts[3] == 3 and counts[8] == 8 and len(runs) == 3 and expected == 200:
        return (
            f"For num_iterations = 200 (the default), the train_step ran {count} times: is the default 200, as given?"
        )
    return f"The train_step did not run num_iterations times: it ran {listed}."


def _fault_of_result(run: Any) -> str:
    """What is to say of what was returned, after the right steps; "" where it is right."""
    result = run.result
    if "length" in result:
        for position, element in enumerate(result["items"]):
            if element.get("tensor"):
                return "You return tensors, not the picture: `sess.run(model['input'])` computes its value."
            if np.shape(element.get("array")) == run.image.shape:
                return (
                    f"You return a {result['type']} of {result['length']}, the picture at place {position}: return the "
                    "picture alone."
                )
        numbers = [element.get("array", np.zeros(0)) for element in result["items"]]
        costs_only = all(any(close(one, np.float64(J)) for J in run.costs.values()) for one in numbers)
        what = "the costs" if costs_only else f"{result['length']} things"
        return f"You return {what}: return the picture, `sess.run(model['input'])`."
    got = value_of(result)
    final = next(each.after for each in reversed(run.runs) if each.after is not None)
    expected = run.at(run.iterations)
    if close(got, expected):
        return ""
    raced = [each for each in run.runs if each.raced and "`model['input']`" in each.fetched]
    steps_after = {round_: run.at(round_) for round_ in range(run.iterations)}
    early = next((number for number, picture in steps_after.items() if close(got, picture)), None)
    if early == 0 and not any(close(value, got) for each in run.runs for value in [each.before] if value is not None
                              and "`model['input']`" in each.fetched):
        return "You return `input_image` as it came: return what `model['input']` holds after the last step."
    if early is not None and raced and close(got, raced[-1].before):
        return (
            "The picture is read in the same `sess.run` as the `train_step`, and TensorFlow does not promise which "
            "comes first: it may be from before the last step. Read `model['input']` in a run of its own after it."
        )
    if early == run.iterations - 1:
        return "You return the picture from before the last step: read `model['input']` after the train_step."
    if early is not None:
        return (
            f"You return the picture after step {early} of {run.iterations}, such as the last that was reported: read "
            "`model['input']` once more after the loop."
        )
    if got.size == 1:
        cost = next((name for name, value in run.costs.items() if close(got, np.float64(value))), "")
        return f"You return one number{f', `{cost}`' if cost else ''}: return the picture, `sess.run(model['input'])`."
    if any("`model['conv4_2']`" in each.fetched for each in run.runs) and close(got, np.maximum(expected, 0)):
        return "You return activations (`conv4_2`), not the picture: read `model['input']`."
    made = relation(got, expected)
    if made:
        return f"You return {made.format('the picture after the last step')}: return it as it is."
    if got.shape == (len(_COSTS),):
        return "You return the costs: return the picture, `sess.run(model['input'])`."
    return (
        f"Expected what `model['input']` holds after the last step, {show(final)}; yours returns {show(got)}."
    )

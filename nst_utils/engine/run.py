"""A run: the phases from coarse to fine, and the state that goes through them, one step at a time.

L-BFGS starts from the content recoloured to the style, at a fraction of the size, and looks first at the shallow
layers, which hold nearly all of the cost there and a fraction of the work; then it doubles the size; the last steps
see every layer at the full size. Adam and Adagrad are the plain loops of the course.
"""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.files import read_arrays, write_arrays
from nst_utils.base.tensorflow import computing, resolve_precision, tf
from nst_utils.engine.canvas import Canvas, LuminanceCanvas
from nst_utils.engine.inputs import Inputs
from nst_utils.engine.matching import GRID, Match, matcher_of, spots_of
from nst_utils.engine.memory import SMALLEST_TILE, plan_memory
from nst_utils.engine.objective import Costs, Objective, evaluator_of
from nst_utils.engine.optimizers import Adagrad, Adam, Evaluation, Lbfgs
from nst_utils.engine.starts import plain_start
from nst_utils.engine.styles import recolored_detail, regions_at
from nst_utils.network.weights import file_stamp
from nst_utils.pictures.colors import Moments, grey, match_luminance, recolor
from nst_utils.pictures.sizes import enlarge, resize

# A coarse level of fewer pixels on its shorter side than this costs more steps later than it saves.
COARSEST_SIDE = 64
# Steps of each phase, chosen by the fall of the cost per second (benchmarks/time_to_quality.py).
COARSE_STEPS, SHALLOW_STEPS = 10, 10
# Of the quality quick, which looks at the shallow layers alone.
QUICK_COARSE_STEPS = 3
# The same for the method neighbours, chosen by two figures of how a picture looks (benchmarks/look.py): the coarsest
# side, the pixels of a large level, and (steps, all_layers, share, style_weight) of each phase of a coarse one.
COARSEST_SIDE_OF_NEIGHBOURS, LARGE_LEVEL = 38, 17_000 * 16
MATCHING = ((12, False, 0.0, 0.03), (12, False, 0.5, 0.03))
MATCHING_IN_LARGE = ((12, False, 0.5, 0.03),)
# Grey levels by which the first step changes the picture, on the first level and after each doubling.
FIRST_STEP, NEXT_FIRST_STEP = 8.0, 2.5


@dataclass(frozen=True)
class Step:
    """One step of the optimisation: where it stands and what the picture costs.

    Costs are those of the picture clipped to 0-255; where `exact` is False, only the shallow layers have been
    looked at, and the deeper ones, known to weigh little, are missing from the sums. `seconds` counts the time that
    the run itself has computed.
    """

    iteration: int
    planned: int
    width: int
    height: int
    seconds: float
    total: float
    content: float
    style: float
    variation: float
    exact: bool
    _picture: np.ndarray = field(repr=False)

    @property
    def pixels(self):
        """The picture of this step, float32 (height, width, 3), not clipped: a copy, to do with as one likes."""
        return self._picture.copy()

    @property
    def image(self):
        """The picture of this step, uint8 (height, width, 3)."""
        return to_uint8(self._picture)

    def without_picture(self):
        """The step to keep in a list, without the memory of its picture."""
        return replace(self, _picture=None)


@dataclass(frozen=True)
class Phase:
    """So many steps at one size.

    all_layers: whether they look at all that J is made of, or, to be quicker, only at what matters most there.
    share, style_weight: of the method neighbours: how much of the picture's own vectors is in what it looks for when
    the phase begins, None to keep what was found; and the weight of J_style.
    """

    size: tuple
    steps: int
    all_layers: bool
    share: float | None = None
    style_weight: float | None = None


@dataclass(frozen=True)
class State:
    """Where a run stands: with the pictures and the settings, all that decides how it goes on.

    phase: number of the phase that `now` belongs to, -1 before the first step. count: steps made in it. over: whether
    the next step begins the next phase. iteration: steps made in all. now: the Evaluation of the present picture,
    with its gradient. memory: what the optimiser remembers. deepest: the layer that shallow phases look down to.
    chosen, below: of the method neighbours, what was found for this size and for the one before it. seconds: time
    computed so far. stopped: why the run is at its end, or None.

    A state is never changed: keep it, hand it to another thread, or write it down and read it back. It needs no
    generator of random numbers, because a start from noise is drawn in one go from the seed.
    """

    phase: int = -1
    count: int = 0
    over: bool = True
    iteration: int = 0
    now: Evaluation | None = field(default=None, repr=False)
    memory: tuple = field(default=(), repr=False)
    deepest: str | None = None
    chosen: np.ndarray | None = field(default=None, repr=False)
    below: np.ndarray | None = field(default=None, repr=False)
    seconds: float = 0.0
    stopped: str | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """The state as arrays by name, to be written down; of_arrays() makes a state of them again."""
        words = {name: getattr(self, name) for name in self._WORDS}
        words["rows"] = [len(row) for row in self.memory]
        arrays = {
            f"memory_{i}_{j}": np.asarray(part) for i, row in enumerate(self.memory) for j, part in enumerate(row)
        }
        arrays |= {name: found for name in ("chosen", "below") if (found := getattr(self, name)) is not None}
        if self.now is not None:
            words |= {"costs": asdict(self.now.costs), "value": self.now.value}
            arrays["picture"] = self.now.picture
            if self.now.gradient is not None:
                arrays["gradient"] = self.now.gradient
        return {"words": np.array(json.dumps(words))} | arrays

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "State":
        """The state of such arrays; one of many kinds of exceptions where they are none."""
        words = json.loads(arrays["words"].item())
        memory = tuple(
            tuple(_number_or_array(arrays[f"memory_{i}_{j}"]) for j in range(length))
            for i, length in enumerate(words.pop("rows"))
        )
        now = None
        if "costs" in words:
            costs, value = Costs(**words.pop("costs")), words.pop("value")
            now = Evaluation(arrays["picture"], costs, value, arrays.get("gradient"))
        return cls(now=now, memory=memory, chosen=arrays.get("chosen"), below=arrays.get("below"), **words)

    def save(self, path):
        """Write the state to a file (NumPy's .npz), whole or not at all."""
        write_arrays(path, self.arrays())

    @classmethod
    def load(cls, path):
        """The state that save() wrote; InputError for a file that holds none. Reads data only, never code."""
        arrays = read_arrays(path)
        try:
            return cls.of_arrays(arrays)
        except Exception as error:
            raise InputError(f"{path} holds no state of a run that can be read ({error}).") from None

    _WORDS = ("phase", "count", "over", "iteration", "deepest", "seconds", "stopped")


class Run:
    """The two pictures, the network, and the phases from coarse to fine.

    state = run.begin()
    while not state.stopped:
        state = run.advance(state)

    What a run itself holds is only kept to save work, so any number of states may be advanced in turns.
    """

    def __init__(self, content, style, settings):
        """content: a path or an array (H, W, 3), 0-255. style: the same, a Style, or a list. settings: checked."""
        began = time.perf_counter()
        self.inputs = inputs = Inputs.of(content, style, settings)
        self.content, self.size, self.regions = inputs.content, inputs.size, inputs.regions
        self._own_start = inputs.start
        with computing():
            self.settings = settings = replace(settings, precision=resolve_precision(settings.precision))
            self.history_length, self.max_pixels = plan_memory(self.size, settings)
            self._recipes, self._evaluators = {}, {}
            if settings.method == "gram":
                self._down_to(None)
        self.phases = self._plan()
        self._level = None
        self._seconds = time.perf_counter() - began

    def begin(self):
        """The state before the first step."""
        return State(seconds=self._seconds)

    def advance(self, state):
        """The state one step on: the start's evaluation first, then a step of the optimiser at each call.

        A step that runs out of a GPU's memory is computed again in smaller tiles. Raises InputError where the cost
        is no number any more. Interrupted, it leaves nothing changed.
        """
        began = time.perf_counter()
        while True:
            try:
                with computing():
                    found = self._begin_phase(state) if state.over else self._go_on(state)
                break
            except tf.errors.ResourceExhaustedError:
                self._shrink_tiles()
        return replace(found, seconds=state.seconds + time.perf_counter() - began)

    def step(self, state):
        """What a state, of at least one step, has to tell."""
        phase = self.phases[state.phase]
        to_come = sum(later.steps for later in self.phases[state.phase + 1 :])
        planned = state.iteration - state.count + phase.steps + to_come
        costs = asdict(state.now.costs)
        return Step(
            state.iteration, planned, *phase.size, state.seconds, **costs, exact=phase.all_layers,
            _picture=self._level_at(phase.size, state.deepest).canvas.shown(state.now.picture),
        )

    @property
    def plan(self) -> dict[str, Any]:
        """How the run goes about it here, as plain data: what decides a picture's last bit besides the settings."""
        plan = {"precision": self.settings.precision, "history_length": self.history_length, "tile": self.max_pixels}
        return json.loads(json.dumps(plan | {"phases": [asdict(each) for each in self.phases]}))

    def follow(self, plan: Mapping[str, Any]) -> None:
        """Go about it as another run of the same inputs and settings did; InputError where that cannot be done here."""
        here, width, height = self.plan, *self.size
        if plan["precision"] != here["precision"]:
            raise InputError(
                f"the precision was {plan['precision']} and is {here['precision']} on this machine: give "
                f"--precision {plan['precision']}."
            )
        if plan["phases"] != here["phases"]:
            raise InputError("it was begun by a version of nst_utils that takes other steps: go on with that version.")
        tile = plan["tile"]
        if not isinstance(tile, int) or not isinstance(plan["history_length"], int) or tile < 1:
            raise ValueError("no plan")
        if tile > self.max_pixels and width * height > self.max_pixels or plan["history_length"] > self.history_length:
            raise InputError(
                "it was begun with more memory than may be used here, and would come out otherwise with less: go on "
                "where there is as much."
            )
        self.history_length, self.max_pixels, self._level = plan["history_length"], tile, None

    def check(self, state: State) -> None:
        """Raise ValueError for a state that is none of this run."""
        phases, now = self.phases, state.now
        whole = (state.phase, state.count, state.iteration)
        if any(type(each) is not int for each in whole) or type(state.over) is not bool:
            raise ValueError("a count is no whole number")
        if type(state.seconds) not in (int, float) or not 0 <= state.seconds < math.inf:
            raise ValueError("its time is no time")
        if state.stopped not in (None, "iterations", "cost", "converged"):
            raise ValueError("its end is none")
        if state.phase == -1:
            if replace(state, seconds=0.0) != State():
                raise ValueError("it has not begun and holds something")
            return
        if not 0 <= state.phase < len(phases) or not 0 <= state.count <= phases[state.phase].steps:
            raise ValueError("it is at a step that there is not")
        if state.iteration < state.count or now is None or not _is_number(now.value):
            raise ValueError("it has no picture")
        if any(not _is_number(each) for each in asdict(now.costs).values()):
            raise ValueError("its costs are no numbers")
        if state.deepest is not None and state.deepest not in self.settings.recipe.layers:
            raise ValueError("it looks down to no layer")
        phase = phases[state.phase]
        shape = (*phase.size[::-1], 3)
        arrays = [now.picture] if now.gradient is None else [now.picture, now.gradient]
        if now.gradient is None and not state.stopped:
            raise ValueError("it has no gradient")
        dimensions = [3] if self.settings.optimizer == "adagrad" else [3, 3, 0]
        for row in state.memory:
            if [np.ndim(part) for part in row] != dimensions or not all(map(_is_number, row[2:])):
                raise ValueError("its memory is none")
            arrays += row[:2]
        if any(each.shape != shape or each.dtype != np.float32 or not np.isfinite(each).all() for each in arrays):
            raise ValueError("its pictures have another size")
        self._check_found(state, shape)

    def _check_found(self, state, shape):
        """The same of what the method neighbours has found."""
        if self.settings.method != "neighbours" or state.stopped:
            return
        sizes = list(dict.fromkeys(each.size for each in self.phases))
        at = sizes.index(self.phases[state.phase].size)
        for chosen, number in ((state.chosen, at), (state.below, at - 1)):
            if number < 0:
                continue
            grid = tuple(-(-side // GRID) for side in sizes[number][::-1])
            if chosen is None or chosen.shape != grid or chosen.dtype != np.int32:
                raise ValueError("what it found is not for these places")
            if not 0 <= chosen.min() <= chosen.max() < _Level(self, sizes[number]).spots.begins[-1]:
                raise ValueError("what it found for the places is nowhere")

    def costs(self, picture):
        """The Costs, of all layers, of a picture (H, W, 3) of the full size."""
        with computing():
            level = self._level_at(self.size, None)
            picture = level.canvas.admit(np.asarray(picture, np.float32))
            if self.settings.method == "neighbours":
                chosen = level.match.search(picture, self.phases[-2].share, seed=self.settings.seed)
                return level.match.with_targets(chosen, self.phases[-1].style_weight).costs(picture)
            return level.objective(True).costs(picture)

    def _plan(self):
        steps = self.settings.iterations
        if self.settings.optimizer != "lbfgs":
            return [Phase(self.size, steps, True)]
        sizes = [self.size]
        # A start with noise has no detail to keep at a doubling, and one's own picture has what it would lose: both
        # begin at the full size.
        coarse = self._own_start is None and self.settings.init in ("color", "content")
        neighbours = self.settings.method == "neighbours"
        while coarse and min(sizes[0]) // 2 >= (COARSEST_SIDE_OF_NEIGHBOURS if neighbours else COARSEST_SIDE):
            sizes.insert(0, tuple(side // 2 for side in sizes[0]))
        if neighbours:
            return self._plan_of_neighbours(sizes)
        if self.settings.quality == "quick":
            coarse = [Phase(size, QUICK_COARSE_STEPS, False) for size in sizes[:-1]]
            return [*coarse, Phase(self.size, steps, False)]
        shallow = min(SHALLOW_STEPS, steps // 2)
        phases = [Phase(size, COARSE_STEPS, False) for size in sizes[:-1]]
        phases += [Phase(self.size, shallow, False)] if shallow else []
        return [*phases, Phase(self.size, steps - shallow, True)]

    def _plan_of_neighbours(self, sizes):
        phases = []
        for size in sizes[:-1]:
            large = size[0] * size[1] > LARGE_LEVEL
            phases += [Phase(size, *rest) for rest in (MATCHING_IN_LARGE if large else MATCHING)]
        # At the full size first the spots, then, with most of the painting's statistics, what they leave to be wished.
        last = max(1, round(self.settings.iterations * 7 / 16))
        first = max(1, self.settings.iterations - last)
        return [*phases, Phase(self.size, first, False, 0.5, 0.2), Phase(self.size, last, True, None, 3.0)]

    def _begin_matching(self, state):
        """The same for the method neighbours: finds, where the phase asks for it, what the places are to look like."""
        number = state.phase + 1
        phase, before = self.phases[number], self.phases[state.phase] if number else None
        level = self._level_at(phase.size, None)
        if before is not None and before.size == phase.size:
            picture, chosen, below = state.now.picture, state.chosen, state.below
        else:
            picture, chosen, below = self._start(phase.size, before, state), None, state.chosen
        if phase.share is not None:
            sizes = [each.size for each in self.phases[:number] if each.size != phase.size]
            found = (below, _Level(self, sizes[-1]).spots) if below is not None else None
            chosen = level.match.search(picture, phase.share, found, self.settings.seed)
        begun = replace(state, phase=number, count=0, memory=(), chosen=chosen, below=below)
        return self._judged(replace(begun, now=level.match.with_targets(chosen, phase.style_weight)(picture)))

    def _begin_phase(self, state):
        """The evaluation of the picture that the next phase starts from, by its own objective."""
        if self.settings.method == "neighbours":
            return self._begin_matching(state)
        number = state.phase + 1
        phase, before = self.phases[number], self.phases[state.phase] if number else None
        if before is not None and before.size == phase.size:
            picture, memory = state.now.picture, state.memory
        else:
            picture, memory = self._start(phase.size, before, state), ()
        deepest = state.deepest
        if deepest is None and not phase.all_layers:
            deepest = self._level_at(phase.size, None).objective(True).sufficient_depth(picture)
        objective = self._level_at(phase.size, deepest).objective(phase.all_layers)
        begun = replace(state, phase=number, count=0, memory=memory, deepest=deepest)
        if phase.all_layers and self.settings.stop_at_cost is not None:
            # What the picture costs is known sooner than its gradient, which may not be needed any more.
            costs = objective.costs(picture)
            looked = self._judged(replace(begun, now=Evaluation(picture, costs, costs.total)))
            if looked.stopped:
                return looked
        return self._judged(replace(begun, now=objective(picture)))

    def _go_on(self, state):
        """The next step of the optimiser; where it finds none, the next phase, or the end."""
        phase = self.phases[state.phase]
        level = self._level_at(phase.size, state.deepest)
        if self.settings.method == "neighbours":
            objective = level.match.with_targets(state.chosen, phase.style_weight)
        else:
            objective = level.objective(phase.all_layers)
        first_step = FIRST_STEP if state.phase == 0 else NEXT_FIRST_STEP
        found = self._optimizer().step(objective, state.now, state.memory, first_step)
        if found is not None:
            now, memory = found
            return self._judged(
                replace(state, now=now, memory=memory, count=state.count + 1, iteration=state.iteration + 1)
            )
        if state.phase + 1 < len(self.phases):
            return self._begin_phase(state)
        return replace(state, over=True, stopped="converged")

    def _judged(self, state):
        """The state with what its costs mean for its phase and for the run."""
        if not np.isfinite(state.now.value):
            raise InputError(
                f"The cost became {state.now.costs.total} at iteration {state.iteration}: try a lower learning rate, "
                "smaller weights of the costs, or precision float32."
            )
        phase = self.phases[state.phase]
        low = self._low_enough(state.now.costs.total, phase)
        over = low or state.count == phase.steps
        stopped = None
        if low and phase.all_layers:
            stopped = "cost"
        elif over and state.phase + 1 == len(self.phases):
            stopped = "iterations"
        return replace(state, over=over, stopped=stopped)

    def _low_enough(self, total, phase):
        """Whether the picture costs no more than asked; shallow costs leave a fifth for the missing ones."""
        goal = self.settings.stop_at_cost
        if goal is None or phase.size != self.size:
            return False
        return total <= (goal if phase.all_layers else 0.8 * goal)

    def _start(self, size, before, state):
        """The picture that the first phase of a size starts from."""
        level = self._level_at(size, state.deepest)
        if before is None:
            return level.plain
        # Only the change is enlarged: the fine detail is the photograph's, in the style's colours and contrast.
        change = state.now.picture - _Level(self, before.size).plain
        return recolored_detail(level.plain + enlarge(change, size), level.regions)

    def _optimizer(self):
        settings = self.settings
        if settings.optimizer == "lbfgs":
            return Lbfgs(self.history_length)
        if settings.optimizer == "adam":
            return Adam(settings.learning_rate, settings.beta1, settings.beta2, settings.epsilon)
        return Adagrad(settings.learning_rate, settings.initial_accumulator, settings.epsilon)

    def _level_at(self, size, deepest):
        """The _Level of a size, made anew where the one before was of another size."""
        level = self._level
        if level is None or level.size != size:
            level = self._level = _Level(self, size)
        return level.down_to(deepest)

    def _evaluator_of(self, recipe):
        settings = self.settings
        masked = [region.mask is not None for region in self.regions]
        return evaluator_of(recipe, settings.weights, settings.precision, masked, settings.recipe.layers[-1])

    def _down_to(self, deepest):
        """The recipe of the layers down to one, and its evaluator; None means all of them."""
        if deepest not in self._evaluators:
            recipe = self.settings.recipe if deepest is None else self.settings.recipe.down_to(deepest)
            self._recipes[deepest], self._evaluators[deepest] = recipe, self._evaluator_of(recipe)
        return self._recipes[deepest], self._evaluators[deepest]

    def _shrink_tiles(self):
        """Halve the tiles, where that leaves any worth computing."""
        largest = min(self.max_pixels, self.size[0] * self.size[1])
        if largest // 2 < SMALLEST_TILE:
            raise InputError(
                f"A picture of {self.size[0]}x{self.size[1]} does not fit into the device's memory, even in small "
                "tiles: make it smaller, or close other programs that use the device."
            )
        self.max_pixels, self._level = largest // 2, None


class _Level:
    """One size: the pictures at it, and the objectives, each made when it is first needed."""

    def __init__(self, run, size):
        self.run, self.size = run, size
        photograph = resize(run.content, size).astype(np.float32)
        self.content, self.regions, self.canvas = photograph, regions_at(run.regions, size), Canvas()
        if run.settings.keep_colors == "luminance":
            self.content, self.canvas = grey(photograph), LuminanceCanvas(photograph)
            self._repaint(lambda painting: match_luminance(grey(painting), self.content))
        elif run.settings.keep_colors == "palette":
            colors = Moments.of(photograph)
            self._repaint(lambda painting: np.clip(recolor(painting, colors), 0, 255))
        self._all_layers, self._shallow, self._deepest = None, None, None

    def _repaint(self, change):
        self.regions = [replace(each, paintings=tuple(map(change, each.paintings))) for each in self.regions]

    @cached_property
    def plain(self):
        """The picture, float32 (H, W, 3), that a run would start from without a coarser level."""
        settings, own = self.run.settings, self.run._own_start
        if own is not None:
            start = resize(own, self.size).astype(np.float32)
        else:
            start = plain_start(settings.init, self.content, self.regions, settings.noise_ratio, settings.seed)
        return self.canvas.admit(start)

    @cached_property
    def match(self):
        """The objective of the method neighbours."""
        run, settings = self.run, self.run.settings
        masked = [region.mask is not None for region in self.regions]
        stamp = tuple(file_stamp(settings.weights).items())
        matcher = matcher_of(settings.weights, stamp, settings.precision, settings.pooling, masked)
        return Match(
            matcher, self.content, self.regions, settings.strength, settings.tv_weight, run.max_pixels, self.canvas
        )

    @property
    def spots(self):
        """The spots of the paintings at this size."""
        return spots_of(self.regions)

    def down_to(self, deepest):
        """This level, whose shallow objective looks down to that layer."""
        if deepest != self._deepest and deepest is not None:
            self._shallow, self._deepest = None, deepest
        return self

    def objective(self, all_layers):
        """The Objective of all layers, or of the shallow ones."""
        if all_layers or (self.size == self.run.size and self.run.phases[-1].all_layers):
            if self._all_layers is None:
                self._all_layers = self._new(None)
            if all_layers:
                return self._all_layers
        if self._shallow is None:
            if self._all_layers:
                recipe, evaluator = self.run._down_to(self._deepest)
                self._shallow = self._all_layers.shallower(evaluator, recipe)
            else:
                self._shallow = self._new(self._deepest)
        return self._shallow

    def _new(self, deepest):
        recipe, evaluator = self.run._down_to(deepest)
        return Objective(evaluator, recipe, self.content, self.regions, self.run.max_pixels, self.canvas)


def to_uint8(picture):
    """A picture float32 (H, W, 3) as it is saved: clipped to 0-255 and rounded."""
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _number_or_array(array):
    return array.item() if array.ndim == 0 else array

"""Style transfer itself: from a photo and a painting to a picture, step by step.

`stylize_steps` is a generator that hands out every step; `stylize` runs it to the end. Printing, files and progress
bars are left to those who read the steps.

L-BFGS starts from the content recoloured to the style, at a fraction of the size, and looks first at the shallow
layers, which hold nearly all of the cost there and a fraction of the work; then it doubles the size; the last steps
see every layer at the full size. Adam and Adagrad are the plain loops of the course.
"""

import contextlib
import time
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from nst_utils.backend import eager_mode, graphs_as_written, machine_memory
from nst_utils.config import CONFIG, InputError
from nst_utils.costs import CONTENT_LAYER, STYLE_LAYERS
from nst_utils.images import (
    as_picture,
    enlarge,
    generate_noise_image,
    output_size,
    recolor,
    recolor_detail,
    reshape_and_normalize_image,
    resize,
    scale_to_area,
)
from nst_utils.objective import BYTES_PER_PIXEL, Evaluator, Objective, Recipe, resolve_precision
from nst_utils.optimizers import Evaluation, History, adagrad, adam, lbfgs
from nst_utils.vgg import prepare
from nst_utils.weights import find_weights, load_weights

OPTIMIZERS = ("lbfgs", "adam", "adagrad")
STARTS = ("color", "mix", "content", "noise")
DEFAULT_ITERATIONS = {"lbfgs": 30, "adam": 200, "adagrad": 200}
# A coarse level of fewer pixels on its shorter side than this costs more steps later than it saves.
COARSEST_SIDE = 64
# Steps of each phase, chosen by the fall of the cost per second (benchmarks/time_to_quality.py).
COARSE_STEPS, SHALLOW_STEPS = 10, 10
# Grey levels by which the first step changes the picture, on the first level and after each doubling.
FIRST_STEP, NEXT_FIRST_STEP = 8.0, 2.5
HISTORY_LENGTH = 10
# Measured with benchmarks/scale.py: resident bytes of the program itself, with TensorFlow and the weights; pictures
# held at one time; pixels of a tile in which the halo is no great matter, and of the smallest worth computing.
PROGRAM_BYTES, WORKING_VECTORS = 1_100_000_000, 10
GOOD_TILE, SMALLEST_TILE = 1000 * 1000, 300 * 300


@dataclass(frozen=True)
class Step:
    """One step of the optimisation: where it stands and what the picture costs.

    Costs are those of the picture clipped to 0-255; where `exact` is False, only the shallow layers have been
    looked at, and the deeper ones, known to weigh little, are missing from the sums.
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
    pixels: np.ndarray = field(repr=False)

    @property
    def image(self):
        """The picture of this step, uint8 (height, width, 3)."""
        return np.rint(np.clip(self.pixels, 0, 255)).astype(np.uint8)


@dataclass(frozen=True)
class Result:
    """A finished picture, uint8 (H, W, 3), and how it came about.

    history: the steps, without their pictures. stopped: "iterations", "cost", "converged" or "interrupted".
    """

    image: np.ndarray = field(repr=False)
    history: list = field(repr=False)
    settings: dict
    seconds: float
    stopped: str


@dataclass(frozen=True)
class Settings:
    """All that decides a picture besides the two pictures themselves; see stylize()."""

    size: tuple | None = None
    max_side: int | None = 512
    iterations: int | None = None
    optimizer: str = "lbfgs"
    learning_rate: float = 2.0
    alpha: float = 10
    beta: float = 40
    tv_weight: float = 0
    content_layer: str = CONTENT_LAYER
    style_layers: tuple = tuple(STYLE_LAYERS)
    pooling: str = "average"
    init: str | None = None
    noise_ratio: float = CONFIG.NOISE_RATIO
    seed: int = 0
    weights: str | None = None
    precision: str = "auto"
    max_memory: int | None = None
    stop_at_cost: float | None = None

    def checked(self):
        """The settings with every default filled in; InputError for a value that makes no sense."""
        if self.optimizer not in OPTIMIZERS:
            raise InputError(f"There is no optimizer called {self.optimizer!r}: use {', '.join(OPTIMIZERS)}.")
        init = self.init or ("color" if self.optimizer == "lbfgs" else "mix")
        if init not in STARTS:
            raise InputError(f"There is no start called {init!r}: use {', '.join(STARTS)}.")
        iterations = DEFAULT_ITERATIONS[self.optimizer] if self.iterations is None else self.iterations
        if iterations < 1:
            raise InputError(f"{iterations} iterations make no picture: give 1 or more.")
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(f"The learning rate is {self.learning_rate}: give a finite number above 0.")
        if not 0 <= self.noise_ratio <= 1:
            raise InputError(f"The noise ratio is {self.noise_ratio}: give a number from 0 to 1.")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"The seed is {self.seed}: give a whole number from 0 to {2**32 - 1}.")
        if self.stop_at_cost is not None and not self.stop_at_cost > 0:
            raise InputError(f"The cost to stop at is {self.stop_at_cost}: give a number above 0.")
        return replace(
            self, init=init, iterations=iterations, precision=resolve_precision(self.precision),
            weights=str(find_weights(self.weights)), style_layers=tuple(tuple(pair) for pair in self.style_layers),
        )

    @property
    def recipe(self):
        return Recipe(
            self.alpha, self.beta, self.tv_weight, self.content_layer if self.alpha else None,
            self.style_layers if self.beta else (), self.pooling,
        )


def stylize(content, style, callback=None, **settings):
    """Paint the content in the manner of the style (Gatys, Ecker and Bethge 2015) and return the Result.

    content, style: paths or arrays (H, W, 3), 0-255. Keyword settings:
    size (width, height), or max_side: size of the picture; by default the content's own, its longer side at most 512.
    iterations, optimizer "lbfgs" (default), "adam" or "adagrad", with learning_rate for the latter two.
    alpha, beta, tv_weight: weights of content, style and total variation; content_layer, style_layers (pairs of name
    and weight) and pooling ("average", "max") choose what they look at.
    init: "color" (the content in the style's colours), "content", "mix" (with noise_ratio of noise) or "noise"; seed.
    weights: path of a weights file. precision: "auto", "float32" or "bfloat16". max_memory: bytes that the process may
    take; a picture that needs more is computed in tiles. stop_at_cost: end as soon as the picture costs no more.
    callback: called with every Step. Ctrl-C ends the run and keeps the picture so far.

    Raises InputError with one sentence for anything that does not fit.
    """
    chosen = _settings(settings)
    history, last, stopped = [], None, None
    try:
        with _running(content, style, chosen) as run:
            for step in run.steps():
                last = step
                history.append(replace(step, pixels=None))
                if callback:
                    callback(step)
    except KeyboardInterrupt:
        if last is None:
            raise
        stopped = "interrupted"
    if stopped is None:
        reached = chosen.stop_at_cost is not None and last.exact and last.total <= chosen.stop_at_cost
        stopped = "cost" if reached else "iterations" if last.iteration >= last.planned else "converged"
    # An early interrupt leaves the picture of a coarse level.
    return Result(resize(last.image, run.size), history, asdict(chosen), last.seconds, stopped)


def stylize_steps(content, style, **settings):
    """The steps of stylize(content, style, **settings), one by one: a generator of Step."""
    return _steps(content, style, _settings(settings))


def _settings(settings):
    """The checked Settings from keyword arguments."""
    try:
        return Settings(**settings).checked()
    except TypeError as error:
        raise InputError(f"{error}: the settings are {', '.join(Settings.__dataclass_fields__)}.") from None


def _steps(content, style, settings):
    with _running(content, style, settings) as run:
        yield from run.steps()


@contextlib.contextmanager
def _running(content, style, settings):
    """A _Run, in TensorFlow as it needs it."""
    with eager_mode(), graphs_as_written():
        yield _Run(content, style, settings)


@dataclass(frozen=True)
class _Phase:
    """So many steps at one size, looking at all layers or only as deep as matters."""

    size: tuple
    steps: int
    all_layers: bool


class _Level:
    """One size: the pictures at it, the objectives, and where the optimisation starts."""

    def __init__(self, run, size, below=None, result=None):
        """below, result: the level before, of half the size, and the picture that it arrived at."""
        width, height = self.size = size
        content = resize(run.content, size).astype(np.float32)
        style = scale_to_area(run.style, width * height).astype(np.float32)
        self.plain = run.plain_start(content, style)
        self.start = self.plain
        if below is not None:
            # Only the change is enlarged: the fine detail is the photograph's, in the style's colours and contrast.
            self.start = recolor_detail(self.plain + enlarge(result - below.plain, size), style)
        self.all_layers = self.shallow = None
        if size == run.size or run.shallow is None:
            self.all_layers = Objective(run.evaluator, content, style, run.max_pixels)
        if run.shallow is None:
            run.shallow = run.evaluator.shallower(self.all_layers.sufficient_depth(self.start))
        if self.all_layers is None:
            self.shallow = Objective(run.shallow, content, style, run.max_pixels)
        else:
            self.shallow = self.all_layers.shallower(run.shallow)


class _Run:
    """One run: the two pictures, the network, and the phases from coarse to fine."""

    def __init__(self, content, style, settings):
        self.began = time.perf_counter()
        self.settings = settings
        self.content, self.style = as_picture(content, "content"), as_picture(style, "style")
        self.size = output_size(self.content, settings.size, settings.max_side)
        self.history_length, self.max_pixels = plan_memory(self.size, settings)
        recipe = settings.recipe
        weights = prepare(load_weights(settings.weights), settings.precision, recipe.layers[-1])
        self.evaluator, self.shallow = Evaluator(recipe, weights), None

    def steps(self):
        level, picture, iteration, phases = None, None, 0, self._phases()
        for position, phase in enumerate(phases):
            to_come = sum(later.steps for later in phases[position + 1 :])
            if level is None or level.size != phase.size:
                level = _Level(self, phase.size, level, picture)
                picture, history = level.start, History(self.history_length)
            objective = level.all_layers if phase.all_layers else level.shallow
            if phase.all_layers and self.settings.stop_at_cost is not None:
                # What the picture costs is known sooner than its gradient, which may not be needed any more.
                costs = objective.costs(picture)
                now = Evaluation(picture, costs, costs.total)
                step = self._step(now, iteration, iteration + phase.steps, phase)
                if self._low_enough(step):
                    yield step
                    return
            first_step = FIRST_STEP if position == 0 else NEXT_FIRST_STEP
            for count, now in enumerate(self._optimise(objective, picture, history, first_step)):
                iteration += count > 0
                step = self._step(now, iteration, iteration - count + phase.steps + to_come, phase)
                yield step
                if count == phase.steps or self._low_enough(step):
                    break
            picture = now.picture
            if step.exact and self._low_enough(step):
                return

    def plain_start(self, content, style):
        """The picture, float32 (H, W, 3), that the optimisation would start from without a coarser level."""
        if self.settings.init == "color":
            return recolor(content, style)
        if self.settings.init == "content":
            return content
        ratio = 1.0 if self.settings.init == "noise" else self.settings.noise_ratio
        random = np.random.RandomState(self.settings.seed)
        return (generate_noise_image(reshape_and_normalize_image(content), ratio, random) + CONFIG.MEANS)[0]

    def _phases(self):
        steps = self.settings.iterations
        if self.settings.optimizer != "lbfgs":
            return [_Phase(self.size, steps, True)]
        sizes = [self.size]
        # A start with noise has no detail to keep at a doubling: it begins at the full size.
        while self.settings.init in ("color", "content") and min(sizes[0]) // 2 >= COARSEST_SIDE:
            sizes.insert(0, tuple(side // 2 for side in sizes[0]))
        shallow = min(SHALLOW_STEPS, steps // 2)
        phases = [_Phase(size, COARSE_STEPS, False) for size in sizes[:-1]]
        phases += [_Phase(self.size, shallow, False)] if shallow else []
        return [*phases, _Phase(self.size, steps - shallow, True)]

    def _optimise(self, objective, picture, history, first_step):
        if self.settings.optimizer == "lbfgs":
            return lbfgs(objective, picture, history, first_step)
        descend = {"adam": adam, "adagrad": adagrad}[self.settings.optimizer]
        return descend(objective, picture, self.settings.learning_rate)

    def _step(self, now, iteration, planned, phase):
        if not np.isfinite(now.value):
            raise InputError(
                f"The cost became {now.costs.total} at iteration {iteration}: try a lower learning rate, "
                "smaller weights of the costs, or precision float32."
            )
        seconds = time.perf_counter() - self.began
        costs = asdict(now.costs)
        return Step(iteration, planned, *phase.size, seconds, **costs, exact=phase.all_layers, pixels=now.picture)

    def _low_enough(self, step):
        """Whether the picture costs no more than asked; shallow costs leave a fifth for the missing ones."""
        goal = self.settings.stop_at_cost
        if goal is None or (step.width, step.height) != self.size:
            return False
        return step.total <= (goal if step.exact else 0.8 * goal)


def plan_memory(size, settings):
    """The length of the optimiser's history and the most pixels of a tile that fit into settings.max_memory bytes.

    The history, ten pairs where they fit, gives way to the tile, down to three. By default three quarters of the
    machine's memory, or of the container's, are used. The plan depends on nothing else, so that it never changes a
    picture from one run to the next.
    """
    vector = 3 * 4 * size[0] * size[1]
    budget = settings.max_memory or int(0.75 * machine_memory())
    per_pixel = BYTES_PER_PIXEL[settings.precision]

    def tile(length):
        return int((budget - PROGRAM_BYTES - (2 * length + WORKING_VECTORS) * vector) // per_pixel)

    length = HISTORY_LENGTH if settings.optimizer == "lbfgs" else 0
    while length > 3 and tile(length) < min(GOOD_TILE, size[0] * size[1]):
        length -= 1
    pixels = tile(length)
    if pixels < SMALLEST_TILE:
        need = budget + (SMALLEST_TILE - pixels) * per_pixel
        raise InputError(
            f"A picture of {size[0]}x{size[1]} needs about {need / 1e9:.1f} GB, but only {budget / 1e9:.1f} GB may be "
            "used: allow more with --max-memory, or make the picture smaller."
        )
    return length, pixels

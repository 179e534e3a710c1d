"""Style transfer with a tiny network: what every step says, how runs start, end and repeat, what is refused."""

import itertools

import numpy as np
import pytest
from conftest import ROOT, assert_one_sentence, random_network

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.tensorflow import tf
from nst_utils.course.config import CONFIG
from nst_utils.course.helper import generate_noise_image, reshape_and_normalize_image
from nst_utils.engine.costs import compute_content_cost, compute_style_cost, total_cost
from nst_utils.engine.memory import plan_memory
from nst_utils.engine.objective import Objective, evaluator_of
from nst_utils.engine.recipe import Recipe
from nst_utils.engine.settings import Settings
from nst_utils.engine.styles import everywhere
from nst_utils.engine.stylize import stylize, stylize_steps
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.network.vgg import activations
from nst_utils.network.weights import find_weights, load_weights
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import resize
from nst_utils.pictures.writing import write_image

pytestmark = pytest.mark.usefixtures("full_float32")

WIDTH, HEIGHT = 48, 40


def project_picture(name, size=(WIDTH, HEIGHT)):
    return resize(read_image(ROOT / "images" / name), size)


CONTENT = project_picture("content/summer-palace.jpg")
STYLE = project_picture("style/van-gogh-night-cafe-1888.webp")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The path of a tiny network's file."""
    path = tmp_path_factory.mktemp("network") / "tiny.mat"
    write_matconvnet(path, random_network(), CONFIG.MEANS, "a tiny network")
    return path


@pytest.fixture(scope="module")
def paint(network):
    """stylize() with a tiny network and small pictures; every setting can be given."""

    def run(content=CONTENT, style=STYLE, **settings):
        defaults = {"weights": network, "precision": "float32", "iterations": 2, "optimizer": "adam"}
        return stylize(content, style, **defaults | settings)

    return run


@pytest.fixture(scope="module")
def first_step(network):
    """The step before the first change: the picture that a run starts from."""

    def run(content=CONTENT, style=STYLE, **settings):
        return next(stylize_steps(content, style, weights=network, precision="float32", **settings))

    return run


RUNS = {
    "L-BFGS": {"optimizer": "lbfgs", "iterations": 15},
    "L-BFGS from noise": {"optimizer": "lbfgs", "iterations": 15, "init": "noise", "seed": 3},
    "Adam": {"optimizer": "adam", "iterations": 15, "seed": 3},
    "Adagrad": {"optimizer": "adagrad", "iterations": 15, "init": "content"},
}


@pytest.fixture(scope="module", params=RUNS)
def run(request, paint):
    """One of RUNS, made once for all tests: (its settings, its Result, the Steps that its callback got)."""
    settings, seen = RUNS[request.param], []
    return settings, paint(callback=seen.append, **settings), seen


def exact(result):
    """The steps whose costs look at every layer."""
    return [step for step in result.history if step.exact]


# What a run does


def test_the_cost_falls(run):
    _, result, _ = run
    assert exact(result)[-1].total < 0.9 * exact(result)[0].total


def test_the_same_seed_gives_the_same_picture(run, paint):
    settings, result, _ = run
    again = paint(**settings)
    np.testing.assert_array_equal(again.image, result.image)
    assert [step.total for step in again.history] == [step.total for step in result.history]


def course_cost(picture, network=None):
    """J of a picture (H, W, 3), 0-255, by the course's formulas."""
    weights = load_weights(network)
    a_C, a_S, a_G = (
        activations(reshape_and_normalize_image(image), weights) for image in (CONTENT, STYLE, picture)
    )
    J_content = compute_content_cost(a_C["conv4_2"], a_G["conv4_2"])
    return float(total_cost(J_content, compute_style_cost(a_S, a_G)))


def test_the_reported_cost_is_that_of_the_clipped_picture(run, network):
    _, _, seen = run
    last = seen[-1]
    assert last.total == pytest.approx(course_cost(np.clip(last.pixels, 0, 255), network), rel=1e-3)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_saved_picture_costs_what_was_reported(paint, tmp_path, optimizer):
    """Clipped and rounded to 8 bits: within one per cent, with the real network."""
    result = paint(weights=None, optimizer=optimizer, init="mix", iterations=12)
    write_image(tmp_path / "p.png", result.image)
    saved = read_image(tmp_path / "p.png")
    assert result.history[-1].total == pytest.approx(course_cost(saved), rel=0.01)


def test_steps_tell_where_the_run_stands(run):
    settings, result, seen = run
    iterations = [step.iteration for step in seen]
    # L-BFGS shows the picture once more when it begins to look at every layer.
    assert sorted(set(iterations)) == list(range(16)) and iterations == sorted(iterations)
    assert len(iterations) <= 17 and {step.planned for step in seen} == {15}
    seconds = [step.seconds for step in seen]
    assert seconds == sorted(seconds) and 0 < seconds[0] and seconds[-1] == result.seconds
    for step in seen:
        assert (step.width, step.height) == (WIDTH, HEIGHT)
        assert step.image.shape == (HEIGHT, WIDTH, 3) and step.image.dtype == np.uint8
        assert step.total == pytest.approx(10 * step.content + 40 * step.style, rel=1e-5)


def test_the_result_is_the_last_step_with_history_and_settings(run, network):
    settings, result, seen = run
    np.testing.assert_array_equal(result.image, seen[-1].image)
    assert [step.total for step in result.history] == [step.total for step in seen]
    assert result.stopped == "iterations"
    told = {"alpha": 10, "beta": 40, "content_layers": (("conv4_2", 1.0),), "precision": "float32"}
    told["weights"] = str(network)
    assert told | settings | result.settings == result.settings


def test_lbfgs_ends_lower_than_adam(paint):
    adam = paint(optimizer="adam", init="mix", iterations=20)
    lbfgs = paint(optimizer="lbfgs", init="mix", iterations=20)
    assert lbfgs.history[-1].total < 0.8 * adam.history[-1].total


def test_a_larger_picture_goes_through_coarser_sizes(paint):
    result = paint(optimizer="lbfgs", size=(272, 260), iterations=2)
    sizes = [(step.width, step.height) for step in result.history]
    assert list(dict.fromkeys(sizes)) == [(68, 65), (136, 130), (272, 260)]
    assert result.image.shape == (260, 272, 3)
    assert result.history[-1].iteration == result.history[-1].planned


def test_earlier_steps_keep_their_pictures(paint):
    seen = []
    paint(callback=seen.append, init="content")
    np.testing.assert_array_equal(seen[0].image, CONTENT)
    assert (seen[1].image != CONTENT).any()


def test_steps_can_be_left_at_any_time(network):
    steps = stylize_steps(CONTENT, STYLE, weights=network, optimizer="adam", iterations=1_000_000)
    assert [step.iteration for step in itertools.islice(steps, 2)] == [0, 1]


def test_only_the_ratio_of_the_weights_decides_the_picture(paint):
    plain, small = (
        paint(optimizer="lbfgs", iterations=12, alpha=10 * scale, beta=40 * scale).image.astype(int)
        for scale in (1, 2.0**-30)
    )
    np.testing.assert_allclose(small, plain, atol=2)


def test_a_cost_to_stop_at_ends_the_run(paint):
    goal = paint(iterations=6).history[4].total
    result = paint(iterations=6, stop_at_cost=goal)
    assert result.stopped == "cost"
    assert result.history[-1].total <= goal < result.history[-2].total


def test_lbfgs_stops_at_a_cost_that_all_layers_have(paint):
    goal = exact(paint(**RUNS["L-BFGS"]))[0].total
    result = paint(optimizer="lbfgs", iterations=20, stop_at_cost=goal)
    last = result.history[-1]
    assert result.stopped == "cost" and last.exact and last.total <= goal and last.iteration < 20


def test_what_the_shallow_steps_reached_is_seen_before_any_gradient_of_all_layers(paint, monkeypatch):
    objectives = set()
    call = Objective.__call__
    monkeypatch.setattr(
        Objective, "__call__", lambda self, picture: objectives.add(self) or call(self, picture)
    )
    first = exact(paint(**RUNS["L-BFGS"]))[0]
    assert len(objectives) == 2
    objectives.clear()
    result = paint(**RUNS["L-BFGS"], stop_at_cost=1.01 * first.total)
    assert result.stopped == "cost" and result.history[-1].total <= 1.01 * first.total
    assert len(objectives) == 1
    assert result.history[-1].planned == first.planned


def test_an_interrupt_keeps_the_picture_so_far(paint):
    seen = []

    def interrupt(step):
        seen.append(step)
        if step.iteration == 2:
            raise KeyboardInterrupt

    result = paint(callback=interrupt, iterations=50)
    assert result.stopped == "interrupted" and len(result.history) == 3
    np.testing.assert_array_equal(result.image, seen[-1].image)


def test_an_interrupt_on_a_coarse_level_gives_the_size_asked_for(paint):
    def interrupt(step):
        assert (step.width, step.height) == (68, 65)
        raise KeyboardInterrupt

    result = paint(callback=interrupt, size=(272, 260), optimizer="lbfgs")
    assert result.stopped == "interrupted" and result.image.shape == (260, 272, 3)


def test_it_runs_in_a_program_that_is_in_graph_mode(paint):
    expected = paint().image
    with tf.Graph().as_default() as graph:
        result = paint()
        assert not tf.executing_eagerly() and not graph.get_operations()
    np.testing.assert_array_equal(result.image, expected)


def test_numpys_global_generator_is_left_alone(first_step):
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    first_step(init="noise")
    assert np.random.rand() == expected


# What the settings do


@pytest.mark.parametrize(
    "settings",
    [
        {"pooling": "max"},
        {"content_layer": "conv2_2"},
        {"style_layers": [("conv3_1", 0.5), ("conv1_2", 2)]},
        {"alpha": 1000},
        {"noise_ratio": 0.1},
        {"learning_rate": 8},
        {"seed": 1},
    ],
    ids=str,
)
def test_every_setting_changes_the_picture(paint, settings):
    assert (paint(**settings).image != paint().image).any()


@pytest.mark.parametrize(("left_out", "part", "weight"), [("beta", "content", 10), ("alpha", "style", 40)])
def test_content_or_style_may_be_left_out(paint, left_out, part, weight):
    history = exact(paint(**RUNS["L-BFGS from noise"] | {left_out: 0}))
    assert getattr(history[-1], part) < 0.8 * getattr(history[0], part)
    assert history[-1].total == pytest.approx(weight * getattr(history[-1], part))


def test_total_variation_smooths(paint):
    def roughness(picture):
        return np.abs(np.diff(picture.astype(int), axis=1)).mean()

    rough, smooth = (paint(iterations=15, tv_weight=weight) for weight in (0, 1e4))
    assert roughness(smooth.image) < 0.8 * roughness(rough.image)
    last = smooth.history[-1]
    assert last.total == pytest.approx(10 * last.content + 40 * last.style + 1e4 * last.variation, rel=1e-5)


# Where it starts


def test_a_start_from_the_content_is_the_content(first_step):
    np.testing.assert_array_equal(first_step(init="content").image, CONTENT)


def test_a_start_from_a_mix_is_that_of_the_course(first_step):
    np.random.seed(4)
    image = generate_noise_image(reshape_and_normalize_image(CONTENT))
    expected = np.clip((image + CONFIG.MEANS)[0], 0, 255)
    np.testing.assert_allclose(first_step(optimizer="adam", seed=4).image, expected, atol=0.51)


def test_a_start_from_noise_knows_nothing_of_the_content(first_step):
    one = first_step(init="noise", seed=4).image
    other = first_step(content=np.zeros_like(CONTENT), init="noise", seed=4).image
    np.testing.assert_array_equal(one, other)
    assert np.abs(one - CONFIG.MEANS[0]).max() < 21


def test_a_recoloured_start_has_the_content_in_the_colours_of_the_style(first_step):
    start = first_step(init="color").image.astype(float)
    np.testing.assert_allclose(start.mean((0, 1)), STYLE.mean((0, 1)), atol=8)
    assert np.corrcoef(start.mean(-1).ravel(), CONTENT.mean(-1).ravel())[0, 1] > 0.7


# Pictures and sizes


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"size": (33, 57)}, (33, 57)),
        ({"max_side": 40}, (40, 33)),
        ({"max_side": None}, (WIDTH, HEIGHT)),
        ({"content": np.zeros((900, 600, 3), np.uint8)}, (341, 512)),
        ({"content": np.full((1, 1, 3), 90, np.uint8), "size": (40, 36)}, (40, 36)),
        ({"style": np.full((1, 1, 3), 90, np.uint8)}, (WIDTH, HEIGHT)),
        ({"style": project_picture("style/van-gogh-night-cafe-1888.webp", (40, 211))}, (WIDTH, HEIGHT)),
    ],
    ids=["size", "longest side", "as the content", "at most 512", "one pixel", "style of one pixel", "long style"],
)
def test_the_picture_has_the_size_asked_for(first_step, settings, expected):
    step = first_step(**settings, optimizer="adam")
    assert (step.width, step.height) == expected
    assert step.image.shape == (*expected[::-1], 3)


@pytest.mark.parametrize("size", [(0, 0), (0, 40), (40, -40), (31, 40), (1, 1)], ids=str)
def test_sizes_that_make_no_picture_get_their_sentence(paint, size):
    with pytest.raises(InputError) as error:
        paint(size=size)
    assert_one_sentence(error.value, f"{size[0]}x{size[1]}", "at least 32 pixels")


def test_paths_serve_as_pictures(first_step, tmp_path):
    write_image(tmp_path / "content.png", CONTENT)
    write_image(tmp_path / "style.png", STYLE)
    found = first_step(str(tmp_path / "content.png"), tmp_path / "style.png")
    assert found.total == first_step().total


# What is refused, each with its sentence


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optimizer": "sgd"}, ["'sgd'", "lbfgs, adam"]),
        ({"init": "zeros"}, ["'zeros'", "mix, content, noise"]),
        ({"iterations": 0}, ["iterations is 0"]),
        ({"iterations": "30"}, ["iterations is '30'", "whole number"]),
        ({"learning_rate": 0}, ["learning rate", "0"]),
        ({"learning_rate": float("nan")}, ["learning rate", "nan"]),
        ({"alpha": float("nan")}, ["alpha", "nan"]),
        ({"beta": -1}, ["beta", "-1"]),
        ({"tv_weight": float("inf")}, ["tv_weight", "inf"]),
        ({"alpha": 0, "beta": 0}, ["content", "style"]),
        ({"noise_ratio": 1.5}, ["noise ratio", "1.5"]),
        ({"content_layer": "conv6_1"}, ["conv6_1"]),
        ({"style_layers": [("conv1_9", 1.0)]}, ["conv1_9"]),
        ({"pooling": "min"}, ["'min'"]),
        ({"precision": "float16"}, ["'float16'"]),
        ({"stop_at_cost": float("nan")}, ["nan"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"max_memory": 1000}, ["GB", "allow more"]),
        ({"size": (40,)}, ["(40,)", "(width, height)"]),
        ({"size": "40x40"}, ["40x40", "(width, height)"]),
        ({"iteration": 3}, ["'iteration'", "iterations"]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_settings_that_make_no_sense_get_their_sentence(paint, settings, words):
    with pytest.raises(InputError) as error:
        paint(**settings)
    assert_one_sentence(error.value, *words)


@pytest.mark.parametrize("name", ["content", "style", "weights"])
def test_missing_files_get_their_sentence(paint, name):
    with pytest.raises(MissingFileError) as error:
        paint(**{name: "nowhere"})
    assert_one_sentence(error.value, "nowhere")


@pytest.mark.parametrize("name", ["content", "style"])
def test_arrays_that_are_no_picture_get_their_sentence(paint, name):
    with pytest.raises(InputError) as error:
        paint(**{name: np.full((HEIGHT, WIDTH, 3), np.nan)})
    assert_one_sentence(error.value, f"The {name} image")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("factor", [1e5, 1e8])
def test_a_cost_that_is_no_number_gets_its_sentence(paint, tmp_path, optimizer, factor):
    """Weights that are finite, but so large that the costs, or already the activations, are not."""
    huge = {name: (kernel * np.float32(factor), bias) for name, (kernel, bias) in random_network().items()}
    path = tmp_path / "huge.mat"
    write_matconvnet(path, huge, CONFIG.MEANS, "a network with huge weights")
    with pytest.raises(InputError) as error:
        paint(weights=path, optimizer=optimizer)
    assert_one_sentence(error.value, "The cost became")


# The gradient, whole and in tiles


@pytest.fixture(scope="module", params=["average", "max"])
def evaluator(request, network):
    recipe = Recipe(tv_weight=3.0, pooling=request.param)
    return evaluator_of(recipe, network, "float32"), recipe


@pytest.mark.parametrize("size", [(333, 261), (500, 97)], ids=str)
def test_tiles_give_the_gradient_of_the_whole(evaluator, size):
    """Sizes that are multiples of nothing, pixels outside the range, a style that is cut into tiles as well."""
    content = project_picture("content/summer-palace.jpg", size)
    style = project_picture("style/van-gogh-night-cafe-1888.webp", (301, 299))
    picture = np.random.default_rng(0).uniform(-20, 275, content.shape).astype(np.float32)
    whole = Objective(*evaluator, content, everywhere(style))(picture)
    tiled = Objective(*evaluator, content, everywhere(style), max_pixels=40_000)(picture)
    for part in ("total", "content", "style", "variation"):
        assert getattr(tiled.costs, part) == pytest.approx(getattr(whole.costs, part), rel=1e-4)
    assert tiled.value == pytest.approx(whole.value, rel=1e-4)
    assert np.linalg.norm(tiled.gradient - whole.gradient) < 1e-4 * np.linalg.norm(whole.gradient)
    np.testing.assert_allclose(tiled.gradient, whole.gradient, atol=1e-4 * np.abs(whole.gradient).max())


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_run_in_tiles_repeats(paint, optimizer):
    settings = {"size": (700, 500), "optimizer": optimizer, "iterations": 3, "max_memory": 1_500_000_000}
    assert plan_memory((700, 500), Settings(**settings, precision="float32"))[1] < 700 * 500 / 2
    result, again = paint(**settings), paint(**settings)
    np.testing.assert_array_equal(again.image, result.image)
    assert [step.total for step in again.history] == [step.total for step in result.history]
    if optimizer == "adam":  # L-BFGS follows every rounding
        whole = paint(**settings | {"max_memory": None})
        totals = [[step.total for step in r.history] for r in (result, whole)]
        np.testing.assert_allclose(*totals, rtol=1e-3)


def test_the_gradient_is_that_of_the_value(evaluator):
    """Finite differences, in float32 and so to one per cent, along a direction in which the value falls."""
    objective = Objective(*evaluator, CONTENT, everywhere(STYLE))
    picture = np.random.default_rng(0).uniform(0, 255, CONTENT.shape).astype(np.float32)
    picture[:5] += 300
    gradient = objective(picture).gradient
    step = gradient / np.abs(gradient).max()
    difference = (objective(picture + step).value - objective(picture - step).value) / 2
    assert difference == pytest.approx(float(np.vdot(gradient, step)), rel=0.01)


def test_bfloat16_costs_are_those_of_float32():
    """With the real network, at a small size: within half a per cent."""
    content, style = (picture.astype(np.float32) for picture in (CONTENT, STYLE))
    recipe, weights = Recipe(), find_weights()
    one, other = (
        Objective(evaluator_of(recipe, weights, kind), recipe, content, everywhere(style))(content[::-1].copy()).costs
        for kind in ("float32", "bfloat16")
    )
    assert other.total == pytest.approx(one.total, rel=0.005)

"""The objective on a tiny network, against the formulas in NumPy: whole, in tiles, with masks, shallower."""

import dataclasses
import os

import numpy as np
import pytest
from conftest import random_network

from nst_utils.base.tensorflow import tf
from nst_utils.course.config import CONFIG
from nst_utils.engine.canvas import LuminanceCanvas
from nst_utils.engine.objective import Evaluator, Objective, Sight, evaluator_of
from nst_utils.engine.recipe import Recipe
from nst_utils.engine.styles import Region, everywhere, layer_mask
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.network.vgg import activations, prepare

pytestmark = pytest.mark.usefixtures("full_float32")

WIDTH, HEIGHT = 71, 53
WEIGHTS = random_network()
RNG = np.random.default_rng(5)
CONTENT, PICTURE = (RNG.uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32) for _ in range(2))
FIRST, SECOND, THIRD = (
    RNG.uniform(low, high, (*size, 3)).astype(np.float32)
    for low, high, size in ((0, 120, (50, 61)), (90, 255, (57, 45)), (0, 255, (40, 70)))
)
MASK = np.linspace(0, 1, WIDTH, dtype=np.float32)[np.newaxis].repeat(HEIGHT, axis=0) ** 2
REGIONS = [
    Region((FIRST, SECOND), (0.25, 0.75), (1.0, 1.0), (0.0, 0.0), 1.5, MASK),
    Region((THIRD,), (1.0,), (1.0,), (0.0,), 0.5, 1 - MASK),
]
RECIPE = Recipe(
    alpha=7, beta=30, tv_weight=2.0, content_layers=(("conv2_2", 30.0), ("conv1_2", 2.0)),
    style_layers=(("conv1_1", 0.002), ("conv3_1", 0.9)),
)
# In tiles: of 16 pixels at least, each with a halo of 16.
TILED = 2400


def objective_of(recipe=RECIPE, regions=REGIONS, max_pixels=None, canvas=None, content=CONTENT):
    evaluator = Evaluator(
        prepare(WEIGHTS, tf.float32, recipe.layers[-1]), recipe.content_names, recipe.style_names, recipe.pooling,
        [region.mask is not None for region in regions],
    )
    return Objective(evaluator, recipe, content, regions, max_pixels, canvas)


# The formulas once more, in NumPy and float64


def seen(picture, recipe):
    means = CONFIG.MEANS.astype(np.float32)
    found = activations(tf.constant(picture[np.newaxis] - means), WEIGHTS, recipe.layers, recipe.pooling)
    return {name: a.numpy()[0].astype(np.float64) for name, a in found.items()}


def matrix_of(a, weights=None):
    rows = a.reshape(-1, a.shape[-1])
    w = np.ones(len(rows)) if weights is None else weights.ravel().astype(np.float64)
    return (rows * w[:, None]).T @ rows / w.sum()


def expected_parts(picture, recipe=RECIPE, regions=REGIONS):
    """{layer: its part of J_content}, {layer: its part of J_style}, J_variation, of a clipped picture."""
    picture = picture.clip(0, 255)
    a_G, a_C = seen(picture, recipe), seen(CONTENT, recipe)
    content = {
        name: weight * np.sum((a_G[name] - a_C[name]) ** 2) / (4 * a_G[name].size)
        for name, weight in recipe.content_layers
    }
    style = {name: 0.0 for name, _ in recipe.style_layers}
    for region in regions:
        paintings = [seen(painting, recipe) for painting in region.paintings]
        for name, weight in recipe.style_layers:
            S = sum(share * matrix_of(a[name]) for a, share in zip(paintings, region.shares, strict=True))
            mask = None if region.mask is None else layer_mask(region.mask, name)
            difference = S - matrix_of(a_G[name], mask)
            style[name] += region.strength * weight * np.sum(difference**2) / (4 * len(S) ** 2)
    x = picture.astype(np.float64)
    variation = (np.sum(np.diff(x, axis=0) ** 2) + np.sum(np.diff(x, axis=1) ** 2)) / (x.shape[0] * x.shape[1])
    return content, style, variation


def expected_costs(picture, recipe=RECIPE, regions=REGIONS):
    content, style, variation = expected_parts(picture, recipe, regions)
    J_content, J_style = sum(content.values()), sum(style.values())
    variation = variation if recipe.tv_weight else 0.0
    total = recipe.alpha * J_content + recipe.beta * J_style + recipe.tv_weight * variation
    return np.array([total, J_content, J_style, variation])


def as_array(costs):
    return np.array([costs.total, costs.content, costs.style, costs.variation])


@pytest.fixture(scope="module")
def whole():
    return objective_of()


@pytest.fixture(scope="module")
def tiled():
    return objective_of(max_pixels=TILED)


@pytest.fixture(scope="module")
def plain():
    """One painting everywhere, no variation."""
    return objective_of(dataclasses.replace(RECIPE, tv_weight=0), everywhere(FIRST))


def test_costs_and_value_are_those_of_the_formulas(whole):
    expected = expected_costs(PICTURE)
    found = whole(PICTURE)
    np.testing.assert_allclose(as_array(found.costs), expected, rtol=1e-4)
    np.testing.assert_allclose(as_array(whole.costs(PICTURE)), expected, rtol=1e-4)
    assert found.value == pytest.approx(expected[0], rel=1e-4)
    assert found.picture is PICTURE and found.gradient.dtype == np.float32


def test_in_tiles_they_are_the_same(tiled):
    expected = expected_costs(PICTURE)
    assert len(tiled.tiles) > 3
    found = tiled(PICTURE)
    np.testing.assert_allclose(as_array(found.costs), expected, rtol=1e-4)
    np.testing.assert_allclose(as_array(tiled.costs(PICTURE)), expected, rtol=1e-4)
    assert found.value == pytest.approx(expected[0], rel=1e-4)


def test_the_gradient_in_tiles_is_that_of_the_whole(whole, tiled):
    one, other = whole(PICTURE).gradient, tiled(PICTURE).gradient
    np.testing.assert_allclose(other, one, atol=1e-4 * np.abs(one).max())


def test_style_matrices_of_tiles_are_those_of_the_whole(whole, tiled):
    one, other = (objective._features(PICTURE)[0] for objective in (whole, tiled))
    assert one.keys() == other.keys() == {sight.key for sight in whole.evaluator.sights}
    for key, S in one.items():
        np.testing.assert_allclose(other[key], S, rtol=1e-4, atol=1e-5 * np.abs(S).max())


def test_one_painting_everywhere(plain):
    recipe, regions = plain.recipe, everywhere(FIRST)
    expected = expected_costs(PICTURE, recipe, regions)
    np.testing.assert_allclose(as_array(plain(PICTURE).costs), expected, rtol=1e-4)
    np.testing.assert_allclose(as_array(plain.costs(PICTURE)), expected, rtol=1e-4)
    cut = objective_of(recipe, regions, TILED)
    np.testing.assert_allclose(as_array(cut(PICTURE).costs), expected, rtol=1e-4)
    np.testing.assert_allclose(cut(PICTURE).gradient, plain(PICTURE).gradient, atol=1e-6 + 1e-4 * expected[0])


@pytest.mark.parametrize("kind", ["whole", "tiled", "plain"])
def test_the_gradient_is_the_slope_of_the_value(kind, request):
    objective = request.getfixturevalue(kind)
    rng = np.random.default_rng(1)
    picture = PICTURE * 0.8 + 20
    gradient = objective(picture).gradient
    for some in (np.abs(gradient) / np.abs(gradient).max(), rng.random(picture.shape) < 0.5):
        direction = (some * np.sign(gradient)).astype(np.float32)
        rise = objective(picture + direction).value - objective(picture - direction).value
        slope = 2 * np.vdot(gradient.astype(np.float64), direction)
        assert rise == pytest.approx(slope, rel=0.01)


@pytest.mark.parametrize("pixels", [None, TILED])
def test_each_cost_has_its_own_weight_in_the_gradient(pixels):
    evaluator = objective_of().evaluator

    def gradient(alpha, beta):
        recipe = dataclasses.replace(RECIPE, alpha=alpha, beta=beta, tv_weight=0)
        return Objective(evaluator, recipe, CONTENT, REGIONS, pixels)(PICTURE).gradient

    content, style = gradient(1, 0), gradient(0, 1)
    times = np.linalg.norm(content) / np.linalg.norm(style)
    np.testing.assert_allclose(
        gradient(7, 3 * times), 7 * content + 3 * times * style, atol=1e-3 * np.abs(content).max()
    )


def test_pixels_that_cannot_be_saved_cost_their_squared_distance_and_are_pulled_back(whole):
    picture = PICTURE.copy()
    picture[3, 4, 1], picture[40, 60, 2] = 255 + 30, -20
    inside = picture.clip(0, 255)
    assert whole(picture).value - whole(inside).value == pytest.approx(30 / 40 * (30**2 + 20**2), rel=1e-3)
    np.testing.assert_allclose(as_array(whole(picture).costs), as_array(whole(inside).costs), rtol=1e-6)
    np.testing.assert_allclose(as_array(whole.costs(picture)), as_array(whole(inside).costs), rtol=1e-5)
    gradient = whole(picture).gradient
    assert gradient[3, 4, 1] == pytest.approx(2 * 30 / 40 * 30) and gradient[40, 60, 2] == pytest.approx(-2 * 0.75 * 20)
    np.testing.assert_allclose(np.delete(gradient, 3, 0)[0], whole(inside).gradient[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("alpha", "beta", "weight"), [(7, 80, 2.0), (5, 0, 0.5), (0, 20, 0.5), (0, 0, 1.0)])
def test_the_penalty_goes_with_the_weights(alpha, beta, weight):
    recipe = Recipe(alpha=alpha, beta=beta, content_layers=(("conv1_1", 1.0),), style_layers=(("conv1_1", 1.0),))
    objective = objective_of(recipe, everywhere(FIRST))
    picture = CONTENT.clip(0, 200)
    picture[0, 0, 0] = 265
    penalty = objective(picture).value - objective(picture).costs.total
    assert penalty == pytest.approx(weight * 100, rel=1e-3)


def test_a_canvas_says_what_is_clipped_and_where_a_gradient_may_go():
    canvas = LuminanceCanvas(CONTENT)
    objective, free = objective_of(canvas=canvas), objective_of()
    picture = canvas.clip(canvas.admit(PICTURE))
    np.testing.assert_allclose(
        objective(picture).gradient, canvas.project(free(picture).gradient), rtol=1e-4, atol=1e-5
    )
    beyond = picture + 1000
    np.testing.assert_allclose(as_array(objective(beyond).costs), as_array(free(canvas.clip(beyond)).costs), rtol=1e-5)
    np.testing.assert_allclose(as_array(objective.costs(beyond)), as_array(objective(beyond).costs), rtol=1e-4)


@pytest.mark.parametrize("left_out", ["content_layers", "style_layers"])
def test_without_layers_of_the_one_only_the_other_counts(left_out):
    recipe = dataclasses.replace(RECIPE, **{left_out: ()}, tv_weight=0)
    expected = expected_costs(PICTURE, recipe)
    for pixels in (None, TILED):
        objective = objective_of(recipe, max_pixels=pixels)
        np.testing.assert_allclose(as_array(objective(PICTURE).costs), expected, rtol=1e-4)
        np.testing.assert_allclose(as_array(objective.costs(PICTURE)), expected, rtol=1e-4)


def test_max_pooling_is_another_network():
    recipe = dataclasses.replace(RECIPE, pooling="max")
    expected = expected_costs(PICTURE, recipe)
    assert np.abs(expected / expected_costs(PICTURE) - 1)[:3].min() > 1e-3
    np.testing.assert_allclose(as_array(objective_of(recipe)(PICTURE).costs), expected, rtol=1e-4)


def test_in_bfloat16_style_matrices_and_costs_stay_float32():
    evaluator = Evaluator(prepare(WEIGHTS, tf.bfloat16, "conv3_1"), RECIPE.content_names, RECIPE.style_names,
                          masked=[True, True])  # fmt: skip
    objective = Objective(evaluator, RECIPE, CONTENT, REGIONS)
    found = objective(PICTURE)
    np.testing.assert_allclose(as_array(found.costs), expected_costs(PICTURE), rtol=0.02)
    assert found.gradient.dtype == np.float32
    S, _ = evaluator.features(PICTURE, objective._masks)
    assert all(matrix.dtype == tf.float32 for matrix in S.values())


# Fewer layers


@pytest.mark.parametrize("pixels", [None, TILED])
def test_shallower_is_what_a_recipe_of_fewer_layers_is_from_the_start(pixels):
    deep = objective_of(max_pixels=pixels)
    before = as_array(deep.costs(PICTURE))
    recipe = RECIPE.down_to("conv1_2")
    fresh = objective_of(recipe, max_pixels=pixels)
    shallow = deep.shallower(fresh.evaluator, recipe)
    assert shallow.evaluator is fresh.evaluator and shallow.recipe is recipe
    expected = expected_costs(PICTURE, recipe)
    for objective in (shallow, fresh):
        np.testing.assert_allclose(as_array(objective(PICTURE).costs), expected, rtol=1e-4)
        np.testing.assert_allclose(as_array(objective.costs(PICTURE)), expected, rtol=1e-4)
    np.testing.assert_allclose(shallow(PICTURE).gradient, fresh(PICTURE).gradient, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(as_array(deep.costs(PICTURE)), before)


@pytest.mark.parametrize("kind", ["whole", "tiled"])
def test_the_depth_that_suffices_leaves_out_what_is_within_the_tolerance(kind, request):
    objective = request.getfixturevalue(kind)
    content, style, _ = expected_parts(PICTURE)
    parts = {name: RECIPE.alpha * content.get(name, 0) + RECIPE.beta * style.get(name, 0) for name in RECIPE.layers}
    total, deeper = sum(parts.values()), 0.0
    for name in reversed(RECIPE.layers):  # with less tolerance than this layer and the deeper ones cost, it is needed
        deeper += parts[name]
        assert parts[name] > 0.001 * total
        share = deeper / total
        assert objective.sufficient_depth(PICTURE, share - 1e-4) == name
        if name != RECIPE.layers[0]:
            assert objective.sufficient_depth(PICTURE, share + 1e-4) != name
    tolerance, left = 0.25, RECIPE.layers[-1]
    for name in reversed(RECIPE.layers):
        left, tolerance = name, tolerance - parts[name] / total
        if tolerance < 0:
            break
    assert objective.sufficient_depth(PICTURE) == left
    assert objective.sufficient_depth(PICTURE, 2.0) == RECIPE.layers[0]


def test_the_depth_that_suffices_is_the_same_whatever_the_size_of_the_cost(whole):
    small = objective_of(dataclasses.replace(RECIPE, alpha=RECIPE.alpha * 1e-9, beta=RECIPE.beta * 1e-9))
    tolerances = np.linspace(0, 1, 30)
    depths = [[each.sufficient_depth(PICTURE, t) for t in tolerances] for each in (whole, small)]
    assert depths[0] == depths[1] and len(set(depths[0])) > 2


def test_a_layer_of_both_costs_counts_with_both():
    recipe = dataclasses.replace(RECIPE, tv_weight=0, content_layers=(("conv1_1", 1.0), ("conv3_1", 30.0)))
    content, style, _ = expected_parts(PICTURE, recipe)
    deepest = recipe.alpha * content["conv3_1"] + recipe.beta * style["conv3_1"]
    share = deepest / (recipe.alpha * sum(content.values()) + recipe.beta * sum(style.values()))
    objective = objective_of(recipe)
    assert objective.sufficient_depth(PICTURE, share * 0.99) == "conv3_1"
    assert objective.sufficient_depth(PICTURE, share * 1.01) == "conv1_1"


# One evaluator for all runs that look alike


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "tiny.mat"
    write_matconvnet(path, WEIGHTS, CONFIG.MEANS, "a tiny network")
    return path


def test_recipes_that_look_alike_share_an_evaluator(network):
    one = evaluator_of(RECIPE, network, "float32", [True, False])
    assert evaluator_of(dataclasses.replace(RECIPE, alpha=1), str(network), "float32", (True, False)) is one
    others = [
        evaluator_of(RECIPE, network, "float32"),
        evaluator_of(RECIPE, network, "bfloat16", [True, False]),
        evaluator_of(dataclasses.replace(RECIPE, pooling="max"), network, "float32", [True, False]),
        evaluator_of(RECIPE, network, "float32", [True, False], "conv4_1"),
        evaluator_of(RECIPE.down_to("conv1_2"), network, "float32", [True, False]),
    ]
    assert len({id(each) for each in (one, *others)}) == 6
    assert [each.pooling for each in others] == ["average", "average", "max", "average", "average"]
    assert others[1].weights["conv1_1"][0].dtype == tf.bfloat16 and one.weights["conv1_1"][0].dtype == tf.float32
    assert list(one.weights)[-1] == "conv3_1" and list(others[3].weights)[-1] == "conv4_1"
    assert list(evaluator_of(RECIPE, network, "float32", deepest="conv1_1").weights)[-1] == "conv3_1"
    assert list(others[4].weights)[-1] == "conv1_2"
    assert one.content_names == ("conv2_2", "conv1_2") and one.layers == ["conv1_1", "conv1_2", "conv2_2", "conv3_1"]
    assert one.sights == [
        Sight("conv1_1", 0, True), Sight("conv3_1", 0, True), Sight("conv1_1", 1, False), Sight("conv3_1", 1, False),
    ]  # fmt: skip
    assert [sight.masked for sight in others[0].sights] == [False, False]
    assert len({sight.key for sight in one.sights}) == 4 and one.sights[0].key == "conv1_1 in 0"


def test_poolings_have_their_place_among_the_layers(network):
    """As texts they would come before all convolutions."""
    recipe = Recipe(content_layers=(("avgpool1", 1.0),), style_layers=(("conv1_1", 1.0),))
    assert evaluator_of(recipe, network, "float32").layers == ["conv1_1", "avgpool1"]
    assert list(evaluator_of(recipe, network, "float32", deepest="conv1_1").weights) == ["conv1_1", "conv1_2"]
    shallow = Recipe(content_layers=(), style_layers=(("conv1_1", 1.0),))
    assert list(evaluator_of(shallow, network, "float32", deepest="avgpool2").weights)[-1] == "conv2_2"


def test_one_trace_serves_pictures_of_every_size():
    recipe, weights = RECIPE.down_to("conv1_2"), prepare(WEIGHTS, tf.float32, "conv1_2")
    evaluator = Evaluator(weights, recipe.content_names, recipe.style_names)
    assert not any(sight.masked for sight in evaluator.sights)
    for height, width in ((20, 31), (33, 18)):
        objective = Objective(evaluator, recipe, CONTENT[:height, :width], everywhere(FIRST))
        objective(PICTURE[:height, :width])
    assert evaluator.whole.experimental_get_tracing_count() == 1
    assert evaluator.features.experimental_get_tracing_count() == 1


def test_where_memory_is_short_paintings_are_cut_as_well():
    evaluator = Evaluator(
        prepare(WEIGHTS, tf.float32, "conv3_1"), RECIPE.content_names, RECIPE.style_names, masked=[True, True]
    )
    evaluator.features = evaluator.whole = None  # what looks at a picture as a whole
    objective = Objective(evaluator, RECIPE, CONTENT, REGIONS, TILED)
    np.testing.assert_allclose(as_array(objective(PICTURE).costs), expected_costs(PICTURE), rtol=1e-4)


def test_the_evaluator_computes_what_its_weights_say(network):
    objective = Objective(evaluator_of(RECIPE, network, "float32", [True, True]), RECIPE, CONTENT, REGIONS)
    np.testing.assert_allclose(as_array(objective.costs(PICTURE)), expected_costs(PICTURE), rtol=1e-4)


def test_another_file_of_the_same_name_is_another_network(tmp_path):
    path = tmp_path / "tiny.mat"
    write_matconvnet(path, WEIGHTS, CONFIG.MEANS, "a tiny network")
    recipe = Recipe(content_layers=(), style_layers=(("conv1_1", 1.0),))
    one = evaluator_of(recipe, path, "float32")
    write_matconvnet(path, random_network(9), CONFIG.MEANS, "another tiny network, described at greater length")
    os.utime(path, (1, 1))
    other = evaluator_of(recipe, path, "float32")
    assert other is not one
    np.testing.assert_array_equal(other.weights["conv1_1"][0], random_network(9)["conv1_1"][0])

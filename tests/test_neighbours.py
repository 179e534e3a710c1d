"""The method neighbours: its search, its gradient, whole and in tiles, its state, and what the controls change."""

import numpy as np
import pytest
from conftest import ROOT, assert_one_sentence

from nst_utils import Style, stylize
from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import computing, tf
from nst_utils.engine.assignment import Rights, Spots, assign
from nst_utils.engine.matching import GRID, Match, matcher_of
from nst_utils.engine.run import Run, State
from nst_utils.engine.settings import Settings
from nst_utils.engine.styles import everywhere, regions_at, regions_of
from nst_utils.network.weights import file_stamp, find_weights
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import resize

pytestmark = pytest.mark.usefixtures("full_float32")

SIZE = (112, 80)


def project_picture(name, size=SIZE):
    return resize(read_image(ROOT / "images" / name), size)


CONTENT = project_picture("content/chelsea.png")
NIGHT = project_picture("style/van-gogh-cafe-terrace-at-night-1888.webp")
HARVEST = project_picture("style/van-gogh-harvest-at-la-crau-1888.webp")
LEFT = np.zeros(SIZE[::-1], np.uint8)
LEFT[:, : SIZE[0] // 2] = 255


@pytest.fixture(scope="module")
def paint():
    def run(style=NIGHT, content=CONTENT, **settings):
        return stylize(content, style, **{"precision": "float32", "iterations": 8, "method": "neighbours"} | settings)

    return run


@pytest.fixture(scope="module")
def plain(paint):
    return paint()


# The search


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def search(queries, vectors, grids, grid, **options):
    spots = Spots(tuple(grids))
    paintings = len(grids)
    rights = options.pop("rights", None) or Rights(
        np.ones((len(queries), paintings), bool), np.full(paintings, len(queries) / paintings)
    )
    with computing():
        return assign(queries, tf.constant(vectors), spots, rights, grid, **options)


def test_every_place_gets_its_own_likeness_where_there_is_one_for_each():
    vectors = unit(np.random.default_rng(0).normal(size=(12 * 15, 40)))
    order = np.random.default_rng(1).permutation(len(vectors))
    found = search(vectors[order], vectors, [(12, 15)], (15, 12))
    np.testing.assert_array_equal(found.ravel(), order)


def test_a_large_painting_is_searched_by_way_of_neighbours():
    """More spots than are ever compared at once: what varies smoothly is found all the same."""
    height, width = 120, 150
    y, x = np.mgrid[:height, :width] / 40.0
    waves = [wave(a * y + b * x) for wave in (np.sin, np.cos) for a in range(4) for b in range(4)]
    vectors = unit(np.stack(waves, -1).reshape(-1, 32))
    places = np.random.default_rng(0).permutation(len(vectors))[: 40 * 50]
    queries = vectors[np.sort(places)]
    found = search(queries, vectors, [(height, width)], (40, 50)).ravel()
    likeness = np.sum(queries * vectors[found], axis=1)
    assert likeness.mean() > 0.99


def test_no_spot_is_used_again_and_again():
    """All places look most like one spot, and there are others nearly as good."""
    rng = np.random.default_rng(0)
    vectors = unit(np.ones(30) + 0.25 * rng.normal(size=(200, 30)))
    vectors[0] = unit(np.ones((1, 30)))
    queries = unit(np.ones(30) + 0.02 * rng.normal(size=(400, 30)))
    used = np.bincount(search(queries, vectors, [(10, 20)], (20, 20)).ravel(), minlength=200)
    nearest = np.bincount(np.argmax(queries @ vectors.T, axis=1), minlength=200)
    assert nearest.max() > 100 and used.max() < 0.1 * nearest.max() and (used > 0).mean() > 0.3


def test_a_place_takes_only_from_the_paintings_that_it_may():
    rng = np.random.default_rng(0)
    vectors, queries = unit(rng.normal(size=(90, 16))), unit(rng.normal(size=(48, 16)))
    allowed = np.zeros((48, 2), bool)
    allowed[:24, 0], allowed[24:, 1] = True, True
    rights = Rights(allowed, np.array([24.0, 24.0]))
    found = search(queries, vectors, [(6, 10), (5, 6)], (6, 8), rights=rights).ravel()
    assert (found[:24] < 60).all() and (found[24:] >= 60).all()


def test_the_same_seed_finds_the_same():
    rng = np.random.default_rng(0)
    vectors, queries = unit(rng.normal(size=(90 * 100, 16))), unit(rng.normal(size=(20 * 30, 16)))
    one, other = (search(queries, vectors, [(90, 100)], (20, 30), seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, other)


# The objective


def objective(size, styles=None, max_pixels=None):
    content = resize(CONTENT, size).astype(np.float32)
    regions = everywhere(resize(NIGHT, size).astype(np.float32))
    if styles:
        regions = regions_at(regions_of(styles, size), size)
    weights = find_weights()
    masked = [region.mask is not None for region in regions]
    matcher = matcher_of(str(weights), tuple(file_stamp(weights).items()), "float32", "average", masked)
    return Match(matcher, content, regions, max_pixels=max_pixels, tv_weight=2.0), content


MASKED = [Style(NIGHT, mask=LEFT), Style(HARVEST, mask="rest")]


@pytest.mark.parametrize("styles", [None, MASKED], ids=["one", "masks"])
def test_tiles_give_the_gradient_of_the_whole(styles):
    size = (203, 171)
    with computing():
        whole, content = objective(size, styles)
        tiled, _ = objective(size, styles, max_pixels=24_000)
        assert len(tiled.tiles) > 1
        chosen = whole.search(content, 0.5)
        picture = np.clip(content + np.random.default_rng(0).normal(0, 5, content.shape), -5, 260).astype(np.float32)
        one = whole.with_targets(chosen, 0.2)(picture)
        # The directions come from a sample, which tiles take otherwise: those of the whole are given to both.
        for name in ("_style_directions", "_content_directions", "_vectors_of_spots", "_content_vectors"):
            setattr(tiled, name, getattr(whole, name))
        other = tiled.with_targets(chosen, 0.2)(picture)
    assert other.value == pytest.approx(one.value, rel=1e-4)
    np.testing.assert_allclose(other.gradient, one.gradient, atol=1e-3 * np.abs(one.gradient).max())


def test_the_gradient_is_that_of_the_value_for_a_fixed_assignment():
    with computing():
        judge, content = objective((96, 80), MASKED)
        judge.with_targets(judge.search(content, 0), 0.2)
        picture = np.clip(content, 10, 245)
        gradient = judge(picture).gradient
        step = gradient / np.abs(gradient).max()
        difference = (judge(picture + step).value - judge(picture - step).value) / 2
    assert difference == pytest.approx(float(np.vdot(gradient, step)), rel=0.01)


def test_the_painting_itself_costs_nothing_when_it_is_its_own_target():
    with computing():
        painting = NIGHT.astype(np.float32)
        weights = find_weights()
        matcher = matcher_of(str(weights), tuple(file_stamp(weights).items()), "float32", "average", [False])
        judge = Match(matcher, painting, everywhere(painting))
        judge.with_targets(np.arange(judge.grid[0] * judge.grid[1], dtype=np.int32).reshape(judge.grid), 1.0)
        own, other = judge(painting).costs, judge(HARVEST.astype(np.float32)).costs
    assert own.content < 0.01 < 0.3 < other.content
    assert own.style < 1e-3 * other.style


# Runs


def test_the_same_seed_gives_the_same_picture(paint, plain):
    np.testing.assert_array_equal(paint().image, plain.image)


def test_a_run_goes_on_from_any_of_its_states(tmp_path):
    settings = Settings.of(method="neighbours", precision="float32", iterations=4)
    run = Run(CONTENT, NIGHT, settings)
    states = [run.begin()]
    while not states[-1].stopped:
        states.append(run.advance(states[-1]))
    for state in (states[3], states[15], states[-3]):
        state.save(tmp_path / "state.npz")
        other, at = Run(CONTENT, NIGHT, settings), State.load(tmp_path / "state.npz")
        while not at.stopped:
            at = other.advance(at)
        np.testing.assert_array_equal(at.now.picture, states[-1].now.picture)


def test_an_interrupt_keeps_the_picture_and_tells_what_it_costs(paint):
    def stop(step):
        if step.iteration == 14:
            raise KeyboardInterrupt

    result = paint(callback=stop)
    assert result.stopped == "interrupted" and result.image.shape == CONTENT.shape
    assert result.costs.total > 0


def chrominance(picture):
    matrix = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    return picture.astype(float) @ matrix.T


def test_with_kept_colours_only_the_lightness_changes(paint):
    result = paint(keep_colors="luminance").image
    assert np.abs(chrominance(result) - chrominance(CONTENT)).mean() < 2
    assert np.abs(result.astype(int) - CONTENT).mean() > 4


def colour_distance(picture, painting):
    """How far the mean colours of two pictures are apart, in grey levels."""
    return float(np.abs(picture.astype(float).mean((0, 1)) - painting.astype(float).mean((0, 1))).max())


BLUE = np.clip(NIGHT.astype(int) // 3 + [0, 20, 150], 0, 255).astype(np.uint8)
RED = np.clip(HARVEST.astype(int) // 3 + [150, 20, 0], 0, 255).astype(np.uint8)


def test_each_half_takes_from_its_own_painting(paint):
    result = paint([Style(BLUE, mask=LEFT), Style(RED, mask="rest")]).image
    left, right = result[:, : SIZE[0] // 2 - 4], result[:, SIZE[0] // 2 + 4 :]
    assert colour_distance(left, BLUE) < 0.5 * colour_distance(left, RED)
    assert colour_distance(right, RED) < 0.5 * colour_distance(right, BLUE)


def test_weights_say_how_much_is_taken_from_which_painting(paint):
    alone = paint(BLUE).image
    np.testing.assert_array_equal(paint([BLUE, RED], style_weights=(1, 0)).image, alone)
    more_blue, more_red = (paint([BLUE, RED], style_weights=w).image for w in ((4, 1), (1, 4)))
    assert colour_distance(more_blue, BLUE) < colour_distance(more_red, BLUE)


def test_less_strength_leaves_more_of_the_photograph(paint, plain):
    half = paint(strength=0.3).image.astype(int)

    def edges(picture):
        grey = picture.astype(float).mean(-1)
        return np.concatenate([np.diff(grey, axis=0)[:, :-1].ravel(), np.diff(grey, axis=1)[:-1].ravel()])

    likeness = [np.corrcoef(edges(picture), edges(CONTENT))[0, 1] for picture in (half, plain.image)]
    assert likeness[0] > likeness[1] + 0.02


def test_less_strength_leaves_more_of_the_photograph_with_gram_too(paint):
    content = CONTENT.astype(int)
    weak, whole = (
        np.abs(paint(method="gram", strength=strength, iterations=20).image - content).mean() for strength in (0.1, 1)
    )
    assert weak < 0.8 * whole


@pytest.mark.parametrize(
    ("style", "settings", "words"),
    [
        (np.full((80, 90, 3), 90, np.uint8), {}, ["single colour"]),
        (NIGHT, {"optimizer": "adam"}, ["neighbours", "adam"]),
        (NIGHT, {"style_layers": "conv1_1=1"}, ["style_layers", "layers of its own"]),
        (NIGHT, {"content_layers": "conv2_1"}, ["content_layers"]),
        (NIGHT, {"method": "nearest"}, ["'nearest'", "gram, neighbours"]),
        (NIGHT, {"strength": 1.5}, ["strength is 1.5", "from 0 to 1"]),
        ([Style(NIGHT, mask=LEFT * 0)], {}, ["black everywhere"]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_the_method_cannot_use_gets_its_sentence(paint, style, settings, words):
    with pytest.raises(InputError) as error:
        paint(style, **settings)
    assert_one_sentence(error.value, *words)


def test_every_place_of_the_grid_has_a_spot():
    run = Run(CONTENT, NIGHT, Settings.of(method="neighbours", precision="float32", size=(67, 45), iterations=2))
    state = run.begin()
    while not state.stopped:
        state = run.advance(state)
    assert state.chosen.shape == (-(-45 // GRID), -(-67 // GRID)) and state.chosen.dtype == np.int32

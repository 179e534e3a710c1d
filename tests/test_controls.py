"""What the controls change, measured on pictures: several paintings, masks, kept colours, brush size, films, files."""

import json
import sys

import imageio.v3 as iio
import numpy as np
import pytest
from conftest import ROOT, assert_one_sentence, random_network
from PIL import Image, ImageDraw

from nst_utils import Style, stylize
from nst_utils.base.errors import InputError
from nst_utils.course.config import CONFIG
from nst_utils.engine.objective import Objective, evaluator_of
from nst_utils.engine.recipe import Recipe
from nst_utils.engine.run import Run
from nst_utils.engine.settings import Settings, read_settings
from nst_utils.engine.styles import everywhere, layer_mask, regions_at, regions_of
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.network.weights import find_weights
from nst_utils.pictures.films import Frames
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
    """stylize() with the real network, small and short."""

    def run(style=NIGHT, content=CONTENT, **settings):
        return stylize(content, style, **{"precision": "float32", "iterations": 8} | settings)

    return run


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "tiny.mat"
    write_matconvnet(path, random_network(), CONFIG.MEANS, "a tiny network")
    return path


def style_cost(picture, painting):
    """J_style of a picture, uint8, to a painting, everywhere alike."""
    recipe = Recipe()
    objective = Objective(
        evaluator_of(recipe, find_weights(), "float32"), recipe, picture.astype(np.float32),
        everywhere(resize(painting, picture.shape[1::-1]).astype(np.float32)),
    )
    return objective.costs(picture.astype(np.float32)).style


# Several paintings


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_painting_of_weight_0_is_as_if_it_were_not_there(paint, optimizer):
    settings = {"optimizer": optimizer, "iterations": 4}
    alone = paint(NIGHT, **settings)
    np.testing.assert_array_equal(paint([NIGHT, HARVEST], style_weights=(1, 0), **settings).image, alone.image)
    np.testing.assert_array_equal(paint([Style(HARVEST, weight=0), NIGHT], **settings).image, alone.image)
    np.testing.assert_array_equal(paint([Style(NIGHT, weight=7.0)], **settings).image, alone.image)


def test_two_paintings_of_equal_weight_make_a_picture_between_them(paint):
    night, harvest, both = (
        paint(style, max_side=112, iterations=15).image for style in (NIGHT, HARVEST, [NIGHT, HARVEST])
    )
    assert style_cost(night, NIGHT) < style_cost(both, NIGHT) < style_cost(harvest, NIGHT)
    assert style_cost(harvest, HARVEST) < style_cost(both, HARVEST) < style_cost(night, HARVEST)


def test_the_larger_weight_draws_the_picture_to_its_painting(paint):
    more_night = paint([NIGHT, HARVEST], style_weights=(3, 1), iterations=15).image
    more_harvest = paint([NIGHT, HARVEST], style_weights=(1, 3), iterations=15).image
    assert style_cost(more_night, NIGHT) < style_cost(more_harvest, NIGHT)
    assert style_cost(more_harvest, HARVEST) < style_cost(more_night, HARVEST)


# Masks


@pytest.mark.parametrize("mask_size", [SIZE, (31, 17)], ids=str)
def test_each_half_is_nearer_to_its_own_painting(paint, mask_size):
    left = np.asarray(Image.fromarray(LEFT).resize(mask_size))
    result = paint([Style(NIGHT, mask=left), Style(HARVEST, mask="rest")], iterations=20).image
    halves = result[:, : SIZE[0] // 2], result[:, SIZE[0] // 2 :]
    assert style_cost(halves[0], NIGHT) < style_cost(halves[0], HARVEST)
    assert style_cost(halves[1], HARVEST) < style_cost(halves[1], NIGHT)


def test_a_mask_in_a_file_is_what_an_array_is(paint, tmp_path):
    Image.fromarray(LEFT).save(tmp_path / "left.png")
    of_array = paint([Style(NIGHT, mask=LEFT), Style(HARVEST, mask="rest")], iterations=2)
    of_file = paint([NIGHT, HARVEST], masks=(tmp_path / "left.png", "rest"), iterations=2)
    np.testing.assert_array_equal(of_file.image, of_array.image)
    of_truth = paint([Style(NIGHT, mask=LEFT > 0), Style(HARVEST, mask=1.0 - LEFT / 255)], iterations=2)
    np.testing.assert_allclose(of_truth.image.astype(int), of_array.image, atol=1)


def test_outside_of_a_single_mask_only_the_content_counts(paint):
    content = paint(init="content", beta=0, iterations=6, max_side=112).image.astype(float)
    masked = paint([Style(NIGHT, mask=LEFT)], init="content", iterations=6).image.astype(float)
    change = np.abs(masked - content).mean(axis=(0, 2))
    assert change[: SIZE[0] // 2 - 8].mean() > 10 * change[SIZE[0] // 2 + 24 :].mean()


def test_layers_see_a_mask_shrunk_so_that_they_do_not_see_the_neighbour():
    mask = LEFT.astype(np.float32) / 255
    for layer, step in (("conv1_1", 1), ("conv3_1", 4), ("conv5_1", 16)):
        seen = layer_mask(mask, layer)
        assert seen.shape == (-(-SIZE[1] // step), -(-SIZE[0] // step))
        edge = SIZE[0] / 2 / step
        assert (seen[:, : int(edge) - 1] == 1).all() and not seen[:, int(np.ceil(edge)) - (edge % 1 == 0) :].any()


def test_a_narrow_region_is_not_shrunk_to_nothing():
    mask = np.zeros(SIZE[::-1], np.float32)
    mask[:, 40:43] = 1
    for layer in ("conv1_1", "conv3_1", "conv5_1"):
        assert layer_mask(mask, layer).sum() > 0


def masked_objective(network, max_pixels=None, **changes):
    """An objective of two paintings in soft regions and a third everywhere, at an odd size."""
    width, height = 411, 287
    soft = np.linspace(0, 255, width, dtype=np.uint8)[np.newaxis].repeat(height, axis=0)
    styles = [Style(NIGHT, mask=soft), Style(HARVEST, 2.0, mask="rest"), Style(CONTENT, 1.0, 2.0)]
    regions = regions_at(regions_of(styles, (width, height)), (width, height))
    recipe = Recipe(tv_weight=1.0, content_layers=(("conv4_2", 1.0), ("conv3_1", 0.5)), **changes)
    masked = [region.mask is not None for region in regions]
    content = resize(CONTENT, (width, height)).astype(np.float32)
    evaluator = evaluator_of(recipe, network, "float32", masked)
    return Objective(evaluator, recipe, content, regions, max_pixels), content


def test_masks_and_several_styles_have_the_same_gradient_in_tiles(network):
    whole, content = masked_objective(network)
    tiled, _ = masked_objective(network, 80_000)
    assert len(whole.tiles) == 1 and len(tiled.tiles) > 1
    picture = np.random.default_rng(0).uniform(-20, 275, content.shape).astype(np.float32)
    one, other = whole(picture), tiled(picture)
    assert other.value == pytest.approx(one.value, rel=1e-4)
    np.testing.assert_allclose(other.gradient, one.gradient, atol=1e-4 * np.abs(one.gradient).max())
    assert tiled.costs(picture).total == pytest.approx(whole.costs(picture).total, rel=1e-4)
    assert whole.costs(picture).total == pytest.approx(one.costs.total, rel=1e-4)


def test_the_gradient_of_masks_and_several_styles_is_that_of_the_value(network):
    objective, content = masked_objective(network)
    picture = np.random.default_rng(0).uniform(0, 255, content.shape).astype(np.float32)
    gradient = objective(picture).gradient
    step = gradient / np.abs(gradient).max()
    difference = (objective(picture + step).value - objective(picture - step).value) / 2
    assert difference == pytest.approx(float(np.vdot(gradient, step)), rel=0.01)


# Colours


def chrominance(picture):
    """Cb and Cr (H, W, 2) of Rec. 601, in grey levels."""
    matrix = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    return picture.astype(float) @ matrix.T


VIVID = np.zeros((80, 112, 3), np.uint8)
VIVID[:40, :, 0], VIVID[20:, :56, 2], VIVID[30:, 40:, 1] = 255, 250, 240


@pytest.mark.parametrize(
    "content", [CONTENT, VIVID, project_picture("content/coffee.png")], ids=["cat", "vivid", "cup"]
)
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_of_a_picture_that_keeps_its_colours_only_the_lightness_changes(paint, content, optimizer):
    result = paint(content=content, keep_colors="luminance", optimizer=optimizer, iterations=12).image
    assert np.abs(chrominance(result) - chrominance(content)).mean() < 2
    if content is not VIVID:
        assert np.abs(result.astype(int) - content).mean() > 4


def test_a_picture_in_the_photographs_palette_has_its_colours(paint):
    content = project_picture("content/rocket.jpg")
    palette, plain = (
        paint(content=content, iterations=12, keep_colors=way).image.astype(float) for way in ("palette", None)
    )
    own = content.astype(float).mean((0, 1))
    assert np.abs(palette.mean((0, 1)) - own).max() < 12 < 0.5 * np.abs(plain.mean((0, 1)) - own).max()


def test_the_costs_told_of_a_picture_that_keeps_its_colours_are_those_of_the_saved_one(paint):
    result = paint(keep_colors="luminance", iterations=6)
    run = Run(CONTENT, NIGHT, Settings.of(precision="float32", keep_colors="luminance", iterations=6))
    assert run.costs(result.image).total == pytest.approx(result.costs.total, rel=0.03)


# Brush size


def strokes(seed, length=14, width=5):
    """A painting of strokes of one size, in the colours of the night, laid on at random."""
    rng = np.random.default_rng(seed)
    canvas = Image.new("RGB", (300, 220))
    draw = ImageDraw.Draw(canvas)
    colours = NIGHT.reshape(-1, 3)
    for _ in range(6000):
        x, y = rng.uniform(-10, 310), rng.uniform(-10, 230)
        angle = rng.normal(0.4, 0.3)
        end = x + length * np.cos(angle), y + length * np.sin(angle)
        draw.line([(x, y), end], fill=tuple(map(int, rng.choice(colours))), width=width)
    return np.asarray(canvas)


def fineness(picture):
    """The mean spatial frequency of a picture's lightness, in cycles per pixel."""
    grey = picture.astype(float).mean(-1)
    window = np.outer(*map(np.hanning, grey.shape))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(grey.shape[1]), np.fft.fftfreq(grey.shape[0])))
    return float((power * frequency).sum() / power.sum())


HARVEST_FILE = ROOT / "images" / "style" / "van-gogh-harvest-at-la-crau-1888.webp"


@pytest.mark.parametrize("painting", [strokes(0), strokes(1, 20, 8), HARVEST_FILE], ids=["fine", "broad", "harvest"])
def test_a_smaller_brush_makes_finer_strokes(paint, painting):
    """Seen on paintings whose strokes have a size; what looks alike at every size has none to change."""
    fine, plain, broad = (
        fineness(paint(painting, size=(192, 144), style_scale=scale, alpha=1, iterations=15).image)
        for scale in (0.5, 1, 2)
    )
    assert fine > 1.05 * plain and plain > 1.05 * broad


def test_each_painting_may_have_its_own_brush(paint):
    of_setting = paint([NIGHT, HARVEST], style_scale=(0.5, 2), iterations=2)
    of_style = paint([Style(NIGHT, scale=0.5), Style(HARVEST, scale=2)], iterations=2)
    np.testing.assert_array_equal(of_setting.image, of_style.image)


# The direction of the strokes


def direction(picture):
    """The direction in which a picture changes least, in degrees, counterclockwise from the right."""
    down, right = np.gradient(picture.astype(float).mean(-1))
    steepest = np.arctan2(2 * (right * down).sum(), (right**2 - down**2).sum()) / 2
    return float(np.degrees(-steepest)) + 90


@pytest.mark.parametrize(
    ("painting", "method", "angles"),
    [
        (strokes(2, 24, 4), "gram", (-65, 40, 90)),
        (HARVEST_FILE, "gram", (-20, 130)),
        (HARVEST_FILE, "neighbours", (55,)),
    ],
    ids=["strokes", "harvest", "neighbours"],
)
def test_turned_strokes_stand_at_the_angle_to_the_strokes_as_they_are(paint, painting, method, angles):
    def painted(angle):
        return direction(paint(painting, size=(160, 120), style_angle=angle, method=method, strength=0.9).image)

    plain = painted(0)
    for angle in angles:
        turned = (painted(angle) - plain - angle + 90) % 180 - 90
        assert abs(turned) < 15, (angle, turned)


def test_each_painting_may_be_turned_by_an_angle_of_its_own(paint):
    of_setting = paint([NIGHT, HARVEST], style_angle=(30, -90), iterations=2)
    of_style = paint([Style(NIGHT, angle=30), Style(HARVEST, angle=-90)], iterations=2)
    np.testing.assert_array_equal(of_setting.image, of_style.image)
    np.testing.assert_array_equal(paint(HARVEST, style_angle=0, iterations=2).image, paint(HARVEST, iterations=2).image)


@pytest.mark.parametrize("size", [(300, 220), (220, 301), (700, 160)])
def test_a_turned_painting_has_strokes_of_the_same_size(size):
    def at(angle):
        style = Style(resize(strokes(0), size), angle=angle)
        return regions_at(regions_of([style], (240, 180)), (240, 180))[0].paintings[0]

    for angle in (3, 45, 90, -140, 180):
        assert fineness(at(angle)) == pytest.approx(fineness(at(0)), rel=0.1)


# Starts, layers, optimisers


def test_a_run_starts_from_a_picture_of_ones_own(paint, tmp_path):
    first = paint(iterations=6)
    Image.fromarray(first.image).save(tmp_path / "first.png")
    on, of_file = (paint(init=start, iterations=6) for start in (first.image, tmp_path / "first.png"))
    np.testing.assert_array_equal(of_file.image, on.image)
    assert on.history[0].width == SIZE[0] and on.costs.total < first.costs.total
    whole = next(step for step in on.history if step.exact)
    assert whole.total < 1.5 * first.costs.total


def test_a_content_layer_may_have_several_names_and_weights(paint):
    one = paint(content_layer="conv4_2", iterations=2)
    same = paint(content_layers={"conv4_2": 1}, iterations=2)
    other = paint(content_layers=[("conv4_2", 0.5), ("conv2_2", 2)], iterations=2)
    np.testing.assert_array_equal(one.image, same.image)
    assert not np.array_equal(one.image, other.image)


@pytest.mark.parametrize(
    ("optimizer", "changes"),
    [
        ("adam", {"beta1": 0.5}), ("adam", {"beta2": 0.9}), ("adam", {"epsilon": 100.0}),
        ("adagrad", {"initial_accumulator": 1e9}), ("adagrad", {"epsilon": 1e9}), ("lbfgs", {"history_length": 1}),
    ],
    ids=str,
)  # fmt: skip
def test_every_option_of_an_optimiser_has_an_effect(paint, network, optimizer, changes):
    common = {"weights": network, "optimizer": optimizer, "iterations": 8}
    assert not np.array_equal(paint(**common, **changes).image, paint(**common).image)


def test_the_second_run_loads_and_traces_nothing(network):
    settings = Settings.of(weights=network, precision="float32", optimizer="adam", iterations=2)

    def last(**changes):
        run = Run(CONTENT, NIGHT, Settings.of(weights=network, precision="float32", optimizer="adam", iterations=2,
                                              **changes))
        state = run.begin()
        while not state.stopped:
            state = run.advance(state)
        return run._evaluators[None]

    first = Run(CONTENT, NIGHT, settings)._evaluators[None]
    assert last() is first
    traced = first.whole.experimental_get_tracing_count()
    # Another weight of a cost, another painting, another size: the same traces.
    assert last(alpha=3.0, size=(64, 48)) is first
    assert first.whole.experimental_get_tracing_count() == traced == 1


# Films


@pytest.fixture
def nst_film(tmp_path, network, monkeypatch, capsys):
    """`nst stylize` with the tiny network and what a test adds, run in this process: (exit status, standard error)."""
    from nst_utils.cli import main

    for name, picture in (("content", CONTENT), ("style", NIGHT), ("other", HARVEST), ("left", LEFT)):
        Image.fromarray(resize(picture, (135, 131)) if picture.ndim == 3 else picture).save(tmp_path / f"{name}.png")

    def run(*options, styles=("style.png",)):
        arguments = ["nst", "stylize", "content.png", *styles, "-o", "out.png", "--weights", str(network), *options]
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
        with pytest.raises(SystemExit) as stop:
            main()
        err = capsys.readouterr().err
        assert "Traceback" not in err
        return stop.value.code, err.rstrip("\n").split("\n")[-1]

    return run


@pytest.mark.parametrize("name", ["film.gif", "film.webp", "film.mp4"])
def test_a_film_shows_the_way_from_coarse_to_fine_at_one_size(nst_film, tmp_path, name):
    assert nst_film("--film", name, "--iterations", 6)[0] == 0
    film = iio.imread(tmp_path / name, index=None if name == "film.mp4" else ...)
    height, width = film.shape[1:3]
    assert len(film) > 10 and (width, height) in [(135, 131), (136, 132)]
    picture = read_image(tmp_path / "out.png").astype(int)
    assert np.abs(film[-1, :131, :135, :3].astype(int) - picture).mean() < 12
    changes = [np.abs(a.astype(int) - b).mean() for a, b in zip(film[1:-1], film[:-2], strict=True)]
    assert max(changes) < 60


def test_frames_are_every_nth_and_the_last(nst_film, tmp_path):
    status, _ = nst_film("--frames", "way", "--every", 5, "--optimizer", "adam", "--iterations", 12)
    assert status == 0
    frames = [read_image(path) for path in sorted((tmp_path / "way").iterdir())]
    assert len(frames) == 4  # 0, 5, 10 and the last
    np.testing.assert_array_equal(frames[-1], read_image(tmp_path / "out.png"))


def test_frames_of_any_size_are_shown_at_one(tmp_path):
    with Frames((21, 15), tmp_path / "way") as frames:
        frames.add(0, np.zeros((7, 10, 3), np.uint8))
        frames.add(1, np.full((15, 21, 3), 200, np.uint8))
        frames.finish(np.full((15, 21, 3), 200, np.uint8))
        frames.write_film(tmp_path / "film.mp4")
    assert len(list((tmp_path / "way").iterdir())) == 2
    assert iio.imread(tmp_path / "film.mp4").shape[1:3] == (16, 22)


# Settings in files


def test_a_report_makes_the_same_picture_again(nst_film, tmp_path):
    options = ["--style-weights", "2,1", "--masks", "left.png,rest", "--style-scale", 0.7, "--seed", 3, "--alpha", 5,
               "--init", "mix", "--size", "80x64", "--iterations", 4, "--style-layers", "conv1_1=0.5,conv2_1=0.2"]
    both = ("style.png", "other.png")
    assert nst_film(*options, "--report", "r.json", styles=both)[0] == 0
    picture = read_image(tmp_path / "out.png")
    assert nst_film("--settings", "r.json", styles=both)[0] == 0
    np.testing.assert_array_equal(read_image(tmp_path / "out.png"), picture)
    assert nst_film("--settings", "r.json", "--alpha", 500, "--report", "s.json", styles=both)[0] == 0
    assert not np.array_equal(read_image(tmp_path / "out.png"), picture)
    told = json.loads((tmp_path / "s.json").read_text())["settings"]
    assert told["alpha"] == 500 and told["seed"] == 3 and told["style_scale"] == [0.7]


def test_toml_has_the_names_of_the_settings(tmp_path):
    (tmp_path / "s.toml").write_text(
        'size = "80x64"\nalpha = 5\nstyle_layers = "conv1_1=0.5,conv2_1"\nmax_memory = "2GB"\nkeep_colors = "palette"\n'
        'masks = ["sky.png", "rest"]\nstyle_weights = [2, 1]\nstyle_scale = 0.5\n[content_layers]\nconv4_2 = 1.0\n'
    )
    assert read_settings(tmp_path / "s.toml") == {
        "size": (80, 64), "alpha": 5, "style_layers": (("conv1_1", 0.5), ("conv2_1", 1.0)), "max_memory": 2 * 10**9,
        "keep_colors": "palette", "masks": ("sky.png", "rest"), "style_weights": (2, 1), "style_scale": (0.5,),
        "content_layers": (("conv4_2", 1.0),),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("alhpa = 5", ["alhpa", "nst stylize --help"]),
        ('alpha = "five"', ["alpha", "'five'"]),
        ('iterations = "30"', ["iterations", "'30'", "whole number"]),
        ("iterations = true", ["iterations", "True"]),
        ("size = 300", ["size", "300"]),
        ("alpha = = 5", ["neither a report nor TOML"]),
        ('{"settings": {"alpha": "x"}}', ["alpha", "'x'"]),
        ('{"settings": 3}', ["settings"]),
        ("{", ["neither a report nor TOML"]),
        ("style_weights = []", ["style_weights"]),
        ("masks = 3", ["masks"]),
    ],
)
def test_a_settings_file_with_a_mistake_gets_its_sentence(tmp_path, text, words):
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(InputError) as error:
        read_settings(tmp_path / "s.toml")
    assert_one_sentence(error.value, tmp_path / "s.toml", *words)


# What is refused


@pytest.mark.parametrize(
    ("style", "settings", "words"),
    [
        ([], {}, ["no style"]),
        ([], {"masks": ("rest",)}, ["no style"]),
        ([NIGHT, HARVEST], {"style_weights": (1, 2, 3)}, ["style_weights", "3", "2 paintings"]),
        (NIGHT, {"style_weights": (1, 2)}, ["style_weights", "2", "one painting"]),
        ([NIGHT, HARVEST], {"masks": ("all",)}, ["masks", "1", "2 paintings"]),
        ([NIGHT, HARVEST], {"style_scale": (1, 2, 3)}, ["style_scale", "3", "2 paintings"]),
        ([NIGHT, HARVEST], {"style_weights": (1, -1)}, ["style_weights", "-1"]),
        ([NIGHT, HARVEST], {"style_weights": (0, 0)}, ["weight 0"]),
        ([Style(NIGHT, weight=float("nan"))], {}, ["style 1", "nan"]),
        ([Style(NIGHT, scale=0)], {}, ["scale of style 1"]),
        ([Style(NIGHT, weight=2), HARVEST], {"style_weights": (1, 1)}, ["not both"]),
        ([Style(NIGHT, mask=LEFT * 0)], {}, ["mask", "black everywhere"]),
        ([Style(NIGHT, mask=LEFT * 0 + 255), Style(HARVEST, mask="rest")], {}, ["rest", "cover the whole picture"]),
        ([Style(NIGHT, mask="rest")], {}, ["'rest'", "at least one picture"]),
        ([Style(NIGHT, mask="nowhere.png")], {}, ["nowhere.png", "does not exist"]),
        ([Style(NIGHT, mask=3)], {}, ["mask 3"]),
        ([Style(NIGHT, mask=LEFT)], {"masks": ("all",)}, ["not both"]),
        (NIGHT, {"masks": ("all",), "beta": 0}, ["beta is 0"]),
        (NIGHT, {"style_layers": "conv9_9=1"}, ["conv9_9"]),
        (NIGHT, {"style_layers": "conv1_1=0"}, ["conv1_1", "weight 0"]),
        (NIGHT, {"content_layers": "conv4_2=-1"}, ["conv4_2", "-1"]),
        (NIGHT, {"style_scale": -1}, ["style_scale", "-1"]),
        (NIGHT, {"style_angle": 181}, ["style_angle", "181", "-180 to 180"]),
        ([NIGHT, HARVEST], {"style_angle": (1, 2, 3)}, ["style_angle", "3", "2 paintings"]),
        ([Style(NIGHT, angle=float("nan"))], {}, ["angle of style 1", "nan"]),
        (NIGHT, {"keep_colors": "sepia"}, ["'sepia'", "luminance, palette"]),
        (NIGHT, {"init": "nowhere.png"}, ["nowhere.png", "path of a picture"]),
        (NIGHT, {"beta1": 1.0}, ["beta1", "below 1"]),
        (NIGHT, {"history_length": 0}, ["history_length", "1 or more"]),
    ],
    ids=lambda value: str(list(value)) if isinstance(value, dict) else "",
)
def test_controls_that_do_not_fit_get_their_sentence(paint, style, settings, words):
    with pytest.raises(InputError) as error:
        paint(style, iterations=1, **settings)
    assert_one_sentence(error.value, *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--film", "film.avi"], ["film.avi", ".gif, .webp or .mp4"]),
        (["--film", "nowhere/film.gif"], ["nowhere", "does not exist"]),
        (["--frames", "content.png"], ["content.png", "is a file"]),
        (["--frames", "nowhere/way"], ["nowhere", "does not exist"]),
        (["--frames", "old"], ["old", "already holds frames"]),
        (["--film", "out.png"], ["out.png"]),
        (["--report", "out.png"], ["out.png", "twice"]),
        (["--settings", "nowhere.toml"], ["nowhere.toml", "does not exist"]),
        (["--settings", "left.png"], ["left.png"]),
        (["--masks", "left.png,rest"], ["masks", "one painting"]),
        (["--masks", "black.png"], ["black.png", "black everywhere"]),
        (["--style-weights", "1,x"], ["style_weights", "'x'"]),
        (["--film", "left.png.gif", "--masks", "left.png.gif"], ["left.png.gif"]),
    ],
    ids=str,
)
def test_files_that_do_not_fit_get_their_sentence_before_the_run(nst_film, tmp_path, options, words):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "frame-0000.png").touch()
    Image.fromarray(LEFT * 0).save(tmp_path / "black.png")
    Image.fromarray(LEFT).save(tmp_path / "left.png.gif")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    status, sentence = nst_film(*options)
    assert status == 1
    assert_one_sentence(sentence, *words)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}.items() >= before.items()
    assert not (tmp_path / "out.png").exists()

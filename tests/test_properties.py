"""What holds for every input, on inputs nobody chose (Hypothesis).

Here each property has a few dozen examples, always the same ones. By hand, with many more and other ones each time:

    NST_EXAMPLES=2000 python -m pytest tests/test_properties.py
"""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_one_sentence
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import tf
from nst_utils.course.config import CONFIG
from nst_utils.engine import costs
from nst_utils.engine.checkpoint import STEP, Standing, read_checkpoint, write_checkpoint
from nst_utils.engine.objective import Costs
from nst_utils.engine.optimizers import Evaluation
from nst_utils.engine.recipe import Recipe, merge_layers
from nst_utils.engine.run import State
from nst_utils.engine.settings import Settings, read_setting, read_settings
from nst_utils.engine.styles import Style
from nst_utils.engine.stylize import stylize
from nst_utils.network import weights as sources
from nst_utils.network.layout import BLOCKS, CONVOLUTIONS, LAYERS
from nst_utils.network.matconvnet import read_matconvnet, write_matconvnet
from nst_utils.network.vgg import activations, prepare
from nst_utils.pictures.reading import as_picture, read_image, read_size
from nst_utils.pictures.sizes import MIN_SIDE, output_size, resize, scale_to_area
from nst_utils.pictures.writing import write_image

pytestmark = pytest.mark.usefixtures("full_float32")

MANY = int(os.environ.get("NST_EXAMPLES", 0))


def examples(few):
    """So many examples, always the same; by hand as many as asked for, others each time."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(
        max_examples=MANY or few, derandomize=not MANY, deadline=None, database=None, suppress_health_check=slow
    )


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(scope="module")
def network(folder):
    from conftest import random_network

    path = folder / "tiny.mat"
    write_matconvnet(path, random_network(), CONFIG.MEANS, "a tiny network")
    return path


def arrays_of(shape, seed, low=0, high=256, dtype=np.uint8):
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 40)


# Pictures


def shown_by(image):
    """What a viewer shows of a Pillow image without orientation, in NumPy alone, float (H, W, 3)."""
    pixels = np.asarray(image)
    if image.mode == "1":
        pixels = pixels * 255.0
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
        return palette[pixels].astype(float)
    if image.mode.startswith("I"):
        pixels = pixels / 257.0
    pixels = pixels.astype(float)
    if image.mode in ("LA", "RGBA"):
        share = pixels[..., -1:] / 255
        pixels = pixels[..., :-1] * share + 255 * (1 - share)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    return np.repeat(pixels, 3 // pixels.shape[-1], axis=-1)


def image_of(mode, width, height, seed):
    if mode == "I;16":
        return Image.fromarray(arrays_of((height, width), seed, 0, 65536, np.uint16))
    if mode == "1":
        return Image.fromarray(arrays_of((height, width), seed) > 127)
    if mode == "P":
        image = Image.fromarray(arrays_of((height, width), seed, 0, 7), "P")
        image.putpalette(arrays_of(21, seed).tolist())
        return image
    channels = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}[mode]
    return Image.fromarray(arrays_of((height, width, *channels), seed))


TURNS = {
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1), 6: lambda a: a.swapaxes(0, 1)[:, ::-1], 7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}  # fmt: skip


@examples(120)
@given(
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]), width=SIDES, height=SIDES, seed=SEEDS,
    turn=st.integers(1, 8), kind=st.sampled_from(["png", "tif", "webp"]),
)  # fmt: skip
def test_a_picture_is_read_as_a_viewer_shows_it(folder, mode, width, height, seed, turn, kind):
    assume(kind != "webp" or mode in ("RGB", "RGBA"))
    image = image_of(mode, width, height, seed)
    exif = Image.Exif()
    exif[0x0112] = turn
    path = folder / f"picture.{kind}"
    image.save(path, exif=exif, **({"lossless": True, "exact": True} if kind == "webp" else {}))
    found = read_image(path)
    assert found.dtype == np.uint8 and found.flags.writeable and read_size(path) == found.shape[1::-1]
    np.testing.assert_allclose(found, TURNS[turn](shown_by(image)), atol=1)


@examples(60)
@given(width=SIDES, height=SIDES, seed=SEEDS, kind=st.sampled_from(["png", "bmp", "tif", "ppm", "PNG"]))
def test_a_picture_that_is_written_is_read_again(folder, width, height, seed, kind):
    picture = arrays_of((height, width, 3), seed)
    write_image(folder / f"written.{kind}", picture)
    np.testing.assert_array_equal(read_image(folder / f"written.{kind}"), picture)


@examples(60)
@given(width=SIDES, height=SIDES, seed=SEEDS, most=st.integers(1, 900))
def test_a_picture_is_reduced_to_no_more_pixels_than_asked_for(folder, width, height, seed, most):
    path = folder / "reduced.png"
    Image.fromarray(arrays_of((height, width, 3), seed)).save(path)
    found = read_image(path, max_pixels=most)
    rows, columns = found.shape[:2]
    # A side that is not divisible is rounded up.
    factor = 1 if width * height <= most else int(np.ceil((width * height / most) ** 0.5))
    assert (columns, rows) == (-(-width // factor), -(-height // factor))


DTYPES = [np.uint8, np.int16, np.uint32, np.int64, np.float16, np.float32, np.float64, bool, complex, "U3", object]


@examples(150)
@given(
    shape=st.lists(st.integers(0, 6), min_size=0, max_size=4), dtype=st.sampled_from(DTYPES), seed=SEEDS,
    spoilt=st.sampled_from([None, np.nan, np.inf, -1e30, 1e30]),
)  # fmt: skip
def test_any_array_is_a_picture_or_gets_its_sentence(shape, dtype, seed, spoilt):
    array = arrays_of(shape, seed).astype(dtype)
    if spoilt is not None and array.dtype.kind == "f" and array.size:
        with np.errstate(over="ignore"):
            array.flat[0] = spoilt
    try:
        found = as_picture(array, "content")
    except InputError as error:
        assert_one_sentence(error)
        sound = array.ndim in (2, 3) and array.dtype.kind in "uif" and array.size and np.isfinite(array).all()
        assert not (sound and (array.ndim == 2 or array.shape[-1] in (1, 3, 4)) and array.max() > 1)
    else:
        assert found.dtype == np.uint8 and found.shape == (*array.shape[:2], 3)
        if array.ndim == 2:
            np.testing.assert_array_equal(found[..., 0], np.clip(np.rint(array.astype(float)), 0, 255))


@examples(100)
@given(own=st.tuples(st.integers(1, 5000), st.integers(1, 5000)), most=st.integers(MIN_SIDE, 6000))
def test_the_size_to_paint_at_has_the_pictures_shape_and_fits(own, most):
    try:
        width, height = output_size(own, None, most)
    except InputError as error:
        assert_one_sentence(error)
        assert min(own) * min(1.0, most / max(own)) < MIN_SIDE + 0.5
        return
    assert max(width, height) <= max(most, max(own)) and min(width, height) >= MIN_SIDE
    if max(own) <= most:
        assert (width, height) == own
    else:
        assert max(width, height) == most and abs(width * own[1] - height * own[0]) <= max(own)


@examples(60)
@given(width=SIDES, height=SIDES, to=st.tuples(SIDES, SIDES), value=st.integers(0, 255), seed=SEEDS)
def test_resizing_keeps_a_plain_colour_and_mirrors(width, height, to, value, seed):
    plain = np.full((height, width, 3), value, np.uint8)
    assert (resize(plain, to) == value).all()
    picture = arrays_of((height, width, 3), seed)
    resized = resize(picture, to)
    assert resized.shape == (*to[::-1], 3)
    np.testing.assert_allclose(resize(picture[:, ::-1], to).astype(int), resized[:, ::-1].astype(int), atol=2)


# Settings


NAMES = list(Settings.__dataclass_fields__)
WORDS = st.sampled_from([
    "lbfgs", "adam", "adagrad", "gram", "neighbours", "quick", "normal", "fine", "mix", "noise", "content", "color",
    "luminance", "palette", "max", "average", "auto", "float32", "rest", "all", "400x300", "2GB", "conv1_1=1,conv2_1",
    "conv4_2", "inf", "nan", "1e400", "0x10", "-1", "", " ", "\x00", "a\nb", "٣", "½",
])  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-3, 600), st.floats(), st.floats(0, 100), WORDS,
    st.text(max_size=8), st.sampled_from([*LAYERS, "conv9_9"]), st.integers(10**300, 10**420),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4) | WORDS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@examples(400)
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=4))
def test_any_values_are_settings_or_get_one_sentence(network, given_):
    try:
        found = Settings.of(**{"weights": network} | given_)
    except InputError as error:
        assert_one_sentence(error)
    else:
        assert found.checked() == found, "what is checked stays as it is"
        json.dumps(found.plain())


@examples(300)
@given(name=st.sampled_from(NAMES), text=st.one_of(WORDS, st.text(max_size=30), st.from_regex(r"[\d.,xGkB= -]{1,12}")))
def test_any_text_of_a_flag_is_a_value_or_gets_one_sentence(name, text):
    try:
        found = read_setting(name, text)
    except InputError as error:
        assert_one_sentence(error)
    else:
        kind = Settings.__dataclass_fields__[name].metadata["kind"]
        assert kind.check(name, found) == found


@examples(150)
@given(st.dictionaries(st.text(max_size=12) | st.sampled_from([*NAMES, "settings", "out"]), VALUES, max_size=4))
def test_any_report_is_settings_or_gets_one_sentence(folder, network, content):
    path = folder / "report.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    try:
        Settings.of(**{"weights": network} | read_settings(path))
    except InputError as error:
        assert_one_sentence(error)


WEIGHTS = st.floats(0, 1e6, allow_subnormal=False)
LAYER_WEIGHTS = st.lists(st.tuples(st.sampled_from(LAYERS), WEIGHTS), min_size=1, max_size=6)
GOOD = st.fixed_dictionaries({}, optional={
    "size": st.tuples(st.integers(32, 2000), st.integers(32, 2000)), "max_side": st.integers(32, 5000),
    "iterations": st.integers(1, 500), "strength": st.floats(0, 1), "seed": st.integers(0, 2**32 - 1),
    "style_scale": st.lists(st.floats(0.1, 10), min_size=1, max_size=3), "alpha": WEIGHTS, "tv_weight": WEIGHTS,
    "keep_colors": st.sampled_from(["luminance", "palette"]),
    "optimizer": st.sampled_from(["lbfgs", "adam", "adagrad"]),
    "style_layers": LAYER_WEIGHTS, "content_layers": LAYER_WEIGHTS, "pooling": st.sampled_from(["average", "max"]),
    "init": st.sampled_from(["color", "mix", "content", "noise"]), "noise_ratio": st.floats(0, 1),
    "max_memory": st.integers(1, 2**50), "masks": st.lists(st.sampled_from(["a.png", "rest", "all"]), min_size=1),
    "style_weights": st.lists(WEIGHTS, min_size=1, max_size=3), "stop_at_cost": st.floats(1e-3, 1e9),
    "history_length": st.integers(1, 30), "epsilon": st.floats(1e-12, 1),
    "quality": st.sampled_from(["normal", "fine"]),
})  # fmt: skip


@examples(120)
@given(GOOD)
def test_settings_that_are_written_down_are_read_again(folder, network, chosen):
    for name in ("style_layers", "content_layers"):
        assume(name not in chosen or any(weight for _, weight in chosen[name]))
    found = Settings.of(weights=network, **chosen)
    path = folder / "report.json"
    for content in (found.plain(), {"settings": found.plain() | {"content": "a.jpg", "out": "b.png"}}):
        path.write_text(json.dumps(content), encoding="utf-8")
        assert Settings.of(**read_settings(path)) == found


@examples(100)
@given(GOOD)
def test_settings_of_a_toml_file_are_those_of_the_call(folder, network, chosen):
    for name in ("style_layers", "content_layers"):
        assume(name not in chosen or any(weight for _, weight in chosen[name]))
    path = folder / "settings.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in chosen.items()), encoding="utf-8")
    assert Settings.of(weights=network, **read_settings(path)) == Settings.of(weights=network, **chosen)


@examples(100)
@given(LAYER_WEIGHTS)
def test_a_layer_named_twice_counts_twice(pairs):
    assume(any(weight for _, weight in pairs))
    merged = dict(merge_layers(pairs))
    assert list(merged) == list(dict.fromkeys(name for name, _ in pairs))
    for name, weight in merged.items():
        assert weight == pytest.approx(sum(each for other, each in pairs if other == name))
    assert dict(Recipe(style_layers=pairs).style_layers) == merged
    text = ",".join(f"{name}={weight!r}" for name, weight in pairs)
    assert read_setting("style_layers", text) == merge_layers(pairs)


# Checkpoints


ARRAYS = st.builds(
    lambda shape, dtype, seed, columns: np.asarray(
        arrays_of(shape, seed).astype(dtype), order="F" if columns else "C"
    ),
    st.lists(st.integers(0, 4), max_size=4), st.sampled_from("u1 <i4 >i8 f4 f8 ? U5 c8 f2".split()), SEEDS,
    st.booleans(),
)  # fmt: skip
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e300, 1e300) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6,
)  # fmt: skip
STANDINGS = st.builds(
    Standing, st.dictionaries(st.text(max_size=5), PLAIN, max_size=3),
    st.none() | st.dictionaries(st.text(max_size=5), PLAIN, max_size=3),
    st.dictionaries(st.from_regex(r"[a-z]{1,6}_[0-9]", fullmatch=True), ARRAYS, max_size=3),
    st.integers(0, 4).map(lambda rows: np.arange(rows * len(STEP), dtype=np.float64).reshape(rows, len(STEP))),
    st.integers(0, 10**9), st.integers(0, 10**9), st.sampled_from([None, "cost", "iterations"]),
)  # fmt: skip


@examples(80)
@given(STANDINGS)
def test_a_checkpoint_that_is_written_is_read_again(folder, standing):
    path = folder / "run.npz"
    write_checkpoint(path, standing)
    if any(array.dtype.kind == "c" for array in standing.state.values()):  # which no run has
        with pytest.raises(InputError):
            read_checkpoint(path)
        return
    found = read_checkpoint(path)
    for name in ("about", "plan", "iteration", "planned", "stopped"):
        assert getattr(found, name) == getattr(standing, name)
    np.testing.assert_array_equal(found.history, standing.history)
    assert found.state.keys() == standing.state.keys()
    for name, array in standing.state.items():
        assert found.state[name].dtype == array.dtype
        np.testing.assert_array_equal(found.state[name], array)
    told = read_checkpoint(path, whole=False)
    assert (told.about, told.iteration, told.stopped) == (standing.about, standing.iteration, standing.stopped)


@examples(60)
@given(
    sides=st.tuples(st.integers(1, 5), st.integers(1, 5)), rows=st.integers(0, 3), seed=SEEDS, phase=st.integers(0, 9),
    value=st.floats(allow_nan=False), gradient=st.booleans(), deepest=st.none() | st.sampled_from(LAYERS),
)  # fmt: skip
def test_a_state_that_is_written_is_read_again(folder, sides, rows, seed, phase, value, gradient, deepest):
    picture = np.random.default_rng(seed).normal(size=(*sides, 3)).astype(np.float32)
    now = Evaluation(picture, Costs(1.5, value, 0.0, 2.0), value, picture * 2 if gradient else None)
    state = State(
        phase, 3, False, 7, now, tuple((picture + i, picture - i, 0.5 * i) for i in range(rows)), deepest, seconds=0.25
    )
    state.save(folder / "state.npz")
    found = State.load(folder / "state.npz")
    assert (found.phase, found.count, found.over, found.iteration, found.deepest) == (phase, 3, False, 7, deepest)
    assert found.now.costs == now.costs and found.now.value == value and (found.now.gradient is None) != gradient
    np.testing.assert_array_equal(found.now.picture, picture)
    assert len(found.memory) == rows
    for ours, theirs in zip(found.memory, state.memory, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=6)


def spoil(path, flips, cut):
    """Change some bytes of a file, or lose its end."""
    data = bytearray(path.read_bytes())
    for place, change in flips:
        data[int(place * len(data))] ^= change
    path.write_bytes(data[: int(cut * len(data))])


@examples(120)
@given(standing=STANDINGS, flips=FLIPS, cut=st.sampled_from([1.0, 1.0, 0.9, 0.3, 0.0]))
def test_a_spoilt_checkpoint_is_refused_or_sound(folder, standing, flips, cut):
    path = folder / "spoilt.npz"
    write_checkpoint(path, standing)
    spoil(path, flips, cut)
    try:
        found = read_checkpoint(path)
    except InputError as error:
        assert_one_sentence(error, path)
    else:
        # What a checksum covers is as it was.
        assert found.about == standing.about
        np.testing.assert_array_equal(found.history, standing.history)


# Weights


@st.composite
def networks(draw):
    """{name: (kernel, bias)} of VGG-19 with any number of channels."""
    rng = np.random.default_rng(draw(SEEDS))
    found, channels = {}, 3
    for block, count in BLOCKS.items():
        width = draw(st.integers(1, 4))
        for i in range(1, count + 1):
            kernel = rng.normal(size=(3, 3, channels, width)).astype(np.float32)
            found[f"conv{block}_{i}"] = kernel, rng.normal(size=width).astype(np.float32)
            channels = width
    return found


def assert_same_weights(found, weights):
    assert list(found) == list(CONVOLUTIONS)
    for name, parts in weights.items():
        for ours, theirs in zip(found[name], parts, strict=True):
            assert ours.dtype == np.float32
            np.testing.assert_array_equal(ours, theirs)


@examples(15)
@given(networks())
def test_a_network_that_is_written_is_read_again(folder, weights):
    write_matconvnet(folder / "net.mat", weights, CONFIG.MEANS, "any")
    assert_same_weights(read_matconvnet(folder / "net.mat"), weights)


STAMPS = st.fixed_dictionaries({name: st.integers(0, 2**63 - 1) for name in ("version", "bytes", "modified_ns")})


@examples(30)
@given(weights=networks(), stamp=STAMPS, other=STAMPS)
def test_a_cache_is_read_by_its_stamp_alone(folder, weights, stamp, other):
    path = folder / "w.nst-cache"
    sources._write_cache(path, stamp, weights)
    assert_same_weights(sources._read_cache(path, stamp), weights)
    if other != stamp:
        assert sources._read_cache(path, other) is None


@examples(80)
@given(weights=networks(), flips=FLIPS, head=st.booleans(), cut=st.sampled_from([1.0, 1.0, 0.99, 0.5, 0.01]))
def test_a_spoilt_cache_is_none_or_of_the_same_shapes(folder, weights, flips, head, cut):
    path = folder / "w.nst-cache"
    stamp = {"version": 1, "bytes": 2, "modified_ns": 3}
    sources._write_cache(path, stamp, weights)
    # The numbers are most of it: half of the time, the beginning is changed.
    spoil(path, [(place / 20 if head else place, change) for place, change in flips], cut)
    found = sources._read_cache(path, stamp)
    if found is not None:
        assert cut == 1.0
        for name, parts in weights.items():
            for ours, theirs in zip(found[name], parts, strict=True):
                assert ours.shape == theirs.shape and ours.dtype == np.float32 and isinstance(float(ours.sum()), float)


# Costs


@st.composite
def layers(draw, pictures=2):
    """Activations (1, n_H, n_W, n_C) of so many pictures at one layer, float32."""
    shape = (1, draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.integers(1, 7)))
    rng = np.random.default_rng(draw(SEEDS))
    scale = 10.0 ** draw(st.integers(-2, 2))
    return [(scale * rng.normal(1, 2, shape)).astype(np.float32) for _ in range(pictures)]


def gram_of(a):
    rows = a.reshape(-1, a.shape[-1]).astype(np.float64)
    return rows.T @ rows


@examples(60)
@given(layers())
def test_the_costs_are_those_of_the_formulas(pair):
    a_C, a_G = pair
    _, n_H, n_W, n_C = a_C.shape
    difference = a_C.astype(np.float64) - a_G
    content = (difference**2).sum() / (4 * n_H * n_W * n_C)
    assert float(costs.compute_content_cost(a_C, a_G)) == pytest.approx(content, rel=1e-4, abs=1e-9)
    style = ((gram_of(a_C) - gram_of(a_G)) ** 2).sum() / (4 * n_C**2 * (n_H * n_W) ** 2)
    assert float(costs.compute_layer_style_cost(a_C, a_G)) == pytest.approx(style, rel=1e-3, abs=1e-9)
    down, right = np.diff(a_G.astype(np.float64), axis=1), np.diff(a_G.astype(np.float64), axis=2)
    variation = ((down**2).sum() + (right**2).sum()) / (n_H * n_W)
    assert float(costs.total_variation(tf.constant(a_G))) == pytest.approx(variation, rel=1e-4, abs=1e-9)


@examples(60)
@given(pair=layers(), factor=st.floats(0.1, 10), order=SEEDS)
def test_the_costs_scale_with_the_activations_as_their_formulas_say(pair, factor, order):
    a, b = pair
    content, style = costs.compute_content_cost, costs.compute_layer_style_cost
    k = np.float32(factor)
    assert float(content(k * a, k * b)) == pytest.approx(float(k) ** 2 * float(content(a, b)), rel=1e-3)
    assert float(style(k * a, k * b)) == pytest.approx(float(k) ** 4 * float(style(a, b)), rel=2e-3)
    assert float(content(a, b)) == pytest.approx(float(content(b, a))) and float(content(a, a)) == 0
    assert float(style(a, b)) == pytest.approx(float(style(b, a))) and float(style(a, a)) == 0
    # Where things are is nothing to the style, and all to the content.
    shuffled = np.random.default_rng(order).permutation(a.reshape(-1, a.shape[-1])).reshape(a.shape)
    assert float(style(shuffled, b)) == pytest.approx(float(style(a, b)), rel=1e-3)
    twice = np.concatenate([a, a], axis=1)
    assert float(style(twice, b)) == pytest.approx(float(style(a, b)), rel=1e-3)


@examples(60)
@given(pair=layers(), order=SEEDS)
def test_a_style_matrix_is_symmetric_with_no_negative_eigenvalue_and_follows_its_channels(pair, order):
    a, _ = pair
    S = np.asarray(costs.style_matrix(tf.constant(a)), np.float64)
    np.testing.assert_allclose(S, S.T, rtol=1e-5)
    np.testing.assert_allclose(S, gram_of(a) / (a.shape[1] * a.shape[2]), rtol=1e-3, atol=1e-4 * np.abs(S).max())
    assert np.linalg.eigvalsh((S + S.T) / 2).min() >= -1e-4 * np.trace(S)
    channels = np.random.default_rng(order).permutation(a.shape[-1])
    turned = np.asarray(costs.style_matrix(tf.constant(a[..., channels])))
    np.testing.assert_allclose(turned, S[np.ix_(channels, channels)], rtol=1e-3, atol=1e-4 * np.abs(S).max())


@examples(60)
@given(pair=layers(), factor=st.floats(0.1, 5), cut=st.integers(0, 5))
def test_a_weighted_style_matrix_is_the_mean_of_what_its_weights_show(pair, factor, cut):
    a, b = (tf.constant(each) for each in pair)
    plain = np.asarray(costs.style_matrix(a))
    atol = 1e-4 * np.abs(plain).max()
    alike = tf.fill(a.shape[1:3], np.float32(factor))
    np.testing.assert_allclose(costs.style_matrix(a, alike), plain, rtol=1e-3, atol=atol)
    rows = min(cut, a.shape[1] - 1) + 1
    upper = np.zeros(a.shape[1:3], np.float32)
    upper[:rows] = factor
    both = tf.concat([a[:, :rows], b[:, rows:]], axis=1)
    of_part = np.asarray(costs.style_matrix(a[:, :rows]))
    np.testing.assert_allclose(
        costs.style_matrix(both, tf.constant(upper)), of_part, rtol=1e-3, atol=1e-4 * np.abs(of_part).max()
    )
    assert not np.asarray(costs.style_matrix(a, 0 * alike)).any()


@examples(40)
@given(pair=layers(), masked=st.booleans(), seed=SEEDS)
def test_the_gradient_of_the_style_cost_is_that_of_its_formula(pair, masked, seed):
    """dJ/da = a (G_G - G_S) / n_C^2 for style matrices divided by the sum of the weights, row by row."""
    a_S, a_G = (tf.constant(each) for each in pair)
    weights = np.ones(a_G.shape[1:3])
    if masked:
        weights = np.random.default_rng(seed).uniform(0.1, 1, a_G.shape[1:3])
    given_ = tf.constant(weights, tf.float32) if masked else None
    with tf.GradientTape() as tape:
        tape.watch(a_G)
        S = costs.style_matrix(a_G, given_)
        J = costs.style_matrix_distance(costs.style_matrix(a_S), S)
    n_C = a_G.shape[-1]
    rows, shares = np.asarray(a_G, np.float64).reshape(-1, n_C), weights.reshape(-1, 1) / weights.sum()
    D = rows.T @ (shares * rows) - gram_of(pair[0]) / (a_S.shape[1] * a_S.shape[2])
    expected = shares * rows @ D / n_C**2
    found = np.asarray(tape.gradient(J, a_G)).reshape(-1, n_C)
    np.testing.assert_allclose(found, expected, rtol=5e-3, atol=1e-3 * np.abs(expected).max() + 1e-12)


# Runs, with a tiny network


OPTIONS = st.fixed_dictionaries(
    {
        "size": st.tuples(st.integers(32, 70), st.integers(32, 70)),
        "optimizer": st.sampled_from(["lbfgs", "adam", "adagrad"]), "iterations": st.integers(1, 3),
    },
    optional={
        "init": st.sampled_from(["color", "mix", "content", "noise"]), "seed": st.integers(0, 2**32 - 1),
        "alpha": st.floats(0, 100), "beta": st.floats(1, 100), "tv_weight": st.floats(0, 10),
        "strength": st.floats(0, 1), "keep_colors": st.sampled_from(["luminance", "palette"]),
        "style_scale": st.sampled_from([0.5, 1.0, 1.7]), "history_length": st.integers(1, 4),
        "style_layers": st.sampled_from([[("conv1_1", 0.3), ("conv3_1", 2.0)], [("avgpool2", 1.0)], "conv2_2"]),
        "content_layers": st.sampled_from(["conv2_2", "conv4_2=0.5,conv1_2", "conv5_1"]),
    },
)  # fmt: skip
PICTURES = st.tuples(st.integers(1, 80), st.integers(1, 80), SEEDS)


def picture_of(width, height, seed):
    """A picture of a few random blots, smooth enough to be one."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 5, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def costs_of(picture, content, style, chosen, network):
    """(J_content, J_style) of a picture by NumPy from the network's activations."""
    prepared = prepare(sources.load_weights(network), "float32", LAYERS[-1])
    size = picture.shape[1::-1]
    style = scale_to_area(style, size[0] * size[1] * chosen.style_scale[0] ** 2)
    names = [name for name, _ in (*chosen.content_layers, *chosen.style_layers)]
    g, c, s = (
        activations(tf.constant((each[np.newaxis] - CONFIG.MEANS).astype(np.float32)), prepared, names, "average")
        for each in (picture, resize(content, size), style)
    )
    recipe, J_content, J_style = chosen.recipe, 0.0, 0.0
    for name, weight in recipe.content_layers:
        J_content += weight * float(np.mean((np.asarray(c[name], np.float64) - np.asarray(g[name])) ** 2)) / 4
    for name, weight in recipe.style_layers:
        S, G = (gram_of(np.asarray(each[name])) / np.prod(each[name].shape[1:3]) for each in (s, g))
        J_style += weight * float(((S - G) ** 2).sum()) / (4 * S.shape[0] ** 2)
    return J_content, J_style


@examples(14)
@given(options=OPTIONS, content=PICTURES, style=PICTURES)
def test_a_run_gives_a_picture_of_the_size_with_the_costs_that_it_tells(network, options, content, style):
    content, style = picture_of(*content), picture_of(*style)
    before = content.copy(), style.copy()
    given_ = {"weights": network, "precision": "float32"} | options
    steps = []
    first, again = stylize(content, style, callback=steps.append, **given_), stylize(content, style, **given_)
    np.testing.assert_array_equal(first.image, again.image)
    assert [step.total for step in first.history] == [step.total for step in again.history]
    assert all(np.array_equal(a, b) for a, b in zip(before, (content, style), strict=True)), "inputs stay as they were"
    assert first.image.dtype == np.uint8 and first.image.shape == (*options["size"][::-1], 3)
    recipe = Settings.of(**given_).recipe
    for step in [*first.history, first.costs]:
        parts = (step.content, step.style, step.variation)
        assert min(parts) >= 0 and np.isfinite(parts).all()
        expected = recipe.alpha * step.content + recipe.beta * step.style + recipe.tv_weight * step.variation
        assert step.total == pytest.approx(expected, rel=1e-3)
    if options.get("keep_colors") is None:
        # As it is optimised: rounding to whole numbers changes the costs of a picture that is nearly plain.
        picture = np.clip(steps[-1].pixels, 0, 255)
        np.testing.assert_array_equal(first.image, np.rint(picture))
        J_content, J_style = costs_of(picture, content, style, Settings.of(**given_), network)
        assert first.costs.content == pytest.approx(J_content, rel=2e-3, abs=1e-4)
        assert first.costs.style == pytest.approx(J_style, rel=5e-3, abs=1e-2)


@examples(8)
@given(options=OPTIONS, content=PICTURES, style=PICTURES, sides=st.tuples(SIDES, SIDES), kind=st.integers(0, 2))
def test_a_mask_that_is_white_is_as_good_as_none(network, options, content, style, sides, kind):
    content, style = picture_of(*content), picture_of(*style)
    white = [np.full(sides, 255, np.uint8), np.ones(sides, bool), np.ones(sides, np.float32)][kind]
    given_ = {"weights": network, "precision": "float32"} | options
    plain = stylize(content, style, **given_)
    masked = stylize(content, [Style(style, mask=white)], **given_)
    assert masked.history[0].total == pytest.approx(plain.history[0].total, rel=1e-3)
    assert masked.costs.total == pytest.approx(plain.costs.total, rel=0.02, abs=0.1)
    np.testing.assert_array_equal(stylize(content, [Style(style, mask="all")], **given_).image, plain.image)


@examples(25)
@given(
    content=st.lists(st.integers(0, 40), min_size=1, max_size=4), mask=st.lists(st.integers(0, 9), max_size=3),
    init=st.lists(st.integers(0, 40), max_size=3), dtype=st.sampled_from(DTYPES), kind=st.sampled_from("cmi"),
)  # fmt: skip
@example([40, 40, 3], [9, 9], [0, 5], np.uint8, "i")
@example([40, 40, 3], [0], [40, 40], np.float64, "m")
def test_odd_pictures_masks_and_starts_are_painted_or_get_one_sentence(network, content, mask, init, dtype, kind):
    sound = arrays_of((36, 40, 3), 1)
    odd = [arrays_of(shape, 2).astype(dtype) for shape in (content, mask, init)]
    given_ = {"weights": network, "precision": "float32", "iterations": 1, "size": (32, 34), "optimizer": "adam"}
    try:
        found = stylize(
            odd[0] if kind == "c" else sound, [Style(sound, mask=odd[1] if kind == "m" else None)],
            **given_ | ({"init": odd[2]} if kind == "i" else {}),
        )  # fmt: skip
    except InputError as error:
        assert_one_sentence(error)
    else:
        assert found.image.shape == (34, 32, 3) and np.isfinite(found.costs.total)

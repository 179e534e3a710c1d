"""Fast style transfer: the formulas of the network, painting of every size, style files, training, learning, films."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import imageio.v2 as iio
import numpy as np
import pytest
from conftest import ROOT, assert_one_sentence, free_port
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import computing, tf
from nst_utils.fast import layers
from nst_utils.fast.films import open_film, paint_film
from nst_utils.fast.judging import PAINTING_PIXELS, Perception, flicker
from nst_utils.fast.layers import Shape
from nst_utils.fast.painting import Painter
from nst_utils.fast.photographs import draw_batch, in_colors, read_photographs
from nst_utils.fast.plan import Painting, Plan
from nst_utils.fast.styles import Manner, StyleBook, read_book, read_style, write_style
from nst_utils.fast.training import Trainer, book_of, learn, learning_rate, new_network, train
from nst_utils.pictures.colors import Moments
from nst_utils.pictures.sizes import scale_to_area

WIDTHS, BLOCKS = (6, 8), 2
TINY = Plan(
    steps=40, side=32, batch=2, learning_rate=5e-3, style=(("conv1_1", 0.1), ("conv2_1", 0.5), ("conv3_1", 0.5)),
    precision="float32",
)


def noise(height, width, seed=0, coarse=8):
    """A picture uint8 (H, W, 3) of blotches and grain."""
    rng = np.random.default_rng(seed)
    small = rng.uniform(0, 255, (-(-height // coarse), -(-width // coarse), 3))
    blotches = np.kron(small, np.ones((coarse, coarse, 1)))[:height, :width]
    return np.clip(blotches + rng.normal(0, 12, blotches.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def book():
    """A network with random kernels and three styles of random scales and shifts."""
    rng, shape = np.random.default_rng(1), Shape(WIDTHS, BLOCKS)
    kernels = {
        name: (rng.normal(size=size) * np.sqrt(2 / np.prod(size[:3]))).astype(np.float32)
        for name, size in shape.kernels.items()
    }
    manners = {}
    for name in ("cafe", "church", "tiles"):
        numbers = np.array(shape.plain()) + rng.normal(0, 0.2, shape.numbers)
        spread = rng.normal(size=(3, 60)) * 40
        manners[name] = Manner(name, numbers.astype(np.float32), Moments(rng.uniform(80, 170, 3), np.cov(spread)))
    return StyleBook(WIDTHS, BLOCKS, kernels, manners, {})


@pytest.fixture(scope="module")
def painter(book):
    return Painter(book, "float32")


@pytest.fixture
def paintings():
    stripes = np.zeros((64, 80, 3), np.uint8)
    stripes[::4], stripes[1::4], stripes[:, ::8] = (230, 180, 30), (200, 150, 20), (30, 40, 120)
    return [Painting("stripes", stripes), Painting("blotches", noise(70, 70, 5, 4))]


@pytest.fixture
def photographs():
    return [noise(60, 80, 2, 16), noise(72, 64, 3, 12)]


def test_instance_norm_takes_mean_and_deviation_over_the_positions_of_each_channel_of_each_picture():
    rng = np.random.default_rng(0)
    a = rng.normal(3, 5, (2, 7, 9, 4)).astype(np.float32)
    scale, shift = rng.normal(size=(2, 1, 1, 4)), rng.normal(size=(2, 1, 1, 4))
    expected = (a - a.mean((1, 2), keepdims=True)) / np.sqrt(a.var((1, 2), keepdims=True) + layers.EPSILON)
    with computing():
        found = layers.instance_norm(tf.constant(a), tf.constant(scale, tf.float32), tf.constant(shift, tf.float32))
    np.testing.assert_allclose(found, expected * scale + shift, atol=1e-4)


def test_a_channel_that_is_the_same_everywhere_becomes_its_shift():
    with computing():
        one = tf.ones((1, 1, 1, 3))
        np.testing.assert_allclose(layers.instance_norm(7 * tf.ones((1, 5, 5, 3)), one, 2 * one), 2.0)


def test_enlarging_and_convolving_in_one_is_the_one_after_the_other():
    rng = np.random.default_rng(3)
    kernels = {
        name: tf.constant(rng.normal(size=size), tf.float32) for name, size in layers.Shape((4, 6), 0).kernels.items()
    }
    with computing():
        a = tf.constant(rng.normal(size=(1, 7, 9, 6)), tf.float32)
        found = tf.nn.depth_to_space(layers.reflect_conv(a, layers.ready(kernels)["up"]), 2)
        large = tf.image.resize(a, (14, 18), method="bilinear")
        expected = tf.nn.conv2d(large, kernels["up"], 1, "SAME")
    np.testing.assert_allclose(found[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2], atol=1e-4)


def test_a_plain_picture_is_painted_plain_up_to_its_borders_and_without_a_checkerboard(painter, book):
    painted = painter.paint(np.full((64, 96, 3), 140, np.uint8), book.manner("cafe"))
    assert np.ptp(painted.reshape(-1, 3).astype(int), axis=0).max() <= 1


@pytest.mark.parametrize("size", [(64, 64), (67, 93), (33, 50), (101, 34)])
def test_every_size_comes_back_as_it_was(painter, book, size):
    picture = noise(*size)
    painted = painter.paint(picture, book.manner("church"))
    assert painted.shape == picture.shape and painted.dtype == np.uint8


@pytest.mark.parametrize("size", [(150, 210), (97, 331), (260, 131)])
def test_tiles_paint_what_the_whole_is(painter, book, size):
    picture = noise(*size, seed=4)
    whole = painter.paint(picture, book.manner("tiles"))
    tiled = painter.paint(picture, book.manner("tiles"), largest_whole=9000)
    difference = np.abs(whole.astype(int) - tiled)
    assert difference.max() <= 1 and difference.mean() < 0.01


def test_strength_goes_from_the_photograph_to_the_painting(painter, book):
    picture = noise(64, 80, 7)
    far = [
        np.abs(painter.paint(picture, book.manner("cafe"), s).astype(float) - picture).mean() for s in (0, 0.3, 0.7, 1)
    ]
    assert far[0] < 1 and far[0] < far[1] < far[2] < far[3]


def test_a_mix_lies_between_its_styles_and_only_ratios_count(painter, book):
    picture = noise(64, 80, 8)
    cafe, church = (painter.paint(picture, book.manner(name)).astype(float) for name in ("cafe", "church"))
    mixes = [painter.paint(picture, book.blend({"cafe": 1 - x, "church": x})).astype(float) for x in (0.1, 0.5, 0.9)]
    to_church = [np.abs(mix - church).mean() for mix in mixes]
    to_cafe = [np.abs(mix - cafe).mean() for mix in mixes]
    assert to_church[0] > to_church[1] > to_church[2] and to_cafe[0] < to_cafe[1] < to_cafe[2]
    twice = painter.paint(picture, book.blend({"cafe": 1.0, "church": 1.0}))
    np.testing.assert_array_equal(twice, mixes[1])
    np.testing.assert_array_equal(painter.paint(picture, book.blend({"cafe": 3, "church": 0})), cafe)


def test_a_network_and_a_style_come_back_from_their_files(tmp_path, book):
    book.save(tmp_path / "network.npz")
    again = read_book(tmp_path / "network.npz")
    assert again.fingerprint == book.fingerprint and list(again.manners) == list(book.manners)
    write_style(tmp_path / "mine.npz", replace(book.manner("tiles"), name="mine"), book)
    style = read_style(tmp_path / "mine.npz", again)
    assert style.name == "mine" and (tmp_path / "mine.npz").stat().st_size < 10_000
    np.testing.assert_array_equal(style.numbers, book.manner("tiles").numbers)


def test_a_style_of_another_network_and_an_unknown_name_are_refused_in_one_sentence(tmp_path, book):
    other = replace(book, kernels=book.kernels | {"up": book.kernels["up"] + 1})
    write_style(tmp_path / "mine.npz", book.manner("tiles"), other)
    with pytest.raises(InputError) as refusal:
        book.manner(tmp_path / "mine.npz")
    assert_one_sentence(refusal.value, "mine.npz", "another network")
    with pytest.raises(InputError) as refusal:
        book.manner("chruch")
    assert_one_sentence(refusal.value, "chruch", "did you mean church?")
    with pytest.raises(InputError) as refusal:
        read_book(tmp_path / "mine.npz")
    assert_one_sentence(refusal.value, "mine.npz", "single style")
    (tmp_path / "broken.npz").write_bytes(b"PK\3\4 not really")
    with pytest.raises(InputError) as refusal:
        read_book(tmp_path / "broken.npz")
    assert_one_sentence(refusal.value, "broken.npz")


def test_no_style_is_read_that_could_run_code(tmp_path, book):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    np.savez(tmp_path / "evil.npz", words=np.array([Evil()], dtype=object))
    with pytest.raises(InputError):
        read_book(tmp_path / "evil.npz")
    assert not (tmp_path / "ran").exists()


def test_broken_and_small_training_pictures_are_named_and_passed_over(tmp_path):
    Image.fromarray(noise(60, 60)).save(tmp_path / "good.png")
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    Image.fromarray(noise(20, 60)).save(tmp_path / "flat.png")
    told = []
    assert len(read_photographs(tmp_path, 40, told.append)) == 1
    assert "bad.jpg" in told[0] and "flat.png" in told[1]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as refusal:
        read_photographs(tmp_path / "empty", 40)
    assert_one_sentence(refusal.value, "empty", "no pictures")
    with pytest.raises(InputError) as refusal:
        read_photographs(tmp_path / "nowhere", 40)
    assert_one_sentence(refusal.value, "nowhere", "does not exist")


def test_a_batch_depends_on_seed_step_and_replica_alone(photographs, paintings):
    first, again = (draw_batch(photographs, paintings, TINY, 3) for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
    for other in (draw_batch(photographs, paintings, TINY, 4), draw_batch(photographs, paintings, TINY, 3, 1)):
        assert not np.array_equal(other["photographs"], first["photographs"])


def test_the_photograph_is_in_the_colours_of_its_painting(photographs, paintings):
    for painting in paintings:
        found = Moments.of(in_colors(photographs[0].astype(np.float32), painting.colors))
        np.testing.assert_allclose(found.mean, painting.colors.mean, atol=0.5)
        np.testing.assert_allclose(found.covariance, painting.colors.covariance, rtol=0.2, atol=30)


def test_moved_pictures_that_agree_do_not_flicker_and_others_do():
    picture = noise(44, 44, 9).astype(np.float32)
    with computing():
        first = tf.constant(picture[np.newaxis, :40, :40])
        for down, right in ((0, 0), (3, 1), (2, 3)):
            moved = tf.constant([[down, right]], tf.float32)
            second = tf.constant(picture[np.newaxis, down : down + 40, right : right + 40])
            assert float(flicker(first, second, moved)) == 0
            assert abs(float(flicker(first, second + 3, moved)) - 9) < 1e-3
        half = tf.constant((picture[np.newaxis, :40, :40] + picture[np.newaxis, 1:41, :40]) / 2)
        assert float(flicker(first, half, tf.constant([[0.5, 0.0]]))) < 1e-6


def test_the_relative_style_cost_is_about_one_for_the_recoloured_photograph(tiny_mat, photographs, paintings):
    with computing():
        perception = Perception(TINY, paintings, photographs, tiny_mat)
        batch = draw_batch(photographs, paintings, replace(TINY, batch=16), 0)
        cost = float(perception.style_cost(tf.clip_by_value(batch["photographs"], 0, 255), batch["styles"]))
        painting = scale_to_area(paintings[0].picture, PAINTING_PIXELS)[np.newaxis].astype(np.float32)
        own = float(perception.style_cost(painting, np.zeros(1, int)))
    assert 0.5 < cost < 2 and own < 1e-3 * cost


def test_training_lowers_the_cost_and_a_resumed_one_is_the_undisturbed_one(tmp_path, tiny_mat, photographs, paintings):
    def begun():
        return train(
            paintings, photographs, TINY, new_network(WIDTHS, 2, precision="float32", blocks=BLOCKS),
            tmp_path / "check.npz", tiny_mat, every=0,
        )

    undisturbed = Trainer(
        TINY, new_network(WIDTHS, 2, precision="float32", blocks=BLOCKS), paintings, photographs, tiny_mat
    )
    costs = [undisturbed.advance()["style"] for _ in range(TINY.steps)]
    assert np.mean(costs[-8:]) < 0.75 * np.mean(costs[:8])
    killed = begun()
    for _ in range(15):
        next(killed)
    resumed = [(trainer, parts["style"]) for trainer, parts in begun()]
    assert len(resumed) == TINY.steps - 15 or len(resumed) == TINY.steps - 14
    np.testing.assert_allclose([cost for _, cost in resumed[-8:]], costs[-8:], rtol=1e-3)
    np.testing.assert_allclose(resumed[-1][0].network.table, undisturbed.network.table, atol=1e-3)


def test_a_checkpoint_of_other_styles_is_refused(tmp_path, tiny_mat, photographs, paintings):
    network = new_network(WIDTHS, 2, precision="float32", blocks=BLOCKS)
    trainer = Trainer(TINY, network, paintings, photographs, tiny_mat)
    trainer.save(tmp_path / "check.npz")
    other = Trainer(TINY, network, [replace(paintings[0], name="other"), paintings[1]], photographs, tiny_mat)
    with pytest.raises(InputError) as refusal:
        other.restore(tmp_path / "check.npz")
    assert_one_sentence(refusal.value, "check.npz", "other styles")


def test_learning_a_style_changes_its_numbers_alone_and_lowers_its_cost(tiny_mat, photographs, paintings):
    network = new_network(WIDTHS, 1, precision="float32", blocks=BLOCKS)
    plan = replace(TINY, steps=25, learning_rate=2e-2)
    for _ in train(paintings[:1], photographs, plan, network, weights=tiny_mat):
        pass
    book = book_of(network, paintings[:1])
    steps = list(learn(paintings[1], photographs, book, replace(plan, steps=30), tiny_mat))
    costs = [parts["style"] for _, parts, _ in steps]
    assert np.mean(costs[-6:]) < np.mean(costs[:6])
    manner = steps[-1][0]
    assert manner.name == "blotches" and np.abs(manner.numbers - book.manner("stripes").numbers).max() > 0.01
    np.testing.assert_allclose(manner.colors.mean, paintings[1].colors.mean)
    assert book.with_manner(manner).fingerprint == book.fingerprint


def test_the_learning_rate_rises_shortly_and_falls_to_a_hundredth():
    plan = Plan(steps=2000, learning_rate=1.0)
    rates = [learning_rate(plan, step) for step in range(2001)]
    assert rates[0] < 0.01 and max(rates) > 0.95 and abs(rates[-1] - 0.01) < 1e-6
    assert all(np.diff(rates[250:]) < 0)


def write_film(path, frames, fps=12, sound=False):
    with iio.get_writer(path, format="FFMPEG", fps=fps, codec="libx264", macro_block_size=1) as writer:
        for frame in frames:
            writer.append_data(frame)
    if sound:
        from imageio_ffmpeg import get_ffmpeg_exe

        with_sound = path.with_name("sound.mp4")
        subprocess.run(
            [get_ffmpeg_exe(), "-y", "-loglevel", "error", "-i", path, "-f", "lavfi", "-i", "sine=frequency=440",
             "-shortest", "-c:v", "copy", "-c:a", "aac", with_sound],
            check=True,
        )  # fmt: skip
        os.replace(with_sound, path)


def read_film(path):
    with iio.get_reader(path, format="FFMPEG") as reader:
        return [np.asarray(frame) for frame in reader.iter_data()]


def moving(count, height=48, width=64):
    whole = noise(height, width + count, 11, 16)
    return [whole[:, i : i + width] for i in range(count)]


def test_a_film_is_painted_frame_by_frame_and_keeps_its_sound(tmp_path):
    source, out = tmp_path / "film.mp4", tmp_path / "out.mp4"
    write_film(source, moving(30), sound=True)
    told = []
    done = paint_film(source, out, lambda picture: 255 - picture, tell=lambda n, count: told.append((n, count)))
    found, before = read_film(out), read_film(source)
    assert done == len(found) == len(before) == 30 and told[-1][0] == 30
    for new, old in zip(found, before, strict=True):
        assert np.abs(new.astype(int) - (255 - old)).mean() < 6
    streams = subprocess.run([_ffmpeg(), "-i", out], capture_output=True, text=True).stderr
    assert "Audio: aac" in streams and "12 fps" in streams
    assert not out.with_name("out.mp4.parts").exists()


def _ffmpeg():
    from imageio_ffmpeg import get_ffmpeg_exe

    return get_ffmpeg_exe()


def test_an_interrupted_film_goes_on_and_is_the_undisturbed_one(tmp_path):
    source = tmp_path / "film.mp4"
    write_film(source, moving(110))

    def paint(picture):
        return picture[:, ::-1]

    paint_film(source, tmp_path / "whole.mp4", paint)
    calls = []

    def killed(picture):
        calls.append(1)
        if len(calls) == 70:
            raise KeyboardInterrupt
        return paint(picture)

    with pytest.raises(KeyboardInterrupt):
        paint_film(source, tmp_path / "halves.mp4", killed)
    again = []
    paint_film(source, tmp_path / "halves.mp4", lambda picture: (again.append(1), paint(picture))[1])
    assert len(again) == 110 - 48
    assert (tmp_path / "whole.mp4").read_bytes() == (tmp_path / "halves.mp4").read_bytes()


def test_parts_painted_in_another_way_are_not_taken(tmp_path):
    source = tmp_path / "film.mp4"
    write_film(source, moving(60))

    def killed(picture):
        if len(calls) == 55:
            raise KeyboardInterrupt
        calls.append(1)
        return picture

    calls = []
    with pytest.raises(KeyboardInterrupt):
        paint_film(source, tmp_path / "out.mp4", killed, key="cafe")
    again = []
    paint_film(source, tmp_path / "out.mp4", lambda picture: (again.append(1), picture)[1], key="church")
    assert len(again) == 60


def test_a_gif_keeps_its_frames_and_durations(tmp_path):
    frames = [Image.fromarray(frame) for frame in moving(5, 40, 52)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=[80, 120, 80, 200, 80])
    assert paint_film(tmp_path / "in.gif", tmp_path / "out.gif", lambda picture: 255 - picture) == 5
    with Image.open(tmp_path / "out.gif") as image:
        durations = []
        for number in range(image.n_frames):
            image.seek(number)
            durations.append(image.info["duration"])
    assert durations == [80, 120, 80, 200, 80]
    assert paint_film(tmp_path / "in.gif", tmp_path / "out.mp4", lambda picture: picture) == 5


def test_odd_rows_and_columns_get_one_more_in_a_film_for_players(tmp_path):
    frames = [Image.fromarray(frame) for frame in moving(3, 41, 53)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=100)
    paint_film(tmp_path / "in.gif", tmp_path / "out.mp4", lambda picture: picture)
    assert read_film(tmp_path / "out.mp4")[0].shape == (42, 54, 3)


def test_a_film_that_ends_early_gives_what_there_is(tmp_path):
    source = tmp_path / "film.mp4"
    with iio.get_writer(
        source, format="FFMPEG", fps=12, codec="libx264", macro_block_size=1, output_params=["-movflags", "faststart"]
    ) as writer:
        for frame in moving(60):
            writer.append_data(frame)
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * 2 // 3])
    assert 5 < paint_film(source, tmp_path / "out.mp4", lambda picture: picture) < 60
    assert open_film(source).count == 60


def test_what_is_no_film_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"nothing of the kind")
    (tmp_path / "film.gif").write_bytes(b"GIF89a")
    (tmp_path / "film.txt").write_bytes(b"words")
    for name in ("film.mp4", "film.gif", "film.txt", "missing.mp4"):
        with pytest.raises(InputError) as refusal:
            paint_film(tmp_path / name, tmp_path / "out.mp4", lambda picture: picture)
        assert_one_sentence(refusal.value, name)
    write_film(tmp_path / "real.mp4", moving(3))
    for out in ("real.mp4", "out.txt", "nowhere/out.mp4"):
        with pytest.raises(InputError) as refusal:
            paint_film(tmp_path / "real.mp4", tmp_path / out, lambda picture: picture)
        assert_one_sentence(refusal.value)
    assert len(read_film(tmp_path / "real.mp4")) == 3


# --- The command line --------------------------------------------------------------------------------------


@pytest.fixture
def nst(tmp_path, book, monkeypatch):
    """Runs `nst fast ...` in a folder with a small network, and gives exit status, output and errors."""
    from typer.testing import CliRunner

    from nst_utils.cli import app

    book.save(tmp_path / "model.npz")
    Image.fromarray(noise(60, 80)).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)

    def run(*words):
        return CliRunner().invoke(app, ["fast", *map(str, words)])

    return run


def test_one_photo_several_and_folders_are_painted(tmp_path, nst):
    done = nst("stylize", "photo.png", "--style", "cafe", "-o", "out.jpg", "--model", "model.npz")
    assert done.exit_code == 0, done.output
    assert Image.open(tmp_path / "out.jpg").size == (80, 60)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(noise(40, 50, number)).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    done = nst("stylize", "photos", "photo.png", "--mix", "cafe=0.6,church=0.4", "-o", "all", "--model", "model.npz")
    assert done.exit_code == 0 and "broken.png" in done.output, done.output
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["0.png", "1.png", "photo.png"]


def test_max_side_and_strength_have_their_effect(tmp_path, nst):
    given = ("stylize", "photo.png", "--style", "cafe", "--model", "model.npz")
    assert nst(*given, "-o", "small.png", "--max-side", "48").exit_code == 0
    assert Image.open(tmp_path / "small.png").size == (48, 36)
    assert nst(*given, "-o", "same.png", "--strength", "0").exit_code == 0
    same, before = (np.asarray(Image.open(tmp_path / name), int) for name in ("same.png", "photo.png"))
    assert np.abs(same - before).max() <= 1


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("stylize", "photo.png", "-o", "o.png"), ("--style", "--mix")),
        (("stylize", "photo.png", "-o", "o.png", "--style", "caffe"), ("caffe", "cafe")),
        (("stylize", "photo.png", "-o", "o.png", "--mix", "cafe=-1"), ("cafe", "-1")),
        (("stylize", "photo.png", "-o", "o.png", "--mix", "cafe=0"), ("All shares",)),
        (("stylize", "photo.png", "-o", "o.png", "--mix", "cafe,cafe"), ("twice",)),
        (("stylize", "photo.png", "-o", "o.png", "--style", "cafe", "--strength", "2"), ("strength", "2")),
        (("stylize", "photo.png", "-o", "photo.png", "--style", "cafe"), ("photo.png", "input")),
        (("stylize", "nothing.png", "-o", "o.png", "--style", "cafe"), ("nothing.png",)),
        (("stylize", "empty", "-o", "o", "--style", "cafe"), ("empty", "no pictures")),
        (("styles", "photo.png"), ("photo.png",)),
        (("learn", "small.png", "--name", "mine"), ("small.png", "20x60")),
        (("film", "photo.png", "-o", "o.mp4", "--style", "cafe"), ("photo.png", "no film")),
    ],
)
def test_bad_input_gets_one_sentence_and_leaves_nothing(tmp_path, nst, words, parts):
    Image.fromarray(noise(60, 20)).save(tmp_path / "small.png")
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = nst(*words, "--model", "model.npz")
    assert done.exit_code != 0 and isinstance(done.exception, InputError), done.output
    assert_one_sentence(done.exception, *parts)
    assert sorted(tmp_path.rglob("*")) == before


def test_styles_are_listed_and_shown(tmp_path, nst):
    done = nst("styles", "--model", "model.npz", "--sheet", "sheet.png", "--photo", "photo.png")
    assert done.exit_code == 0 and all(name in done.output for name in ("cafe", "church", "tiles"))
    assert Image.open(tmp_path / "sheet.png").width > 3 * 80


def test_a_film_from_the_command_line(tmp_path, nst):
    write_film(tmp_path / "film.mp4", moving(6))
    done = nst("film", "film.mp4", "--style", "church", "-o", "out.mp4", "--model", "model.npz")
    assert done.exit_code == 0 and "6 frames" in done.output, done.output
    assert len(read_film(tmp_path / "out.mp4")) == 6


def test_a_film_killed_goes_on_where_it_was(tmp_path, nst):
    write_film(tmp_path / "film.mp4", moving(200, 96, 128))
    given = ("film", "film.mp4", "--style", "cafe", "--model", "model.npz", "-o")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", "nst_utils.cli", "fast", *given, "out.mp4"]
    process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, **quiet)
    part = tmp_path / "out.mp4.parts" / "part-00001.mkv"
    for _ in range(1200):
        if part.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert part.exists() and not (tmp_path / "out.mp4").exists()
    assert nst(*given, "out.mp4").exit_code == 0
    assert nst(*given, "whole.mp4").exit_code == 0
    whole, halves = read_film(tmp_path / "whole.mp4"), read_film(tmp_path / "out.mp4")
    assert len(whole) == len(halves) == 200
    assert all(np.array_equal(a, b) for a, b in zip(whole, halves, strict=True))


def test_a_training_killed_goes_on_where_it_was(tmp_path, tiny_mat):
    for folder, count in (("paintings", 2), ("images", 3)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            Image.fromarray(noise(64, 64, number + count)).save(tmp_path / folder / f"{number}.png")
    words = "fast train paintings --images images --steps 90 --side 32 --batch 1 --widths 4,4 --every 0.01 -o own.npz"
    environment = os.environ | {"NST_WEIGHTS": str(tiny_mat), "PYTHONPATH": str(ROOT)}
    command, told = [sys.executable, "-m", "nst_utils.cli", *words.split()], {"stderr": subprocess.PIPE, "text": True}
    checkpoint = tmp_path / "own.npz.checkpoint.npz"
    first = subprocess.Popen(command, cwd=tmp_path, env=environment, **told)
    while first.poll() is None and not checkpoint.exists():
        time.sleep(0.01)
    first.kill()
    first.communicate()
    with np.load(checkpoint) as file:
        reached = json.loads(file["words"].item())["step"]
    assert 0 < reached < 90 and not (tmp_path / "own.npz").exists()
    again = subprocess.run(command, cwd=tmp_path, env=environment, **told)
    assert again.returncode == 0, again.stderr
    assert f"Going on from step {reached}, which own.npz.checkpoint.npz holds." in again.stderr
    assert read_book(tmp_path / "own.npz").about["steps"] == 90


_WORKER = """
import sys
from nst_utils.cli import app
words = "train paintings --images images --steps 4 --side 32 --batch 1 --widths 4,4 --strategy workers -o"
app(["fast", *words.split(), sys.argv[1]], standalone_mode=False)
"""


def test_two_workers_train_one_network(tmp_path, tiny_mat):
    for folder, count in (("paintings", 2), ("images", 3)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            Image.fromarray(noise(64, 64, number + count)).save(tmp_path / folder / f"{number}.png")
    ports = [free_port(), free_port()]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    processes = []
    for index in range(2):
        own = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        environment = os.environ | {"TF_CONFIG": json.dumps(own), "NST_WEIGHTS": str(tiny_mat), "PYTHONPATH": str(ROOT)}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", _WORKER, f"worker{index}.npz"], cwd=tmp_path, env=environment,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
        )
    said = [process.communicate(timeout=240)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    first, second = (read_book(tmp_path / f"worker{index}.npz") for index in range(2))
    assert first.fingerprint == second.fingerprint
    np.testing.assert_array_equal(first.manner("0").numbers, second.manner("0").numbers)
    checkpoints = sorted(path.name for path in tmp_path.glob("*checkpoint*"))
    assert checkpoints == ["worker0.npz.checkpoint.npz"]


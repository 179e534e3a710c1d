"""The pictures of the notebooks: tiles, descent, figures, GIF and the live view."""

import imageio.v3 as iio
import matplotlib
import numpy as np
import pytest
from PIL import Image

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.course import drawing
from nst_utils.course.config import CONFIG
from nst_utils.course.helper import reshape_and_normalize_image, save_image

matplotlib.use("agg")
plt = drawing.plt


@pytest.fixture(autouse=True)
def no_open_figures():
    yield
    plt.close("all")


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (12, 18, 3), dtype=np.uint8)


def titles():
    return [axis.get_title() for axis in plt.gcf().axes]


def shown(axis):
    return np.asarray(axis.images[0].get_array())


def test_example_is_found_from_anywhere_at_the_size_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert drawing.example("content/dahlia.jpg", (60, 40)).shape == (40, 60, 3)
    monkeypatch.setattr(CONFIG, "IMAGE_WIDTH", 50)
    assert drawing.example("content/dahlia.jpg").shape == (CONFIG.IMAGE_HEIGHT, 50, 3)


def test_example_cuts_instead_of_squashing():
    wide = drawing.example("content/astronaut.png", (256, 128))
    square = drawing.example("content/astronaut.png", (256, 256))
    difference = np.abs(wide.astype(int) - square[64:192])
    assert difference.mean() < 2
    top = drawing.example("content/astronaut.png", (256, 128), centre=(0.5, 0))
    assert np.abs(top.astype(int) - square[:128]).mean() < 2


def test_a_picture_of_ones_own_is_found_too(tmp_path):
    Image.new("RGB", (90, 50), (10, 20, 30)).save(tmp_path / "mine.png")
    assert (drawing.example(tmp_path / "mine.png", (30, 20)) == (10, 20, 30)).all()


def test_example_that_is_not_there():
    with pytest.raises(MissingFileError, match="no example picture content/nobody.jpg"):
        drawing.example("content/nobody.jpg")


def test_to_picture_is_what_save_image_writes(tmp_path, picture):
    image = reshape_and_normalize_image(picture.astype(np.float32)) * 1.3
    save_image(tmp_path / "saved.png", image)
    assert np.array_equal(drawing.to_picture(image), np.asarray(Image.open(tmp_path / "saved.png")))


def test_shuffled_tiles_are_the_same_tiles_elsewhere(picture):
    shuffled = drawing.shuffle_tiles(picture, 6, seed=1)
    places = [(row, column) for row in range(0, 12, 6) for column in range(0, 18, 6)]

    def tiles(image):
        return sorted(image[row : row + 6, column : column + 6].tobytes() for row, column in places)

    assert tiles(shuffled) == tiles(picture)
    assert not np.array_equal(shuffled, picture)
    assert np.array_equal(shuffled, drawing.shuffle_tiles(picture, 6, seed=1))


def test_tiles_that_do_not_fill_the_picture(picture):
    with pytest.raises(InputError, match="Tiles of 5 pixels do not fill 18x12"):
        drawing.shuffle_tiles(picture, 5)


def test_show_puts_titles_above_pictures_in_rows(picture):
    image = reshape_and_normalize_image(picture.astype(np.float32))
    drawing.show({"one": picture, "two": image, "three": picture[..., 0]}, columns=2)
    assert titles() == ["one", "two", "three", ""]
    one, two, three = plt.gcf().axes[:3]
    assert np.array_equal(shown(one), picture)
    assert np.abs(shown(two).astype(int) - picture).max() <= 1
    assert three.get_subplotspec().rowspan.start == 1


def test_a_channel_is_stretched_and_grey_levels_are_not(picture):
    drawing.show({"channel": picture[..., 0] / 1000, "grey levels": picture[..., 0] // 2})
    channel, grey = (axis.images[0].get_clim() for axis in plt.gcf().axes)
    assert channel == (picture[..., 0].min() / 1000, picture[..., 0].max() / 1000)
    assert grey == (0, 255)


def test_show_table_names_rows_and_columns(picture):
    drawing.show_table([[picture, picture // 2], [picture // 3, picture // 4]], ["a", "b"], ["x", "y"])
    axes = plt.gcf().axes
    assert titles() == ["x", "y", "", ""]
    assert [axis.texts[0].get_text() for axis in axes[::2]] == ["a", "b"]
    assert np.array_equal(shown(axes[3]), picture // 4)


def test_feature_maps_are_the_channels_that_vary_most(picture):
    a = np.zeros((1, 6, 9, 4), np.float32)
    a[0, :, :, 0] = 100  # strong, but the same everywhere
    a[0, 2, 3, 1], a[0, 2, 3, 2] = 5, 9
    assert list(drawing.strongest_channels(a, 2)) == [2, 1]
    drawing.show_feature_maps(picture, {"conv9_9": a}, count=2)
    axes = plt.gcf().axes
    assert np.array_equal(shown(axes[0]), picture)
    assert np.array_equal(shown(axes[1]), a[0, :, :, 2])
    assert np.array_equal(shown(axes[2]), a[0, :, :, 1])


def test_boxes_enclose_the_pixels_named(picture):
    drawing.show_boxes(picture, {"conv1_1": (2, 5, 3, 9)})
    (box,) = plt.gcf().axes[0].patches
    assert box.get_label() == "conv1_1"
    assert box.get_bbox().bounds == (2.5, 1.5, 6, 3)


def test_matrices_share_one_scale():
    drawing.show_matrices({"small": np.eye(3), "large": 4 * np.eye(5)})
    small, large = (axis.images[0].get_clim() for axis in plt.gcf().axes[:2])
    assert small == large == (0, 4)


def test_curves_are_drawn_on_the_scale_asked_for():
    drawing.show_curves({"J": ([0, 1, 2], [100.0, 10.0, 1.0])}, xlabel="seconds")
    (axis,) = plt.gcf().axes
    assert (axis.get_yscale(), axis.get_xlabel()) == ("log", "seconds")
    assert list(axis.lines[0].get_ydata()) == [100, 10, 1]


def test_gif_holds_every_frame_and_rests_on_the_last(tmp_path):
    frames = [np.full((8, 10, 3), level, np.uint8) for level in (0, 100, 200)]
    path = drawing.write_gif(tmp_path / "new folder" / "film.gif", frames, seconds=0.1, rest=0.5)
    assert [int(frame.mean()) for frame in iio.imread(path)] == [0, 100, 200]
    with Image.open(path) as film:
        durations = []
        for number in range(film.n_frames):
            film.seek(number)
            durations.append(film.info["duration"])
        assert film.info["loop"] == 0
    assert durations == [100, 100, 500]


def test_frames_of_other_sizes_are_shown_at_the_size_of_the_last(tmp_path):
    frames = [np.full((height, width, 3), level, np.uint8) for height, width, level in ((4, 5, 0), (8, 10, 200))]
    film = iio.imread(drawing.write_gif(tmp_path / "film.gif", frames))
    assert film.shape[:3] == (2, 8, 10) and [int(frame.mean()) for frame in film] == [0, 200]


def test_live_view_keeps_frames_and_costs_only_while_it_is_open(picture):
    image = reshape_and_normalize_image(picture.astype(np.float32))
    view = drawing.LiveView()
    view.update(0, image, J=7.0)
    assert not view.frames
    with view:
        view.update(0, image, J=np.float32(100), J_style=2)
        view.update(20, picture, J=10.0, J_style=1)
    view.update(40, image, J=1.0)
    assert list(view.frames) == [0, 20]
    assert np.array_equal(view.frames[20], picture)
    assert view.costs == {"J": [(0, 100.0), (20, 10.0)], "J_style": [(0, 2.0), (20, 1.0)]}
    assert not plt.get_fignums()


def test_live_view_shows_the_picture_and_the_curves(picture):
    with drawing.LiveView() as view:
        view.update(0, picture, J=100.0)
        view.update(20, picture // 2, J=10.0)
        left, right = plt.gcf().axes
        assert left.get_title() == "iteration 20"
        assert np.array_equal(shown(left), picture // 2)
        assert [list(points) for points in right.lines[0].get_xydata()] == [[0, 100], [20, 10]]


def test_a_live_view_in_a_notebook_is_shown_with_its_words(picture, monkeypatch):
    shown = []

    class Handle:
        def update(self, data, **_):
            shown.append(data)

    monkeypatch.setattr(drawing.plt, "get_backend", lambda: "inline")
    monkeypatch.setattr(drawing, "display", lambda data, **_: shown.append(data) or Handle())
    with drawing.LiveView() as view:
        view.update(20, picture, J=10.0, J_style=4.0)
    waiting, now = (data["text/plain"] for data in shown)
    assert "waits" in waiting and "iteration 20" in now and "J, J_style" in now


def test_a_view_opened_again_starts_afresh(picture):
    view = drawing.LiveView()
    for iteration in (0, 5):
        with view:
            view.update(iteration, picture, J=1.0)
    assert list(view.frames) == [5]


def test_film_of_a_view(tmp_path, picture, capsys):
    view = drawing.LiveView()
    view.film_strip()
    assert "no frames yet" in capsys.readouterr().out
    with view:
        for iteration in (0, 20, 40):
            view.update(iteration, picture + np.uint8(iteration), J=1.0)
    view.film_strip(columns=2)
    assert titles()[:3] == ["iteration 0", "iteration 20", "iteration 40"]
    view.gif(tmp_path / "film.gif")
    assert iio.imread(tmp_path / "film.gif").shape == (3, *picture.shape)

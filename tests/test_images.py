"""Every kind of picture file gives an upright 8-bit RGB picture or one sentence; writing loses nothing."""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import ROOT, assert_one_sentence, full_disk, posix_only
from PIL import Image, ImageCms

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.files import replacing, write_text
from nst_utils.course.config import CONFIG
from nst_utils.course.helper import generate_noise_image, reshape_and_normalize_image, save_image
from nst_utils.engine.starts import mix_with_noise
from nst_utils.engine.styles import everywhere, recolored, recolored_detail
from nst_utils.pictures import reading
from nst_utils.pictures.colors import Moments, recolor
from nst_utils.pictures.reading import as_picture, read_image
from nst_utils.pictures.sizes import enlarge, output_size, resize, scale_to_area, turn
from nst_utils.pictures.writing import check_writable, write_image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture
def photo():
    """A smooth picture (30, 40, 3) in which every pixel and channel differs from its mirror images."""
    y, x = np.mgrid[:30, :40]
    return np.stack([6 * x, 8 * y, 100 + x + y], axis=-1).astype(np.uint8)


@pytest.fixture
def saved(tmp_path):
    """Saves a Pillow image and reads it back by read_image."""

    def save(image, name="picture.png", read=None, **options):
        path = tmp_path / name
        image.save(path, **options)
        return read_image(path, **(read or {}))

    return save


# Reading: the colours that a viewer would show


@pytest.mark.parametrize("extension", ["png", "bmp", "tif", "webp", "ppm"])
def test_lossless_files_come_back_as_they_are(saved, photo, extension):
    options = {"lossless": True} if extension == "webp" else {}
    picture = saved(Image.fromarray(photo), f"picture.{extension}", **options)
    assert picture.dtype == np.uint8 and picture.flags.writeable
    np.testing.assert_array_equal(picture, photo)


def test_jpeg_comes_back_close(saved, photo):
    assert np.abs(saved(Image.fromarray(photo), "p.jpg", quality=95).astype(int) - photo).mean() < 3


def test_grey_has_three_equal_channels(saved):
    grey = np.arange(200, dtype=np.uint8).reshape(10, 20)
    np.testing.assert_array_equal(saved(Image.fromarray(grey)), np.stack([grey] * 3, axis=-1))


def test_black_and_white(saved):
    bits = np.arange(200).reshape(10, 20) % 3 == 0
    np.testing.assert_array_equal(saved(Image.fromarray(bits)), np.stack([bits * np.uint8(255)] * 3, axis=-1))


def test_sixteen_bit_grey_keeps_its_range(saved):
    grey = np.linspace(0, 65535, 200).reshape(10, 20)
    picture = saved(Image.fromarray(grey.astype(np.uint16)))
    np.testing.assert_allclose(picture, np.stack([grey / 257] * 3, axis=-1), atol=1)


@pytest.mark.parametrize("top", [200.0, 5000.0])
def test_float_grey_is_brought_into_range(saved, top):
    grey = np.linspace(0, top, 200, dtype=np.float32).reshape(10, 20)
    picture = saved(Image.fromarray(grey), "p.tif")
    np.testing.assert_allclose(picture[..., 0], grey * 255 / max(top, 255), atol=1)


def test_palette(saved):
    image = Image.new("P", (4, 2))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([0, 1, 2, 0, 2, 2, 1, 1])
    np.testing.assert_array_equal(saved(image), [[RED, GREEN, BLUE, RED], [BLUE, BLUE, GREEN, GREEN]])


def test_palette_with_a_transparent_colour_lies_on_white(saved):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putdata([0, 1])
    np.testing.assert_array_equal(saved(image, transparency=1), [[RED, WHITE]])


def test_alpha_lies_on_white(saved):
    pixels = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 128]]], np.uint8)
    np.testing.assert_allclose(saved(Image.fromarray(pixels)), [[RED, WHITE, (127, 127, 127)]], atol=1)


def test_grey_with_alpha_lies_on_white(saved):
    pixels = np.array([[[10, 255], [10, 0]]], np.uint8)
    np.testing.assert_array_equal(saved(Image.fromarray(pixels, "LA")), [[(10, 10, 10), WHITE]])


def test_cmyk(saved):
    cyan = saved(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "p.jpg", quality=100)
    np.testing.assert_allclose(cyan, np.broadcast_to((0, 255, 255), cyan.shape), atol=3)


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (2, lambda p: p[:, ::-1]),
        (3, lambda p: p[::-1, ::-1]),
        (4, lambda p: p[::-1]),
        (5, lambda p: p.transpose(1, 0, 2)),
        (6, lambda p: np.rot90(p, -1)),
        (7, lambda p: p.transpose(1, 0, 2)[::-1, ::-1]),
        (8, np.rot90),
    ],
)
def test_exif_orientation_is_applied(saved, photo, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(saved(Image.fromarray(photo), exif=exif), turned(photo))


@pytest.mark.parametrize("extension", ["gif", "webp", "png"])
def test_of_an_animation_the_first_frame_is_taken(saved, extension):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if extension == "webp" else {}
    picture = saved(frames[0], f"p.{extension}", save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(picture, np.broadcast_to(np.uint8(RED), (8, 8, 3)))


def test_one_pixel_can_be_read_and_painted_larger(saved):
    picture = saved(Image.new("RGB", (1, 1), BLUE))
    np.testing.assert_array_equal(picture, [[BLUE]])
    assert (resize(picture, (40, 32)) == BLUE).all()


def test_twenty_thousand_pixels_wide(saved):
    stripes = np.zeros((40, 20_000, 3), np.uint8)
    stripes[:, ::2] = 200
    np.testing.assert_array_equal(saved(Image.fromarray(stripes)), stripes)


def test_a_huge_picture_is_reduced_while_reading(saved):
    """102 million pixels, more than read_image keeps: a JPEG is decoded at half its size."""
    picture = saved(Image.new("L", (20_000, 5_100), 90), "p.jpg")
    assert picture.shape == (2_550, 10_000, 3)
    assert 89 <= picture.min() and picture.max() <= 91


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK"])
def test_any_mode_can_be_reduced_while_reading(saved, mode):
    sixteen_bit = Image.fromarray(np.full((100, 200), 65_535, np.uint16))
    white = sixteen_bit if mode == "I;16" else Image.new("RGB", (200, 100), "white").convert(mode)
    picture = saved(white, "p.tif", read={"max_pixels": 5_000})
    assert picture.shape == (50, 100, 3)
    assert (picture == 255).all()


@pytest.mark.parametrize("extension", ["jpg", "png"])
def test_a_reduced_picture_is_still_the_picture(saved, photo, extension):
    big = Image.fromarray(photo).resize((800, 600))
    picture = saved(big, f"p.{extension}", read={"max_pixels": 40_000})
    height, width = picture.shape[:2]
    assert 10_000 <= height * width <= 40_000 and abs(width / height - 4 / 3) < 0.02
    np.testing.assert_allclose(picture, np.asarray(big.resize((width, height), Image.Resampling.BOX)), atol=8)


@pytest.mark.parametrize("side", [30_000, 60_000])
def test_a_small_file_of_blank_paper_is_not_unpacked(tmp_path, side):
    """A PNG of a few megabytes, or here of a hundred bytes: the header alone tells that it would fill the memory."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )
    with pytest.raises(InputError) as error:
        read_image(path)
    assert_one_sentence(error.value, path, f"{side}x{side}", "million")


def test_a_large_jpeg_goes_on_where_a_png_of_its_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MOST_PIXELS", 500_000)
    picture = Image.new("RGB", (1200, 900), RED)
    for name in ("p.jpg", "progressive.jpg", "p.png"):
        picture.save(tmp_path / name, progressive=name.startswith("prog"))
    assert read_image(tmp_path / "p.jpg", max_pixels=300_000).shape == (450, 600, 3)
    for name in ("progressive.jpg", "p.png"):  # which are unpacked whole, whatever is made of them afterwards
        with pytest.raises(InputError):
            read_image(tmp_path / name, max_pixels=300_000)


def profile_with_swapped_colours():
    """An sRGB profile whose red and green are each other's: what it calls red is green."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for number in range(struct.unpack(">I", profile[128:132])[0]):
        at = 132 + 12 * number
        name = bytes(profile[at : at + 4])
        profile[at : at + 4] = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}.get(name, name)
    return bytes(profile).replace(b"s\0R\0G\0B", b"o\0t\0h\0e").replace(b"sRGB", b"othe")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_colour_profile_is_converted_to_srgb(tmp_path, mode):
    picture = Image.new("RGB", (8, 6), (200, 40, 60))
    picture = picture.quantize(2) if mode == "P" else picture.convert(mode)
    picture.save(tmp_path / "p.png", icc_profile=profile_with_swapped_colours())
    np.testing.assert_allclose(read_image(tmp_path / "p.png")[0, 0], (40, 200, 60), atol=6)


def test_a_broken_colour_profile_is_passed_over(tmp_path):
    Image.new("RGB", (8, 6), RED).save(tmp_path / "p.png", icc_profile=b"not a profile")
    assert (read_image(tmp_path / "p.png") == RED).all()


def test_every_picture_of_the_project_can_be_read_and_is_credited():
    credits = (ROOT / "images" / "CREDITS.md").read_text(encoding="utf-8")
    pictures = [path for folder in ("content", "style") for path in (ROOT / "images" / folder).iterdir()]
    assert len(pictures) >= 14
    for path in pictures:
        assert min(read_image(path).shape[:2]) >= 300
        assert f"| {path.parent.name}/{path.name} |" in credits


# Reading: one sentence for what is no picture


def damaged(photo, tmp_path, kind):
    """The path of a file that cannot be read as a picture, and why."""
    path = tmp_path / f"{kind}.png"
    Image.fromarray(photo).save(path)
    data = bytearray(path.read_bytes())
    if kind == "corrupt":
        start = data.index(b"IDAT") + 4
        data[start + 2 : start + 300] = zlib.compress(bytes(300))[:10] * 30
    elif kind == "truncated":
        del data[len(data) // 2 :]
    elif kind == "text":
        data = b"This is a letter, not a picture.\n"
    elif kind == "empty":
        data = b""
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", ["corrupt", "truncated", "text", "empty"])
def test_a_damaged_file_gets_its_sentence(photo, tmp_path, kind):
    path = damaged(photo, tmp_path, kind)
    with pytest.raises(InputError) as error:
        read_image(path)
    assert_one_sentence(error.value, path, "is not a picture that can be read", "give an intact")


def test_a_truncated_jpeg_gets_its_sentence(photo, tmp_path):
    path = tmp_path / "p.jpg"
    Image.fromarray(photo).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError) as error:
        read_image(path)
    assert_one_sentence(error.value, path, "truncated")


def test_a_missing_file_gets_its_sentence(tmp_path):
    with pytest.raises(MissingFileError) as error:
        read_image(tmp_path / "nowhere.png")
    assert_one_sentence(error.value, tmp_path / "nowhere.png", "does not exist")
    assert isinstance(error.value, FileNotFoundError)


def test_a_name_too_long_for_a_file_gets_its_sentence(photo, tmp_path):
    path = tmp_path / ("x" * 256 + ".png")
    with pytest.raises(MissingFileError) as error:
        read_image(path)
    assert_one_sentence(error.value, path, "does not exist")
    with pytest.raises(InputError) as error:
        write_image(path, photo)
    assert_one_sentence(error.value, path, "cannot be written")


def test_a_folder_gets_its_sentence(tmp_path):
    with pytest.raises(InputError) as error:
        read_image(tmp_path)
    assert_one_sentence(error.value, tmp_path, "is a folder")


def test_a_file_that_may_not_be_read_gets_its_sentence(locked_folder):
    path = locked_folder / "secret.png"
    with pytest.raises(InputError) as error:
        read_image(path)
    assert_one_sentence(error.value, path, "permissions")


# Arrays in the place of files


def test_an_array_of_bytes_is_taken_as_it_is(photo):
    np.testing.assert_array_equal(as_picture(photo, "content"), photo)


def test_a_path_is_read(photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / "p.png")
    np.testing.assert_array_equal(as_picture(str(tmp_path / "p.png"), "content"), photo)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint16])
def test_other_numbers_from_0_to_255_are_rounded(photo, dtype):
    np.testing.assert_array_equal(as_picture(photo.astype(dtype), "content"), photo)


def test_numbers_beyond_the_range_are_clipped():
    floats = np.array([[[-20.0, 260.0, 127.6]]])
    np.testing.assert_array_equal(as_picture(floats, "content"), [[[0, 255, 128]]])


def test_grey_arrays_become_rgb(photo):
    grey = photo[..., 0]
    for array in (grey, grey[..., None]):
        np.testing.assert_array_equal(as_picture(array, "content"), np.stack([grey] * 3, axis=-1))


def test_a_fourth_channel_is_alpha():
    array = np.array([[[255, 0, 0, 255], [255, 0, 0, 0]]], np.uint8)
    np.testing.assert_array_equal(as_picture(array, "content"), [[RED, WHITE]])


@pytest.mark.parametrize(
    "shape", [(), (12,), (0, 4, 3), (4, 0, 3), (4, 4, 0), (4, 4, 2), (4, 4, 5), (1, 4, 4, 3)], ids=str
)
def test_arrays_of_other_shapes_get_their_sentence(shape):
    with pytest.raises(InputError) as error:
        as_picture(np.ones(shape, np.uint8), "style")
    assert_one_sentence(error.value, "style image has the shape", shape, "(height, width, 3)")


@pytest.mark.parametrize("value", [np.nan, np.inf, True, "red", None, 1 + 2j])
def test_arrays_of_other_values_get_their_sentence(value):
    with pytest.raises(InputError) as error:
        as_picture(np.full((4, 4, 3), value), "style")
    assert_one_sentence(error.value, "style image", "from 0 to 255")


def test_floats_from_0_to_1_get_their_sentence(photo):
    with pytest.raises(InputError) as error:
        as_picture(photo / 255, "content")
    assert_one_sentence(error.value, "content image", "multiply it by 255")
    assert not as_picture(np.zeros((4, 4, 3)), "content").any()


# Sizes


def test_resize_gives_the_size_and_keeps_colours(photo):
    resized = resize(photo, (80, 45))
    assert resized.shape == (45, 80, 3) and resized.dtype == np.uint8
    assert abs(resized.mean() - photo.mean()) < 1
    assert resize(photo, (40, 30)) is photo


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (400, 300)),
        ({"max_side": 200}, (200, 150)),
        ({"max_side": 4000}, (400, 300)),
        ({"size": (64, 48)}, (64, 48)),
        ({"size": (64, 48), "max_side": 10}, (64, 48)),
    ],
)
def test_output_size(options, expected):
    assert output_size((400, 300), **options) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"size": (0, 0)},
        {"size": (400, 0)},
        {"size": (-40, 300)},
        {"size": (31, 400)},
        {"max_side": 40},
    ],
    ids=str,
)
def test_sizes_of_zero_or_too_small_get_their_sentence(options):
    with pytest.raises(InputError) as error:
        output_size((400, 300), **options)
    assert_one_sentence(error.value, "at least 32 pixels")


@pytest.mark.parametrize("size", [(120, 90), (80, 80), (30, 150)])
@pytest.mark.parametrize("degrees", [2, 33, 45, -60, 90, 179, 180])
def test_a_turned_picture_is_the_largest_part_without_empty_corners(size, degrees):
    turned = turn(np.full((*size, 3), 255, np.uint8), degrees)
    assert turned.min() == 255
    whole = np.asarray(Image.new("L", size[::-1], 255).rotate(degrees, expand=True)) == 255
    middle, largest = whole.shape[0] // 2, 0
    for top in range(middle):
        full = whole[top : whole.shape[0] - top].all(axis=0)
        largest = max(largest, (whole.shape[0] - 2 * top) * full.sum())
    assert turned.shape[0] * turned.shape[1] == pytest.approx(largest, abs=3 * sum(size))


def test_turning_goes_counterclockwise():
    picture = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    np.testing.assert_array_equal(turn(picture, 90), np.rot90(picture))


def test_scale_to_area_keeps_the_aspect_ratio_and_the_smallest_side():
    assert scale_to_area(np.zeros((300, 400, 3), np.uint8), 30_000).shape == (150, 200, 3)
    assert scale_to_area(np.zeros((40, 4000, 3), np.uint8), 10_000).shape == (32, 1000, 3)


# Changes of size and colour that the optimisation starts from


def colours(picture):
    return picture.reshape(-1, 3).astype(np.float64)


def test_recolor_gives_mean_and_covariance_of_the_other_picture():
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(30, 40, 3)) @ rng.normal(size=(3, 3)) * 30 + [90, 120, 150]
    like = rng.uniform(0, 255, (21, 33, 3))
    recoloured = recolor(mixed.astype(np.float32), Moments.of(like))
    assert recoloured.dtype == np.float32 and recoloured.shape == mixed.shape
    np.testing.assert_allclose(colours(recoloured).mean(axis=0), colours(like).mean(axis=0), atol=0.01)
    np.testing.assert_allclose(np.cov(colours(recoloured).T), np.cov(colours(like).T), rtol=1e-3, atol=1)


def test_recolor_of_a_picture_in_its_own_colours_changes_nothing(photo):
    np.testing.assert_allclose(recolor(photo, Moments.of(photo)), photo, atol=0.1)


@pytest.mark.parametrize("recolor", [recolored, recolored_detail])
def test_a_picture_of_one_colour_can_be_recoloured(photo, recolor):
    flat = np.full((32, 34, 3), 77, np.float32)
    assert np.isfinite(recolor(flat, everywhere(photo.astype(np.float32)))).all()
    assert np.isfinite(recolor(photo.astype(np.float32), everywhere(flat))).all()


def test_recolored_detail_takes_the_fine_detail_only():
    """A blurred picture gets its coarse form back and the contrast of the other's finest octave."""
    noise = np.random.default_rng(0).normal(0, 20, (64, 64, 3)).astype(np.float32)
    smooth = np.broadcast_to(np.linspace(0, 200, 64, dtype=np.float32)[:, None, None], (64, 64, 3))
    changed = recolored_detail(smooth + 0.1 * noise, everywhere(smooth + noise))
    assert np.abs(changed[4:-4, 4:-4].mean((1, 2)) - smooth[4:-4].mean((1, 2))).mean() < 5
    assert 10 < np.std(changed - smooth) < 25


def test_enlarge_keeps_values_of_any_size():
    change = np.stack([np.full((5, 7), value, np.float32) for value in (-300, 0.25, 999)], axis=-1)
    enlarged = enlarge(change, (15, 11))
    assert enlarged.shape == (11, 15, 3) and enlarged.dtype == np.float32
    np.testing.assert_allclose(enlarged[4], np.broadcast_to([-300, 0.25, 999], (15, 3)), rtol=1e-5)


# The course's three functions


def test_reshape_and_normalize_image_subtracts_the_means_in_rgb_order(photo):
    before = photo.copy()
    normalized = reshape_and_normalize_image(photo)
    assert normalized.shape == (1, 30, 40, 3)
    np.testing.assert_allclose(normalized[0], photo - np.array([123.68, 116.779, 103.939]), atol=1e-5)
    np.testing.assert_array_equal(photo, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_reshape_and_normalize_image_never_writes_into_its_argument(photo, dtype):
    argument = photo.astype(dtype)
    normalized = reshape_and_normalize_image(argument)
    np.testing.assert_array_equal(argument, photo)
    assert not np.shares_memory(argument, normalized)


def test_generate_noise_image_takes_exactly_one_draw_of_numpys_stream(photo):
    content = reshape_and_normalize_image(photo)
    np.random.seed(7)
    image = generate_noise_image(content)
    following = np.random.rand()

    np.random.seed(7)
    noise = np.random.uniform(-20, 20, (1, 30, 40, 3)).astype("float32")
    assert np.random.rand() == following
    np.testing.assert_array_equal(image, noise * 0.6 + content * (1 - 0.6))


def test_generate_noise_image_mixes_at_the_given_ratio(photo):
    content = reshape_and_normalize_image(photo)
    np.testing.assert_array_equal(generate_noise_image(content, 0), content)
    noise = generate_noise_image(content, 1)
    assert -20 <= noise.min() < -19 and 19 < noise.max() <= 20


def test_the_mix_with_noise_can_have_a_stream_of_its_own(photo):
    content = reshape_and_normalize_image(photo)
    np.random.seed(7)
    expected = generate_noise_image(content)
    found = mix_with_noise(content, 0.6, np.random.RandomState(7))
    np.testing.assert_array_equal(found, expected)


def test_save_image_adds_the_means_clips_and_truncates(tmp_path):
    values = np.array([[-5.0, 0.99, 1.0], [254.99, 255.0, 300.0]]).reshape((1, 1, 2, 3))
    save_image(tmp_path / "p.png", values - np.float64([123.68, 116.779, 103.939]) + 1e-4)
    np.testing.assert_array_equal(read_image(tmp_path / "p.png"), [[[0, 0, 1], [254, 255, 255]]])


def test_save_image_undoes_reshape_and_normalize_image(photo, tmp_path):
    save_image(str(tmp_path / "p.png"), reshape_and_normalize_image(photo) + 0.25)
    np.testing.assert_array_equal(read_image(tmp_path / "p.png"), photo)


def test_means_have_the_shape_of_the_course():
    assert CONFIG.MEANS.shape == (1, 1, 1, 3) and np.issubdtype(CONFIG.MEANS.dtype, np.floating)


# Writing


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.JPEG", "p.webp", "p.tif", "p.bmp"])
def test_write_image_writes_the_format_of_the_extension(photo, tmp_path, name):
    write_image(tmp_path / name, photo)
    with Image.open(tmp_path / name) as image:
        assert image.format == {"jpg": "JPEG", "tif": "TIFF"}.get(name[2:].lower(), name[2:].upper())
    assert np.abs(read_image(tmp_path / name).astype(int) - photo).mean() < 4
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(photo, tmp_path):
    path = tmp_path / "p.png"
    write_image(path, photo)
    before = path.read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    with full_disk(), pytest.raises(InputError) as error:
        write_image(path, noise)
    assert_one_sentence(error.value, path, "cannot be written")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "notes.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_text("ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "width"), [("p.webp", 20_000), ("p.jpg", 70_000), ("p.gif", 70_000)])
def test_a_picture_too_large_for_its_format_gets_a_sentence(tmp_path, name, width):
    with pytest.raises(InputError) as error:
        write_image(tmp_path / name, np.zeros((2, width, 3), np.uint8))
    assert_one_sentence(error.value, tmp_path / name, f"cannot hold {width}x2 pixels", ".png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "width"), [("p.webp", 16_383), ("p.jpg", 65_500), ("p.gif", 65_535)])
def test_the_largest_picture_of_a_format_can_be_written(tmp_path, name, width):
    write_image(tmp_path / name, np.full((2, width, 3), 90, np.uint8))
    assert read_image(tmp_path / name).shape == (2, width, 3)


@pytest.mark.parametrize("name", ["p", "p.xyz", "p.txt", "p.mp4"])
def test_an_unknown_extension_gets_its_sentence(photo, tmp_path, name):
    with pytest.raises(InputError) as error:
        write_image(tmp_path / name, photo)
    assert_one_sentence(error.value, tmp_path / name, ".png, .jpg or .webp")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_image, write_text])
def test_a_missing_folder_gets_its_sentence(photo, tmp_path, write):
    with pytest.raises(InputError) as error:
        write(tmp_path / "nowhere" / "p.png", photo)
    assert_one_sentence(error.value, tmp_path / "nowhere", "does not exist")


@pytest.mark.parametrize("write", [write_image, write_text])
def test_a_folder_that_cannot_be_written_gets_its_sentence(photo, locked_folder, write):
    with pytest.raises(InputError) as error:
        write(locked_folder / "p.png", photo)
    assert_one_sentence(error.value, locked_folder, "cannot be written")


def test_a_folder_in_the_place_of_the_file_gets_its_sentence(photo, tmp_path):
    folder = tmp_path / "p.png"
    folder.mkdir()
    with pytest.raises(InputError) as error:
        write_image(folder, photo)
    assert_one_sentence(error.value, folder, "is a folder")


def test_checking_leaves_no_trace(tmp_path):
    (tmp_path / "old.png").write_bytes(b"old")
    assert check_writable(tmp_path / "old.png") == tmp_path / "old.png"
    assert check_writable(tmp_path / "new.png") == tmp_path / "new.png"
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@posix_only
def test_a_link_stays_a_link_and_its_file_keeps_its_permissions(photo, tmp_path):
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "p.png", tmp_path / "link.png"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_image(link, photo)
    assert link.is_symlink() and (real.stat().st_mode & 0o777) == 0o640
    np.testing.assert_array_equal(read_image(real), photo)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["link.png", "p.png", "there"]


@posix_only
def test_a_device_is_not_replaced(photo, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", "/dev/null"):
        with pytest.raises(InputError) as error:
            write_text(path, "text")
        assert_one_sentence(error.value, path, "not a regular file")
    assert (tmp_path / "pipe.png").is_fifo()


def test_threads_that_write_one_file_do_not_meet(tmp_path):
    path = tmp_path / "p.txt"
    texts = [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write_text, [path] * 80, texts * 10))
    assert path.read_text() in texts and list(tmp_path.iterdir()) == [path]


def test_write_text_replaces_the_file(tmp_path):
    write_text(tmp_path / "r.json", "eins")
    write_text(tmp_path / "r.json", "zwölf")
    assert (tmp_path / "r.json").read_text(encoding="utf-8") == "zwölf"
    assert len(list(tmp_path.iterdir())) == 1

"""The gallery: its computed pictures, and its page, whose every command can be copied and says what is there."""

import dataclasses
import re
import shlex
import sys

import numpy as np
import pytest
import typer
from conftest import ROOT
from PIL import Image

from nst_utils.base.errors import InputError
from nst_utils.cli import app
from nst_utils.cli.flags import GROUPS
from nst_utils.engine.settings import Settings, read_setting, read_settings

sys.path.insert(0, str(ROOT / "gallery"))

import build  # noqa: E402
import computed  # noqa: E402

PAGE = (ROOT / "gallery" / "README.md").read_text(encoding="utf-8")
PICTURES = {
    "tiles": lambda seed: computed.tile_pattern((160, 120), 40, seed),
    "flow": lambda seed: computed.turbulent_flow((96, 72), seed, 0.5),
    "fluid": lambda seed: computed.fluid_painting((96, 72), seed, 0.1),
}


def commands_of(page):
    """The page's commands, in the order in which they stand on it."""
    return [line for block in re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S) for line in block.splitlines()]


def parsed(command):
    """What the command line makes of a command: {parameter: value}."""
    words = shlex.split(command)
    assert words[:2] == [".venv/bin/nst", "stylize"]
    return typer.main.get_command(app).commands["stylize"].make_context("stylize", words[2:]).params


def files_of(given):
    """(files that a parsed command reads, files that it writes)."""
    read = [given["content"], *given["style"], given["settings_file"], given["weights"]]
    read += [each for each in (given["masks"] or "").split(",") if each not in ("", "all", "rest")]
    read += [given["init"]] if given["init"] and "." in given["init"] else []
    written = [given["out"], given["film"], given["frames"], given["report"]]
    return *({str(each) for each in files if each} for files in (read, written)),


@pytest.mark.parametrize("name", PICTURES)
def test_a_computed_picture_is_the_same_for_a_seed_and_another_for_another_one(name):
    make = PICTURES[name]
    picture = make(1)
    assert picture.dtype == np.uint8 and picture.shape[2] == 3
    np.testing.assert_array_equal(picture, make(1))
    assert np.abs(picture.astype(int) - make(2)).mean() > 1


@pytest.mark.parametrize("name", PICTURES)
def test_a_computed_picture_has_contrast_and_colour_in_every_quarter(name):
    picture = PICTURES[name](1).astype(float)
    for part in (part for half in np.split(picture, 2) for part in np.split(half, 2, axis=1)):
        assert part.mean(axis=-1).std() > 20
        assert (part.max(axis=-1) - part.min(axis=-1)).mean() > 30


def test_tiles_repeat_but_no_two_are_alike():
    picture = computed.tile_pattern((160, 160), 40).astype(float)
    first, others = picture[:40, :40], (picture[:40, 40:80], picture[40:80, :40], picture[80:120, 80:120])
    for other in others:
        alike = np.corrcoef(first.ravel(), other.ravel())[0, 1]
        assert 0.8 < alike < 0.999


def test_a_flow_keeps_its_mean_vorticity_and_loses_strength_slowly():
    fields = [vorticity for vorticity, _ in computed._flow((96, 72), 0, 0.5, grid=48)]
    assert abs(fields[-1].mean() - fields[0].mean()) < 1e-6 * np.abs(fields[-1]).max()
    assert 0.5 < np.square(fields[-1]).sum() / np.square(fields[0]).sum() <= 1


def test_masks_are_black_and_white_with_something_between():
    with Image.open(ROOT / build.PALACE) as image:
        sky = computed.sky_mask(image.convert("RGB"))
    for mask in (sky, computed.gradient()):
        assert (mask == 0).mean() > 0.1 and (mask == 255).mean() > 0.1 and ((mask > 0) & (mask < 255)).mean() > 0.02
    assert sky[:20, 450:].min() == 255 and sky[-40:].max() == 0


@pytest.mark.parametrize("name, make", [("tiles.jpg", computed.tile_pattern), ("fluid.jpg", computed.fluid_painting)])
def test_the_computed_pictures_of_the_page_are_those_of_the_script(name, make):
    with Image.open(computed.PICTURES / name) as image:
        # Nearly the same: JPEG blurs the colours of fine streaks.
        assert np.corrcoef(np.array(image).ravel(), make().ravel())[0, 1] > 0.97


def test_the_page_is_the_one_that_the_script_writes():
    assert build.page() == PAGE


def test_every_command_of_the_page_is_understood_and_finds_its_files():
    found, written = commands_of(PAGE), set()
    assert len(found) > 20
    for command in found:
        given = parsed(command)
        reads, writes = files_of(given)
        missing = {path for path in reads - written if not (ROOT / path).is_file()}
        assert not missing, f"{command}\nreads {missing}"
        for name in (each.name for each in dataclasses.fields(Settings)):
            if given[name] is not None and given[name] not in written:
                read_setting(name, given[name] if name != "init" or "." not in given[name] else str(ROOT / given[name]))
        written |= writes


def test_no_two_commands_of_the_page_write_the_same_file():
    outs = [str(parsed(command)["out"]) for command in dict.fromkeys(commands_of(PAGE))]
    assert len(outs) == len(set(outs))


@pytest.mark.parametrize("flags", ["--brush 2", "--alpha", "--every none"])
def test_a_command_that_is_none_would_be_found(flags):
    with pytest.raises(Exception, match="(?i)option|valid|argument"):
        parsed(f"{build.NST} photo.jpg painting.jpg -o out.png {flags}")
    with pytest.raises(InputError):
        read_setting("style_scale", "broad")


def test_every_picture_of_the_page_is_there_and_every_picture_there_is_on_the_page():
    shown = set(re.findall(r"\]\((strips/[^)]+)\)", PAGE))
    there = {f"strips/{path.name}" for path in (ROOT / "gallery" / "strips").iterdir()}
    assert shown == there
    for name in shown:
        with Image.open(ROOT / "gallery" / name) as image:
            assert 300 <= image.width <= 1250


def test_the_page_shows_every_setting_in_its_group():
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
    for setting in dataclasses.fields(Settings):
        group = setting.metadata["group"]
        if group == "machine":
            continue
        section = sections[GROUPS[group]]
        assert f"`{setting.name}`" in section, setting.name
        assert "--" + setting.name.replace("_", "-") in " ".join(commands_of(section)), setting.name
    files = " ".join(commands_of(PAGE))
    for option in ("--film", "--frames", "--every", "--fps", "--settings", "--report"):
        assert option in files


def test_the_settings_file_of_the_gallery_can_be_read():
    assert Settings.of(**read_settings(ROOT / "gallery" / "manner.toml")).keep_colors == "palette"


def test_the_gallery_stays_small():
    assert sum(path.stat().st_size for path in (ROOT / "gallery" / "strips").iterdir()) < 6_500_000

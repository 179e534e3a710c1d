"""What fuzzing found (benchmarks/fuzz.py), in the least file that shows it, mended: one sentence, in little memory."""


import pytest
from conftest import assert_one_sentence

from nst_utils.base.errors import InputError, shown
from nst_utils.engine.checkpoint import Standing, read_checkpoint, write_checkpoint
from nst_utils.engine.settings import Settings, read_setting, read_settings

NINES = "9" * 400
MEASURED = """
import resource, sys
from nst_utils.base.errors import InputError
from PIL import Image
{imports}
Image.init()

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = peak()
for path in sys.argv[1:]:
    try:
        {call}
    except InputError as error:
        print(error)
print((peak() - before) // 1024)
"""


def mebibytes(run_python, imports, call, *paths):
    """(what was printed, MiB more than before) of a call for each of the paths, in a process of its own."""
    done = run_python(MEASURED.format(imports=imports, call=call), *paths)
    assert done.returncode == 0, done.stderr
    *lines, more = done.stdout.splitlines()
    return lines, int(more)


# Messages


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J\x1b[31mgone", "\x00", "\u2028", "x" * 100_000, "\ud800"])
def test_what_a_message_quotes_neither_breaks_the_line_nor_commands_a_terminal(text):
    message = str(InputError(f"The value {text} is none: give another."))
    assert_one_sentence(message, "The value")
    assert message.isprintable() and message.endswith("is none: give another.")


def test_a_number_of_thousands_of_digits_can_be_shown():
    assert len(shown(1 << 100_000)) < 50


# The settings file and the flags


@pytest.mark.parametrize(
    "line",
    [
        f"alpha = {NINES}", f"beta = -{NINES}", f"strength = {NINES}", f"style_weights = [1, {NINES}]",
        f"iterations = {NINES}", f'iterations = "{"9" * 5000}"', f"seed = 0x{'f' * 5000}", f"alpha = 0x{'f' * 5000}",
        f'max_memory = "{NINES}GB"', f'size = "{"9" * 5000}x300"',
        f'style_layers = "conv1_1={NINES},conv1_1={NINES}"', f'style_layers = [["conv1_1", {NINES}]]',
        f'style_layers = [["conv1_1", 0x{"f" * 5000}]]', f'style_layers = [["{"x" * 5000}", 1]]',
        f'pooling = "{"x" * 5000}"', f'size = "{"x" * 5000}"', f"{'x' * 5000} = 1", 'pooling = "a\\nb"', "alpha = inf",
        f'size = [{", ".join("0" for _ in range(5000))}]', f"size = [0x{'f' * 5000}, -1]", 'content_layers = "a\\nb"',
        f"style_layers = {'[' * 500 + ']' * 500}", "[[style_layers]]", "masks = [[]]", "init = 1979-05-27",
    ],
)  # fmt: skip
def test_a_strange_line_of_a_settings_file_gets_its_sentence(tmp_path, line):
    path = tmp_path / "s.toml"
    path.write_text(line)
    with pytest.raises(InputError) as error:
        Settings.of(**read_settings(path))
    assert_one_sentence(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("name", "text"),
    [("iterations", "9" * 5000), ("size", f"{'9' * 5000}x3"), ("max_memory", f"{NINES}TB"), ("seed", f"-{'9' * 5000}")],
)
def test_a_flag_of_too_many_digits_gets_its_sentence(name, text):
    with pytest.raises(InputError) as error:
        read_setting(name, text)
    assert_one_sentence(error.value)


# Checkpoints


ABOUT = {
    "photo": "a", "paintings": ["b"], "masks": [None], "style_weights": [[1.0, 1.0]], "style_scale": [[1.0]],
    "start": None, "size": [3, 2], "weights": "c", "settings": {"alpha": 10},
}  # fmt: skip


@pytest.mark.parametrize("value", [None, True, 1.5, 7, "text\nof two lines", [], {}, [[]], [1, "a", None], {"a": {}}])
@pytest.mark.parametrize("name", ABOUT)
def test_a_checkpoint_that_tells_nonsense_of_its_run_is_of_another_run(tmp_path, name, value):
    path = tmp_path / "run.npz"
    write_checkpoint(path, Standing(ABOUT | {name: value}))
    standing = read_checkpoint(path)
    if value == ABOUT[name]:
        standing.refuse_other(ABOUT, path)
        return
    with pytest.raises(InputError) as error:
        standing.refuse_other(ABOUT, path)
    assert_one_sentence(error.value, path, "is from another run")


def test_a_checkpoint_whose_directory_has_other_names_gets_its_sentence(tmp_path):
    path = tmp_path / "run.npz"
    write_checkpoint(path, Standing(ABOUT))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"about.npy", b"about" + b"\n" * 4, 1))
    with pytest.raises(InputError) as error:
        read_checkpoint(path)
    assert_one_sentence(error.value, path)


def test_more_memory_than_any_machine_has_is_a_bound_like_any_other(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(f"max_memory = 0x{'f' * 5000}")
    assert Settings.of(**read_settings(path)).max_memory == 2**63 - 1

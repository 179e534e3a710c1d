"""What fuzzing found (benchmarks/fuzz.py), in the least file that shows it, mended: one sentence, in little memory."""


import struct
import zlib

import numpy as np
import pytest
import scipy.io
from conftest import assert_one_sentence, posix_only
from PIL import Image

from nst_utils.base.errors import InputError, shown
from nst_utils.engine.checkpoint import Standing, read_checkpoint, write_checkpoint
from nst_utils.engine.settings import Settings, read_setting, read_settings
from nst_utils.network import matfile
from nst_utils.network.matconvnet import read_matconvnet
from nst_utils.network.weights import load_weights
from nst_utils.pictures import reading
from nst_utils.pictures.reading import read_image, read_size

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
    "photo": "a", "paintings": ["b"], "masks": [None], "style_weights": [[1.0, 1.0]],
    "style_scale": [[1.0]], "style_angle": [[0.0]],
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


# Files of MATLAB's


def element(order, kind, content, claimed=None):
    """An element of a .mat file, of so many bytes, as it says."""
    length = len(content) if claimed is None else claimed
    return struct.pack(order + "II", kind, length) + content + bytes(-len(content) % 8)


def matrix(order, kind, shape, content, name=b"", flags=0):
    """A matrix of a .mat file with its content, elements already."""
    head = element(order, 6, struct.pack(order + "II", kind | flags, 0))
    sides = element(order, 5, struct.pack(f"{order}{len(shape)}i", *shape))
    return element(order, 14, head + sides + element(order, 1, name) + content)


def numbers(order, array, kind=7, stored="f4"):
    """A matrix of numbers, stored as numbers of another type, as MATLAB does where nothing is lost."""
    array = array if array.ndim > 1 else array.reshape(-1, 1)
    code = {"u1": 2, "i2": 3, "f4": 7, "f8": 9}[stored]
    return matrix(order, kind, array.shape, element(order, code, array.astype(order + stored).tobytes("F")))


def text(order, words, kind=16):
    coding = {16: "utf-8", 4: "utf-16-le" if order == "<" else "utf-16-be", 1: "ascii"}[kind]
    return matrix(order, 4, (1, len(words)), element(order, kind, words.encode(coding)))


def struct_of(order, fields):
    names = b"".join(name.encode().ljust(16, b"\0") for name in fields)
    length = struct.pack(order + "HH", *((5, 4) if order == "<" else (4, 5)))
    content = length + struct.pack(order + "i", 16) + element(order, 1, names) + b"".join(fields.values())
    return matrix(order, 2, (1, 1), content)


def cells(order, parts, name=b""):
    return matrix(order, 1, (1, len(parts)), b"".join(parts), name)


def mat_file(order, *variables, packed=False):
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(order + "H", 0x0100) + {"<": b"IM", ">": b"MI"}[order]
    if packed:
        variables = [struct.pack(order + "II", 15, len(each)) + each for each in map(zlib.compress, variables)]
    return head + b"".join(variables)


def network_file(order, weights, packed=False, stored="f4", letters=16):
    layers = [
        struct_of(order, {
            "type": text(order, "conv", letters), "name": text(order, name, letters),
            "weights": cells(order, [numbers(order, part, stored=stored) for part in parts]),
        })
        for name, parts in weights.items()
    ]  # fmt: skip
    return mat_file(order, cells(order, layers, b"layers"), packed=packed)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "how", [{}, {"packed": True}, {"stored": "f8"}, {"stored": "i2"}, {"letters": 4}, {"letters": 1, "packed": True}]
)
def test_a_network_is_read_whatever_the_order_and_the_types_of_its_numbers(tmp_path, tiny_weights, order, how):
    weights = {name: tuple(np.rint(100 * part) for part in parts) for name, parts in tiny_weights.items()}
    path = tmp_path / "net.mat"
    path.write_bytes(network_file(order, weights, **how))
    found = read_matconvnet(path)
    for name, parts in weights.items():
        for part, read in zip(parts, found[name], strict=True):
            assert read.dtype == np.float32
            np.testing.assert_array_equal(read, part)


@pytest.mark.parametrize("order", ["<", ">"])
def test_files_of_our_own_making_are_read_as_scipy_reads_them(tmp_path, tiny_weights, order):
    (tmp_path / "net.mat").write_bytes(network_file(order, tiny_weights))
    layers = scipy.io.loadmat(tmp_path / "net.mat")["layers"]
    assert layers.shape == (1, 16)
    for layer, (name, (kernel, _)) in zip(layers[0], tiny_weights.items(), strict=True):
        assert layer["name"][0, 0][0] == name
        np.testing.assert_array_equal(layer["weights"][0, 0][0, 0], kernel)


def damaged(kind):
    order = "<"
    if kind == "a type that there is not":  # SciPy's reader ends the process
        content = struct.pack("<HH", 0x0810, 4) + b"acbd"
        return mat_file(order, matrix(order, 4, (2, 2), content, b"layers"))
    if kind == "more cells than bytes":
        return mat_file(order, matrix(order, 1, (1 << 30, 1 << 30), b"", b"layers"))
    if kind == "more fields than bytes":
        content = struct.pack("<HHi", 5, 4, 1 << 30) + element(order, 1, b"", claimed=1 << 31)
        return mat_file(order, cells(order, [matrix(order, 2, (1, 1), content)], b"layers"))
    if kind == "a struct inside itself":
        inside = struct_of(order, {"name": text(order, "conv1_1")})
        return mat_file(order, cells(order, [element(order, 14, inside, claimed=10)], b"layers"))
    if kind == "a number of one byte":
        return mat_file(order, element(order, 14, struct.pack("<HHI", 6, 1, 0), claimed=8))
    if kind == "a negative side":
        return mat_file(order, matrix(order, 1, (-1, 5), b"", b"layers"))
    if kind == "a kernel of objects":
        parts = [struct_of(order, {"a": text(order, "b")})] * 2
        fields = {"type": text(order, "conv"), "name": text(order, "conv1_1"), "weights": cells(order, parts)}
        return mat_file(order, cells(order, [struct_of(order, fields)], b"layers"))
    if kind == "complex numbers":
        part = matrix(order, 7, (1, 1), element(order, 7, bytes(4)) * 2, flags=0x800)
        fields = {"type": text(order, "conv"), "name": text(order, "conv1_1"), "weights": cells(order, [part] * 2)}
        return mat_file(order, cells(order, [struct_of(order, fields)], b"layers"))
    if kind == "a checksum that is wrong":
        whole = mat_file(order, cells(order, [], b"layers"), packed=True)
        return whole[:-1] + bytes([whole[-1] ^ 1])
    if kind == "packed, and cut off":
        return mat_file(order, struct.pack("<II", 15, 12) + zlib.compress(bytes(100))[:12])
    raise ValueError(kind)


@pytest.mark.parametrize(
    "kind",
    [
        "a type that there is not", "more cells than bytes", "more fields than bytes", "a struct inside itself",
        "a number of one byte", "a negative side", "a kernel of objects", "complex numbers",
        "a checksum that is wrong", "packed, and cut off",
    ],
)  # fmt: skip
def test_a_damaged_file_of_matlabs_gets_its_sentence(tmp_path, kind):
    path = tmp_path / "net.mat"
    path.write_bytes(damaged(kind))
    with pytest.raises(InputError) as error:
        load_weights(path)
    assert_one_sentence(error.value, path)
    assert list(tmp_path.iterdir()) == [path]


@posix_only
def test_what_a_small_file_unpacks_to_is_not_all_kept(run_python, tmp_path):
    """90 MB of zeros in 90 kB, as a kernel."""
    zeros = bytes(90_000_000)
    kernel = matrix("<", 7, (3, 3, len(zeros) // 36, 1), element("<", 7, zeros))
    del zeros
    fields = {"type": text("<", "conv"), "name": text("<", "conv1_1"), "weights": cells("<", [kernel, kernel[:0]])}
    whole = cells("<", [struct_of("<", fields)], b"layers")
    (tmp_path / "net.mat").write_bytes(mat_file("<", whole, packed=True))
    del kernel, fields, whole
    lines, more = mebibytes(
        run_python, "from nst_utils.network.matconvnet import read_matconvnet", "read_matconvnet(path)",
        tmp_path / "net.mat",
    )  # fmt: skip
    assert len(lines) == 1 and more < 60


@posix_only
@pytest.mark.parametrize("packed", [False, True])
def test_no_room_is_made_for_numbers_that_do_not_come(run_python, tmp_path, packed):
    """A kernel of 75 MB, of which the file has four bytes."""
    size = 75_000_000
    head = matrix("<", 7, (3, 3, size // 36, 1), element("<", 7, bytes(4), claimed=size))
    fields = {"type": text("<", "conv"), "name": text("<", "conv1_1"), "weights": cells("<", [head])}
    whole = mat_file("<", cells("<", [struct_of("<", fields)], b"layers"), packed=packed)
    (tmp_path / "net.mat").write_bytes(whole)
    lines, more = mebibytes(
        run_python, "from nst_utils.network.matconvnet import read_matconvnet", "read_matconvnet(path)",
        tmp_path / "net.mat",
    )  # fmt: skip
    assert len(lines) == 1 and more < 30
    assert_one_sentence(lines[0], tmp_path / "net.mat", "too soon")


def test_what_unpacks_to_more_than_the_format_can_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(matfile, "MOST_UNPACKED", 1_000_000)
    for size, words in ((100_000, "lacks"), (2_000_000, "unpacks to more")):
        other = matrix("<", 9, (size, 1), element("<", 2, bytes(size)))
        layer = struct_of("<", {"name": text("<", "other"), "weights": other})
        (tmp_path / "net.mat").write_bytes(mat_file("<", cells("<", [layer], b"layers"), packed=True))
        with pytest.raises(InputError) as error:
            read_matconvnet(tmp_path / "net.mat")
        assert_one_sentence(error.value, words)


# Pictures


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, content=b"", bits=8):
    """RGB, or grey of a single bit; its content is as it is given."""
    head = struct.pack(">IIBBBBB", width, height, bits, 2 if bits == 8 else 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(content)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in parts)


def ico(picture):
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(picture), 22) + picture


def gif(screen, frame):
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0xF0, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\x00;"


@posix_only
def test_no_room_is_made_for_what_a_picture_only_claims_to_be(run_python, tmp_path):
    """Pictures of more pixels than are unpacked, in each other as well, and of fewer, which are not there."""
    white = png(20_000, 20_000, bytes(20_000 * 2501), bits=1)
    files = {
        "claims.png": png(5, 704_643_078), "white.png": white, "within.ico": ico(white),
        "frame.gif": gif((9, 9), (65_000,) * 2), "cut.gif": gif((10_000,) * 2, (10_000,) * 2),
        "claims.webp": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0" + (16_382).to_bytes(3, "little") * 2,
        "cut.png": png(10_000, 10_000), "wide.png": png(200_000, 900),
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for call in ("read_size(path)", "read_image(path)"):
        lines, more = mebibytes(
            run_python, "from nst_utils.pictures.reading import read_image, read_size", call,
            *(tmp_path / name for name in files),
        )  # fmt: skip
        assert more < 150, call
        for line in lines:
            assert_one_sentence(line, tmp_path)


def test_the_size_of_a_picture_that_is_too_large_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MOST_PIXELS", 5_000)
    path = tmp_path / "p.png"
    path.write_bytes(png(100, 60, bytes(60 * 301)))

    def never(*_):
        raise AssertionError("it is unpacked")

    monkeypatch.setattr(Image.core, "new", never, raising=False)
    with pytest.raises(InputError) as error:
        read_size(path)
    assert_one_sentence(error.value, path, "100x60")


def test_a_drawing_that_pillow_hands_to_another_program_is_refused(tmp_path):
    path = tmp_path / "p.eps"
    Image.new("RGB", (40, 40)).save(path)
    for read in (read_size, read_image):
        with pytest.raises(InputError) as error:
            read(path)
        assert_one_sentence(error.value, path, "EPS")


def test_infinity_in_a_picture_of_floats_is_the_lightest(tmp_path):
    values = np.array([[0, 100, 200], [np.inf, np.nan, -np.inf]], np.float32)
    Image.fromarray(values).save(tmp_path / "p.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "p.tif")[..., 0], [[0, 100, 200], [255, 0, 0]])


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("packed", [None, "tiff_lzw"])
def test_a_turned_tiff_is_what_the_same_png_is(tmp_path, turn, packed):
    exif = Image.Exif()
    exif[0x0112] = turn
    picture = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(4, 5, 3) * 4)
    picture.save(tmp_path / "p.tif", exif=exif, compression=packed)
    picture.save(tmp_path / "p.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "p.tif"), read_image(tmp_path / "p.png"))
    assert read_size(tmp_path / "p.tif") == read_size(tmp_path / "p.png")

"""Notebooks of the original course run unchanged after `%load_ext nst_utils.tf1`, and nothing else notices."""

import builtins
import importlib
import re
import subprocess
import sys

import imageio
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import PIL.Image
import pytest
import scipy.io
import scipy.ndimage
from conftest import ROOT
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.manager import start_new_kernel
from old_notebook_kernels import (
    SOURCES,
    assert_it_did_its_work,
    assert_published_values,
    execute,
    execute_cells,
    printed,
    write_old,
)
from typer.testing import CliRunner

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import tf
from nst_utils.cli import app
from nst_utils.course.config import CONFIG
from nst_utils.pictures.reading import read_image
from nst_utils.tf1 import files, signs, tensors, vanished
from nst_utils.tf1.files import Files
from nst_utils.tf1.patches import Patches

FIRST = "%load_ext nst_utils.tf1"
# What the notebooks leave behind, beside what they print.
WRITTEN = {
    "as_published": {"output/0.png": (400, 300), "output/generated_image.jpg": (400, 300)},
    "every_twenty": {f"output/{i}.png": (64, 48) for i in (0, 20, 40)},
    "own_helper": {"output/2.png": (88, 66)},
    "own_layers": {"made/picture.jpg": (90, 60)},
    "several_styles": {f"output/{name}.png": (72, 56) for name in ("monet", "starry_night", "great_wave")},
    "windows_paths": {"output/2.png": (80, 64), "output/generated_image.jpg": (80, 64)},
    "session_as": {"output/session_as.png": (112, 80)},
    "tf2_course": {"output/image_2.jpg": (64, 64)},
}


# --- The notebooks, unchanged -----------------------------------------------------------------------------


def test_there_are_fifteen_notebooks_of_both_editions():
    assert len(SOURCES) >= 15
    modes = {signs.mode_of(re.sub(r"^# [%!].*$", "", path.read_text(), flags=re.M)) for path in SOURCES.values()}
    assert modes == {"graph", "eager"}


@pytest.mark.parametrize("name", SOURCES)
def test_an_old_notebook_runs_unchanged_after_the_upgrade(name, tmp_path):
    old = write_old(name, tmp_path / name)
    before = old.read_bytes()
    done = CliRunner().invoke(app, ["upgrade", str(old), "-o", str(old.with_name("new.ipynb"))])
    assert done.exit_code == 0, done.output
    assert old.read_bytes() == before
    notebook = execute(old.with_name("new.ipynb"))
    # The extension's cell, then the old cells, character for character.
    sources = [cell.source for cell in nbformat.read(old, as_version=4).cells]
    assert [cell.source for cell in notebook.cells] == [FIRST, *sources]
    text = printed(notebook)
    assert_it_did_its_work(name, text)
    assert_published_values(name, text)
    for path, size in WRITTEN.get(name, {}).items():
        assert read_image(tmp_path / name / path).shape[1::-1] == size


# --- What the extension says, and how it is undone --------------------------------------------------------


def test_one_line_says_what_was_restored(tmp_path):
    notebook = execute_cells([FIRST, "import scipy.misc, numpy as np\nnp.float, scipy.misc.imread"], tmp_path / "x")
    line = notebook.cells[0].outputs[0].text
    assert line.count("\n") == 1 and len(line) < 700
    for part in ("version 1", "scipy.misc", "imread", "np (float", "Image (ANTIALIAS", "%unload_ext nst_utils.tf1"):
        assert part in line


UNLOADED = '''
import builtins, importlib, sys, time
import tensorflow, numpy, scipy, scipy.io, scipy.ndimage, matplotlib.pyplot, PIL.Image, imageio, keras
from tensorflow.python.framework import ops, random_seed, tensor_shape
from tensorflow.python.client import session
import nst_utils, nst_utils.tf1.extension
OWNERS = [builtins, importlib, time, numpy, scipy, scipy.io, scipy.ndimage, matplotlib.pyplot, PIL.Image,
          PIL.Image.Image, imageio, imageio.v2, imageio.v3, keras.applications, keras.applications.vgg19,
          keras.optimizers.Adam, keras.Model, keras.utils, random_seed, tensor_shape.TensorShape, ops.SymbolicTensor,
          session.BaseSession, tensorflow.io, nst_utils, get_ipython().magics_manager.magics["line"]]
def everything():
    return [dict(owner if isinstance(owner, dict) else vars(owner)) for owner in OWNERS]
def differences(before, after):
    # What a kernel changes with every cell, and names that the package keeps once they have been asked for.
    own = {"__warningregistry__", "__annotations__", "_", "input", "load_ext", "unload_ext", "reload_ext"}
    return [(getattr(o, "__name__", "magics"), n) for o, b, a in zip(OWNERS, before, after)
            for n in b.keys() | a.keys() if b.get(n) is not a.get(n) and n not in own
            and not (o is nst_utils and n not in b and n != "tf")]
import tensorflow as tf
session.BaseSession.__init__, tf.io.read_file, matplotlib.pyplot.imread, scipy.ndimage.label
before, modules = everything(), set(sys.modules)
'''


def test_unloading_puts_every_module_back(tmp_path):
    notebook = execute_cells(
        [
            UNLOADED,
            FIRST,
            "assert len(differences(before, everything())) > 30\n"
            "from nst_utils import *\nimport tensorflow as old\nassert tf is old and tf.Session",
            "with tf.Session() as sess:\n    print(sess.run(tf.constant(1)))",
            "v = tf.keras.applications.VGG19(include_top=False, weights='no.h5', input_shape=(32, 32, 3))",
            "%unload_ext nst_utils.tf1",
            "assert differences(before, everything()) == [], differences(before, everything())\n"
            "assert 'scipy.misc' not in set(sys.modules) - modules\n"
            "assert tf is old is tensorflow and tf.executing_eagerly()\n"
            "print(tf.constant(2.0).numpy(), type(tf.constant([1])[0].shape), load_vgg_model.__module__)",
        ],
        tmp_path / "x",
    )
    assert "2.0 <class" in printed(notebook) and "nst_utils.course.graph" in printed(notebook)


def test_the_extension_may_come_after_tensorflow_and_more_than_once(tmp_path):
    notebook = execute_cells(
        [
            "import tensorflow as tf\nfrom nst_utils import CONFIG, load_vgg_model, save_image\ntf.constant(2.0) + 1",
            FIRST,
            FIRST,
            "CONFIG.IMAGE_WIDTH = CONFIG.IMAGE_HEIGHT = 32\n"
            "tf.reset_default_graph()\nsess = tf.InteractiveSession()\nmodel = load_vgg_model('nowhere/vgg.mat')\n"
            "tf.global_variables_initializer().run()\nsave_image('made/a.png', model['input'].eval())",
            "%unload_ext nst_utils.tf1",
            FIRST,
            "print(tf.placeholder(tf.float32, [None, 3]).shape[1].value)",
        ],
        tmp_path / "x",
    )
    assert printed(notebook).rstrip().endswith("3")
    assert read_image(tmp_path / "x/made/a.png").shape == (32, 32, 3)


def test_a_notebook_of_today_in_another_kernel_notices_nothing():
    """Both kernels live at the same time, and the second starts while the first has the extension loaded."""
    managers = []
    try:
        answers = []
        for code in (
            f"{FIRST}\nimport tensorflow as tf\nprint(hasattr(tf, 'Session'))",
            "import tensorflow as tf, numpy as np, PIL.Image\n"
            "print(hasattr(tf, 'Session') or hasattr(np, 'float') or hasattr(PIL.Image, 'ANTIALIAS'), "
            "tf.executing_eagerly())",
        ):
            manager, client = start_new_kernel()
            managers.append((manager, client))
            said = []
            client.execute_interactive(
                code, timeout=120, output_hook=lambda m, said=said: said.append(m["content"].get("text", ""))
            )
            answers.append("".join(said).strip().splitlines()[-1])
        assert answers == ["True", "False True"]
    finally:
        for manager, client in managers:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def test_the_package_is_found_where_an_own_helper_file_lies_beside_the_notebook(tmp_path):
    """Installed, the package comes after the notebook's folder: the finder of packaging/ finds it for modules in it."""
    (tmp_path / "nst_utils.py").write_text("whose = 'the student'\n")
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'packaging')!r}); import _nst_utils_first\n"
        f"sys.path[:] = [{str(tmp_path)!r}, {str(ROOT)!r}, *sys.path]\n"
        "import {}; print(nst_utils.__file__)"
    )
    for module, file in (("nst_utils", tmp_path / "nst_utils.py"), ("nst_utils.tf1", ROOT / "nst_utils/__init__.py")):
        done = subprocess.run(
            [sys.executable, "-c", script.replace("{}", module)], cwd=tmp_path, capture_output=True, text=True,
            env={"PATH": ""}, timeout=60,
        )  # fmt: skip
        assert done.stdout.strip() == str(file), done.stderr


# --- One thing at a time ----------------------------------------------------------------------------------


@pytest.fixture
def patches():
    patches = Patches()
    yield patches
    patches.undo()


@pytest.fixture
def graph():
    """A new graph, as code with sessions is written for."""
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def said():
    return []


@pytest.fixture
def finder(said):
    finder = Files({}, said.append)
    yield finder
    finder.close()


def test_patches_put_back_what_was_there_and_what_was_not(patches):
    class Owner:
        kept = 1

    entries = {"kept": 1}
    for owner in (Owner, entries):
        patches.set(owner, "kept", 2)
        patches.set(owner, "kept", 3)
        patches.set(owner, "new", 4)
        assert not patches.add(owner, "new", 5) and patches.add(owner, "newer", 6)
    assert Owner.kept == entries["kept"] == 3
    patches.undo()
    assert Owner.kept == 1 and not hasattr(Owner, "new") and not hasattr(Owner, "newer") and entries == {"kept": 1}


@pytest.mark.parametrize(
    "source, decided, mode",
    [
        ("sess = tf.Session()", False, "graph"),
        ("tf.random.set_seed(3)", False, "eager"),
        ("vgg = tf.keras.applications.VGG19()", False, "eager"),
        ("vgg = tf.keras.applications.VGG19()", True, None),
        ("@tf.function\ndef f(x): return x", True, "eager"),
        ("import numpy as np", False, None),
        ("print(x.numpy())", False, "eager"),
        ("model = load_vgg_model('x.mat')", False, "graph"),
        ("def load_vgg_model(path):\n    return tf.keras.applications.VGG19()", False, "eager"),
        ("img = tf.io.read_file('a.png')", False, "eager"),
        ("img = tf.io.read_file('a.png')", True, None),
        ("print(J.eval())", True, "graph"),
        ("tf.enable_eager_execution()\nopt = tf.train.AdamOptimizer(1.0)", False, "eager"),
        ("with tf.GradientTape() as tape:\n    with tf.Session() as s: pass", False, "graph"),
        ("not python at all (", False, None),
    ],
)
def test_the_names_in_a_cell_tell_which_tensorflow_it_was_written_for(source, decided, mode):
    assert signs.mode_of(source, decided) == mode


def test_a_cell_without_a_sign_runs_as_the_rest_of_its_notebook_does(tmp_path):
    """`max(tensor)` computes at once or not at all; nothing but the last cell says that it must."""
    notebook = execute_cells(
        [FIRST, "import tensorflow as tf\nprint(int(max(tf.constant([1, 5, 3]))))", "tape = tf.GradientTape"],
        tmp_path / "x",
    )
    assert printed(notebook).endswith("5\n")


def test_the_cell_that_loads_the_extension_may_hold_more(tmp_path):
    cell = f"{FIRST}\nimport tensorflow as tf\nx = tf.Variable([2.0])\nwith tf.GradientTape() as t:\n    y = x * x\n"
    assert printed(execute_cells([f"{cell}print(t.gradient(y, x).numpy())"], tmp_path / "x")).endswith("[4.]\n")


def test_a_notebook_is_found_by_its_cells_and_only_if_there_is_no_doubt(tmp_path):
    def write(name, *cells):
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        nbformat.write(made, tmp_path / name)

    write("one.ipynb", FIRST, "x = 1", "y = 1")
    write("other.ipynb", "x = 1", "z = 1")
    (tmp_path / "broken.ipynb").write_text("no notebook")
    assert signs.whole_notebook(tmp_path, "x = 1", "nst_utils.tf1") == (FIRST, "x = 1", "y = 1")
    assert signs.whole_notebook(tmp_path, "x = 2", "nst_utils.tf1") is None
    write("third.ipynb", FIRST, "x = 1", "y = 3")
    assert signs.whole_notebook(tmp_path, "x = 1", "nst_utils.tf1") is None


def test_random_ops_get_the_seeds_that_tensorflow_1_gave_them(graph, patches):
    """By the number of ops made before: the seeds 3 and 9 in the course's cells, others after other ops."""
    tensors.restore(patches)
    tf.compat.v1.set_random_seed(1)
    first = tf.compat.v1.random_normal([1, 4, 4, 3], mean=1, stddev=4)
    second = tf.compat.v1.random_normal([1, 4, 4, 3], mean=1, stddev=4)
    tf.constant(0.0)
    third = tf.compat.v1.random_normal([2])
    given = tf.compat.v1.random_normal([2], seed=5)
    seeds = [op.get_attr("seed2") for op in graph.get_operations() if op.type == "RandomStandardNormal"]
    assert seeds == [3, 9, 16, 5]
    with tf.compat.v1.Session() as sess:
        a, b, *_ = sess.run([first, second, third, given])
    assert ((a - b) ** 2).sum() / (4 * 48) == pytest.approx(6.76559, rel=1e-4)


def test_today_s_seeds_come_back(graph, patches):
    tensors.restore(patches)
    patches.undo()
    tf.compat.v1.set_random_seed(1)
    tf.compat.v1.random_normal([2])
    seeds = [op.get_attr("seed2") for op in graph.get_operations() if op.type == "RandomStandardNormal"]
    assert seeds == [0]


def test_numpy_s_functions_of_a_tensor_are_ops_of_the_graph(graph, patches):
    tensors.restore(patches)
    a = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    A = tf.constant(a)
    made = [
        np.square(A), np.sum(A), np.sum(A, axis=0), np.mean(A, axis=1), np.transpose(A), np.dot(A, np.transpose(A)),
        np.sqrt(A), np.reshape(A, (3, 2)), np.multiply(A, 2), a.astype(float) - A, 2.0 * A, np.float64(2) * A,
        A * np.float64(2), np.matmul(A, np.transpose(a)), np.power(A, 2), np.maximum(A, 3.0),
    ]  # fmt: skip
    expected = [
        a**2, a.sum(), a.sum(0), a.mean(1), a.T, a @ a.T,
        a**0.5, a.reshape(3, 2), 2 * a, 0 * a, 2 * a, 2 * a,
        2 * a, a @ a.T, a**2, np.maximum(a, 3),
    ]  # fmt: skip
    assert all(tf.is_tensor(tensor) for tensor in made)
    with tf.compat.v1.Session() as sess:
        for found, right in zip(sess.run(made), expected, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-6)
    with pytest.raises(NotImplementedError, match="np.cumsum"):
        np.cumsum(A)


def test_sides_of_shapes_are_numbers_that_have_a_value(graph, patches):
    tensors.restore(patches)
    shape = tf.zeros([1, 4, 5, 3]).get_shape()
    m, n_H, n_W, n_C = shape
    assert (shape[1].value, n_W.value, [side.value for side in shape]) == (4, 5, [1, 4, 5, 3])
    assert 1 / (4 * n_H * n_W * n_C) == 1 / 240 and shape.as_list() == [1, 4, 5, 3] and shape[1:] == [4, 5, 3]
    patches.undo()
    assert not hasattr(shape[1], "value")


def test_the_restored_picture_functions_do_what_scipy_s_did(tmp_path, finder):
    ramp = np.linspace(-1, 1, 12).reshape(3, 4)
    assert vanished.bytescale(ramp).min() == 0 and vanished.bytescale(ramp).max() == 255
    eight_bit = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert vanished.bytescale(eight_bit) is eight_bit
    vanished.imsave(tmp_path / "a.png", eight_bit)
    assert (vanished.imread(tmp_path / "a.png") == eight_bit).all()
    assert vanished.imread(str(tmp_path / "a.png"), mode="L").shape == (4, 4)
    flat = vanished.imread(tmp_path / "a.png", flatten=True)
    assert flat.dtype == np.float32 and flat.shape == (4, 4)
    assert vanished.imresize(eight_bit, (6, 8)).shape == vanished.imresize(eight_bit, (6, 8, 3)).shape == (6, 8, 3)
    assert vanished.imresize(eight_bit, 50).shape == vanished.imresize(eight_bit, 0.5, "nearest").shape == (2, 2, 3)
    assert vanished.toimage(np.zeros((3, 5, 7))).size == (7, 5)
    with pytest.raises(InputError, match="no picture"):
        vanished.toimage(np.zeros((5, 6, 7)))
    with pytest.raises(InputError, match="cubish"):
        vanished.imresize(eight_bit, 50, interp="cubish")
    palette = PIL.Image.fromarray(eight_bit).quantize(4)
    palette.save(tmp_path / "p.png")
    assert vanished.imread(tmp_path / "p.png").shape == (4, 4, 3)


# --- Files that are missing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path, size",
    [
        ("images/monet_800600.jpg", (800, 600)),
        ("tower-640x480.png", (640, 480)),
        ("images/louvre.jpg", None),
        ("content300.jpg", None),
        ("IMG_20190801.jpg", None),
        ("photo_123456.jpg", None),
        ("x_1x1.png", None),
    ],
)
def test_a_name_may_state_the_size(path, size):
    assert files.size_in_name(path) == size


def test_the_example_has_the_size_that_the_notebook_asks_for(said):
    class Own:
        IMAGE_WIDTH, IMAGE_HEIGHT = 70, np.int64(50)

    class Heir(Own):
        pass

    helper = type(sys)("nst_utils")
    helper.CONFIG = Own
    for names, size in (
        ({}, (CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT)),
        ({"CONFIG": Heir}, (70, 50)),
        ({"u": helper}, (70, 50)),
        ({"IMAGE_WIDTH": 60, "IMAGE_HEIGHT": 44}, (60, 44)),
        ({"image_width": 61, "image_height": 45, "IMAGE_WIDTH": "wide"}, (61, 45)),
    ):
        finder = Files(names, said.append)
        assert read_image(finder.picture("no/such.jpg")).shape[1::-1] == size
        finder.close()


def test_paintings_stand_in_for_paintings_and_photographs_for_photographs():
    for painting in ("images/monet.jpg", "my_style.png", "Van_Gogh-1889.jpg", "starry_night.jpeg", "art\\picasso.bmp"):
        assert files.choose_example(painting).startswith("style/"), painting
    for photograph in ("images/louvre.jpg", "my_content.jpg", "cat.png", "campus.tif"):
        assert files.choose_example(photograph).startswith("content/"), photograph
    assert files.choose_example("louvre.jpg") == files.choose_example("images\\louvre_small.jpg")
    names = ("monet", "starry_night", "great_wave", "picasso", "klimt")
    assert len({files.choose_example(f"{name}.jpg") for name in names}) > 2


def test_a_missing_picture_is_said_once_and_one_that_is_there_is_not_touched(tmp_path, finder, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = finder.picture("images/louvre.jpg"), finder.picture("images\\louvre.jpg")
    assert first == second and read_image(first).shape == (300, 400, 3)
    assert len(said) == 1 and "images/louvre.jpg" in said[0] and "400x300" in said[0] and "\n" not in said[0]
    (tmp_path / "mine.png").write_bytes(open(first, "rb").read())
    for other in ("mine.png", tmp_path / "mine.png", "missing.txt", "https://example.org/a.png", 3, None):
        assert finder.picture(other) is other
    finder.substitute = False
    assert finder.picture("images/louvre.jpg") == "images/louvre.jpg"


def test_every_way_to_read_a_picture_finds_the_example(tmp_path, finder, patches, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vanished.restore(patches)
    finder.patch(patches)
    shapes = {
        np.array(PIL.Image.open("a.png")).shape, plt.imread("a.png").shape, imageio.v2.imread("a.png").shape,
        scipy.misc.imread("a.png").shape, scipy.ndimage.imread("a.png").shape,
        imageio.v3.imread("a.png").shape, np.array(PIL.Image.open(fp="a.png")).shape,
    }  # fmt: skip
    assert shapes == {(300, 400, 3)} and len(said) == 1
    patches.undo()
    with pytest.raises(FileNotFoundError):
        PIL.Image.open("a.png")


def test_folders_are_made_for_what_is_saved(tmp_path, finder, patches, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finder.patch(patches)
    picture = np.zeros((4, 4, 3), np.uint8)
    PIL.Image.fromarray(picture).save("one/a.png")
    plt.imsave("two\\a.png", picture)
    imageio.imwrite("three/four/a.png", picture)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png")) == [
        "one/a.png", "three/four/a.png", "two/a.png",
    ]  # fmt: skip
    assert len(said) == 3


def test_weights_that_are_missing_or_empty_are_replaced_and_said(tmp_path, finder, patches, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finder.patch(patches)
    (tmp_path / "imagenet-vgg-verydeep-19.mat").touch()  # what a download that failed leaves
    layers = scipy.io.loadmat("imagenet-vgg-verydeep-19.mat")["layers"]
    assert layers[0][0][0][0][0][0] == "conv1_1" and layers[0][0][0][0][2][0][0].shape == (3, 3, 3, 64)
    assert len(said) == 1 and "imagenet-vgg-verydeep-19.mat" in said[0]
    with pytest.raises(FileNotFoundError):
        scipy.io.loadmat("measurements.mat")


# --- In a shell, without a kernel -------------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A shell with the extension loaded, as a kernel has it."""
    monkeypatch.chdir(tmp_path)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    was_import = builtins.__import__
    shell.run_line_magic("load_ext", "nst_utils.tf1")
    yield shell
    shell.run_line_magic("unload_ext", "nst_utils.tf1")
    InteractiveShell.clear_instance()
    assert builtins.__import__ is was_import


def run(shell, code):
    result = shell.run_cell(code)
    result.raise_error()
    return result.result


def test_installing_old_packages_is_left_out_and_said(shell, capsys):
    commands = ("!pip install scipy==1.1.0", "%pip install -q tensorflow==1.15", "%tensorflow_version 1.x")
    run(shell, "\n".join([*commands, "answer = !echo pip"]))
    said = capsys.readouterr().out
    for command in commands:
        assert f"`{command}` is left out" in said
    assert run(shell, "list(answer)") == ["pip"]


def test_missing_pictures_can_be_errors_again(shell):
    run(shell, "from PIL import Image\nassert Image.open('a.jpg').size == (400, 300)")
    run(shell, "%missing_pictures error")
    with pytest.raises(FileNotFoundError):
        run(shell, "Image.open('a.jpg')")
    with pytest.raises(InputError, match="example or error"):
        run(shell, "%missing_pictures perhaps")
    run(shell, "%missing_pictures example\nImage.open('a.jpg')")


def test_an_own_module_beside_the_notebook_gets_the_old_interface_and_libraries_do_not(shell, tmp_path, monkeypatch):
    (tmp_path / "costs_of_mine.py").write_text("import tensorflow as tf\nfrom nst_utils import CONFIG\n")
    (tmp_path / "nst_utils.py").write_text("from nst_utils import *\nclass CONFIG:\n    MINE = True\nseen = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        run(shell, "import costs_of_mine, nst_utils, importlib\nnst_utils.seen = 2\nimportlib.reload(nst_utils)")
        assert run(shell, "costs_of_mine.CONFIG.MINE and nst_utils.seen == 1 and hasattr(costs_of_mine.tf, 'Session')")
    finally:
        sys.modules.pop("costs_of_mine", None)
    assert importlib.import_module("nst_utils").__file__ == str(ROOT / "nst_utils/__init__.py")
    assert run(shell, "import sys, keras\nhasattr(sys.modules['tensorflow'], 'Session')") is False


def test_one_optimiser_may_serve_several_variables_and_take_its_old_arguments(shell):
    run(
        shell,
        "import tensorflow as tf\n"
        "opt = tf.keras.optimizers.SGD(lr=1.0, decay=0.0)\n"
        "@tf.function\n"
        "def step(x):\n"
        "    with tf.GradientTape() as tape:\n"
        "        cost = tf.reduce_sum(x ** 2)\n"
        "    opt.apply_gradients([(tape.gradient(cost, x), x)])\n"
        "a, b = tf.Variable([1.0]), tf.Variable([2.0, 3.0])\n"
        "step(a); step(b); step(b)",
    )
    assert run(shell, "a.numpy().tolist(), b.numpy().tolist()") == ([-1.0], [2.0, 3.0])
    run(shell, "c = tf.Variable(2.0)\ntf.keras.optimizers.SGD(lr=0.25).minimize(lambda: c ** 2, [c])")
    assert run(shell, "float(c)") == 1.0


def test_keras_networks_have_our_weights_where_theirs_are_missing(shell, capsys):
    run(
        shell,
        "import tensorflow as tf, numpy as np\n"
        "vgg = tf.keras.applications.VGG19(include_top=False, weights='models/notop.h5', input_shape=(32, 48, 3))\n"
        "from tensorflow.keras.applications.vgg19 import VGG19\n"
        "plain = VGG19(include_top=False, weights=None, input_shape=(32, 48, 3))\n"
        "untrained = plain.get_layer('block4_conv2').get_weights()[0].copy()\n"
        "plain.load_weights('nowhere.weights.h5')\n"
        "from nst_utils import load_weights\n"
        "kernel = load_weights()['conv4_2'][0]",
    )
    said = capsys.readouterr().out
    assert "models/notop.h5 is not here" in said and "nowhere.weights.h5 is not here" in said
    for name, expected in (("vgg", True), ("plain", True)):
        found = f"np.array_equal({name}.get_layer('block4_conv2').get_weights()[0], kernel)"
        assert run(shell, found) is expected
    assert run(shell, "np.array_equal(untrained, kernel)") is False
    # Keras' first layer sees BGR.
    first = "vgg.get_layer('block1_conv1').get_weights()[0], load_weights()['conv1_1'][0][:, :, ::-1]"
    assert run(shell, f"np.array_equal({first})")

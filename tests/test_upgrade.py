"""`nst upgrade` writes an old notebook as one that runs today, says what it did and could not do, and loses nothing."""

import json

import libcst as cst
import nbformat
import pytest
from conftest import assert_one_sentence
from old_notebook_kernels import (
    SOURCES,
    assert_it_did_its_work,
    assert_published_values,
    execute,
    printed,
    write_old,
)
from typer.testing import CliRunner

from nst_utils.base.errors import InputError
from nst_utils.cli import app
from nst_utils.tf1.cells import Cell
from nst_utils.tf1.facts import Facts
from nst_utils.tf1.rewriting import Notes, Rewriter, TensorflowTables, add_seeds
from nst_utils.tf1.upgrade import FIRST_CELL, upgrade

PYTHON_2 = {"name": "py27", "display_name": "Python 2"}
COURSE = """
import numpy as np
import tensorflow as tf
import scipy.misc
from nst_utils import *
from PIL import Image
"""


@pytest.fixture(scope="module")
def tables():
    return TensorflowTables()


@pytest.fixture
def rewrite(tables):
    """Rewrites the last of some cells; what it and its imports become, and the notes."""

    def rewrite(*sources, graph=True, exists=()):
        modules = [cst.parse_module(source) for source in (COURSE, *sources)]
        facts, notes = Facts(modules), Notes()
        rewriter = Rewriter(facts, notes, tables, graph, lambda path: path in exists)
        module = add_seeds(modules[-1], facts, notes) if graph else modules[-1]
        return module.visit(rewriter).code, sorted(rewriter.needs.values()), notes

    return rewrite


@pytest.fixture
def notebook(tmp_path):
    """Writes a notebook of these code cells; its path."""

    def write(*cells, name="old.ipynb", **metadata):
        path = tmp_path / name
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=metadata)
        nbformat.write(made, path)
        return path

    return write


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


# --- The notebooks, rewritten -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOURCES)
def test_a_rewritten_notebook_runs_without_the_extension(name, tmp_path):
    old = write_old(name, tmp_path / name)
    before = {path: path.read_bytes() for path in old.parent.iterdir()}
    done = CliRunner().invoke(app, ["upgrade", str(old), "-o", str(old.with_name("new.ipynb")), "--rewrite"])
    assert done.exit_code == 0, done.output
    assert "Not done" not in done.output
    assert {path: path.read_bytes() for path in before} == before
    new = old.with_name("new.ipynb")
    code = "\n".join(sources(new))
    old_names = ("load_ext nst_utils", "scipy.misc", "tf.Session", "tf.placeholder(", "ANTIALIAS", "clock()")
    # Whoever imported the old interface by its name of today keeps its names.
    kept = ("tf.Session", "tf.placeholder(") if "import tensorflow.compat.v1 as tf" in code else ()
    assert [name for name in old_names if name in code and name not in kept] == []
    text = printed(execute(new))
    assert_it_did_its_work(name, text)
    assert_published_values(name, text)


# --- Calls and names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, after",
    [
        ('x = scipy.misc.imread("a.jpg")  # mine', 'x = read_image(picture("a.jpg"))  # mine'),
        ('scipy.misc.imread("a.jpg", mode="L")', "np.array(Image.open(picture(\"a.jpg\")).convert(\"L\"))"),
        ('scipy.misc.imread("a.jpg", flatten=True)', "np.array(Image.open(picture(\"a.jpg\")).convert('F'))"),
        ('scipy.misc.imread("here.jpg")', 'read_image("here.jpg")'),
        ("scipy.misc.imresize(x, (300, 400))", "resize(x, (400, 300))"),
        ("scipy.misc.imresize(x, (h, w, 3))", "resize(x, (w, h))"),
        ("scipy.misc.imresize(x, 0.5)", "imresize(x, 0.5)"),
        ("scipy.misc.imsave(p, x.astype(np.uint8))", "write_image(p, x.astype(np.uint8))"),
        ("scipy.misc.imsave(p, x)", "imsave(p, x)"),
        ('Image.open("a.png")', 'Image.open(picture("a.png"))'),
        ("x.resize((4, 4), Image.ANTIALIAS)", "x.resize((4, 4), Image.LANCZOS)"),
        ('load_vgg_model("pretrained-model/imagenet-vgg-verydeep-19.mat")', None),
        ('load_vgg_model("mine.mat")', 'load_vgg_model(weights_file("mine.mat"))'),
        ("x.astype(np.float)", "x.astype(float)"),
        ("np.product(x) + np.Inf", "np.prod(x) + np.inf"),
        ("np.asscalar(x)", "np.asarray(x).item()"),
        ("np.float64(3) + np.array([1])", None),
        ("sess = tf.InteractiveSession()", "sess = tf.compat.v1.InteractiveSession()"),
        ("tf.to_float(x)", "tf.compat.v1.to_float(x)"),
        ("tf.squared_difference(a, b)", "tf.math.squared_difference(a, b)"),
        ("tf.reduce_sum(a, keep_dims=True)", "tf.reduce_sum(a, keepdims=True)"),
        ("tf.nn.avg_pool(value=a, ksize=2)", "tf.nn.avg_pool2d(input=a, ksize=2)"),
        ("tf.layers.flatten(a)", "layers.flatten(a)"),
        ("a.get_shape()[1].value * a.shape[2].value", "a.get_shape()[1] * a.shape[2]"),
        ("thing.value", None),
        ("plt.style.use('seaborn-whitegrid')", "plt.style.use('seaborn-v0_8-whitegrid')"),
        ("plt.imshow(x, cmap=plt.cm.get_cmap('gray'))", "plt.imshow(x, cmap=plt.get_cmap('gray'))"),
        ("get_ipython().magic('matplotlib inline')", "get_ipython().run_line_magic('matplotlib', 'inline')"),
        ('save_image("out\\\\" + str(i), x)', "save_image('out/' + str(i), x)"),
        ("text = 'scipy.misc.imread(x)'  # tf.Session()", None),
    ],
)
def test_a_call_becomes_one_of_today(rewrite, before, after):
    code, _, notes = rewrite(before, exists=("here.jpg",))
    assert code == (after or before)
    assert bool(notes.changes) == (after is not None) and not notes.failures


@pytest.mark.parametrize(
    "before, after",
    [
        ("import scipy.misc", ""),
        ("import os, scipy.misc", "import os"),
        ("from scipy.misc import imread\n", "\n"),
        ("from scipy import misc, io", "from scipy import io"),
        ("from public_tests import *", "from nst_utils.tf1.public_tests import *"),
        ("from IPython.core.display import display", "from IPython.display import display"),
        ("from tensorflow.python.keras.models import Model", "from tensorflow.keras.models import Model"),
        ("from scipy.ndimage import gaussian_filter", "from scipy.ndimage import gaussian_filter"),
    ],
)
def test_an_import_becomes_one_of_today(rewrite, before, after):
    assert rewrite(before)[0].strip() == after.strip()


def test_scipy_itself_stays_where_nothing_else_imports_it(tables):
    alone, beside = "import scipy.misc\nscipy.io", "import scipy.misc, scipy.io"
    for source, left in ((alone, "import scipy\nscipy.io"), (beside, "import scipy.io")):
        module = cst.parse_module(source)
        rewriter = Rewriter(Facts([module]), Notes(), tables, True, lambda path: False)
        assert module.visit(rewriter).code == left


def test_names_mean_what_their_imports_say(rewrite):
    code, needs, _ = rewrite(
        "from scipy import misc as m\nfrom scipy.misc import imread as rd\nimport tensorflow as T\nimport numpy as N",
        "m.imread(p); rd(p); T.Session(); N.int(3); misc.imread(p); other.int",
    )
    new = ["read_image(picture(p))", "read_image(picture(p))", "T.compat.v1.Session()", "int(3)"]
    assert code == "; ".join([*new, "misc.imread(p)", "other.int"])
    assert needs == ["from nst_utils import read_image", "from nst_utils.tf1.today import picture"]


def test_what_the_notebook_defines_itself_is_left_alone(rewrite):
    own = "def load_vgg_model(path):\n    return path\n"
    assert rewrite(own, "load_vgg_model('mine.mat')")[0] == "load_vgg_model('mine.mat')"


def test_a_helper_does_not_take_the_name_of_one_of_the_notebook_s_variables(rewrite):
    code, needs, _ = rewrite("picture = 3", "scipy.misc.imread('a.png')")
    assert code == "read_image(nst_picture('a.png'))"
    assert "from nst_utils.tf1.today import picture as nst_picture" in needs


def test_numpy_s_functions_of_tensors_become_tensorflow_s_and_others_do_not(rewrite):
    defined = "def cost(a, b):\n    d = tf.subtract(a, b)\n    return gram(d)\n"
    used = (
        "def gram(A):\n    return np.dot(A, np.transpose(A))\n"
        "def plain(x):\n    return np.sum(x)\n"
        "def both(W, b):\n    W, b = load(W)\n    b = tf.constant(np.reshape(b, b.size))\n"
        "result = sess.run(cost(1, 2))\nnp.square(result)\nplain([1])\n"
    )
    code, _, _ = rewrite(defined, used)
    assert "tf.matmul(A, tf.transpose(A))" in code
    assert "return np.sum(x)" in code and "np.square(result)" in code and "np.reshape(b, b.size)" in code


def test_test_cells_keep_their_published_values_by_the_seeds_that_tensorflow_1_gave_out(rewrite):
    code, _, _ = rewrite(
        "tf.reset_default_graph()\nwith tf.Session() as test:\n    tf.set_random_seed(1)\n"
        "    a = tf.random_normal([2], mean=1)\n    b = tf.random_normal([2])\n"
        "    c = cost(a, b)\n    d = tf.random_normal([2])"
    )
    assert "tf.random.normal([2], mean=1, seed=3)" in code and "b = tf.random.normal([2], seed=9)" in code
    assert "d = tf.random.normal([2])" in code
    assert "seed=" not in rewrite("tf.set_random_seed(1)\na = tf.random_normal([2])")[0]


def test_tf2_code_keeps_its_names_and_gets_old_arguments_replaced(rewrite):
    before = "y = tf.nn.avg_pool(x, 2, 2, 'SAME')\nopt = tf.keras.optimizers.Adam(lr=0.1, decay=0.0)"
    code, _, _ = rewrite(before, graph=False)
    assert code == "y = tf.nn.avg_pool(x, 2, 2, 'SAME')\nopt = tf.keras.optimizers.Adam(learning_rate=0.1)"
    code, needs, _ = rewrite("vgg = tf.keras.applications.VGG19(weights='a.h5', include_top=False)", graph=False)
    assert code == "vgg = vgg19(weights='a.h5', include_top=False)"
    assert needs == ["from nst_utils.tf1.today import vgg19"]


def test_a_session_on_a_device_that_may_be_missing_is_told_to_do_without(rewrite):
    code, _, _ = rewrite("s = tf.Session()\nwith tf.device('/gpu:0'): pass")
    assert "tf.compat.v1.Session(config=tf.compat.v1.ConfigProto(allow_soft_placement=True))" in code


# --- What cannot be done ----------------------------------------------------------------------------------


def test_what_has_no_successor_is_said_and_left(rewrite):
    code, _, notes = rewrite("opt = tf.contrib.opt.ScipyOptimizerInterface(J)")
    assert code == "opt = tf.contrib.opt.ScipyOptimizerInterface(J)"
    assert "tf.contrib" in notes.failures[0]


def test_the_report_says_what_was_not_done_and_where(notebook, tmp_path):
    old = notebook("import nst_no_such_module", "print 'hello'", "x = tf.contrib.slim", kernelspec=PYTHON_2)
    for arguments in ([], ["--rewrite"]):
        done = CliRunner().invoke(app, ["upgrade", str(old), "-o", str(tmp_path / "new.ipynb"), *arguments])
        assert done.exit_code == 0
        not_done = done.output.partition("Not done:")[2]
        assert "cell 1: the module nst_no_such_module is not installed" in not_done
        assert "cell 2: it cannot be read as Python 3" in not_done
        assert ("cell 3: tf.contrib" in not_done) == bool(arguments)
        assert "print 'hello'" in sources(tmp_path / "new.ipynb")


def test_magics_and_shell_commands_stay_but_for_installing(notebook, tmp_path):
    cell = "%matplotlib inline\n!pip install scipy==1.1\n!ls\nfiles = !ls\nnp.float?\nx = np.float(3) \\\n    % 2"
    old = notebook(COURSE, cell, "%%time\nx = np.float(3)", "%%bash\nls np.float")
    upgrade(old, tmp_path / "new.ipynb", rewrite=True)
    first = "%matplotlib inline\npass  # left out: !pip install scipy==1.1\n!ls\nfiles = !ls\nnp.float?\n"
    assert sources(tmp_path / "new.ipynb")[2:] == [
        first + "x = float(3) \\\n    % 2",
        "%%time\nx = float(3)",
        "%%bash\nls np.float",
    ]


def test_a_cell_that_needs_no_change_is_the_same_to_the_last_space(rewrite):
    odd = "x = [1,\n\n  2 ]   # two\n\nif x :\n\tprint( x )\n"
    assert rewrite(odd)[0] == odd
    assert Cell("%%html\n<b>x</b>").source() == "%%html\n<b>x</b>"


# --- Files ------------------------------------------------------------------------------------------------


def test_outputs_and_a_foreign_kernel_are_taken_out_and_markdown_stays(tmp_path):
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "tf_gpu", "display_name": "x"}})
    output = nbformat.v4.new_output("stream", name="stdout", text="4")
    made.cells = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("2+2", outputs=[output])]
    nbformat.write(made, tmp_path / "old.ipynb")
    report = "\n".join(upgrade(tmp_path / "old.ipynb", tmp_path / "new.ipynb").lines())
    new = nbformat.read(tmp_path / "new.ipynb", as_version=4)
    nbformat.validate(new)
    assert [cell.source for cell in new.cells] == [FIRST_CELL, "# Title", "2+2"]
    assert new.cells[2].outputs == [] and new.metadata.kernelspec.name == "python3"
    assert "tf_gpu" in report and "outputs of 1 cell" in report


def test_a_notebook_that_has_the_first_cell_gets_no_second(notebook, tmp_path):
    old = notebook(FIRST_CELL, "x = 1")
    upgrade(old, tmp_path / "new.ipynb")
    assert sources(tmp_path / "new.ipynb") == [FIRST_CELL, "x = 1"]


def test_a_notebook_in_an_older_format_is_read(tmp_path):
    cell = {"cell_type": "code", "input": ["x = 1"], "language": "python", "metadata": {}, "outputs": []}
    worksheet = {"cells": [cell], "metadata": {}}
    old = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [worksheet]}
    (tmp_path / "old.ipynb").write_text(json.dumps(old))
    upgrade(tmp_path / "old.ipynb", tmp_path / "new.ipynb")
    assert sources(tmp_path / "new.ipynb") == [FIRST_CELL, "x = 1"]


def test_the_source_is_never_overwritten_by_whatever_name(notebook, tmp_path):
    old = notebook("x = 1")
    before = old.read_bytes()
    (tmp_path / "link.ipynb").symlink_to(old)
    (tmp_path / "nst_utils.py").write_text("x = 1\n")
    for target in (old, tmp_path / "link.ipynb", tmp_path / "nst_utils.py"):
        with pytest.raises(InputError) as error:
            upgrade(old, target)
        assert_one_sentence(error.value, target)
    assert old.read_bytes() == before and (tmp_path / "nst_utils.py").read_text() == "x = 1\n"


def test_a_helper_file_of_someone_else_is_not_overwritten(notebook, tmp_path):
    old = notebook("from nst_utils import *")
    (tmp_path / "nst_utils.py").write_text("import tensorflow as tf\ns = tf.Session\n")
    (tmp_path / "nst_utils_today.py").write_text("mine = 1\n")
    with pytest.raises(InputError) as error:
        upgrade(old, tmp_path / "new.ipynb", rewrite=True)
    assert_one_sentence(error.value, "nst_utils_today.py")
    assert (tmp_path / "nst_utils_today.py").read_text() == "mine = 1\n" and not (tmp_path / "new.ipynb").exists()
    (tmp_path / "nst_utils_today.py").unlink()
    for _ in range(2):  # its own file it may replace
        upgrade(old, tmp_path / "new.ipynb", rewrite=True)
    assert "tf.compat.v1.Session" in (tmp_path / "nst_utils_today.py").read_text()


@pytest.mark.parametrize("content", [b"", b"not a notebook", b"{}", b"[1, 2]", b'{"nbformat": 4}', b"\xff\xfe\x00"])
def test_what_is_no_notebook_is_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "old.ipynb").write_bytes(content)
    with pytest.raises(InputError) as error:
        upgrade(tmp_path / "old.ipynb", tmp_path / "new.ipynb")
    assert_one_sentence(error.value, "old.ipynb")
    assert not (tmp_path / "new.ipynb").exists()


def test_a_missing_notebook_and_a_missing_folder_are_named(notebook, tmp_path):
    for old, new, named in (
        (tmp_path / "none.ipynb", tmp_path / "new.ipynb", "none.ipynb"),
        (tmp_path, tmp_path / "new.ipynb", tmp_path),
        (notebook("x = 1"), tmp_path / "no" / "new.ipynb", tmp_path / "no"),
    ):
        done = CliRunner().invoke(app, ["upgrade", str(old), "-o", str(new)])
        assert isinstance(done.exception, InputError)
        assert_one_sentence(done.exception, named)


def test_a_notebook_that_goes_to_another_folder_is_told_what_it_left_behind(notebook, tmp_path):
    old = notebook("x = 1")
    (tmp_path / "nst_utils.py").write_text("x = 1\n")
    (tmp_path / "there").mkdir()
    report = "\n".join(upgrade(old, tmp_path / "there/new.ipynb").lines())
    assert "nst_utils.py" in report and "there" in report.partition("Not done:")[2]

"""`from nst_utils import *` as the course's notebooks use it, in a process and a folder of its own."""

import numpy as np
import pytest
from conftest import ROOT

import nst_utils
from nst_utils.pictures.reading import read_image

# A notebook in the style of the course, whose graph is rebuilt here at a small size.
OLD_NOTEBOOK = '''
{imports}

CONFIG.IMAGE_WIDTH, CONFIG.IMAGE_HEIGHT = 48, 32
images = sys.argv[1]
model = load_vgg_model("pretrained-model/imagenet-vgg-verydeep-19.mat")
assert len(model) == 22

def compute_content_cost(a_C, a_G):
    m, n_H, n_W, n_C = a_G.get_shape().as_list()
    a_C_unrolled = tf.transpose(tf.reshape(a_C, [n_H * n_W, n_C]))
    a_G_unrolled = tf.transpose(tf.reshape(a_G, [n_H * n_W, n_C]))
    return tf.reduce_sum(tf.square(tf.subtract(a_C_unrolled, a_G_unrolled))) / (4 * n_H * n_W * n_C)

tf.reset_default_graph()
with tf.Session() as test:
    tf.set_random_seed(1)
    a_C = tf.random_normal([1, 4, 4, 3], mean=1, stddev=4)
    a_G = tf.random_normal([1, 4, 4, 3], mean=1, stddev=4)
    assert compute_content_cost(a_C, a_G).eval() > 0

def gram_matrix(A):
    return tf.matmul(A, tf.transpose(A))

def compute_layer_style_cost(a_S, a_G):
    m, n_H, n_W, n_C = a_G.get_shape().as_list()
    a_S = tf.transpose(tf.reshape(a_S, [n_H * n_W, n_C]))
    a_G = tf.transpose(tf.reshape(a_G, [n_H * n_W, n_C]))
    GS, GG = gram_matrix(a_S), gram_matrix(a_G)
    return tf.reduce_sum(tf.square(tf.subtract(GS, GG))) / (4 * n_C ** 2 * (n_H * n_W) ** 2)

STYLE_LAYERS = [("conv1_1", 0.2), ("conv2_1", 0.2), ("conv3_1", 0.2), ("conv4_1", 0.2), ("conv5_1", 0.2)]

def compute_style_cost(model, STYLE_LAYERS):
    J_style = 0
    for layer_name, coeff in STYLE_LAYERS:
        out = model[layer_name]
        a_S = sess.run(out)
        a_G = out
        J_style += coeff * compute_layer_style_cost(a_S, a_G)
    return J_style

tf.reset_default_graph()
sess = tf.InteractiveSession()
content_image = np.array(Image.open(images + "/content/summer-palace.jpg").resize((48, 32)))
imshow(content_image)
content_image = reshape_and_normalize_image(content_image)
style_image = np.array(Image.open(images + "/style/van-gogh-night-cafe-1888.webp").resize((48, 32)))
style_image = reshape_and_normalize_image(style_image)
generated_image = generate_noise_image(content_image)
model = load_vgg_model("pretrained-model/imagenet-vgg-verydeep-19.mat")

sess.run(model['input'].assign(content_image))
out = model['conv4_2']
a_C = sess.run(out)
a_G = out
J_content = compute_content_cost(a_C, a_G)
sess.run(model['input'].assign(style_image))
J_style = compute_style_cost(model, STYLE_LAYERS)
J = 10 * J_content + 40 * J_style
optimizer = tf.train.AdamOptimizer(2.0)
train_step = optimizer.minimize(J)

def model_nn(sess, input_image, num_iterations=2):
    sess.run(tf.global_variables_initializer())
    sess.run(model['input'].assign(input_image))
    costs = []
    for i in range(num_iterations):
        sess.run(train_step)
        generated_image = sess.run(model['input'])
        Jt, Jc, Js = sess.run([J, J_content, J_style])
        costs.append(Jt)
        print("Iteration " + str(i) + " :")
        print("total cost = " + str(Jt))
    save_image('generated_image.jpg', generated_image)
    assert costs[1] < costs[0]
    return generated_image

assert model_nn(sess, generated_image).shape == (1, 32, 48, 3)
'''


STAR_IMPORT_ONLY = "from nst_utils import *"
AS_IN_THE_COURSE = """
import os
import sys
import scipy.io
import scipy.misc
import imageio
import matplotlib.pyplot as plt
from matplotlib.pyplot import imshow
from PIL import Image
import numpy as np
import tensorflow.compat.v1 as tf
from nst_utils import *
"""


def run_notebook(run_python, imports):
    return run_python(OLD_NOTEBOOK.replace("{imports}", imports), ROOT / "images")


def assert_it_ran(done, folder):
    assert done.returncode == 0, done.stderr
    assert "Iteration 1 :" in done.stdout
    assert read_image(folder / "generated_image.jpg").shape == (32, 48, 3)


def test_an_old_notebook_runs_from_anywhere_without_log_lines(run_python, tmp_path):
    done = run_notebook(run_python, STAR_IMPORT_ONLY)
    assert_it_ran(done, tmp_path / "elsewhere")
    assert done.stderr == ""


def test_an_old_notebook_may_import_tensorflow_first(run_python, tmp_path):
    """Then TensorFlow writes its start-up lines before it can be told not to; all else is the same."""
    assert_it_ran(run_notebook(run_python, AS_IN_THE_COURSE), tmp_path / "elsewhere")


def test_what_the_imports_bring(run_python):
    """The plain one nothing heavy, a TF2 name no graph mode, the star import all that the course expects."""
    script = """
import importlib
import sys
import nst_utils
from nst_utils import CONFIG, load_weights, read_image, write_image
heavy = {"tensorflow", "matplotlib", "h5py", "requests"} & set(sys.modules)
assert not heavy, heavy

from nst_utils import total_cost
tensorflow = sys.modules["tensorflow"]
assert tensorflow.executing_eagerly()

names = {}
exec("from nst_utils import *", names)
assert not tensorflow.executing_eagerly()
modules = dict(tf="tensorflow.compat.v1", plt="matplotlib.pyplot", np="numpy", Image="PIL.Image")
for name, module in (modules | dict(os="os", sys="sys", scipy="scipy")).items():
    assert names[name] is importlib.import_module(module), name
assert names["imshow"] is names["plt"].imshow
print(*sorted(names.keys() - {"__builtins__"}))
"""
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "CONFIG", "Image", "generate_noise_image", "imshow", "load_vgg_model", "np", "os", "plt",
        "reshape_and_normalize_image", "save_image", "scipy", "sys", "tf",
    ]  # fmt: skip


def test_who_only_looks_at_the_names_changes_no_mode(run_python):
    script = """
import inspect
import tensorflow
import nst_utils
names = dict(inspect.getmembers(nst_utils))
assert nst_utils.tf is getattr(nst_utils, "tf") is tensorflow.compat.v1
assert hasattr(nst_utils, "tf") and tensorflow.executing_eagerly()
from nst_utils import tf
assert tf is tensorflow.compat.v1 and not tensorflow.executing_eagerly()
"""
    done = run_python(script)
    assert done.returncode == 0, done.stderr


def test_the_noise_ratio_is_read_when_a_picture_is_made(monkeypatch):
    monkeypatch.setattr(nst_utils.CONFIG, "NOISE_RATIO", 0.0)
    content = np.ones((1, 4, 5, 3), np.float32)
    np.testing.assert_array_equal(nst_utils.generate_noise_image(content), content)


def test_the_settings_of_the_course():
    settings = nst_utils.CONFIG
    assert (settings.IMAGE_WIDTH, settings.IMAGE_HEIGHT, settings.COLOR_CHANNELS) == (400, 300, 3)
    assert settings.NOISE_RATIO == 0.6
    assert settings.MEANS.shape == (1, 1, 1, 3) and settings.MEANS.dtype.kind == "f"
    assert settings.MEANS.ravel().tolist() == pytest.approx([123.68, 116.779, 103.939])
    assert settings.VGG_MODEL == "pretrained-model/imagenet-vgg-verydeep-19.mat"
    for picture in (settings.CONTENT_IMAGE, settings.STYLE_IMAGE):
        assert (ROOT / picture).is_file()
    assert settings.OUTPUT_DIR == "output/"


def test_an_unknown_name_is_an_attribute_error_as_in_any_module():
    with pytest.raises(AttributeError) as error:
        nst_utils.load_vgg_modle  # noqa: B018
    assert "load_vgg_modle" in str(error.value)
    assert {"load_vgg_model", "CONFIG", "stylize", "tf"} <= set(dir(nst_utils))

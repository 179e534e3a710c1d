"""Any cost in the fast engine: functions and tensors of the course's graph, valid pixels, and what is refused."""

from functools import partial

import numpy as np
import pytest
from conftest import assert_one_sentence

import nst_utils
from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.engine.minimize import minimize
from nst_utils.network.layout import MEANS

TARGET = np.random.default_rng(0).uniform(-100, 100, (1, 4, 5, 3)).astype(np.float32)
UNEVEN = np.linspace(1, 5, 3, dtype=np.float32)


def distance(image):
    return tf.reduce_sum(tf.square(image - TARGET) * UNEVEN)


def squared_distance(target, image):
    return tf.reduce_sum(tf.square(image - target))


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_minimum_of_a_cost_of_any_size_is_found(scale):
    found = minimize(lambda image: scale * distance(image), np.zeros(TARGET.shape), iterations=40)
    assert found == pytest.approx(TARGET, abs=0.1)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_minimum_of_a_tensor_of_a_graph_is_found_and_left_in_its_variable(scale):
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        image = tf.compat.v1.Variable(tf.zeros(TARGET.shape), name="input")
        found = minimize(scale * distance(image), np.zeros(TARGET.shape), 40, variable=image, sess=sess)
        assert found == pytest.approx(TARGET, abs=0.1)
        assert np.array_equal(sess.run(image), found)


def test_a_function_is_minimised_in_a_program_of_graphs_too(run_python):
    script = """
from nst_utils import *
from nst_utils import minimize
assert not tf.executing_eagerly()
found = minimize(lambda image: tf.reduce_sum(tf.square(image - 7.0)), np.zeros((1, 3, 4, 3)))
assert not tf.executing_eagerly()
print(np.abs(found - 7).max() < 0.1)
"""
    done = run_python(script)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_a_cost_that_cannot_be_traced_runs_step_by_step():
    def peeking(image):
        assert np.isfinite(image.numpy()).all()
        return distance(image)

    with eager_mode():
        assert minimize(peeking, np.zeros(TARGET.shape), 40) == pytest.approx(TARGET, abs=0.1)


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6])
def test_the_way_is_the_same_for_a_cost_of_any_size(scale):
    """Also where pixels leave the valid range on the way, and are pulled back."""
    target = TARGET * 2
    mixed = np.linalg.qr(np.random.default_rng(1).normal(size=(60, 60)))[0].astype(np.float32)

    def cost(image):
        difference = tf.linalg.matvec(mixed, tf.reshape(image - target, [-1])) * np.logspace(0, 2, 60, dtype=np.float32)
        return tf.reduce_sum(tf.square(difference))

    plain = minimize(cost, np.zeros(TARGET.shape), 15)
    scaled = minimize(lambda image: np.float32(scale) * cost(image), np.zeros(TARGET.shape), 15)
    np.testing.assert_allclose(scaled, plain, atol=2)
    assert float(cost(plain)) < 0.5 * float(cost(np.zeros(TARGET.shape, np.float32)))


@pytest.mark.parametrize("form", ["image", "picture"])
def test_the_pixels_are_valid_ones(form):
    lowest = -MEANS if form == "image" else np.zeros(3, np.float32)
    start = np.zeros((1, 4, 5, 3) if form == "image" else (4, 5, 3)) + lowest + 100
    seen = []
    for goal, reached in ((-60, 0), (400, 255)):
        target = (np.zeros(start.shape) + lowest + goal).astype(np.float32)
        found = minimize(partial(squared_distance, target), start, 20, lambda step: seen.append(step.image))
        np.testing.assert_allclose(found, np.zeros(start.shape) + lowest + reached, atol=0.5)
    for image in seen:
        assert (image >= lowest - 1e-3).all() and (image <= lowest + 255 + 1e-3).all()


def test_the_callback_gets_every_step_with_its_cost():
    steps = []
    minimize(distance, np.zeros(TARGET.shape), 6, steps.append)
    assert [step.iteration for step in steps] == list(range(7))
    costs = [step.cost for step in steps]
    assert costs == sorted(costs, reverse=True)
    for step in steps:
        assert step.cost == pytest.approx(float(np.sum((step.image - TARGET) ** 2 * UNEVEN)), rel=1e-4)


def test_it_stops_after_the_iterations_asked_for():
    slow = np.logspace(0, 6, 27, dtype=np.float32).reshape(1, 3, 3, 3)

    def cost(image):
        return tf.reduce_sum(tf.square(image - 50.0) * slow)

    few, many = (minimize(cost, np.zeros((1, 3, 3, 3)), iterations) for iterations in (3, 30))
    assert 0 < float(cost(many)) < float(cost(few)) and not np.allclose(few, 50, atol=1)


def test_an_interrupt_keeps_the_image():
    def stop(step):
        if step.iteration == 3:
            raise KeyboardInterrupt

    found = minimize(distance, np.zeros(TARGET.shape), 40, stop)
    assert 0 < float(distance(found)) < float(distance(np.zeros(TARGET.shape, np.float32)))


def test_the_start_is_left_as_it_was():
    start = np.zeros(TARGET.shape, np.float32)
    minimize(distance, start, 3)
    assert not start.any()


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (lambda image: image, ["(1, 4, 5, 3)", "one number"]),
        (lambda image: tf.constant(3.0), ["does not depend on the image"]),
        (lambda image: tf.reduce_sum(tf.math.log(image - 200.0)), ["nan", "logarithm"]),
    ],
)
def test_a_cost_that_is_none_gets_its_sentence(cost, words):
    with pytest.raises(InputError) as error:
        minimize(cost, np.zeros(TARGET.shape))
    assert_one_sentence(error.value, *words)


def test_an_error_in_the_cost_is_the_authors_own():
    def broken(image):
        return image.no_such_thing

    with pytest.raises(AttributeError, match="no_such_thing"):
        minimize(broken, np.zeros(TARGET.shape))


def test_what_does_not_belong_together_gets_its_sentence():
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        image = tf.compat.v1.Variable(tf.zeros(TARGET.shape))
        J = distance(image)
        for arguments, words in (
            ({"start": TARGET}, ["variable", "sess"]),
            ({"start": TARGET[:, :2], "variable": image, "sess": sess}, ["(1, 2, 5, 3)", "(1, 4, 5, 3)"]),
            ({"start": TARGET[0, 0], "variable": image, "sess": sess}, ["(5, 3)"]),
        ):
            with pytest.raises(InputError) as error:
                minimize(J, **arguments)
            assert_one_sentence(error.value, *words)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_graph_in_either_precision_has_the_same_names_and_nearly_the_same_activations(
    precision, course_size, tiny_mat, tiny_weights
):
    course_size.IMAGE_WIDTH, course_size.IMAGE_HEIGHT = 48, 40
    image = np.random.default_rng(1).uniform(-100, 100, (1, 40, 48, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        model = nst_utils.load_vgg_model(tiny_mat, precision=precision)
        assert len(model) == 22 and all(tensor.dtype.base_dtype == tf.float32 for tensor in model.values())
        sess.run(model["input"].assign(image))
        found = sess.run({name: tensor for name, tensor in model.items() if name != "input"})
    with eager_mode():
        expected = nst_utils.activations(tf.constant(image), tiny_weights)
    for name, a in expected.items():
        np.testing.assert_allclose(found[name], a, atol=(0.05 if precision == "bfloat16" else 1e-4) * np.abs(a).max())

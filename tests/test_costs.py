"""The costs against the published values of the course, against NumPy, and in graph and eager mode."""

import numpy as np
import pytest
from conftest import assert_one_sentence

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import tf
from nst_utils.course import graph
from nst_utils.engine import costs
from nst_utils.engine.recipe import CONTENT_LAYER, STYLE_LAYERS

pytestmark = pytest.mark.usefixtures("full_float32")


# Published values


def tf1_normal(shape, op_seed):
    """random_normal(shape, mean=1, stddev=4) of the course's first edition, with the op seed it got there."""
    return tf.raw_ops.RandomStandardNormal(shape=shape, dtype=tf.float32, seed=1, seed2=op_seed) * 4 + 1


def tf1_session(build):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(build())


def test_published_content_cost():
    J = tf1_session(
        lambda: costs.compute_content_cost(tf1_normal([1, 4, 4, 3], 3), tf1_normal([1, 4, 4, 3], 9))
    )
    assert J == pytest.approx(6.76559, rel=1e-4)


def test_published_gram_matrix():
    G = tf1_session(lambda: costs.gram_matrix(tf1_normal([3, 2], 3)))
    expected = [
        [6.42230511, -4.42912197, -2.09668207],
        [-4.42912197, 19.46583748, 19.56387138],
        [-2.09668207, 19.56387138, 20.6864624],
    ]
    np.testing.assert_allclose(G, expected, rtol=1e-4)


def test_published_layer_style_cost():
    J = tf1_session(
        lambda: costs.compute_layer_style_cost(tf1_normal([1, 4, 4, 3], 3), tf1_normal([1, 4, 4, 3], 9))
    )
    assert J == pytest.approx(9.19028, rel=1e-4)


def test_published_total_cost():
    np.random.seed(3)
    J_content = np.random.randn()
    J_style = np.random.randn()
    assert costs.total_cost(J_content, J_style, alpha=10, beta=40) == pytest.approx(35.34667875478276)
    assert costs.total_cost(J_content, J_style) == pytest.approx(35.34667875478276)


def tf2_normals(*shapes):
    tf.random.set_seed(1)
    return [tf.random.normal(shape, mean=1, stddev=4) for shape in shapes]


def test_published_values_of_the_second_edition():
    a_C, a_G = tf2_normals([1, 1, 4, 4, 3], [1, 1, 4, 4, 3])
    assert float(costs.compute_content_cost(a_C, a_G)) == pytest.approx(7.0568767, rel=1e-3)
    (A,) = tf2_normals([3, 2])
    np.testing.assert_allclose(costs.gram_matrix(A)[0], [63.1888, -26.7213, -7.7320], rtol=1e-3)
    a_S, a_G = tf2_normals([1, 4, 4, 3], [1, 4, 4, 3])
    assert float(costs.compute_layer_style_cost(a_S, a_G)) == pytest.approx(14.0178, rel=1e-3)


# The formulas, on activations whose dimensions all differ


def random_activations(seed, n_H=5, n_W=7, n_C=3):
    return np.random.default_rng(seed).normal(1, 4, (1, n_H, n_W, n_C)).astype(np.float32)


def reference_gram(a):
    """G[i, j] = sum over the positions of a[i] a[j]."""
    n_C = a.shape[-1]
    a = a.astype(np.float64)
    return np.array([[np.sum(a[..., i] * a[..., j]) for j in range(n_C)] for i in range(n_C)])


def reference_layer_style_cost(a_S, a_G):
    n_H, n_W, n_C = a_S.shape[1:]
    return np.sum((reference_gram(a_S) - reference_gram(a_G)) ** 2) / (4 * n_C**2 * (n_H * n_W) ** 2)


def in_eager_mode(function, *arrays):
    return np.asarray(function(*map(tf.constant, arrays)))


def in_graph_mode(function, *arrays):
    return tf1_session(lambda: function(*map(tf.constant, arrays)))


def in_a_traced_function(function, *arrays):
    """With sizes that are unknown while tracing, as one trace serves pictures of every size."""
    signature = [tf.TensorSpec([None] * (array.ndim - 1) + [array.shape[-1]]) for array in arrays]
    return tf.function(function, input_signature=signature)(*arrays).numpy()


@pytest.mark.parametrize("evaluate", [in_eager_mode, in_graph_mode, in_a_traced_function])
class TestEveryMode:
    def test_content_cost(self, evaluate):
        a_C, a_G = random_activations(0), random_activations(1)
        expected = np.sum((a_C - a_G) ** 2) / (4 * 5 * 7 * 3)
        assert evaluate(costs.compute_content_cost, a_C, a_G) == pytest.approx(expected, rel=1e-5)

    def test_gram_matrix(self, evaluate):
        a = random_activations(0)
        G = evaluate(costs.gram_matrix, np.ascontiguousarray(a.reshape(-1, 3).T))
        np.testing.assert_allclose(G, reference_gram(a), rtol=1e-5)

    def test_style_matrix_is_the_gram_matrix_per_position(self, evaluate):
        a = random_activations(0)
        np.testing.assert_allclose(evaluate(costs.style_matrix, a), reference_gram(a) / 35, rtol=1e-5)

    def test_layer_style_cost(self, evaluate):
        a_S, a_G = random_activations(0), random_activations(1)
        J = evaluate(costs.compute_layer_style_cost, a_S, a_G)
        assert J == pytest.approx(reference_layer_style_cost(a_S, a_G), rel=1e-4)

    def test_style_cost_is_the_weighted_sum(self, evaluate):
        a = [random_activations(seed, 6 - seed, 4 + seed, 2 + seed % 2) for seed in range(4)]
        layers = [("first", 0.25), ("second", 3.0)]

        def J_style(a_S1, a_S2, a_G1, a_G2):
            return costs.compute_style_cost(
                {"first": a_S1, "second": a_S2, "unused": a_S2}, {"first": a_G1, "second": a_G2}, layers
            )

        a_S1, a_S2, a_G1, a_G2 = a[0], a[1], a[0] + 1, a[1] * 2
        expected = 0.25 * reference_layer_style_cost(a_S1, a_G1) + 3 * reference_layer_style_cost(a_S2, a_G2)
        assert evaluate(J_style, a_S1, a_S2, a_G1, a_G2) == pytest.approx(expected, rel=1e-4)

    def test_total_variation(self, evaluate):
        image = random_activations(0)
        down, right = np.diff(image, axis=1), np.diff(image, axis=2)
        expected = (np.sum(down**2) + np.sum(right**2)) / 35
        assert evaluate(costs.total_variation, image) == pytest.approx(expected, rel=1e-5)

    def test_equal_pictures_cost_nothing(self, evaluate):
        a = random_activations(0)
        assert evaluate(costs.compute_content_cost, a, a) == 0
        assert evaluate(costs.compute_layer_style_cost, a, a) == 0
        assert evaluate(costs.total_variation, np.full_like(a, 7)) == 0


def test_the_style_picture_may_have_another_size():
    """A texture laid out twice as often has the same style."""
    a = random_activations(0)
    tiled = np.tile(a, (1, 2, 3, 1))
    assert float(costs.compute_layer_style_cost(tiled, a)) == pytest.approx(0, abs=1e-9)


def test_the_order_of_positions_does_not_matter_to_style():
    a_S, a_G = random_activations(0), random_activations(1)
    shuffled = np.random.default_rng(2).permutation(a_S.reshape(-1, 3)).reshape(a_S.shape)
    expected = float(costs.compute_layer_style_cost(a_S, a_G))
    assert float(costs.compute_layer_style_cost(shuffled, a_G)) == pytest.approx(expected, rel=1e-5)


def test_numpy_arrays_and_float64_are_taken():
    a_C, a_G = (random_activations(seed).astype(np.float64) for seed in (0, 1))
    for cost in (costs.compute_content_cost, costs.compute_layer_style_cost):
        assert cost(a_C, a_G).dtype == tf.float64
    assert float(costs.compute_layer_style_cost(a_C, a_G)) == pytest.approx(
        reference_layer_style_cost(a_C, a_G), rel=1e-12
    )


def test_the_course_weighs_five_layers_alike():
    assert CONTENT_LAYER == "conv4_2"
    assert STYLE_LAYERS == [(f"conv{block}_1", 0.2) for block in range(1, 6)]


# Weights of positions, and the gradients that are written out


def test_a_weighted_style_matrix_is_the_weighted_mean_of_the_positions():
    a = random_activations(0)
    weights = np.random.default_rng(1).uniform(0, 0.01, (5, 7)).astype(np.float32)  # a sum far below 1
    rows, w = a.reshape(-1, 3).astype(np.float64), weights.reshape(-1, 1)
    expected = (w * rows).T @ rows / w.sum()
    np.testing.assert_allclose(costs.style_matrix(a, weights), expected, rtol=1e-5)
    np.testing.assert_allclose(costs.style_matrix(a, 3000 * weights), expected, rtol=1e-5)
    assert not costs.style_matrix(a, np.zeros_like(weights)).numpy().any()


@pytest.mark.parametrize("weights", [None, np.random.default_rng(1).uniform(0, 0.02, (5, 7)).astype(np.float32)])
def test_the_gradient_of_a_style_matrix_is_that_of_the_formula(weights):
    """Seen from a function of it that does not treat its two sides alike."""
    a = random_activations(0)
    upstream = np.random.default_rng(3).normal(size=(3, 3))
    rows = a.reshape(-1, 3).astype(np.float64)
    w = np.ones((35, 1)) if weights is None else weights.reshape(-1, 1).astype(np.float64)
    with tf.GradientTape() as tape:
        variable = tf.constant(a)
        tape.watch(variable)
        J = tf.reduce_sum(costs.style_matrix(variable, weights) * upstream)
    expected = (w * rows) @ (upstream + upstream.T) / w.sum()
    np.testing.assert_allclose(tape.gradient(J, variable).numpy().reshape(-1, 3), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weights", [None, np.linspace(0.1, 2, 35, dtype=np.float32).reshape(5, 7)])
def test_products_of_bfloat16_are_added_up_in_float32(weights):
    a = tf.cast(random_activations(0), tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch(a)
        S = costs.style_matrix(a, weights)
        J = tf.reduce_sum(S)
    assert S.dtype == tf.float32 and tape.gradient(J, a).dtype == tf.bfloat16
    exact = costs.style_matrix(tf.cast(a, tf.float64), weights)
    assert exact.dtype == tf.float64
    np.testing.assert_allclose(S, exact, rtol=1e-5, atol=1e-5)


# The costs of neighbours


def test_cosines_are_those_between_the_rows():
    x, y = np.random.default_rng(0).normal(0, 3, (4, 5)), np.random.default_rng(1).normal(1, 2, (6, 5))
    expected = [[u @ v / np.sqrt((u @ u) * (v @ v)) for v in y] for u in x]
    np.testing.assert_allclose(costs.cosine_similarity(x, y), expected, rtol=1e-9)
    x[2] = 0
    np.testing.assert_array_equal(costs.cosine_similarity(x, y)[2], np.zeros(6))


def test_targets_are_the_vectors_of_the_numbered_positions():
    a_C, a_S = random_activations(0, 2, 3), random_activations(1, 4, 5)
    chosen = [19, 0, 7, 7, 5, 12]
    targets = costs.compute_targets(tf.constant(a_C), tf.constant(a_S), chosen)
    assert targets.shape == (1, 2, 3, 3)
    for place, number in enumerate(chosen):
        expected = a_S[0, number // 5, number % 5]
        np.testing.assert_array_equal(targets[0, place // 3, place % 3], expected)


def test_the_match_cost_is_the_mean_of_one_minus_the_cosines_from_the_paintings_mean():
    a_S, a_T, a_G = random_activations(0, 4, 6), random_activations(1), random_activations(2)
    mean = a_S.reshape(-1, 3).mean(axis=0)
    cosines = [
        (t - mean) @ (g - mean) / np.linalg.norm(t - mean) / np.linalg.norm(g - mean)
        for t, g in zip(a_T.reshape(-1, 3), a_G.reshape(-1, 3), strict=True)
    ]
    assert float(costs.compute_match_cost(a_S, a_T, a_G)) == pytest.approx(1 - np.mean(cosines), rel=1e-5)
    assert float(costs.compute_match_cost(a_S, a_T, a_T)) == pytest.approx(0, abs=1e-6)
    assert float(costs.compute_match_cost(a_S, a_T, 2 * mean - a_T)) == pytest.approx(2, rel=1e-6)


def test_only_a_pictures_own_positions_and_channels_count():
    """Of two pictures at once the costs are the sum, in the normalisation of one."""
    a_C, a_G = (np.concatenate([random_activations(seed), random_activations(seed + 1)]) for seed in (0, 2))
    each = [float(costs.compute_content_cost(a_C[i : i + 1], a_G[i : i + 1])) for i in (0, 1)]
    assert float(costs.compute_content_cost(a_C, a_G)) == pytest.approx(sum(each), rel=1e-5)


# The course's graph form


def test_style_cost_of_a_graph_takes_the_style_from_the_open_session():
    a_S, a_G = random_activations(0), random_activations(1)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = tf.compat.v1.Variable(np.zeros_like(a_S))
        model = {"input": variable, "conv1_1": variable * 1.0, "conv2_1": variable * 2.0}
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(model["input"].assign(a_S))
        J_style = graph.compute_style_cost(model, [("conv1_1", 0.5), ("conv2_1", 0.1)])
        assert session.run(J_style) == 0
        session.run(model["input"].assign(a_G))
        expected = 0.5 * reference_layer_style_cost(a_S, a_G)
        expected += 0.1 * reference_layer_style_cost(2 * a_S, 2 * a_G)
        assert session.run(J_style) == pytest.approx(expected, rel=1e-4)


def test_style_cost_of_a_graph_without_a_session_gets_its_sentence():
    with tf.Graph().as_default(), pytest.raises(InputError) as error:
        graph.compute_style_cost({"conv1_1": tf.zeros((1, 2, 2, 3))}, [("conv1_1", 1.0)])
    assert_one_sentence(error.value, "tf.InteractiveSession()")


# Activations that do not belong together


@pytest.mark.parametrize("shape", [(1, 7, 5, 3), (1, 5, 7, 4), (1, 5, 6, 3)], ids=str)
def test_content_of_another_shape_gets_its_sentence(shape):
    with pytest.raises(InputError) as error:
        costs.compute_content_cost(random_activations(0), np.zeros(shape, np.float32))
    assert_one_sentence(error.value, "(1, 5, 7, 3)", shape)


def test_style_of_another_layer_gets_its_sentence():
    with pytest.raises(InputError) as error:
        costs.compute_layer_style_cost(random_activations(0), random_activations(1, n_C=4))
    assert_one_sentence(error.value, "3 channels", "has 4", "the same layer")

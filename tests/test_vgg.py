"""The network against a forward pass in NumPy, its two forms against each other, and the contract."""

import numpy as np
import pytest
import scipy.io
from conftest import ROOT, assert_one_sentence, random_network

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.tensorflow import tf
from nst_utils.course.config import CONFIG
from nst_utils.course.graph import load_vgg_model
from nst_utils.course.helper import reshape_and_normalize_image
from nst_utils.engine.costs import compute_content_cost, compute_style_cost, total_cost, total_variation
from nst_utils.network import weights
from nst_utils.network.layout import CONVOLUTIONS
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.network.vgg import activations, field_of_view, prepare
from nst_utils.network.weights import identity_convolution, load_weights
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import resize

EMBEDDED = ROOT / "pretrained-model" / "vgg19-embedded.mat"
SUMMER_PALACE = ROOT / "images" / "content" / "summer-palace.jpg"

pytestmark = pytest.mark.usefixtures("full_float32")


def network_image(width, height, dtype=np.float32):
    picture = resize(read_image(SUMMER_PALACE), (width, height))
    return reshape_and_normalize_image(picture).astype(dtype)


# The reference: NumPy, float64, nothing of the package


def reference_convolution(a, kernel, bias):
    padded = np.pad(a, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = a.shape[1:3]
    total = np.zeros((*a.shape[:3], kernel.shape[3])) + bias
    for y in range(3):
        for x in range(3):
            shifted = padded[:, y : y + height, x : x + width]
            total += np.tensordot(shifted, kernel[y, x].astype(np.float64), axes=1)
    return np.maximum(total, 0)


def reference_pooling(a, reduce):
    """2x2 windows; those that stick out below or right count the positions inside only."""
    count, height, width, channels = a.shape
    padded = np.pad(a, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), constant_values=np.nan)
    windows = padded.reshape(count, -(-height // 2), 2, -(-width // 2), 2, channels)
    return reduce(windows, axis=(2, 4))


def reference_activations(image, network, reduce=np.nanmean):
    """{layer: activations} of VGG-19, its layers written out."""
    a, found = image.astype(np.float64), {}
    for name in (
        "conv1_1 conv1_2 avgpool1 conv2_1 conv2_2 avgpool2 conv3_1 conv3_2 conv3_3 conv3_4 avgpool3 "
        "conv4_1 conv4_2 conv4_3 conv4_4 avgpool4 conv5_1 conv5_2 conv5_3 conv5_4 avgpool5"
    ).split():
        a = reference_pooling(a, reduce) if "pool" in name else reference_convolution(a, *network[name])
        found[name] = a
    return found


def assert_close(found, expected, tolerance):
    """Every layer agrees, in each position relative to its value or the mean of the layer."""
    assert list(found) == list(expected)
    for name, a in expected.items():
        np.testing.assert_allclose(found[name], a, rtol=tolerance, atol=tolerance * np.mean(a), err_msg=name)


def test_the_embedded_network_agrees_with_the_reference():
    """The file is read by index here, without the package: convolutions are the layers that hold weights."""
    layers = scipy.io.loadmat(EMBEDDED)["layers"][0]
    filled = [layer["weights"][0, 0].ravel() for layer in layers if layer["weights"][0, 0].size]
    pairs = zip(CONVOLUTIONS, filled, strict=True)
    network = {name: (kernel, bias.ravel()) for name, (kernel, bias) in pairs}
    image = network_image(45, 37)
    found = activations(image, load_weights(EMBEDDED))
    assert_close(found, reference_activations(image, network), 1e-4)


@pytest.mark.parametrize(("pooling", "reduce"), [("average", np.nanmean), ("max", np.nanmax)])
@pytest.mark.parametrize("size", [(64, 48), (51, 33), (32, 32)], ids=str)
def test_a_tiny_network_agrees_with_the_reference(tiny_weights, size, pooling, reduce):
    image = network_image(*size)
    found = activations(image, tiny_weights, pooling=pooling)
    assert_close(found, reference_activations(image, tiny_weights, reduce), 1e-4)


def test_mean_activations_of_the_embedded_network_are_as_published():
    """Means measured on the VGG-16 convolutions that the embedded model was built from."""
    published = {
        "conv1_1": 22.8, "conv2_1": 149, "conv3_1": 142, "conv4_1": 53, "conv4_2": 25.5, "conv5_1": 3.9,
    }  # fmt: skip
    found = activations(network_image(400, 300), load_weights(EMBEDDED), list(published))
    for name, mean in published.items():
        assert float(tf.reduce_mean(found[name])) == pytest.approx(mean, rel=0.01), name


def test_images_of_a_batch_do_not_mix(tiny_weights):
    batch = np.concatenate([network_image(40, 36), -network_image(40, 36)])
    together = activations(batch, tiny_weights)["conv5_4"]
    for i in range(2):
        alone = activations(batch[i : i + 1], tiny_weights)["conv5_4"]
        np.testing.assert_allclose(together[i], alone[0], rtol=1e-5)


# As a function: only what is asked for, in eager mode, tf.function and GradientTape


def test_only_the_layers_asked_for_come_back(tiny_weights):
    found = activations(network_image(40, 36), tiny_weights, ["conv3_2", "conv1_1", "avgpool2"])
    assert sorted(found) == ["avgpool2", "conv1_1", "conv3_2"]
    assert activations(network_image(40, 36), tiny_weights, []) == {}


def test_no_layer_deeper_than_the_one_asked_for_is_computed(tiny_weights):
    @tf.function
    def conv4_2(image):
        return activations(image, tiny_weights, ["conv1_1", "conv4_2"])

    traced = conv4_2.get_concrete_function(tf.TensorSpec((1, 32, 32, 3)))
    types = [operation.type for operation in traced.graph.get_operations()]
    assert (types.count("Conv2D"), types.count("AvgPool")) == (10, 3)


def test_layers_not_computed_need_no_weights(tiny_weights):
    shallow = {name: tiny_weights[name] for name in ("conv1_1", "conv1_2", "conv2_1")}
    found = activations(network_image(40, 36), shallow, ["conv2_1"])
    assert found["conv2_1"].shape == (1, 18, 20, 5)


@pytest.mark.parametrize("layers", [["conv6_1"], ["conv1_1", "relu1_1"], ["input"]])
def test_unknown_layers_get_their_sentence(tiny_weights, layers):
    with pytest.raises(InputError) as error:
        activations(network_image(40, 36), tiny_weights, layers)
    assert_one_sentence(error.value, layers[-1], "conv4_2, ")


def test_unknown_pooling_gets_its_sentence(tiny_weights):
    with pytest.raises(InputError) as error:
        activations(network_image(40, 36), tiny_weights, pooling="mean")
    assert_one_sentence(error.value, "'mean'", "'average' or 'max'")


def test_a_traced_function_agrees_with_eager_mode(tiny_weights):
    image = network_image(51, 33)
    traced = tf.function(lambda x: activations(x, tiny_weights))(image)
    assert_close(traced, activations(image, tiny_weights), 1e-5)


def test_the_gradient_of_the_total_cost_agrees_with_finite_differences(tiny_weights):
    network = prepare(tiny_weights, tf.float64)
    content, style, start = (network_image(44, 36, np.float64) * factor for factor in (1, -0.8, 0.6))
    a_C = activations(content, network, ["conv4_2"])["conv4_2"]
    a_S = activations(style, network, ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"])

    def J(image):
        a_G = activations(image, network, ["conv4_2", *a_S])
        J_style = compute_style_cost(a_S, a_G)
        return total_cost(compute_content_cost(a_C, a_G["conv4_2"]), J_style) + total_variation(image)

    image = tf.Variable(start)
    with tf.GradientTape() as tape:
        cost = J(image)
    gradient = tape.gradient(cost, image).numpy()
    rng = np.random.default_rng(0)
    for _ in range(5):
        step = 1e-5 * rng.normal(size=start.shape)
        difference = float(J(start + step) - J(start - step)) / 2
        assert difference == pytest.approx(np.sum(gradient * step), rel=1e-4)


# Preparing weights


def with_identities(network):
    return network | {f"conv{i}_4": identity_convolution(network[f"conv{i}_3"][1].size) for i in (3, 4, 5)}


def test_prepare_leaves_out_what_changes_nothing(tiny_weights):
    network = with_identities(tiny_weights)
    prepared = prepare(network)
    assert [name for name, pair in prepared.items() if pair is None] == ["conv3_4", "conv4_4", "conv5_4"]
    image = network_image(51, 33)
    assert_close(activations(image, prepared), activations(image, network), 1e-6)


def test_prepare_finds_the_three_identities_of_the_embedded_model():
    prepared = prepare({name: pair for name, pair in load_weights(EMBEDDED).items() if name[-1] in "34"})
    assert [name for name, pair in prepared.items() if pair is None] == ["conv3_4", "conv4_4", "conv5_4"]


def almost(change):
    kernel, bias = identity_convolution(6)
    change(kernel, bias)
    return kernel, bias


@pytest.mark.parametrize(
    "pair",
    [
        almost(lambda kernel, bias: kernel[0, 0].fill(1e-6)),
        almost(lambda kernel, bias: bias.__setitem__(2, 1e-6)),
        almost(lambda kernel, bias: kernel.__setitem__((1, 1, 3, 3), 2)),
        almost(lambda kernel, bias: kernel[1, 1].__setitem__(slice(None), np.eye(6)[::-1])),
        (np.roll(identity_convolution(6)[0], 1, axis=0), np.zeros(6, np.float32)),
    ],
    ids=["a small weight", "a small bias", "a doubled channel", "channels in reverse", "shifted by a pixel"],
)
def test_prepare_keeps_what_only_looks_like_an_identity(tiny_weights, pair):
    assert prepare(tiny_weights | {"conv3_4": pair})["conv3_4"] is not None


def test_prepare_keeps_an_identity_that_meets_negative_values():
    """The first convolution's input is the picture, whose negative values its ReLU cuts off."""
    assert prepare({"conv1_1": identity_convolution(3)})["conv1_1"] is not None


def test_prepare_keeps_convolutions_of_other_shapes():
    """Each has as many ones in its middle as it has inputs, and no bias; but no input comes out as it went in."""
    wider, even = np.zeros((3, 3, 3, 4), np.float32), np.zeros((2, 2, 3, 3), np.float32)
    wider[1, 1, range(3), range(3)] = even[1, 1, range(3), range(3)] = 1
    for kernel in (wider, even):
        assert prepare({"conv3_4": (kernel, np.zeros(kernel.shape[3], np.float32))})["conv3_4"] is not None


def test_without_a_layer_nothing_is_computed():
    assert activations(network_image(32, 32), {}, ()) == {}


def kernels(size, *names):
    return {name: (tf.zeros((size, size, 1, 1)), tf.zeros(1)) for name in names}


@pytest.mark.parametrize(
    ("weights", "deepest", "pixels"),
    [
        (random_network(), "conv1_1", 16),  # it sees 1 pixel beyond its own, 16 is the block
        (random_network(), "conv3_1", 16),  # 1 + 1 + 2 + 2 + 4
        (random_network(), "conv3_4", 32),
        (random_network(), "avgpool4", 64),
        (random_network(), "conv5_1", 80),
        (random_network(), "conv5_4", 128),  # 118
        (kernels(3, "conv3_1", "conv3_2", "conv3_3", "conv3_4"), "conv5_4", 16),  # 4 * 4, to the pixel
        (kernels(5, "conv3_1", "conv4_1"), "conv4_1", 32),  # 2 * 4 + 2 * 8
        (kernels(3, "conv3_1", "conv5_1") | {"conv4_1": None}, "conv5_1", 32),
        ({}, "conv5_4", 0),
    ],
)  # fmt: skip
def test_the_field_of_view_is_the_sum_of_what_the_convolutions_reach(weights, deepest, pixels):
    assert field_of_view(weights, deepest) == pixels


def test_a_position_sees_no_pixel_beyond_its_field_of_view(tiny_weights):
    """Tiles rely on that: whatever lies further away than the halo, the activations inside are the same."""
    for layer, step in (("conv2_2", 2), ("conv3_4", 4)):
        halo = field_of_view(tiny_weights, layer)
        image = network_image(160, 48)
        other = image.copy()
        other[:, :, 32 + halo :] *= -1
        one, another = (activations(each, tiny_weights, [layer])[layer].numpy()[:, :, : 32 // step]
                        for each in (image, other))  # fmt: skip
        np.testing.assert_array_equal(one, another)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64, tf.bfloat16])
def test_prepare_gives_the_type_to_compute_in(tiny_weights, dtype):
    image = network_image(40, 36)
    found = activations(tf.cast(image, dtype), prepare(tiny_weights, dtype), ["conv5_1"])["conv5_1"]
    assert found.dtype == dtype
    expected = activations(image, tiny_weights, ["conv5_1"])["conv5_1"]
    np.testing.assert_allclose(tf.cast(found, tf.float32), expected, atol=0.05 * np.max(expected))


# The course's graph


@pytest.fixture
def graph():
    """A new default graph, as tf.reset_default_graph() gives it, with a session."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph):
        yield graph


def run(fetches):
    return tf.compat.v1.get_default_session().run(fetches)


def test_the_course_model_has_22_keys_and_the_shapes_of_the_course(graph):
    model = load_vgg_model()
    expected = {
        "input": (1, 300, 400, 3),
        **{f"conv1_{i}": (1, 300, 400, 64) for i in (1, 2)},
        "avgpool1": (1, 150, 200, 64),
        **{f"conv2_{i}": (1, 150, 200, 128) for i in (1, 2)},
        "avgpool2": (1, 75, 100, 128),
        **{f"conv3_{i}": (1, 75, 100, 256) for i in (1, 2, 3, 4)},
        "avgpool3": (1, 38, 50, 256),
        **{f"conv4_{i}": (1, 38, 50, 512) for i in (1, 2, 3, 4)},
        "avgpool4": (1, 19, 25, 512),
        **{f"conv5_{i}": (1, 19, 25, 512) for i in (1, 2, 3, 4)},
        "avgpool5": (1, 10, 13, 512),
    }
    assert len(expected) == 22
    assert {name: tuple(tensor.shape) for name, tensor in model.items()} == expected


def test_the_input_is_a_variable_of_zeros_and_the_weights_are_constants(graph, tiny_mat, course_size):
    course_size.IMAGE_WIDTH, course_size.IMAGE_HEIGHT = 48, 36
    model = load_vgg_model(tiny_mat)
    (variable,) = tf.compat.v1.global_variables()
    assert variable is model["input"] and variable.dtype.base_dtype == tf.float32
    assert all(tensor.graph is graph for tensor in model.values())
    run(tf.compat.v1.global_variables_initializer())
    np.testing.assert_array_equal(run(model["input"]), np.zeros((1, 36, 48, 3)))


def test_width_and_height_are_read_when_the_model_is_built(graph, tiny_mat, course_size):
    for width, height in [(40, 32), (64, 48)]:
        course_size.IMAGE_WIDTH, course_size.IMAGE_HEIGHT = width, height
        assert load_vgg_model(tiny_mat)["conv1_1"].shape == (1, height, width, 4)


def test_the_graph_agrees_with_eager_mode(course_size):
    course_size.IMAGE_WIDTH, course_size.IMAGE_HEIGHT = 51, 37
    image = network_image(51, 37)
    eager = activations(image, load_weights(EMBEDDED))
    with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
        model = load_vgg_model(EMBEDDED)
        sess.run(tf.compat.v1.global_variables_initializer())
        sess.run(model["input"].assign(image))
        found = sess.run({name: tensor for name, tensor in model.items() if name != "input"})
    assert_close(found, {name: a.numpy() for name, a in eager.items()}, 1e-5)


def test_the_graph_takes_float64_images_and_max_pooling(graph, tiny_mat, tiny_weights, course_size):
    course_size.IMAGE_WIDTH, course_size.IMAGE_HEIGHT = 40, 33
    model = load_vgg_model(tiny_mat, pooling="max")
    image = network_image(40, 33, np.float64)
    run(tf.compat.v1.global_variables_initializer())
    run(model["input"].assign(image))
    found = run({name: tensor for name, tensor in model.items() if name != "input"})
    assert_close(found, reference_activations(image, tiny_weights, np.nanmax), 1e-4)


# Which weights the course's model takes


@pytest.fixture
def model_folder(tmp_path, monkeypatch, course_size):
    """A folder in the place of pretrained-model/, empty, and a working directory elsewhere."""
    course_size.IMAGE_WIDTH, course_size.IMAGE_HEIGHT = 32, 32
    folder = tmp_path / "project" / "pretrained-model"
    folder.mkdir(parents=True)
    monkeypatch.setattr(weights, "MODEL_FOLDERS", (folder,))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def save_network(path, seed):
    path.parent.mkdir(exist_ok=True)
    write_matconvnet(path, random_network(seed), CONFIG.MEANS, "a tiny network")


def seed_of(model):
    """Which random network the model was built from."""
    run(tf.compat.v1.global_variables_initializer())
    shown = run(model["conv1_1"])[0, 5, 5]  # the input is zero, so these are the biases after their ReLU
    biases = {seed: random_network(seed)["conv1_1"][1] for seed in (1, 2, 3)}
    (seed,) = [seed for seed, bias in biases.items() if np.allclose(shown, np.maximum(bias, 0))]
    return seed


COURSE_PATH = "pretrained-model/imagenet-vgg-verydeep-19.mat"


def test_without_an_argument_the_official_file_comes_before_the_embedded_one(graph, model_folder):
    save_network(model_folder / "vgg19-embedded.mat", seed=1)
    assert seed_of(load_vgg_model()) == 1
    save_network(model_folder / "imagenet-vgg-verydeep-19.mat", seed=2)
    assert seed_of(load_vgg_model()) == 2


def test_the_path_of_the_course_works_from_any_working_directory(graph, model_folder, tmp_path):
    assert CONFIG.VGG_MODEL == COURSE_PATH
    save_network(model_folder / "vgg19-embedded.mat", seed=1)
    assert seed_of(load_vgg_model(COURSE_PATH)) == 1
    assert seed_of(load_vgg_model(CONFIG.VGG_MODEL)) == 1
    save_network(tmp_path / "elsewhere" / COURSE_PATH, seed=3)
    assert seed_of(load_vgg_model(COURSE_PATH)) == 3


def test_another_missing_path_is_an_error_even_in_the_settings(graph, model_folder, monkeypatch):
    save_network(model_folder / "vgg19-embedded.mat", seed=1)
    monkeypatch.setattr(CONFIG, "VGG_MODEL", "mine.mat")
    with pytest.raises(MissingFileError) as error:
        load_vgg_model(CONFIG.VGG_MODEL)
    assert_one_sentence(error.value, "mine.mat")
    assert seed_of(load_vgg_model(COURSE_PATH)) == 1

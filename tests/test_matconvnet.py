"""Every release of the MatConvNet file loads, the embedded one too; a bad file gets one sentence."""

import hashlib

import h5py
import numpy as np
import pytest
import scipy.io
from conftest import ROOT, assert_one_sentence, random_network

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.course.config import CONFIG
from nst_utils.network.layout import BLOCKS, CONVOLUTIONS
from nst_utils.network.matconvnet import read_matconvnet, write_matconvnet
from nst_utils.network.weights import load_weights

EMBEDDED = ROOT / "pretrained-model" / "vgg19-embedded.mat"
ONLY_IN_VGG19 = ("conv3_4", "conv4_4", "conv5_4")
# The fields of a convolution in the order of each release, and the shape of its bias.
LAYOUTS = {
    "before beta16": ("filters biases pad type name stride", (1, -1)),
    "beta16": ("weights pad type name stride", (1, -1)),
    "beta17-18": ("weights pad stride type name precious opts", (1, -1)),
    "beta19-22": ("type name weights stride pad precious dilate opts", (-1, 1)),
    "beta23-25": ("name type weights size pad stride precious dilate opts", (-1, 1)),
}


def struct(**fields):
    value = np.empty((1, 1), dtype=[(name, object) for name in fields])
    for name, field in fields.items():
        value[name][0, 0] = field
    return value


def cell(items):
    value = np.empty((1, len(items)), dtype=object)
    for i, item in enumerate(items):
        value[0, i] = item
    return value


def conv_layer(fields, bias_shape, name, kernel, bias):
    bias = bias.reshape(bias_shape)
    values = {
        "name": name,
        "type": "conv",
        "weights": cell([kernel, bias]),
        "filters": kernel,
        "biases": bias,
        "size": np.float64([kernel.shape]),
        "pad": np.float64([[1, 1, 1, 1]]),
        "stride": np.float64([[1, 1]]),
        "precious": 0.0,
        "dilate": 1.0,
        "opts": np.empty((0, 0), dtype=object),
    }
    return struct(**{field: values[field] for field in fields.split()})


def vgg_layers(weights, fields, bias_shape):
    """The 43 layers of a release: 37 up to pool5, then the fully connected ones and the softmax."""
    layers = []
    for block, count in BLOCKS.items():
        for i in range(1, count + 1):
            name = f"conv{block}_{i}"
            layers.append(conv_layer(fields, bias_shape, name, *weights[name]))
            layers.append(struct(type="relu", name=f"relu{block}_{i}"))
        layers.append(struct(name=f"pool{block}", stride=np.float64([[2, 2]]), type="pool", method="max"))
    width = weights["conv5_4"][1].size
    for i, side in ((6, 7), (7, 1), (8, 1)):
        kernel = np.ones((side, side, width, width), np.float32)
        layers.append(conv_layer(fields, bias_shape, f"fc{i}", kernel, np.ones(width, np.float32)))
        layers.append(struct(type="relu", name=f"relu{i}"))
    layers[-1] = struct(type="softmax", name="prob")
    return layers


def save(path, layers, **variables):
    scipy.io.savemat(path, {"layers": cell(layers), **variables}, do_compression=True)
    return path


def assert_same(found, expected):
    assert list(found) == list(CONVOLUTIONS)
    for name, (kernel, bias) in expected.items():
        np.testing.assert_array_equal(found[name][0], kernel, err_msg=name)
        np.testing.assert_array_equal(found[name][1], bias, err_msg=name)
        assert found[name][0].dtype == found[name][1].dtype == np.float32


@pytest.mark.parametrize("release", LAYOUTS)
def test_every_release_loads(tmp_path, tiny_weights, release):
    layers = vgg_layers(tiny_weights, *LAYOUTS[release])
    assert len(layers) == 43
    mean = np.ones((224, 224, 3), np.float32)
    place = {"meta": struct(normalization=struct(averageImage=mean[:1, :1]))}
    if release in ("before beta16", "beta16"):
        place = {"normalization": struct(averageImage=mean), "classes": struct(name="tench")}
    assert_same(load_weights(save(tmp_path / "vgg.mat", layers, **place)), tiny_weights)


def test_layers_are_found_by_name_not_by_place(tmp_path, tiny_weights):
    layers = vgg_layers(tiny_weights, *LAYOUTS["beta23-25"])[::-1]
    assert_same(read_matconvnet(save(tmp_path / "vgg.mat", layers)), tiny_weights)


def test_double_precision_becomes_single(tmp_path, tiny_weights):
    doubles = {name: tuple(array.astype(np.float64) for array in pair) for name, pair in tiny_weights.items()}
    layers = vgg_layers(doubles, *LAYOUTS["beta16"])
    assert_same(read_matconvnet(save(tmp_path / "vgg.mat", layers)), tiny_weights)


def test_what_is_written_is_read_back(tiny_mat, tiny_weights):
    assert_same(read_matconvnet(tiny_mat), tiny_weights)


def fields_of(value):
    """{field: what it holds} of a struct as SciPy reads it; strings and cells by their text and their items."""
    inside = value[0, 0]
    return {name: inside[name] for name in value.dtype.names}


def assert_holds(value, expected):
    """The struct has these fields, in this order, with these values; None is any."""
    found = fields_of(value)
    assert list(found) == list(expected)
    for name, array in expected.items():
        if isinstance(array, str):
            assert found[name].tolist() == [array], name
        elif array is not None:
            np.testing.assert_array_equal(found[name], array, err_msg=name, strict=True)


def test_a_file_is_written_field_by_field_in_the_current_layout(tiny_mat, tiny_weights):
    """What MatConvNet itself needs of it, in MATLAB: numbers are doubles, and an empty cell is 0 by 0."""
    content, none, zero = scipy.io.loadmat(tiny_mat), np.empty((0, 0), object), np.float64([[0]])
    assert content["layers"].shape == (1, 37)
    layers = iter(content["layers"][0])
    for block, count in BLOCKS.items():
        for i in range(1, count + 1):
            kernel, bias = tiny_weights[f"conv{block}_{i}"]
            layer = next(layers)
            weights = fields_of(layer)["weights"]
            assert weights.shape == (1, 2)
            np.testing.assert_array_equal(weights[0, 0], kernel, strict=True)
            np.testing.assert_array_equal(weights[0, 1], bias[:, np.newaxis], strict=True)
            assert_holds(layer, {
                "name": f"conv{block}_{i}", "type": "conv", "weights": None, "size": np.float64([kernel.shape]),
                "pad": np.float64([[1, 1, 1, 1]]), "stride": np.float64([[1, 1]]), "precious": zero,
                "dilate": np.float64([[1]]), "opts": none,
            })  # fmt: skip
            assert_holds(next(layers), {
                "name": f"relu{block}_{i}", "type": "relu", "leak": zero, "weights": none, "precious": zero,
            })  # fmt: skip
        assert_holds(next(layers), {
            "name": f"pool{block}", "type": "pool", "method": "max", "pool": np.float64([[2, 2]]),
            "stride": np.float64([[2, 2]]), "pad": np.float64([[0, 0, 0, 0]]), "weights": none, "precious": zero,
            "opts": none,
        })  # fmt: skip
    meta = fields_of(content["meta"])
    assert list(meta) == ["normalization", "description"] and meta["description"].tolist() == ["a tiny network"]
    assert_holds(meta["normalization"], {
        "imageSize": np.float64([[224, 224, 3, 10]]), "averageImage": np.float32(CONFIG.MEANS).reshape(1, 1, 3),
        "keepAspect": np.float64([[1]]), "border": np.float64([[32, 32]]), "cropSize": np.float64([[0.875]]),
        "interpolation": "bicubic",
    })  # fmt: skip


def test_a_file_is_written_compressed(tmp_path):
    weights = {name: (np.zeros_like(kernel), np.zeros_like(bias)) for name, (kernel, bias) in random_network().items()}
    write_matconvnet(tmp_path / "zeros.mat", weights, CONFIG.MEANS, "zeros")
    assert (tmp_path / "zeros.mat").stat().st_size < sum(kernel.nbytes for kernel, _ in weights.values())


def test_fully_connected_layers_may_be_stripped(tmp_path, tiny_weights):
    layers = vgg_layers(tiny_weights, *LAYOUTS["beta23-25"])
    stripped = [struct(name="fc6", type="conv") if layer["name"][0, 0] == "fc6" else layer for layer in layers]
    assert_same(read_matconvnet(save(tmp_path / "vgg.mat", stripped)), tiny_weights)


def test_the_sentence_on_damaged_bytes_says_what_is_wrong(tmp_path):
    (tmp_path / "weights.mat").write_bytes(b"not a .mat file" * 20)
    with pytest.raises(InputError, match=r"\([\w ]+\)") as error:
        read_matconvnet(tmp_path / "weights.mat")
    assert_one_sentence(error.value, "weights.mat", "truncated")


@pytest.fixture(scope="module")
def embedded():
    return scipy.io.loadmat(EMBEDDED)


def test_the_embedded_file_has_the_current_layout(embedded):
    layers = embedded["layers"]
    assert layers.shape == (1, 37)
    names = [str(layer["name"][0, 0][0]) for layer in layers[0]]
    types = [str(layer["type"][0, 0][0]) for layer in layers[0]]
    expected = []
    for block, count in BLOCKS.items():
        for i in range(1, count + 1):
            expected += [(f"conv{block}_{i}", "conv"), (f"relu{block}_{i}", "relu")]
        expected.append((f"pool{block}", "pool"))
    assert list(zip(names, types, strict=True)) == expected


def test_the_embedded_file_has_the_current_fields(embedded):
    widths = {1: 64, 2: 128, 3: 256, 4: 512, 5: 512}
    channels = 3
    for layer in embedded["layers"][0]:
        fields = {name: layer[name][0, 0] for name in layer.dtype.names}
        name = str(fields["name"][0])
        if fields["type"][0] == "conv":
            assert tuple(fields) == tuple(LAYOUTS["beta23-25"][0].split())
            width = widths[int(name[4])]
            assert fields["weights"].shape == (1, 2)
            kernel, bias = fields["weights"][0]
            assert kernel.shape == (3, 3, channels, width) and bias.shape == (width, 1)
            assert kernel.dtype == bias.dtype == np.float32
            np.testing.assert_array_equal(fields["size"], [[3, 3, channels, width]])
            np.testing.assert_array_equal(fields["pad"], [[1, 1, 1, 1]])
            np.testing.assert_array_equal(fields["stride"], [[1, 1]])
            channels = width
        elif fields["type"][0] == "pool":
            np.testing.assert_array_equal(fields["pool"], [[2, 2]])
            np.testing.assert_array_equal(fields["stride"], [[2, 2]])
    mean = embedded["meta"]["normalization"][0, 0]["averageImage"][0, 0]
    assert mean.shape == (1, 1, 3)
    np.testing.assert_allclose(mean.ravel(), CONFIG.MEANS.ravel())


def test_the_embedded_file_holds_the_published_weights_for_rgb_rounded_to_bfloat16():
    """Values of Keras' file, with BGR input: its [0, 0, 0, 0] is [0, 0, 2, 0] here, and no axis is turned."""
    weights = load_weights(EMBEDDED)
    published = {
        "conv1_1": {(0, 0, 2, 0): 0.42947057, (0, 1, 2, 0): 0.373467, (1, 0, 2, 0): 0.27476987},
        "conv5_3": {(0, 2, 7, 9): -0.00548582, (2, 0, 7, 9): -0.017533107},
    }
    for name, values in published.items():
        for place, value in values.items():
            assert weights[name][0][place] == pytest.approx(value, rel=2**-8), (name, place)
    for name, (kernel, bias) in weights.items():
        for array in (kernel, bias):
            assert not (np.ascontiguousarray(array).view(np.uint32) & 0xFFFF).any(), name


def test_the_embedded_file_is_at_most_30_megabytes():
    assert EMBEDDED.stat().st_size <= 30e6


def test_the_embedded_file_is_the_one_that_its_readme_describes():
    checksum = hashlib.sha256(EMBEDDED.read_bytes()).hexdigest()
    assert checksum in EMBEDDED.with_name("README.md").read_text()


# Bad files: one sentence each, naming the file and what to do


def damage(kind, tmp_path, weights):
    path = tmp_path / "weights.mat"
    layout = LAYOUTS["beta23-25"]
    if kind == "text":
        path.write_text("These are not weights.\n" * 100)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "hdf5 without a MATLAB header":
        h5py.File(path, "w").close()
    elif kind == "MATLAB 7.3":
        with h5py.File(path, "w", userblock_size=512) as file:
            file["layers"] = np.zeros(3)
        with path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    elif kind == "no layers":
        scipy.io.savemat(path, {"params": np.eye(3)})
    elif kind == "numbers":
        scipy.io.savemat(path, {"layers": np.eye(3)})
    elif kind == "sparse numbers":
        scipy.io.savemat(path, {"layers": scipy.sparse.eye(3).tocsc()})
    elif kind == "a string":
        scipy.io.savemat(path, {"layers": "conv1_1"})
    elif kind == "AlexNet":
        kernel, bias = np.ones((5, 5, 3, 4), np.float32), np.ones(4, np.float32)
        save(path, [conv_layer(*layout, f"conv{i}", kernel, bias) for i in range(1, 6)])
    elif kind == "VGG-16":
        layers = vgg_layers(weights, *layout)
        save(path, [layer for layer in layers if layer["name"][0, 0] not in ONLY_IN_VGG19])
    elif kind == "kernel of another size":
        other = weights | {"conv2_1": (np.ones((5, 5, 4, 5), np.float32), weights["conv2_1"][1])}
        save(path, vgg_layers(other, *layout))
    elif kind == "channels that do not fit":
        other = weights | {"conv4_1": (np.ones((3, 3, 5, 7), np.float32), weights["conv4_1"][1])}
        save(path, vgg_layers(other, *layout))
    elif kind == "a bias too short":
        other = weights | {"conv4_1": (weights["conv4_1"][0], weights["conv4_1"][1][1:])}
        save(path, vgg_layers(other, *layout))
    elif kind in ("NaN", "infinity"):
        bad = weights["conv3_2"][1].copy()
        bad[2] = np.nan if kind == "NaN" else np.inf
        save(path, vgg_layers(weights | {"conv3_2": (weights["conv3_2"][0], bad)}, *layout))
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", "truncated or not a .mat file"),
        ("empty", "truncated or not a .mat file"),
        ("hdf5 without a MATLAB header", "truncated or not a .mat file"),
        ("MATLAB 7.3", "-v7"),
        ("no layers", "holds no variable `layers`"),
        ("numbers", "not VGG-19"),
        ("sparse numbers", "not VGG-19"),
        ("a string", "not VGG-19"),
        ("AlexNet", "lacks conv1_1, conv1_2"),
        ("VGG-16", "lacks conv3_4, conv4_4, conv5_4"),
        ("kernel of another size", "conv2_1 has a kernel (5, 5, 4, 5)"),
        ("channels that do not fit", "conv4_1 has a kernel (3, 3, 5, 7)"),
        ("a bias too short", "conv4_1 has a kernel (3, 3, 6, 7) and a bias (6,)"),
        ("NaN", "conv3_2 holds values that are not finite"),
        ("infinity", "conv3_2 holds values that are not finite"),
    ],
)
def test_a_bad_file_gets_its_sentence(tmp_path, tiny_weights, kind, words):
    path = damage(kind, tmp_path, tiny_weights)
    with pytest.raises(InputError) as error:
        load_weights(path)
    assert_one_sentence(error.value, path, words)
    assert list(tmp_path.iterdir()) == [path], "a bad file leaves no cache"


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.95])
def test_a_truncated_file_gets_its_sentence(tmp_path, tiny_mat, kept):
    data = tiny_mat.read_bytes()
    tiny_mat.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(InputError) as error:
        load_weights(tiny_mat)
    assert_one_sentence(error.value, tiny_mat, "truncated")


def test_a_missing_file_gets_its_sentence(tmp_path):
    with pytest.raises(MissingFileError) as error:
        load_weights(tmp_path / "nowhere.mat")
    assert_one_sentence(error.value, tmp_path / "nowhere.mat", "does not exist")


def test_a_folder_gets_its_sentence(tmp_path):
    with pytest.raises(InputError) as error:
        load_weights(tmp_path)
    assert_one_sentence(error.value, tmp_path, "is a folder")


def test_a_file_that_may_not_be_read_gets_its_sentence(locked_folder):
    with pytest.raises(InputError) as error:
        load_weights(locked_folder / "secret.png")
    assert_one_sentence(error.value, locked_folder / "secret.png", "may not be read")

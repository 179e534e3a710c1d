"""Where weights come from: Keras' files, the build script, the cache beside a file, downloads by checksum."""

import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading

import h5py
import numpy as np
import pytest
from conftest import ROOT, assert_one_sentence, full_disk, random_network

from nst_utils.base.errors import InputError, MissingFileError
from nst_utils.base.tensorflow import tf
from nst_utils.course.config import CONFIG
from nst_utils.network import weights
from nst_utils.network.layout import CONVOLUTIONS
from nst_utils.network.matconvnet import read_matconvnet, write_matconvnet

ADDED = ("conv3_4", "conv4_4", "conv5_4")
SIXTEEN = {name for name in CONVOLUTIONS if name not in ADDED}
# Keras 1 named its tensors in the layer's group, Keras 2 in a second group within it.
KERAS_NAMES = {
    "Keras 1": {"kernel": "{0}/{0}_W_1:0", "bias": "{0}/{0}_b_1:0"},
    "Keras 2": {"kernel": "{0}/{0}/kernel:0", "bias": "{0}/{0}/bias:0"},
}


def assert_same(found, expected):
    assert list(found) == list(CONVOLUTIONS)
    for name, pair in expected.items():
        for array, other in zip(found[name], pair, strict=True):
            np.testing.assert_array_equal(array, other, err_msg=name)
            assert array.dtype == np.float32


def keras_tensors(network, names=CONVOLUTIONS):
    """{("block1_conv1", "kernel"): array, ...} of the network as Keras keeps it, for BGR input."""
    tensors = {}
    for name in names:
        kernel, bias = network[name]
        layer = f"block{name[4]}_conv{name[6]}"
        tensors[layer, "kernel"] = kernel[:, :, ::-1] if name == "conv1_1" else kernel
        tensors[layer, "bias"] = bias
    return tensors


def save_keras(path, tensors, edition="Keras 2"):
    if path.suffix == ".npz":
        np.savez(path, **{f"{layer}_{part}": array for (layer, part), array in tensors.items()})
        return path
    with h5py.File(path, "w") as file:
        file.create_group("block1_pool")  # layers without weights have an empty group
        for (layer, part), array in tensors.items():
            file[KERAS_NAMES[edition][part].format(layer)] = array
    return path


def assert_vgg16(found, network):
    """The 13 convolutions are the network's, and the three added ones change nothing."""
    assert_same(found, {name: network[name] for name in SIXTEEN})
    x = np.random.default_rng(0).uniform(0, 1, (1, 5, 6, 8)).astype(np.float32)
    for name in ADDED:
        kernel, bias = found[name]
        a = x[..., : bias.size]
        np.testing.assert_array_equal(tf.nn.relu(tf.nn.conv2d(a, kernel, 1, "SAME") + bias), a)


# Keras


@pytest.mark.parametrize("edition", KERAS_NAMES)
def test_keras_vgg19(tmp_path, tiny_weights, edition):
    path = save_keras(tmp_path / "vgg19.h5", keras_tensors(tiny_weights), edition)
    assert_same(weights.load_weights(path), tiny_weights)


@pytest.mark.parametrize("edition", KERAS_NAMES)
def test_keras_vgg16_gets_identities_for_its_missing_layers(tmp_path, tiny_weights, edition):
    path = save_keras(tmp_path / "vgg16.h5", keras_tensors(tiny_weights, SIXTEEN), edition)
    assert_vgg16(weights.load_weights(path), tiny_weights)


def test_an_npz_with_keras_names(tmp_path, tiny_weights):
    path = save_keras(tmp_path / "vgg16.npz", keras_tensors(tiny_weights, SIXTEEN))
    assert_vgg16(weights.load_weights(path), tiny_weights)


def rename(tensors, form):
    """The tensors under the names of another architecture."""
    return {(form.format(i), part): array for i, ((_, part), array) in enumerate(tensors.items())}


SPOILED = {
    "names of ResNet": lambda tensors: rename(tensors, "conv2_block{}_1_conv"),
    "names of MobileNet": lambda tensors: rename(tensors, "block_{}_expand"),
    "other names": lambda tensors: rename(tensors, "dense_{}"),
    "no tensors": lambda tensors: {},
    "no kernels": lambda tensors: {k: tensors[k] for k in tensors if k[1] == "bias"},
    "one bias less": lambda tensors: {k: tensors[k] for k in tensors if k != ("block3_conv2", "bias")},
    "not even conv3_3": lambda tensors: {k: tensors[k] for k in tensors if k[0] < "block3_conv3"},
    "other axes": lambda tensors: {k: a.T if a.ndim == 4 else a for k, a in tensors.items()},
    "strings": lambda tensors: {k: np.bytes_("no number") for k in tensors},
    "NaN": lambda tensors: {k: a * np.float32("nan") for k, a in tensors.items()},
}


@pytest.mark.parametrize("kind", SPOILED)
@pytest.mark.parametrize("extension", ["h5", "npz"])
def test_another_network_in_a_keras_file_gets_its_sentence(tmp_path, tiny_weights, extension, kind):
    path = save_keras(tmp_path / f"keras.{extension}", SPOILED[kind](keras_tensors(tiny_weights)))
    assert_refused(path)


@pytest.mark.parametrize("kind", ["text", "empty", "truncated"])
@pytest.mark.parametrize("extension", ["h5", "npz"])
def test_a_damaged_keras_file_gets_its_sentence(tmp_path, tiny_weights, extension, kind):
    path = save_keras(tmp_path / f"keras.{extension}", keras_tensors(tiny_weights))
    data = path.read_bytes()
    damaged = {"text": b"not weights\n" * 100, "empty": b"", "truncated": data[: len(data) // 2]}
    path.write_bytes(damaged[kind])
    assert_refused(path, "truncated or not a Keras weights file")


def assert_refused(path, *words):
    with pytest.raises(InputError) as error:
        weights.load_weights(path)
    assert_one_sentence(error.value, path, *words)
    assert list(path.parent.iterdir()) == [path], "a bad file leaves no cache"


# The script that builds the embedded file


def build(*arguments):
    script = ROOT / "pretrained-model" / "build.py"
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, timeout=120)


def bfloat16(array):
    return tf.cast(tf.cast(array, tf.bfloat16), tf.float32).numpy()


@pytest.mark.parametrize("extension", ["h5", "npz"])
def test_build_rounds_to_bfloat16_and_tells_the_checksum(tmp_path, tiny_weights, extension):
    network = {name: (kernel.copy(), bias) for name, (kernel, bias) in tiny_weights.items()}
    # Ties go to the even neighbour: 1 + 2^-8 lies between 1 and 1 + 2^-7, 1 + 3 * 2^-8 above that.
    network["conv1_2"][0].flat[:4] = [1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8, 1 + 2**-8 + 2**-20]
    source = save_keras(tmp_path / f"vgg16.{extension}", keras_tensors(network, SIXTEEN))
    out = tmp_path / "built.mat"

    done = build(source, out)

    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(out.read_bytes()).hexdigest() in done.stdout
    assert f"{out.stat().st_size:,} bytes" in done.stdout
    built = read_matconvnet(out)
    np.testing.assert_array_equal(built["conv1_2"][0].flat[:4], [1, 1 + 2**-6, -1, 1 + 2**-7])
    assert_vgg16(built, {name: tuple(bfloat16(array) for array in pair) for name, pair in network.items()})


def test_build_can_keep_every_bit(tmp_path, tiny_weights):
    source = save_keras(tmp_path / "vgg19.h5", keras_tensors(tiny_weights))
    assert build(source, tmp_path / "built.mat", "--exact").returncode == 0
    assert_same(read_matconvnet(tmp_path / "built.mat"), tiny_weights)


def test_build_gives_one_sentence_for_bad_input(tmp_path, tiny_weights):
    source = save_keras(tmp_path / "vgg19.h5", keras_tensors(tiny_weights))
    (tmp_path / "bad.h5").write_text("not weights")
    for arguments, word in [
        ((tmp_path / "bad.h5", tmp_path / "built.mat"), "bad.h5"),
        ((tmp_path / "nowhere.h5", tmp_path / "built.mat"), "does not exist"),
        ((source, tmp_path / "nowhere" / "built.mat"), "does not exist"),
    ]:
        done = build(*arguments)
        assert done.returncode == 1
        assert_one_sentence(done.stderr.removesuffix("\n"), word)
    assert not (tmp_path / "built.mat").exists()


# Which file is taken


@pytest.fixture
def model_folder(tmp_path, monkeypatch):
    """An empty folder in the place of pretrained-model/, and a working directory elsewhere."""
    folder = tmp_path / "pretrained-model"
    folder.mkdir()
    monkeypatch.setattr(weights, "MODEL_FOLDERS", (folder, tmp_path / "nowhere"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def test_the_official_file_comes_before_the_embedded_one(model_folder):
    with pytest.raises(MissingFileError) as error:
        weights.find_weights()
    assert_one_sentence(error.value, "vgg19-embedded.mat", model_folder)
    for name in ("vgg19-embedded.mat", "imagenet-vgg-verydeep-19.mat"):
        (model_folder / name).touch()
        assert weights.find_weights() == model_folder / name


INSTALLED = """
import sys
from pathlib import Path
from nst_utils.network import weights
assert Path(weights.__file__).is_relative_to(sys.argv[1])
print(weights.find_weights(), weights.download_folder(), sep="\\n")
weights.load_weights()
"""


def test_an_installed_copy_writes_into_the_users_folder_only(run_python, tmp_path, tiny_mat):
    site = tmp_path / "site-packages"
    shutil.copytree(ROOT / "nst_utils", site / "nst_utils", ignore=shutil.ignore_patterns("__pycache__"))
    (site / "nst_utils" / "pretrained-model").mkdir()
    embedded = site / "nst_utils" / "pretrained-model" / "vgg19-embedded.mat"
    shutil.copy(tiny_mat, embedded)
    before = sorted(site.rglob("*"))
    home = tmp_path / "home"
    home.mkdir()
    environment = os.environ | {"PYTHONPATH": str(site), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("NST_WEIGHTS", "XDG_DATA_HOME"):
        environment.pop(name, None)
    done = run_python(INSTALLED, site, env=environment)
    assert done.returncode == 0, done.stderr
    found, folder = done.stdout.split()
    assert found == str(embedded)
    assert home in type(home)(folder).parents
    assert sorted(site.rglob("*")) == before
    assert list(home.rglob("*.nst-cache"))


def test_the_environment_names_the_file_where_nobody_else_does(model_folder, tmp_path, monkeypatch):
    shared, own = tmp_path / "shared.mat", tmp_path / "own.mat"
    for path in (shared, own):
        path.touch()
    monkeypatch.setenv("NST_WEIGHTS", str(shared))
    assert weights.find_weights() == shared
    assert weights.find_weights(own) == own
    shared.unlink()
    with pytest.raises(MissingFileError, match="shared.mat"):
        weights.find_weights()


def test_the_embedded_file_of_this_project_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert weights.find_weights().parent == ROOT / "pretrained-model"


def test_a_given_path_is_taken_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "mine.mat").touch()
    monkeypatch.chdir(tmp_path)
    assert weights.find_weights("mine.mat").samefile(tmp_path / "mine.mat")


def test_a_name_too_long_for_a_file_gets_its_sentence(tmp_path):
    with pytest.raises(InputError) as error:
        weights.find_weights(tmp_path / ("x" * 256))
    assert_one_sentence(error.value, "does not exist")


# The cache beside a file


@pytest.fixture
def parses(monkeypatch):
    """The files that have been parsed, in the order in which they were."""
    paths = []

    def read(path):
        paths.append(path)
        return read_matconvnet(path)

    monkeypatch.setattr(weights, "read_matconvnet", read)
    return paths


def cache_of(path):
    return path.with_name(path.name + ".nst-cache")


def test_the_second_use_reads_the_cache(tiny_mat, tiny_weights, parses):
    for _ in range(3):
        assert_same(weights.load_weights(tiny_mat), tiny_weights)
    assert parses == [tiny_mat]
    assert sorted(path.name for path in tiny_mat.parent.iterdir()) == ["tiny.mat", "tiny.mat.nst-cache"]


def test_the_cache_notices_a_changed_file(tiny_mat, parses):
    weights.load_weights(tiny_mat)
    other = random_network(seed=1)
    write_matconvnet(tiny_mat, other, CONFIG.MEANS, "another tiny network")
    assert_same(weights.load_weights(tiny_mat), other)
    assert_same(weights.load_weights(tiny_mat), other)
    assert parses == [tiny_mat, tiny_mat]


def test_the_cache_notices_a_file_of_the_same_size(tiny_mat, parses):
    weights.load_weights(tiny_mat)
    os.utime(tiny_mat, ns=(0, tiny_mat.stat().st_mtime_ns + 1))
    weights.load_weights(tiny_mat)
    assert len(parses) == 2


def empty(cache):
    cache.write_bytes(b"")


def truncate(cache):
    os.truncate(cache, cache.stat().st_size // 2)


def replace_by_text(cache):
    cache.write_text("not a cache")


def replace_by_folder(cache):
    cache.unlink()
    cache.mkdir()


def change_the_head(cache, **fields):
    data = bytearray(cache.read_bytes())
    head = np.frombuffer(data, weights._HEAD, count=1)
    for name, value in fields.items():
        head[name] = value
    cache.write_bytes(data)


def claim_to_be_of_somebody_else(cache):
    change_the_head(cache, magic=b"another")


def claim_more_channels_than_there_are_bytes(cache):
    change_the_head(cache, widths=5_000)


def claim_more_channels_than_any_machine_has_room_for(cache):
    change_the_head(cache, widths=2**31 - 1)


def claim_negative_channels(cache):
    change_the_head(cache, widths=-4)


def claim_no_channels(cache):
    change_the_head(cache, widths=0)


def add_a_byte(cache):
    cache.write_bytes(cache.read_bytes() + b"\0")


@pytest.mark.parametrize(
    "harm",
    [
        empty, truncate, replace_by_text, replace_by_folder, claim_to_be_of_somebody_else,
        claim_more_channels_than_there_are_bytes, claim_more_channels_than_any_machine_has_room_for,
        claim_negative_channels, claim_no_channels, add_a_byte,
    ],
)  # fmt: skip
def test_a_damaged_cache_is_ignored(tiny_mat, tiny_weights, parses, harm):
    weights.load_weights(tiny_mat)
    harm(cache_of(tiny_mat))
    assert_same(weights.load_weights(tiny_mat), tiny_weights)
    assert len(parses) == 2
    assert len(list(tiny_mat.parent.iterdir())) == 2


def test_a_folder_that_cannot_be_written_does_without(locked_folder, tiny_weights, parses):
    path = locked_folder / "tiny.mat"
    before = sorted(locked_folder.iterdir())
    for _ in range(2):
        assert_same(weights.load_weights(path), tiny_weights)
    assert parses == [path, path]
    assert sorted(locked_folder.iterdir()) == before


def test_a_full_disk_does_without(tiny_mat, tiny_weights):
    with full_disk():
        assert_same(weights.load_weights(tiny_mat), tiny_weights)
    assert list(tiny_mat.parent.iterdir()) == [tiny_mat]


def test_a_read_only_file_system_does_without(tiny_mat, tiny_weights, monkeypatch):
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(type(tiny_mat), "unlink", refuse)
    assert_same(weights.load_weights(tiny_mat), tiny_weights)


def test_an_interrupted_write_leaves_no_part_of_a_cache(tiny_mat, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        weights.load_weights(tiny_mat)
    assert list(tiny_mat.parent.iterdir()) == [tiny_mat]


LOAD = """
import sys
from nst_utils.network.weights import load_weights
for _ in range(5):
    assert len(load_weights(sys.argv[1])) == 16
"""


def test_several_processes_may_write_the_cache_at_once(tiny_mat, tiny_weights, parses):
    command = [sys.executable, "-c", LOAD, tiny_mat]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.communicate(timeout=120)[1] == "" and process.returncode == 0
    assert_same(weights.load_weights(tiny_mat), tiny_weights)
    assert parses == []
    assert len(list(tiny_mat.parent.iterdir())) == 2


# Downloads, from a server of this machine


@pytest.fixture
def server(tmp_path):
    """A folder served over HTTP: (folder, address, the paths asked for so far)."""
    folder, asked = tmp_path / "served", []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}", asked
        httpd.shutdown()
        thread.join()


def sha256(path):
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("extension", ["mat", "h5"])
def test_a_download_with_the_right_checksum_can_be_loaded(server, tmp_path, tiny_weights, extension):
    folder, address, asked = server
    path = folder / f"vgg.{extension}"
    if extension == "mat":
        write_matconvnet(path, tiny_weights, CONFIG.MEANS, "a tiny network")
    else:
        save_keras(path, keras_tensors(tiny_weights))
    for _ in range(2):  # the second time nothing is fetched
        found = weights.download("official", tmp_path / "here", f"{address}/{path.name}", sha256(path))
    assert found == tmp_path / "here" / path.name
    assert asked == [f"/{path.name}"]
    assert_same(weights.load_weights(found), tiny_weights)


def test_a_download_with_a_wrong_checksum_leaves_nothing(server, tmp_path):
    folder, address, _ = server
    (folder / "vgg.mat").write_text("something else")
    with pytest.raises(InputError) as error:
        weights.download("official", tmp_path / "here", f"{address}/vgg.mat")
    assert_one_sentence(error.value, f"{address}/vgg.mat", "checksum")
    assert list((tmp_path / "here").iterdir()) == []


def test_a_wrong_file_in_the_place_of_a_download_is_fetched_again(server, tmp_path):
    folder, address, asked = server
    (folder / "vgg.mat").write_text("the right one")
    (tmp_path / "vgg.mat").write_text("half of")
    found = weights.download("official", tmp_path, f"{address}/vgg.mat", sha256(folder / "vgg.mat"))
    assert found.read_text() == "the right one" and len(asked) == 1


def test_a_download_that_is_not_there_gets_its_sentence(server, tmp_path):
    _, address, _ = server
    with pytest.raises(InputError) as error:
        weights.download("keras", tmp_path / "here", f"{address}/nowhere.h5")
    assert_one_sentence(error.value, f"{address}/nowhere.h5", "404", tmp_path / "here")
    assert list((tmp_path / "here").iterdir()) == []


def test_a_server_that_does_not_answer_gets_its_sentence(server, tmp_path):
    _, address, _ = server
    refused = address.rsplit(":", 1)[0] + ":1"
    with pytest.raises(InputError) as error:
        weights.download("keras", tmp_path / "here", f"{refused}/vgg.h5")
    assert_one_sentence(error.value, f"{refused}/vgg.h5", "could not be fetched")


def test_a_download_into_a_folder_that_cannot_be_written_gets_its_sentence(server, locked_folder):
    _, address, asked = server
    with pytest.raises(InputError) as error:
        weights.download("official", locked_folder, f"{address}/vgg.mat")
    assert_one_sentence(error.value, locked_folder, "PermissionError")
    assert asked == []


def test_an_unknown_download_gets_its_sentence(tmp_path):
    with pytest.raises(InputError) as error:
        weights.download("vgg20", tmp_path)
    assert_one_sentence(error.value, "vgg20", "official, keras")


def test_the_published_checksums():
    address, checksum = weights.DOWNLOADS["official"]
    assert address == "https://www.vlfeat.org/matconvnet/models/imagenet-vgg-verydeep-19.mat"
    assert checksum == "sha256:abdb57167f82a2a1fbab1e1c16ad9373411883f262a1a37ee5db2e6fb0044695"
    assert weights.DOWNLOADS["keras"][1] == "md5:253f8cb515780f3b799900260a226db6"

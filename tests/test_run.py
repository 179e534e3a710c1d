"""The state of a run: stopped anywhere, handed on, written down, read back, advanced in turns with another's."""

import threading

import numpy as np
import pytest
from conftest import ROOT, assert_one_sentence, random_network

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import tf
from nst_utils.course.config import CONFIG
from nst_utils.engine import memory as planning
from nst_utils.engine.run import Run, State
from nst_utils.engine.settings import Settings
from nst_utils.engine.stylize import stylize
from nst_utils.network.matconvnet import write_matconvnet
from nst_utils.pictures.reading import read_image
from nst_utils.pictures.sizes import resize

pytestmark = pytest.mark.usefixtures("full_float32")

CONTENT = resize(read_image(ROOT / "images" / "content" / "summer-palace.jpg"), (136, 130))
STYLE = resize(read_image(ROOT / "images" / "style" / "van-gogh-night-cafe-1888.webp"), (136, 130))
RUNS = {
    "lbfgs": {"iterations": 6},
    "adam": {"optimizer": "adam", "iterations": 6},
    "adagrad": {"optimizer": "adagrad", "iterations": 6},
    "noise": {"iterations": 6, "init": "noise", "seed": 4},
}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "tiny.mat"
    write_matconvnet(path, random_network(), CONFIG.MEANS, "a tiny network")
    return path


@pytest.fixture(scope="module")
def new_run(network):
    def make(**settings):
        chosen = Settings.of(weights=network, precision="float32", **settings)
        return Run(CONTENT, STYLE, chosen)

    return make


@pytest.fixture(scope="module", params=RUNS)
def undisturbed(request, new_run):
    """(settings, every state of a run from beginning to end)."""
    return RUNS[request.param], all_states(new_run(**RUNS[request.param]))


def all_states(run):
    states = [run.begin()]
    while not states[-1].stopped:
        states.append(run.advance(states[-1]))
    return states


def finish(run, state):
    while not state.stopped:
        state = run.advance(state)
    return state


def assert_same(a, b):
    np.testing.assert_array_equal(a.now.picture, b.now.picture)
    assert (a.stopped, a.iteration, a.phase, a.now.costs) == (b.stopped, b.iteration, b.phase, b.now.costs)


def test_a_run_goes_on_from_any_of_its_states_to_the_same_picture(undisturbed, new_run, tmp_path):
    settings, states = undisturbed
    for state in states[:-1]:
        state.save(tmp_path / "state.npz")
        read = State.load(tmp_path / "state.npz")
        assert_same(finish(new_run(**settings), read), states[-1])


def test_a_state_goes_on_in_another_thread_and_stays_as_it_was(undisturbed, new_run):
    settings, states = undisturbed
    middle = states[len(states) // 2]
    before = middle.now.picture.copy()
    found = []
    thread = threading.Thread(target=lambda: found.append(finish(new_run(**settings), middle)))
    thread.start()
    thread.join()
    assert_same(found[0], states[-1])
    np.testing.assert_array_equal(middle.now.picture, before)


def test_two_runs_take_turns_and_one_is_abandoned(new_run):
    first, second = new_run(**RUNS["lbfgs"]), new_run(**RUNS["adam"])
    a, b = first.begin(), second.begin()
    for _ in range(4):
        a, b = first.advance(a), second.advance(b)
    assert_same(finish(first, a), all_states(new_run(**RUNS["lbfgs"]))[-1])


def test_states_of_one_run_can_be_advanced_in_turns(undisturbed, new_run):
    settings, states = undisturbed
    run = new_run(**settings)
    early, late = states[2], states[-3]
    for _ in range(2):
        early, late = run.advance(early), run.advance(late)
    assert_same(late, states[-1])
    assert_same(finish(run, early), states[-1])


def test_what_is_no_state_gets_its_sentence(tmp_path):
    (tmp_path / "state.npz").write_text("not a state")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "code.npz", words=np.array([print], dtype=object))
    for name in ("state.npz", "other.npz", "code.npz", "nowhere.npz"):
        with pytest.raises(InputError) as error:
            State.load(tmp_path / name)
        assert_one_sentence(error.value, name)


MODES = """
import sys
import numpy as np
from nst_utils.base.tensorflow import tf
from tensorflow.python.eager import context
from nst_utils import stylize_steps

if {graph}:
    tf.compat.v1.disable_eager_execution()

def modes():
    options = context.context().function_call_options.config_proto_serialized
    return tf.executing_eagerly(), options, tf.config.optimizer.get_experimental_options()

before = modes()
picture = np.random.default_rng(0).integers(0, 255, (40, 48, 3), np.uint8)
settings = dict(weights=sys.argv[1], precision="float32", iterations=3, optimizer="adam")
one, other = (stylize_steps(picture, picture[::-1], **settings) for _ in range(2))
for _ in range(2):
    next(one), next(other)
    assert modes() == before
if {graph}:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        assert session.run(tf.constant(2) * 3) == 6
        next(one)
        assert session.run(tf.constant(2) * 4) == 8
del other  # abandoned half-way
for step in one:
    assert modes() == before
print(step.iteration)
"""


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_runs_in_turns_leave_the_modes_of_the_program_alone(run_python, network, graph):
    done = run_python(MODES.format(graph=graph), network)
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


def test_the_pixels_of_a_step_are_a_copy(new_run):
    run = new_run(**RUNS["adam"])
    state = run.advance(run.advance(run.begin()))
    run.step(state).pixels[:] = 0
    assert state.now.picture.any()
    assert_same(finish(run, state), all_states(new_run(**RUNS["adam"]))[-1])


# Memory


def test_a_style_layer_named_twice_counts_twice_everywhere(network):
    def first_cost(layers):
        run = Run(CONTENT, STYLE, Settings.of(weights=network, precision="float32", style_layers=layers, alpha=0,
                                              optimizer="adam", iterations=1))
        return run.advance(run.begin()).now.costs.style

    single, double = first_cost([("conv1_1", 0.5)]), first_cost([("conv1_1", 0.5), ("conv1_1", 0.5)])
    assert double == pytest.approx(2 * single, rel=1e-5)


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), "1", True], ids=str)
def test_layer_weights_that_are_no_weights_get_their_sentence(weight):
    with pytest.raises(InputError) as error:
        Settings.of(style_layers=[("conv1_1", weight)])
    assert_one_sentence(error.value, "conv1_1", "0 or more")


def test_a_small_gpu_gets_tiles_that_fit_into_its_memory(monkeypatch, network):
    settings = Settings.of(weights=network, precision="float32")
    _, whole = planning.plan_memory((1600, 1200), settings)
    monkeypatch.setattr(planning, "device_memory", lambda: 2_000_000_000)
    _, tile = planning.plan_memory((1600, 1200), settings)
    assert planning.SMALLEST_TILE <= tile < whole
    assert tile * planning.BYTES_PER_PIXEL["float32"] < 2_000_000_000


def test_a_device_that_runs_out_of_memory_gets_smaller_tiles(new_run, monkeypatch):
    """As if the device held tiles of 11,000 pixels and no more."""
    monkeypatch.setattr("nst_utils.engine.run.SMALLEST_TILE", 5000)
    settings = {"optimizer": "adam", "iterations": 3, "style_layers": [("conv2_1", 1.0)], "content_layer": "conv2_2"}
    whole = finish(run := new_run(**settings), run.begin())
    run = new_run(**settings)
    evaluator = run._evaluators[None]
    refused = []

    def bounded(function):
        def call(picture, *rest):
            if picture.shape[0] * picture.shape[1] > 11_000:
                refused.append(picture.shape)
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
            return function(picture, *rest)

        return call

    for name in ("features", "whole", "tile_features", "tile"):
        monkeypatch.setattr(evaluator, name, bounded(getattr(evaluator, name)))
    found = finish(run, run.begin())
    assert refused and run.max_pixels <= 11_000
    np.testing.assert_allclose(found.now.picture, whole.now.picture, atol=0.05)


def test_a_device_too_small_for_any_tile_gets_its_sentence(new_run, monkeypatch):
    run = new_run(optimizer="adam", iterations=2)

    def refuse(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(run._evaluators[None], "features", refuse)
    with pytest.raises(InputError) as error:
        run.advance(run.begin())
    assert_one_sentence(error.value, "136x130", "device's memory")


def test_the_search_for_tiles_takes_no_time_that_counts():
    """1920x1080 once took half a second: what is searched grows with the sides, not with their product."""
    from nst_utils.engine import tiles

    looked = []
    spans = tiles._spans
    tiles._spans = lambda *arguments: looked.append(arguments) or spans(*arguments)
    try:
        tiles.cut_tiles(1080, 1920, 160, 400_000)
    finally:
        tiles._spans = spans
    assert len(looked) <= (1080 + 1920) / 16 + 4


def test_an_interrupt_on_a_shallow_level_tells_the_cost_of_what_is_saved(network):
    def interrupt(step):
        if step.iteration == 2:
            raise KeyboardInterrupt

    result = stylize(CONTENT, STYLE, callback=interrupt, weights=network, precision="float32", iterations=8)
    assert result.stopped == "interrupted" and not result.history[-1].exact
    run = Run(CONTENT, STYLE, Settings.of(weights=network, precision="float32", iterations=8))
    assert result.costs.total == pytest.approx(run.costs(result.image.astype(np.float32)).total, rel=1e-5)
    assert result.costs.total > result.history[-1].total


def test_quality_quick_looks_at_shallow_layers_alone_and_fine_takes_more_steps(tiny_mat):
    rng = np.random.default_rng(0)
    content, style = (rng.integers(0, 256, (150, 200, 3)).astype(np.uint8) for _ in range(2))
    quick = stylize(content, style, quality="quick", weights=str(tiny_mat), precision="float32")
    assert not any(step.exact for step in quick.history) and quick.stopped == "iterations"
    assert quick.image.shape == content.shape and quick.history[-1].width == 200
    run = Run(content, style, Settings.of(weights=str(tiny_mat), precision="float32"))
    start = run.costs(run._level_at(run.size, None).plain)
    assert run.costs(quick.image).total < start.total
    assert len(quick.history) < len(stylize(content, style, weights=str(tiny_mat), precision="float32").history)
    assert Settings.of(quality="fine").iterations > Settings.of().iterations > Settings.of(quality="quick").iterations
    assert Settings.of(quality="quick", iterations=4).iterations == 4


@pytest.mark.parametrize("other", [{"optimizer": "adam"}, {"method": "neighbours"}])
def test_quality_quick_refuses_what_it_cannot_hasten(other):
    with pytest.raises(InputError, match="The quality quick"):
        Settings.of(quality="quick", **other)

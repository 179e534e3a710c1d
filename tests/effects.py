"""What an answer does, seen by running it: whether a mutant of a right answer differs from it in any way that counts.

Nothing of nst_utils.checks is used here, and the mutants are run on other networks, costs and pictures than there.
What an effect is: of a formula, the value, its kind of shape, and the gradient; of what runs in a session, what is
returned, and what has become of the picture; of model_nn also the number of train steps, and whether costs are
reported as numbers at all (when, and how many of them, is the student's own choice); of train_step also whether it
does the same in tf.function.
"""

import contextlib
import linecache
import os

import numpy as np

from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.network.layout import MEANS

_FAILED = "failed"


def namespace_of(source, **given):
    """What a notebook has after a cell with this source, and the things that the exercises find there."""
    namespace = {"tf": tf.compat.v1, "np": np, "MEANS": np.float32(MEANS), "__name__": "__main__", **given}
    namespace["LAYERS_OF_THE_COURSE"] = [(f"conv{block}_1", 0.2) for block in range(1, 6)]
    picture = np.float32(np.random.default_rng(5).normal(1, 2, (1, 5, 7, 3)))
    for name in ("a_C", "a_S", "a_G", "image", "input_image"):
        namespace[f"{name}_of_the_notebook"] = picture
    namespace["A_of_the_notebook"] = picture.reshape(-1, 3).T
    namespace |= dict.fromkeys(("J_content_of_the_notebook", "J_style_of_the_notebook"), np.float32(3.5))
    namespace |= {"alpha_of_the_notebook": 10, "beta_of_the_notebook": 40, "num_iterations_of_the_notebook": 200}
    namespace |= {"layer_name_of_the_notebook": "conv4_2"}
    tables = np.float32(np.random.default_rng(6).normal(1, 2, (20, 5)))
    namespace |= dict.fromkeys((f"{name}_of_the_notebook" for name in ("x", "y", "v_C", "v_S")), tables)
    namespace |= {"a_T_of_the_notebook": picture, "chosen_of_the_notebook": np.arange(20) % 12}
    # A name of its own, as AutoGraph reads the lines again.
    name = f"<mutant {len(linecache.cache)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    exec(compile(source, name, "exec"), namespace)
    return namespace


def same(one, other):
    """Whether two effects, nested tuples of arrays and other values, agree."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.size == other.size == 1:
            one, other = one.reshape(()), other.reshape(())
        if one.shape != other.shape:
            return False
        return bool(np.all(np.abs(one - other) <= 1e-3 * np.abs(one).max() + 1e-12))
    return type(one) is type(other) and one == other


def effect(exercise, source):
    """What the answer does, comparable by `same`; "failed" where it stops with an error."""
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            return _EFFECTS[exercise](exercise, source)
    except Exception:
        return _FAILED


def _array(value):
    if not isinstance(value, np.ndarray | np.generic | float | int):
        raise TypeError(type(value))
    return np.asarray(value, np.float64)


def _formula(exercise, source):
    function, found = namespace_of(source)[exercise], []
    random = np.random.default_rng(2)
    for scale in (1, 40):
        if exercise == "gram_matrix":
            shapes = [(5, 11) if scale == 1 else (13, 4)]
        elif exercise == "total_cost":
            shapes = [(), ()]
        else:
            shapes = [(1, 3, 8, 5) if scale == 1 else (1, 10, 4, 6)] * 2
        inputs = [np.float32(scale * random.normal(1, 2, shape)) for shape in shapes]
        weights = () if scale == 1 or exercise != "total_cost" else (3.0, 0.5)
        with eager_mode(), tf.GradientTape() as tape:
            tensors = [tf.constant(x) for x in inputs]
            tape.watch(tensors)
            # The first picture's activations also come as sess.run returns them, as an array.
            given = [inputs[0], *tensors[1:]] if scale > 1 and exercise.startswith("compute") else tensors
            value = function(*given, *weights)
            gradients = tape.gradient(value, tensors) if tf.is_tensor(value) else [None]
            if gradients[-1] is None:
                return "no gradient"
            found += [_array(value.numpy()), _array(gradients[-1].numpy())]
            if exercise == "total_cost":
                found.append(_array(gradients[0].numpy()))
    return tuple(found)


def _vectors(exercise, seed):
    """Inputs of an exercise of notebook 9."""
    random = np.random.default_rng(40 + seed)

    def draw(*shape):
        return np.float32(3 + 2 * random.normal(size=shape))

    if exercise == "cosine_similarity":
        return [draw(4 + seed, 5) - 3, draw(6, 5) - 2]
    if exercise == "nearest_spots":
        return [2 * draw(31, 5) + draw(5), draw(23 + 20 * seed, 5)]
    if exercise == "compute_targets":
        return [draw(1, 4, 5, 4), draw(1, 3 + seed, 4, 4), random.integers(0, 12, 20)]
    return [draw(1, 5, 4, 5), 1 + draw(1, 3, 6, 5), draw(1, 3, 6, 5)]


def _neighbours(exercise, source):
    function, found = namespace_of(source)[exercise], []
    for seed in range(2):
        inputs = _vectors(exercise, seed)
        if exercise == "cosine_similarity":
            inputs[0][1] = inputs[1][2] = 0
        if exercise == "compute_match_cost":
            # The mean of the painting, and a target and a vector of the picture which are just that.
            inputs[0][:, :, 2:] = 6 - inputs[0][:, :, :2]
            inputs[0] = np.round(inputs[0]) + np.arange(5, dtype=np.float32)
            inputs[1][0, 0, 0] = inputs[2][0, 1, 1] = inputs[0].mean(axis=(0, 1, 2))
        with eager_mode(), tf.GradientTape() as tape:
            tensors = [tf.constant(x) for x in inputs]
            tape.watch(tensors[-1])
            value = function(*tensors)
            gradient = tape.gradient(value, tensors[-1]) if exercise == "compute_match_cost" else tf.zeros(1)
        if gradient is None:
            return "no gradient"
        given = value.numpy() if tf.is_tensor(value) else value
        found += [_array(given), np.asarray(given).dtype.kind, _array(gradient.numpy())]
    return tuple(found)


def _session():
    """A session that does not rewrite its small graphs first."""
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.compat.v1.Session(config=config)


@contextlib.contextmanager
def _network():
    """A session and a `model` of layers of all names that are asked for; each reads the picture, to be quick."""
    with tf.Graph().as_default(), _session() as session:
        picture = tf.compat.v1.Variable(tf.zeros((1, 6, 9, 3)), name="input")
        random, model = np.random.default_rng(3), {"input": picture}
        for block in range(1, 6):
            for part in (1, 2):
                kernel = tf.constant(np.float32(random.normal(0, 0.4, (3, 3, 3, 3 + block))))
                model[f"conv{block}_{part}"] = tf.nn.relu(tf.nn.conv2d(picture, kernel, 1, "SAME") + 0.1)
        session.run(tf.compat.v1.global_variables_initializer())
        yield session, model


def _layer_activations(exercise, source):
    found, random = [], np.random.default_rng(4)
    with _network() as (session, model):
        function = namespace_of(source)[exercise]
        for layer in ("conv4_2", "conv1_2"):
            old, image = np.float32(random.uniform(-99, 99, (2, 1, 6, 9, 3)))
            session.run(model["input"].assign(old))
            given = dict(model)
            value = function(session, given, image, layer)
            found += [_array(value), given["input"] is model["input"], _array(session.run(model["input"]))]
    return tuple(found)


def _style_cost(exercise, source):
    found, random = [], np.random.default_rng(6)
    layer_cost = (
        "\ndef compute_layer_style_cost(a_S, a_G):\n    gram = lambda a: tf.einsum('bijc,bijd->cd', a, a)\n"
        "    return tf.reduce_sum((gram(a_S) - gram(a_G)) ** 2) / (1 + 4.0 * int(a_G.shape[1]))\n"
    )
    for layers in ([("conv1_1", 0.7), ("conv3_1", 0.4), ("conv2_2", 1.9)], [("conv5_1", 0.3), ("conv2_1", 2.5)]):
        with _network() as (session, model):
            # Of the second layers the costs are small, so that a constant in them shows.
            size = 0.2 if len(layers) == 3 else 0.002
            pictures = np.float32(size * random.uniform(-1, 1, (2, 1, 6, 9, 3)))
            session.run(model["input"].assign(pictures[0]))
            function = namespace_of(layer_cost + source, sess=session, model=model)[exercise]
            cost = function(dict(model), layers)
            session.run(model["input"].assign(pictures[1]))
            gradient = tf.gradients(cost, model["input"])[0] if tf.is_tensor(cost) else None
            if gradient is None:
                return "no gradient"
            found += [_array(session.run(cost)), _array(session.run(gradient))]
    return tuple(found)


def _build_train_step(exercise, source):
    found = []
    for weight in (0.5, 30.0):
        with tf.Graph().as_default(), _session() as session:
            x = tf.compat.v1.Variable(np.float32(np.linspace(-3, 5, 12)), name="input")
            J = tf.reduce_sum(weight * tf.square(x - 40.0) * np.float32(np.linspace(1, 2, 12)))
            step = namespace_of(source, model={"input": x}, sess=session)[exercise](J)
            session.run(tf.compat.v1.global_variables_initializer())
            for _ in range(5):
                session.run(step)
                found.append(_array(session.run(x)))
    return tuple(found)


class _View:
    """Where a model_nn reports; keeps what it is told."""

    def __init__(self):
        self.told = []

    def update(self, *values, **named):
        self.told += [*values, *named.values()]


def _model_nn(exercise, source):
    found = []
    for iterations in ((23,), ()):
        with tf.Graph().as_default(), _session() as session:
            picture = tf.compat.v1.Variable(tf.zeros((1, 3, 4, 3)), name="input")
            steps = tf.compat.v1.Variable(1.0)
            J_content, J_style = tf.reduce_sum((picture - 3) ** 2), tf.reduce_sum((picture + 70.0) ** 2)
            J = 10 * J_content + 40 * J_style
            count, view, printed = [], _View(), []
            counted = tf.compat.v1.py_func(lambda to=count: (to.append(1), np.float32(1))[1], [], tf.float32)
            # Downhill, and with a variable of its own that must be initialised, as Adam has, whose graph is larger.
            train_step = tf.group(picture.assign_sub(0.02 * (picture + 55.0)), steps.assign_add(counted))
            given = {
                "sess": session,
                "model": {"input": picture, "conv4_2": tf.nn.relu(picture)},
                "view": view,
                "J": J,
                "J_content": J_content,
                "J_style": J_style,
                "train_step": train_step,
                "print": lambda *values, to=printed: to.extend(values),
            }
            image = np.float32(np.random.default_rng(7).uniform(-50, 50, (1, 3, 4, 3)))
            value = namespace_of(source, **given)[exercise](session, image, *iterations)
            told = view.told + printed
            tensors = any(tf.is_tensor(thing) or "Tensor(" in str(thing) for thing in told)
            # A cost, not the number of an iteration or the picture.
            numbers = bool(iterations) or any(isinstance(thing, np.floating) for thing in told)
            found += [_array(value), len(count), tensors, numbers]
    return tuple(found)


def _train_step(exercise, source):
    found = []
    for wrap in (lambda function: function, tf.function):
        for optimizer in (tf.keras.optimizers.SGD(0.9), tf.keras.optimizers.Adam(70.0)):
            with eager_mode():
                random = np.random.default_rng(8)
                image = tf.Variable(np.float32(random.uniform(1, 254, (1, 4, 3, 3))))
                target = np.float32(random.uniform(-300, 500, (1, 4, 3, 3)))
                optimizer.build([image])
                function = wrap(namespace_of(source)[exercise])
                J = function(image, lambda x, target=target: tf.reduce_sum(0.4 * (x - target) ** 2), optimizer)
                found += [_array(J.numpy() if tf.is_tensor(J) else J), _array(image.numpy())]
    return tuple(found)


_EFFECTS = {
    **dict.fromkeys(("compute_content_cost", "gram_matrix", "compute_layer_style_cost", "total_cost"), _formula),
    **dict.fromkeys(("cosine_similarity", "nearest_spots", "compute_targets", "compute_match_cost"), _neighbours),
    "layer_activations": _layer_activations,
    "compute_style_cost": _style_cost,
    "build_train_step": _build_train_step,
    "model_nn": _model_nn,
    "train_step": _train_step,
}

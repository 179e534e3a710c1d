"""What the checks say of errors, cut gradients and answers that several mistakes explain; how deep a message is."""

import pytest
from test_checks import TRAIN_STEP, answer, changed
from test_checks_of_fast import HEADERS as NOTEBOOK_8
from test_checks_of_fast import NORM, result

from nst_utils import checks
from nst_utils.checks import wire
from nst_utils.checks.hypotheses import told


@pytest.mark.parametrize(
    ("exercise", "text", "phrase"),
    [
        ("compute_content_cost", "Input to reshape is a tensor with 60 values, but the requested shape has 20", "n_H"),
        ("compute_content_cost", "Incompatible shapes: [1,4,4,3] vs. [1,16,3]", "unroll"),
        ("compute_content_cost", "required broadcastable shapes", "are both pictures unrolled"),
        ("gram_matrix", "Matrix size-incompatible: In[0]: [3,2], In[1]: [3,2]", "by its transpose"),
        ("cosine_similarity", "Matrix size-incompatible: In[0]: [5,3], In[1]: [7,3]", "y transposed"),
        ("cosine_similarity", "Incompatible shapes: [5] vs. [7]", "keepdims=True"),
        ("nearest_spots", "Dimensions must be equal, but are 3 and 4", "different numbers of channels"),
        ("nearest_spots", "Incompatible shapes: [5,3] vs. [5]", "over the positions"),
        ("compute_targets", "indices[3] = 40 is not in [0, 35)", "no spot of this number"),
        ("compute_targets", "indices[0] = [9, 0] does not index into param shape [6,4,3]", "`chosen // n_W`"),
        ("compute_targets", "Input to reshape is a tensor with 9 values", "the shape of `a_C`"),
        ("compute_match_cost", "Incompatible shapes: [1,5,7,3] vs. [1,7,8,3]", "of `a_S` only the mean is used"),
    ],
)
def test_an_error_of_tensorflow_is_explained_where_it_betrays_a_mistake(exercise, text, phrase):
    found = getattr(checks, exercise)(answer(exercise, f"raise ValueError({text!r})", ""))
    assert found.outcome == "wrong" and text in found.message and phrase in found.message, found.message


# {exercise: {an error: what it betrays}}; "any" of them has it.
ERRORS = {
    "layer_activations": {
        "KeyError(\"The name 'conv9' refers to a Tensor which does not exist\")": "The name of a layer is a key of",
    },
    "compute_layer_style_cost": {
        "ValueError('Cannot reshape a tensor with 105 elements')": "n_H",
        "ValueError('Incompatible shapes: [1,4,4,3] vs. [1,16,3]')": "unroll",
        "ValueError('Dimensions must be equal')": "unrolled",
    },
    "gram_matrix": {
        f"ValueError('the tables {what}')": "(n_C, n_H n_W) matrix can be multiplied by its transpose"
        for what in ("must match", "are not compatible", "are not aligned", "show a mismatch")
    },
    "compute_style_cost": {
        "KeyError(0.25)": "The name of a layer and its weight are exchanged",
        "KeyError(('conv1_1', 0.5))": "take them apart in the loop",
        "ValueError('inputs must be a list of at least one')": "There is nothing to add",
        "ValueError('Inputs must be a list')": "There is nothing to add",
    },
    "build_train_step": {
        "AttributeError(\"'Adam' object has no attribute 'compute_gradients'\")": "is one of Keras",
        "ValueError('decay is of the legacy optimizer')": "is one of Keras",
        "ValueError('Trying to update a Tensor')": "The pairs are the wrong way round",
        "ValueError('No gradients provided for any variable')": "No gradient of J is there",
        "ValueError('No variables to optimize.')": "No gradient of J is there",
    },
    "train_step": {
        "AttributeError(\"'float' object has no attribute '_id'\")": "A tape differentiates tensors",
        "ValueError('Cannot update variable with shape (1, 5, 7, 3)')": "another shape than `image`",
        "ValueError('the shapes must be equal')": "another shape than `image`",
        "AttributeError(\"'Adam' object has no attribute 'minimize'\")": "use the tape and `apply_gradients`",
        "ValueError('Unknown variable: <tf.Variable>')": "the step goes to a copy",
        "ValueError('No gradients provided for any variable')": "The gradient is None",
        "TypeError(\"'NoneType' has no shape\")": "The gradient is None",
        "AttributeError('EagerTensor has no assign')": "change variables only",
        "AttributeError('SymbolicTensor has no assign')": "change variables only",
        "AttributeError(\"'Tensor' object cannot be changed\")": "change variables only",
    },
    "cosine_similarity": {
        f"ValueError('tables {what}')": "which is y transposed" for what in ("must match", "not aligned", "mismatch")
    },
    "nearest_spots": {
        "ValueError('Matrix size-incompatible')": "different numbers of channels, d",
        "ValueError('shapes not aligned')": "different numbers of channels, d",
        "ValueError('could not broadcast')": "one vector of d numbers",
    },
    "compute_targets": {
        "IndexError('index 40 is out of bounds')": "no spot of this number",
        "IndexError('list index out of range')": "no spot of this number",
        "ValueError('cannot reshape array')": "the shape of `a_C`",
        "ValueError('the requested shape has 20')": "the shape of `a_C`",
    },
    "compute_match_cost": {"ValueError('could not broadcast')": "of `a_S` only the mean is used"},
    "instance_norm": {
        "ValueError('Incompatible shapes: [2,5,7,3] vs. [2,3]')": "give them two axes",
        "ValueError('could not broadcast')": "give them two axes",
    },
    "perceptual_cost": {
        "ValueError('not of the same size')": "Two different layers meet here",
        "ValueError('3 channels and 4')": "Two different layers meet here",
        "KeyError('conv4_2')": "are dictionaries",
    },
    "train_network_step": {
        "AttributeError(\"'float' object has no attribute '_id'\")": "Leave J as `compute_cost` gives it",
        "AttributeError('numpy')": "Leave J as `compute_cost` gives it",
        "ValueError('No gradients provided for any variable')": "A gradient is None",
        "ValueError('not enough values to unpack')": "takes pairs (gradient, variable)",
        "ValueError('too many values to unpack')": "takes pairs (gradient, variable)",
        "ValueError('the argument must be a list')": "takes pairs (gradient, variable)",
        "ValueError('Unknown variable')": "it is the network that is trained",
        "AttributeError(\"EagerTensor has no attribute 'assign_sub'\")": "it is the network that is trained",
    },
    "any": {
        "AttributeError(\"'numpy.ndarray' object has no attribute 'get_shape'\")": "dimensions from an array",
        "AttributeError(\"'numpy.ndarray' object has no attribute 'op'\")": "dimensions from an array",
        "TypeError('Cannot convert a symbolic tf.Tensor to a numpy array')": "use the function of that name",
        "TypeError('__array__() is missing')": "use the function of that name",
        "AttributeError(\"'Tensor' object has no attribute 'numpy'\")": "`.numpy()` gives a value and needs eager mode",
        "RuntimeError('numpy() is only available in eager mode')": "`.numpy()` gives a value",
        "AttributeError(\"'Tensor' object has no attribute 'assign'\")": "Only a variable can be assigned to",
        "RuntimeError('FailedPrecondition')": "A variable was never initialised",
        "RuntimeError('Attempting to use uninitialized value')": "A variable was never initialised",
        "RuntimeError('Resource localhost/input does not exist')": "A variable was never initialised",
        "RuntimeError('Could not find resource')": "A variable was never initialised",
        "ValueError('Tensor J is not an element of this graph')": "not the one that it is given",
        "ValueError('must be from the same graph')": "not the one that it is given",
        "RuntimeError('The Session graph is empty')": "not the one that it is given",
        "TypeError('Can not convert a ndarray into a Tensor')": "A session runs tensors and operations",
        "TypeError('Can not convert an int into a Tensor')": "A session runs tensors and operations",
        "ValueError('Shape mismatch')": "What is assigned has another shape",
        "TypeError('float32 that does not match type int32')": "does not mix whole numbers and floats",
        "TypeError('cannot compute Mul as input')": "does not mix whole numbers and floats",
    },
}


@pytest.mark.parametrize(
    ("exercise", "error", "phrase"),
    [
        pytest.param("total_cost" if exercise == "any" else exercise, error, phrase, id=f"{exercise}: {error}")
        for exercise, all in ERRORS.items()
        for error, phrase in all.items()
    ],
)
def test_an_error_is_told_with_its_line_and_what_it_betrays(exercise, error, phrase):
    body = f"raise {error}\n0"
    if exercise in NOTEBOOK_8:
        found = result(exercise, body)
    else:
        found = getattr(checks, exercise)(answer(exercise, body, ""))
        assert " at line 3, `raise " in found.message
    assert (found.exercise, found.outcome) == (exercise, "wrong")
    assert found.message.startswith("Your function stopped with `") and phrase in found.message, found.message


def test_an_error_that_betrays_nothing_is_told_alone():
    found = checks.gram_matrix(answer("gram_matrix", "raise ZeroDivisionError('by nothing')\n0", ""))
    assert found.message.endswith("`ZeroDivisionError: by nothing` at line 3, `raise ZeroDivisionError('by nothing')`.")


def test_a_cost_may_take_tensors_only_but_may_not_fail_otherwise():
    right = "return alpha * J_content + beta * J_style"
    body = "if isinstance(J_content, float): raise {}('tensors only')\n" + right
    assert checks.total_cost(answer("total_cost", body.format("TypeError"), "")).outcome == "correct"
    found = checks.total_cost(answer("total_cost", body.format("ValueError"), ""))
    assert found.outcome == "wrong" and "tensors only" in found.message


def test_a_norm_through_which_no_gradient_flows_to_the_activations_is_said_to_be_cut():
    found = result("instance_norm", "a = tf.stop_gradient(a)\n" + NORM.strip())
    assert found.outcome == "wrong" and "no gradient flows from it to `a`" in found.message
    for other in ("scale", "shift"):
        cut = f"{other} = tf.stop_gradient({other})\n"
        assert result("instance_norm", cut + NORM.strip()).outcome == "correct"


def test_mistakes_that_explain_the_figures_alike_are_told_as_alternatives():
    assert told([]) == "" and told(["", "One.", "One."]) == "One."
    assert told(["One.", "Another."]) == "Two mistakes explain your figures equally well. Either: One. Or: Another."
    three = told(["A.", "B.", "C."])
    assert three.startswith("Three mistakes") and three.endswith("A. Or: B. Or: C.")


def test_a_message_is_nested_up_to_twelve_times():
    def nested(depth, make):
        value = 1
        for _ in range(depth):
            value = make(value)
        return value

    for make in (lambda value: [value], lambda value: {"a": value}):
        assert wire.decode(wire.encode(nested(12, make))) == nested(12, make)
        with pytest.raises(wire.Malformed):
            wire.decode(wire.encode(nested(13, make)))


# What of the two pictures is compared: made of both, or of one of them.
BOTH = {
    "np.trunc(a)": "turn the activations into whole numbers",
    "np.abs(a)": "compare absolute values of the activations",
    "a ** 2": "compare squares of the activations",
    "a.reshape(-1, a.shape[3]).T @ a.reshape(-1, a.shape[3])": "compare Gram matrices",
    "a.mean(3)": "means over the channels",
    "a.mean((1, 2))": "means over the positions",
    "a.mean()": "means of the activations",
    "a.sum()": "sums of the activations",
    "a[..., 0]": "only one channel",
    "a[..., -1]": "only one channel",
    "a[:, 0]": "only one row of the picture",
    "a[:, 0, 0]": "only one position",
    "a - a.mean((1, 2), keepdims=True)": "subtract each channel's mean first",
}
ONE = {
    "np.trunc(a)": "it is turned into whole numbers",
    "np.abs(a)": "only its absolute value counts",
    "2 * a": "it is doubled",
    "a.mean()": "only its mean counts",
    "a.sum()": "only its sum counts",
    "a[:, ::-1]": "it is turned upside down",
    "a / (4 * a.size)": "it is divided by 4 n_H n_W n_C",
    "a / a.size": "it is divided by n_H n_W n_C",
}
CONTENT = "x, y = np.asarray(a_C, float), np.asarray(a_G, float)\nf = lambda a: {}\n"
ENDS = "return (({}) ** 2).sum() / (4 * x.size)"


@pytest.mark.parametrize(
    ("body", "phrase"),
    [pytest.param(CONTENT.format(way) + ENDS.format("f(x) - f(y)"), says, id=says) for way, says in BOTH.items()]
    + [
        pytest.param(CONTENT.format(way) + ENDS.format(compared), f"`{name}`|{says}", id=f"{name}: {says}")
        for way, says in ONE.items()
        for name, compared in (("a_C", "f(x) - y"), ("a_G", "x - f(y)"))
    ],
)
def test_what_else_of_the_pictures_is_compared_is_said(body, phrase):
    found = checks.compute_content_cost(answer("compute_content_cost", body, ""))
    assert found.outcome == "wrong", found.message
    for part in phrase.split("|"):
        assert part.lower() in found.message.lower(), found.message


GRADIENT = "gradient = tape.gradient(J, image)"
STEP = "optimizer.apply_gradients([(gradient, image)])"
CLIPPING = "image.assign(tf.clip_by_value(image, 0.0, 255.0))"
STEPS = {
    ((STEP, f"{STEP}\n{STEP}"),): "`apply_gradients` ran 2 times",
    ((STEP, f"image.assign(tf.clip_by_value(image, 50.0, 200.0))\n{STEP}"),): "changed before the step",
    ((STEP, STEP.replace("(gradient", "(3.0 * gradient")),): "is 3 times that of J",
    ((STEP, STEP.replace("(gradient", "(tf.sign(gradient)")),): "only the signs of the gradient",
    ((STEP, STEP.replace("(gradient", "(tf.abs(gradient)")),): "the absolute values of the gradient",
    ((STEP, STEP.replace("(gradient", "(gradient ** 2")),): "the squares of the gradient",
    ((STEP, STEP.replace("(gradient", "(tf.clip_by_value(gradient, -1.0, 1.0)")),): "clipped to -1..1",
    ((STEP, STEP.replace("(gradient", "(tf.clip_by_value(gradient, 0.0, 255.0)")),): "the gradient clipped to 0..255",
    ((STEP, STEP.replace("(gradient", "(tf.identity(image)")),): "was given the picture",
    (("compute_cost(image)", "compute_cost(image / 255.0)"),): "`compute_cost` was called with",
    ((STEP, f"start = tf.identity(image)\n{STEP}"), ("clip_by_value(image", "clip_by_value(start")): (
        "the old picture was assigned"
    ),
    ((CLIPPING, "image.assign(tf.minimum(image, 255.0))"),): "255 only: 0 is the lower end",
    ((CLIPPING, "image.assign(tf.maximum(image, 0.0))"),): "only: 255 is the upper end",
    (("0.0, 255.0", "-1.0, 1.0"),): "You clip to -1..1",
    ((CLIPPING, "image.assign(tf.round(tf.clip_by_value(image, 0.0, 255.0)))"),): "You round the picture",
    ((CLIPPING, "image.assign(tf.floor(tf.clip_by_value(image, 0.0, 255.0)))"),): "cut the picture to whole numbers",
    ((CLIPPING, "image.assign_add(tf.clip_by_value(image, 0.0, 255.0))"),): "added or subtracted",
    ((CLIPPING, "image.assign_sub(tf.clip_by_value(image, 0.0, 255.0))"),): "added or subtracted",
    ((CLIPPING, "image.assign(2.0 * tf.clip_by_value(image, 0.0, 255.0))"),): "What is assigned in the end is",
}


@pytest.mark.parametrize(("changes", "phrase"), [pytest.param(*each, id=each[1]) for each in STEPS.items()])
def test_what_is_wrong_with_a_step_is_said(changes, phrase):
    found = checks.train_step(answer("train_step", changed(TRAIN_STEP, *changes)))
    assert found.outcome == "wrong" and phrase in found.message, found.message


def test_a_similarity_of_nothing_is_to_be_nothing():
    for which in "xy":
        body = (
            "unit = lambda v: np.asarray(v) / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9)\n"
            f"S, lost = unit(x) @ unit(y).T, np.linalg.norm({which}, axis=1) == 0\n"
            f"S[{'lost' if which == 'x' else ':, lost'}] = np.arange(1, S.shape[{1 if which == 'x' else 0}] + 1)"
            f"{'' if which == 'x' else '[:, None]'}\nreturn S"
        )
        found = checks.cosine_similarity(answer("cosine_similarity", body, ""))
        assert found.outcome == "wrong" and f"a vector of zeros in `{which}`" in found.message, found.message
        assert "yours is 1." in found.message

"""The checks of notebook 8: right answers in several forms, and wrong ones called by their names."""

import pytest

import nst_utils
from nst_utils import checks
from nst_utils.base.tensorflow import tf

NAMES = {
    "tf": tf, "EPSILON": 1e-5,
    **{n: getattr(nst_utils, n) for n in ("compute_content_cost", "compute_layer_style_cost", "total_cost")},
}
HEADERS = {
    "instance_norm": "a, scale, shift",
    "perceptual_cost": "a_C, a_S, a_G, content_layer, style_layers, alpha=10, beta=40",
    "train_network_step": "network, photographs, compute_cost, optimizer",
}


def result(exercise, body):
    scope = dict(NAMES)
    lines = "\n".join("    " + line for line in body.strip("\n").splitlines())
    exec(f"def {exercise}({HEADERS[exercise]}):\n{lines}", scope)
    return getattr(checks, exercise)(scope[exercise])


NORM = """
mean = tf.reduce_mean(a, axis=[1, 2], keepdims=True)
variance = tf.reduce_mean(tf.square(a - mean), axis=[1, 2], keepdims=True)
x = (a - mean) / tf.sqrt(variance + EPSILON)
return scale[:, None, None, :] * x + shift[:, None, None, :]
"""
COST = """
J_content = compute_content_cost(a_C[content_layer], a_G[content_layer])
J_style = 0.0
for name, weight in style_layers:
    J_style += weight * compute_layer_style_cost(a_S[name], a_G[name])
return total_cost(J_content, J_style, alpha, beta)
"""
STEP = """
with tf.GradientTape() as tape:
    painted = network(photographs)
    J = compute_cost(painted, photographs)
gradients = tape.gradient(J, network.trainable_variables)
optimizer.apply_gradients(zip(gradients, network.trainable_variables))
return J
"""
RIGHT = [
    ("instance_norm", NORM),
    ("instance_norm", """
mean, variance = tf.nn.moments(a, [1, 2], keepdims=True)
return tf.nn.batch_normalization(a, mean, variance, shift[:, None, None], scale[:, None, None], EPSILON)
"""),
    ("instance_norm", """
deviation = tf.sqrt(tf.math.reduce_variance(a, axis=(1, 2), keepdims=True) + 1e-5)
factor = tf.reshape(scale, [-1, 1, 1, a.shape[-1]]) / deviation
return a * factor + tf.reshape(shift, [-1, 1, 1, a.shape[-1]]) - tf.reduce_mean(a, (1, 2), keepdims=True) * factor
"""),
    ("perceptual_cost", COST),
    ("perceptual_cost", """
style = [weight * compute_layer_style_cost(a_S[name], a_G[name]) for name, weight in style_layers]
return beta * tf.add_n(style) + alpha * compute_content_cost(a_C[content_layer], a_G[content_layer])
"""),
    ("train_network_step", STEP),
    ("train_network_step", """
variables = network.trainable_variables
with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(variables)
    J = compute_cost(network(photographs), photographs)
optimizer.apply(tape.gradient(J, variables), variables)
return J
"""),
]
WRONG = [
    ("instance_norm", NORM, "axis=[1, 2]", "axis=[0, 1, 2]", "over the batch"),
    ("instance_norm", NORM, "axis=[1, 2]", "axis=[1, 2, 3]", "all channels together"),
    ("instance_norm", NORM, "axis=[1, 2]", "axis=3", "over its channels"),
    ("instance_norm", NORM, "axis=[1, 2]", "axis=1", "along the rows"),
    ("instance_norm", NORM, "axis=[1, 2]", "axis=2", "along the columns"),
    ("instance_norm", NORM, "tf.sqrt(variance + EPSILON)", "(variance + EPSILON)", "divide by the variance"),
    ("instance_norm", NORM, "tf.sqrt(variance + EPSILON)", "variance", "divide by the variance"),
    ("instance_norm", NORM, "variance + EPSILON", "variance", "Epsilon"),
    ("instance_norm", NORM, "tf.sqrt(variance + EPSILON)", "(tf.sqrt(variance) + EPSILON)", "under the root"),
    ("instance_norm", NORM, "tf.square(a - mean)", "tf.square(a)", "from the mean"),
    ("instance_norm", NORM, "x = (a - mean)", "x = a", "mean is not subtracted"),
    ("instance_norm", NORM, "scale[:, None, None, :] * x + shift[:, None, None, :]",
     "shift[:, None, None, :] * x + scale[:, None, None, :]", "exchanged"),
    ("instance_norm", NORM, " + shift[:, None, None, :]", "", "shift is not used"),
    ("instance_norm", NORM, "scale[:, None, None, :] * x", "x", "scale is not used"),
    ("instance_norm", NORM, "scale[:, None, None, :] * x + shift[:, None, None, :]", "x", "Neither scale nor shift"),
    ("instance_norm", NORM, "+ shift[", "- shift[", "subtracted"),
    ("instance_norm", NORM, "[:, None, None, :] * x", "[:1, None, None, :] * x", "yours gives"),
    ("instance_norm", NORM, "/ tf.sqrt(variance + EPSILON)", "", "do not divide"),
    ("perceptual_cost", COST, "a_C[content_layer]", "a_S[content_layer]", "against the style picture"),
    ("perceptual_cost", COST, "a_S[name]", "a_C[name]", "against the photograph"),
    ("perceptual_cost", COST, "a_G[name]", "a_C[name]", "photograph and painting"),
    ("perceptual_cost", COST, "weight * ", "", "weights of the style layers"),
    ("perceptual_cost", COST, "+= weight", "= weight", "last style layer"),
    ("perceptual_cost", COST, "alpha, beta)", "beta, alpha)", "exchanged"),
    ("perceptual_cost", COST, ", alpha, beta)", ")", "use the arguments"),
    ("perceptual_cost", COST, "total_cost(J_content, J_style, alpha, beta)", "J_content + J_style", "not used"),
    ("perceptual_cost", COST, "total_cost(J_content, J_style, alpha, beta)", "alpha * J_content",
     "style cost is missing"),
    ("perceptual_cost", COST, "total_cost(J_content, J_style, alpha, beta)", "beta * J_style",
     "content cost is missing"),
    ("perceptual_cost", COST, "total_cost(J_content, J_style, alpha, beta)",
     "float(total_cost(J_content, J_style, alpha, beta))", "no gradient"),
    ("perceptual_cost", COST, "    J_style += ", "    return ", "yours gives"),
    ("train_network_step", STEP, "compute_cost(painted, photographs)", "compute_cost(photographs, painted)",
     "in the place of what the network painted"),
    ("train_network_step", STEP, "compute_cost(painted, photographs)", "compute_cost(painted, painted)",
     "painted twice"),
    ("train_network_step", STEP, "optimizer.apply_gradients(zip(gradients, network.trainable_variables))", "",
     "not changed"),
    ("train_network_step", STEP, "tape.gradient(J, network.trainable_variables)",
     "[-g for g in tape.gradient(J, network.trainable_variables)]", "maximise"),
    ("train_network_step", STEP, "zip(gradients, network", "zip(gradients[::-1], network", "each other's"),
    ("train_network_step", STEP, "network.trainable_variables", "network.trainable_variables[:1]", "Only some"),
    ("train_network_step", STEP, "return J", "return compute_cost(network(photographs), photographs)", "once more"),
    ("train_network_step", STEP, "return J", "return 2 * J", "not J"),
    ("train_network_step", STEP, "return J", "return J.numpy()", "tf.function"),
    ("train_network_step", STEP, "optimizer.apply_gradients(zip(gradients, network.trainable_variables))",
     "for g, v in zip(gradients, network.trainable_variables):\n    v.assign_sub(0.01 * g)", "is not used"),
    ("train_network_step", STEP, "    J = compute_cost(painted, photographs)\n",
     "J = compute_cost(painted, photographs)\n", "None"),
]


@pytest.mark.parametrize(("exercise", "body"), RIGHT)
def test_a_right_answer_is_accepted_in_every_form(exercise, body):
    found = result(exercise, body)
    assert found.outcome == "correct", found


@pytest.mark.parametrize(("exercise", "body", "old", "new", "words"), WRONG)
def test_a_wrong_answer_is_called_by_its_name(exercise, body, old, new, words):
    assert old in body
    found = result(exercise, body.replace(old, new))
    assert found.outcome == "wrong" and words in found.message, found


@pytest.mark.parametrize("exercise", HEADERS)
def test_nothing_written_is_not_attempted(exercise):
    assert result(exercise, "pass").outcome == "not attempted"

"""One wrong answer for each mistake that the checks of what runs in sessions, and of a step, know by name."""

import functools

import numpy as np
import pytest
from test_checks import MODEL_NN, TRAIN_STEP, answer, changed
from test_judging import claiming

from nst_utils import checks
from nst_utils.base.tensorflow import eager_mode, tf
from nst_utils.checks.running import EXERCISES, judge
from nst_utils.engine.costs import compute_layer_style_cost
from nst_utils.network.vgg import activations

MEANS = "MEANS = np.array([123.68, 116.779, 103.939], 'float32')\n"


def says(exercise, body, phrase, before=MEANS):
    """The check refuses the answer, and has all parts of the phrase to say, in this order."""
    found = getattr(checks, exercise)(answer(exercise, body, before))
    assert found.outcome == "wrong", found
    rest = found.message
    for part in phrase.split("|"):
        assert part in rest, found.message
        rest = rest.partition(part)[2]


# --- The activations of a layer -----------------------------------------------------------------------------

# What may be returned instead of the activations a.
RETURNED = {
    "a[0]": "You drop the batch axis",
    "a[None]": "You add an axis",
    "a.mean(-1)": "You return the mean over the channels",
    "a.max(-1)": "You return the largest channel",
    "a.sum(-1)": "You return the sum over the channels",
    "a[..., 0]": "You return one channel: return all of them. ",
    "a[0, ..., 0]": "You return one channel: return all of them, as they are",
    "a.mean((1, 2))": "You return the mean over the positions",
    "a.mean()": "You return one number, the mean",
    "a.sum()": "You return one number, the sum",
    "a.max()": "You return one number, the largest",
    "a.transpose(0, 3, 1, 2)": "You transpose the activations",
    "a.swapaxes(1, 2)": "You exchange height and width",
    "a.reshape(-1)": "You unroll the activations: ",
    "a.reshape(-1, a.shape[-1])": "You unroll the activations, ",
    "-a": "You change the sign",
    "2 * a": "You double the activations",
    "a ** 2": "You square the activations",
    "np.round(a)": "You round the activations",
    "a / a.max()": "You scale the activations",
    "image": "You return the picture, not the activations",
    "sess.run(model['conv3_2'])": "You always read `conv3_2`: read the layer",
    "sess.run(model['avgpool5'])": "You always read `avgpool5`: read the layer",
    "a + 1": "expected an array of shape",
}
# What may be put into the network instead of the image.
SHOWN = {
    "image - MEANS": "not `image` as it is, but `image` minus the means, which are subtracted already. ",
    "image + MEANS": "but `image` plus the means. ",
    "image / 255": "but `image` divided by 255. ",
    "-image": "but `image` with its sign turned round. ",
    "0 * image": "but an empty picture, all zeros. ",
    "image[..., ::-1]": "but `image` with red and blue exchanged. ",
    "image[:, ::-1]": "but `image` upside down. ",
    "image[:, :, ::-1]": "but `image` mirrored. ",
    "np.clip(image, 0, 255)": "but `image` clipped to 0..255. ",
    "np.clip(image, 0, 1)": "but `image` clipped to 0..1. ",
    "np.round(image)": "but `image` rounded to whole numbers. ",
    "np.trunc(image)": "but `image` without the fractions. ",
    "np.clip(image + MEANS, 0, 255)": "but `image` plus the means, clipped to 0..255. ",
    "np.trunc(np.clip(image + MEANS, 0, 255))": "plus the means, clipped to 0..255 and in whole numbers. ",
    "3 * image": "but 3 times `image`. ",
    "image + 7": "but `image` plus 7. ",
    "image ** 2": "but something else. ",
}
ACTIVATIONS = {
    **{
        f"sess.run(model['input'].assign(image))\na = sess.run(model[layer_name])\nreturn {way}": phrase
        for way, phrase in RETURNED.items()
    },
    **{
        f"sess.run(model['input'].assign({way}))\nreturn sess.run(model[layer_name])": phrase
        for way, phrase in SHOWN.items()
    },
    "return sess.run(model['conv2_1'])": "The `assign` was never run|session ran, in this order: `model['conv2_1']`.",
    "for _ in range(2):\n    a = sess.run(model['input'])\nreturn a": "never run|this order: 2 times `model['input']`.",
    "sess.run(model['input'].assign_add(image))\nreturn sess.run(model[layer_name])": (
        "but something else|`assign_add` or `assign_sub`, then `model['conv4_2']`."
    ),
    "sess.run(model['input'].assign(image))\nfor _ in range(3):\n    a = sess.run(model[layer_name])\nreturn 2 * a": (
        "You double|in this order: `assign`, then 3 times `model["
    ),
    "for _ in range(2):\n    sess.run(model['input'].assign(image))\n    a = sess.run(model[layer_name])\nreturn -a": (
        "change the sign|in this order: 2 times `assign` and `model["
    ),
    "sess.run(model['input'].assign(image))\n"
    "for name in sorted(model):\n    sess.run(model[name])\nreturn -sess.run(model[layer_name])": (
        "change the sign|`assign`, then `model['avgpool1']`, then |, and 16 more."
    ),
    "sess.run([model['input'].assign(image), model['input'].assign(0 * image)])\nreturn sess.run(model[layer_name])": (
        "`assign` and `assign` are in one `sess.run`, and TensorFlow does not promise"
    ),
    "sess.run([model['input'].assign(image), tf.global_variables_initializer()])\n"
    "return sess.run(model[layer_name])": "`assign` and the initialiser are in one `sess.run`",
    "return sess.run([model['input'].assign(image), model[layer_name]])[1]": (
        "The `assign` and the layer are in one `sess.run`|[`assign`, `model['conv4_2']`] at once."
    ),
}


@pytest.mark.parametrize(("body", "phrase"), ACTIVATIONS.items(), ids=ACTIVATIONS.values())
def test_what_is_wrong_with_activations_is_said(body, phrase):
    says("layer_activations", body, phrase)


# --- The style cost -----------------------------------------------------------------------------------------

# What may be made of each layer's weight w and cost j, of which terms, and of all of them.
TERMS = {
    "j": "You ignore the weights",
    "j / w": "You divide by the weights; multiply by them",
    "w / j": "You divide the weights by the costs; multiply",
    "j // w": "You divide by the weights and round down",
    "w // j": "You divide the weights by the costs and round down",
    "w ** 2 * j": "You square the weights",
    "w * j ** 2": "You square the costs",
    "(w * j) ** 2": "You square the products of weight and cost",
    "w + j": "You add the weights to the costs",
    "w - j": "You subtract the costs from the weights",
    "j - w": "You subtract the weights from the costs",
    "j ** w": "You raise the costs to the power of the weights",
    "w * np.sqrt(j)": "You take square roots",
    "w + 0 * j": "Only the weights are summed",
    "(1 - w) * j": "The weight of a layer is 1 - its own",
    "0.7 * j": "The weight 0.7 is written into your function",
}
SUMS = {
    "sum(t[-1:])": "Only the last layer counts",
    "sum(t[:1])": "Only the first layer counts",
    "sum(t[:-1])": "The last layer is left out",
    "sum(t[1:])": "The first layer is left out",
    "sum(t[::2])": "Every second layer is left out",
    "sum(t[:2])": "Only the first two layers count",
    "sum(t[:3])": "Only the first three layers count",
    "t[1] + 0": "Only the second layer counts",
    "sum(t) + t[-1]": "The last layer counts twice",
    "sum(t) + t[0]": "The first layer counts twice",
    "np.mean(t)": "You take the mean over the layers",
    "sum(t) * len(t)": "You multiply by the number of layers",
    "sum(t) / sum(W)": "You divide by the sum of the weights",
    "sum(t) * sum(W)": "You multiply by the sum of the weights",
    "sum(t) * W[-1]": "You multiply by the last layer's weight only",
    "sum(t) * W[0]": "You multiply by the first layer's weight only",
    "np.prod(t)": "You multiply the layers' costs",
    "np.max(t)": "You take the largest",
    "np.min(t)": "You take the smallest",
    "-sum(t)": "the cost has the wrong sign",
    "2 * t[0] - sum(t)": "You subtract the later layers from the first",
    "sum(t) ** 2": "You square the sum",
    "np.sqrt(sum(t))": "You take the square root of the sum",
    "t[0] / np.prod(t[1:])": "You divide each sum by the next layer's cost",
    "np.max(J)": "You ignore the weights|You take the largest",
    "sum(J) / len(J)": "You ignore the weights|mean over the layers",
    "sum(t[1:]) / len(t)": "You divide by the number of layers|The first layer is left out",
    "3 * sum(t)": "Your result is 3 times the right one",
    "sum(t) + 5": "off by the same number, 5, for every input: does `J_style` begin with 0?",
    "sum(t) ** 1.1": "For STYLE_LAYERS = [('conv1_1', 0.5), ('conv3_1', 0.15), ('conv4_1', 1.7)], expected",
}
LAYERS = (
    "W = [weight for _, weight in STYLE_LAYERS]\n"
    "J = [compute_layer_style_cost(sess.run(model[name]), model[name]) for name, _ in STYLE_LAYERS]\n"
)
RESULTS = {
    "t = [w * j for w, j in zip(W, J)]\nreturn tf.stack(t)": "The cost is one number, and yours is an array",
    "return sum(w * j for w, j in zip(W[::-1], J))": "The weights go to the layers in the opposite order",
    "return 0": "You return the number 0: no layer's cost was added to it",
    "return sum(W)": "Only the weights are summed",
    "return 3.5": "You return a number, not a tensor that follows",
    "return sess.run(sum(J))": "You return a number, the cost for the picture that is in the network now",
    "return sum(w * tf.stop_gradient(j) for w, j in zip(W, J))": (
        "The value is right, but no gradient flows from it to the layers of the `model`"
    ),
    "return sum(w * (j + tf.stop_gradient(j)) / 2 for w, j in zip(W, J))": (
        "The value is right, but its gradient with respect to the layers of the `model` is not"
    ),
}


@pytest.mark.parametrize(("body", "phrase"), RESULTS.items(), ids=RESULTS.values())
def test_what_is_wrong_with_a_style_cost_is_said(body, phrase):
    says("compute_style_cost", LAYERS + body, phrase)


def summing_up(make):
    """The reply of a student whose compute_style_cost makes this of the weights and the layers' costs."""

    def reply(asked):
        given = asked["arguments"]
        layers = [name for name, _ in given["layers"]]
        weights = {name: tuple(pair) for name, pair in given["weights"].items()}
        with eager_mode():
            style, now = (activations(tf.constant(given[picture]), weights) for picture in ("style", "now"))
            J = np.float64([compute_layer_style_cost(style[name], now[name]) for name in layers])
        made = np.float64(make(np.float64([weight for _, weight in given["layers"]]), J))
        run = {"fetched": ["`model['conv1_1']`"], "before": None, "after": None, "raced": False, "clashed": False}
        return {"result": {"array": made}, "tensor": True, "runs": [run], "gradient": {"array": np.ones(1)}}

    return reply


FORMULAS = {
    **{f"sum({way} for w, j in zip(W, J))": phrase for way, phrase in TERMS.items()},
    **{f"(lambda t: {way})(W * J)": phrase for way, phrase in SUMS.items()},
    "functools.reduce(lambda total, each: (total + each[1]) * each[0], zip(W, J), 0)": "Each sum so far is multiplied",
}


@pytest.mark.parametrize(("formula", "phrase"), FORMULAS.items(), ids=FORMULAS.values())
def test_what_is_wrong_with_a_sum_over_layers_is_said(formula, phrase):
    make = eval(f"lambda W, J: {formula}", {"np": np, "functools": functools})
    found = judge(EXERCISES["compute_style_cost"], claiming(summing_up(make)), True)
    assert found.outcome == "wrong" and all(part in found.message for part in phrase.split("|")), found.message


@pytest.mark.parametrize("left_out", range(4))
def test_no_layer_of_a_network_is_too_weak_to_be_missed(left_out):
    for _ in range(3):
        make = lambda W, J: np.sum(W * J * [len(J) < 4 or i != left_out for i in range(len(J))])  # noqa: E731
        assert judge(EXERCISES["compute_style_cost"], claiming(summing_up(make)), True).outcome == "wrong"


# --- The train step of the graph ----------------------------------------------------------------------------

OPTIMIZERS = {
    "tf.train.AdamOptimizer(3.0).minimize(J)": (
        "Adam has the learning rate 3; the exercise asks for 2.0. Expected a first step of 2.0 for every pixel; yours "
        "is 3 on average"
    ),
    "tf.train.AdamOptimizer(2.0, beta2=0.9).minimize(J)": "Adam's beta2 is 0.9; leave it as it comes, 0.999",
    "tf.train.AdamOptimizer(2.0, epsilon=3.0).minimize(J)": "Adam's epsilon is 3; leave it as it comes, 1e-08",
    "tf.train.AdamOptimizer(3.0, beta1=0.5).minimize(-J)": "rate 3;|beta1 is 0.5;|You maximise the cost",
    "tf.train.MomentumOptimizer(0.5, 0.9).minimize(J)": "gradient descent with momentum, with the learning rate 0.5;",
    "tf.train.RMSPropOptimizer(0.7).minimize(J)": "This is RMSProp, with the learning rate 0.7; use Adam",
    "tf.train.AdadeltaOptimizer(0.6).minimize(J)": "This is Adadelta, with the learning rate 0.6; use Adam",
    "tf.train.AdagradOptimizer(0.8).minimize(J)": "This is Adagrad, with the learning rate 0.8; use Adam",
    "tf.train.FtrlOptimizer(0.9).minimize(J)": "This is Ftrl, with the learning rate 0.9; use Adam",
    "tf.train.AdamOptimizer(2.0).minimize(tf.square(J) + J)": "The optimiser is right, but it does not minimise J",
    "tf.train.AdamOptimizer(2.0).minimize(tf.reduce_sum(model['input']))": "is not moved along the gradient of J",
    "model['input'].assign_sub(2.0 * tf.sign(tf.gradients(J, model['input'])[0]))": "This is not Adam as it comes",
    "'train'": "You return an object of type `str`, which a session cannot run",
    "3": "You return an object of type `int`, which a session cannot run",
}


@pytest.mark.parametrize(("body", "phrase"), OPTIMIZERS.items(), ids=OPTIMIZERS)
def test_what_is_wrong_with_an_optimiser_is_said(body, phrase):
    says("build_train_step", body, phrase)


def test_two_steps_at_once_are_one_too_many():
    body = """
    first = tf.train.AdamOptimizer(2.0).minimize(J)
    with tf.control_dependencies([first]):
        return tf.group(first, tf.train.AdamOptimizer(2.0).minimize(J))
    """
    says("build_train_step", body, "Your operation takes 2 steps of an optimiser at once")


# --- The loop -----------------------------------------------------------------------------------------------

STEP = "    sess.run(train_step)\n"
ASSIGN = "sess.run(model['input'].assign(input_image))\n"
READ = "    generated_image = sess.run(model['input'])\n"
RETURN = "return generated_image"
SAVED = "save_image('output/generated_image.jpg', generated_image)\n"
LOOPS = {
    # The steps.
    ((STEP, STEP + STEP),): "The train_step runs twice in each iteration",
    ((STEP, ""), ("        Jt,", "        sess.run(train_step)\n        Jt,")): (
        "runs only where the costs are reported"
    ),
    ((STEP, "    if i % 20:\n        sess.run(train_step)\n"),): "runs only where the costs are not reported",
    (("        Jt,", "        sess.run(train_step)\n        Jt,"),): "runs once more where the costs are reported",
    ((STEP, ""), (ASSIGN, ASSIGN + "sess.run(train_step)\n")): "the train_step ran once: does it stand outside",
    ((STEP, STEP + "    if i == 1:\n        break\n"),): "Whatever num_iterations, the train_step ran 2 times",
    (("range(num_iterations)", "range(7)"),): "`num_iterations` is ignored: whatever its value|ran 7 times",
    (("range(num_iterations)", "range(min(num_iterations, 100))"),): (
        "For num_iterations = 200 (the default), the train_step ran 100 times"
    ),
    (("range(num_iterations)", "range(num_iterations // 2 + 1)"),): "it ran 2 for 3, 5 for 8, 101 for 200",
    (("range(num_iterations)", "range(1, num_iterations)"),): "with num_iterations = 3, 2 steps were taken",
    (("range(num_iterations)", "range(-1, num_iterations)"),): "too many: with num_iterations = 3, 4 steps were taken",
    ((STEP, "    train_step\n"),): "The train_step was never run",
    # The picture that it starts from.
    ((ASSIGN, f"sess.run(train_step)\n{ASSIGN}"),): "A train_step was run before the `assign`",
    ((ASSIGN, ""), (STEP, f"{STEP}    {ASSIGN}")): "The `assign` was run 3 times, after a train_step",
    ((STEP, f"    {ASSIGN}{STEP}"),): (
        "4 times, also after a train_step: it is inside the loop|2 times `assign` and `train_step` and `model"
    ),
    ((SAVED + RETURN, f"{ASSIGN}return sess.run(model['input'])"),): "was run again after the last train_step",
    (("(input_image))", "(input_image - MEANS))"),): "not `input_image` as it is, but `input_image` minus the means",
    (("(input_image))", "(0 * input_image))"),): "but an empty picture, all zeros",
    (("(input_image))", "(input_image ** 2))"),): "but something else",
    (("(input_image))", "(model['input'] + 1.0))"),): "not `input_image` as it is, but something else",
    ((ASSIGN, ""),): "so the optimisation does not start from `input_image`: run",
    ((ASSIGN, ASSIGN + "sess.run(tf.global_variables_initializer())\n"),): "emptied the picture: initialise first",
    ((ASSIGN, ASSIGN + 2 * "sess.run(tf.global_variables_initializer())\n"),): (
        "The variables were initialised after the `assign`, "
    ),
    # What is returned.
    ((RETURN, "return generated_image[0]"),): "without the batch axis: keep the shape",
    ((RETURN, "return generated_image[None]"),): "the picture after the last step with one more axis",
    ((RETURN, "return generated_image + MEANS"),): "the picture after the last step plus the means",
    ((RETURN, "return 2 * generated_image"),): "2 times the picture after the last step",
    ((RETURN, "return generated_image.swapaxes(1, 2)"),): "with height and width exchanged",
    ((RETURN, "return generated_image.mean(-1)"),): "the channels' mean of the picture after the last step",
    ((RETURN, "return 0 * generated_image"),): "You return zeros: return it as it is",
    ((RETURN, "return generated_image ** 3"),): "Expected what `model['input']` holds after the last step, an array",
    ((RETURN, "return sess.run(model['conv4_2'])"),): "You return activations (`conv4_2`), not the picture",
    ((RETURN, "return sess.run(J_content)"),): "You return one number, `J_content`: return the picture",
    ((RETURN, "return sess.run(J_style)"),): "You return one number, `J_style`: return the picture",
    ((RETURN, "return 5.5"),): "You return one number: return the picture",
    ((RETURN, "return np.array(sess.run([J, J_content, J_style]))"),): "You return the costs: return the picture",
    ((RETURN, "return sess.run([J, J_content, J_style])"),): "You return the costs: return the picture",
    ((RETURN, "return 'done', 'well'"),): "You return 2 things: return the picture",
    ((RETURN, "return Jt, generated_image"),): "You return a tuple of 2, the picture at place 1",
    ((RETURN, "return [generated_image]"),): "You return a list of 1, the picture at place 0",
    ((RETURN, "return [model['input'], J]"),): "You return tensors, not the picture",
    ((READ, "    generated_image = input_image\n"),): "You return `input_image` as it came",
    ((READ, ""), (STEP, READ + STEP)): "You return the picture from before the last step",
    ((READ, "    if i == 0:\n    " + READ),): "You return the picture after step 1 of 3, such as the last",
    # What is reported.
    (("i, Jt, Jc, Js)", "i, Jt, J_content)"),): "You report a tensor|: `J_content`. Run the costs",
    (("i, Jt, Jc, Js)", "str(J))"),): "You report a tensor|: a tensor. Run the costs",
    (("i, Jt, Jc, Js)", "[J, {'style': J_style}])"),): "You report a tensor|: `J`, `J_style`. Run the costs",
    (("i, Jt, Jc, Js)", "i, model['conv4_2'])"),): "You report a tensor|: a tensor. Run the costs",
    (("i, Jt, Jc, Js)", "'Iteration')"),): "the costs are read, but never reported",
    (("Jt, Jc, Js = sess.run([J, J_content, J_style])", "Jt = Jc = Js = 0"),): "but the costs are never read",
}


@pytest.mark.parametrize(("changes", "phrase"), LOOPS.items(), ids=LOOPS.values())
def test_what_is_wrong_with_a_loop_is_said(changes, phrase):
    says("model_nn", changed(MODEL_NN, *changes), phrase, MEANS + "def save_image(path, image): pass\n")


REPORTS = {
    "one of the costs": "print(Js)",
    "a rounded number": "print(f'{Jt:.4g}')",
    "few digits": "print('J = %.2e' % Jt)",
    "a list": "told.append([i, [Jt]])",
    "before another list": "told.append([Jt, [i]])",
    "before a dictionary": "told.append([Jt, {'i': i}])",
    "a dictionary": "seen['J'] = Jc",
    "the notebook's view": "view.update(i, None, J=Jt)",
    "an array": "print(np.array([Jt]))",
    "the standard error": "import sys; sys.stderr.write(f'{Jt:.6g}\\n')",
    "beside what is no number": "print(np.array([None]), np.array(['x']), {'a': [None]}, Jt)",
}


@pytest.mark.parametrize("way", REPORTS.values(), ids=REPORTS)
def test_costs_may_be_reported_in_any_way(way):
    body = changed(MODEL_NN, ('print("Iteration", i, Jt, Jc, Js)', way))
    found = checks.model_nn(answer("model_nn", body, "told, seen = [], {}\ndef save_image(path, image): pass\n"))
    assert found.outcome == "correct", found


# --- A step of the TensorFlow 2 edition ---------------------------------------------------------------------

APPLY = "optimizer.apply_gradients([(gradient, image)])"
CLIP = "image.assign(tf.clip_by_value(image, 0.0, 255.0))"
STEPS = {
    # What is returned in the place of J.
    (("return J", "return compute_cost(image)"),): "You return the cost of the picture after the step: return",
    ((CLIP, f"J = compute_cost(image)\n{CLIP}"),): "the cost of the picture after the step, before it is clipped",
    (("return J", "return gradient"),): "You return the gradient: return J",
    (("return J", "return image"),): "You return the picture: return J",
    (("return J", "return old"), (APPLY, f"old = tf.identity(image)\n{APPLY}")): "You return the old picture",
    (("return J", "return -J"),): "You return the cost with the wrong sign",
    (("return J", "return tf.reduce_mean(gradient)"),): "You return the mean of the gradient",
    (("return J", "return 3 * J"),): "What you return is 3 times J",
    (("return J", "return J + 1e6"),): "What you return is J plus 1e+06",
    (("return J", "return tf.sqrt(J)"),): "What you return is not the J of the tape",
    (("return J", "return gradient ** 2"),): "You return an array: return J, one number",
    # What is assigned in the end.
    ((CLIP, "image.assign(tf.clip_by_value(gradient, 0.0, 255.0))"),): "The gradient is assigned to `image`",
    ((CLIP, "image.assign(tf.clip_by_value(image, 20.0, 230.0))"),): "You clip to 20..230; this picture has values",
    ((CLIP, "image.assign(tf.clip_by_value(image, 0.0, 255.0)[:, ::-1])"),): "is the moved picture upside down",
    ((CLIP, "image.assign(image[:, ::-1])"),): "the moved picture upside down, without clipping to 0..255",
    ((APPLY, f"old = tf.identity(image)\n{APPLY}"), (CLIP, "image.assign(tf.clip_by_value(old, 20.0, 230.0))")): (
        "The old picture, clipped, is assigned over the one that the optimiser has moved"
    ),
    ((CLIP, "image.assign(image / 2 + 200.0)"),): "What is assigned in the end is not the moved picture",
    ((APPLY, f"old = tf.identity(image)\n{APPLY}"), (CLIP, "image.assign(old[:, ::-1])")): (
        "is the old picture upside down, not the moved one"
    ),
    ((CLIP, "tf.clip_by_value(image, 0.0, 255.0)"),): "There is no clipping after the step, though your function clips",
    ((CLIP, ""),): "There is no clipping: after the step, bring",
    # What is applied.
    ((APPLY, "optimizer.apply_gradients([(-gradient, image)])"),): "was given the gradient with the wrong sign",
    ((APPLY, "optimizer.apply_gradients([(0.5 * gradient, image)])"),): "was given is 0.5 times that of J",
    ((APPLY, "optimizer.apply_gradients([(0 * gradient, image)])"),): "the optimiser is given is 0 everywhere",
    ((APPLY, "optimizer.apply_gradients([(gradient ** 3, image)])"),): "was given something else than the gradient",
    ((APPLY, "optimizer.apply_gradients((gradient, image))"),): "and yours is not a list of pairs",
    ((APPLY, "optimizer.apply_gradients(gradient)"),): "and yours is not a list of pairs",
    ((APPLY, "optimizer.apply_gradients([None])"),): "and yours is not a list of pairs",
    ((APPLY, "optimizer.apply_gradients([(gradient, image, J)])"),): "and yours is not a list of pairs",
    ((APPLY, f"old = tf.identity(image)\n{APPLY}"), (CLIP, "image.assign(old)")): "the old picture was assigned over",
    ((APPLY, f"image.assign(image / 255.0)\n{APPLY}"),): "changed before the step, to `image` divided by 255",
    (("compute_cost(image)", "compute_cost(image[:, ::-1])"),): "was called with `image` upside down, not with",
    (("compute_cost(image)", "compute_cost(image ** 2)"),): "was called with another picture, not with `image`",
    ((APPLY, "pass"), (CLIP, "pass")): "is not changed: `optimizer.apply_gradients([(gradient, image)])` moves it",
    ((APPLY, "image.assign_sub(0.1 * gradient)"),): "The optimizer that you are given is not used",
    # What only tf.function shows.
    (("return J", "return J if isinstance(J.numpy(), np.floating) else J"),): "`.numpy()`, `float()` and NumPy's",
    ((CLIP, f"if tf.executing_eagerly():\n    {CLIP}"),): "Right where it is called alone, but not in `tf.function`",
    ((APPLY, f"if tf.executing_eagerly():\n    {APPLY}\nelse:\n    optimizer.apply_gradients([(image, gradient)])"),): (
        "In `tf.function`, in which the notebook runs it, your function goes wrong: The pair is the wrong way round"
    ),
}


@pytest.mark.parametrize(("changes", "phrase"), STEPS.items(), ids=STEPS.values())
def test_what_is_wrong_with_a_step_is_said(changes, phrase):
    says("train_step", changed(TRAIN_STEP, *changes), phrase)


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        (((APPLY, "optimizer.apply_gradients([(-gradient, image)])"),), "the picture moves up the gradient, not down"),
        (((APPLY, "optimizer.apply_gradients([(-gradient, image)])"), (CLIP, "")), "and the picture leaves the range"),
        (((CLIP, ""),), "There is no clipping: after the step, bring"),
        (((CLIP, "image.assign(tf.clip_by_value(image, 0.0, 200.0))"),), "You clip to 0..200"),
        (((APPLY, "optimizer.apply_gradients([(image, gradient)])"),), "The pair is the wrong way round"),
    ],
)
def test_what_is_wrong_with_a_step_that_is_a_tf_function_already_is_said(changes, phrase):
    found = checks.train_step(tf.function(answer("train_step", changed(TRAIN_STEP, *changes))))
    assert found.outcome == "wrong" and phrase in found.message, found

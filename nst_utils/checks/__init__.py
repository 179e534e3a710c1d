"""Checks of the course's exercises: a right answer passes in any form, and a wrong one is called by its name.

There is one function per exercise, under the exercise's name: `checks.gram_matrix(gram_matrix)`. It returns a
Result, which a notebook shows as HTML and anything else as text, and it never raises because of the student's code.

The formulas are judged in the mode of the program: with graph tensors after `from nst_utils import *`, else
eagerly. What needs a session is always judged in a graph of its own, and what is written for TensorFlow 2 always
eagerly.
"""

from nst_utils.checks import eager, fast, formulas, neighbours, optimising, sessions, totals
from nst_utils.checks.result import Result
from nst_utils.checks.running import Exercise, check

__all__ = [
    "Result",
    "TIME_LIMIT",
    "build_train_step",
    "compute_content_cost",
    "compute_layer_style_cost",
    "compute_match_cost",
    "compute_style_cost",
    "compute_targets",
    "cosine_similarity",
    "gram_matrix",
    "instance_norm",
    "layer_activations",
    "model_nn",
    "nearest_spots",
    "perceptual_cost",
    "total_cost",
    "train_network_step",
    "train_step",
]

# Seconds of computing that one check may take; a function that still runs then is taken for an endless loop.
TIME_LIMIT = 10.0

# What goes wrong where activations are unrolled.
_UNROLLING = {
    r"Input to reshape|[Cc]annot reshape|requested shape": (
        "The activations have another number of entries than this shape: are n_H, n_W and n_C in it, each once, and "
        "read in the order of the shape, (m, n_H, n_W, n_C)?"
    ),
    r"\[\d+,\d+,\d+,\d+\] vs|vs\. \[\d+,\d+,\d+,\d+\]": (
        "One of the two is not unrolled, it still has four axes: unroll both to two."
    ),
    r"Incompatible shapes|must be broadcastable|Dimensions must be equal|required broadcastable": (
        "Two arrays of different shapes meet here: are both pictures unrolled (`reshape`, `transpose`), and in the "
        "same way?"
    ),
}
_LAYER_ACTIVATIONS = Exercise(
    call="layer_activations(sess, model, image, layer_name)",
    probe=sessions.layer_activations,
    praise="Everything that follows is built on these activations: they are how the network sees a picture.",
    hints=(
        "Two things happen in the session: the picture goes into the network, and a layer is read.",
        "`assign` only builds an operation; nothing is in the variable until the session has run it.",
        "Run `model['input'].assign(...)` with the picture first; then run the entry of `model` that "
        "`layer_name` names.",
    ),
    crashes={
        r"KeyError: .*(The name|refers to)": "The name of a layer is a key of `model`: run `model[layer_name]`.",
    },
)
_CONTENT_COST = Exercise(
    call="compute_content_cost(a_C, a_G)",
    probe=formulas.content_cost,
    praise="It is 0 only where both pictures excite the layer alike, and its gradient says how to get there.",
    hints=(
        "Subtract, square, sum, and divide by the normaliser, in this order.",
        "The shape of `a_G` is (1, n_H, n_W, n_C); its three dimensions belong in the normaliser, with a 4.",
        "`tf.reduce_sum` of `tf.square` gives the sum; divide it by 4 times the number of activations. "
        "There is no need to unroll: a sum does not care for the order.",
    ),
    crashes=_UNROLLING,
)
_GRAM_MATRIX = Exercise(
    call="gram_matrix(A)",
    probe=formulas.gram_matrix,
    praise="It tells which channels are active together and forgets where: this is what makes it a matrix "
    "of style.",
    hints=(
        "A has one row for each channel. Each entry of the result is the dot product of two rows.",
        "All dot products of rows with rows are one matrix product, of shape (n_C, n_C).",
        "`tf.matmul` multiplies A by another matrix; think of which matrix has the rows of A as its columns.",
    ),
    crashes={
        r"size-incompatible|Dimensions must be equal|must match|not compatible|not aligned|mismatch": (
            "The shapes do not fit: a (n_C, n_H n_W) matrix can be multiplied by its transpose, not by "
            "itself."
        )
    },
)
_LAYER_STYLE_COST = Exercise(
    call="compute_layer_style_cost(a_S, a_G)",
    probe=formulas.layer_style_cost,
    praise="Two pictures may show different things in different places, and still have nearly the same Gram "
    "matrices.",
    crashes=_UNROLLING,
    hints=(
        "Unroll both activations to (n_C, n_H*n_W), take both Gram matrices, and sum their squared "
        "difference.",
        "A `reshape` keeps the order of the numbers, and the channels come last: unroll to (n_H*n_W, n_C) "
        "and transpose.",
        "The normaliser is the square of 2 n_H n_W n_C, computed in Python numbers from the shape of `a_G`.",
    ),
    helpers=(_GRAM_MATRIX,),
)
_STYLE_COST = Exercise(
    call="compute_style_cost(model, STYLE_LAYERS)",
    probe=sessions.compute_style_cost,
    praise="Shallow layers hold colours and strokes, deep ones larger patterns: the weights choose among "
    "them.",
    hints=(
        "Go through STYLE_LAYERS and add up each layer's cost times its weight.",
        "While this runs, the style picture is in the network: `a_S` is a value, computed now.",
        "`a_G` stays the tensor of the same layer, not run, so that it follows the generated picture later.",
    ),
    helpers=(_LAYER_STYLE_COST,),
    crashes={
        r"KeyError: [\d.]+": (
            "The name of a layer and its weight are exchanged: STYLE_LAYERS has pairs (name, weight), in this order."
        ),
        r"KeyError: \(": "STYLE_LAYERS has pairs (name, weight): take them apart in the loop.",
        r"[Ii]nputs must be": "There is nothing to add: are the costs collected in the loop?",
    },
)
_TOTAL_COST = Exercise(
    call="total_cost(J_content, J_style, alpha=10, beta=40)",
    probe=totals.total_cost,
    praise="Only the ratio of alpha to beta decides what the picture looks like: more content, or more "
    "style.",
    hints=(
        "It is a weighted sum of two numbers.",
        "The weight of the content is alpha, and the weight of the style is beta.",
        "Multiply each cost by its own weight, add the two, and leave the default values as they are.",
    ),
)
_BUILD_TRAIN_STEP = Exercise(
    call="build_train_step(J)",
    probe=optimising.build_train_step,
    praise="Each run of this operation moves every pixel by up to about 2, the way that lowers J.",
    crashes={
        r"object has no attribute '(minimize|compute_gradients|get_updates)'|legacy|keras": (
            "This optimiser is one of Keras, made for TensorFlow 2, where it has no `minimize(J)`: use "
            "`tf.train.AdamOptimizer`."
        ),
        "Trying to update a Tensor": (
            "The pairs are the wrong way round: `apply_gradients` takes pairs (gradient, variable)."
        ),
        r"No gradients|No variables to optimize|None": "No gradient of J is there: minimise J itself.",
    },
    hints=(
        "TensorFlow 1 keeps its optimisers in `tf.train` (`tf.compat.v1.train`).",
        "Make an Adam optimiser with a learning rate of 2.0: the picture's values go into the hundreds.",
        "An optimiser has a method that takes J and returns the operation; return what it gives.",
    ),
)
_MODEL_NN = Exercise(
    call="model_nn(sess, input_image, num_iterations=200)",
    probe=optimising.model_nn,
    praise="The network never changed: what was trained is the picture itself.",
    hints=(
        "The order matters: initialise the variables, put the picture in, run the steps, read the picture.",
        "Both the `assign` and the `train_step` only do something when the session runs them.",
        "In the loop, run `train_step` and then read `model['input']` with the session; return what you "
        "read last.",
    ),
)
_TRAIN_STEP = Exercise(
    call="train_step(image, compute_cost, optimizer)",
    probe=eager.train_step,
    praise="Without the clipping the optimiser leaves the range of a picture, and pays for it when the file "
    "is written.",
    hints=(
        "Four things happen: the cost on a tape, its gradient, the optimiser's step, and the clipping.",
        "Call `compute_cost(image)` inside the `with tf.GradientTape() as tape:` block, on the variable "
        "itself.",
        "`apply_gradients` takes a list of pairs (gradient, variable). `tf.clip_by_value` returns a new "
        "tensor, which still has to go into the variable.",
    ),
    crashes={
        r"no attribute '_id'": (
            "A tape differentiates tensors, and this is a number: leave J as `compute_cost` gives it, without "
            "`.numpy()`."
        ),
        r"Cannot update variable with shape|shapes must be equal": (
            "What stands for the gradient has another shape than `image`: it is `tape.gradient(J, image)`."
        ),
        "no attribute 'minimize'": "Keras' optimisers have no `minimize` any more: use the tape and `apply_gradients`.",
        "Unknown variable": "`image` is not changed: the step goes to a copy of it.",
        r"No gradients provided|None for gradient|NoneType|\bNone\b": (
            "The gradient is None: the tape is asked for it by `tape.gradient(J, image)`, and J is computed inside the "
            "`with` block, from the variable `image` itself."
        ),
        r"EagerTensor|SymbolicTensor|'(Eager)?Tensor' object": (
            "The optimiser and `assign` change variables only: use `image` itself, not a tensor made from it."
        ),
    },
)
_COSINE_SIMILARITY = Exercise(
    call="cosine_similarity(x, y)",
    probe=neighbours.cosine_similarity,
    praise="It compares what two vectors are made of, and not how strong they are: a dim lamp is like a bright one.",
    hints=(
        "The cosine of two vectors of length 1 is their dot product.",
        "So first scale every row to length 1; then all dot products of rows with rows are one matrix product.",
        "`tf.math.l2_normalize(x, axis=1)` scales the rows of x. In the product, the rows of y have to be the columns.",
    ),
    crashes={
        r"size-incompatible|Dimensions must be equal|must match|not aligned|mismatch|In\[0\]": (
            "The shapes do not fit: (n, d) can be multiplied by (d, m), which is y transposed."
        ),
        r"Incompatible shapes|broadcast": (
            "Tables of different numbers of rows meet here: with `keepdims=True` a length stays a column beside its "
            "row."
        ),
    },
)
_NEAREST_SPOTS = Exercise(
    call="nearest_spots(v_C, v_S)",
    probe=neighbours.nearest_spots,
    praise="Each place has asked for what stands out in the painting as it stands out in the photograph.",
    hints=(
        "Three things happen: each table is measured from its own mean, all are compared, and one spot is chosen.",
        "The mean is over the positions, the rows: it is one vector, with a number for each channel.",
        "`tf.argmax` says where the greatest entry is; in the table of similarities, the spots are along axis 1.",
    ),
    helpers=(_COSINE_SIMILARITY,),
    crashes={
        r"size-incompatible|not aligned|mismatch|Dimensions must be equal": (
            "The two tables have different numbers of channels, d: is one of them a name of your notebook, and not "
            "the argument of this name?"
        ),
        r"Incompatible shapes|broadcast": (
            "The mean that is subtracted is one vector of d numbers, over the positions: axis 0 of the table."
        ),
    },
)
_COMPUTE_TARGETS = Exercise(
    call="compute_targets(a_C, a_S, chosen)",
    probe=neighbours.compute_targets,
    praise="It is the painting, cut up and laid out again in the order of the photograph.",
    hints=(
        "The numbers in `chosen` count the positions of the painting row by row: bring its vectors into one long list.",
        "`tf.reshape(a_S, [-1, n_C])` is that list. Take from it what was chosen, and give it the photograph's shape.",
        "`tf.gather(list, chosen)` takes the rows with these numbers; the shape to end on is `a_C.shape`.",
    ),
    crashes={
        r"does not index into": (
            "There is no spot in this row and column of the painting: it has rows of its own n_W, so that "
            "`chosen // n_W` is the row and `chosen % n_W` the column."
        ),
        r"not in \[0, \d+\)|out of bounds|out of range": (
            "There is no spot of this number where you look for it: `chosen` numbers all positions of the painting, "
            "so unroll `a_S` (not `a_C`) to (n_H*n_W, n_C), and take rows (axis 0)."
        ),
        r"Input to reshape|[Cc]annot reshape|requested shape": (
            "The number of entries does not fit this shape: there are as many targets as the photograph has "
            "positions, so it is the shape of `a_C`."
        ),
    },
)
_MATCH_COST = Exercise(
    call="compute_match_cost(a_S, a_T, a_G)",
    probe=neighbours.compute_match_cost,
    praise="It is 0 only where every vector of the picture points where its target points.",
    hints=(
        "Measure both from the painting's mean, scale each vector to length 1, and compare each with its target.",
        "The mean of `a_S` is over the axes 0, 1 and 2; a vector is what is along the last axis, the channels.",
        "With vectors of length 1, the cosine at a place is the sum over the channels of the products. The cost is the "
        "mean over all places of 1 minus that.",
    ),
    crashes={
        r"Incompatible shapes|broadcast|required broadcastable": (
            "The painting may have another size than the picture: of `a_S` only the mean is used, one vector of n_C "
            "numbers, over the axes 0, 1 and 2."
        ),
    },
)
_INSTANCE_NORM = Exercise(
    call="instance_norm(a, scale, shift)",
    probe=fast.instance_norm,
    praise="Whatever contrast the photograph had is gone, and the style says what takes its place.",
    hints=(
        "Three things happen: subtract the mean, divide by the standard deviation, and give the style's scale and "
        "shift.",
        "Mean and variance are over the positions, axes 1 and 2, with `keepdims=True`: `tf.nn.moments` gives both.",
        "Add EPSILON to the variance, then `tf.sqrt`. `scale[:, None, None, :]` brings (N, C) beside (N, H, W, C).",
    ),
    crashes={
        r"Incompatible shapes|broadcast": (
            "`scale` and `shift` are (N, C) and `a` is (N, H, W, C): give them two axes, `scale[:, None, None, :]`, "
            "and keep the axes of mean and variance (`keepdims=True`)."
        ),
    },
)
_PERCEPTUAL_COST = Exercise(
    call="perceptual_cost(a_C, a_S, a_G, content_layer, style_layers, alpha=10, beta=40)",
    probe=fast.perceptual_cost,
    praise="It is the cost of notebook 5, word for word: what is new is only whose weights it trains.",
    hints=(
        "It is alpha times the content cost plus beta times the style cost, as in notebook 5.",
        "The content cost compares `a_C` and `a_G` at the content layer, the style cost `a_S` and `a_G` at each style "
        "layer.",
        "`sum(weight * compute_layer_style_cost(a_S[name], a_G[name]) for name, weight in style_layers)`, and "
        "`total_cost` puts both together.",
    ),
    helpers=(_CONTENT_COST, _LAYER_STYLE_COST, _TOTAL_COST),
    crashes={
        r"same size|channels": "Two different layers meet here: take both activations from the same layer.",
        r"KeyError": "`a_C`, `a_S` and `a_G` are dictionaries: `a_G[content_layer]`, `a_G[name]`.",
    },
)
_TRAIN_NETWORK_STEP = Exercise(
    call="train_network_step(network, photographs, compute_cost, optimizer)",
    probe=fast.train_network_step,
    praise="No picture was optimised: the network was, and it keeps what it has learned for every other photograph.",
    hints=(
        "It is the train step of notebook 7; only the variables are others.",
        "On the tape: `painted = network(photographs)`, then J of it. The gradients are with respect to "
        "`network.trainable_variables`.",
        "`zip(gradients, network.trainable_variables)` makes the pairs that `apply_gradients` takes.",
    ),
    crashes={
        r"no attribute '_id'|numpy": (
            "Leave J as `compute_cost` gives it, a tensor: a tape cannot differentiate a number."
        ),
        r"No gradients provided|None for gradient|NoneType|\bNone\b": (
            "A gradient is None: call the network and `compute_cost` inside the `with` block, and ask for the "
            "gradients of `network.trainable_variables`."
        ),
        r"not enough values|too many values|unpack|must be a list": (
            "`apply_gradients` takes pairs (gradient, variable): `zip(gradients, network.trainable_variables)`."
        ),
        r"Unknown variable|has no attribute 'assign|_unique_id|EagerTensor": (
            "The gradients are for the wrong variables: it is the network that is trained, "
            "`network.trainable_variables`, not the photographs or what is painted."
        ),
    },
)


def layer_activations(function):
    """Check `layer_activations(sess, model, image, layer_name)`: the activations of a layer for a picture."""
    return check(_LAYER_ACTIVATIONS, function, TIME_LIMIT)


def compute_content_cost(function):
    """Check `compute_content_cost(a_C, a_G)`."""
    return check(_CONTENT_COST, function, TIME_LIMIT)


def gram_matrix(function):
    """Check `gram_matrix(A)`."""
    return check(_GRAM_MATRIX, function, TIME_LIMIT)


def compute_layer_style_cost(function):
    """Check `compute_layer_style_cost(a_S, a_G)`; a mistake that is in its gram_matrix is said to be there."""
    return check(_LAYER_STYLE_COST, function, TIME_LIMIT)


def compute_style_cost(function):
    """Check `compute_style_cost(model, STYLE_LAYERS)`, whose `sess` is ours meanwhile."""
    return check(_STYLE_COST, function, TIME_LIMIT)


def total_cost(function):
    """Check `total_cost(J_content, J_style, alpha=10, beta=40)`."""
    return check(_TOTAL_COST, function, TIME_LIMIT)


def build_train_step(function):
    """Check `build_train_step(J)`, which returns the operation of Adam with learning rate 2.0."""
    return check(_BUILD_TRAIN_STEP, function, TIME_LIMIT)


def model_nn(function):
    """Check `model_nn(sess, input_image, num_iterations=200)`, whose model, J and train_step are ours meanwhile."""
    return check(_MODEL_NN, function, TIME_LIMIT)


def train_step(function):
    """Check `train_step(image, compute_cost, optimizer)` of the TensorFlow 2 edition."""
    return check(_TRAIN_STEP, function, TIME_LIMIT)


def cosine_similarity(function):
    """Check `cosine_similarity(x, y)`, the cosines of all rows of one table with all rows of another."""
    return check(_COSINE_SIMILARITY, function, TIME_LIMIT)


def nearest_spots(function):
    """Check `nearest_spots(v_C, v_S)`; a mistake that is in its cosine_similarity is said to be there."""
    return check(_NEAREST_SPOTS, function, TIME_LIMIT)


def compute_targets(function):
    """Check `compute_targets(a_C, a_S, chosen)`, the painting's vectors where they were chosen for."""
    return check(_COMPUTE_TARGETS, function, TIME_LIMIT)


def compute_match_cost(function):
    """Check `compute_match_cost(a_S, a_T, a_G)`, the mean of 1 - cosine."""
    return check(_MATCH_COST, function, TIME_LIMIT)


def instance_norm(function):
    """Check conditional instance normalisation (notebook 8)."""
    return check(_INSTANCE_NORM, function, TIME_LIMIT)


def perceptual_cost(function):
    """Check the cost that trains a fast network (notebook 8)."""
    return check(_PERCEPTUAL_COST, function, TIME_LIMIT)


def train_network_step(function):
    """Check a step that trains a network (notebook 8)."""
    return check(_TRAIN_NETWORK_STEP, function, TIME_LIMIT)

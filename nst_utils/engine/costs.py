"""The costs of Neural Style Transfer, each written once, for graph and eager mode alike.

Gatys, Ecker and Bethge, "A Neural Algorithm of Artistic Style", 2015 (https://arxiv.org/abs/1508.06576),
in the normalisation of the deeplearning.ai course. Activations are float32 tensors (1, n_H, n_W, n_C).
"""

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import tf
from nst_utils.engine.recipe import STYLE_LAYERS


def compute_content_cost(a_C, a_G):
    """J_content = sum((a_C - a_G)^2) / (4 n_H n_W n_C), a scalar >= 0 (Gatys et al. 2015, eq. 1, normalised).

    a_C, a_G: activations (1, n_H, n_W, n_C) of the content and the generated picture, at one layer.
    """
    a_C, a_G = tf.convert_to_tensor(a_C), tf.convert_to_tensor(a_G)
    _same_shape(a_C, a_G)
    entries = tf.cast(tf.reduce_prod(tf.shape(a_G)[-3:]), a_G.dtype)
    return tf.reduce_sum(tf.square(a_C - a_G)) / (4.0 * entries)


def gram_matrix(A):
    """The Gram matrix A A^T, (n_C, n_C), of A (n_C, n_H*n_W): which channels are active together (eq. 3)."""
    return tf.matmul(A, A, transpose_b=True)


def style_matrix(a, weights=None):
    """The Gram matrix of activations (1, n_H, n_W, n_C), divided by the number of positions n_H n_W.

    weights: (n_H, n_W), 0 or more, of the positions, whose weighted mean it then is (guided Gram matrix: Gatys et al.
    2017, "Controlling Perceptual Factors", eq. 5, for squared guidance channels). Products of bfloat16 activations are
    added up in float32, which is then the type of the result (n_C, n_C).
    """
    # Positions as rows: the transposed product spares a transposed copy of the activations.
    rows = tf.reshape(a, [-1, a.shape[-1]])
    return _mean_outer_product(rows) if weights is None else _weighted_outer_product(rows, tf.reshape(weights, [-1, 1]))


@tf.custom_gradient
def _mean_outer_product(rows):
    """rows^T rows / n of (n, n_C). Its gradient is one product, where that of matmul would be two."""
    wide = tf.cast(rows, tf.float32) if rows.dtype == tf.bfloat16 else rows
    n = tf.cast(tf.shape(rows)[0], wide.dtype)

    def gradient(upstream):
        symmetric = (upstream + tf.transpose(upstream)) / n
        return tf.matmul(rows, tf.cast(symmetric, rows.dtype))

    return tf.matmul(wide, wide, transpose_a=True) / n, gradient


@tf.custom_gradient
def _weighted_outer_product(rows, weights):
    """rows^T diag(weights) rows / sum(weights) of (n, n_C) and (n, 1); 0 where all weights are 0."""
    wide = tf.cast(rows, tf.float32) if rows.dtype == tf.bfloat16 else rows
    weights = tf.cast(weights, wide.dtype)
    total = tf.maximum(tf.reduce_sum(weights), 1e-12)

    def gradient(upstream):
        symmetric = (upstream + tf.transpose(upstream)) / total
        return tf.matmul(tf.cast(weights, rows.dtype) * rows, tf.cast(symmetric, rows.dtype)), None

    return tf.matmul(weights * wide, wide, transpose_a=True) / total, gradient


def style_matrix_distance(S_S, S_G):
    """sum((S_S - S_G)^2) / (4 n_C^2) of two style matrices (n_C, n_C): the layer's style cost (eq. 4)."""
    n_C = tf.cast(tf.shape(S_G)[-1], S_G.dtype)
    return tf.reduce_sum(tf.square(S_S - S_G)) / (4.0 * n_C * n_C)


def compute_layer_style_cost(a_S, a_G):
    """J_style of one layer = sum((G_S - G_G)^2) / (4 n_C^2 (n_H n_W)^2), a scalar >= 0 (eq. 4).

    a_S, a_G: activations (1, n_H, n_W, n_C) of the style and the generated picture. Each Gram matrix is
    divided by its own n_H n_W, so the pictures may differ in size; where they agree this is the formula above.
    """
    a_S, a_G = tf.convert_to_tensor(a_S), tf.convert_to_tensor(a_G)
    if a_S.shape[-1] != a_G.shape[-1]:
        raise InputError(
            f"a_S has {a_S.shape[-1]} channels and a_G has {a_G.shape[-1]}: take both from the same layer."
        )
    return style_matrix_distance(style_matrix(a_S), style_matrix(a_G))


def compute_style_cost(a_S, a_G, STYLE_LAYERS=STYLE_LAYERS):
    """J_style = sum over the layers of weight * J_style of the layer, a scalar >= 0 (eq. 5).

    a_S, a_G: dictionaries from layer name to activations; STYLE_LAYERS: pairs of layer name and weight.
    """
    return tf.add_n([weight * compute_layer_style_cost(a_S[name], a_G[name]) for name, weight in STYLE_LAYERS])


def cosine_similarity(x, y):
    """The cosines between the rows of x (n, d) and the rows of y (m, d), (n, m), each from -1 to 1.

    How Kolkin et al. 2022, "Neural Neighbor Style Transfer", compare the features at two positions. A row of zeros has
    no direction: its cosines are 0.
    """
    return tf.matmul(tf.math.l2_normalize(x, axis=1), tf.math.l2_normalize(y, axis=1), transpose_b=True)


def compute_targets(a_C, a_S, chosen):
    """The style picture's vectors, put where they were chosen for: activations in the shape of a_C.

    a_C, a_S: activations (1, n_H, n_W, n_C) of the content and the style picture, which may differ in size.
    chosen: for each position of a_C, row by row, the number of a position of a_S, counted row by row; (n_H*n_W,).
    """
    vectors = tf.reshape(a_S, [-1, a_S.shape[-1]])
    return tf.reshape(tf.gather(vectors, chosen), a_C.shape)


def compute_match_cost(a_S, a_T, a_G):
    """J_match = mean over the positions of 1 - cos(a_T - m, a_G - m), a scalar from 0 to 2 (Kolkin et al. 2022).

    a_S: activations of the style picture, whose mean over the positions is m; a_T: the targets taken from it, see
    compute_targets; a_G: activations of the generated picture, in the shape of a_T.
    """
    mean = tf.reduce_mean(a_S, axis=[0, 1, 2])
    t, g = (tf.math.l2_normalize(a - mean, axis=-1) for a in (a_T, a_G))
    return tf.reduce_mean(1 - tf.reduce_sum(t * g, axis=-1))


def total_cost(J_content, J_style, alpha=10, beta=40):
    """J = alpha J_content + beta J_style (eq. 7)."""
    return alpha * J_content + beta * J_style


def total_variation(image):
    """Sum of the squared differences of neighbouring pixels of (1, H, W, C), per pixel; a scalar >= 0.

    Mahendran and Vedaldi, "Understanding Deep Image Representations by Inverting Them", 2015, section 2,
    with exponent 2; divided by H W so that its weight means the same at every size.
    """
    down = image[:, 1:, :, :] - image[:, :-1, :, :]
    right = image[:, :, 1:, :] - image[:, :, :-1, :]
    pixels = tf.cast(tf.reduce_prod(tf.shape(image)[1:3]), image.dtype)
    return (tf.reduce_sum(tf.square(down)) + tf.reduce_sum(tf.square(right))) / pixels


def _same_shape(a_C, a_G):
    if not a_C.shape.is_compatible_with(a_G.shape):
        raise InputError(
            f"a_C is {tuple(a_C.shape)} and a_G is {tuple(a_G.shape)}: both pictures must have the same size "
            "and the activations must come from the same layer."
        )

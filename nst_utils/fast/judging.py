"""What the network is trained by: the costs of the engine, for many styles at once, and a steady picture.

Johnson et al. 2016, section 3.2, with the Gram matrices of each painting taken once. The costs of each layer are
divided by what the photograph in the painting's colours costs there, so that all styles and layers count alike; what
is steady in the photograph has to be steady in the picture (Ruder, Dosovitskiy and Brox 2016, and Gupta et al. 2017,
"Characterizing and Improving Stability in Neural Style Transfer").
"""

import numpy as np

from nst_utils.base.tensorflow import resolve_precision, tf
from nst_utils.engine.costs import compute_content_cost, style_matrix, style_matrix_distance, total_variation
from nst_utils.fast.photographs import in_colors, piece
from nst_utils.network.layout import LAYERS, MEANS
from nst_utils.network.vgg import activations, prepare
from nst_utils.network.weights import load_weights
from nst_utils.pictures.sizes import scale_to_area

# At this many pixels a painting shows its strokes as in the course's pictures of 400x300.
PAINTING_PIXELS = 400 * 300
CONTENT_LAYER = "conv3_1"
# A place of so many pixels a side may be brighter or darker than in the photograph by so many grey levels.
PLACE, FREE = 16, 48.0
# Pieces that the references of the costs are taken from.
_REFERENCE_PIECES = 12


class Perception:
    """The embedded network as a judge: the relative costs of painted pieces against the styles' matrices."""

    def __init__(self, plan, paintings, photographs, weights=None):
        self.plan = plan
        names = [name for name, _ in plan.style]
        self.layers = names
        precision = resolve_precision(plan.precision)
        deepest = max([*names, CONTENT_LAYER], key=LAYERS.index)
        self.weights = prepare(load_weights(weights), precision, deepest)
        self.type = self.weights["conv1_1"][0].dtype
        self.means = tf.constant(MEANS)
        matrices = [self._matrices_of(each.picture) for each in paintings]
        self.matrices = {name: tf.stack([each[name] for each in matrices]) for name in names}
        self.references = self._references(paintings, photographs)

    def look(self, pictures, layers):
        """{name: activations} of pictures (N, H, W, 3), 0-255."""
        return activations(tf.cast(pictures - self.means, self.type), self.weights, layers)

    def _matrices_of(self, picture):
        small = scale_to_area(picture, PAINTING_PIXELS).astype(np.float32)
        found = self.look(tf.constant(small[np.newaxis]), self.layers)
        return {name: style_matrix(found[name]) for name in self.layers}

    def _references(self, paintings, photographs):
        """(styles, layers): the mean style cost of photographs in the colours of each painting."""
        rng = np.random.default_rng(self.plan.seed)
        rows = []
        look = tf.function(self.layer_costs, autograph=False)
        pieces = [piece(photographs, self.plan.side, rng) for _ in range(_REFERENCE_PIECES)]
        for number, painting in enumerate(paintings):
            colored = np.stack([np.clip(in_colors(each, painting.colors), 0, 255) for each in pieces])
            costs = look(tf.constant(colored), tf.fill([len(pieces)], number))
            rows.append(np.mean(costs.numpy(), axis=0))
        return tf.constant(np.stack(rows), tf.float32)

    def layer_costs(self, pictures, styles):
        """(N, layers): the style cost of each picture at each layer, against the matrices of its style."""
        return self._layer_costs(self.look(pictures, self.layers), styles)

    def _layer_costs(self, found, styles):
        rows = []
        for number in range(found[self.layers[0]].shape[0]):
            own = {name: tf.gather(self.matrices[name], styles[number]) for name in self.layers}
            rows.append(
                tf.stack([style_matrix_distance(own[n], style_matrix(found[n][number])) for n in self.layers])
            )
        return tf.stack(rows)

    def style_cost(self, pictures, styles):
        """The relative style cost: 1 is about what the photographs cost in the paintings' colours."""
        plan = self.plan
        costs, references = self.layer_costs(pictures, styles), tf.gather(self.references, styles)
        weights = tf.constant([weight for _, weight in plan.style])
        each = tf.reduce_sum(weights * costs / references, axis=1) / tf.reduce_sum(weights)
        whole = tf.reduce_sum(costs, axis=1) / tf.reduce_sum(references, axis=1)
        return tf.reduce_mean(each + plan.total * whole) / (1 + plan.total)

    def content_cost(self, pictures, photographs):
        """The content cost at half the size, relative to what a picture without content would cost."""
        small = [tf.nn.avg_pool2d(each, 2, 2, "SAME") for each in (pictures, photographs)]
        a_G, a_C = (tf.cast(self.look(each, [CONTENT_LAYER])[CONTENT_LAYER], tf.float32) for each in small)
        a_C = tf.stop_gradient(a_C)
        none = compute_content_cost(a_C, tf.zeros_like(a_C) + tf.reduce_mean(a_C, axis=[1, 2], keepdims=True))
        return compute_content_cost(a_C, a_G) / none


def training_cost(network, perception, batch, plan):
    """The cost of a batch and its parts: {"cost", "style", "content", "tone", "variation", "steady"}.

    batch: "photographs" (N, side, side, 3) in their paintings' colours; "styles" (N,); "again" (M, side, side, 3), the
    first M photographs with noise and moved; "moved" (M, 2), how far, in pixels, down and to the right.
    """
    count, again = batch["photographs"].shape[0], batch["again"].shape[0]
    styles = tf.concat([batch["styles"], batch["styles"][:again]], axis=0)
    shares = tf.one_hot(styles, network.table.shape[0])
    painted = network(tf.concat([batch["photographs"], batch["again"]], axis=0), shares)
    first = painted[:count]
    photographs = tf.clip_by_value(batch["photographs"], 0, 255)
    parts = {
        "style": perception.style_cost(first, batch["styles"]),
        "content": perception.content_cost(first, photographs) if plan.content else tf.zeros(()),
        "tone": tone_cost(first, photographs) if plan.tone else tf.zeros(()),
        "variation": total_variation(first) / count,
        "steady": flicker(first[:again], painted[count:], batch["moved"]) if again else tf.zeros(()),
    }
    parts["cost"] = (
        parts["style"] + plan.content * parts["content"] + plan.tone * parts["tone"]
        + plan.variation * parts["variation"] + plan.steady * parts["steady"] / 900
    )
    return parts


def tone_cost(pictures, photographs):
    """How far the light of whole places (N, H, W, 3), 0-255, goes beyond what a painter is free to change.

    Instance normalisation tempts a network to leave one glaring spot, which makes all else small beside it (Karras et
    al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", section 2): no cost of the style sees it.
    """
    difference = tf.nn.avg_pool2d(pictures - photographs, PLACE, PLACE, "VALID")
    return tf.reduce_mean(tf.square(tf.nn.relu(tf.abs(difference) / FREE - 1)))


def flicker(first, second, moved):
    """Mean squared difference, in grey levels, of pictures (M, H, W, 3) and the same painted after being moved.

    moved: (M, 2), from 0 to below 4 pixels down and to the right: what is at p + moved in `first` is at p in `second`.
    """
    side = first.shape[1] - 4
    whole = tf.cast(tf.floor(moved), tf.int32)
    rest = moved - tf.floor(moved)
    costs = []
    for number in range(first.shape[0]):
        down, right = whole[number, 0], whole[number, 1]
        y, x = rest[number, 0], rest[number, 1]
        at = [
            [first[number, down + i : down + i + side, right + j : right + j + side] for j in (0, 1)] for i in (0, 1)
        ]
        expected = (1 - y) * ((1 - x) * at[0][0] + x * at[0][1]) + y * ((1 - x) * at[1][0] + x * at[1][1])
        costs.append(tf.reduce_mean(tf.square(expected - second[number, :side, :side])))
    return tf.add_n(costs) / len(costs)

"""The first way to transfer style: supervised, on pairs of a photograph and its painting, pixel by pixel.

The pairs are made by the engine. The network is the one of fast style transfer; only what it is trained by differs, so
that what one sees is the difference between a pixel loss and the perceptual costs (Johnson et al. 2016, section 3).
"""

from dataclasses import replace

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import computing, tf
from nst_utils.engine.stylize import stylize
from nst_utils.fast.photographs import in_colors
from nst_utils.fast.training import book_of, learning_rate, new_network
from nst_utils.pictures.sizes import MIN_SIDE, output_size, resize


def make_pairs(photographs, painting, side=160, **settings):
    """[(photograph, painted)], uint8 (H, W, 3), of photographs uint8 (H, W, 3) and a Painting; a generator.

    side: the longer side of a pair, in pixels. settings: those of stylize().
    """
    for photograph in photographs:
        small = resize(photograph, output_size(photograph.shape[1::-1], None, side))
        yield small, stylize(small, painting.picture, **settings).image


def train_on_pairs(pairs, painting, plan, widths=(32, 64), blocks=5):
    """Train a network to paint each photograph as its pair shows: a generator of (StyleBook so far, pixel loss).

    pairs: [(photograph, painted)]. plan: a Plan, of which steps, side, batch, learning_rate, seed and precision count.
    The loss is the mean squared difference in grey levels, of pieces (side, side) cut from both at the same place.
    """
    pairs = list(pairs)
    if not pairs:
        raise InputError("There are no pairs to train on: give at least one.")
    smallest = min(min(photograph.shape[:2]) for photograph, _ in pairs)
    plan = replace(plan, side=min(plan.side, smallest))
    if plan.side < MIN_SIDE:
        raise InputError(f"A pair is only {smallest} pixels high or wide: each side needs at least {MIN_SIDE}.")
    network = new_network(widths, 1, plan.seed, plan.precision, blocks=blocks)
    with computing():
        import keras

        optimizer = keras.optimizers.Adam(plan.learning_rate)
        optimizer.build(network.trainable_variables)
    side = plan.side - plan.side % 4

    @tf.function(autograph=False)
    def train_step(photographs, painted):
        with tf.GradientTape() as tape:
            found = network(photographs, tf.ones((plan.batch, 1)))
            loss = tf.reduce_mean(tf.square(found - painted))
        variables = network.trainable_variables
        optimizer.apply(tape.gradient(loss, [each.value for each in variables]), variables)
        return loss

    colored = [
        (in_colors(photograph.astype(np.float32), painting.colors), painted.astype(np.float32))
        for photograph, painted in pairs
    ]
    for step in range(plan.steps):
        pieces = _pieces(colored, side, plan.batch, np.random.default_rng((plan.seed, step)))
        with computing():
            optimizer.learning_rate.assign(learning_rate(plan, step))
            loss = float(train_step(*map(tf.constant, pieces)))
        yield book_of(network, [painting]), loss


def pixel_loss(painted, wanted):
    """The mean squared difference of two pictures (H, W, 3), in grey levels: what this approach is judged by."""
    return float(np.mean(np.square(np.asarray(painted, np.float64) - np.asarray(wanted, np.float64))))


def _pieces(pairs, side, count, rng):
    """Photographs and paintings, both (count, side, side, 3), cut at the same places, half of them mirrored."""
    found = []
    for _ in range(count):
        photograph, painted = pairs[rng.integers(len(pairs))]
        top, left = (rng.integers(size - side + 1) for size in photograph.shape[:2])
        turn = -1 if rng.random() < 0.5 else 1
        found.append([each[top : top + side, left : left + side][:, ::turn] for each in (photograph, painted)])
    return [np.stack(each) for each in zip(*found, strict=True)]

"""Which spot of the paintings each place of a picture is to look like: nearest neighbours, none used too often.

Kolkin, Kucera, Paris, Sykora, Shechtman and Shakhnarovich, "Neural Neighbor Style Transfer", 2022, take for every
place the spot whose features are nearest by cosine, which asks for a few spots again and again. Here every spot has a
price that rises while it is asked for too often, as in optimal transport with bounded mass (Cuturi 2013, "Sinkhorn
Distances"). Every place is compared with the same few thousand spots; from the best of them it goes on to their
neighbours, and to what its own neighbours chose, as PatchMatch does (Barnes et al. 2009), so that time and memory grow
with the pixels.
"""

from dataclasses import dataclass

import numpy as np

from nst_utils.base.tensorflow import tf

# How many spots every place is compared with, and how many places the prices are found with.
SPOTS, ASKING = 4096, 1500
# How many times its even share a spot may be asked for, how sharp the asking is, and how often prices are mended.
CAPACITY, TEMPERATURE, PRICE_STEPS = 1.3, 0.01, 8
# Rounds of the refinement, and places that are compared at one time.
ROUNDS, AT_ONCE = 2, 4096
# Taken from the likeness of a spot that a place may not take from.
_FORBIDDEN = 100.0


@dataclass(frozen=True)
class Spots:
    """The positions of all paintings, numbered through one painting after the other.

    grids: (rows, columns) of each painting.
    """

    grids: tuple

    @property
    def begins(self):
        """The number of each painting's first spot, and after the last the number of all."""
        return np.cumsum([0, *(rows * columns for rows, columns in self.grids)])

    def places(self, numbers):
        """Painting, row and column of spots."""
        painting = np.searchsorted(self.begins, numbers, side="right") - 1
        columns = np.array([columns for _, columns in self.grids])[painting]
        inside = numbers - self.begins[painting]
        return painting, inside // columns, inside % columns

    def numbers(self, painting, rows, columns):
        """The numbers of spots, rows and columns brought inside the painting."""
        heights, widths = np.array(self.grids).T
        rows = np.clip(rows, 0, heights[painting] - 1)
        columns = np.clip(columns, 0, widths[painting] - 1)
        return (self.begins[painting] + rows * widths[painting] + columns).astype(np.int32)

    def even(self, count):
        """About `count` spots, evenly spaced over each painting: their numbers, the spot of them that stands for each
        spot, and the space between them."""
        step = max(1, int(np.ceil((self.begins[-1] / count) ** 0.5)))
        chosen, nearest = [], []
        for painting, (height, width) in enumerate(self.grids):
            rows, columns = (np.minimum(np.arange(n) // step * step + step // 2, n - 1) for n in (height, width))
            own = self.numbers(np.int64(painting), np.unique(rows)[:, np.newaxis], np.unique(columns))
            at = [np.searchsorted(np.unique(line), line) for line in (rows, columns)]
            before = sum(len(each) for each in chosen)
            nearest.append((before + at[0][:, np.newaxis] * own.shape[1] + at[1]).ravel())
            chosen.append(own.ravel())
        return np.concatenate(chosen), np.concatenate(nearest), step


@dataclass(frozen=True)
class Rights:
    """Which paintings each place may take from, and how much of each is wanted.

    allowed: (places, paintings), 1 or 0. wanted: (paintings,), how many places are to take from each.
    """

    allowed: np.ndarray
    wanted: np.ndarray


def assign(queries, vectors, spots, rights, grid, below=None, seed=0):
    """The number of a spot for each place, int32 (rows, columns).

    queries: an array (places, d), of length 1; vectors: those of the spots, a tensor (n, d). grid: (rows, columns) of
    the places. below: the assignment and the Spots of a coarser size, or None.
    """
    few, nearest, step = spots.even(SPOTS)
    some = tf.gather(vectors, few)
    barred = _FORBIDDEN * (1 - rights.allowed).astype(np.float32)
    painting, _, _ = spots.places(few)
    share = rights.wanted[painting] / np.bincount(painting, minlength=len(spots.grids))[painting]
    prices = _prices(queries, some, barred, painting, share, seed)
    best = np.concatenate([
        _best(queries[at : at + AT_ONCE], some, prices, barred[at : at + AT_ONCE], painting).numpy()
        for at in range(0, len(queries), AT_ONCE)
    ])
    first = few[best].reshape(grid)
    if step == 1:
        return first
    return _refined(queries, vectors, prices[nearest], spots, barred, first, below, step, seed)


def _prices(queries, some, barred, painting, share, seed):
    """Prices of the spots such that none is asked for much more than CAPACITY times its share."""
    asking = np.random.RandomState(seed).permutation(len(queries))[:ASKING]
    q, barred, prices = queries[asking], barred[asking], np.zeros(len(some), np.float32)
    allowance = CAPACITY * share * len(asking) / len(queries)
    for _ in range(PRICE_STEPS):
        asked = sum(
            _asked(q[at : at + 512], some, prices, barred[at : at + 512], painting).numpy()
            for at in range(0, len(asking), 512)
        )
        change = TEMPERATURE * np.log(np.maximum(asked, 1e-9) / np.maximum(allowance, 1e-9))
        prices = np.maximum(0, prices + change).astype(np.float32)
    return prices


def _refined(queries, vectors, prices, spots, barred, first, below, step, seed):
    """The assignment begun from `first`, each place trying what its neighbours chose and spots near its own."""
    random, grid, places = np.random.RandomState(seed), first.shape, np.arange(first.size)
    best, score = first.ravel(), np.full(first.size, -np.inf, np.float32)

    def offer(numbers):
        nonlocal best, score
        numbers = numbers.ravel()
        painting, _, _ = spots.places(numbers)
        own = prices[numbers] + barred[places, painting]
        found = np.concatenate([
            _likeness_of(queries[at : at + 2**16], vectors, numbers[at : at + 2**16]).numpy()
            for at in range(0, len(numbers), 2**16)
        ])
        better = found - own > score
        best, score = np.where(better, numbers, best), np.where(better, found - own, score)

    offer(first)
    if below is not None:
        offer(_from_below(*below, grid, spots))
    for _ in range(ROUNDS):
        for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            painting, rows, columns = spots.places(np.roll(best.reshape(grid), (down, right), (0, 1)))
            offer(spots.numbers(painting, rows + down, columns + right))
        for radius in (step, max(1, step // 2)):
            painting, rows, columns = spots.places(best.reshape(grid))
            rows, columns = (at + random.randint(-radius, radius + 1, grid) for at in (rows, columns))
            offer(spots.numbers(painting, rows, columns))
    return best.reshape(grid).astype(np.int32)


def _from_below(chosen, spots_below, grid, spots):
    """What the coarser size chose, where its spots lie at this one."""
    rows, columns = (np.minimum(np.arange(n) * m // n, m - 1) for n, m in zip(grid, chosen.shape, strict=True))
    painting, y, x = spots_below.places(chosen[rows][:, columns])
    (heights, widths), (low_heights, low_widths) = (np.array(each.grids).T for each in (spots, spots_below))
    y = y * heights[painting] // low_heights[painting] + np.arange(grid[0])[:, np.newaxis] % 2
    x = x * widths[painting] // low_widths[painting] + np.arange(grid[1]) % 2
    return spots.numbers(painting, y, x)


def _likeness(q, some, prices, barred, painting):
    likeness = tf.matmul(tf.cast(q, tf.float32), tf.cast(some, tf.float32), transpose_b=True)
    return likeness - prices - tf.gather(barred, painting, axis=1)


@tf.function(autograph=False, reduce_retracing=True)
def _best(q, some, prices, barred, painting):
    return tf.argmax(_likeness(q, some, prices, barred, painting), axis=1, output_type=tf.int32)


@tf.function(autograph=False, reduce_retracing=True)
def _asked(q, some, prices, barred, painting):
    likeness = _likeness(q, some, prices, barred, painting)
    return tf.reduce_sum(tf.nn.softmax(likeness / TEMPERATURE, axis=1), axis=0)


@tf.function(autograph=False, reduce_retracing=True)
def _likeness_of(q, vectors, numbers):
    return tf.reduce_sum(tf.cast(q, tf.float32) * tf.cast(tf.gather(vectors, numbers), tf.float32), -1)

"""The second way to judge a picture: are its features those of the painting's spots that were chosen for its places?

Kolkin et al. 2022, "Neural Neighbor Style Transfer": J_match is the mean over the places of 1 minus the cosine between
the picture's vector and its target, the painting's vector that was chosen. A vector holds the features of several
layers, each centred and scaled, on a grid of one place for 4x4 pixels, in the coordinates of its main directions. As
matched features alone meet the painting's colours and contrasts less well, the Gram matrices of the shallow layers are
asked for as well, a little at first and most in the last steps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from nst_utils.base.errors import InputError
from nst_utils.base.tensorflow import tf
from nst_utils.base.types import Array, Floats, Ints, Tensor, TensorWeights
from nst_utils.engine.assignment import AT_ONCE, Rights, Spots, assign
from nst_utils.engine.canvas import Canvas
from nst_utils.engine.costs import total_cost
from nst_utils.engine.objective import (
    Activations,
    Costs,
    Evaluator,
    Factors,
    Matrices,
    Numbers,
    Objective,
    network_of,
)
from nst_utils.engine.recipe import Recipe
from nst_utils.engine.styles import Region
from nst_utils.engine.tiles import Tile, cut_tiles
from nst_utils.network.layout import stride
from nst_utils.network.vgg import field_of_view, type_of
from nst_utils.network.weights import Stamp
from nst_utils.pictures.sizes import resample_grey

GRID = 4  # pixels between neighbouring places
# The layers in a vector, what has their channels, and their part in it.
LAYERS = {"avgpool1": 0.5, "avgpool2": 1.0, "conv3_1": 1.0, "conv3_2": 1.0, "conv3_3": 1.0, "conv4_1": 1.5}
CHANNELS_OF = {"avgpool1": "conv1_2", "avgpool2": "conv2_2"}
STYLE_LAYERS = tuple((name, 0.2) for name in ("conv1_1", "conv2_1", "conv3_1", "conv4_1"))
# Numbers in a vector, and places that statistics are taken from.
DIMENSIONS, SAMPLE = 256, 5000
# Of each layer its directions; the shift; of each place its target and its weight.
Goal: TypeAlias = tuple[dict[str, Tensor], Floats, Tensor, Floats]
# J_match against J_style, whose unit is the cost of a picture without any features; and how much of the photograph's
# own vectors stays in the targets at full strength.
MATCH, KEPT = 0.1, 0.1


@functools.lru_cache(maxsize=4)
def _matcher(path: str, stamp: Stamp, precision: str, pooling: str, masked: tuple[bool, ...]) -> Matcher:
    return Matcher(network_of(path, stamp, precision, "conv4_1"), pooling, masked)


def spots_of(regions: Iterable[Region]) -> Spots:
    """The Spots of the paintings of regions at a size."""
    shapes = [painting.shape[:2] for region in regions for painting in region.paintings]
    return Spots(tuple(tuple(-(-side // GRID) for side in shape) for shape in shapes))


def matcher_of(path: str, stamp: Stamp, precision: str, pooling: str, masked: Sequence[bool]) -> Matcher:
    """The Matcher on a weights file, the same for all runs of the program that look alike."""
    return _matcher(path, stamp, precision, pooling, tuple(masked))


class Matcher(Evaluator):
    """The network, vectors on the grid, and the cost with its gradient; traced once for pictures of every size."""

    def __init__(self, weights: TensorWeights, pooling: str = "average", masked: Sequence[bool] = (False,)) -> None:
        super().__init__(weights, (), [name for name, _ in STYLE_LAYERS], pooling, masked)
        # The enlarged conv4_1 looks one of its positions further.
        self.halo = -(-(field_of_view(weights, "conv4_1") + stride("conv4_1")) // 16) * 16
        picture, box, number = tf.TensorSpec((None, None, 3)), tf.TensorSpec((4,), tf.int32), tf.TensorSpec(())
        boxes = tf.TensorSpec((len(self.layers), 4), tf.int32)
        W = {name: tf.TensorSpec((None, None), self._type) for name in LAYERS}
        goal = (W, tf.TensorSpec((None,)), tf.TensorSpec((None, None), self._type), tf.TensorSpec((None,)))
        S = {sight.key: tf.TensorSpec((None, None)) for sight in self.sights}
        masks = {sight.key: tf.TensorSpec((None, None)) for sight in self.sights if sight.masked}
        style_numbers = {sight.key: number for sight in self.sights}
        factors = {"alpha": number, "beta": number, "content": {}, "style": style_numbers}

        def traced(function: Callable[..., Any], *signature: Any) -> Any:
            return tf.function(function, input_signature=signature, autograph=False)

        self.look = traced(self._look, picture, box)
        self.match_whole = traced(self._match_whole, picture, box, goal, S, masks, factors)
        self.match_tile = traced(self._match_tile, picture, box, boxes, goal, style_numbers, S, masks, factors)

    def slices(self) -> dict[str, slice]:
        """Where the channels of each layer stand in an uncut vector."""
        begins = np.cumsum([0, *map(self._channels, LAYERS)])
        return {name: slice(*ends) for name, *ends in zip(LAYERS, begins[:-1], begins[1:], strict=True)}

    def _channels(self, layer: str) -> int:
        convolution = self.weights[CHANNELS_OF.get(layer, layer)]
        assert convolution is not None
        return int(convolution[1].shape[0])

    def _all_activations(self, picture: Tensor) -> Activations:
        return self._activations(picture, [*self.layers, *LAYERS])

    def _look(self, picture: Tensor, box: Tensor) -> Tensor:
        """The vectors (places, D) at a tile's own places, neither centred nor scaled."""
        found, parts = self._all_activations(picture), []
        for name in LAYERS:
            a = _on_grid(found[name], name)
            parts.append(tf.reshape(_inside(tf.cast(a, self._type), box), [-1, a.shape[-1]]))
        return tf.concat(parts, axis=-1)

    def _vectors(self, found: Activations, box: Tensor, W: Any, shift: Any) -> Tensor:
        """The vectors in their main directions, (places, d) float32; each layer is turned where that is least work."""
        total = -shift
        for name in LAYERS:
            a = _on_grid(found[name], name) if stride(name) <= GRID else found[name]
            shape = tf.shape(a)
            a = tf.reshape(tf.matmul(tf.reshape(a, [-1, a.shape[-1]]), W[name]), [1, shape[1], shape[2], -1])
            a = tf.cast(a, tf.float32)
            if stride(name) > GRID:
                a = _on_grid(a, name)
            total += _inside(a, box)[0]
        return tf.reshape(total, [-1, tf.shape(total)[-1]])

    def _match(self, found: Activations, box: Tensor, goal: Goal) -> Tensor:
        """The sum over the places of weight * (1 - cosine)."""
        W, shift, targets, weights = goal
        v, t = self._vectors(found, box, W, shift), tf.cast(targets, tf.float32)
        cosine = tf.reduce_sum(v * t, -1) * tf.math.rsqrt(tf.reduce_sum(v * v, -1) + 1e-12)
        return tf.reduce_sum(weights * (1 - cosine))

    def _match_whole(
        self, picture: Tensor, box: Tensor, goal: Goal, S_S: Matrices, masks: Matrices, factors: Factors
    ) -> tuple[Tensor, Tensor, Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            found = self._all_activations(picture)
            J_match = self._match(found, box, goal)
            style = self.style_costs(S_S, self._style_matrices(found, masks))
            J_style = tf.add_n([factors["style"][key] * cost for key, cost in style.items()])
            J = total_cost(J_match, J_style, factors["alpha"], factors["beta"])
        return J_match, J_style, tape.gradient(J, picture)

    def _match_tile(
        self, picture: Tensor, box: Tensor, boxes: Tensor, goal: Goal, shares: Numbers, slopes: Matrices,
        masks: Matrices, factors: Factors,
    ) -> tuple[Tensor, Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            found = self._all_activations(picture)
            J_match = self._match(found, box, goal)
            S_G = self._style_matrices(self._cut(found, boxes), masks)
            J_style = tf.add_n([shares[key] * tf.reduce_sum(S_G[key] * slopes[key]) for key in S_G])
            J = total_cost(J_match, J_style, factors["alpha"], factors["beta"])
        return J_match, tape.gradient(J, picture)


class Match(Objective):
    """J = alpha J_match + beta J_style of pictures of one size, for the assignment that is set."""

    evaluator: Matcher

    def __init__(
        self, matcher: Matcher, content: Floats, regions: Sequence[Region], strength: float = 1.0,
        tv_weight: float = 0.0, max_pixels: int | None = None, canvas: Canvas | None = None,
    ) -> None:
        """content: (H, W, 3), 0-255. regions: as regions_at() gives them. strength: from 0 to 1."""
        recipe = Recipe(1.0, 1.0, tv_weight, (), STYLE_LAYERS, matcher.pooling)
        super().__init__(matcher, recipe, content, regions, max_pixels, canvas)
        self._content, self._regions, self._max_pixels = content, regions, max_pixels
        self._kept = 1 - (1 - KEPT) * strength
        self._strength = strength
        self.grid = tuple(-(-side // GRID) for side in content.shape[:2])
        self.paintings = [painting for region in regions for painting in region.paintings]
        for painting in self.paintings:
            if min(painting.shape[:2]) < 2 * GRID or float(painting.std()) < 0.5:
                raise InputError(
                    f"A painting, {painting.shape[1]}x{painting.shape[0]} pixels here, has too little on it to choose "
                    "from: give a larger one that is not of a single colour, or the method gram."
                )
        self.spots = spots_of(regions)
        self._rights, self._place_weights = self._rights_of_places()
        self._seen: dict[int, tuple[Tile, Tensor]] = {}
        self._find_directions()
        vectors = [self._project(painting, *self._style_directions) for painting in self.paintings]
        self._vectors_of_spots = tf.constant(vectors[0] if len(vectors) == 1 else np.concatenate(vectors))
        del vectors
        self._content_vectors = self._project(self._content, *self._content_directions)
        self._seen = {}
        # What the style cost would be without any features: its unit.
        none = {key: tf.zeros_like(S) for key, S in self._S_S.items()}
        style = matcher.style_costs(self._S_S, none)
        self._unit = sum(float(self._factors["style"][key]) * float(J) for key, J in style.items())
        self._penalty = np.float32(1)
        self._set_for: tuple[Ints, float] | None = None

    def search(self, picture: Floats, share: float, below: tuple[Ints, Spots] | None = None, seed: int = 0) -> Ints:
        """The assignment (rows, columns) for the photograph's vectors, or for a mix with a share of the picture's."""
        queries = self._content_vectors
        if share:
            queries = self._project(self.canvas.clip(picture), *self._style_directions)
            # A piece at a time, in place: these are as many bytes as a picture of 128 colours.
            for at in range(0, len(queries), AT_ONCE):
                piece = slice(at, at + AT_ONCE)
                queries[piece] = _mixed(self._content_vectors[piece], queries[piece], share)
        return assign(queries, self._vectors_of_spots, self.spots, self._rights, self.grid, below, seed)

    def with_targets(self, chosen: Ints, style_weight: float) -> Match:
        """This objective for an assignment, with a weight of J_style."""
        if self._set_for is not None and self._set_for[0] is chosen and self._set_for[1] == style_weight:
            return self
        self._set_for = chosen, style_weight
        self._chosen = chosen
        total = max(1e-6, float(self._place_weights.sum()))
        alpha, beta = 40 * MATCH * self._unit, 40 * style_weight * self._strength
        self.recipe = Recipe(alpha, beta, self.recipe.tv_weight, (), STYLE_LAYERS, self.recipe.pooling)
        self._factors = self._factors | {"alpha": np.float32(alpha / total), "beta": np.float32(beta)}
        self._total = total
        self._goals = None if len(self.tiles) > 1 else self._goal_of(self.tiles[0])
        return self

    def costs(self, picture: Floats) -> Costs:
        return self(picture).costs

    def _whole(self, picture: Floats) -> tuple[Any, Any, Floats]:
        J_match, J_style, gradient = self.evaluator.match_whole(
            picture, self._box(self.tiles[0]), self._goals, self._S_S, self._masks, self._factors
        )
        return J_match / self._total, J_style, gradient.numpy()

    def _tiled(self, picture: Floats) -> tuple[Any, Any, Floats]:
        S_G, _ = self._features(picture, with_content=False)
        J_style, slopes = self.evaluator.style_slopes(self._S_S, S_G, self._factors)
        J_match, gradient = 0.0, np.zeros_like(picture)
        for tile in self.tiles:
            _, shares = self._shares(tile)
            part, slope = self.evaluator.match_tile(
                tile.cut(picture), self._box(tile), self._boxes(tile), self._goal_of(tile), shares, slopes,
                self._tile_masks(tile), self._factors,
            )
            J_match += float(part)
            tile.cut(gradient)[...] += slope
        return J_match / self._total, J_style, gradient

    def _box(self, tile: Tile) -> Ints:
        return np.array(tile.inner_at(GRID), np.int32)

    def _goal_of(self, tile: Tile) -> Goal:
        """Directions, shift, targets and weights of a tile's own places."""
        places = tile.inner_of(np.arange(self._chosen.size, dtype=np.int32).reshape(self.grid), GRID)
        targets = tf.gather(self._vectors_of_spots, tile.inner_of(self._chosen, GRID).ravel())
        targets = _mixed(targets, self._content_vectors[places.ravel()], self._kept)
        W, shift = self._style_directions
        parts = {name: W[part] for name, part in self.evaluator.slices().items()}
        return parts, shift, targets, self._place_weights[places.ravel()]

    def _rights_of_places(self) -> tuple[Rights, Floats]:
        """Which paintings each place may take from, and how much each place counts."""
        size = self.grid[::-1]
        masks = [
            np.ones(self.grid, np.float32) if each.mask is None else resample_grey(each.mask, size)
            for each in self._regions
        ]
        strongest = np.max(masks, axis=0)
        rows, wanted = [], []
        for region, mask in zip(self._regions, masks, strict=True):
            here = (mask >= 0.5 * np.maximum(strongest, 1e-6)).ravel()
            for share in region.shares:
                rows.append(here)
                wanted.append(share * max(1, here.sum()))
        allowed = np.stack(rows, axis=1)
        allowed[~allowed.any(axis=1)] = True
        return Rights(allowed, np.array(wanted)), np.clip(strongest, 0, 1).ravel().astype(np.float32)

    def _columns(self, picture: Floats) -> Iterator[tuple[Tile, Tensor]]:
        """For every tile of a picture: the tile, and its own vectors as _look() gives them."""
        if id(picture) in self._seen:
            yield self._seen[id(picture)]
            return
        for tile in self._tiles_of(picture):
            yield tile, self.evaluator.look(tile.cut(picture), self._box(tile))

    def _tiles_of(self, picture: Floats) -> list[Tile]:
        return cut_tiles(picture.shape[0], picture.shape[1], self.evaluator.halo, self._max_pixels)

    def _find_directions(self) -> None:
        """Means, scales and main directions of the vectors, of the paintings' and of the photograph's."""
        mean, scale, sample = self._statistics(self.paintings)
        directions = _main_directions((sample - mean) * scale)
        content_mean, content_scale, _ = self._statistics([self._content])
        type_ = type_of(self.evaluator.weights)

        def turned(mean: Floats, scale: Floats) -> tuple[Tensor, Floats]:
            W = tf.cast(scale[:, np.newaxis] * directions, type_)
            return W, mean @ tf.cast(W, tf.float32).numpy()

        self._style_directions, self._content_directions = turned(mean, scale), turned(content_mean, content_scale)

    def _statistics(self, pictures: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
        """Mean and scale of every channel, and the sample of vectors that they come from."""
        parts = []
        for picture in pictures:
            columns: Iterable[tuple[Tile, Tensor]] = self._columns(picture)
            if len(self._tiles_of(picture)) == 1:
                columns = list(columns)
                self._seen[id(picture)] = columns[0]  # to be looked at once more
            places = -(-picture.shape[0] // GRID) * -(-picture.shape[1] // GRID)
            every = max(1, places * len(pictures) // SAMPLE)
            parts += [tf.cast(found[::every], tf.float32).numpy() for _, found in columns]
        sample = np.concatenate(parts)
        mean = sample.mean(axis=0)
        scale = np.ones_like(mean)
        for name, part in self.evaluator.slices().items():
            energy = np.square(sample[:, part] - mean[part]).sum(axis=1).mean()
            scale[part] = LAYERS[name] ** 0.5 / np.sqrt(max(1e-6, energy))
        return mean, scale, sample

    def _project(self, picture: Floats, W: Any, shift: Any) -> Array:
        """The picture's vectors in their main directions, of length 1, an array (places, d) of the network's type."""
        grid = tuple(-(-side // GRID) for side in picture.shape[:2])
        found = np.empty((*grid, W.shape[1]), W.dtype.as_numpy_dtype)
        for tile, columns in self._columns(picture):
            part = tile.inner_of(found, GRID)
            part[...] = _turned(columns, W, shift).numpy().reshape(part.shape)
        return found.reshape(-1, W.shape[1])


def _on_grid(a: Tensor, name: str) -> Tensor:
    """Activations (1, n_H, n_W, C) of a layer on the grid of places: averaged down, or enlarged."""
    step = stride(name)
    if step < GRID:
        return tf.nn.avg_pool2d(a, GRID // step, GRID // step, "SAME")
    if step > GRID:
        return tf.image.resize(a, tf.shape(a)[1:3] * (step // GRID), "bilinear")
    return a


def _inside(a: Tensor, box: Tensor) -> Tensor:
    return a[:, box[0] : box[1], box[2] : box[3]]


def _main_directions(x: Any) -> Floats:
    """(D, d) orthonormal directions that hold most of x (n, D), by subspace iteration from a fixed start."""
    d = min(DIMENSIONS, *x.shape)
    x = tf.constant(x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12))
    basis = np.random.RandomState(0).standard_normal((x.shape[1], min(d + 16, *x.shape))).astype(np.float32)
    for _ in range(2):
        basis = tf.matmul(x, tf.matmul(x, basis), transpose_a=True).numpy().astype(np.float64)
        # Orthonormal by way of their small matrix of products, the largest first.
        values, vectors = np.linalg.eigh(basis.T @ basis)
        kept = values > 1e-12 * values[-1]
        basis = (basis @ (vectors[:, kept] / np.sqrt(values[kept]))[:, ::-1]).astype(np.float32)
    return basis[:, :d]


@tf.function(autograph=False, reduce_retracing=True)
def _turned(columns: Tensor, W: Any, shift: Any) -> Tensor:
    x = tf.cast(tf.matmul(columns, W), tf.float32) - shift
    return tf.cast(tf.math.l2_normalize(x, -1, 1e-12), columns.dtype)


@tf.function(autograph=False, reduce_retracing=True)
def _mix(one: Tensor, other: Tensor, share: float) -> Tensor:
    x = (1 - share) * tf.cast(one, tf.float32) + share * tf.cast(other, tf.float32)
    return tf.cast(tf.math.l2_normalize(x, -1, 1e-12), one.dtype)


def _mixed(one: Any, other: Any, share: float) -> Any:
    """Vectors of length 1 between two, by a share of the other."""
    return _mix(one, other, np.float32(share))

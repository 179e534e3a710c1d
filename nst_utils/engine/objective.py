"""The cost of a picture and its gradient: all that an optimiser needs to know, computed whole or in tiles.

The network runs in float32 or bfloat16; style matrices and costs are always float32. Pixels outside 0-255 cannot
be saved, so the cost is that of the clipped picture, plus a penalty that pulls such pixels back.

Tiles: style matrices are sums over positions, so they can be accumulated tile by tile; with the derivative of J with
respect to each of them fixed, every tile can then be back-propagated alone. A halo as wide as the network's field
of view makes the result equal to that of the whole picture.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from nst_utils.base.tensorflow import tf
from nst_utils.base.types import AnyPath, Floats, Ints, Tensor, TensorWeights
from nst_utils.engine.canvas import Canvas
from nst_utils.engine.costs import (
    compute_content_cost,
    style_matrix,
    style_matrix_distance,
    total_cost,
    total_variation,
)
from nst_utils.engine.optimizers import Evaluation
from nst_utils.engine.recipe import Recipe
from nst_utils.engine.styles import Region, layer_mask
from nst_utils.engine.tiles import Tile, cut_tiles
from nst_utils.network.layout import LAYERS, MEANS, stride
from nst_utils.network.vgg import activations, field_of_view, prepare, type_of
from nst_utils.network.weights import Stamp, file_stamp, load_weights

# By the names of layers, or by the keys of sights; factors also has "alpha" and "beta".
Activations: TypeAlias = dict[str, Tensor]
Matrices: TypeAlias = dict[str, Tensor]
Numbers: TypeAlias = dict[str, Any]
Factors: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Costs:
    """J and its parts, of the picture clipped to 0-255."""

    total: float
    content: float
    style: float
    variation: float


@dataclass(frozen=True)
class Sight:
    """What a style matrix is taken from: a layer, in a region that is everywhere or has a mask."""

    layer: str
    region: int
    masked: bool

    @property
    def key(self) -> str:
        return f"{self.layer} in {self.region}"


@functools.lru_cache(maxsize=2)
def network_of(path: str, stamp: Stamp, precision: str, deepest: str) -> TensorWeights:
    """The weights of a file, prepared once for all runs of the program; the stamp changes when the file does."""
    return prepare(load_weights(path), precision, deepest)


@functools.lru_cache(maxsize=8)
def _evaluator(
    path: str, stamp: Stamp, precision: str, deepest: str, content_names: tuple[str, ...], style_names: tuple[str, ...],
    pooling: str, masked: tuple[bool, ...],
) -> Evaluator:
    network = network_of(path, stamp, precision, deepest)
    return Evaluator(network, content_names, style_names, pooling, masked)


def evaluator_of(
    recipe: Recipe, path: AnyPath, precision: str, masked: Iterable[bool] = (False,), deepest: str | None = None
) -> Evaluator:
    """The Evaluator of a recipe's layers on a weights file: the same for all runs of the program that look alike.

    masked: for each region whether it has a mask. deepest: the layer down to which the weights are to be loaded.
    """
    deepest = max(recipe.layers[-1], deepest or recipe.layers[-1], key=LAYERS.index)
    return _evaluator(
        str(path), tuple(file_stamp(path).items()), precision, deepest, tuple(recipe.content_names),
        tuple(recipe.style_names), recipe.pooling, tuple(masked),
    )


class Evaluator:
    """The network and the formulas of the costs, traced once for pictures of every size and for every weight."""

    def __init__(
        self, weights: TensorWeights, content_names: Sequence[str], style_names: Sequence[str],
        pooling: str = "average", masked: Iterable[bool] = (False,),
    ) -> None:
        """weights: as prepare() gives them; their type is the precision of the network. masked: of each region."""
        self.weights, self.pooling, self.content_names = weights, pooling, content_names
        self.sights = [Sight(name, i, mask) for i, mask in enumerate(masked) for name in style_names]
        self.layers = sorted({*content_names, *style_names}, key=LAYERS.index)
        self.halo = field_of_view(weights, self.layers[-1])
        self._type = type_of(weights)
        self._means = tf.constant(MEANS)
        picture, number, matrix = tf.TensorSpec((None, None, 3)), tf.TensorSpec(()), tf.TensorSpec((None, None))
        boxes = tf.TensorSpec((len(self.layers), 4), tf.int32)
        content_numbers = {name: number for name in content_names}
        style_numbers = {sight.key: number for sight in self.sights}
        factors = {"alpha": number, "beta": number, "content": content_numbers, "style": style_numbers}
        S = {sight.key: matrix for sight in self.sights}
        masks = {sight.key: matrix for sight in self.sights if sight.masked}
        a_C = {name: tf.TensorSpec((1, None, None, None), self._type) for name in content_names}

        def traced(function: Callable[..., Any], *signature: Any) -> Any:
            # There is no Python control flow over tensors to convert, and looking for it takes a second.
            return tf.function(function, input_signature=signature, autograph=False)

        self.features = traced(lambda picture, masks: self._features(picture, None, masks), picture, masks)
        self.tile_features = traced(self._features, picture, boxes, masks)
        self.whole = traced(self._whole, picture, S, a_C, masks, factors)
        self.style_slopes = traced(self._style_slopes, S, S, factors)
        self.tile = traced(self._tile, picture, boxes, content_numbers, style_numbers, S, a_C, masks, factors)
        self.variation = traced(self._variation, picture)

    def _activations(self, picture: Tensor, layers: Sequence[str] | None = None) -> Activations:
        image = tf.cast(picture[tf.newaxis] - self._means, self._type)
        return activations(image, self.weights, layers or self.layers, self.pooling)

    def _inner_activations(self, picture: Tensor, boxes: Tensor | None) -> Activations:
        """The activations at a tile's own positions; all of them where there are no boxes."""
        found = self._activations(picture)
        return found if boxes is None else self._cut(found, boxes)

    def _cut(self, found: Activations, boxes: Tensor) -> Activations:
        """The activations of each layer inside its box, a row (top, bottom, left, right) of boxes."""
        return {
            name: found[name][:, boxes[i, 0] : boxes[i, 1], boxes[i, 2] : boxes[i, 3], :]
            for i, name in enumerate(self.layers)
        }

    def _style_matrices(self, found: Activations, masks: Matrices) -> Matrices:
        return {sight.key: style_matrix(found[sight.layer], masks.get(sight.key)) for sight in self.sights}

    def content_costs(self, a_C: Activations, found: Activations) -> Numbers:
        """J_content of every content layer."""
        return {n: compute_content_cost(tf.cast(a_C[n], tf.float32), tf.cast(found[n], tf.float32)) for n in a_C}

    def style_costs(self, S_S: Matrices, S_G: Matrices) -> Numbers:
        """J_style of every layer in every region."""
        return {key: style_matrix_distance(S_S[key], S_G[key]) for key in S_G}

    def _features(self, picture: Tensor, boxes: Tensor | None, masks: Matrices) -> tuple[Matrices, Activations]:
        """The style matrices and the content activations of a tile's own positions."""
        found = self._inner_activations(picture, boxes)
        return self._style_matrices(found, masks), {name: found[name] for name in self.content_names}

    def _whole(
        self, picture: Tensor, S_S: Matrices, a_C: Activations, masks: Matrices, factors: Factors
    ) -> tuple[Tensor, Tensor, Tensor]:
        """J_content, J_style and the gradient of J (without variation) with respect to the picture."""
        with tf.GradientTape() as tape:
            tape.watch(picture)
            found = self._activations(picture)
            J_content = _weighted_sum(self.content_costs(a_C, found), factors["content"])
            J_style = _weighted_sum(self.style_costs(S_S, self._style_matrices(found, masks)), factors["style"])
            J = total_cost(J_content, J_style, factors["alpha"], factors["beta"])
        return J_content, J_style, tape.gradient(J, picture)

    def _style_slopes(self, S_S: Matrices, S_G: Matrices, factors: Factors) -> tuple[Tensor, Matrices]:
        """J_style and its derivative with respect to every style matrix."""
        with tf.GradientTape() as tape:
            tape.watch(S_G)
            J_style = _weighted_sum(self.style_costs(S_S, S_G), factors["style"])
        return J_style, tape.gradient(J_style, S_G)

    def _tile(
        self, picture: Tensor, boxes: Tensor, content_shares: Numbers, style_shares: Numbers, slopes: Matrices,
        a_C: Activations, masks: Matrices, factors: Factors,
    ) -> tuple[Tensor, Tensor]:
        """The tile's part of J_content, and the gradient that its own positions send to its pixels and halo.

        slopes: the derivatives of J_style with respect to the style matrices of the whole picture, which make
        J_style linear in the tile's share of them.
        """
        with tf.GradientTape() as tape:
            tape.watch(picture)
            found = self._inner_activations(picture, boxes)
            parts = {n: content_shares[n] * cost for n, cost in self.content_costs(a_C, found).items()}
            J_content = _weighted_sum(parts, factors["content"])
            S_G = self._style_matrices(found, masks)
            J_style = tf.add_n([tf.zeros(()), *(style_shares[n] * tf.reduce_sum(S_G[n] * slopes[n]) for n in S_G)])
            J = total_cost(J_content, J_style, factors["alpha"], factors["beta"])
        return J_content, tape.gradient(J, picture)

    def _variation(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            J_variation = total_variation(picture[tf.newaxis])
        return J_variation, tape.gradient(J_variation, picture)


class Objective:
    """J of pictures of one size, against one content and the styles of its regions: `evaluation = objective(picture)`.

    Each region asks for one style matrix a layer, the weighted mean of those of its paintings, and J_style sums over
    the regions (Gatys et al. 2017, "Controlling Perceptual Factors", section 4).
    """

    def __init__(
        self, evaluator: Evaluator, recipe: Recipe, content: Floats, regions: Sequence[Region],
        max_pixels: int | None = None, canvas: Canvas | None = None,
    ) -> None:
        """content: (H, W, 3), 0-255, sets the size. regions: as regions_at() gives them for that size.

        max_pixels: of a tile with its halo. canvas: which pixels may be painted how, by default from 0 to 255.
        """
        self.evaluator, self.recipe, self.canvas = evaluator, recipe, canvas or Canvas()
        self.tiles = cut_tiles(content.shape[0], content.shape[1], evaluator.halo, max_pixels)
        self._factors = _factors(recipe, evaluator.sights, regions)
        self._penalty = np.float32(recipe.beta / 40 or recipe.alpha / 10 or 1)
        self._masks = {
            sight.key: layer_mask(mask, sight.layer)
            for sight in evaluator.sights
            if sight.masked and (mask := regions[sight.region].mask) is not None
        }
        self._a_C = self._features(content)[1] if evaluator.content_names else [{} for _ in self.tiles]
        self._S_S: Matrices = {}
        for number, region in enumerate(regions):
            self._S_S |= self._style_of(number, region, max_pixels)

    def __call__(self, picture: Floats) -> Evaluation:
        """The Evaluation of a picture (H, W, 3) float32: its value is J of the clipped picture plus a penalty.

        The penalty is the squared distance from the clipped picture, in proportion to the weights in J, so that these
        count only against each other; J itself has no slope outside the canvas.
        """
        clipped = self.canvas.clip(picture)
        J_content, J_style, gradient = self._whole(clipped) if len(self.tiles) == 1 else self._tiled(clipped)
        J_variation = 0.0
        if self.recipe.tv_weight:
            J_variation, slope = self.evaluator.variation(clipped)
            gradient += self.recipe.tv_weight * slope.numpy()
        outside = picture - clipped
        gradient = np.where(outside == 0, self.canvas.project(gradient), 2 * self._penalty * outside)
        costs = self._costs(J_content, J_style, J_variation)
        return Evaluation(picture, costs, costs.total + float(self._penalty * np.vdot(outside, outside)), gradient)

    def costs(self, picture: Floats) -> Costs:
        """The Costs of the clipped picture alone, without the work of its gradient."""
        clipped = self.canvas.clip(picture)
        S_G, a_G = self._features(clipped)
        content, style = self._content_costs(a_G), self.evaluator.style_costs(self._S_S, S_G)
        J_content = sum(self._factors["content"][name] * J for name, J in content.items())
        J_style = sum(float(self._factors["style"][key] * J.numpy()) for key, J in style.items())
        J_variation = float(total_variation(clipped[np.newaxis])) if self.recipe.tv_weight else 0.0
        return self._costs(J_content, J_style, J_variation)

    def shallower(self, evaluator: Evaluator, recipe: Recipe) -> Objective:
        """The same content and styles, judged by the evaluator of a recipe of fewer layers."""
        other = copy(self)
        other.evaluator, other.recipe = evaluator, recipe
        keys = [sight.key for sight in evaluator.sights]
        other._S_S = {key: self._S_S[key] for key in keys}
        other._masks = {key: mask for key, mask in self._masks.items() if key in keys}
        other._a_C = [{name: a[name] for name in evaluator.content_names} for a in self._a_C]
        numbers = {"content": evaluator.content_names, "style": keys}
        other._factors = self._factors | {
            part: {name: self._factors[part][name] for name in names} for part, names in numbers.items()
        }
        return other

    def sufficient_depth(self, picture: Floats, tolerance: float = 0.25) -> str:
        """The shallowest layer such that the costs of all deeper ones are at most `tolerance` of the picture's J."""
        S_G, a_G = self._features(picture)
        parts = dict.fromkeys(self.evaluator.layers, 0.0)
        style = self.evaluator.style_costs(self._S_S, S_G)
        for sight in self.evaluator.sights:
            parts[sight.layer] += self.recipe.beta * float(self._factors["style"][sight.key] * style[sight.key].numpy())
        for name, J in self._content_costs(a_G).items():
            parts[name] += self.recipe.alpha * self._factors["content"][name] * J
        bound = tolerance * sum(parts.values())
        deepest = self.evaluator.layers[-1]
        for name in reversed(self.evaluator.layers):
            deepest, bound = name, bound - parts[name]
            if bound < 0:
                break
        return deepest

    def _content_costs(self, a_G: list[Activations]) -> dict[str, float]:
        """J_content of the content activations of all tiles, for each layer."""
        totals = dict.fromkeys(self.evaluator.content_names, 0.0)
        for tile, a_C, a in zip(self.tiles, self._a_C, a_G, strict=True):
            shares, _ = self._shares(tile)
            for name, J in self.evaluator.content_costs(a_C, a).items():
                totals[name] += shares[name] * float(J)
        return totals

    def _costs(self, J_content: Any, J_style: Any, J_variation: Any) -> Costs:
        recipe = self.recipe
        J = total_cost(J_content, J_style, recipe.alpha, recipe.beta) + recipe.tv_weight * J_variation
        return Costs(*(float(cost) for cost in (J, J_content, J_style, J_variation)))

    def _whole(self, picture: Floats) -> tuple[Any, Any, Floats]:
        J_content, J_style, gradient = self.evaluator.whole(
            picture, self._S_S, self._a_C[0], self._masks, self._factors
        )
        return J_content, J_style, gradient.numpy()

    def _tiled(self, picture: Floats) -> tuple[Any, Any, Floats]:
        S_G, _ = self._features(picture, with_content=False)
        J_style, slopes = self.evaluator.style_slopes(self._S_S, S_G, self._factors)
        J_content, gradient = 0.0, np.zeros_like(picture)
        for tile, a_C in zip(self.tiles, self._a_C, strict=True):
            part, slope = self.evaluator.tile(
                tile.cut(picture), self._boxes(tile), *self._shares(tile), slopes, a_C, self._tile_masks(tile),
                self._factors,
            )
            J_content += part
            tile.cut(gradient)[...] += slope
        return J_content, J_style, gradient

    def _features(self, picture: Floats, with_content: bool = True) -> tuple[Matrices, list[Activations]]:
        """The style matrices of a whole picture, and the content activations of each tile, if wanted.

        The matrices are the tiles' own, weighted by their share of the positions.
        """
        if len(self.tiles) == 1:
            S, a = self.evaluator.features(picture, self._masks)
            return S, [a]
        sums: Matrices = {}
        parts: list[Activations] = []
        for tile in self.tiles:
            S, a = self.evaluator.tile_features(tile.cut(picture), self._boxes(tile), self._tile_masks(tile))
            _, shares = self._shares(tile)
            sums = {name: sums.get(name, 0.0) + shares[name] * S[name] for name in S}
            if with_content:  # a poster's take a hundred megabytes
                parts.append(a)
        return sums, parts

    def _style_of(self, number: int, region: Region, max_pixels: int | None) -> Matrices:
        """The style matrices that a region asks for: the weighted mean of those of its paintings."""
        other = copy(self)
        sums: dict[str, list[tuple[float, Tensor]]] = {}
        for painting, share in zip(region.paintings, region.shares, strict=True):
            other.tiles = cut_tiles(painting.shape[0], painting.shape[1], self.evaluator.halo, max_pixels)
            shape = painting.shape[:2]
            # Of a painting every position counts, whatever the mask of the place that it is for.
            other._masks = {
                sight.key: np.ones([-(-side // stride(sight.layer)) for side in shape], np.float32)
                for sight in self.evaluator.sights if sight.masked
            }
            S, _ = other._features(painting, with_content=False)
            for sight in self.evaluator.sights:
                if sight.region == number:
                    sums.setdefault(sight.key, []).append((share, S[sight.key]))
        return {
            key: found[0][1] if len(found) == 1 else tf.add_n([np.float32(share) * S for share, S in found])
            for key, found in sums.items()
        }

    def _boxes(self, tile: Tile) -> Ints:
        return np.array([tile.inner_at(stride(name)) for name in self.evaluator.layers], np.int32)

    def _tile_masks(self, tile: Tile) -> dict[str, Floats]:
        layers = {sight.key: sight.layer for sight in self.evaluator.sights}
        return {key: tile.inner_of(mask, stride(layers[key])) for key, mask in self._masks.items()}

    def _shares(self, tile: Tile) -> tuple[Numbers, Numbers]:
        """The tile's share of the positions of each content layer, and of the weight of each style matrix."""
        bottom, right = self.tiles[-1].inner[1], self.tiles[-1].inner[3]

        def share(name: str) -> Any:
            step = stride(name)
            top, end, left, last = tile.inner_at(step)
            return np.float32((end - top) * (last - left) / (-(-bottom // step) * -(-right // step)))

        def weight(sight: Sight) -> Any:
            mask = self._masks.get(sight.key)
            if mask is None:
                return share(sight.layer)
            own = tile.inner_of(mask, stride(sight.layer))
            return np.float32(own.sum(dtype=np.float64) / mask.sum(dtype=np.float64))

        content = {name: share(name) for name in self.evaluator.content_names}
        return content, {sight.key: weight(sight) for sight in self.evaluator.sights}


def _weighted_sum(costs: Numbers, weights: Numbers) -> Tensor:
    return tf.add_n([tf.zeros(()), *(weights[name] * cost for name, cost in costs.items())])


def _factors(recipe: Recipe, sights: Iterable[Sight], regions: Sequence[Region]) -> Factors:
    """The weights in J as numbers of their own, so that another weight needs no other trace."""
    style = dict(recipe.style_layers)
    return {
        "alpha": np.float32(recipe.alpha),
        "beta": np.float32(recipe.beta),
        "content": {name: np.float32(weight) for name, weight in recipe.content_layers},
        "style": {sight.key: np.float32(regions[sight.region].strength * style[sight.layer]) for sight in sights},
    }

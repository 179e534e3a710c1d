"""The cost of a picture and its gradient: all that an optimiser needs to know, computed whole or in tiles.

The network runs in float32 or bfloat16; style matrices and costs are always float32. Pixels outside 0-255 cannot
be saved, so the cost is that of the clipped picture, plus a penalty that pulls such pixels back.

Tiles: style matrices are sums over positions, so they can be accumulated tile by tile; with the derivative of J with
respect to each of them fixed, every tile can then be back-propagated alone. A halo as wide as the network's field
of view makes the result equal to that of the whole picture.
"""

from copy import copy
from dataclasses import dataclass

import numpy as np

from nst_utils.base.tensorflow import tf
from nst_utils.engine.costs import (
    compute_content_cost,
    style_matrix,
    style_matrix_distance,
    total_cost,
    total_variation,
)
from nst_utils.engine.optimizers import Evaluation
from nst_utils.engine.tiles import cut_tiles
from nst_utils.network.layout import MEANS, stride
from nst_utils.network.vgg import activations, field_of_view


@dataclass(frozen=True)
class Costs:
    """J and its parts, of the picture clipped to 0-255."""

    total: float
    content: float
    style: float
    variation: float


class Evaluator:
    """The network and the costs of a recipe, traced once for pictures of every size."""

    def __init__(self, recipe, weights):
        """recipe: a Recipe. weights: as prepare() gives them; their type is the precision of the network."""
        self.recipe = recipe
        self.layers = recipe.layers
        self.weights = weights
        self.halo = field_of_view(weights, self.layers[-1])
        self._type = weights["conv1_1"][0].dtype
        self._means = tf.constant(MEANS)
        picture = tf.TensorSpec((None, None, 3))
        boxes = tf.TensorSpec((len(self.layers), 4), tf.int32)
        shares = {name: tf.TensorSpec(()) for name in self.layers}
        S = {name: tf.TensorSpec((None, None)) for name in recipe.style_names}
        a_C = {name: tf.TensorSpec((1, None, None, None), self._type) for name in self._content_names}

        def traced(function, *signature):
            # There is no Python control flow over tensors to convert, and looking for it takes a second.
            return tf.function(function, input_signature=signature, autograph=False)

        self.features = traced(lambda picture: self._features(picture, None), picture)
        self.tile_features = traced(self._features, picture, boxes)
        self.whole = traced(self._whole, picture, S, a_C)
        self.style_slopes = traced(self._style_slopes, S, S)
        self.tile = traced(self._tile, picture, boxes, shares, S, a_C)
        self.variation = traced(self._variation, picture)

    def shallower(self, deepest):
        """An evaluator of the costs down to one layer only, on the same weights."""
        return Evaluator(self.recipe.down_to(deepest), self.weights)

    @property
    def _content_names(self):
        return [name for name in [self.recipe.content_layer] if name is not None]

    def _activations(self, picture):
        image = tf.cast(picture[tf.newaxis] - self._means, self._type)
        return activations(image, self.weights, self.layers, self.recipe.pooling)

    def _inner_activations(self, picture, boxes):
        """The activations at a tile's own positions; all of them where there are no boxes."""
        found = self._activations(picture)
        if boxes is None:
            return found
        return {
            name: found[name][:, boxes[i, 0] : boxes[i, 1], boxes[i, 2] : boxes[i, 3], :]
            for i, name in enumerate(self.layers)
        }

    def _style_matrices(self, found):
        return {name: style_matrix(found[name]) for name in self.recipe.style_names}

    def content_cost(self, a_C, found):
        costs = [compute_content_cost(tf.cast(a_C[n], tf.float32), tf.cast(found[n], tf.float32)) for n in a_C]
        return tf.add_n([tf.zeros(()), *costs])

    def style_costs(self, S_S, S_G):
        """Weight times J_style of every layer."""
        return {name: weight * style_matrix_distance(S_S[name], S_G[name]) for name, weight in self.recipe.style_layers}

    def _style_cost(self, S_S, S_G):
        return tf.add_n([tf.zeros(()), *self.style_costs(S_S, S_G).values()])

    def _features(self, picture, boxes):
        """The style matrices and the content activations of a tile's own positions."""
        found = self._inner_activations(picture, boxes)
        return self._style_matrices(found), {name: found[name] for name in self._content_names}

    def _whole(self, picture, S_S, a_C):
        """J_content, J_style and the gradient of J (without variation) with respect to the picture."""
        with tf.GradientTape() as tape:
            tape.watch(picture)
            found = self._activations(picture)
            J_content, J_style = self.content_cost(a_C, found), self._style_cost(S_S, self._style_matrices(found))
            J = total_cost(J_content, J_style, self.recipe.alpha, self.recipe.beta)
        return J_content, J_style, tape.gradient(J, picture)

    def _style_slopes(self, S_S, S_G):
        """J_style and its derivative with respect to every style matrix."""
        with tf.GradientTape() as tape:
            tape.watch(S_G)
            J_style = self._style_cost(S_S, S_G)
        return J_style, tape.gradient(J_style, S_G)

    def _tile(self, picture, boxes, shares, slopes, a_C):
        """The tile's part of J_content, and the gradient that its own positions send to its pixels and halo.

        slopes: the derivatives of J_style with respect to the style matrices of the whole picture, which make
        J_style linear in the tile's share of them.
        """
        with tf.GradientTape() as tape:
            tape.watch(picture)
            found = self._inner_activations(picture, boxes)
            J_content = self.content_cost(a_C, found)
            if a_C:
                J_content *= shares[self.recipe.content_layer]
            S_G = self._style_matrices(found)
            J_style = tf.add_n([tf.zeros(()), *(shares[n] * tf.reduce_sum(S_G[n] * slopes[n]) for n in S_G)])
            J = total_cost(J_content, J_style, self.recipe.alpha, self.recipe.beta)
        return J_content, tape.gradient(J, picture)

    def _variation(self, picture):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            J_variation = total_variation(picture[tf.newaxis])
        return J_variation, tape.gradient(J_variation, picture)


class Objective:
    """J of pictures of one size, against one content and one style: `evaluation = objective(picture)`."""

    def __init__(self, evaluator, content, style, max_pixels=None):
        """content: (H, W, 3), 0-255, sets the size. style: (h, w, 3), any size. max_pixels: of a tile with its halo."""
        self.evaluator = evaluator
        self.tiles = cut_tiles(content.shape[0], content.shape[1], evaluator.halo, max_pixels)
        style_tiles = cut_tiles(style.shape[0], style.shape[1], evaluator.halo, max_pixels)
        _, self._a_C = self._features(content, self.tiles)
        self._S_S, _ = self._features(style, style_tiles, with_content=False)

    def __call__(self, picture):
        """The Evaluation of a picture (H, W, 3) float32: its value is J of the clipped picture plus a penalty.

        The penalty is the squared distance from the clipped picture; J itself has no slope outside 0-255.
        """
        clipped = np.clip(picture, 0, 255)
        J_content, J_style, gradient = self._whole(clipped) if len(self.tiles) == 1 else self._tiled(clipped)
        J_variation = 0.0
        if self.evaluator.recipe.tv_weight:
            J_variation, slope = self.evaluator.variation(clipped)
            gradient += self.evaluator.recipe.tv_weight * slope.numpy()
        outside = picture - clipped
        gradient = np.where(outside == 0, gradient, 2 * outside)
        costs = self._costs(J_content, J_style, J_variation)
        return Evaluation(picture, costs, costs.total + float(np.vdot(outside, outside)), gradient)

    def costs(self, picture):
        """The Costs of the clipped picture alone, without the work of its gradient."""
        clipped = np.clip(picture, 0, 255)
        S_G, a_G = self._features(clipped, self.tiles)
        recipe = self.evaluator.recipe
        J_content = self._content_cost(a_G) if recipe.content_layer else 0.0
        J_style = sum(float(J) for J in self.evaluator.style_costs(self._S_S, S_G).values())
        J_variation = float(total_variation(clipped[np.newaxis])) if recipe.tv_weight else 0.0
        return self._costs(J_content, J_style, J_variation)

    def shallower(self, evaluator):
        """The same content and style, judged by evaluator.shallower(...) only."""
        other = copy(self)
        other.evaluator = evaluator
        other._S_S = {name: self._S_S[name] for name in evaluator.recipe.style_names}
        other._a_C = [{name: a for name, a in a_C.items() if name in evaluator.layers} for a_C in self._a_C]
        return other

    def sufficient_depth(self, picture, tolerance=0.25):
        """The shallowest layer such that the costs of all deeper ones are at most `tolerance` of the picture's J."""
        recipe = self.evaluator.recipe
        S_G, a_G = self._features(picture, self.tiles)
        parts = {name: recipe.beta * float(J) for name, J in self.evaluator.style_costs(self._S_S, S_G).items()}
        if name := recipe.content_layer:
            parts[name] = parts.get(name, 0.0) + recipe.alpha * self._content_cost(a_G)
        bound = tolerance * sum(parts.values())
        deepest = self.evaluator.layers[-1]
        for name in reversed(self.evaluator.layers):
            deepest, bound = name, bound - parts[name]
            if bound < 0:
                break
        return deepest

    def _content_cost(self, a_G):
        """J_content of the content activations of all tiles."""
        total, name = 0.0, self.evaluator.recipe.content_layer
        for tile, a_C, a in zip(self.tiles, self._a_C, a_G, strict=True):
            total += self._shares(tile, self.tiles)[name] * float(self.evaluator.content_cost(a_C, a))
        return total

    def _costs(self, J_content, J_style, J_variation):
        recipe = self.evaluator.recipe
        J = total_cost(J_content, J_style, recipe.alpha, recipe.beta) + recipe.tv_weight * J_variation
        return Costs(*(float(cost) for cost in (J, J_content, J_style, J_variation)))

    def _whole(self, picture):
        J_content, J_style, gradient = self.evaluator.whole(picture, self._S_S, self._a_C[0])
        return J_content, J_style, gradient.numpy()

    def _tiled(self, picture):
        S_G, _ = self._features(picture, self.tiles, with_content=False)
        J_style, slopes = self.evaluator.style_slopes(self._S_S, S_G)
        J_content, gradient = 0.0, np.zeros_like(picture)
        for tile, a_C in zip(self.tiles, self._a_C, strict=True):
            shares = self._shares(tile, self.tiles)
            part, slope = self.evaluator.tile(tile.cut(picture), self._boxes(tile), shares, slopes, a_C)
            J_content += part
            tile.cut(gradient)[...] += slope
        return J_content, J_style, gradient

    def _features(self, picture, tiles, with_content=True):
        """The style matrices of a whole picture, and the content activations of each tile, if wanted.

        The matrices are the tiles' own, weighted by their share of the positions.
        """
        if len(tiles) == 1:
            S, a = self.evaluator.features(picture)
            return S, [a]
        sums, parts = {}, []
        for tile in tiles:
            S, a = self.evaluator.tile_features(tile.cut(picture), self._boxes(tile))
            shares = self._shares(tile, tiles)
            sums = {name: sums.get(name, 0.0) + shares[name] * S[name] for name in S}
            if with_content:  # a poster's take a hundred megabytes
                parts.append(a)
        return sums, parts

    def _boxes(self, tile):
        return np.array([tile.inner_at(stride(name)) for name in self.evaluator.layers], np.int32)

    def _shares(self, tile, tiles):
        """The tile's share of the positions of each layer."""
        bottom, right = tiles[-1].inner[1], tiles[-1].inner[3]
        shares = {}
        for name in self.evaluator.layers:
            step = stride(name)
            top, end, left, last = tile.inner_at(step)
            shares[name] = np.float32((end - top) * (last - left) / (-(-bottom // step) * -(-right // step)))
        return shares

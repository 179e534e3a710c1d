"""Supervised training on pairs: what it learns, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import assert_one_sentence

from nst_utils.base.errors import InputError
from nst_utils.fast.painting import Painter
from nst_utils.fast.plan import Painting, Plan
from nst_utils.pairs import make_pairs, pixel_loss, train_on_pairs

PLAN = Plan(steps=60, side=32, batch=2, learning_rate=5e-3, precision="float32")


def picture(seed, height=48, width=64):
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(0, 256, (height // 8, width // 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)


def test_pairs_are_photographs_with_what_the_engine_makes_of_them(tiny_mat):
    photographs = [picture(1), picture(2)]
    painting = Painting("one", picture(3))
    pairs = list(make_pairs(photographs, painting, 48, iterations=2, weights=str(tiny_mat), precision="float32"))
    assert [(a.shape, b.shape) for a, b in pairs] == [((36, 48, 3),) * 2] * 2
    assert all(pixel_loss(a, b) > 10 for a, b in pairs)


def test_the_network_learns_what_its_pairs_show():
    painting = Painting("one", picture(3))
    pairs = [(each, 255 - each) for each in (picture(1), picture(2))]
    steps = list(train_on_pairs(pairs, painting, PLAN, (6, 8), 1))
    losses = [loss for _, loss in steps]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:5])
    book = steps[-1][0]
    painted = Painter(book, "float32").paint(pairs[0][0], book.manner("one"))
    assert pixel_loss(painted, pairs[0][1]) < pixel_loss(pairs[0][0], pairs[0][1])


@pytest.mark.parametrize(("pairs", "word"), [([], "no pairs"), ([(np.zeros((20, 40, 3), np.uint8),) * 2], "20 pixels")])
def test_what_cannot_be_trained_on_is_refused(pairs, word):
    with pytest.raises(InputError) as refusal:
        next(train_on_pairs(pairs, Painting("one", picture(3)), replace(PLAN, steps=1)))
    assert_one_sentence(refusal.value, word)

"""What training goes by: its steps, its pieces of photographs, and how much each cost counts."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from nst_utils.pictures.colors import Moments


@dataclass(frozen=True)
class Plan:
    """How the network is trained.

    steps: in all. side: of a piece, in pixels. batch: pieces in a step. learning_rate: of Adam, at its highest; it
    falls to a hundredth along half a cosine. style: weight of each layer's relative style cost. total: of J's style
    cost itself, relative. content, variation, steady: weights of the content cost at half the size, the total
    variation and the flicker. noise: its deviation in grey levels. decay: of the average of the weights that is kept.
    """

    steps: int = 16000
    side: int = 192
    batch: int = 2
    learning_rate: float = 1.5e-3
    style: tuple = (("conv1_1", 0.05), ("conv2_1", 0.5), ("conv3_1", 0.5), ("conv4_1", 0.3))
    total: float = 2.0
    content: float = 0.03
    tone: float = 2.0
    variation: float = 2e-5
    steady: float = 0.4
    noise: float = 8.0
    seed: int = 0
    precision: str = "auto"


# How `nst fast learn` goes by: few numbers, so larger steps, and fewer of them.
LEARNING = Plan(steps=400, learning_rate=1e-2)


@dataclass
class Painting:
    """A style to be learned: its name, its picture uint8 (H, W, 3)."""

    name: str
    picture: np.ndarray = field(repr=False)

    @cached_property
    def colors(self):
        """The Moments of its colours."""
        return Moments.of(self.picture)

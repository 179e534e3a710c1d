"""The layout of VGG-19: the names of its layers, what each one halves, and the means it was trained without.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2015, table 1, column E.
"""

import numpy as np

# Convolutions in each block; a pooling, which halves the picture, follows every block.
BLOCKS = {1: 2, 2: 2, 3: 4, 4: 4, 5: 4}
CONVOLUTIONS = tuple(f"conv{block}_{i}" for block, count in BLOCKS.items() for i in range(1, count + 1))
# conv1_1, conv1_2, avgpool1, conv2_1, ... avgpool5: the layers in the order in which data flows.
LAYERS = tuple(
    name
    for block, count in BLOCKS.items()
    for name in [*(f"conv{block}_{i + 1}" for i in range(count)), f"avgpool{block}"]
)
# Mean RGB value of the ImageNet training pictures, which the network was trained without.
MEANS = np.array([123.68, 116.779, 103.939], dtype=np.float32).reshape((1, 1, 1, 3))


def stride(layer: str) -> int:
    """How many pixels of the picture lie between two neighbouring positions of a layer."""
    return 2 ** sum(name.startswith("avgpool") for name in LAYERS[: LAYERS.index(layer) + 1])

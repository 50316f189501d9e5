"""lenet5: the Caffe form of LeNet-5 that Han et al. 2015 (arXiv:1506.02626, section 4.1) prune: 431,080 parameters."""

from __future__ import annotations

from edgekit.keras.networks._width import Width, scaled
from edgekit.keras.plain import Description, Drawing, built_from


def describe(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Description:
    """Two 5x5 convolutions and two dense layers; softmax output."""
    d = Drawing("lenet5", input_shape, classes, "image")
    x = d.conv(d.input, scaled(20, width), 5, "conv1", activation="relu")
    x = d.conv(d.max_pool(x, "pool1"), scaled(50, width), 5, "conv2", activation="relu")
    x = d.flatten(d.max_pool(x, "pool2"), "flatten")
    x = d.dense(x, scaled(500, width), "fc1", activation="relu")
    d.dense(x, classes, "scores", activation="softmax")
    return d.description(sequential=True)


build = built_from(describe)

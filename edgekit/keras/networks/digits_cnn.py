"""digits_cnn: a small convolutional net for 8x8 digits in which weights dominate the file, as in real networks."""

from __future__ import annotations

from edgekit.keras.networks._width import Width, scaled
from edgekit.keras.plain import Description, Drawing, built_from


def describe(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Description:
    """About 340,000 parameters and 1.5 M MACs on 8x8x1 input; softmax output."""
    d = Drawing("digits_cnn", input_shape, classes, "image")
    x = d.conv(d.input, scaled(32, width), 3, "conv1", padding="same", bias=False)
    x = d.relu(d.norm(x, "conv1_bn"), "conv1_relu")
    x = d.conv(x, scaled(64, width), 3, "conv2", padding="same", bias=False)
    x = d.relu(d.norm(x, "conv2_bn"), "conv2_relu")
    x = d.flatten(d.max_pool(x, "pool"), "flatten")
    x = d.dense(x, scaled(288, width), "hidden", activation="relu")
    d.dense(x, classes, "scores", activation="softmax")
    return d.description(sequential=True)


build = built_from(describe)

"""vgg_small: 3x3 convolutions in pairs, then a wide dense layer; after Simonyan and Zisserman 2014 (arXiv:1409.1556).

Batch norm and dropout are what VGG needs on small images (Liu and Deng 2015, ACPR).
"""

from __future__ import annotations

from edgekit.keras.networks._width import Width, scaled
from edgekit.keras.plain import Description, Drawing, built_from


def describe(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Description:
    """Six convolutions of 32 to 128 channels and 512 hidden units; on 32x32x3 input 1.34 M parameters, 39 M MACs."""
    d = Drawing("vgg_small", input_shape, classes, "image")
    x = d.input
    for stage, filters in enumerate((scaled(c, width) for c in (32, 64, 128)), start=1):
        for i in (1, 2):
            name = f"conv{stage}_{i}"
            x = d.conv(x, filters, 3, name, padding="same", bias=False, initializer="he_normal")
            x = d.relu(d.norm(x, f"{name}_bn"), f"{name}_relu")
        x = d.dropout(d.max_pool(x, f"pool{stage}"), 0.1 * stage, f"dropout{stage}")
    x = d.flatten(x, "flatten")
    x = d.dense(x, scaled(512, width), "fc1", activation="relu", initializer="he_normal")
    d.dense(d.dropout(x, 0.5, "dropout_fc1"), classes, "scores", activation="softmax")
    return d.description()


build = built_from(describe)

"""dense_autoencoder: dense layers around a bottleneck, with free depth and widths; in its usual form the size of the
anomaly detection network of MLPerf Tiny (Banbury et al. 2021, arXiv:2106.07597, table 1).
"""

from __future__ import annotations

import math

from edgekit.keras.networks._blocks import Activation, Depth, Multiple, Wide, norm_relu, rounded
from edgekit.keras.plain import Description, Drawing, built_from


def describe(
    input_shape: tuple[int, ...],
    classes: int,
    width1: Wide = 128,
    width2: Wide = 128,
    depth1: Depth = 2,
    depth2: Depth = 2,
    bottleneck: Wide = 8,
    activation: Activation = "relu",
    multiple: Multiple = 1,
) -> Description:
    """Two stages down, the bottleneck, the same stages up; gives its input's shape (`classes` does not matter)."""
    d = Drawing("dense_autoencoder", input_shape, classes, "features")
    x = d.flatten(d.input, "flatten") if len(input_shape) > 1 else d.input
    down = [*[rounded(width1, multiple)] * depth1, *[rounded(width2, multiple)] * depth2]
    for i, units in enumerate([*down, rounded(bottleneck, multiple), *reversed(down)], start=1):
        x = norm_relu(d, d.dense(x, units, f"dense{i}", bias=False), f"dense{i}", activation)
    x = d.dense(x, math.prod(input_shape), "reconstruction")
    if len(input_shape) > 1:
        d.reshape(x, tuple(input_shape), "output")
    return d.description()


build = built_from(describe)

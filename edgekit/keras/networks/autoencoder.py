"""autoencoder: the anomaly detection network of MLPerf Tiny: dense layers of 128 around a bottleneck of 8."""

from __future__ import annotations

import math

from edgekit.keras.networks._width import Width, scaled
from edgekit.keras.plain import Description, Drawing, built_from


def describe(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Description:
    """About 270,000 parameters on 640 features; gives back its input's shape (`classes` does not matter)."""
    d = Drawing("autoencoder", input_shape, classes, "features")
    x = d.flatten(d.input, "flatten") if len(input_shape) > 1 else d.input
    for i, units in enumerate((128, 128, 128, 128, 8, 128, 128, 128, 128), start=1):
        x = d.dense(x, scaled(units, width), f"dense{i}", bias=False)
        x = d.relu(d.norm(x, f"dense{i}_bn"), f"dense{i}_relu")
    x = d.dense(x, math.prod(input_shape), "reconstruction")
    if len(input_shape) > 1:
        d.reshape(x, tuple(input_shape), "output")
    return d.description()


build = built_from(describe)

"""autoencoder: the anomaly detection network of MLPerf Tiny: dense layers of 128 around a bottleneck of 8."""

from __future__ import annotations

import math
from typing import Any

from edgekit import _tf
from edgekit.keras.networks._width import Width, scaled


def build(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Any:
    """About 270,000 parameters on 640 features; gives back its input's shape (`classes` does not matter)."""
    keras = _tf.tf_keras()
    layers = keras.layers
    inputs = layers.Input(input_shape, name="features")
    x = layers.Flatten(name="flatten")(inputs) if len(input_shape) > 1 else inputs
    for i, units in enumerate((128, 128, 128, 128, 8, 128, 128, 128, 128), start=1):
        x = layers.Dense(scaled(units, width), use_bias=False, name=f"dense{i}")(x)
        x = layers.BatchNormalization(name=f"dense{i}_bn")(x)
        x = layers.ReLU(name=f"dense{i}_relu")(x)
    x = layers.Dense(math.prod(input_shape), name="reconstruction")(x)
    if len(input_shape) > 1:
        x = layers.Reshape(input_shape, name="output")(x)
    return keras.Model(inputs, x, name="autoencoder")

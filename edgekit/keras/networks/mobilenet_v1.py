"""mobilenet_v1: width 0.25, as in MLPerf Tiny's visual wake words; Howard et al. 2017 (arXiv:1704.04861, table 1)."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.networks._width import Width, scaled
from edgekit.keras.types import KerasTensor

BLOCKS = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1))
"""Output channels, those of a MobileNet of width 0.25, and stride of each depthwise-separable block."""


def build(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Any:
    """A 3x3 convolution and 13 depthwise-separable blocks; 7.5 M MACs on 96x96x3 input; softmax output."""
    keras = _tf.tf_keras()
    layers = keras.layers
    inputs = layers.Input(input_shape, name="image")
    x = layers.Conv2D(scaled(8, width), 3, 2, padding="same", use_bias=False, name="stem")(inputs)
    x = _norm_relu(x, "stem")
    for block, (filters, stride) in enumerate(BLOCKS, start=1):
        x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"block{block}_depthwise")(x)
        x = _norm_relu(x, f"block{block}_depthwise")
        x = layers.Conv2D(scaled(filters, width), 1, use_bias=False, name=f"block{block}_pointwise")(x)
        x = _norm_relu(x, f"block{block}_pointwise")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="scores")(x), name="mobilenet_v1")


def _norm_relu(x: KerasTensor, name: str) -> Any:
    layers = _tf.tf_keras().layers
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_bn")(x))

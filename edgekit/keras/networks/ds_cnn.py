"""ds_cnn: the keyword-spotting network of MLPerf Tiny, after Zhang et al. 2017 (arXiv:1711.07128, section 3)."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.networks._width import Width, scaled
from edgekit.keras.types import KerasTensor


def build(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Any:
    """A 10x4 convolution and four depthwise-separable blocks of 64 channels; 2.7 M MACs on 49x10x1 input."""
    keras = _tf.tf_keras()
    layers = keras.layers
    inputs = layers.Input(input_shape, name="features")
    x = layers.Conv2D(scaled(64, width), (10, 4), 2, padding="same", use_bias=False, name="stem")(inputs)
    x = _norm_relu(x, "stem")
    x = layers.Dropout(0.2, name="stem_dropout")(x)
    for block in range(1, 5):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"block{block}_depthwise")(x)
        x = _norm_relu(x, f"block{block}_depthwise")
        x = layers.Conv2D(scaled(64, width), 1, use_bias=False, name=f"block{block}_pointwise")(x)
        x = _norm_relu(x, f"block{block}_pointwise")
    x = layers.Dropout(0.4, name="dropout")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="scores")(x), name="ds_cnn")


def _norm_relu(x: KerasTensor, name: str) -> Any:
    layers = _tf.tf_keras().layers
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_bn")(x))

"""resnet8: the image classification network of MLPerf Tiny (Banbury et al. 2021, arXiv:2106.07597, table 1)."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.networks._width import Width, scaled
from edgekit.keras.types import KerasTensor


def build(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Any:
    """Three residual stacks of 16, 32 and 64 channels; 12.5 M MACs on 32x32x3 input; softmax output."""
    keras = _tf.tf_keras()
    layers = keras.layers
    inputs = layers.Input(input_shape, name="image")
    x = _conv(inputs, scaled(16, width), 3, 1, "stem")
    x = layers.ReLU(name="stem_relu")(x)
    for stack, (channels, stride) in enumerate(((16, 1), (32, 2), (64, 2)), start=1):
        filters = scaled(channels, width)
        y = layers.ReLU(name=f"stack{stack}_relu1")(_conv(x, filters, 3, stride, f"stack{stack}_conv1"))
        y = _conv(y, filters, 3, 1, f"stack{stack}_conv2")
        if stride != 1:
            x = layers.Conv2D(
                filters, 1, stride, padding="same", kernel_initializer="he_normal", name=f"stack{stack}_skip"
            )(x)
        x = layers.ReLU(name=f"stack{stack}_relu2")(layers.Add(name=f"stack{stack}_add")([x, y]))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    scores = layers.Dense(classes, activation="softmax", kernel_initializer="he_normal", name="scores")(x)
    return keras.Model(inputs, scores, name="resnet8")


def _conv(x: KerasTensor, filters: int, size: int, stride: int, name: str) -> Any:
    keras = _tf.tf_keras()
    x = keras.layers.Conv2D(
        filters,
        size,
        stride,
        padding="same",
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.l2(1e-4),
        name=name,
    )(x)
    return keras.layers.BatchNormalization(name=f"{name}_bn")(x)

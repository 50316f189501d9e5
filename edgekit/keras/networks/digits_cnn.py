"""digits_cnn: a small convolutional net for 8x8 digits in which weights dominate the file, as in real networks."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.networks._width import Width, scaled


def build(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Any:
    """About 340,000 parameters and 1.5 M MACs on 8x8x1 input; softmax output."""
    layers = _tf.tf_keras().layers
    return _tf.tf_keras().Sequential(
        [
            layers.Input(input_shape, name="image"),
            layers.Conv2D(scaled(32, width), 3, padding="same", use_bias=False, name="conv1"),
            layers.BatchNormalization(name="conv1_bn"),
            layers.ReLU(name="conv1_relu"),
            layers.Conv2D(scaled(64, width), 3, padding="same", use_bias=False, name="conv2"),
            layers.BatchNormalization(name="conv2_bn"),
            layers.ReLU(name="conv2_relu"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dense(scaled(288, width), activation="relu", name="hidden"),
            layers.Dense(classes, activation="softmax", name="scores"),
        ],
        name="digits_cnn",
    )

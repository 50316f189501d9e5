"""vgg_small: 3x3 convolutions in pairs, then a wide dense layer; after Simonyan and Zisserman 2014 (arXiv:1409.1556).

Batch norm and dropout are what VGG needs on small images (Liu and Deng 2015, ACPR).
"""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.networks._width import Width, scaled


def build(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Any:
    """Six convolutions of 32 to 128 channels and 512 hidden units; on 32x32x3 input 1.34 M parameters, 39 M MACs."""
    keras = _tf.tf_keras()
    layers = keras.layers
    inputs = layers.Input(input_shape, name="image")
    x = inputs
    for stage, filters in enumerate((scaled(c, width) for c in (32, 64, 128)), start=1):
        for i in (1, 2):
            name = f"conv{stage}_{i}"
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)
            x = layers.BatchNormalization(name=f"{name}_bn")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        x = layers.MaxPooling2D(name=f"pool{stage}")(x)
        x = layers.Dropout(0.1 * stage, name=f"dropout{stage}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(scaled(512, width), activation="relu", kernel_initializer="he_normal", name="fc1")(x)
    x = layers.Dropout(0.5, name="dropout_fc1")(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="scores")(x), name="vgg_small")

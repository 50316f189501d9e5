"""vgg_small: VGG-style 3x3 convolutions with batch norm, after Simonyan and Zisserman 2014 (arXiv:1409.1556)."""

from __future__ import annotations

from typing import Any

from edgekit import _tf


def build(input_shape: tuple[int, ...], classes: int) -> Any:
    """Six convolutions of 64 to 256 channels; 1.2 M parameters and 153 M MACs on 32x32x3 input; softmax output."""
    keras = _tf.tf_keras()
    layers = keras.layers
    inputs = layers.Input(input_shape, name="image")
    x = inputs
    for stage, filters in enumerate((64, 128, 256), start=1):
        for i in (1, 2):
            name = f"conv{stage}_{i}"
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)
            x = layers.BatchNormalization(name=f"{name}_bn")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        x = layers.MaxPooling2D(name=f"pool{stage}")(x)
        x = layers.Dropout(0.1 * stage, name=f"dropout{stage}")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="scores")(x), name="vgg_small")

"""lenet5: the Caffe form of LeNet-5 that Han et al. 2015 (arXiv:1506.02626, section 4.1) prune: 431,080 parameters."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.networks._width import Width, scaled


def build(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Any:
    """Two 5x5 convolutions and two dense layers; softmax output."""
    layers = _tf.tf_keras().layers
    return _tf.tf_keras().Sequential(
        [
            layers.Input(input_shape, name="image"),
            layers.Conv2D(scaled(20, width), 5, activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(scaled(50, width), 5, activation="relu", name="conv2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(scaled(500, width), activation="relu", name="fc1"),
            layers.Dense(classes, activation="softmax", name="scores"),
        ],
        name="lenet5",
    )

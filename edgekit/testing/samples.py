"""What passes are tried on where nothing else is given: a tiny classifier and a few samples that it can learn."""

from __future__ import annotations

import numpy as np

from edgekit import _tf
from edgekit.data import Dataset, load_data
from edgekit.keras.types import KerasModel
from edgekit.training import seed_everything

__all__ = ["tiny_classifier", "tiny_data"]


def tiny_classifier() -> KerasModel:
    """An untrained tf_keras model, 8x8x1 -> 10 classes, with a batch norm that folds; about 2,500 weights."""
    keras = _tf.tf_keras()
    layers = keras.layers
    seed_everything(0)
    model: KerasModel = keras.Sequential(
        [
            layers.Input((8, 8, 1), name="image"),
            layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="conv"),
            layers.BatchNormalization(momentum=0.8, name="conv_bn"),
            layers.ReLU(name="conv_relu"),
            layers.Flatten(name="flatten"),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name="tiny",
    )
    return model


def tiny_data() -> Dataset:
    """240 noisy copies of ten random pictures [8, 8, 1] in 0..1, 80 of them for tests."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 10
    pictures = rng.random((10, 8, 8, 1))[labels]
    samples = np.clip(pictures + 0.1 * rng.normal(size=pictures.shape), 0, 1).astype(np.float32)
    return load_data((samples[:160], labels[:160], samples[160:], labels[160:]), calibration=32)

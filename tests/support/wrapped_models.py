"""Small models for the wrappers of Android: each builder writes a `.tflite` with its sidecar."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import edgekit
from edgekit import _tf
from edgekit.tensors import Array
from edgekit.training import seed_everything

__all__ = ["dense", "recurrent", "stateful", "two_by_two"]


def two_by_two(path: Path) -> None:
    """Two inputs and two outputs, int8."""
    keras = _tf.tf_keras()
    seed_everything(5)
    left, right = keras.Input((12,), name="left"), keras.Input((6, 6, 2), name="right_image")
    small = keras.layers.Flatten()(keras.layers.Conv2D(2, 3, strides=2, activation="relu")(right))
    deep = keras.layers.Reshape((1, 1, 20))(keras.layers.Concatenate()([left, small]))
    outputs = [  # no Dense and no mean, which TFLite 2.6 computes otherwise
        keras.layers.Conv2D(5, 1, name="score")(deep),
        keras.layers.Conv2D(3, 1, activation="relu", name="size")(deep),
    ]
    _converted(keras.Model([left, right], outputs), path)


def dense(path: Path) -> None:
    """One dense layer with a scale for each channel, int8."""
    keras = _tf.tf_keras()
    seed_everything(5)
    _converted(keras.Sequential([keras.layers.Input((12,)), keras.layers.Dense(6)]), path)


def stateful(path: Path) -> None:
    """A GRU that keeps its state from call to call, float32."""
    keras = _tf.tf_keras()
    seed_everything(5)
    model = keras.Sequential(
        [keras.layers.Input(batch_shape=(1, 4, 3)), keras.layers.GRU(6, stateful=True), keras.layers.Dense(2)]
    )
    _converted(model, path, "float32")


def recurrent(path: Path) -> None:
    """An LSTM that starts each call afresh, float32."""
    keras = _tf.tf_keras()
    seed_everything(5)
    model = keras.Sequential([keras.layers.Input((8, 5)), keras.layers.LSTM(7), keras.layers.Dense(3)])
    _converted(model, path, "float32")


def _converted(model: object, path: Path, format: str = "int8") -> None:
    edgekit.convert(model, path, format=format, data=_random_data(model), task="regression")  # type: ignore[arg-type]


def _random_data(model: object) -> dict[str, Array] | tuple[Array, Array]:
    rng = np.random.default_rng(0)
    inputs = model.inputs  # type: ignore[attr-defined]
    arrays = {i.name: rng.normal(size=(64, *i.shape[1:])).astype(np.float32) for i in inputs}
    if len(arrays) == 1:
        return next(iter(arrays.values())), rng.normal(size=(64, 1)).astype(np.float32)
    return arrays

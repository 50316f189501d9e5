"""Answers beyond those of calibration: an integer file gives them, where few values set the range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf, tflite
from edgekit.measure.predict import predict
from edgekit_converters.tflite import ConvertSpec, convert_keras

SPECS = [ConvertSpec(format="int8"), ConvertSpec(format="int16x8")] + [
    ConvertSpec(format="int8", output_dtype=dtype) for dtype in ("uint8", "float32")
]


def total(last: str, *, outputs: int = 1) -> Any:
    """A model that adds its two numbers up."""
    keras, layers = _tf.tf_keras(), _tf.tf_keras().layers
    x = keras.Input((1, 2))
    given = {"kernel_initializer": "ones"}
    ends = {
        "Dense": [layers.Dense(outputs, **given)],
        "Dense, Reshape": [layers.Dense(outputs, **given), layers.Reshape((outputs,))],
        "Conv1D": [layers.Conv1D(outputs, 1, **given)],
        "relu": [layers.Dense(outputs, activation="relu", **given)],
        "tanh": [layers.Dense(outputs, activation="tanh", **given)],
        "two readers": [layers.Dense(outputs, **given)],
    }[last]
    y = x
    for layer in ends:
        y = layer(y)
    return keras.Model(x, [y, layers.Dense(2)(y)] if last == "two readers" else y)


def axes() -> np.ndarray:
    """Pairs of which one is zero: their sums lie from -1 to 1."""
    numbers = np.linspace(-1, 1, 33, dtype=np.float32)
    zeros = np.zeros_like(numbers)
    return np.concatenate([np.stack([numbers, zeros], -1), np.stack([zeros, numbers], -1)])[:, np.newaxis]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.format}-{spec.output_dtype}")
@pytest.mark.parametrize("last", ["Dense", "Dense, Reshape", "Conv1D", "relu"])
def test_sums_beyond_the_calibrated_ones(last: str, spec: ConvertSpec, tmp_path: Path) -> None:
    convert_keras(total(last), tmp_path / "m.tflite", spec, representative=axes())
    x = np.array([[[0.7, 0.7]], [[-0.6, -0.7]], [[0.1, 0.2]]], np.float32)
    wanted = x.sum(-1).ravel()
    wanted = np.maximum(wanted, 0) if last == "relu" else wanted
    np.testing.assert_allclose(predict(tmp_path / "m.tflite", x).ravel(), wanted, atol=0.03)


@pytest.mark.parametrize(("last", "outputs"), [("tanh", 1), ("two readers", 1), ("Dense", 200)])
def test_ranges_that_stay(last: str, outputs: int, tmp_path: Path) -> None:
    """Bounded answers, tensors that more than the output hangs on, and outputs of many values."""
    convert_keras(
        total(last, outputs=outputs), tmp_path / "m.tflite", ConvertSpec(format="int8"), representative=axes()
    )
    found = next(t for t in tflite.inspect(tmp_path / "m.tflite").outputs if t.shape[-1] == outputs)
    assert found.scale == pytest.approx(2 / 256 if last == "tanh" else 2 / 255, rel=0.01)

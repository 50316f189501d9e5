"""Golden vectors come from whatever can run a file, and say from what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interpreters import need

from edgekit import _tf
from edgekit.golden import read_golden
from edgekit.measure.golden import write_golden
from edgekit.measure.predict import predict
from edgekit_converters.tflite import ConvertSpec, convert_keras

SHAPE = (6, 4)
ORDER = ["tflite_runtime, reference kernels", "litert, reference kernels", "litert, default kernels"]
MODELS: dict[str, tuple[str, Callable[[Any, Any], Any], str]] = {
    "rectified": ("int8", lambda k, x: k.layers.ReLU()(x), "tflite_runtime, reference kernels"),
    "newer": ("int8", lambda k, x: k.layers.Dense(3)(x), "litert, reference kernels"),
    "elu": ("float32", lambda k, x: k.layers.Dense(3, activation="elu")(x), "litert, default kernels"),
    "round": ("float32", lambda k, x: _tf.tensorflow().round(k.layers.Dense(3)(x)), "litert, default kernels"),
    "repeated": ("int8", lambda k, x: k.layers.RepeatVector(3)(k.layers.Flatten()(x)), "litert, default kernels"),
}
"""FULLY_CONNECTED is newer than tflite-runtime; of ELU, ROUND and TILE (version 3) there are no reference kernels."""


@pytest.mark.parametrize("name", MODELS)
def test_who_answers_is_told(name: str, tmp_path: Path) -> None:
    keras, (kind, build, oracle) = _tf.tf_keras(), MODELS[name]
    need(oracle.partition(",")[0])
    x = keras.layers.Input(SHAPE)
    model = keras.Model(x, build(keras, x))
    samples = np.random.default_rng(0).normal(size=(16, *SHAPE)).astype(np.float32)
    path = tmp_path / "m.tflite"
    convert_keras(model, path, ConvertSpec.model_validate({"format": kind}), representative=samples)
    write_golden(path, samples)
    golden = read_golden(path)
    assert golden.oracle == oracle
    assert [reason.partition(":")[0] for reason in golden.missing] == ORDER[: ORDER.index(oracle)]
    assert all("kernels: " in reason and reason.isprintable() for reason in golden.missing)
    if kind == "float32":
        np.testing.assert_allclose(golden.outputs[0][:, 0], predict(path, samples[:8]), atol=1e-4)

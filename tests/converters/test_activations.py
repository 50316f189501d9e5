"""Every activation in every format: what Keras computes, or a refusal before there is a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from activation_cells import ACTIVATIONS, activation_model, activation_samples
from interpreters import other_interpreter

from edgekit import _tf
from edgekit.errors import ConversionError
from edgekit.keras.lowering.activations import REWRITTEN, with_integer_activations
from edgekit.measure.parity import LEAST_DB
from edgekit.measure.predict import predict
from edgekit.measure.statistics import sqnr_db
from edgekit_converters.tflite import ConvertSpec, convert_keras

X = activation_samples()
INT8 = ("elu", "selu", "softsign", "ELU(0.5)")
"""What the converter alone leaves in float, divides or chooses by comparisons."""


def parity(name: str, kind: str, path: Path) -> float:
    spec = ConvertSpec.model_validate({"format": kind})
    found = convert_keras(activation_model(name), path, spec, representative=X).parity.sqnr_db
    assert found is not None
    return found


@pytest.mark.parametrize("name", INT8)
def test_in_int8_under_every_runtime(name: str, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    assert parity(name, "int8", path) > 25
    wanted = activation_model(name).predict(X[:32], verbose=0)
    for runtime in ("litert", other_interpreter()):
        assert sqnr_db(wanted, predict(path, X[:32], runtime=runtime)) > 25


@pytest.mark.parametrize("kind", ["float32", "float16", "dynamic", "int8", "int16x8"])
@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n == "elu" else pytest.mark.slow) for n in ACTIVATIONS])
def test_right_or_refused(name: str, kind: str, tmp_path: Path) -> None:
    try:
        assert parity(name, kind, tmp_path / "m.tflite") > LEAST_DB[kind]
    except ConversionError as error:
        assert kind == "int16x8" or (kind == "int8" and name not in INT8)
        assert "\n" not in str(error) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [*REWRITTEN, "ELU(0.5)"])
def test_rewritten_activations_are_the_same_function(name: str) -> None:
    model = activation_model(name)
    x = np.concatenate([X, 20 * X, 0 * X[:1]])
    np.testing.assert_allclose(with_integer_activations(model)(x), model(x), rtol=1e-5, atol=1e-5)


HOLDERS: dict[str, Callable[[Any], Any]] = {
    "a layer's own": lambda layers: layers.Conv1D(4, 3, activation="selu"),
    "a wrapped layer's": lambda layers: layers.TimeDistributed(layers.Dense(4, activation="softsign")),
    "a cell's": lambda layers: layers.LSTM(4, activation="softsign", recurrent_activation="sigmoid"),
    "inside Bidirectional": lambda layers: layers.Bidirectional(layers.GRU(4, activation="selu")),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_wherever_it_stands(name: str, tmp_path: Path) -> None:
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(0)
    holder = HOLDERS[name](keras.layers)
    model = keras.Sequential([keras.Input((6, 5)), holder, keras.layers.Flatten(), keras.layers.Dense(3)])
    x = np.random.default_rng(0).standard_normal((64, 6, 5)).astype(np.float32)
    found = convert_keras(model, tmp_path / "m.tflite", ConvertSpec(format="int8"), representative=x).parity.sqnr_db
    assert found is not None and found > 15

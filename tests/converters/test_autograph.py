"""Python's `if` and `for` over tensors: rewritten where somebody wrote them, and nothing where nobody did."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.keras.own import needs_autograph
from edgekit.measure.predict import predict
from edgekit.testing.samples import tiny_classifier
from edgekit_converters.tflite import ConvertSpec, convert_keras


@cache
def branching() -> Any:
    """A layer that doubles its input twice, or something else where that is far below zero."""
    keras, tf = _tf.tf_keras(), _tf.tensorflow()

    class Branching(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            y = x if tf.reduce_max(x) > -100.0 else -x
            for _ in tf.range(2):
                y = 2.0 * y
            return y

    return Branching


def cell() -> Any:
    keras = _tf.tf_keras()

    class OwnCell(keras.layers.SimpleRNNCell):  # type: ignore[misc, name-defined]
        pass

    return OwnCell(3)


def chain(*parts: Any) -> Any:
    keras = _tf.tf_keras()
    return keras.Sequential([keras.Input((4, 3)), *parts])


def own_model(k: Any) -> Any:
    class OwnModel(k.Model):  # type: ignore[misc, name-defined]
        pass

    inputs = k.Input((4, 3))
    return OwnModel(inputs, k.layers.Dense(2)(inputs))


def pruned(layer: Any) -> Any:
    return _tf.tfmot().sparsity.keras.prune_low_magnitude(chain(layer))


def own_dense(k: Any) -> Any:
    class OwnDense(k.layers.Dense):  # type: ignore[misc, name-defined]
        def get_prunable_weights(self) -> list[Any]:
            return [self.kernel]

    return OwnDense(2)


def own_schedule(k: Any) -> Any:
    tools = _tf.tfmot().sparsity.keras

    class OwnSchedule(tools.ConstantSparsity):  # type: ignore[misc, name-defined]
        pass

    return tools.prune_low_magnitude(chain(k.layers.Dense(2)), pruning_schedule=OwnSchedule(0.5, 0))


SOMEBODY_S: dict[str, Callable[[Any], Any]] = {
    "layer": lambda k: chain(branching()()),
    "layer in a wrapper": lambda k: chain(k.layers.TimeDistributed(branching()())),
    "layer in a model": lambda k: chain(chain(branching()()), k.layers.Dense(2)),
    "cell": lambda k: chain(k.layers.RNN(cell())),
    "cell in a stack": lambda k: chain(k.layers.Bidirectional(k.layers.RNN([k.layers.GRUCell(2), cell()]))),
    "function": lambda k: chain(k.layers.Lambda(lambda x: 2 * x)),
    "model": own_model,
    "layer in TF-MOT's wrapper": lambda k: pruned(own_dense(k)),
    "schedule of TF-MOT's wrapper": own_schedule,
    "pruned": lambda k: pruned(k.layers.Dense(2)),
    "quantized": lambda k: _tf.tfmot().quantization.keras.quantize_model(chain(k.layers.Flatten(), k.layers.Dense(2))),
}
KERAS_S: dict[str, Callable[[Any], Any]] = {
    "classifier": lambda k: tiny_classifier(),
    "recurrent": lambda k: chain(k.layers.Bidirectional(k.layers.LSTM(2)), k.layers.Dropout(0.5), k.layers.Dense(2)),
    "nested": lambda k: chain(chain(k.layers.TimeDistributed(k.layers.Dense(2)))),
}


@pytest.mark.parametrize("name", SOMEBODY_S)
def test_somebody_wrote_it(name: str) -> None:
    assert needs_autograph(SOMEBODY_S[name](_tf.tf_keras()))


@pytest.mark.parametrize("name", KERAS_S)
def test_nobody_did(name: str) -> None:
    assert not needs_autograph(KERAS_S[name](_tf.tf_keras()))


def test_a_compiled_model_is_none_of_somebody_s() -> None:
    model = tiny_classifier()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.evaluate(np.zeros((2, 8, 8, 1), np.float32), np.zeros(2), verbose=0)
    assert not needs_autograph(model)


@pytest.mark.parametrize("recurrent", [False, True], ids=["plain", "recurrent"])
def test_a_file_does_as_the_layer_does(recurrent: bool, tmp_path: Path) -> None:
    """In a model with a loop over time other functions lead to the layer."""
    keras = _tf.tf_keras()
    model = chain(branching()(), *[keras.layers.SimpleRNN(3)] * recurrent)
    convert_keras(model, tmp_path / "m.tflite", ConvertSpec(format="float32"))
    x = np.random.default_rng(0).standard_normal((8, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(predict(tmp_path / "m.tflite", x), np.asarray(model(x)), atol=1e-5)

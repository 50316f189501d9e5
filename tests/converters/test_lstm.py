"""Fused integer LSTMs: hidden states in their own scale, and loops where the fused operator is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf, tflite
from edgekit_converters.tflite import ConvertSpec, convert_keras

INT8 = ConvertSpec(format="int8")


def stack(between: str, seed: int = 4) -> Any:
    """Two LSTMs with something between them that stretches the first one's output."""
    keras, layers = _tf.tf_keras(), _tf.tf_keras().layers
    keras.utils.set_random_seed(seed)
    made = {"batch norm": layers.BatchNormalization, "layer norm": layers.LayerNormalization, "nothing": None}[between]
    parts = [layers.LSTM(16, return_sequences=True), *([made()] if made else []), layers.LSTM(8)]
    model = keras.Sequential([keras.Input((10, 5)), *parts, layers.Dense(4)])
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            rng = np.random.default_rng(7)
            shape = layer.moving_mean.shape
            layer.set_weights([np.full(shape, 1.3), np.full(shape, 0.1), rng.normal(0, 0.2, shape),
                               rng.uniform(0.002, 0.05, shape)])  # fmt: skip
    return model


@pytest.mark.parametrize("between", ["nothing", "batch norm", "layer norm"])
def test_hidden_states_have_a_scale_of_their_own(between: str, tmp_path: Path) -> None:
    x = np.random.default_rng(0).uniform(0, 1, (64, 10, 5)).astype(np.float32)
    parity = convert_keras(stack(between), tmp_path / "m.tflite", INT8, representative=x).parity
    assert parity.sqnr_db is not None and parity.sqnr_db > 15
    graph = tflite.read(tmp_path / "m.tflite").graphs[0]
    for operator in graph.operators:
        if operator.name == "UNIDIRECTIONAL_SEQUENCE_LSTM":
            scales = {graph.tensors[i].quant for i in (operator.inputs[18], operator.outputs[0])}
            assert scales == {graph.tensors[operator.intermediates[4]].quant}


@pytest.mark.parametrize("kind", ["int8", "int16x8"])
@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
@pytest.mark.parametrize("seed", [1, 3])
def test_both_directions_have_their_own_scale(seed: int, layer: str, kind: str, tmp_path: Path) -> None:
    """The backward half is turned round, which copies its integers, before both are put together."""
    keras, layers = _tf.tf_keras(), _tf.tf_keras().layers
    keras.utils.set_random_seed(seed)
    both = layers.Bidirectional(getattr(layers, layer)(6, return_sequences=True))
    model = keras.Sequential([keras.Input((7, 5)), both, layers.Flatten(), layers.Dense(3)])
    rng = np.random.default_rng(seed)
    model.set_weights([w + 0.3 * rng.standard_normal(w.shape) for w in model.get_weights()])
    x = rng.standard_normal((64, 7, 5)).astype(np.float32)
    spec = ConvertSpec(format=kind)  # type: ignore[arg-type]
    parity = convert_keras(model, tmp_path / "m.tflite", spec, representative=x).parity
    assert parity.sqnr_db is not None and parity.sqnr_db > 20
    graph = tflite.read(tmp_path / "m.tflite").graphs[0]
    for operator in graph.operators:
        if operator.name == "REVERSE_V2":
            assert graph.tensors[operator.inputs[0]].quant == graph.tensors[operator.outputs[0]].quant


def test_cells_of_too_small_a_scale_become_a_loop(tmp_path: Path) -> None:
    """Inputs and weights so small that the cell stays below 2^-1: LiteRT's fused kernel is wrong there."""
    keras, layers = _tf.tf_keras(), _tf.tf_keras().layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6, 4)), layers.LSTM(5), layers.Dense(3)])
    lstm = model.layers[0]
    lstm.set_weights([0.05 * w for w in lstm.get_weights()])
    x = np.random.default_rng(0).uniform(0, 0.5, (64, 6, 4)).astype(np.float32)
    parity = convert_keras(model, tmp_path / "m.tflite", INT8, representative=x).parity
    assert parity.sqnr_db is not None and parity.sqnr_db > 15
    assert "WHILE" in [o.name for o in tflite.inspect(tmp_path / "m.tflite").operators]

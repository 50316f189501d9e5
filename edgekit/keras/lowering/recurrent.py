"""Recurrent layers of a tf_keras model, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgekit import _tf
from edgekit.keras.types import KerasLayer, KerasModel

__all__ = ["distributed_loops", "is_plain_lstm", "is_recurrent", "keeps_state", "recurrent_layers"]


def recurrent_layers(model: KerasModel) -> list[Any]:
    """The layers of a flat model that go over time step by step, those inside Bidirectional as well."""
    return [inner for layer in model.layers for inner in _inside(layer)]


def is_recurrent(model: KerasModel) -> bool:
    """Whether a model has such layers."""
    return bool(recurrent_layers(model))


def keeps_state(model: KerasModel) -> bool:
    """Whether a model goes on from call to call: one of its layers is stateful."""
    return any(layer.stateful for layer in recurrent_layers(model))


def is_plain_lstm(layer: KerasLayer) -> bool:
    """Whether an LSTM's options are those of TFLite's one operator for it: plain gates, biases, no state returned."""
    keras = _tf.tf_keras()
    if type(layer).__name__ != "LSTM" or layer.return_state or layer.unroll:
        return False
    plain = layer.activation is keras.activations.tanh and layer.recurrent_activation is keras.activations.sigmoid
    return bool(plain and layer.use_bias)


def distributed_loops(model: KerasModel) -> list[str]:
    """Names of TimeDistributed layers around recurrent ones that are loops: TensorFlow's, of as many rows as steps."""
    layers = _tf.tf_keras().layers
    wrappers = [layer for layer in model.layers if isinstance(layer, layers.TimeDistributed)]
    return [w.name for w in wrappers if any(not is_plain_lstm(inner) for inner in _inside(w.layer))]


def _inside(layer: KerasLayer) -> Iterator[Any]:
    layers = _tf.tf_keras().layers
    if isinstance(layer, layers.Bidirectional):
        yield from (layer.forward_layer, layer.backward_layer)
    elif isinstance(layer, layers.RNN):
        yield layer

"""Recurrent layers of a tf_keras model, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgekit import _tf

__all__ = ["is_recurrent", "recurrent_layers"]


def recurrent_layers(model: Any) -> list[Any]:
    """The layers of a flat model that go over time step by step, those inside wrappers as well."""
    return [inner for layer in model.layers for inner in _inside(layer)]


def is_recurrent(model: Any) -> bool:
    """Whether a model has such layers."""
    return bool(recurrent_layers(model))


def _inside(layer: Any) -> Iterator[Any]:
    layers = _tf.tf_keras().layers
    if isinstance(layer, layers.Bidirectional):
        yield from (layer.forward_layer, layer.backward_layer)
    elif isinstance(layer, layers.RNN):
        yield layer
    elif isinstance(layer, layers.Wrapper):
        yield from _inside(layer.layer)

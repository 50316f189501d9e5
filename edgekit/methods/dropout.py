"""Less dropout where a model has become smaller: what is left has less to overfit with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.keras.cloning import cloned
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasLayer, KerasModel

__all__ = ["with_less_dropout"]


def with_less_dropout(model: KerasModel, kept: Mapping[str, float]) -> Any:
    """The same function with dropout rates times the square root of the connections that are left.

    Han et al. 2015 (arXiv:1506.02626, section 3.2, equation 2).

    Args:
        model: A flat tf_keras model.
        kept: By name of a layer with weights, the fraction of its connections that are left.

    Returns:
        A copy, or the model itself where no dropout follows such a layer.
    """
    rates = {}
    for layer in model.layers:
        if kind_of(layer).drops:
            before = _weighted_before(layer)
            if before is not None and before in kept:
                rates[layer.name] = layer.rate * kept[before] ** 0.5
    if not rates:
        return model

    def change(layer: KerasLayer) -> Any | None:
        if layer.name not in rates:
            return None
        return type(layer).from_config({**layer.get_config(), "rate": rates[layer.name]})

    return cloned(model, change)


def _weighted_before(layer: KerasLayer) -> str | None:
    """Name of the nearest layer with a kernel on the way to a dropout; None where ways join first."""
    while layer.inbound_nodes:
        layer = layer.inbound_nodes[0].inbound_layers
        if isinstance(layer, list):
            return None
        if any("kernel" in w.name or "embeddings" in w.name for w in layer.weights):
            return str(layer.name)
    return None

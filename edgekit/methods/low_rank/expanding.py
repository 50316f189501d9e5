"""A model's trainable low-rank layers as plain ones, which every pass and the converter take."""

from __future__ import annotations

from typing import Any

from edgekit.keras.types import KerasModel
from edgekit.methods.low_rank.rebuild import replace_layers

__all__ = ["expand"]


def expand(model: KerasModel) -> Any:
    """A copy of a flat tf_keras model with its low-rank layers as plain ones; the model itself if it has none."""
    from edgekit.methods.low_rank.layers import LowRank

    chains = {}
    for layer in model.layers:
        if isinstance(layer, LowRank):
            copies = [type(f).from_config(f.get_config()) for f in layer.factors]
            chains[layer.name] = (copies, [w for f in layer.factors for w in f.get_weights()])
    return replace_layers(model, chains) if chains else model

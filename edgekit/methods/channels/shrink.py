"""The model without some of its channels: the same graph and names, narrower layers, sliced weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit import _tf
from edgekit.keras.types import KerasLayer, KerasModel
from edgekit.methods.channels.graph import Channels, Cut

__all__ = ["shrink"]


def shrink(model: KerasModel, channels: Channels, keep: NDArray[np.bool_]) -> Any:
    """Build the narrower model.

    Args:
        model: The tf_keras model that was analysed.
        channels: What `analyse` gave for it.
        keep: Boolean array [channels.count], True for what stays.

    Returns:
        A new tf_keras model, not compiled, with the same layer names. It computes what the old one does where the
        channels removed are zero, except that LayerNormalization takes its mean and variance over those that stay.
    """

    def copy(layer: KerasLayer) -> Any:
        config, cut = layer.get_config(), channels.cuts.get(layer.name)
        if cut is not None:
            config.update({key: _resized(config[key], int(keep[ids].sum())) for key, ids in cut.widths.items()})
            if any(not keep[ids].all() for axes in cut.weights for ids in axes.values()):
                config.update({key: "zeros" for key in config if _fixed_shape(config[key])})
        return layer.__class__.from_config(config)

    narrow = _tf.tf_keras().models.clone_model(model, clone_function=copy)
    for layer in model.layers:
        new = narrow.get_layer(layer.name)
        cut = channels.cuts.get(layer.name)
        new.set_weights(sliced(cut, keep) if cut is not None else layer.get_weights())
        new.trainable = layer.trainable
    return narrow


def sliced(cut: Cut, keep: NDArray[np.bool_]) -> list[NDArray[Any]]:
    """A layer's weights, in Keras's order, without what is removed."""
    weights = []
    for values, axes in zip(cut.layer.get_weights(), cut.weights, strict=True):
        for axis, ids in axes.items():
            values = np.compress(keep[ids], values, axis=axis)
        weights.append(values)
    return weights


def _resized(value: Any, width: int) -> Any:
    """A config entry with its last number replaced; None is a shape that Keras works out, written out here."""
    if isinstance(value, int | np.integer):
        return width
    return [width] if value is None else [*list(value)[:-1], width]


def _fixed_shape(value: Any) -> bool:
    """Whether a config entry is an initialiser that holds an array of the old shape; weights are set anyway."""
    return (
        isinstance(value, dict)
        and value.get("class_name") == "Constant"
        and np.ndim(value.get("config", {}).get("value", 0)) > 0
    )

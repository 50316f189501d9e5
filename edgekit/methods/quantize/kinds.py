"""Which activation a layer ends in, and what an integer file makes of it."""

from __future__ import annotations

from edgekit import _tf
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasLayer

__all__ = ["FIXED_RANGES", "activation_name", "fixed_range", "is_fused_relu"]

FIXED_RANGES = {
    "sigmoid": (0.0, 255 / 256),
    "softmax": (0.0, 255 / 256),
    "tanh": (-1.0, 127 / 128),
}
"""Outputs whose scale the operator's specification fixes: LOGISTIC and SOFTMAX 1/256, TANH 1/128."""


def activation_name(layer: KerasLayer) -> str:
    """The function that a layer ends in: linear where it has none; a ReLU layer's variants are told apart."""
    kind = type(layer).__name__
    if kind == "Softmax":
        return "softmax" if layer.axis in (-1, len(layer.input_shape) - 1) else "softmax_inside"
    if kind == "ReLU":
        plain = not float(layer.negative_slope or 0) and not float(layer.threshold or 0)
        if plain and layer.max_value is None:
            return "relu"
        return "relu6" if plain and layer.max_value == 6 else "clipped_relu"
    function = getattr(layer, "activation", None)
    if function is None or function is _tf.tf_keras().activations.linear:
        return "linear"
    return str(getattr(function, "__name__", type(function).__name__))


def is_fused_relu(layer: KerasLayer) -> bool:
    """Whether a layer is nothing but a ReLU or ReLU6, which the converter fuses into the operator before it."""
    return kind_of(layer).is_activation and activation_name(layer) in ("relu", "relu6")


def fixed_range(layer: KerasLayer) -> tuple[float, float] | None:
    """The range that the specification fixes for a layer that is nothing but such an activation; None for others."""
    return FIXED_RANGES.get(activation_name(layer)) if kind_of(layer).is_activation else None

"""What makes the outputs of a tf_keras model."""

from __future__ import annotations

from typing import Any

__all__ = ["output_activation"]


def output_activation(model: Any, number: int = 0) -> str | None:
    """Name of the activation that makes one of a tf_keras model's outputs; TF-MOT's wrappers are looked through."""
    producer = model.outputs[number]._keras_history.layer
    while hasattr(producer, "layer"):
        producer = producer.layer
    if type(producer).__name__ == "Softmax":
        return "softmax"
    activation = getattr(producer, "activation", None)
    while activation is not None and hasattr(activation, "activation"):  # QuantizeAwareActivation
        activation = activation.activation
    name = getattr(activation, "__name__", None)
    return str(name) if name else None

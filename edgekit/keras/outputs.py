"""What makes the outputs of a tf_keras model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgekit.keras.types import KerasLayer, KerasModel, KerasTensor

__all__ = ["output_activation", "softmax_inputs"]


def output_activation(model: KerasModel, number: int = 0) -> str | None:
    """Name of the activation that makes one of a tf_keras model's outputs; TF-MOT's wrappers are looked through."""
    producer = _producer(model, number)
    if type(producer).__name__ == "Softmax":
        return "softmax"
    holder = _holder(producer)
    if hasattr(holder, "cell"):  # which applies it step by step
        return None
    name = getattr(getattr(holder, "activation", None), "__name__", None)
    return str(name) if name else None


@contextmanager
def softmax_inputs(model: KerasModel, number: int) -> Iterator[list[Any]]:
    """What goes into the softmax at an output, each time that the model is called or traced inside this block."""
    seen: list[Any] = []
    producer = _producer(model, number)
    holder, name = (producer, "call") if type(producer).__name__ == "Softmax" else (_holder(producer), "activation")
    original = getattr(holder, name)

    def watched(x: KerasTensor, *more: Any, **options: Any) -> Any:
        seen.append(x)
        return original(x, *more, **options)

    setattr(holder, name, watched)
    try:
        yield seen
    finally:
        setattr(holder, name, original)


def _producer(model: KerasModel, number: int) -> Any:
    layer = model.outputs[number]._keras_history.layer
    while hasattr(layer, "layer"):
        layer = layer.layer
    return layer


def _holder(layer: KerasLayer) -> Any:
    """The layer, or what TF-MOT's QuantizeAwareActivation makes of its activation: whoever holds the function."""
    while hasattr(getattr(layer, "activation", None), "activation"):
        layer = layer.activation
    return layer

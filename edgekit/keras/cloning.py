"""The same model with some layers made otherwise, each with the weights it had."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from edgekit import _tf
from edgekit.keras.types import KerasLayer, KerasModel

__all__ = ["cloned"]

_TFMOT = "tensorflow_model_optimization."
"""It takes seconds to load."""


def cloned(model: KerasModel, change: Callable[[Any], Any | None], inputs: list[Any] | None = None) -> Any:
    """A copy of a model with the same weights in the same order.

    Args:
        model: A flat tf_keras model; quantisation wrappers are known here.
        change: For each layer another one with weights of the same shapes, or None for a plain copy.
        inputs: Keras tensors in place of the model's inputs; None for the same as it has.
    """

    def made(layer: KerasLayer) -> Any:
        changed = change(layer)
        return type(layer).from_config(layer.get_config()) if changed is None else changed

    wrapped = any(type(layer).__module__.startswith(_TFMOT) for layer in model.layers)
    with _tf.tfmot().quantization.keras.quantize_scope() if wrapped else nullcontext():
        clone = _tf.tf_keras().models.clone_model(model, input_tensors=inputs, clone_function=made)
    clone.set_weights(model.get_weights())
    return clone

"""The same model with some layers made otherwise, each with the weights it had."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from edgekit import _tf
from edgekit.keras.kinds import is_of_tfmot
from edgekit.keras.types import KerasLayer, KerasModel

__all__ = ["cloned"]


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

    wrapped = any(is_of_tfmot(layer) for layer in model.layers)  # it takes seconds to load
    with _tf.tfmot().quantization.keras.quantize_scope() if wrapped else nullcontext():
        clone = _tf.tf_keras().models.clone_model(model, input_tensors=inputs, clone_function=made)
    clone.set_weights(model.get_weights())
    return clone

"""Inputs of few bits become float inputs of the same values, which a converter can quantise.

A Keras input of uint8 puts a CAST into the file: its int8 form keeps float tensors behind it, and its float form has an
input of another dtype than all others. The same numbers in float32 give the same answers.
"""

from __future__ import annotations

from typing import Any

from edgekit import _tf

__all__ = ["with_float_inputs"]

SMALL = ("bool", "int8", "int16", "uint8", "uint16", "float16", "bfloat16", "float64")
"""Dtypes that images and signals come in; int32 and int64 are indices, of embeddings and look-ups."""
BY_INDEX = ("CategoryEncoding", "Embedding", "Hashing", "IntegerLookup")


def with_float_inputs(model: Any) -> Any:
    """The same function with float32 inputs where they had another dtype, and were no indices.

    Args:
        model: A flat tf_keras model.

    Returns:
        A copy, or the model itself where there is no such input.
    """
    keras = _tf.tf_keras()
    if not any(_is_small(tensor) for tensor in model.inputs):
        return model
    inputs = [
        keras.Input(
            batch_shape=tuple(tensor.shape),
            dtype="float32" if _is_small(tensor) else tensor.dtype,
            name=tensor._keras_history.layer.name,
        )
        for tensor in model.inputs
    ]
    clone = keras.models.clone_model(model, input_tensors=inputs)
    clone.set_weights(model.get_weights())
    return clone


def _is_small(tensor: Any) -> bool:
    if tensor.dtype.name not in SMALL:
        return False
    readers = [node.outbound_layer for node in tensor._keras_history.layer._outbound_nodes]
    return not any(type(layer).__name__ in BY_INDEX for layer in readers)

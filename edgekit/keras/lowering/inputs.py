"""Inputs in dtypes that files take: floats in place of few bits, and indices in place of floats that are indices.

A Keras input of uint8 puts a CAST into the file: its int8 form keeps float tensors behind it, and its float form has an
input of another dtype than all others. The same numbers in float32 give the same answers.
"""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.cloning import cloned
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasLayer, KerasModel, KerasTensor

__all__ = ["with_float_inputs", "with_index_inputs", "with_single_batch"]

SMALL = ("bool", "int8", "int16", "uint8", "uint16", "float16", "bfloat16", "float64")
"""Dtypes that images and signals come in; int32 and int64 are indices, of embeddings and look-ups."""


def with_float_inputs(model: KerasModel) -> Any:
    """The same function with float32 inputs where they had another dtype and the model makes floats of them first.

    Args:
        model: A flat tf_keras model.

    Returns:
        A copy, or the model itself where there is no such input.
    """
    return _with_dtypes(model, {id(t): "float32" for t in model.inputs if _is_small(t)})


def with_index_inputs(model: KerasModel) -> Any:
    """The same function with int32 inputs where float ones hold indices: quantised to 8 bits, they would be others.

    Keras gives an Embedding at a model's front a float input unless it is told otherwise.

    Args:
        model: A flat tf_keras model.

    Returns:
        A copy, or the model itself where there is no such input.
    """
    return _with_dtypes(model, {id(t): "int32" for t in model.inputs if _holds_indices(t)})


def with_single_batch(model: KerasModel) -> Any:
    """A copy of a flat tf_keras model whose inputs have batch 1, which stateful layers must know; states are zero."""
    return cloned(model, lambda layer: None, [_input_like(t, shape=(1, *t.shape[1:])) for t in model.inputs])


def _with_dtypes(model: KerasModel, dtypes: dict[int, str]) -> Any:
    """The model with other dtypes of some inputs, by the identity of the tensors."""
    if not dtypes:
        return model
    return cloned(model, lambda layer: None, [_input_like(t, dtype=dtypes.get(id(t))) for t in model.inputs])


def _input_like(tensor: KerasTensor, *, shape: tuple[int | None, ...] | None = None, dtype: str | None = None) -> Any:
    """A new input with the name of another one."""
    return _tf.tf_keras().Input(
        batch_shape=shape or tuple(tensor.shape), dtype=dtype or tensor.dtype, name=tensor._keras_history.layer.name
    )


def _holds_indices(tensor: KerasTensor) -> bool:
    readers = [node.outbound_layer for node in tensor._keras_history.layer.outbound_nodes]
    embedding = _tf.tf_keras().layers.Embedding
    return tensor.dtype.is_floating and bool(readers) and all(isinstance(r, embedding) for r in readers)


def _is_small(tensor: KerasTensor) -> bool:
    return tensor.dtype.name in SMALL and _becomes_float(tensor._keras_history.layer)


def _becomes_float(layer: KerasLayer) -> bool:
    """Whether everything that reads a layer's output makes floats of it before it computes."""
    readers = [node.outbound_layer for node in layer.outbound_nodes]
    return bool(readers) and all(
        kind_of(reader).first == "cast"  # others may wrap round, look up or scale by the dtype
        or (kind_of(reader).first == "kept" and _becomes_float(reader))
        or getattr(reader, "symbol", None) == "cast"
        for reader in readers
    )

"""Biases of integer operators: stored in the scale of the input times that of the weights.

TensorFlow's converter stores a bias that several operators share once, in the scale of one of them, where activations
have 16 bits: a layer called twice, or steps of a loop written out, then add another bias than Keras does.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.tensors import Array
from edgekit.tflite.ops import op_spec
from edgekit.tflite.writing import kind_of, opened, packed

__all__ = ["rescale_bias", "with_own_biases"]

NEAR = 1e-3
"""A scale that differs by less, relatively, is the same: the converter computes them in float32."""


def with_own_biases(content: bytes) -> bytes:
    """The file in which every operator has its bias in its own scale; itself where that is so."""
    model = opened(content)
    changed = [_settle(model, graph, operator) for graph in model.subgraphs for operator in graph.operators or []]
    return packed(model) if any(changed) else content


def rescale_bias(
    model: schema.ModelT, graph: schema.SubGraphT, operator: schema.OperatorT, operand: int, ratio: Array | float
) -> None:
    """Store an operator's bias in steps that are `ratio` times smaller, as a constant of its own.

    Args:
        model: The file's objects.
        graph: The operator's.
        operator: One with a constant bias of int32 or int64.
        operand: Which of its inputs the bias is.
        ratio: Of each channel, or of all.
    """
    old = graph.tensors[operator.inputs[operand]]
    dtype = np.int64 if old.type == schema.TensorType.INT64 else np.int32
    data = model.buffers[old.buffer].data
    assert data is not None
    values = np.frombuffer(bytes(data), dtype).astype(np.float64)
    limits = np.iinfo(dtype)
    stored = np.clip(np.rint(values * ratio), limits.min, limits.max).astype(dtype)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(stored.tobytes(), np.uint8)
    model.buffers.append(buffer)
    new = schema.TensorT()
    new.__dict__.update(old.__dict__)
    new.buffer = len(model.buffers) - 1
    if old.quantization is not None and old.quantization.scale is not None:
        new.quantization = schema.QuantizationParametersT()
        new.quantization.__dict__.update(old.quantization.__dict__)
        new.quantization.scale = (np.asarray(old.quantization.scale, np.float64) / ratio).astype(np.float32)
        new.quantization.zeroPoint = np.zeros(len(new.quantization.scale), np.int64)
    graph.tensors.append(new)
    inputs = np.array(list(operator.inputs), np.int32)
    inputs[operand] = len(graph.tensors) - 1
    operator.inputs = inputs


def _settle(model: schema.ModelT, graph: schema.SubGraphT, operator: schema.OperatorT) -> bool:
    """Whether an operator's bias had another scale, and was stored anew."""
    values, weights, operand = op_spec(kind_of(model, operator)).bias or (0, 0, len(operator.inputs))
    if operand >= len(operator.inputs) or operator.inputs[operand] < 0:
        return False
    given, filters, stored = (_scale(graph.tensors[operator.inputs[i]]) for i in (values, weights, operand))
    if given is None or filters is None or stored is None:
        return False
    ratio = np.atleast_1d(stored / (given * filters))
    if np.all(np.abs(ratio - 1) <= NEAR):
        return False
    rescale_bias(model, graph, operator, operand, ratio)
    return True


def _scale(tensor: schema.TensorT) -> Array | None:
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return None
    return np.asarray(list(quantization.scale), np.float64)

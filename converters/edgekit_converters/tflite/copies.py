"""Operators that only move values: their kernels copy integers, so both sides must have one scale.

TensorFlow's converter gives the result of REVERSE_V2 the scale that CONCATENATION behind it wants. The integers then
mean other values: a Bidirectional LSTM answered with 12 dB in place of 34.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.tflite.ops import op_spec
from edgekit.tflite.writing import affine, opened, packed
from edgekit_converters.tflite.graft import Graft

__all__ = ["with_true_copies"]


def with_true_copies(content: bytes) -> bytes:
    """The file in which copies keep their scale, and QUANTIZE changes it behind them; itself where that is so."""
    graft = Graft(opened(content))
    changed = [
        _settle(graft, graph, operator, place)
        for graph in graft.model.subgraphs
        for operator in list(graph.operators or [])
        if op_spec(graft.kind(operator)).scales == "copies"
        for place in range(len(operator.outputs))
    ]
    return packed(graft.model) if any(changed) else content


def _settle(graft: Graft, graph: schema.SubGraphT, operator: schema.OperatorT, place: int) -> bool:
    """Whether a copy's result had another scale than its source, and is now made by QUANTIZE."""
    source, result = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[place]]
    one, other = affine(source), affine(result)
    if len(one) != 3 or len(other) != 3 or one == other or source.type != result.type:
        return False
    wanted, copy = int(operator.outputs[place]), graft.like(graph, source, f"edgekit_copy_{len(graph.tensors)}")
    graph.tensors[copy].shape = result.shape
    outputs = np.array(list(operator.outputs), np.int32)
    outputs[place] = copy
    operator.outputs = outputs
    changed = graft.operator(graph, "QUANTIZE", [copy], [wanted], schema.QuantizeOptionsT(), 2)
    graph.operators.remove(changed)
    graph.operators.insert(graph.operators.index(operator) + 1, changed)
    return True

"""Outputs before a final softmax: a variant of a file that answers with logits, for comparing, never to ship."""

from __future__ import annotations

import struct

from ai_edge_litert import schema_py_generated as schema

from edgekit.tflite.model import Graph, Model

__all__ = ["softmax_input", "with_outputs"]

_OUTPUTS = 8
"""Where a subgraph's table says where the list of its outputs stands: the third field of SubGraph in the schema."""
_PASSED = ("QUANTIZE", "DEQUANTIZE")


def softmax_input(model: Model, output: int) -> int | None:
    """The tensor that the softmax at an output reads, a change of dtype behind it aside; None where there is none.

    Args:
        model: The file.
        output: Index of a tensor of the first subgraph.
    """
    graph, tensor = model.subgraphs[0], output
    while (maker := _maker(graph, tensor)) is not None and graph.operators[maker].name in _PASSED:
        tensor = graph.operators[maker].inputs[0]
    if maker is None or graph.operators[maker].name != "SOFTMAX":
        return None
    return graph.operators[maker].inputs[0]


def with_outputs(content: bytes, tensors: list[int]) -> bytes:
    """The file with other tensors of its first subgraph as outputs, as many as it has."""
    table = schema.Model.GetRootAs(content, 0).Subgraphs(0)._tab
    changed = bytearray(content)
    struct.pack_into(f"<{len(tensors)}i", changed, table.Vector(table.Offset(_OUTPUTS)), *tensors)
    return bytes(changed)


def _maker(graph: Graph, tensor: int) -> int | None:
    return next((i for i, operator in enumerate(graph.operators) if tensor in operator.outputs), None)

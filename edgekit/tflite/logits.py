"""Outputs before a final softmax: a variant of a file that answers with logits, for comparing, never to ship."""

from __future__ import annotations

import struct

from ai_edge_litert import schema_py_generated as schema

from edgekit.tflite.model import Model

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
    graph, tensor = model.graphs[0], output
    while (producer := graph.producer(tensor)) is not None and producer.name in _PASSED:
        tensor = producer.inputs[0]
    return producer.inputs[0] if producer is not None and producer.name == "SOFTMAX" else None


def with_outputs(content: bytes, tensors: list[int]) -> bytes:
    """The file with other tensors of its first subgraph as outputs, as many as it has."""
    table = schema.Model.GetRootAs(content, 0).Subgraphs(0)._tab
    changed = bytearray(content)
    struct.pack_into(f"<{len(tensors)}i", changed, table.Vector(table.Offset(_OUTPUTS)), *tensors)
    return bytes(changed)

"""Single numbers of float16 files, kept in float32.

Two bytes are not worth a DEQUANTIZE, nor the rounding; and tflite-runtime 2.14 mixes such numbers up where two loops
have them (hard_sigmoid in a stack of LSTMs answered with 1 dB).
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.tflite.writing import kind_of, opened, packed

__all__ = ["with_wide_scalars"]


def with_wide_scalars(content: bytes) -> bytes:
    """The file in which constants of one element are float32; itself where none is float16."""
    model = opened(content)
    changed = [_widen(model, graph, op) for graph in model.subgraphs for op in list(graph.operators or [])]
    return packed(model) if any(changed) else content


def _widen(model: schema.ModelT, graph: schema.SubGraphT, operator: schema.OperatorT) -> bool:
    if kind_of(model, operator) != "DEQUANTIZE":
        return False
    narrow, wide = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    data = model.buffers[narrow.buffer].data
    shape = [] if narrow.shape is None else list(narrow.shape)
    left = int(operator.outputs[0]) in [int(i) for i in graph.outputs]
    if narrow.type != schema.TensorType.FLOAT16 or data is None or int(np.prod(shape)) != 1 or left:
        return False
    buffer = schema.BufferT()
    values = np.frombuffer(bytes(data), np.float16).astype(np.float32)
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    wide.buffer = len(model.buffers) - 1
    graph.operators.remove(operator)
    return True

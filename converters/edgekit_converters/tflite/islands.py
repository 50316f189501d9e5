"""Operators that TensorFlow's converter leaves in float inside an integer file, although integer kernels have them."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.models.tflite.writing import builtin_codes, opened, packed

__all__ = ["without_islands"]

OPERATORS = (schema.BuiltinOperator.ELU,)
"""Those whose int8 kernels, under every runtime, take any scale on both sides."""


def without_islands(content: bytes) -> bytes:
    """The file in which DEQUANTIZE, such an operator, QUANTIZE is the operator on int8 alone; itself where none is."""
    if not builtin_codes(content) & set(OPERATORS):
        return content
    model = opened(content)
    kinds = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    changed = [_fold(graph, operator, kinds) for graph in model.subgraphs for operator in list(graph.operators)]
    return packed(model) if any(changed) else content


def _fold(graph: Any, operator: Any, kinds: list[int]) -> bool:
    if kinds[operator.opcodeIndex] not in OPERATORS:
        return False
    before = [o for o in graph.operators if operator.inputs[0] in o.outputs]
    after = [o for o in graph.operators if operator.outputs[0] in o.inputs]
    leaves = int(operator.outputs[0]) in [int(i) for i in graph.outputs]
    if [kinds[o.opcodeIndex] for o in before] != [schema.BuiltinOperator.DEQUANTIZE] or leaves:
        return False
    if [kinds[o.opcodeIndex] for o in after] != [schema.BuiltinOperator.QUANTIZE]:
        return False
    stored = int(before[0].inputs[0]), int(after[0].outputs[0])
    if any(graph.tensors[i].type != schema.TensorType.INT8 for i in stored):
        return False
    operator.inputs, operator.outputs = np.array(stored[:1], np.int32), np.array(stored[1:], np.int32)
    graph.operators.remove(after[0])
    if not any(before[0].outputs[0] in o.inputs for o in graph.operators):
        graph.operators.remove(before[0])
    return True

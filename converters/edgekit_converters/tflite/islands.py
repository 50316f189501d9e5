"""Operators that TensorFlow's converter leaves in float inside an integer file, although integer kernels have them."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.tflite.writing import affine, builtin_codes, opened, packed
from edgekit_converters.tflite.graft import Graft

__all__ = ["without_islands"]

ISLANDS = (schema.BuiltinOperator.ELU, schema.BuiltinOperator.CAST)


def without_islands(content: bytes) -> bytes:
    """The file without detours through float32; itself where there is none.

    DEQUANTIZE, ELU, QUANTIZE is ELU on int8 alone, whose kernels take any scale on both sides. CAST of a mask's flags,
    QUANTIZE is a choice between the integers of 1 and 0.
    """
    if not builtin_codes(content) & set(ISLANDS):
        return content
    model = opened(content)
    graft = Graft(model)
    changed = [_fold(graft, graph, operator) for graph in model.subgraphs for operator in list(graph.operators)]
    return packed(model) if any(changed) else content


def _fold(graft: Graft, graph: schema.SubGraphT, operator: schema.OperatorT) -> bool:
    kind = graft.kind(operator)
    if kind not in ("ELU", "CAST") or int(operator.outputs[0]) in [int(i) for i in graph.outputs]:
        return False
    after = [o for o in graph.operators if operator.outputs[0] in o.inputs]
    if [graft.kind(o) for o in after] != ["QUANTIZE"]:
        return False
    return (_fold_elu if kind == "ELU" else _fold_flags)(graft, graph, operator, after[0])


def _fold_elu(graft: Graft, graph: schema.SubGraphT, operator: schema.OperatorT, after: schema.OperatorT) -> bool:
    before = [o for o in graph.operators if operator.inputs[0] in o.outputs]
    if [graft.kind(o) for o in before] != ["DEQUANTIZE"]:
        return False
    stored = int(before[0].inputs[0]), int(after.outputs[0])
    if any(graph.tensors[i].type != schema.TensorType.INT8 for i in stored):
        return False
    operator.inputs, operator.outputs = np.array(stored[:1], np.int32), np.array(stored[1:], np.int32)
    graph.operators.remove(after)
    read = [int(i) for o in graph.operators for i in o.inputs] + [int(i) for i in graph.outputs]
    if int(before[0].outputs[0]) not in read:
        graph.operators.remove(before[0])
    return True


def _fold_flags(graft: Graft, graph: schema.SubGraphT, operator: schema.OperatorT, after: schema.OperatorT) -> bool:
    flags, numbers = graph.tensors[operator.inputs[0]], graph.tensors[after.outputs[0]]
    scale = affine(numbers)
    if flags.type != schema.TensorType.BOOL or numbers.type != schema.TensorType.INT8 or len(scale) != 3:
        return False
    shape, name = [1] * len(flags.shape), f"edgekit_flags_{len(graph.tensors)}"
    one = np.full(shape, min(127, round(1 / scale[1]) + scale[2]), np.int8)
    constants = [
        graft.constant(graph, f"{name}_one", one, numbers.quantization),
        graft.constant(graph, f"{name}_zero", np.full(shape, scale[2], np.int8), numbers.quantization),
    ]
    choice = graft.operator(
        graph, "SELECT_V2", [operator.inputs[0], *constants], after.outputs, schema.SelectV2OptionsT()
    )
    graph.operators.remove(choice)
    graph.operators[graph.operators.index(operator)] = choice
    graph.operators.remove(after)
    return True

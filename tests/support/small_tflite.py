"""Tiny `.tflite` files, written without a converter: dtypes, both kinds of state, what old runtimes get wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from hostile_tflite import Writer

__all__ = ["DTYPES", "counter", "crossed", "dense", "lstm", "needing", "picked", "steps"]

DTYPES = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool")
FLOAT, INT32, INT16, INT8, RESOURCE = 0, 2, 7, 9, 13


def crossed(dtype: str) -> bytes:
    """Inputs [2, 3] and [4] of a dtype; outputs [2, 2], of the second, and [6], of the first."""
    writer = Writer()
    graph = writer.subgraph([0, 1], [2, 3])
    kind = getattr(schema.TensorType, dtype.upper())
    for shape in ([2, 3], [4], [2, 2], [6]):
        writer.tensor(graph, shape, kind)
    for place, (source, shape) in enumerate(((1, [2, 2]), (0, [6]))):
        wanted = writer.tensor(graph, [len(shape)], INT32, writer.buffer(np.array(shape, np.int32)))
        writer.operator(graph, "RESHAPE", [source, wanted], [2 + place], "ReshapeOptions", newShape=shape)
    return writer.bytes()


def dense(*, channels: bool, floating: bool = False) -> bytes:
    """y = x for x [1, 3] of -1 to 1, as FULLY_CONNECTED: int8 with one scale or one per channel, or float32."""
    writer = Writer()
    graph = writer.subgraph([0], [2])
    kernel = np.eye(3, dtype=np.float32) if floating else 64 * np.eye(3, dtype=np.int8)
    kind = FLOAT if floating else INT8
    writer.tensor(graph, [1, 3], kind)
    writer.tensor(graph, [3, 3], kind, writer.buffer(kernel))
    writer.tensor(graph, [1, 3], kind)
    if not floating:
        scales = ([1 / 127], [1 / 64] * (3 if channels else 1), [1 / 127])
        for tensor, values in zip(graph.tensors, scales, strict=True):
            _quantise(tensor, values)
    writer.operator(graph, "FULLY_CONNECTED", [0, 1, -1], [2], "FullyConnectedOptions")
    writer.model.operatorCodes[0].version = 1 if floating else 4
    return writer.bytes()


def lstm(*, steps: int, zero_point: int | None) -> bytes:
    """UNIDIRECTIONAL_SEQUENCE_LSTM, x [1, steps, 2] to [1, steps, 3]: int8 with this zero point of the hidden state, or
    float32 where there is none."""
    writer, rng, units = Writer(), np.random.default_rng(4), 3
    graph, integers = writer.subgraph([0]), zero_point is not None

    def add(shape: Sequence[int], scale: float, data: Any = None, kind: int = INT8, zero: int = 0) -> int:
        place = writer.tensor(graph, shape, kind if integers else FLOAT, 0 if data is None else writer.buffer(data))
        if integers:
            _quantise(graph.tensors[place], [scale], zero)
        return place

    def weights(columns: int) -> int:
        values = rng.integers(-127, 128, (units, columns))
        return add(values.shape, 1 / 127, values.astype(np.int8) if integers else (values / 127).astype(np.float32))

    inputs = [add([1, steps, 2], 1 / 64)]
    inputs += [weights(2) for _ in range(4)] + [weights(units) for _ in range(4)] + [-1] * 3
    zeros = np.zeros(units, np.int32 if integers else np.float32)
    inputs += [add([units], 1 / 64 / 127, zeros, INT32) for _ in range(4)] + [-1] * 2
    inputs += [add([1, units], 1 / 128, zero=zero_point or 0), add([1, units], 2.0**-11, kind=INT16)] + [-1] * 4
    graph.tensors[inputs[18]].isVariable = graph.tensors[inputs[19]].isVariable = True
    result = add([1, steps, units], 1 / 128, zero=zero_point or 0)
    graph.outputs = np.array([result], np.int32)
    options = "UnidirectionalSequenceLSTMOptions"
    tanh = schema.ActivationFunctionType.TANH
    writer.operator(graph, "UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [result], options, fusedActivationFunction=tanh)
    if integers:
        places = [writer.tensor(graph, [0]) for _ in range(4)] + [add([0], 1 / 128, zero=zero_point or 0)]
        graph.operators[0].intermediates = np.array(places, np.int32)
    return writer.bytes()


def counter() -> bytes:
    """y = x + what the call before gave, float32 [1], kept in a resource variable that begins at 10."""
    writer = Writer()
    for graph in (writer.subgraph([0], [3]), writer.subgraph()):
        writer.tensor(graph, [1])
        writer.tensor(graph, [], RESOURCE)
        if graph is writer.model.subgraphs[0]:
            writer.operator(graph, "CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=1)
        writer.operator(graph, "VAR_HANDLE", [], [1], "VarHandleOptions", container="", sharedName="kept")
        if graph is writer.model.subgraphs[0]:
            before, after = writer.tensor(graph, [1]), writer.tensor(graph, [1])
            writer.operator(graph, "READ_VARIABLE", [1], [before], "ReadVariableOptions")
            writer.operator(graph, "ADD", [before, 0], [after], "AddOptions")
        else:
            after = writer.tensor(graph, [1], FLOAT, writer.buffer(np.array([10], np.float32)))
        writer.operator(graph, "ASSIGN_VARIABLE", [1, after], [], "AssignVariableOptions")
    return writer.bytes()


def needing(name: str, version: int) -> bytes:
    """One operator of this version, float32 [1, 4] to [1, 4]."""
    writer = Writer()
    graph = writer.subgraph([0], [1])
    writer.tensor(graph, [1, 4])
    writer.tensor(graph, [1, 4])
    writer.operator(graph, name, [0], [1])
    writer.model.operatorCodes[0].version = version
    return writer.bytes()


def picked() -> bytes:
    """GATHER of x, float32 [4], by an index, int32 [1], which not every runtime checks."""
    writer = Writer()
    graph = writer.subgraph([0, 1], [2])
    for shape, kind in (([4], FLOAT), ([1], INT32), ([1], FLOAT)):
        writer.tensor(graph, shape, kind)
    writer.operator(graph, "GATHER", [0, 1], [2], "GatherOptions")
    return writer.bytes()


def steps() -> bytes:
    """0, 1, ... below x, int32: an output whose shape hangs on the values."""
    writer = Writer()
    graph = writer.subgraph([0], [3])
    writer.tensor(graph, [], INT32)
    for value in (0, 1):
        writer.tensor(graph, [], INT32, writer.buffer(np.array(value, np.int32)))
    writer.tensor(graph, [1], INT32, open_=True)
    writer.operator(graph, "RANGE", [1, 0, 2], [3], "RangeOptions")
    return writer.bytes()


def _quantise(tensor: Any, scales: Sequence[float], zero_point: int = 0) -> None:
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = np.array(scales, np.float32)
    tensor.quantization.zeroPoint = np.full(len(scales), zero_point, np.int64)

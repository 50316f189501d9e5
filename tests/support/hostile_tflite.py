"""Writers of `.tflite` files that make their reader slow, of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

__all__ = [
    "CALLS",
    "INT32",
    "INT4",
    "INT8",
    "STRING",
    "Writer",
    "call",
    "calling",
    "constants",
    "loops",
    "one_axis_list",
    "one_buffer",
    "operators",
    "tables",
    "wide",
]

INT8, INT32, STRING, INT4 = (schema.TensorType.INT8, schema.TensorType.INT32, schema.TensorType.STRING, 17)


class Writer:
    """A model that grows by tensors, operators and subgraphs."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version, self.model.subgraphs = 3, []
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.codes: dict[str, int] = {}

    def buffer(self, data: Any) -> int:
        made = schema.BufferT()
        made.data = np.frombuffer(np.asarray(data).tobytes(), np.uint8)
        self.model.buffers.append(made)
        return len(self.model.buffers) - 1

    def subgraph(self, inputs: Sequence[int] = (), outputs: Sequence[int] = ()) -> Any:
        made = schema.SubGraphT()
        made.tensors, made.operators = [], []
        made.inputs, made.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        self.model.subgraphs.append(made)
        return made

    def tensor(self, graph: Any, shape: Sequence[int], kind: int = 0, buffer: int = 0, *, open_: bool = False) -> int:
        made = schema.TensorT()
        made.shape, made.type, made.buffer, made.name = np.array(shape, np.int32), kind, buffer, "t"
        if open_:
            made.shapeSignature = np.full(len(shape), -1, np.int32)
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def scale(self, tensor: Any, zero_point: int) -> None:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = np.ones(1, np.float32)
        tensor.quantization.zeroPoint = np.array([zero_point], np.int64)

    def operator(self, graph: Any, name: str, inputs: Any, outputs: Any, options: Any = None, **fields: Any) -> None:
        if name not in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode = min(127, code.builtinCode)
            self.codes[name] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex = self.codes[name]
        made.inputs, made.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        if options is not None:
            second = hasattr(schema.BuiltinOptions2, options)
            values = getattr(schema, options + "T")()
            for key, value in fields.items():
                setattr(values, key, value)
            if second:
                made.builtinOptions2Type, made.builtinOptions2 = getattr(schema.BuiltinOptions2, options), values
            else:
                made.builtinOptionsType, made.builtinOptions = getattr(schema.BuiltinOptions, options), values
        graph.operators.append(made)

    def bytes(self) -> bytes:
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def call(writer: Writer, graph: Any, kind: str, target: int, tensor: int) -> None:
    """An operator of one of the kinds that run another subgraph."""
    boolean = writer.tensor(graph, [1], schema.TensorType.BOOL, writer.buffer(np.ones(1, np.uint8)))
    result = writer.tensor(graph, [1])
    if kind == "WHILE":
        fields = {"condSubgraphIndex": target, "bodySubgraphIndex": target}
        writer.operator(graph, "WHILE", [tensor], [result], "WhileOptions", **fields)
    elif kind == "IF":
        fields = {"thenSubgraphIndex": target, "elseSubgraphIndex": target}
        writer.operator(graph, "IF", [boolean, tensor], [result], "IfOptions", **fields)
    elif kind == "CALL_ONCE":
        writer.operator(graph, "CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=target)
    elif kind == "CALL":
        writer.operator(graph, "CALL", [tensor], [result], "CallOptions", subgraph=target)
    else:
        fields = {"decompositionSubgraphIndex": target}
        writer.operator(graph, "STABLEHLO_COMPOSITE", [tensor], [result], "StableHLOCompositeOptions", **fields)


CALLS = ("WHILE", "IF", "CALL_ONCE", "CALL", "STABLEHLO_COMPOSITE")


def calling(n: int, kind: str, times: int = 1) -> bytes:
    """A chain of n subgraphs, each of which calls the next one."""
    writer = Writer()
    for index in range(n):
        graph = writer.subgraph([0], [0])
        writer.tensor(graph, [1])
        for _ in range(times if index + 1 < n else 0):
            call(writer, graph, kind, index + 1, 0)
    return writer.bytes()


def operators(n: int, name: str, *, quantised: bool = False) -> bytes:
    """A chain of n operators on tensors of open shape."""
    writer = Writer()
    graph = writer.subgraph([0], [n])
    writer.tensor(graph, [1, 1], open_=True)
    for place in range(n):
        writer.tensor(graph, [1, 1], open_=True)
        if quantised:
            writer.scale(graph.tensors[-1], 0)
        writer.operator(graph, name, [place], [place + 1])
    return writer.bytes()


def constants(n: int) -> bytes:
    """A constant through n DEQUANTIZE operators, each of whose results is a dense layer's kernel."""
    writer = Writer()
    graph = writer.subgraph([0], [0])
    writer.tensor(graph, [1, 1])
    last = writer.tensor(graph, [1, 1], INT8, writer.buffer(np.ones(1, np.int8)))
    for _ in range(n):
        following, result = writer.tensor(graph, [1, 1]), writer.tensor(graph, [1, 1])
        writer.operator(graph, "DEQUANTIZE", [last], [following])
        writer.operator(graph, "FULLY_CONNECTED", [0, following, -1], [result])
        last = following
    return writer.bytes()


def wide(n: int, name: str) -> bytes:
    """One operator with n operands and n results, all of open shape."""
    writer = Writer()
    graph = writer.subgraph(range(n), range(n, 2 * n))
    for _ in range(2 * n):
        writer.tensor(graph, [1, 1, 1], open_=True)
    writer.operator(graph, name, range(n), range(n, 2 * n))
    return writer.bytes()


def loops(n: int) -> bytes:
    """n loops through one body with n states; the condition compares a state with a constant."""
    writer = Writer()
    main, condition, body = writer.subgraph(), writer.subgraph(range(n)), writer.subgraph(range(n), range(n))
    for graph in (main, condition, body):
        for _ in range(n):
            writer.tensor(graph, [1], INT32)
    main.inputs, main.outputs = np.arange(n, dtype=np.int32), np.zeros(1, np.int32)
    bound = writer.tensor(condition, [1], INT32, writer.buffer(np.array([7], "<i4")))
    flag = writer.tensor(condition, [1], schema.TensorType.BOOL)
    writer.operator(condition, "LESS", [n - 1, bound], [flag])
    condition.outputs = np.array([flag], np.int32)
    for _ in range(n):
        result = writer.tensor(main, [1], INT32)
        fields = {"condSubgraphIndex": 1, "bodySubgraphIndex": 2}
        writer.operator(main, "WHILE", [0], [result], "WhileOptions", **fields)
    return writer.bytes()


def one_buffer(n: int, kind: int, *, scaled: bool = False) -> bytes:
    """n tensors that name one constant of n values, each of which an operator computes with."""
    writer = Writer()
    graph = writer.subgraph([0], [0])
    writer.tensor(graph, [1, n])
    if kind == STRING:
        ends = 4 * (n + 2) + np.arange(n + 1)
        data = np.concatenate([[n], ends]).astype("<i4").tobytes() + b"x" * n
    else:
        data = bytes(n * {INT8: 1, INT32: 4, INT4: 1}[kind] // (2 if kind == INT4 else 1))
    buffer = writer.buffer(np.frombuffer(data, np.uint8))
    for place in range(n):
        index = writer.tensor(graph, [n] if kind == STRING else [1, n], kind, buffer)
        if scaled:
            writer.scale(graph.tensors[index], place)
        writer.operator(graph, "FULLY_CONNECTED", [0, index, -1], [writer.tensor(graph, [1, 1])])
    return writer.bytes()


def one_axis_list(n: int, name: str) -> bytes:
    """n operators that name one list of n axes."""
    writer = Writer()
    graph = writer.subgraph([0], [0])
    writer.tensor(graph, [1, 1], open_=True)
    axes = writer.tensor(graph, [n], INT32, writer.buffer(np.ones(n, "<i4")))
    for _ in range(n):
        writer.operator(graph, name, [0, axes], [writer.tensor(graph, [1, 1], open_=True)])
    return writer.bytes()


def tables(n: int) -> bytes:
    """n look-ups whose results are all outputs of a model that computes on floats too."""
    writer = Writer()
    graph = writer.subgraph([0], range(2, n + 2))
    writer.tensor(graph, [1, 1])
    table = writer.tensor(graph, [1, 1], INT8, writer.buffer(np.ones(1, np.int8)))
    for _ in range(n):
        writer.operator(graph, "GATHER", [table, 0], [writer.tensor(graph, [1, 1], INT8)])
    return writer.bytes()

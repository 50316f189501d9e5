"""Hand-made `.tflite` files, of the schema's own objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

__all__ = ["argument", "buffer", "dense_model", "packed", "spoil", "tensor"]


def tensor(shape: list[int], kind: int = 0, buffer: int = 0, name: str = "t") -> Any:
    made = schema.TensorT()
    made.shape, made.type, made.buffer, made.name = np.array(shape, np.int32), kind, buffer, name
    return made


def dense_model() -> Any:
    """[1, 4] -> FULLY_CONNECTED, 3 units, int4 kernel scaled per channel, float bias -> [1, 3]."""
    model = schema.ModelT()
    model.version, model.description = 3, "hand-made"
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 7
    model.operatorCodes = [code]
    kernel = np.array([0x10, 0xF2, 0x98, 0x76, 0x00, 0x87], np.uint8)
    model.buffers = [
        buffer(),
        buffer(kernel),
        buffer(np.array([1, 2, 3], "<f4").view(np.uint8)),
        buffer(np.frombuffer(b"2.1.0" + bytes(11), np.uint8)),
    ]
    weights = tensor([3, 4], schema.TensorType.INT4, 1, "kernel")
    weights.quantization = schema.QuantizationParametersT()
    weights.quantization.scale = np.array([0.5, 0.25, 1.0], np.float32)
    weights.quantization.zeroPoint = np.zeros(3, np.int64)
    tensors = [tensor([1, 4], name="x"), weights, tensor([3], 0, 2, "bias"), tensor([1, 3], name="y")]
    tensors[0].shapeSignature = np.array([-1, 4], np.int32)
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.name = tensors, np.array([0]), np.array([3]), "main"
    op = schema.OperatorT()
    op.inputs, op.outputs = np.array([0, 1, 2], np.int32), np.array([3], np.int32)
    op.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    op.builtinOptions = schema.FullyConnectedOptionsT()
    op.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.RELU
    graph.operators = [op]
    graph.inputs, graph.outputs = graph.inputs.astype(np.int32), graph.outputs.astype(np.int32)
    model.subgraphs = [graph]
    entry = schema.MetadataT()
    entry.name, entry.buffer = "min_runtime_version", 3
    model.metadata = [entry]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs, signature.outputs = [argument("image", 0)], [argument("scores", 3)]
    model.signatureDefs = [signature]
    return model


def buffer(data: Any = None) -> Any:
    made = schema.BufferT()
    made.data = data
    return made


def argument(name: str, index: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, index
    return made


def packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def spoil(change: str) -> Callable[[Any], None]:
    """A fault as an assignment to m (model), g (first subgraph), o (its operator), t (its tensors), b (buffers)."""

    def apply(made: Any) -> None:
        graph = made.subgraphs[0]
        names = {"m": made, "g": graph, "o": graph.operators[0], "t": graph.tensors, "b": made.buffers}
        exec(change, {"np": np, "schema": schema, "tensor": tensor, "buffer": buffer}, names)

    return apply

"""Reading `.tflite` files: what a well-formed one gives, and that nothing but ModelError comes of any other."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgekit.errors import ModelError
from edgekit.models.tflite import inspect_tflite, read_tflite


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


def test_what_a_file_holds() -> None:
    model = read_tflite(packed(dense_model()))
    graph = model.subgraphs[0]
    x, kernel, bias, _ = graph.tensors
    assert (graph.name, graph.inputs, graph.outputs) == ("main", (0,), (3,))
    assert (x.name, x.shape, x.signature, x.dtype, x.data, x.constant) == ("x", (1, 4), (-1, 4), "float32", None, False)
    assert (kernel.dtype, kernel.channel_axis, kernel.scales) == ("int4", 0, (0.5, 0.25, 1.0))
    assert kernel.data is not None and kernel.data.tolist() == [[0, 1, 2, -1], [-8, -7, 6, 7], [0, 0, 7, -8]]
    assert bias.data is not None and bias.data.tolist() == [1, 2, 3] and not bias.data.flags.writeable
    op = graph.operators[0]
    assert (op.name, op.version, op.inputs, op.outputs, op.custom) == ("FULLY_CONNECTED", 7, (0, 1, 2), (3,), False)
    assert op.options["fused_activation_function"] == "RELU" and op.options["keep_num_dims"] is False
    assert (model.min_runtime, model.metadata, model.description) == ("2.1.0", ("min_runtime_version",), "hand-made")
    assert model.signatures[0].inputs == {"image": 0} and model.signatures[0].outputs == {"scores": 3}
    assert model.bytes == len(packed(dense_model()))


def test_custom_operators_and_optional_operands() -> None:
    made = dense_model()
    made.operatorCodes[0].builtinCode = made.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    made.operatorCodes[0].customCode = "FlexErf"
    made.subgraphs[0].operators[0].customOptions = np.array([1, 2], np.uint8)
    made.subgraphs[0].operators[0].inputs[2] = -1
    op = read_tflite(packed(made)).subgraphs[0].operators[0]
    assert (op.name, op.custom, op.flex, op.custom_options, op.inputs) == ("FlexErf", True, True, b"\1\2", (0, 1, -1))


def test_constants_behind_the_flatbuffer() -> None:
    made = dense_model()
    made.buffers[2].data = None
    made.buffers[2].offset, made.buffers[2].size = 2, 12  # placeholders of the same width
    at = (len(packed(made)) + 15) // 16 * 16
    made.buffers[2].offset = at
    data = packed(made).ljust(at, b"\0")
    bias = read_tflite(data + np.array([1, 2, 3], "<f4").tobytes()).subgraphs[0].tensors[2].data
    assert bias is not None and bias.tolist() == [1, 2, 3]
    with pytest.raises(ModelError, match="behind the flatbuffer"):
        read_tflite(data)


def sparse_kernel(made: Any) -> None:
    """The kernel as float32 [3, 4] in compressed sparse rows: one value, none, two values."""
    kernel = made.subgraphs[0].tensors[1]
    kernel.type, kernel.quantization = schema.TensorType.FLOAT32, None
    made.buffers[1].data = np.array([5, 6, 0], "<f4").view(np.uint8)
    kernel.sparsity = schema.SparsityParametersT()
    kernel.sparsity.traversalOrder = np.array([0, 1], np.int32)
    rows, columns = schema.DimensionMetadataT(), schema.DimensionMetadataT()
    rows.format, rows.denseSize = schema.DimensionType.DENSE, 3
    columns.format = schema.DimensionType.SPARSE_CSR
    columns.arraySegmentsType = columns.arrayIndicesType = schema.SparseIndexVector.Uint8Vector
    columns.arraySegments, columns.arrayIndices = schema.Uint8VectorT(), schema.Uint8VectorT()
    columns.arraySegments.values = np.array([0, 1, 1, 3], np.uint8)
    columns.arrayIndices.values = np.array([3, 0, 2], np.uint8)
    kernel.sparsity.dimMetadata = [rows, columns]


def test_sparse_tensors_give_their_stored_values() -> None:
    made = dense_model()
    sparse_kernel(made)
    kernel = read_tflite(packed(made)).subgraphs[0].tensors[1]
    assert kernel.sparse and kernel.data is not None and kernel.data.tolist() == [5, 6, 0]


def string_constant(made: Any) -> None:
    text = np.array([2, 12, 14, 17], "<i4").tobytes() + b"abcde"
    made.buffers[1].data = np.frombuffer(text, np.uint8)
    made.subgraphs[0].tensors[1] = tensor([2], schema.TensorType.STRING, 1, "words")


def test_string_constants_have_no_array() -> None:
    made = dense_model()
    string_constant(made)
    made.buffers[1].data = np.frombuffer(np.array([2, 16, 18, 21], "<i4").tobytes() + b"abcde", np.uint8)
    words = read_tflite(packed(made)).subgraphs[0].tensors[1]
    assert words.data is None and words.stored_bytes == 21 and words.constant


def spoil(change: str) -> Callable[[Any], None]:
    """A fault as an assignment to m (model), g (first subgraph), o (its operator), t (its tensors), b (buffers)."""

    def apply(made: Any) -> None:
        graph = made.subgraphs[0]
        names = {"m": made, "g": graph, "o": graph.operators[0], "t": graph.tensors, "b": made.buffers}
        exec(change, {"np": np, "schema": schema, "tensor": tensor, "buffer": buffer}, names)

    return apply


def self_calling(made: Any) -> None:
    op = made.subgraphs[0].operators[0]
    made.operatorCodes[0].builtinCode = made.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.WHILE
    op.builtinOptionsType, op.builtinOptions = schema.BuiltinOptions.WhileOptions, schema.WhileOptionsT()


def calling_none(made: Any) -> None:
    self_calling(made)
    made.subgraphs[0].operators[0].builtinOptions.bodySubgraphIndex = 9


def sparse_outside(made: Any) -> None:
    sparse_kernel(made)
    made.subgraphs[0].tensors[1].sparsity.dimMetadata[1].arrayIndices.values[0] = 4


def sparse_taller(made: Any) -> None:
    sparse_kernel(made)
    levels = made.subgraphs[0].tensors[1].sparsity.dimMetadata
    levels[0].denseSize, levels[1].arraySegments.values = 4, np.array([0, 1, 1, 3, 3], np.uint8)


FAULTS: dict[str, tuple[Callable[[Any], None], str]] = {
    "no subgraph": (spoil("m.subgraphs = []"), "at least one subgraph"),
    "buffer index": (spoil("t[1].buffer = 9"), "Every index"),
    "opcode index": (spoil("o.opcodeIndex = 1"), "Every index"),
    "operand index": (spoil("o.inputs[0] = 4"), "Every index"),
    "operand below -1": (spoil("o.inputs[0] = -2"), "Every index"),
    "result left out": (spoil("o.outputs[0] = -1"), "Every index"),
    "input index": (spoil("g.inputs[0] = 77"), "Every index"),
    "constant too short": (spoil("b[2].data = b[2].data[:8]"), "as long as its shape"),
    "huge shape": (spoil("t[2].shape = np.array([2**31 - 1] * 9, np.int32)"), "as long as its shape"),
    "negative shape": (spoil("t[0].shape = np.array([-1, 4], np.int32)"), "none negative"),
    "rank": (spoil("t[0].shape = np.ones(33, np.int32)"), "32 dimensions"),
    "tensor type": (spoil("t[0].type = 99"), "type that the schema knows"),
    "external file": (spoil("t[2].externalBuffer = 1"), "itself"),
    "scale count": (spoil("t[1].quantization.quantizedDimension = 1"), "one for each channel"),
    "scale axis": (spoil("t[1].quantization.quantizedDimension = 2"), "one for each channel"),
    "scale of an activation": (
        spoil("t[0].type, t[0].quantization = 9, t[1].quantization; t[0].quantization.scale[1] = float('nan')"),
        "finite",
    ),
    "operator code of no operator": (spoil("m.operatorCodes[0].builtinCode = 51"), "code of the schema"),
    "operator code below 0": (
        spoil("m.operatorCodes[0].deprecatedBuiltinCode = m.operatorCodes[0].builtinCode = -5"),
        "code of the schema",
    ),
    "nameless custom operator": (spoil("m.operatorCodes[0].builtinCode = 32"), "has a name"),
    "operand that nothing computes": (spoil("g.inputs = np.zeros(0, np.int32)"), "Every operand"),
    "output that nothing computes": (spoil("g.operators = []"), "Every output"),
    "writes a constant": (spoil("o.outputs[0] = 2"), "writes to a constant"),
    "writes its operand": (spoil("o.outputs[0] = 0"), "its own operand"),
    "endless recursion": (self_calling, "without a loop"),
    "called subgraph": (calling_none, "Every index"),
    "string constant": (string_constant, "as many strings"),
    "sparse index": (sparse_outside, "inside its dimension"),
    "sparse rows": (sparse_taller, "as long as its dimension"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_inconsistent_files_are_refused(fault: str) -> None:
    change, message = FAULTS[fault]
    made = dense_model()
    change(made)
    with pytest.raises(ModelError, match=message) as caught:
        read_tflite(packed(made))
    assert caught.value.received is not None and caught.value.remedy


UNUSUAL: dict[str, tuple[str, str]] = {
    "plain": ("", ""),
    "schema version": ("m.version = 2", "schema version 3 only; the file names 2"),
    "no description": ("m.description = None", ""),
    "signature tensor": ("m.signatureDefs[0].outputs[0].tensorIndex = 4", "tensor that does not exist: 'scores' of "),
    "signature subgraph": ("m.signatureDefs[0].subgraphIndex = 1", "subgraph that does not exist: 'serving_default'"),
    "signature without names": ("m.signatureDefs[0].signatureKey = m.signatureDefs[0].inputs = None", ""),
    "metadata buffer": ("m.metadata[0].buffer = 4", "buffer that does not exist: 'min_runtime_version'"),
    "metadata without a name": ("m.metadata[0].name = None", ""),
    "constant too long": ("t[1].shape = np.array([3, 2], np.int32)", "longer than its shape and type ask"),
    "variable constant": ("t[2].isVariable = True", "variable tensor has a constant"),
    "variable input": ("t[0].isVariable = True", ""),
    "fewer zero points": ("t[1].quantization.zeroPoint = np.zeros(1, np.int64)", "more or fewer zero points"),
    "no zero points": ("t[1].quantization.zeroPoint = None", "scale has no zero point"),
    "zero point": ("t[1].quantization.zeroPoint[0] = 8", "no value of its type, int4"),
    "zero point of 2^40": ("t[1].quantization.zeroPoint[0] = 2**40", "no value of its type, int4"),
    "scale of a kernel": ("t[1].quantization.scale[1] = float('nan')", "no finite number above 0"),
    "scale 0": ("t[1].quantization.scale[1] = 0", ""),
    "bias with the axis of its kernel": (
        "q = schema.QuantizationParametersT(); q.scale, q.zeroPoint = np.ones(3, np.float32), np.zeros(3, np.int64); "
        "q.quantizedDimension, t[2].quantization, t[2].type = 3, q, schema.TensorType.INT32",
        "bias names an axis that it has not for its scales, which TFLite refuses; axis 0 is meant: tensor 2 ('bias')",
    ),
    "activation with several scales": ("t[0].type, t[0].quantization = 9, t[1].quantization", "neither 1 nor that of"),
    "scale of a float": ("t[0].quantization = t[1].quantization", "neither 1 nor that of channels"),
    "newer operator": ("m.operatorCodes[0].builtinCode = 9999", "newer than EdgeKit's schema (update ai-edge-litert)"),
    "unused operator code": (
        "m.operatorCodes.append(schema.OperatorCodeT()); m.operatorCodes[1].builtinCode = 9999",
        "",
    ),
    "activation": ("o.builtinOptions.fusedActivationFunction = 77", "fused_activation_function is none of NONE, RELU"),
    "no options": ("o.builtinOptions, o.builtinOptionsType = None, 0", ""),
    "no bias": ("o.inputs = o.inputs[:2]", ""),
    "bias left out": ("o.inputs[2] = -1", ""),
    "unused buffer": ("b.append(buffer(np.ones(5, np.uint8)))", ""),
    "unused tensor": ("t.append(tensor([3], name='spare'))", ""),
    "unused tensor without elements": ("t.append(tensor([0, 3], name='spare'))", ""),
    "unused tensor of 2^62 elements": ("t.append(tensor([2**31 - 1] * 2, name='spare'))", ""),
    "unused tensor, short": (
        "t.append(tensor([30], 0, 2, 'spare'))",
        "that nothing uses breaks a rule: tensor 4 ('spare')",
    ),
    "unused tensor of rank 40": ("t.append(tensor([1] * 40, 0, 2, 'spare'))", "that nothing uses breaks a rule"),
    "unused tensor below 0": ("t.append(tensor([-3], 0, 0, 'spare'))", "that nothing uses breaks a rule"),
    "unused tensor elsewhere": ("t.append(tensor([3])); t[4].externalBuffer = 1", "that nothing uses breaks a rule"),
    "output that is an input": ("g.outputs = np.array([3, 0], np.int32)", ""),
    "output that is a constant": ("g.outputs = np.array([3, 2], np.int32)", ""),
    "input listed twice": ("g.inputs = np.array([0, 0], np.int32)", ""),
    "empty sparsity table": ("t[1].sparsity = schema.SparsityParametersT()", "sparsity table is empty"),
    "second subgraph": ("m.subgraphs.append(schema.SubGraphT())", ""),
    "names left out": ("t[0].name = g.name = None", ""),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_unusual_files_are_read_with_a_warning(case: str) -> None:
    """TFLite or TFLite Micro runs each of these, with its own kernels at hand."""
    change, warning = UNUSUAL[case]
    made = dense_model()
    spoil(change)(made)
    model = read_tflite(packed(made))
    assert len(model.warnings) == bool(warning) and all(warning in w and w.endswith(".") for w in model.warnings)
    assert not any("damaged" in w for w in model.warnings)


def test_each_kind_of_warning_stands_once_with_its_first_place() -> None:
    made = dense_model()
    made.subgraphs[0].tensors += [tensor([30], 0, 2, f"spare {i}") for i in range(5)]
    (warning,) = read_tflite(packed(made)).warnings
    assert "tensor 4 ('spare 0')" in warning and "1" not in warning.partition("4")[2].replace("4 bytes", "")


def test_operators_out_of_order_and_scratch_memory() -> None:
    """XNNPACK runs operators in any order; an NPU's operator takes scratch memory that nothing computes."""
    made = dense_model()
    graph = made.subgraphs[0]
    graph.tensors.append(tensor([1, 3], name="z"))
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RELU
    made.operatorCodes.append(code)
    relu = schema.OperatorT()
    relu.opcodeIndex, relu.inputs, relu.outputs = 1, np.array([3], np.int32), np.array([4], np.int32)
    graph.operators.insert(0, relu)
    graph.outputs = np.array([4], np.int32)
    (warning,) = read_tflite(packed(made)).warnings
    assert "before the one that computes its operand" in warning and "operator 0 (RELU)" in warning
    graph.operators = [relu]
    with pytest.raises(ModelError, match="tensor 3 of operator 0 .* no value"):
        read_tflite(packed(made))
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    for name, expected in (("ethos-u", "compiled by Vela"), ("mine", "must be scratch memory")):
        code.customCode = name
        (warning,) = read_tflite(packed(made)).warnings
        assert expected in warning


def decoded(made: Any) -> None:
    """The kernel as TFLite Micro's compression writes it: indices, tables, and DECODE before its reader."""
    graph = made.subgraphs[0]
    kernel = graph.tensors[1]
    made.buffers[1].data = np.array([0x1B, 0x1B, 0x1B], np.uint8)  # 2-bit indices 0 to 3, three times
    tables = np.frombuffer(bytes([0, 1, 0, 0, 1, 2, 4, *bytes(9)]) + bytes(range(12)), np.uint8)
    made.buffers.append(buffer(tables))
    graph.tensors[1] = tensor([3], schema.TensorType.UINT8, 1, "kernel")
    graph.tensors += [tensor([len(tables)], schema.TensorType.UINT8, 4, "kernel_ancillary"), kernel]
    kernel.type, kernel.buffer, kernel.name = schema.TensorType.INT8, 0, "kernel_decoded"
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "TFLM_DECODE"
    made.operatorCodes.append(code)
    decode = schema.OperatorT()
    decode.opcodeIndex, decode.inputs = 1, np.array([1, 4], np.int32)
    decode.outputs = np.array([5], np.int32)
    graph.operators[0].inputs[1] = 5
    graph.operators.insert(0, decode)


def test_weights_that_tflite_micro_decodes(tmp_path: Path) -> None:
    made = dense_model()
    decoded(made)
    path = tmp_path / "m.tflite"
    path.write_bytes(packed(made))
    inspection = inspect_tflite(path)
    assert (inspection.macs, inspection.custom, inspection.params) == (12, ("TFLM_DECODE",), 3)
    assert len(inspection.warnings) == 1 and "DECODE operator" in inspection.warnings[0]


def test_misaligned_parts_are_read_with_a_warning() -> None:
    """TFLite Micro runs such a file; TFLite's verifier refuses it."""
    data = bytearray(packed(dense_model()))
    bias = np.array([1, 2, 3], "<f4").tobytes()
    at = data.rindex(bias) - 4  # its length stands before it
    (slot,) = (i for i in range(0, at, 4) if i + int.from_bytes(data[i : i + 4], "little") == at)
    data += b"\0" * ((1 - len(data)) % 4)
    data[slot : slot + 4] = (len(data) - slot).to_bytes(4, "little")
    data += (12).to_bytes(4, "little") + bias
    model = read_tflite(bytes(data))
    assert "misaligned" in model.warnings[0]
    stored = model.subgraphs[0].tensors[2].data
    assert stored is not None and stored.tolist() == [1, 2, 3]


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x18\0\0\0TFL3", b"not a model at all, but text", bytes(4096)])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        read_tflite(path)


OTHER_KINDS = {
    b"\x08\x08\x12\x07pytorch\x1a\x051.4.0:\x9e\x03": "This is an ONNX model.",
    b"\x89HDF\r\n\x1a\n" + bytes(99): "edgekit convert",
    b"<!DOCTYPE html><html>": "This is a web page. The download failed",
    b"\x18\0\0\0TFL2" + bytes(40): "older form than 'TFL3'",
    b"": "This is an empty file.",
    b"GGUF" + bytes(40): "This is a GGUF language model.",
}


@pytest.mark.parametrize("content", OTHER_KINDS, ids=list(OTHER_KINDS.values()))
def test_other_kinds_are_called_what_they_are(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_tflite(path)
    message = str(caught.value)
    assert OTHER_KINDS[content] in message and str(path) in message and "damaged" not in message


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        read_tflite(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match="folder"):
        read_tflite(tmp_path)
    with pytest.raises(ModelError):
        read_tflite(Path("/dev/zero"))


def test_parts_that_overlap_again_and_again_are_refused() -> None:
    """Ten thousand tensors that are all the same one, in a small file; a million would take minutes to read."""
    builder = flatbuffers.Builder(1024)
    shape = builder.CreateNumpyVector(np.ones(10_000, np.int32))
    schema.TensorStart(builder)
    schema.TensorAddShape(builder, shape)
    one = schema.TensorEnd(builder)
    schema.SubGraphStartTensorsVector(builder, 10_000)
    for _ in range(10_000):
        builder.PrependUOffsetTRelative(one)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    with pytest.raises(ModelError, match="overlap"):
        read_tflite(bytes(builder.Output()))


def test_every_truncation_is_refused() -> None:
    data = packed(dense_model())
    for length in range(0, len(data), 3):
        with pytest.raises(ModelError):
            read_tflite(data[:length])


def test_damaged_bytes_give_a_model_or_a_model_error() -> None:
    made = dense_model()
    sparse_kernel(made)
    random_ = random.Random(7)
    refused = 0
    for data in (packed(dense_model()), packed(made)):
        for _ in range(600):
            damaged = bytearray(data)
            for _ in range(random_.choice((1, 1, 4))):
                damaged[random_.randrange(len(data))] = random_.choice((0, 1, 0x7F, 0x80, 0xFF, random_.randrange(256)))
            try:
                read_tflite(bytes(damaged))
            except ModelError:
                refused += 1
    assert refused > 300


def test_reading_needs_no_tensorflow() -> None:
    code = "import sys, edgekit.models.tflite; sys.exit(any(n in sys.modules for n in ('tensorflow', 'keras')))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

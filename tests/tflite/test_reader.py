"""Reading `.tflite` files: what a well-formed one gives, and that nothing but ModelError comes of any other."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite_files import dense_model, packed, spoil, tensor

from edgekit import tflite
from edgekit.errors import ModelError
from edgekit.tflite.options import FullyConnected


def test_what_a_file_holds() -> None:
    model = tflite.read(packed(dense_model()))
    graph = model.graphs[0]
    x, kernel, bias, _ = graph.tensors
    assert (graph.name, graph.inputs, graph.outputs) == ("main", (0,), (3,))
    assert (x.name, x.shape, x.signature, x.dtype, x.data, x.constant) == ("x", (1, 4), (-1, 4), "float32", None, False)
    assert kernel.dtype == "int4" and kernel.quant is not None
    assert (kernel.quant.axis, kernel.quant.scales) == (0, (0.5, 0.25, 1.0))
    assert kernel.data is not None and kernel.data.tolist() == [[0, 1, 2, -1], [-8, -7, 6, 7], [0, 0, 7, -8]]
    assert bias.data is not None and bias.data.tolist() == [1, 2, 3] and not bias.data.flags.writeable
    op = graph.operators[0]
    assert (op.name, op.version, op.inputs, op.outputs, op.custom) == ("FULLY_CONNECTED", 7, (0, 1, 2), (3,), False)
    assert op.options == FullyConnected("RELU", keep_num_dims=False)
    assert (model.min_runtime, [*model.metadata], model.description) == ("2.1.0", ["min_runtime_version"], "hand-made")
    assert model.signatures[0].inputs == {"image": 0} and model.signatures[0].outputs == {"scores": 3}
    assert model.content == packed(dense_model()) and len(model.sha256) == 64


def test_custom_operators_and_optional_operands() -> None:
    made = dense_model()
    made.operatorCodes[0].builtinCode = made.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    made.operatorCodes[0].customCode = "FlexErf"
    made.subgraphs[0].operators[0].customOptions = np.array([1, 2], np.uint8)
    made.subgraphs[0].operators[0].inputs[2] = -1
    op = tflite.read(packed(made)).graphs[0].operators[0]
    assert (op.name, op.custom, op.flex, op.custom_options, op.inputs) == ("FlexErf", True, True, b"\1\2", (0, 1, -1))


def test_constants_behind_the_flatbuffer() -> None:
    made = dense_model()
    made.buffers[2].data = None
    made.buffers[2].offset, made.buffers[2].size = 2, 12  # placeholders of the same width
    at = (len(packed(made)) + 15) // 16 * 16
    made.buffers[2].offset = at
    data = packed(made).ljust(at, b"\0")
    bias = tflite.read(data + np.array([1, 2, 3], "<f4").tobytes()).graphs[0].tensors[2].data
    assert bias is not None and bias.tolist() == [1, 2, 3]
    with pytest.raises(ModelError, match="behind the flatbuffer"):
        tflite.read(data)


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
    kernel = tflite.read(packed(made)).graphs[0].tensors[1]
    assert kernel.sparse and kernel.data is not None and kernel.data.tolist() == [5, 6, 0]


def string_constant(made: Any) -> None:
    text = np.array([2, 12, 14, 17], "<i4").tobytes() + b"abcde"
    made.buffers[1].data = np.frombuffer(text, np.uint8)
    made.subgraphs[0].tensors[1] = tensor([2], schema.TensorType.STRING, 1, "words")


def test_string_constants_have_no_array() -> None:
    made = dense_model()
    string_constant(made)
    made.buffers[1].data = np.frombuffer(np.array([2, 16, 18, 21], "<i4").tobytes() + b"abcde", np.uint8)
    words = tflite.read(packed(made)).graphs[0].tensors[1]
    assert words.data is None and words.stored_bytes == 21 and words.constant


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
        tflite.read(packed(made))
    assert caught.value.received is not None and caught.value.remedy


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
        tflite.read(bytes(builder.Output()))


def test_every_truncation_is_refused() -> None:
    data = packed(dense_model())
    for length in range(0, len(data), 3):
        with pytest.raises(ModelError):
            tflite.read(data[:length])


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
                tflite.read(bytes(damaged))
            except ModelError:
                refused += 1
    assert refused > 300


def test_reading_needs_no_tensorflow() -> None:
    code = "import sys, edgekit.tflite; sys.exit(any(n in sys.modules for n in ('tensorflow', 'keras')))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

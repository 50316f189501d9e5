"""Files that break a rule of the format and that TFLite or TFLite Micro run: read, with a warning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite_files import buffer, dense_model, packed, spoil, tensor

from edgekit import tflite
from edgekit.errors import ModelError

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
    model = tflite.read(packed(made))
    assert len(model.warnings) == bool(warning) and all(warning in w and w.endswith(".") for w in model.warnings)
    assert not any("damaged" in w for w in model.warnings)


def test_each_kind_of_warning_stands_once_with_its_first_place() -> None:
    made = dense_model()
    made.subgraphs[0].tensors += [tensor([30], 0, 2, f"spare {i}") for i in range(5)]
    (warning,) = tflite.read(packed(made)).warnings
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
    (warning,) = tflite.read(packed(made)).warnings
    assert "before the one that computes its operand" in warning and "operator 0 (RELU)" in warning
    graph.operators = [relu]
    with pytest.raises(ModelError, match="tensor 3 of operator 0 .* no value"):
        tflite.read(packed(made))
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    for name, expected in (("ethos-u", "compiled by Vela"), ("mine", "must be scratch memory")):
        code.customCode = name
        (warning,) = tflite.read(packed(made)).warnings
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
    inspection = tflite.inspect(path)
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
    model = tflite.read(bytes(data))
    assert "misaligned" in model.warnings[0]
    stored = model.graphs[0].tensors[2].data
    assert stored is not None and stored.tolist() == [1, 2, 3]

"""Faults of the fused integer LSTM, found in a converted file and repaired.

TensorFlow's converter may give an LSTM's output, and the variable in which it keeps its hidden state, the range of a
later tensor: between two LSTMs with a batch norm, |h| < 0.3 was stored in steps of 0.043. The right scale stands in
the operator's fifth intermediate tensor. And LiteRT computes an LSTM wrongly whose cell has a scale below 2^-15.
"""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema

from edgekit.tflite.ops import op_spec
from edgekit.tflite.writing import affine, builtin_codes, first_scale, kind_of, opened, packed
from edgekit_converters.tflite.biases import rescale_bias

__all__ = ["Unrepairable", "has_fused_lstm", "with_right_scales"]

HIDDEN, STATE, CELL = 4, 18, 19
"""The intermediate that has the hidden state's scale; the operands that hold hidden state and cell."""
LEAST_CELL = 2.0**-15
GATES = (12, 13, 14, 15)
"""The operands that hold the biases of its gates."""
ANY = ("ADD", "BATCH_MATMUL", "DEQUANTIZE", "LOGISTIC", "MEAN", "MUL", "QUANTIZE", "SOFTMAX", "SUB", "SUM", "TANH")
"""Operators that take an input of any scale."""


class Unrepairable(Exception):
    """The fused operator computes something else, and no change of the file helps."""


def has_fused_lstm(content: bytes) -> bool:
    """Whether a file has the fused operator."""
    return schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM in builtin_codes(content)


def with_right_scales(content: bytes) -> bytes:
    """The file with the hidden states of its integer LSTMs in their own scale; itself where that is so.

    Raises:
        Unrepairable: It cannot be: a cell's scale is too small, or a reader's scale hangs on others.
    """
    if not has_fused_lstm(content):
        return content
    model = opened(content)
    changed = False
    for graph in model.subgraphs:
        for operator in graph.operators or []:
            between = operator.intermediates
            if kind_of(model, operator) != "UNIDIRECTIONAL_SEQUENCE_LSTM" or between is None or len(between) <= HIDDEN:
                continue
            hidden, cell = graph.tensors[between[HIDDEN]], graph.tensors[operator.inputs[CELL]]
            if cell.type != schema.TensorType.INT16:
                continue
            if (scale := first_scale(cell.quantization)[0]) < LEAST_CELL:
                raise Unrepairable(f"a cell scale of {scale:.3g}")
            for tensor in (int(operator.inputs[STATE]), int(operator.outputs[0])):
                if affine(graph.tensors[tensor])[1:] != affine(hidden)[1:]:
                    _rescale(model, graph, tensor, hidden.quantization)
                    changed = True
    return packed(model) if changed else content


def _rescale(
    model: schema.ModelT, graph: schema.SubGraphT, index: int, quantization: schema.QuantizationParametersT | None
) -> None:
    """Give a tensor another scale, and what hangs on it."""
    tensor = graph.tensors[index]
    ratio = first_scale(tensor.quantization)[0] / first_scale(quantization)[0]
    readers = [op for op in graph.operators if index in op.inputs]
    tensor.quantization = quantization
    for operator in readers:
        kind, places = kind_of(model, operator), [n for n, i in enumerate(operator.inputs) if i == index]
        fused = kind == "UNIDIRECTIONAL_SEQUENCE_LSTM"
        source, _, *biases = (0, 0, *GATES) if fused else op_spec(kind).bias or (0, 0)
        if biases and places == [source]:
            for operand in biases:
                if operand < len(operator.inputs) and operator.inputs[operand] >= 0:
                    rescale_bias(model, graph, operator, operand, ratio)
        elif op_spec(kind).scales == "copies" and places == [0]:
            for result in operator.outputs:
                _rescale(model, graph, int(result), quantization)
        elif fused and places == [STATE]:
            continue
        elif kind not in ANY:
            raise Unrepairable(f"{kind} behind an LSTM whose scale is another one's")

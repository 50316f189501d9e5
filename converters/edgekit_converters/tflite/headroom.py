"""Room beyond the calibrated range, for answers that have no bounds of their own.

An integer file cannot answer beyond the range of its output tensor. Where a few dozen samples set that range, one
answer in sixteen was cut off (three forecasts of strangers): none ever leaves what calibration has seen. A quarter of
the width on each side costs 3.5 dB of the rounding of that one tensor.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.tflite.ops import op_spec
from edgekit.tflite.writing import affine, first_scale, kind_of, opened, packed

__all__ = ["with_headroom"]

FEW = 10_000
"""Values of an output in the whole calibration; the extremes of more are hardly surpassed."""
MARGIN = 0.25
"""Of the width, on each side; on one side twice as much where the other one is a bound."""
_LIMITS = {schema.TensorType.INT8: (-128, 127), schema.TensorType.UINT8: (0, 255),
           schema.TensorType.INT16: (-32_768, 32_767)}  # fmt: skip


def with_headroom(content: bytes, samples: int) -> bytes:
    """The file with wider ranges where they are set by few values; itself where there is no such output.

    Args:
        content: A `.tflite` with integers.
        samples: How many it was calibrated on.
    """
    model = opened(content)
    graph = model.subgraphs[0]
    changed = [_widen(model, graph, int(output), samples) for output in set(map(int, graph.outputs))]
    return packed(model) if any(changed) else content


def _widen(model: schema.ModelT, graph: schema.SubGraphT, output: int, samples: int) -> bool:
    if samples * int(np.prod(list(graph.tensors[output].shape))) >= FEW:
        return False
    chain, maker = _unbounded(model, graph, output)
    if maker is None:
        return False
    first = graph.tensors[chain[-1]]
    floor = _fused(maker) == schema.ActivationFunctionType.RELU
    for index in chain:
        tensor = graph.tensors[index]
        if tensor.type != schema.TensorType.FLOAT32:
            tensor.quantization = _wider(first.quantization, tensor.type, first.type, floor=floor)
    return True


def _unbounded(model: schema.ModelT, graph: schema.SubGraphT, output: int) -> tuple[list[int], schema.OperatorT | None]:
    """The tensors of an output's scale from the output back, and the operator that makes the first of them.

    None where something else reads one of them, or where the answer has bounds or shares its scale.
    """
    chain = [output]
    while True:
        index = chain[-1]
        makers = [op for op in graph.operators if index in op.outputs]
        read = sum(list(op.inputs).count(index) for op in graph.operators)
        left = list(map(int, graph.outputs)).count(index)
        if len(makers) != 1 or read + left != 1:
            return chain, None
        (maker,) = makers
        kind, tensor = kind_of(model, maker), graph.tensors[index]
        last = len(chain) == 1 and kind in ("DEQUANTIZE", "QUANTIZE")
        if (op_spec(kind).scales == "copies" and len(maker.outputs) == 1) or last:
            chain.append(int(maker.inputs[0]))
            continue
        unbounded = _fused(maker) in (schema.ActivationFunctionType.NONE, schema.ActivationFunctionType.RELU)
        integer = tensor.type in _LIMITS and len(affine(tensor)) == 3 and _one_scale(tensor)
        return chain, maker if op_spec(kind).scales == "rescales" and unbounded and integer else None


def _one_scale(tensor: schema.TensorT) -> bool:
    quantization = tensor.quantization
    return quantization is not None and quantization.scale is not None and len(quantization.scale) == 1


def _wider(
    old: schema.QuantizationParametersT | None, dtype: int, of: int, *, floor: bool
) -> schema.QuantizationParametersT:
    """A tensor's quantisation for a wider range than that of a first tensor of dtype `of`."""
    least, most = _LIMITS[dtype]
    scale, zero_point = first_scale(old)
    new = schema.QuantizationParametersT()
    if dtype == schema.TensorType.INT16:
        new.scale, new.zeroPoint = np.array([scale * (1 + 2 * MARGIN)], np.float32), np.zeros(1, np.int64)
        return new
    low, high = ((limit - zero_point) * scale for limit in _LIMITS[of])
    width = high - low
    if not floor:
        low -= MARGIN * width
    wide = width * (1 + 2 * MARGIN) / (most - least)
    new.scale, new.zeroPoint = np.array([wide], np.float32), np.array([round(least - low / wide)], np.int64)
    return new


def _fused(operator: schema.OperatorT) -> int:
    return int(getattr(operator.builtinOptions, "fusedActivationFunction", schema.ActivationFunctionType.NONE))

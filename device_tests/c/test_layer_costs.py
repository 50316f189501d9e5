"""What layers take on an emulated Cortex-M4, in instructions; their results are TFLite Micro's to the bit."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from layer_firmware import tools
from operator_models import Call, Operand, operator_model

from edgekit import tflite
from edgekit.runtimes import load_runtime
from edgekit.tensors import random_input
from edgekit.tflite.macs import count_macs

pytestmark = pytest.mark.slow

CORE = "cortex_m:cortex-m4"
STRIDES = {"padding": 0, "strideH": 2, "strideW": 2}
WINDOW_OF_ALL = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
WINDOW = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "depthMultiplier": 1}


@pytest.fixture(autouse=True)
def _tools() -> None:
    tools()


def image(*shape: int, scale: float = 0.05) -> Operand:
    return Operand(shape, scales=[scale], zero_points=[-128])


def drawn(*shape: int, axis: int = 0) -> Operand:
    values = np.random.default_rng(0).integers(-127, 127, shape, endpoint=True)
    return Operand(shape, scales=[0.01], axis=axis, values=values)


def constant(values: list[int]) -> Operand:
    return Operand((len(values),), "int32", values=np.array(values))


def transposed(size: int) -> tflite.Model:
    wanted, bias = constant([1, 16, 16, 8]), constant(list(range(-400, 400, 100)))
    operands = [wanted, drawn(8, size, size, 16), image(1, 8, 8, 16), bias, image(1, 16, 16, 8, scale=0.3)]
    call = Call("TRANSPOSE_CONV", [0, 1, 2, 3], [4], "TransposeConvOptions", STRIDES)
    return operator_model(operands, [call], [2], [4])


def depthwise(height: int, width: int) -> tflite.Model:
    operands = [image(1, 16, 16, 16), drawn(1, height, width, 16, axis=3), constant([100] * 16)]
    call = Call("DEPTHWISE_CONV_2D", [0, 1, 2], [3], "DepthwiseConv2DOptions", WINDOW)
    return operator_model([*operands, image(1, 16, 16, 16, scale=0.2)], [call], [0], [3])


def product(*gate: int) -> tflite.Model:
    operands = [image(1, 12, 12, 16), image(*gate, scale=1 / 256), image(1, 12, 12, 16, scale=0.04)]
    return operator_model(operands, [Call("MUL", [0, 1], [2], "MulOptions", {})], [0, 1], [2])


def words(*shape: int, scale: float) -> Operand:
    return Operand(shape, "int16", scales=[scale], zero_points=[0])


def wide(size: int) -> tflite.Model:
    operands = [words(1, 16, 16, 16, scale=0.001), drawn(16, size, size, 16)]
    operands += [Operand((16,), "int64", values=np.full(16, 100)), words(1, 16, 16, 16, scale=0.002)]
    return operator_model(operands, [Call("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", WINDOW_OF_ALL)], [0], [3])


def wide_depthwise(size: int) -> tflite.Model:
    operands = [words(1, 16, 16, 16, scale=0.001), drawn(1, size, size, 16, axis=3)]
    operands += [Operand((16,), "int64", values=np.full(16, 100)), words(1, 16, 16, 16, scale=0.002)]
    return operator_model(
        operands, [Call("DEPTHWISE_CONV_2D", [0, 1, 2], [3], "DepthwiseConv2DOptions", WINDOW)], [0], [3]
    )


COSTS = {
    "transposed 2 x 2": (transposed(2), 2.5),
    "transposed 3 x 3": (transposed(3), 2.1),
    "depthwise 5 x 5": (depthwise(5, 5), 3.0),
    "depthwise 7 x 7": (depthwise(7, 7), 2.5),
    "gate": (product(1, 1, 1, 16), 11.0),
    "product": (product(1, 12, 12, 16), 10.0),
    "int16 1 x 1": (wide(1), 4.2),
    "int16 3 x 3": (wide(3), 1.7),
    "int16 depthwise 3 x 3": (wide_depthwise(3), 8.2),
    "int16 depthwise 5 x 5": (wide_depthwise(5), 4.8),
}
"""Models, and the most instructions for each multiply-accumulate; of products, for each value of the result."""


@pytest.mark.parametrize("name", COSTS)
def test_a_layer_takes_few_instructions_and_is_right_to_the_bit(name: str, tmp_path: Path) -> None:
    made, most = COSTS[name]
    path = tmp_path / "layer.tflite"
    path.write_bytes(made.content)
    model, random = tflite.read(path), np.random.default_rng(0)
    board, micro = load_runtime(CORE), load_runtime("tflm")
    with micro.open(model) as right, board.open(model) as session:  # type: ignore[attr-defined]
        for _ in range(3):
            sample = [random_input(spec, random) for spec in session.inputs]
            wanted, received = right.run(sample, fresh=True), session.run(sample, fresh=True)
            assert np.array_equal(wanted[0], received[0])
    each = count_macs(model) or math.prod(wanted[0].shape)
    instructions = board.measure(model)["instructions"]
    assert instructions is not None and instructions / each <= most, f"{instructions / each:.2f} each"

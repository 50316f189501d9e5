"""Layers of random shapes, strides, paddings, scales and zero points, many of them side by side in one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from operator_models import Call, Operand, operator_model

from edgekit import tflite

__all__ = ["DRAWN", "Layer", "drawn_layers", "model_of_layers"]

_ACTIVATIONS = (0, 0, 1, 1, 3)
"""NONE, RELU and RELU6, as the file's numbers."""


@dataclass(frozen=True)
class Layer:
    """One operator with its operands: those without values are its inputs, the last one is its result."""

    name: str
    operands: Sequence[Operand]
    options: str
    fields: Mapping[str, int]


def model_of_layers(layers: Sequence[Layer]) -> tflite.Model:
    """One model with an input and an output, or more, for every layer."""
    operands: list[Operand] = []
    calls, inputs, outputs = [], [], []
    for layer in layers:
        first = len(operands)
        operands += layer.operands
        places = range(first, len(operands) - 1)
        calls.append(Call(layer.name, list(places), [len(operands) - 1], layer.options, layer.fields))
        inputs += [place for place in places if operands[place].values is None]
        outputs.append(len(operands) - 1)
    return operator_model(operands, calls, inputs, outputs)


def drawn_layers(seed: int, count: int) -> list[Layer]:
    """Layers of all kinds in turn."""
    random = np.random.default_rng(seed)
    kinds = list(DRAWN.values())
    return [kinds[number % len(kinds)](random) for number in range(count)]


def _convolution(random: np.random.Generator) -> Layer:
    """Depths that are no multiples of vectors or of blocks, and such that are; one of six is grouped."""
    groups = int(random.choice([1, 1, 1, 1, 1, 2, 3]))
    depth = int(random.choice([1, 2, 3, 5, 8, 13, 16, 17, 24, 32, 40, 64, 70])) if groups == 1 else _below(random, 9)
    y_depth = groups * int(random.choice([1, 2, 3, 4, 6, 7, 8, 13, 16, 20, 37]))
    size = [(1, 1), (1, 1), (3, 3), (3, 3), (1, 3), (3, 1), (5, 2), (4, 4)][_below(random, 8) - 1]
    window, fields = _window(random, size)
    x = Operand((1, *window.x, groups * depth), scales=[_scale(random)], zero_points=[_zero_point(random)])
    weights = _weights(random, (y_depth, *size, depth), axis=0)
    y = _result(random, (1, *window.y, y_depth), x, weights)
    bias = Operand((y_depth,), "int32", values=random.integers(-20_000, 20_000, y_depth))
    return Layer("CONV_2D", [x, weights, bias, y], "Conv2DOptions", fields)


def _depthwise(random: np.random.Generator) -> Layer:
    depth, multiplier = int(random.choice([1, 3, 4, 8, 9, 16, 30, 37, 64, 70])), int(random.choice([1, 1, 1, 2, 3]))
    size = [(3, 3), (3, 3), (3, 3), (1, 1), (5, 5), (2, 4), (7, 1), (1, 5)][_below(random, 8) - 1]
    window, fields = _window(random, size)
    x = Operand((1, *window.x, depth), scales=[_scale(random)], zero_points=[_zero_point(random)])
    weights = _weights(random, (1, *size, depth * multiplier), axis=3)
    y = _result(random, (1, *window.y, depth * multiplier), x, weights)
    bias = Operand((depth * multiplier,), "int32", values=random.integers(-9000, 9000, depth * multiplier))
    fields = {**fields, "depthMultiplier": multiplier}
    return Layer("DEPTHWISE_CONV_2D", [x, weights, bias, y], "DepthwiseConv2DOptions", fields)


def _transposed(random: np.random.Generator) -> Layer:
    """Filters that are smaller than the stride, as large, and larger; results that no filter reaches as a whole."""
    depth, y_depth = int(random.choice([1, 2, 3, 4, 8, 13, 16, 33])), int(random.choice([1, 2, 3, 4, 7, 8, 16]))
    size = [(1, 1), (2, 2), (2, 2), (3, 3), (4, 4), (5, 5), (1, 3), (3, 2)][_below(random, 8) - 1]
    window, fields = _window(random, size, dilates=False)
    shape = (int(random.integers(1, 3)), *window.x, y_depth)
    x = Operand((shape[0], *window.y, depth), scales=[_scale(random)], zero_points=[_zero_point(random)])
    weights = _weights(random, (y_depth, *size, depth), axis=0)
    y = _result(random, shape, x, weights)
    bias = Operand((y_depth,), "int32", values=random.integers(-9000, 9000, y_depth))
    fields = {name: value for name, value in fields.items() if not name.startswith("dilation")}
    wanted = Operand((4,), "int32", values=np.array(shape))
    return Layer("TRANSPOSE_CONV", [wanted, weights, x, bias, y], "TransposeConvOptions", fields)


def _matrix(random: np.random.Generator) -> Layer:
    batches, depth, y_depth = _below(random, 3), _below(random, 200), _below(random, 23)
    x = Operand((batches, depth), scales=[_scale(random)], zero_points=[_zero_point(random)])
    weights = _weights(random, (y_depth, depth), axis=0)
    y = _result(random, (batches, y_depth), x, weights)
    bias = Operand((y_depth,), "int32", values=random.integers(-9000, 9000, y_depth))
    return Layer("FULLY_CONNECTED", [x, weights, bias, y], "FullyConnectedOptions", _activation(random))


def _addition(random: np.random.Generator) -> Layer:
    shape = (1, _below(random, 5), _below(random, 9), _below(random, 9))
    scales = [_scale(random), _scale(random)]
    if random.integers(4) == 0:
        scales[1] = scales[0]
    a, b = (Operand(shape, scales=[scale], zero_points=[_zero_point(random)]) for scale in scales)
    y = Operand(shape, scales=[2 * max(scales) * random.uniform(0.3, 1)], zero_points=[_zero_point(random)])
    return Layer("ADD", [a, b, y], "AddOptions", _activation(random))


def _product(random: np.random.Generator) -> Layer:
    """Operands of one shape, or one that is repeated: for all pixels, for all channels, or for both."""
    shape = (_below(random, 2), _below(random, 5), _below(random, 6), _below(random, 19))
    other = (shape, (shape[0], 1, 1, shape[3]), (*shape[:3], 1), (1, 1, 1, 1))[
        int(random.choice([0, 0, 1, 1, 1, 2, 3]))
    ]
    a, b = (Operand(s, scales=[_scale(random)], zero_points=[_zero_point(random)]) for s in (shape, other))
    assert a.scales is not None and b.scales is not None
    real = 2.0 ** random.uniform(-9, -3) if random.integers(5) else random.uniform(0.3, 2)
    y = Operand(shape, scales=[a.scales[0] * b.scales[0] / real], zero_points=[_zero_point(random)])
    return Layer("MUL", [a, b, y] if random.integers(2) else [b, a, y], "MulOptions", _activation(random))


def _pool(name: str) -> Callable[[np.random.Generator], Layer]:
    def drawn(random: np.random.Generator) -> Layer:
        size = (_below(random, 4), _below(random, 4))
        window, fields = _window(random, size, dilates=False)
        depth, scale, zero_point = _below(random, 40), _scale(random), _zero_point(random)
        x, y = (Operand((1, *shape, depth), scales=[scale], zero_points=[zero_point]) for shape in (window.x, window.y))
        pool = {name: value for name, value in fields.items() if not name.startswith("dilation")}
        return Layer(name, [x, y], "Pool2DOptions", {**pool, "filterHeight": size[0], "filterWidth": size[1]})

    return drawn


DRAWN: Mapping[str, Callable[[np.random.Generator], Layer]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _matrix,
    "ADD": _addition,
    "MUL": _product,
    "AVERAGE_POOL_2D": _pool("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": _pool("MAX_POOL_2D"),
}
"""What can be drawn, by the operator."""

_Pair: TypeAlias = "tuple[int, int]"


@dataclass(frozen=True)
class _Sides:
    """Heights and widths of an image and of its result."""

    x: _Pair
    y: _Pair


def _window(random: np.random.Generator, size: _Pair, dilates: bool = True) -> tuple[_Sides, dict[str, int]]:
    """Strides, dilations and a padding that leave at least one result."""
    dilated = dilates and bool(random.integers(5) == 0)
    strides = [_below(random, 3) if random.integers(2) else 1 for _ in range(2)]
    dilations = [_below(random, 3) if dilated else 1 for _ in range(2)]
    same = bool(random.integers(2))
    reach = [(taps - 1) * dilation + 1 for taps, dilation in zip(size, dilations, strict=True)]
    x = [_below(random, 11) if same else least + _below(random, 10) - 1 for least in reach]
    y = [
        -(-side // stride) if same else (side - least) // stride + 1
        for side, stride, least in zip(x, strides, reach, strict=True)
    ]
    fields = {
        "strideH": strides[0], "strideW": strides[1], "padding": 0 if same else 1,
        "dilationHFactor": dilations[0], "dilationWFactor": dilations[1], **_activation(random),
    }  # fmt: skip
    return _Sides((x[0], x[1]), (y[0], y[1])), fields


def _weights(random: np.random.Generator, shape: Sequence[int], axis: int) -> Operand:
    """All values of int8, or few that are not 0; scales of one or of all channels, some far smaller than others."""
    channels = shape[axis] if random.integers(3) else 1
    spread = 2.0 ** -random.integers(0, 3, channels) if random.integers(4) else np.ones(channels)
    if random.integers(3) == 0:  # channels that hardly do anything, as training leaves them behind
        spread = np.where(random.random(channels) < 0.3, 2.0 ** -random.integers(5, 30, channels), spread)
    values = random.integers(-128, 127, tuple(shape), endpoint=True)
    if random.integers(5) == 0:
        values = np.clip(values, -1, 1) * (random.random(values.shape) < 0.2)
    return Operand(tuple(shape), scales=list(spread * random.uniform(0.01, 0.03)), axis=axis, values=values)


def _result(random: np.random.Generator, shape: Sequence[int], x: Operand, weights: Operand) -> Operand:
    """A scale at which sums fill int8 and are cut off here and there; it makes factors above 1 where sums are small."""
    assert x.scales is not None and weights.scales is not None
    by_channel = np.moveaxis(weights.values, weights.axis, 0).reshape(shape[-1], -1)
    spreads = 74 * np.sqrt(np.square(by_channel, dtype=float).sum(axis=1))
    real = float(np.median(x.scales[0] * np.asarray(weights.scales) * spreads))
    scale = max(real / random.uniform(15, 90), x.scales[0] * max(weights.scales) / 8)
    return Operand(tuple(shape), scales=[scale], zero_points=[_zero_point(random)])


def _scale(random: np.random.Generator) -> float:
    return float(random.uniform(0.02, 0.2))


def _zero_point(random: np.random.Generator) -> int:
    return int(random.choice([-128, 0, int(random.integers(-128, 127, endpoint=True))]))


def _activation(random: np.random.Generator) -> dict[str, int]:
    return {"fusedActivationFunction": int(random.choice(_ACTIVATIONS))}


def _below(random: np.random.Generator, most: int) -> int:
    return int(random.integers(1, most, endpoint=True))

"""Models of random layers that multiply, pool or add up: shapes, windows, groups, scales, zero points, activations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from operator_models import Call, Operand, operator_model

from edgekit import tflite

__all__ = ["KINDS", "Sketch", "add", "random_model", "softmax", "windowed_layer"]

_SPREAD = {"int8": 60.0, "int16": 16000.0}
"""Where most results shall lie, in steps."""
_WORDS = 200
"""int16 inputs are drawn over their whole range: sums of squares grow by this factor more."""


@dataclass
class Sketch:
    """A model that grows by one layer at a time, each with its own input and output.

    Attributes:
        random: Where everything is drawn.
        dtype: Of activations.
    """

    random: np.random.Generator
    dtype: str
    operands: list[Operand] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def model(self) -> tflite.Model:
        """The model so far."""
        return operator_model(self.operands, self.calls, self.inputs, self.outputs)

    def pick(self, *choices: object) -> object:
        """One of these."""
        return choices[int(self.random.integers(len(choices)))]

    def number(self, low: int, high: int) -> int:
        """An integer of this range, both ends included."""
        return int(self.random.integers(low, high, endpoint=True))

    def real(self, low: float, high: float) -> float:
        """A float32, even on a scale of logarithms."""
        return float(np.float32(math.exp(self.random.uniform(math.log(low), math.log(high)))))

    def point(self) -> int:
        """A zero point."""
        return self.number(-128, 127) if self.dtype == "int8" else 0

    def add(self, operand: Operand) -> int:
        """An operand's place."""
        self.operands.append(operand)
        return len(self.operands) - 1

    def x(self, shape: Sequence[int], scale: float | None = None) -> int:
        """An input."""
        place = self.add(Operand(shape, self.dtype, [scale or self.real(1e-3, 1.0)], [self.point()]))
        self.inputs.append(place)
        return place

    def constant(self, values: object, dtype: str = "int32") -> int:
        """A constant that is not quantised."""
        array = np.asarray(values, dtype)
        return self.add(Operand(array.shape, dtype, values=array))

    def y(
        self, name: str, inputs: Sequence[int], shape: Sequence[int], scale: float, options: str, **fields: object
    ) -> None:
        """A layer with its output."""
        place = self.add(Operand(shape, self.dtype, [scale], [self.point()]))
        self.call(name, inputs, place, options, **fields)

    def call(self, name: str, inputs: Sequence[int], place: int, options: str, **fields: object) -> None:
        """A layer whose output stands already."""
        self.calls.append(Call(name, inputs, [place], options, fields))
        self.outputs.append(place)

    def scale_of(self, place: int) -> float:
        """An operand's one scale."""
        scales = self.operands[place].scales
        assert scales is not None
        return float(scales[0])

    def weights(
        self, x: int, shape: Sequence[int], axis: int, *, per_channel: bool = True
    ) -> tuple[int, int, list[float]]:
        """Weights and a bias, and the scale of each channel's products."""
        channels = shape[axis]
        count = channels if per_channel and self.random.random() < 0.7 else 1
        scales = [self.real(2e-3, 2e-2) for _ in range(count)]
        drawn = self.random.integers(-127, 127, shape, np.int8, endpoint=True)
        w = self.add(Operand(shape, "int8", scales, [0], axis, drawn))
        products = [float(np.float32(self.scale_of(x) * scale)) for scale in scales]
        dtype = "int32" if self.dtype == "int8" else "int64"
        bias = self.random.integers(-4000, 4000, channels, dtype) * (1 if self.dtype == "int8" else _WORDS)
        return w, self.add(Operand([channels], dtype, products, [0], values=bias)), products

    def spread(self, product: float, terms: int) -> float:
        """A scale for a sum of so many products of random integers."""
        size = 74 * math.sqrt(terms) * (74 if self.dtype == "int8" else 19000)
        return float(np.float32(product * size / _SPREAD[self.dtype] * self.real(0.5, 3.0)))

    def activation(self, scale: float) -> int:
        """One that kernels fuse; those with an upper limit where it is more than a few steps of the result."""
        limited = ("RELU6", "RELU_N1_TO_1") if scale * _SPREAD[self.dtype] < 10 else ()
        return int(getattr(schema.ActivationFunctionType, str(self.pick("NONE", "NONE", "RELU", *limited))))


def _outputs(inputs: int, filters: int, stride: int, dilation: int, padding: str) -> int:
    reach = (filters - 1) * dilation + 1
    return -(-inputs // stride) if padding == "SAME" else (inputs - reach) // stride + 1


def _window(s: Sketch, *, dilated: bool = True) -> tuple[list[int], list[int], list[int], list[int], str]:
    """Image, filter, stride and dilation for both directions, and a padding with which a result is left."""
    while True:
        image, filters = ([s.number(1, most) for _ in range(2)] for most in (9, 4))
        strides = [s.number(1, 3) for _ in range(2)]
        dilations = [1 if not dilated or max(strides) > 1 else s.number(1, 2) for _ in range(2)]
        padding = str(s.pick("SAME", "VALID"))
        out = [_outputs(*numbers, padding) for numbers in zip(image, filters, strides, dilations, strict=True)]
        if min(out) > 0:
            return image, filters, strides, dilations, padding


def _windowed(strides: Sequence[int], padding: str, dilations: Sequence[int] = ()) -> dict[str, object]:
    fields: dict[str, object] = {
        "padding": getattr(schema.Padding, padding), "strideH": strides[0], "strideW": strides[1],
    }  # fmt: skip
    if dilations:
        fields |= {"dilationHFactor": dilations[0], "dilationWFactor": dilations[1]}
    return fields


def conv_2d(s: Sketch) -> None:
    """A convolution, now and then grouped."""
    image, filters, strides, dilations, padding = _window(s)
    groups, depth, batches = int(s.pick(1, 1, 1, 2, 3)), s.number(1, 6), s.number(1, 2)  # type: ignore[call-overload]
    y_depth = groups * s.number(1, 5)
    x = s.x([batches, *image, groups * depth])
    w, bias, products = s.weights(x, [y_depth, *filters, depth], 0)
    out = [_outputs(*numbers, padding) for numbers in zip(image, filters, strides, dilations, strict=True)]
    scale = s.spread(max(products), math.prod(filters) * depth)
    fields = {**_windowed(strides, padding, dilations), "fusedActivationFunction": s.activation(scale)}
    inputs = [x, w, bias] if s.dtype == "int16" or s.random.random() < 0.8 else [x, w, -1]
    s.y("CONV_2D", inputs, [batches, *out, y_depth], scale, "Conv2DOptions", **fields)


def pointwise(s: Sketch) -> None:
    """A 1x1 convolution over channels of any number."""
    rows, columns, depth, y_depth = s.number(1, 6), s.number(1, 6), s.number(1, 37), s.number(1, 19)
    x = s.x([1, rows, columns, depth])
    w, bias, products = s.weights(x, [y_depth, 1, 1, depth], 0)
    scale = s.spread(max(products), depth)
    fields = {**_windowed([1, 1], "VALID", [1, 1]), "fusedActivationFunction": s.activation(scale)}
    s.y("CONV_2D", [x, w, bias], [1, rows, columns, y_depth], scale, "Conv2DOptions", **fields)


def depthwise_conv_2d(s: Sketch) -> None:
    """A depthwise convolution of any multiplier."""
    image, filters, strides, dilations, padding = _window(s)
    depth, times, batches = s.number(1, 9), int(s.pick(1, 1, 2, 3)), s.number(1, 2)  # type: ignore[call-overload]
    x = s.x([batches, *image, depth])
    w, bias, products = s.weights(x, [1, *filters, depth * times], 3)
    out = [_outputs(*numbers, padding) for numbers in zip(image, filters, strides, dilations, strict=True)]
    scale, shape = s.spread(max(products), math.prod(filters)), [batches, *out, depth * times]
    fields = {
        **_windowed(strides, padding, dilations), "depthMultiplier": times,
        "fusedActivationFunction": s.activation(scale),
    }  # fmt: skip
    s.y("DEPTHWISE_CONV_2D", [x, w, bias], shape, scale, "DepthwiseConv2DOptions", **fields)


def transpose_conv(s: Sketch) -> None:
    """A transposed convolution: its window slides over the result."""
    image, filters, strides, _, padding = _window(s, dilated=False)
    inner = [_outputs(*numbers, 1, padding) for numbers in zip(image, filters, strides, strict=True)]
    batches, depth, y_depth = s.number(1, 2), s.number(1, 6), s.number(1, 5)
    shape = [batches, *image, y_depth]
    x = s.x([batches, *inner, depth])
    w, bias, products = s.weights(x, [y_depth, *filters, depth], 0)
    terms = max(1, math.prod(filters) * depth // math.prod(strides))
    scale = s.spread(max(products), terms)
    fields = {**_windowed(strides, padding), "fusedActivationFunction": s.activation(scale)}
    inputs = [s.constant(shape), w, x, bias] if s.random.random() < 0.7 else [s.constant(shape), w, x]
    s.y("TRANSPOSE_CONV", inputs, shape, scale, "TransposeConvOptions", **fields)


def fully_connected(s: Sketch) -> None:
    """A dense layer, per channel or not, on one row or some."""
    batches, depth, y_depth = s.number(1, 3), s.number(1, 40), s.number(1, 12)
    x = s.x([batches, depth])
    w, bias, products = s.weights(x, [y_depth, depth], 0)
    scale = s.spread(max(products), depth)
    fields = {"fusedActivationFunction": s.activation(scale)}
    inputs = [x, w, bias] if s.random.random() < 0.7 else [x, w, -1]
    s.y("FULLY_CONNECTED", inputs, [batches, y_depth], scale, "FullyConnectedOptions", **fields)


def _pool(s: Sketch, name: str) -> None:
    image, filters, strides, _, padding = _window(s, dilated=False)
    batches, depth = s.number(1, 2), s.number(1, 9)
    out = [_outputs(*numbers, 1, padding) for numbers in zip(image, filters, strides, strict=True)]
    x = s.x([batches, *image, depth], s.real(1e-2, 1e-1))
    kept = s.operands[x]
    place = s.add(Operand([batches, *out, depth], s.dtype, kept.scales, kept.zero_points))
    fields = {
        **_windowed(strides, padding), "filterHeight": filters[0], "filterWidth": filters[1],
        "fusedActivationFunction": s.activation(s.scale_of(x)),
    }  # fmt: skip
    s.call(name, [x], place, "Pool2DOptions", **fields)


def average_pool_2d(s: Sketch) -> None:
    """Averages."""
    _pool(s, "AVERAGE_POOL_2D")


def max_pool_2d(s: Sketch) -> None:
    """Largest elements."""
    _pool(s, "MAX_POOL_2D")


def add(s: Sketch, shape: Sequence[int] = ()) -> None:
    """A sum of two inputs of their own scales."""
    shape = shape or [s.number(1, 4) for _ in range(s.number(1, 4))]
    a, b = s.x(shape, s.real(1e-2, 1e-1)), s.x(shape, s.real(1e-2, 1e-1))
    scale = max(s.scale_of(a), s.scale_of(b)) * s.real(0.7, 2.0)
    fields = {"fusedActivationFunction": s.activation(scale), "potScaleInt16": False}
    s.y("ADD", [a, b], shape, scale, "AddOptions", **fields)


def softmax(s: Sketch, shape: Sequence[int] = ()) -> None:
    """Rows of logits."""
    shape = shape or [s.number(1, 3) for _ in range(s.number(0, 2))] + [s.number(1, 20)]
    fine = 1.0 if s.dtype == "int8" else 1 / 128
    x = s.x(shape, s.real(1e-2, 3e-1) * fine)
    scale, point = (1 / 256, -128) if s.dtype == "int8" else (1 / 32768, 0)
    place = s.add(Operand(shape, s.dtype, [scale], [point]))
    s.call("SOFTMAX", [x], place, "SoftmaxOptions", beta=float(s.pick(1.0, 1.0, 0.5)))  # type: ignore[arg-type]


def _reduce(s: Sketch, name: str) -> None:
    rank = s.number(1, 5)
    shape = [s.number(1, 5) for _ in range(rank)]
    axes = sorted({s.number(0, rank - 1) for _ in range(s.number(1, rank))})
    keep = bool(s.pick(True, False))
    given = [axis - rank if s.random.random() < 0.3 else axis for axis in axes]
    out = [1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes]
    x = s.x(shape)
    terms = math.prod(shape[axis] for axis in axes)
    scale = s.scale_of(x) * s.real(0.4, 1.5) * (math.sqrt(terms) if name == "SUM" else 1 / math.sqrt(terms))
    s.y(name, [x, s.constant(given)], out, float(np.float32(scale)), "ReducerOptions", keepDims=keep)


def mean(s: Sketch) -> None:
    """A mean over any axes."""
    _reduce(s, "MEAN")


def sum_(s: Sketch) -> None:
    """A sum over any axes."""
    _reduce(s, "SUM")


def batch_matmul(s: Sketch) -> None:
    """Matrices, the second of which may be a constant; either may be transposed, and repeated over batches."""
    rows, depth, columns = s.number(1, 6), s.number(1, 12), s.number(1, 6)
    batches = [s.number(1, 3) for _ in range(s.number(0, 3))]
    turned = [bool(s.pick(True, False)) for _ in range(2)]
    sides = [
        [1 if s.random.random() < 0.25 else size for size in batches] + (pair[::-1] if turn else pair)
        for pair, turn in (([rows, depth], turned[0]), ([depth, columns], turned[1]))
    ]
    a = s.x(sides[0], s.real(1e-3, 1e-2))
    if s.random.random() < 0.5:
        limits = np.iinfo(s.dtype)
        drawn = s.random.integers(limits.min, limits.max, sides[1], s.dtype, endpoint=True)
        b = s.add(Operand(sides[1], s.dtype, [s.real(1e-3, 1e-2)], [s.point()], values=drawn))
    else:
        b = s.x(sides[1], s.real(1e-3, 1e-2))
    wide = 1.0 if s.dtype == "int8" else 256.0
    scale = s.spread(s.scale_of(a) * s.scale_of(b), depth) * wide
    out = [max(pair) for pair in zip(sides[0][:-2], sides[1][:-2], strict=True)] + [rows, columns]
    s.y("BATCH_MATMUL", [a, b], out, scale, "BatchMatMulOptions", adjX=turned[0], adjY=turned[1])


def lstm(s: Sketch) -> None:
    """A fused LSTM with states of its own."""
    batches, steps = s.number(1, 2), s.number(1, 6)
    depth, units = (s.number(1, 7) if s.number(0, 1) else s.number(8, 40) for _ in range(2))
    time_major = bool(s.pick(True, False))
    head = [steps, batches] if time_major else [batches, steps]
    x = s.x([*head, depth], s.real(5e-3, 5e-2))
    hidden = Operand([batches, units], s.dtype, [s.real(4e-3, 1.5e-2)], [s.point()], variable=True)
    rows, columns, biases = [], [], []
    for _ in range(4):
        w, bias, _ = s.weights(x, [units, depth], 0, per_channel=False)
        rows.append(w)
        biases.append(bias)
        drawn = s.random.integers(-127, 127, [units, units], np.int8, endpoint=True)
        columns.append(s.add(Operand([units, units], "int8", [s.real(2e-3, 2e-2)], [0], values=drawn)))
    state = s.add(hidden)
    cell = s.add(Operand([batches, units], "int16", [2.0 ** -s.number(10, 16)], [0], variable=True))
    place = s.add(Operand([*head, units], s.dtype, hidden.scales, hidden.zero_points))
    inputs = [x, *rows, *columns, -1, -1, -1, *biases, -1, -1, state, cell, -1, -1, -1, -1]
    fields = {
        "fusedActivationFunction": schema.ActivationFunctionType.TANH, "timeMajor": time_major,
        "cellClip": float(s.pick(0.0, 10.0, 0.5)),  # type: ignore[arg-type]
    }  # fmt: skip
    s.call("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, place, "UnidirectionalSequenceLSTMOptions", **fields)


def windowed_layer(
    s: Sketch, kind: str, shape: Sequence[int], size: int, stride: int, padding: str, channels: int
) -> None:
    """A convolution or a pool of one size, stride and padding in both directions, behind what stands there already."""
    x = s.outputs.pop() if s.outputs else s.x(shape, 0.05)
    shape = s.operands[x].shape
    out = [shape[0], *(_outputs(inputs, size, stride, 1, padding) for inputs in shape[1:3]), channels]
    fields = _windowed([stride] * 2, padding)
    if kind.endswith("POOL_2D"):
        like = s.operands[x]
        place = s.add(Operand(out, s.dtype, like.scales, like.zero_points))
        s.call(kind, [x], place, "Pool2DOptions", **fields, filterHeight=size, filterWidth=size)
        return
    deep = kind == "DEPTHWISE_CONV_2D"
    w, bias, products = s.weights(x, [1, size, size, channels] if deep else [channels, size, size, shape[3]], 3 * deep)
    terms = size * size * (1 if deep else shape[3])
    options = "DepthwiseConv2DOptions" if deep else "Conv2DOptions"
    fields |= {"depthMultiplier": channels // shape[3]} if deep else {}
    s.y(kind, [x, w, bias], out, s.spread(max(products), terms), options, **fields)


KINDS: Mapping[str, Callable[[Sketch], None]] = {
    "CONV_2D": conv_2d, "CONV_2D 1x1": pointwise, "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "TRANSPOSE_CONV": transpose_conv, "FULLY_CONNECTED": fully_connected, "AVERAGE_POOL_2D": average_pool_2d,
    "MAX_POOL_2D": max_pool_2d, "ADD": add, "SOFTMAX": softmax, "MEAN": mean, "SUM": sum_,
    "BATCH_MATMUL": batch_matmul, "LSTM": lstm,
}  # fmt: skip
"""By operator: what adds a random layer to a sketch."""


def random_model(kinds: Sequence[str], dtype: str, seed: int) -> tflite.Model:
    """Layers of these kinds beside each other, each from its input to its output."""
    sketch = Sketch(np.random.default_rng(seed), dtype)
    for kind in kinds:
        KINDS[kind](sketch)
    return sketch.model()

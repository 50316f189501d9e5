"""How hypothesis draws a call of each operator: shapes, dtypes, scales, zero points, axes, options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from hypothesis import strategies as st
from operator_cases import Case, Draw, constant, integers, quantised, scales, shapes
from operator_models import Operand

__all__ = ["STRATEGIES"]

Maker = Callable[[Draw, str, str], Case]
"""From hypothesis's draw, an operator and a dtype to a call."""
_UNARY = (
    "ABS", "ELU", "EXP", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG", "LOGISTIC", "RELU", "RELU6", "RELU_N1_TO_1",
    "RSQRT", "TANH",
)  # fmt: skip
_COMPARED = {
    "EQUAL": "EqualOptions", "NOT_EQUAL": "NotEqualOptions", "GREATER": "GreaterOptions", "LESS": "LessOptions",
    "GREATER_EQUAL": "GreaterEqualOptions", "LESS_EQUAL": "LessEqualOptions",
}  # fmt: skip
_FUSED = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}


def _sides(draw: Draw) -> tuple[list[int], list[int], list[int]]:
    """Shapes of two operands that are broadcast to a third."""
    whole = draw(shapes(1, 4))
    a, b = list(whole), list(whole)
    if draw(st.booleans()):
        for place in range(len(whole)):
            side = draw(st.sampled_from((None, a, b)))
            if side is not None:
                side[place] = 1
    for side in (a, b):
        while len(side) > 1 and side[0] == 1 and draw(st.booleans()):
            del side[0]
    rank = max(len(a), len(b))
    padded = [[1] * (rank - len(side)) + side for side in (a, b)]
    return a, b, [max(pair) for pair in zip(*padded, strict=True)]


def _pair(draw: Draw, name: str, dtype: str) -> Case:
    """ADD, SUB, MUL, SQUARED_DIFFERENCE."""
    left, right, shape = _sides(draw)
    a, b = quantised(draw, left, dtype), quantised(draw, right, dtype)
    assert a.scales and b.scales
    if name in ("MUL", "SQUARED_DIFFERENCE"):
        own = a.scales[0] * b.scales[0] if name == "MUL" else max(a.scales[0], b.scales[0]) ** 2
        scale = float(np.float32(own * 2.0 ** draw(st.floats(2.1, 14))))
    else:
        scale = max(a.scales[0], b.scales[0]) * draw(st.floats(0.05, 8))
    y = quantised(draw, shape, dtype, scale=scale)
    fused = draw(st.sampled_from(tuple(_FUSED.values())))
    options = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}.get(name)
    kind = draw(st.sampled_from(("computed", "computed", "first", "second", "twice")))
    if kind == "twice":
        return Case(name, [a], [quantised(draw, left, dtype, scale=scale)], options,
                    {"fusedActivationFunction": fused} if options else {}, twice=True)  # fmt: skip
    a, b = constant(draw, a) if kind == "first" else a, constant(draw, b) if kind == "second" else b
    return Case(name, [a, b], [y], options, {"fusedActivationFunction": fused} if options else {})


def _extreme(draw: Draw, name: str, dtype: str) -> Case:
    """MAXIMUM, MINIMUM."""
    left, right, shape = _sides(draw)
    a = quantised(draw, left, dtype)
    b = Operand(right, dtype, a.scales, a.zero_points)
    b = constant(draw, b) if draw(st.booleans()) else b
    return Case(name, [a, b], [Operand(shape, dtype, a.scales, a.zero_points)], "MaximumMinimumOptions")


def _prelu(draw: Draw, name: str, dtype: str) -> Case:
    shape = draw(shapes(1, 4))
    x = quantised(draw, shape, dtype)
    channels = [size if draw(st.booleans()) else 1 for size in shape]
    assert x.scales
    alpha = quantised(draw, channels, dtype)
    alpha = constant(draw, alpha) if draw(st.booleans()) else alpha
    return Case(name, [x, alpha], [quantised(draw, shape, dtype, scale=x.scales[0] * draw(st.floats(0.1, 8)))])


def _activation(draw: Draw, name: str, dtype: str) -> Case:
    """Of one operand."""
    shape = draw(shapes(1, 4))
    # An exponential that no 32-bit integer holds is left to the processor: none is drawn.
    x = quantised(draw, shape, dtype, scale=draw(scales(-12, -5 if name == "EXP" else 0)))
    assert x.scales
    if name in ("LOGISTIC", "TANH"):
        bits = 15 if dtype == "int16" else {"LOGISTIC": 8, "TANH": 7}[name]
        if dtype == "int16":
            x = quantised(draw, shape, dtype, scale=draw(st.sampled_from((2.0**-12, 2.0**-11, draw(scales(-16, 0))))))
        zero_point = -128 if (name, dtype) == ("LOGISTIC", "int8") else 0
        return Case(name, [x], [quantised(draw, shape, dtype, scale=2.0**-bits, zero_point=zero_point)])
    if name == "RSQRT":
        x = quantised(draw, shape, dtype, zero_point=-128)
        return Case(name, [x], [quantised(draw, shape, dtype, scale=draw(scales(-6, 2)))])
    y = quantised(draw, shape, dtype, scale=float(np.float32(x.scales[0] * draw(st.floats(0.1, 4)))))
    if name == "LEAKY_RELU":
        return Case(name, [x], [y], "LeakyReluOptions", {"alpha": draw(st.floats(0, 1.5, width=32))})
    if name == "GELU":
        return Case(name, [x], [y], "GeluOptions", {"approximate": draw(st.booleans())})
    return Case(name, [x], [y])


def _rows(draw: Draw, name: str, dtype: str) -> Case:
    """LOG_SOFTMAX, L2_NORMALIZATION."""
    shape = [*draw(shapes(0, 3, 3)), draw(st.integers(1, 40))]
    x = quantised(draw, shape, dtype, scale=draw(scales(-9, 1)))
    if name == "LOG_SOFTMAX":
        return Case(name, [x], [Operand(shape, dtype, (1 / 16,), (127,))], "LogSoftmaxOptions")
    near = [Operand(x.shape, dtype, x.scales, x.zero_points)]

    def short(random: np.random.Generator) -> np.ndarray[Any, np.dtype[np.int8]]:
        """Rows of which some are zeros or almost so."""
        far = random.choice([0, 1, 2, 20, 255], (*shape[:-1], 1))
        values = x.zero_points[0] + np.clip(random.integers(-255, 256, shape), -far, far)
        return np.clip(values, -128, 127).astype(np.int8)

    return Case(name, near, [Operand(shape, dtype, (1 / 128,), (0,))], "L2NormOptions", values={0: short})


def _compared(draw: Draw, name: str, dtype: str) -> Case:
    """GREATER, LESS, EQUAL and their kin; in one scale, too, where values are the same."""
    left, right, shape = _sides(draw)
    a, b = quantised(draw, left, "int8"), quantised(draw, right, "int8")
    if draw(st.booleans()):
        b = Operand(right, "int8", a.scales, a.zero_points)
    b = constant(draw, b) if draw(st.booleans()) else b

    def few(random: np.random.Generator) -> np.ndarray[Any, np.dtype[np.int8]]:
        return np.clip(a.zero_points[0] + random.integers(-3, 4, left), -128, 127).astype(np.int8)

    return Case(name, [a, b], [Operand(shape, "bool")], _COMPARED[name], values={0: few} if draw(st.booleans()) else {})


def _selected(draw: Draw, name: str, dtype: str) -> Case:
    left, right, shape = _sides(draw)
    flags = [size if draw(st.booleans()) else 1 for size in shape]
    a = quantised(draw, left, dtype)
    b = Operand(right, dtype, a.scales, a.zero_points)
    y = Operand(shape, dtype, a.scales, a.zero_points)
    a, b = (constant(draw, side) if draw(st.booleans()) else side for side in (a, b))
    return Case(name, [Operand(flags, "bool"), a, b], [y], "SelectV2Options")


def _requantised(draw: Draw, name: str, dtype: str) -> Case:
    """QUANTIZE, DEQUANTIZE."""
    shape, (before, after) = draw(shapes(1, 4)), dtype.split(" to ")
    x, y = quantised(draw, shape, before), quantised(draw, shape, after)
    if before != "float32":
        return Case(name, [x], [y])
    assert y.scales
    scale = np.float32(y.scales[0])

    def halves(random: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float32]]:
        steps = random.integers(-700, 700, shape) / np.float32(2)
        exact = steps.astype(np.float32) * scale
        return np.where(random.integers(0, 2, shape), exact, random.standard_normal(shape) * 300 * scale).astype(
            np.float32
        )

    return Case(name, [x], [y], values={0: halves})


def _moved(draw: Draw, shape: list[int], dtype: str) -> tuple[Operand, Callable[[list[int]], Operand]]:
    """An operand, and its results by their shapes."""
    x = quantised(draw, shape, dtype)
    return x, lambda result: Operand(result, dtype, x.scales, x.zero_points)


def _padded(draw: Draw, name: str, dtype: str) -> Case:
    shape = draw(shapes(1, 4, 4))
    paddings = [[draw(st.integers(0, 2)), draw(st.integers(0, 2))] for _ in shape]
    x, like = _moved(draw, shape, dtype)
    operands = [x, integers(paddings)]
    if name == "PADV2":
        operands.append(constant(draw, like([1])))
    y = like([size + sum(pair) for size, pair in zip(shape, paddings, strict=True)])
    return Case(name, operands, [y], "PadOptions" if name == "PAD" else "PadV2Options")


def _joined(draw: Draw, name: str, dtype: str) -> Case:
    shape, count = draw(shapes(1, 4)), draw(st.integers(1, 4))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    x, like = _moved(draw, shape, dtype)
    parts = [x]
    for _ in range(count - 1):
        other = list(shape)
        other[axis] = draw(st.integers(1, 5))
        parts.append(constant(draw, like(other)) if draw(st.integers(0, 3)) == 0 else like(other))
    whole = list(shape)
    whole[axis] = sum(part.shape[axis] for part in parts)
    return Case(name, parts, [like(whole)], "ConcatenationOptions", {"axis": axis})


def _split(draw: Draw, name: str, dtype: str) -> Case:
    shape, count = draw(shapes(1, 4)), draw(st.integers(1, 3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    sizes = [shape[axis]] * count if name == "SPLIT" else [draw(st.integers(1, 4)) for _ in range(count)]
    whole = list(shape)
    whole[axis] = sum(sizes)
    x, like = _moved(draw, whole, dtype)
    parts = [like([*shape[:axis], size, *shape[len(shape) + axis + 1 if axis < 0 else axis + 1 :]]) for size in sizes]
    if name == "SPLIT":
        return Case(name, [integers(axis), x], parts, "SplitOptions", {"numSplits": count})
    return Case(name, [x, integers(sizes), integers(axis)], parts, "SplitVOptions", {"numSplits": count})


def _stacked(draw: Draw, name: str, dtype: str) -> Case:
    """PACK, UNPACK."""
    shape, count = draw(shapes(1, 3)), draw(st.integers(1, 4))
    axis = draw(st.integers(0, len(shape)))
    x, like = _moved(draw, shape, dtype)
    whole, told = like([*shape[:axis], count, *shape[axis:]]), axis - draw(st.sampled_from((0, len(shape) + 1)))
    if name == "UNPACK":
        return Case(name, [whole], [like(shape)] * count, "UnpackOptions", {"axis": told, "num": count})
    parts = [x, *(constant(draw, x) if draw(st.integers(0, 3)) == 0 else x for _ in range(count - 1))]
    return Case(name, parts, [whole], "PackOptions", {"axis": told, "valuesCount": count})


def _sliced(draw: Draw, name: str, dtype: str) -> Case:
    shape = draw(shapes(1, 4))
    x, like = _moved(draw, shape, dtype)
    begins = [draw(st.integers(0, size - 1)) for size in shape]
    sizes = [draw(st.integers(1, size - begin)) for size, begin in zip(shape, begins, strict=True)]
    told = [
        -1 if begin + size == whole and draw(st.booleans()) else size
        for begin, size, whole in zip(begins, sizes, shape, strict=True)
    ]
    return Case(name, [x, integers(begins), integers(told)], [like(sizes)], "SliceOptions")


def _strided(draw: Draw, name: str, dtype: str) -> Case:
    shape = draw(shapes(1, 4))
    x, like = _moved(draw, shape, dtype)
    masks, begins, ends, strides, kept = [0, 0, 0], [], [], [], []
    for place, size in enumerate(shape):
        bits = [draw(st.integers(0, 3)) == 0 for _ in range(3)]
        stride = draw(st.sampled_from((1, 1, 2, 3, -1, -2)))
        if bits[2]:
            begins.append(0 if bits[0] else draw(st.integers(-size, size - 1)))
            ends.append(begins[-1] + 1)
            stride = 1
        else:
            first = 0 if stride > 0 else size - 1
            at = first if bits[0] else draw(st.integers(0, size - 1))
            count = draw(st.integers(1, len(range(at, size if stride > 0 else -1, stride))))
            end = at + count * stride
            if bits[1] or end < 0:
                bits[1] = True
                count = len(range(at, size if stride > 0 else -1, stride))
            begins.append(at - size if draw(st.booleans()) else at)
            ends.append(end)
            kept.append(count)
        strides.append(stride)
        masks = [mask | bit << place for mask, bit in zip(masks, bits, strict=True)]
    fields = dict(zip(("beginMask", "endMask", "shrinkAxisMask"), masks, strict=True))
    operands = [x, integers(begins), integers(ends), integers(strides)]
    return Case(name, operands, [like(kept)], "StridedSliceOptions", fields)


def _renamed(draw: Draw, name: str, dtype: str) -> Case:
    shape = draw(shapes(1, 4))
    x, like = _moved(draw, shape, dtype)
    if name == "RESHAPE":
        result = draw(st.permutations(shape))
        return Case(name, [x, integers(result)], [like(result)], "ReshapeOptions", {"newShape": result})
    axis = draw(st.integers(0, len(shape)))
    wide = [*shape[:axis], 1, *shape[axis:]]
    if name == "EXPAND_DIMS":
        return Case(name, [x, integers(axis)], [like(wide)], "ExpandDimsOptions")
    x, like = _moved(draw, wide, dtype)
    return Case(name, [x], [like(shape)], "SqueezeOptions", {"squeezeDims": [axis]})


def _transposed(draw: Draw, name: str, dtype: str) -> Case:
    shape = draw(shapes(1, 5, 4))
    order = draw(st.permutations(range(len(shape))))
    x, like = _moved(draw, shape, dtype)
    return Case(name, [x, integers(order)], [like([shape[place] for place in order])], "TransposeOptions")


def _resized(draw: Draw, name: str, dtype: str) -> Case:
    shape = [draw(st.integers(1, 2)), draw(st.integers(1, 7)), draw(st.integers(1, 7)), draw(st.integers(1, 4))]
    size = [draw(st.integers(1, 14)), draw(st.integers(1, 14))]
    corners, centres = draw(st.sampled_from(((False, False), (True, False), (False, True))))
    x, like = _moved(draw, shape, dtype)
    table = "ResizeBilinearOptions" if name == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    fields = {"alignCorners": corners, "halfPixelCenters": centres}
    return Case(name, [x, integers(size)], [like([shape[0], *size, shape[3]])], table, fields)


def _gathered(draw: Draw, name: str, dtype: str) -> Case:
    shape = draw(shapes(1, 4))
    x, like = _moved(draw, shape, dtype)
    axis = draw(st.integers(0, len(shape) - 1))
    batch = draw(st.integers(0, axis))
    own = draw(shapes(0 if batch else 1, 2, 4))  # TFLite Micro's wheel takes no scalar
    places = Operand([*shape[:batch], *own], "int32")
    result = [*shape[:axis], *own, *shape[axis + 1 :]]
    values = _places(places, shape[axis])
    kind = draw(st.sampled_from(("computed", "table", "places")))
    if kind == "places":
        places = integers(values(np.random.default_rng(draw(st.integers(0, 99)))))
    x = constant(draw, x) if kind == "table" else x
    fields = {"axis": axis - len(shape) if draw(st.booleans()) else axis, "batchDims": batch}
    return Case(name, [x, places], [like(result)], "GatherOptions", fields, values={1: values})


def _embedded(draw: Draw, name: str, dtype: str) -> Case:
    shape, count = draw(shapes(2, 3)), draw(st.integers(1, 6))
    x, like = _moved(draw, shape, dtype)
    places = Operand([count], "int32")
    table = constant(draw, x) if draw(st.booleans()) else x
    return Case(name, [places, table], [like([count, *shape[1:]])], values={0: _places(places, shape[0])})


def _places(operand: Operand, size: int) -> Callable[[np.random.Generator], Any]:
    return lambda random: random.integers(0, size, operand.shape, np.int32)


def _ranked(draw: Draw, name: str, dtype: str) -> Case:
    shape, (before, after) = draw(shapes(2, 4)), dtype.split(" to ")
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    x = quantised(draw, shape, before)
    result = [size for place, size in enumerate(shape) if place != axis % len(shape)]

    def few(random: np.random.Generator) -> Any:
        return random.integers(-3, 3, shape, np.int8)

    table = "ArgMaxOptions" if name == "ARG_MAX" else "ArgMinOptions"
    fields = {"outputType": getattr(schema.TensorType, after.upper())}
    return Case(name, [x, integers([axis])], [Operand(result, after)], table, fields, values={0: few})


def _reduced(draw: Draw, name: str, dtype: str) -> Case:
    """REDUCE_MAX, REDUCE_MIN."""
    shape, keep = draw(shapes(1, 4)), draw(st.booleans())
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True))
    x, like = _moved(draw, shape, dtype)
    result = [1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes]
    told = [axis - len(shape) if draw(st.booleans()) else axis for axis in axes]
    return Case(name, [x, integers(told)], [like(result)], "ReducerOptions", {"keepDims": keep})


def _reversed(draw: Draw, name: str, dtype: str) -> Case:
    shape = draw(shapes(1, 4))
    x, like = _moved(draw, shape, dtype)
    axes = draw(
        st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=1)
    )  # TFLite's kernels take neighbours alone
    return Case(name, [x, integers(axes)], [like(shape)], "ReverseV2Options")


def _tiled(draw: Draw, name: str, dtype: str) -> Case:
    shape = draw(shapes(1, 3))
    times = [draw(st.integers(1, 3)) for _ in shape]
    x, like = _moved(draw, shape, dtype)
    whole = [size * count for size, count in zip(shape, times, strict=True)]
    return Case(name, [x, integers(times)], [like(whole)], "TileOptions")


STRATEGIES: Mapping[str, Maker] = {
    **dict.fromkeys(("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE"), _pair),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), _extreme),
    **dict.fromkeys(_COMPARED, _compared),
    "SELECT_V2": _selected,
    **dict.fromkeys(("LOG_SOFTMAX", "L2_NORMALIZATION"), _rows),
    "PRELU": _prelu,
    **dict.fromkeys(_UNARY, _activation),
    **dict.fromkeys(("QUANTIZE", "DEQUANTIZE"), _requantised),
    **dict.fromkeys(("PAD", "PADV2"), _padded),
    "CONCATENATION": _joined,
    **dict.fromkeys(("SPLIT", "SPLIT_V"), _split),
    **dict.fromkeys(("PACK", "UNPACK"), _stacked),
    "SLICE": _sliced,
    "STRIDED_SLICE": _strided,
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _renamed),
    "TRANSPOSE": _transposed,
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), _resized),
    "GATHER": _gathered,
    "EMBEDDING_LOOKUP": _embedded,
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), _ranked),
    "REVERSE_V2": _reversed,
    "TILE": _tiled,
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN"), _reduced),
}
"""How a call of each operator is drawn."""

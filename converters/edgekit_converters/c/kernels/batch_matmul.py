"""BATCH_MATMUL: products of matrices, either of which may be a constant or transposed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgekit import tflite
from edgekit.tflite.options import BatchMatMul
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.products import scaling, wide_scaling
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Field, Step

__all__ = ["lower"]

_BATCHES = 3
"""Dimensions before those of the matrices."""


def lower(site: Site) -> Lowered:
    """One step."""
    options, a, b, y = site.options(BatchMatMul), site.input(0), site.input(1), site.output()
    dtype = site.dtype(a, "int8", "int16")
    for tensor in (b, y):
        site.dtype(tensor, dtype)
    for tensor in (a, b, y):
        symmetric = dtype == "int8" or site.zero_point(tensor) == 0
        site.check(symmetric, "int16 tensors have zero points of 0.", tensor.quant)
    shapes = [list(tensor.shape) for tensor in (a, b, y)]
    ranks = [len(shape) for shape in shapes]
    site.check(min(ranks) >= 2 and max(ranks) <= _BATCHES + 2, "Matrices have two to five dimensions.", shapes)
    site.check(not any(0 in shape for shape in shapes), "Matrices have elements.", shapes)
    rows, depth = reversed(a.shape[-2:]) if options.adj_x else a.shape[-2:]
    inner, columns = reversed(b.shape[-2:]) if options.adj_y else b.shape[-2:]
    site.check(inner == depth, "The matrices have one inner dimension.", shapes)
    batches = _broadcast(site, a.shape[:-2], b.shape[:-2])
    wide = max(ranks[0], ranks[1]) - 2
    site.check(y.shape == (*batches[_BATCHES - wide :], rows, columns), "The result has the matrices' shape.", shapes)
    step = Step(
        site.place,
        site.operator.name,
        "batch_matmul" if dtype == "int8" else "batch_matmul_int16",
        {
            **{f"batches_{number}": size for number, size in enumerate(batches)},
            **_strides("a", a.shape[:-2], rows * depth), **_strides("b", b.shape[:-2], depth * columns),
            "rows": rows, "columns": columns, "depth": depth,
            "a_row": 1 if options.adj_x else depth, "a_depth": rows if options.adj_x else 1,
            "b_column": depth if options.adj_y else 1, "b_depth": 1 if options.adj_y else columns,
            **_arithmetic(site, a, b, y, depth),
        },
        inputs=(a.index, b.index),
        outputs=(y.index,),
        needs=("fixed_point",) if dtype == "int8" else ("fixed_point", "fixed_point_wide"),
    )  # fmt: skip
    return Lowered((step,), constants=_constants(site, a, b))


def _constants(site: Site, a: tflite.Tensor, b: tflite.Tensor) -> dict[int, Constant]:
    stored = {n: t for n, t in enumerate((a, b)) if t.data is not None}
    site.check(len(stored) < 2, "One of the matrices is computed.")
    return {tensor.index: Constant(site.constant(number, tensor.dtype)) for number, tensor in stored.items()}


def _broadcast(site: Site, a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    """The dimensions before the matrices', of which 1 goes with any, filled up to their number."""
    pairs = [(1,) * (_BATCHES - len(sizes)) + tuple(sizes) for sizes in (a, b)]
    fits = all(one == other or 1 in (one, other) for one, other in zip(*pairs, strict=True))
    site.check(fits, "Batches are equal, or 1.", [list(a), list(b)])
    return tuple(max(sizes) for sizes in zip(*pairs, strict=True))


def _strides(name: str, batches: Sequence[int], matrix: int) -> dict[str, Field]:
    """Elements from one matrix to the next along each dimension; 0 along one that is repeated."""
    sizes = (1,) * (_BATCHES - len(batches)) + tuple(batches)
    return {
        f"{name}_batch_{number}": 0 if size == 1 else matrix * math.prod(sizes[number + 1 :])
        for number, size in enumerate(sizes)
    }


def _arithmetic(site: Site, a: tflite.Tensor, b: tflite.Tensor, y: tflite.Tensor, depth: int) -> dict[str, Field]:
    """Zero points and the one factor, whose product of scales is a float32 (`GetQuantizedConvolutionMultipler`)."""
    for number, tensor in enumerate((a, b)):
        many = tensor.quant is not None and len(tensor.quant.scales) > 1
        site.check(not many, "A matrix has one scale.", f"operand {number} with {tensor.quant}")
    real = float(np.float32(site.scale(a)) * np.float32(site.scale(b))) / site.scale(y)
    none, check = np.zeros(1, np.int64), scaling if a.dtype == "int8" else wide_scaling
    most = 256 if a.dtype == "int8" else 32768
    check(site, [real], none, np.array([most * most * depth], np.int64))
    factor = site.multiplier(real)
    points: dict[str, Field] = {
        "a_zero_point": site.zero_point(a), "b_zero_point": site.zero_point(b), "y_zero_point": site.zero_point(y),
    }  # fmt: skip
    return (points if a.dtype == "int8" else {}) | {"multiplier": factor.mantissa, "shift": factor.shift}

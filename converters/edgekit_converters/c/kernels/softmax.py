"""SOFTMAX: exponentials from a table that is made here, the division in C; int16 logits divide by a table too."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from edgekit import tflite
from edgekit.tflite.options import Softmax
from edgekit_converters.c.exponentials import MOST_IN_A_ROW, exponentials
from edgekit_converters.c.interpolation import interpolated
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Overlap, Step

__all__ = ["lower"]

_RANGE = 65535
"""From the smallest int16 to the largest."""
_LEAST = 10.0
"""exp(-10) is the smallest exponential of int16 logits that counts."""
_MOST_SHIFT = 14


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place."""
    beta, x, y = site.options(Softmax).beta, site.activation(0), site.output()
    dtype = site.dtype(x, "int8", "int16")
    site.dtype(y, dtype)
    site.check(x.shape == y.shape and len(x.shape) > 0, "Input and result have one shape.", [x.shape, y.shape])
    return _of_bytes(site, beta, x, y) if dtype == "int8" else _of_words(site, beta, x, y)


def _of_words(site: Site, beta: float, x: tflite.Tensor, y: tflite.Tensor) -> Lowered:
    for tensor in (x, y):
        site.check(site.zero_point(tensor) == 0, "int16 tensors have zero points of 0.", tensor.quant)
    site.check(abs(site.scale(y) * 32768 - 1) <= 0.001, "Scores are in steps of 1/32768.", y.quant)
    depth = x.shape[-1]
    site.check(0 < depth < 1 << 15, "A row has fewer than 32768 logits.", depth)
    factor = site.multiplier(site.scale(x) * float(np.float32(beta)) / (_LEAST / _RANGE), _MOST_SHIFT)
    tables = _word_tables()
    step = Step(
        site.place,
        site.operator.name,
        "softmax_int16",
        {
            "rows": math.prod(x.shape[:-1]), "depth": depth, "multiplier": factor.mantissa, "shift": factor.shift,
            "exponentials": tables[0], "reciprocals": tables[1],
        },
        inputs=(x.index,),
        outputs=(y.index,),
        overlaps=(Overlap(x.index, y.index, 0),),
        needs=("fixed_point",),
    )  # fmt: skip
    return Lowered((step,))


@cache
def _word_tables() -> tuple[Constant, Constant]:
    """exp from -10 to 0, and 1 / (1 + x) from 0 to 1; scales are quotients of float32."""
    unit, ten, two = (float(np.float32(size) / np.float32(_RANGE)) for size in (1.0, _LEAST, 2.0))
    return (
        interpolated(math.exp, ten, 32767, two, 0),
        interpolated(lambda value: float(np.float32(1) / (np.float32(1) + np.float32(value))), unit, -32768, two, 0),
    )


def _of_bytes(site: Site, beta: float, x: tflite.Tensor, y: tflite.Tensor) -> Lowered:
    site.check((site.scale(y), site.zero_point(y)) == (1 / 256, -128), "Scores are in steps of 1/256.", y.quant)
    depth = x.shape[-1]
    site.check(0 < depth < MOST_IN_A_ROW, f"A row has fewer than {MOST_IN_A_ROW} logits.", depth)
    made = exponentials(site, site.scale(x), float(np.float32(beta)))
    step = Step(
        site.place,
        site.operator.name,
        "softmax",
        {"rows": math.prod(x.shape[:-1]), "depth": depth, "smallest": made.smallest, "exponentials": made.table},
        inputs=(x.index,),
        outputs=(y.index,),
        overlaps=(Overlap(x.index, y.index, 0),),
        needs=("reciprocal",),
    )
    return Lowered((step,))

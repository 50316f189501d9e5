"""QUANTIZE: float32 to int8 or int16, and from one scale to another."""

from __future__ import annotations

import math

import numpy as np

from edgekit_converters.c.elementwise import factor
from edgekit_converters.c.fixed_point import times
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Field, Overlap, Step
from edgekit_converters.c.tables import looked_up

__all__ = ["lower"]

_BYTES = (("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"))
_NUMBERS = {
    ("float32", "int8"): "quantize_float32",
    ("float32", "int16"): "quantize_float32_int16",
    ("int8", "int16"): "quantize_int8_int16",
    ("int16", "int8"): "quantize_int16_int8",
    ("int16", "int16"): "quantize_int16_int16",
}


def lower(site: Site) -> Lowered:
    """One step: a table where both have 8 bits. A result that is no wider may take the input's place."""
    x, y = site.activation(0), site.output()
    site.check(x.shape == y.shape, "Input and result have one shape.", [list(x.shape), list(y.shape)])
    pair = x.dtype, y.dtype
    site.check(pair in _BYTES or pair in _NUMBERS, "Numbers go from float32, int8 or int16 to int8 or int16.", pair)
    zero_point, limits = site.zero_point(y), np.iinfo(y.dtype)
    layer: dict[str, Field] = {"count": math.prod(x.shape), "y_zero_point": zero_point}
    if x.dtype == "float32":
        layer |= {"scale": site.scale(y), "y_min": int(limits.min), "y_max": int(limits.max)}
    else:
        by, x_zero_point = (
            factor(site, site.scale(x) / site.scale(y), 255 if x.dtype != "int16" else 1 << 16),
            site.zero_point(x),
        )
        if pair in _BYTES:
            return looked_up(site, lambda i: times(i - x_zero_point, by) + zero_point)
        layer |= {
            "x_zero_point": x_zero_point, "multiplier": by.mantissa, "shift": by.shift,
            "y_min": int(limits.min), "y_max": int(limits.max),
        }  # fmt: skip
    narrower = np.dtype(y.dtype).itemsize <= np.dtype(x.dtype).itemsize
    step = Step(
        site.place,
        site.operator.name,
        _NUMBERS[pair],
        layer,
        inputs=(x.index,),
        outputs=(y.index,),
        overlaps=(Overlap(x.index, y.index, 0),) if narrower else (),
        needs=("fixed_point",),
    )
    return Lowered((step,))

"""DEQUANTIZE: int8, int16 or uint8 to float32."""

from __future__ import annotations

import math

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Step

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step.

    TFLite multiplies in float64 and rounds to float32. A product of a float32 and an integer of 17 bits is exact in
    float64, so float32 rounds the same number once too.
    """
    x, y = site.activation(0), site.output()
    site.dtype(x, "int8", "int16", "uint8")
    site.dtype(y, "float32")
    site.check(x.shape == y.shape, "Input and result have one shape.", [list(x.shape), list(y.shape)])
    step = Step(
        site.place,
        site.operator.name,
        "dequantize" if x.dtype == "int8" else f"dequantize_{x.dtype}",
        {"count": math.prod(x.shape), "zero_point": site.zero_point(x), "scale": site.scale(x)},
        inputs=(x.index,),
        outputs=(y.index,),
    )
    return Lowered((step,))

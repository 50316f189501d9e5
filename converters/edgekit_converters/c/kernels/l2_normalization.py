"""L2_NORMALIZATION of int8: each row by its length."""

from __future__ import annotations

import math

from edgekit.tflite.options import Activated
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Overlap, Step
from edgekit_converters.c.tables import bytes_only

__all__ = ["lower"]

_MOST_IN_A_ROW = ((1 << 31) - 1) // 255**2
"""Squares that 32 bits can add up."""


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place. A row of zeros stays one."""
    activation = site.options(Activated).fused_activation_function
    site.check(activation == "NONE", "The fused activation is NONE.", activation)
    x, y = bytes_only(site)
    site.check((site.scale(y), site.zero_point(y)) == (1 / 128, 0), "Results are in steps of 1/128.", y.quant)
    site.check(0 < len(x.shape) <= 4, "Input and result have 1 to 4 dimensions.", list(x.shape))
    depth = x.shape[-1]
    site.check(0 < depth <= _MOST_IN_A_ROW, f"A row has at most {_MOST_IN_A_ROW} values.", depth)
    step = Step(
        site.place,
        site.operator.name,
        "l2_normalization",
        {"rows": math.prod(x.shape[:-1]), "depth": depth, "x_zero_point": site.zero_point(x)},
        inputs=(x.index,),
        outputs=(y.index,),
        overlaps=(Overlap(x.index, y.index, 0),),
        needs=("fixed_point", "reciprocal"),
    )
    return Lowered((step,))

"""LOG_SOFTMAX of int8: exponentials from a table that is made here, their sum's logarithm in C."""

from __future__ import annotations

import math

from edgekit_converters.c.exponentials import MOST_IN_A_ROW, exponentials
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Overlap, Step
from edgekit_converters.c.tables import bytes_only

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place."""
    x, y = bytes_only(site)
    site.check((site.scale(y), site.zero_point(y)) == (1 / 16, 127), "Logarithms are in steps of 1/16.", y.quant)
    site.check(len(x.shape) > 0, "Input and result have a dimension.", list(x.shape))
    depth = x.shape[-1]
    site.check(0 < depth < MOST_IN_A_ROW, f"A row has fewer than {MOST_IN_A_ROW} logits.", depth)
    made = exponentials(site, site.scale(x))
    divisor = site.multiplier((1 << 31) / (made.factor.mantissa << made.factor.shift), 0)  # factors are above 1
    step = Step(
        site.place,
        site.operator.name,
        "log_softmax",
        {
            "rows": math.prod(x.shape[:-1]), "depth": depth, "smallest": made.smallest,
            "radius": min(made.radius, 256), "multiplier": made.factor.mantissa, "shift": made.factor.shift,
            "divisor": divisor.mantissa, "divisor_shift": divisor.shift, "exponentials": made.table,
        },
        inputs=(x.index,),
        outputs=(y.index,),
        overlaps=(Overlap(x.index, y.index, 0),),
        needs=("fixed_point", "reciprocal"),
    )  # fmt: skip
    return Lowered((step,))

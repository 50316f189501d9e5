"""SQUARED_DIFFERENCE of two int8 or int16 tensors, of one shape or broadcast."""

from __future__ import annotations

from edgekit_converters.c.elementwise import binary, factor, per_dtype
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.sums import lifted, operands

__all__ = ["lower"]

_LIFTS = {"int8": 7, "int16": 0}
_LARGEST_SQUARE = 1 << 30
"""Of a difference of two values that are half as large as 16 bits allow."""


def lower(site: Site) -> Lowered:
    """One step."""
    a, b, y = operands(site)
    lift, twice = _LIFTS[y.dtype], 2 * max(site.scale(a), site.scale(b))
    result = factor(site, twice * twice / ((1 << 2 * lift) * site.scale(y)), _LARGEST_SQUARE)
    low, high = site.clamp("NONE", y)
    layer = {
        **lifted(site, lift, a, b, (site.scale(a) / twice, site.scale(b) / twice)),
        "lift": lift, "y_zero_point": site.zero_point(y),
        "y_multiplier": result.mantissa, "y_shift": result.shift, "y_min": low, "y_max": high,
    }  # fmt: skip
    return binary(site, per_dtype("squared_difference", y.dtype), layer, a, b)

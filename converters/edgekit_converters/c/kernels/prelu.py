"""PRELU of int8: negative values times a factor of their own, of their channel, or of all."""

from __future__ import annotations

from edgekit_converters.c.elementwise import binary, factor
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    x, alpha, y = site.operand(0, "int8"), site.operand(1, "int8"), site.output()
    site.dtype(y, "int8")
    site.check(x.elements == y.elements, "Input and result have one shape.", [list(x.shape), list(y.shape)])
    same = factor(site, site.scale(x) / site.scale(y), 255)
    negative = factor(site, site.scale(x) * site.scale(alpha) / site.scale(y), 255 * 255)
    low, high = site.clamp("NONE", y)
    layer = {
        "a_zero_point": site.zero_point(x), "b_zero_point": site.zero_point(alpha), "y_zero_point": site.zero_point(y),
        "multiplier": same.mantissa, "shift": same.shift,
        "negative_multiplier": negative.mantissa, "negative_shift": negative.shift, "y_min": low, "y_max": high,
    }  # fmt: skip
    return binary(site, "prelu", layer, x, alpha)

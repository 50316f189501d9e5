"""LEAKY_RELU of int8 or int16."""

from __future__ import annotations

from edgekit_converters.c.elementwise import factor
from edgekit_converters.c.fixed_point import times
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.tables import looked_up, sloped

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place."""
    x, y = site.activation(0), site.output()
    site.dtype(x, "int8", "int16")
    site.dtype(y, x.dtype)
    site.check(x.shape == y.shape, "Input and result have one shape.", [list(x.shape), list(y.shape)])
    alpha = site.fields("LeakyReluOptions").get("alpha")
    if not isinstance(alpha, float) or not 0 <= alpha < 1 << 16:
        raise site.refused("The slope of negative values is a number of at least 0.", alpha)
    most = 255 if x.dtype == "int8" else 1 << 15
    above = factor(site, site.scale(x) / site.scale(y), most)
    below = factor(site, site.scale(x) * alpha / site.scale(y), most)
    x_zero_point, y_zero_point = site.zero_point(x), site.zero_point(y)
    if x.dtype == "int8":

        def value(i: int) -> int:
            return y_zero_point + times(i - x_zero_point, above if i >= x_zero_point else below)

        return looked_up(site, value)
    site.check(x_zero_point == y_zero_point == 0, "Zero points of int16 are 0.", [x_zero_point, y_zero_point])
    return sloped(site, above, below, -(1 << 15), (1 << 15) - 1)

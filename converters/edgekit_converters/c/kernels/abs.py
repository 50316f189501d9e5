"""ABS of int8: the magnitude."""

from __future__ import annotations

from edgekit_converters.c.elementwise import factor, ratio
from edgekit_converters.c.fixed_point import times
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.tables import bytes_only, looked_up

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place. Values of one scale are not scaled."""
    x, y = bytes_only(site)
    zero_point, result_zero_point = site.zero_point(x), site.zero_point(y)
    if site.scale(x) == site.scale(y):
        return looked_up(site, lambda i: abs(i - zero_point) + result_zero_point)
    by = factor(site, ratio(site.scale(x), site.scale(y)), 255)
    return looked_up(site, lambda i: times(abs(i - zero_point), by) + result_zero_point)

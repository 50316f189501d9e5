"""REDUCE_MIN: the smallest values along any axes."""

from __future__ import annotations

from edgekit_converters.c.elementwise import per_dtype
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.reduction import axes_reduced, loops_of
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Step

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    x, y = site.activation(0), site.output()
    kernel = per_dtype("reduce_min", site.dtype(x, "int8", "int16"))
    site.alike(x, y)
    layer = loops_of(site, x.shape, axes_reduced(site))
    return Lowered((Step(site.place, site.operator.name, kernel, layer, (x.index,), (y.index,)),))

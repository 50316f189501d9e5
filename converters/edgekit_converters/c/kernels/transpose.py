"""TRANSPOSE: dimensions in another order."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import MOVABLE, Axis, dimensions, moved, steps_of, width
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; none where values stay in their order."""
    x, y = site.activation(0), site.output()
    site.dtype(x, *MOVABLE)
    site.alike(x, y)
    rank = dimensions(site, x)
    order = site.constant(1, "int32").reshape(-1).tolist()
    site.check(sorted(order) == list(range(rank)), "The order names each dimension once.", order)
    shape = tuple(x.shape[place] for place in order)
    site.check(shape == y.shape, "The result has the dimensions in their new order.", [list(shape), list(y.shape)])
    large = [place for place in order if x.shape[place] > 1]
    if large == sorted(large):
        return Lowered(alias={y.index: x.index})
    from_, to = steps_of(x.shape, width(x)), steps_of(y.shape, width(y))
    return Lowered((moved(site, x, y, [Axis(x.shape[p], from_[p], to[n]) for n, p in enumerate(order)]),))

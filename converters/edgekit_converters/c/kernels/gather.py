"""GATHER: parts of a tensor along one axis, by their numbers."""

from __future__ import annotations

import math

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.looking import gathered
from edgekit_converters.c.moving import MOVABLE, steps_of, width
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    options, y = site.fields("GatherOptions"), site.output()
    x, places = site.operand(0, *MOVABLE), site.operand(1, "int32")
    site.alike(x, y)
    axis, batch_dims = options.get("axis"), options.get("batch_dims")
    if not isinstance(axis, int) or not isinstance(batch_dims, int):
        raise site.refused("The axis and the number of batch dimensions are integers.", [axis, batch_dims])
    axis = site.axis(axis, len(x.shape))
    batch_dims += len(places.shape) if batch_dims < 0 else 0
    site.check(0 <= batch_dims <= min(axis, len(places.shape)), "Batch dimensions stand before the axis.", batch_dims)
    batch = x.shape[:batch_dims]
    site.check(batch == places.shape[:batch_dims], "Table and numbers have one batch.", [x.shape, places.shape])
    shape = (*x.shape[:axis], *places.shape[batch_dims:], *x.shape[axis + 1 :])
    site.check(shape == y.shape, "The result has the shape that is read.", [list(shape), list(y.shape)])
    return gathered(
        site,
        x,
        places,
        batches=math.prod(batch),
        outer=math.prod(x.shape[batch_dims:axis]),
        size=x.shape[axis],
        count=math.prod(places.shape[batch_dims:]),
        run=steps_of(x.shape, width(x))[axis],
    )

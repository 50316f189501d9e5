"""SLICE: a block of a tensor."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import MOVABLE, Axis, dimensions, moved, steps_of, width
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    x, y = site.activation(0), site.output()
    site.dtype(x, *MOVABLE)
    site.alike(x, y)
    rank = dimensions(site, x)
    begins, sizes = (site.constant(number, "int32", "int64").reshape(-1).tolist() for number in (1, 2))
    site.check(len(begins) == len(sizes) == rank, "Each dimension has a beginning and a size.", [begins, sizes])
    sizes = [whole - begin if size == -1 else size for whole, begin, size in zip(x.shape, begins, sizes, strict=True)]
    inside = all(b >= 0 and n > 0 and b + n <= whole for b, n, whole in zip(begins, sizes, x.shape, strict=True))
    site.check(inside, "The block lies inside the input.", [begins, sizes, list(x.shape)])
    site.check(tuple(sizes) == y.shape, "The result has the shape of the block.", [sizes, list(y.shape)])
    from_, to = steps_of(x.shape, width(x)), steps_of(y.shape, width(y))
    first = sum(begin * step for begin, step in zip(begins, from_, strict=True))
    return Lowered((moved(site, x, y, list(map(Axis, sizes, from_, to)), first),))

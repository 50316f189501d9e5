"""REVERSE_V2: the values along some axes, the last one first."""

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
    site.check(x.shape == y.shape, "The result has the input's shape.", [list(x.shape), list(y.shape)])
    turned = {site.axis(int(axis), rank) for axis in site.constant(1, "int32").reshape(-1)}
    steps = steps_of(x.shape, width(x))
    axes = [
        Axis(size, -step if axis in turned else step, step)
        for axis, (size, step) in enumerate(zip(x.shape, steps, strict=True))
    ]
    first = sum((x.shape[axis] - 1) * steps[axis] for axis in turned)
    return Lowered((moved(site, x, y, axes, first),))

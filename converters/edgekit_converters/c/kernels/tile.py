"""TILE: a tensor several times side by side."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import MOVABLE, Axis, dimensions, moved, steps_of, width
from edgekit_converters.c.site import Site

__all__ = ["lower"]

_MOST = 5
"""Loops: axes that are repeated take two, if they are longer than 1."""


def lower(site: Site) -> Lowered:
    """One step."""
    x, y = site.activation(0), site.output()
    site.dtype(x, *MOVABLE)
    site.alike(x, y)
    rank = dimensions(site, x)
    times = [int(value) for value in site.constant(1, "int32", "int64").reshape(-1)]
    site.check(len(times) == rank and min(times) > 0, "Each dimension has a number of repetitions.", times)
    shape = tuple(size * count for size, count in zip(x.shape, times, strict=True))
    site.check(y.shape == shape, "The result is the repeated input.", [list(y.shape), list(shape)])
    axes = []
    from_, to = steps_of(x.shape, width(x)), steps_of(y.shape, width(y))
    for size, count, x_step, y_step in zip(x.shape, times, from_, to, strict=True):
        axes += [Axis(count, 0, size * y_step), Axis(size, x_step, y_step)]
    loops = sum(axis.size > 1 for axis in axes)
    site.check(loops <= _MOST, f"At most {_MOST} loops repeat a tensor.", times)
    return Lowered((moved(site, x, y, axes),))

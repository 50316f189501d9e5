"""UNPACK: the parts of a tensor along one axis, each without it."""

from __future__ import annotations

import math

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import MOVABLE, copied, steps_of, width
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """A step for each part."""
    x = site.activation(0)
    site.dtype(x, *MOVABLE)
    axis = site.named_axis("UnpackOptions", len(x.shape))
    parts = [site.output(number) for number in range(len(site.operator.outputs))]
    site.alike(x, *parts)
    count, shape = x.shape[axis], x.shape[:axis] + x.shape[axis + 1 :]
    site.check(len(parts) == count, "There is a result for each part.", [len(parts), count])
    shapes = {part.shape for part in parts}
    site.check(shapes == {shape} and 0 not in shape, "Results have the input's shape without the axis.", shapes)
    rows, run = math.prod(x.shape[:axis]), steps_of(x.shape, width(x))[axis]
    return Lowered(
        tuple(
            copied(site, x, part, rows, run, (place * run, count * run), (0, run)) for place, part in enumerate(parts)
        )
    )

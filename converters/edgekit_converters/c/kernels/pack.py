"""PACK: tensors of one shape side by side, along an axis that the result has beyond theirs."""

from __future__ import annotations

import math

from edgekit_converters.c.elementwise import constants_of
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import MOVABLE, copied, steps_of, width
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """A step for each operand."""
    y = site.output()
    parts = [site.operand(number, *MOVABLE) for number in range(len(site.operator.inputs))]
    site.alike(y, *parts)
    axis = site.named_axis("PackOptions", len(y.shape))
    count, shape = y.shape[axis], y.shape[:axis] + y.shape[axis + 1 :]
    site.check(len(parts) == count, "The result has a part for each operand.", [count, len(parts)])
    shapes = {part.shape for part in parts}
    site.check(shapes == {shape} and 0 not in shape, "Operands have the result's shape without the axis.", shapes)
    rows, run = math.prod(y.shape[:axis]), steps_of(y.shape, width(y))[axis]
    steps = (copied(site, part, y, rows, run, (0, run), (place * run, count * run)) for place, part in enumerate(parts))
    return Lowered(tuple(steps), constants=constants_of(*parts))

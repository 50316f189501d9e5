"""CONCATENATION: each operand is copied to its place."""

from __future__ import annotations

import math

from edgekit.tflite.options import Concatenation
from edgekit_converters.c.elementwise import constants_of
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import MOVABLE, copied, steps_of, width
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """A step for each operand that is not empty."""
    options, y = site.options(Concatenation), site.output()
    site.check(options.fused_activation_function == "NONE", "There is no fused activation.")
    parts = [site.operand(number, *MOVABLE) for number in range(len(site.operator.inputs))]
    site.check(len(parts) > 0, "There is something to join.")
    site.alike(y, *parts)
    axis = site.axis(options.axis, len(y.shape))
    for part in parts:
        same = len(part.shape) == len(y.shape) and _without(part.shape, axis) == _without(y.shape, axis)
        site.check(same, "Operands differ along the axis only.", [list(part.shape), list(y.shape)])
    total = sum(part.shape[axis] for part in parts)
    site.check(total == y.shape[axis], "The result is as long as its parts.", [total, y.shape[axis]])
    rows, inner = math.prod(y.shape[:axis]), steps_of(y.shape, width(y))[axis]
    steps, first = [], 0
    for part in parts:
        run = part.shape[axis] * inner
        if part.elements:
            steps.append(copied(site, part, y, rows, run, (0, run), (first, y.shape[axis] * inner)))
        first += run
    return Lowered(tuple(steps), constants=constants_of(*parts))


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]

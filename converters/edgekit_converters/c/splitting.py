"""What SPLIT and SPLIT_V share: pieces of a tensor along one axis."""

from __future__ import annotations

import math

from edgekit import tflite
from edgekit.tflite.options import Other
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import MOVABLE, copied, steps_of, width
from edgekit_converters.c.site import Site

__all__ = ["split"]


def split(site: Site, x: tflite.Tensor, axis_operand: int) -> Lowered:
    """A step for each result.

    Args:
        site: The operator.
        x: What is split.
        axis_operand: The operand that is the axis.

    Raises:
        Refused: The results do not make the input.
    """
    site.dtype(x, *MOVABLE)
    parts = [site.output(number) for number in range(len(site.operator.outputs))]
    options = site.operator.options
    told = options.fields.get("num_splits") if isinstance(options, Other) else None
    site.check(told in (None, len(parts)), "The options tell how many results there are.", told)
    site.alike(x, *parts)
    axes = site.constant(axis_operand, "int32")
    site.check(axes.size == 1, "The axis is one number.", list(axes.shape))
    axis = site.axis(int(axes.reshape(-1)[0]), len(x.shape))
    for part in parts:
        expected = (*x.shape[:axis], part.shape[axis] if len(part.shape) == len(x.shape) else 0, *x.shape[axis + 1 :])
        site.check(part.shape == expected and part.elements > 0, "Results differ from the input along the axis only.",
                   [list(part.shape), list(x.shape)])  # fmt: skip
    total = sum(part.shape[axis] for part in parts)
    site.check(total == x.shape[axis], "The results make the whole input.", [total, x.shape[axis]])
    rows, inner = math.prod(x.shape[:axis]), steps_of(x.shape, width(x))[axis]
    steps, first = [], 0
    for part in parts:
        run = part.shape[axis] * inner
        steps.append(copied(site, x, part, rows, run, (first, x.shape[axis] * inner), (0, run)))
        first += run
    return Lowered(tuple(steps))

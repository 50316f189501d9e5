"""What ARG_MAX and ARG_MIN share: the first place of the largest or smallest value along an axis."""

from __future__ import annotations

import math

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import width
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Step

__all__ = ["ranked"]


def ranked(site: Site, sign: int) -> Lowered:
    """One step.

    Args:
        site: The operator.
        sign: 1 for the largest, -1 for the smallest.
    """
    x, y = site.activation(0), site.output()
    site.dtype(x, "int8")
    site.dtype(y, "int32", "int64")
    axes = site.constant(1, "int32", "int64").reshape(-1)
    site.check(axes.size == 1 and 0 not in x.shape, "There is one axis, and there are values along it.", list(x.shape))
    axis = site.axis(int(axes[0]), len(x.shape))
    without = x.shape[:axis] + x.shape[axis + 1 :]
    site.check(y.shape == without, "The result lacks the axis.", [list(x.shape), list(y.shape)])
    step = Step(
        site.place,
        site.operator.name,
        "arg_max",
        {
            "outer": math.prod(x.shape[:axis]), "size": x.shape[axis], "inner": math.prod(x.shape[axis + 1 :]),
            "sign": sign, "width": width(y),
        },
        inputs=(x.index,),
        outputs=(y.index,),
    )  # fmt: skip
    return Lowered((step,))

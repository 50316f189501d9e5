"""SELECT_V2: one of two values, as a flag says."""

from __future__ import annotations

import math

from edgekit_converters.c.elementwise import constants_of, loops, per_dtype
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Overlap, Step

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; the result may take the place of an operand of its size, which is read just before it is written."""
    flags, a = site.operand(0, "bool"), site.operand(1, "int8", "int16")
    b, y = site.operand(2, a.dtype), site.output()
    site.alike(a, b, y)
    site.check(flags.data is None or a.data is None or b.data is None, "One operand at least is no constant.")
    site.check(len(y.shape) <= 5, "The result has at most 5 dimensions.", list(y.shape))
    sizes, steps = loops(site, (flags.shape, a.shape, b.shape), y.shape)
    by_name = zip(("c", "a", "b"), steps, strict=True)
    whole = {tensor.index for tensor in (flags, a, b) if tensor.elements == y.elements}
    same_width = whole - {flags.index} if a.dtype != "int8" else whole
    step = Step(
        site.place,
        site.operator.name,
        per_dtype("select_v2", y.dtype),
        {
            "rows": math.prod(sizes[:-1]), "size_1": sizes[1], "size_2": sizes[2], "count": sizes[3],
            **{f"{name}_{place}": step for name, each in by_name for place, step in enumerate(each)},
        },
        inputs=(flags.index, a.index, b.index),
        outputs=(y.index,),
        overlaps=tuple(Overlap(index, y.index, 0) for index in sorted(same_width)),
        needs=("broadcast",),
    )  # fmt: skip
    return Lowered((step,), constants=constants_of(flags, a, b))

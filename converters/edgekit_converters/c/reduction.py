"""What reductions share: loops over any axes; and the sums of MEAN and SUM, scaled once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from edgekit.tflite.options import Reducer
from edgekit_converters.c.elementwise import per_dtype
from edgekit_converters.c.fixed_point import Multiplier
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Field, Step

__all__ = ["axes_reduced", "extreme", "loops_of", "reduced"]

_LOOPS = 3
"""Loops of a kernel over what stays, and as many over what is added up: neighbours among the axes share one."""
_HEADROOM = (1 << 31) - (1 << 16)


def reduced(site: Site, *, mean: bool) -> Lowered:
    """One step.

    Raises:
        Refused: The axes are no constants of the input, or a sum could leave 32 bits.
    """
    x, y = site.activation(0), site.output()
    dtype = site.dtype(x, "int8", "int16")
    site.dtype(y, dtype)
    axes = axes_reduced(site)
    count = math.prod(x.shape[axis] for axis in axes)
    factor = site.multiplier(site.scale(x) / site.scale(y))
    scaled = _divided(factor, count) if mean else factor
    limits, zero_point = np.iinfo(dtype), site.zero_point(x)
    most = max(limits.max - zero_point, zero_point - limits.min, -limits.min) * count
    site.check(most << max(scaled.shift, 0) < _HEADROOM, "The sums fit into 32 bits.", f"up to {most:,}")
    step = Step(
        site.place,
        site.operator.name,
        "reduce" if dtype == "int8" else "reduce_int16",
        {
            **loops_of(site, x.shape, axes),
            "offset": -zero_point * count, "multiplier": scaled.mantissa, "shift": scaled.shift,
            "y_zero_point": site.zero_point(y), "y_min": int(limits.min), "y_max": int(limits.max),
        },
        inputs=(x.index,),
        outputs=(y.index,),
        needs=("fixed_point", "lanes") if dtype == "int8" else ("fixed_point",),
    )  # fmt: skip
    return Lowered((step,))


def extreme(site: Site, kernel: str) -> Lowered:
    """One step, whose kernel keeps one of the values that a result stands for.

    Raises:
        Refused: The axes are no constants of the input, or the scales differ.
    """
    x, y = site.activation(0), site.output()
    named = per_dtype(kernel, site.dtype(x, "int8", "int16"))
    site.alike(x, y)
    layer = loops_of(site, x.shape, axes_reduced(site))
    return Lowered((Step(site.place, site.operator.name, named, layer, (x.index,), (y.index,)),))


def axes_reduced(site: Site) -> frozenset[int]:
    """The axes that its second operand names; the result has the others.

    Raises:
        Refused: They are no constants of the input, or the result has another shape.
    """
    options, x, y = site.options(Reducer), site.activation(0), site.output()
    rank, values = len(x.shape), [int(axis) for axis in site.constant(1, "int32").reshape(-1)]
    site.check(all(-rank <= axis < rank for axis in values), "Axes are those of the input.", values)
    axes = frozenset(axis % rank for axis in values)
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape) if options.keep_dims or axis not in axes]
    site.check(list(y.shape) == shape, "The result keeps the axes that are not reduced.", list(y.shape))
    site.check(0 not in x.shape, "The input has elements.", list(x.shape))
    return axes


def _divided(factor: Multiplier, count: int) -> Multiplier:
    """A multiplier over a number of elements: as many bits are shifted in as the division takes away."""
    shift = min(count.bit_length() - 1, 32, 31 + factor.shift)
    return Multiplier((factor.mantissa << shift) // count, factor.shift - shift)


def loops_of(site: Site, shape: Sequence[int], axes: frozenset[int]) -> dict[str, Field]:
    """Sizes and strides of all loops; neighbouring axes that go the same way are one, and axes of 1 none."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    found: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    wanted = [axis for axis, size in enumerate(shape) if size > 1]
    for added, group in groupby(wanted, key=lambda axis: axis in axes):
        members = list(group)
        found[added].append((math.prod(shape[axis] for axis in members), strides[members[-1]]))
    most = max(map(len, found.values()))
    site.check(most <= _LOOPS, f"At most {_LOOPS} groups of axes are reduced.", list(shape))
    fields: dict[str, Field] = {}
    for added, name in ((False, "kept"), (True, "added")):
        padded = [(1, 0)] * (_LOOPS - len(found[added])) + found[added]
        for number, (size, stride) in enumerate(padded):
            fields |= {f"{name}_{number}": size, f"{name}_stride_{number}": stride}
    return fields

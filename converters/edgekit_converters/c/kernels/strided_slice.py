"""STRIDED_SLICE: every n-th value along each dimension, backwards too."""

from __future__ import annotations

from edgekit.tflite.options import StridedSlice
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import MOVABLE, Axis, dimensions, moved, steps_of, width
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    options, x, y = site.options(StridedSlice), site.activation(0), site.output()
    site.dtype(x, *MOVABLE)
    site.alike(x, y)
    rank = dimensions(site, x)
    odd = options.ellipsis_mask or options.new_axis_mask or options.offset
    site.check(not odd, "There is no ellipsis, no new axis, and no end that is counted from the beginning.")
    begins, ends, strides = (site.constant(number, "int32").reshape(-1).tolist() for number in (1, 2, 3))
    complete = len(begins) == len(ends) == len(strides) == rank and 0 not in strides
    site.check(complete, "Each dimension has a beginning, an end and a stride that is not 0.", [begins, ends, strides])
    firsts, sizes = [], []
    for place, whole in enumerate(x.shape):
        begin = None if options.begin_mask >> place & 1 else begins[place]
        end = None if options.end_mask >> place & 1 else ends[place]
        shrinks = bool(options.shrink_axis_mask >> place & 1)
        indices = range(whole)[slice(begin, end, strides[place])]
        if shrinks:
            at = begins[place] + (whole if begins[place] < 0 else 0) if begin is not None else 0
            site.check(0 <= at < whole and strides[place] > 0, "A single index lies inside the input.", at)
            indices = range(at, at + 1)
        site.check(len(indices) > 0, "The result is not empty.", [begins, ends, strides])
        firsts.append(indices[0])
        sizes.append(len(indices))
    kept = tuple(size for place, size in enumerate(sizes) if not options.shrink_axis_mask >> place & 1)
    site.check(kept == y.shape, "The result has the shape of the slice.", [list(kept), list(y.shape)])
    from_, to = steps_of(x.shape, width(x)), steps_of(sizes, width(y))
    first = sum(begin * step for begin, step in zip(firsts, from_, strict=True))
    axes = [Axis(size, step * stride, on) for size, step, stride, on in zip(sizes, from_, strides, to, strict=True)]
    return Lowered((moved(site, x, y, axes, first),))

"""What PAD and PADV2 share: a frame of one value around a tensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import MOVABLE, dimensions, distance, overlap, width
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Field, Step

__all__ = ["padded"]

_LOOPS = 4
_Axis = tuple[int, int, int]
"""Elements before, of the input, and after."""


def padded(site: Site, value: NDArray[np.generic] | None) -> Lowered:
    """One step.

    Args:
        site: The operator.
        value: What stands around the input; None for 0, which is the zero point of a quantised tensor.

    Raises:
        Refused: The result has another shape than input and paddings make.
    """
    x, y = site.activation(0), site.output()
    site.dtype(x, *MOVABLE)
    site.alike(x, y)
    rank = dimensions(site, x)
    paddings = site.constant(1, "int32", "int64").astype(np.int64)
    site.check(paddings.shape == (rank, 2) and bool((paddings >= 0).all()), "Each dimension has two paddings.")
    axes = [(int(before), size, int(after)) for (before, after), size in zip(paddings, x.shape, strict=True)]
    site.check(tuple(map(sum, axes)) == y.shape, "The result has the shape that paddings make.", list(y.shape))
    size = width(x)
    *rows, (before, run, after) = _joined(axes, size)
    rows = [(0, 1, 0)] * (_LOOPS - len(rows)) + rows
    zero = site.zero_point(y) if y.quant is not None else 0
    layer: dict[str, Field] = {
        "run": run, "before": before, "after": after, "width": size,
        "value": Constant(np.full(1, zero, y.dtype) if value is None else value),
    }  # fmt: skip
    for place, (first, inner, behind) in enumerate(rows):
        layer |= {f"size_{place}": first + inner + behind, f"first_{place}": first, f"end_{place}": first + inner}
    least = distance(*_rows(rows, before + run + after, run), run + before + after)
    step = Step(site.place, site.operator.name, "pad", layer, (x.index,), (y.index,), overlaps=overlap(x, y, least))
    return Lowered((step,))


def _joined(axes: Sequence[_Axis], size: int) -> list[_Axis]:
    """The same in bytes, with dimensions that are not padded as part of the one before them."""
    found: list[_Axis] = [(0, size, 0)]
    for before, inner, after in reversed(axes):
        if found[-1][0] == found[-1][2] == 0:
            block = found[-1][1]
            found[-1] = (before * block, inner * block, after * block)
        else:
            found.append((before, inner, after))
    return found[::-1]


def _rows(rows: Sequence[_Axis], row: int, run: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Where each row of the result reads, where it is written, and bytes that it reads; one that is all frame counts
    as reading what comes next.
    """
    inside = np.ones(1, bool)
    for before, inner, after in rows:
        here = np.r_[np.zeros(before, bool), np.ones(inner, bool), np.zeros(after, bool)]
        inside = (inside[:, np.newaxis] & here).reshape(-1)
    read = np.cumsum(inside) - inside
    return read * run, np.arange(len(inside), dtype=np.int64) * row, run

"""Operators that only move values: loops over blocks of bytes, and how far a result may then lie on its input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit import tflite
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Field, Overlap, Step

__all__ = ["MOVABLE", "Axis", "copied", "distance", "dimensions", "moved", "overlap", "steps_of", "width"]

MOVABLE = ("int8", "int16", "int32", "uint8", "float32", "bool")
"""Dtypes of values that are moved and not looked at."""
_LOOPS = 5
_MOST_BLOCKS = 1 << 20
"""Blocks whose order is looked at one by one."""


@dataclass(frozen=True)
class Axis:
    """One loop.

    Attributes:
        size: Times that it runs.
        x_step, y_step: Bytes that input and result go on by each time.
    """

    size: int
    x_step: int
    y_step: int


def width(tensor: tflite.Tensor) -> int:
    """Bytes of a value."""
    return np.dtype(tensor.dtype).itemsize


def steps_of(shape: Sequence[int], size: int) -> list[int]:
    """Bytes from one index to the next, for each dimension of values of this size."""
    return [size * math.prod(shape[place + 1 :]) for place in range(len(shape))]


def dimensions(site: Site, tensor: tflite.Tensor, most: int = _LOOPS) -> int:
    """The number of dimensions of a tensor.

    Raises:
        Refused: There are none, or too many, or no values.
    """
    rank = len(tensor.shape)
    fits = 0 < rank <= most and 0 not in tensor.shape
    site.check(fits, f"Tensors have 1 to {most} dimensions, none of them 0.", list(tensor.shape))
    return rank


def moved(site: Site, x: tflite.Tensor, y: tflite.Tensor, axes: Sequence[Axis], x_first: int = 0) -> Step:
    """The step that writes all of a result, block by block, from values that lie somewhere else in its input.

    Args:
        site: The operator.
        x, y: Input and result.
        axes: Outermost first; each value of the result is written once.
        x_first: Bytes into the input where the first value is read.
    """
    run, loops = _joined(axes, width(y))
    return _step(site, x, y, run, loops, x_first, 0)


def copied(site: Site, x: tflite.Tensor, y: tflite.Tensor, rows: int, run: int, x_row: tuple[int, int],
           y_row: tuple[int, int]) -> Step:  # fmt: skip
    """The step that copies rows of bytes.

    Args:
        site: The operator.
        x, y: Input and result.
        rows: How many.
        run: Bytes of each.
        x_row, y_row: Where in input and result the first one begins, and bytes from one to the next.
    """
    axes = [Axis(rows, x_row[1], y_row[1]), Axis(run, 1, 1)]
    run, loops = _joined(axes, 1)
    return _step(site, x, y, run, loops, x_row[0], y_row[0])


def _step(
    site: Site, x: tflite.Tensor, y: tflite.Tensor, run: int, loops: Sequence[Axis], x_first: int, y_first: int
) -> Step:
    padded = [Axis(1, 0, 0)] * (_LOOPS - len(loops)) + list(loops)
    layer: dict[str, Field] = {"run": run, "x_first": x_first, "y_first": y_first}
    for place, axis in enumerate(padded):
        layer |= {f"size_{place}": axis.size, f"x_{place}": axis.x_step, f"y_{place}": axis.y_step}
    if math.prod(axis.size for axis in loops) <= _MOST_BLOCKS:
        reads, writes = x_first + _offsets(loops, "x_step"), y_first + _offsets(loops, "y_step")
        overlaps = overlap(x, y, distance(reads, writes, run))
    else:
        overlaps = ()
    return Step(site.place, site.operator.name, "move", layer, (x.index,), (y.index,), overlaps=overlaps)


def _joined(axes: Sequence[Axis], size: int) -> tuple[int, list[Axis]]:
    """Bytes of a block, and the loops over blocks: those of one turn are left out, those of one stride joined."""
    loops: list[Axis] = []
    for axis in reversed(axes):
        last = loops[-1] if loops else None
        if axis.size == 1:
            continue
        if last and (axis.x_step, axis.y_step) == (last.x_step * last.size, last.y_step * last.size):
            loops[-1] = Axis(axis.size * last.size, last.x_step, last.y_step)
        else:
            loops.append(axis)
    if loops and loops[0].x_step == loops[0].y_step == size:
        return size * loops[0].size, loops[:0:-1]
    return size, loops[::-1]


def _offsets(loops: Sequence[Axis], step: str) -> NDArray[np.int64]:
    """Where each block begins, in the order of the loops."""
    found = np.zeros(1, np.int64)
    for axis in loops:
        found = (found[:, np.newaxis] + np.arange(axis.size) * getattr(axis, step)).reshape(-1)
    return found


def distance(reads: NDArray[np.int64], writes: NDArray[np.int64], run: int, written: int | None = None) -> int:
    """Bytes that a result must begin before its input at least, so that blocks are read before they are written over.

    When a block has been written, all blocks that are still to be read must begin behind its end. A block that is
    written over itself counts for nothing: it is copied as `memmove` does, or is one byte.

    Args:
        reads, writes: Where each block begins in the input and in the result, in the order in which they are copied.
        run: Bytes that are read of each.
        written: Bytes that are written of each, where it is another number.
    """
    ends = writes + (run if written is None else written)
    still_to_read = np.minimum.accumulate(reads[::-1])[::-1]
    later = ends[:-1] - still_to_read[1:]
    return int(later.max()) if len(later) else -int(reads.max() + run)


def overlap(x: tflite.Tensor, y: tflite.Tensor, least: int) -> tuple[Overlap, ...]:
    """What the planner may do with a distance; nothing, where the result would lie wholly before the input."""
    return (Overlap(x.index, y.index, least),) if least < y.elements * width(y) else ()

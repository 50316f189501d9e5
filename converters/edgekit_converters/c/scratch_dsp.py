"""What the kernels for the DSP extension need of scratch memory and of weights, by the layouts of their C texts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit_converters.c.steps import Constant, Field
from edgekit_converters.c.window import Window

__all__ = [
    "BLOCKS_FROM",
    "PIXELS",
    "Planes",
    "dsp_scratch_conv_2d",
    "dsp_scratch_conv_2d_int16",
    "dsp_scratch_fully_connected",
    "in_words",
]

PIXELS = 6
"""Results that share a weight: EKPIXELS of `products_dsp.c`."""
BLOCKS_FROM = 4
"""Results that make a block; fewer are made one by one."""
_SQUARE = 40
"""Bytes of `ek_square`."""


def in_words(weights: NDArray[np.generic], depth: int) -> Constant:
    """Weights that are read four at a time, in rows of `depth`: behind the last row something can be read."""
    flat = weights.reshape(-1)
    return Constant(np.concatenate([flat, np.zeros(-depth % 4, flat.dtype)]))


def dsp_scratch_conv_2d(rows: Window, columns: Window, depth: int, together: bool) -> int:
    """Windows of a block of results as int16, and the bytes of one, unless their channels lie `together` in memory."""
    taps = rows.size * columns.size * depth
    gathered = 0 if rows.size * columns.size == 1 or (together and depth % 4 == 0) else taps
    return _unpacked(taps, rows.outputs * columns.outputs) + gathered


def dsp_scratch_conv_2d_int16(rows: Window, columns: Window, depth: int) -> int:
    """The same for int16, whose windows are always gathered first, but those of one tap."""
    taps = rows.size * columns.size * depth
    return _unpacked(taps, rows.outputs * columns.outputs) + (0 if taps == depth else 2 * taps)


def dsp_scratch_fully_connected(depth: int, batches: int) -> int:
    """Rows of a block of batches as int16."""
    return _unpacked(depth, batches)


class Planes:
    """How `depthwise_conv_2d_dsp.c` goes about a layer.

    Attributes:
        squares: Filters of 3 x 3 that are kept ready: all, one, or none where the layer has other filters.
        rows_together: Rows of results that are made at once.
        fours: Other filters are unpacked four channels at a time.
        scratch: Bytes.

    Args:
        rows, columns: The windows.
        depths: Channels of the input and of the result.
        quick: Every channel is scaled in the short way of `products_dsp.c`.
    """

    def __init__(self, rows: Window, columns: Window, depths: tuple[int, int], quick: bool) -> None:
        x_depth, y_depth = depths
        square = (rows.size, rows.reach, columns.size, columns.reach) == (3, 3, 3, 3)
        square = square and (columns.stride == 2 or columns.stride == rows.stride == 1)
        largest = max(x_depth * rows.inputs * columns.inputs, y_depth * rows.outputs * columns.outputs)
        every = _SQUARE * y_depth <= largest // 2
        self.squares = 0 if not (square and quick) else y_depth if every else 1
        self.rows_together = 2 if self.squares and columns.stride == 1 else 1
        pairs = (columns.outputs - 1) * columns.stride // 2 + columns.reach // 2 + 1
        self.fours = not self.squares and x_depth == y_depth >= 4 and columns.dilation == 1
        words = 2 * -(-(columns.reach // 2 + 1) * rows.reach // 2) * (4 if self.fours else 1)
        unpacked = 4 * min(4, x_depth) * pairs * (rows.reach - 1 + self.rows_together)
        self.scratch = unpacked + (self.squares * _SQUARE or 8 * words)

    @property
    def fields(self) -> dict[str, Field]:
        """Of a layer's record."""
        return {"squares": self.squares, "rows_together": self.rows_together, "fours": int(self.fours)}


def _unpacked(depth: int, results: int) -> int:
    """Bytes of the values of a block of results, four in two words."""
    return -(-depth // 4) * 8 * (PIXELS if results >= BLOCKS_FROM else 1)

"""A transposed convolution as ordinary ones: one for each place that a result has between two values of its input.

Results that are a stride apart meet the same taps of the filters, and those taps lie side by side in the input: the
results of one such phase are a convolution of stride 1 with a part of each filter, turned around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit_converters.c.window import Window

__all__ = ["Phase", "along", "taps_of"]


@dataclass(frozen=True)
class Phase:
    """One direction of a phase.

    Attributes:
        taps: Places of its taps in the filter, in the order of the input; -1 is a tap of zeros.
        window: Of the convolution; what is before the first element may be negative.
        first: Its first result; the others follow a stride apart.
    """

    taps: tuple[int, ...]
    window: Window
    first: int

    @property
    def whole(self) -> bool:
        """It has one tap, and a result for each value of the input."""
        return self.window.size == 1 and self.window.before == 0 and self.window.inputs == self.window.outputs


def along(window: Window) -> list[Phase]:
    """The phases in one direction.

    Args:
        window: As `window.window` has it: its inputs are the results of the transposed convolution.
    """
    size, stride, before = window.size, window.stride, window.before
    phases = []
    for first in range(min(stride, window.inputs)):
        tap = (first + before) % stride
        nearest = (first + before) // stride
        results = -(-(window.inputs - first) // stride)
        taps = list(range(tap, size, stride))[::-1] or [-1]
        while nearest + results - len(taps) >= window.outputs:  # no window lies beside the input as a whole
            taps.insert(0, -1)
        lead = len(taps) - 1 - nearest
        phases.append(Phase(tuple(taps), Window(len(taps), 1, 1, lead, window.outputs, results), first))
    return phases


def taps_of(weights: NDArray[np.generic], rows: Phase, columns: Phase) -> tuple[NDArray[np.generic], Phase]:
    """The part of the filters that a phase has, [channels, rows, columns, depth], and its rows.

    A single tap stands for a convolution whose input and result are one image; where they are not, it gets a row more.
    """
    if rows.window.size == columns.window.size == 1 and not (rows.whole and columns.whole):
        window = Window(2, 1, 1, rows.window.before + 1, rows.window.inputs, rows.window.outputs)
        rows = Phase((-1, *rows.taps), window, rows.first)
    padded = np.pad(weights, ((0, 0), (0, 1), (0, 1), (0, 0)))
    return padded[:, list(rows.taps)][:, :, list(columns.taps)], rows

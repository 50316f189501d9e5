"""Transposed convolutions as ordinary ones, against the sums that define them."""

from __future__ import annotations

from itertools import product
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit_converters.c.phases import Phase, along, taps_of
from edgekit_converters.c.window import Window

Values: TypeAlias = "NDArray[np.int64]"

_SIDES = [
    Window(size, stride, 1, max((inputs - 1) * stride + size - outputs, 0) // 2 if same else 0, outputs, inputs)
    for size, stride, outputs, same in product(range(1, 6), range(1, 5), range(1, 10), (True, False))
    if (inputs := -(-outputs // stride) if same else (outputs + stride - size) // stride) > 0
]
"""Windows that slide over the result: all sizes, strides and results up to a few."""


def spread(x: Values, weights: Values, window: Window) -> Values:
    """One row, [inputs] by [size], spread over the result."""
    y = np.zeros(window.inputs, np.int64)
    for place, tap in product(range(len(x)), range(window.size)):
        at = place * window.stride + tap - window.before
        if 0 <= at < len(y):
            y[at] += x[place] * weights[tap]
    return y


def gathered(x: Values, weights: Values, phase: Phase) -> list[int]:
    """The results of a phase, each from its window."""
    taps = [0 if tap < 0 else int(weights[tap]) for tap in phase.taps]
    results = []
    for result in range(phase.window.outputs):
        begin = result - phase.window.before
        inside = [(x[begin + k], tap) for k, tap in enumerate(taps) if 0 <= begin + k < len(x)]
        assert inside, "a window that lies beside the input as a whole"
        results.append(sum(int(value) * tap for value, tap in inside))
    return results


@pytest.mark.parametrize("window", _SIDES, ids=lambda w: f"{w.size}-{w.stride}-{w.inputs}-{w.before}")
def test_phases_together_are_the_transposed_convolution(window: Window) -> None:
    random = np.random.default_rng(0)
    x, weights = random.integers(-128, 128, window.outputs), random.integers(-128, 128, window.size)
    y = np.full(window.inputs, 1 << 40)
    for phase in along(window):
        y[phase.first :: window.stride] = gathered(x, weights, phase)
    assert y.tolist() == spread(x, weights, window).tolist()


def test_no_tap_of_a_filter_is_taken_twice_or_left_out() -> None:
    phases = along(Window(5, 2, 1, 1, 16, 8))
    assert sorted(tap for phase in phases for tap in phase.taps) == [0, 1, 2, 3, 4]


def test_a_single_tap_that_does_not_meet_each_input_once_gets_a_row_of_zeros() -> None:
    weights = np.arange(1, 4).reshape(1, 1, 3, 1)
    window = Window(1, 1, 1, 0, 4, 4)
    single, shifted = Phase((0,), window, 0), Phase((2,), Window(1, 1, 1, -1, 4, 3), 0)
    assert taps_of(weights, single, Phase((1,), window, 1))[0].shape == (1, 1, 1, 1)
    part, rows = taps_of(weights, single, shifted)
    assert part.reshape(-1).tolist() == [0, 3]
    assert (rows.window.size, rows.window.before) == (2, 1)

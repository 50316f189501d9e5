"""Scaling in the short way is chosen where it gives what TFLite's arithmetic gives."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit_converters.c.fixed_point import Multiplier, multiplier, times
from edgekit_converters.c.quick_scaling import is_quick

_MOST = 255 * 255


def in_the_short_way(value: int, by: Multiplier, zero_point: int) -> int:
    high = (2 * value * by.mantissa + (1 << 31)) >> 32
    lifted = (high + (high >> 31)) * (1 << (16 + by.shift)) + (2 * zero_point + 1) * (1 << 15)
    assert -(1 << 31) <= lifted < 1 << 31, "32 bits"
    return min(max(lifted >> 16, -128), 127)


@pytest.mark.parametrize("real", [1 / 256, 0.0036, 0.0101, 0.06, 0.2, 2.0**-15])
@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_what_is_quick_is_as_tflite_has_it(real: float, zero_point: int) -> None:
    by, random = multiplier(real), np.random.default_rng(0)
    assert is_quick(by, zero_point, _MOST)
    values = [int(v) for v in (*random.integers(-_MOST, _MOST, 500), *range(-300, 300), -_MOST, _MOST)]
    wanted = [min(max(times(value, by) + zero_point, -128), 127) for value in values]
    assert [in_the_short_way(value, by, zero_point) for value in values] == wanted


@pytest.mark.parametrize("real", [0.0, 0.6, 1.0, 3.0, 2.0**-20])
def test_factors_of_shifts_that_the_short_way_lacks_are_not_quick(real: float) -> None:
    assert not is_quick(multiplier(real), 0, _MOST)


def test_results_that_leave_32_bits_are_not_quick() -> None:
    assert is_quick(multiplier(0.49), 0, _MOST)
    assert not is_quick(multiplier(0.49), 0, 2 * _MOST)

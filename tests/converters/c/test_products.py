"""Channels that give nothing but the zero point."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit_converters.c.fixed_point import Multiplier, times
from edgekit_converters.c.products import is_dead


@pytest.mark.parametrize("shift", [-2, -3, -7, -16, -31])
@pytest.mark.parametrize("mantissa", [1 << 30, (1 << 30) + 12345, (1 << 31) - 1])
def test_a_dead_channel_scales_every_sum_to_0(shift: int, mantissa: int) -> None:
    factor = Multiplier(mantissa, shift)
    sums = [1 << bit for bit in range(31)]
    dead = [most for most in sums if is_dead(factor, np.int64(most - 1), np.int64(1))]
    assert dead
    assert [times(sign * most, factor) for most in dead for sign in (1, -1)] == [0] * (2 * len(dead))
    assert not is_dead(factor, np.int64(1 << -shift), np.int64(0)), "such a sum is more than a half"

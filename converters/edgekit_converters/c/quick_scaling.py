"""Whether integers may be scaled in the short way of `products_dsp.c`, by trying all of them."""

from __future__ import annotations

import numpy as np

from edgekit_converters.c.fixed_point import Multiplier

__all__ = ["is_quick"]

_LEAST_SHIFT = -16
_LARGEST = (1 << 31) - 1


def is_quick(by: Multiplier, zero_point: int, most: int) -> bool:
    """Whether the short way gives TFLite's results, as int8, for all integers of at most this magnitude.

    It multiplies by the power of two, in 32 bits, where TFLite rounds once more: halves away from zero.

    Args:
        by: The factor.
        zero_point: What is added at last.
        most: The largest magnitude.
    """
    if by.mantissa == 0 or not _LEAST_SHIFT <= by.shift < 0:
        return False
    values = np.arange(-most, most + 1, dtype=np.int64)
    high = (values * by.mantissa + (1 << 30)) >> 31
    mask = (1 << -by.shift) - 1
    wanted = (high >> -by.shift) + ((high & mask) > (mask >> 1) + (high < 0)) + zero_point
    lifted = (high - (high < 0)) * (1 << (16 + by.shift)) + (2 * zero_point + 1) * (1 << 15)
    equal = np.array_equal(np.clip(lifted >> 16, -128, 127), np.clip(wanted, -128, 127))
    return equal and int(np.abs(lifted).max()) <= _LARGEST

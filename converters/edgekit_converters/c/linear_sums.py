"""Sums of two int8 tensors as one linear form, where that is the same number for every pair of values.

TFLite rounds four times on the way from two values to their sum. `(a * p + b * q + r) >> SHIFT` rounds once, and is as
good where p, q and r are chosen for it: 65,536 pairs are all that there are, so that all of them are tried here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from edgekit_converters.c.fixed_point import Multiplier

__all__ = ["SHIFT", "Linear", "Summed", "linear"]

SHIFT = 22
"""Of the linear form: `add_linear.c` has it."""
_NEAR = (0, 1, -1, 2, -2)
"""What is added to the nearest factors, in the order in which it is tried."""
_LARGEST = (1 << 31) - 1


@dataclass(frozen=True)
class Summed:
    """How TFLite adds two values, each less its zero point, lifted and scaled.

    Attributes:
        lift: Bits that both are shifted to the left by.
        a, b: Their zero points and multipliers; a negative factor of b's takes it away.
        minus: b is taken away.
        y: What scales the sum.
        y_zero_point: What is added at last.
        low, high: What it is cut off at.
    """

    lift: int
    a: tuple[int, Multiplier]
    b: tuple[int, Multiplier]
    minus: bool
    y: Multiplier
    y_zero_point: int
    low: int
    high: int

    def results(self) -> NDArray[np.int64]:
        """Of all pairs, int64 [256, 256], from -128 on."""
        values = np.arange(-128, 128, dtype=np.int64)
        left, right = (_scaled((values - zero) << self.lift, by) for zero, by in (self.a, self.b))
        sums = _scaled(left[:, None] + (-right if self.minus else right)[None, :], self.y)
        return np.clip(sums + self.y_zero_point, self.low, self.high)


@dataclass(frozen=True)
class Linear:
    """`(a * a_factor + b * b_factor + offset) >> SHIFT`, in 32 bits, before it is cut off."""

    a_factor: int
    b_factor: int
    offset: int


def linear(summed: Summed) -> Linear | None:
    """A linear form that gives the same result for all pairs of values; None where none was found."""
    wanted = summed.results()
    below = np.where(wanted > summed.low, wanted << SHIFT, -(1 << 60))
    above = np.where(wanted < summed.high, (wanted + 1) << SHIFT, 1 << 60)
    real = summed.y.mantissa * 2.0 ** (summed.y.shift - 31 + summed.lift + SHIFT)
    p, q = (round(real * by.mantissa * 2.0 ** (by.shift - 31)) for _, by in (summed.a, summed.b))
    values = np.arange(-128, 128, dtype=np.int64)
    for more_p, more_q in sorted(product(_NEAR, _NEAR), key=lambda pair: abs(pair[0]) + abs(pair[1])):
        a_factor, b_factor = p + more_p, -(q + more_q) if summed.minus else q + more_q
        products = (values * a_factor)[:, None] + (values * b_factor)[None, :]
        least, most = int((below - products).max()), int((above - products).min()) - 1
        if least > most:
            continue
        offset = (least + most) // 2
        steps = np.abs(values * a_factor).max() + abs(offset) + np.abs(values * b_factor).max()
        return Linear(a_factor, b_factor, offset) if steps <= _LARGEST else None
    return None


def _scaled(values: NDArray[np.int64], by: Multiplier) -> NDArray[np.int64]:
    """`fixed_point.times` of many values; shifts are not to the left."""
    high = (values * by.mantissa + (1 << 30)) >> 31
    mask = (1 << -by.shift) - 1
    return (high >> -by.shift) + ((high & mask) > (mask >> 1) + (high < 0))

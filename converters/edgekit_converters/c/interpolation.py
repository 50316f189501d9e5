"""Tables of functions of 16-bit numbers, between whose entries kernels draw lines."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgekit_converters.c.steps import Constant

__all__ = ["interpolated"]

_STEPS = 512
_LOW, _HIGH = -32768, 32767
_F = np.float32


def interpolated(
    function: Callable[[float], float], x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int
) -> Constant:
    """513 entries for the whole range of int16 (`LUTPopulateInt16`), in the same float32 steps.

    An entry is moved by half of what the line to the next one is off in their middle.

    Args:
        function: Of a real number; its result is rounded to float32.
        x_scale, x_zero_point: Scale and zero point of the argument.
        y_scale, y_zero_point: Scale and zero point of the result.
    """
    begin, end = (_F(x_scale) * _F(value - x_zero_point) for value in (_LOW, _HIGH))
    low, high = (_F(y_scale) * _F(value - y_zero_point) for value in (_LOW, _HIGH))
    step, units = (end - begin) / _F(_STEPS), _F(_HIGH - _LOW + 1) / (high - low)
    half = step / _F(2)

    def at(number: int, more: np.float32) -> np.float32:
        return _F(function(float(begin + _F(number) * step + more)))

    entries = []
    for number in range(_STEPS):
        here, middle, following = at(number, _F(0)), at(number, half), at(number + 1, _F(0))
        sample = _rounded(here * units)
        line = _rounded((following * units + sample) / _F(2))
        off = _rounded((line - _rounded(middle * units)) / _F(2))
        entries.append(_narrow(sample - off))
    entries.append(_narrow(_rounded(_F(function(float(end))) * units)))
    return Constant(np.array(entries, np.int16))


def _rounded(value: np.float32) -> np.float32:
    """Halves away from zero."""
    return _F(math.copysign(math.floor(abs(float(value)) + 0.5), float(value)))


def _narrow(value: np.float32) -> int:
    return int(min(max(float(value), _LOW), _HIGH))

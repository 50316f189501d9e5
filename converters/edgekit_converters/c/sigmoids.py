"""What LOGISTIC and TANH share: tables for int8, and for int16 one of the logistic function that is interpolated."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgekit_converters.c.fixed_point import multiplier, rounding_divide_by_power, times
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.sigmoid import SIGMOID
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Overlap, Step
from edgekit_converters.c.tables import looked_up

__all__ = ["of_int16", "of_int8"]

_INTEGER_BITS = 4


def of_int8(site: Site, function: Callable[[int, int], int], bits: int, zero_point: int) -> Lowered:
    """A table.

    Args:
        site: The operator.
        function: From a fixed-point number with this many bits before the point to one that has none.
        bits: How many bits the result has behind the point.
        zero_point: Zero point of the result.

    Raises:
        Refused: The result is not in steps of 2^-bits, or the input's scale is none that TFLite takes.
    """
    x, y = site.activation(0), site.output()
    site.check(
        (site.scale(y), site.zero_point(y)) == (2.0**-bits, zero_point), f"Results are in 1/{1 << bits}.", y.quant
    )
    by = multiplier(site.scale(x) * (1 << (31 - _INTEGER_BITS)))
    site.check(0 <= by.shift < 31, "The input's scale is above 2^-28 and below 8.", site.scale(x))
    radius = math.floor(((1 << _INTEGER_BITS) - 1) * (1 << (31 - _INTEGER_BITS)) / (1 << by.shift))
    x_zero_point = site.zero_point(x)

    def value(i: int) -> int:
        centred = i - x_zero_point
        if abs(centred) >= radius:
            return -128 if centred <= -radius else 127
        exact = function(times(centred, by), _INTEGER_BITS)
        return rounding_divide_by_power(exact, 31 - bits) + zero_point

    return looked_up(site, value)


def of_int16(site: Site, kernel: str, shifts: tuple[int, ...]) -> Lowered:
    """One step; the result may take the input's place.

    Args:
        site: The operator.
        kernel: Its text.
        shifts: Powers of two above 2^-12 with which the input's scale needs no multiplier.

    Raises:
        Refused: A zero point is not 0, the result is not in steps of 2^-15, or the input's scale is above 2.6.
    """
    x, y = site.activation(0), site.output()
    zero_points = [site.zero_point(x), site.zero_point(y)]
    site.check(zero_points == [0, 0], "Zero points of int16 are 0.", zero_points)
    site.check(_power(site.scale(y)) == -15, "Results are in steps of 2^-15.", y.quant)
    factor, right, power = site.scale(x) * 4096.0 * 3.0, 0, _power(site.scale(x))
    if power is not None and power + 12 in shifts:
        factor = 3 << (power + 12)
    else:
        while factor <= 32767.0 / 2.0 and right <= 30:
            factor, right = factor * 2, right + 1
    site.check(factor < 32768, "The input's scale is below 2.6.", site.scale(x))
    step = Step(
        site.place,
        site.operator.name,
        kernel,
        {
            "count": math.prod(x.shape), "multiplier": int(factor), "round": 1 << right >> 1, "shift": right,
            "table": SIGMOID,
        },
        inputs=(x.index,),
        outputs=(y.index,),
        overlaps=(Overlap(x.index, y.index, 0),),
    )  # fmt: skip
    return Lowered((step,))


def _power(scale: float) -> int | None:
    """The power of two that a scale is, as near as TFLite looks at it (`CheckedLog2`); None where it is none."""
    power = np.log(np.float32(scale)) * (np.float32(1) / np.log(np.float32(2)))
    return int(np.round(power)) if abs(power - np.round(power)) < 1e-3 else None

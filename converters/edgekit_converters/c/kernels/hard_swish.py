"""HARD_SWISH of int8: x * relu6(x + 3) / 6 in numbers of 16 bits, as TFLite computes it."""

from __future__ import annotations

from edgekit_converters.c.elementwise import ratio
from edgekit_converters.c.fixed_point import Multiplier, rounding_divide_by_power
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.tables import bytes_only, looked_up

__all__ = ["lower"]

_FINER = 7
"""Bits that the input is lifted by."""
_LARGEST, _SMALLEST = (1 << 15) - 1, -(1 << 15)


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place.

    Raises:
        Refused: The result's scale is below 1/128 of the input's.
    """
    x, y = bytes_only(site)
    fine = ratio(site.scale(x), 1 << _FINER)
    result, gate = site.multiplier(ratio(fine, site.scale(y))), site.multiplier(ratio(fine, 3.0 / 32768.0))
    site.check(result.shift <= 0, "The result's scale is at least 1/128 of the input's.", [x.quant, y.quant])
    x_zero_point, y_zero_point = site.zero_point(x), site.zero_point(y)

    def value(i: int) -> int:
        fine_value = (i - x_zero_point) << _FINER
        gated = _gate(fine_value, gate)
        before = _product_towards_zero(gated, _high(fine_value, _mantissa(result)))
        return rounding_divide_by_power(before, -result.shift) + y_zero_point

    return looked_up(site, value)


def _gate(value: int, by: Multiplier) -> int:
    """relu6(x + 3) / 6, in numbers without a bit before the point."""
    if by.shift > 0:
        value = _saturated(value << (by.shift - 1))
    value = _high(value, _mantissa(by))
    if by.shift > 0:
        value = _saturated(value << 1)
    if by.shift < 0:
        value = rounding_divide_by_power(value, -by.shift)
    return (value + (1 << 15)) >> 1


def _mantissa(by: Multiplier) -> int:
    """In 16 bits."""
    return min((by.mantissa + (1 << 15)) >> 16, _LARGEST)


def _high(left: int, right: int) -> int:
    return (left * right + (1 << 14)) >> 15 if (left, right) != (_SMALLEST, _SMALLEST) else _LARGEST


def _product_towards_zero(left: int, right: int) -> int:
    product = left * right
    return product >> 15 if product >= 0 else -(-product >> 15)


def _saturated(value: int) -> int:
    return min(max(value, _SMALLEST), _LARGEST)

"""The integer arithmetic of TFLite's kernels, in Python's exact integers: for constants that are made once.

Values are 32-bit fixed-point numbers; a multiplier is a real number in [0.5, 1) times 2^31, and a power of two beside
it. Sources: TFLite's `quantization_util.cc` and `common.h`, and gemmlowp's `fixedpoint.h`, described in Jacob et al.
2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 2.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = [
    "Multiplier",
    "activation_range",
    "exp_of_negative",
    "inverse_square_root",
    "logistic",
    "multiplier",
    "rounded",
    "rounding_divide_by_power",
    "tanh",
    "times",
]

_ONE = 1 << 31
_LARGEST, _SMALLEST = _ONE - 1, -_ONE
_LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
_BOUNDS = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}


@dataclass(frozen=True)
class Multiplier:
    """A real factor: `mantissa` / 2^31 * 2^`shift`.

    Attributes:
        mantissa: 0, or in [2^30, 2^31).
        shift: Above 0 to the left.
    """

    mantissa: int
    shift: int


def multiplier(real: float) -> Multiplier:
    """The nearest multiplier of a positive factor (`QuantizeMultiplier`); factors below 2^-32 become 0."""
    if real == 0.0:
        return Multiplier(0, 0)
    fraction, shift = math.frexp(real)
    mantissa = math.floor(fraction * _ONE + 0.5)
    if mantissa == _ONE:
        mantissa, shift = mantissa // 2, shift + 1
    return Multiplier(mantissa, shift) if shift >= -31 else Multiplier(0, 0)


def times(value: int, by: Multiplier) -> int:
    """`MultiplyByQuantizedMultiplier`: rounded once at bit 31, and once more by the power of two.

    The high half of the doubled product rounds halves away from zero in TFLite's words, by a nudge and a division that
    truncates. That is the same number as `(product + 2^30) >> 31`, for either sign.
    """
    left, right = max(by.shift, 0), max(-by.shift, 0)
    high = (value * (1 << left) * by.mantissa + (1 << 30)) >> 31
    return rounding_divide_by_power(high, right)


def rounding_divide_by_power(value: int, power: int) -> int:
    """A division by 2^power that rounds halves away from zero (`RoundingDivideByPOT`)."""
    mask = (1 << power) - 1
    threshold = (mask >> 1) + (value < 0)
    return (value >> power) + ((value & mask) > threshold)


def activation_range(activation: str, dtype: str, scale: float, zero_point: int) -> tuple[int, int] | None:
    """Smallest and largest integer that an operator with a fused activation gives; None for another activation."""
    if activation not in _BOUNDS:
        return None
    low, high = _LIMITS[dtype]
    below, above = _BOUNDS[activation]
    if below is not None:
        low = max(low, zero_point + rounded(below, scale))
    if above is not None:
        high = min(high, zero_point + rounded(above, scale))
    return low, high


def rounded(real: float, scale: float) -> int:
    """A real value in steps of a scale: in float32, halves away from zero."""
    quotient = float(np.float32(real) / np.float32(scale))
    return int(math.copysign(math.floor(abs(quotient) + 0.5), quotient))


_EXPONENTS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
"""exp(-1/4), exp(-1/2), exp(-1), exp(-2), ... exp(-16), times 2^31."""


def exp_of_negative(value: int, integer_bits: int) -> int:
    """exp of a number that is at most 0, with `integer_bits` bits before the point; the result has none.

    gemmlowp's `exp_on_negative_values`: a polynomial on (-1/4, 0], times powers that the other bits choose.
    """
    if value == 0:
        return _LARGEST
    fractional = 31 - integer_bits
    quarter = 1 << (fractional - 2)
    modulus = (value & (quarter - 1)) - quarter
    result = _exp_between_quarter_and_zero(modulus << integer_bits)
    rest = modulus - value
    for exponent, constant in zip(range(-2, 5), _EXPONENTS, strict=True):
        if integer_bits > exponent and rest & (1 << (fractional + exponent)):
            result = _high(result, constant)
    if integer_bits > 5 and value < -(1 << (36 - integer_bits)):
        return 0
    return result


def _exp_between_quarter_and_zero(value: int) -> int:
    constant, third = 1895147668, 715827883
    x = value + (1 << 28)
    squared = _high(x, x)
    cubed = _high(squared, x)
    fourth = _divided(_high(squared, squared), 2)
    terms = _divided(_high(fourth + cubed, third) + squared, 1)
    return _saturated(constant + _high(constant, x + terms))


def logistic(value: int, integer_bits: int) -> int:
    """1 / (1 + exp(-x)) of a number with `integer_bits` bits before the point; the result has none."""
    if value == 0:
        return 1 << 30
    x = _reciprocal_of_half(exp_of_negative(-abs(value), integer_bits))
    positive = _saturated(2 * x)
    return positive if value > 0 else _LARGEST - positive


def tanh(value: int, integer_bits: int) -> int:
    """The hyperbolic tangent of a number with `integer_bits` bits before the point; the result has none."""
    if value == 0:
        return 0
    x = _reciprocal_of_half(exp_of_negative(-abs(value), integer_bits + 1))
    magnitude = _saturated((x - (1 << 29)) * 4)
    return magnitude if value > 0 else -magnitude


def _reciprocal_of_half(value: int) -> int:
    """2 / (1 + value) for a value in [0, 1), with two bits before the point: three steps of Newton and Raphson."""
    half = (value + _LARGEST + 1) // 2
    x = 1515870810 + _high(half, -1010580540)
    for _ in range(3):
        x += _saturated(_high(x, (1 << 29) - _high(half, x)) * 4)
    return x


def inverse_square_root(value: int) -> Multiplier:
    """1 / sqrt(value) of a positive integer (`GetInvSqrtQuantizedMultiplierExp`): five steps of Newton and Raphson."""
    if value <= 1:
        return Multiplier(_LARGEST, 0)
    right = 11
    while value >= 1 << 29:
        value, right = value // 4, right + 1
    pairs = (31 - value.bit_length()) // 2 - 1
    right -= pairs
    half = rounding_divide_by_power(value << (2 * pairs) >> 1, 1)
    x = 1 << 28
    for _ in range(5):
        cube = _saturated(_high(_high(x, x), x) * 64)
        x = _saturated((_high((1 << 28) + (1 << 27), x) - _high(half, cube)) * 8)
    x = _high(x, 1518500250)
    return Multiplier(x << max(-right, 0), -max(right, 0))


def _divided(value: int, power: int) -> int:
    return rounding_divide_by_power(value, power)


def _high(left: int, right: int) -> int:
    if left == right == _SMALLEST:
        return _LARGEST
    return (left * right + (1 << 30)) >> 31


def _saturated(value: int) -> int:
    return min(max(value, _SMALLEST), _LARGEST)

"""Tables of 256 bytes, made here: whatever an operator makes of one byte, the firmware looks up."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgekit import tflite
from edgekit_converters.c.elementwise import factor
from edgekit_converters.c.fixed_point import Multiplier, times
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Overlap, Step

__all__ = ["bytes_only", "looked_up", "of_reals", "relu", "sloped"]


def bytes_only(site: Site) -> tuple[tflite.Tensor, tflite.Tensor]:
    """Input and result of an operator of one int8 operand.

    Raises:
        Refused: They are something else, or of two shapes.
    """
    x, y = site.activation(0), site.output()
    site.dtype(x, "int8")
    site.dtype(y, "int8")
    site.check(x.shape == y.shape, "Input and result have one shape.", [list(x.shape), list(y.shape)])
    return x, y


def looked_up(site: Site, value: Callable[[int], int]) -> Lowered:
    """One step; the result may take the input's place, since each byte is read just before it is written.

    Args:
        site: The operator; its input and result have values of 8 bits.
        value: Value of the result, by that of the input; it is cut to the result's dtype.
    """
    x, y = site.activation(0), site.output()
    limits = np.iinfo(x.dtype)
    found = np.clip([value(i) for i in range(limits.min, limits.max + 1)], np.iinfo(y.dtype).min, np.iinfo(y.dtype).max)
    by_byte = np.roll(found, limits.min) if limits.min < 0 else found  # bytes count from 0; 128 is the smallest int8
    step = Step(
        site.place,
        site.operator.name,
        "lookup",
        {"count": math.prod(x.shape), "table": Constant(by_byte.astype(y.dtype).view(np.uint8))},
        inputs=(x.index,),
        outputs=(y.index,),
        overlaps=(Overlap(x.index, y.index, 0),),
    )
    return Lowered((step,))


def of_reals(site: Site, function: Callable[[np.float32], np.float32]) -> Lowered:
    """A function of real numbers in float32, as TFLite fills its tables."""
    x, y = bytes_only(site)
    scale, zero_point, result_zero_point = np.float32(site.scale(x)), site.zero_point(x), site.zero_point(y)
    with np.errstate(all="ignore"):
        inverse = np.float32(1) / np.float32(site.scale(y))
    site.check(bool(np.isfinite(inverse)), "The result's scale is no smaller than float32 can divide by.", y.quant)

    def value(i: int) -> int:
        with np.errstate(all="ignore"):
            scaled = float(np.float32(function(scale * np.float32(i - zero_point))) * inverse)
        whole = math.copysign(math.floor(abs(scaled) + 0.5), scaled) if abs(scaled) < 1 << 20 else scaled
        return result_zero_point + int(min(max(whole, -(1 << 20)), 1 << 20))

    return looked_up(site, value)


def relu(site: Site, activation: str) -> Lowered:
    """A piecewise linear activation that brings its input to the result's scale and cuts it.

    int8 is looked up; int16 is computed.
    """
    x, y = site.activation(0), site.output()
    site.dtype(x, "int8", "int16")
    site.dtype(y, x.dtype)
    site.check(x.shape == y.shape, "Input and result have one shape.", [list(x.shape), list(y.shape)])
    by = factor(site, site.scale(x) / site.scale(y), 255 if x.dtype == "int8" else 1 << 15)
    low, high = site.clamp(activation, y)
    x_zero_point, y_zero_point = site.zero_point(x), site.zero_point(y)
    if x.dtype == "int8":
        return looked_up(site, lambda i: min(max(y_zero_point + times(i - x_zero_point, by), low), high))
    site.check(x_zero_point == y_zero_point == 0, "Zero points of int16 are 0.", [x_zero_point, y_zero_point])
    return sloped(site, by, by, low, high)


def sloped(site: Site, above: Multiplier, below: Multiplier, low: int, high: int) -> Lowered:
    """int16 times one factor where it is positive and another where it is negative, then cut; zero points are 0."""
    x, y = site.activation(0), site.output()
    step = Step(
        site.place,
        site.operator.name,
        "slopes_int16",
        {
            "count": math.prod(x.shape), "multiplier": above.mantissa, "shift": above.shift,
            "negative_multiplier": below.mantissa, "negative_shift": below.shift, "y_min": low, "y_max": high,
        },
        inputs=(x.index,),
        outputs=(y.index,),
        overlaps=(Overlap(x.index, y.index, 0),),
        needs=("fixed_point",),
    )  # fmt: skip
    return Lowered((step,))

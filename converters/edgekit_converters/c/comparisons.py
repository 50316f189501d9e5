"""What GREATER, LESS, EQUAL and their kin share: whether one int8 value is below another, each in its own scale."""

from __future__ import annotations

from edgekit import tflite
from edgekit_converters.c.elementwise import binary
from edgekit_converters.c.fixed_point import Multiplier
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site

__all__ = ["compared"]

_LIFT = 8
"""Bits that both values are shifted to the left by before they are scaled."""


def compared(site: Site, *, less: bool = False, equal: bool = False, greater: bool = False) -> Lowered:
    """One step.

    Args:
        site: The operator.
        less, equal, greater: What the result is where the first value is so.

    Raises:
        Refused: Operands are no int8, or of scales that TFLite does not compare.
    """
    a, b, y = site.operand(0, "int8"), site.operand(1, "int8"), site.output()
    site.dtype(y, "bool")
    left, right = _by(site, a), _by(site, b)
    layer = {
        "lift": _LIFT,
        "a_zero_point": site.zero_point(a), "a_multiplier": left.mantissa, "a_shift": left.shift,
        "b_zero_point": site.zero_point(b), "b_multiplier": right.mantissa, "b_shift": right.shift,
        "less": int(less), "equal": int(equal), "greater": int(greater),
    }  # fmt: skip
    return binary(site, "compare", layer, a, b)


def _by(site: Site, tensor: tflite.Tensor) -> Multiplier:
    scale = site.scale(tensor)
    site.check(0 < scale < 1, "Scales of what is compared are above 0 and below 1.", scale)
    return site.multiplier(scale, 0)

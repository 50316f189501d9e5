"""RSQRT of int8: one by the square root."""

from __future__ import annotations

import math

import numpy as np

from edgekit_converters.c.fixed_point import Multiplier, inverse_square_root, times
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.tables import bytes_only, looked_up

__all__ = ["lower"]

_SHIFT = 20
"""Bits that an inverse root is lifted by before it is scaled."""


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place. Of 0 it is the largest value.

    Raises:
        Refused: The input can be negative: TFLite Micro would stop in the middle of a run.
    """
    x, y = bytes_only(site)
    site.check(site.zero_point(x) == -128, "The input has no negative values: its zero point is -128.", x.quant)
    with np.errstate(all="ignore"):
        scales = float(np.sqrt(np.float32(site.scale(x))) * np.float32(site.scale(y)))
    by = site.multiplier(1 / scales if scales > 0 else math.inf)
    lowered, zero_point = Multiplier(by.mantissa, by.shift - _SHIFT), site.zero_point(y)
    site.check(lowered.shift <= 9, "Scales make a factor with which values fit into 32 bits.", scales)

    def value(i: int) -> int:
        if i == -128:
            return 127
        root = inverse_square_root(i + 128)
        lifted = times(1, Multiplier(root.mantissa, root.shift + _SHIFT))
        return times(lifted, lowered) + zero_point

    return looked_up(site, value)

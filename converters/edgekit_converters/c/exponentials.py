"""What SOFTMAX and LOG_SOFTMAX of int8 share: exponentials of what a logit is below the largest of its row."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgekit_converters.c.fixed_point import Multiplier, exp_of_negative, multiplier, times
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant

__all__ = ["MOST_IN_A_ROW", "Exponentials", "exponentials"]

MOST_IN_A_ROW = 1 << 12
"""Exponentials that 32 bits can add up, with 12 bits before the point."""
_INTEGER_BITS = 5
_LARGEST_FACTOR = (1 << 31) - 1.0
_LEAST = 1 << 11
"""An exponential below 2^11 adds nothing to a sum of which the last bit is 2^12, and makes no score of 8 bits."""


@dataclass(frozen=True)
class Exponentials:
    """A table, and what it was made with.

    Attributes:
        factor: From a difference of logits to a number with 5 bits before the point.
        radius: How far below the largest logit TFLite looks; the table may end before, where it would hold zeros.
        table: exp(-difference) times 2^31, for each difference that counts.
    """

    factor: Multiplier
    radius: int
    table: Constant

    @property
    def smallest(self) -> int:
        """The difference of the last entry, which is not above 0."""
        return 1 - self.table.values.size


def exponentials(site: Site, scale: float, beta: float = 1.0) -> Exponentials:
    """The table of one operator.

    Args:
        site: The operator.
        scale: Of its logits.
        beta: What they are multiplied by.

    Raises:
        Refused: The scale is none that TFLite takes.
    """
    real = beta * scale * (1 << (31 - _INTEGER_BITS))
    site.check(real > 1, "The logits' scale times beta is above 2^-26.", real)
    factor = multiplier(min(real, _LARGEST_FACTOR))
    radius = math.floor(((1 << _INTEGER_BITS) - 1) * (1 << (31 - _INTEGER_BITS)) / (1 << factor.shift))
    values = [exp_of_negative(times(-difference, factor), _INTEGER_BITS) for difference in range(min(radius, 255) + 1)]
    counted = [value for value in values if value >= _LEAST]  # they fall: what is left out stands at the end
    return Exponentials(factor, radius, Constant(np.array(counted, np.int32)))

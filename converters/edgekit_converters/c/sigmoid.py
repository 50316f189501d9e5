"""The table that TFLite's 16-bit kernels look sigmoid and tanh up in."""

from __future__ import annotations

import math

import numpy as np

from edgekit_converters.c.steps import Constant

__all__ = ["SIGMOID"]

_ENTRIES = 256
_ONE_MORE = (
    4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46, 49,
    50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255,
)  # fmt: skip
"""Places where TFLite's entry is one above the nearest integer."""


def _entry(place: int) -> int:
    """sigmoid(place / 24) in steps of 2^-16."""
    return math.floor(65536 / (1 + math.exp(-place / 24)) + 0.5) + (place in _ONE_MORE)


SIGMOID = Constant(np.array([_entry(place) for place in range(_ENTRIES)], np.uint16))
"""sigmoid(i / 24) * 2^16 for i below 256; kernels interpolate between the entries."""

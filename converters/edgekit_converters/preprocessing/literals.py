"""Numbers as every language of the C family writes them."""

from __future__ import annotations

import numpy as np

__all__ = ["digits"]


def digits(value: float) -> str:
    """The nearest float32 in decimal: 9 digits of that, as 9 digits of the float64 may round to its neighbour."""
    return f"{float(np.float32(value)):.9g}"

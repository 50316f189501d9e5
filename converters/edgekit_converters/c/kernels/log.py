"""LOG of int8: the natural logarithm."""

from __future__ import annotations

import math

import numpy as np

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.tables import of_reals

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place. What has no logarithm becomes the smallest value."""
    return of_reals(site, lambda x: np.float32(math.log(x)) if x > 0 else np.float32(-np.inf))

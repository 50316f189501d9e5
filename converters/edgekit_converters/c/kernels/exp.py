"""EXP of int8."""

from __future__ import annotations

import numpy as np

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.tables import of_reals

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place."""
    return of_reals(site, lambda x: np.float32(np.exp(np.float64(x))))

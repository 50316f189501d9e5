"""RELU6 of int8 or int16."""

from __future__ import annotations

import numpy as np

from edgekit_converters.c.fixed_point import multiplier, rounded
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.tables import looked_up, sloped

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place.

    TFLite Micro cuts at 0 and 6 in the scale of the input, and does not bring it to that of the result. Converters
    give both one scale; where they differ, this computes what TFLite Micro does.
    """
    x, y = site.activation(0), site.output()
    site.dtype(x, "int8", "int16")
    site.dtype(y, x.dtype)
    site.check(x.shape == y.shape, "Input and result have one shape.", [list(x.shape), list(y.shape)])
    zero, most = site.zero_point(x), int(np.iinfo(x.dtype).max)
    six = min(zero + rounded(6.0, site.scale(x)), most)
    if x.dtype == "int8":
        return looked_up(site, lambda i: min(max(i, zero), six))
    site.check(zero == 0, "Zero points of int16 are 0.", zero)
    return sloped(site, multiplier(1.0), multiplier(1.0), 0, six)

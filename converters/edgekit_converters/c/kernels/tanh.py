"""TANH: the hyperbolic tangent of int8 or int16."""

from __future__ import annotations

from edgekit_converters.c.fixed_point import tanh
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.sigmoids import of_int8, of_int16
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place."""
    x, y = site.activation(0), site.output()
    site.dtype(x, "int8", "int16")
    site.dtype(y, x.dtype)
    site.check(x.shape == y.shape, "Input and result have one shape.", [list(x.shape), list(y.shape)])
    return of_int8(site, tanh, 7, 0) if x.dtype == "int8" else of_int16(site, "tanh_int16", (0, 1))

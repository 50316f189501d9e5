"""MAXIMUM: the larger of two values of one scale."""

from __future__ import annotations

from edgekit_converters.c.elementwise import binary, per_dtype
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    a = site.operand(0, "int8", "int16")
    b, y = site.operand(1, a.dtype), site.output()
    site.alike(a, b, y)
    return binary(site, per_dtype("maximum", y.dtype), {}, a, b, narrow=False)

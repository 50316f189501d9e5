"""REDUCE_MIN: the smallest values along any axes."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.reduction import extreme
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    return extreme(site, "reduce_min")

"""AVERAGE_POOL_2D."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.pooling import pooled
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    return pooled(site, "average_pool_2d")

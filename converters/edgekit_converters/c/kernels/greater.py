"""GREATER: whether the first of two int8 values is the larger one."""

from __future__ import annotations

from edgekit_converters.c.comparisons import compared
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    return compared(site, greater=True)

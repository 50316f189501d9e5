"""RELU of int8 or int16, with its own scale of the result."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.tables import relu

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place."""
    return relu(site, "RELU")

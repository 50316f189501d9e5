"""RELU_N1_TO_1 of int8, with its own scale of the result."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.tables import bytes_only, relu

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place."""
    bytes_only(site)
    return relu(site, "RELU_N1_TO_1")

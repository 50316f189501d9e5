"""PADV2: a frame of a value that the file holds."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.padding import padded
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    value = site.constant(2, site.output().dtype)
    site.check(value.size == 1, "The value around the input is one number.", list(value.shape))
    site.alike(site.output(), site.input(2))
    return padded(site, value.reshape(1))

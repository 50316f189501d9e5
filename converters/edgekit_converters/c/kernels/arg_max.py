"""ARG_MAX of int8: where the largest value stands first."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.ranking import ranked
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    return ranked(site, 1)

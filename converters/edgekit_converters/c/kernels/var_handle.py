"""VAR_HANDLE: the name of a variable."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """No step: those that take the handle are given the variable."""
    site.check(len(site.operator.outputs) == 1, "A handle names one variable.")
    return Lowered()

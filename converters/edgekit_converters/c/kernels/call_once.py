"""CALL_ONCE: what comes before the first run; the model's reset does it."""

from __future__ import annotations

from edgekit.tflite.options import CallOnce
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """No step: the first values of variables stand in the program."""
    site.options(CallOnce)
    before = [operator.name for operator in site.graph.operators[: site.place]]
    early = not {"READ_VARIABLE", "ASSIGN_VARIABLE"}.intersection(before)
    site.check(early, "What runs once comes before variables are read or written.", before)
    return Lowered()

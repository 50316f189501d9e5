"""EMBEDDING_LOOKUP: rows of a table by their numbers."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.looking import gathered
from edgekit_converters.c.moving import steps_of, width
from edgekit_converters.c.site import Site

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    places, table, y = site.operand(0, "int32"), site.operand(1, "int8", "float32"), site.output()
    site.alike(table, y)
    ranks = len(places.shape), len(table.shape)
    site.check(ranks[0] == 1 and ranks[1] > 1, "Numbers are a list, and the table has rows.")
    shape = (*places.shape, *table.shape[1:])
    site.check(shape == y.shape, "The result has a row for each number.", [list(shape), list(y.shape)])
    run = steps_of(table.shape, width(table))[0]
    return gathered(site, table, places, batches=1, outer=1, size=table.shape[0], count=places.shape[0], run=run)

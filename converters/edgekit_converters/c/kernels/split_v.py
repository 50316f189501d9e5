"""SPLIT_V: pieces of sizes of their own."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.splitting import split

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """A step for each piece; its size is that of its tensor."""
    sizes = site.constant(1, "int32", "int64")
    site.check(sizes.size == len(site.operator.outputs), "There is a size for each piece.", sizes.size)
    return split(site, site.activation(0), 2)

"""SPLIT: equal pieces."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.splitting import split

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """A step for each piece."""
    shapes = {site.output(number).shape for number in range(len(site.operator.outputs))}
    site.check(len(shapes) == 1, "The pieces have one shape.", [list(shape) for shape in shapes])
    return split(site, site.activation(1), 0)

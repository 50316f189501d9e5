"""READ_VARIABLE: what a variable holds now."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Step

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step: a copy, since the variable may change while the copy is still read."""
    y = site.output()
    number, variable = site.variable(0, y)
    step = Step(
        site.place,
        site.operator.name,
        "read_variable",
        {"bytes": variable.initial.nbytes},
        inputs=(),
        outputs=(y.index,),
        variables=(number,),
    )
    return Lowered((step,))

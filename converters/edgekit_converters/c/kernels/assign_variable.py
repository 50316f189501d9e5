"""ASSIGN_VARIABLE: a new value for a variable."""

from __future__ import annotations

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Step

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step: a copy."""
    x = site.activation(1)
    number, variable = site.variable(0, x)
    step = Step(
        site.place,
        site.operator.name,
        "assign_variable",
        {"bytes": variable.initial.nbytes},
        inputs=(x.index,),
        outputs=(),
        variables=(number,),
    )
    return Lowered((step,))

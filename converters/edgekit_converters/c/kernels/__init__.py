"""Kernels, one operator a file: `conv_2d.py` lowers CONV_2D to steps, `conv_2d.c` is what they call.

A Python file has one public function, `lower(site) -> Lowered`. A C text begins with the record of its layers,
`ek_NAME_layer`, and has the function `ek_NAME`; the prefix `ek_` becomes the model's name when it is written out.
Operators that share a text name it in their steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgekit import registry
from edgekit_converters.c import kernels
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Step

__all__ = ["Lowered", "lower", "operators"]


@dataclass(frozen=True)
class Lowered:
    """What an operator becomes.

    Attributes:
        steps: Calls in their order.
        alias: Results that are an operand under another name.
        constants: Operands and results that are known before the model runs; they lie in flash.
    """

    steps: tuple[Step, ...] = ()
    alias: Mapping[int, int] = field(default_factory=dict)
    constants: Mapping[int, Constant] = field(default_factory=dict)


def operators() -> list[str]:
    """Names of the operators that have a kernel."""
    return [name.upper() for name in registry.names(kernels)]


def lower(site: Site) -> Lowered:
    """The steps of one operator.

    Raises:
        Refused: There is no kernel for it, or not for its dtypes, shapes or options.
    """
    operator = site.operator
    if operator.custom or operator.name not in operators():
        raise site.refused(
            "C has a kernel for every operator of the model.",
            operator.name,
            "Replace the layer that becomes this operator, or export the model for TFLite Micro: edgekit export tflm.",
        )
    lowered: Lowered = registry.load(kernels, operator.name.lower()).lower(site)
    return lowered

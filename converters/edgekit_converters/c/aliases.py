"""What RESHAPE, SQUEEZE and EXPAND_DIMS share: the same bytes under other dimensions."""

from __future__ import annotations

import math

from edgekit_converters.c.elementwise import constants_of
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import C_TYPES

__all__ = ["renamed"]


def renamed(site: Site) -> Lowered:
    """No step: the result is the input under a second name.

    Raises:
        Refused: They do not hold as many values of one kind.
    """
    x, y = site.operand(0, *C_TYPES), site.output()
    site.check(math.prod(x.shape) == math.prod(y.shape), "Input and result hold as many elements.", [x.shape, y.shape])
    site.alike(x, y)
    return Lowered(alias={y.index: x.index}, constants=constants_of(x))

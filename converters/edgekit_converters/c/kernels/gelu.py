"""GELU of int8: by the error function, or its approximation by a hyperbolic tangent."""

from __future__ import annotations

import math

import numpy as np

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.tables import of_reals

__all__ = ["lower"]

_ROOT = np.float32(math.sqrt(2 / math.pi))
_INVERSE_ROOT = np.float32(-math.sqrt(0.5))


def lower(site: Site) -> Lowered:
    """One step; the result may take the input's place. Source: Hendrycks and Gimpel 2016, "GELUs", section 2."""
    approximate = bool(site.fields("GeluOptions").get("approximate"))
    return of_reals(site, _approximate if approximate else _exact)


def _exact(x: np.float32) -> np.float32:
    return np.float32(0.5) * x * np.float32(math.erfc(x * _INVERSE_ROOT))


def _approximate(x: np.float32) -> np.float32:
    inner = _ROOT * (x + np.float32(0.044715) * x * x * x)
    return np.float32(0.5) * x * (np.float32(1) + np.float32(math.tanh(inner)))

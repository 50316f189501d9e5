"""SUB of two int8 or int16 tensors, of one shape or broadcast."""

from __future__ import annotations

from edgekit.tflite.options import Activated
from edgekit_converters.c.elementwise import binary, per_dtype
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Field
from edgekit_converters.c.sums import alike, lifted, linear_fields, operands

__all__ = ["lower"]

_LIFTS = {"int8": 20, "int16": 15}


def lower(site: Site) -> Lowered:
    """One step; the result may take the place of an operand of its shape."""
    options, (a, b, y) = site.options(Activated), operands(site)
    lift, twice = _LIFTS[y.dtype], 2 * max(site.scale(a), site.scale(b))
    low, high = site.clamp(options.fused_activation_function, y)
    result = site.multiplier(twice / ((1 << lift) * site.scale(y)), 0)
    layer: dict[str, Field] = {
        **lifted(site, lift, a, b, (site.scale(a) / twice, site.scale(b) / twice)),
        "lift": lift, "y_zero_point": site.zero_point(y),
        "y_multiplier": result.mantissa, "y_shift": result.shift, "y_min": low, "y_max": high,
    }  # fmt: skip
    cheap = linear_fields(layer, lift, minus=True) if y.dtype == "int8" and a.shape == b.shape == y.shape else None
    if cheap is not None:
        return alike(site, "add_linear", cheap, a, b, "fixed_point")
    return binary(site, per_dtype("sub", y.dtype), layer, a, b)

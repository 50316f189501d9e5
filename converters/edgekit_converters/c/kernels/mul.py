"""MUL of two int8 or int16 tensors, of one shape or broadcast."""

from __future__ import annotations

from edgekit.tflite.options import Activated
from edgekit_converters.c.elementwise import binary, factor, per_dtype
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.quick_scaling import is_quick
from edgekit_converters.c.site import Site
from edgekit_converters.c.sums import operands

__all__ = ["lower"]

_LARGEST = {"int8": 255 * 255, "int16": 1 << 30}


def lower(site: Site) -> Lowered:
    """One step."""
    options, (a, b, y) = site.options(Activated), operands(site)
    low, high = site.clamp(options.fused_activation_function, y)
    result = factor(site, site.scale(a) * site.scale(b) / site.scale(y), _LARGEST[y.dtype])
    layer = {
        "a_zero_point": site.zero_point(a), "b_zero_point": site.zero_point(b), "y_zero_point": site.zero_point(y),
        "y_multiplier": result.mantissa, "y_shift": result.shift, "y_min": low, "y_max": high,
        "quick": int(y.dtype == "int8" and is_quick(result, site.zero_point(y), _LARGEST["int8"])),
    }  # fmt: skip
    needs = ("lanes", "products") if y.dtype == "int8" else ()
    return binary(site, per_dtype("mul", y.dtype), layer, a, b, *needs)

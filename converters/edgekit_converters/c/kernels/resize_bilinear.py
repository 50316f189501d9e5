"""RESIZE_BILINEAR of int8 or int16: each pixel is a mean of four, in numbers with 10 bits behind the point."""

from __future__ import annotations

from edgekit_converters.c.elementwise import per_dtype
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.resizing import resized
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Step

__all__ = ["lower"]

_ONE = 1 << 10


def lower(site: Site) -> Lowered:
    """One step."""
    x, y, corners, centres = resized(site, "ResizeBilinearOptions", "int8", "int16")
    site.check(max(*x.shape[1:3], *y.shape[1:3]) < 1 << 15, "Images have fewer than 2^15 rows and columns.")
    batches, height, width, depth = x.shape
    row_step, column_step = (
        _step(site, size, result, corners, centres) for size, result in ((height, y.shape[1]), (width, y.shape[2]))
    )
    step = Step(
        site.place,
        site.operator.name,
        per_dtype("resize_bilinear", x.dtype),
        {
            "batches": batches, "x_height": height, "x_width": width, "depth": depth,
            "y_height": y.shape[1], "y_width": y.shape[2], "row_step": row_step, "column_step": column_step,
            "row_first": _first(row_step, centres), "column_first": _first(column_step, centres),
        },
        inputs=(x.index,),
        outputs=(y.index,),
    )  # fmt: skip
    return Lowered((step,))


def _step(site: Site, size: int, result: int, corners: bool, centres: bool) -> int:
    """How far one pixel of the result goes on in the input.

    Raises:
        Refused: TFLite's rounding of it would leave the image.
    """
    above, below = (size - 1, result - 1) if corners and result > 1 else (size, result)
    step = (_ONE * above + below // 2) // below
    last = _first(step, centres) + (result - 1) * step
    site.check(last // _ONE < size and last < 1 << 31, "Rounded steps of 1/1024 stay inside the image.", [size, result])
    return step


def _first(step: int, centres: bool) -> int:
    return step // 2 - _ONE // 2 if centres else 0

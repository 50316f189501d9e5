"""What RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR share: images of another height and width."""

from __future__ import annotations

from edgekit import tflite
from edgekit_converters.c.site import Site

__all__ = ["resized"]


def resized(site: Site, table: str, *dtypes: str) -> tuple[tflite.Tensor, tflite.Tensor, bool, bool]:
    """Input, result, and whether corners are aligned and centres of pixels count.

    Args:
        site: The operator.
        table: Its options, by the schema's name.
        dtypes: Dtypes of images.

    Raises:
        Refused: The result has another size than the operand says, or another depth than the input.
    """
    options, x, y = site.fields(table), site.activation(0), site.output()
    site.dtype(x, *dtypes)
    site.alike(x, y)
    site.check(len(x.shape) == len(y.shape) == 4, "Images have four dimensions.", [list(x.shape), list(y.shape)])
    size = site.constant(1, "int32").reshape(-1).tolist()
    site.check(y.shape == (x.shape[0], *size, x.shape[3]), "The result has the given size.", [size, list(y.shape)])
    site.check(0 not in x.shape and 0 not in y.shape, "Images have pixels.", [list(x.shape), list(y.shape)])
    corners, centres = bool(options.get("align_corners")), bool(options.get("half_pixel_centers"))
    site.check(not (corners and centres), "Corners are aligned, or centres of pixels count, or neither.")
    return x, y, corners, centres

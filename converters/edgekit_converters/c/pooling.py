"""What average and maximum pooling share: windows over the channels of an image."""

from __future__ import annotations

import numpy as np

from edgekit.tflite.options import Pool2D
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Overlap, Step
from edgekit_converters.c.window import rows_distance, window

__all__ = ["pooled"]


def pooled(site: Site, kernel: str) -> Lowered:
    """One step, whose result may lie on its input row by row.

    Raises:
        Refused: Input and result differ in their channels or their quantisation.
    """
    options, x, y = site.options(Pool2D), site.activation(0), site.output()
    dtype = site.dtype(x, "int8", "int16")
    site.dtype(y, dtype)
    size = np.dtype(dtype).itemsize
    site.check(len(x.shape) == len(y.shape) == 4, "Images have four dimensions.", [list(x.shape), list(y.shape)])
    batches, x_height, x_width, depth = x.shape
    site.check((y.shape[0], y.shape[3]) == (batches, depth), "The result has the input's channels.", list(y.shape))
    same = abs(site.scale(x) - site.scale(y)) <= 1e-6 and site.zero_point(x) == site.zero_point(y)
    site.check(same, "Input and result of pooling have one scale and zero point.", [x.quant, y.quant])
    rows = window(site, options.padding, options.filter_height, options.stride_h, 1, x_height, y.shape[1])
    columns = window(site, options.padding, options.filter_width, options.stride_w, 1, x_width, y.shape[2])
    low, high = site.clamp(options.fused_activation_function, y)
    step = Step(
        site.place,
        site.operator.name,
        kernel if dtype == "int8" else f"{kernel}_int16",
        {
            "batches": batches, "x_height": x_height, "x_width": x_width, "depth": depth,
            "y_height": y.shape[1], "y_width": y.shape[2],
            "filter_height": rows.size, "filter_width": columns.size,
            "stride_height": rows.stride, "stride_width": columns.stride,
            "pad_top": rows.before, "pad_left": columns.before, "y_min": low, "y_max": high,
        },
        inputs=(x.index,),
        outputs=(y.index,),
        overlaps=(Overlap(x.index, y.index, rows_distance(rows, x_width * depth * size, y.shape[2] * depth * size)),)
        if batches == 1
        else (),
        needs=("fixed_point", "helium", *(("lanes",) if dtype == "int8" and kernel == "average_pool_2d" else ())),
    )  # fmt: skip
    return Lowered((step,))

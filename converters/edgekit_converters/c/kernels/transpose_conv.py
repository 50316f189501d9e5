"""TRANSPOSE_CONV: each result gathers what the filters spread over it."""

from __future__ import annotations

import numpy as np

from edgekit.tflite.options import TransposeConv
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.products import arithmetic, weight_scales
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Step
from edgekit_converters.c.window import window

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step. Its window slides over the result: the convolution that this is the transpose of made the input."""
    options, x, y = site.options(TransposeConv), site.activation(2), site.output()
    dtype = site.dtype(x, "int8", "int16")
    site.dtype(y, dtype)
    weights = site.constant(1, "int8")
    ranks = (len(x.shape), len(y.shape), weights.ndim)
    site.check(ranks == (4, 4, 4), "Images and filters have four dimensions.", ranks)
    wanted = [int(size) for size in site.constant(0, "int32").reshape(-1)]
    site.check(wanted == list(y.shape), "The result has the shape that its operand names.", wanted)
    batches, x_height, x_width, x_depth = x.shape
    y_depth, height, width, depth = weights.shape
    fits = (y.shape[0], y.shape[3], x_depth) == (batches, y_depth, depth)
    site.check(fits, "Filters fit the channels of input and result.", [list(x.shape), list(weights.shape)])
    rows = window(site, options.padding, height, options.stride_h, 1, y.shape[1], x_height)
    columns = window(site, options.padding, width, options.stride_w, 1, y.shape[2], x_width)
    by_channel = weights.reshape(y_depth, -1).astype(np.int64)
    scales = weight_scales(site, site.input(1), 0).astype(np.float64)
    low, high = site.clamp(options.fused_activation_function, y)
    step = Step(
        site.place,
        site.operator.name,
        "transpose_conv" if dtype == "int8" else "transpose_conv_int16",
        {
            "batches": batches, "x_height": x_height, "x_width": x_width, "x_depth": x_depth,
            "y_height": y.shape[1], "y_width": y.shape[2], "y_depth": y_depth,
            "filter_height": height, "filter_width": width,
            "stride_height": rows.stride, "stride_width": columns.stride,
            "pad_top": rows.before, "pad_left": columns.before, "y_min": low, "y_max": high,
            "weights": Constant(weights),
            **({"x_zero_point": site.zero_point(x)} if dtype == "int8" else {}),
            **arithmetic(
                site,
                x,
                y,
                [float(real) for real in site.scale(x) * scales / site.scale(y)],
                by_channel.sum(axis=1),
                np.abs(by_channel).sum(axis=1),
                bias=3,
            ),
        },
        inputs=(x.index,),
        outputs=(y.index,),
        needs=("fixed_point",) if dtype == "int8" else ("fixed_point", "fixed_point_wide"),
    )  # fmt: skip
    return Lowered((step,))

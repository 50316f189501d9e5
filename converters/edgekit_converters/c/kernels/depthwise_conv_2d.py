"""DEPTHWISE_CONV_2D: one filter a channel, or several."""

from __future__ import annotations

import numpy as np

from edgekit.tflite.options import DepthwiseConv2D
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.parts_dsp import parts_of_depthwise_conv_2d
from edgekit_converters.c.products import NEEDS, all_short, arithmetic, weight_scales
from edgekit_converters.c.scratch_dsp import Planes
from edgekit_converters.c.scratch_mve import mve_scratch_depthwise_conv_2d
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Overlap, Step
from edgekit_converters.c.window import rows_distance, window

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step, whose result may lie on its input row by row."""
    options, x, y = site.options(DepthwiseConv2D), site.activation(0), site.output()
    dtype = site.dtype(x, "int8", "int16")
    site.dtype(y, dtype)
    weights = site.constant(1, "int8")
    _check_shapes(site, x.shape, y.shape, weights.shape, options.depth_multiplier)
    batches, x_height, x_width, x_depth = x.shape
    _, height, width, y_depth = weights.shape
    rows = window(site, options.padding, height, options.stride_h, options.dilation_h_factor, x_height, y.shape[1])
    columns = window(site, options.padding, width, options.stride_w, options.dilation_w_factor, x_width, y.shape[2])
    by_tap = weights.reshape(-1, y_depth).astype(np.int64)
    scales = weight_scales(site, site.input(1), 3).astype(np.float64)
    x_row, y_row = (tensor.shape[2] * tensor.shape[3] * np.dtype(dtype).itemsize for tensor in (x, y))
    low, high = site.clamp(options.fused_activation_function, y)
    magnitudes = np.abs(by_tap).sum(axis=0)
    scaled = arithmetic(
        site,
        x,
        y,
        [float(real) for real in site.scale(x) * scales / site.scale(y)],
        by_tap.sum(axis=0),
        magnitudes,
    )
    quick = dtype == "int8" and all_short(scaled, magnitudes)
    dsp = Planes(rows, columns, (x_depth, y_depth), quick)
    together = dsp.rows_together if dtype == "int8" else 1
    step = Step(
        site.place,
        site.operator.name,
        "depthwise_conv_2d" if dtype == "int8" else "depthwise_conv_2d_int16",
        {
            "batches": batches, "x_height": x_height, "x_width": x_width, "x_depth": x_depth,
            "y_height": y.shape[1], "y_width": y.shape[2], "y_depth": y_depth, "depth_multiplier": y_depth // x_depth,
            "filter_height": height, "filter_width": width,
            "stride_height": rows.stride, "stride_width": columns.stride,
            "dilation_height": rows.dilation, "dilation_width": columns.dilation,
            "pad_top": rows.before, "pad_left": columns.before,
            "y_min": low, "y_max": high,
            "weights": Constant(weights),
            **({"x_zero_point": site.zero_point(x)} if dtype == "int8" else {}),
            **scaled,
            **({"quick": int(quick), **dsp.fields} if dtype == "int8" else {}),
        },
        inputs=(x.index,),
        outputs=(y.index,),
        scratch=max(mve_scratch_depthwise_conv_2d(rows, columns, x_depth, y_depth), dsp.scratch)
        if dtype == "int8"
        else 0,
        scratches=dtype == "int8",
        overlaps=(Overlap(x.index, y.index, rows_distance(rows, x_row, y_row, together)),)
        if batches == 1
        else (),
        parts=parts_of_depthwise_conv_2d(columns, x_depth, dsp, quick, low > -128 or high < 127),
        needs=NEEDS[dtype],
    )  # fmt: skip
    return Lowered((step,))


def _check_shapes(site: Site, x: tuple[int, ...], y: tuple[int, ...], weights: tuple[int, ...], told: int) -> None:
    """Of images, filters and the depth multiplier that the options tell."""
    ranks = (len(x), len(y), len(weights))
    site.check(ranks == (4, 4, 4), "Images and filters have four dimensions.", ranks)
    depth, filters = x[3], weights[3]
    site.check(weights[0] == 1, "Depthwise filters begin with a dimension of 1.", list(weights))
    site.check(y[0] == x[0] and y[3] == filters, "The result has the filters' channels.", y)
    site.check(depth > 0 and filters % depth == 0, "Every input channel has as many filters.", (depth, filters))
    site.check(told == filters // depth, "The depth multiplier is the one of the shapes.", told)

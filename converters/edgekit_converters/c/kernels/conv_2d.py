"""CONV_2D: convolutions with int8 weights, grouped or not."""

from __future__ import annotations

import numpy as np

from edgekit.tflite.options import Conv2D
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.parts_dsp import parts_of_conv_2d
from edgekit_converters.c.products import NEEDS, all_short, arithmetic, least_shift, weight_scales
from edgekit_converters.c.scratch_dsp import dsp_scratch_conv_2d, dsp_scratch_conv_2d_int16, in_words
from edgekit_converters.c.scratch_mve import mve_scratch_conv_2d
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Overlap, Step
from edgekit_converters.c.window import rows_distance, window

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step, whose result may lie on its input row by row."""
    options, x, y = site.options(Conv2D), site.activation(0), site.output()
    dtype = site.dtype(x, "int8", "int16")
    site.dtype(y, dtype)
    weights = site.constant(1, "int8")
    ranks = (len(x.shape), len(y.shape), weights.ndim)
    site.check(ranks == (4, 4, 4), "Images and filters have four dimensions.", ranks)
    batches, x_height, x_width, x_depth = x.shape
    y_depth, height, width, depth = weights.shape
    site.check(y.shape[0] == batches and y.shape[3] == y_depth, "The result has the filters' channels.", y.shape)
    groups = x_depth // depth if depth else 0
    site.check(
        groups > 0 and x_depth == groups * depth and y_depth % groups == 0,
        "Filters cover all input channels, or those of a group.",
        f"{x_depth} channels, filters of {depth}",
    )
    rows = window(site, options.padding, height, options.stride_h, options.dilation_h_factor, x_height, y.shape[1])
    columns = window(site, options.padding, width, options.stride_w, options.dilation_w_factor, x_width, y.shape[2])
    by_channel = weights.reshape(y_depth, -1).astype(np.int64)
    scales = weight_scales(site, site.input(1), 0).astype(np.float64)
    x_row, y_row = (tensor.shape[2] * tensor.shape[3] * np.dtype(dtype).itemsize for tensor in (x, y))
    low, high = site.clamp(options.fused_activation_function, y)
    magnitudes = np.abs(by_channel).sum(axis=1)
    reals = [float(real) for real in site.scale(x) * scales / site.scale(y)]
    scaled = arithmetic(site, x, y, reals, by_channel.sum(axis=1), magnitudes)
    step = Step(
        site.place,
        site.operator.name,
        "conv_2d" if dtype == "int8" else "conv_2d_int16",
        {
            "batches": batches, "x_height": x_height, "x_width": x_width, "x_depth": x_depth,
            "y_height": y.shape[1], "y_width": y.shape[2], "y_depth": y_depth,
            "filter_height": height, "filter_width": width, "filter_depth": depth, "group_depth": y_depth // groups,
            "stride_height": rows.stride, "stride_width": columns.stride,
            "dilation_height": rows.dilation, "dilation_width": columns.dilation,
            "pad_top": rows.before, "pad_left": columns.before,
            "y_min": low, "y_max": high,
            "weights": in_words(weights, height * width * depth),
            **({"x_zero_point": site.zero_point(x)} if dtype == "int8" else {}),
            **scaled,
            **({"least": least_shift(scaled, magnitudes)} if dtype == "int8" else {}),
        },
        inputs=(x.index,),
        outputs=(y.index,),
        scratch=max(
            mve_scratch_conv_2d(rows, columns, depth, y_depth),
            dsp_scratch_conv_2d(rows, columns, depth, groups == columns.dilation == 1),
        )
        if dtype == "int8"
        else dsp_scratch_conv_2d_int16(rows, columns, depth),
        scratches=True,
        overlaps=(Overlap(x.index, y.index, rows_distance(rows, x_row, y_row)),)
        if batches == 1
        else (),
        parts=parts_of_conv_2d(rows, columns, depth, groups, dtype == "int16" or all_short(scaled, magnitudes)),
        needs=NEEDS[dtype],
    )  # fmt: skip
    return Lowered((step,))

"""FULLY_CONNECTED: a matrix of int8 weights, with one scale or one for each output."""

from __future__ import annotations

import math

import numpy as np

from edgekit.tflite.options import FullyConnected
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.parts_dsp import parts_of_fully_connected
from edgekit_converters.c.products import NEEDS, all_short, arithmetic, least_shift, weight_scales
from edgekit_converters.c.scratch_dsp import dsp_scratch_fully_connected, in_words
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Step

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step."""
    options, x, y = site.options(FullyConnected), site.activation(0), site.output()
    dtype = site.dtype(x, "int8", "int16")
    site.dtype(y, dtype)
    weights = site.constant(1, "int8")
    site.check(weights.ndim == 2, "The weights are a matrix.", list(weights.shape))
    y_depth, x_depth = weights.shape
    batches = math.prod(x.shape) // x_depth if x_depth else 0
    fits = batches > 0 and batches * x_depth == math.prod(x.shape) and batches * y_depth == math.prod(y.shape)
    site.check(fits, "Input and result fit the weights.", [list(x.shape), list(weights.shape), list(y.shape)])
    matrix = weights.astype(np.int64)
    low, high = site.clamp(options.fused_activation_function, y)
    magnitudes = np.abs(matrix).sum(axis=1)
    reals = _factors(site, site.scale(x), weight_scales(site, site.input(1), 0), site.scale(y))
    scaled = arithmetic(site, x, y, reals, matrix.sum(axis=1), magnitudes)
    step = Step(
        site.place,
        site.operator.name,
        "fully_connected" if dtype == "int8" else "fully_connected_int16",
        {
            "batches": batches, "x_depth": x_depth, "y_depth": y_depth,
            "y_min": low, "y_max": high,
            "weights": in_words(weights, x_depth),
            **scaled,
            **({"least": least_shift(scaled, magnitudes)} if dtype == "int8" else {}),
        },
        inputs=(x.index,),
        outputs=(y.index,),
        scratch=dsp_scratch_fully_connected(x_depth, batches),
        scratches=True,
        parts=parts_of_fully_connected(x_depth, batches, dtype == "int16" or all_short(scaled, magnitudes)),
        needs=NEEDS[dtype],
    )  # fmt: skip
    return Lowered((step,))


def _factors(site: Site, x: float, weights: np.ndarray[tuple[int], np.dtype[np.float32]], y: float) -> list[float]:
    """Of one scale, TFLite multiplies in float32 (`GetQuantizedConvolutionMultipler`); of many, in float64."""
    quant = site.input(1).quant
    if quant is not None and len(quant.scales) == 1:
        return [float(np.float32(x) * weights[0]) / y] * len(weights)
    return [x * float(scale) / y for scale in weights]

"""TRANSPOSE_CONV: each result gathers what the filters spread over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from edgekit.tflite.options import TransposeConv
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.parts_dsp import parts_of_conv_2d
from edgekit_converters.c.phases import along, taps_of
from edgekit_converters.c.products import arithmetic, least_shift, weight_scales
from edgekit_converters.c.scratch_dsp import dsp_scratch_conv_2d, in_words
from edgekit_converters.c.scratch_mve import mve_scratch_conv_2d
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Field, Step
from edgekit_converters.c.window import Window, window

__all__ = ["lower"]

_BLOCK = 24
"""Results of a phase that are made at once, or a row: a multiple of those that share a weight in `products_dsp.c`."""


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
    low, high = site.clamp(options.fused_activation_function, y)
    layer: dict[str, Field] = {
        "batches": batches, "x_height": x_height, "x_width": x_width, "x_depth": x_depth,
        "y_height": y.shape[1], "y_width": y.shape[2], "y_depth": y_depth,
        "stride_height": rows.stride, "stride_width": columns.stride, "y_min": low, "y_max": high,
    }  # fmt: skip
    if dtype == "int8":
        return Lowered((_in_phases(site, layer, rows, columns),))
    layer |= {
        "filter_height": height, "filter_width": width, "pad_top": rows.before, "pad_left": columns.before,
        "weights": Constant(weights), **_scaled(site, weights),
    }  # fmt: skip
    needs = ("fixed_point", "fixed_point_wide")
    kernel = "transpose_conv_int16"
    return Lowered((Step(site.place, site.operator.name, kernel, layer, (x.index,), (y.index,), needs=needs),))


def _scaled(site: Site, weights: NDArray[np.generic]) -> dict[str, Field]:
    """Biases and factors for a part of the filters."""
    x, y, by_channel = site.activation(2), site.output(), weights.reshape(len(weights), -1).astype(np.int64)
    scales = weight_scales(site, site.input(1), 0).astype(np.float64)
    reals = [float(real) for real in site.scale(x) * scales / site.scale(y)]
    return arithmetic(site, x, y, reals, by_channel.sum(axis=1), _magnitudes(weights), bias=3)


def _magnitudes(weights: NDArray[np.generic]) -> NDArray[np.int64]:
    magnitudes: NDArray[np.int64] = np.abs(weights.reshape(len(weights), -1).astype(np.int64)).sum(axis=1)
    return magnitudes


def _in_phases(site: Site, layer: Mapping[str, Field], rows: Window, columns: Window) -> Step:
    """The step for int8: every phase a convolution, some rows at a time."""
    x, y, weights = site.activation(2), site.output(), site.constant(1, "int8")
    parts, table, begin, apart = [], [], 0, 0
    for down, across in product(along(rows), along(columns)):
        part, down = taps_of(weights, down, across)
        i, j = down.window, across.window
        table.append([i.size, j.size, i.outputs, j.outputs, i.before, j.before, down.first, across.first, begin])
        parts.append(part)
        begin += part.size
        mve = mve_scratch_conv_2d(i, j, x.shape[3], y.shape[3])
        apart = max(apart, mve, dsp_scratch_conv_2d(i, j, x.shape[3], True))
    most = max(row[2] for row in table), max(row[3] for row in table)
    together = min(most[0], -(-_BLOCK // most[1]))
    scaled = [_scaled(site, part) for part in parts]
    shared = _shared(scaled)
    least = max(least_shift({**one, **shared}, _magnitudes(part)) for one, part in zip(scaled, parts, strict=True))
    shifts = _values(shared["shifts"]).astype(np.int64)
    flat = np.concatenate([part.reshape(-1) for part in parts])
    return Step(
        site.place,
        site.operator.name,
        "transpose_conv",
        {
            **layer, "x_zero_point": site.zero_point(x), "y_zero_point": site.zero_point(y),
            "weights": in_words(flat, flat.size), **shared, "least": least,
            "bias": Constant(np.stack([_values(one["bias"]) for one in scaled])),
            "count": len(parts), "phases": Constant(np.array(table, np.int32)), "together": together, "apart": apart,
        },
        inputs=(x.index,),
        outputs=(y.index,),
        scratch=apart + together * most[1] * y.shape[3],
        scratches=True,
        needs=("fixed_point", "helium", "products", "conv_2d"),
        parts=_parts(table, x.shape[3], together, bool(((shifts >= least) & (shifts < 0)).all())),
    )  # fmt: skip


def _parts(table: Sequence[Sequence[int]], depth: int, together: int, short: bool) -> frozenset[str]:
    """Of all phases, whose rows of results are made some at a time."""
    found = frozenset[str]()
    for height, width, down, across, *_ in table:
        blocks = [min(together, down) * across, down % together * across]
        rows, columns = Window(height, 1, 1, 0, down, down), Window(width, 1, 1, 0, across, across)
        found |= parts_of_conv_2d(rows, columns, depth, 1, short, blocks=blocks)
    return found


def _shared(scaled: Sequence[Mapping[str, Field]]) -> dict[str, Field]:
    """Factors for all phases: a channel's own one, unless it gives the zero point in every phase."""
    mantissas = np.stack([_values(one["multipliers"]) for one in scaled])
    shifts, chosen = np.stack([_values(one["shifts"]) for one in scaled]), mantissas.argmax(axis=0)[None]
    return {
        "multipliers": Constant(np.take_along_axis(mantissas, chosen, 0)[0]),
        "shifts": Constant(np.take_along_axis(shifts, chosen, 0)[0]),
    }


def _values(field: Field) -> NDArray[np.generic]:
    return np.asarray(field.values if isinstance(field, Constant) else field)

"""RESIZE_NEAREST_NEIGHBOR: each pixel is one of the input."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import distance, overlap, width
from edgekit_converters.c.resizing import resized
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Step

__all__ = ["lower"]


def lower(site: Site) -> Lowered:
    """One step, with a table of rows and one of columns."""
    x, y, corners, centres = resized(site, "ResizeNearestNeighborOptions", "int8", "int16", "uint8", "float32")
    site.check(max(x.shape[1:3]) < 1 << 15, "Images have fewer than 2^15 rows and columns.", list(x.shape))
    batches, height, in_width, depth = x.shape
    rows = _nearest(height, y.shape[1], corners, centres)
    columns = _nearest(in_width, y.shape[2], corners, centres)
    run = depth * width(x)
    step = Step(
        site.place,
        site.operator.name,
        "resize_nearest_neighbor",
        {
            "batches": batches, "x_bytes": height * in_width * run, "x_row": in_width * run, "run": run,
            "y_height": y.shape[1], "y_width": y.shape[2],
            "rows": Constant(rows.astype(np.int16)),
            "columns": Constant(columns.astype(np.int16)),
        },
        inputs=(x.index,),
        outputs=(y.index,),
        overlaps=overlap(x, y, _distance(rows, columns, batches, height, in_width, run)),
    )  # fmt: skip
    return Lowered((step,))


def _nearest(size: int, result: int, corners: bool, centres: bool) -> NDArray[np.int64]:
    """Where each row or column comes from; in float32, as TFLite computes it."""
    scale = (
        np.float32(size - 1) / np.float32(result - 1)
        if corners and result > 1
        else np.float32(size) / np.float32(result)
    )
    exact = (np.arange(result, dtype=np.float32) + np.float32(0.5 if centres else 0.0)) * scale
    whole = [math.floor(float(value) + 0.5) if corners else math.floor(float(value)) for value in exact]
    return np.clip(np.array(whole, np.int64), 0, size - 1)


def _distance(rows: NDArray[np.int64], columns: NDArray[np.int64], batches: int, height: int, columns_in: int,
              run: int) -> int:  # fmt: skip
    pixels = (rows[:, np.newaxis] * columns_in + columns).reshape(-1)
    reads = (np.arange(batches)[:, np.newaxis] * height * columns_in + pixels).reshape(-1) * run
    return distance(reads, np.arange(len(reads), dtype=np.int64) * run, run)

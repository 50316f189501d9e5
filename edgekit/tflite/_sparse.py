"""The sparsity table of a tensor: how many values it stores, with every index checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.tflite._checks import fail
from edgekit.tflite._flatbuffer import Row

__all__ = ["stored_values"]

_MAX_LEVELS = 64  # twice the largest rank: each dimension may be blocked once


def stored_values(sparsity: Row, shape: tuple[int, ...], what: str) -> int:
    """How many values a sparse tensor stores: walk its levels, checking each as a runtime's densifier needs it.

    The levels are the tensor's dimensions and then its blocks, in traversal order; each is dense, or compressed sparse
    rows: segment bounds and the index of each stored entry.

    Raises:
        ModelError: The table contradicts the shape or itself.
    """
    order: tuple[int, ...] = sparsity["traversal_order"] or ()
    blocks: tuple[int, ...] = sparsity["block_map"] or ()
    levels: list[Row] = sparsity["dim_metadata"] or []
    rank = len(shape)
    consistent = len(order) <= _MAX_LEVELS and sorted(order) == list(range(rank + len(blocks)))
    if not consistent or len(levels) != len(order) or any(not 0 <= b < rank for b in blocks):
        received = f"{len(levels)} levels for {rank} dimensions and {len(blocks)} blocks of {what}"
        raise fail("A sparsity table describes each dimension and block once.", received)
    sizes = list(shape) + [levels[order.index(rank + i)]["dense_size"] for i in range(len(blocks))]
    for dimension, block in zip(blocks, sizes[rank:], strict=True):
        if block < 1 or sizes[dimension] % block:
            raise fail("Blocks divide their dimension.", f"block {block} of shape {shape} of {what}")
        sizes[dimension] //= block
    count = 1
    for level, dimension in zip(levels, order, strict=True):
        if level["format"] == 0:
            if level["dense_size"] != sizes[dimension]:
                received = f"{level['dense_size']} instead of {sizes[dimension]} of {what}"
                raise fail("A dense level is as long as its dimension.", received)
            count *= level["dense_size"]
            continue
        segments, indices = (_index_vector(level[key]) for key in ("segments", "indices"))
        whole = segments.size == count + 1 and segments[0] == 0 and segments[-1] == indices.size
        if level["format"] != 1 or dimension >= rank or not whole or (np.diff(segments) < 0).any():
            raise fail("The segments of a sparse level cover its indices in order.", what)
        if indices.size and (indices.min() < 0 or indices.max() >= sizes[dimension]):
            raise fail("The indices of a sparse level lie inside its dimension.", what)
        count = int(indices.size)
    return count


def _index_vector(row: Row | None) -> NDArray[np.int64]:
    values = None if row is None else row["values"]
    return np.zeros(0, np.int64) if values is None else np.asarray(values, np.int64)

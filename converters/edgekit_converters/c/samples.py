"""Inputs of self-tests: stored where they are small, else drawn by a generator that the firmware has too."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgekit.tensors import Array, TensorSpec

__all__ = ["LARGEST", "SEED", "drawn", "is_drawn", "is_quantised"]

LARGEST = 8192
"""Bytes of one sample's inputs, or of one output, up to which they are stored."""
SEED = 2463534242
"""Of the first sample; sample i begins with this plus i."""


def is_drawn(specs: Sequence[TensorSpec]) -> bool:
    """Whether the firmware draws the inputs: they are large, and all bytes are values."""
    return is_quantised(specs) and sum(_size(spec) for spec in specs) > LARGEST


def is_quantised(specs: Sequence[TensorSpec]) -> bool:
    """Whether every byte of the inputs is a value that the model takes: integers with a scale, not indices."""
    return all(np.dtype(spec.dtype).kind in "iu" and spec.scale is not None for spec in specs)


def drawn(specs: Sequence[TensorSpec], samples: int) -> list[Array]:
    """The inputs as the firmware draws them, one array [samples, ...] each.

    Every byte is the highest of a 32-bit state, which a xorshift renews (Marsaglia 2003, "Xorshift RNGs", section 3).
    Inputs follow each other in their order; numbers of several bytes are little endian.
    """
    counts = [_size(spec) for spec in specs]
    rows = [_bytes(SEED + sample, sum(counts)) for sample in range(samples)]
    borders = np.cumsum([0, *counts])
    return [
        np.stack([row[begin:end].view(np.dtype(spec.dtype).newbyteorder("<")).reshape(spec.shape) for row in rows])
        for spec, begin, end in zip(specs, borders[:-1], borders[1:], strict=True)
    ]


def _size(spec: TensorSpec) -> int:
    return math.prod(spec.shape) * np.dtype(spec.dtype).itemsize


def _bytes(seed: int, count: int) -> Array:
    state, values = seed & 0xFFFFFFFF, bytearray(count)
    for place in range(count):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        values[place] = state >> 24
    return np.frombuffer(bytes(values), np.uint8)

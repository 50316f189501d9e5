"""Golden vectors as a wrapper's self-test reads them: little endian, the arrays as they lie in the model's tensors.

    "EKGV"  form u32  samples u32  bounds 4 x f32  sha256 32 bytes  0 u32, then for each sample its inputs and outputs

Bounds: least significant bits of integer outputs without and with XNNPACK, then the part of the largest absolute value
of an output that float outputs may differ by, without and with XNNPACK.
"""

from __future__ import annotations

import struct

import numpy as np

from edgekit.golden import Bounds, Golden

__all__ = ["FORM", "vectors"]

FORM = 1
LARGEST = 1 << 16
"""Bytes that the samples of an app may take, one sample aside: a self-test must not double the app."""
_MAGIC = b"EKGV"


def vectors(golden: Golden, builtin: Bounds, xnnpack: Bounds, sha256: str) -> bytes:
    """The file.

    Args:
        golden: Of the model.
        builtin, xnnpack: How far TFLite's own kernels and XNNPACK's may be from it.
        sha256: Of the model, in hex.
    """
    samples = max(1, min(len(golden), LARGEST // sum(a[0].nbytes for a in (*golden.inputs, *golden.outputs))))
    bounds = (builtin.steps, xnnpack.steps, builtin.relative, xnnpack.relative)
    head = struct.pack("<4sII4f", _MAGIC, FORM, samples, *bounds) + bytes.fromhex(sha256) + struct.pack("<I", 0)
    parts = [head]
    for sample in range(samples):
        for array in (*golden.inputs, *golden.outputs):
            one = np.ascontiguousarray(array[sample])
            parts.append(one.astype(one.dtype.newbyteorder("<"), copy=False).tobytes())
    return b"".join(parts)

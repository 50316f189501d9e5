"""Golden vectors as a wrapper's self-test reads them: little endian, the arrays as they lie in the model's tensors.

    "EKGV"  form u32  samples u32  bounds 4 x f32  sha256 32 bytes, then for each sample its inputs and outputs

Bounds: least significant bits of integer outputs without and with XNNPACK, then the part of the largest absolute value
of an output that float outputs may differ by, without and with XNNPACK.
"""

from __future__ import annotations

import struct

import numpy as np

from edgekit.errors import ConversionError
from edgekit.golden import Bounds, Golden
from edgekit_converters.android.wrapper.contract import Contract

__all__ = ["vectors"]

_FORM = 1
LARGEST = 1 << 16
"""Bytes that the samples of an app may take, one sample aside: a self-test must not double the app."""
_MAGIC = b"EKGV"


def vectors(contract: Contract, golden: Golden, builtin: Bounds, xnnpack: Bounds) -> bytes:
    """The file.

    Args:
        contract: What is known of the model.
        golden: Golden vectors of the model.
        builtin, xnnpack: How far TFLite's own kernels and XNNPACK's may be from it.

    Raises:
        ConversionError: The model gives other sizes than it declares.
    """
    sizes = [array[0].nbytes for array in (*golden.inputs, *golden.outputs)]
    if sizes != [port.bytes for port in (*contract.inputs, *contract.outputs)]:
        raise ConversionError(
            "A wrapper has outputs of the sizes that the file declares.",
            received=f"{sizes} bytes when it runs",
            remedy="Convert the model with fixed shapes; EdgeKit does.",
        )
    samples = max(1, min(len(golden), LARGEST // sum(sizes)))
    bounds = (builtin.steps, xnnpack.steps, builtin.relative, xnnpack.relative)
    parts = [struct.pack("<4sII4f", _MAGIC, _FORM, samples, *bounds), bytes.fromhex(contract.sha256)]
    for sample in range(samples):
        for array in (*golden.inputs, *golden.outputs):
            one = np.ascontiguousarray(array[sample])
            parts.append(one.astype(one.dtype.newbyteorder("<"), copy=False).tobytes())
    return b"".join(parts)

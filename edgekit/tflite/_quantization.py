"""Quantisation parameters of a tensor: strict where runtimes are, a note where one of them does not look."""

from __future__ import annotations

import math

from edgekit.tensors import Quant
from edgekit.tflite._checks import Oddities, fail
from edgekit.tflite._flatbuffer import Row

__all__ = ["quantization"]

_BITS = {"int2": 2, "int4": 4, "uint4": 4}


def quantization(
    row: Row | None, shape: tuple[int, ...], dtype: str, constant: bool, what: str, odd: Oddities
) -> Quant | None:
    """How a tensor is quantised; None where it is not.

    TFLite and TFLite Micro agree on what kernels and activations need. What only one of them takes is noted: TFLite
    Micro looks at the first scale of activations, at none of biases, and neither looks at those of float tensors.

    Args:
        row: The table "Quantization", if there is one.
        shape: The tensor's.
        dtype: The tensor's.
        constant: The file stores its value.
        what: The tensor, for messages.
        odd: Takes what is unusual.

    Raises:
        ModelError: Both runtimes refuse it.
    """
    scales: tuple[float, ...] = (row["scale"] or ()) if row is not None else ()
    if row is None or not scales:
        return None
    zero_points: tuple[int, ...] = row["zero_point"] or ()
    impossible = [s for s in scales if not math.isfinite(s) or s < 0]
    if impossible:
        if not constant and not dtype.startswith(("float", "bfloat")):
            raise fail("A quantisation scale is a finite number, not below 0.", f"{impossible[0]} of {what}")
        odd.note("A quantisation scale is no finite number above 0, so the tensor counts as not quantised", what)
        return None
    axis = _axis(scales, row["quantized_dimension"], shape, dtype, constant, what, odd)
    if axis is None:
        scales = scales[:1]
    if not zero_points:
        odd.note("A scale has no zero point, which TFLite refuses; the tensor counts as not quantised", what)
        return None
    if len(zero_points) != len(scales):
        if axis is None and len(row["scale"]) == len(zero_points):
            pass  # noted with the scales
        else:
            odd.note(
                "There are more or fewer zero points than scales, which TFLite refuses; the first one counts", what
            )
        zero_points = zero_points[:1] * len(scales)
    lowest, highest = _range(dtype)
    if min(zero_points) < lowest or max(zero_points) > highest:
        odd.note(f"A zero point is no value of its type, {dtype}", what)
    return Quant(scales, zero_points, axis)


def _axis(
    scales: tuple[float, ...],
    axis: int,
    shape: tuple[int, ...],
    dtype: str,
    constant: bool,
    what: str,
    odd: Oddities,
) -> int | None:
    """The axis of per-channel scales; None where one scale counts for the whole tensor."""
    if len(scales) == 1:
        return None
    if 0 <= axis < len(shape) and len(scales) == shape[axis]:
        return axis
    if len(shape) == 1 and len(scales) == shape[0]:
        odd.note("A bias names an axis that it has not for its scales, which TFLite refuses; axis 0 is meant", what)
        return 0
    if constant and len(shape) > 1 and not dtype.startswith(("float", "bfloat")):
        received = f"{len(scales)} scales along axis {axis} of shape {shape} of {what}"
        raise fail("There is one scale, or one for each channel.", received)
    odd.note("The number of scales is neither 1 nor that of channels, which TFLite refuses; the first one counts", what)
    return None


def _range(dtype: str) -> tuple[int, int]:
    """Smallest and largest zero point: of the tensor's type where it is a small integer, else of int32."""
    bits = min(32, _BITS.get(dtype) or int(dtype.lstrip("uint"))) if dtype.startswith(("int", "uint")) else 32
    return (0, 2**bits - 1) if dtype.startswith("uint") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

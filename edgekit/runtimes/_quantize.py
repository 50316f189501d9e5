"""Between real values and a tensor's own dtype, by its scale and zero point."""

from __future__ import annotations

import numpy as np

from edgekit.errors import ModelError
from edgekit.runtimes import Array, TensorSpec

__all__ = ["dequantize", "quantize", "travel_dtype"]


def travel_dtype(samples: Array, spec: TensorSpec) -> np.dtype[np.generic]:
    """The dtype in which samples travel to the model: the input's own, or float32 that is quantised on the way.

    Raises:
        ModelError: Samples of this dtype have no single meaning for the input.
    """
    given, own = samples.dtype, np.dtype(spec.dtype)
    quantised = own.kind in "iu" and spec.scale is not None
    if given == own:
        return own
    if quantised and given.kind == "f":
        return np.dtype(np.float32)
    if own.kind == "f" and (given.kind == "f" or np.can_cast(given, own, "safe")):
        return own
    # numpy's default integer is wider than the int32 in which models take indices.
    if own.kind in "iu" and not quantised and given.kind in "iu" and _fits(samples, own):
        return own
    raise ModelError(
        f"Samples for the input {spec.name!r} must be {'float32 (real values) or ' if quantised else ''}{spec.dtype}.",
        received=str(given),
        remedy="Convert them with astype, after the preprocessing that the model was trained with.",
    )


def quantize(values: Array, spec: TensorSpec) -> Array:
    """Real values to the tensor's dtype, as TFLite's QUANTIZE operator does: halves away from zero, then clip."""
    own = np.dtype(spec.dtype)
    if values.dtype == own:
        return values
    if own.kind not in "iu" or spec.scale is None or values.dtype.kind != "f":
        return values.astype(own)
    scaled = values.astype(np.float32, copy=False) / np.float32(spec.scale)
    whole = np.trunc(scaled)
    # Not trunc(scaled + 0.5): 0.49999997 + 0.5 is 1.0 in float32.
    whole += np.copysign(np.abs(scaled - whole) >= 0.5, scaled)
    whole += np.float32(spec.zero_point or 0)
    limits = np.iinfo(own)
    clipped: Array = np.clip(whole, limits.min, limits.max).astype(own)
    return clipped


def dequantize(values: Array, spec: TensorSpec) -> Array:
    """A tensor's values as float32: scale * (q - zero_point) where it is quantised."""
    if spec.scale is None or values.dtype.kind not in "iu":
        return values.astype(np.float32, copy=False)
    real: Array = np.float32(spec.scale) * (values.astype(np.float32) - np.float32(spec.zero_point or 0))
    return real


def _fits(samples: Array, dtype: np.dtype[np.generic]) -> bool:
    limits = np.iinfo(np.dtype(dtype).name)
    return not samples.size or (int(samples.min()) >= limits.min and int(samples.max()) <= limits.max)

"""Arrays at the border of a model: what a tensor declares, and the way between real values and its own dtype."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ModelError

__all__ = ["Array", "Quant", "TensorSpec", "dequantize", "quantize", "random_input", "travel_dtype"]

Array = NDArray[Any]
"""An array whose dtype is only known when the program runs."""


@dataclass(frozen=True)
class Quant:
    """Affine quantisation: real = scale * (q - zero_point).

    Attributes:
        scales, zero_points: One value, or one per channel.
        axis: The axis that per-channel values run along; None where there is one value for the whole tensor.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None = None


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a model.

    Attributes:
        name: The tensor's name in the file.
        shape: Dimensions as the file declares them; images are NHWC.
        dtype: numpy name, such as "int8" or "float32".
        quant: None where the tensor is not quantised.
        signature: The same dimensions with -1 for each that may be resized; None where the file names none.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None = None
    signature: tuple[int, ...] | None = None

    @property
    def scale(self) -> float | None:
        """The one scale of the whole tensor, above 0; None where there is none or one per channel."""
        scales = self.quant.scales if self.quant else ()
        return scales[0] if len(scales) == 1 and scales[0] > 0 else None

    @property
    def zero_point(self) -> int | None:
        """The one zero point of the whole tensor; None where `scale` is None."""
        return self.quant.zero_points[0] if self.quant and self.scale is not None else None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "scale": self.scale,
            "zero_point": self.zero_point,
            "signature": None if self.signature is None else list(self.signature),
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> TensorSpec:
        """What `as_dict` gave.

        Raises:
            KeyError, TypeError, ValueError: It is something else.
        """
        quant = None if told["scale"] is None else Quant((float(told["scale"]),), (int(told["zero_point"]),))
        signature = None if told["signature"] is None else tuple(map(int, told["signature"]))
        return cls(str(told["name"]), tuple(map(int, told["shape"])), str(told["dtype"]), quant, signature)


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


def random_input(spec: TensorSpec, rng: np.random.Generator) -> Array:
    """An input that every model takes: floats in 0..1, quantised integers over their whole range, all others 0.

    Integers without a scale are mostly indices, and 0 is the one that every table has.

    Raises:
        ModelError: The tensor holds no numbers.
    """
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return rng.random(spec.shape).astype(dtype)
    if dtype.kind in "iu" and spec.scale is not None:
        limits = np.iinfo(dtype.name)
        return rng.integers(limits.min, limits.max, spec.shape, dtype=dtype.type, endpoint=True)
    if dtype.kind in "iub":
        return np.zeros(spec.shape, dtype)
    raise ModelError(f"A random input consists of numbers; {spec.name!r} does not.", received=spec.dtype)


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


def _fits(samples: Array, dtype: np.dtype[np.generic]) -> bool:
    limits = np.iinfo(np.dtype(dtype).name)
    return not samples.size or (int(samples.min()) >= limits.min and int(samples.max()) <= limits.max)

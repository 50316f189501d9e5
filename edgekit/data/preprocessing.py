"""Preprocessing: an ordered, serialisable list of operations on numpy arrays.

The same list is used for training, calibration and evaluation and is saved beside every model, so that what the
device must do to its input is never a guess. The operations are few and simple on purpose: each can be written in a
dozen lines of C or Kotlin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgekit import registry
from edgekit.errors import DataError, did_you_mean

__all__ = ["OPERATIONS", "Cast", "Grayscale", "Normalize", "Preprocessing", "Rescale", "Reshape", "Resize"]

Array = NDArray[Any]
LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in ITU-R BT.601, section 2.5.1."""


class _Operation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cast(_Operation):
    """Change the dtype."""

    dtype: Literal["float32", "int32", "int8", "uint8"] = "float32"

    def apply(self, x: Array) -> Array:
        return x.astype(self.dtype)


class Rescale(_Operation):
    """x * scale + offset."""

    scale: float = 1 / 255
    offset: float = 0.0

    def apply(self, x: Array) -> Array:
        return x.astype(np.float32) * np.float32(self.scale) + np.float32(self.offset)


class Normalize(_Operation):
    """(x - mean) / std over the last axis."""

    mean: tuple[float, ...]
    std: tuple[Annotated[float, Field(gt=0)], ...]

    def apply(self, x: Array) -> Array:
        for key, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, x.shape[-1]):
                raise ValueError(f"{len(values)} values in {key} for {x.shape[-1]} channels")
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        normalized: Array = (x.astype(np.float32) - mean) / std
        return normalized


class Resize(_Operation):
    """Bilinear resize of NHWC images with half-pixel centres and no antialiasing, as `tf.image.resize` does it."""

    height: Annotated[int, Field(gt=0)]
    width: Annotated[int, Field(gt=0)]

    def apply(self, x: Array) -> Array:
        if x.shape[1:3] == (self.height, self.width):
            return x
        rows, columns = _taps(x.shape[1], self.height), _taps(x.shape[2], self.width)
        dtype, x = x.dtype, x.astype(np.float32)
        x = _blend(x, rows, axis=1)
        x = _blend(x, columns, axis=2)
        return np.rint(x).astype(dtype) if np.issubdtype(dtype, np.integer) else x


class Grayscale(_Operation):
    """RGB to one channel of luma."""

    def apply(self, x: Array) -> Array:
        if x.shape[-1] == 1:
            return x
        if x.shape[-1] != len(LUMA):
            raise DataError(
                "grayscale takes images with 3 channels in the last axis.", received=f"shape {list(x.shape)}"
            )
        return (x.astype(np.float32) @ np.array(LUMA, np.float32))[..., np.newaxis]


class Reshape(_Operation):
    """New shape of one sample (without the batch axis)."""

    shape: tuple[Annotated[int, Field(gt=0)], ...]

    def apply(self, x: Array) -> Array:
        if np.prod(x.shape[1:]) != np.prod(self.shape):
            raise DataError(
                "reshape keeps the number of values.",
                received=f"{list(x.shape[1:])} to {list(self.shape)}",
                remedy="Give a shape with as many values as one sample has.",
            )
        return x.reshape(len(x), *self.shape)


Operation = Cast | Rescale | Normalize | Resize | Grayscale | Reshape
OPERATIONS: dict[str, type[Operation]] = {
    "cast": Cast,
    "rescale": Rescale,
    "normalize": Normalize,
    "resize": Resize,
    "grayscale": Grayscale,
    "reshape": Reshape,
}


class Preprocessing:
    """An ordered list of operations that turns raw samples into model input.

    Args:
        operations: In the order in which they apply.
    """

    def __init__(self, operations: Sequence[Operation] = ()) -> None:
        self.operations = tuple(operations)

    @classmethod
    def parse(cls, items: Sequence[object]) -> Preprocessing:
        """From recipe form: `[cast, {rescale: {scale: 0.0039}}]`.

        Raises:
            DataError: An unknown operation or option.
        """
        return cls([_operation(item) for item in items])

    def dump(self) -> list[dict[str, dict[str, object]]]:
        """To recipe form, JSON-ready; `parse` reads it back."""
        names = {kind: name for name, kind in OPERATIONS.items()}
        return [{names[type(o)]: o.model_dump(mode="json")} for o in self.operations]

    def apply(self, x: Array) -> Array:
        """Turn raw samples [N, ...] into model input [N, ...].

        Raises:
            DataError: A sample's shape does not fit an operation.
        """
        for operation in self.operations:
            try:
                x = operation.apply(x)
            except (ValueError, IndexError) as error:
                name = type(operation).__name__.lower()
                raise DataError(
                    f"The preprocessing operation {name} must fit the samples ({error}).",
                    received=f"samples of shape {list(x.shape[1:])}",
                    remedy="Correct data.preprocessing in the recipe.",
                ) from None
        return x

    @property
    def resize(self) -> Resize | None:
        """The first resize, which readers of images of unequal sizes need early."""
        return next((o for o in self.operations if isinstance(o, Resize)), None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Preprocessing) and self.operations == other.operations

    def __hash__(self) -> int:
        return hash(self.operations)

    def __repr__(self) -> str:
        return f"Preprocessing({self.dump()})"


def _operation(item: object) -> Operation:
    name, options = registry.entry(item)
    if name not in OPERATIONS:
        raise DataError("Unknown preprocessing operation.", received=repr(name), remedy=did_you_mean(name, OPERATIONS))
    try:
        return OPERATIONS[name].model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"The options of {name} must fit: {'.'.join(map(str, first['loc']))}: {first['msg']}.",
            received=repr(options),
            remedy=f"Options of {name}: {', '.join(OPERATIONS[name].model_fields) or 'none'}.",
        ) from None


def _taps(source: int, target: int) -> tuple[Array, Array, Array]:
    """Lower index, upper index and weight of the upper one, for each target position."""
    centre = (np.arange(target) + 0.5) * source / target - 0.5
    lower = np.floor(centre)
    weight = (centre - lower).astype(np.float32)
    return (
        np.clip(lower, 0, source - 1).astype(int),
        np.clip(lower + 1, 0, source - 1).astype(int),
        weight,
    )


def _blend(x: Array, taps: tuple[Array, Array, Array], axis: int) -> Array:
    lower, upper, weight = taps
    shape = [1] * x.ndim
    shape[axis] = -1
    weight = weight.reshape(shape)
    blended: Array = np.take(x, lower, axis) * (1 - weight) + np.take(x, upper, axis) * weight
    return blended

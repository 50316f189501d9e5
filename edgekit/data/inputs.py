"""Samples of one input, or of several inputs by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError
from edgekit.places import by_place
from edgekit.tensors import Array

__all__ = ["Samples", "check_array", "check_samples", "count", "each", "how_to_give", "preprocessed", "taken"]

Samples = Array | Mapping[str, Array]
"""Samples [N, ...] of the only input, or of each input by its name."""
INDICES = (np.int32, np.int64)
"""Dtypes of word indices and the like, which a model with several inputs gets as they are."""


def count(x: Samples) -> int:
    """How many samples there are."""
    return len(next(iter(x.values()))) if isinstance(x, Mapping) else len(x)


def taken(x: Samples, rows: Array) -> Samples:
    """Some of the samples, by their numbers."""
    return {name: array[rows] for name, array in x.items()} if isinstance(x, Mapping) else x[rows]


def each(x: Samples, name: str) -> dict[str, Array]:
    """The arrays, by what messages call them: `x_train`, or `x_train/left` and `x_train/right`."""
    return {f"{name}/{key}": array for key, array in x.items()} if isinstance(x, Mapping) else {name: x}


def preprocessed(x: Samples, preprocessing: Preprocessing) -> Samples:
    """What a model takes: of several inputs, integer indices go in as they are."""
    if not isinstance(x, Mapping):
        return preprocessing.apply(x)
    return {name: a if a.dtype in INDICES else preprocessing.apply(a) for name, a in x.items()}


def how_to_give(inputs: Collection[str]) -> str:
    """A remedy: how samples of a model with these inputs are given."""
    first = next(iter(inputs))
    if len(inputs) == 1:
        return f"Give an .npz with the array x_train, x_train/{first} or just {first}."
    keys, arrays = ", ".join(f"{name!r}: ..." for name in inputs), ", ".join(f"x_train/{name}" for name in inputs)
    files = (
        f"an .npz with the arrays {arrays} (or just {', '.join(inputs)}), "
        f"or a module:function that returns {{'x_train': {{{keys}}}}}"
    )
    return f"Give {by_place(command=files, recipe=files, python=f'data={{{keys}}}, or {files}')}."


def check_samples(x: Samples, name: str) -> None:
    """Make sure that samples are finite numbers, at least one, and as many for every input.

    Raises:
        DataError: They are not.
    """
    arrays = each(x, name)
    if not arrays:
        raise DataError(f"{name} holds an array for each input.", received="none")
    for part, array in arrays.items():
        check_array(array, part)
    lengths = {part: len(array) for part, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            f"The inputs of {name} have the same number of samples.",
            received=", ".join(f"{length} in {part}" for part, length in lengths.items()),
            remedy="Give one sample of every input for each row.",
        )
    if not count(x):
        split = name.removeprefix("x_")
        raise DataError(f"The {split} split must hold samples.", received="0 samples", remedy="Give more data.")


def check_array(array: Array, name: str) -> None:
    """Make sure that an array has one finite number or array of such for each sample.

    Raises:
        DataError: The array breaks this rule.
    """
    if array.ndim == 0 or array.dtype.kind not in "biuf":
        raise DataError(
            f"{name} is an array of numbers, one entry for each sample.",
            received=f"shape {list(array.shape)} and dtype {array.dtype}",
            remedy="Save text labels as class indices, with label_names beside them.",
        )
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        axes = tuple(range(1, array.ndim))
        index = int(np.argmax(~np.isfinite(array).all(axis=axes)))
        raise DataError(
            f"{name} must be finite.",
            received=f"NaN or infinity, first in sample {index}",
            remedy="Remove or repair such samples.",
        )

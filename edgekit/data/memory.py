"""Data that the user's program holds: arrays, tuples, dicts of them and tf.data pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from edgekit.data.dataset import Raw, Samples
from edgekit.errors import DataError, did_you_mean
from edgekit.tensors import Array

__all__ = ["Batched", "Held", "raw_of"]

PARTS = ("x_train", "y_train", "x_test", "y_test")
ENDLESS = -1
"""What `tf.data.Dataset.cardinality` says of one that repeats for ever."""
BATCH = "Give batches, and an end: dataset.take(N).batch(32)."


@runtime_checkable
class Batched(Protocol):
    """A `tf.data.Dataset` of batches, as Keras's `fit` takes it."""

    def as_numpy_iterator(self) -> Iterable[Any]: ...


Held = Array | Sequence[Any] | Mapping[str, Any] | Batched
"""x alone; (x, y) or (x_train, y_train, x_test, y_test); a dict of these names, or of arrays by a model's input; or a
`tf.data.Dataset` that gives batches of x or of (x, y)."""


def raw_of(held: Held, where: str) -> Raw:
    """Samples and labels of what is held; of a model with several inputs, x is a dict of arrays by input.

    Args:
        held: The data.
        where: What messages call it.

    Raises:
        DataError: It is of another kind, or holds what is no number.
    """
    parts = _parts(held, where)
    if parts.get("x_train") is None and parts.get("x_test") is None:
        raise DataError("A data set gives x_train or x_test.", received=f"{', '.join(parts) or 'nothing'} from {where}")
    x_train, x_test = (_samples(parts.get(name), name, where) for name in ("x_train", "x_test"))
    y_train, y_test, names = (_array(parts.get(name), name, where) for name in ("y_train", "y_test", "label_names"))
    return Raw(x_train, y_train, x_test, y_test, () if names is None else tuple(str(n) for n in names.ravel()))


def _parts(held: Held, where: str) -> Mapping[str, Any]:
    if isinstance(held, Batched):
        return _joined(held, where)
    if isinstance(held, Mapping):
        return _named(held, where)
    if isinstance(held, np.ndarray):
        return {"x_train": held}
    if isinstance(held, tuple) and len(held) in (2, 4):
        return dict(zip(PARTS, held, strict=False))
    raise DataError(
        "Data are an array x, (x_train, y_train[, x_test, y_test]), a mapping of these names or a tf.data.Dataset.",
        received=f"{type(held).__name__} from {where}",
    )


def _named(held: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """A mapping of the names of parts; else of arrays by a model's input, which is x."""
    if not held.keys() & {*PARTS, "label_names"}:
        return {"x_train": held} if held else {}
    if unknown := sorted(map(str, held.keys() - {*PARTS, "label_names"})):
        raise DataError(
            f"Parts of a data set are {', '.join(PARTS)} and label_names.",
            received=f"{unknown[0]!r} from {where}",
            remedy=did_you_mean(unknown[0], PARTS),
        )
    return held


def _joined(batches: Batched, where: str) -> Mapping[str, Any]:
    """All batches of a pipeline in one.

    Raises:
        DataError: It never ends, is not batched, or gives something else than x or (x, y).
    """
    cardinality = getattr(batches, "cardinality", None)
    if cardinality is not None and int(cardinality()) == ENDLESS:
        raise DataError("A data set must end.", received=f"a tf.data.Dataset that repeats, from {where}", remedy=BATCH)
    rows = list(batches.as_numpy_iterator())
    if not rows:
        raise DataError("A data set holds samples.", received=f"an empty tf.data.Dataset from {where}")
    if isinstance(rows[0], tuple) and len(rows[0]) != 2:
        raise DataError("A tf.data.Dataset gives x or (x, y).", received=f"{len(rows[0])} parts from {where}")
    pairs = rows if isinstance(rows[0], tuple) else [(row, None) for row in rows]
    try:
        x = _concatenated([x for x, _ in pairs])
        y = None if pairs[0][1] is None else np.concatenate([np.asarray(y) for _, y in pairs])
    except ValueError as error:
        raise DataError(
            "A tf.data.Dataset gives batches [n, ...] of one shape.", received=f"{error}, from {where}", remedy=BATCH
        ) from None
    if y is None and _may_be_single(batches):
        raise DataError(
            "A tf.data.Dataset of samples alone gives batches of an open size.",
            received=f"elements whose first dimension is fixed, from {where}",
            remedy="Use .batch(32) without drop_remainder, or give (x, y).",
        )
    return {"x_train": x, "y_train": y}


def _may_be_single(batches: Batched) -> bool:
    """Whether elements may be single samples: those of a pipeline that makes batches have an open first dimension."""
    shape = getattr(getattr(batches, "element_spec", None), "shape", None)
    return shape is not None and bool(shape.rank) and shape[0] is not None


def _concatenated(parts: Sequence[Any]) -> Samples:
    if isinstance(parts[0], tuple):
        raise ValueError("several inputs without names: give a dict by input")
    if isinstance(parts[0], Mapping):
        return {str(name): np.concatenate([part[name] for part in parts]) for name in parts[0]}
    whole: Array = np.concatenate(parts)
    return whole


def _samples(value: Any, name: str, where: str) -> Samples | None:
    """One array, or one for each input by its name."""
    if not isinstance(value, Mapping):
        return _array(value, name, where)
    arrays = {str(key): _array(part, f"{name}/{key}", where) for key, part in value.items()}
    return {key: array for key, array in arrays.items() if array is not None}


def _array(value: Any, name: str, where: str) -> Array | None:
    if value is None:
        return None
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.array([object()])
    if array.dtype == object:
        raise DataError("Arrays of a data set are numeric.", received=f"objects in {name} from {where}")
    return array

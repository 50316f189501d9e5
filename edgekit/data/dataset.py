"""A Dataset: four disjoint splits, label names and one Preprocessing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgekit.data.labels import check_label_names
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError

__all__ = ["Dataset", "Raw", "Split", "SplitName", "split"]

Array = NDArray[Any]
SplitName = Literal["train", "validation", "test", "calibration"]


@dataclass(frozen=True)
class Raw:
    """What a source reads, before it is split.

    Attributes:
        x_train, y_train: Samples [N, ...] and labels [N] (classes) or targets [N, ...]; None where there are none.
        x_test, y_test: The source's own test split, or None.
        label_names: Names of the classes, or empty.
        preprocessing: The source's own default, or None.
    """

    x_train: Array | None
    y_train: Array | None
    x_test: Array | None = None
    y_test: Array | None = None
    label_names: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None


@dataclass(frozen=True)
class Split:
    """Raw samples [N, ...] with their labels [N] or targets [N, ...]."""

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Dataset:
    """Train, validation, test and calibration samples; calibration and validation are cut from training data only.

    Attributes:
        splits: By name. They share no sample, but that few training data serve for calibration as well.
        label_names: Names of the classes, or empty.
        preprocessing: What turns raw samples into model input.
    """

    splits: Mapping[SplitName, Split]
    label_names: tuple[str, ...]
    preprocessing: Preprocessing
    _features: dict[SplitName, Array] = field(default_factory=dict, repr=False, compare=False)

    def features(self, name: SplitName) -> Array:
        """Model input of a split, preprocessed once and kept.

        Raises:
            DataError: The split is empty, or preprocessing gives values that are not finite.
        """
        if name not in self._features:
            x = self.preprocessing.apply(self.raw(name).x)
            if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
                raise DataError(f"Preprocessed {name} samples must be finite.", received="NaN or infinity")
            self._features[name] = x
        return self._features[name]

    def labels(self, name: SplitName) -> Array:
        """Labels [N] or targets [N, ...] of a split."""
        return self.raw(name).y

    def raw(self, name: SplitName) -> Split:
        """Raw samples and labels of a split.

        Raises:
            DataError: The source has no such samples.
        """
        part = self.splits[name]
        if not len(part):
            remedy = "Name a data set with training samples." if name != "test" else "Name one with test samples."
            raise DataError(f"This job needs {name} samples.", received="a data set without them", remedy=remedy)
        return part

    @property
    def classes(self) -> int | None:
        """Number of classes; None for targets that are not class indices."""
        if self.label_names:
            return len(self.label_names)
        tops = [int(s.y.max()) for s in self.splits.values() if len(s) and is_labels(s.y)]
        return max(tops) + 1 if tops else None

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over samples, labels, splits and preprocessing: the data's name in caches and reports."""
        digest = hashlib.sha256(json.dumps([self.preprocessing.dump(), self.label_names]).encode())
        for name in sorted(self.splits):
            for array in (self.splits[name].x, self.splits[name].y):
                digest.update(f"{name}{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def split(
    raw: Raw, preprocessing: Preprocessing, *, calibration: int, validation: float, test: float, seed: int
) -> Dataset:
    """Cut a source into four disjoint splits, the same for the same seed.

    Args:
        raw: What the source read; checked here.
        preprocessing: What turns it into model input.
        calibration: Samples for the representative dataset, all from training data: kept apart from what is trained on
            where they are at most a quarter of it, else trained on as well, for ranges are taken from them and no
            accuracy.
        validation: Fraction of the training data held out for early stopping and for decisions.
        test: Fraction held out where the source has no test split of its own.
        seed: Of the shuffle.

    Raises:
        DataError: Labels outside the classes, NaN, lengths that differ, too few samples.
    """
    check_label_names(raw.label_names, "the data set")
    x, y = _checked(raw.x_train, raw.y_train, "train", raw.label_names)
    x_test, y_test = _checked(raw.x_test, raw.y_test, "test", raw.label_names)
    order = np.random.default_rng(seed).permutation(len(x))
    if not len(x_test) and len(x):
        count = max(1, round(len(x) * test))
        x_test, y_test, order = x[order[:count]], y[order[:count]], order[count:]
    held_out = max(1, round(len(order) * validation)) if len(order) else 0
    rest = order[held_out:]
    apart = min(calibration, max(1, len(order) // 4))
    if len(x) and len(rest) <= apart:
        raise DataError(
            "Training, validation and calibration need at least one sample each.",
            received=f"{len(x)} training samples",
            remedy="Give more data.",
        )
    parts: dict[SplitName, Array] = {
        "validation": order[:held_out],
        "calibration": rest[:calibration],
        "train": rest if calibration > apart else rest[apart:],
    }
    splits: dict[SplitName, Split] = {name: Split(x[np.sort(p)], y[np.sort(p)]) for name, p in parts.items()}
    splits["test"] = Split(x_test, y_test)
    return Dataset(splits, raw.label_names, preprocessing)


def is_labels(y: Array) -> bool:
    """Class indices [N], as opposed to targets [N, ...] of numbers."""
    return y.ndim == 1 and np.issubdtype(y.dtype, np.integer)


def _checked(x: Array | None, y: Array | None, name: str, label_names: tuple[str, ...]) -> tuple[Array, Array]:
    if x is None or y is None:
        return np.empty((0,), np.float32), np.empty((0,), np.int64)
    for part, array in (("x", x), ("y", y)):
        if array.ndim == 0 or array.dtype.kind not in "biuf":
            raise DataError(
                f"{part}_{name} is an array of numbers, one entry for each sample.",
                received=f"shape {list(array.shape)} and dtype {array.dtype}",
                remedy="Save text labels as class indices, with label_names beside them.",
            )
    if not len(x):
        raise DataError(f"The {name} split must hold samples.", received="0 samples", remedy="Give more data.")
    if len(x) != len(y):
        raise DataError(
            f"x_{name} and y_{name} must have the same length.", received=f"{len(x)} samples and {len(y)} labels"
        )
    for part, array in (("x", x), ("y", y)):
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            axes = tuple(range(1, array.ndim))
            index = int(np.argmax(~np.isfinite(array).all(axis=axes)))
            raise DataError(
                f"{part}_{name} must be finite.",
                received=f"NaN or infinity, first in sample {index}",
                remedy="Remove or repair such samples.",
            )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    elif y.ndim == 2 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        y = y.argmax(axis=1)  # one-hot
    if np.issubdtype(y.dtype, np.floating) and y.ndim == 1 and label_names:
        if (y != np.floor(y)).any():
            raise DataError(
                "Labels are class indices, which are whole numbers.",
                received=f"the label {y[y != np.floor(y)][0]} in y_{name}",
                remedy="Correct the labels, or leave out label_names for regression.",
            )
        y = y.astype(np.int64)
    if is_labels(y):
        y = y.astype(np.int64)
        top = len(label_names) - 1 if label_names else None
        if y.min() < 0 or (top is not None and y.max() > top):
            bad = y.min() if y.min() < 0 else y.max()
            raise DataError(
                f"Labels are class indices from 0 to {top if top is not None else 'the number of classes - 1'}.",
                received=f"the label {bad} in y_{name}",
                remedy="Correct the labels, or list every class in label_names.",
            )
    return x, y

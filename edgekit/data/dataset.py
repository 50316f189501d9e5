"""A Dataset: four disjoint splits, label names and one Preprocessing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from edgekit.data.inputs import Samples, check_array, check_samples, count, each, preprocessed, taken
from edgekit.data.labels import check_label_names
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.targets import Task, as_targets, is_labels
from edgekit.errors import DataError
from edgekit.tensors import Array

__all__ = ["Dataset", "Raw", "Samples", "Split", "SplitName", "Wanted", "is_labels", "split"]

SplitName = Literal["train", "validation", "test", "calibration"]


@dataclass(frozen=True)
class Wanted:
    """What a job wants of a source.

    Attributes:
        preprocessing: What the samples go through, or None for the source's own.
        task: What the model is to answer; None where nobody has told.
        labels: Whether the job needs labels; calibration takes samples alone.
    """

    preprocessing: Preprocessing | None = None
    task: Task | None = None
    labels: bool = True


@dataclass(frozen=True)
class Raw:
    """What a source reads, before it is split.

    Attributes:
        x_train, y_train: Samples [N, ...] (of several inputs, by name) and labels [N] (classes) or targets [N, ...];
            None where there are none.
        x_test, y_test: The source's own test split, or None.
        label_names: Names of the classes, or empty.
        preprocessing: The source's own default, or None.
    """

    x_train: Samples | None
    y_train: Array | None
    x_test: Samples | None = None
    y_test: Array | None = None
    label_names: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None


@dataclass(frozen=True)
class Split:
    """Raw samples [N, ...], of several inputs by name, with their labels [N] or targets [N, ...]; [N, 0] for none."""

    x: Samples
    y: Array

    def __len__(self) -> int:
        return count(self.x)

    def drawn(self, share: float, seed: int) -> Split:
        """A share of the samples, at least one, in their order; of a smaller share, a larger one has all."""
        rows = np.sort(np.random.default_rng(seed).permutation(len(self))[: max(1, round(len(self) * share))])
        return Split(taken(self.x, rows), self.y[rows])


@dataclass(frozen=True)
class Dataset:
    """Train, validation, test and calibration samples; calibration and validation are cut from training data only.

    Attributes:
        splits: Splits by name. They share no sample, except that calibration may reuse training samples.
        label_names: Names of the classes, or empty.
        preprocessing: What turns raw samples into model input.
        stated_task: The task that the labels were read for; None where nobody has stated it.
    """

    splits: Mapping[SplitName, Split]
    label_names: tuple[str, ...]
    preprocessing: Preprocessing
    stated_task: Task | None = None
    _samples: dict[SplitName, Samples] = field(default_factory=dict, repr=False, compare=False)

    def samples(self, name: SplitName) -> Samples:
        """Model input of a split, preprocessed once and kept: one array, or one for each input by its name.

        Raises:
            DataError: The split is empty, or preprocessing gives values that are not finite.
        """
        if name not in self._samples:
            x = preprocessed(self.raw(name).x, self.preprocessing)
            for array in each(x, name).values():
                if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
                    raise DataError(f"Preprocessed {name} samples must be finite.", received="NaN or infinity")
            self._samples[name] = x
        return self._samples[name]

    def features(self, name: SplitName) -> Array:
        """Model input of a split [N, ...], for jobs that take models with one input.

        Raises:
            DataError: As `samples` does, or the samples are those of several inputs.
        """
        x = self.samples(name)
        if not isinstance(x, Mapping):
            return x
        if len(x) > 1:
            raise DataError(
                "This job takes models with one input; edgekit convert takes several.",
                received=f"samples for {len(x)} inputs, {', '.join(x)}",
            )
        return next(iter(x.values()))

    def labels(self, name: SplitName) -> Array:
        """Labels [N] or targets [N, ...] of a split.

        Raises:
            DataError: The split is empty or has no labels.
        """
        y = self.raw(name).y
        if not y.size:
            raise DataError("This job needs labels.", received=f"{name} samples without them")
        return y

    @property
    def task(self) -> Task | None:
        """What the labels are for: as told, else classification where they are classes; None where that is open."""
        if self.stated_task is not None:
            return self.stated_task
        parts = [part for part in self.splits.values() if len(part)]
        return "classification" if parts and all(is_labels(part.y) for part in parts) else None

    def need_task(self, remedy: str) -> Task:
        """The task, for a job that cannot go on without it.

        Args:
            remedy: How the user says it.

        Raises:
            DataError: Nobody has told, and the labels may be classes as well as numbers to predict.
        """
        if self.task is not None:
            return self.task
        unclear = (part.y for part in self.splits.values() if len(part) and not is_labels(part.y))
        labels = next(unclear, np.empty(0))
        some = ", ".join(f"{value:.6g}" for value in np.unique(labels)[:3])
        raise DataError(
            "Labels that are numbers may be classes or what a regression predicts, so the task must be told.",
            received=f"{labels.dtype} labels of shape {list(labels.shape)}, such as {some}" if some else "no labels",
            remedy=remedy,
        )

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

    def numbered_as(self, names: Sequence[str]) -> Dataset:
        """The same data, with its classes numbered as a model numbers its outputs.

        Args:
            names: Of the model's classes; the data may lack some, or have them in another order. Where either side has
                no names, or the data have numbers for names, the numbers are taken as they are.

        Raises:
            DataError: The data have a class that the model lacks.
        """
        if not names or not self.label_names or tuple(names) == self.label_names:
            return self
        numbered = all(name.isdecimal() for name in self.label_names) and not all(n.isdecimal() for n in names)
        known = [str(i) for i in range(len(names))] if numbered else list(names)
        if unknown := [name for name in self._occurring() if name not in known]:
            raise DataError(
                "Every class in the data is one that the model knows.",
                received=f"{_some(unknown, 3)} in the data; the model has {_some(names, 5)}",
                remedy="Leave their samples out, or correct the names in the data or in the model's sidecar.",
            )
        numbers = np.array([known.index(name) if name in known else -1 for name in self.label_names])
        splits = {n: replace(p, y=numbers[p.y]) if is_labels(p.y) else p for n, p in self.splits.items()}
        return replace(self, splits=splits, label_names=tuple(names))

    def _occurring(self) -> list[str]:
        """Names of the classes that some sample has."""
        parts = [p.y for p in self.splits.values() if is_labels(p.y) and len(p)]
        return [self.label_names[i] for i in np.unique(np.concatenate(parts))] if parts else []

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over samples, labels, splits and preprocessing: the data's name in caches and reports."""
        digest = hashlib.sha256(json.dumps([self.preprocessing.dump(), self.label_names]).encode())
        for name in sorted(self.splits):
            inputs = each(self.splits[name].x, "x")
            for key, array in (*sorted(inputs.items()), ("y", self.splits[name].y)):
                digest.update(f"{name}{key.removeprefix('x').removeprefix('y')}{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def split(
    raw: Raw,
    preprocessing: Preprocessing,
    *,
    calibration: int,
    validation: float,
    test: float,
    seed: int,
    task: Task | None = None,
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
        seed: Seed of the shuffle.
        task: What the labels are read for; None where nobody has told.

    Raises:
        DataError: Labels outside the classes, NaN, lengths that differ, too few samples.
    """
    check_label_names(raw.label_names, "the data set")
    x, y = _checked(raw.x_train, raw.y_train, "train", raw.label_names, task)
    x_test, y_test = _checked(raw.x_test, raw.y_test, "test", raw.label_names, task)
    size = count(x)
    order = np.random.default_rng(seed).permutation(size)
    if not count(x_test) and size:
        tests = max(1, round(size * test))
        x_test, y_test, order = taken(x, order[:tests]), y[order[:tests]], order[tests:]
    held_out = max(1, round(len(order) * validation)) if len(order) else 0
    rest = order[held_out:]
    apart = min(calibration, max(1, len(order) // 4))
    if size and len(rest) <= apart:
        raise DataError(
            "Training, validation and calibration need at least one sample each.",
            received=f"{size} training samples",
            remedy="Give more data.",
        )
    parts: dict[SplitName, Array] = {
        "validation": order[:held_out],
        "calibration": rest[:calibration],
        "train": rest if calibration > apart else rest[apart:],
    }
    splits: dict[SplitName, Split] = {n: Split(taken(x, np.sort(p)), y[np.sort(p)]) for n, p in parts.items()}
    splits["test"] = Split(x_test, y_test)
    return Dataset(splits, raw.label_names, preprocessing, task)


def _checked(
    x: Samples | None, y: Array | None, name: str, label_names: tuple[str, ...], task: Task | None
) -> tuple[Samples, Array]:
    """Samples and labels that keep the rules; [N, 0] where there are no labels."""
    if x is None:
        return np.empty((0,), np.float32), np.empty((0,), np.int64)
    check_samples(x, f"x_{name}")
    if y is None:
        return x, np.empty((count(x), 0), np.float32)
    check_array(y, f"y_{name}")
    if count(x) != len(y):
        raise DataError(
            f"x_{name} and y_{name} must have the same length.", received=f"{count(x)} samples and {len(y)} labels"
        )
    return x, as_targets(y, f"y_{name}", label_names, task)


def _some(names: Sequence[str], most: int) -> str:
    """The first names, for a message."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")

"""What a model is to answer: class labels or numbers, as the task takes them.

Some labels are classes by nature: texts, names, truth values, one-hot rows, and whole numbers stored as integers, as is
customary in Keras. Others may be classes as well as numbers to predict: a numeric column of a `.csv`, and arrays of
floats. Those are taken as numbers until the task says otherwise, and nothing is trained or judged on them before.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from edgekit.errors import DataError
from edgekit.tensors import Array

__all__ = ["TASKS", "Task", "as_targets", "is_labels"]

Task = Literal["classification", "regression", "reconstruction"]
TASKS: tuple[Task, ...] = get_args(Task)


def is_labels(y: Array) -> bool:
    """Class indices [N], as opposed to targets [N, ...] of numbers."""
    return y.ndim == 1 and np.issubdtype(y.dtype, np.integer)


def as_targets(y: Array, name: str, label_names: tuple[str, ...], task: Task | None) -> Array:
    """Labels of a split in the form that the task takes.

    Args:
        y: Finite numbers, one entry for each sample.
        name: Name of the array, for messages.
        label_names: Names of the classes, or empty.
        task: What the model is to answer; None where nobody has told.

    Returns:
        Class indices int64 [N], or targets [N, ...]: float32 for a regression.

    Raises:
        DataError: Class indices are no whole numbers or lie outside the classes, or a regression gets classes.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if task == "regression":
        if label_names:
            raise DataError(
                "Targets of a regression are numbers.",
                received=f"classes with names, such as {label_names[0]!r}",
                remedy="Leave out label_names, or choose the task classification.",
            )
        with np.errstate(over="ignore"):
            return _finite(y.astype(np.float32), name)
    if task == "reconstruction":
        return y  # the target is the sample itself
    if y.dtype == np.bool_ and y.ndim == 1:
        y = y.astype(np.int64)
    elif y.ndim == 2 and y.shape[1] and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        y = y.argmax(axis=1)  # one-hot
    elif np.issubdtype(y.dtype, np.floating) and y.ndim == 1 and (label_names or task == "classification"):
        y = _whole(y, name)
    return _in_range(y.astype(np.int64), name, label_names) if is_labels(y) else y


def _finite(y: Array, name: str) -> Array:
    if not np.isfinite(y).all():
        raise DataError(
            f"{name} must be finite as float32.", received="a number of more than 3.4e38", remedy="Scale the targets."
        )
    return y


def _whole(y: Array, name: str) -> Array:
    broken = y[y != np.floor(y)]
    if len(broken):
        raise DataError(
            "Labels are class indices, which are whole numbers.",
            received=f"the label {broken[0]} in {name}",
            remedy="Correct the labels; or, where they are numbers to predict, leave out label_names and choose the "
            "task regression.",
        )
    return y.astype(np.int64)


def _in_range(y: Array, name: str, label_names: tuple[str, ...]) -> Array:
    top = len(label_names) - 1 if label_names else None
    if y.min() < 0 or (top is not None and y.max() > top):
        raise DataError(
            f"Labels are class indices from 0 to {top if top is not None else 'the number of classes - 1'}.",
            received=f"the label {y.min() if y.min() < 0 else y.max()} in {name}",
            remedy="Correct the labels, or list every class in label_names; or, where they are numbers to predict, "
            "choose the task regression.",
        )
    return y

"""How good a model's outputs are, with intervals; `edgekit.measure.predict` gives the outputs."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgekit.errors import DataError
from edgekit.measure.statistics import Interval, mean_interval, paired_difference, wilson

__all__ = ["Score", "chosen_and_true", "correct", "mse", "paired_drop", "squared_errors", "top1"]


@dataclass(frozen=True)
class Score:
    """One quality of a model on one set of samples.

    Attributes:
        metric: "top1" (a fraction, higher is better) or "mse" (lower is better).
        value: The estimate.
        low, high: Its 95 % interval.
        samples: How many samples it stands on.
    """

    metric: str
    value: float
    low: float
    high: float
    samples: int

    def as_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return asdict(self)


def top1(outputs: ArrayLike, labels: ArrayLike) -> Score:
    """The fraction of samples whose largest output is their label, with a Wilson interval.

    Args:
        outputs, labels: As for `correct`.

    Raises:
        DataError: As for `correct`.
    """
    hits = correct(outputs, labels)
    value, low, high = wilson(int(hits.sum()), hits.size)
    return Score("top1", value, low, high, hits.size)


def mse(outputs: ArrayLike, targets: ArrayLike) -> Score:
    """The mean over samples of each sample's mean squared error, with a normal interval over samples.

    Args:
        outputs, targets: Real values [n, ...] of one shape, where dimensions of 1 do not count.

    Raises:
        DataError: The shapes differ, or there are fewer than two samples.
    """
    errors = squared_errors(outputs, targets)
    value, low, high = mean_interval(errors)
    return Score("mse", value, max(0.0, low), high, len(errors))


def squared_errors(outputs: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Each sample's mean squared error, float64 [n].

    Args:
        outputs, targets: As for `mse`.

    Raises:
        DataError: The shapes differ.
    """
    given, wanted = np.asarray(outputs), np.asarray(targets)
    if given.ndim == 0 or wanted.ndim == 0 or len(given) != len(wanted) or _sizes(given) != _sizes(wanted):
        raise DataError(
            "Outputs and targets must have one shape.",
            received=f"{list(given.shape)} and {list(wanted.shape)}",
            remedy="The target of an autoencoder is its own input, preprocessed.",
        )
    rows = len(given)
    difference = given.reshape(rows, -1).astype(np.float64) - wanted.reshape(rows, -1).astype(np.float64)
    errors: NDArray[np.float64] = (difference**2).mean(axis=1)
    return errors


def correct(outputs: ArrayLike, labels: ArrayLike) -> NDArray[np.bool_]:
    """Which samples are classified right, bool [n].

    Args:
        outputs: Scores [n, classes], or [n] or [n, 1] of one sigmoid: class 1 above 0.5. A sample with a NaN counts
            as wrong.
        labels: Class indices [n] or [n, 1], or one-hot [n, classes].

    Raises:
        DataError: The shapes do not belong together, or a label is no class of the model.
    """
    chosen, truth, _ = chosen_and_true(outputs, labels)
    right: NDArray[np.bool_] = chosen == truth
    return right


def chosen_and_true(outputs: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """The class that each sample is given [n], its true one [n], and how many classes there are.

    Args:
        outputs, labels: As for `correct`. A sample with a NaN is given the class -1.

    Raises:
        DataError: As for `correct`.
    """
    scores = np.asarray(outputs)
    truth = np.asarray(labels)
    if not scores.ndim or not len(scores):
        raise DataError("Accuracy needs at least one sample.", received=f"outputs {list(scores.shape)}")
    scores = scores.reshape(len(scores), -1)
    classes = max(2, scores.shape[1])
    if truth.shape == (len(scores), classes):
        truth = truth.argmax(axis=1)
    elif truth.ndim and truth.size == len(truth) == len(scores):
        truth = truth.reshape(-1)
    else:
        raise DataError(
            "Labels must be class indices, one for each sample.",
            received=f"labels {list(truth.shape)} for outputs {list(np.asarray(outputs).shape)}",
        )
    outside = (truth < 0) | (truth >= classes) | (truth != np.floor(truth))
    if outside.any():
        raise DataError(
            f"The model has {classes} classes, so labels run from 0 to {classes - 1}.",
            received=f"label {truth[outside][0]}",
            remedy="Check the label order and the model's last layer.",
        )
    chosen = scores[:, 0] > 0.5 if scores.shape[1] == 1 else scores.argmax(axis=1)
    return np.where(np.isnan(scores).any(axis=1), -1, chosen).astype(np.intp), truth.astype(np.intp), classes


def paired_drop(correct_a: ArrayLike, correct_b: ArrayLike) -> Interval:
    """What accuracy is lost from A to B on the same samples, as fractions: (drop, low, high); above 0 is a loss.

    Args:
        correct_a, correct_b: What `correct` gives for each, in the same order of samples.

    Raises:
        DataError: The two are not of one length, or empty.
    """
    return paired_difference(correct_a, correct_b)


def _sizes(array: NDArray[np.generic]) -> list[int]:
    return [n for n in array.shape[1:] if n != 1]

"""Which mistakes a model makes: classes taken for each other, and how large the errors of numbers are, as counts.

Counts are small whatever the number of samples is, and those of two models can be laid beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edgekit.measure.accuracy import chosen_and_true, squared_errors

__all__ = ["MOST_BIN", "MOST_CLASSES", "MOST_PAIRS", "PER_DECADE", "confusion", "error_bins", "finding"]

MOST_CLASSES = 20
"""A table of more classes is no longer read: of those, only the pairs are kept that are confused most often."""
MOST_PAIRS = 50
PER_DECADE = 5
"""Bin k holds errors from 10 ** (k / 5) to below 10 ** ((k + 1) / 5)."""
MOST_BIN = 60
"""Errors below 1e-12, zero among them, count in bin -60; those above 1e12, and what is no number, in bin 60."""


def confusion(outputs: ArrayLike, labels: ArrayLike) -> dict[str, Any]:
    """How often a class was answered where another one, or the same, was true.

    Args:
        outputs, labels: As for `edgekit.measure.accuracy.correct`.

    Returns:
        JSON-ready: "classes", "samples", and "cells" of [true class, answer, count]: every cell that is not empty where
        there are at most 20 classes, else the 50 pairs that are confused most often. A sample with a NaN has no cell.

    Raises:
        DataError: As for `edgekit.measure.accuracy.correct`.
    """
    chosen, truth, classes = chosen_and_true(outputs, labels)
    answered = chosen >= 0
    pairs, counts = np.unique(np.stack([truth, chosen], 1)[answered], axis=0, return_counts=True)
    cells = [[int(true), int(answer), int(count)] for (true, answer), count in zip(pairs, counts, strict=True)]
    if classes > MOST_CLASSES:
        cells = sorted((c for c in cells if c[0] != c[1]), key=lambda c: (-c[2], c[0], c[1]))[:MOST_PAIRS]
    return {"classes": classes, "samples": len(truth), "cells": cells}


def error_bins(outputs: ArrayLike, targets: ArrayLike) -> dict[str, Any]:
    """How many samples have errors of which size.

    Args:
        outputs, targets: As for `edgekit.measure.accuracy.mse`.

    Returns:
        JSON-ready: "samples", and "bins" of [k, count] in rising order, of each sample's root mean squared error.
        Bin k holds errors from 10 ** (k / 5) to below 10 ** ((k + 1) / 5).

    Raises:
        DataError: As for `edgekit.measure.accuracy.mse`.
    """
    errors = np.sqrt(np.nan_to_num(squared_errors(outputs, targets), nan=np.inf))
    with np.errstate(divide="ignore"):
        exact = np.log10(errors) * PER_DECADE
    bins, counts = np.unique(np.clip(np.floor(exact), -MOST_BIN, MOST_BIN).astype(int), return_counts=True)
    return {"samples": len(errors), "bins": [[int(k), int(n)] for k, n in zip(bins, counts, strict=True)]}


def finding(answers: Any, metric: str, accuracy: float) -> str | None:
    """What a record breaks of the form that `confusion` (of top1) and `error_bins` give; None where it breaks nothing.

    Args:
        answers: The record, as JSON has it.
        metric, accuracy: What it must agree with.
    """
    keys = {"classes", "samples", "cells"} if metric == "top1" else {"samples", "bins"}
    if not isinstance(answers, dict) or answers.keys() != keys:
        return f"must have the keys {', '.join(sorted(keys))}"
    if not all(_is_count(answers[key]) for key in keys & {"classes", "samples"}):
        return "must have counts above 0"
    return _of_confusion(answers, accuracy) if metric == "top1" else _of_bins(answers["bins"], answers["samples"])


def _of_bins(bins: Any, samples: int) -> str | None:
    """What breaks the form of `error_bins`."""
    if not _are_rows(bins, 2) or any(abs(k) > MOST_BIN for k, _ in bins) or len({k for k, _ in bins}) < len(bins):
        return "must have bins of [number, count], each once"
    return None if sum(count for _, count in bins) == samples else "must count each sample once"


def _of_confusion(answers: Mapping[str, Any], accuracy: float) -> str | None:
    """What breaks the form of `confusion`."""
    if not 0 <= accuracy <= 1:
        return "must belong to an accuracy from 0 to 1"
    classes, samples, cells = answers["classes"], answers["samples"], answers["cells"]
    if not _are_rows(cells, 3) or any(not 0 <= c < classes for cell in cells for c in cell[:2]):
        return "must have cells of [true class, answer, count]"
    if len({(true, answer) for true, answer, _ in cells}) < len(cells):
        return "must have each cell once"
    right = round(accuracy * samples)
    wrong = sum(count for true, answer, count in cells if true != answer)
    if wrong > samples - right:
        return "must not count more mistakes than the accuracy says"
    if classes > MOST_CLASSES:
        return f"must have at most {MOST_PAIRS} cells" if len(cells) > MOST_PAIRS else None
    return None if sum(n for true, answer, n in cells if true == answer) == right else "must agree with the accuracy"


def _are_rows(value: Any, width: int) -> bool:
    return isinstance(value, list) and all(
        isinstance(row, list) and len(row) == width and all(type(n) is int for n in row) and row[-1] > 0
        for row in value
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and value > 0

"""Mistakes are counted as the accuracy has them, whatever form labels and outputs have."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from edgekit.measure.accuracy import correct, mse
from edgekit.measure.answers import MOST_BIN, MOST_PAIRS, confusion, error_bins, finding

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("classes", [2, 3, 20, 21, 300])
@pytest.mark.parametrize("form", ["indices", "column", "one-hot", "floats"])
def test_a_confusion_is_what_counting_gives(classes: int, form: str) -> None:
    labels, outputs = RNG.integers(0, classes, 400), RNG.normal(size=(400, classes))
    outputs[np.arange(300), labels[:300]] += 3
    given = {
        "indices": labels,
        "column": labels[:, None],
        "one-hot": np.eye(classes)[labels],
        "floats": labels.astype(float),
    }[form]
    told = confusion(outputs, given)
    expected: dict[tuple[int, int], int] = {}
    for pair in zip(labels.tolist(), outputs.argmax(1).tolist(), strict=True):
        expected[pair] = expected.get(pair, 0) + 1
    found = {(true, answer): count for true, answer, count in told["cells"]}
    if classes <= 20:
        assert found == expected
    else:
        wrong = sorted((n for (true, answer), n in expected.items() if true != answer), reverse=True)
        assert [n for _, _, n in told["cells"]] == wrong[:MOST_PAIRS] and found.items() <= expected.items()
    assert (told["classes"], told["samples"]) == (classes, 400)
    accuracy = float(correct(outputs, given).mean())
    assert finding(json.loads(json.dumps(told)), "top1", accuracy) is None


def test_one_sigmoid_has_two_classes_and_a_nan_no_answer() -> None:
    told = confusion(np.array([[0.9], [0.2], [0.6], [np.nan]]), np.array([1, 1, 0, 1]))
    assert told == {"classes": 2, "samples": 4, "cells": [[0, 1, 1], [1, 0, 1], [1, 1, 1]]}
    assert finding(told, "top1", 0.25) is None


@pytest.mark.parametrize(
    ("error", "bin_number"),
    [(0.0, -MOST_BIN), (1e-30, -MOST_BIN), (1.0, 0), (1.5, 0), (1.6, 1), (10.0, 5), (0.99, -1), (0.1, -5),
     (1e30, MOST_BIN), (np.inf, MOST_BIN), (np.nan, MOST_BIN)],
)  # fmt: skip
def test_an_error_lies_in_its_bin(error: float, bin_number: int) -> None:
    told = error_bins(np.full((1, 4), error), np.zeros((1, 4)))
    assert told == {"samples": 1, "bins": [[bin_number, 1]]} and finding(told, "mse", 0.0) is None


def test_every_sample_has_one_bin() -> None:
    outputs, targets = RNG.normal(size=(500, 3, 1)), RNG.normal(size=(500, 3))
    told = error_bins(outputs, targets)
    assert sum(count for _, count in told["bins"]) == told["samples"] == 500
    mean = sum(count * 10 ** ((k + 0.5) / 5 * 2) for k, count in told["bins"]) / 500
    assert mean == pytest.approx(mse(outputs, targets).value, rel=0.2)


FEW: dict[str, Any] = {"classes": 2, "samples": 4, "cells": [[0, 0, 2], [1, 0, 1], [1, 1, 1]]}
MANY: dict[str, Any] = {"classes": 30, "samples": 10, "cells": [[0, 1, 2], [1, 0, 1]]}
BINS: dict[str, Any] = {"samples": 3, "bins": [[-2, 1], [0, 2]]}
BROKEN: dict[str, tuple[object, str, float]] = {
    "none": (None, "top1", 0.75),
    "a list": ([], "mse", 0.1),
    "of the other metric": (BINS, "top1", 0.75),
    "another key": ({**FEW, "more": 1}, "top1", 0.75),
    "no samples": ({**BINS, "samples": 0}, "mse", 0.1),
    "true for one": ({**FEW, "classes": True}, "top1", 0.75),
    "a class beyond": ({**FEW, "cells": [[0, 2, 1], [0, 0, 3]]}, "top1", 0.75),
    "below zero": ({**FEW, "cells": [[-1, 0, 1], [0, 0, 3]]}, "top1", 0.75),
    "a cell of no samples": ({**FEW, "cells": [*FEW["cells"], [0, 1, 0]]}, "top1", 0.75),
    "a text": ({**FEW, "cells": "000"}, "top1", 0.75),
    "a short cell": ({**FEW, "cells": [[0, 0]]}, "top1", 0.75),
    "fractions": ({**FEW, "cells": [[0, 0, 3.0], [1, 0, 1]]}, "top1", 0.75),
    "a cell twice": ({**FEW, "cells": [[0, 0, 1], [0, 0, 2], [1, 0, 1]]}, "top1", 0.75),
    "another accuracy": (FEW, "top1", 0.5),
    "too many mistakes": (FEW, "top1", 1.0),
    "more mistakes than samples are wrong": (MANY, "top1", 0.8),
    "too many pairs": ({**MANY, "samples": 999, "cells": [[k // 29, k % 29, 1] for k in range(60)]}, "top1", 0.1),
    "an accuracy beyond all numbers": ({**FEW, "samples": 2**62}, "top1", 1e300),
    "an accuracy below zero": (MANY, "top1", -1e300),
    "a bin twice": ({**BINS, "bins": [[0, 1], [0, 2]]}, "mse", 0.1),
    "a bin beyond": ({**BINS, "bins": [[99, 3]]}, "mse", 0.1),
    "a sample too few": ({**BINS, "bins": [[0, 2]]}, "mse", 0.1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_record_that_is_none_is_seen(name: str) -> None:
    answers, metric, accuracy = BROKEN[name]
    assert finding(answers, metric, accuracy) is not None


def test_good_records_are_taken() -> None:
    assert (finding(FEW, "top1", 0.75), finding(MANY, "top1", 0.7), finding(BINS, "mse", 0.1)) == (None, None, None)

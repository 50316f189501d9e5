"""Rules that every source's arrays must keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.data.dataset import Raw, split
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError


def cut(x: Any, y: Any) -> Any:
    return split(Raw(x, y), Preprocessing(), calibration=4, validation=0.1, test=0.2, seed=0)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.float32(1.0), np.zeros(3, int)),
        (np.array(["a", "b", "c"]), np.zeros(3, int)),
        (np.zeros((3, 2), complex), np.zeros(3, int)),
        (np.zeros((3, 2)), np.array(["cat", "dog", "cat"])),
    ],
)
def test_arrays_are_numbers(x: Any, y: Any) -> None:
    with pytest.raises(DataError, match="is an array of numbers, one entry for each sample. Received: shape"):
        cut(np.asarray(x), y)


def test_one_hot_labels_become_indices() -> None:
    labels = np.arange(40) % 4
    dataset = cut(np.zeros((40, 2), np.float32), np.eye(4)[labels])
    assert dataset.classes == 4 and dataset.labels("train").ndim == 1

"""The parts of benchmarks/search.py that run real trainings: what they count and compare."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "search"))

import _workers
from _parts import part_of


def test_a_rate_counts_trials_while_all_workers_were_busy() -> None:
    assert _workers.rate([10.0, 12.0, 14.0, 16.0], 1) == (3, pytest.approx(0.5))
    # the first of each loads TensorFlow; from the last but one on, a worker may have nothing to do
    assert _workers.rate([9.0, 10.0, 11.0, 12.0, 13.0, 20.0], 2) == (3, pytest.approx(1.0))


def test_a_part_of_a_data_set_is_drawn_once(tmp_path: Path) -> None:
    whole = tmp_path / "whole.npz"
    x, y = np.arange(40).reshape(20, 2), np.arange(20)
    np.savez(whole, x_train=x, y_train=y, x_test=x, y_test=y, label_names=np.array(["a", "b"]))
    part = part_of(whole, tmp_path / "out", train=6, test=3)
    with np.load(part) as found:
        assert found["x_train"].shape == (6, 2) and found["x_test"].shape == (3, 2) and len(found["label_names"]) == 2
        assert np.array_equal(found["x_train"], x[found["y_train"]])
    before = part.stat().st_mtime_ns
    assert part_of(whole, tmp_path / "out", train=6, test=3).stat().st_mtime_ns == before

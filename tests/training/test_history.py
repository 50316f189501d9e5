"""What a training said epoch by epoch, on disk: nothing is lost by a kill, and nothing damaged is believed."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from edgekit.observer import EpochEnded
from edgekit.training.history import MOST, epochs_kept, is_training, keep_epoch, numbers, read_training, thinned


def told(fit: str, epoch: int, **figures: float | None) -> EpochEnded:
    return EpochEnded("a step", fit, epoch, 5, figures)


def test_epochs_follow_one_another_and_those_done_again_replace_what_was_there(tmp_path: Path) -> None:
    for epoch in range(3):
        keep_epoch(tmp_path, told("first", epoch, loss=3.0 - epoch, val_loss=None))
    keep_epoch(tmp_path, told("second", 0, loss=1.0))
    assert epochs_kept(tmp_path, "first") == 3 and epochs_kept(tmp_path, "absent") == 0
    keep_epoch(tmp_path, told("first", 1, loss=9.0, accuracy=0.5))  # as after a kill
    expected = {
        "first": {"loss": [3.0, 9.0], "val_loss": [None, None], "accuracy": [None, 0.5]},
        "second": {"loss": [1.0]},
    }
    assert read_training(tmp_path) == expected and list(read_training(tmp_path)) == ["first", "second"]
    keep_epoch(tmp_path, told("first", 0, loss=2.0))
    assert read_training(tmp_path)["first"] == {"loss": [2.0]}, "from the beginning"
    assert [file.name for file in tmp_path.iterdir()] == ["training.json"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "1", '{"t": []}', '{"t": {"loss": 1}}', '{"t": {"loss": ["x"]}}', '{"t": {"loss": [true]}}',
     '{"t": {"loss": [NaN]}}', '{"t": {"loss": [1], "val_loss": [1, 2]}}', "[" * 100_000,
     '{"t": {"loss": [1' + "0" * 400 + "]}}", '{"t": {"loss": [1]}}' + " " * (64 << 20)],
)  # fmt: skip
def test_damaged_ones_are_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text(content)
    assert read_training(tmp_path) == {}
    keep_epoch(tmp_path, told("t", 0, loss=1.0))
    assert read_training(tmp_path) == {"t": {"loss": [1.0]}}


def test_what_trainings_say() -> None:
    assert is_training({}) and is_training({"t": {}}) and is_training({"t": {"loss": [1, 2.5], "val_loss": [None, 0]}})
    for wrong in (None, [], {"t": None}, {1: {}}, {"t": {"loss": [math.inf]}}, {"t": {"loss": [1], "x": []}}):
        assert not is_training(wrong)
    assert is_training(json.loads('{"t": {"loss": [0.25]}}'))


@pytest.mark.parametrize("count", [0, 1, MOST - 1, MOST, MOST + 1, 2 * MOST, 100_000])
def test_a_record_has_so_many_epochs_at_most(count: int) -> None:
    whole = {"t": {"loss": [n / 7 for n in range(count)], "val_loss": [None] * count}, "u": {"loss": [1.0]}}
    thin = thinned(whole)
    assert is_training(thin) and thin["u"] == whole["u"] and (thin == whole) is (count <= MOST)
    of = numbers(thin["t"])
    assert len(of) == len(thin["t"]["loss"]) == min(count, MOST)
    assert [n / 7 for n in (of[0] - 1, of[-1] - 1)] == [0, (count - 1) / 7] if count else not of
    assert all(value == (n - 1) / 7 for n, value in zip(of, thin["t"]["loss"], strict=True))
    assert len(json.dumps(thin)) < 200_000


@pytest.mark.parametrize("said", [[1, 1], [2, 1], [None, 2], [0, 1], [1.5, 2], [-1e300, 1]])
def test_numbers_of_epochs_that_are_none(said: list[float | None]) -> None:
    assert list(numbers({"loss": [1.0, 2.0], "epoch": said})) == [1, 2]

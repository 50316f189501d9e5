"""The parts of benchmarks/search.py that run real trainings: what they count and compare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "search"))

import _auto
import _har
import _hyperband
import _live
import _workers
from _parts import part_of, read_yaml
from _retrained import difference

from edgekit.searching.space import parse_space


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


def made(drop: float, macs: int, size: int, cpu: float = 10.0) -> dict[str, Any]:
    return {"name": f"{macs}", "drop": drop, "macs": macs, "bytes": size, "cpu_seconds": cpu, "seconds": cpu}


def test_the_best_recipe_by_hand_has_the_fewest_macs_of_those_that_hold() -> None:
    hands = [made(0.0, 100, 50), made(0.009, 40, 30), made(0.009, 40, 20), made(0.02, 10, 5)]
    best = _auto.best_by_hand(hands, 0.01)
    assert best is hands[2] and _auto.best_by_hand(hands[3:], 0.01) is None


@pytest.mark.parametrize(
    ("auto", "met"),
    [
        (made(0.01, 40, 20, 40), True),
        (made(0.011, 40, 20, 40), False),
        (made(0.0, 41, 20, 40), False),
        (made(0.0, 40, 21, 40), False),
        (made(0.0, 30, 10, 45), False),
    ],
)
def test_auto_keeps_the_drop_and_the_time_and_is_no_larger(auto: dict[str, Any], met: bool) -> None:
    hands = [made(0.0, 100, 50), made(0.009, 40, 20), made(0.02, 10, 5), made(0.02, 5, 5)]
    told = _auto.compared(hands, auto, 0.01)
    assert told["met"] is met and told["best_by_hand"] == "40" and told["cpu_seconds_by_hand"] == 40


def test_a_difference_of_two_nets_has_an_interval_over_seeds_and_samples() -> None:
    random = np.random.default_rng(0)
    first, second = random.random((3, 2000)) < 0.9, random.random((3, 2000)) < 0.85
    told = difference(first, second)
    assert told["first"] == pytest.approx(0.9, abs=0.01) and told["value"] == pytest.approx(0.05, abs=0.01)
    assert 0 < told["low"] < told["value"] < told["high"] < 0.1
    same = difference(first, first)
    assert same["value"] == 0 and same["low"] <= 0 <= same["high"]


def test_an_interval_over_groups_is_wider_where_groups_differ() -> None:
    """One of ten people is all of the difference: whether it is there hangs on whom the draw takes."""
    groups = np.repeat(np.arange(10), 50)
    second = np.ones((1, 500), bool)
    first = second.copy()
    second[0, groups == 3] = False
    told = difference(first, second, groups=list(groups))
    alone = difference(first, second)
    assert told["value"] == alone["value"] == pytest.approx(0.1)
    assert told["low"] == 0 and told["high"] >= 0.2 > alone["high"]


def test_windows_lie_in_one_activity_of_one_execution() -> None:
    labels = np.repeat([0, 1, 1, 0], [10, 9, 7, 12])
    execution = np.repeat([1, 1, 2, 2], [10, 9, 7, 12])
    time = np.arange(38) * 10
    time[32:] += 500  # a pause in the last part
    content = {
        "signals": np.arange(38.0)[:, None].repeat(6, axis=1),
        "labels": labels,
        "subject": np.ones(38),
        "execution": execution,
        "timestamp_ms": time,
    }
    x, y, subject = _har.windows(content, 4, np.ones(6))
    assert [int(window[0, 0]) for window in x] == [0, 4, 10, 14, 19, 26, 32] and x.shape == (7, 4, 6)
    assert y.tolist() == [0, 0, 1, 1, 1, 0, 0] and set(subject) == {1}


def trial(number: int, accuracy: float, **costs: float) -> dict[str, Any]:
    figures = {"accuracy": accuracy, **costs}
    return {"number": number, "outcomes": {"0": {"status": "done", "figures": figures}}}


def test_a_rival_is_beaten_by_what_costs_no_more_in_anything() -> None:
    costs = {"model_bytes": 100.0, "arena_bytes": 50.0, "macs": 10.0}
    found = {
        "trials": [
            trial(0, 0.9, model_bytes=100, arena_bytes=51, macs=1),
            trial(1, 0.8, model_bytes=100, arena_bytes=50, macs=10),
            trial(2, 0.7, model_bytes=60, arena_bytes=50, macs=10),
            {"number": 3, "outcomes": {"0": {"status": "failed", "figures": {}}}},
        ]
    }
    best = _live.best_below(found, costs, 200)
    assert best is not None and best["number"] == 1
    small = _live.best_below(found, costs, 60)
    assert small is not None and small["number"] == 2 and _live.best_below(found, costs, 59) is None


def test_best_at_equal_epochs_and_at_equal_seconds() -> None:
    ours = [{"epochs": 5, "accuracy": a, "cpu_seconds": 10.0} for a in (0.5, 0.7, 0.9)]
    theirs = [
        {"epochs": 0, "accuracy": None, "cpu_seconds": 2.0},
        {"epochs": 2, "accuracy": 0.6, "cpu_seconds": 4.0},
        {"epochs": 5, "accuracy": 0.8, "cpu_seconds": 10.0},
    ]
    assert [_hyperband.best_at(ours, "epochs", most) for most in (4, 5, 14, 15)] == [None, 0.5, 0.7, 0.9]
    told = _hyperband.compared(ours, theirs, 10)
    assert told["edgekit"] == 0.7 and told["hyperband"] == 0.8 and told["hyperband_that_did_not_fit"] == 1
    assert told["cpu_seconds"] == 16 and told["edgekit_at_cpu_seconds"] == 0.5


@pytest.mark.parametrize("short", [False, True])
def test_what_is_committed_makes_searches(short: bool) -> None:
    settings = _live.settings_of(short)
    space = parse_space(_live.space_on(Path("images.npz"), settings))
    assert space.size is not None and space.size >= 10**6 and len(settings["seeds"]) == (1 if short else 3)
    har = read_yaml("har.yaml")
    base = {"data": {"source": "windows.npz", **har["data"]}, "train": har["train"], "convert": ["int8"]}
    assert parse_space({**base, "model": "tcn", "search": har["search"]}).genes
    assert parse_space({**base, "model": har["reference"]["model"], "search": {"space": har["reference"]["space"]}})
    assert {name: len(one["recipes"]) for name, one in read_yaml("auto_recipes.yaml")["networks"].items()} == {
        "resnet8": 5,
        "ds_cnn": 5,
        "lenet5": 5,
    }

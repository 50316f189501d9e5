from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.measure.accuracy import correct, mse, paired_drop, top1
from edgekit.measure.statistics import bootstrap_median, mean_interval, median_by_turns, ratio_by_turns, wilson


def test_wilson_as_published() -> None:
    """Newcombe 1998, table I: 81/263 gives 0.2553 to 0.3662; 0/20 gives 0 to 0.1611."""
    assert wilson(81, 263)[1:] == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0, 0.1611), abs=5e-5)
    assert wilson(20, 20).high == 1.0
    with pytest.raises(DataError):
        wilson(0, 0)


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(1)
    covered = np.zeros(4)
    for seed in range(200):
        p, values = wilson(int((rng.random(300) < 0.9).sum()), 300), rng.exponential(size=200)
        mean, median = mean_interval(values), bootstrap_median(values, seed=seed, resamples=300)
        a = rng.random(400) < 0.9
        drop = paired_drop(a, np.where(rng.random(400) < 0.04, ~a, a))  # true drop: 0.04 * (0.9 - 0.1)
        found = [(p, 0.9), (mean, 1.0), (median, np.log(2)), (drop, 0.032)]
        covered += [i.low <= truth <= i.high for i, truth in found]
    assert (covered >= 180).all(), covered


def test_paired_drop_is_signed_and_narrow() -> None:
    a = np.arange(1000) < 900
    b = np.arange(1000) < 890
    drop = paired_drop(a, b)
    assert drop.value == pytest.approx(0.01)
    assert 0 < drop.low < 0.01 < drop.high < 0.02
    assert paired_drop(b, a).value == pytest.approx(-0.01)
    same = paired_drop(a, a)
    assert same.value == 0 and same.low < 0 < same.high < 0.003
    with pytest.raises(DataError, match="same samples"):
        paired_drop(a, b[:5])


def test_top1_of_classes_sigmoid_and_one_hot() -> None:
    outputs = np.array([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6], [np.nan, 0.0]])
    score = top1(outputs, [1, 0, 0, 0])
    assert (score.metric, score.value, score.samples) == ("top1", 0.5, 4)
    assert score.low < 0.5 < score.high
    np.testing.assert_array_equal(correct([[0.7], [0.5], [0.2]], [1, 0, 1]), [True, True, False])
    np.testing.assert_array_equal(correct([0.7, 0.2], [[1], [1]]), [True, False])
    np.testing.assert_array_equal(correct(outputs, np.eye(2)[[1, 0, 0, 0]]), [True, True, False, False])
    assert score.as_dict()["metric"] == "top1"


def test_labels_that_do_not_belong() -> None:
    with pytest.raises(DataError, match="run from 0 to 1. Received: label 2"):
        correct(np.zeros((2, 2)), [0, 2])
    with pytest.raises(DataError, match="one for each sample"):
        correct(np.zeros((2, 2)), [0, 1, 1])
    with pytest.raises(DataError, match="at least one"):
        correct(np.zeros((0, 2)), [])


def test_mse() -> None:
    score = mse(np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 5.0]))
    assert score.value == pytest.approx(4 / 3)
    assert score.low == 0.0 and score.high > 4 / 3
    with pytest.raises(DataError, match="one shape"):
        mse(np.zeros((3, 2)), np.zeros((3, 3)))
    with pytest.raises(DataError, match="at least two"):
        mse(np.zeros((1, 2)), np.zeros((1, 2)))


def _turns(rng: np.random.Generator, launches: int, turns: int) -> np.ndarray:
    """Logarithms of turns that resemble their neighbours, in launches that each have their own luck; true value 0."""
    found = []
    for _ in range(launches):
        noise = rng.normal(scale=0.015, size=turns)
        for i in range(1, turns):
            noise[i] += 0.5 * noise[i - 1]
        found.append(noise + rng.normal(scale=0.005))
    return np.concatenate(found)


def test_ratio_by_turns_covers_the_truth_where_neighbours_resemble_each_other() -> None:
    rng, hits, plain = np.random.default_rng(2), 0, 0
    launches = np.repeat(np.arange(5), 6)
    for seed in range(200):
        logs = _turns(rng, 5, 6)
        found = ratio_by_turns(np.exp(logs), np.ones(30), launches, seed=seed, resamples=400)
        hits += found.low <= 1 <= found.high
        naive = bootstrap_median(logs, seed=seed, resamples=400)
        plain += naive.low <= 0 <= naive.high
    assert hits >= 180 and plain < hits, (hits, plain)


def test_ratio_by_turns_cancels_what_both_share() -> None:
    rng = np.random.default_rng(3)
    load = rng.uniform(1, 3, 30)  # the machine's, from turn to turn
    found = ratio_by_turns(1.1 * load, load, np.repeat(np.arange(5), 6))
    assert found == pytest.approx((1.1, 1.1, 1.1))


def test_median_by_turns() -> None:
    turns = [[1.0, 2.0, 3.0], [2.0, 2.0], [10.0]]
    value, low, high = median_by_turns(turns, [0, 0, 1], resamples=200)
    assert value == 2.0 and low <= value <= high <= 10.0
    assert median_by_turns(turns, [0, 0, 1], resamples=200) == (value, low, high)
    assert median_by_turns([[4.0]], [0]) == (4.0, 4.0, 4.0)


def test_turns_need_a_launch_each() -> None:
    with pytest.raises(DataError, match="one launch for each turn"):
        median_by_turns([[1.0]], [0, 1])
    with pytest.raises(DataError, match="above 0"):
        ratio_by_turns([1.0, 0.0], [1.0, 1.0], [0, 0])
    with pytest.raises(DataError):
        ratio_by_turns([], [], [])

"""Orders by several objectives, against answers by brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgekit.searching import pareto
from edgekit.searching.pareto import Objective


def grids(low: int, high: int, most: int = 9) -> st.SearchStrategy[np.ndarray]:
    """Losses that are whole numbers from 0 to 5, for any number of objectives between the two given."""
    shapes = st.tuples(st.integers(1, most), st.integers(low, high))
    return shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=st.integers(0, 5).map(float)))


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


@settings(max_examples=150, deadline=None)
@given(grids(1, 4), st.data())
def test_ranks_are_the_longest_chain_of_those_that_dominate(found: np.ndarray, data: st.DataObject) -> None:
    broken = data.draw(st.lists(st.sampled_from([0.0, 0.0, 0.5, 2.0]), min_size=len(found), max_size=len(found)))

    def beats(i: int, j: int) -> bool:
        if broken[i] > 0 or broken[j] > 0:
            return broken[i] < broken[j]
        return dominates(found[i], found[j])

    def rank(j: int) -> int:
        return max((rank(i) + 1 for i in range(len(found)) if beats(i, j)), default=0)

    assert pareto.ranks(found, broken).tolist() == [rank(j) for j in range(len(found))]
    kept = [j for j in range(len(found)) if broken[j] == 0 and rank(j) == 0]
    assert pareto.front(found, broken).tolist() == kept


@settings(max_examples=150, deadline=None)
@given(grids(1, 4, most=7))
def test_hypervolume_counts_the_cells_that_a_candidate_covers(found: np.ndarray) -> None:
    limit = [5.0] * found.shape[1]
    cells = itertools.product(range(5), repeat=found.shape[1])
    covered = sum(any(all(p <= c for p, c in zip(point, cell, strict=True)) for point in found) for cell in cells)
    assert pareto.hypervolume(found, limit) == pytest.approx(covered)


@settings(max_examples=60, deadline=None)
@given(grids(2, 3, most=6), st.integers(1, 3))
def test_a_greedy_choice_is_near_the_best_subset(found: np.ndarray, count: int) -> None:
    limit = [6.0] * found.shape[1]
    chosen = pareto.choose(found, limit, count)
    subsets = itertools.combinations(range(len(found)), min(count, len(found)))
    best = max(pareto.hypervolume(found[list(s)], limit) for s in subsets)
    reached = pareto.hypervolume(found[chosen], limit)
    assert (1 - 1 / math.e) * best - 1e-9 <= reached <= best + 1e-9
    assert len(set(chosen)) == len(chosen) <= count


def test_a_reference_point_cuts_off_what_is_no_better() -> None:
    found = np.array([[1.0, 9.0], [2.0, 2.0], [math.inf, 0.0]])
    assert pareto.hypervolume(found, [4, 5]) == 2 * 3
    assert pareto.hypervolume(found, [1, 1]) == 0
    assert pareto.hypervolume(np.zeros((0, 2)), [1, 1]) == 0


def test_the_ends_of_a_front_stand_alone_and_its_middle_by_its_neighbours() -> None:
    found = np.array([[0.0, 4.0], [1.0, 2.0], [2.0, 1.0], [4.0, 0.0]])
    apart = pareto.crowding(found)
    assert np.isinf(apart[[0, 3]]).all()
    assert apart[1:3].tolist() == [2 / 4 + 3 / 4, 3 / 4 + 2 / 4]
    assert pareto.order(found, [0, 0, 0, 1]).tolist() == [0, 2, 1, 3]


def test_values_to_be_maximised_become_losses_and_what_is_no_number_the_worst() -> None:
    objectives = [Objective("accuracy", "maximize"), Objective("model_bytes")]
    assert pareto.losses([[0.9, 10], [math.nan, 5]], objectives).tolist() == [[-0.9, 10], [math.inf, 5]]
    assert pareto.violation([-1, 0.25, 0.5]) == 0.75
    assert pareto.violation([]) == 0 and pareto.violation([math.nan]) == math.inf

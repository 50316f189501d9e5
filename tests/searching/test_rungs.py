"""Who goes on from a rung."""

from __future__ import annotations

import math

import pytest

from edgekit.errors import RecipeError
from edgekit.searching.rungs import Ladder, Reached, Rung, goes_on, next_promotion

LADDER = Ladder.of([1, 3, 9])


def reached(*losses: tuple[float, ...], rung: int = 0, violations: dict[int, float] | None = None) -> list[Reached]:
    broken = violations or {}
    return [Reached(n, rung, values, broken.get(n, 0.0)) for n, values in enumerate(losses)]


def test_the_best_third_of_a_rung_goes_on() -> None:
    told = reached((0.6,), (0.5,), (0.4,), (0.3,), (0.2,), (0.1,))
    assert [goes_on(told, n, 0, LADDER) for n in range(6)] == [False] * 4 + [True] * 2
    assert not goes_on(told, 9, 0, LADDER)


def test_the_first_one_goes_on_and_nobody_from_the_last_rung() -> None:
    assert goes_on(reached((0.5, 0.5)), 0, 0, LADDER)
    assert not goes_on(reached((0.5, 0.5), rung=2), 0, 2, LADDER)


def test_what_others_dominate_stays_behind_them() -> None:
    told = reached((0.5, 10), (0.4, 20), (0.6, 12), (0.7, 30), (0.8, 40), (0.9, 50))
    assert [n for n in range(6) if goes_on(told, n, 0, LADDER)] == [0, 1]


def test_what_does_not_fit_never_goes_on() -> None:
    told = reached((0.1,), (0.5,), (0.6,), violations={0: 0.2})
    assert [n for n in range(3) if goes_on(told, n, 0, LADDER)] == [1]
    assert not goes_on(reached((0.1,), violations={0: 0.2}), 0, 0, LADDER)


def test_a_paused_trial_is_promoted_once_and_the_highest_rung_first() -> None:
    told = reached((0.3,), (0.2,), (0.1,))
    assert next_promotion(told[:2], LADDER) is None
    assert next_promotion(told, LADDER) == (2, 1)
    told += [Reached(2, 1, (0.1,))]
    assert next_promotion(told, LADDER) is None
    told += [Reached(n, 0, (0.5 + n,)) for n in (3, 4, 5)]
    assert next_promotion(told, LADDER) == (1, 1)
    told += [Reached(1, 1, (0.05,)), Reached(0, 1, (0.2,))]
    assert next_promotion(told, LADDER) == (1, 2)


def test_the_order_of_telling_and_telling_twice_change_nothing() -> None:
    told = reached((0.5, 3), (0.4, 4), (0.3, 5), (0.6, 2), (0.6, 2))
    for again in (told[::-1], told + told[:2], told[2:] + told[:2]):
        assert [goes_on(again, n, 0, LADDER) for n in range(5)] == [goes_on(told, n, 0, LADDER) for n in range(5)]
        assert next_promotion(again, LADDER) == next_promotion(told, LADDER)


def test_a_ladder_ends_at_the_full_training() -> None:
    assert [r.epochs for r in Ladder.up_to(30).rungs] == [1, 3, 10, 30]
    assert [r.epochs for r in Ladder.up_to(30, lowest=3).rungs] == [3, 10, 30]
    assert Ladder.up_to(1).rungs == (Rung(1),)
    assert Ladder.of([1, 1], [0.25, 1.0]).rungs[0].cost == 0.25


@pytest.mark.parametrize(
    ("epochs", "shares", "keep"),
    [
        ([], None, 0.5),
        ([3, 1], None, 0.5),
        ([0], None, 0.5),
        ([1], [0.0], 0.5),
        ([1], None, 0.0),
        ([1], None, math.nan),
    ],
)
def test_rungs_that_do_not_rise_are_refused(epochs: list[int], shares: list[float] | None, keep: float) -> None:
    with pytest.raises(RecipeError, match=r"search\.fidelity"):
        Ladder.of(epochs, shares, keep)

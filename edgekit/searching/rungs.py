"""Rungs: candidates are trained a little first, and the better ones longer.

Successive halving without waiting, over several objectives: who stands well enough among those that have reached a
rung goes on to the next. Everything here is a plain function of what was told, so that a search that was stopped
decides as it would have decided. Optuna's pruners refuse several objectives.

Source: Li et al., "A system for massively parallel hyperparameter tuning" (ASHA), MLSys 2020, algorithm 2; ranks in
place of one loss, after Schmucker et al., "Multi-objective asynchronous successive halving", 2021 (arXiv:2106.12639).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.errors import RecipeError
from edgekit.searching import pareto

__all__ = ["Ladder", "Reached", "Rung", "goes_on", "next_promotion"]


@dataclass(frozen=True)
class Rung:
    """How long and on how much data a candidate is trained before it is compared.

    Attributes:
        epochs: Passes over the data, in all.
        share: Of the training data, above 0 to 1.
    """

    epochs: int
    share: float = 1.0

    @property
    def cost(self) -> float:
        """In epochs over all of the training data."""
        return self.epochs * self.share


@dataclass(frozen=True)
class Ladder:
    """Rungs from the cheapest to the full training.

    Attributes:
        rungs: At least one, each costlier than the one before.
        keep: The share of candidates that goes on from a rung.
    """

    rungs: tuple[Rung, ...]
    keep: float = 1 / 3

    def __post_init__(self) -> None:
        costs = [rung.cost for rung in self.rungs]
        wrong = [r for r in self.rungs if r.epochs < 1 or not 0 < r.share <= 1]
        if not costs or wrong or any(a >= b for a, b in zip(costs, costs[1:], strict=False)):
            raise RecipeError(
                "The rungs of search.fidelity rise: each trains at least one epoch, on a share of the data above 0 to "
                "1, and costs more than the one before.",
                received=", ".join(f"{r.epochs} epochs of {r.share:g}" for r in self.rungs) or "no rung",
                remedy="Write for example: fidelity: {epochs: [1, 3, 9]}",
            )
        if not 0 < self.keep <= 1:
            raise RecipeError("search.fidelity.keep lies above 0 and up to 1.", received=self.keep)

    @classmethod
    def of(cls, epochs: Sequence[int], shares: Sequence[float] | None = None, keep: float = 1 / 3) -> Ladder:
        """From lists of epochs and of shares of the data, such as 1, 3, 9."""
        return cls(tuple(Rung(e, s) for e, s in zip(epochs, shares or [1.0] * len(epochs), strict=True)), keep)

    @classmethod
    def up_to(cls, epochs: int, ratio: int = 3, lowest: int = 1) -> Ladder:
        """Rungs that end at a number of epochs, each `ratio` times as long as the one before, of which 1 in `ratio`
        goes on."""
        steps = [epochs]
        while steps[0] // ratio >= max(lowest, 1) and ratio > 1:
            steps.insert(0, steps[0] // ratio)
        return cls.of(steps, keep=1 / max(ratio, 1))


@dataclass(frozen=True)
class Reached:
    """What a trial showed on a rung.

    Attributes:
        number: Of the trial.
        rung: From 0.
        losses: One for each objective, lower is better, measured on this rung.
        violation: By how much it breaks the limits; 0 where it fits.
    """

    number: int
    rung: int
    losses: tuple[float, ...]
    violation: float = 0.0


def goes_on(told: Iterable[Reached], number: int, rung: int, ladder: Ladder) -> bool:
    """Whether a trial that has reached a rung goes on at once, judged among all that have reached it so far.

    For drivers that train a candidate without a pause. The best `keep` of them go on, at least one.
    """
    if rung + 1 >= len(ladder.rungs):
        return False
    there = _at(told, rung)
    return number in _best(there, max(1, math.ceil(len(there) * ladder.keep - 1e-9)))


def next_promotion(told: Iterable[Reached], ladder: Ladder) -> tuple[int, int] | None:
    """The trial that is to go on, and to which rung, where candidates pause on each rung; None starts a new one.

    The best `keep` of each rung go on, those on the highest rung first.
    """
    told = list(told)
    for rung in reversed(range(len(ladder.rungs) - 1)):
        there, above = _at(told, rung), {r.number for r in told if r.rung > rung}
        for number in _best(there, math.floor(len(there) * ladder.keep + 1e-9)):
            if number not in above:
                return number, rung + 1
    return None


def _at(told: Iterable[Reached], rung: int) -> list[Reached]:
    """In the order of numbers, each once: a trial that was requeued may have told a rung twice."""
    return [reached for _, reached in sorted({r.number: r for r in told if r.rung == rung}.items())]


def _best(there: Sequence[Reached], count: int) -> list[int]:
    """Numbers of the best that fit, in their order."""
    fits = [r for r in there if r.violation <= 0]
    if not fits:
        return []
    places = pareto.order(np.array([r.losses for r in fits], np.float64))
    return [fits[i].number for i in places[:count]]

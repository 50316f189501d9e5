"""Searches of a table in place of trainings: what a sampler finds for how many trained epochs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from _table import Table
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from edgekit.searching import pareto
from edgekit.searching.pareto import Objective
from edgekit.searching.rungs import Ladder, Reached, goes_on
from edgekit.searching.samplers import open_sampler
from edgekit.searching.telling import tell, tell_infeasible

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


@dataclass(frozen=True)
class Way:
    """How the table is searched.

    Attributes:
        sampler: By name; "rows" draws among the rows that are left, each as likely as another: random search of the
            space that the rows were drawn from.
        screened: Whether what does not fit is told without training.
        rungs: Epochs by rung; empty trains all to the end.
        keep: The share that goes on from a rung.
        settings: Of the sampler.
    """

    sampler: str
    screened: bool = True
    rungs: tuple[int, ...] = ()
    keep: float = 1 / 3
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What one search found: hypervolume after so many trained epochs, and candidates that it drew."""

    curve: tuple[tuple[float, float], ...]
    drawn: int

    @property
    def final(self) -> float:
        return self.curve[-1][1]

    def epochs_to(self, volume: float) -> float:
        """Trained epochs until a hypervolume was reached; infinite where it was not."""
        return next((epochs for epochs, reached in self.curve if reached >= volume - 1e-12), float("inf"))


class _OfTable(BaseSampler):
    """Gives each draw of another sampler as the nearest row of the table that was not drawn yet.

    All samplers go through the same map, and what they are told are the row's own genes and figures, so that none of
    them is told of a net that it did not get. Distance: for each gene the share of its range, or 1 where a choice
    without an order differs; rows as near as each other are taken in an order that the search's seed draws.
    """

    def __init__(self, inner: BaseSampler | None, table: Table, seed: int) -> None:
        self.inner, self.table = inner, table
        self.left = [int(i) for i in np.random.default_rng([seed, 5]).permutation(len(table.rows))]
        self.places, self.ordered = table.places()
        self.row = -1

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {gene.path: gene.distribution() for gene in self.table.genes}

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: Any) -> dict[str, Any]:
        place = 0 if self.inner is None else self._nearest(self.inner.sample_relative(study, trial, search_space))
        self.row = self.left.pop(place)
        return dict(self.table.rows[self.row].genes)

    def _nearest(self, drawn: dict[str, Any]) -> int:
        apart = np.abs(self.places[self.left] - self.table.encoded([drawn]))
        return int(np.argmin(np.where(self.ordered, apart, apart > 0).sum(axis=1)))

    def sample_independent(self, *_: Any) -> Any:
        raise AssertionError("every gene is drawn at once")

    def after_trial(self, *arguments: Any) -> None:
        if self.inner is not None:
            self.inner.after_trial(*arguments)


def search(table: Table, way: Way, seed: int, budget: float) -> Found:
    """Search a table until so many epochs were trained, or no row is left. Each rung is trained from the start."""
    objectives = (Objective("accuracy", "maximize"), *(Objective(name) for name in table.limits))
    inner = None if way.sampler == "rows" else open_sampler(way.sampler, table.genes, objectives, seed, way.settings)
    sampler = _OfTable(inner, table, seed)
    study = optuna.create_study(directions=[o.direction for o in objectives], sampler=sampler)
    space = {gene.path: gene.distribution() for gene in table.genes}
    ladder = Ladder.of(way.rungs or (table.epochs,), keep=way.keep)
    told: list[Reached] = []
    front, epochs, curve = _Front(table), 0.0, [(0.0, 0.0)]
    while sampler.left and epochs < budget:
        number = study.ask(space).number
        row, off = sampler.row, table.constraints(sampler.row)
        if way.screened and max(off) > 0:
            tell_infeasible(study, number, off, [None, *table.values(row, 1)[1:]])
            continue
        for place, rung in enumerate(ladder.rungs):
            epochs += rung.epochs
            values = table.values(row, rung.epochs)
            losses = tuple(pareto.losses([values], objectives)[0])
            told.append(Reached(number, place, losses, pareto.violation(off)))
            if not goes_on(told, number, place, ladder):
                break
        tell(study, number, values, off, fidelity=rung.epochs / table.epochs)
        if rung.epochs == table.epochs and max(off) <= 0:
            front.add(row)
        curve.append((epochs, front.volume))
    return Found(tuple(c for c in curve if c[0] <= budget), len(study.get_trials(deepcopy=False)))


class _Front:
    """The hypervolume of fully trained nets that fit, with the budget's limits and the reference accuracy."""

    def __init__(self, table: Table) -> None:
        self.table, self.volume = table, 0.0
        self._points = np.zeros((0, 1 + len(table.limits)))
        self._reference = [-table.reference, *(0.0 for _ in table.limits)]

    def add(self, row: int) -> None:
        values = self.table.values(row, self.table.epochs)
        point = np.array([[-values[0], *values[1:]]])
        if np.any(np.all(self._points <= point, axis=1)):
            return
        self._points = np.vstack([self._points[~np.all(point <= self._points, axis=1)], point])
        self.volume = pareto.hypervolume(self._points, self._reference)


def ratios(found: Sequence[Found], control: Sequence[Found], budget: float) -> list[float]:
    """For each seed, trained epochs until the control's final hypervolume, as a share of the control's epochs."""
    return [one.epochs_to(other.final) / budget for one, other in zip(found, control, strict=True)]


def interval(values: Sequence[float], *, seed: int = 0, draws: int = 2000) -> tuple[float, float, float]:
    """Median, and the ends of its bootstrap interval of 95 %."""
    numbers = np.asarray(values, np.float64)
    drawn = np.random.default_rng(seed).choice(numbers, (draws, len(numbers)))
    medians = np.sort(np.sort(drawn, axis=1)[:, [(len(numbers) - 1) // 2, len(numbers) // 2]].max(axis=1))
    ordered = np.sort(numbers)
    return (
        float(ordered[len(numbers) // 2]),
        float(medians[int(0.025 * draws)]),
        float(medians[int(0.975 * draws) - 1]),
    )

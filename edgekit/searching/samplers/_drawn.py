"""What EdgeKit's own samplers share: every draw is made of all genes at once, by a random generator of its own."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.searching.engine import optuna_samplers
from edgekit.searching.genes import Gene, Value
from edgekit.searching.pareto import Objective
from edgekit.searching.telling import Told, note_parent, told

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler, RandomSampler
    from optuna.trial import FrozenTrial
else:
    BaseSampler, RandomSampler = optuna_samplers().BaseSampler, optuna_samplers().RandomSampler

__all__ = ["Drawn", "DrawnSampler", "at", "draw", "share_of"]


@dataclass(frozen=True)
class Drawn:
    """A candidate.

    Attributes:
        genes: All of them.
        parent: The number of the trial whose child it is; None where it is nobody's.
    """

    genes: Mapping[str, Value]
    parent: int | None = None


class DrawnSampler(BaseSampler):
    """Gives the genes of a trial from what the study was told."""

    def __init__(self, genes: Sequence[Gene], objectives: Sequence[Objective], seed: int) -> None:
        self.genes = tuple(genes)
        self.objectives = tuple(objectives)
        self._seed = seed

    @abstractmethod
    def candidate(self, known: Told, random: np.random.Generator) -> Drawn:
        """The next candidate."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {gene.path: gene.distribution() for gene in self.genes}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        drawn = self.candidate(told(study, self.objectives), np.random.default_rng(self._seed))
        note_parent(study, trial, drawn.parent)
        return dict(drawn.genes)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return RandomSampler(seed=self._seed).sample_independent(study, trial, param_name, param_distribution)


def draw(gene: Gene, random: np.random.Generator) -> Value:
    """One value of a gene, each as likely as another; by the logarithm where the gene says so."""
    return at(gene, float(random.random()))


def at(gene: Gene, share: float) -> Value:
    """The value that stands at a share, from 0 to below 1, of a gene's range."""
    if gene.kind == "choice":
        return gene.values[min(int(share * len(gene.values)), len(gene.values) - 1)]
    size = gene.size
    if size is not None and not gene.log:
        step = gene.step or 1
        value = gene.low + min(int(share * size), size - 1) * step
        return int(value) if gene.kind == "int" else min(float(value), gene.high)
    half = 0.5 if gene.kind == "int" else 0.0  # whole numbers own half a unit on either side
    low, high = gene.low - half, gene.high + half
    value = low * (high / low) ** share if gene.log else low + share * (high - low)
    value = min(max(value, gene.low), gene.high)
    if gene.kind == "int":
        return min(max(math.floor(value + 0.5), int(gene.low)), int(gene.high))
    return float(value)


def share_of(gene: Gene, value: Value) -> float:
    """Where a value stands in its gene's range: the middle of what `at` gives it for."""
    if gene.kind == "choice":
        return (gene.values.index(value) + 0.5) / len(gene.values)
    assert isinstance(value, int | float)
    size = gene.size
    if size is not None and not gene.log:
        return (round((value - gene.low) / (gene.step or 1)) + 0.5) / size
    half = 0.5 if gene.kind == "int" else 0.0
    low, high = gene.low - half, gene.high + half
    if high <= low:
        return 0.5
    return math.log(value / low) / math.log(high / low) if gene.log else (value - low) / (high - low)

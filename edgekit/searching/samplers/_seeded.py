"""What makes a draw repeatable: a fresh sampler for every trial, seeded with the trial's number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.searching.engine import optuna_samplers
from edgekit.searching.genes import Gene, Value

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, TrialState
else:
    BaseSampler = optuna_samplers().BaseSampler

__all__ = ["Seeded", "mixed"]

_TRIES = 8
"""How many draws that repeat another trial are thrown away; the next one is taken as it is."""


class Seeded(BaseSampler):
    """Draws all genes of a trial at once, with a sampler made for this trial, and avoids what was drawn before.

    The state of the search lives in the study alone: whoever opens it again draws what would have been drawn. Trials
    that have a place in `first` are those candidates.
    """

    def __init__(
        self,
        make: Callable[[int], BaseSampler],
        genes: Sequence[Gene],
        seed: int,
        first: Sequence[Mapping[str, Value]] = (),
    ) -> None:
        self._first = tuple(first)
        self._make = make
        self._space = {gene.path: gene.distribution() for gene in genes}
        self._seed = seed
        self._last: tuple[int, BaseSampler] | None = None

    def __reduce__(self) -> Any:
        raise TypeError("A sampler is not sent to other processes; each opens its own.")

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._space

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if trial.number < len(self._first):
            return dict(self._first[trial.number])
        known = {_key(t.params) for t in study.get_trials(deepcopy=False) if t.number != trial.number}
        for attempt in range(_TRIES + 1):
            drawn = self._draw(study, trial, attempt)
            if _key(drawn) not in known:
                break
        return drawn

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """What is no gene of the space, if anybody asks for such a thing."""
        return self._fresh(trial.number, 0).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._fresh(trial.number, 0).after_trial(study, trial, state, values)

    def _draw(self, study: Study, trial: FrozenTrial, attempt: int) -> dict[str, Any]:
        sampler = self._fresh(trial.number, attempt)
        sampler.before_trial(study, trial)
        space = sampler.infer_relative_search_space(study, trial)
        drawn = sampler.sample_relative(study, trial, space)
        for path, distribution in self._space.items():
            if path not in drawn:
                single = distribution.single()
                drawn[path] = (
                    distribution.to_external_repr(_only(distribution))
                    if single
                    else sampler.sample_independent(study, trial, path, distribution)
                )
        return {path: drawn[path] for path in self._space}

    def _fresh(self, number: int, attempt: int) -> BaseSampler:
        return self._make(mixed(self._seed, number, attempt))


def mixed(*numbers: int) -> int:
    """One seed of 32 bits out of several numbers."""
    return int(np.random.SeedSequence([n & 0xFFFFFFFFFFFFFFFF for n in numbers]).generate_state(1)[0])


def _only(distribution: BaseDistribution) -> float:
    """The one value of a distribution, as Optuna keeps it."""
    return float(getattr(distribution, "low", 0))


def _key(genes: dict[str, Any]) -> tuple[tuple[str, str, object], ...]:
    return tuple(sorted((path, type(value).__name__, value) for path, value in genes.items()))

"""tpe: Optuna's tree-structured Parzen estimator, with several objectives and constraints.

Source: Ozaki et al., "Multiobjective tree-structured Parzen estimator", JAIR 73, 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from edgekit.searching.genes import Gene
from edgekit.searching.pareto import Objective
from edgekit.searching.samplers import SamplerSettings

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Settings(SamplerSettings):
    """What TPE takes."""

    startup: int = Field(default=20, ge=1, le=10_000, description="candidates that are drawn at random first")
    candidates: int = Field(default=24, ge=1, le=10_000, description="draws of which the best is taken")
    multivariate: bool = Field(default=False, description="genes are drawn together rather than one by one")


def make(
    genes: Sequence[Gene],
    objectives: Sequence[Objective],
    seed: int,
    startup: int = 20,
    candidates: int = 24,
    multivariate: bool = False,
) -> BaseSampler:
    """The sampler, as `open_sampler` makes it. Running trials count as poor ones, so that workers do not agree."""
    from optuna.samplers import TPESampler

    return TPESampler(n_startup_trials=startup, n_ei_candidates=candidates, multivariate=multivariate, seed=seed)

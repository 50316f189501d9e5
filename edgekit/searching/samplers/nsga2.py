"""nsga2: Optuna's NSGA-II, generations with crossover and constraint domination (Deb et al. 2002)."""

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
    """What NSGA-II takes."""

    population: int = Field(default=20, ge=4, le=1000, description="candidates of a generation")
    crossover: float = Field(default=0.9, ge=0, le=1, description="share of children that have two parents")
    mutation: float | None = Field(
        default=None, ge=0, le=1, description="how likely each gene is drawn anew; by default one gene of a child"
    )


def make(
    genes: Sequence[Gene],
    objectives: Sequence[Objective],
    seed: int,
    population: int = 20,
    crossover: float = 0.9,
    mutation: float | None = None,
) -> BaseSampler:
    """The sampler, as `open_sampler` makes it. Candidates that do not fit are members of a generation like others."""
    from optuna.samplers import NSGAIISampler

    return NSGAIISampler(population_size=population, crossover_prob=crossover, mutation_prob=mutation, seed=seed)

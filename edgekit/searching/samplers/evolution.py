"""evolution: regularised evolution over several objectives, with limits. The default.

A population of the youngest candidates that fit; the best of a few drawn from it has a child that differs in one gene;
the oldest goes. Members are compared by non-dominated rank, and by how alone they stand where ranks are equal. What
does not fit costs nothing to try, so it never takes the place of what fits: as long as too few candidates fit, those
that break the limits least stand in for them.

Of several children the one is taken that a guide thinks most of, which has learned costs and accuracy from all that the
study was told; `children: 1` is the algorithm as it was published.

Source: Real et al., "Regularized evolution for image classifier architecture search", AAAI 2019 (arXiv:1802.01548),
algorithm 1; constraint domination from Deb et al. 2002, section VI-A.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from edgekit.pipeline.sums import one_blas_thread
from edgekit.searching import pareto
from edgekit.searching.genes import Gene, Value
from edgekit.searching.pareto import Objective
from edgekit.searching.samplers import SamplerSettings
from edgekit.searching.samplers._drawn import Drawn, DrawnSampler, at, draw, share_of
from edgekit.searching.samplers._guide import worth
from edgekit.searching.telling import Told

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Settings(SamplerSettings):
    """How the population lives."""

    population: int = Field(default=50, ge=2, le=10_000, description="youngest fitting candidates that have children")
    startup: int = Field(default=5, ge=1, le=10_000, description="fitting candidates drawn at random before evolving")
    tournament: int = Field(default=3, ge=1, le=10_000, description="members of which the best becomes a parent")
    near: float = Field(default=0.5, ge=0, le=1, description="share of mutations to a neighbouring value of a range")
    crossover: float = Field(default=0.0, ge=0, le=1, description="share of children with a second parent")
    children: int = Field(default=64, ge=1, le=10_000, description="of which a guide takes the best; 1 has no guide")
    optimism: float = Field(default=0.5, ge=0, le=10, description="deviations by which the guide thinks well of them")


class _Evolution(DrawnSampler):
    def __init__(self, genes: Sequence[Gene], objectives: Sequence[Objective], seed: int, settings: Settings) -> None:
        super().__init__(genes, objectives, seed)
        self.settings = settings

    def candidate(self, known: Told, random: np.random.Generator) -> Drawn:
        settings = self.settings
        fits = [i for i in range(len(known)) if known.violations[i] <= 0]
        if len(fits) < settings.startup and (len(known) < 2 * settings.startup or random.random() < 0.5):
            return Drawn({gene.path: draw(gene, random) for gene in self.genes})
        members = fits[-settings.population :]
        if len(members) < settings.startup:
            others = sorted((i for i in range(len(known)) if known.violations[i] > 0), key=known.violations.__getitem__)
            members = members + others[: settings.startup - len(members)]
        place = {m: p for p, m in enumerate(members[i] for i in self._order(known, members))}
        if settings.children == 1:
            return self._child(known, members, place, random)
        drawn = [self._child(known, members, place, random) for _ in range(settings.children)]
        drawn = [c for c in drawn if c.genes not in known.genes] or drawn
        with one_blas_thread():
            worths = worth(self.genes, known, [c.genes for c in drawn], random, settings.optimism)
        return drawn[int(np.argmax(worths))]

    def _child(
        self, known: Told, members: Sequence[int], place: Mapping[int, int], random: np.random.Generator
    ) -> Drawn:
        settings = self.settings
        parent = self._parent(members, place, random)
        child = {gene.path: known.genes[parent][gene.path] for gene in self.genes}
        if random.random() < settings.crossover:
            other = known.genes[self._parent(members, place, random)]
            child = {path: other[path] if random.random() < 0.5 else value for path, value in child.items()}
        varied = [gene for gene in self.genes if gene.size != 1]
        if varied:
            gene = varied[int(random.integers(len(varied)))]
            child[gene.path] = mutated(gene, child[gene.path], random, settings.near)
        return Drawn(child, known.numbers[parent])

    def _order(self, known: Told, members: Sequence[int]) -> Sequence[int]:
        chosen = list(members)
        return [int(i) for i in pareto.order(known.losses[chosen], known.violations[chosen])]

    def _parent(self, members: Sequence[int], place: Mapping[int, int], random: np.random.Generator) -> int:
        count = min(self.settings.tournament, len(members))
        drawn = random.choice(len(members), size=count, replace=False)
        return min((members[int(i)] for i in drawn), key=place.__getitem__)


def mutated(gene: Gene, value: Value, random: np.random.Generator, near: float) -> Value:
    """Another value of a gene: for a range and the share `near`, one close by; else any of the others."""
    if random.random() < near and _is_ordered(gene):
        share = share_of(gene, value)
        size = gene.size
        if size is not None and size <= 32:
            width = 1.0 / size
            moved = share + (width if random.random() < 0.5 else -width)
            moved = 2 * share - moved if not 0 <= moved < 1 else moved
        else:
            moved = share + 0.1 * float(random.standard_normal())
        found = at(gene, min(max(moved, 0.0), math.nextafter(1.0, 0.0)))
        if found != value:
            return found
    for _ in range(64):
        found = draw(gene, random)
        if found != value or type(found) is not type(value):
            return found
    return value


def _is_ordered(gene: Gene) -> bool:
    """Whether neighbours are alike: ranges, and choices among rising numbers."""
    if gene.kind != "choice":
        return True
    numbers = [v for v in gene.values if isinstance(v, int | float) and not isinstance(v, bool)]
    return len(numbers) == len(gene.values) > 2 and numbers == sorted(numbers)


def make(
    genes: Sequence[Gene],
    objectives: Sequence[Objective],
    seed: int,
    population: int = 50,
    startup: int = 5,
    tournament: int = 3,
    near: float = 0.5,
    crossover: float = 0.0,
    children: int = 64,
    optimism: float = 0.5,
) -> BaseSampler:
    """The sampler, as `open_sampler` makes it."""
    chosen = Settings(
        population=population,
        startup=startup,
        tournament=tournament,
        near=near,
        crossover=crossover,
        children=children,
        optimism=optimism,
    )
    return _Evolution(genes, objectives, seed, chosen)

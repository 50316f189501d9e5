"""random: every candidate is as likely as another. The control that the others are measured against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgekit.searching.genes import Gene
from edgekit.searching.pareto import Objective
from edgekit.searching.samplers import SamplerSettings
from edgekit.searching.samplers._drawn import Drawn, DrawnSampler, draw
from edgekit.searching.telling import Told

if TYPE_CHECKING:
    import numpy as np
    from optuna.samplers import BaseSampler


class Settings(SamplerSettings):
    """Nothing to set."""


class _Random(DrawnSampler):
    def candidate(self, known: Told, random: np.random.Generator) -> Drawn:
        return Drawn({gene.path: draw(gene, random) for gene in self.genes})


def make(genes: Sequence[Gene], objectives: Sequence[Objective], seed: int) -> BaseSampler:
    """The sampler, as `open_sampler` makes it."""
    return _Random(genes, objectives, seed)

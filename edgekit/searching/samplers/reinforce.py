"""reinforce: a policy-gradient controller, with a distribution of its own for each gene and a moving baseline.

The controller is made anew for every draw and taught all that the study was told, in the order of the trials' numbers,
so that it needs no memory but the study. The reward of a candidate that fits is the share of those before it that do
not dominate it; of one that does not fit, how far it is off, below 0.

Source: Zoph and Le, "Neural architecture search with reinforcement learning", ICLR 2017 (arXiv:1611.01578), section
3.2, with independent softmaxes in place of the recurrent net: the genes here have no order to run along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from edgekit.searching import pareto
from edgekit.searching.genes import Gene, Value
from edgekit.searching.pareto import Floats, Objective
from edgekit.searching.samplers import SamplerSettings
from edgekit.searching.samplers._drawn import Drawn, DrawnSampler, at, share_of
from edgekit.searching.telling import Told

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

_BINS = 12
"""Into how many parts the range of a gene falls that has more values than that."""


class Settings(SamplerSettings):
    """How the controller learns."""

    learning_rate: float = Field(default=0.3, gt=0, le=10, description="step of the controller's logits")
    baseline: float = Field(default=0.9, ge=0, lt=1, description="share of the moving average of rewards that is kept")
    entropy: float = Field(default=0.02, ge=0, le=10, description="how strongly the controller is kept undecided")


class _Reinforce(DrawnSampler):
    def __init__(self, genes: Sequence[Gene], objectives: Sequence[Objective], seed: int, settings: Settings) -> None:
        super().__init__(genes, objectives, seed)
        self.settings = settings

    def candidate(self, known: Told, random: np.random.Generator) -> Drawn:
        likely = self._taught(known)
        drawn = {}
        for gene, row in zip(self.genes, likely, strict=True):
            bins = _bins(gene)
            part = int(random.choice(bins, p=row[:bins] / row[:bins].sum()))
            drawn[gene.path] = at(gene, (part + float(random.random())) / bins)
        return Drawn(drawn)

    def _taught(self, known: Told) -> Floats:
        """Probabilities (genes, bins) after all that is known; 0 for bins that a gene does not have."""
        most = max(map(_bins, self.genes))
        has = np.arange(most) < np.array([_bins(gene) for gene in self.genes])[:, None]
        logits: Floats = np.where(has, 0.0, -np.inf)
        taken = [[_bin(gene, genes[gene.path]) for gene in self.genes] for genes in known.genes]
        lines, mean, settings = np.arange(len(self.genes)), None, self.settings
        for parts, reward in zip(taken, rewards(known), strict=True):
            mean = reward if mean is None else mean
            likely = _softmax(logits)
            with np.errstate(divide="ignore", invalid="ignore"):
                surprise = np.where(likely > 0, -np.log(likely), 0.0)
            step = -(reward - mean) * likely
            step[lines, parts] += reward - mean
            step += settings.entropy * likely * (surprise - (likely * surprise).sum(axis=1, keepdims=True))
            logits = logits + np.where(has, settings.learning_rate * step, 0.0)
            mean = settings.baseline * mean + (1 - settings.baseline) * reward
        return _softmax(logits)


def rewards(known: Told) -> list[float]:
    """Of each trial, judged by those before it that fit, from -1 to 1."""
    fits = known.violations <= 0
    beaten = pareto.dominated_by(known.losses)
    answer = []
    for i in range(len(known)):
        before = np.flatnonzero(fits[:i])
        if not fits[i]:
            answer.append(-min(float(known.violations[i]), 1.0))
        else:
            answer.append(1.0 - float(beaten[i, before].mean()) if before.size else 1.0)
    return answer


def _bins(gene: Gene) -> int:
    if gene.kind == "choice":
        return len(gene.values)
    return _BINS if gene.size is None else min(gene.size, _BINS)


def _bin(gene: Gene, value: Value) -> int:
    bins = _bins(gene)
    return min(max(int(share_of(gene, value) * bins), 0), bins - 1)


def _softmax(logits: Floats) -> Floats:
    raised: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    answer: Floats = raised / raised.sum(axis=1, keepdims=True)
    return answer


def make(
    genes: Sequence[Gene],
    objectives: Sequence[Objective],
    seed: int,
    learning_rate: float = 0.3,
    baseline: float = 0.9,
    entropy: float = 0.02,
) -> BaseSampler:
    """The sampler, as `open_sampler` makes it."""
    chosen = Settings(learning_rate=learning_rate, baseline=baseline, entropy=entropy)
    return _Reinforce(genes, objectives, seed, chosen)

"""A guide that chooses among drawn candidates: what each would cost and reach, foretold from what a study was told.

A Gaussian process for each objective and each limit, over the genes; a candidate is worth the hypervolume that it is
expected to add, times how likely it fits. Costs follow from the genes nearly without noise, so the guide learns the
limits from candidates that were never trained. Plain NumPy: a few hundred trials are a small system of equations.

Sources: Rasmussen and Williams, "Gaussian processes for machine learning", 2006, section 2.2 and algorithm 2.1;
choosing among the children of evolution by a predictor: White et al., "BANANAS", AAAI 2021 (arXiv:1910.11858).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.searching.genes import Gene, Value
from edgekit.searching.pareto import Floats, Integers, front
from edgekit.searching.samplers._drawn import share_of
from edgekit.searching.telling import Told

__all__ = ["worth"]

_MOST = 250
"""How many of the latest trials the guide learns from."""
_POINTS = 1024
"""Of the box under the reference point, to measure gains in hypervolume by."""
_FAR = 1e9
_REACHES = (0.7, 2.0)
_NOISES = (1e-3, 3e-2, 0.3)


def worth(
    genes: Sequence[Gene],
    known: Told,
    candidates: Sequence[Mapping[str, Value]],
    random: np.random.Generator,
    optimism: float,
) -> Floats:
    """How much each candidate is worth; only their order counts.

    Args:
        genes: Of the space.
        known: What the study was told; where fewer than two fit, only how likely a candidate fits counts.
        candidates: Genes by path.
        random: For points in the box under the reference point.
        optimism: Standard deviations by which unsure losses are taken to be better than foretold.
    """
    places = encoded(genes, known.genes)
    wanted = encoded(genes, candidates)
    chances, likeness = np.ones(len(candidates)), Likeness()
    for limit in np.nan_to_num(known.constraints, nan=_FAR, posinf=_FAR).T:
        if np.any(limit > 0):
            chances *= _chance(places, np.log1p(np.maximum(limit, -1 + 1e-9)), wanted, likeness)
    fits = np.flatnonzero((known.violations <= 0) & np.isfinite(known.losses).all(axis=1))
    if len(fits) < 2:
        return chances
    columns, foretold = [], []
    for values in known.losses.T:
        values = _scaled(values, fits)
        columns.append(values)
        depth = known.fidelities[:, None] if np.isfinite(values).all() or np.ptp(known.fidelities[fits]) > 0 else None
        mean, deviation = _foretell(places, values, wanted, depth, likeness)
        foretold.append(mean - optimism * deviation)
    full = fits[known.fidelities[fits] >= known.fidelities[fits].max()]
    reached = np.stack(columns, axis=1)
    gains = _gains(reached[full], np.stack(foretold, axis=1), random)
    answer: Floats = chances * (gains + 1e-3 / _POINTS)
    return answer


def encoded(genes: Sequence[Gene], candidates: Sequence[Mapping[str, Value]]) -> Floats:
    """Genes as numbers from 0 to 1; a choice without an order has a number of its own for each value."""
    columns: list[list[float]] = []
    for gene in genes:
        if gene.size == 1:
            continue
        if gene.kind == "choice" and not all(isinstance(v, int | float) for v in gene.values):
            columns += [[0.7 * (c[gene.path] == value) for c in candidates] for value in gene.values]
        else:
            columns.append([share_of(gene, c[gene.path]) for c in candidates])
    return np.array(columns, np.float64).reshape(len(columns), len(candidates)).T


def _scaled(values: Floats, fits: Integers) -> Floats:
    """Costs by their logarithm, all by the spread of what fits; what is unknown stays infinite."""
    finite = np.isfinite(values)
    if finite.any() and values[finite].min() > 0:
        values = np.where(finite, np.log(np.where(finite, values, 1.0)), np.inf)
    spread = float(np.std(values[fits])) or 1.0
    answer: Floats = (values - float(np.mean(values[fits]))) / spread
    return answer


def _chance(places: Floats, values: Floats, wanted: Floats, likeness: Likeness) -> Floats:
    """How likely each wanted candidate keeps a limit, of which the values say the logarithm of cost over limit."""
    mean, deviation = _foretell(places, values, wanted, None, likeness)
    return np.array([0.5 * math.erfc(m / (math.sqrt(2) * max(d, 1e-6))) for m, d in zip(mean, deviation, strict=True)])


def _foretell(
    places: Floats, values: Floats, wanted: Floats, depth: Floats | None, likeness: Likeness
) -> tuple[Floats, Floats]:
    """Mean and standard deviation for each wanted candidate, at full training."""
    use = np.flatnonzero(np.isfinite(values))[-_MOST:]
    if depth is not None:
        places = np.hstack([places, np.log(np.maximum(depth, 1e-3)) / 3])
        wanted = np.hstack([wanted, np.zeros((len(wanted), 1))])
    known, answers = places[use], values[use]
    centre, spread = float(answers.mean()), float(answers.std()) or 1.0
    answers = (answers - centre) / spread
    best = max((likeness.fit(known, answers, reach, noise) for reach in _REACHES for noise in _NOISES), key=_evidence)
    across = _kernel(wanted, known, best.reach)
    inner = (across @ best.axes) ** 2 / best.strengths
    variance = np.maximum(_diagonal(wanted) - inner.sum(axis=1), 1e-12)
    return centre + spread * (across @ best.weights), spread * np.sqrt(variance)


@dataclass(frozen=True)
class _Fit:
    """A process fitted to answers: the kernel's axes, and what each is worth with the noise."""

    reach: float
    axes: Floats
    strengths: Floats
    weights: Floats
    evidence: float


def _evidence(fit: _Fit) -> float:
    return fit.evidence


class Likeness:
    """The axes of kernels among what is known: every limit and objective of a draw asks for the same ones."""

    def __init__(self) -> None:
        self._kept: dict[tuple[bytes, float], tuple[Floats, Floats]] = {}

    def fit(self, known: Floats, answers: Floats, reach: float, noise: float) -> _Fit:
        """Fit a process; what takes long, the axes, serves every noise and every column of answers."""
        strengths, axes = self._axes(known, reach)
        strengths = strengths + noise
        along = answers @ axes
        weights = axes @ (along / strengths)
        evidence = -0.5 * float((along**2 / strengths).sum() + np.log(strengths).sum())
        return _Fit(reach, axes, strengths, weights, evidence)

    def _axes(self, known: Floats, reach: float) -> tuple[Floats, Floats]:
        key = known.tobytes(), reach
        if key not in self._kept:
            strengths, axes = np.linalg.eigh(_kernel(known, known, reach))
            self._kept[key] = np.maximum(strengths, 0.0), axes
        return self._kept[key]


def _kernel(a: Floats, b: Floats, reach: float) -> Floats:
    """A plane, and bumps about what is known."""
    apart = np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * a @ b.T, 0.0)
    answer: Floats = np.exp(-0.5 * apart / reach**2) + (a - 0.5) @ (b - 0.5).T + 1.0
    return answer


def _diagonal(a: Floats) -> Floats:
    answer: Floats = 2.0 + ((a - 0.5) ** 2).sum(axis=1)
    return answer


def _gains(reached: Floats, foretold: Floats, random: np.random.Generator) -> Floats:
    """The share of points in the box that a candidate would dominate and nothing that was reached does."""
    worst = reached.max(axis=0)
    best = np.minimum(reached.min(axis=0), foretold.min(axis=0))
    points = best + random.random((_POINTS, reached.shape[1])) * (worst - best)
    members = reached[front(reached)]
    free = points[~np.any(np.all(members[None, :, :] <= points[:, None, :], axis=2), axis=1)]
    answer: Floats = np.all(foretold[None, :, :] <= free[:, None, :], axis=2).sum(axis=0) / _POINTS
    return answer

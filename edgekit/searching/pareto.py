"""Orders of candidates by several objectives at once: domination, crowding, hypervolume.

Everything here works on losses: arrays of shape (candidates, objectives), in which lower is better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Objective", "choose", "crowding", "dominated_by", "front", "hypervolume", "losses", "order", "ranks"]
__all__ += ["violation"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Objective:
    """What is to become as low or as high as can be.

    Attributes:
        name: The figure, such as `accuracy` or `model_bytes`.
        direction: Whether lower or higher values are better.
    """

    name: str
    direction: Literal["minimize", "maximize"] = "minimize"


def losses(values: Sequence[Sequence[float]], objectives: Sequence[Objective]) -> Floats:
    """Values as losses: those to be maximised change their sign, and NaN is the worst there is."""
    signs = np.array([-1.0 if o.direction == "maximize" else 1.0 for o in objectives])
    found = np.asarray(values, np.float64).reshape(-1, len(objectives)) * signs
    return np.where(np.isnan(found), np.inf, found)


def violation(constraints: Sequence[float]) -> float:
    """By how much limits are broken in all; 0 where all are kept. What is not a number breaks its limit."""
    return math.fsum(math.inf if math.isnan(c) else c for c in constraints if not c <= 0)


def dominated_by(found: Floats) -> NDArray[np.bool_]:
    """Which candidate (row) is dominated by which (column): nowhere better, somewhere worse."""
    row, column = found[:, None, :], found[None, :, :]
    answer: NDArray[np.bool_] = np.all(column <= row, axis=2) & np.any(column < row, axis=2)
    return answer


def ranks(found: Floats, violations: Sequence[float] | Floats | None = None) -> Integers:
    """Non-dominated rank of each candidate, from 0, with constraint domination.

    Candidates that keep all limits come first, in fronts; the others follow in the order of their violations.
    Source: Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002, sections III-A and VI-A.
    """
    broken = np.zeros(len(found)) if violations is None else np.asarray(violations, np.float64)
    answer = np.full(len(found), -1, np.int64)
    left = np.flatnonzero(broken <= 0)
    beaten, rank = dominated_by(found[left]), 0
    while left.size:
        best = ~beaten.any(axis=1)
        answer[left[best]] = rank
        left, beaten, rank = left[~best], beaten[~best][:, ~best], rank + 1
    wrong = broken > 0
    answer[wrong] = rank + np.unique(broken[wrong], return_inverse=True)[1]
    return answer


def front(found: Floats, violations: Sequence[float] | Floats | None = None) -> Integers:
    """Indices of the candidates that keep all limits and that no other such candidate dominates."""
    kept = np.arange(len(found)) if violations is None else np.flatnonzero(np.asarray(violations) <= 0)
    answer: Integers = kept[ranks(found[kept]) == 0]
    return answer


def crowding(found: Floats) -> Floats:
    """How far apart the neighbours of each candidate stand, over all objectives; infinite at the ends.

    Source: Deb et al. 2002, section III-B.
    """
    answer = np.zeros(len(found))
    for column in found.T:
        finite = column[np.isfinite(column)]
        width = float(np.ptp(finite)) if finite.size else 0.0
        if width <= 0:  # this objective tells none of them apart
            continue
        places = np.argsort(column, kind="stable")
        answer[places[[0, -1]]] = np.inf
        ends = np.clip(column[places], finite.min(), finite.max())
        answer[places[1:-1]] += (ends[2:] - ends[:-2]) / width
    return answer


def order(found: Floats, violations: Sequence[float] | Floats | None = None) -> Integers:
    """Indices from the best candidate to the worst: by rank, then the less crowded ones, then the earlier ones."""
    rank = ranks(found, violations)
    apart = np.zeros(len(found))
    for value in np.unique(rank):
        same = np.flatnonzero(rank == value)
        apart[same] = crowding(found[same])
    answer: Integers = np.lexsort((np.arange(len(found)), -apart, rank))
    return answer


def hypervolume(found: Floats, reference: Sequence[float]) -> float:
    """The exact volume between a reference point and the candidates that are better than it in every objective.

    Args:
        found: Losses.
        reference: The worst loss of each objective that still counts.
    """
    limit = np.asarray(reference, np.float64)
    inside = found[np.all(found < limit, axis=1)].reshape(-1, limit.size)
    return _volume(np.unique(inside, axis=0), limit) if inside.size else 0.0


def choose(found: Floats, reference: Sequence[float], count: int) -> list[int]:
    """A subset of candidates, each taken as the one that adds the most hypervolume to those before it.

    Greedy, so its hypervolume is at least 1 - 1/e of the best subset's. Candidates that add nothing are left out.
    """
    chosen: list[int] = []
    volume = 0.0
    while len(chosen) < min(count, len(found)):
        gains = [hypervolume(found[[*chosen, i]], reference) - volume for i in range(len(found))]
        best = int(np.argmax(gains))
        if gains[best] <= 1e-12 * max(volume, 1e-300):
            break
        chosen.append(best)
        volume += gains[best]
    return chosen


def _volume(points: Floats, limit: Floats) -> float:
    """Of points inside the limit, without doubles: cells of a grid in one to three dimensions, slices above."""
    if limit.size == 1:
        return float(limit[0] - points.min())
    if limit.size == 2:
        points = points[np.lexsort((points[:, 1], points[:, 0]))]
        depth = limit[1] - np.minimum.accumulate(points[:, 1])
        return float(_widths(points[:, 0], limit[0]) @ depth)
    if limit.size == 3:
        return _volume_3d(points, limit)
    points = points[np.argsort(points[:, -1], kind="stable")]
    total = 0.0
    for i, thickness in enumerate(_widths(points[:, -1], limit[-1])):
        if thickness > 0:
            total += float(thickness) * _volume(points[: i + 1, :-1], limit[:-1])
    return total


def _volume_3d(points: Floats, limit: Floats) -> float:
    """The grid has a line for every x and every y; a cell is as deep as the best point that covers it."""
    points = points[np.argsort(points[:, 0], kind="stable")]
    by_y = np.argsort(points[:, 1], kind="stable")
    depth = np.zeros((len(points), len(points)))
    depth[by_y, np.arange(len(points))] = limit[2] - points[by_y, 2]
    depth = np.maximum.accumulate(np.maximum.accumulate(depth, axis=0), axis=1)
    return float(_widths(points[:, 0], limit[0]) @ depth @ _widths(points[by_y, 1], limit[1]))


def _widths(ordered: Floats, end: float) -> Floats:
    return np.diff(np.append(ordered, end))

"""Which form and rank a layer gets: by kept energy, at a given cost, or over all layers for a MACs target."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgekit.keras.types import KerasLayer
from edgekit.methods.low_rank import solvers
from edgekit.methods.low_rank.decomposition import Decomposition, decompose_kernel, solver
from edgekit.methods.low_rank.evbmf import evbmf_rank
from edgekit.methods.low_rank.forms import Form, Geometry, Rank
from edgekit.methods.low_rank.moments import Moments
from edgekit.tensors import Array

__all__ = ["Option", "Problem", "allocate", "at_budget", "by_energy", "choose", "options"]


POINTS = 24
"""Ranks per form that are tried for a MACs target."""
COSTLY: tuple[Form, ...] = ("cp", "cp_split")
"""Each rank of these is an iteration of its own: fewer are tried, and auto tries them only at the others' MACs."""
COSTLY_POINTS = 5


@dataclass(frozen=True)
class Problem:
    """One layer to be replaced.

    Attributes:
        kernel: [kh, kw, in, out] or [in, out].
        bias: [out] or None.
        geometry: Geometry of the layer.
        forms: Forms that may be chosen.
        moments: Moments of its input, or None for the error of the weights.
        multiple: Ranks are rounded up to it, the target's channel multiple.
    """

    kernel: Array
    bias: Array | None
    geometry: Geometry
    forms: tuple[Form, ...]
    moments: Moments | None
    multiple: int = 1

    @classmethod
    def of(cls, layer: KerasLayer, method: str, moments: Moments | None, multiple: int) -> Problem:
        """Of a built tf_keras layer."""
        weights, geometry = layer.get_weights(), Geometry.of(layer)
        bias = np.asarray(weights[1], np.float64) if layer.use_bias else None
        return cls(weights[0], bias, geometry, geometry.forms(method), moments, multiple)

    @functools.cached_property
    def _found(self) -> dict[tuple[Form, Rank], Decomposition]:
        return {}

    @functools.cached_property
    def _solvers(self) -> dict[Form, Callable[[Rank], list[Array]]]:
        return {}

    def at(self, form: Form, rank: Rank) -> Decomposition:
        """The layer's decomposition; found once."""
        if form not in self._solvers:
            self._solvers[form] = solver(self.kernel, self.geometry, form, self.moments)
        if (form, rank) not in self._found:
            self._found[form, rank] = decompose_kernel(
                self.kernel, self.bias, self.geometry, form, rank, self.moments, solve=self._solvers[form]
            )
        return self._found[form, rank]

    @functools.cached_property
    def paths(self) -> dict[Form, list[Rank]]:
        """Per form the ranks, rounded, at which MACs fall, from least to most MACs."""
        return {form: self._path(form) for form in self.forms}

    def rounded(self, form: Form, rank: Rank) -> Rank | None:
        """The rank as the target has it, or None where nothing is saved by then."""
        full = self.geometry.rounded(form, rank, self.multiple)
        return full if self.geometry.saves(form, full, self.multiple) else None

    def _path(self, form: Form) -> list[Rank]:
        full = self.geometry.full_rank(form)
        ranks: list[Rank] = [(r,) for r in range(1, full[0] + 1)]
        if form == "tucker":
            ranks = _in_step(*solvers.mode_spectra(self._four(), self.geometry, self.moments), full)
        kept = {r: None for r in (self.rounded(form, rank) for rank in ranks) if r is not None}
        return sorted(kept, key=lambda r: (sum(f.macs() for f in self.geometry.factors(form, r)), r))

    def _four(self) -> Array:
        shape = (*self.geometry.kernel, self.geometry.channels, self.geometry.filters)
        return np.asarray(self.kernel, np.float64).reshape(shape)


@dataclass(frozen=True)
class Option:
    """What a layer may become: MACs, and its cost in accuracy by a model of it."""

    found: Decomposition
    macs: int
    cost: float


def choose(
    problem: Problem,
    *,
    energy: float | None = None,
    fraction: float | None = None,
    rank: int | Rank | Literal["evbmf"] | None = None,
) -> Decomposition | None:
    """The decomposition by one of the rules, or None where that saves no MACs.

    With several forms, the first one's rank sets the MACs, and the form with the least error at no more MACs wins;
    by energy the form that keeps it with the fewest MACs.

    Args:
        problem: The layer.
        energy: Energy of the output (of the weights, without data) to keep, 0 to 1.
        fraction: Fraction of full rank, 0 to 1.
        rank: One number, a pair for tucker, or "evbmf".
    """
    if energy is not None:
        return by_energy(problem, energy)
    geometry, first = problem.geometry, next(iter(problem.forms), None)
    if first is None:
        return None
    full = geometry.full_rank(first)
    if fraction is not None:
        wanted = tuple(max(1, math.ceil(fraction * f - 1e-9)) for f in full)
    elif rank == "evbmf":
        wanted = evbmf_rank(problem.kernel, geometry, first)
    elif isinstance(rank, int):
        wanted = geometry.rank(first, rank)
    elif rank is None:
        return None
    else:
        return _pair(problem, rank)
    rounded = problem.rounded(first, wanted)
    if rounded is None:
        return None
    others = at_budget(problem, problem.at(first, rounded).macs, leave=first)
    return min([problem.at(first, rounded), *others], key=lambda d: d.error)


def by_energy(problem: Problem, energy: float) -> Decomposition | None:
    """The form with the fewest MACs that keeps the energy, or None where none does and saves MACs."""
    forms: list[Form] = [f for f in problem.forms if f not in COSTLY] or list(problem.forms)
    kept = [d for d in (_least(problem, form, 1 - energy) for form in forms) if d is not None]
    if not kept:
        return None
    best = min(kept, key=lambda d: (d.macs, d.error))
    rivals: list[Form] = [f for f in problem.forms if f not in forms]
    return min([best, *at_budget(problem, best.macs, only=rivals)], key=lambda d: d.error)


def at_budget(
    problem: Problem, macs: int, *, only: Sequence[Form] | None = None, leave: Form | None = None
) -> list[Decomposition]:
    """Per form the decomposition of greatest rank within some MACs."""
    found = []
    for form in problem.forms if only is None else only:
        fits = [r for r in problem.paths[form] if _macs(problem, form, r) <= macs] if form != leave else []
        if fits:
            found.append(problem.at(form, fits[-1]))
    return found


def options(problem: Problem) -> list[Option]:
    """What a layer may become on the way to a MACs target, at a few ranks of each form.

    The cost is minus the logarithm of the kept energy, so that costs of layers add up as kept energies multiply
    (Zhang et al. 2015, arXiv:1505.06798, rank selection).
    """
    found = []
    forms: list[Form] = [f for f in problem.forms if f not in COSTLY] or list(problem.forms)
    for form in forms:
        for rank in _spread(problem.paths[form], COSTLY_POINTS if form in COSTLY else POINTS):
            made = problem.at(form, rank)
            found.append(Option(made, made.macs, -math.log(max(1 - made.error, 1e-6))))
    return found


def allocate(choices: Mapping[str, tuple[int, Sequence[Option]]], save: int) -> dict[str, Option]:
    """Options of several layers that together save a number of MACs at little cost.

    Greedy: the step with the least cost per MAC saved comes next. Each layer's steps run along the lower convex hull of
    its options, so that a step never hides a cheaper one behind it.

    Args:
        choices: Per layer its MACs and what it may become.
        save: MACs; a little more may be saved, less where all layers together cannot save as many.

    Returns:
        The options taken; layers not in it stay as they are.
    """
    steps = [
        (slope, name, saved, option)
        for name, (macs, given) in choices.items()
        for slope, saved, option in _hull(macs, given)
    ]
    taken: dict[str, Option] = {}
    for _, name, saved, option in sorted(steps, key=lambda s: (s[0], s[1], s[2])):
        if save <= 0:
            break
        taken[name] = option
        save -= saved
    _spend(-save, taken, choices)
    return taken


def _spend(left: int, taken: dict[str, Option], choices: Mapping[str, tuple[int, Sequence[Option]]]) -> None:
    """Give MACs that the last step saved beyond the target back to the layers where they do most."""
    while left > 0:
        better = [
            ((now.cost - option.cost) / (option.macs - now.macs), name, option)
            for name, now in taken.items()
            for option in choices[name][1]
            if now.macs < option.macs <= now.macs + left and option.cost < now.cost
        ]
        if not better:
            return
        _, name, option = max(better, key=lambda b: b[:2])
        left -= option.macs - taken[name].macs
        taken[name] = option


def _hull(macs: int, given: Sequence[Option]) -> list[tuple[float, int, Option]]:
    """(cost per MAC saved, MACs saved, option) of each step, slopes rising."""
    steps, at, cost = [], macs, 0.0
    while below := [o for o in given if o.macs < at]:
        best = min(below, key=lambda o: ((o.cost - cost) / (at - o.macs), o.macs))
        steps.append(((best.cost - cost) / (at - best.macs), at - best.macs, best))
        at, cost = best.macs, best.cost
    return steps


def _least(problem: Problem, form: Form, error: float) -> Decomposition | None:
    """The fewest MACs of a form at which the error is small enough; the error falls along the path."""
    path = problem.paths[form]
    if form in COSTLY:
        path = _spread(path, 3 * COSTLY_POINTS)
    low, high = 0, len(path)
    while low < high:
        middle = (low + high) // 2
        if problem.at(form, path[middle]).error <= error:
            high = middle
        else:
            low = middle + 1
    return problem.at(form, path[low]) if low < len(path) else None


def _spread(path: list[Rank], points: int) -> list[Rank]:
    """A few of the ranks, the first and the last among them, closer together where they are small."""
    if len(path) <= points:
        return path
    return [path[i - 1] for i in sorted({round(i) for i in np.geomspace(1, len(path), points)})]


def _pair(problem: Problem, rank: Rank) -> Decomposition | None:
    rounded = problem.rounded("tucker", problem.geometry.rank("tucker", rank))
    return problem.at("tucker", rounded) if rounded and "tucker" in problem.forms else None


def _macs(problem: Problem, form: Form, rank: Rank) -> int:
    return sum(f.macs() for f in problem.geometry.factors(form, rank))


def _in_step(by_input: Array, by_output: Array, full: Rank) -> list[Rank]:
    """Pairs of ranks that leave out about the same energy in both modes, from (1, 1) up."""
    tails = [np.append(s[::-1].cumsum()[::-1][1:], 0.0) / max(float(s.sum()), 1e-30) for s in (by_input, by_output)]
    levels = np.unique(np.concatenate([t[:f] for t, f in zip(tails, full, strict=True)]))[::-1]
    pairs = {(1, 1): None}
    for level in levels:
        inner, outer = (min(int(np.argmax(t <= level + 1e-12)) + 1, f) for t, f in zip(tails, full, strict=True))
        pairs[inner, outer] = None
    return list(pairs)

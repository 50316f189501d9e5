"""Which channels stay: the least important go first, until a budget is met or a fraction is reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgekit.methods.channels.cost import Cost
from edgekit.methods.channels.graph import Channels, Group

__all__ = ["Limits", "least_kept", "to_budget", "to_fractions", "to_measured"]

CLOSE = 0.98
"""A measured figure of this fraction of its budget uses it up well enough."""
TRIALS = 8

Keep = NDArray[np.bool_]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """How far each group may shrink.

    Attributes:
        multiple: Groups keep a multiple of this many channels, or all; groups of attention heads are free of it.
        min_keep: Smallest fraction of a group's channels that stays, in 0..1; one channel always does.
        original: Channels of a group, by name, before the first of several steps; `min_keep` is a fraction of these.
        skip: Names of groups that stay as they are.
    """

    multiple: int = 1
    min_keep: float = 0.1
    original: Mapping[str, int] = field(default_factory=dict)
    skip: frozenset[str] = frozenset()

    def kept(self, group: Group, wanted: int) -> int:
        """The smallest number of channels that is allowed and at least `wanted`."""
        count = len(group.channels)
        if group.name in self.skip:
            return count
        least = max(1, wanted, math.ceil(self.min_keep * self.original.get(group.name, count) - 1e-9))
        step = 1 if group.heads else self.multiple
        return min(count, math.ceil(least / step) * step)


def to_budget(
    channels: Channels, scores: Scores, cost: Cost, budget: float, limits: Limits, *, uniform: bool, per_cost: bool
) -> Keep | None:
    """Keep the most important channels that a budget has room for.

    One threshold over all groups is found by bisection, such that the counted cost of what is above it meets the
    budget; room that rounding leaves is then given back to the channels that are worth most.

    Args:
        channels: What `analyse` gave.
        scores: Importance [channels.count].
        cost: Counts what a choice costs.
        budget: Most that it may cost, in the counter's unit.
        limits: How far each group may shrink.
        uniform: Take the same fraction of the original channels from every group, instead of ranking all together.
        per_cost: Rank channels by importance for each unit of cost that they save, as in a knapsack.

    Returns:
        The choice, or None where even the narrowest model that the limits allow costs more.
    """
    groups = [(g, g.channels[np.argsort(-scores[g.channels], kind="stable")]) for g in channels.groups]
    worth = [_worth(channels, g, ranked, scores, cost, per_cost=per_cost) for g, ranked in groups]

    def narrowed(wanted: list[int]) -> list[int]:
        return [limits.kept(g, n) for (g, _), n in zip(groups, wanted, strict=True)]

    def choice(counts: list[int]) -> Keep:
        keep = channels.all_kept()
        for (_, ranked), count in zip(groups, counts, strict=True):
            keep[ranked[count:]] = False
        return keep

    if uniform:
        full = [limits.original.get(g.name, len(g.channels)) for g, _ in groups]
        steps = sorted({n / count for count in full for n in range(1, count + 1)}, reverse=True)
        options: Callable[[int], list[int]] = lambda i: narrowed(  # noqa: E731
            [math.ceil(steps[i] * count - 1e-9) for count in full]
        )
    else:
        steps = [-math.inf, *sorted(set(np.concatenate([*worth, np.zeros(0)]).tolist()))]
        options = lambda i: narrowed([int((w > steps[i]).sum()) for w in worth])  # noqa: E731
    low, high = 0, len(steps) - 1
    if not steps or cost(choice(options(high))) > budget:
        return None
    while low < high:  # the first step that meets the budget
        middle = (low + high) // 2
        if cost(choice(options(middle))) <= budget:
            high = middle
        else:
            low = middle + 1
    counts = options(low)
    return choice(
        counts if uniform else _given_back(counts, groups, worth, limits, lambda c: cost(choice(c)) <= budget)
    )


def to_measured(
    choose: Callable[[float], Keep | None],
    measure: Callable[[Keep], float],
    budget: float,
    *,
    least: float,
    most: float,
) -> Keep | None:
    """Keep the most channels with which a figure that has to be measured meets its budget.

    Such a figure (instructions, say) grows with a counted cost (MACs) without following it exactly: the counted budget
    whose choice meets the measured one is searched for in a few trials.

    Args:
        choose: The choice for a counted budget, as `to_budget` gives it.
        measure: The figure of a choice; the expensive part.
        budget: Most that the figure may be.
        least, most: Counted cost of the narrowest choice and of keeping everything.

    Returns:
        The widest choice that was measured to meet the budget, everything if that does; None where none did.
    """
    best, low, high, measured = None, least, most, dict[bytes, float]()
    guess = most
    for _ in range(TRIALS):
        keep = choose(guess)
        if keep is None:
            break
        figure = measured.get(keep.tobytes()) or measure(keep)
        measured[keep.tobytes()] = figure
        if figure <= budget:
            best, low = keep, guess
            if figure >= CLOSE * budget or guess == most:
                break
        else:
            high = guess
        aimed = guess * (1 + CLOSE) / 2 * budget / figure
        guess = aimed if low < aimed < high else (low + high) / 2
    return best


def to_fractions(channels: Channels, scores: Scores, removed: Mapping[str, float], limits: Limits) -> Keep:
    """Remove a fraction of the channels of each group named, the least important ones; others stay.

    Args:
        channels: What `analyse` gave.
        scores: Importance [channels.count].
        removed: By name of the group, the fraction of its original channels that goes.
        limits: How far each group may shrink; rounding is towards keeping.
    """
    keep = channels.all_kept()
    for group in channels.groups:
        if group.name in removed:
            original = limits.original.get(group.name, len(group.channels))
            count = limits.kept(group, math.ceil(original * (1 - removed[group.name]) - 1e-9))
            keep[group.channels[np.argsort(-scores[group.channels], kind="stable")][count:]] = False
    return keep


def least_kept(channels: Channels, limits: Limits) -> Keep:
    """The narrowest choice that the limits allow; which channels of a group stay says nothing."""
    keep = channels.all_kept()
    for group in channels.groups:
        keep[group.channels[limits.kept(group, 1) :]] = False
    return keep


def _worth(
    channels: Channels, group: Group, ranked: NDArray[np.int64], scores: Scores, cost: Cost, *, per_cost: bool
) -> Scores:
    """Of a group's channels, best first; falls strictly, so that ties are broken one channel at a time."""
    found = scores[ranked].astype(np.float64)
    if per_cost:
        without = channels.all_kept()
        without[ranked[-1]] = False
        found = found / max(1, cost(channels.all_kept()) - cost(without))
    return found - np.arange(len(found)) * 1e-12 * max(1e-12, float(found.max(initial=0.0)))


def _given_back(
    counts: list[int],
    groups: list[tuple[Group, NDArray[np.int64]]],
    worth: list[Scores],
    limits: Limits,
    fits: Callable[[list[int]], bool],
) -> list[int]:
    """Widen the groups whose next channels are worth most while the budget holds."""
    open_groups = {i for i, (g, _) in enumerate(groups) if counts[i] < len(g.channels)}
    while open_groups:
        best = max(open_groups, key=lambda i: float(worth[i][counts[i]]))
        wider = list(counts)
        wider[best] = limits.kept(groups[best][0], counts[best] + 1)
        fitted = fits(wider)
        counts = wider if fitted else counts
        if not fitted or wider[best] == len(groups[best][1]):
            open_groups.discard(best)
    return counts

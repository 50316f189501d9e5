"""Is one model faster than another: paired ratios against the first model, with a verdict that may be "cannot tell"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgekit.measure.statistics import ratio_by_turns

__all__ = ["Comparison", "Turns", "Verdict", "compare_counts", "compare_times"]

Verdict = Literal["faster", "slower", "same within noise", "cannot tell"]

_LEAST = 0.01  # smaller differences can come from memory layout alone, so they do not decide between models
_SAME = 0.05  # "same" is claimed where the whole interval lies this near to 1
_FEWEST_TURNS = 5
_REPEATABLE = 2e-4  # what a count of instructions may differ by from one run to the next


@dataclass(frozen=True)
class Turns:
    """The times of one model on one runtime.

    Attributes:
        medians: ms [turns], each turn's own median.
        launches: [turns] which launch of the process each belongs to.
    """

    medians: NDArray[np.float64]
    launches: NDArray[np.intp]


@dataclass(frozen=True)
class Comparison:
    """A model against the first one, on one runtime.

    Attributes:
        model, runtime, against: Which.
        metric: "latency_ms.p50", "instructions" or "cycles".
        ratio: How many times the first model's figure: below 1 is better.
        low, high: Its 95 % interval; None where there are too few turns.
        verdict: "faster" or "slower" where the whole interval lies on one side of 1 and the ratio at least 1 % off;
            "same within noise" where it lies within 5 % of 1; else "cannot tell". Of counts it is said as well,
            because fewer instructions or cycles are what they stand for.
    """

    model: str
    runtime: str
    against: str
    metric: str
    ratio: float
    low: float | None
    high: float | None
    verdict: Verdict


def compare_times(model: str, runtime: str, own: Turns, against: str, first: Turns, *, seed: int) -> Comparison:
    """Ratio of times, paired turn by turn: both models ran in each, so that its load cancels."""
    count = min(len(own.medians), len(first.medians))
    if count < _FEWEST_TURNS:
        ratio = float(np.median(own.medians) / np.median(first.medians))
        return Comparison(model, runtime, against, "latency_ms.p50", ratio, None, None, "cannot tell")
    found = ratio_by_turns(own.medians[:count], first.medians[:count], own.launches[:count], seed=seed)
    return Comparison(model, runtime, against, "latency_ms.p50", *found, _verdict(*found))


def compare_counts(
    model: str, runtime: str, own: int, against: str, first: int, *, metric: str, exact: bool
) -> Comparison:
    """Ratio of counts, which repeat: exactly, or to two in ten thousand."""
    ratio, room = own / first, 0.0 if exact else _REPEATABLE
    low, high = ratio * (1 - room), ratio * (1 + room)
    verdict: Verdict = "slower" if low > 1 else "faster" if high < 1 else "same within noise"
    return Comparison(model, runtime, against, metric, ratio, low, high, verdict)


def _verdict(ratio: float, low: float, high: float) -> Verdict:
    if low > 1 and ratio >= 1 + _LEAST:
        return "slower"
    if high < 1 and ratio <= 1 - _LEAST:
        return "faster"
    return "same within noise" if low >= 1 - _SAME and high <= 1 + _SAME else "cannot tell"

"""How sure a number is: intervals for fractions, means, medians and paired differences. All are 95 %."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgekit.errors import DataError

__all__ = [
    "MOST_DB",
    "Interval",
    "bootstrap_median",
    "mean_interval",
    "median_by_turns",
    "paired_difference",
    "ratio_by_turns",
    "sqnr_db",
    "wilson",
]

_Z = 1.959963984540054  # standard normal quantile of 0.975
MOST_DB = 200.0
"""What is exact has so many dB."""
_BLOCK = 1 << 20  # values drawn at once


class Interval(NamedTuple):
    """An estimate with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(successes: int, samples: int) -> Interval:
    """A fraction with its score interval, which stays inside 0..1 and holds for few samples.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.

    Raises:
        DataError: There are no samples, or more successes than samples.
    """
    if not 0 <= successes <= samples or samples == 0:
        raise DataError("A fraction needs 0 <= successes <= samples, and samples.", received=f"{successes}/{samples}")
    p, z2 = successes / samples, _Z * _Z
    centre = (p + z2 / (2 * samples)) / (1 + z2 / samples)
    half = _Z / (1 + z2 / samples) * math.sqrt(p * (1 - p) / samples + z2 / (4 * samples * samples))
    return Interval(p, 0.0 if successes == 0 else centre - half, 1.0 if successes == samples else centre + half)


def mean_interval(values: ArrayLike) -> Interval:
    """A mean with its normal interval, mean +- 1.96 standard errors.

    Raises:
        DataError: Fewer than two values, which say nothing about their spread.
    """
    array = np.asarray(values, np.float64).ravel()
    if array.size < 2:
        raise DataError("An interval of a mean needs at least two samples.", received=array.size)
    mean = float(array.mean())
    half = _Z * float(array.std(ddof=1)) / math.sqrt(array.size)
    return Interval(mean, mean - half, mean + half)


def paired_difference(a: ArrayLike, b: ArrayLike) -> Interval:
    """The fraction of true in `a` less that in `b`, both bool [n] on the same samples in the same order.

    Much narrower than the difference of two separate intervals, because only samples that differ count.

    Source: Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data", Journal of Educational and Behavioral Statistics 37, 2012.

    Raises:
        DataError: The two are not of one length, or empty.
    """
    first, second = np.asarray(a, bool), np.asarray(b, bool)
    if first.shape != second.shape or first.ndim != 1 or not first.size:
        raise DataError(
            "A paired difference needs the same samples twice.",
            received=f"shapes {list(first.shape)} and {list(second.shape)}",
        )
    n = first.size
    only_a, only_b = int((first & ~second).sum()), int((~first & second).sum())
    p, q = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = _Z * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return Interval((only_a - only_b) / n, max(-1.0, p - q - half), min(1.0, p - q + half))


def bootstrap_median(values: ArrayLike, *, seed: int = 0, resamples: int = 2000) -> Interval:
    """A median with its percentile bootstrap interval; it takes the values as independent.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", chapter 13, 1993.

    Raises:
        DataError: There are no values.
    """
    array: NDArray[np.float64] = np.asarray(values, np.float64).ravel()
    if not array.size:
        raise DataError("A median needs at least one value.", received="none")
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // array.size)
    medians = np.concatenate(
        [
            np.median(rng.choice(array, (min(rows, resamples - done), array.size)), axis=1)
            for done in range(0, resamples, rows)
        ]
    )
    low, high = np.quantile(medians, [0.025, 0.975])
    return Interval(float(np.median(array)), float(low), float(high))


def median_by_turns(
    turns: Sequence[ArrayLike], launches: ArrayLike, *, seed: int = 0, resamples: int = 1000
) -> Interval:
    """The median of all values, with an interval that knows that neighbours resemble each other.

    Runs of one turn share the machine's load of that moment, turns that follow each other do so too, and each launch of
    a process has its own luck with where its memory lies. So launches are drawn first, then blocks of turns of each,
    always whole.

    Source: Kuensch, "The jackknife and the bootstrap for general stationary observations", Annals of Statistics 17,
    1989 (blocks); Kalibera and Jones, "Rigorous benchmarking in reasonable time", ISMM 2013 (levels).

    Args:
        turns: The values of each turn, in the order of time.
        launches: [turns] which launch of the process each turn belongs to.
        seed, resamples: Seed and number of resamples of the bootstrap.

    Raises:
        DataError: There are no values, or not one launch for each turn.
    """
    arrays = [np.asarray(turn, np.float64).ravel() for turn in turns]
    drawn = _drawn_turns(launches, len(arrays), seed, resamples)
    values = np.concatenate(arrays)
    if not values.size:
        raise DataError("A median needs at least one value.", received="none")
    order = np.argsort(values, kind="stable")
    turn_of = np.repeat(np.arange(len(arrays)), [array.size for array in arrays])[order]
    medians = []
    rows = max(1, _BLOCK // values.size)
    for start in range(0, resamples, rows):
        part = drawn[start : start + rows]
        counts = np.stack([np.bincount(row, minlength=len(arrays)) for row in part])
        below = np.cumsum(counts[:, turn_of], axis=1)
        medians.append(values[order][np.argmax(2 * below >= below[:, -1:], axis=1)])
    value = float(np.median(values))
    low, high = (float(end) for end in np.quantile(np.concatenate(medians), [0.025, 0.975]))
    return Interval(value, min(low, value), max(high, value))


def ratio_by_turns(
    a: ArrayLike, b: ArrayLike, launches: ArrayLike, *, seed: int = 0, resamples: int = 4000
) -> Interval:
    """How many times `a` is `b`: the median over turns of their ratio, paired, so that the load of a turn cancels.

    The interval is that of `median_by_turns`: launches are drawn, then blocks of turns.

    Args:
        a, b: [turns] one figure above 0 of each turn, such as its median time.
        launches: [turns] which launch of the processes each turn belongs to.
        seed, resamples: Seed and number of resamples of the bootstrap.

    Raises:
        DataError: There are no turns, or not the same for all.
    """
    over, under = np.asarray(a, np.float64).ravel(), np.asarray(b, np.float64).ravel()
    drawn = _drawn_turns(launches, len(over), seed, resamples)
    if over.shape != under.shape or not (over > 0).all() or not (under > 0).all():
        raise DataError(
            "A ratio needs figures above 0 of the same turns.", received=f"{over.size} and {under.size} figures"
        )
    logs = np.log(over / under)
    low, high = np.quantile(np.median(logs[drawn], axis=1), [0.025, 0.975])
    value = float(np.median(logs))
    return Interval(math.exp(value), math.exp(min(value, float(low))), math.exp(max(value, float(high))))


def sqnr_db(wanted: ArrayLike, given: ArrayLike) -> float:
    """Signal to quantisation noise: the power of what was wanted, about its mean, by that of the error; at most 200 dB.

    Raises:
        DataError: The shapes differ, or there is nothing.
    """
    signal, other = np.asarray(wanted, np.float64), np.asarray(given, np.float64)
    if signal.shape != other.shape or not signal.size:
        raise DataError("Outputs that are compared have one shape.", received=f"{signal.shape} and {other.shape}")
    power, noise = float(np.sum((signal - signal.mean()) ** 2)), float(np.sum((signal - other) ** 2))
    if not math.isfinite(noise):
        return -MOST_DB
    if noise <= power * 10 ** (-MOST_DB / 10):
        return MOST_DB
    return max(-MOST_DB, 10 * math.log10(power / noise)) if power else -MOST_DB


def _drawn_turns(launches: ArrayLike, count: int, seed: int, resamples: int) -> NDArray[np.intp]:
    """[resamples, about `count`] turns: launches drawn with replacement, then circular blocks of each one's turns."""
    labels = np.asarray(launches).ravel()
    if not count or labels.size != count:
        raise DataError("An interval by turns needs one launch for each turn.", received=f"{labels.size} of {count}")
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(members), (resamples, len(members)))
    sizes = np.array([len(member) for member in members])
    most = int(sizes.max())
    block = math.ceil(most ** (1 / 3))
    table = np.stack([np.resize(member, most) for member in members])
    starts = rng.random((resamples, len(members), -(-most // block))) * sizes[chosen][..., np.newaxis]
    places = (starts.astype(np.intp)[..., np.newaxis] + np.arange(block)).reshape(resamples, len(members), -1)
    places = places[..., :most] % sizes[chosen][..., np.newaxis]
    drawn: NDArray[np.intp] = table[chosen[..., np.newaxis], places].reshape(resamples, -1)
    return drawn

"""How sure a number is: intervals for fractions, means, medians and paired differences. All are 95 %."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgekit.errors import DataError

__all__ = ["Interval", "bootstrap_median", "mean_interval", "paired_difference", "wilson"]

_Z = 1.959963984540054  # standard normal quantile of 0.975
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

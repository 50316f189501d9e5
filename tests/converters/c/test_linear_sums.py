"""Sums as linear forms: equal to TFLite's for every pair of values, or none."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit_converters.c.fixed_point import multiplier, times
from edgekit_converters.c.linear_sums import SHIFT, Summed, linear

LIFT = 20


def drawn(seed: int) -> Summed:
    """Scales and zero points as ADD and SUB of int8 have them."""
    random = np.random.default_rng(seed)
    a, b = random.uniform(0.01, 0.3, 2)
    twice = 2 * max(a, b)
    y = twice * random.uniform(0.3, 1.2)
    zero_a, zero_b, zero_y = (int(zero) for zero in random.integers(-128, 128, 3))
    low = zero_y if random.integers(2) else -128
    return Summed(
        LIFT, (zero_a, multiplier(a / twice)), (zero_b, multiplier(b / twice)), bool(random.integers(2)),
        multiplier(twice / ((1 << LIFT) * y)), zero_y, low, 127,
    )  # fmt: skip


def as_tflite(summed: Summed, a: int, b: int) -> int:
    left, right = ((value - zero) << LIFT for value, (zero, _) in ((a, summed.a), (b, summed.b)))
    first, second = times(left, summed.a[1]), times(right, summed.b[1])
    total = times(first - second if summed.minus else first + second, summed.y) + summed.y_zero_point
    return min(max(total, summed.low), summed.high)


@pytest.mark.parametrize("seed", range(6))
def test_all_pairs_have_the_sum_of_the_exact_arithmetic(seed: int) -> None:
    summed, random = drawn(seed), np.random.default_rng(seed)
    results = summed.results()
    pairs = [(int(a), int(b)) for a, b in random.integers(-128, 128, (300, 2))]
    assert [int(results[a + 128, b + 128]) for a, b in pairs] == [as_tflite(summed, a, b) for a, b in pairs]


@pytest.mark.parametrize("seed", range(12))
def test_a_linear_form_gives_the_same_for_all_pairs_in_32_bits(seed: int) -> None:
    summed = drawn(seed)
    found = linear(summed)
    assert found is not None
    values = np.arange(-128, 128, dtype=np.int64)
    first = values * found.a_factor
    sums = first[:, None] + (values * found.b_factor)[None, :] + found.offset
    assert max(np.abs(first).max() + abs(found.offset), np.abs(sums).max()) < 1 << 31
    assert np.array_equal(np.clip(sums >> SHIFT, summed.low, summed.high), summed.results())


def mean_of(larger: float) -> Summed:
    """The mean of two values, so many times larger."""
    half = multiplier(0.5)
    return Summed(LIFT, (0, half), (0, half), False, multiplier(larger / (1 << LIFT)), 0, -128, 127)


def test_halves_are_rounded_away_from_zero_by_factors_that_are_a_little_larger() -> None:
    mean = mean_of(1)
    assert (as_tflite(mean, 1, 0), as_tflite(mean, -1, 0)) == (1, -1)
    assert linear(mean) is not None


def test_sums_that_leave_32_bits_have_no_linear_form() -> None:
    assert linear(mean_of(100)) is None

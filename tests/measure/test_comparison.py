from __future__ import annotations

import numpy as np
import pytest

from edgekit.measure.comparison import Turns, compare_counts, compare_times
from edgekit.measure.noise import judge, spread

LAUNCHES = np.repeat(np.arange(5), 6)


def _verdict(ratio: float, noise: float, seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    first = rng.uniform(1, 2, 30)  # load that both share
    own = first * ratio * np.exp(rng.normal(scale=noise, size=30))
    return compare_times("b", "litert", Turns(own, LAUNCHES), "a", Turns(first, LAUNCHES), seed=0).verdict


@pytest.mark.parametrize(
    ("ratio", "noise", "verdict"),
    [
        (1.10, 0.01, "slower"),
        (0.90, 0.01, "faster"),
        (1.00, 0.01, "same within noise"),
        (1.003, 0.0005, "same within noise"),  # certain, and of no importance
        (1.00, 0.40, "cannot tell"),
    ],
)
def test_verdicts(ratio: float, noise: float, verdict: str) -> None:
    assert _verdict(ratio, noise) == verdict


def test_copies_are_hardly_ever_told_apart() -> None:
    assert sum(_verdict(1.0, 0.03, seed) in ("faster", "slower") for seed in range(40)) <= 4


def test_counts_repeat() -> None:
    def verdict(own: int, first: int, *, exact: bool) -> str:
        return compare_counts("b", "arm64", own, "a", first, metric="instructions", exact=exact).verdict

    assert verdict(1_000_100, 1_000_000, exact=False) == "same within noise"
    assert verdict(1_010_000, 1_000_000, exact=False) == "slower"
    assert verdict(990_000, 1_000_000, exact=False) == "faster"
    assert verdict(1_000_001, 1_000_000, exact=True) == "slower"
    assert verdict(7, 7, exact=True) == "same within noise"


def test_noise() -> None:
    calm = judge([0.01], switches=0, seconds=1.0, load=0.1, cores=4, threads=1)
    assert calm.level == "calm" and calm.reasons == ()
    noisy = judge([0.10], switches=200, seconds=1.0, load=6.0, cores=4, threads=1)
    assert noisy.level == "noisy" and len(noisy.reasons) == 4 and "with the runtime arm64" in noisy.reasons[-1]
    assert judge([0.01, 0.5], switches=None, seconds=0.0, load=None, cores=1, threads=1).level == "too noisy"
    assert spread([1, 1, 1, 1]) == 0.0 and spread([1, 2, 3, 4, 5]) == pytest.approx(2 / 3)

"""Networks trained anew by their recipes with several seeds, and how much better one is than another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import edgekit
from edgekit.measure.accuracy import correct

__all__ = ["difference", "retrained"]


def retrained(recipe: Mapping[str, Any], seeds: Sequence[int], folder: Path) -> np.ndarray:
    """Which samples of the test split each training's file answers rightly: (seeds, samples) of truth values.

    What was trained before in the folder is read again.
    """
    found = []
    for seed in seeds:
        kept = folder / f"seed{seed}.json"
        if not kept.exists():
            run = edgekit.compress({**recipe, "seed": seed}, folder / f"seed{seed}", quiet=True)
            source = recipe["data"]["source"]
            answers = edgekit.evaluate(run.path, source).outputs
            right = correct(answers, edgekit.load_data(source).labels("test"))
            kept.write_text(json.dumps([int(one) for one in right]), encoding="utf-8")
        found.append(json.loads(kept.read_text(encoding="utf-8")))
    return np.array(found, dtype=bool)


def difference(
    first: np.ndarray, second: np.ndarray, groups: Sequence[int] | None = None, resamples: int = 4000
) -> dict[str, Any]:
    """How much more of the samples the first answers rightly than the second, with a 95 % bootstrap interval.

    Seeds and samples are drawn again, the same samples for both; with groups, such as the subjects whose samples they
    are, whole groups are.

    Args:
        first, second: (seeds, samples) of truth values.
        groups: Of each sample.
    """
    apart = first.astype(float)[:, None, :] - second.astype(float)[None, :, :]
    names, place = np.unique(np.arange(first.shape[1]) if groups is None else np.asarray(groups), return_inverse=True)
    size = np.bincount(place, minlength=len(names)).astype(float)
    sums = np.array([[np.bincount(place, weights=row, minlength=len(names)) for row in rows] for rows in apart])
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(resamples):
        weights = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))
        rows, columns = (random.integers(count, size=count) for count in sums.shape[:2])
        mean = sums[rows][:, columns].mean(axis=(0, 1))
        drawn.append(float(mean @ weights / (size @ weights)))
    low, high = np.quantile(drawn, [0.025, 0.975])
    told = {"value": float(apart.mean()), "low": float(low), "high": float(high)}
    return {
        "first": round(float(first.mean()), 5),
        "second": round(float(second.mean()), 5),
        **{name: round(value, 5) for name, value in told.items()},
    }

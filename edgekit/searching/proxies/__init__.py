"""Zero-cost proxies, one file each: what a network's worth may be before it is trained, from its initial weights.

A module here has `score(network)`, which gives one number, higher for what is thought to be better. Only the order of
candidates counts. TensorFlow is loaded by whoever gives the network. Other packages add theirs by entry points of the
group `edgekit.proxies`, which name such a module.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit import registry
from edgekit.errors import RecipeError, UsageError
from edgekit.searching import proxies
from edgekit.searching.pareto import Floats
from edgekit.tensors import Array

__all__ = ["BATCH", "BATCHES", "Untrained", "check_proxies", "ensemble", "ranks", "scores", "spearman"]

BATCH, BATCHES = 32, 4
"""Samples of a batch, and batches that a proxy may look at."""


@dataclass(frozen=True)
class Untrained:
    """A network before training, and some samples of its training data.

    Attributes:
        model: A tf_keras model with its initial weights. A proxy leaves it as it was.
        batches: Of (samples, targets), each with `BATCH` samples or as many as there are.
        loss: Of (targets, outputs), as training has it.
    """

    model: Any
    batches: Sequence[tuple[Array, Array]]
    loss: Any


def check_proxies(names: Sequence[str]) -> None:
    """Refuse names that are no proxy's.

    Raises:
        RecipeError: There is none of that name.
    """
    for name in names:
        try:
            module = registry.load(proxies, name)
        except UsageError as error:
            raise RecipeError("Unknown proxy in search.proxies.", received=repr(name), remedy=error.remedy) from None
        if not callable(getattr(module, "score", None)):
            raise RecipeError(
                "A proxy is a module with score(network).",
                received=f"{name}, which is {module.__name__} without it",
                remedy="Report it to the author of the package, or name another proxy.",
            )


def scores(names: Sequence[str], network: Untrained) -> dict[str, float]:
    """Of one network, by proxy; its `parameters` beside them. What is no finite number is left out."""
    found = {name: float(registry.load(proxies, name).score(network)) for name in names}
    kept = {name: value for name, value in found.items() if math.isfinite(value)}
    return {**kept, "parameters": float(network.model.count_params())}


def ensemble(names: Sequence[str], told: Sequence[Mapping[str, float]]) -> Floats:
    """Mean rank of each candidate over the proxies, higher is better; one that a proxy gives no number is its last.

    Ranks make proxies comparable, whose numbers have no common unit.
    """
    if not told:
        return np.zeros(0)
    each = [ranks([one.get(name, -math.inf) for one in told]) for name in names]
    mean: Floats = np.mean(each, axis=0)
    return mean


def ranks(values: Sequence[float]) -> Floats:
    """From 1 for the least; equal values have the mean of their ranks."""
    array = np.asarray(values, np.float64)
    lower = (array[None, :] < array[:, None]).sum(axis=1)
    equal = (array[None, :] == array[:, None]).sum(axis=1)
    answer: Floats = lower + (equal + 1) / 2
    return answer


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Rank correlation, -1 to 1 (Spearman 1904); None for fewer than three values, or where one side has no order."""
    if len(first) < 3:
        return None
    a, b = (ranks(values) - (len(first) + 1) / 2 for values in (first, second))
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / size) if size else None

"""Verdicts: on the baseline, on a shipped file by the budget, and the choice among several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.data import Dataset
from edgekit.figures import FIGURES, limited
from edgekit.measure.accuracy import mse
from edgekit.pipeline.figures import Figures
from edgekit.pipeline.manifest import ANSWERS, ModelRecord, Trivial, Violation, is_beaten
from edgekit.target import Budget, Target
from edgekit.training import Objective

__all__ = ["select", "trivial", "violations"]


def trivial(dataset: Dataset, objective: Objective, *, accuracy: float, low: float) -> Trivial:
    """What an answer is worth that looks at no sample, and whether the baseline is better.

    Args:
        dataset, objective: What the baseline is judged on.
        accuracy, low: The baseline's metric on the test split, and the lower end of its 95 % interval.
    """
    metric, score = objective.metric, None
    targets = objective.targets(dataset, "test")
    if metric == "top1":
        score = float(np.unique(targets, return_counts=True)[1].max() / len(targets))
    elif len(dataset.splits["train"]):
        mean = objective.targets(dataset, "train").mean(axis=0, dtype=np.float64)
        score = mse(np.broadcast_to(mean, targets.shape), targets).value
    return Trivial(ANSWERS[metric], score, is_beaten(metric, score, accuracy, low))


def violations(budget: Budget, target: Target, *, drop: float, size: int, figures: Figures) -> tuple[Violation, ...]:
    """What of the budget and the target a file misses; a figure that is limited but unknown is a miss.

    Args:
        budget, target: The limits.
        drop: Loss of accuracy against the baseline, as a fraction.
        size: Of the file, in bytes.
        figures: What it costs to run.
    """
    found = []
    if budget.accuracy_drop is not None and drop > budget.accuracy_drop + 1e-9:
        found.append(Violation("accuracy_drop", drop, budget.accuracy_drop, ""))
    limits: list[tuple[str, float | None, float | None, str]] = [
        ("model_bytes", size, budget.model_bytes, ""),
        ("model_bytes", size, target.flash_bytes, f"the flash of {target.name}"),
        ("arena_bytes", figures.counts.get("arena_bytes"), target.ram_bytes, f"the RAM of {target.name}"),
        ("latency_ms", figures.latency_ms, budget.latency_ms, "host proxy"),
        *((f.name, figures.counts.get(f.name), budget.limit(f.name), "") for f in limited()),
    ]
    for name, value, limit, source in limits:
        if limit is not None and value is None:
            found.append(Violation(name, None, limit, FIGURES[name].runtime if name in FIGURES else "the runtime"))
        elif limit is not None and value is not None and value > limit:
            found.append(Violation(name, value, limit, source))
    return tuple(found)


def select(models: Sequence[ModelRecord]) -> ModelRecord:
    """The smallest file within the budget; where none is, the one that misses least (what is unknown counts
    as more than what is measured), then the most accurate."""

    def order(model: ModelRecord) -> tuple[float, ...]:
        unknown = sum(violation.value is None for violation in model.violations)
        return (len(model.violations), unknown, model.accuracy_drop if model.violations else 0.0, model.bytes)

    return min(models, key=order)

"""Verdicts: on the baseline, on a shipped file by the budget, and the choice among several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.data import Dataset
from edgekit.figures import givers, limited
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


def violations(
    budget: Budget,
    target: Target,
    *,
    drop: float,
    size: int,
    figures: Figures,
    macs: int | None = None,
    measured: Sequence[str] = (),
) -> tuple[Violation, ...]:
    """What of the budget and the target a file misses; a figure that is limited but unknown is a miss.

    Where a bare-metal runtime has built the firmware, its flash and RAM are held against the target's; else the file
    itself, and the arena that TFLite Micro needs.

    Args:
        budget, target: The limits.
        drop: Loss of accuracy against the baseline, as a fraction.
        size: Size of the file, in bytes.
        figures: What it costs to run.
        macs: Multiply-accumulates of one inference; None where an operator's are unknown.
        measured: The recipe's runtimes, for whom an unknown figure is named.
    """
    found = []
    if budget.accuracy_drop is not None and drop > budget.accuracy_drop + 1e-9:
        found.append(Violation("accuracy_drop", drop, budget.accuracy_drop, ""))
    limits: list[tuple[str, float | None, float | None, str]] = [
        ("model_bytes", size, budget.model_bytes, ""),
        *_of_target(target, size, figures),
        ("macs", macs, budget.macs, ""),
        ("latency_ms", figures.latency_ms, budget.latency_ms, "host proxy"),
        *((f.name, figures.counts.get(f.name), budget.limit(f.name), "") for f in limited()),
    ]
    for name, value, limit, source in limits:
        if limit is not None and value is None:
            found.append(Violation(name, None, limit, _giver(name, measured)))
        elif limit is not None and value is not None and value > limit:
            found.append(Violation(name, value, limit, source))
    return tuple(found)


def _of_target(target: Target, size: int, figures: Figures) -> list[tuple[str, float | None, float | None, str]]:
    counts, flash, ram = figures.counts, f"the flash of {target.name}", f"the RAM of {target.name}"
    if not counts.keys() >= {"flash_bytes", "weights_bytes", "ram_bytes", "stack_bytes"}:
        return [
            ("model_bytes", size, target.flash_bytes, flash),
            ("arena_bytes", counts.get("arena_bytes"), target.ram_bytes, ram),
        ]
    return [
        ("flash_bytes", counts["flash_bytes"] + counts["weights_bytes"], target.flash_bytes, f"{flash}, with weights"),
        ("ram_bytes", counts["ram_bytes"] + counts["stack_bytes"], target.ram_bytes, f"{ram}, with the stack"),
    ]


def _giver(name: str, measured: Sequence[str]) -> str:
    """Which runtime should have told a figure."""
    known = [figure.runtime for figure in givers(name)]
    asked = [runtime for runtime in measured if runtime.partition(":")[0] in known]
    return (asked or known or ["the runtime"])[0]


def select(models: Sequence[ModelRecord]) -> ModelRecord:
    """The smallest file within the budget; where none is, the one that misses least (what is unknown counts
    as more than what is measured), then the most accurate."""

    def order(model: ModelRecord) -> tuple[float, ...]:
        unknown = sum(violation.value is None for violation in model.violations)
        return (len(model.violations), unknown, model.accuracy_drop if model.violations else 0.0, model.bytes)

    return min(models, key=order)

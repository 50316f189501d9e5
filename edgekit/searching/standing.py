"""How well zero-cost proxies ranked the candidates that were trained, beside their parameters and MACs alone."""

from __future__ import annotations

import math
from typing import Any

from edgekit.searching.ledger import Ledger
from edgekit.searching.proxies import ensemble, spearman

__all__ = ["FEW", "standing"]

FEW = 10
"""Trials, below which a correlation says little."""
ALONE = ("parameters", "macs")


def standing(ledger: Ledger) -> dict[str, Any]:
    """Spearman's rank correlation of scores with validation accuracy after a candidate's first training.

    Returns:
        `names` of the proxies, `scores` by trial, `trials` that were compared, `correlation` by name (with `ensemble`,
        `parameters` and `macs`; None where there is none) and `said`, a sentence; empty without proxies.
    """
    names, told = list(ledger.space.settings.proxies), ledger.scores()
    if not names or not told:
        return {}
    outcomes = ledger.outcomes()
    better = 1.0 if any(o.name == "accuracy" and o.direction == "minimize" for o in ledger.objectives) else -1.0
    numbers = [
        number
        for number in sorted(told)
        if (outcome := outcomes.get((number, 0))) is not None and outcome.status == "done" and told[number]
    ]
    reached = [-better * outcomes[number, 0].figures["accuracy"] for number in numbers]
    scores = [{**told[n], "macs": outcomes[n, 0].figures.get("macs", math.nan)} for n in numbers]
    correlation: dict[str, float | None] = {}
    for name in (*names, *ALONE):
        have = [place for place, one in enumerate(scores) if math.isfinite(one.get(name, math.nan))]
        correlation[name] = spearman([scores[p][name] for p in have], [reached[p] for p in have])
    correlation["ensemble"] = spearman(list(ensemble(names, scores)), reached)
    return {
        "names": names,
        "scores": {str(number): dict(one) for number, one in sorted(told.items())},
        "trials": len(numbers),
        "correlation": correlation,
        "said": _sentence(correlation, len(numbers)),
    }


def _sentence(correlation: dict[str, float | None], trials: int) -> str:
    whole = correlation["ensemble"]
    alone = {name: value for name in ALONE if (value := correlation[name]) is not None}
    if whole is None or not alone:
        return f"{trials} trained candidates are too few, or too alike, to say how well the proxies rank them."
    name = max(alone, key=lambda one: alone[one])
    called = "MACs" if name == "macs" else name
    few = f" {trials} trials are few for that." if trials < FEW else ""
    if alone[name] >= whole:
        return f"The {called} alone rank the candidates as well as the proxies ({alone[name]:.2f} to {whole:.2f}).{few}"
    return f"The proxies rank the candidates better than {called} alone ({whole:.2f} to {alone[name]:.2f}).{few}"

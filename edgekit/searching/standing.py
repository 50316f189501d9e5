"""How well what is known early ranks candidates: zero-cost proxies beside parameters and MACs alone, and first rungs
that started from inherited weights beside those that did not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypedDict

from edgekit.searching.ledger import FINAL, Ledger
from edgekit.searching.proxies import ensemble, spearman

__all__ = ["FEW", "inheritance", "rank_said", "standing"]

FEW = 10
"""Trials, below which a correlation says little."""
_RANKS = 0.3
"""The rank correlation below which an order helps nobody."""
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
        "said": rank_said(correlation, len(numbers)),
    }


def inheritance(ledger: Ledger) -> dict[str, Any]:
    """How first rungs that started from inherited weights rank the candidates, beside those that did not.

    Returns:
        `trials` whose first rung started from a parent's weights, by number, with their `parent` and the `share` of
        values that came from it; `correlation`: Spearman's, of accuracy on the first rung with that of a training from
        the candidate's own recipe alone, on the `second` rung and of the `proven` file, for `inherited` and `own` first
        rungs, each with its number of `trials` and `rank` (None where there is none); and `said`, a sentence. Empty
        where nothing was inherited.
    """
    outcomes = ledger.outcomes()
    first = {n: o for (n, rung), o in outcomes.items() if rung == 0 and o.status == "done"}
    heirs = {n: {"parent": o.parent, "share": o.inherited} for n, o in sorted(first.items()) if o.parent is not None}
    if not heirs:
        return {}
    correlation: dict[str, dict[str, _Rank]] = {}
    for name, rung in (("second", 1), ("proven", FINAL)):
        reached = {n: o.figures["accuracy"] for (n, r), o in outcomes.items() if r == rung and o.status == "done"}
        correlation[name] = {}
        for kind, wanted in (("inherited", True), ("own", False)):
            numbers = sorted(n for n in reached if n in first and (n in heirs) == wanted)
            rank = spearman([first[n].figures["accuracy"] for n in numbers], [reached[n] for n in numbers])
            correlation[name][kind] = {"trials": len(numbers), "rank": rank}
    return {
        "trials": {str(number): heir for number, heir in heirs.items()},
        "correlation": correlation,
        "said": _heirs_said(len(heirs), correlation),
    }


class _Rank(TypedDict):
    trials: int
    rank: float | None


def _heirs_said(heirs: int, correlation: Mapping[str, Mapping[str, _Rank]]) -> str:
    said = f"{heirs} first {'rungs' if heirs > 1 else 'rung'} started from a parent's weights"
    known = [
        f"{one['rank']:.2f} of {kind} weights with {called} ({one['trials']} trials)"
        for name, called in (("second", "the second rung"), ("proven", "the proven files"))
        for kind, one in correlation[name].items()
        if one["rank"] is not None
    ]
    return (
        f"{said}; rank correlation: {', '.join(known)}." if known else f"{said}; too few were trained on to rank them."
    )


def rank_said(correlation: Mapping[str, float | None], trials: int) -> str:
    """What proxies are worth, in a sentence.

    Args:
        correlation: Rank correlations of the `ensemble`, `parameters` and `macs`; None where there is none.
        trials: That were compared.
    """
    whole = correlation["ensemble"]
    alone = {name: value for name in ALONE if (value := correlation[name]) is not None}
    if whole is None or not alone:
        return f"{trials} trained candidates are too few, or too alike, to say how well the proxies rank them."
    name = max(alone, key=lambda one: alone[one])
    called = "MACs" if name == "macs" else name
    few = f" {trials} trials are few for that." if trials < FEW else ""
    if max(alone[name], whole) < _RANKS:
        return f"Neither the proxies ({whole:.2f}) nor {called} alone ({alone[name]:.2f}) rank the candidates.{few}"
    if alone[name] >= whole:
        return f"The {called} alone rank the candidates as well as the proxies ({alone[name]:.2f} to {whole:.2f}).{few}"
    return f"The proxies rank the candidates better than {called} alone ({whole:.2f} to {alone[name]:.2f}).{few}"

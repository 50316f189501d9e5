"""How much layers tolerate, as tables, plot panels and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgekit.methods.sensitivity import Effect
from edgekit.report.plots import Bar, Panel

__all__ = ["as_dict", "panels", "tables"]

SCHEMA = "edgekit.sensitivity/1"
_TITLES = {
    "sparsity": "Weights set to zero",
    "channels": "Channels removed",
    "rank": "Rank given up",
    "int8_weights": "Weights in 8 bits",
    "int8_activations": "Output in 8 bits",
}


def as_dict(model: str, effects: Sequence[Effect]) -> dict[str, Any]:
    """JSON-ready, with its schema name."""
    return {"schema": SCHEMA, "model": model, "effects": [asdict(e) for e in effects]}


def tables(effects: Sequence[Effect]) -> list[tuple[str, list[str], list[list[str]]]]:
    """For each kind: title, columns and a row for each layer, with SQNR and the points of top-1 lost."""
    found = []
    for kind in dict.fromkeys(e.kind for e in effects):
        of_kind = [e for e in effects if e.kind == kind]
        amounts = list(dict.fromkeys(e.amount for e in of_kind))
        cells = {(e.layer, e.amount): _cell(e) for e in of_kind}
        rows = [
            [layer, *(cells.get((layer, amount), "") for amount in amounts)]
            for layer in dict.fromkeys(e.layer for e in of_kind)
        ]
        found.append((_TITLES[kind], ["layer", *(_amount(a) for a in amounts)], rows))
    return found


def panels(effects: Sequence[Effect]) -> list[Panel]:
    """One panel for each kind and amount; the shortest bar is the most sensitive layer."""
    keys = dict.fromkeys((e.kind, e.amount) for e in effects)
    return [
        Panel(
            f"{_TITLES[kind]}, {_amount(amount)}: SQNR of the output in dB",
            tuple(Bar(e.layer, round(max(e.sqnr_db, 0.0), 1)) for e in effects if (e.kind, e.amount) == (kind, amount)),
        )
        for kind, amount in keys
    ]


def _cell(effect: Effect) -> str:
    points = "" if effect.score_drop is None else f" ({-100 * effect.score_drop or 0:+.1f})"
    return f"{effect.sqnr_db:.1f} dB{points}"


def _amount(amount: float | None) -> str:
    return "8 bits" if amount is None else f"{amount:.0%}"

"""A benchmark as rows for people; columns that no result fills are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.figures import FIGURES

__all__ = ["comparison_rows", "count_rows", "profile_rows", "time_rows"]

Rows = list[list[str | None]]

_TIMES = {"p50": "median ms", "low": "low", "high": "high", "p90": "p90", "p99": "p99"}
_MOST_OPERATORS = 12
_LONGEST_NAME = 60


def time_rows(results: Sequence[Mapping[str, Any]]) -> tuple[list[str], Rows]:
    """Times and memory of what was timed; `results` as `BenchmarkReport.as_dict` gives them."""
    rows: Rows = []
    for r in results:
        if (took := r["latency_ms"]) is None:
            continue
        memory = f"{r['peak_memory_bytes'] / 2**20:.1f}" if r["peak_memory_bytes"] is not None else None
        figures = [f"{took[key]:.3f}" if took[key] is not None else None for key in _TIMES]
        mean = f"{took['mean']:.3f}" if took["p50"] is None else None  # of a device's tool that tells no median
        rows.append([r["model"], r["runtime"], mean, *figures, memory, str(r["runs"])])
    return _filled(["model", "runtime", "mean ms", *_TIMES.values(), "peak MiB", "runs"], rows)


def count_rows(results: Sequence[Mapping[str, Any]]) -> tuple[list[str], Rows]:
    """Figures of what one runtime counted."""
    rows: Rows = [
        [r["model"], *(f"{r[key]:,}" if r[key] is not None else None for key in FIGURES)]
        for r in results
        if any(r[key] is not None for key in FIGURES)
    ]
    return _filled(["model", *(figure.title for figure in FIGURES.values())], rows)


def comparison_rows(comparisons: Sequence[Mapping[str, Any]]) -> tuple[list[str], Rows]:
    """Ratios against the first model."""
    rows: Rows = []
    for c in comparisons:
        interval = f"{c['low']:.3f} to {c['high']:.3f}" if c["low"] is not None else None
        rows.append([c["model"], c["runtime"], c["metric"], f"{c['ratio']:.3f}", interval, c["verdict"]])
    return _filled(["model", "runtime", "figure", "ratio", "95 % interval", "verdict"], rows)


def profile_rows(profile: Sequence[Mapping[str, Any]]) -> tuple[list[str], Rows]:
    """The operators that cost most."""
    rows: Rows = []
    for share in profile[:_MOST_OPERATORS]:
        name = share["name"]
        short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        value = f"{share['value']:.4f}" if share["unit"] == "ms" else f"{share['value']:,.0f}"
        rows.append([share["operator"], short, f"{share['share']:.1%}", value, share["unit"]])
    if left := profile[_MOST_OPERATORS:]:
        rows.append([f"{len(left)} more", None, f"{sum(share['share'] for share in left):.1%}", None, None])
    return ["operator", "name", "share", "value", "unit"], rows


def _filled(columns: list[str], rows: Rows) -> tuple[list[str], Rows]:
    kept = [i for i in range(len(columns)) if any(row[i] is not None for row in rows)]
    return [columns[i] for i in kept], [[row[i] for i in kept] for row in rows]

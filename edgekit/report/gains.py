"""What changed against the baseline, one line for each figure."""

from __future__ import annotations

from edgekit.figures import FIGURES
from edgekit.pipeline.manifest import Manifest
from edgekit.report.text import figure

__all__ = ["gains"]


def gains(manifest: Manifest) -> list[tuple[str, str]]:
    """Of the chosen file against the baseline's: what it is of, and how it changed. What is unknown has no line."""
    first, chosen, metric = manifest.steps[0], manifest.chosen, manifest.metric
    lines = [
        ("size", _ratio(first.model_bytes, chosen.bytes, "bytes", "smaller", "larger")),
        ("gzip", _ratio(first.gzip_bytes, chosen.gzip_bytes, "bytes", "smaller", "larger")),
    ]
    if first.latency_ms and chosen.latency_ms:
        lines.append(("time on this host", _ratio(first.latency_ms, chosen.latency_ms, "ms", "faster", "slower")))
    for name, told in FIGURES.items():
        if (before := first.figures.get(name)) and (after := chosen.figures.get(name)):
            lines.append((told.said or told.title, _ratio(before, after, told.title, "fewer", "more")))
    drop = "" if chosen.drop_low is None else f" [{chosen.drop_low:+.2%}, {chosen.drop_high:+.2%}]"
    before_after = f"{figure(first.accuracy, metric)} → {figure(chosen.accuracy, metric)}"
    lines.append((metric, f"{before_after}, a drop of {chosen.accuracy_drop:.2%}{drop}"))
    return lines


def _ratio(before: float, after: float, unit: str, better: str, worse: str) -> str:
    times, word = (before / after, better) if after <= before else (after / before, worse)
    said = f"{times:.2f} times {word}" if times >= 1.005 else "the same"
    return f"{said}: {_number(before)} → {_number(after)} {unit}"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"

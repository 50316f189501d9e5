"""What changed against the baseline, one line for each figure."""

from __future__ import annotations

from edgekit.figures import told_by
from edgekit.pipeline.manifest import Manifest
from edgekit.pipeline.step import Step
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
        lines.append(("time on this host", _times(first, _step_of(manifest))))
    for name, told in told_by(manifest.recipe.get("measure", ())).items():
        before, after = first.figures.get(name), chosen.figures.get(name)
        if before is not None and after is not None:
            lines.append((told.report_title or told.title, _ratio(before, after, told.title, "fewer", "more")))
    lines.append((metric, _accuracy(manifest)))
    return lines


def _step_of(manifest: Manifest) -> Step:
    """The step that made the chosen file, with the interval of its time."""
    return next(step for step in manifest.steps if step.sha256 == manifest.chosen.sha256)


def _times(before: Step, after: Step) -> str:
    one, two = before.latency_ms or 0.0, after.latency_ms or 0.0
    times, word = (one / two, "faster") if two <= one else (two / one, "slower")
    said = f"{times:.2f} times {word}" if times >= 1.005 else "the same"
    return f"{said}: {_interval(before)} → {_interval(after)} ms"


def _interval(step: Step) -> str:
    told = f"{step.latency_ms:.4g}"
    return told if step.latency_low is None else f"{told} [{step.latency_low:.4g}, {step.latency_high:.4g}]"


def _accuracy(manifest: Manifest) -> str:
    """Both scores, and the paired change: points of top-1, or the relative change of an error."""
    first, chosen, metric = manifest.steps[0], manifest.chosen, manifest.metric
    scores = f"{figure(first.accuracy, metric)} → {figure(chosen.accuracy, metric)}"
    sign = -1 if metric == "top1" else 1
    ends = sorted(sign * end for end in (chosen.drop_low, chosen.drop_high) if end is not None)
    interval = f" [{ends[0]:+.2%}, {ends[1]:+.2%}]" if len(ends) == 2 else ""
    return f"{scores}, a change of {sign * chosen.accuracy_drop or 0.0:+.2%}{interval} on the same samples"


def _ratio(before: int, after: int, unit: str, better: str, worse: str) -> str:
    if not before or not after:
        return f"{_number(before)} → {_number(after)} {unit}"
    times, word = (before / after, better) if after <= before else (after / before, worse)
    said = f"{times:.2f} times {word}" if times >= 1.005 else "the same"
    return f"{said}: {_number(before)} → {_number(after)} {unit}"


def _number(value: int) -> str:
    return f"{value:,}"

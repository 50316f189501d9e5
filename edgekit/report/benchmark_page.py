"""A benchmark as a picture: bars with intervals, one panel for each figure of each runtime; .html or .png."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgekit.figures import FIGURES
from edgekit.measure.latency import BenchmarkReport
from edgekit.report.plots import Bar, Panel, panel_plotter

__all__ = ["panels", "plotter"]


def plotter(path: Path, *, overwrite: bool = False) -> Callable[[BenchmarkReport], None]:
    """What draws a report to a .html or .png file; raises as `panel_plotter` does."""
    draw = panel_plotter(path, overwrite=overwrite)
    return lambda report: draw(panels(report), _caption(report))


def panels(report: BenchmarkReport) -> list[Panel]:
    """Times first, then every counted figure; runtimes that tell nothing have none."""
    found = []
    for runtime in dict.fromkeys(r.runtime for r in report.results):
        rows = [r for r in report.results if r.runtime == runtime]
        timed = [
            Bar(r.model, r.latency_ms.p50 or r.latency_ms.mean, r.latency_ms.low, r.latency_ms.high)
            for r in rows
            if r.latency_ms
        ]
        if timed:
            kind = next(r.latency_kind for r in rows if r.latency_ms)
            found.append(Panel(f"{runtime}: ms of one inference, {kind}", tuple(timed)))
    for key, figure in FIGURES.items():
        for runtime in dict.fromkeys(r.runtime for r in report.results):
            bars = [Bar(r.model, r.figures[key]) for r in report.results if r.runtime == runtime and key in r.figures]
            if bars:
                found.append(Panel(f"{runtime}: {figure.title}", tuple(bars)))
    return found


def _caption(report: BenchmarkReport) -> str:
    environment = report.environment
    level = f", {report.noise.level}" if report.noise else ""
    return (
        f"{environment['cpu']}, {environment['cores']} cores{level}; bars end at the median, lines at its 95 % interval"
    )

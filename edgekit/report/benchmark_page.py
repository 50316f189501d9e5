"""A benchmark as a picture: bars with intervals, one panel for each figure of each runtime; .html or .png."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.artifact import write_atomically
from edgekit.errors import MissingDependency, UsageError
from edgekit.measure.latency import BenchmarkReport
from edgekit.report._bars import Bar, Panel, draw_png
from edgekit.report.benchmark_text import COUNTS

__all__ = ["panels", "plotter"]

_COLOUR = "#1b6ca8"
_SUFFIXES = (".html", ".png")


def plotter(path: Path) -> Callable[[BenchmarkReport], None]:
    """What draws a report to a file: .html with plotly (interactive, works offline), .png with Pillow.

    Raises:
        UsageError: The file has another suffix.
        MissingDependency: It is .html and plotly is not installed.
    """
    if path.suffix not in _SUFFIXES:
        raise UsageError("A plot is a .html or .png file.", received=repr(str(path)), remedy="Name it so.")
    graphs = _plotly() if path.suffix == ".html" else None

    def draw(report: BenchmarkReport) -> None:
        found = panels(report)
        with write_atomically(path) as temporary:
            if graphs is None:
                draw_png(found, temporary, _caption(report))
            else:
                temporary.write_text(_html(found, _caption(report), graphs), encoding="utf-8")

    return draw


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
    for key, title in COUNTS.items():
        for runtime in dict.fromkeys(r.runtime for r in report.results):
            bars = [
                Bar(r.model, getattr(r, key))
                for r in report.results
                if r.runtime == runtime and getattr(r, key) is not None
            ]
            if bars:
                found.append(Panel(f"{runtime}: {title}", tuple(bars)))
    return found


@dataclass(frozen=True)
class _Plotly:
    graphs: Any
    make_subplots: Any


def _plotly() -> _Plotly:
    try:
        import plotly.graph_objects as graphs
        from plotly.subplots import make_subplots
    except ModuleNotFoundError as error:
        raise MissingDependency(
            "A .html plot needs plotly.",
            received=f"no module {error.name}",
            remedy="Install it with: pip install 'edgekit[report]', or draw a .png, which needs nothing more.",
        ) from error
    return _Plotly(graphs, make_subplots)


def _caption(report: BenchmarkReport) -> str:
    environment = report.environment
    level = f", {report.noise.level}" if report.noise else ""
    return (
        f"{environment['cpu']}, {environment['cores']} cores{level}; bars end at the median, lines at its 95 % interval"
    )


def _html(found: list[Panel], caption: str, plotly: _Plotly) -> str:
    titles = [panel.title for panel in found]
    plots = plotly.make_subplots(rows=max(1, len(found)), cols=1, subplot_titles=titles or ["Nothing was measured"])
    most = max((len(panel.bars) for panel in found), default=1)
    for row, panel in enumerate(found, 1):
        bars = panel.bars
        plots.add_trace(
            plotly.graphs.Bar(
                y=list(range(len(bars))),
                x=[bar.value for bar in bars],
                orientation="h",
                text=[f"{bar.value:,.4g}" if isinstance(bar.value, float) else f"{bar.value:,}" for bar in bars],
                error_x={
                    "array": [(bar.high or bar.value) - bar.value for bar in bars],
                    "arrayminus": [bar.value - (bar.low or bar.value) for bar in bars],
                },
                marker_color=_COLOUR,
            ),
            row,
            1,
        )
        # Positions, not names: one model may be given twice.
        plots.update_yaxes(
            tickvals=list(range(len(bars))), ticktext=[_plain(bar.label) for bar in bars], autorange="reversed", row=row
        )
    plots.update_layout(
        showlegend=False,
        height=max(1, len(found)) * (90 + 36 * most) + 80,
        title={"text": _plain(caption), "font": {"size": 12}},
        margin={"l": 40, "r": 20, "t": 90, "b": 40},
    )
    plots.update_yaxes(automargin=True)
    page: str = plots.to_html(full_html=True, include_plotlyjs=True, config={"displaylogo": False})
    return page


def _plain(text: str) -> str:
    """Plotly reads labels as HTML; a file's name is text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

"""Figures as a picture: panels of bars with intervals; .html with plotly, .png with Pillow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.errors import MissingDependency, UsageError
from edgekit.ownership import check_writable, writing
from edgekit.report._bars import Bar, Panel, draw_png

__all__ = ["Bar", "Panel", "panel_plotter"]

_COLOUR = "#1b6ca8"
_SUFFIXES = (".html", ".png")

Draw = Callable[[Sequence[Panel], str], None]


def panel_plotter(path: Path, *, overwrite: bool = False) -> Draw:
    """What draws panels and a caption to a file: .html (interactive, works offline) or .png.

    Args:
        path: The file.
        overwrite: Replace one that EdgeKit did not write, or that was changed since.

    Raises:
        UsageError: The file has another suffix.
        MissingDependency: It is .html and plotly is not installed.
        EdgekitError: There is such a file, and `overwrite` is not set.
    """
    if path.suffix not in _SUFFIXES:
        raise UsageError("A plot is a .html or .png file.", received=repr(str(path)), remedy="Name it so.")
    check_writable(path.parent, [path.name], overwrite=overwrite)
    graphs = _plotly() if path.suffix == ".html" else None

    def draw(panels: Sequence[Panel], caption: str) -> None:
        with writing(path, overwrite=overwrite) as temporary:
            if graphs is None:
                draw_png(panels, temporary, caption)
            else:
                temporary.write_text(_html(panels, caption, graphs), encoding="utf-8")

    return draw


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


def _html(found: Sequence[Panel], caption: str, plotly: _Plotly) -> str:
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

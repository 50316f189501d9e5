"""The report as one HTML page that works offline."""

from __future__ import annotations

from importlib import resources
from typing import Any

from edgekit.errors import MissingDependency
from edgekit.pipeline.manifest import Manifest
from edgekit.report import text

__all__ = ["html"]


def html(manifest: Manifest) -> str:
    """The page, with its plots and scripts inside.

    Raises:
        MissingDependency: jinja2 or plotly are not installed.
    """
    try:
        import jinja2
        import plotly.graph_objects as go
        from plotly.subplots import make_subplots
    except ModuleNotFoundError as error:
        raise MissingDependency(
            "The HTML report needs jinja2 and plotly.",
            received=f"no module {error.name}",
            remedy="Install them with: pip install 'edgekit[report]' (report.md and report.json are written)",
        ) from error
    template = (resources.files("edgekit") / "report" / "page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    steps_columns, steps = text.step_rows(manifest)
    models_columns, models = text.model_rows(manifest)
    return environment.from_string(template).render(
        warning=text.warning(manifest),
        headline=text.headline(manifest),
        device=text.device_sentences(manifest),
        verdict=text.budget_sentence(manifest),
        met=manifest.budget["met"],
        plot=_plot(manifest, go, make_subplots),
        tables=[
            ("What each step did", "Each figure is measured on the .tflite of its step.", steps_columns, steps),
            ("Models", "Paired: on the same samples as the baseline.", models_columns, models),
        ],
        caveats=text.caveats(manifest),
        artifacts=manifest.artifacts,
        recipe=text.recipe_yaml(manifest),
        environment=manifest.environment,
    )


def _plot(manifest: Manifest, go: Any, make_subplots: Any) -> str:
    """Accuracy, size and latency of every step, side by side, with intervals."""
    steps = manifest.steps
    names = [f"{s.name}<br>({s.format})" for s in steps]
    plots = make_subplots(
        1, 3, subplot_titles=(f"{manifest.metric} with 95 % interval", "KiB: raw and gzip", "host ms, one thread")
    )
    scale = 100 if manifest.metric == "top1" else 1
    plots.add_trace(
        go.Scatter(
            x=names,
            y=[s.accuracy * scale for s in steps],
            error_y={
                "array": [(s.accuracy_high - s.accuracy) * scale for s in steps],
                "arrayminus": [(s.accuracy - s.accuracy_low) * scale for s in steps],
            },
            mode="markers",
            marker={"size": 10, "color": "#1b6ca8"},
        ),
        1,
        1,
    )
    for values, colour, name in (
        ([s.model_bytes / 1024 for s in steps], "#1b6ca8", "raw"),
        ([s.gzip_bytes / 1024 for s in steps], "#8ecae6", "gzip"),
    ):
        plots.add_trace(go.Bar(x=names, y=values, marker_color=colour, name=name), 1, 2)
    timed = [s for s in steps if s.latency_ms is not None]
    plots.add_trace(
        go.Bar(
            x=[f"{s.name}<br>({s.format})" for s in timed],
            y=[s.latency_ms for s in timed],
            error_y={
                "array": [(s.latency_high or 0) - (s.latency_ms or 0) for s in timed],
                "arrayminus": [(s.latency_ms or 0) - (s.latency_low or 0) for s in timed],
            },
            marker_color="#1b6ca8",
        ),
        1,
        3,
    )
    plots.update_layout(showlegend=False, height=380, margin={"l": 40, "r": 40, "t": 40, "b": 80}, barmode="group")
    rendered: str = plots.to_html(full_html=False, include_plotlyjs=True, config={"displayModeBar": False})
    return rendered

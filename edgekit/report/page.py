"""The report as one HTML page that works offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

import yaml

from edgekit import tflite
from edgekit.errors import EdgekitError, MissingDependency
from edgekit.measure.statistics import MOST_DB
from edgekit.pipeline.manifest import Manifest
from edgekit.pipeline.step import Step
from edgekit.report import text
from edgekit.report.drawing import COLOURS, PAGE, STYLE, Point, curves, scatter
from edgekit.report.gains import gains
from edgekit.report.mistakes import mistakes
from edgekit.tflite.macs import macs_by_operator

__all__ = ["html"]

Table = tuple[str, str, Sequence[str], Sequence[Sequence[str | None]]]
"""Heading, a note, columns and rows."""


def html(manifest: Manifest) -> str:
    """The page, with its drawings inside; it fetches nothing and runs nothing.

    Raises:
        MissingDependency: jinja2 is not installed.
    """
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise MissingDependency(
            "The HTML report needs jinja2.",
            received=f"no module {error.name}",
            remedy="Install it with: pip install 'edgekit[report]' (report.md and report.json are written)",
        ) from error
    template = (resources.files("edgekit") / "report" / "page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    once = _each_file_once(manifest)
    drawing = _scatter(manifest, once)
    return environment.from_string(template).render(
        style=COLOURS + STYLE + PAGE,
        warning=text.warning(manifest),
        headline=text.headline(manifest),
        device=text.device_sentences(manifest),
        verdict=text.budget_sentence(manifest),
        met=manifest.budget["met"],
        gains=gains(manifest),
        drawing=drawing,
        joined="<polyline" in drawing,
        mistakes=mistakes(manifest),
        trainings=_trainings(once),
        tables=[
            _filled(
                "What each step did",
                "Each figure is measured on the .tflite of its step.",
                *text.step_rows(replace(manifest, steps=tuple(once))),
            ),
            _filled("Models", "Paired: on the same samples as the baseline.", *text.model_rows(manifest)),
        ],
        layers=_layers(manifest),
        caveats=text.caveats(manifest),
        artifacts=manifest.artifacts,
        recipe=yaml.safe_dump(_without_nulls(manifest.recipe), sort_keys=False),
        environment=manifest.environment,
    )


def _each_file_once(manifest: Manifest) -> list[Step]:
    """Steps, without those that ship the very file of an earlier one."""
    first: dict[str, Step] = {}
    for step in manifest.steps:
        first.setdefault(step.sha256, step)
    return list(first.values())


def _trainings(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """The curves of every training; one is called after its step, too, where the step gave it another name."""
    found: list[tuple[str, str]] = []
    for step in steps:
        told = {n if n == step.name else f"{step.name}, {n}": figures for n, figures in step.training.items()}
        found += curves(told)
    return found


def _scatter(manifest: Manifest, steps: Sequence[Step]) -> str:
    scale = 100 if manifest.metric == "top1" else 1
    points = [
        Point(
            s.name if s.format in s.name else f"{s.name} ({s.format})",
            s.model_bytes / 1024,
            s.accuracy * scale,
            s.accuracy_low * scale,
            s.accuracy_high * scale,
            chosen=s.sha256 == manifest.chosen.sha256,
        )
        for s in steps
    ]
    unit = "top-1 in %" if manifest.metric == "top1" else manifest.metric
    return scatter(
        points,
        title=f"{unit} of each step against the size of its file",
        x="size of the .tflite in KiB",
        y=f"{unit}, with 95 % interval",
        higher_is_better=manifest.metric == "top1",
    )


def _filled(title: str, note: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> Table:
    """The columns in which some row says something."""
    kept = [n for n in range(len(columns)) if any(row[n] is not None for row in rows)]
    return title, note, [columns[n] for n in kept], [[row[n] for n in kept] for row in rows]


def _layers(manifest: Manifest) -> Table | None:
    """The chosen file operator by operator; None where it is gone."""
    try:
        graph = tflite.read(manifest.path).graphs[0]
    except (EdgekitError, OSError):
        return None
    step = next((s for s in manifest.steps if s.sha256 == manifest.chosen.sha256), None)
    near = step.operators_db if step is not None and step.operators_db is not None else ()
    if len(near) != len(graph.operators):
        near = (None,) * len(graph.operators)
    rows = []
    for number, (operator, macs, db) in enumerate(zip(graph.operators, macs_by_operator(graph), near, strict=True)):
        stored = sum(graph.tensors[i].stored_bytes for i in dict.fromkeys(operator.inputs) if i >= 0)
        shape = "x".join(str(size) for size in graph.tensors[operator.outputs[0]].shape) if operator.outputs else None
        told = None if macs is None else f"{macs:,}" if macs else "0"
        rows.append([f"{number} {operator.name}", shape, f"{stored:,}", told, None if db is None else _decibels(db)])
    return _filled(
        "The chosen file, operator by operator",
        "Bytes are those of the constants that an operator reads; a constant that two share counts for both. Against "
        "Keras is how near what it gives is to the layer that it computes, with all that came before it; the first low "
        "figure shows where the file parts from its model.",
        ["operator", "gives", "bytes", "MACs", "against Keras"],
        rows,
    )


def _decibels(near: float) -> str:
    return "exact" if near >= MOST_DB else f"{near:.1f} dB"


def _without_nulls(value: Any) -> Any:
    """A recipe as people write one: what is not set is left out."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value

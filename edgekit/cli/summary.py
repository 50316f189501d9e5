"""What people see at the end of a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from edgekit.cli import output

if TYPE_CHECKING:
    from edgekit.pipeline import Manifest
    from edgekit.readable import Rows
    from edgekit.tflite import Inspection

__all__ = ["finish", "inspection_table"]

BUDGET_MISSED = 3


def finish(manifest: Manifest, as_json: bool) -> None:
    """Print a run's result and end with 3 where the budget is missed."""
    if as_json:
        output.print_json(manifest.as_dict())
    else:
        _tables(manifest)
    if not manifest.budget["met"]:
        raise click.exceptions.Exit(BUDGET_MISSED)


def _tables(manifest: Manifest) -> None:
    from edgekit.report.text import budget_sentence, figure, step_rows, warning

    if said := warning(manifest):
        output.strong(said)
    columns, rows = step_rows(manifest)
    output.table(f"Steps, measured on {manifest.samples:,} test samples", columns, rows)
    columns = ["model", "bytes", "gzip", manifest.metric, "95 % interval", "drop"]
    models = [
        [
            m.path,
            f"{m.bytes:,}",
            f"{m.gzip_bytes:,}",
            figure(m.accuracy, manifest.metric),
            f"{figure(m.accuracy_low, manifest.metric)} to {figure(m.accuracy_high, manifest.metric)}",
            figure(m.accuracy_drop, "top1"),
        ]
        for m in manifest.models
    ]
    output.table(f"Models in {manifest.output}", columns, models)
    output.echo(budget_sentence(manifest))
    output.echo(f"Report: {manifest.output}/report.html")


def inspection_table(found: Inspection, rows: Rows, warnings: Sequence[str]) -> None:
    """What a `.tflite` holds.

    Args:
        found: The file.
        rows: What is said of it: its own rows or, of one that was just converted, those of the conversion.
        warnings: What its user should know.
    """
    output.table(found.title(), ["", ""], rows, figures=False)
    operators = [[o.name, o.version, o.count] for o in found.operators]
    output.table("Operators", ["operator", "version", "count"], operators)
    for warning in warnings:
        output.echo(f"Warning: {warning}")

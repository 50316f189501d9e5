"""edgekit inspect: what is in a .tflite."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output
from edgekit.cli.summary import inspection_table

SUMMARY = "Operators, tensors, sizes and MACs of a .tflite, without running it."


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.json
@options.debug
def command(model: Path, as_json: bool) -> None:
    """Read MODEL, a .tflite: how it is quantised, what it needs, what it weighs.

    \b
    edgekit inspect model.tflite
    edgekit inspect model.tflite --json
    """
    import edgekit

    found = edgekit.inspect(model)
    if as_json:
        output.print_json(found.as_dict())
    else:
        inspection_table(found, found.rows(), found.warnings)

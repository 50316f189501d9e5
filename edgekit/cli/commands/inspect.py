"""edgekit inspect: what is in a .tflite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli import options, output
from edgekit.cli.summary import inspection_table

if TYPE_CHECKING:
    from edgekit.pipeline.fitting import Fit
    from edgekit.tflite import Inspection

SUMMARY = "Operators, tensors, sizes and MACs of a .tflite, without running it; whether it fits a target."


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", "targets", multiple=True, help="Device, by name or .yaml; repeat for several.")
@options.json
@options.debug
def command(model: Path, targets: tuple[str, ...], as_json: bool) -> None:
    """Read MODEL, a .tflite: how it is quantised, what it needs, what it weighs, and whether it fits a target.

    For a target, weights and arena are exact, as `edgekit export c` plans them, and code is estimated. The stack and
    what the application itself takes come on top.

    \b
    edgekit inspect model.tflite
    edgekit inspect model.tflite --json
    edgekit inspect model.tflite --target stm32f446 --target rp2040
    """
    import edgekit

    found = edgekit.inspect(model)
    fits = _fits(found, targets) if targets else []
    if as_json:
        told = {"targets": [one.as_dict() for one in fits]} if fits else {}
        output.print_json({**found.as_dict(), **told})
        return
    inspection_table(found, found.rows(), found.warnings)
    for one in fits:
        output.table(f"On {one.target}", ["", ""], one.rows(), figures=False)


def _fits(found: Inspection, targets: tuple[str, ...]) -> list[Fit]:
    from edgekit.pipeline.fitting import fit
    from edgekit.target import load_target

    return [fit(found.model, load_target(name)) for name in targets]

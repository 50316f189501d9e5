"""edgekit demo: the main job on embedded real data."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options
from edgekit.cli.summary import finish

SUMMARY = "The whole job on embedded real digits, end to end, in about a minute."


@click.command()
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("runs/demo"),
    show_default=True,
    help="Output folder.",
)
@options.overwrite
@options.quiet
@options.json
@options.debug
def command(folder: Path, overwrite: bool, quiet: bool, as_json: bool) -> None:
    """Train a small network on real digits, sparsify it, train it for int8, convert, measure and report.

    It runs the recipe that `edgekit init` writes.

    \b
    edgekit demo
    edgekit demo -o /tmp/demo --json
    """
    import edgekit
    from edgekit.recipe import starter_recipe

    with starter_recipe() as recipe:
        manifest = edgekit.compress(recipe, folder, overwrite=overwrite, quiet=quiet)
    finish(manifest, as_json)

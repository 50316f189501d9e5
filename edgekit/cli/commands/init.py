"""edgekit init: a starter recipe."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output
from edgekit.errors import EdgekitError

SUMMARY = "Write a starter recipe with comments."


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--force", is_flag=True, help="Overwrite a recipe that is there.")
@options.json
@options.debug
def command(folder: Path, force: bool, as_json: bool) -> None:
    """Write recipe.yaml, with a comment on every key, into FOLDER (default: here).

    \b
    edgekit init
    edgekit compress recipe.yaml
    """
    from edgekit.artifact import write_atomically
    from edgekit.recipe import starter_recipe

    path = folder / "recipe.yaml"
    if path.exists() and not force:
        raise EdgekitError(
            "A recipe that exists is not overwritten.", received=str(path), remedy="Pass --force, or another folder."
        )
    with starter_recipe() as recipe, write_atomically(path) as temporary:
        temporary.write_bytes(recipe.read_bytes())
    if as_json:
        output.print_json({"schema": "edgekit.init/1", "recipe": str(path)})
    else:
        click.echo(f"Wrote {path}. Run it with: edgekit compress {path}")

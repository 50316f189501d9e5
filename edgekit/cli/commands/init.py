"""edgekit init: a starter recipe."""

from __future__ import annotations

import os
from pathlib import Path

import click

from edgekit.cli import options, output
from edgekit.errors import EdgekitError

SUMMARY = "Write a starter recipe with comments."


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@options.overwrite
@click.option("--force", is_flag=True, hidden=True)  # the name that --overwrite had
@options.json
@options.debug
def command(folder: Path, overwrite: bool, force: bool, as_json: bool) -> None:
    """Write recipe.yaml, with a comment on every key, into FOLDER (default: here).

    \b
    edgekit init
    edgekit compress recipe.yaml
    """
    from edgekit.artifact import write_atomically
    from edgekit.recipe import starter_recipe

    path = folder / "recipe.yaml"
    with starter_recipe() as recipe:
        content = recipe.read_bytes()
        if os.path.lexists(path) and not (overwrite or force or _holds(path, content)):
            raise EdgekitError(
                "An existing recipe is not overwritten.",
                received=str(path),
                remedy="Pass --overwrite, or another folder.",
            )
        with write_atomically(path) as temporary:
            temporary.write_bytes(content)
    if as_json:
        output.print_json({"schema": "edgekit.init/1", "recipe": str(path)})
    else:
        click.echo(f"Wrote {path}. Run it with: edgekit compress {path}")


def _holds(path: Path, content: bytes) -> bool:
    """Whether it is a regular file of these bytes, which may be written again."""
    return path.is_file() and not path.is_symlink() and path.read_bytes() == content

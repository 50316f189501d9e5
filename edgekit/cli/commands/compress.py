"""edgekit compress: the main job."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options
from edgekit.cli.summary import finish

SUMMARY = "Train, compress, convert and measure as a recipe says."


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path), help="Output folder; by default runs/RECIPE_NAME."
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="Folder of finished steps, which several runs may share at the same time; by default the output folder.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY.PATH=VALUE", help="Change a key of the recipe.")
@options.unsafe
@click.option("--tensorboard", is_flag=True, help="Write training logs for TensorBoard.")
@options.overwrite
@options.memory_limit
@options.time_limit
@options.quiet
@options.json
@options.debug
def command(
    recipe: Path,
    folder: Path | None,
    store: Path | None,
    overrides: tuple[str, ...],
    unsafe: bool,
    tensorboard: bool,
    overwrite: bool,
    memory_limit: int | None,
    time_limit: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train, compress, convert and measure as RECIPE says. The same command continues a run that was stopped.

    \b
    edgekit compress recipe.yaml
    edgekit compress recipe.yaml -o runs/sparser --set passes.0.sparsity=0.8 --json
    edgekit compress recipe.yaml --set data=houses.csv --set objective.task=regression

    Exit code 3 means that the run is done, but the budget is missed.
    """
    import edgekit

    folder = folder or Path("runs") / recipe.stem
    manifest = edgekit.compress(
        recipe,
        folder,
        overrides=overrides,
        unsafe=unsafe,
        overwrite=overwrite,
        memory_limit=memory_limit,
        time_limit=time_limit,
        quiet=quiet,
        tensorboard=tensorboard,
        store=store,
    )
    finish(manifest, as_json)

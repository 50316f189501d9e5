"""edgekit schema: the JSON schema of recipes."""

from __future__ import annotations

import click

from edgekit.cli import options, output

SUMMARY = "Print the JSON schema of recipes, so that editors complete them."


@click.command()
@options.json
@options.debug
def command(as_json: bool) -> None:
    """Print the JSON schema of recipes (always JSON).

    \b
    edgekit schema > recipe.schema.json
    # first line of recipe.yaml:  # yaml-language-server: $schema=recipe.schema.json
    """
    from edgekit.recipe import recipe_schema

    output.print_json(recipe_schema())

"""edgekit passes: what can be done to a model."""

from __future__ import annotations

import click

from edgekit.cli import options, output

SUMMARY = "The passes that recipes can name, with their keys."


@click.command()
@options.json
@options.debug
def command(as_json: bool) -> None:
    """List the passes and their recipe keys with defaults.

    \b
    edgekit passes
    edgekit passes --json
    """
    from edgekit import passes, registry
    from edgekit.passes import load_pass

    kinds = {name: load_pass(name) for name in registry.names(passes)}
    if as_json:
        found = [{"name": n, "summary": k.summary, "keys": k.model_json_schema()} for n, k in kinds.items()]
        output.print_json({"schema": "edgekit.passes/1", "passes": found})
        return
    for name, kind in kinds.items():
        keys = kind.model_json_schema()["properties"]
        rows = [[k, v.get("default"), v.get("description")] for k, v in keys.items()]
        output.table(f"{name}: {kind.summary}", ["key", "default", "meaning"], rows, figures=False)

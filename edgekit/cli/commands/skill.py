"""edgekit skill: how an agent works with EdgeKit."""

from __future__ import annotations

import click

from edgekit.cli import options, output

SUMMARY = "Print SKILL.md: when to use which command, for agents."


@click.command()
@options.json
@options.debug
def command(as_json: bool) -> None:
    """Print a SKILL.md: which command for what, the JSON to read, exit codes and the loop of work.

    \b
    edgekit skill > SKILL.md
    """
    from importlib import resources  # takes as long to load as click

    text = (resources.files("edgekit") / "SKILL.md").read_text(encoding="utf-8")
    if as_json:
        output.print_json({"schema": "edgekit.skill/1", "text": text})
    else:
        click.echo(text, nl=False)

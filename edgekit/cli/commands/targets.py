"""edgekit targets: the devices that recipes can name."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output

SUMMARY = "The targets that recipes can name: formats, flash and RAM."


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@options.json
@options.debug
def command(files: tuple[Path, ...], as_json: bool) -> None:
    """List the targets, or check FILES, targets of your own as .yaml.

    \b
    edgekit targets
    edgekit targets my-board.yaml --json
    """
    from edgekit.target import load_target, target_names

    found = [load_target(name) for name in (map(str, files) if files else target_names())]
    if as_json:
        told = [target.model_dump(mode="json") for target in found]
        output.print_json({"schema": "edgekit.targets/1", "targets": told})
        return
    rows: list[list[object]] = [
        [t.name, ", ".join(t.formats), t.channel_multiple, t.flash_bytes, t.ram_bytes, t.description] for t in found
    ]
    columns = ["target", "formats", "channels in multiples of", "flash bytes", "RAM bytes", "what it is"]
    output.table("Targets", columns, rows, figures=False)

"""edgekit report: the report of a finished run."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output

SUMMARY = "Write the report of a finished run again: Markdown, JSON and one HTML page."


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@options.overwrite
@options.json
@options.debug
def command(run: Path, overwrite: bool, as_json: bool) -> None:
    """Write report.md, report.json and report.html into RUN, the output folder of edgekit compress.

    \b
    edgekit report runs/recipe
    """
    from edgekit.pipeline.manifest import read_manifest
    from edgekit.report import write_report

    manifest = read_manifest(run)
    paths = write_report(manifest, run, overwrite=overwrite)
    if as_json:
        output.print_json({"schema": "edgekit.report/1", "files": [str(p) for p in paths]})
    else:
        click.echo("\n".join(str(p) for p in paths))

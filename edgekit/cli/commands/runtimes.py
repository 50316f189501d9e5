"""edgekit runtimes: which runtimes work here."""

from __future__ import annotations

import click

from edgekit.cli import options, output

SUMMARY = "Which runtimes work here; each is tried with a tiny model."


@click.command()
@options.json
@options.debug
def command(as_json: bool) -> None:
    """Try every runtime with a tiny model, in a child process.

    \b
    edgekit runtimes --json
    """
    from edgekit.runtimes import load_runtime, runtime_names

    reasons = {name: load_runtime(name).probe() for name in runtime_names()}
    if as_json:
        rows = [{"name": n, "available": r is None, "reason": r} for n, r in reasons.items()]
        output.print_json({"schema": "edgekit.runtimes/1", "runtimes": rows})
    else:
        output.table("Runtimes", ["runtime", "state"], [[n, r or "works"] for n, r in reasons.items()], figures=False)

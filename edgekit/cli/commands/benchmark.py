"""edgekit benchmark: latency on this host, side by side."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import output

SUMMARY = "Latency of .tflite files on this host, interleaved, each in a child process."


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--runtime", "runtimes", multiple=True, default=("litert",), show_default=True, help="May be given again."
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--runs", type=click.IntRange(min=1), default=50, show_default=True, help="Timed inferences of each.")
@output.json_option
@output.debug_option
def command(models: tuple[Path, ...], runtimes: tuple[str, ...], threads: int, runs: int, as_json: bool) -> None:
    """Time MODELS, in turns, so that a change of the machine's load hits all alike.

    The figures are this host's: a proxy, never a phone's. A model that fails is reported and the others go on; the
    exit code is then 1.

    \b
    edgekit benchmark float32.tflite int8.tflite
    edgekit benchmark model.tflite --runtime litert --runtime tflite_runtime --json
    """
    import edgekit

    with output.progress("blocks", quiet=as_json) as progress:
        report = edgekit.benchmark(models, runtimes=runtimes, threads=threads, runs=runs, progress=progress)
    failed = [r for r in report.results if r.error]
    if as_json:
        output.print_json(report.as_dict())
    else:
        rows = []
        for r in report.results:
            time = r.latency_ms
            figures = [f"{v:.3f}" for v in (time.p50, time.low, time.high, time.p90, time.p99)] if time else [None] * 5
            memory = f"{r.peak_memory_bytes / 2**20:.1f}" if r.peak_memory_bytes is not None else None
            rows.append([r.model, r.runtime, *figures, memory])
        columns = ["model", "runtime", "median ms", "low", "high", "p90", "p99", "peak MiB"]
        output.table(f"Latency on this host ({threads} thread, {runs} runs): a proxy, not a phone's", columns, rows)
        for r in failed:
            output.log(f"Error: {r.model} on {r.runtime}: {r.error}")
    if failed:
        raise click.exceptions.Exit(1)

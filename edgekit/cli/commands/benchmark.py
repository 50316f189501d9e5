"""edgekit benchmark: what an inference costs, side by side, and a gate against an earlier run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgekit.cli import options, output
from edgekit.errors import DataError, UsageError

if TYPE_CHECKING:
    from edgekit.measure.gate import Check, Gate
    from edgekit.measure.latency import BenchmarkReport

SUMMARY = "Latency, memory and device figures of .tflite files, side by side, each in a child process."
REGRESSED = 3


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    default=("litert",),
    show_default=True,
    help="Runtime to measure on; repeat for several. A variant is written arm64:cortex-a53.",
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of one inference.")
@click.option(
    "--kernels",
    type=click.Choice(["default", "builtin", "reference"]),
    default="default",
    show_default=True,
    help="Kernels of the host's interpreters: theirs, those without XNNPACK, or the slow ones that others are held to.",
)
@click.option(
    "--runs", type=click.IntRange(min=1), help="Timed inferences of each model; by default about half a second of them."
)
@click.option(
    "--launches", type=click.IntRange(min=1), default=5, show_default=True, help="New processes for each model."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds that a runtime may take for one answer before it is stopped.",
)
@click.option("--cpu", help="Processor of the runtime arm64, such as cortex-a53.")
@click.option("--config", help="NPU of the runtime ethos_u, such as ethos-u55-256.")
@click.option("--profile", is_flag=True, help="Show where the time goes, by operator.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the figures to a .html or .png file.")
@click.option("--baseline", type=click.Path(path_type=Path), help="File with what an earlier run printed with --json.")
@click.option("--fail-if", "gates", multiple=True, metavar="RULE", help='Gate, such as "arm64.instructions > 1 %".')
@options.overwrite
@options.json
@options.debug
def command(
    models: tuple[Path, ...],
    runtimes: tuple[str, ...],
    threads: int,
    kernels: Any,
    runs: int | None,
    launches: int,
    time_limit: float,
    cpu: str | None,
    config: str | None,
    profile: bool,
    plot: Path | None,
    baseline: Path | None,
    gates: tuple[str, ...],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure MODELS. On this host they run in turns, so that a change of the machine's load affects all of them alike.

    The times of this host are a proxy, never a phone's; arm64, cortex_m, riscv, ethos_u and tflm count instructions,
    cycles and memory, which repeat. Every model is compared with the first. A model that fails is reported and the
    others go on; the exit code is then 1.

    A gate, RUNTIME.METRIC > N % (or > N, in the metric's unit), says by how much a figure may rise against the
    baseline; where one rises more, the exit code is 3. A time counts only where its whole interval is above. Metrics:
    latency_ms.p50, instructions, arena_bytes, flash_bytes, weights_bytes, ram_bytes, stack_bytes, cycles, sram_bytes,
    encoded_weight_bytes, peak_memory_bytes, bytes.

    \b
    edgekit benchmark float32.tflite int8.tflite --plot latency.html
    edgekit benchmark model.tflite --runtime arm64 --runtime tflm --json > baseline.json
    edgekit benchmark model.tflite --runtime arm64 --baseline baseline.json --fail-if "arm64.instructions > 1 %"
    """
    from edgekit.measure import gate, latency

    runtimes = _with_variants(runtimes, {"cpu": cpu, "config": config})
    rules = [gate.parse_gate(text, runtimes) for text in gates]
    if rules and baseline is None:
        raise UsageError("--fail-if compares with a baseline.", remedy="Add --baseline FILE.")
    old = gate.read_baseline(baseline) if baseline else None
    if old is not None:
        gate.check_baseline([str(model) for model in models], old, rules)
    draw = _plotter(plot, overwrite) if plot else None
    with output.progress("turns", quiet=as_json) as progress:
        report = latency.benchmark(
            models,
            runtimes=runtimes,
            threads=threads,
            runs=runs,
            launches=launches,
            kernels=kernels,
            profile=profile or as_json,
            time_limit=time_limit,
            progress=progress,
        )
    data = report.as_dict()
    failed = [r for r in report.results if r.error]
    if old is not None:
        data["gate"] = _judged(data, old, rules)
    if as_json:
        output.print_json(data)
    else:
        _show(data, profile=profile)
        for r in failed:
            output.log(f"Error: {r.model} on {r.runtime}: {r.error}")
    if draw is not None:
        draw(report)
        output.log(f"Plot: {plot}")
    verdict: dict[str, Any] = data.get("gate") or {}  # type: ignore[assignment]
    if verdict.get("error"):
        output.log(f"Error: {verdict['error']}")
    if failed or verdict.get("error"):
        raise click.exceptions.Exit(1)
    if verdict.get("tripped"):
        raise click.exceptions.Exit(REGRESSED)


def _plotter(path: Path, overwrite: bool) -> Callable[[BenchmarkReport], None]:
    from edgekit.report.benchmark_page import plotter

    return plotter(path, overwrite=overwrite)


def _with_variants(runtimes: tuple[str, ...], options: dict[str, str | None]) -> tuple[str, ...]:
    """`--cpu X` makes arm64:X of arm64; what names its variant itself stays."""
    from edgekit.runtimes import load_runtime, runtime_names

    for option, value in options.items():
        if value is None:
            continue
        variants = {name: load_runtime(name).variants for name in runtime_names()}
        runtime = next(name for name, kind in variants.items() if kind is not None and kind.option == option)
        if runtime not in runtimes:
            raise UsageError(
                f"--{option} belongs to the runtime {runtime}.",
                received=f"--runtime {', '.join(runtimes)}",
                remedy=f"Add --runtime {runtime}.",
            )
        runtimes = tuple(f"{name}:{value}" if name == runtime else name for name in runtimes)
    return runtimes


def _judged(data: dict[str, Any], old: dict[str, Any], rules: list[Gate]) -> dict[str, Any]:
    from edgekit.measure import gate

    checks: list[Check] = []
    error = None
    try:
        checks = gate.judge(data, old, rules) if rules else gate.changes(data, old)
    except DataError as problem:  # the results are shown all the same
        error = str(problem)
    return {
        "checks": [check.as_dict() for check in checks],
        "notes": gate.notes(data, old, checks),
        "tripped": any(check.tripped for check in checks),
        "error": error,
    }


def _show(data: dict[str, Any], *, profile: bool) -> None:
    from edgekit.report.benchmark_text import comparison_rows

    _show_latencies(data["results"])
    _show_counts(data["results"])
    columns, rows = comparison_rows(data["comparisons"])
    if rows:
        output.table(f"Times the figure of {data['comparisons'][0]['against']}", columns, rows)
    if profile:
        _show_profiles(data["results"])
    noise = data["noise"]
    if noise and noise["reasons"]:
        click.echo(f"The machine was {noise['level']}: {'; '.join(noise['reasons'])}.")
    _show_notes(data["caveats"])
    verdict = data.get("gate") or {"checks": [], "notes": []}
    for check in verdict["checks"]:
        click.echo(("REGRESSED " if check["tripped"] else "ok ") + check["message"])
    _show_notes(verdict["notes"])


def _show_latencies(results: list[dict[str, Any]]) -> None:
    from edgekit.report.benchmark_text import time_rows

    for kind in dict.fromkeys(r["latency_kind"] for r in results if r["latency_ms"]):
        timed = [r for r in results if r["latency_kind"] == kind]
        threads = f"{timed[0]['threads']} thread{'s' * (timed[0]['threads'] > 1)}"
        place = f"this host ({threads}): a proxy, not a phone's" if kind == "host proxy" else f"the {kind} ({threads})"
        columns, rows = time_rows(timed)
        output.table(f"Latency on {place}", columns, rows)


def _show_counts(results: list[dict[str, Any]]) -> None:
    from edgekit.report.benchmark_text import count_rows

    for runtime in dict.fromkeys(r["runtime"] for r in results):
        told = [r for r in results if r["runtime"] == runtime]
        columns, rows = count_rows(told)
        if rows:
            output.table(f"{runtime}: one inference", columns, rows)
        for board in dict.fromkeys(r["measured_on"]["board"] for r in told if r["measured_on"]):
            click.echo(f"{runtime}: measured on the emulated board {board}")


def _show_profiles(results: list[dict[str, Any]]) -> None:
    from edgekit.report.benchmark_text import profile_rows

    for result in results:
        if result["profile"]:
            columns, rows = profile_rows(result["profile"])
            output.table(f"{result['model']} on {result['runtime']}, by operator", columns, rows)
        elif result["error"] is None:
            reason = result["profile_note"] or f"{result['runtime']} gives no profile"
            click.echo(f"{result['model']} on {result['runtime']}: no profile ({reason})")


def _show_notes(notes: list[str]) -> None:
    for note in notes:
        click.echo(f"Note: {note}")

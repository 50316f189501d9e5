"""What every step's file costs on the recipe's runtimes, taken in one run so that files can be compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edgekit.figures import FIGURES
from edgekit.keras.types import KerasModel
from edgekit.measure.environment import environment
from edgekit.measure.latency import BenchmarkResult, benchmark
from edgekit.observer import Observer, StepFinished, StepStarted, logger
from edgekit.pipeline.measured import Measured
from edgekit.pipeline.records import check_fields
from edgekit.pipeline.store import StepStore, step_key
from edgekit.runtimes import load_runtime
from edgekit.target import Target
from edgekit.tensors import Array
from edgekit.versions import versions
from edgekit_converters.tflite import ConvertSpec, converted

__all__ = ["Figures", "count_instructions", "measure_figures"]

_log = logger(__name__)

ENOUGH = 8
"""Samples that give an int8 file some ranges: which ones changes no count of instructions."""


@dataclass(frozen=True)
class Figures:
    """Costs of one inference; None where no runtime of the recipe tells.

    Attributes:
        latency_ms, latency_low, latency_high: Median with its 95 % interval on the first runtime; a host proxy.
        counts: What the runtimes counted, by the names of `edgekit.figures.FIGURES`.
    """

    latency_ms: float | None = None
    latency_low: float | None = None
    latency_high: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


def measure_figures(
    store: StepStore, steps: Sequence[Measured], runtimes: Sequence[str], observer: Observer
) -> Mapping[str, Figures]:
    """Measure every step's file on every runtime, those with a clock in turns.

    A file that a runtime cannot run lacks that runtime's figures, and a note says why.

    Returns:
        By sha256 of the file.
    """
    files = {done.step.sha256: done.tflite for done in steps}
    key = step_key(sorted(files), list(runtimes), versions(), _machine(runtimes))
    with store.claimed("measure", key, lambda _, record: _is_whole(record, files.keys())) as found:
        cached = found is not None
        if found is None:
            observer(StepStarted("measure", key))
            found, lasting = _measured(files, runtimes)
            if lasting:
                with store.writing("measure", key) as (_, record):
                    record |= found
    observer(StepFinished("measure", key, cached))
    return {sha: _figures(values) for sha, values in found["figures"].items()}


def _measured(files: Mapping[str, Path], runtimes: Sequence[str]) -> tuple[dict[str, Any], bool]:
    """The record of figures, and whether it lasts.

    What a runtime refuses stays so; one that is missing may come, and what was too slow or was ended may go another
    time.
    """
    _log.info(f"measure: {len(files)} files on {', '.join(runtimes)}")
    report = benchmark(list(files.values()), runtimes=tuple(runtimes))
    gathered: dict[str, dict[str, float | None]] = {sha: {} for sha in files}
    by_path = {str(path): sha for sha, path in files.items()}
    missing = {name: reason for name in runtimes if (reason := load_runtime(name).probe())}
    for result in report.results:
        if result.error and result.runtime not in missing:
            _log.info(f"measure: {result.model} on {result.runtime}: {result.error}")
        gathered[by_path[result.model]] |= _told(result, first=result.runtime == runtimes[0])
    for name, reason in missing.items():
        _log.info(f"measure: {name}: {reason}")
    return {"figures": gathered}, not missing and not any(result.passing for result in report.results)


def _machine(runtimes: Sequence[str]) -> list[object]:
    """What times depend on beside files and versions: this machine, where the first runtime is timed on it."""
    if not load_runtime(runtimes[0]).timed_here:
        return []
    around = environment()
    return [around["cpu"], around["cores"], around["platform"]]


def count_instructions(model: KerasModel, target: Target, samples: Array) -> int:
    """Convert a tf_keras model (to int8 where the target runs it) and count the arm64 instructions of one inference.

    Raises:
        ConversionError: The model cannot be converted.
        RuntimeFailed: The runtime arm64 is missing, or does not run the file.
    """
    runtime = load_runtime("arm64")
    with TemporaryDirectory() as folder:
        path, spec = (
            Path(folder) / "model.tflite",
            ConvertSpec(format="int8" if "int8" in target.formats else "float32"),
        )
        path.write_bytes(converted(model, spec.resolved(), samples[:ENOUGH] if spec.needs_calibration else None))
        counted = runtime.measure(path)["instructions"]
    assert counted is not None
    return counted


_TIMES = ("latency_ms", "latency_low", "latency_high")


def _figures(values: Mapping[str, Any]) -> Figures:
    times = {name: values.get(name) for name in _TIMES}
    return Figures(**times, counts={name: values[name] for name in FIGURES if name in values})


def _is_whole(record: dict[str, Any], files: Collection[str]) -> bool:
    """Whether a record of an earlier run holds figures of exactly these files."""
    try:
        figures = check_fields(record, {"figures": dict[str, Any]}, "")["figures"]
        for sha, values in figures.items():
            known = {
                k: float if k in _TIMES else int for k in check_fields(values, {}, sha) if k in (*_TIMES, *FIGURES)
            }
            check_fields(values, known, sha)
    except ValueError:
        return False
    return bool(figures.keys() == set(files))


def _told(result: BenchmarkResult, *, first: bool) -> dict[str, float | None]:
    """The figures in one result: latency only from the first runtime, counts from whichever has them."""
    told: dict[str, float | None] = dict(result.figures)
    if first and result.latency_ms is not None:
        took = result.latency_ms
        told |= {"latency_ms": took.p50, "latency_low": took.low, "latency_high": took.high}
    return told

"""What TensorFlow Lite's `benchmark_model` prints, read.

The forms are those of tensorflow/lite/tools/benchmark and core/util/stats_calculator, from TensorFlow 2.4 on: later
versions print percentiles, prefix lines with "INFO: ", and leave out the column [start].
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from edgekit.runtimes import OperatorShare

__all__ = ["AdbLatency", "BenchmarkOutput", "parse_benchmark", "parse_profile"]

_NUMBER = r"[-+.\deE]+"
_COUNT = re.compile(rf"\bcount=(\d+)((?: \w+={_NUMBER})+)")
_FIELD = re.compile(rf"(\w+)=({_NUMBER})")
_TIMINGS = re.compile(
    rf"Inference timings in us: Init: ({_NUMBER}), First inference: ({_NUMBER}), "
    rf"Warmup \(avg\): ({_NUMBER}), Inference \(avg\): ({_NUMBER})"
)
_MEMORY = re.compile(
    rf"emory footprint (?:delta from the start of the tool )?\(MB\): init=({_NUMBER}) overall=({_NUMBER})"
)
_PROFILE = "Operator-wise Profiling Info for Regular Benchmark Runs:"
_INTERNAL = "Delegate internal:"
_TABLE, _TITLE = "Run Order", re.compile(r"={20,} (.+?) ={20,}")
_ROW = re.compile(  # type, [start], [first], avg ms, %, cdf %, KB, times called, name
    r"\s*(?P<type>\S.*?)\s+(?:\d+\.\d+\s+){1,2}(?P<ms>\d+\.\d+)\s+[\d.naif-]+%\s+[\d.naif-]+%\s+-?[\d.]+"
    r"\s+(?P<times>\d+)(?:\s+(?P<name>.*?))?\s*"
)
_PLACE = re.compile(r"\[(.*)\](:\d+)?")
_INTERVAL = 1.96  # standard errors on either side, for 95 %


@dataclass(frozen=True)
class AdbLatency:
    """Milliseconds of one inference, as the tool sums them up on the device; it does not print every run.

    Attributes:
        mean, std, min, max: Over all timed runs.
        low, high: 95 % interval of the mean, from the standard error; takes the runs as independent.
        p5, median, p95: None where the tool is too old to print them.
    """

    mean: float
    std: float
    min: float
    max: float
    low: float
    high: float
    p5: float | None = None
    median: float | None = None
    p95: float | None = None


@dataclass(frozen=True)
class BenchmarkOutput:
    """One call of the tool.

    Attributes:
        runs: Timed inferences: more than asked for where these end too soon, fewer where they take too long.
        latency_ms: Of these.
        init_ms: Loading the model and preparing its kernels.
        first_ms: First inference.
        warmup_ms: Mean of the inferences before the timed ones.
        init_bytes, peak_memory_bytes: What the process grew by, at loading and in all; approximate. None where the
            device does not tell.
    """

    runs: int
    latency_ms: AdbLatency
    init_ms: float
    first_ms: float
    warmup_ms: float
    init_bytes: int | None = None
    peak_memory_bytes: int | None = None


def parse_benchmark(text: str) -> BenchmarkOutput:
    """Read times and memory.

    Raises:
        ValueError: The text breaks off before them, or is something else.
    """
    timings = _TIMINGS.search(text)
    if timings is None:
        raise ValueError("no line of inference timings")
    counts = list(_COUNT.finditer(text, 0, timings.start()))
    if not counts or int(counts[-1][1]) < 1:
        raise ValueError("no line of counted runs")
    runs, told = int(counts[-1][1]), {name: float(us) / 1000 for name, us in _FIELD.findall(counts[-1][2])}
    init, first, warmup, mean = (float(us) / 1000 for us in timings.groups())
    if not all(map(math.isfinite, (init, first, warmup, mean, *told.values()))):
        raise ValueError("timings that are not numbers")
    std = told.get("std", 0.0)  # left out where all runs took the same time
    error = _INTERVAL * std / math.sqrt(runs)
    latency = AdbLatency(
        mean=mean,
        std=std,
        min=told.get("min", mean),
        max=told.get("max", mean),
        low=mean - error,
        high=mean + error,
        p5=told.get("p5"),
        median=told.get("median"),
        p95=told.get("p95"),
    )
    memory = _MEMORY.search(text)
    init_bytes, peak = (round(float(mib) * 2**20) for mib in memory.groups()) if memory else (None, None)
    return BenchmarkOutput(runs, latency, init, first, warmup, init_bytes, peak)


def parse_profile(text: str) -> tuple[OperatorShare, ...] | None:
    """Read the table of operators: those of the main graph, with a delegate's own in the delegate's place.

    Values are milliseconds of one inference: the table's mean of one call times the calls.

    Returns:
        Operators by share, largest first; None where the text holds no such table.
    """
    _, found, text = text.partition(_PROFILE)
    if not found:
        return None
    main, _, internal = text.partition(_INTERNAL)
    rows, inner = _rows(main), _rows(internal)
    if inner:
        rows = [row for row in rows if not row[0].endswith("Delegate")] + inner
    total = sum(ms for _, _, ms in rows)
    if total <= 0:
        return None
    shares = (OperatorShare(kind, name, ms / total, ms, "ms") for kind, name, ms in rows)
    return tuple(sorted(shares, key=lambda share: -share.value))


def _rows(text: str) -> list[tuple[str, str, float]]:
    """Operator, name and milliseconds of each row of the first table in run order: the main graph's."""
    rows: list[tuple[str, str, float]] = []
    inside = False
    for line in text.splitlines():
        if title := _TITLE.search(line):
            if inside:
                break
            inside = title[1] == _TABLE
        elif inside and (row := _ROW.fullmatch(line)):
            name = row["name"] or str(len(rows))
            place = _PLACE.fullmatch(name)
            rows.append((row["type"], place[1] if place else name, float(row["ms"]) * max(1, int(row["times"]))))
    return rows

"""One model on one runtime: which way it is measured, and its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import tflite
from edgekit.artifact import sha256_of
from edgekit.errors import EdgekitError, ModelRefused
from edgekit.figures import FIGURES, told_by
from edgekit.measure._timing import Timed, one_line
from edgekit.measure.comparison import Comparison, compare_counts, compare_times
from edgekit.measure.noise import spread
from edgekit.measure.statistics import median_by_turns
from edgekit.runtimes import DeviceTimes, Kernels, OperatorShare, load_runtime

__all__ = ["Job", "Latency", "Result", "compare_all"]

_HOST = "host proxy"


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one inference: mean, min, median (p50) with its 95 % interval (low, high), p90, p99.

    A device's own tool may not tell p50, p90 and p99, which are then None; low and high are then the mean's.
    """

    mean: float
    min: float
    p50: float | None
    p90: float | None
    p99: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """One model on one runtime; what the runtime does not tell is None.

    Attributes:
        model: Path, as given.
        runtime, threads: What ran it.
        runs: Timed inferences; 0 where it failed or is not timed.
        latency_ms: None where it failed or is not timed.
        peak_memory_bytes: The child's highest resident set after the runtime was imported, less the one then: model,
            arena, kernels' scratch and packed weights.
        error: One line, or None.
        passing: The error may be another time's, such as of a process that was ended; not told in JSON.
        bytes, sha256: Bytes and sha256 of the file; None where it cannot be read.
        kernels: TFLite's choice of kernels, on its interpreters.
        launches, turns: How often the model was loaded in a new process, and how many turns it had in all.
        latency_kind: "host proxy", "device" or "emulated device".
        turn_spread: The middle half of the turns' medians, as a fraction of their median.
        warm_up_runs, warm_up_stable: Untimed inferences, and whether times had become stable.
        switches: Involuntary context switches during timed inferences.
        figures: What the runtime counted, by the names of `edgekit.figures.FIGURES`.
        profile: Operators by share, largest first.
        profile_note: Why there is no profile although it was asked for.
        warnings: What the runtime is known to answer wrongly of this model, one sentence each.
        measured_on: What the figures hold for, such as board, emulator and compiler; None where the runtime's name says
            all.
    """

    model: str
    runtime: str
    threads: int
    runs: int = 0
    latency_ms: Latency | None = None
    peak_memory_bytes: int | None = None
    error: str | None = None
    passing: bool = False
    bytes: int | None = None
    sha256: str | None = None
    kernels: str | None = None
    launches: int = 0
    turns: int = 0
    latency_kind: str | None = None
    turn_spread: float | None = None
    warm_up_runs: int | None = None
    warm_up_stable: bool | None = None
    switches: int | None = None
    figures: Mapping[str, int] = field(default_factory=dict)
    profile: tuple[OperatorShare, ...] | None = None
    profile_note: str | None = None
    warnings: tuple[str, ...] = ()
    measured_on: Mapping[str, str | int] | None = None

    def as_dict(self) -> dict[str, object]:
        """JSON-ready: every figure a key of its own, None where it is not told."""
        told = asdict(self)
        counted = told.pop("figures")
        del told["passing"]
        return {**told, **dict.fromkeys(FIGURES), **counted}


class Job:
    """A model on a runtime, measured in the way that the runtime allows.

    Args:
        model: Its path.
        runtime: Name of a runtime or variant.
        read: Reads and verifies the file, once for all that measure it.
        threads, kernels, time_limit: As for `edgekit.measure.latency.benchmark`.
    """

    def __init__(
        self,
        model: Path,
        runtime: str,
        read: Callable[[Path], tflite.Model],
        *,
        threads: int,
        kernels: Kernels,
        time_limit: float,
    ) -> None:
        self._read = partial(read, model)
        self._kernels: Kernels = kernels
        self._threads, self._limit = threads, time_limit
        self._runtime = load_runtime(runtime)
        executor, timer = self._runtime.executor, self._runtime.timer
        self.timed: Timed | None = None
        if executor is not None and self._runtime.timed_here:
            kernels = kernels if len(executor.kernels) > 1 else "default"
            self.timed = Timed(self._read, executor, runtime, threads=threads, kernels=kernels, time_limit=time_limit)
        choice = executor is not None and len(executor.kernels) > 1
        size = model.stat().st_size if model.is_file() else None
        self._result = Result(
            str(model),
            runtime,
            threads if self.timed is not None or timer is not None else 1,
            bytes=size,
            sha256=sha256_of(model) if size is not None else None,
            kernels=kernels if choice else None,
        )

    def count(self, runs: int | None) -> None:
        """Ask the runtime's meter, and the tool of its device, for what they tell."""
        try:
            if self._runtime.timer is not None:
                took = self._runtime.timer.time(self._read(), threads=self._threads, runs=runs, time_limit=self._limit)
                self._result = replace(self._result, **_of_device(took))
            if self._runtime.meter is not None:
                counted = self._runtime.meter.measure(self._read(), time_limit=self._limit)
                self._result = replace(
                    self._result,
                    figures=counted.values,
                    profile=counted.profile or self._result.profile,
                    measured_on=counted.measured_on,
                )
        except EdgekitError as error:
            self._result = replace(self._result, error=one_line(error), passing=not isinstance(error, ModelRefused))

    def take_profile(self) -> None:
        """Ask a runtime that takes turns for the operators' shares; that it cannot tell is no failure."""
        if self.timed is None or self.timed.error is not None or self._result.profile is not None:
            return
        note = f"the runtime {self._result.runtime} has no profiler"
        shares = None
        if self._runtime.profiler is not None:
            try:
                shares = self._runtime.profiler.profile(
                    self._read(), threads=self._threads, kernels=self._kernels, time_limit=self._limit
                )
            except EdgekitError as error:
                note = one_line(error)
        self._result = replace(self._result, profile=shares, profile_note=None if shares else note)

    def result(self, seed: int) -> Result:
        """What has been found."""
        timed = self.timed
        if timed is None:
            return self._result
        if timed.error is not None or self._result.error is not None:
            if self._result.error is not None:
                return self._result
            return replace(self._result, error=timed.error, passing=timed.passing)
        by_turns = timed.by_turns()
        ms = np.concatenate(timed.turns) / 1e6
        p50, low, high = median_by_turns([turn / 1e6 for turn in timed.turns], by_turns.launches, seed=seed)
        p90, p99 = (float(value) for value in np.quantile(ms, [0.9, 0.99]))
        return replace(
            self._result,
            runs=len(ms),
            latency_ms=Latency(float(ms.mean()), float(ms.min()), p50, p90, p99, low, high),
            peak_memory_bytes=timed.peak_memory,
            launches=int(by_turns.launches[-1]) + 1,
            turns=len(timed.turns),
            latency_kind=_HOST,
            turn_spread=spread(by_turns.medians),
            warm_up_runs=timed.warm_up_runs,
            warm_up_stable=timed.stable,
            switches=timed.switches,
            warnings=tuple(map(str, self._runtime.wrong_answers(self._read()))),
        )

    def close(self) -> None:
        """End the child process, if one is alive."""
        if self.timed is not None:
            self.timed.close()


def _of_device(took: DeviceTimes) -> dict[str, Any]:
    """Fields of a result that a device's own tool tells."""
    return {
        "runs": took.runs,
        "latency_ms": Latency(took.mean, took.min, took.median, None, None, took.low, took.high),
        "peak_memory_bytes": took.peak_memory_bytes,
        "latency_kind": "emulated device" if took.emulated else "device",
        "launches": 1,
        "turns": 1,
        "profile": took.profile,
    }


def compare_all(jobs: Sequence[Job], results: Sequence[Result], seed: int) -> tuple[Comparison, ...]:
    """Every other model against the first one on the same runtime, where both could be measured."""
    found = []
    firsts: dict[str, tuple[Job, Result]] = {}
    for job, result in zip(jobs, results, strict=True):
        first_job, first = firsts.setdefault(result.runtime, (job, result))
        if first is result or result.error is not None or first.error is not None:
            continue
        place = result.model, result.runtime
        if job.timed is not None and first_job.timed is not None:
            found.append(
                compare_times(*place, job.timed.by_turns(), first.model, first_job.timed.by_turns(), seed=seed)
            )
        for metric, figure in told_by([result.runtime]).items():
            own, other = result.figures.get(metric), first.figures.get(metric)
            if figure.compares and own and other:
                exact = figure.compares == "exact"
                found.append(compare_counts(*place, own, first.model, other, metric=metric, exact=exact))
    return tuple(found)

"""What one inference costs: time and memory, side by side in child processes; and what device-side runtimes count."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path

import numpy as np

from edgekit import tflite
from edgekit.errors import UsageError
from edgekit.figures import told_by
from edgekit.measure._results import Job, Latency, Result, compare_all
from edgekit.measure.comparison import Comparison
from edgekit.measure.environment import environment, load
from edgekit.measure.noise import Noise, judge, spread
from edgekit.observer import logger
from edgekit.readable import Readable, Rows
from edgekit.runtimes import Kernels, check_kernels, load_runtime

__all__ = ["NOTE", "BenchmarkReport", "BenchmarkResult", "Latency", "benchmark"]

NOTE = "host proxy: measured on this machine's CPU, not on a phone or microcontroller; it ranks models, at best"

BenchmarkResult = Result

_log = logger(__name__)

_TURNS = 30  # in all launches together
_RUNS_PER_TURN = 5  # at least, where the number of runs is settled
_SHORTEST_TURNS = 10  # as many turns as runs, up to here
_LAUNCH_SECONDS = 30.0  # after which a launch of slow models takes no more turns
_FEWEST_TURNS = 3


@dataclass(frozen=True)
class BenchmarkReport(Readable):
    """All results of one interleaved run.

    Attributes:
        results: Results in the order of models, then runtimes.
        comparisons: Every other model against the first, on each runtime, by time, instructions or cycles.
        noise: How calm the machine was; None where nothing was timed on it.
        environment: See `edgekit.measure.environment`; `load` is the last minute's at the end, and `load_before` that
            at the start.
        note: What the times are.
    """

    results: tuple[BenchmarkResult, ...]
    environment: dict[str, object]
    note: str = NOTE
    comparisons: tuple[Comparison, ...] = ()
    noise: Noise | None = None
    schema: str = field(default="edgekit.benchmark/1", init=False)

    def as_dict(self) -> dict[str, object]:
        """JSON-ready, with its schema name."""
        return {
            "schema": self.schema,
            "results": [result.as_dict() for result in self.results],
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "noise": self.noise.as_dict() if self.noise else None,
            "environment": self.environment,
            "note": self.note,
            "caveats": list(self.caveats),
        }

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the figures that runtimes counted do not say, one sentence or two each."""
        found = (
            figure.caveat for r in self.results for name, figure in told_by([r.runtime]).items() if name in r.figures
        )
        return tuple(dict.fromkeys(filter(None, found)))

    def title(self) -> str:
        """What the times are."""
        return self.note

    def rows(self) -> Rows:
        """Each model on each runtime: its time, and what the runtime counted."""
        return [(f"{result.model} on {result.runtime}", result.error or _told(result)) for result in self.results]


def _told(result: Result) -> str | None:
    times, counts = result.latency_ms, [f"{value:,} {name}" for name, value in result.figures.items()]
    told = [f"{times.p50 or times.mean:.3f} ms [{times.low:.3f}, {times.high:.3f}]"] if times else []
    return ", ".join([*told, *counts]) or None


def benchmark(
    models: Sequence[Path],
    *,
    runtimes: Sequence[str] = ("litert",),
    threads: int = 1,
    runs: int | None = 50,
    launches: int = 1,
    kernels: Kernels = "default",
    profile: bool = False,
    time_limit: float = 60.0,
    max_warmup: int = 200,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> BenchmarkReport:
    """Take what every model costs on every runtime.

    Runtimes that time themselves take turns, in an order that changes from turn to turn, so that a change of the
    machine's load hits all alike. Each (model, runtime) has a child process of its own, and all are alive throughout a
    launch. The clock runs around the inference only, not around the copying of inputs and outputs. Intervals are those
    of a bootstrap over launches and blocks of turns; with one launch, they leave out what another process of the same
    model would differ by (memory layout: usually below 1 %).

    Runtimes that count (tflm, arm64, cortex_m, ...) are asked once for each model, before; a device with a tool of its
    own (adb) times the models there, one after the other.

    Args:
        models: `.tflite` files; inputs are random by `seed` (float in 0..1, quantised integers over their whole range,
            all other integers 0, because they are usually indices).
        runtimes: Names of runtimes of `edgekit.runtimes`, also of variants such as "arm64:cortex-a53".
        threads: Threads of one inference, on runtimes that time themselves.
        runs: Timed inferences of each; None for 30 turns of about 15 ms.
        launches: How often each model is loaded in a new process. From 3 on, intervals hold.
        kernels: "default", "builtin" or "reference", on TFLite's interpreters.
        profile: Also take the operators' shares where a runtime has a profiler; those that count give them anyway.
        time_limit: Seconds that a runtime may take for one answer before it is ended: the loading of a model, or
            some inferences.
        max_warmup: Untimed inferences of a launch at most; they end when medians of three blocks agree to 3 %.
        seed: Seed of inputs, order of turns and bootstrap.
        progress: Called with (turns done, turns in all).

    Raises:
        UsageError: No such runtime or kernels; no models; fewer than one thread, run or launch; no time.

    A model that fails does not raise: its result says why, and the others go on.
    """
    counts = {"model": len(models), "runtime": len(runtimes), "thread": threads, "launch": launches}
    for name, value in {**counts, "run": 1 if runs is None else runs}.items():
        if value < 1:
            raise UsageError(f"A benchmark needs at least one {name}.", received=value)
    if time_limit <= 0:
        raise UsageError("The time limit is above 0 s.", received=time_limit)
    check_kernels(kernels)
    for runtime in runtimes:
        load_runtime(runtime)
    before, read = load(), cache(tflite.read)
    jobs = [
        Job(Path(model), runtime, read, threads=threads, kernels=kernels, time_limit=time_limit)
        for model in models
        for runtime in runtimes
    ]
    try:
        for job in jobs:
            job.count(runs)
        _take_turns(jobs, _plan(runs, launches), max_warmup, seed, progress)
        if profile:
            for job in jobs:
                job.take_profile()
        results = tuple(job.result(seed) for job in jobs)
    finally:
        for job in jobs:
            job.close()
    for result in results:
        for warning in result.warnings:
            _log.warning(f"{result.model} on {result.runtime}: {warning}")
    around = {**environment(), "load_before": before}
    return BenchmarkReport(
        results, around, comparisons=compare_all(jobs, results, seed), noise=_noise(jobs, before, threads)
    )


def _plan(runs: int | None, launches: int) -> list[list[int | None]]:
    """The inferences of each turn of each launch; None where the turn's length is settled by time."""
    if runs is None:
        return [[None] * len(part) for part in np.array_split(np.arange(_TURNS), min(launches, _TURNS))]
    turns = max(min(runs, _SHORTEST_TURNS), min(_TURNS, runs // _RUNS_PER_TURN))
    sizes: list[int | None] = [len(part) for part in np.array_split(np.arange(runs), turns)]
    return [[sizes[i] for i in part] for part in np.array_split(np.arange(turns), min(launches, turns))]


def _take_turns(
    jobs: Sequence[Job],
    plan: Sequence[Sequence[int | None]],
    max_warmup: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    order = np.random.default_rng(seed)
    timed = [job.timed for job in jobs if job.timed is not None]
    done, total = 0, sum(map(len, plan))
    for launch in plan if timed else ():
        for one in timed:
            one.guard(partial(one.launch, np.random.default_rng(seed), max_warmup))
        started = time.monotonic()
        for turn, runs in enumerate(launch):
            slow = time.monotonic() - started > _LAUNCH_SECONDS
            if not (runs is None and slow and turn >= _FEWEST_TURNS):
                for i in order.permutation(len(timed)):
                    timed[i].guard(partial(timed[i].measure, runs))
            done += 1
            if progress is not None:
                progress(done, total)
        for one in timed:
            one.guard(one.land)
    if not timed and progress is not None:
        progress(total, total)


def _noise(jobs: Sequence[Job], load_before: float | None, threads: int) -> Noise | None:
    timed = [job.timed for job in jobs if job.timed is not None and job.timed.error is None]
    if not timed:
        return None
    known = [one.switches for one in timed if one.switches is not None]
    return judge(
        [spread(one.by_turns().medians) for one in timed],
        switches=sum(known) if known else None,
        seconds=sum(one.seconds() for one in timed),
        load=load_before,
        cores=int(str(environment()["cores"])),
        threads=threads,
    )

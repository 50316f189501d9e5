"""How long one inference takes and how much memory it holds, measured side by side in child processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from edgekit.errors import EdgekitError, ModelError, UsageError
from edgekit.measure.environment import environment
from edgekit.measure.statistics import bootstrap_median
from edgekit.runtimes import Array, TensorSpec, TimedSession, load_runtime

__all__ = ["NOTE", "BenchmarkReport", "BenchmarkResult", "Latency", "benchmark"]

NOTE = "host proxy: measured on this machine's CPU, not on a phone or microcontroller; it ranks models, at best"

_BLOCKS = 10  # turns that each model gets
_STABLE = 0.05  # relative change between medians of two warm-up blocks


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one inference: mean, min, median (p50) with its 95 % interval (low, high), p90, p99."""

    mean: float
    min: float
    p50: float
    p90: float
    p99: float
    low: float
    high: float


@dataclass(frozen=True)
class BenchmarkResult:
    """One model on one runtime.

    Attributes:
        model: Path, as given.
        runtime, threads: What ran it.
        runs: Timed inferences; 0 where it failed.
        latency_ms: None where it failed.
        peak_memory_bytes: The child's highest resident set after the runtime was imported, less the one then: model,
            arena, kernels' scratch and packed weights. None where unknown.
        error: One line, or None.
    """

    model: str
    runtime: str
    threads: int
    runs: int = 0
    latency_ms: Latency | None = None
    peak_memory_bytes: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class BenchmarkReport:
    """All results of one interleaved run, in the order of models, then runtimes."""

    results: tuple[BenchmarkResult, ...]
    environment: dict[str, object]
    note: str = NOTE
    schema: str = field(default="edgekit.benchmark/1", init=False)

    def as_dict(self) -> dict[str, object]:
        return {
            "schema": self.schema,
            "results": [asdict(result) for result in self.results],
            "environment": self.environment,
            "note": self.note,
        }


def benchmark(
    models: Sequence[Path],
    *,
    runtimes: Sequence[str] = ("litert",),
    threads: int = 1,
    runs: int = 50,
    max_warmup: int = 200,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> BenchmarkReport:
    """Time every model on every runtime, in turns, so that a change of the machine's load hits all alike.

    Each (model, runtime) has a child process of its own, and all are alive throughout. The clock runs around the
    inference only, not around the copying of inputs and outputs. The interval is that of a bootstrap, which takes
    inferences as independent.

    Args:
        models: `.tflite` files; inputs are random by `seed` (float in 0..1, quantised integers over their whole range,
            other integers 0 or 1, because they are usually indices).
        runtimes: Names of runtimes of `edgekit.runtimes`.
        threads: Threads of one inference.
        runs: Timed inferences of each.
        max_warmup: Untimed inferences at most; they end when the median of a block is within 5 % of the last one's.
        seed: Of inputs and bootstrap.
        progress: Called with (turns done, turns in all).

    Raises:
        UsageError: No such runtime; no models; fewer than one thread or run.

    A model that fails does not raise: its result says why, and the others go on.
    """
    for name, value in (("models", len(models)), ("runtimes", len(runtimes)), ("threads", threads), ("runs", runs)):
        if value < 1:
            raise UsageError(f"A benchmark needs at least one of: {name}.", received=value)
    for runtime in runtimes:
        load_runtime(runtime)
    pairs = [_Pair(Path(model), runtime, threads) for model in models for runtime in runtimes]
    try:
        for pair in pairs:
            pair.guard(partial(pair.warm_up, np.random.default_rng(seed), max_warmup))
        turns = [len(part) for part in np.array_split(np.arange(runs), min(_BLOCKS, runs))]
        for done, turn in enumerate(turns, 1):
            for pair in pairs:
                pair.guard(partial(pair.measure, turn))
            if progress is not None:
                progress(done, len(turns))
        return BenchmarkReport(tuple(pair.result(seed) for pair in pairs), environment())
    finally:
        for pair in pairs:
            pair.close()


class _Pair:
    """A model on a runtime, while it is measured; after an error it only remembers the error."""

    def __init__(self, model: Path, runtime: str, threads: int) -> None:
        self._model = model
        self._result = BenchmarkResult(str(model), runtime, threads)
        self._session: TimedSession | None = None
        self._took: list[int] = []

    def guard(self, step: Callable[[], None]) -> None:
        if self._result.error is not None:
            return
        try:
            step()
        except EdgekitError as error:
            self._result = replace(self._result, error=" ".join(str(error).split()))
            self.close()

    def warm_up(self, rng: np.random.Generator, most: int) -> None:
        session = load_runtime(self._result.runtime).open(self._model, threads=self._result.threads)
        if not isinstance(session, TimedSession):
            session.close()
            raise UsageError(f"The runtime {self._result.runtime} does not measure time.", remedy="Use litert.")
        self._session = session
        block, last = max(1, most // 20), 0.0
        session.time([_random_input(spec, rng) for spec in session.inputs], 1)
        for _ in range(0, most, block):
            median = float(np.median(session.time([], block)))
            if abs(median - last) <= _STABLE * median:
                break
            last = median

    def measure(self, runs: int) -> None:
        assert self._session is not None
        self._session.time([], 1)  # the others have had the caches
        self._took += self._session.time([], runs)

    def result(self, seed: int) -> BenchmarkResult:
        memory: list[int | None] = []
        if self._session is not None:
            self.guard(lambda: memory.append(self._session.peak_memory() if self._session else None))
        if self._result.error is not None:
            return self._result
        ms = np.asarray(self._took, np.float64) / 1e6
        p50, low, high = bootstrap_median(ms, seed=seed)
        p90, p99 = (float(value) for value in np.quantile(ms, [0.9, 0.99]))
        latency = Latency(float(ms.mean()), float(ms.min()), p50, p90, p99, low, high)
        return replace(self._result, runs=len(ms), latency_ms=latency, peak_memory_bytes=memory[0])

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None


def _random_input(spec: TensorSpec, rng: np.random.Generator) -> Array:
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return rng.random(spec.shape).astype(dtype)
    if dtype.kind == "b" or (dtype.kind in "iu" and spec.scale is None):
        return rng.integers(0, 2, spec.shape).astype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype.name)
        return rng.integers(limits.min, limits.max, spec.shape, dtype=dtype.type, endpoint=True)
    raise ModelError(f"A benchmark needs inputs of numbers; {spec.name!r} is not.", received=spec.dtype)

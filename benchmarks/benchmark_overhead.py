"""What `edgekit benchmark` adds to the times that it reports: ResNet8 under LiteRT against a bare loop.

    python benchmarks/benchmark_overhead.py [MODEL] [--rounds N]

The bare loop is what most people write: ai_edge_litert's Interpreter in this process, `invoke` between two calls of
time.perf_counter_ns. It takes its turn after every turn of the benchmark's child process, so that both meet the same
load; each round loads both anew, because memory layout alone can make a difference.

Prints the ratio of the reported median to the loop's (what must come out: within 5 % of 1) and writes
benchmarks/benchmark_overhead.json.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgekit.measure.environment import environment
from edgekit.measure.latency import benchmark
from edgekit.measure.statistics import bootstrap_median

DATA = Path(os.environ.get("EDGEKIT_DATA", "data"))
TURN_NS = 15_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, default=DATA / "models/ic/pretrainedResnet_quant.tflite")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    rounds = [_round(options.model, seed) for seed in range(options.rounds)]
    ratio = bootstrap_median([r["reported_ms"] / r["loop_ms"] for r in rounds])
    report = {
        "schema": "edgekit.benchmark_overhead/1",
        "model": options.model.name,
        "ratio_to_loop": {"median": ratio.value, "low": ratio.low, "high": ratio.high},
        "rounds": rounds,
        "environment": environment(),
    }
    print(f"reported median / bare loop's: {ratio.value:.4f} [{ratio.low:.4f}, {ratio.high:.4f}]")
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")


def _round(model: Path, seed: int) -> dict[str, float]:
    interpreter = Interpreter(str(model))
    interpreter.allocate_tensors()
    rng = np.random.default_rng(seed)
    for detail in interpreter.get_input_details():
        limits = np.iinfo(detail["dtype"])
        values = rng.integers(limits.min, limits.max, detail["shape"], dtype=detail["dtype"], endpoint=True)
        interpreter.set_tensor(detail["index"], values)
    count = max(1, round(TURN_NS / np.median(_loop(interpreter, 200)[100:])))
    took: list[int] = []

    def turn(done: int, total: int) -> None:
        _loop(interpreter, 1)
        took.extend(_loop(interpreter, count))

    (result,) = benchmark([model], runs=None, seed=seed, progress=turn).results
    if result.error or result.latency_ms is None or result.latency_ms.p50 is None:
        raise SystemExit(result.error)
    reported, loop = result.latency_ms.p50, float(np.median(took)) / 1e6
    print(f"reported {reported:.4f} ms, bare loop {loop:.4f} ms, ratio {reported / loop:.4f}")
    return {"reported_ms": reported, "loop_ms": loop, "runs": result.runs, "loop_runs": len(took)}


def _loop(interpreter: Interpreter, runs: int) -> list[int]:
    took = []
    for _ in range(runs):
        start = time.perf_counter_ns()
        interpreter.invoke()
        took.append(time.perf_counter_ns() - start)
    return took


if __name__ == "__main__":
    main()

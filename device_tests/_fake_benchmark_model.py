"""In the place of TensorFlow Lite's benchmark_model: runs the model for real, on an emulated arm64 processor.

It knows the flags that EdgeKit gives, and prints in the real tool's form what it measured of the emulator. It has no
profile of operators to tell, and so names the whole graph as one, as the real tool does where a delegate takes it all.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.runtimes.arm64 import RUNTIME, Arm64Session

KNOWN = {
    "graph": "",
    "num_threads": "-1",
    "num_runs": "50",
    "min_secs": "1",
    "max_secs": "150",
    "warmup_runs": "1",
    "warmup_min_secs": "0.5",
    "use_xnnpack": "true",
    "enable_op_profiling": "false",
    "input_layer": "",
    "input_layer_shape": "",
    "input_layer_value_files": "",
    "output_filepath": "",
}


def main() -> int:
    given = dict(argument.removeprefix("--").split("=", 1) for argument in sys.argv[1:])
    print("INFO: STARTING!", flush=True)
    if unknown := set(given) - set(KNOWN):
        print(f"ERROR: Unconsumed cmdline flags: {sorted(unknown)}", file=sys.stderr)
        return 1
    flags = {**KNOWN, **given}
    print(f"INFO: Graph: [{flags['graph']}]")
    begin = time.perf_counter()
    try:
        session = RUNTIME.open(Path(flags["graph"]))
    except EdgekitError as error:
        print(f"ERROR: {error}\nERROR: Benchmarking failed.", file=sys.stderr)
        return 1
    init = _us(begin)
    with session:
        return _benchmark(session, flags, init)


def _benchmark(session: Arm64Session, flags: dict[str, str], init: int) -> int:
    print(f"INFO: Initialized session in {init / 1000}ms.")
    rng = np.random.default_rng(0)
    inputs = [(rng.random(spec.shape) * 9).astype(spec.dtype) for spec in session.inputs]
    files = [item.split(":", 1)[1] for item in flags["input_layer_value_files"].split(",") if item]
    shapes = [tuple(map(int, shape.split(","))) for shape in flags["input_layer_shape"].split(":") if shape]
    if files:
        if [spec.shape for spec in session.inputs] != shapes:
            print(f"ERROR: Inputs mismatch: {shapes}", file=sys.stderr)
            return 1
        inputs = [
            np.fromfile(file, spec.dtype).reshape(spec.shape) for file, spec in zip(files, session.inputs, strict=True)
        ]
    outputs: list[np.ndarray] = []

    def series(least: int, seconds: float) -> list[int]:
        print(
            f"INFO: Running benchmark for at least {least} iterations and at least {seconds:g} seconds but "
            f"terminate if exceeding {flags['max_secs']} seconds."
        )
        took: list[int] = []
        start = time.monotonic()
        while len(took) < least or time.monotonic() < start + seconds:
            if time.monotonic() > start + float(flags["max_secs"]):
                break
            begin = time.perf_counter()
            outputs[:] = session.run(inputs)
            took.append(_us(begin))
        print(f"INFO: {_count(took)}\n")
        return took

    warmup = series(int(flags["warmup_runs"]), float(flags["warmup_min_secs"]))
    took = series(int(flags["num_runs"]), float(flags["min_secs"]))
    print(
        f"INFO: Inference timings in us: Init: {init}, First inference: {(warmup + took)[0]}, "
        f"Warmup (avg): {_general(np.mean(warmup) if warmup else 0)}, Inference (avg): {_general(np.mean(took))}"
    )
    if flags["enable_op_profiling"] == "true":
        _print_profile(took)
    if flags["output_filepath"]:
        Path(flags["output_filepath"]).write_bytes(b"".join(values.tobytes() for values in outputs))
    return 0


def _print_profile(took: list[int]) -> None:
    mean, first = np.mean(took) / 1000, took[0] / 1000
    heads = ("[node type]", "[first]", "[avg ms]", "[%]", "[cdf%]", "[mem KB]", "[times called]")
    cells = ("TfLiteXNNPackDelegate", f"{first:.3f}", f"{mean:.3f}", "100.000%", "100.000%", "0.000", "1")
    print("INFO: Operator-wise Profiling Info for Regular Benchmark Runs:")
    print("=" * 30, "Run Order", "=" * 30)
    print("\t", "\t".join(f"{head:>16}" for head in heads), "\t[Name]", sep="")
    print("\t", "\t".join(f"{cell:>16}" for cell in cells), "\t[graph]:0", sep="")
    print(f"\n{'=' * 30} Top by Computation Time {'=' * 30}\n")


def _count(took: list[int]) -> str:
    if not took:
        return "count=0"
    if min(took) == max(took):
        return f"count={len(took)} curr={took[-1]}" + (" (all same)" if len(took) > 1 else "")
    return (
        f"count={len(took)} first={took[0]} curr={took[-1]} min={min(took)} max={max(took)} "
        f"avg={_general(np.mean(took))} std={int(np.std(took))}"
    )


def _general(value: float) -> str:
    return f"{value:.6g}"


def _us(begin: float) -> int:
    return round((time.perf_counter() - begin) * 1e6)


if __name__ == "__main__":
    sys.exit(main())

"""What the Android export costs: CPU seconds of the command, and time and memory that the wrapper adds to a model.

    EDGEKIT_DATA=... python benchmarks/android.py [--rounds N]

MobileNet (0.25, 128 x 128, uint8) of the data sets' folder is exported as a module and as an AAR in Java and in
Kotlin, in turns: CPU seconds are user and system time of the command and its children, with bytecode at hand, as pip
leaves it. Then `classify(Bitmap)` of the wrapper, with an image of the model's size, and the interpreter alone with
the same settings (one thread, TFLite's own kernels, version 2.6.0) run in turns in one JVM, under Android's framework
(Robolectric, API 34); `com.sun.management.ThreadMXBean` counts the bytes that a thread allocates. The tools are the
device tests'.

Prints medians and the median of the ratios within a round, with its 95 % interval; writes benchmarks/android.json.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from edgekit.measure.environment import environment
from edgekit.measure.statistics import bootstrap_median

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

MODEL = "tflite/mobilenet_v1_0.25_128_quant.tflite"
SIDE = 128
PACKAGE = "com.example.cost"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--exports", type=int, default=7)
    options = parser.parse_args()
    model = Path(os.environ["EDGEKIT_DATA"]) / "models" / MODEL
    with tempfile.TemporaryDirectory() as folder:
        seconds = _exports(model, Path(folder), options.exports)
        times, allocated = _classified(model, Path(folder), options.rounds)
    ratios = [wrapper / interpreter for wrapper, interpreter in times]
    interval = bootstrap_median(ratios)
    report = {
        "schema": "edgekit.android_cost/1",
        "export_cpu_seconds": {kind: statistics.median(took) for kind, took in seconds.items()},
        "exports": seconds,
        "classify_ms": statistics.median(wrapper for wrapper, _ in times) / 1e6,
        "interpreter_ms": statistics.median(interpreter for _, interpreter in times) / 1e6,
        "ratio": {
            "median": statistics.median(ratios),
            "low": interval.low,
            "high": interval.high,
            "rounds": len(ratios),
        },
        "allocated_bytes_per_run": {
            "wrapper": statistics.median(wrapper for wrapper, _ in allocated),
            "interpreter": statistics.median(interpreter for _, interpreter in allocated),
        },
        "environment": environment(),
    }
    for kind, took in report["export_cpu_seconds"].items():
        print(f"export, {kind:10} {took:.2f} CPU s")
    print(f"classify(Bitmap) {report['classify_ms']:.3f} ms, the interpreter alone {report['interpreter_ms']:.3f} ms")
    print(f"ratio {report['ratio']['median']:.3f} [{interval.low:.3f}, {interval.high:.3f}]")
    print("allocated by a run, bytes: {wrapper:.0f}, of the interpreter {interpreter:.0f}".format(
        **report["allocated_bytes_per_run"]))  # fmt: skip
    (HERE / "android.json").write_text(json.dumps(report, indent=2) + "\n")


def _exports(model: Path, folder: Path, rounds: int) -> dict[str, list[float]]:
    kinds = {"module": [], "aar": ["--aar"], "aar_kotlin": ["--aar", "--language", "kotlin"]}
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for root in (HERE.parent / "edgekit", HERE.parent / "converters"):
        compileall.compile_dir(root, quiet=1)
    for number in range(rounds + 1):  # the first one brings files into memory
        for kind, flags in kinds.items():
            before = _cpu()
            command = [Path(sys.executable).with_name("edgekit"), "export", "android", model, "-o"]
            subprocess.run([*command, folder / f"{kind}{number}", *flags], check=True, capture_output=True)
            if number:
                seconds[kind].append(_cpu() - before)
    return seconds


def _classified(model: Path, folder: Path, rounds: int) -> tuple[list[tuple[int, int]], list[tuple[float, float]]]:
    """Nanoseconds of a call, and bytes that a run allocates: of the wrapper, and of the interpreter."""
    from robolectric import compile_tests, resources, run_tests

    import edgekit

    options = {"package": PACKAGE, "name": "Cost"}
    edgekit.export(model, {"android": options}, folder / "cost")
    main = folder / "cost" / "src" / "main"
    tests = folder / "ClassifyCost.java"
    tests.write_text((HERE / "_android_classify.java").read_text())
    compile_tests([*main.rglob("*.java"), tests], PACKAGE, folder / "classes")
    resources(folder, PACKAGE, main / "assets", folder / "classes")
    told: dict[str, str | Path] = {
        "model": main / "assets" / "edgekit" / PACKAGE / "Cost.tflite",
        "out": folder / "out",
        "rounds": str(rounds),
        "side": str(SIDE),
    }
    run_tests(folder / "classes", f"{PACKAGE}.ClassifyCost", told, compiler=())
    times, allocated = list[tuple[int, int]](), list[tuple[float, float]]()
    for line in (folder / "out").read_text().splitlines():
        kind, wrapper, interpreter = line.split()
        if kind == "time":
            times.append((int(wrapper), int(interpreter)))
        else:
            allocated.append((int(wrapper) / 10, int(interpreter) / 10))
    return times, allocated


def _cpu() -> float:
    used: Any = resource.getrusage(resource.RUSAGE_CHILDREN)
    return float(used.ru_utime + used.ru_stime)


if __name__ == "__main__":
    main()

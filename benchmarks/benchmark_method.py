"""Can `edgekit benchmark` be trusted: does it find no difference where there is none, and a small one where there is?

    python benchmarks/benchmark_method.py [--rounds N]

Three files, all made here from MLPerf Tiny's ResNet8 ($EDGEKIT_DATA/models/ic): its int8 `.tflite`, a copy of that
file, and a variant with about 10 % more MACs (87 instead of 64 channels between the last two 3x3 convolutions). Each
round is one benchmark of the three, as the command makes it by default: 5 launches, 30 turns, in a changing order.

What must come out:
- copy: a ratio of 1.00 inside its own 95 % interval in at least 9 of 10 rounds;
- heavier, arm64 instructions: told apart in every round;
- heavier, host latency: told apart in at least 8 of 10 rounds, or the verdict is "cannot tell".

Prints them and writes benchmarks/benchmark_method.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import _tf, tflite
from edgekit.measure.environment import environment
from edgekit.measure.latency import benchmark
from edgekit_converters.tflite import ConvertSpec, convert_keras

DATA = Path(os.environ.get("EDGEKIT_DATA", "data"))
CHANNELS = 87


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder))
        macs = [tflite.inspect(files[name]).macs or 0 for name in ("base", "heavier")]
        print(f"MACs: {macs[0]:,} and {macs[1]:,} ({macs[1] / macs[0] - 1:+.1%})")
        rounds = [_round(list(files.values()), seed) for seed in range(options.rounds)]
    report = {
        "schema": "edgekit.benchmark_method/1",
        "macs": {"base": macs[0], "heavier": macs[1], "ratio": macs[1] / macs[0]},
        "summary": _summary(rounds),
        "rounds": rounds,
        "environment": environment(),
    }
    print(json.dumps(report["summary"], indent=2))
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")


def _files(folder: Path) -> dict[str, Path]:
    keras = _tf.tf_keras()
    base = keras.models.load_model(DATA / "models/ic/pretrainedResnet.h5", compile=False)
    with np.load(DATA / "cifar10" / "cifar10.npz", allow_pickle=False) as data:
        samples = data["x_train"][:100].astype(np.float32)
    files = {name: folder / f"{name}.tflite" for name in ("base", "copy", "heavier")}
    for name, model in (("base", base), ("heavier", _heavier(base, keras))):
        convert_keras(model, files[name], ConvertSpec(format="int8"), representative=samples)
    shutil.copyfile(files["base"], files["copy"])
    return files


def _heavier(base: Any, keras: Any) -> Any:
    """The same network with more channels inside its last block; weights that no longer fit are new."""
    config = base.get_config()
    convolutions = [layer for layer in config["layers"] if layer["class_name"] == "Conv2D"]
    inner = [layer for layer in convolutions if layer["config"]["filters"] == 64][0]
    assert tuple(inner["config"]["kernel_size"]) == (3, 3)
    inner["config"]["filters"] = CHANNELS
    model = keras.Model.from_config(config)
    for old, new in zip(base.layers, model.layers, strict=True):
        if [w.shape for w in old.weights] == [w.shape for w in new.weights]:
            new.set_weights(old.get_weights())
    return model


def _round(files: list[Path], seed: int) -> dict[str, Any]:
    report = benchmark(files, runtimes=("litert", "arm64"), runs=None, launches=5, seed=seed)
    errors = [result.error for result in report.results if result.error]
    if errors:
        raise SystemExit(f"a model failed: {errors}")
    found = {
        f"{Path(c.model).stem} {c.metric}": {
            k: v for k, v in asdict(c).items() if k in ("ratio", "low", "high", "verdict")
        }
        for c in report.comparisons
    }
    for name, c in found.items():
        print(f"{name:24} {c['ratio']:.4f} [{c['low']:.4f}, {c['high']:.4f}] {c['verdict']}")
    return {
        "comparisons": found,
        "noise": report.noise.as_dict() if report.noise else None,
        "ms": {Path(r.model).stem: r.latency_ms.p50 for r in report.results if r.latency_ms},
        "instructions": {
            Path(r.model).stem: r.figures.get("instructions") for r in report.results if r.figures.get("instructions")
        },
    }


def _summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    copies = [r["comparisons"]["copy latency_ms.p50"] for r in rounds]
    heavier = [r["comparisons"]["heavier latency_ms.p50"] for r in rounds]
    counted = [r["comparisons"]["heavier instructions"] for r in rounds]
    return {
        "rounds": len(rounds),
        "copy_1_inside_interval": sum(c["low"] <= 1 <= c["high"] for c in copies),
        "copy_called_faster_or_slower": sum(c["verdict"] in ("faster", "slower") for c in copies),
        "heavier_told_by_instructions": sum(c["verdict"] == "slower" for c in counted),
        "heavier_told_by_host_latency": sum(c["verdict"] == "slower" for c in heavier),
        "heavier_cannot_tell": sum(c["verdict"] == "cannot tell" for c in heavier),
        "heavier_called_wrong": sum(c["verdict"] in ("faster", "same within noise") for c in heavier),
        "median_ratio_heavier": {
            "host_latency": float(np.median([c["ratio"] for c in heavier])),
            "instructions": float(np.median([c["ratio"] for c in counted])),
        },
    }


if __name__ == "__main__":
    main()

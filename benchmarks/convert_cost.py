"""CPU seconds of `edgekit convert` on a ResNet8 `.h5`, its children counted, against another checkout of EdgeKit.

    git worktree add /tmp/other COMMIT
    python benchmarks/convert_cost.py /tmp/other [--rounds N]

Each round runs the command of both checkouts, in turns and in either order, under this interpreter with its packages:
int8 with 64 calibration samples of random images, and float32. CPU seconds are user and system time of the process and
of all that it started and waited for.

Prints medians and the median of the ratios within a round, with its 95 % interval; writes benchmarks/convert_cost.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.measure.environment import environment
from edgekit.measure.statistics import bootstrap_median

HERE = Path(__file__).parents[1]
FORMATS = ("int8", "float32")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="A checkout of another commit.")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    checkouts = {"this": HERE, "other": options.other.resolve()}
    seconds: dict[str, dict[str, list[float]]] = {f: {name: [] for name in checkouts} for f in FORMATS}
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        for kind in FORMATS:  # once each, so that files are in memory
            for root in checkouts.values():
                _cpu_seconds(root, Path(folder), kind)
        for number in range(options.rounds):
            for kind in FORMATS:
                for name in sorted(checkouts, reverse=number % 2 == 1):
                    seconds[kind][name].append(_cpu_seconds(checkouts[name], Path(folder), kind))
    report = {
        "schema": "edgekit.convert_cost/1",
        "other": _commit(checkouts["other"]),
        "rounds": options.rounds,
        "results": {kind: _result(took) for kind, took in seconds.items()},
        "environment": environment(),
    }
    for kind, found in report["results"].items():
        ratio, took = found["ratio"], found["cpu_seconds"]
        print(
            f"{kind:8} {took['this']:6.1f} CPU s against {took['other']:6.1f}: "
            f"{ratio['median']:.2f}x [{ratio['low']:.2f}, {ratio['high']:.2f}]"
        )
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")


def _write(folder: Path) -> None:
    """The model and its calibration data, made in another process: this one loads no TensorFlow."""
    images = np.random.default_rng(0).random((96, 32, 32, 3), np.float32)
    np.savez(folder / "data.npz", x_train=images, y_train=np.arange(96) % 10)
    code = (
        "from edgekit.keras import build_network, save_model; from pathlib import Path\n"
        f"save_model(build_network('resnet8', (32, 32, 3), 10), Path({str(folder / 'resnet8.h5')!r}))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=_environment(HERE))


def _cpu_seconds(root: Path, folder: Path, kind: str) -> float:
    data = ["--data", str(folder / "data.npz"), "--calibration", "64"] if kind == "int8" else []
    target = folder / f"{root.name}_{kind}.tflite"
    code = "from edgekit.cli import main; main()"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", code, "convert", str(folder / "resnet8.h5"), "--format", kind, *data, "-o", str(target)],
        check=True,
        env=_environment(root),
        cwd=folder,  # else its modules would come from here
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "converters")])}


def _commit(root: Path) -> str:
    said = subprocess.run(["git", "-C", str(root), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return said.stdout.strip()


def _result(took: dict[str, list[float]]) -> dict[str, Any]:
    ratio = bootstrap_median(np.array(took["this"]) / np.array(took["other"]))  # the load cancels
    return {
        "cpu_seconds": {name: float(np.median(s)) for name, s in took.items()},
        "every": took,
        "ratio": {"median": ratio.value, "low": ratio.low, "high": ratio.high},
    }


if __name__ == "__main__":
    main()

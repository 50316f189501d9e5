"""Seconds of a training epoch in mixed bfloat16 against float32, on networks of several sizes.

    python benchmarks/mixed_precision.py [--images N] [--rounds N]

`Trainer.fit` on CIFAR-10 of $EDGEKIT_DATA, batches of 128. Each round trains every network in both precisions, in
turns, from the same weights, for two epochs, of which the second counts: the first one traces the graph. Only
processors with AVX-512 BF16 or AMX gain; the JSON says which flags this one has.

Prints medians with their 95 % intervals and ratios within a round; writes benchmarks/mixed_precision.json.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.data import Dataset, DataSpec, load_data
from edgekit.keras import build_network
from edgekit.measure.environment import environment
from edgekit.measure.statistics import bootstrap_median
from edgekit.training import Objective, Train, Trainer, seed_everything

DATA = Path(os.environ.get("EDGEKIT_DATA", "data"))
NETWORKS = ("vgg_small", "resnet8", "mobilenet_v1")
PRECISIONS = ("float32", "mixed_bfloat16")
FLAGS = ("avx512f", "avx512_bf16", "amx_bf16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1280)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    seconds: dict[str, dict[str, list[float]]] = {n: {p: [] for p in PRECISIONS} for n in NETWORKS}
    with tempfile.TemporaryDirectory() as folder:
        dataset = _dataset(options.images, Path(folder))
        for _ in range(options.rounds):
            for network in NETWORKS:
                for precision in PRECISIONS:
                    seconds[network][precision].append(_epoch(dataset, network, precision, Path(folder)))
    flags = set(Path("/proc/cpuinfo").read_text().split()) if Path("/proc/cpuinfo").is_file() else set()
    report = {
        "schema": "edgekit.mixed_precision/1",
        "images": options.images,
        "rounds": options.rounds,
        "flags": [f for f in FLAGS if f in flags],
        "results": {network: _result(took) for network, took in seconds.items()},
        "environment": environment(),
    }
    for network, found in report["results"].items():
        ratio, took = found["ratio"], found["seconds_per_epoch"]
        print(
            f"{network:14} {took['float32']:6.2f} s in float32, {took['mixed_bfloat16']:6.2f} s mixed: "
            f"{ratio['median']:.2f}x [{ratio['low']:.2f}, {ratio['high']:.2f}]"
        )
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")


def _dataset(images: int, folder: Path) -> Dataset:
    with np.load(DATA / "cifar10" / "cifar10.npz", allow_pickle=False) as data:
        few = {k: data[k][: images if "train" in k else 64] for k in ("x_train", "y_train", "x_test", "y_test")}
    np.savez(folder / "few.npz", **few)
    return load_data(DataSpec(source=str(folder / "few.npz"), calibration=32))


def _epoch(dataset: Dataset, network: str, precision: Any, folder: Path) -> float:
    """Seconds of the second epoch's training steps, without validation."""

    class Clock(_tf.tf_keras().callbacks.Callback):  # type: ignore[misc]
        seconds: float | None = None

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.start, self.seconds = time.perf_counter(), None

        def on_test_begin(self, logs: Any = None) -> None:
            self.seconds = time.perf_counter() - self.start

    seed_everything(0)
    model, clock = build_network(network, dataset.features("train").shape[1:], 10), Clock()
    plan = Train(epochs=2, batch_size=128, precision=precision)
    Trainer(dataset, Objective(), 0, folder / "work", quiet=True).fit(model, plan, name="epoch", callbacks=[clock])
    assert clock.seconds is not None
    return clock.seconds


def _result(took: dict[str, list[float]]) -> dict[str, Any]:
    ratio = bootstrap_median(np.array(took["mixed_bfloat16"]) / np.array(took["float32"]))  # the load cancels
    return {
        "seconds_per_epoch": {p: float(np.median(s)) for p, s in took.items()},
        "seconds": took,
        "ratio": {"median": ratio.value, "low": ratio.low, "high": ratio.high},
    }


if __name__ == "__main__":
    main()

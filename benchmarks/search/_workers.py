"""Two workers against one: trials an hour with one thread each, start-up apart.

The same search (same seed, `random`, so the same candidates in the same order) runs with one worker and with two, in
turns, in new folders. A rate counts the trials that ended between two moments at which all workers were busy: from when
each worker has ended its first trial, which loads TensorFlow and converts for the first time, until no more is started.
Two workers on two cores need a machine that does nothing else. CPU seconds stand beside the rates: where they are the
same for both and the ratio is poor, the machine was not quiet; "waited_seconds_a_trial" tells how long workers had
nothing to do.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from _parts import BENCHMARKS, cpu_seconds, one_thread, part_of, read_yaml, write_json

import edgekit

__all__ = ["arguments", "rate", "run"]

TRAIN, TEST = 4_000, 500
EPOCHS = 2
REPEATS, TRIALS = 3, 6
"""Trials that count for one worker; two have twice as many."""
BAR = 1.8


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="fashion_mnist.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for searches, which are removed")
    parser.add_argument("--short", action="store_true", help="few trials on few samples, once: claims nothing")


def run(options: argparse.Namespace) -> None:
    one_thread()
    trials, repeats, samples = (2, 1, 400) if options.short else (TRIALS, REPEATS, TRAIN)
    data = part_of(options.data, options.out, samples, TEST)
    runs: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for repeat in range(repeats):
        for workers in (1, 2) if repeat % 2 == 0 else (2, 1):
            runs[workers].append(_searched(data, options.out / "search", workers, trials * workers))
            print(repeat, workers, runs[workers][-1], flush=True)
    ratios = [two["trials_an_hour"] / one["trials_an_hour"] for one, two in zip(runs[1], runs[2], strict=True)]
    content = {
        "samples": samples,
        "epochs": EPOCHS,
        "one_worker": runs[1],
        "two_workers": runs[2],
        "ratios": [round(ratio, 3) for ratio in ratios],
        "ratio": round(median(ratios), 3),
        "bar": BAR,
        "met": median(ratios) >= BAR,
    }
    write_json(
        (options.out if options.short else BENCHMARKS) / "search_workers.json", "edgekit.search_workers/1", content
    )


def _searched(data: Path, folder: Path, workers: int, trials: int) -> dict[str, Any]:
    """One search: its rate, and what it cost."""
    shutil.rmtree(folder, ignore_errors=True)
    started, cpu, own = time.monotonic(), cpu_seconds(), time.process_time()
    ended: list[float] = []
    seen: set[int] = set()
    seconds: list[tuple[float, float]] = []

    def watch(progress: Any, result: Any) -> None:
        for trial in result.trials:
            if trial["number"] not in seen and "0" in trial["outcomes"]:
                seen.add(trial["number"])
                outcome = trial["outcomes"]["0"]
                assert outcome["status"] == "done", outcome["reason"]
                ended.append(time.monotonic() - started)
                seconds.append((outcome["seconds"], outcome["cpu_seconds"]))

    # One trial of each worker loads TensorFlow, and the last of each ends while another one may have nothing to do.
    edgekit.search(_search(data), folder, trials=trials + 2 * workers, workers=workers, watch=watch)
    found = rate(ended, workers)
    steady = seconds[workers:]
    shutil.rmtree(folder)
    return {
        "trials": len(ended),
        "counted": found[0],
        "trials_an_hour": round(3600 * found[1], 1),
        "first_ended": round(ended[0], 2),
        "seconds_a_trial": round(median(wall for wall, _ in steady), 3),
        "cpu_seconds_a_trial": round(median(used for _, used in steady), 3),
        "waited_seconds_a_trial": round(workers / found[1] - mean(wall for wall, _ in steady), 3),
        "driver_cpu_seconds_a_trial": round((time.process_time() - own) / len(ended), 3),
        "cpu_seconds": round(cpu_seconds() - cpu, 1),
    }


def rate(ended: Sequence[float], workers: int) -> tuple[int, float]:
    """How many trials count, and how many of them ended in a second, while all workers were busy.

    Args:
        ended: When each trial ended, in seconds, rising.
        workers: How many there were.
    """
    inside = ended[workers - 1 : len(ended) - workers + 1]
    return len(inside) - 1, (len(inside) - 1) / (inside[-1] - inside[0])


def _search(data: Path) -> dict[str, Any]:
    search = read_yaml("fashion_space.yaml")
    train = {**search["train"], "epochs": EPOCHS}
    table = {**search["search"], "objectives": ["accuracy", "model_bytes"], "sampler": "random", "front": 1}
    return {**search, "data": {"source": str(data), "calibration": 64}, "train": train, "search": table}

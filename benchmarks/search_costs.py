"""Costs before training: how well a candidate's plain description tells what its int8 `.tflite` costs.

    python benchmarks/search_costs.py --cache FOLDER [--candidates 200] [--counted 40] [--seconds S]

Draws candidates at random for images of 28 x 28 x 1 and ten classes (Fashion-MNIST's shape) from the families residual,
inverted_residual, separable and tcn, and measures each with random weights: bytes of the file, its arena under TFLite
Micro, and of the first COUNTED the instructions of a Cortex-M4. An estimator is fitted on one half and tested on the
other. Measurements are kept in the folder, so that a run that was ended goes on; after S seconds nothing more is
measured, and what is there is told. Writes benchmarks/search_costs.json.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgekit.keras import describe_network
from edgekit.keras.plain import Description
from edgekit.measure.environment import environment
from edgekit.searching.costs import Costs, Estimator, is_measured, measure_costs

SHAPE, CLASSES = (28, 28, 1), 10
BUDGET = {"model_bytes": 20_000, "arena_bytes": 16 * 1024, "macs": 1_000_000}
SEED = 16
CORE = "cortex_m"
FAMILIES = ("inverted_residual", "residual", "separable", "tcn")


def drawn(number: int) -> tuple[str, dict[str, Any]]:
    """Family and parameters of a candidate; the families take turns."""
    rng = random.Random(SEED * 1_000_003 + number)
    family = FAMILIES[number % len(FAMILIES)]
    values: dict[str, Any] = {
        "stem_width": rng.randint(4, 32),
        "stem_kernel": rng.choice((3, 5)),
        "stem_stride": rng.choice((1, 2)),
        "stem_pool": rng.choice((1, 1, 2)),
        "depth1": rng.randint(1, 2),
        "depth2": rng.randint(0, 2),
        "depth3": rng.randint(0, 2),
        "activation": rng.choice(("relu", "relu6")),
        "multiple": rng.choice((1, 4, 8)),
    }
    for stage, most in ((1, 32), (2, 48), (3, 64)):
        values |= {f"width{stage}": rng.randint(4, most), f"kernel{stage}": rng.choice((3, 5))}
        values[f"stride{stage}"] = rng.choice((1, 2))
    own: dict[str, dict[str, Callable[[], Any]]] = {
        "residual": {"expansion": lambda: rng.choice((0.5, 0.75, 1.0))},
        "inverted_residual": {
            "expansion": lambda: rng.choice((1.0, 2.0, 3.0, 4.0)),
            "head_width": lambda: rng.choice((0, 0, 48)),
        },
        "tcn": {
            "dilation": lambda: rng.choice((1, 2)),
            "padding": lambda: rng.choice(("same", "causal")),
            "separable": lambda: rng.random() < 0.5,
        },
    }
    return family, values | {key: draw() for key, draw in own.get(family, {}).items()}


def candidate(number: int) -> Description:
    family, values = drawn(number)
    return describe_network(family, SHAPE, CLASSES, values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="Where measurements are kept.")
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--counted", type=int, default=40, help="Candidates whose instructions are counted.")
    parser.add_argument("--seconds", type=float, default=9000, help="After which nothing more is measured.")
    options = parser.parse_args()
    measured = _measured(options.cache, options.candidates, options.counted, options.seconds)
    result = report(measured)
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def _measured(cache: Path, candidates: int, counted: int, seconds: float) -> dict[int, Costs]:
    """What is known of each candidate: what is cached, and what can be measured in the time."""
    began, found = time.monotonic(), {}
    for number in range(candidates):
        description = candidate(number)
        counting = (CORE,) if number < counted else ()
        runtimes = ["tflm", *counting]
        if time.monotonic() - began > seconds:
            runtimes = [runtime for runtime in runtimes if is_measured(description, runtime, cache)]
            if "tflm" not in runtimes:
                continue
        found[number] = measure_costs(description, runtimes, cache)
        print(number, drawn(number)[0], dict(found[number].figures), file=sys.stderr, flush=True)
    return found


def report(measured: dict[int, Costs]) -> dict[str, Any]:
    """Estimates against measurements, fitted on one half and tested on the other, both ways.

    The fit begins without the coefficients that are built in, for those have seen both halves.
    """
    halves: tuple[list[tuple[Description, Costs]], ...] = ([], [])
    for number, costs in measured.items():
        halves[number // len(FAMILIES) % 2].append((candidate(number), costs))
    rows: dict[str, list[float]] = {"model_bytes": [], "arena_bytes": [], "instructions": []}
    fitting = thrown = passed = 0
    margins = []
    for fitted, tested in (halves, halves[::-1]):
        estimator = Estimator({}, {}).fit(fitted)
        margins.append(dict(estimator.margins))
        for description, costs in tested:
            estimate = estimator.estimate(description)
            for name in rows:
                if (true := costs[name]) is not None:
                    rows[name].append(estimate.figures[name] / true - 1)
            fits = not costs.broken(BUDGET)
            kept = estimator.may_fit(estimate, BUDGET)
            fitting += fits
            thrown += fits and not kept
            passed += kept and not fits
    return {
        "candidates": len(measured),
        "families": list(FAMILIES),
        "budget": BUDGET,
        "candidates_per_second": round(_speed()),
        "macs_exact": all(candidate(number).macs == costs["macs"] for number, costs in measured.items()),
        "errors": {name: _told(errors) for name, errors in rows.items()},
        "instructions_of": CORE,
        "margins": margins,
        "fitting": fitting,
        "wrongly_thrown_away": thrown,
        "wrongly_kept": passed,
        "environment": environment(),
    }


def _told(errors: list[float]) -> dict[str, float]:
    if not errors:
        return {"tested": 0}
    absolute = sorted(abs(error) for error in errors)
    return {
        "tested": len(errors),
        "median": round(statistics.median(absolute), 5),
        "p90": round(absolute[int(0.9 * (len(absolute) - 1))], 5),
        "largest": round(absolute[-1], 5),
    }


def _speed(count: int = 2000) -> float:
    """Candidates that are drawn, described and estimated in a second of one core."""
    estimator, began = Estimator.built_in(CORE), time.process_time()
    for number in range(count):
        estimator.estimate(candidate(number))
    return count / (time.process_time() - began)


if __name__ == "__main__":
    main()

"""Activations x formats: what the files compute under three runtimes, against Keras; benchmarks/activations.json.

    python benchmarks/activations.py

A cell agrees with Keras, is refused before there is a file, or is a fault: wrong or crashed. It takes about five
minutes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

from _recurrent_runtimes import RUNTIMES  # noqa: E402
from activation_cells import ACTIVATIONS, activation_model, activation_samples  # noqa: E402
from recurrent import FORMATS, LEAST, Child  # noqa: E402

from edgekit.errors import EdgekitError  # noqa: E402
from edgekit.measure.environment import environment  # noqa: E402
from edgekit.measure.statistics import sqnr_db  # noqa: E402
from edgekit_converters.tflite import ConvertSpec, convert_keras  # noqa: E402

COMPARED = 32
"""Samples."""


def cell(name: str, kind: str, runtimes: dict[str, Child]) -> dict[str, Any]:
    """One activation in one format."""
    model, samples = activation_model(name), activation_samples()
    with tempfile.TemporaryDirectory() as text:
        path, given, answers = (Path(text) / part for part in ("m.tflite", "x.npy", "y.npy"))
        try:
            convert_keras(model, path, ConvertSpec.model_validate({"format": kind}), representative=samples)
        except EdgekitError as error:
            return {"verdict": "refused", "reason": str(error)}
        np.save(given, samples[:COMPARED])
        wanted = model.predict(samples[:COMPARED], verbose=0)
        found, lacks = {}, {}
        for runtime, child in runtimes.items():
            said = child.ask({"samples": str(given), "answers": str(answers), "path": str(path)})
            if said is None:
                return {"verdict": "crashed", "reason": f"{runtime} died"}
            if "refused" in said:
                lacks[runtime] = said["refused"]
            else:
                found[runtime] = round(sqnr_db(wanted, np.load(answers)), 1)
    agrees = "litert" in found and min(found.values()) >= LEAST[kind]
    return {"verdict": "agrees" if agrees else "wrong", "db": found, "lacks": lacks}


def main() -> None:
    runtimes = {name: Child(str(HERE / "_recurrent_runtimes.py"), name) for name in RUNTIMES}
    cells: dict[str, dict[str, Any]] = {}
    for name in ACTIVATIONS:
        for kind in FORMATS:
            cells[f"{name} {kind}"] = row = cell(name, kind, runtimes)
            print(f"{name:20} {kind:8} {row['verdict']:8} {row.get('db', row.get('reason', ''))}"[:150], flush=True)
    counts = {k: dict(Counter(r["verdict"] for key, r in cells.items() if key.endswith(f" {k}"))) for k in FORMATS}
    report = {
        "schema": "edgekit.benchmark.activations/1",
        "verdicts": dict(Counter(row["verdict"] for row in cells.values())),
        "by_format": counts,
        "least_db": LEAST,
        "cells": cells,
        "environment": environment(),
    }
    (HERE / "activations.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({"verdicts": report["verdicts"], "by_format": counts}, indent=1))


if __name__ == "__main__":
    main()

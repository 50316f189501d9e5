"""How often a quantisation-aware model and its `.tflite` choose the same class, on trained networks of several kinds.

    python benchmarks/qat_agreement.py [--runs DIR]

Takes the baselines that the headline scripts have trained (`runs/headlines`) and MLPerf Tiny's ResNet8, quantises each
by `qat` without fine-tuning and compares the tf_keras model with its int8 file on the whole test split. The bar: the
same top-1 on at least 99.5 % of the samples.

Prints a line for each and writes benchmarks/qat_agreement.json; a network whose headline was not run is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import edgekit
from edgekit.data import load_data
from edgekit.measure.environment import environment
from edgekit.recipe import parse_recipe

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "headlines"))

from _headline import trained  # noqa: E402
from distillation_text import RECIPE as TEXT  # noqa: E402
from pruning_lenet5 import RECIPE as LENET5  # noqa: E402
from quantization import recipes  # noqa: E402

BAR = 0.995


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=HERE.parent / "runs" / "headlines", help="folder of headline runs")
    options = parser.parse_args()
    found = {}
    for name, recipe, model in trained({**recipes(), "lenet5": LENET5, "text": TEXT}, options.runs):
        found[name] = _agreement(recipe, model, options.runs / "qat_agreement" / name)
        print(f"{name:14} {found[name]['agreement']:.4f} of {found[name]['samples']} samples", flush=True)
    report = {"schema": "edgekit.qat_agreement/1", "at_least": BAR, "results": found, "environment": environment()}
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")


def _agreement(recipe: dict[str, Any], model: Path, output: Path) -> dict[str, Any]:
    passes = [{"qat": {"finetune": "none"}}]
    chosen = {"model": str(model), "data": _data(recipe), "passes": passes, "convert": ["int8"]}
    run = edgekit.compress(chosen, output, quiet=True)
    step, shipped = run.steps[-1], run.models[0]
    return {
        "agreement": step.agreement,
        "samples": run.samples,
        "accuracy": shipped.accuracy,
        "accuracy_drop": shipped.accuracy_drop,
        "sha256": shipped.sha256,
    }


def _data(recipe: dict[str, Any]) -> dict[str, Any]:
    """The data with the preprocessing that training has found, such as a vocabulary."""
    parsed = parse_recipe(recipe)
    if parsed.train is None:
        return dict(recipe["data"])
    return recipe["data"] | {"preprocessing": load_data(parsed.data, seed=parsed.seed).preprocessing.dump()}


if __name__ == "__main__":
    main()

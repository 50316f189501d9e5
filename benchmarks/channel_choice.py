"""What channel pruning costs before any fine-tuning, by how the channels are chosen.

    python benchmarks/channel_choice.py [--runs DIR] [--images N]

Takes MLPerf Tiny's ResNet8 and the baselines that the headline scripts have trained (`runs/headlines`), prunes each to
half of its MACs in several ways and scores what is left on validation images; test images have no part in a
choice of defaults. The published ResNet8 may have seen these images in its training.

Prints a line for each and writes benchmarks/channel_choice.json; a network whose headline was not run is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.data import load_data
from edgekit.keras import load_model
from edgekit.keras.macs import model_macs
from edgekit.measure.environment import environment
from edgekit.passes import Context, parse_pass
from edgekit.recipe import parse_recipe
from edgekit.target import Budget, load_target
from edgekit.training import Objective, Train, Trainer, seed_everything

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "headlines"))

from _headline import trained  # noqa: E402
from quantization import recipes  # noqa: E402

CHOICES: dict[str, dict[str, Any]] = {
    "default": {},
    "scored once": {"rounds": 1},
    "uniform": {"scope": "uniform"},
    "l2": {"criterion": "l2"},
}
MACS = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=HERE.parent / "runs" / "headlines", help="folder of headline runs")
    parser.add_argument("--images", type=int, default=2000, help="validation images that are scored")
    options = parser.parse_args()
    found = {}
    for name, recipe, path in trained(recipes(), options.runs):
        found[name] = _network(name, recipe, path, options.images)
    content = {"schema": "edgekit.channel_choice/1", "results": found, "environment": environment()}
    Path(__file__).with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n")


def _network(name: str, recipe: dict[str, Any], path: Path, images: int) -> dict[str, Any]:
    parsed = parse_recipe(recipe)
    dataset = load_data(parsed.data, seed=parsed.seed, trained=parsed.train is None)
    x, y = dataset.features("validation")[:images], dataset.labels("validation")[:images]
    model = load_model(path)

    def top1(network: Any) -> float:
        return float(np.mean(network.predict(x, batch_size=256, verbose=0).argmax(1) == y))

    found: dict[str, Any] = {"images": len(x), "top1": top1(model), "pruned": []}
    print(f"{name:14} {found['top1']:.3f} of {len(x)} images")
    for choice, options in CHOICES.items():
        with tempfile.TemporaryDirectory() as folder:
            trainer = Trainer(dataset, Objective(), 0, Path(folder), quiet=True)
            context = Context(trainer, Train(), load_target("generic"), Budget(), found["top1"], lambda line: None)
            seed_everything(0)
            item = parse_pass({"channel_prune": {"macs": MACS, "finetune": "none", **options}})
            small = item.apply(model, context)
        row = {"choice": choice, "macs": model_macs(small) / model_macs(model), "top1": top1(small)}
        found["pruned"].append(row)
        print(f"{name:14} {choice:12} {row['macs']:.3f} of the MACs: {row['top1']:.3f}", flush=True)
    return found


if __name__ == "__main__":
    main()

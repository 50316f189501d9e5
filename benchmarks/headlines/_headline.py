"""What the headline scripts share: real data, a run of EdgeKit, and the JSON that says what came out.

Every figure is of shipped `.tflite` files, on the whole test split, against the baseline's file on the same samples.
`--short` runs the same steps on few samples for one epoch each: it shows that the way works and claims nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import edgekit
from edgekit.artifact import sha256_of, write_atomically
from edgekit.measure.environment import environment
from edgekit.observer import notes_to
from edgekit.pipeline import Manifest

__all__ = [
    "CIFAR10",
    "DATA",
    "Headline",
    "Session",
    "drop",
    "faster",
    "figures",
    "main",
    "minutes",
    "pruned_vgg",
    "sparser",
    "trained",
    "vgg_small",
]

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("EDGEKIT_DATA", "data"))
CIFAR10 = DATA / "cifar10" / "cifar10.npz"
SHORT_SAMPLES = 600


@dataclass(frozen=True)
class Headline:
    """What a script found.

    Attributes:
        claim: Of the literature, with its source.
        baseline, result: What was compared, with figures.
        ratios: Baseline by result, or result by baseline, as each key says.
        loss_points: Top-1 of the baseline less that of the result, in points of a hundred, on the same samples.
        met: Whether the bar that the script names was reached.
        minutes: Wall time of the steps when they were made.
    """

    claim: str
    baseline: Mapping[str, Any]
    result: Mapping[str, Any]
    ratios: Mapping[str, Any]
    loss_points: Any
    met: bool
    minutes: float


@dataclass(frozen=True)
class Session:
    """One call of a script.

    Attributes:
        short: Few samples, one epoch.
        folder: Where runs go; finished steps are found there again.
    """

    short: bool
    folder: Path

    def compress(self, name: str, recipe: Mapping[str, Any]) -> Manifest:
        """Run a recipe; the runs of one name share their baseline."""
        values = _shortened(recipe, self.folder) if self.short else dict(recipe)
        with notes_to(_say):
            return edgekit.compress(values, self.folder / name, quiet=not sys.stderr.isatty())

    def file(self, name: str, sha256: str) -> Path:
        """A `.tflite` by its content, in the folder of its step: later runs leave it there."""
        return next(self._files(name, sha256))

    def keras_file(self, name: str, sha256: str) -> Path:
        """The Keras file of the step that made a `.tflite`."""
        beside = (path.with_name("model.h5") for path in self._files(name, sha256))
        return next(path for path in beside if path.is_file())

    def _files(self, name: str, sha256: str) -> Iterator[Path]:
        paths = (self.folder / name / "steps").glob("*/model.tflite")
        return (path for path in paths if sha256_of(path) == sha256)


def main(name: str, description: str, find: Callable[[Session], Headline]) -> None:
    """Parse the command line, do the work, print the findings and write `NAME.json` beside the scripts.

    Short runs write into their own folder, so that they never replace a real result.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--short", action="store_true", help="one epoch on few samples: shows the way, claims nothing")
    parser.add_argument("--runs", type=Path, default=HERE.parents[1] / "runs" / "headlines", help="folder for runs")
    options = parser.parse_args()
    folder = options.runs / "short" if options.short else options.runs
    found = find(Session(options.short, folder))
    content = {
        "schema": "edgekit.headline/1",
        "claim": found.claim,
        "baseline": found.baseline,
        "result": found.result,
        "ratios": found.ratios,
        "loss_points": found.loss_points,
        "met": found.met,
        "command": shlex.join(["python", f"benchmarks/headlines/{name}.py", *(["--short"] if options.short else [])]),
        "machine_minutes": round(found.minutes, 1),
        "environment": environment(),
    }
    path = folder / f"{name}.json" if options.short else HERE / f"{name}.json"
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=float) + "\n", encoding="utf-8")
    print(json.dumps({k: v for k, v in content.items() if k != "environment"}, indent=2, default=float))


def trained(recipes: Mapping[str, dict[str, Any]], runs: Path) -> Iterator[tuple[str, dict[str, Any], Path]]:
    """Name, recipe and network: the file that a recipe names, or the newest baseline that it has trained.

    A network whose headline was not run is left out, which is said.
    """
    for name, recipe in recipes.items():
        baselines = (runs / name / "steps").glob("baseline-*/model.h5")
        newest = sorted(baselines, key=lambda path: path.stat().st_mtime)[-1:]
        found = [Path(recipe["model"])] if Path(recipe["model"]).is_file() else newest
        if not found:
            print(f"{name:14} no baseline in {runs / name}: run its headline first", file=sys.stderr)
        for path in found:
            yield name, recipe, path


def vgg_small() -> dict[str, Any]:
    """The dense baseline that several headlines compress: vgg_small on CIFAR-10."""
    augment = {"flip": True, "crop": 4, "views": 20}
    train = {"epochs": 36, "batch_size": 128, "learning_rate": 0.001, "precision": "mixed_bfloat16"}
    return {
        "model": "vgg_small",
        "data": {"source": str(CIFAR10), "calibration": 512},
        "train": train | {"augment": augment},
        "objective": {"distill": {"alpha": 0.7, "temperature": 4.0}},
        "budget": {"accuracy_drop": 0.01},
    }


def pruned_vgg() -> list[dict[str, Any]]:
    """Channels, then single weights: the passes that pruning_vgg and deep_compression share.

    The channels need no fine-tuning: most are units of the wide dense layer, and the layer after it makes up for them.
    """
    return [
        {"channel_prune": {"params": 0.33, "rounds": 1, "finetune": "none"}},
        {
            "sparsify": {
                "sparsity": 0.77,
                "scope": "global",
                "importance": "lamp",
                "end": 0.4,
                "finetune": {"epochs": 40, "learning_rate": 0.001},
            }
        },
    ]


def sparser(claim: str, manifest: Manifest) -> Headline:
    """The finding of a pruning: at least 13 times fewer parameters that are not zero, at most 0.3 points lower."""
    dense = manifest.steps[0]
    sparse = next(m for m in manifest.models if m.format == "float32")
    fewer, loss = dense.nonzero_params / sparse.nonzero_params, drop(sparse)
    return Headline(
        claim=claim,
        baseline=figures(dense),
        result=figures(sparse) | {s.name: figures(s) for s in manifest.steps[1:]},
        ratios={"nonzero_params_baseline_by_result": round(fewer, 2)},
        loss_points=loss,
        met=fewer >= 13 and loss["value"] <= 0.3,
        minutes=minutes(manifest),
    )


def faster(comparison: Any) -> dict[str, float | None]:
    """How many times the reference's speed a model has, with its 95 % interval; None where there is none."""
    low, high = (1 / c if c else None for c in (comparison.high, comparison.low))
    return {"ratio": 1 / comparison.ratio, "low": low, "high": high}


def figures(record: Any) -> dict[str, Any]:
    """The figures of a step's or a model's record that headlines show."""
    names = ("sha256", "accuracy", "accuracy_low", "accuracy_high", "params", "nonzero_params", "gzip_bytes")
    shown = {name: getattr(record, name) for name in names}
    shown["bytes"] = getattr(record, "model_bytes", None) or record.bytes
    if getattr(record, "macs", None) is not None:
        shown["macs"] = record.macs
    return shown


def drop(model: Any) -> dict[str, float]:
    """Loss of a shipped model in points, with its 95 % interval on paired samples."""
    return {
        "value": round(100 * model.accuracy_drop, 2),
        "low": round(100 * model.drop_low, 2),
        "high": round(100 * model.drop_high, 2),
    }


def minutes(*manifests: Manifest) -> float:
    """Wall minutes of all steps of some runs; a step that several share counts once."""
    seconds = {(s.name, s.sha256): s.seconds for m in manifests for s in m.steps}
    return sum(seconds.values()) / 60


def _shortened(recipe: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(recipe))
    source = Path(values["data"]["source"])
    values["data"] |= {"source": str(_few(source, folder)), "calibration": 32}
    if values.get("train"):
        values["train"]["epochs"] = 1
    for item in values.get("passes", []):
        for options in item.values():
            if isinstance(options.get("finetune"), dict):
                options["finetune"]["epochs"] = 1
    return values


def _few(source: Path, folder: Path) -> Path:
    """The first samples of each split of an .npz, or the first rows of a text file."""
    path = folder / f"few_{source.name}"
    folder.mkdir(parents=True, exist_ok=True)
    if source.suffix == ".npz":
        with np.load(source, allow_pickle=False) as data:
            cut = {k: v[:SHORT_SAMPLES] if v.ndim and k != "label_names" else v for k, v in data.items()}
        np.savez(path, **cut)
    else:
        path.write_text("".join(source.read_text(encoding="utf-8").splitlines(keepends=True)[:SHORT_SAMPLES]))
    return path


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

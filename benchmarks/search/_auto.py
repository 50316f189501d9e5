"""`edgekit auto` against the best of five recipes by hand, for the same time: the drop kept, no more bytes and MACs.

For each network of auto_recipes.yaml: the model (trained here, where it does not come trained), the five recipes, each
on the test split, then `edgekit auto` with the hours that the five took together on the same machine; CPU seconds stand
beside, and say how equal the time was. The best recipe by hand is the one with the fewest MACs, then bytes, of those
whose drop on the test split is allowed: it is chosen there, which favours it, while `auto` sees validation data alone
before its one file is measured. What is done is kept in the folder, so that a part that was ended goes on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _parts import BENCHMARKS, cpu_seconds, part_of, read_yaml, usual_arguments, write_json

import edgekit
from edgekit.artifact import sha256_of, write_atomically
from edgekit.pipeline import Manifest

__all__ = ["arguments", "best_by_hand", "compared", "run"]

NETWORKS = ("lenet5", "ds_cnn", "resnet8")
SHORT_SAMPLES, SHORT_TEST = 1_500, 500


class _Over(Exception):
    """The time of this part is over."""


def arguments(parser: argparse.ArgumentParser) -> None:
    usual_arguments(parser, "folder of real models and data sets, EDGEKIT_DATA")
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=list(NETWORKS))


def run(options: argparse.Namespace) -> None:
    settings = read_yaml("auto_recipes.yaml")
    out = options.out / "short" if options.short else options.out
    ends = time.monotonic() + options.hours * 3600
    found: dict[str, Any] = {}
    for name in options.networks:
        try:
            with _ending(ends):
                found[name] = _Network(name, settings, options.data, out, options.short, ends).compared()
        except _Over:
            print(f"The time is over in {name}; go on with the same command.", flush=True)
            break
    content = {"drop": settings["drop"], "networks": found, "short": options.short}
    content["met"] = len(found) == len(NETWORKS) and all(one["met"] for one in found.values())
    write_json((out if options.short else BENCHMARKS) / "search_auto.json", "edgekit.search_auto/1", content)


@contextmanager
def _ending(ends: float) -> Iterator[None]:
    if time.monotonic() > ends:
        raise _Over
    yield


class _Network:
    """One network: its model, what recipes by hand make of it, and what `auto` does."""

    def __init__(self, name: str, settings: Mapping[str, Any], data: Path, out: Path, short: bool, ends: float) -> None:
        self.name, self.folder, self.short, self.ends = name, out / name, short, ends
        self.drop, self.asked = settings["drop"], settings["networks"][name]
        self.calibration = settings["samples"]["calibration"]
        whole = data / self.asked["data"]
        self.data = part_of(whole, out, SHORT_SAMPLES, SHORT_TEST) if short else whole
        self.model = data / self.asked["model"]

    def compared(self) -> dict[str, Any]:
        """All of it, from what is kept where that is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        model = self._trained() if "train" in self.asked else self.model
        hands = [self._recipe(model, number, one) for number, one in enumerate(self.asked["recipes"])]
        seconds = sum(hand["seconds"] for hand in hands)
        auto = self._kept("auto", lambda: self._auto(model, seconds / 3600))
        return compared(hands, auto, self.drop)

    def _trained(self) -> Path:
        file = self.folder / "trained.h5"
        if not file.exists():
            with _ending(self.ends):
                train = self.asked["train"] | ({"epochs": 1} if self.short else {})
                recipe = {"model": self.asked["model"], "data": str(self.data), "train": train, "convert": ["int8"]}
                edgekit.compress(recipe, self.folder / "baseline", quiet=True)
                (made,) = (self.folder / "baseline" / "steps").glob("baseline-*/model.h5")
                with write_atomically(file) as temporary:
                    shutil.copy(made, temporary)
        return file

    def _recipe(self, model: Path, number: int, asked: Mapping[str, Any]) -> dict[str, Any]:
        recipe = {
            "model": str(model),
            "data": {"source": str(self.data), "calibration": self.calibration},
            "passes": [_short(item) for item in asked["passes"]] if self.short else asked["passes"],
            "objective": asked.get("objective", {}),
            "convert": ["int8"],
            "budget": {"accuracy_drop": self.drop},
        }

        def make() -> dict[str, Any]:
            return _figures(edgekit.compress(recipe, self.folder / f"recipe{number}", quiet=True))

        return {"name": asked["name"], **self._kept(f"recipe{number}", make)}

    def _auto(self, model: Path, hours: float) -> dict[str, Any]:
        spent: list[float] = []
        began = cpu_seconds()
        result = edgekit.auto(
            model,
            str(self.data),
            self.folder / "auto",
            drop=self.drop,
            hours=hours,
            overwrite=True,
            watch=lambda attempt: spent.append(round(cpu_seconds() - began, 1)),
        )
        tried = [
            {"name": a.name, "drop": a.drop, "bytes": a.model_bytes, "macs": a.file_macs, "holds": a.holds}
            for a in result.attempts
        ]
        told = [{**one, "cpu_seconds_so_far": at} for one, at in zip(tried, spent, strict=True)]
        chosen = result.attempts[result.chosen].name
        return {"name": chosen, **_figures(result.manifest), "why": list(result.why), "tried": told, "hours": hours}

    def _kept(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What was made before, or is made now, with what it took."""
        file = self.folder / f"{name}.json"
        if not file.exists():
            with _ending(self.ends):
                started, cpu = time.monotonic(), cpu_seconds()
                made = make()
                took = {"seconds": round(time.monotonic() - started, 1), "cpu_seconds": round(cpu_seconds() - cpu, 1)}
                with write_atomically(file) as temporary:
                    temporary.write_text(json.dumps({**made, **took}, indent=1), encoding="utf-8")
                print(self.name, name, {**made, **took}, flush=True)
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return kept


def _short(item: Mapping[str, Any]) -> dict[str, Any]:
    """A pass with one epoch of fine-tuning."""
    return {name: {**keys, "finetune": {**keys["finetune"], "epochs": 1}} for name, keys in item.items()}


def _figures(manifest: Manifest) -> dict[str, Any]:
    """Of the chosen file, on the test split."""
    chosen = manifest.chosen
    step = next(step for step in manifest.steps if step.sha256 == chosen.sha256)
    return {
        "sha256": sha256_of(manifest.path),
        "accuracy": chosen.accuracy,
        "drop": chosen.accuracy_drop,
        "bytes": chosen.bytes,
        "macs": step.macs,
    }


def best_by_hand(hands: Sequence[Mapping[str, Any]], drop: float) -> Mapping[str, Any] | None:
    """The recipe with the fewest MACs, then bytes, of those whose drop is allowed; None where none is."""
    held = [hand for hand in hands if hand["drop"] <= drop]
    return min(held, key=lambda hand: (hand["macs"], hand["bytes"]), default=None)


def compared(hands: Sequence[Mapping[str, Any]], auto: Mapping[str, Any], drop: float) -> dict[str, Any]:
    """The best recipe by hand beside what `auto` found.

    The time was the same where `auto` took no more CPU seconds than 1.1 times the five recipes together: it begins
    nothing after its hours, but ends what has begun, and makes its file at last.
    """
    best = best_by_hand(hands, drop)
    by_hand = round(sum(hand["cpu_seconds"] for hand in hands), 1)
    smaller = best is None or (auto["macs"] <= best["macs"] and auto["bytes"] <= best["bytes"])
    return {
        "by_hand": list(hands),
        "best_by_hand": None if best is None else best["name"],
        "auto": dict(auto),
        "macs_auto_by_hand": None if best is None else round(auto["macs"] / best["macs"], 4),
        "bytes_auto_by_hand": None if best is None else round(auto["bytes"] / best["bytes"], 4),
        "cpu_seconds_by_hand": by_hand,
        "cpu_seconds_auto": auto["cpu_seconds"],
        "same_time": auto["cpu_seconds"] <= 1.1 * by_hand,
        "met": auto["drop"] <= drop and smaller and auto["cpu_seconds"] <= 1.1 * by_hand,
    }

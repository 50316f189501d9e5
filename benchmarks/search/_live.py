"""Live searches by the default and by random with three seeds, and their fronts against ds_cnn's width multipliers.

Space, budget and training are fashion_space.yaml's, all else live.yaml's. For each limit in bytes stands the widest
ds_cnn below it; of each search the candidate that was best on validation data among those with no more bytes, arena and
MACs than that ds_cnn, and no more bytes than the limit. Both are trained anew with several seeds and compared on images
that no search has seen, in pairs. Searches and trainings are kept in the folder: a part that was ended goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from _parts import BENCHMARKS, cpu_seconds, one_thread, read_yaml, usual_arguments, write_json
from _retrained import difference, retrained

import edgekit
from edgekit.artifact import write_atomically
from edgekit.keras import describe_network
from edgekit.searching.costs import measure_costs

__all__ = ["Over", "arguments", "best_below", "images", "run", "searched", "settings_of"]

COSTS = ("model_bytes", "arena_bytes", "macs")


class Over(Exception):
    """The time of this part is over."""


def arguments(parser: argparse.ArgumentParser) -> None:
    usual_arguments(parser, "fashion_mnist.npz")


def run(options: argparse.Namespace) -> None:
    one_thread()
    settings, out = settings_of(options.short), options.out / "short" if options.short else options.out
    data, ends = images(options.data, out, settings), time.monotonic() + options.hours * 3600
    space = space_on(data, settings)
    searches: dict[str, Any] = {}
    try:
        for seed in settings["seeds"]:
            for sampler in settings["samplers"]:
                name = f"{sampler} {seed}"
                searches[name] = searched({**space, "seed": seed}, sampler, settings["trials"], out / name, ends)
    except Over:
        print(f"The time is over after {len(searches)} searches; go on with the same command.", flush=True)
        return
    rivals = widths(settings, out)
    compared = {name: fronts(found, rivals, space, settings, out) for name, found in searches.items()}
    content = {
        "short": options.short,
        "ds_cnn": rivals,
        "searches": {name: {**told(found), "against_ds_cnn": compared[name]} for name, found in searches.items()},
    }
    default = [one for name, many in compared.items() if name.startswith("evolution") for one in many.values()]
    content["met"] = all(one.get("low", -1) > 0 for one in default)
    write_json((out if options.short else BENCHMARKS) / "search_live.json", "edgekit.search_live/1", content)


def settings_of(short: bool) -> dict[str, Any]:
    """Those of live.yaml; of its short form where that is asked for."""
    settings: dict[str, Any] = read_yaml("live.yaml")
    few = settings.pop("short")
    if short:
        settings["samples"] = {name: few.pop(name) for name in ("train", "held_out")}
        settings |= few
    return settings


def images(data: Path, out: Path, settings: Mapping[str, Any]) -> Path:
    """An `.npz` of training images, whose test split are those that no search sees. Order as in the table."""
    path, samples = out / "images.npz", settings["samples"]
    if not path.exists():
        with np.load(data, allow_pickle=False) as file:
            x, y = file["x_train"], file["y_train"]
        order = np.random.default_rng(16).permutation(len(x))
        train, held = order[: samples["train"]], order[-samples["held_out"] :]
        out.mkdir(parents=True, exist_ok=True)
        names = np.array([str(number) for number in range(10)])
        with write_atomically(path) as temporary, temporary.open("wb") as new:
            np.savez(new, x_train=x[train], y_train=y[train], x_test=x[held], y_test=y[held], label_names=names)
    return path


def space_on(data: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The search of fashion_space.yaml on these images."""
    search = read_yaml("fashion_space.yaml")
    source = {"source": str(data), "calibration": 128, "validation": settings["validation"]}
    train = search["train"] | ({"epochs": settings["epochs"]} if "epochs" in settings else {})
    return {**search, "data": source, "train": train, "search": {**search["search"], "front": 1}}


def searched(space: Mapping[str, Any], sampler: str, trials: int, folder: Path, ends: float) -> dict[str, Any]:
    """What a search wrote, which goes on where it stood.

    Raises:
        Over: The time is over; what has ended is kept.
    """
    file = folder / "search.json"
    told = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"state": "not begun"}
    if told["state"] != "done":
        began = cpu_seconds()

        def watch(progress: Any, result: Any) -> None:
            print(folder.name, progress.trained, "of", progress.trials, round(cpu_seconds() - began), flush=True)
            if time.monotonic() > ends:
                raise Over

        if time.monotonic() > ends:
            raise Over
        search = {**space, "search": {**space["search"], "sampler": sampler, "trials": trials}}
        edgekit.search(search, folder, resume=(folder / "study.db").exists(), watch=watch)
        told = json.loads(file.read_text(encoding="utf-8"))
    found: dict[str, Any] = told
    return found


def told(found: Mapping[str, Any]) -> dict[str, Any]:
    """A search in short, without what its front was trained anew: that is told on the images that are held out."""
    told_of = [pair for trial in found["trials"] for pair in trial["outcomes"].items()]
    outcomes = [outcome for rung, outcome in told_of if int(rung) >= 0]
    done = [outcome["figures"]["accuracy"] for outcome in outcomes if outcome["status"] == "done"]
    return {
        "trials": len(found["trials"]),
        "drawn": found["drawn"],
        "best_validation_accuracy": max(done),
        "epochs": sum(len(outcome["curve"]) for outcome in outcomes),
        "cpu_seconds": round(found["cpu_seconds"], 1),
    }


def widths(settings: Mapping[str, Any], out: Path) -> dict[str, dict[str, Any]]:
    """For each limit in bytes: width and measured costs of the widest ds_cnn below it, else of the narrowest one."""
    measured = []
    for width in settings["widths"]:
        costs = measure_costs(describe_network("ds_cnn", (28, 28, 1), 10, {"width": width}), ["tflm"], out / "costs")
        measured.append({"width": width, **{name: costs[name] for name in COSTS}})
    found = {}
    for limit in settings["limits"]:
        below = [one for one in measured if (one["model_bytes"] or 0) <= limit]
        found[str(limit)] = below[-1] if below else measured[0]
    return found


def best_below(found: Mapping[str, Any], costs: Mapping[str, float], most: float) -> Mapping[str, Any] | None:
    """The trial that was best on validation data among those that cost no more; None where there is none."""
    fitting = []
    for trial in found["trials"]:
        outcome = trial["outcomes"].get("0", {"status": "none"})
        if outcome["status"] == "done" and outcome["figures"]["model_bytes"] <= most:
            figures = outcome["figures"]
            if all(figures[name] <= costs[name] for name in COSTS):
                fitting.append((figures["accuracy"], -figures["model_bytes"], -trial["number"], trial))
    return max(fitting, key=lambda one: one[:3])[3] if fitting else None


def fronts(
    found: Mapping[str, Any],
    rivals: Mapping[str, Mapping[str, Any]],
    space: Mapping[str, Any],
    settings: Mapping[str, Any],
    out: Path,
) -> dict[str, Any]:
    """For each limit: how much better the search's candidate is than ds_cnn, both trained anew."""
    base = {name: space[name] for name in ("data", "train", "convert")}
    compared: dict[str, Any] = {}
    for limit, rival in rivals.items():
        trial = best_below(found, rival, float(limit))
        if trial is None:
            compared[limit] = {"trial": None}
            continue
        parameters = {path.removeprefix("model."): value for path, value in trial["genes"].items()}
        ours = retrained(
            {**base, "model": {"separable": parameters}},
            settings["retrained"],
            out / "retrained" / f"{Path(found['output']).name} {trial['number']}",
        )
        theirs = retrained(
            {**base, "model": {"ds_cnn": {"width": rival["width"]}}},
            settings["retrained"],
            out / "retrained" / f"ds_cnn {rival['width']}",
        )
        figures = trial["outcomes"]["0"]["figures"]
        compared[limit] = {
            "trial": trial["number"],
            "costs": {name: figures[name] for name in COSTS},
            "ds_cnn_width": rival["width"],
            **difference(ours, theirs),
        }
    return compared

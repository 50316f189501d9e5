"""Smart-watch signals: a search of temporal nets against one that was committed first, at half its MACs.

Windows, space and both nets' settings are har.yaml's. The reference is trained with ten random settings; the best of
them on validation data counts. The search has a budget of half the reference's MACs, and its best candidate on
validation data counts. Both are trained anew with several seeds, and their files are compared on the windows of people
that neither has seen, with an interval by resampling those people. What is done is kept in the folder.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from _live import Over, searched
from _parts import BENCHMARKS, one_thread, read_yaml, usual_arguments, write_json
from _retrained import difference, retrained

from edgekit.artifact import write_atomically
from edgekit.keras import describe_network

__all__ = ["arguments", "run", "windows"]


def arguments(parser: argparse.ArgumentParser) -> None:
    usual_arguments(parser, "har_watch.npz")


def run(options: argparse.Namespace) -> None:
    one_thread()
    settings, out = read_yaml("har.yaml"), options.out / "short" if options.short else options.out
    few = settings.pop("short")
    if options.short:
        settings["reference"]["settings"], settings["retrained"] = few["settings"], few["retrained"]
        settings["train"]["epochs"] = few["epochs"]
        settings["search"] |= {"trials": few["trials"], "fidelity": few["fidelity"]}
    data, subjects = _windows_kept(options.data, out, settings)
    base = {
        "data": {"source": str(data), **settings["data"]},
        "train": settings["train"],
        "convert": ["int8"],
        "seed": settings["seed"],
    }
    ends = time.monotonic() + options.hours * 3600
    try:
        reference, macs = _reference(base, settings["reference"], data, out, ends)
        search = {
            **base,
            "model": "tcn",
            "budget": {"macs": macs // 2},
            "search": {**settings["search"], "front": 1},
        }
        found = searched(search, settings["search"]["sampler"], settings["search"]["trials"], out / "search", ends)
    except Over:
        print("The time is over; go on with the same command.", flush=True)
        return
    ours = _chosen(found)
    recipe = _recipe({**base, "model": "tcn"}, ours["genes"])
    mine = retrained(recipe, settings["retrained"], out / "retrained" / f"trial {ours['number']}")
    theirs = retrained(reference, settings["retrained"], out / "retrained" / "reference")
    apart = difference(mine, theirs, groups=subjects)
    content = {
        "short": options.short,
        "trials": len(found["trials"]),
        "cpu_seconds_of_trials": round(found["cpu_seconds"], 1),
        "windows_of_test_subjects": len(subjects),
        "reference": {"model": reference["model"], "train": reference["train"], "macs": macs},
        "searched": {"trial": ours["number"], "genes": ours["genes"], "macs": _figures(ours)["macs"]},
        "accuracy": apart,
        "met": apart["low"] > 0 and _figures(ours)["macs"] <= macs / 2,
    }
    write_json((out if options.short else BENCHMARKS) / "search_har.json", "edgekit.search_har/1", content)


def windows(
    file: Mapping[str, np.ndarray], length: int, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows (N, length, 6) inside one activity of one execution, without overlap; their labels and subjects."""
    labels, subject, execution = (file[name].astype(np.int64) for name in ("labels", "subject", "execution"))
    pause = np.diff(file["timestamp_ms"]) > 100
    changes = (np.diff(labels) != 0) | (np.diff(subject) != 0) | (np.diff(execution) != 0) | pause
    edges = [0, *(np.flatnonzero(changes) + 1), len(labels)]
    starts = [
        start
        for first, last in zip(edges, edges[1:], strict=False)
        for start in range(first, last - length + 1, length)
    ]
    x = np.stack([file["signals"][start : start + length] for start in starts]) / scale
    return x.astype(np.float32), labels[starts], subject[starts]


def _windows_kept(data: Path, out: Path, settings: Mapping[str, Any]) -> tuple[Path, list[int]]:
    """The `.npz` of the windows, split by subject, and whose each window of the test split is."""
    path = out / "windows.npz"
    with np.load(data, allow_pickle=False) as file:
        content = {name: file[name] for name in file.files}
    x, y, subject = windows(content, settings["window"], np.array(settings["scale"]))
    held = np.isin(subject, settings["test_subjects"])
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        splits = {"x_train": x[~held], "y_train": y[~held], "x_test": x[held], "y_test": y[held]}
        with write_atomically(path) as temporary, temporary.open("wb") as new:
            np.savez(new, **splits, label_names=content["label_names"])
    return path, [int(one) for one in subject[held]]


def _reference(
    base: Mapping[str, Any], settings: Mapping[str, Any], data: Path, out: Path, ends: float
) -> tuple[dict[str, Any], int]:
    """The recipe of the net that is to be beaten, with the best of its settings, and its MACs.

    Raises:
        Over: The time is over.
    """
    network = {**base, "model": settings["model"]}
    (parameters,) = settings["model"].values()
    with np.load(data, allow_pickle=False) as file:
        shape, classes = file["x_train"].shape[1:], len(file["label_names"])
    macs = describe_network("tcn", shape, classes, parameters).macs
    table = {"space": settings["space"], "sampler": "random", "objectives": ["accuracy", "macs"], "front": 1}
    search = {**network, "search": table}
    found = searched(search, "random", settings["settings"], out / "reference", ends)
    best = _chosen(found)
    return _recipe(network, best["genes"]), macs


def _chosen(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The trial that is best on validation data, of those that were trained longest."""
    done = [t for t in found["trials"] if t["outcomes"] and _last(t)["status"] == "done"]
    longest = max(len(_last(trial)["curve"]) for trial in done)
    return max(
        (trial for trial in done if len(_last(trial)["curve"]) == longest),
        key=lambda trial: (_figures(trial)["accuracy"], -_figures(trial)["macs"], -trial["number"]),
    )


def _last(trial: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its outcome on the highest rung."""
    rungs = [int(rung) for rung in trial["outcomes"] if int(rung) >= 0]
    outcome: Mapping[str, Any] = trial["outcomes"][str(max(rungs))]
    return outcome


def _figures(trial: Mapping[str, Any]) -> Mapping[str, Any]:
    figures: Mapping[str, Any] = _last(trial)["figures"]
    return figures


def _recipe(base: Mapping[str, Any], genes: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with the values of genes such as model.width1 and train.batch_size."""
    name, parameters = (base["model"], {}) if isinstance(base["model"], str) else next(iter(base["model"].items()))
    own = {path.removeprefix("model."): value for path, value in genes.items() if path.startswith("model.")}
    train = {path.removeprefix("train."): value for path, value in genes.items() if path.startswith("train.")}
    return {**base, "model": {name: {**parameters, **own}}, "train": {**base["train"], **train}}

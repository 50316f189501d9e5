"""The search's benchmarks: samplers on a table of 300 nets, trained once and searched a hundred times, and live parts.

    python benchmarks/search.py table --data fashion_mnist.npz [--out FOLDER] [--hours 2.4]
    python benchmarks/search.py simulate --table benchmarks/search/table/table.jsonl [--runs 100]
    python benchmarks/search.py simulate --synthetic [--runs 100]
    python benchmarks/search.py workers --data fashion_mnist.npz --out FOLDER
    python benchmarks/search.py auto --data DATA_FOLDER --out FOLDER [--hours 2.4] [--networks lenet5]
    python benchmarks/search.py live --data fashion_mnist.npz --out FOLDER [--hours 2.4]
    python benchmarks/search.py hyperband --data fashion_mnist.npz --out FOLDER_OF_LIVE [--hours 2.4]
    python benchmarks/search.py har --data har_watch.npz --out FOLDER [--hours 2.4]

`table` draws nets from benchmarks/search/fashion_space.yaml, measures each with random weights (bytes, arena, MACs) and
trains it for 5 epochs with validation after each; one line for a net, so that a run that was ended goes on:
benchmarks/search/table has the nets that are trained so far, a minute of one core each. `simulate`
searches the table with every sampler: for each seed the trained epochs until random's median final hypervolume is
reached, over the epochs that random had, with bootstrap intervals. Synthetic tables are for tuning the samplers.

Epochs are counted as an unshared training needs them: a rung begins from the start. Screening is exact here, as the
table's costs are measured. Writes benchmarks/search_table.json (--synthetic: benchmarks/search_synthetic.json).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from edgekit.searching.genes import Gene
from edgekit.searching.samplers._drawn import draw
from edgekit.searching.settings import parse_settings

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "search"))

import _auto  # noqa: E402
import _har  # noqa: E402
import _hyperband  # noqa: E402
import _live  # noqa: E402
import _workers  # noqa: E402
from _parts import cpu_seconds  # noqa: E402
from _simulation import Found, Way, interval, search  # noqa: E402
from _table import Table, read_table, synthetic  # noqa: E402

LIVE = {"workers": _workers, "auto": _auto, "live": _live, "hyperband": _hyperband, "har": _har}
"""Parts that run real searches, each in a module of its own that says what it does."""
SPACE = HERE / "search" / "fashion_space.yaml"
NETS, SEED, EPOCHS = 300, 16, 5
SAMPLES, VALIDATION = 12_000, 5_000
BUDGET = 20 * EPOCHS
"""Epochs of a simulated search: as many as 20 full trainings have."""
SAMPLERS = ("evolution", "random", "nsga2", "tpe", "reinforce")
WAYS = {
    **{name: Way(name) for name in SAMPLERS},
    "evolution without its guide": Way("evolution", settings={"children": 1}),
    "evolution with rungs": Way("evolution", rungs=(1, EPOCHS)),
    "rows without screening": Way("rows", screened=False),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    table = parts.add_parser("table", help="train the nets")
    table.add_argument("--data", type=Path, required=True, help="fashion_mnist.npz")
    table.add_argument("--out", type=Path, default=HERE / "search" / "table", help="folder of table.jsonl")
    table.add_argument("--hours", type=float, default=2.4, help="after which this part ends")
    table.add_argument("--nets", type=int, default=NETS)
    simulate = parts.add_parser("simulate", help="search the table")
    simulate.add_argument("--table", type=Path)
    simulate.add_argument("--synthetic", action="store_true")
    simulate.add_argument("--runs", type=int, default=100)
    simulate.add_argument("--only", nargs="*", choices=sorted(WAYS), help="these ways alone; nothing is written")
    table.set_defaults(run=lambda o: train_table(o.data, o.out, o.hours, o.nets))
    simulate.set_defaults(run=lambda o: _simulate(o.table, o.synthetic, o.runs, o.only))
    for name, part in LIVE.items():
        live = parts.add_parser(name, help=(part.__doc__ or "").partition("\n")[0])
        part.arguments(live)
        live.set_defaults(run=part.run)
    options = parser.parse_args()
    options.run(options)


def space() -> tuple[list[Gene], dict[str, float]]:
    """The genes of the committed space, and its budget."""
    content = yaml.safe_load(SPACE.read_text(encoding="utf-8"))
    return parse_settings(content["search"]).own_genes(), {n: float(v) for n, v in content["budget"].items()}


def drawn(genes: Sequence[Gene], number: int) -> dict[str, Any]:
    """The genes of a net of the table."""
    random = np.random.default_rng([SEED, number])
    return {gene.path: draw(gene, random) for gene in genes}


def train_table(data: Path, out: Path, hours: float, nets: int) -> None:
    """Train the nets that have no line yet, until the time is over."""
    from edgekit import _tf
    from edgekit.keras import describe_network
    from edgekit.keras.networks import separable
    from edgekit.searching.costs import measure_costs

    genes, limits = space()
    out.mkdir(parents=True, exist_ok=True)
    lines = out / "table.jsonl"
    known = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    done = {line["number"] for line in known if "number" in line}
    keras, end = _tf.tf_keras(), time.monotonic() + hours * 3600
    x, y, x_validation, y_validation = _images(data)
    if not (out / "reference.json").exists():
        reference = _logistic_regression(x, y, x_validation, y_validation)
        (out / "reference.json").write_text(json.dumps({"logistic_regression": reference}) + "\n")
    for number in (n for n in range(nets) if n not in done):
        if time.monotonic() > end:
            print(f"The time is over; {nets - number} nets are left for another part.")
            return
        started, cpu, values = time.monotonic(), cpu_seconds(), drawn(genes, number)
        parameters = {path.removeprefix("model."): value for path, value in values.items()}
        costs = measure_costs(describe_network("separable", (28, 28, 1), 10, parameters), ["tflm"], out / "costs")
        keras.utils.set_random_seed(SEED + number)
        model = separable.build((28, 28, 1), 10, **parameters)
        model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", ["accuracy"])
        history = model.fit(
            x, y, batch_size=64, epochs=EPOCHS, validation_data=(x_validation, y_validation), verbose=0
        ).history
        keras.backend.clear_session()
        line = {
            "number": number,
            "genes": values,
            "costs": {name: costs[name] for name in limits},
            "accuracy": [round(float(a), 6) for a in history["val_accuracy"]],
            "seconds": round(time.monotonic() - started, 2),
            "cpu_seconds": round(cpu_seconds() - cpu, 2),
        }
        with lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        print(number, line["costs"], line["accuracy"][-1], line["seconds"], flush=True)


def _images(data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images to train on and to validate on, all of them of the training split."""
    with np.load(data, allow_pickle=False) as file:
        names = set(file.files)
        x, y = file["x_train"], file["y_train"]
        assert names >= {"x_train", "y_train"}
    order = np.random.default_rng(SEED).permutation(len(x))
    x = (x.reshape(len(x), 28, 28, 1)[order].astype(np.float32)) / (255.0 if x.dtype == np.uint8 else 1.0)
    y = y[order].astype(np.int64)
    return x[:SAMPLES], y[:SAMPLES], x[-VALIDATION:], y[-VALIDATION:]


def _logistic_regression(x: np.ndarray, y: np.ndarray, x_validation: np.ndarray, y_validation: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression

    flat = [images.reshape(len(images), -1) for images in (x, x_validation)]
    return float(LogisticRegression(max_iter=100, tol=1e-2).fit(flat[0], y).score(flat[1], y_validation))


def _simulate(path: Path | None, synthetic_too: bool, runs: int, only: Sequence[str] | None) -> None:
    if synthetic_too or path is None:
        tables, name = {f"synthetic {seed}": synthetic(seed) for seed in range(3)}, "search_synthetic.json"
    else:
        genes, limits = space()
        reference = json.loads((path.parent / "reference.json").read_text())["logistic_regression"]
        tables, name = {path.stem: read_table(path, genes, limits, reference)}, "search_table.json"
    for title, table in tables.items():
        if not any(map(table.fits, range(len(table.rows)))):
            sys.exit(
                f"None of the {len(table.rows)} nets of {title} keeps the budget: there is nothing to compare yet."
            )
    started = cpu_seconds()
    results = {title: compared(table, runs, only or list(WAYS)) for title, table in tables.items()}
    content = {"schema": "edgekit.search_table/1", "runs": runs, "budget_epochs": BUDGET, "tables": results}
    content["cpu_seconds"] = round(cpu_seconds() - started, 1)
    if not only:
        (HERE / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def compared(table: Table, runs: int, ways: Sequence[str]) -> dict[str, Any]:
    """Every way against random search with the same screening, and without."""
    screened = [search(table, Way("rows"), seed, BUDGET) for seed in range(runs)]
    blind = [search(table, Way("rows", screened=False), seed, BUDGET) for seed in range(runs)]
    bars = {"random": _median(screened), "random without screening": _median(blind)}
    fitting = sum(map(table.fits, range(len(table.rows)))) / len(table.rows)
    print(f"{len(table.rows)} nets, {fitting:.1%} fit; random's final hypervolume {bars['random']:.4g}", flush=True)
    found: dict[str, Any] = {"nets": len(table.rows), "fitting": round(fitting, 4), "final": bars, "ways": {}}
    for way in ways:
        cpu = cpu_seconds()
        runs_of_it = [search(table, WAYS[way], seed, BUDGET) for seed in range(runs)]
        told = {f"epochs to {bar}'s final": _told(runs_of_it, volume) for bar, volume in bars.items()}
        told["final over random's"] = round(_median(runs_of_it) / bars["random"], 4)
        told["cpu_seconds_a_search"] = round((cpu_seconds() - cpu) / runs, 3)
        found["ways"][way] = told
        print(way, told, flush=True)
    return found


def _told(found: Sequence[Found], volume: float) -> dict[str, Any]:
    """The share of the budget's epochs that a hypervolume took; null where half the searches did not reach it."""
    median, low, high = interval([one.epochs_to(volume) / BUDGET for one in found])
    reached = sum(one.epochs_to(volume) < float("inf") for one in found)
    shown = [round(v, 4) if v < float("inf") else None for v in (median, low, high)]
    return {"ratio": shown[0], "low": shown[1], "high": shown[2], "reached": f"{reached} of {len(found)}"}


def _median(found: Sequence[Found]) -> float:
    return float(np.median([one.final for one in found]))


if __name__ == "__main__":
    main()

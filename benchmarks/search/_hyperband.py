"""KerasTuner's Hyperband over the same space in Keras 3, against the default's live searches (part `live`).

Space, budget and training are fashion_space.yaml's, images and seeds live.yaml's: the same networks, built in Keras 3,
on the training and validation images that EdgeKit's search of that seed has. A candidate that does not fit fails in
`build()`, by the costs that `edgekit search` measures. Both have as many trained epochs; what counts is the best
validation accuracy of the network in Keras inside the budget, at equal epochs and at equal CPU seconds. Trials are kept
in the folder, so that a part that was ended goes on. Needs keras-tuner; without it the part says so and ends.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _live import Over, images, searched, settings_of, space_on
from _parts import BENCHMARKS, cpu_seconds, one_thread, usual_arguments, write_json

from edgekit import _tf
from edgekit.keras import describe_network
from edgekit.keras.plain import Description
from edgekit.searching.costs import measure_costs
from edgekit.searching.genes import Gene
from edgekit.searching.settings import parse_settings
from edgekit.searching.trial import over

if TYPE_CHECKING:
    from edgekit.data import Dataset

__all__ = ["arguments", "best_at", "run"]

MANY = 1_000_000
_UNFIT = "It does not fit the budget."
Line = Mapping[str, Any]
"""A trial: its `epochs`, its best validation `accuracy` (None where it did not fit), and its `cpu_seconds`."""


def arguments(parser: argparse.ArgumentParser) -> None:
    usual_arguments(parser, "fashion_mnist.npz", out="folder of the part `live`")


def run(options: argparse.Namespace) -> None:
    if find_spec("keras_tuner") is None:
        print(
            "This part needs KerasTuner, which is not installed: pip install 'keras-tuner>=1.4,<1.5'. Nothing is run."
        )
        return
    one_thread()
    settings, out = settings_of(options.short), options.out / "short" if options.short else options.out
    data, ends = images(options.data, out, settings), time.monotonic() + options.hours * 3600
    space, found = space_on(data, settings), {}
    most = settings["trials"] * space["train"]["epochs"]
    try:
        for seed in settings["hyperband"]["seeds"][: len(settings["seeds"])]:
            ours = searched({**space, "seed": seed}, "evolution", settings["trials"], out / f"evolution {seed}", ends)
            theirs = _tuned({**space, "seed": seed}, settings["hyperband"], most, out / f"hyperband {seed}", ends)
            found[str(seed)] = compared(_lines(ours), theirs, most)
    except Over:
        print(f"The time is over after {len(found)} seeds; go on with the same command.", flush=True)
        return
    content = {"short": options.short, "epochs": most, "seeds": found}
    content["met"] = all((one["edgekit"] or 0) >= (one["hyperband"] or 0) for one in found.values())
    write_json((out if options.short else BENCHMARKS) / "search_hyperband.json", "edgekit.search_hyperband/1", content)


def _lines(found: Mapping[str, Any]) -> list[Line]:
    """Trials of a search in their order."""
    return [
        {
            "epochs": len(outcome["curve"]),
            "accuracy": max((one for one in outcome["curve"] if one is not None), default=None),
            "cpu_seconds": outcome["cpu_seconds"],
        }
        for trial in found["trials"]
        for rung, outcome in trial["outcomes"].items()
        if int(rung) >= 0 and outcome["status"] == "done"
    ]


def best_at(lines: Sequence[Line], unit: str, most: float) -> float | None:
    """The best accuracy of trials that had ended after so many `epochs` or `cpu_seconds`; None where none had."""
    spent, best = 0.0, None
    for line in lines:
        spent += line[unit]
        if spent > most + 1e-9:
            break
        if line["accuracy"] is not None:
            best = line["accuracy"] if best is None else max(best, line["accuracy"])
    return best


def compared(ours: Sequence[Line], theirs: Sequence[Line], epochs: int) -> dict[str, Any]:
    """Best accuracies at equal epochs, and at as many CPU seconds as the one had that took fewer."""
    seconds = min(sum(line["cpu_seconds"] for line in lines) for lines in (ours, theirs))
    return {
        "edgekit": best_at(ours, "epochs", epochs),
        "hyperband": best_at(theirs, "epochs", epochs),
        "cpu_seconds": round(seconds, 1),
        "edgekit_at_cpu_seconds": best_at(ours, "cpu_seconds", seconds),
        "hyperband_at_cpu_seconds": best_at(theirs, "cpu_seconds", seconds),
        "edgekit_cpu_seconds": round(sum(line["cpu_seconds"] for line in ours), 1),
        "hyperband_cpu_seconds": round(sum(line["cpu_seconds"] for line in theirs), 1),
        "hyperband_trials": len(theirs),
        "hyperband_that_did_not_fit": sum(line["accuracy"] is None for line in theirs),
    }


def _tuned(space: Mapping[str, Any], settings: Mapping[str, Any], most: int, folder: Path, ends: float) -> list[Line]:
    """Run Hyperband until so many epochs were trained, or go on with it.

    Raises:
        Over: The time is over; what has ended is kept.
    """
    file = folder / "trials.jsonl"
    folder.mkdir(parents=True, exist_ok=True)

    def lines() -> list[Line]:
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    if sum(line["epochs"] for line in lines()) >= most:
        return lines()
    keras = _tf.keras3()
    import keras_tuner

    dataset = _loaded(space)
    genes, budget = parse_settings(space["search"]).own_genes(), space["budget"]
    epochs, began = [0], [cpu_seconds()]

    class Model(keras_tuner.HyperModel):  # type: ignore[misc]
        """The networks of the space; what does not fit fails once the search has begun."""

        strict = False

        def build(self, hp: Any) -> Any:
            parameters = {gene.path.removeprefix("model."): _asked(hp, gene) for gene in genes}
            description = describe_network("separable", (28, 28, 1), 10, parameters)
            costs = measure_costs(description, ["tflm"], folder.parent / "costs")
            if self.strict and max(over(costs.figures, budget)) > 0:
                raise keras_tuner.errors.FailedTrialError(_UNFIT)
            model = _built(keras, description)
            rate = keras.optimizers.Adam(space["train"]["learning_rate"])
            model.compile(rate, "sparse_categorical_crossentropy", metrics=["accuracy"])
            return model

        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            history = model.fit(*args, **{**kwargs, "batch_size": space["train"]["batch_size"], "verbose": 0})
            epochs[0] = len(history.history["val_accuracy"])
            return history

    class Tuner(keras_tuner.Hyperband):  # type: ignore[misc]
        """Ends when the epochs are trained or the time is over, and keeps a line for each trial."""

        def pre_create_trial(self) -> None:
            if time.monotonic() > ends:
                raise Over
            if sum(line["epochs"] for line in lines()) >= most:
                raise _Enough
            epochs[0], began[0] = 0, cpu_seconds()

        def on_trial_end(self, trial: Any) -> None:
            super().on_trial_end(trial)
            done = epochs[0] > 0
            if not done and _UNFIT not in (trial.message or ""):
                raise keras_tuner.errors.FatalError(trial.message)  # a fault of ours is no candidate that does not fit
            line = {
                "epochs": epochs[0],
                "accuracy": trial.score if done else None,
                "cpu_seconds": round(cpu_seconds() - began[0], 2),
            }
            with file.open("a", encoding="utf-8") as kept:
                kept.write(json.dumps(line) + "\n")
            print(folder.name, len(lines()), line, flush=True)

    model = Model()
    tuner = Tuner(
        model,
        objective="val_accuracy",
        max_epochs=space["train"]["epochs"],
        factor=settings["factor"],
        hyperband_iterations=MANY,
        seed=space["seed"],
        max_consecutive_failed_trials=MANY,
        directory=str(folder),
        project_name="tuner",
    )
    model.strict = True
    keras.utils.set_random_seed(space["seed"])
    train, validation = ((dataset.features(s), dataset.labels(s)) for s in ("train", "validation"))
    try:
        tuner.search(*train, validation_data=validation, verbose=0)
    except _Enough:
        pass
    return lines()


class _Enough(Exception):
    """The epochs are trained."""


def _loaded(space: Mapping[str, Any]) -> Dataset:
    from edgekit.searching.run import prepared
    from edgekit.searching.space import parse_space

    return prepared(parse_space(dict(space))).dataset


def _asked(hp: Any, gene: Gene) -> Any:
    """A gene's value as KerasTuner draws it."""
    if gene.kind == "choice":
        return hp.Choice(gene.path, list(gene.values))
    return hp.Int(gene.path, int(gene.low), int(gene.high), sampling="log" if gene.log else "linear")


def _built(keras: Any, description: Description) -> Any:
    """The network in Keras 3, layer by layer as `edgekit.keras.plain` builds it in tf_keras."""
    first, *rest = description.layers
    inputs = keras.layers.Input(first.output_shape, name=first.name)
    tensors = {first.name: inputs}
    for layer in rest:
        options = dict(layer.options)
        if layer.kind == "ZeroPadding2D":
            options = {"padding": (options["rows"], options["columns"])}
        read = [tensors[name] for name in layer.inputs]
        made = getattr(keras.layers, layer.kind)(**options, name=layer.name)
        tensors[layer.name] = made(read if len(read) > 1 else read[0])
    return keras.Model(inputs, tensors[description.layers[-1].name])

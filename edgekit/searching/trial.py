"""One trial: a concrete recipe, run on data that have validation samples in the place of test samples."""

from __future__ import annotations

import errno
import json
import math
import resource
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from edgekit import tflite
from edgekit.data import Dataset
from edgekit.errors import EdgekitError
from edgekit.keras import FOREIGN
from edgekit.observer import EpochEnded, Event, StepFinished
from edgekit.passes import Stage
from edgekit.pipeline import Given, Manifest, compress
from edgekit.pipeline.start import NOTHING, fingerprint_of, starting_model, with_data
from edgekit.recipe import Recipe, parse_recipe
from edgekit.searching.costs import SAMPLES, Costs, measure_built, measure_costs
from edgekit.searching.described import counters, description_of
from edgekit.searching.inheriting import BASELINE, inherit, trained_model
from edgekit.searching.proxies import BATCH, BATCHES, Untrained, scores

__all__ = ["Job", "Outcome", "binding", "limits_of", "on_validation", "over", "run_trial"]


@dataclass(frozen=True)
class Job:
    """What an executor is given; JSON-ready by `vars`.

    Attributes:
        number: Of the trial.
        rung: From 0 on.
        recipe: As `Recipe.dump` gives it.
        folder: Of the trial: its files and report.
        store: The folder of finished steps that all trials share.
        epochs: Of `train`, where the rung has fewer than the recipe.
        share: Of the training samples that the rung has.
        costs: The folder of costs that were measured before; None where none is measured before training.
        final: The test split is read: the last training of a member of the front.
        proxies: That score the network instead; nothing is trained.
        parent: The trial whose weights the network starts from; None for weights of its own.
        parent_step: The key of the step that trained them.
    """

    number: int
    rung: int
    recipe: dict[str, Any]
    folder: str
    store: str
    epochs: int | None = None
    share: float = 1.0
    costs: str | None = None
    final: bool = False
    proxies: tuple[str, ...] = ()
    parent: int | None = None
    parent_step: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a job; JSON-ready by `vars`.

    Attributes:
        number, rung: Of the job.
        status: "done", "unfit" where a cost that was measured before training is above its limit, "failed", "no room"
            where it could not be done because the disk is full, or "lost" where what ran it is gone, such as a node of
            a cluster: after the last two the trial is none the worse for it.
        figures: `accuracy` on validation data, `model_bytes`, `macs` and the others that were measured.
        reason: Why it failed, in one line.
        seconds, cpu_seconds: What it took; the latter with its child processes.
        curve: Validation metric by epoch, of the first training; None for what was no number.
        sha256: Of the file that was measured; None without one.
        costs: What was measured before training, with random weights; empty where nothing was.
        parent: The trial whose weights the training started from; None where it started from weights of its own.
        inherited: The share of its first values that came from there.
        baseline: The key of the step that trained its network before any pass.
    """

    number: int
    rung: int
    status: Literal["done", "unfit", "failed", "no room", "lost"]
    figures: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    curve: list[float | None] = field(default_factory=list)
    sha256: str | None = None
    costs: dict[str, float] = field(default_factory=dict)
    parent: int | None = None
    inherited: float = 0.0
    baseline: str | None = None


def run_trial(job: Job) -> Outcome:
    """Run a job in this process; what goes wrong is in the outcome, but for Ctrl-C and the end of memory."""
    started, cpu = time.perf_counter(), _cpu()
    curve: list[float | None] = []
    costs: dict[str, float] = {}
    try:
        known, dataset = _opened(json.dumps(job.recipe, sort_keys=True))
        if job.proxies:
            return Outcome(job.number, job.rung, "done", _scores(job, known, dataset))
        costs = _costs(job, known, dataset)
        if max(over(costs, limits_of(known)), default=0) > 0:
            outcome = Outcome(job.number, job.rung, "unfit", costs)
        else:
            given, share = _heir(job, known, dataset)
            outcome = _compress(job, known, given, curve)
            outcome = replace(outcome, parent=job.parent if share else None, inherited=share)
    except Exception as error:  # code of the user's may raise anything, such as a network of module:function
        reason = str(error) if isinstance(error, EdgekitError) else f"{type(error).__name__}: {error}"[:500]
        outcome = Outcome(job.number, job.rung, "no room" if _is_full(error, job.folder) else "failed", reason=reason)
    took, cpu_took = time.perf_counter() - started, _cpu() - cpu
    return replace(outcome, seconds=took, cpu_seconds=cpu_took, curve=curve, costs=costs)


def _is_full(error: BaseException, folder: str) -> bool:
    """Whether an error comes of a full disk; libraries that write files say other things of it, so room counts too."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        cause = cause.__cause__ or cause.__context__
    place = Path(folder)
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free < _ROOM


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ROOM = 16 << 20
"""Bytes, below which a disk counts as full for a trial that failed: models and their checkpoints are of that size."""


def limits_of(recipe: Recipe) -> Mapping[str, float]:
    """What the budget limits of costs; accuracy is sought, not limited."""
    named = recipe.budget.model_dump(exclude_none=True)
    return {name: limit for name, limit in named.items() if name != "accuracy_drop"}


def over(figures: Mapping[str, float], limits: Mapping[str, float]) -> list[float]:
    """How far each limit is broken, as a share of it: above 0 where it is; 0 where the figure is not known yet."""
    return [figures[name] / limit - 1 if name in figures else 0.0 for name, limit in limits.items()]


def binding(figures: Mapping[str, float], limits: Mapping[str, float]) -> str | None:
    """The limit that binds: the one that its figure stands highest against; None where no limited figure is known."""
    known = [name for name in limits if name in figures]
    return max(known, key=lambda name: figures[name] / limits[name], default=None)


def _opened(recipe: str) -> tuple[Recipe, Dataset]:
    """The recipe with its task, and its data, which a process reads once for recipes that have the same."""
    parsed = parse_recipe(json.loads(recipe))
    told = json.dumps([parsed.data.model_dump(mode="json"), parsed.seed, parsed.objective.task], default=str)
    if told not in _DATA:
        _DATA.clear()
        _DATA[told] = with_data(parsed, NOTHING)[1]
    return with_data(parsed, Given(dataset=_DATA[told]))


_DATA: dict[str, Dataset] = {}
"""The data that this process read last."""


def _costs(job: Job, recipe: Recipe, dataset: Dataset) -> dict[str, float]:
    """Costs with random weights, where the network's shapes are those that it has before its passes."""
    if job.costs is None or job.rung != 0 or any(item.stage < Stage.SPARSITY for item in recipe.passes):
        return {}
    if [spec.format for spec in recipe.convert] != ["int8"]:
        return {}
    description = description_of(recipe, dataset.features("train").shape[1:], dataset.classes or 1)
    if description is not None:
        found = measure_costs(description, counters(recipe), Path(job.costs))
    elif recipe.train is not None and limits_of(recipe):
        found = _built_costs(recipe, dataset, Path(job.costs))
    else:
        return {}
    return {name: value for name, value in found.figures.items() if name not in found.hang_on_weights}


def _built_costs(recipe: Recipe, dataset: Dataset, cache: Path) -> Costs:
    """Of a network that nothing describes: what it is built of decides them, and what it is given decides its shape."""
    samples = dataset.features("calibration")[:SAMPLES]
    told = json.dumps([fingerprint_of(recipe, NOTHING), list(samples.shape), dataset.classes])
    return measure_built(
        told, lambda: starting_model(recipe, dataset, NOTHING, FOREIGN), samples, counters(recipe), cache
    )


def _scores(job: Job, recipe: Recipe, dataset: Dataset) -> dict[str, float]:
    """What proxies tell of the network with its initial weights, over the first batches of the training data."""
    model = starting_model(recipe, dataset, NOTHING, FOREIGN)
    recipe.objective.check(model, dataset)
    few = slice(BATCH * BATCHES)
    x, y = dataset.features("train")[few], recipe.objective.targets(dataset, "train")[few]
    batches = [(x[start : start + BATCH], y[start : start + BATCH]) for start in range(0, len(x), BATCH)]
    return scores(job.proxies, Untrained(model, batches, recipe.objective.loss(model)))


def _heir(job: Job, recipe: Recipe, dataset: Dataset) -> tuple[Given, float]:
    """What the run is given: nothing for the last training, else data without test samples and, for a child, a network
    with the weights of its parent; and the share of the network's values that come from there.
    """
    if job.final:
        return NOTHING, 0.0
    given = Given(dataset=on_validation(dataset, job.share, recipe.seed))
    if job.parent_step is None or recipe.train is None:
        return given, 0.0
    parent = trained_model(Path(job.store), job.parent_step)
    if parent is None:
        return given, 0.0
    child = starting_model(recipe, dataset, NOTHING, FOREIGN)
    share = inherit(child, parent)
    return (replace(given, model=child), share) if share else (given, 0.0)


def _compress(job: Job, recipe: Recipe, given: Given, curve: list[float | None]) -> Outcome:
    if job.epochs is not None and recipe.train is not None:
        recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"epochs": job.epochs})})
    keys: list[str] = []

    def observe(event: Event) -> None:
        if isinstance(event, StepFinished) and event.name == BASELINE:
            keys.append(event.key)
        if isinstance(event, EpochEnded) and event.step == BASELINE:
            told = event.figures.get("val_accuracy", event.figures.get("val_loss"))
            curve.append(None if told is None or not math.isfinite(told) else round(told, 6))

    manifest = compress(
        recipe,
        Path(job.folder),
        given=given,
        quiet=True,
        observer=observe,
        store=Path(job.store),
    )
    return replace(_outcome(job, manifest), baseline=keys[0])


def on_validation(dataset: Dataset, share: float, seed: int) -> Dataset:
    """The data with validation samples in the place of test samples, and a share of the training samples.

    Raises:
        DataError: There are no validation samples.
    """
    splits = {**dataset.splits, "test": dataset.raw("validation")}
    if share < 1:
        splits["train"] = dataset.raw("train").drawn(share, seed)
    return replace(dataset, splits=splits, _samples={})


def _outcome(job: Job, manifest: Manifest) -> Outcome:
    chosen = manifest.chosen
    figures: dict[str, float] = {
        "accuracy": chosen.accuracy,
        "accuracy_low": chosen.accuracy_low,
        "accuracy_high": chosen.accuracy_high,
        "model_bytes": chosen.bytes,
        "gzip_bytes": chosen.gzip_bytes,
        **chosen.figures,
    }
    macs = tflite.inspect(manifest.path).macs
    if macs is not None:
        figures["macs"] = macs
    if chosen.latency_ms is not None:
        figures["latency_ms"] = chosen.latency_ms
    if not math.isfinite(chosen.accuracy):
        return Outcome(job.number, job.rung, "failed", figures, "The file's metric is no finite number.")
    return Outcome(job.number, job.rung, "done", figures, sha256=chosen.sha256)


def _cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

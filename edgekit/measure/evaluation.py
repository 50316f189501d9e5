"""Accuracy of the file that ships, on a data set."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from edgekit import tflite
from edgekit.data import Dataset
from edgekit.data.dataset import SplitName
from edgekit.errors import ModelError
from edgekit.keras.types import KerasModel
from edgekit.measure.accuracy import Score, mse, top1
from edgekit.measure.predict import predict
from edgekit.observer import logger
from edgekit.readable import Readable, Rows
from edgekit.runtimes import Source, load_runtime
from edgekit.tensors import Array
from edgekit.training.objective import Objective

__all__ = ["Evaluation", "evaluate_file", "evaluate_keras"]

_log = logger(__name__)


@dataclass(frozen=True)
class Evaluation(Readable):
    """A score, where it was measured, and what the model said.

    Attributes:
        score: The metric with its 95 % interval.
        runtime: The runtime that ran the model.
        seconds: Wall time, start-up of the workers included.
        outputs: float32 [N, ...].
        warnings: What the runtime is known to answer wrongly of this model, one sentence each.
    """

    score: Score
    runtime: str
    seconds: float
    outputs: Array
    warnings: tuple[str, ...] = ()

    def title(self) -> str:
        """What ran the model."""
        return f"Evaluation under {self.runtime}"

    def rows(self) -> Rows:
        """The score with its interval."""
        score = self.score
        return [
            (score.metric, f"{score.value:.4g} [{score.low:.4g}, {score.high:.4g}] (95 %)"),
            ("samples", f"{score.samples:,}"),
            ("seconds", f"{self.seconds:.2f}"),
            *(("warning", warning) for warning in self.warnings),
        ]

    def as_dict(self) -> dict[str, object]:
        """JSON form "edgekit.evaluate/1"."""
        return {
            "schema": "edgekit.evaluate/1",
            "metric": self.score.metric,
            "value": self.score.value,
            "low": self.score.low,
            "high": self.score.high,
            "samples": self.score.samples,
            "runtime": self.runtime,
            "seconds": self.seconds,
            "warnings": list(self.warnings),
        }


def evaluate_file(
    source: Source,
    dataset: Dataset,
    objective: Objective,
    *,
    runtime: str = "litert",
    split: SplitName = "test",
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Run a `.tflite` over a whole split.

    Args:
        source: The file: its path, or what was read from it.
        dataset: Preprocessed as the model expects.
        objective: Its metric.
        runtime: Name of a runtime.
        split: Name of the split to run.
        workers: Number of processes; by default one per core.
        progress: Function that is called with (done, total).

    Raises:
        ModelError: Samples do not fit the model, or it has several outputs.
        RuntimeFailed: The runtime is missing, or does not survive the model.
    """
    samples = dataset.samples(split)
    model = tflite.read(source)
    graph = model.graphs[0]
    answers = [graph.tensors[i] for i in graph.outputs]
    if len(answers) > 1:
        raise ModelError(
            "Models are evaluated with one output.",
            received=f"{len(answers)} outputs, {', '.join(tensor.name for tensor in answers)}",
            remedy="Save a Keras model of the output that is to be judged, and convert it.",
        )
    warnings = tuple(map(str, load_runtime(runtime).wrong_answers(model)))
    for warning in warnings:
        _log.warning(warning)
    started = time.perf_counter()
    outputs = predict(model, samples, runtime=runtime, workers=workers, progress=progress)
    seconds = time.perf_counter() - started
    return Evaluation(_score(outputs, dataset, objective, split), runtime, seconds, outputs, warnings)


def evaluate_keras(
    model: KerasModel, dataset: Dataset, objective: Objective, *, split: SplitName = "test"
) -> Evaluation:
    """Run a tf_keras model over a whole split, under Keras itself.

    Raises:
        ModelError: Samples do not fit the model.
    """
    objective.check(model, dataset)
    started = time.perf_counter()
    outputs = model.predict(dataset.features(split), batch_size=256, verbose=0)
    return Evaluation(_score(outputs, dataset, objective, split), "keras", time.perf_counter() - started, outputs)


def _score(outputs: Array, dataset: Dataset, objective: Objective, split: SplitName) -> Score:
    targets = objective.targets(dataset, split)
    return top1(outputs, targets) if objective.metric == "top1" else mse(outputs, targets)

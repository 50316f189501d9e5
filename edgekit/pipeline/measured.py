"""A measured step: a Keras model's `.tflite`, converted, evaluated on the test split and inspected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from edgekit import tflite
from edgekit.artifact import sha256_of
from edgekit.data import Dataset
from edgekit.errors import ConversionError
from edgekit.measure.accuracy import correct
from edgekit.measure.evaluation import evaluate_file
from edgekit.measure.parity import FIELDS as PARITY
from edgekit.models import OWN
from edgekit.passes import zero_masks
from edgekit.pipeline.records import as_sha256, check_fields
from edgekit.tensors import Array
from edgekit.training import Objective
from edgekit_converters.tflite import ConvertSpec, convert_file, convert_keras, held_of

__all__ = ["CORRECT_FILE", "KERAS_FILE", "TFLITE_FILE", "Measured", "convert_and_measure", "is_whole"]

KERAS_FILE = "model.h5"
TFLITE_FILE = "model.tflite"
CORRECT_FILE = "correct.npy"
"""bool [N]: which test samples the `.tflite` classifies right; for paired comparisons."""


@dataclass(frozen=True)
class Measured:
    """A finished step.

    Attributes:
        name: "baseline", a pass or "convert FORMAT".
        key: The content that made it.
        folder: Where its files lie.
        record: What was measured, JSON-ready.
        cached: Whether this run found it done.
    """

    name: str
    key: str
    folder: Path
    record: dict[str, Any]
    cached: bool

    @property
    def tflite(self) -> Path:
        return self.folder / TFLITE_FILE

    def correct(self) -> Array | None:
        """Which test samples are classified right, or None for other tasks."""
        path = self.folder / CORRECT_FILE
        return np.load(path, allow_pickle=False) if path.is_file() else None


def is_whole(folder: Path, record: dict[str, Any]) -> bool:
    """Whether a step's folder holds what its record says, and the record what a step's must."""
    try:
        check_fields(record, _FIELDS, "")
        check_fields(record["parity"], PARITY, "parity")
        ConvertSpec.model_validate(record["spec"])
        for key in ("sha256", "keras_sha256", "keras_parent", "correct_sha256"):
            as_sha256(record[key], key)
    except ValueError:
        return False
    if record["state"] not in get_args(tflite.State):
        return False
    files = {TFLITE_FILE: record["sha256"]}
    if not folder.name.startswith("convert-"):
        files[KERAS_FILE] = record["keras_sha256"]
    if record["correct_sha256"]:
        files[CORRECT_FILE] = record["correct_sha256"]
    return all(_is_file(folder / file) and sha256_of(folder / file) == sha for file, sha in files.items())


def convert_and_measure(
    model: Any,
    folder: Path,
    spec: ConvertSpec,
    dataset: Dataset,
    objective: Objective,
    runtime: str,
    *,
    source: Path | None = None,
    accept_parity: float | None = None,
) -> dict[str, Any]:
    """Make a model's `.tflite` in a step's folder and measure that very file.

    Args:
        model: A tf_keras model.
        folder: Of the step; gets the file and, for classification, which samples it classifies right.
        spec: Format and dtypes.
        dataset, objective: What it is judged on: the whole test split.
        runtime: That runs it.
        source: The model's file, which a child process converts, so that no fault of the converter ends this one; None
            converts here, where the user's own code is.
        accept_parity: dB that the file must be near the model, in place of its format's own bound.

    Returns:
        The step's record.

    Raises:
        ConversionError: The file breaks its contract, answers otherwise than the model, or loses zeros that a pass
            has pruned.
    """
    path = folder / TFLITE_FILE
    representative = dataset.features("calibration") if spec.needs_calibration else None
    held = held_of(dataset)
    if source is None:
        made = convert_keras(model, path, spec, representative=representative, held=held, accept_parity=accept_parity)
    else:
        made = convert_file(
            source, path, spec, representative=representative, held=held, accept_parity=accept_parity, loading=OWN
        )
    found = made.file
    pruned = sum(int(mask.sum()) for mask in zero_masks(model).values())
    if found.params - found.nonzero_params < pruned:
        raise ConversionError(
            "The converted file keeps every zero that was pruned.",
            received=f"{found.params - found.nonzero_params} zeros in the file, {pruned} in the Keras model",
        )
    evaluation = evaluate_file(path, dataset, objective, runtime=runtime)
    agreement = right_sha256 = None
    if objective.metric == "top1":
        np.save(folder / CORRECT_FILE, correct(evaluation.outputs, dataset.labels("test")))
        right_sha256 = sha256_of(folder / CORRECT_FILE)
        keras_outputs = model.predict(dataset.features("test"), batch_size=256, verbose=0)
        agreement = float(np.mean(_choice(evaluation.outputs) == _choice(keras_outputs)))
    return {
        "spec": spec.model_dump(),
        "metric": objective.metric,
        "accuracy": evaluation.score.value,
        "accuracy_low": evaluation.score.low,
        "accuracy_high": evaluation.score.high,
        "agreement": agreement,
        "parity": made.parity.as_dict(),
        "state": found.state,
        "params": found.params,
        "nonzero_params": found.nonzero_params,
        "macs": found.macs,
        "model_bytes": found.bytes,
        "gzip_bytes": found.gzip_bytes,
        "sha256": found.sha256,
        "correct_sha256": right_sha256,
    }


_FIELDS = {
    "spec": dict[str, Any],
    "metric": str,
    **dict.fromkeys(("accuracy", "accuracy_low", "accuracy_high", "seconds"), float),
    **dict.fromkeys(("params", "nonzero_params", "model_bytes", "gzip_bytes"), int),
    "macs": int | None,
    "agreement": float | None,
    "parity": dict[str, Any],
    **dict.fromkeys(("sha256", "keras_sha256", "state"), str),
    **dict.fromkeys(("keras_parent", "correct_sha256"), str | None),
}
"""What a step's record holds, with its types."""


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _choice(outputs: Array) -> Array:
    choice: Array = outputs.argmax(-1) if outputs.shape[-1] > 1 else outputs[..., 0] > 0.5
    return choice

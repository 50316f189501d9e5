"""A measured step: a Keras model's `.tflite`, converted, evaluated on the test split and inspected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.artifact import sha256_of
from edgekit.data import Dataset
from edgekit.errors import ConversionError
from edgekit.keras import OWN
from edgekit.keras.types import KerasModel
from edgekit.measure.accuracy import correct
from edgekit.measure.answers import confusion, error_bins
from edgekit.measure.evaluation import evaluate_file
from edgekit.passes import zero_masks
from edgekit.pipeline.records import RecordError
from edgekit.pipeline.step import Step
from edgekit.tensors import Array
from edgekit.training import Objective
from edgekit_converters.tflite import ConvertSpec, convert_file, convert_keras, held_of, operator_nearness

__all__ = ["CORRECT_FILE", "KERAS_FILE", "TFLITE_FILE", "Measured", "convert_and_measure", "is_whole"]

KERAS_FILE = "model.h5"
TFLITE_FILE = "model.tflite"
CORRECT_FILE = "correct.npy"
"""bool [N]: which test samples the `.tflite` classifies right; for paired comparisons."""


@dataclass(frozen=True)
class Measured:
    """A finished step in the store.

    Attributes:
        step: What it made and what that is worth.
        key: The content that made it.
        folder: Where its files lie.
    """

    step: Step
    key: str
    folder: Path

    @property
    def tflite(self) -> Path:
        """Path of the step's `.tflite`."""
        return self.folder / TFLITE_FILE

    def correct(self) -> Array | None:
        """Which test samples are classified right, or None for other tasks."""
        path = self.folder / CORRECT_FILE
        return np.load(path, allow_pickle=False) if path.is_file() else None


def is_whole(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether a step's folder holds what its record says, and the record what a step's must."""
    try:
        step = Step.from_record(record)
    except RecordError:
        return False
    files = {TFLITE_FILE: step.sha256}
    if not step.name.startswith("convert "):
        files[KERAS_FILE] = step.parent
    if step.correct_sha256:
        files[CORRECT_FILE] = step.correct_sha256
    return all(_is_file(folder / file) and sha256_of(folder / file) == sha for file, sha in files.items())


def convert_and_measure(
    name: str,
    model: KerasModel,
    source: Path,
    folder: Path,
    spec: ConvertSpec,
    dataset: Dataset,
    objective: Objective,
    runtime: str,
    *,
    keras_parent: str | None,
    in_child: bool,
    accept_parity: float | None = None,
) -> Step:
    """Make a model's `.tflite` in a step's folder and measure that very file.

    Args:
        name: Name of the step.
        model: A tf_keras model.
        source: The model's file.
        folder: Folder of the step; gets the file and, for classification, which samples it classifies right.
        spec: Format and dtypes.
        dataset, objective: What it is judged on: the whole test split.
        runtime: Runtime for the file.
        keras_parent: sha256 of the Keras model of the step before.
        in_child: Convert the file in a child process, so that no fault of the converter ends this one; not possible
            where models hold the user's own code.
        accept_parity: SQNR in dB that the file must reach against the model, instead of its format's own bound.

    Returns:
        The step; it took no time so far.

    Raises:
        ConversionError: The file breaks its contract, answers otherwise than the model, or loses zeros that a pass
            has pruned.
    """
    path = folder / TFLITE_FILE
    representative = dataset.features("calibration") if spec.needs_calibration else None
    held = held_of(dataset)
    if in_child:
        made = convert_file(
            source, path, spec, representative=representative, held=held, accept_parity=accept_parity, loading=OWN
        )
    else:
        made = convert_keras(model, path, spec, representative=representative, held=held, accept_parity=accept_parity)
    file = made.file
    _check_zeros(model, file.zeros)
    evaluation = evaluate_file(replace(file.model, path=path), dataset, objective, runtime=runtime)
    agreement = right_sha256 = None
    targets = objective.targets(dataset, "test")
    if objective.metric == "top1":
        answers = confusion(evaluation.outputs, targets)
        np.save(folder / CORRECT_FILE, correct(evaluation.outputs, targets))
        right_sha256 = sha256_of(folder / CORRECT_FILE)
        keras_outputs = model.predict(dataset.features("test"), batch_size=256, verbose=0)
        agreement = float(np.mean(_choice(evaluation.outputs) == _choice(keras_outputs)))
    else:
        answers = error_bins(evaluation.outputs, targets)
    return Step(
        name=name,
        format=spec.format,
        input_dtype=spec.input_dtype,
        output_dtype=spec.output_dtype,
        metric=objective.metric,
        accuracy=evaluation.score.value,
        accuracy_low=evaluation.score.low,
        accuracy_high=evaluation.score.high,
        agreement=agreement,
        answers=answers,
        parity=made.parity.as_dict(),
        operators_db=operator_nearness(file.model, model, held),
        state=file.state,
        params=file.params,
        nonzero_params=file.nonzero_params,
        macs=file.macs,
        model_bytes=file.bytes,
        gzip_bytes=file.gzip_bytes,
        seconds=0.0,
        sha256=file.sha256,
        parent=sha256_of(source),
        keras_parent=keras_parent,
        correct_sha256=right_sha256,
    )


def _check_zeros(model: KerasModel, found: int) -> None:
    pruned = sum(int(mask.sum()) for mask in zero_masks(model).values())
    if found < pruned:
        raise ConversionError(
            "The converted file keeps every zero that was pruned.",
            received=f"{found} zeros in the file, {pruned} in the Keras model",
        )


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _choice(outputs: Array) -> Array:
    choice: Array = outputs.argmax(-1) if outputs.shape[-1] > 1 else outputs[..., 0] > 0.5
    return choice

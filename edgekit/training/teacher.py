"""A teacher: a Keras model, a `.tflite`, stored logits or a function of yours, which hides any other framework."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit import _tf, registry, tflite, user_code
from edgekit.artifact import sha256_of
from edgekit.data import Dataset, DataSpec, Preprocessing
from edgekit.data.dataset import Raw, SplitName, split
from edgekit.errors import DataError, EdgekitError, ModelError
from edgekit.files import regular_file
from edgekit.keras import FOREIGN, Loading, load_model
from edgekit.keras.outputs import output_activation
from edgekit.keras.types import KerasModel
from edgekit.npz import LARGEST, read_npz
from edgekit.places import by_place
from edgekit.tensors import Array

__all__ = ["Rows", "RunTflite", "Teacher", "file_fingerprint", "keras_teacher", "open_teacher", "source_rows"]

RunTflite = Callable[[Path, Array], Array]
"""Outputs [n, ...] of a `.tflite` for preprocessed samples [n, ...]."""
Rows = Callable[[int], Array]
"""Given the number of training samples of the source, which of them are the train split, in its order: int [N]."""
LEAST = 1e-7
MOST = 6e4
"""Logits are cut here, so that they fit float16."""


@dataclass(frozen=True, eq=False)
class Teacher:
    """Who teaches.

    Attributes:
        name: What messages call it.
        fingerprint: Its content, for caches.
        answer: Outputs [n, ...] for preprocessed samples [n, ...]; None where all answers are stored.
        activation: What made the outputs: "softmax", "sigmoid", or another for logits.
        least: Smallest probability that the outputs can tell from 0.
        batch: Samples of one call of `answer`.
        model: The flat tf_keras model, whose layers can teach too, or None.
        stored: Logits [N, classes] of the train split, or None.
    """

    name: str
    fingerprint: str
    answer: Callable[[Array], Array] | None
    activation: str | None = None
    least: float = LEAST
    batch: int = 256
    model: KerasModel | None = None
    stored: Array | None = None

    def logits(self, outputs: Array) -> Array:
        """Outputs [n, classes] as float16 logits [n, classes], which those of a softmax give up to a constant."""
        values = np.asarray(outputs, np.float64)
        if self.activation == "softmax":
            values = np.log(np.clip(values, self.least, 1))
        elif self.activation == "sigmoid":
            likely = np.clip(values, self.least, 1 - self.least)
            values = np.log(likely / (1 - likely))
        if values.shape[-1] > 1:
            values = values - values.max(-1, keepdims=True)  # float16 is finest near 0, where the likely classes are
        return np.clip(values, -MOST, MOST).astype(np.float16)


def open_teacher(
    source: str, *, run_tflite: RunTflite | None = None, rows: Rows | None = None, loading: Loading = FOREIGN
) -> Teacher:
    """Open the teacher that a recipe names.

    Args:
        source: A Keras model file, a `.tflite`, an `.npz` whose array `logits` [n, classes] has a row for each training
            sample of the data source in the source's order (before any split), or `module:function`, where
            `function(samples)` gives logits [B, classes] (for regression, outputs) for preprocessed samples [B, ...].
        run_tflite: Runs a `.tflite`, in a process of its own.
        rows: Says which rows of the source are the train split.
        loading: How a Keras file is opened.

    Raises:
        ModelError: The file is missing, damaged or of another kind.
        DataError: The logits break a rule.
        UsageError: No such module or function.
    """
    if registry.is_reference(source):
        return Teacher(source, user_code.source_sha256(source), _guarded(source))
    path = Path(source)
    if not os.path.exists(path):
        raise ModelError(
            "A teacher is a Keras model file, a .tflite, an .npz of logits or module:function.",
            received=repr(source),
            remedy="Check the path.",
        )
    if not path.is_dir():  # a pipe would never end
        regular_file(path, most=LARGEST, what="A teacher", remedy="Check the path.", error=ModelError)
    if path.suffix == ".npz":
        return Teacher(source, sha256_of(path), None, stored=_stored(path, rows))
    if path.suffix == ".tflite":
        return _tflite_teacher(path, run_tflite)
    return keras_teacher(load_model(path, loading), name=source)


def keras_teacher(model: KerasModel, *, name: str) -> Teacher:
    """A flat tf_keras model as a teacher; it answers as in inference."""
    tf = _tf.tensorflow()
    forward = tf.function(lambda samples: model(samples, training=False), reduce_retracing=True)
    digest = hashlib.sha256(json.dumps(model.get_config(), sort_keys=True, default=str).encode())
    for weight in model.get_weights():
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).data)
    return Teacher(
        name,
        digest.hexdigest(),
        lambda samples: np.asarray(forward(tf.constant(samples))),
        output_activation(model),
        model=model,
    )


def file_fingerprint(source: str) -> str | None:
    """sha256 of the file, or of the code that `module:function` names; None for any other text."""
    if registry.is_reference(source):
        return user_code.source_sha256(source)
    path = Path(source)
    return sha256_of(path) if os.path.isfile(path) or os.path.isdir(path) else None


def source_rows(dataset: Dataset, spec: DataSpec, seed: int, count: int) -> Array:
    """Which training samples of a source its train split holds, in order: splitting row numbers as the source was.

    Args:
        dataset: The source, split.
        spec, seed: What it was split by.
        count: Number of training samples of the source, before the split.

    Raises:
        DataError: The source has another number of them.
    """
    labels, one = np.zeros(count, np.int64), np.zeros(1, np.int64)
    for test in (one, None):  # the source's own test split, or one cut from the training samples
        numbers = Raw(np.arange(count), labels, test, test)
        cut = split(
            numbers,
            Preprocessing(),
            calibration=spec.calibration,
            validation=spec.validation,
            test=spec.test,
            seed=seed,
        )
        kept: tuple[SplitName, ...] = ("train", "validation", "calibration", *(() if test is one else ("test",)))
        if all(len(cut.splits[name]) == len(dataset.splits[name]) for name in kept):
            return cut.features("train")
    own = sum(len(dataset.splits[n]) for n in ("train", "validation", "calibration"))
    raise DataError(
        f"Logits have a row for each training sample of the source before the split: {own:,}, or "
        f"{own + len(dataset.splits['test']):,} where it has no test samples of its own.",
        received=f"{count:,} rows",
        remedy="Compute them on x_train of the source, in its order.",
    )


def _guarded(reference: str) -> Callable[[Array], Array]:
    module, _, name = reference.partition(":")
    function = getattr(sys.modules[module], name)

    def answer(samples: Array) -> Array:
        try:
            return np.asarray(function(samples))
        except EdgekitError:
            raise
        except Exception as error:
            raise EdgekitError(
                "A teacher's function gives logits [B, classes] for samples [B, ...].",
                received=f"{type(error).__name__} from {reference} for {list(samples.shape)}: {error}",
                remedy="Correct it; "
                f"{by_place(command='--debug shows the traceback', python='the traceback is above')}.",
            ) from error

    return answer


def _tflite_teacher(path: Path, run: RunTflite | None) -> Teacher:
    model = tflite.read(path)
    if run is None:
        raise ModelError(
            "A .tflite teaches inside a run, which has a process for it.",
            received=path,
            remedy="Use edgekit.compress, or give open_teacher(run_tflite=edgekit.measure.predict.predict).",
        )
    (output, *_) = model.graphs[0].outputs
    quant = model.graphs[0].tensors[output].quant
    least = max(quant.scales[0] / 2, LEAST) if quant else LEAST  # 0 stands for up to half a step
    runner = run
    return Teacher(
        str(path), sha256_of(path), lambda samples: runner(path, samples), _tflite_activation(model), least, 1 << 14
    )


def _tflite_activation(model: tflite.Model) -> str | None:
    graph = model.graphs[0]
    makers = {output: operator for operator in graph.operators for output in operator.outputs}
    operator = makers.get(graph.outputs[0])
    while operator is not None and operator.name in ("DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE"):
        operator = makers.get(operator.inputs[0])
    return {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid"}.get(operator.name) if operator else None


def _stored(path: Path, rows: Rows | None) -> Array:
    found, arrays = read_npz(
        path, ("logits",), what="An .npz of logits", remedy="Make it again with: numpy.savez(path, logits=...)"
    )
    logits = arrays.get("logits")
    if logits is None or logits.ndim != 2 or logits.dtype.kind != "f" or not np.isfinite(logits).all():
        shown = f"of shape {list(logits.shape)} and dtype {logits.dtype}" if logits is not None else ", ".join(found)
        raise DataError(
            "A teacher's .npz holds the array logits: finite numbers [training samples of the source, classes].",
            received=f"{path} with {'logits ' if logits is not None else ''}{shown or 'nothing'}",
        )
    if rows is None:
        raise DataError(
            "Logits of an .npz need a data source, whose training samples they belong to.",
            received=path,
            remedy="Name it in a recipe.",
        )
    taken: Array = logits[rows(len(logits))]
    return taken

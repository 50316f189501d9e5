"""What a training with a teacher needs beside one without: packed targets, a loss that unpacks them, and hints.

The targets of training are [label, the teacher's answer], so that plain compile() and fit() do the rest, with TF-MOT's
wrappers and callbacks, checkpoints and validation on plain labels as ever.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgekit import _tf
from edgekit.data import Dataset
from edgekit.errors import DataError, ModelError
from edgekit.keras.outputs import output_activation
from edgekit.keras.types import KerasModel, KerasTensor
from edgekit.tensors import Array
from edgekit.training.answers import Answers, Asked, record
from edgekit.training.augment import Views
from edgekit.training.distillation import Distillation
from edgekit.training.hints import Hints, attention_map, find_hints, layer_output
from edgekit.training.objective import Objective
from edgekit.training.plan import Train
from edgekit.training.teacher import Teacher
from edgekit.versions import versions

__all__ = ["Lesson", "Setup", "check_teacher", "lesson"]


class Setup(Protocol):
    """What a lesson needs of whoever trains; see `Trainer` for the attributes."""

    @property
    def dataset(self) -> Dataset: ...
    @property
    def objective(self) -> Objective: ...
    @property
    def seed(self) -> int: ...
    @property
    def workdir(self) -> Path: ...
    @property
    def quiet(self) -> bool: ...
    @property
    def teacher(self) -> Teacher | None: ...
    @property
    def cache(self) -> Path | None: ...


@dataclass(frozen=True, eq=False)
class Lesson:
    """A training with a teacher.

    Attributes:
        model: The tf_keras model to compile and fit: the student itself, or one that shares its layers and has hints.
        loss: For packed targets of training and plain ones of validation.
        metrics: As for a plain training.
        answers: The teacher's, recorded.
    """

    model: KerasModel
    loss: Callable[[Any, Any], Any]
    metrics: Sequence[Any]
    answers: Answers

    def packed(
        self, samples: KerasTensor, targets: KerasTensor, indices: KerasTensor, epoch: KerasTensor
    ) -> tuple[Any, Any]:
        """A training batch as the model and the loss take it; runs in a TensorFlow graph."""
        tf = _tf.tensorflow()
        outputs, *maps = self.answers.of(indices, epoch)
        size = math.prod(targets.shape[1:])
        plain = tf.reshape(tf.cast(targets, tf.float32), [-1, size])
        return (samples, tf.concat(maps, axis=1)) if maps else samples, tf.concat([plain, outputs], axis=1)

    def validation(self, data: Any) -> Any:
        """Plain validation batches as the model takes them."""
        tf, places = _tf.tensorflow(), sum(self.answers.sizes[1:])
        return data.map(lambda x, y: ((x, tf.zeros([tf.shape(x)[0], places])), y)) if places else data


@contextmanager
def lesson(setup: Setup, model: KerasModel, plan: Train) -> Iterator[Lesson | None]:
    """Prepare a student for its training; None where there is no teacher.

    Args:
        setup: With a teacher and an objective that says how to distil.
        model: The student, a tf_keras model; after the block its graph is as it was.
        plan: How it will be trained.

    Raises:
        ModelError: Teacher and student do not fit each other.
        DataError: Stored logits do not fit the training.
    """
    settings, teacher = setup.objective.distill, setup.teacher
    if settings is None or teacher is None:
        yield None
        return
    check_teacher(teacher, settings, setup.objective, model, setup.dataset, plan)
    hints = find_hints(settings, model, teacher.model)
    hints.note_gone()
    answers = _answers(setup, teacher, hints, plan)
    loss = _loss(settings, setup.objective, model)
    metrics = [_accuracy(model)] if setup.objective.metric == "top1" else []
    if not hints:
        yield Lesson(model, loss, metrics, answers)
        return
    tensors = [model.inputs[0], *(m.student for m in (*hints.features, *hints.attention))]
    touched = {id(t._keras_history.layer): t._keras_history.layer for t in tensors}.values()
    before = [(layer, list(layer._outbound_nodes)) for layer in touched]
    try:
        yield Lesson(_with_hints(model, hints, teacher, setup.seed), loss, metrics, answers)
    finally:  # what reads a graph by its layers must not meet the hints
        for layer, nodes in before:
            layer._outbound_nodes[:] = nodes


def check_teacher(
    teacher: Teacher, settings: Distillation, objective: Objective, model: KerasModel, dataset: Dataset, plan: Train
) -> None:
    """Make sure, by two samples, that a teacher can teach a model.

    Raises:
        ModelError: Its outputs are not those of the model, or a layer of a pair is missing.
        DataError: Its stored logits belong to other samples.
    """
    expected = tuple(model.output_shape[1:])
    if teacher.stored is not None and plan.augment is not None:
        raise DataError(
            "Stored logits belong to the samples as they are.",
            received=f"{teacher.name} and train.augment",
            remedy="Leave out train.augment, or name a teacher that can answer.",
        )
    if teacher.stored is not None and not objective.classifies:
        raise DataError("Stored logits teach classification.", received=f"objective.task: {objective.task}")
    few = dataset.features("train")[:2]
    outputs = teacher.stored[:2] if teacher.answer is None and teacher.stored is not None else _ask(teacher, few)
    if len(outputs) != len(few) or math.prod(outputs.shape[1:]) != math.prod(n or 0 for n in expected):
        what = "as many classes" if objective.classifies else "outputs of the same shape"
        raise ModelError(
            f"A teacher has {what} as its student, {list(expected)}.",
            received=f"{teacher.name} with outputs of shape {list(outputs.shape[1:])} "
            f"({len(outputs)} for {len(few)} samples)",
            remedy="Name a teacher of the same task.",
        )
    for pair in (*settings.features, *settings.attention):
        if teacher.model is not None:
            layer_output(teacher.model, pair.teacher, "teacher")


def _ask(teacher: Teacher, samples: Array) -> Array:
    assert teacher.answer is not None
    if teacher.model is not None:
        expected = tuple(teacher.model.input_shape[1:])
        if len(teacher.model.outputs) != 1 or any(
            e not in (None, s) for e, s in zip(expected, samples.shape[1:], strict=False)
        ):
            raise ModelError(
                "A teacher takes the samples of its student and gives one output.",
                received=f"{teacher.name} with input {list(expected)} for samples {list(samples.shape[1:])}",
                remedy="Name a teacher of the same data and preprocessing.",
            )
    return np.asarray(teacher.answer(samples))


def _answers(setup: Setup, teacher: Teacher, hints: Hints, plan: Train) -> Answers:
    classifies = setup.objective.classifies

    def converted(outputs: Array) -> Array:
        flat = outputs.reshape(len(outputs), -1)
        return teacher.logits(flat) if classifies else flat.astype(np.float32)

    if teacher.stored is not None:
        return Answers([[converted(teacher.stored)]])
    x = setup.dataset.features("train")
    views = Views(plan.augment, len(x), setup.seed) if plan.augment else None
    folder = _cache(setup) / _content(setup, teacher, plan)
    pairs = [m.pair for m in hints.attention]
    kinds = ["outputs", *(f"attention-{hashlib.sha256(p.teacher.encode()).hexdigest()[:12]}" for p in pairs)]
    count = min(plan.augment.views, plan.epochs) if plan.augment else 1
    ask = _asking(teacher, hints, converted)
    return record(ask, kinds, x, views, count, folder, batch=teacher.batch, quiet=setup.quiet)


def _content(setup: Setup, teacher: Teacher, plan: Train) -> str:
    """Names what a teacher's answers depend on: other kernels, or sums of other parts, give other last digits."""
    augment = [plan.augment.model_dump(), setup.seed] if plan.augment else None
    told = [teacher.fingerprint, setup.dataset.fingerprint, augment, setup.objective.task, plan.precision]
    return hashlib.sha256(json.dumps([*told, versions(), _tf.threads()]).encode()).hexdigest()[:24]


def _cache(setup: Setup) -> Path:
    return setup.cache or setup.workdir / "teachers"


def _asking(teacher: Teacher, hints: Hints, converted: Callable[[Array], Array]) -> Asked:
    """Outputs and maps of attention by one run of the teacher."""
    if not hints.attention:
        answer = teacher.answer
        assert answer is not None
        return lambda samples: [converted(np.asarray(answer(samples)))]
    tf, keras = _tf.tensorflow(), _tf.tf_keras()
    assert teacher.model is not None  # as its hints are tensors of it
    shown = keras.Model(teacher.model.inputs, [teacher.model.outputs[0], *(m.teacher for m in hints.attention)])

    def run(samples: KerasTensor) -> Any:
        outputs, *features = shown(samples, training=False)
        return outputs, [tf.cast(attention_map(f), tf.float16) for f in features]

    forward = tf.function(run, reduce_retracing=True)

    def ask(samples: Array) -> list[Array]:
        outputs, maps = forward(tf.constant(samples))
        return [converted(outputs.numpy()), *(m.numpy() for m in maps)]

    return ask


def _loss(settings: Distillation, objective: Objective, model: KerasModel) -> Callable[[Any, Any], Any]:
    """For targets [B, label + answer]; plain targets, as of validation, get the plain loss."""
    tf, plain = _tf.tensorflow(), objective.loss(model)
    size = math.prod(model.output_shape[1:])
    width = (1 if objective.classifies else size) + size
    alpha, temperature, activation = settings.alpha, settings.temperature, output_activation(model)

    def loss(targets: KerasTensor, outputs: KerasTensor) -> Any:
        if len(targets.shape) != 2 or targets.shape[-1] != width:
            return plain(targets, outputs)
        labels, answers = targets[:, :-size], targets[:, -size:]
        if not objective.classifies:
            labels, answers = (tf.reshape(t, tf.shape(outputs)) for t in (labels, answers))
            return alpha * plain(answers, outputs) + (1 - alpha) * plain(labels, outputs)
        ours = _with_zero(_logits(outputs, activation)) / temperature
        theirs = _with_zero(answers) / temperature
        gap = tf.nn.log_softmax(theirs) - tf.nn.log_softmax(ours)
        divergence = tf.reduce_mean(tf.reduce_sum(tf.nn.softmax(theirs) * gap, axis=-1))
        return alpha * temperature**2 * divergence + (1 - alpha) * plain(labels, outputs)

    return loss


def _logits(outputs: KerasTensor, activation: str | None) -> Any:
    """Logits of a model's outputs [B, classes]: what went into the last activation, where the graph still shows it."""
    tf = _tf.tensorflow()
    if activation not in ("softmax", "sigmoid") or (activation == "sigmoid" and outputs.shape[-1] > 1):
        return outputs
    known = getattr(outputs, "_keras_logits", None)
    if known is not None:
        return known
    if not tf.executing_eagerly() and outputs.op.type in ("Softmax", "Sigmoid"):
        return outputs.op.inputs[0]
    likely = tf.clip_by_value(outputs, 1e-7, 1 - 1e-7)
    return tf.math.log(likely) - (tf.math.log1p(-likely) if activation == "sigmoid" else 0.0)


def _with_zero(logits: KerasTensor) -> Any:
    """A single logit as those of two classes."""
    tf = _tf.tensorflow()
    return tf.concat([tf.zeros_like(logits), logits], axis=-1) if logits.shape[-1] == 1 else logits


def _accuracy(model: KerasModel) -> Callable[[Any, Any], Any]:
    metrics, binary = _tf.tf_keras().metrics, int(model.output_shape[-1]) == 1

    def accuracy(targets: KerasTensor, outputs: KerasTensor) -> Any:
        measured = metrics.binary_accuracy if binary else metrics.sparse_categorical_accuracy
        return measured(targets[:, :1], outputs)

    return accuracy


def _with_hints(model: KerasModel, hints: Hints, teacher: Teacher, seed: int) -> Any:
    """A model of the student's layers and output whose loss has the hints' too."""
    from edgekit.training.hint_loss import hint_loss

    keras = _tf.tf_keras()
    places = sum(math.prod(m.teacher.shape[1:-1]) for m in hints.attention)
    maps = keras.Input((places,), name="teacher_maps") if places else None
    inputs = model.inputs[0]
    trained = keras.Model([inputs, maps] if places else inputs, model.outputs[0], name=model.name)
    trained.add_loss(hint_loss(hints, teacher.model, seed)(inputs, maps))
    return trained

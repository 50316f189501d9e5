"""What training optimises and evaluation reports: the task, its loss and its metric."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from edgekit import _tf
from edgekit.data import Dataset
from edgekit.data.dataset import SplitName, is_labels
from edgekit.data.targets import Task
from edgekit.errors import DataError, ModelError
from edgekit.keras.outputs import output_activation
from edgekit.keras.types import KerasModel
from edgekit.places import by_place
from edgekit.tensors import Array
from edgekit.training.distillation import Distillation

__all__ = ["Objective", "Task"]

SPLITS: tuple[SplitName, ...] = ("test", "train", "validation", "calibration")


class Objective(BaseModel):
    """The task: classification (cross-entropy, top-1), regression or reconstruction (mean squared error).

    Where it is left out, labels are classes: numbers that could be either are refused before anything is trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Task | None = Field(
        default=None,
        description="what the model's output is; says the loss and the metric; may be left out where the labels can "
        "only be classes",
    )
    distill: Distillation | None = Field(default=None, description="in fine-tuning, learn from a teacher too")

    @property
    def classifies(self) -> bool:
        """Whether the output tells classes."""
        return self.task in (None, "classification")

    @property
    def metric(self) -> str:
        """Name of the figure that is reported: "top1" (a fraction, higher is better) or "mse" (lower is better)."""
        return "top1" if self.classifies else "mse"

    def targets(self, dataset: Dataset, name: SplitName) -> Array:
        """What the model's output is compared with, for a split: labels [N], targets [N, ...] or the input itself."""
        return dataset.features(name) if self.task == "reconstruction" else dataset.labels(name)

    def check(self, model: KerasModel, dataset: Dataset) -> None:
        """Make sure that the data fits the model before anything is trained or converted.

        Raises:
            ModelError: Input or output of the model do not fit the samples or the classes.
            DataError: The labels do not fit the task.
        """
        if len(model.inputs) != 1 or len(model.outputs) != 1:
            raise ModelError(
                "Keras models are trained, compressed and evaluated with one input and one output.",
                received=f"{len(model.inputs)} inputs and {len(model.outputs)} outputs",
                remedy="edgekit convert takes several of both.",
            )
        present: list[SplitName] = [n for n in SPLITS if len(dataset.splits[n])]
        sample, expected = dataset.features(present[0]).shape[1:], tuple(model.input_shape[1:])
        if len(sample) != len(expected) or any(e not in (None, s) for s, e in zip(sample, expected, strict=True)):
            raise ModelError(
                f"Samples must have the shape of the model's input, {list(expected)}.",
                received=f"samples of shape {list(sample)}",
                remedy=f"{_shaped()}, or use the data that the model was made for.",
            )
        if self.classifies:
            self._check_classes(int(model.output_shape[-1]), dataset, present)
            if int(model.output_shape[-1]) == 1 and output_activation(model) != "sigmoid":
                raise ModelError(
                    "A classifier with one output ends in a sigmoid, so that 0.5 separates the classes.",
                    received=f"the activation {output_activation(model)}",
                    remedy="Add activation='sigmoid' to its last layer, or give it one output for each class; where "
                    "the labels are numbers to predict, choose the task regression.",
                )
        else:
            if int(model.output_shape[-1]) == 1 and output_activation(model) == "softmax":
                raise ModelError(
                    "A softmax over one output is always 1, so it predicts nothing.",
                    received="a model that ends in one",
                    remedy="Use a model whose last layer has no activation; reference networks tell classes.",
                )
            self._check_targets(tuple(model.output_shape[1:]), dataset, present)

    def _check_classes(self, units: int, dataset: Dataset, present: list[SplitName]) -> None:
        for name in present:
            labels = dataset.labels(name)
            if not is_labels(labels):
                raise DataError(
                    "Classification takes one class index per sample.",
                    received=f"labels of shape {list(labels.shape)} and dtype {labels.dtype}",
                    remedy=f"Give class indices, or choose {_regression()}.",
                )
            if name == "train" and labels.min() == labels.max():
                raise DataError(
                    "Classification takes samples of at least two classes.",
                    received=f"only the label {labels[0]} in the train split",
                    remedy="Give samples of the other classes too.",
                )
            top = int(labels.max())
            if top >= max(units, 2):
                raise DataError(
                    f"Labels must be below the model's number of classes, {units}.",
                    received=f"the label {top} in the {name} split",
                    remedy="Correct the labels, or use a model with more outputs.",
                )

    def _check_targets(self, output: tuple[int | None, ...], dataset: Dataset, present: list[SplitName]) -> None:
        for name in present:
            targets = self.targets(dataset, name).shape[1:]
            if [n for n in targets if n != 1] != [n for n in output if n != 1]:
                raise DataError(
                    f"Targets must have the shape of the model's output, {list(output)}.",
                    received=f"targets of shape {list(targets)} in the {name} split",
                    remedy="Correct the targets, or use a model with that output.",
                )

    def loss(self, model: KerasModel) -> Any:
        """The tf_keras loss for this model's output (logits or probabilities, told by its last activation)."""
        losses = _tf.tf_keras().losses
        if not self.classifies:
            return losses.MeanSquaredError()
        activation = output_activation(model)
        if int(model.output_shape[-1]) == 1:
            return losses.BinaryCrossentropy(from_logits=activation != "sigmoid")
        return losses.SparseCategoricalCrossentropy(from_logits=activation != "softmax")


def _shaped() -> str:
    given = "Give samples of that shape"
    return by_place(command=given, python=given, recipe="Add reshape or resize to data.preprocessing")


def _regression() -> str:
    return by_place(command="--task regression", python='task="regression"', recipe="objective: {task: regression}")

"""What is known of a model: by what lies beside its file, by the metadata in it, by the user's options."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from edgekit.data.labels import check_label_names, label_finding, names_output
from edgekit.data.preprocessing import Cast, Grayscale, Normalize, Operation, Preprocessing, Resize
from edgekit.data.sidecar import UNKNOWN
from edgekit.errors import ConversionError, DataError, RecipeError
from edgekit.files import read_limited
from edgekit.observer import logger
from edgekit.places import setting
from edgekit.recipe_text import LARGEST as LONGEST
from edgekit.recipe_text import parse_yaml
from edgekit.tensors import TensorSpec
from edgekit.tflite import Model
from edgekit.tflite.metadata import Metadata, TensorDescription, associated_files, read_metadata
from edgekit_converters.exporters import Exporter, Source

__all__ = ["DescribedExporter", "LabelledExporter", "Told", "read_labels", "read_preprocessing", "told_by"]

_log = logger(__name__)
LARGEST = 64 << 20
"""Bytes of a file of labels."""
_EXAMPLE = "Write for example '[{resize: {height: 96, width: 96}}, rescale]', or name a file with such a list."


@dataclass(frozen=True)
class Told:
    """What is known of a model.

    Attributes:
        labels: Names of classes; may be empty.
        task: "classification" where there are labels and nothing else is said.
        preprocessing: From raw samples to its input; None where it is not known.
    """

    labels: tuple[str, ...]
    task: str
    preprocessing: Preprocessing | None = None


class LabelledExporter(Exporter):
    """An exporter that writes the names of classes down."""

    labels: str | None = Field(
        default=None, description="a text file with the name of a class in each line, for a model without a sidecar"
    )

    def told(self, source: Source) -> Told:
        """Labels, task and preprocessing: what lies beside the model, else its own metadata; options overrule both.

        Raises:
            ConversionError: The labels do not fit the first output.
            DataError: A file of labels cannot be read.
            ModelError: The metadata is damaged.
        """
        task, (labels, preprocessing) = UNKNOWN, told_by(source.model)
        if source.sidecar is not None:
            beside = source.sidecar
            labels, task, preprocessing = beside.label_names, beside.task, beside.preprocessing
            if _of_pixels(labels, source.model):
                _log.info("%d names of classes are left out: they are those of pixels, not of an answer.", len(labels))
                labels = ()
        if self.labels is not None:
            labels = read_labels(Path(self.labels))
        _check_labels(labels, source.model)
        return Told(labels, "classification" if labels and task == UNKNOWN else task, preprocessing)


class DescribedExporter(LabelledExporter):
    """An exporter that writes what is done to a sample, too."""

    preprocessing: str | None = Field(
        default=None,
        description="what is done to a sample, for a model without a sidecar: YAML, '[cast, rescale]', or its file",
    )

    def told(self, source: Source) -> Told:
        """As that of exporters that write labels only.

        Raises:
            ConversionError, DataError, ModelError: As there; or preprocessing is given for several inputs.
        """
        told = super().told(source)
        if self.preprocessing is None:
            return told
        graph = source.model.graphs[0]
        if len(graph.inputs) != 1 or graph.tensors[graph.inputs[0]].shape[:1] != (1,):
            raise ConversionError(
                "Samples are prepared for a model with one input and a batch of 1.",
                received=f"preprocessing for {len(graph.inputs)} inputs",
                remedy="Leave it out, and give the model values that are prepared.",
            )
        return Told(told.labels, told.task, read_preprocessing(self.preprocessing))


def told_by(model: Model) -> tuple[tuple[str, ...], Preprocessing | None]:
    """Labels and preprocessing that a model's own metadata tell: none, and None, where they tell nothing.

    Raises:
        ModelError: The metadata is damaged.
    """
    metadata = read_metadata(model)
    if metadata is None:
        return (), None
    graph = model.graphs[0]
    inputs = [graph.tensors[index].spec for index in graph.inputs]
    operations = _operations(metadata.inputs[0], inputs[0]) if len(inputs) == 1 == len(metadata.inputs) else ()
    return _labels(model, metadata), Preprocessing(operations) if operations else None


def read_labels(path: Path) -> tuple[str, ...]:
    """Names of classes, one in each line; empty lines at the end are left out.

    Raises:
        DataError: No such file, there is no name in it, or one is too long or holds control characters.
    """
    content = read_limited(
        path, most=LARGEST, what="The file of labels", remedy=f"Name a text file with {setting('labels')}."
    )
    try:
        names = content.decode("utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise DataError(
            "Labels are UTF-8 text.",
            received=f"{path} ({error.reason} at byte {error.start})",
            remedy="Save it as UTF-8.",
        ) from None
    if not names:
        raise DataError(
            "A file of labels names a class in each line.",
            received=f"{path}, without a name",
            remedy=f"Write the names into it, or leave {setting('labels')} out.",
        )
    check_label_names(names, str(path))
    return tuple(names)


def read_preprocessing(told: str) -> Preprocessing:
    """A list of operations, as YAML or in a file of YAML or JSON.

    Raises:
        DataError: It is no list; an unknown operation or option.
        RecipeError: An entry that is no operation.
    """
    text = told
    if os.path.lexists(told):
        content = read_limited(
            Path(told), most=LONGEST, what="The file of operations", remedy=f"Name it with {setting('preprocessing')}."
        )
        text = content.decode("utf-8", "replace")
    try:
        items = parse_yaml(text, "the preprocessing")
    except RecipeError as error:
        raise DataError("Preprocessing is a list in YAML.", received=error.received, remedy=_EXAMPLE) from None
    if not isinstance(items, list):
        raise DataError("Preprocessing is a list of operations.", received=_named(told, text), remedy=_EXAMPLE)
    return Preprocessing.parse(items)


def _named(told: str, text: str) -> str:
    """What was given, as a message says it: a text, or the path of a file and what the file holds."""
    return repr(told[:200]) if text is told else f"{told[:200]!r} with {text[:200]!r}"


def _check_labels(labels: tuple[str, ...], model: Model) -> None:
    graph = model.graphs[0]
    count = graph.tensors[graph.outputs[0]].elements if graph.outputs else 0
    if labels and count not in (1, len(labels)):
        raise ConversionError(
            "There is a label for each value of the first output.",
            received=f"{len(labels)} labels for {count} values",
            remedy=f"Give the labels of this model with {setting('labels')}.",
        )


def _of_pixels(labels: tuple[str, ...], model: Model) -> bool:
    """Whether labels run along the last axis of a first output that has more than one answer."""
    graph = model.graphs[0]
    shape = graph.tensors[graph.outputs[0]].shape if graph.outputs else ()
    return names_output(len(labels), shape) and math.prod(shape) not in (1, len(labels))


def _operations(told: TensorDescription, spec: TensorSpec) -> tuple[Operation, ...]:
    """An image is resized, and normalised where it does not go in as bytes; of other samples nothing is told."""
    if told.image is None or len(spec.shape) != 4 or spec.shape[3] not in (1, 3):
        return ()
    operations: list[Operation] = [Resize(height=spec.shape[1], width=spec.shape[2])]
    if spec.shape[3] == 1:
        operations.append(Grayscale())
    done = told.normalization
    if spec.dtype == "uint8":
        return (*operations, Cast(dtype="uint8")) if spec.shape[3] == 1 else tuple(operations)
    if done is not None and done.mean and done.std and all(s > 0 for s in done.std):
        operations.append(Normalize(mean=done.mean, std=done.std))
    return tuple(operations)


def _labels(model: Model, metadata: Metadata) -> tuple[str, ...]:
    """Names of the first output's values; none where they do not fit it."""
    files = metadata.outputs[0].files if metadata.outputs else ()
    name = next((file.name for file in files if file.kind == "axis_labels"), None)
    content = associated_files(model, LARGEST).get(name) if name is not None else None
    if content is None:
        return ()
    names = tuple(content.decode("utf-8", "replace").rstrip().splitlines())
    graph = model.graphs[0]
    count = graph.tensors[graph.outputs[0]].spec.shape[-1:]
    return names if label_finding(names) is None and count == (len(names),) else ()

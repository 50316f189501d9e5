"""What a recipe or command line says of data, and the way from there to a Dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgekit import registry
from edgekit.data import sources
from edgekit.data.dataset import Dataset, Raw, Wanted, is_labels, split
from edgekit.data.inputs import Samples, each
from edgekit.data.memory import Held, raw_of
from edgekit.data.preprocessing import Cast, Preprocessing, Rescale, Reshape
from edgekit.data.sources import keras
from edgekit.data.targets import Task, as_targets
from edgekit.errors import DataError, did_you_mean
from edgekit.tensors import Array

__all__ = ["KNOWN_SOURCES", "DataSpec", "load_data"]

KNOWN_SOURCES = ("digits", *keras.LABELS)
"""Data sets that go by a name."""
IN_MEMORY = "the arrays in memory"
"""What messages call data that come from no source."""


class DataSpec(BaseModel):
    """Where samples come from and how they are split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        description="digits, a Keras data set's name, an .npz, a .csv, a .tsv of sentences and labels, a folder of "
        "images by class, or module:function"
    )
    test_source: str | None = Field(
        default=None, description="a second source whose samples, or its own test split, are the test split"
    )
    calibration: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        default=256, description="number of samples for calibration (the representative dataset)"
    )
    validation: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.1, description="fraction of the training data that is held out for validation"
    )
    test: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.2, description="fraction that is held out for the test split, where the source has none of its own"
    )
    preprocessing: tuple[str | dict[str, Any], ...] | None = Field(
        default=None, description="operations in order: cast, rescale, normalize, resize, grayscale, reshape, tokenize"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _two_sources(self) -> DataSpec:
        if self.test_source == self.source:
            raise ValueError("test_source must be another source than source, or training samples are tested on")
        return self


def load_data(
    source: str | DataSpec | Held,
    *,
    seed: int = 0,
    trained: bool = False,
    preprocessing: Preprocessing | None = None,
    dtype: str | None = None,
    task: Task | None = None,
    labels: bool = True,
    calibration: int | None = None,
) -> Dataset:
    """Read, check and split a data set.

    Args:
        source: A DataSpec, or just its source; or the data themselves, as `edgekit.data.memory.Held` has them.
        seed: Seed of the split.
        trained: The data goes to a model that comes trained; then samples are only cast, unless told otherwise.
            A model that is trained here gets 8-bit samples rescaled to 0..1 and 16-bit ones to -1..1.
        preprocessing: A trained model's own, which wins over the source's default.
        dtype: Dtype of a trained model's input: samples that have it already go in as they are.
        task: What the model is to answer, which says what numbers as labels are; None where nobody has told. Then
            they are taken as numbers, and `Dataset.task` is None.
        labels: Whether the job needs labels. Where it does not, as for calibration, an .npz may hold samples alone.
        calibration: Samples of the representative dataset, in place of what the spec says.

    Raises:
        DataError: The source is missing, damaged or breaks a rule.
    """
    spec = source if isinstance(source, DataSpec) else DataSpec(source=source if isinstance(source, str) else IN_MEMORY)
    if calibration is not None:
        spec = spec.model_copy(update={"calibration": calibration})
    told = Preprocessing.parse(spec.preprocessing) if spec.preprocessing is not None else preprocessing
    wanted = Wanted(told, task, labels)
    raw = (
        _read(spec.source, wanted)
        if isinstance(source, str | DataSpec)
        else _checked(raw_of(source, IN_MEMORY), wanted, IN_MEMORY)
    )
    if spec.test_source is not None:
        alike = "classification" if task is None and raw.label_names else task
        raw = _with_test(raw, _read(spec.test_source, Wanted(told, alike, labels)), spec, task)
    if told is None:
        told = raw.preprocessing if raw.preprocessing is not None else _default(raw, trained, dtype)
    if trained and not told.learned:
        raise DataError(
            "A trained model for text needs the vocabulary that it was trained with.",
            received="no list of words",
            remedy="Keep the .json beside the model, or give it as data.preprocessing: [{tokenize: ...}].",
        )
    data = split(
        raw, told, calibration=spec.calibration, validation=spec.validation, test=spec.test, seed=seed, task=task
    )
    if told.learned:
        return data
    return Dataset(data.splits, data.label_names, told.learn(_only(data.raw("train").x)), task)


def _only(x: Samples) -> Array:
    """Samples of one input, from which preprocessing learns."""
    if isinstance(x, Mapping):
        raise DataError("A vocabulary is learned from samples of one input.", received=f"those of {', '.join(x)}")
    return x


def _read(source: str, wanted: Wanted) -> Raw:
    for name in (*sources.ORDER, *registry.outside("sources")):
        module = registry.load(sources, name)
        if module.matches(source):
            raw: Raw = module.read(source, wanted)
            return _checked(raw, wanted, source)
    raise DataError(
        "A data source is digits, a Keras data set's name, an .npz, a .csv, a .tsv, a folder of images or "
        "module:function.",
        received=repr(source),
        remedy=f"Check that the file exists. {did_you_mean(source, KNOWN_SOURCES)}",
    )


def _checked(raw: Raw, wanted: Wanted, source: str) -> Raw:
    for name, x, y in (("train", raw.x_train, raw.y_train), ("test", raw.x_test, raw.y_test)):
        if (y is not None and x is None) or (wanted.labels and x is not None and y is None):
            missing, there = (f"x_{name}", f"y_{name}") if x is None else (f"y_{name}", f"x_{name}")
            raise DataError(f"x_{name} and y_{name} come together.", received=f"{source} with {there} and no {missing}")
    return raw


def _with_test(raw: Raw, other: Raw, spec: DataSpec, task: Task | None) -> Raw:
    """A source with the samples of another as its test split: the other's own test split, if it has one, else all."""
    x, y = (other.x_train, other.y_train) if other.x_test is None else (other.x_test, other.y_test)
    if x is None or raw.x_train is None or (y is None) != (raw.y_train is None):
        raise DataError(
            "source gives training samples and test_source test samples.",
            received=f"{spec.source} and {spec.test_source}, of which one has none",
        )
    is_text = raw.preprocessing is not None and raw.preprocessing == other.preprocessing  # of any width
    shapes, others = _shapes(raw.x_train), _shapes(x)
    if not is_text and shapes != others:
        raise DataError(
            "Samples of source and test_source have one shape.",
            received=f"{', '.join(shapes.values())} and {', '.join(others.values())}",
        )
    unlike = _unlike_classes(raw, other, y) if y is not None and task in (None, "classification") else []
    if unlike:
        raise DataError(
            "source and test_source have the same classes.",
            received=f"only in one of them: {', '.join(unlike[:8])}",
            remedy="Correct the labels, or name the file that belongs to the training data.",
        )
    if y is not None and raw.label_names and other.label_names:
        indices = as_targets(y, "y_test", other.label_names, "classification")
        y = np.array([raw.label_names.index(name) for name in other.label_names])[indices]
    return replace(raw, x_test=x, y_test=y)


def _shapes(x: Samples) -> dict[str, str]:
    """Of one sample of every input, as messages say them."""
    return {name: str(list(array.shape[1:])) for name, array in sorted(each(x, "x").items())}


def _unlike_classes(raw: Raw, other: Raw, y: Array) -> list[str]:
    """Names in one source only; without names, indices that training does not know."""
    if raw.label_names and other.label_names:
        return sorted(set(raw.label_names) ^ set(other.label_names))
    if raw.y_train is None or not (is_labels(raw.y_train) and is_labels(y)):
        return []
    known = range(len(raw.label_names)) if raw.label_names else np.unique(raw.y_train)
    return [str(n) for n in np.setdiff1d(y, known)]


def _default(raw: Raw, trained: bool, dtype: str | None) -> Preprocessing:
    x = raw.x_train if raw.x_train is not None else raw.x_test
    if isinstance(x, Mapping):
        return Preprocessing([Cast()])
    if x is None or (trained and (x.dtype in (np.int8, np.int32, np.int64) or x.dtype.name == dtype)):
        return Preprocessing()  # integer features go in as they are
    operations: list[Any] = [Cast()]
    if not trained and x.dtype == np.uint8:
        operations.append(Rescale(scale=1 / 255))
    if not trained and x.dtype == np.int16:
        operations.append(Rescale(scale=1 / 32768))
    if x.dtype == np.uint8 and x.ndim == 3:
        operations.append(Reshape(shape=(*x.shape[1:], 1)))
    return Preprocessing(operations)

"""What a recipe or command line says of data, and the way from there to a Dataset."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgekit import registry
from edgekit.data import sources
from edgekit.data.dataset import Dataset, Raw, split
from edgekit.data.preprocessing import Cast, Preprocessing, Rescale, Reshape
from edgekit.data.sources import keras
from edgekit.errors import DataError, did_you_mean

__all__ = ["KNOWN_SOURCES", "DataSpec", "load_data"]

KNOWN_SOURCES = ("digits", *keras.LABELS)
"""Data sets that go by a name."""


class DataSpec(BaseModel):
    """Where samples come from and how they are split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        description="digits, a Keras data set's name, an .npz, a .csv, a folder of images by class, or module:function"
    )
    calibration: Annotated[int, Field(ge=1)] = Field(256, description="samples of the representative dataset")
    validation: Annotated[float, Field(gt=0, lt=1)] = Field(0.1, description="fraction of the training data")
    test: Annotated[float, Field(gt=0, lt=1)] = Field(0.2, description="fraction, where the source has no test split")
    preprocessing: tuple[str | dict[str, Any], ...] | None = Field(
        None, description="operations in order: cast, rescale, normalize, resize, grayscale, reshape"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value


def load_data(
    spec: str | DataSpec,
    *,
    seed: int = 0,
    trained: bool = False,
    preprocessing: Preprocessing | None = None,
    dtype: str | None = None,
) -> Dataset:
    """Read, check and split a data set.

    Args:
        spec: A DataSpec, or just its source.
        seed: Of the split.
        trained: The data goes to a model that comes trained; then samples are only cast, unless told otherwise.
            A model that is trained here gets 8-bit samples rescaled to 0..1 and 16-bit ones to -1..1.
        preprocessing: A trained model's own, which wins over the source's default.
        dtype: Of a trained model's input: samples that have it already go in as they are.

    Raises:
        DataError: The source is missing, damaged or breaks a rule.
    """
    if isinstance(spec, str):
        spec = DataSpec(source=spec)
    told = Preprocessing.parse(spec.preprocessing) if spec.preprocessing is not None else preprocessing
    raw = _read(spec.source, told)
    if told is None:
        told = raw.preprocessing if raw.preprocessing is not None else _default(raw, trained, dtype)
    return split(raw, told, calibration=spec.calibration, validation=spec.validation, test=spec.test, seed=seed)


def _read(source: str, preprocessing: Preprocessing | None) -> Raw:
    for name in sources.ORDER:
        module = registry.load(sources, name)
        if module.matches(source):
            raw: Raw = module.read(source, preprocessing)
            return raw
    raise DataError(
        "A data source is digits, a Keras data set's name, an .npz, a .csv, a folder of images or module:function.",
        received=repr(source),
        remedy=f"Check that the file exists. {did_you_mean(source, KNOWN_SOURCES)}",
    )


def _default(raw: Raw, trained: bool, dtype: str | None) -> Preprocessing:
    x = raw.x_train if raw.x_train is not None else raw.x_test
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

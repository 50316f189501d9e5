"""The representative dataset: real samples, bound to inputs by name, from which the converter takes its ranges."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.data.inputs import how_to_give
from edgekit.errors import ConversionError
from edgekit.tensors import Array

__all__ = ["Representative", "bound_samples"]

Representative = Array | Mapping[str, Array]
"""Calibration samples [N, ...] of the only input, or of each input by its name."""


def bound_samples(
    samples: Representative, inputs: Mapping[str, tuple[int | None, ...]], dtypes: Mapping[str, str]
) -> dict[str, Array]:
    """Samples [N, ...] of each input by its name, in the dtypes asked for.

    Args:
        samples: Preprocessed samples.
        inputs: Shape of one sample (without batch) for every input of the model.
        dtypes: numpy names of the dtypes to give, as the Keras model has them: float32, or int32 for indices.

    Raises:
        ConversionError: Names, shapes or lengths do not fit, or a value is not finite.
    """
    if not isinstance(samples, Mapping):
        if len(inputs) != 1:
            raise ConversionError(
                "A model with several inputs takes calibration samples by input name.",
                received="one array",
                remedy=how_to_give(inputs),
            )
        samples = {next(iter(inputs)): samples}
    if set(samples) != set(inputs):
        raise ConversionError(
            f"Calibration samples are bound to the model's inputs: {', '.join(inputs)}.",
            received=", ".join(samples) or "none",
            remedy=how_to_give(inputs),
        )
    lengths = {len(a) for a in samples.values()}
    if len(lengths) != 1 or not min(lengths):
        raise ConversionError(
            "Calibration takes the same number of samples, at least one, for every input.",
            received=", ".join(f"{len(array)} for {name!r}" for name, array in samples.items()),
        )
    for name, array in samples.items():
        expected, given = inputs[name], array.shape[1:]
        if len(expected) != len(given) or any(e not in (None, g) for e, g in zip(expected, given, strict=True)):
            raise ConversionError(
                f"Calibration samples of {name!r} must have the shape {list(expected)}.", received=list(given)
            )
        if not np.isfinite(array).all():
            raise ConversionError("Calibration samples must be finite.", received=f"NaN or infinity in {name!r}")

    return {name: array.astype(dtypes.get(name, array.dtype), copy=False) for name, array in samples.items()}

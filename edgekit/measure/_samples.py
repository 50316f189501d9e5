"""Samples as the user has them, matched to a model's inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from edgekit.errors import DataError, ModelError, did_you_mean
from edgekit.tensors import Array, TensorSpec, travel_dtype

__all__ = ["by_input", "named"]


def by_input(x: Array | Mapping[str, Array], specs: Sequence[TensorSpec]) -> list[Array]:
    """One array [n, ...] per input: all with the input's batch dimension replaced by n, or all with n put before it.

    Raises:
        ModelError: Names, shapes or dtypes do not fit the model.
        DataError: There are no samples, or not the same number for every input.
    """
    samples = named(x, specs) if isinstance(x, Mapping) else [np.asarray(x)]
    if len(samples) != len(specs):
        names = ", ".join(repr(_short(spec.name)) for spec in specs)
        raise ModelError(
            f"The model has {len(specs)} inputs: {names}.",
            received=f"{len(samples)} array{'s' * (len(samples) != 1)}",
            remedy="Give a dict with one array for each name.",
        )
    counts = {len(values) if values.ndim else 0 for values in samples}
    if len(counts) > 1 or 0 in counts:
        raise DataError(
            "Every input needs the same number of samples, at least one.",
            received=f"shapes {', '.join(str(list(values.shape)) for values in samples)}",
        )
    for values, spec in zip(samples, specs, strict=True):
        travel_dtype(values, spec)
    return _aligned(samples, specs)


def named(x: Mapping[str, Array], specs: Sequence[TensorSpec]) -> list[Array]:
    """The array of every input, by the tensor's name or by what the model's author calls it.

    Raises:
        ModelError: Names are missing, or there are others.
    """
    given = {name: np.asarray(values) for name, values in x.items()}
    keys = [_key(spec.name, given) for spec in specs]
    found = [given.pop(key, None) if key is not None else None for key in keys]
    missing = [_short(spec.name) for spec, values in zip(specs, found, strict=True) if values is None]
    if missing or given:
        names = [_short(spec.name) for spec in specs]
        raise ModelError(
            f"The model's inputs are {', '.join(map(repr, names))}.",
            received=", ".join(map(repr, x)) or "no names",
            remedy=did_you_mean(next(iter(given)), names) if given else f"Add {', '.join(map(repr, missing))}.",
        )
    return [values for values in found if values is not None]


def _key(tensor: str, given: Mapping[str, Array]) -> str | None:
    """Which name is meant; a file spells signs in another way."""
    for name in (tensor, _short(tensor)):
        if name in given:
            return name
    plain = {name: re.sub(r"\W", "_", name, flags=re.ASCII) for name in given}
    fitting = [name for name, text in plain.items() if _short(tensor) in (text, f"input_{text}")]
    return fitting[0] if len(fitting) == 1 else None


def _short(name: str) -> str:
    """The name that the model's author gave: the converter makes "serving_default_image:0" of "image"."""
    return name.removeprefix("serving_default_").removesuffix(":0")


def _aligned(samples: Sequence[Array], specs: Sequence[TensorSpec]) -> list[Array]:
    pairs = list(zip(samples, specs, strict=True))
    batched = [_as_batched(values, spec) for values, spec in pairs]
    if all(values is not None for values in batched):
        return [values for values in batched if values is not None]
    whole = [_as_whole(values, spec) for values, spec in pairs]
    for (values, spec), a, b in zip(pairs, batched, whole, strict=True):
        if b is None:
            want = _wanted(spec)[1:] if a is None and spec.shape else _wanted(spec)
            raise ModelError(
                f"One sample for the input {_short(spec.name)!r} must have the shape {want}.",
                received=f"shape {list(values.shape[1:])} (array {list(values.shape)})",
                remedy="Resize or reshape the samples as the model was trained.",
            )
    return [values for values in whole if values is not None]


def _as_batched(values: Array, spec: TensorSpec) -> Array | None:
    if spec.shape and _fits(values.shape[1:], _wanted(spec)[1:]):
        return values
    if spec.shape[:1] == (1,) and _fits(values.shape[1:], [1, *_wanted(spec)[1:]]):
        return values.reshape(len(values), *values.shape[2:])
    return None


def _as_whole(values: Array, spec: TensorSpec) -> Array | None:
    if _fits(values.shape[1:], _wanted(spec)):
        return values
    if spec.shape[:1] == (1,) and _fits(values.shape[1:], _wanted(spec)[1:]):
        return values[:, np.newaxis]
    return None


def _wanted(spec: TensorSpec) -> list[int]:
    return list(spec.signature or spec.shape)


def _fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    return len(shape) == len(wanted) and all(w in (-1, n) for n, w in zip(shape, wanted, strict=True))

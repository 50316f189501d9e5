"""`module:function`: your own code, which gives a mapping or tuple of x_train, y_train, x_test, y_test.

For a model with several inputs, x_train and x_test are mappings from the input's name to its array.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgekit import registry
from edgekit.data.dataset import Raw, Samples, Wanted
from edgekit.errors import DataError
from edgekit.tensors import Array


def matches(source: str) -> bool:
    return registry.is_reference(source)


def read(source: str, wanted: Wanted) -> Raw:
    found: Any = registry.call(source)
    if isinstance(found, Mapping):
        parts = dict(found)
    elif isinstance(found, tuple) and len(found) in (2, 4):
        parts = dict(zip(("x_train", "y_train", "x_test", "y_test"), found, strict=False))
    else:
        raise DataError(
            "A data function gives (x_train, y_train[, x_test, y_test]) or a mapping of these names.",
            received=f"{type(found).__name__} from {source}",
        )
    if "x_train" not in parts and "x_test" not in parts:
        raise DataError("A data function gives x_train or x_test.", received=f"{', '.join(parts)} from {source}")
    x_train, x_test = (_samples(parts.get(name), name, source) for name in ("x_train", "x_test"))
    y_train, y_test, names = (_array(parts.get(n), n, source) for n in ("y_train", "y_test", "label_names"))
    return Raw(x_train, y_train, x_test, y_test, () if names is None else tuple(str(n) for n in names.ravel()))


def _samples(value: Any, name: str, source: str) -> Samples | None:
    """One array, or one for each input by its name."""
    if not isinstance(value, Mapping):
        return _array(value, name, source)
    arrays = {str(key): _array(part, f"{name}/{key}", source) for key, part in value.items()}
    return {key: array for key, array in arrays.items() if array is not None}


def _array(value: Any, name: str, source: str) -> Array | None:
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype == object:
        raise DataError("Arrays of a data set are numeric.", received=f"objects in {name} from {source}")
    return array

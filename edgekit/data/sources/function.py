"""`module:function`: your own code, which gives a mapping or tuple of x_train, y_train, x_test, y_test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgekit import registry
from edgekit.data.dataset import Raw
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError


def matches(source: str) -> bool:
    return registry.is_reference(source)


def read(source: str, preprocessing: Preprocessing | None) -> Raw:
    found: Any = registry.call(source)
    if isinstance(found, Mapping):
        arrays = {k: np.asarray(v) for k, v in found.items()}
    elif isinstance(found, tuple) and len(found) in (2, 4):
        arrays = dict(zip(("x_train", "y_train", "x_test", "y_test"), map(np.asarray, found), strict=False))
    else:
        raise DataError(
            "A data function gives (x_train, y_train[, x_test, y_test]) or a mapping of these names.",
            received=f"{type(found).__name__} from {source}",
        )
    if "x_train" not in arrays and "x_test" not in arrays:
        raise DataError("A data function gives x_train or x_test.", received=f"{', '.join(arrays)} from {source}")
    objects = [k for k, v in arrays.items() if v.dtype == object]
    if objects:
        raise DataError("Arrays of a data set are numeric.", received=f"objects in {', '.join(objects)} from {source}")
    names = tuple(str(n) for n in arrays.get("label_names", np.array([], dtype=str)).ravel())
    return Raw(arrays.get("x_train"), arrays.get("y_train"), arrays.get("x_test"), arrays.get("y_test"), names)

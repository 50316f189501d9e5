"""`.npz` with x_train, y_train, x_test, y_test and, if you like, label_names. Pickled arrays are refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from edgekit.data.dataset import Array, Raw
from edgekit.data.labels import MOST
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError, did_you_mean
from edgekit.npz import read_npz

KEYS = ("x_train", "y_train", "x_test", "y_test", "label_names")


def matches(source: str) -> bool:
    return source.endswith(".npz")


def read(source: str, preprocessing: Preprocessing | None) -> Raw:
    path = Path(source)
    if not os.path.lexists(path):
        raise DataError("An .npz data set must exist.", received=repr(source), remedy="Check the path.")
    found, arrays = read_npz(
        path, KEYS, what="An .npz data set", remedy="If it is damaged or truncated, copy or make it again."
    )
    pairs = [(f"x_{s}", f"y_{s}") for s in ("train", "test")]
    for x, y in pairs:
        if (x in arrays) != (y in arrays):
            raise DataError(f"{x} and {y} come together.", received=f"{source} with {', '.join(found)}")
    if not any(x in arrays for x, _ in pairs):
        hint = did_you_mean("x_train", found) if found else ""
        raise DataError(
            "An .npz data set holds x_train, y_train, x_test, y_test[, label_names].",
            received=f"{source} with {', '.join(found) or 'nothing'}",
            remedy=f"Rename its arrays. {hint}".strip(),
        )
    names: Array = arrays.get("label_names", np.array([], dtype=str))
    if names.size > MOST:
        raise DataError(f"A data set has at most {MOST:,} label_names.", received=f"{source} with {names.size:,}")
    return Raw(
        arrays.get("x_train"),
        arrays.get("y_train"),
        arrays.get("x_test"),
        arrays.get("y_test"),
        tuple(str(n) for n in names.ravel()),
    )

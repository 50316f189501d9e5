"""`.npz` with x_train, y_train, x_test, y_test and, if you like, label_names. Pickled arrays are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.data.dataset import Array, Raw
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError, did_you_mean

KEYS = ("x_train", "y_train", "x_test", "y_test", "label_names")


def matches(source: str) -> bool:
    return source.endswith(".npz")


def read(source: str, preprocessing: Preprocessing | None) -> Raw:
    path = Path(source)
    if not path.is_file():
        raise DataError("An .npz data set must exist.", received=repr(source), remedy="Check the path.")
    if not path.stat().st_size:
        raise DataError("An .npz data set must hold arrays.", received=f"{source}, an empty file")
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = list(archive.files)
            arrays = {k: archive[k] for k in KEYS if k in found}
    except Exception as error:  # zipfile, zlib and numpy raise errors of every kind on damaged bytes
        if "pickle" in str(error):
            raise DataError(
                "An .npz data set holds plain arrays; pickled objects can run code and are refused.",
                received=source,
                remedy="Save each array with a numeric or fixed-length text dtype.",
            ) from None
        raise DataError(
            "An .npz data set must be a complete numpy archive.",
            received=f"{source} ({error})",
            remedy="It is damaged or truncated: copy or make it again.",
        ) from None
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
    return Raw(
        arrays.get("x_train"),
        arrays.get("y_train"),
        arrays.get("x_test"),
        arrays.get("y_test"),
        tuple(str(n) for n in names.ravel()),
    )

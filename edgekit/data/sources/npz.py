"""`.npz` with x_train, y_train, x_test, y_test and, if you like, label_names. Pickled arrays are refused.

For a model with several inputs there is an array for each: x_train/NAME and, if you like, x_test/NAME. A job that needs
no labels takes arrays without them, and also an archive of nothing but arrays that are called as the inputs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgekit.data.dataset import Raw, Samples, Wanted
from edgekit.data.labels import MOST
from edgekit.errors import DataError, did_you_mean
from edgekit.npz import read_npz
from edgekit.tensors import Array

KEYS = ("x_train", "y_train", "x_test", "y_test", "label_names")
WHAT = "An .npz data set"
REMEDY = "If it is damaged or truncated, copy or make it again."


def matches(source: str) -> bool:
    """Whether a source is an .npz file."""
    return source.endswith(".npz")


def read(source: str, wanted: Wanted) -> Raw:
    """Read the arrays."""
    path = Path(source)
    if not os.path.lexists(path):
        raise DataError("An .npz data set must exist.", received=repr(source), remedy="Check the path.")
    names, _ = read_npz(path, (), what=WHAT, remedy=REMEDY)
    known = [name for name in names if name in KEYS or name.startswith(("x_train/", "x_test/"))]
    if wanted.labels or known:
        _check_names(source, names, known)
    _, arrays = read_npz(path, known or names, what=WHAT, remedy=REMEDY)
    if not known:
        return Raw(arrays, None)
    labels: Array = arrays.get("label_names", np.array([], dtype=str))
    if labels.size > MOST:
        raise DataError(f"A data set has at most {MOST:,} label_names.", received=f"{source} with {labels.size:,}")
    return Raw(
        _samples(arrays, "x_train"),
        arrays.get("y_train"),
        _samples(arrays, "x_test"),
        arrays.get("y_test"),
        tuple(str(n) for n in labels.ravel()),
    )


def _check_names(source: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Samples are there, in one array or in one for each input.

    Raises:
        DataError: They are not.
    """
    groups = {name.partition("/")[0] for name in known}
    for group in ("x_train", "x_test"):
        if group in known and any(name.startswith(f"{group}/") for name in known):
            raise DataError(
                f"Samples are one array, {group}, or one for each input, {group}/NAME.",
                received=f"{source} with both",
            )
    if groups.isdisjoint(("x_train", "x_test")):
        hint = did_you_mean("x_train", names) if names else ""
        raise DataError(
            "An .npz data set holds x_train, y_train, x_test, y_test[, label_names]; for several inputs x_train/NAME.",
            received=f"{source} with {', '.join(names) or 'nothing'}",
            remedy=f"Rename its arrays. {hint}".strip(),
        )


def _samples(arrays: Mapping[str, Array], group: str) -> Samples | None:
    """The array of that name, or those of `group/NAME` by NAME."""
    named = {name.partition("/")[2]: array for name, array in arrays.items() if name.startswith(f"{group}/")}
    return named or arrays.get(group)

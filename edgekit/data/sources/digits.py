"""`digits`: 1,797 real hand-written digits, 8x8 pixels of 0..16, embedded in scikit-learn."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from edgekit.data.dataset import Raw, Wanted
from edgekit.data.preprocessing import Cast, Preprocessing, Rescale
from edgekit.errors import MissingDependency
from edgekit.tensors import Array

CLASSES = 10


def matches(source: str) -> bool:
    """Whether a source is the name digits."""
    return source == "digits"


def read(source: str, wanted: Wanted) -> Raw:
    """Read the digits."""
    rows = _rows()
    x = rows[:, :-1].reshape(-1, 8, 8, 1).astype(np.uint8)
    names = tuple(str(n) for n in range(CLASSES))
    preprocessing = Preprocessing([Cast(), Rescale(scale=1 / 16)])
    return Raw(x, rows[:, -1].astype(np.int64), label_names=names, preprocessing=preprocessing)


def _rows() -> Array:
    """The 64 pixels and the digit of each sample, read where the file lies: the package takes seconds to load."""
    folder = _package()
    if folder is None:
        raise MissingDependency(
            "The data set digits comes with scikit-learn, which is not installed.",
            remedy="Install it with: pip install 'edgekit[train]'",
        )
    file = folder / "datasets" / "data" / "digits.csv.gz"
    if file.is_file():
        return np.loadtxt(file, delimiter=",", dtype=np.float32)
    from sklearn.datasets import load_digits  # it keeps its files elsewhere now

    pixels, digits = load_digits(return_X_y=True)
    return np.column_stack([pixels, digits])


def _package() -> Path | None:
    """Where scikit-learn is installed."""
    try:
        spec = importlib.util.find_spec("sklearn")
    except (ImportError, ValueError):
        return None
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None

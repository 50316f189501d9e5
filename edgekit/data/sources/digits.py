"""`digits`: 1,797 real hand-written digits, 8x8 pixels of 0..16, embedded in scikit-learn."""

from __future__ import annotations

import numpy as np

from edgekit.data.dataset import Raw, Wanted
from edgekit.data.preprocessing import Cast, Preprocessing, Rescale
from edgekit.errors import MissingDependency


def matches(source: str) -> bool:
    return source == "digits"


def read(source: str, wanted: Wanted) -> Raw:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise MissingDependency(
            "The data set digits comes with scikit-learn, which is not installed.",
            remedy="Install it with: pip install 'edgekit[train]'",
        ) from error
    digits = load_digits()
    x = digits.images.astype(np.uint8)[..., np.newaxis]
    names = tuple(str(n) for n in digits.target_names)
    return Raw(x, digits.target, label_names=names, preprocessing=Preprocessing([Cast(), Rescale(scale=1 / 16)]))

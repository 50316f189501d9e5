"""Keras data sets by name, downloaded once and cached under ~/.keras."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.data.dataset import Raw, Wanted
from edgekit.errors import DataError

LABELS: dict[str, tuple[str, ...]] = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    "cifar100": (),
}  # fmt: skip


def matches(source: str) -> bool:
    """Whether a source is the name of a Keras data set."""
    return source in LABELS


def read(source: str, wanted: Wanted) -> Raw:
    """Read the data set, which Keras downloads on first use."""
    loader: Any = getattr(_tf.tf_keras().datasets, source)
    try:
        (x, y), (x_test, y_test) = loader.load_data()
    except Exception as error:  # urllib, socket and checksum errors, each wrapped by Keras in its own way
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise DataError(
            f"The Keras data set {source} is downloaded on first use, which needs the network.",
            received=reason,
            remedy="Run once with a network, put the file under ~/.keras/datasets, or name an .npz.",
        ) from None
    return Raw(x, y, x_test, y_test, LABELS[source])

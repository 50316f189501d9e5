"""Save a tf_keras model, also one wrapped for quantisation-aware training, so that `load_model` gives it back."""

from __future__ import annotations

import warnings
from pathlib import Path

from edgekit.artifact import write_atomically
from edgekit.keras.types import KerasModel

__all__ = ["save_model"]


def save_model(model: KerasModel, path: Path) -> None:
    """Write a tf_keras model as HDF5, without its optimiser.

    HDF5 is what TF-MOT's wrappers survive: the newer `.keras` format does not restore their quantisers.

    Args:
        model: A tf_keras Functional or Sequential model.
        path: Ends in `.h5`.
    """
    with write_atomically(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "HDF5 is considered legacy"
        model.save(temporary, include_optimizer=False, save_format="h5")

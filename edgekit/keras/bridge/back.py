"""From tf_keras to Keras 3: the way back, for models that hold nothing that Keras 3 lacks."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge.compare import check_close, random_inputs
from edgekit.keras.bridge.replay import leaves, pack, reason
from edgekit.keras.kinds import is_of_tfmot
from edgekit.keras.saving import save_model
from edgekit.keras.types import KerasModel

__all__ = ["to_keras3"]

_USE_TF_KERAS = "Use the tf_keras model, for example result.model('baseline')."


def to_keras3(model: KerasModel, *, seed: int = 0) -> Any:
    """The same model in Keras 3, of whichever backend is in use, run beside the old one before it is returned.

    Args:
        model: A flat tf_keras model.
        seed: Seed of the random inputs of the comparison.

    Returns:
        A Keras 3 model, not compiled.

    Raises:
        ModelError: It holds TF-MOT's wrappers or another layer that Keras 3 lacks, or the outputs differ by more than
            1e-4, relative to the outputs where they exceed 1.
    """
    wrapped = [layer.name for layer in model.layers if is_of_tfmot(layer)]
    if wrapped:
        raise ModelError(
            "Keras 3 has no layers for quantisation-aware training.",
            received=f"{wrapped[0]!r} and {len(wrapped) - 1} more" if wrapped[1:] else repr(wrapped[0]),
            remedy="Take the model of a step before qat, for example keras3('baseline').",
        )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.h5"  # the one form that Keras 3 reads of Keras 2
        save_model(model, path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                new = _tf.keras3().models.load_model(path, compile=False)
        except Exception as error:  # Keras raises every kind of error on what it does not know
            raise ModelError(
                "Keras 3 must know every layer of the model.",
                received=reason(error),
                remedy=_USE_TF_KERAS,
            ) from error
    _check_same(model, new, seed)
    return new


def _check_same(old: KerasModel, new: KerasModel, seed: int) -> None:
    inputs = random_inputs(old, seed=seed)
    arrays = pack(inputs, {id(value): np.asarray(value) for value in leaves(inputs)})
    expected = [np.asarray(out) for out in leaves(old(inputs, training=False))]
    received = [np.asarray(out) for out in leaves(new.predict_on_batch(arrays))]
    check_close(expected, received, "Keras 3 model", _USE_TF_KERAS)

"""Opening up the models nested in a tf_keras model, because TF-MOT takes only flat ones."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge.compare import assert_same_outputs
from edgekit.keras.rewriting import Copies, TfKerasReader, replayed, reserved_names
from edgekit.keras.types import KerasModel

__all__ = ["flatten"]


def flatten(model: KerasModel) -> Any:
    """Rebuild a tf_keras model without nested models.

    The layers are copies that keep their names ("outer_inner" where two clash), weights and trainability; a layer that
    is called twice stays one layer. Where a nested model was called with `training=False`, its layers are. Both
    models are run on seeded random inputs before the new one is returned.

    Args:
        model: A built tf_keras Functional or Sequential model.

    Returns:
        A tf_keras Functional model, not compiled; the model itself if nothing is nested in it.

    Raises:
        ModelError: The model or one inside it is subclassed or not built, a layer cannot be copied from its config, or
            the outputs differ.
    """
    tf_keras, reader = _tf.tf_keras(), TfKerasReader()
    if not isinstance(model, tf_keras.Model):
        raise ModelError(
            "flatten takes a tf_keras model.",
            received=f"{type(model).__module__.partition('.')[0]} {type(model).__name__}",
            remedy="edgekit.keras.bridge turns a Keras 3 model into one.",
        )
    reader.graph(model)  # refuses a model that has none
    if not any(reader.is_model(layer) for layer in model.layers):
        return model
    flat = replayed(model, Copies(reserved_names(model)).call)
    assert_same_outputs(model, flat)
    return flat

"""Which classes of a model are neither Keras's nor EdgeKit's: a child process or a file of the model lacks them."""

from __future__ import annotations

from edgekit import _tf
from edgekit.keras.types import KerasLayer, KerasModel

__all__ = ["needs_autograph", "own_classes"]

_LIBRARIES = ("edgekit", "keras", "tensorflow", "tensorflow_model_optimization", "tf_keras")


def own_classes(model: KerasModel) -> dict[str, type]:
    """Classes of a tf_keras model's layers and cells that the user has written, by the names that files give them."""
    kinds = {type(part) for part in model.submodules} | {type(layer) for layer in model.layers}
    own = [kind for kind in kinds if _is_own(kind)]
    return {_tf.tf_keras().utils.get_registered_name(kind): kind for kind in own}


def needs_autograph(model: KerasModel) -> bool:
    """Whether a `tf.function` that calls a tf_keras model must let AutoGraph rewrite Python's `if` and `for` in it.

    They stand in layers that somebody wrote and in functions that layers call. Without, AutoGraph would rewrite only
    the function around the model, which takes a seventh of the time that a small model is converted in.
    """
    keras = _tf.tf_keras()
    parts = [part for part in (model, *model.submodules) if isinstance(part, keras.layers.Layer)]
    called = [part for part in parts if not isinstance(part, keras.metrics.Metric)]
    return any("Lambda" in type(part).__name__ or _is_rewritten(part) for part in called)


def _is_rewritten(layer: KerasModel | KerasLayer) -> bool:
    """Whether tf_keras lets AutoGraph rewrite the layer's `call`."""
    asked = getattr(layer, "_should_use_autograph", None)
    return asked is None or bool(asked())


def _is_own(kind: type) -> bool:
    return kind.__module__.partition(".")[0] not in _LIBRARIES or getattr(kind, "holds_own_code", False)
